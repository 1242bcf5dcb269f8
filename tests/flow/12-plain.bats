#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Plain mode, the seed's unencrypted embodiments (S081, S096): a foreign SIP
# user agent over TCP walks through Figs 5, 6, 7 and 8, and the recording
# shows their steps in the seed's order.
#
#   foreign agent              sec-pal    sec-confctl   sec-mtcu
#    | REGISTER ----------------->|            |            |   Fig. 5
#    | INVITE conference@ ------------------->|             |   602
#    |                            |<-----------|------------>|  606, 608
#    |<-------------------------------- 302 --|             |   612
#    | INVITE the id, SDP ------------------->|------------>|   614, 618
#    |<-------------------------------- 200 --|             |   624
#    | SUBSCRIBE ---------------->|            |            |   626
#    | INVITE Proposed: other --------------->| INVITE other|   702, 706
#    | MESSAGE ------------------------------------------- >|   802
#    |<---------------------------------------- MESSAGE ----|   808

load ../lib/lab
load ../lib/sip

setup_file() { lab_up --plain --wire "$BATS_FILE_TMPDIR/wire.pcap"; }
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() { show_logs; }

sdp() { # PORT: an offer of text
	printf 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n'
	printf 'c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message %d TCP/SEC *\r\n' "$1"
}

# create USER NAME FD: Fig. 6 to the 200, which is in 200; the 302 in 302.
create() {
	sip_request "$3" "$1" INVITE sip:conference@conf.lab.test \
	    "<sip:conference@conf.lab.test>" "c$2" 1 "" \
	    "Contact: <sip:$1@foreign.invalid>" "SEC-Conference: name=$2"
	sip_until "$3" '^SIP/2.0 [3-6]' 302
	grep -q '^SIP/2.0 302 ' 302
	sip_request "$3" "$1" ACK sip:conference@conf.lab.test \
	    "$(field 302 To)" "c$2" 1 ""
	join "$1" "$2" "$3"
}

join() { # USER NAME FD
	sip_request "$3" "$1" INVITE "sip:$2@conf.lab.test" \
	    "<sip:$2@conf.lab.test>" "j$1$2" 1 "$(sdp 9)"$'\n' \
	    "Contact: <sip:$1@foreign.invalid>" \
	    "Content-Type: application/sdp"
	sip_until "$3" '^SIP/2.0 [2-6]' 200
	sip_request "$3" "$1" ACK "sip:$2@conf.lab.test" \
	    "$(field 200 To)" "j$1$2" 1 ""
}

media() { # FILE: HOST:PORT of its SDP
	echo "$(sed -n 's/^c=IN IP4 //p' "$1"):$(sed -n \
	    's/^m=message \([0-9]*\) .*/\1/p' "$1")"
}

# status FD: of the next final answer, which is in answer.
status() {
	sip_until "$1" '^SIP/2.0 [2-6]' answer
	sed -n '1s/^SIP.2.0 \(...\).*/\1/p' answer
}

# say USER CONF FD N TEXT
say() {
	sip_request "$3" "$1" MESSAGE "sip:$2@conf.lab.test" \
	    "<sip:$2@conf.lab.test>" "m$1$2" "$4" "$5" \
	    "Content-Type: text/plain"
}

@test "S048a S049 S096: OPTIONS, REGISTER; strangers to it get 403" {
	register ann
	sip_open fd "$(server_addr confctl)"
	sip_request "$fd" ann OPTIONS sip:confctl.lab.test \
	    "<sip:confctl.lab.test>" o1 1 ""
	sip_recv "$fd" | head -n 1 | grep -q '^SIP/2.0 200 '
	sip_close "$fd"
	sip_open fd "$(server_addr confctl)"
	sip_request "$fd" nobody INVITE sip:conference@conf.lab.test \
	    "<sip:conference@conf.lab.test>" x1 1 ""
	run sip_recv "$fd"
	[ "$status" != 0 ] || [[ $output == "SIP/2.0 40"[1-4]* ]]
	sip_close "$fd"
}

