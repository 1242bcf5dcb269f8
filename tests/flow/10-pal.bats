#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# PALs (Fig. 10), in plain mode: foreign SIP user agents over TCP do what the
# figure says, and the recording shows its steps in the seed's order.
#
#   A (ann)                  PAL manager                   C (cyd)
#    | 1002 SUBSCRIBE C -------->| 1004 may she?              |
#    |<--- 200, C's data --------|                            |
#    |                           |<------------ REGISTER -----|  1006
#    |                           |-- 1008 SUBSCRIBE C, ------>|
#    |                           |   From the PAL manager     |
#    |                           |<-- 1010 200, C's data -----|
#    |<--- 1012 NOTIFY ----------|                            |
#    |                           |<- SUBSCRIBE, Expires: 0 ---|  who watches me?
#    |                           |-- 200, A and others ------>|

load ../lib/lab
load ../lib/sip

setup_file() { lab_up --plain --wire "$BATS_FILE_TMPDIR/wire.pcap"; }
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() { show_logs; }

# comes VARIABLE USER: he registers, and has a connection that is known.
comes() {
	register "$2"
	sip_open "$1" "$(server_addr pal)"
	sip_request "${!1}" "$2" OPTIONS sip:pal.lab.test \
	    "<sip:pal.lab.test>" "o$2$RANDOM" 1 ""
	sip_until "${!1}" '^SIP/2.0 200' options
}

# ask FD USER METHOD URI CALL-ID BODY [LINE...]: an answer, in `answer`; what
# else comes before it is answered with 200 and forgotten.
ask() {
	local fd=$1 user=$2 method=$3 uri=$4 id=$5 body=$6
	shift 6
	sip_request "$fd" "$user" "$method" "$uri" "<$uri>" "$id" 1 "$body" \
	    "Event: presence" "Contact: <sip:$user@foreign.invalid>" "$@"
	answered "$fd"
}
answered() { # FD: the next answer
	sip_recv "$1" >answer
	until [[ $(head -n 1 answer) == SIP/2.0* ]]; do
		sip_answer "$1" answer "200 OK" ""
		sip_recv "$1" >answer
	done
	sed -n '1s/^SIP.2.0 \(...\).*/\1/p' answer >status
}
status_is() { [ "$(cat status)" = "$1" ]; }

line="Content-Type: application/sec-control"

add() { # FD USER URI [FIELDS]
	ask "$1" "$2" SUBSCRIBE "$3" "a$RANDOM$RANDOM" "entry${4+$'\t'$4}" \
	    "Expires: 0" "$line"
}
watch_own() { # FD USER: his PAL, in `answer`
	ask "$1" "$2" SUBSCRIBE "sip:$2@lab.test" "w$2$RANDOM" "" \
	    "Expires: 600"
	status_is 200
	cp answer own
}
fetch() { # FD USER URI
	ask "$1" "$2" SUBSCRIBE "$3" "f$RANDOM$RANDOM" "" "Expires: 0"
}
publish() { # FD USER FIELDS
	ask "$1" "$2" PUBLISH "sip:$2@lab.test" "p$RANDOM$RANDOM" "$3" "$line"
	status_is 200
}
# told FD: the next NOTIFY, answered, in `news`.
told() {
	sip_until "$1" '^NOTIFY ' news
	sip_answer "$1" news "200 OK" ""
}
# told_that FD PATTERN: NOTIFYs until one says so.
told_that() {
	told "$1"
	until grep -qE "$2" news; do told "$1"; done
}
version() { # FILE
	sed -n 's/^doc.*	version=\([0-9]*\).*/\1/p' "$1"
}
# configured LINE: the running sec-pal has it.
configured() {
	echo "$1" >>"$SEC_DIR/etc/sec.conf"
	hup
}
quiet() { # FD USER: nothing but the answer to OPTIONS is there to be read
	sip_request "$1" "$2" OPTIONS sip:pal.lab.test "<sip:pal.lab.test>" \
	    "q$RANDOM$RANDOM" 1 ""
	sip_recv "$1" >first
	[[ $(head -n 1 first) == "SIP/2.0 200"* ]]
}

