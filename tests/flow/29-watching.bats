#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# A conference seen from outside (S170): by its owner's leave, because it is
# open, or by a rule; never in its roster. Who talks is told to who asks, and
# moves no participant's version.
#
#	sue's agent            sec-pal           sec-confctl        sec-mcu
#	 | SUBSCRIBE helpdesk-1   |                  |                 |
#	 |----------------------->| why=owner        |                 |
#	 |<-- 200: its document --| want talk=on --->| policy talk=yes |
#	 |                        |                  |---------------->| bob
#	 |                        |<------ talk -----|<----- talk -----| speaks
#	 |<-- NOTIFY: talking= ---|                  |                 |
#	 |                        |<- policy watch= -|  set watch-=sue |
#	 |<-- NOTIFY terminated;  |                  |                 |
#	 |    reason=rejected ----| want talk=off -->| policy talk=no  |
#
# Plain mode: pat, a foreign user agent, takes part by hand.

load ../lib/lab
load ../lib/sip

setup_file() {
	lab_up --plain alice bob sue gus
	as bob sec-confctl answer accept
	sox -n -r 48000 -c 1 "$BATS_FILE_TMPDIR/bob.wav" \
	    synth 180 sine 440 gain -12
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	show_logs
	for u in alice bob sue gus; do
		as $u sec-confctl leave -a || :
	done
}

# watch USER CONF: sec-watch in the background, its events in USER.events.
watch() {
	sec-lab run "$1" sec-watch --state -c "$2" -T 60 >"$1.events" \
	    2>"$1.err" </dev/null 3>&- &
	eval "$1_watch=$!"
}
unwatch() {
	local pid=${1}_watch
	kill "${!pid}" 2>/dev/null || :
	wait "${!pid}" 2>/dev/null || :
}
# saw USER JQ-CONDITION: some event of his is such, sooner or later.
saw() { until_ok has_seen "$@"; }
has_seen() { jq -se "any(.[]; $2)" <"$1.events"; }

# talk_asked CONF: does its voice router tell who talks?
talk_asked() {
	local m
	for m in mcu1 mcu2; do
		sec-ctl "$SEC_DIR/run/$m.sock" conferences | tr '\t' ' ' |
		    sed -n "s/.*conf=sip:$1@.* talk=\([a-z]*\).*/\1/p"
	done
}
talk_is() { [ "$(talk_asked "$1")" = "$2" ]; }

@test "S170: by leave of its creator, not in the roster; leave is taken back" {
	as alice sec-confctl create -n w1 bob
	run -4 --separate-stderr as sue sec-pal show conf:w1
	as alice sec-confctl set w1 watch+=sue,gus
	run -0 as alice sec-confctl show w1
	[[ ${lines[-1]} =~ ^"watch: "(sue, gus|gus, sue)$ ]]
	run -0 as alice sec-confctl show -j w1
	[ "$(jq -r '.watch | sort | join(" ")' <<<"$output")" = \
	    "sip:gus@lab.test sip:sue@lab.test" ]
	# It is nobody else's business.
	run -0 as bob sec-confctl show -j w1
	[ "$(jq -r .watch <<<"$output")" = null ]
	run -0 --separate-stderr as sue sec-pal show conf:w1
	[[ $output == *alice* && $output == *bob* ]]
	[[ $output != *sue* ]]
	[ "$(db conf.db "select user from conference_user
	    where list = 'watch' order by 1")" = \
	    $'sip:gus@lab.test\nsip:sue@lab.test' ]
	watch sue w1
	saw sue '.event == "conf.join" and .user == "sip:bob@lab.test"'
	[ "$(db pal.db "select why from subscription
	    where user = 'sue' and target = 'sip:w1@conf.lab.test'")" = owner ]
	# She does not take part: nobody sees her, and she may not speak.
	run -0 as alice sec-confctl show w1 -q
	[ "$(sort <<<"$output")" = $'alice\nbob' ]
	run -4 as sue sec-confctl join w1
	as bob sec-confctl leave w1
	saw sue '.event == "conf.leave" and .user == "sip:bob@lab.test"'
	as alice sec-confctl set w1 watch-=sue
	until_ok eval '[ -z "$(db pal.db "select 1 from subscription
	    where user = '"'sue'"' and target like '"'%w1@conf%'"'")" ]'
	run -4 --separate-stderr as sue sec-pal show conf:w1
	run -0 --separate-stderr as gus sec-pal show conf:w1
	unwatch sue
}