@test "S016 S087: From, To and Contact of a REGISTER name the same user" {
	sip_open fd "$(server_addr pal)"
	sip_request "$fd" ann REGISTER sip:lab.test "<sip:bea@lab.test>" \
	    rto 1 "" "Contact: <sip:ann@127.0.0.1:5060>" "Expires: 600"
	sip_recv "$fd" | head -n 1 | grep -q '^SIP/2.0 403 '
	sip_close "$fd"
	sip_open fd "$(server_addr pal)"
	sip_request "$fd" ann REGISTER sip:lab.test "<sip:ann@lab.test>" \
	    rco 1 "" "Contact: <sip:bea@127.0.0.1:5060>" "Expires: 600"
	sip_recv "$fd" | head -n 1 | grep -q '^SIP/2.0 403 '
	sip_close "$fd"
}

@test "S081 S085-S094 S097-S110: Figs 5 and 6, by hand" {
	register bea
	grep -q '^session.*controller=' registered
	sip_open fd "$(server_addr confctl)"
	create bea six "$fd"
	grep -q '^Contact: <sip:six@conf.lab.test>' 302
	grep -q '^SIP/2.0 200 ' 200
	[[ $(media 200) =~ ^127\.[0-9.]+:73[0-9]+$ ]]
	sip_open sub "$(server_addr pal)"
	sip_request "$sub" bea SUBSCRIBE sip:six@conf.lab.test \
	    "<sip:six@conf.lab.test>" s1 1 "" "Event: conference" \
	    "Expires: 600" "Contact: <sip:bea@foreign.invalid>"
	sip_until "$sub" '^SIP/2.0 2' roster
	grep -q '^entry.*sip:bea@lab.test.*status=active' roster
	# Nobody else may have it.
	register eve
	sip_open other "$(server_addr pal)"
	sip_request "$other" eve SUBSCRIBE sip:six@conf.lab.test \
	    "<sip:six@conf.lab.test>" s2 1 "" "Event: conference" \
	    "Expires: 0" "Contact: <sip:eve@foreign.invalid>"
	sip_until "$other" '^SIP/2.0 [2-6]' refused
	grep -q '^SIP/2.0 403 ' refused
	for f in "$fd" "$sub" "$other"; do sip_close "$f"; done
}

@test "S112-S122 S124-S127: Figs 7 and 8, by hand" {
	register cat
	register dan
	sip_open cat "$(server_addr confctl)"
	sip_open dan "$(server_addr confctl)"
	# Dan's connection is known by its first request.
	sip_request "$dan" dan OPTIONS sip:confctl.lab.test \
	    "<sip:confctl.lab.test>" od 1 ""
	sip_recv "$dan" >/dev/null
	create cat seven "$cat"
	sip_open watch "$(server_addr pal)"
	sip_request "$watch" cat SUBSCRIBE sip:seven@conf.lab.test \
	    "<sip:seven@conf.lab.test>" w1 1 "" "Event: conference" \
	    "Expires: 600" "Contact: <sip:cat@foreign.invalid>"
	sip_until "$watch" '^SIP/2.0 2' roster
	catmedia=$(media 200)
	sip_request "$cat" cat INVITE sip:seven@conf.lab.test \
	    "<sip:seven@conf.lab.test>" p1 1 "" "Proposed: <sip:dan@lab.test>" \
	    "Contact: <sip:cat@foreign.invalid>" "Expires: 30"
	sip_until "$dan" '^INVITE ' asked
	[ "$(field asked From | grep -o 'sip:[^>;]*')" = sip:cat@lab.test ]
	[ "$(field asked Contact)" = "<sip:seven@conf.lab.test>" ]
	sip_answer "$dan" asked "180 Ringing" ""
	sip_until "$cat" '^SIP/2.0 180' ringing
	sip_answer "$dan" asked "200 OK" "$(sdp 9)"$'\n' \
	    "Contact: <sip:dan@foreign.invalid>" \
	    "Content-Type: application/sdp"
	sip_until "$dan" '^ACK ' ack
	danmedia=$(media ack)
	[ "$danmedia" = "$catmedia" ]
	sip_until "$cat" '^SIP/2.0 2' came
	grep -q '^Proposed: <sip:dan@lab.test>' came
	sip_until "$watch" '^NOTIFY ' news
	sip_answer "$watch" news "200 OK" ""
	until grep -q 'sip:dan@lab.test.*status=active' news; do
		sip_until "$watch" '^NOTIFY ' news
		sip_answer "$watch" news "200 OK" ""
	done
	# Fig. 8.
	sip_open ct "$catmedia"
	sip_open dt "$danmedia"
	say cat seven "$ct" 1 "first words"
	# Dan's connection is known when he has spoken.
	sip_until "$ct" '^(MESSAGE|SIP/2.0) ' own
	while [[ $(head -n 1 own) == MESSAGE* ]]; do
		sip_answer "$ct" own "200 OK" ""
		sip_recv "$ct" >own
	done
	say dan seven "$dt" 1 "words of dan"
	sip_until "$ct" '^MESSAGE ' heard
	[ "$(tail -n 1 heard)" = "words of dan" ]
	grep -q '^SEC-Author: <sip:dan@lab.test>;q=' heard
	sip_answer "$ct" heard "200 OK" ""
	echo "own copy comes last, then the answer"
	sip_until "$dt" '^MESSAGE ' own
	while [ "$(tail -n 1 own)" != "words of dan" ]; do
		sip_answer "$dt" own "200 OK" ""
		sip_until "$dt" '^MESSAGE ' own
	done
	[ "$(field own SEC-Missed)" = 0 ]
	sip_answer "$dt" own "200 OK" ""
	sip_until "$dt" '^SIP/2.0 ' done
	grep -q '^SIP/2.0 200 ' done
	# BYE: he leaves, she is told.
	sip_request "$dan" dan BYE sip:seven@conf.lab.test \
	    "$(field asked From)" "$(field asked Call-ID)" 2 ""
	for f in "$cat" "$dan" "$ct" "$dt" "$watch"; do sip_close "$f"; done
}