@test "S159 S160 S161: A subscribes to C, who was never there" {
	comes a ann
	ask "$a" ann SUBSCRIBE sip:cyd@lab.test fig10 "" "Expires: 600"
	status_is 200
	grep -q '^doc	uri=sip:cyd@lab.test	version=.*state=full' answer
	grep -qE '^entry	sip:cyd@lab.test	type=user	status=offline	class=offline$' \
	    answer
	[ "$(field answer Expires)" = 600 ]
	# Fig. 10, 1006: he comes.
	register cyd
	told "$a"
	[ "$(field news Call-ID)" = fig10 ]
	grep -q '^entry	sip:cyd@lab.test.*	status=available	class=available' news
	sip_open c "$(server_addr pal)"
	sip_request "$c" cyd OPTIONS sip:pal.lab.test "<sip:pal.lab.test>" \
	    ocyd 1 ""
	# 1008: one subscription to him, that says who watches.
	sip_until "$c" '^SUBSCRIBE ' back
	[ "$(head -n 1 back)" = "SUBSCRIBE sip:cyd@lab.test SIP/2.0" ]
	[[ $(field back From) == "<sip:pal.lab.test>"* ]]
	[ "$(field back Event)" = presence ]
	[ "$(field back Expires)" = 3600 ]
	[ "$(sed '1,/^$/d' back)" = \
	    "watcher	user=sip:ann@lab.test	state=new" ]
	# 1010: his data; 1012: to A.
	sip_answer "$c" back "200 OK" \
	    $'doc\turi=sip:cyd@lab.test\tversion=1\tstate=full\tpart=1/1\nentry\tsip:cyd@lab.test\ttype=user\tstatus=busy\tclass=busy\tnote=on the phone\n' \
	    "Expires: 3600" "Contact: <sip:cyd@foreign.invalid>" \
	    "Content-Type: application/sec-pal"
	told "$a"
	grep -q '	status=busy	class=busy.*	note=on the phone' news
	# S165: however many watch, that dialog is the only one.
	comes b ben
	add "$b" ben sip:cyd@lab.test
	status_is 200
	grep -q '^doc	uri=sip:ben@lab.test' answer
	grep -q '^entry	sip:cyd@lab.test.*	status=busy' answer
	sip_until "$c" '^SUBSCRIBE ' more
	[ "$(field more Call-ID)" = "$(field back Call-ID)" ]
	[[ $(field more To) == *tag=* ]]
	[ "$(sed '1,/^$/d' more)" = \
	    "watcher	user=sip:ben@lab.test	state=new" ]
	sip_answer "$c" more "200 OK" "" "Expires: 3600"
	# S166: who watches me?
	fetch "$c" cyd sip:pal.lab.test
	status_is 200
	[ "$(grep -o '^entry	[^	]*	type=user' answer)" = \
	    $'entry\tsip:ann@lab.test\ttype=user\nentry\tsip:ben@lab.test\ttype=user' ]
	ask "$c" cyd SUBSCRIBE sip:pal.lab.test "long" "" "Expires: 600"
	status_is 403
	# They leave, one by one; then the subscription ends.
	publish "$b" ben $'rm\tentry=sip:cyd@lab.test'
	sip_until "$c" '^SUBSCRIBE ' more
	[ "$(sed '1,/^$/d' more)" = \
	    "watcher	user=sip:ben@lab.test	state=gone" ]
	[ "$(field more Expires)" = 3600 ]
	sip_answer "$c" more "200 OK" "" "Expires: 3600"
	sip_request "$a" ann SUBSCRIBE sip:cyd@lab.test "$(field news From)" \
	    fig10 2 "" "Event: presence" "Expires: 0"
	answered "$a"
	status_is 200
	sip_until "$c" '^SUBSCRIBE ' more
	[ "$(sed '1,/^$/d' more)" = \
	    "watcher	user=sip:ann@lab.test	state=gone" ]
	[ "$(field more Expires)" = 0 ]
	sip_answer "$c" more "200 OK" "" "Expires: 0"
	fetch "$c" cyd sip:pal.lab.test
	run ! grep -q '^entry' answer
	for f in "$a" "$b" "$c"; do sip_close "$f"; done
}