@test "S170: the end of a leave is a NOTIFY: terminated, rejected" {
	as alice sec-confctl create -n w2
	register pat
	as alice sec-confctl set w2 watch+=pat
	sip_open sub "$(server_addr pal)"
	subscribe "$sub" pat w2 s1 600
	grep -q '^SIP/2.0 200 ' answer
	grep -q '^entry.*sip:alice@lab.test.*status=active' answer
	as alice sec-confctl set w2 watch-=pat
	sip_until "$sub" '^NOTIFY ' news
	grep -q '^Subscription-State: terminated;reason=rejected' news
	sip_answer "$sub" news "200 OK" ""
	subscribe "$sub" pat w2 s2 600
	grep -q '^SIP/2.0 403 ' answer
	# One that is open is seen by all, until it is closed again.
	as alice sec-confctl set w2 access=domain
	subscribe "$sub" pat w2 s3 600
	grep -q '^SIP/2.0 200 ' answer
	as alice sec-confctl set w2 access=invited
	sip_until "$sub" '^NOTIFY ' news
	until grep -q '^Subscription-State: terminated' news; do
		sip_answer "$sub" news "200 OK" ""
		sip_until "$sub" '^NOTIFY ' news
	done
	grep -q '^Subscription-State: terminated;reason=rejected' news
	sip_close "$sub"
}

@test "S170: sec-pal is killed: who may looks on, who may not any more does not" {
	as alice sec-confctl create -n w9 bob
	as alice sec-confctl set w9 watch+=sue,gus
	watch sue w9
	watch gus w9
	for u in sue gus; do
		saw $u '.event == "conf.join" and .user == "sip:bob@lab.test"'
	done
	sec-lab stop pal 3>&-
	as alice sec-confctl set w9 watch-=gus
	sec-lab start pal 3>&-
	until_ok daemon_is_well pal
	until_ok eval '[ "$(db pal.db "select user, why from subscription
	    where target = '"'sip:w9@conf.lab.test'"' and why <> '"'participant'"'
	    ")" = "sue|owner" ]'
	as bob sec-confctl leave w9
	saw sue '.event == "conf.leave" and .user == "sip:bob@lab.test"'
	run ! has_seen gus '.event == "conf.leave"'
	unwatch sue
	unwatch gus
}

@test "S170 S160: by a rule, which is taken away" {
	as alice sec-confctl create -n w3
	rule() { sec-ctl "$SEC_DIR/run/pal.sock" "$@"; }
	rule rule-add name=desk "text=allow who=gus whom=conf:w3"
	run -0 --separate-stderr as gus sec-pal show conf:w3
	run -4 --separate-stderr as sue sec-pal show conf:w3
	watch gus w3
	saw gus '.event == "conf.join" and .user == "sip:alice@lab.test"'
	[ "$(db pal.db "select why from subscription
	    where user = 'gus' and target = 'sip:w3@conf.lab.test'")" = rule ]
	rule rule-rm name=desk
	until_ok eval '[ -z "$(db pal.db "select 1 from subscription
	    where user = '"'gus'"' and target like '"'%w3@conf%'"'")" ]'
	run -4 --separate-stderr as gus sec-pal show conf:w3
	unwatch gus
}