@test "S116 S117 S114: 486, 603 with a note, 480, 404, CANCEL" {
	register fay
	register gus
	sip_open fay "$(server_addr confctl)"
	sip_open gus "$(server_addr confctl)"
	sip_request "$gus" gus OPTIONS sip:confctl.lab.test \
	    "<sip:confctl.lab.test>" og 1 ""
	sip_recv "$gus" >/dev/null
	create fay no "$fay"
	n=0
	propose() {
		n=$((n + 1))
		sip_request "$fay" fay INVITE sip:no@conf.lab.test \
		    "<sip:no@conf.lab.test>" "q$n" 1 "" "Proposed: <sip:$1>" \
		    "Contact: <sip:fay@foreign.invalid>" "Expires: 30"
	}
	finish() { # STATUS
		sip_until "$fay" '^SIP/2.0 [2-6]' answer
		head -n 1 answer
		sip_request "$fay" fay ACK sip:no@conf.lab.test \
		    "$(field answer To)" "q$n" 1 ""
	}
	for answer in "486 Busy Here" "603 Decline"; do
		propose gus@lab.test
		sip_until "$gus" '^INVITE ' asked
		sip_answer "$gus" asked "$answer" "" "SEC-Note: after%20lunch"
		run -0 finish
		[[ $output == "SIP/2.0 ${answer%% *}"* ]]
		sip_until "$gus" '^ACK ' ack
		grep -q '^SEC-Note: after%20lunch' answer
	done
	# Ended by the one who asked.
	propose gus@lab.test
	sip_until "$gus" '^INVITE ' asked
	sip_answer "$gus" asked "180 Ringing" ""
	sip_until "$fay" '^SIP/2.0 180' ringing
	sip_send "$fay" "" "CANCEL sip:no@conf.lab.test SIP/2.0" \
	    "Via: SIP/2.0/TCP foreign.invalid;branch=z9hG4bKq${n}1INVITE" \
	    "Max-Forwards: 70" "From: <sip:fay@lab.test>;tag=fq$n" \
	    "To: <sip:no@conf.lab.test>" "Call-ID: q$n" "CSeq: 1 CANCEL"
	sip_until "$gus" '^CANCEL ' cancel
	sip_answer "$gus" cancel "200 OK" ""
	sip_answer "$gus" asked "487 Request Terminated" ""
	sip_until "$fay" '^SIP/2.0 487' ended
	sip_request "$fay" fay ACK sip:no@conf.lab.test "$(field ended To)" \
	    "q$n" 1 ""
	# He accepts while the CANCEL is on its way: out again, without a key.
	propose gus@lab.test
	sip_until "$gus" '^INVITE ' asked
	sip_answer "$gus" asked "180 Ringing" ""
	sip_until "$fay" '^SIP/2.0 180' ringing
	sip_send "$fay" "" "CANCEL sip:no@conf.lab.test SIP/2.0" \
	    "Via: SIP/2.0/TCP foreign.invalid;branch=z9hG4bKq${n}1INVITE" \
	    "Max-Forwards: 70" "From: <sip:fay@lab.test>;tag=fq$n" \
	    "To: <sip:no@conf.lab.test>" "Call-ID: q$n" "CSeq: 1 CANCEL"
	sip_until "$gus" '^CANCEL ' cancel
	sip_answer "$gus" cancel "200 OK" ""
	sip_answer "$gus" asked "200 OK" "$(sdp 9)"$'\n' \
	    "Contact: <sip:gus@foreign.invalid>" \
	    "Content-Type: application/sdp"
	sip_until "$gus" '^ACK ' ack
	run ! grep -q '^SEC-Conference-Key' ack
	sip_until "$gus" '^BYE ' bye
	sip_answer "$gus" bye "200 OK" ""
	sip_until "$fay" '^SIP/2.0 487' ended
	sip_request "$fay" fay ACK sip:no@conf.lab.test "$(field ended To)" \
	    "q$n" 1 ""
	# Known and gone; never known.
	register hal
	propose hal@lab.test
	run -0 finish
	[[ $output == "SIP/2.0 480"* ]]
	propose nobody@lab.test
	run -0 finish
	[[ $output == "SIP/2.0 404"* ]]
	for f in "$fay" "$gus"; do sip_close "$f"; done
}