@test "S159-S166: the recording has the steps of Fig. 10 in their order" {
	tshark -r "$SEC_DIR/wire.pcap" -Y 'tcp.len > 0' -T fields \
	    -e tcp.payload 2>/dev/null | while read -r hex; do
		xxd -r -p <<<"$hex" | tr -d '\r'
		echo
	done >lines
	in_order lines '^SUBSCRIBE sip:cyd@lab.test SIP' '^Call-ID: fig10' \
	    '^SIP/2.0 200' '^entry.*sip:cyd@lab.test.*status=offline' \
	    '^REGISTER ' '^From: <sip:cyd@lab.test>' \
	    '^SUBSCRIBE sip:cyd@lab.test SIP' '^From: <sip:pal.lab.test>' \
	    '^watcher.*sip:ann@lab.test.*state=new' \
	    '^SIP/2.0 200' '^entry.*sip:cyd@lab.test.*status=busy' \
	    '^NOTIFY ' '^entry.*sip:cyd@lab.test.*status=busy' \
	    '^SUBSCRIBE sip:pal.lab.test SIP' '^From: <sip:cyd@lab.test>' \
	    '^Expires: 0' '^entry.*sip:ann@lab.test'
	run -0 sh -c 'tshark -r "$SEC_DIR/wire.pcap" -d tcp.port==7321,sip \
	    -Y _ws.malformed 2>/dev/null'
	[ "$output" = "" ]
}

@test "S050 S056 S060 S061: a PAL is its owner's, is kept, and every device has it" {
	comes d dot
	add "$d" dot sip:eli@lab.test
	add "$d" dot tel:+15551234567 $'label=reception'
	status_is 200
	grep -q '^entry	tel:+15551234567	type=phone	note=reception	label=reception$' \
	    answer
	watch_own "$d" dot
	[ "$(grep -c '^entry' own)" = 2 ]
	# Nobody else's; nobody has more than he added.
	comes e eli
	watch_own "$e" eli
	run ! grep -q '^entry' own
	told_that "$d" 'sip:eli@lab.test.*status=available'
	# A new device is given it when it registers.
	register dot
	[ "$(grep -c '^entry' registered)" = 2 ]
	grep -q '^entry	sip:eli@lab.test.*status=available' registered
	# S013 S058: a word of one's own, with a class.
	publish "$e" eli $'status\tvalue=coffee\tclass=away\tnote=back soon'
	told_that "$d" 'status=coffee	class=away	since=[0-9]*	note=back soon'
	# Removed: told as such, and not there any more.
	publish "$d" dot $'rm\tentry=tel:+15551234567'
	told_that "$d" '^entry	tel:.15551234567	-$'
	fetch "$d" dot sip:dot@lab.test
	[ "$(grep -c '^entry' answer)" = 1 ]
	ask "$d" dot PUBLISH sip:dot@lab.test again \
	    $'rm\tentry=tel:+15551234567' "$line"
	status_is 404
	for f in "$d" "$e"; do sip_close "$f"; done
}

@test "S051 S052: what was not selected is not told, not once in a thousand" {
	comes f fay
	comes g gus
	add "$f" fay sip:gus@lab.test $'attrs=status'
	grep -qE '^entry	sip:gus@lab.test	type=user	status=available$' answer
	watch_own "$f" fay
	before=$(version own)
	for i in {1..1000}; do
		sip_request "$g" gus PUBLISH sip:gus@lab.test \
		    "<sip:gus@lab.test>" "th$i" 1 \
		    "status	value=available	note=$i" \
		    "Event: presence" "$line"
	done
	for i in {1..1000}; do
		answered "$g"
		status_is 200
	done
	quiet "$f" fay
	fetch "$f" fay sip:gus@lab.test
	grep -q 'note=1000	' answer
	# One that was selected: the next version, and nothing else.
	publish "$g" gus $'status\tvalue=away\tnote=x'
	told "$f"
	[ "$(version news)" = $((before + 1)) ]
	grep -qE '^entry	sip:gus@lab.test	type=user	status=away$' news
	# Another choice, by adding again.
	add "$f" fay sip:gus@lab.test $'attrs=status,note\tlabel=Gus'
	told "$f"
	grep -qE '^entry	sip:gus@lab.test	type=user	status=away	note=x	label=Gus$' \
	    news
	add "$f" fay sip:gus@lab.test $'attrs=Status'
	status_is 400
	# Removed and added again before the last news are answered: it is
	# there, whatever else is told of it.
	put_in() { # CALL-ID LABEL
		sip_request "$f" fay SUBSCRIBE sip:gus@lab.test \
		    "<sip:gus@lab.test>" "$1" 1 "entry	label=$2" \
		    "Event: presence" "Expires: 0" "$line"
	}
	put_in re1 first
	sip_request "$f" fay PUBLISH sip:fay@lab.test "<sip:fay@lab.test>" \
	    re2 1 $'rm\tentry=sip:gus@lab.test' "Event: presence" "$line"
	put_in re3 again
	told_that "$f" 'label=again'
	tail -n 1 news | grep -q 'label=again'
	for f in "$f" "$g"; do sip_close "$f"; done
}