@test "S170: who talks is told to who looks on; participants' version stays" {
	as alice sec-confctl create -n w4 -m voice --open
	as alice sec-confctl set w4 watch+=sue
	until_ok talk_is w4 no
	register pat
	sip_open conn "$(server_addr confctl)"
	sip_request "$conn" pat INVITE sip:w4@conf.lab.test \
	    "<sip:w4@conf.lab.test>" jp 1 "" "Contact: <sip:pat@foreign.invalid>"
	sip_until "$conn" '^SIP/2.0 [2-6]' 200
	grep -q '^SIP/2.0 200 ' 200
	sip_request "$conn" pat ACK sip:w4@conf.lab.test "$(field 200 To)" jp 1 ""
	as bob sec-confctl join w4
	sec-lab run bob sec-talk -i "$BATS_FILE_TMPDIR/bob.wav" -o null w4 \
	    >/dev/null 2>bob.err </dev/null 3>&- &
	bob=$!
	until_ok eval 'as alice sec-ctl "$SEC_DIR/run/alice@lab.test.sock" \
	    show conf=w4 | grep -q "user=sip:bob@lab.test.*media=voice"'
	talk_is w4 no
	sip_open sub "$(server_addr pal)"
	subscribe "$sub" pat w4 v1 0
	before=$(version answer)
	[ -n "$before" ]
	run ! grep -q talking answer
	watch sue w4
	until_ok talk_is w4 yes
	until_ok eval 'as sue sec-pal show conf:w4 >shown;
	    grep -q "bob.*talking" shown'
	[ "$(grep -c talking shown)" = 1 ]
	subscribe "$sub" pat w4 v2 0
	[ "$(version answer)" = "$before" ]
	run ! grep -q talking answer
	kill "$bob"
	wait "$bob" || :
	until_ok eval '! as sue sec-pal show conf:w4 | grep -q talking'
	unwatch sue
	until_ok talk_is w4 no
	sip_close "$conn"
	sip_close "$sub"
}

@test "who talks, as an entry of a PAL that asks for it" {
	as alice sec-confctl create -n w5 -m voice bob
	as alice sec-confctl set w5 watch+=sue,gus
	# Who has not selected it is told nothing of it, so nobody asks.
	as gus sec-pal add --attrs status,count conf:w5
	run -0 as gus sec-pal conf:w5
	talk_is w5 no
	as sue sec-pal add conf:w5
	until_ok talk_is w5 yes
	g=$(mark gus)
	sec-lab run bob sec-talk -i "$BATS_FILE_TMPDIR/bob.wav" -o null w5 \
	    >/dev/null 2>bob.err </dev/null 3>&- &
	bob=$!
	until_ok eval 'as sue sec-pal | grep -q "conf:w5.*2 in, bob talking"'
	# sec-pal, and then the controller, are others: they ask anew.
	[ "$(as gus sec-watch -T 0 --since "$g" -c conf:w5 -e pal)" = "" ]
	kill_daemon pal
	until_ok eval 'as sue sec-pal | grep -q "conf:w5.*bob talking"'
	kill_daemon confctl
	until_ok eval 'as sue sec-pal | grep -q "conf:w5.*bob talking"'
	kill "$bob"
	wait "$bob" || :
	until_ok eval '! as sue sec-pal | grep -q "talking"'
	# Nobody who has it in his PAL is there any more.
	as sue sec-login -k
	until_ok talk_is w5 no
	log_in sue
	until_ok talk_is w5 yes
	as sue sec-pal rm conf:w5
	until_ok talk_is w5 no
	as gus sec-pal rm conf:w5
}