@test "S016: nobody does what is another's" {
	register ida
	register joe
	for u in ida joe; do
		sip_open "$u" "$(server_addr confctl)"
		sip_open "p$u" "$(server_addr pal)"
	done
	create ida his "$ida"
	to=$(field 200 To)
	# Joe's connection is his from its first request on.
	sip_request "$joe" joe OPTIONS sip:confctl.lab.test \
	    "<sip:confctl.lab.test>" oj 1 ""
	[ "$(status "$joe")" = 200 ]
	# In her name, into her conference, her dialog, its end, its guests.
	sip_request "$joe" ida INVITE sip:conference@conf.lab.test \
	    "<sip:conference@conf.lab.test>" f1 1 ""
	[ "$(status "$joe")" = 403 ]
	sip_request "$joe" joe INVITE sip:his@conf.lab.test \
	    "<sip:his@conf.lab.test>" f2 1 "$(sdp 9)"$'\n' \
	    "Content-Type: application/sdp"
	[ "$(status "$joe")" = 403 ]
	sip_request "$joe" joe BYE sip:his@conf.lab.test "$to" jidahis 2 ""
	[ "$(status "$joe")" = 481 ]
	for verb in end grant; do
		sip_request "$joe" joe PUBLISH sip:his@conf.lab.test \
		    "<sip:his@conf.lab.test>" "f4$verb" 1 "$verb" \
		    "Event: conference" "Content-Type: application/sec-control"
		[ "$(status "$joe")" = 403 ]
	done
	# What everybody would be shown: lines of UTF-8, words that there are.
	sip_request "$ida" ida INVITE sip:conference@conf.lab.test \
	    "<sip:conference@conf.lab.test>" f9 1 "" \
	    "Contact: <sip:ida@foreign.invalid>" \
	    "SEC-Conference: name=bad title=%ff%fe"
	[ "$(status "$ida")" = 400 ]
	sip_request "$ida" ida INVITE sip:his@conf.lab.test \
	    "<sip:his@conf.lab.test>" f10 1 "$(sdp 9)"$'\n' \
	    "Contact: <sip:ida@foreign.invalid>" \
	    "Content-Type: application/sdp" "SEC-Conference: via=%1b[2J"
	[ "$(status "$ida")" = 400 ]
	sip_request "$joe" joe INVITE sip:his@conf.lab.test \
	    "<sip:his@conf.lab.test>" f5 1 "" "Proposed: <sip:joe@lab.test>"
	[ "$(status "$joe")" = 403 ]
	# Her status, her roster, and her subscription to it.
	sip_request "$pjoe" joe PUBLISH sip:ida@lab.test "<sip:ida@lab.test>" \
	    f6 1 $'status\tvalue=away' "Event: presence" \
	    "Content-Type: application/sec-control"
	[ "$(status "$pjoe")" = 403 ]
	sip_request "$pjoe" joe SUBSCRIBE sip:his@conf.lab.test \
	    "<sip:his@conf.lab.test>" f7 1 "" "Event: conference" \
	    "Expires: 600" "Contact: <sip:joe@foreign.invalid>"
	[ "$(status "$pjoe")" = 403 ]
	sip_request "$pida" ida SUBSCRIBE sip:his@conf.lab.test \
	    "<sip:his@conf.lab.test>" f8 1 "" "Event: conference" \
	    "Expires: 600" "Contact: <sip:ida@foreign.invalid>"
	[ "$(status "$pida")" = 200 ]
	sip_request "$pjoe" joe SUBSCRIBE sip:his@conf.lab.test \
	    "$(field answer To)" f8 2 "" "Event: conference" "Expires: 0" \
	    "Contact: <sip:joe@foreign.invalid>"
	[ "$(status "$pjoe")" = 481 ]
	# Still hers.
	sip_request "$ida" ida BYE sip:his@conf.lab.test "$to" jidahis 2 ""
	[ "$(status "$ida")" = 200 ]
	for f in "$ida" "$joe" "$pida" "$pjoe"; do sip_close "$f"; done
}