@test "to nobody, to oneself, twice, for ever, not at all" {
	comes h hal
	# Nobody: somebody who never was; a thing that there is not.
	add "$h" hal sip:nobody@lab.test
	status_is 200
	grep -q '^entry	sip:nobody@lab.test	type=user	status=offline	class=offline$' \
	    answer
	for uri in sip:none@lamp.lab.test sip:none@nosuchtype.lab.test \
	    sip:none@conf.lab.test sip:none@elsewhere.test; do
		add "$h" hal "$uri"
		status_is 404
		ask "$h" hal SUBSCRIBE "$uri" "n${uri//[^a-z]/}" "" "Expires: 600"
		status_is 404
	done
	# Oneself.
	add "$h" hal sip:hal@lab.test
	status_is 200
	grep -q '^entry	sip:hal@lab.test.*status=available' answer
	# Twice is once.
	add "$h" hal sip:nobody@lab.test
	status_is 200
	watch_own "$h" hal
	[ "$(grep -c '^entry' own)" = 2 ]
	run -0 db pal.db "select count(*) from subscription where user = 'hal'"
	[ "$output" = 1 ]
	watch_own "$h" hal
	run -0 db pal.db "select count(*) from subscription where user = 'hal'"
	[ "$output" = 1 ]
	# Ten years are a day; a second is a minute; nothing said is an hour.
	for want in 315360000:86400 1:60; do
		ask "$h" hal SUBSCRIBE sip:nobody@lab.test "y${want%:*}" "" \
		    "Expires: ${want%:*}"
		status_is 200
		[ "$(field answer Expires)" = "${want#*:}" ]
	done
	ask "$h" hal SUBSCRIBE sip:nobody@lab.test "unsaid" ""
	[ "$(field answer Expires)" = 3600 ]
	# One more than he may have: nothing is left behind, and nobody has
	# watched.
	comes n nat
	cp "$SEC_DIR/etc/sec.conf" conf
	configured "user-subscriptions = 1"
	ask "$h" hal SUBSCRIBE sip:nat@lab.test "one-more" "" "Expires: 600"
	status_is 403
	cp conf "$SEC_DIR/etc/sec.conf"
	configured "# as before"
	fetch "$n" nat sip:pal.lab.test
	status_is 200
	run ! grep -q '^entry' answer
	sip_close "$n"
	# Expiry 0: once, and nothing is left behind.
	before=$(db pal.db "select count(*) from subscription")
	fetch "$h" hal sip:somebody@lab.test
	status_is 200
	[ "$(field answer Expires)" = 0 ]
	[ "$(db pal.db "select count(*) from subscription")" = "$before" ]
	# Another's PAL is not to be had, nor changed.
	ask "$h" hal PUBLISH sip:nobody@lab.test other \
	    $'rm\tentry=sip:hal@lab.test' "$line"
	status_is 403
	for body in rm $'rm\tentry=' 'nonsense' $'status\tvalue=A B' \
	    $'status\tvalue=away\tuntil=yesterday' \
	    $'status\tvalue=away\tuntil=1' $'status\tvalue=x\tclass=odd'; do
		ask "$h" hal PUBLISH sip:hal@lab.test "b$RANDOM$RANDOM" \
		    "$body" "$line"
		status_is 400
	done
	sip_close "$h"
}

@test "S062: a PAL of a thousand comes in parts, and a change alone" {
	comes i ida
	comes j joe
	for n in {1..1000}; do
		sip_request "$i" ida SUBSCRIBE "sip:u$n@lab.test" \
		    "<sip:u$n@lab.test>" "k$n" 1 "entry	label=number $n" \
		    "Event: presence" "Expires: 0" "$line"
	done
	for n in {1..1000}; do
		answered "$i"
		status_is 200
	done
	add "$i" ida sip:joe@lab.test
	ask "$i" ida SUBSCRIBE sip:ida@lab.test many "" "Expires: 600"
	status_is 200
	cp answer all
	v=$(version all)
	parts=$(sed -n 's/^doc.*	part=1.\([0-9]*\).*/\1/p' all)
	[ "$parts" -gt 1 ]
	for ((n = 2; n <= parts; n++)); do
		told "$i"
		[ "$(version news)" = "$v" ]
		grep -q "	state=full	part=$n/$parts" news
		cat news >>all
	done
	[ "$(grep '^entry' all | sort -u | wc -l)" = 1001 ]
	publish "$j" joe $'status\tvalue=busy'
	told "$i"
	grep -q "	state=partial	part=1/1" news
	[ "$(grep -c '^entry' news)" = 1 ]
	for f in "$i" "$j"; do sip_close "$f"; done
}