@test "S123 S168: by hand: one INVITE, a 183 for each of them" {
	printf 'user,org\nbob,77\ngus,77\nsue,77\npat,77\n' |
	    sec-admin user import - 3>&-
	as gus sec-confctl answer decline
	register pat
	sip_open conn "$(server_addr confctl)"
	sip_request "$conn" pat INVITE sip:conference@conf.lab.test \
	    "<sip:conference@conf.lab.test>" cp 1 "" \
	    "Contact: <sip:pat@foreign.invalid>" "SEC-Conference: name=w8"
	sip_until "$conn" '^SIP/2.0 302' 302
	sip_request "$conn" pat ACK sip:conference@conf.lab.test \
	    "$(field 302 To)" cp 1 ""
	sip_request "$conn" pat INVITE sip:w8@conf.lab.test \
	    "<sip:w8@conf.lab.test>" jw 1 "" "Contact: <sip:pat@foreign.invalid>"
	sip_until "$conn" '^SIP/2.0 200' 200
	sip_request "$conn" pat ACK sip:w8@conf.lab.test "$(field 200 To)" jw 1 ""
	sip_request "$conn" pat INVITE sip:w8@conf.lab.test \
	    "<sip:w8@conf.lab.test>" gw 1 \
	    $'also\twho=sip:99@org.lab.test\nbut\twho=sip:sue@lab.test\n' \
	    "Proposed: <sip:77@org.lab.test>" "Expires: 30" \
	    "Content-Type: application/sec-control" \
	    "Contact: <sip:pat@foreign.invalid>"
	: >told
	until grep -q '^SIP/2.0 [2-6]' answer 2>/dev/null; do
		sip_recv "$conn" >answer
		[ "$(field answer Call-ID)" = gw ] || continue
		echo "$(head -n 1 answer | cut -d ' ' -f 2)" \
		    "$(field answer Proposed)" "$(field answer SEC-Conference)" \
		    >>told
	done
	grep -v code=180 told | sed "s, *$,," | sort >got
	diff - got <<-END
	183 <sip:99@org.lab.test> code=404
	183 <sip:bob@lab.test> code=200
	183 <sip:gus@lab.test> code=603
	200 <sip:77@org.lab.test>
	END
	sip_request "$conn" pat ACK sip:w8@conf.lab.test \
	    "$(field answer To)" gw 1 ""
	as gus sec-confctl answer ask
	sip_close "$conn"
}

@test "S134: by hand: who may spawn, and what" {
	# spawns STATUS WORDS...: pat's INVITE to the factory is answered so.
	local n=0
	spawns() {
		n=$((n + 1))
		sip_request "$conn" pat INVITE sip:conference@conf.lab.test \
		    "<sip:conference@conf.lab.test>" "sp$n" 1 "" \
		    "Contact: <sip:pat@foreign.invalid>" \
		    "SEC-Conference: ${*:2}"
		sip_until "$conn" '^SIP/2.0 [2-6]' answer
		sip_request "$conn" pat ACK sip:conference@conf.lab.test \
		    "$(field answer To)" "sp$n" 1 ""
		[ "$(head -n 1 answer | cut -d ' ' -f 2)" = "$1" ]
	}
	as bob sec-confctl create -n w9 --open
	register pat
	sip_open conn "$(server_addr confctl)"
	w9=parent=sip:w9@conf.lab.test
	spawns 403 $w9 media=text
	[ "$(field answer SEC-Note)" = "only%20who%20is%20in%20it%20may%20do%20that" ]
	spawns 404 parent=sip:nowhere@conf.lab.test media=text
	spawns 404 parent=sip:bob@lab.test media=text
	spawns 400 parent=w9 media=text
	sip_request "$conn" pat INVITE sip:w9@conf.lab.test \
	    "<sip:w9@conf.lab.test>" jw9 1 "" "Contact: <sip:pat@foreign.invalid>"
	sip_until "$conn" '^SIP/2.0 200' 200
	sip_request "$conn" pat ACK sip:w9@conf.lab.test "$(field 200 To)" jw9 1 ""
	spawns 488 $w9 media=text,voice
	spawns 488 $w9
	spawns 404 $w9 media=text who=sip:bob@lab.test,sip:gus@lab.test
	spawns 400 $w9 media=text who=conf:w9
	spawns 302 $w9 media=text who=sip:bob@lab.test
	[[ $(field answer SEC-Conference) == *" name=w9.text "* ]]
	[[ $(field answer SEC-Conference) == *" $w9 "* ]]
	[ "$(db conf.db "select count(*) from conference where name like 'w9.%'")" \
	    = 1 ]
	# No more than sixteen.
	local i
	for i in {2..16}; do spawns 302 $w9 media=voice; done
	spawns 403 $w9 media=text
	sip_close "$conn"
}