@test "a user has 128 devices in a conference, and no more" {
	register kay
	sip_open kay "$(server_addr confctl)"
	create kay full "$kay"
	answers() { # N: how many of so many are 200
		local i n=0
		for ((i = 0; i < $1; i++)); do
			sip_until "$kay" '^SIP/2.0 [2-6]' answer
			if grep -q '^SIP/2.0 200 ' answer; then
				n=$((n + 1))
			fi
		done
		echo "$n"
	}
	enter() { # CALL-ID
		sip_request "$kay" kay INVITE sip:full@conf.lab.test \
		    "<sip:full@conf.lab.test>" "$1" 1 "" \
		    "Contact: <sip:kay@foreign.invalid>"
	}
	for i in {2..128}; do
		enter "n$i"
	done
	[ "$(answers 127)" = 127 ]
	enter over
	[ "$(answers 1)" = 0 ]
	grep -q '^SIP/2.0 403 ' answer
	sip_close "$kay"
}

@test "record=no: with who was there for nothing else the conference ends" {
	register rec
	sip_open rec "$(server_addr confctl)"
	sip_request "$rec" rec INVITE sip:conference@conf.lab.test \
	    "<sip:conference@conf.lab.test>" cr 1 "" \
	    "Contact: <sip:rec@foreign.invalid>" \
	    "SEC-Conference: name=tape media=voice"
	[ "$(status "$rec")" = 302 ]
	local sdp
	sdp=$(printf '%s\r\n' v=0 'o=- 1 1 IN IP4 127.0.0.1' s=- \
	    'c=IN IP4 127.0.0.1' 't=0 0' 'm=audio 40000 RTP/SEC 96 0' \
	    'a=rtpmap:96 opus/48000/2')
	sip_request "$rec" rec INVITE sip:tape@conf.lab.test \
	    "<sip:tape@conf.lab.test>" jr 1 "$sdp"$'\n' \
	    "Contact: <sip:rec@foreign.invalid>" \
	    "Content-Type: application/sdp" "SEC-Conference: via=recorder"
	[ "$(status "$rec")" = 200 ]
	sip_request "$rec" rec PUBLISH sip:tape@conf.lab.test \
	    "<sip:tape@conf.lab.test>" sr 1 $'set\trecord=no' \
	    "Event: conference" "Content-Type: application/sec-control"
	sip_until "$rec" '^BYE ' bye
	sip_answer "$rec" bye "200 OK" ""
	no_tape() { ! db conf.db "select name from conference" | grep tape; }
	until_ok no_tape
	sip_close "$rec"
}