@test "a timed status ends by itself, also when nobody is there any more" {
	comes k kay
	comes l lou
	add "$l" lou sip:kay@lab.test
	watch_own "$l" lou
	publish "$k" kay $'status\tvalue=reading\tclass=away\tnote=mine'
	told_that "$l" 'status=reading'
	now=$(date +%s%3N)
	publish "$k" kay "status	value=lunch	class=away	until=$((now + 5000))"
	told_that "$l" 'status=lunch'
	told_that "$l" 'status=reading	class=away	since=[0-9]*	note=mine'
	# One within another, over sec-pal's death.
	now=$(date +%s%3N)
	publish "$k" kay "status	value=lunch	class=away	until=$((now + 60000))"
	publish "$k" kay "status	value=call	class=busy	until=$((now + 5000))"
	sip_close "$k"
	kill_daemon pal
	until_ok eval '[ "$(db pal.db "select value, until from status
	    where user = '\''kay'\''")" = "reading|0" ]'
	sip_close "$l"
}

@test "sec-pal is killed: PALs are there again, and no version goes back" {
	comes m mia
	add "$m" mia sip:ned@lab.test $'label=Ned'
	watch_own "$m" mia
	sip_close "$m"
	kill_daemon pal
	comes m mia
	grep -q '^entry	sip:ned@lab.test.*	label=Ned$' registered
	[ "$(version registered)" -gt "$(version own)" ]
	fetch "$m" mia sip:mia@lab.test
	[ "$(version answer)" -gt "$(version registered)" ]
	sip_close "$m"
}

@test "who does not read is not waited for" {
	comes o ora
	comes p pip
	comes q qiu
	for who in "$o ora" "$p pip"; do
		add ${who% *} ${who#* } sip:qiu@lab.test
		watch_own ${who% *} ${who#* }
	done
	# Ora reads nothing from now on.
	for n in {1..20}; do
		publish "$q" qiu "status	value=w$n	class=away"
		told_that "$p" "status=w$n	"
	done
	# She has one NOTIFY unanswered; then all that she missed, at once.
	sip_recv "$o" >news
	head -n 1 news | grep -q '^NOTIFY '
	grep -q 'status=w1	' news
	first=$(version news)
	sip_answer "$o" news "200 OK" ""
	told "$o"
	grep -q 'status=w20	' news
	[ "$(version news)" = $((first + 1)) ]
	quiet "$o" ora
	for f in "$o" "$p" "$q"; do sip_close "$f"; done
}

@test "a client vanishes without a word: its watchers are told, once" {
	comes r roy
	comes t tim
	add "$r" roy sip:sam@lab.test
	add "$r" roy sip:tim@lab.test
	watch_own "$r" roy
	configured "register-life = 5"
	comes s sam
	told_that "$r" 'sip:sam@lab.test.*status=available'
	# Something else that is told when all his time is over: his
	# registration's, and that of one without a connection (10 s).
	now=$(date +%s%3N)
	publish "$t" tim "status	value=lunch	class=away	until=$((now + 16000))"
	told_that "$r" 'sip:tim@lab.test.*status=lunch'
	before=$(version news)
	sip_close "$s"
	told "$r"
	[ "$(version news)" = $((before + 1)) ]
	grep -qE '^entry	sip:sam@lab.test	type=user	status=offline	class=offline	since=[0-9]+$' \
	    news
	# Not a NOTIFY in between: that would have been this version.
	told "$r"
	[ "$(version news)" = $((before + 2)) ]
	grep -qE '^entry	sip:tim@lab.test.*	status=available' news
	[ "$(grep -c '^entry' news)" = 1 ]
	sed -i '/register-life/d' "$SEC_DIR/etc/sec.conf"
	configured "# as before"
	for f in "$r" "$t"; do sip_close "$f"; done
}