@test "S171: in the directory, and out of it" {
	as alice sec-confctl create -n w6 --title "Board"
	as alice sec-confctl create -n w7
	run -0 as gus sec-dir conf -q
	[ "$output" = "" ]
	as alice sec-confctl set w6 directory=yes
	until_ok eval '[ "$(as gus sec-dir conf -q)" = w6 ]'
	run -0 as gus sec-dir conf
	[[ $output == w6*Board*alice* ]]
	# To be listed lets nobody in, nor look on.
	run -4 as gus sec-pal show conf:w6
	run -4 as gus sec-confctl join w6
	# One that is open and found so is an entry as any.
	as alice sec-confctl set w6 access=domain
	as gus sec-pal add "conf:$(as gus sec-dir conf -q)"
	until_ok eval 'as gus sec-pal | grep -q "conf:w6.*1 in"'
	as bob sec-confctl join w6
	until_ok eval 'as gus sec-pal | grep -q "conf:w6.*2 in"'
	as gus sec-dir conf -j | jq -e '.title == "Board" and .count == 2'
	as gus sec-pal rm conf:w6
	as bob sec-confctl leave w6
	# It is so after a restart of either.
	kill_daemon confctl
	kill_daemon pal
	until_ok eval '[ "$(as gus sec-dir conf -q)" = w6 ]'
	as alice sec-confctl set w6 directory=no
	until_ok eval '[ -z "$(as gus sec-dir conf -q)" ]'
	run -2 --separate-stderr as alice sec-confctl set w6 directory=maybe
	[[ $stderr == *"directory is yes or no"* ]]
	run -2 --separate-stderr as alice sec-confctl set w6 watch+=,
	run -2 as alice sec-confctl set w6 watch+=conf:other
	run -4 as bob sec-confctl set w6 watch+=bob
}

# subscribe FD USER CONF CALL-ID EXPIRES, version FILE
subscribe() {
	sip_request "$1" "$2" SUBSCRIBE "sip:$3@conf.lab.test" \
	    "<sip:$3@conf.lab.test>" "$4" 1 "" "Event: conference" \
	    "Expires: $5" "Contact: <sip:$2@foreign.invalid>"
	sip_until "$1" '^SIP/2.0 [2-6]' answer
}
version() {
	grep -a '^doc' "$1" | tr '\t' '\n' | sed -n 's/^version=//p'
}

@test "a watch list that is full: one less, and then one more" {
	as alice sec-confctl create -n w10
	as alice sec-pal add w{1..100} >/dev/null # there are such users
	as alice sec-confctl set w10 "watch+=$(printf 'w%d,' {1..99})w100"
	run -2 --separate-stderr as alice sec-confctl set w10 watch+=sue
	[[ $stderr == *"a watch list has at most 100 users"* ]]
	as alice sec-confctl set w10 watch-=w7
	as alice sec-confctl set w10 watch+=sue
	as sue sec-pal show conf:w10
	as alice sec-pal rm w{1..100}
}

@test "who is put on a list is known, or nothing of the line is done" {
	as alice sec-confctl create -n w11
	run -5 --separate-stderr as alice sec-confctl set w11 title=Other \
	    watch+=sue,nobody,gus
	[[ $stderr == *"nobody: no such user"* ]]
	run -5 --separate-stderr as alice sec-confctl set w11 moderator+=nobody
	[[ $stderr == *"nobody: no such user"* ]]
	[ "$(as alice sec-confctl show -j w11 | jq -r '.title // ""')" != Other ]
	run -4 as sue sec-pal show conf:w11
	# Two lists, and one who stands on it already.
	as alice sec-confctl set w11 watch+=sue moderator+=bob
	as alice sec-confctl set w11 watch+=sue,gus title=Other
	as gus sec-pal show conf:w11
	[ "$(as alice sec-confctl show -j w11 | jq -r .title)" = Other ]
	# Nobody can say who there is.
	as alice sec-confctl set w11 watch-=gus
	pal=$(daemon_pid pal)
	kill -STOP "$pal"
	run --separate-stderr as alice sec-confctl set w11 watch+=gus
	kill -CONT "$pal"
	[ "$status" = 10 ]
	[[ $stderr == *"gus: the PAL manager does not answer"* ]]
}