@test "who asks for something as it ends does not keep it from ending" {
	register una
	sip_open una "$(server_addr confctl)"
	create una brink "$una"
	local pid id
	pid=$(daemon_pid confctl)
	kill -STOP "$pid" # so that both come in one turn
	for id in end raise; do
		sip_request "$una" una PUBLISH sip:brink@conf.lab.test \
		    "<sip:brink@conf.lab.test>" "b$id" 1 "$id" \
		    "Event: conference" \
		    "Content-Type: application/sec-control"
	done
	kill -CONT "$pid"
	# The one that is refused need not wait for the disk.
	[ "$(status "$una")" = 404 ]
	[ "$(field answer Call-ID)" = braise ]
	[ "$(status "$una")" = 200 ]
	[ "$(field answer Call-ID)" = bend ]
	sip_close "$una"
}

@test "one user does not fill a lobby" {
	register lou
	register max
	sip_open lou "$(server_addr confctl)"
	sip_open max "$(server_addr confctl)"
	sip_request "$lou" lou INVITE sip:conference@conf.lab.test \
	    "<sip:conference@conf.lab.test>" cl 1 "" \
	    "Contact: <sip:lou@foreign.invalid>" \
	    "SEC-Conference: name=hall access=domain"
	[ "$(status "$lou")" = 302 ]
	join lou hall "$lou"
	sip_request "$lou" lou PUBLISH sip:hall@conf.lab.test \
	    "<sip:hall@conf.lab.test>" sl 1 $'set\tlobby=on' \
	    "Event: conference" "Content-Type: application/sec-control"
	[ "$(status "$lou")" = 200 ]
	local i
	for i in {1..9}; do
		sip_request "$max" max INVITE sip:hall@conf.lab.test \
		    "<sip:hall@conf.lab.test>" "w$i" 1 "" \
		    "Contact: <sip:max@foreign.invalid>"
	done
	for i in {1..8}; do
		sip_until "$max" '^SIP/2.0 [1-6]' answer
		grep -q '^SIP/2.0 182 ' answer
	done
	[ "$(status "$max")" = 503 ]
	for i in "$lou" "$max"; do sip_close "$i"; done
}

@test "S049: the dissector of others finds nothing malformed" {
	run -0 sh -c 'tshark -r "$SEC_DIR/wire.pcap" -d tcp.port==7320,sip \
	    -d tcp.port==7321,sip -d tcp.port==7322,sip \
	    -d tcp.port==7332,sip -Y _ws.malformed 2>/dev/null'
	[ "$output" = "" ]
	# The positive control: it has read them.
	run -0 sh -c 'tshark -r "$SEC_DIR/wire.pcap" -d tcp.port==7320,sip \
	    -d tcp.port==7321,sip -d tcp.port==7322,sip \
	    -d tcp.port==7332,sip -Y sip -T fields -e sip.Method \
	    -e sip.Status-Code 2>/dev/null | tr "\t," "\n" | sort -u'
	for want in REGISTER INVITE ACK SUBSCRIBE NOTIFY MESSAGE BYE CANCEL \
	    OPTIONS 200 302 180 486 603; do
		grep -qx "$want" <<<"$output"
	done
}

# What went over the wire, in its order, as lines.
wire() {
	tshark -r "$SEC_DIR/wire.pcap" -Y 'tcp.len > 0' -T fields \
	    -e tcp.payload 2>/dev/null | while read -r hex; do
		xxd -r -p <<<"$hex" | tr -d '\r'
		echo
	done
}

@test "S081 S096 S099-S108 S112-S121 S124-S126: the steps in the seed's order" {
	wire >lines
	# Fig. 5: 55 REGISTER, 70 to the controller, 78 answer.
	in_order lines '^REGISTER .*SIP/2.0' '^From: <sip:bea@lab.test>' \
	    '^registered.*bea@lab.test' '^SIP/2.0 200'
	# Fig. 6.
	in_order lines \
	    '^INVITE sip:conference@conf.lab.test SIP' '^SEC-Conference: name=six' \
	    '^conference.*conf=sip:six@conf' '^SIP/2.0 302' '^ACK sip:conference@' \
	    '^INVITE sip:six@conf.lab.test SIP' 'm=message 9 TCP/SEC' \
	    '^join.*conf=sip:six@conf.*user=sip:bea@' '^ok.*addr=127' \
	    '^join.*conf=sip:six@conf.*user=sip:bea@' '^SIP/2.0 200' \
	    'm=message 73' '^SUBSCRIBE sip:six@' '^entry.*sip:bea@lab.test'
	# Fig. 7.
	in_order lines '^INVITE sip:seven@conf.lab.test SIP' \
	    '^Proposed: <sip:dan@lab.test>' '^INVITE sip:dan@lab.test SIP' \
	    '^SIP/2.0 180' '^SIP/2.0 200' '^join.*conf=sip:seven@.*user=sip:dan@' \
	    '^ok.*addr=127' '^join.*conf=sip:seven@.*user=sip:dan@' \
	    '^ACK sip:dan@' 'm=message 73' '^NOTIFY ' 'sip:dan@lab.test.*status=active'
	# Fig. 8: to the router, to the others, their answers, her own copy.
	in_order lines '^MESSAGE sip:seven@conf.lab.test SIP' \
	    'words of dan' '^SEC-Author: <sip:dan@lab.test>;q=' 'words of dan' \
	    '^SIP/2.0 200' '^SEC-Missed: 0' 'words of dan' '^SIP/2.0 200'
}

@test "S081: SEC's own agents seal their text in plain mode too" {
	sec-lab user pia
	as pia sec-confctl create -q -n own
	echo "sealed all the same" | as pia sec-talk -s own
	[ "$(texts pia own)" = "pia: sealed all the same" ]
	until_ok grep -qa "MESSAGE sip:own@conf.lab.test" \
	    "$BATS_FILE_TMPDIR/wire.pcap"
	until_ok grep -qai "Content-Type: application/sec-text" \
	    "$BATS_FILE_TMPDIR/wire.pcap"
	run ! grep -qa "sealed all the same" "$BATS_FILE_TMPDIR/wire.pcap"
	as pia sec-confctl leave own
	as pia sec-login -k
}

@test "S081: plain daemons keep to loopback, and say what they are" {
	run -1 sec-pal health
	[[ $output == *WARN*"security = plain"* ]]
	# The same daemon, its files elsewhere, asked to listen to the world.
	mkdir -p other/lib/keys
	cp -r "$SEC_DIR/etc" other/
	cp -r "$SEC_DIR/lib/keys/confctl" other/lib/keys/
	SEC_DIR=$PWD/other run -11 timeout 20 sec-confctl serve \
	    -l 0.0.0.0:7399
	[[ $output == *loopback*0.0.0.0* ]]
}

# publish FD N TO EXPIRES BODY [LINE...]: a PUBLISH by lea; its status.
publish() {
	local fd=$1 n=$2 to=$3 expires=$4 body=$5
	sip_request "$fd" lea PUBLISH "$to" "<$to>" "pub$n" 1 "$body" \
	    "Event: presence" "Content-Type: application/sec-control" \
	    ${expires:+"Expires: $expires"}
	status "$fd"
}

@test "S055: PUBLISH of a thing, for how long, and what is refused" {
	lamp=sip:plain@lamp.lab.test
	sec-admin object add lamp:plain --owner lea
	register lea
	sip_open fd "$(server_addr pal)"
	# asked:granted; 10 years, nothing said, too short.
	for e in 315360000:31536000 :600 0:10 60:60; do
		[ "$(publish "$fd" "${e%:*}x" "$lamp" "${e%:*}" \
		    $'set\tstate=on')" = 200 ]
		[ "$(field answer Expires)" = "${e#*:}" ]
	done
	[ "$(publish "$fd" 1 "sip:plain@LAMP.lab.test;x=y" "" \
	    $'set\tstate=off')" = 200 ]
	[ "$(publish "$fd" 2 sip:none@lamp.lab.test "" $'set\tstate=on')" = 404 ]
	n=3
	for body in "" set $'set\tx=1' $'set\tstate=%ff' $'set\ton' \
	    $'set\tstate=1\tstate=2' $'get\tstate=on' $'set\tstate=%00' \
	    $'set\tstate=on\tstatus=on'; do
		[ "$(publish "$fd" $((n++)) "$lamp" "" "$body")" = 400 ]
	done
	[ "$(db pal.db "SELECT value FROM attribute WHERE
	    uri = '$lamp'")" = off ]
	sip_close "$fd"
}
