#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Fig. 7: inviting, joining, leaving, and the keys of it.
#
#   alice's agent     sec-confctl     sec-pal    sec-mtcu     bob's agent
#    | 702 INVITE the id, |              |          |            |
#    |   Proposed: bob -->| 704 who? --->|          |            |
#    |                    | 706 INVITE bob: alice, the id ------>| 708 rings
#    |<-- 180 ------------|<------------------------- 180 -------|
#    |                    |<-- 710 200 with his offer | 486 | 603 |
#    |                    | 712 join -->|---------->|            |
#    |                    |<- 714 address ----------|            |
#    |                    | 716 join --->|          |            |
#    |<-- 718 200 --------| 720 ACK: address, key ------------- >|
#    |<-- 719 NOTIFY -----|--------------| 722 SUBSCRIBE <-------|
#    |                    |              | 724 200: A and B ---->|
#
# Epochs: a join ratchets the key on, a leave makes a fresh one.

load ../lib/lab

setup_file() {
	lab_up alice bob carol
	# Dave's tickets are short; the last test looks at what he has then.
	sec-lab user dave
	as dave sec-login -k
	(
		eval "$(sec-lab env dave 2>/dev/null)"
		KRB5_KDC_PROFILE=$SEC_DIR/kdc/kdc.conf PATH=$PATH:/usr/sbin \
		    kadmin.local -r LAB.TEST \
		    -q 'modprinc -maxlife "80 sec" dave' 3>&-
	)
	as dave kdestroy -q || :
	log_in dave
	session dave until >"$BATS_FILE_TMPDIR/until"
	session dave pid >"$BATS_FILE_TMPDIR/pid"
	# Another agent of his, whose directory goes, as at the end of a login.
	dir=$(second_machine gone)
	at "$dir" dave sec-login -q -P "$SEC_DIR/home/dave/password" dave
	at "$dir" dave sec-ctl "$dir/run/dave@lab.test.sock" status |
	    tr '\t' '\n' | sed -n 's/^pid=//p' >"$BATS_FILE_TMPDIR/other"
	rm -r "$dir/run"
}
# session USER WORD: of his agent's status.
session() {
	as "$1" sec-ctl "$SEC_DIR/run/$1@lab.test.sock" status |
	    tr '\t' '\n' | sed -n "s/^$2=//p"
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	show_logs
	leave_all alice bob carol
}

# ring CONF: alice creates it and asks bob; $! is her command.
ring() {
	m=$(mark bob)
	bg env --default-signal=INT \
	    sec-lab run alice sec-confctl create -n "$@" bob
	creator=$!
	await bob --since "$m" -e invite.in >rung
}

@test "S010 S112 S115 S117 S119 S121: rung, accepted, in" {
	ring j1
	jq -e '.user == "sip:alice@lab.test" and
	    .conf == "sip:j1@conf.lab.test"' rung
	run -0 as bob sec-confctl invites
	[[ $output =~ ^i-[a-z0-9]+\ +alice\ +j1\ +text\ +[0-9]+s$ ]]
	roster_is alice j1 $'alice active\nbob invited'
	run -0 as bob sec-confctl accept
	wait "$creator"
	as alice sec-watch -T 0 --since 0 -c j1 -e 'invite.*' | jq -se \
	    'map([.event, .user, .result]) == [
	    ["invite.out", "sip:bob@lab.test", null],
	    ["invite.done", "sip:bob@lab.test", "accepted"]]'
	[ "$(cat bg.out)" = j1 ]
	grep -qE '^bob +accepted$' bg.err
	roster_is alice j1 $'alice active\nbob active'
	run -0 as bob sec-confctl invites
	[ "$output" = "" ]
}

@test "S012 S120 S122: both have the roster and are told of its changes" {
	ring j2
	ma=$(mark alice)
	as bob sec-confctl accept
	wait "$creator"
	await alice --since "$ma" -c j2 -e conf.join --by bob |
	    jq -e '.status == "active"'
	roster_is bob j2 "$(roster alice j2)"
	ma=$(mark alice)
	as bob sec-confctl leave j2
	await alice --since "$ma" -c j2 -e conf.leave --by bob
	roster_is alice j2 "alice active"
}

@test "S117: declined, with a note" {
	ring j3
	run -0 as bob sec-confctl decline -N "after lunch"
	ended 6 "$creator"
	[ "$(cat bg.out)" = j3 ]
	grep -qE '^bob +declined \(after lunch\)$' bg.err
	roster_is alice j3 "alice active"
	# The conference is there all the same.
	[ "$(as alice sec-confctl list -q)" = j3 ]
}

@test "S116: busy by hand, and by status" {
	ring j4
	as bob sec-confctl busy
	ended 7 "$creator"
	grep -qE '^bob +busy' bg.err
	as bob sec-pal set busy -N "in review"
	until_ok shows alice bob busy
	run -7 --separate-stderr as alice sec-confctl invite j4 bob
	[[ $stderr =~ ^bob\ +busy\ \(in\ review ]]
	# --anyway rings him; his own rules are asked then.
	m=$(mark bob)
	bg sec-lab run alice sec-confctl invite --anyway j4 bob
	invite=$!
	await bob --since "$m" -e invite.in -c j4
	as bob sec-confctl accept
	ended 0 "$invite"
	as bob sec-confctl leave j4
	as bob sec-confctl answer busy
	run -7 --separate-stderr as alice sec-confctl invite --anyway j4 bob
	[[ $stderr =~ ^bob\ +busy ]]
	as bob sec-confctl answer ask
	as bob sec-pal set available
	until_ok shows alice bob available
}

@test "S114: not registered, and nobody of that name" {
	as carol sec-login -k
	until_ok shows alice carol offline
	run -8 --separate-stderr as alice sec-confctl create -n j5 carol
	[ "$output" = j5 ]
	[[ $stderr =~ carol\ +offline ]]
	run -5 --separate-stderr as alice sec-confctl invite j5 nobody
	[[ $stderr == *nobody* ]]
	log_in carol
	until_ok shows alice carol available
}

@test "somebody came: 0; -W asks for everybody; -j and -q" {
	as bob sec-confctl answer accept
	as carol sec-confctl answer decline
	run -0 --separate-stderr as alice sec-confctl create -n w1 bob carol
	[ "$output" = w1 ]
	run -6 --separate-stderr as alice sec-confctl create -W -n w2 bob carol
	[ "$output" = w2 ]
	run -6 --separate-stderr as alice sec-confctl create -q -W -n w3 carol bob
	[ "$output" = w3 ]
	[ "$stderr" = "" ]
	run -0 --separate-stderr as alice sec-confctl create -j -n w4 bob carol
	jq -se 'map(select(.user == "sip:bob@lab.test" and
	    .result == "accepted")) | length == 1' <<<"$output"
	jq -se 'map(select(.user == "sip:carol@lab.test" and
	    .result == "declined")) | length == 1' <<<"$output"
	jq -se '.[0].conf == "sip:w4@conf.lab.test"' <<<"$output"
}

@test "a telephone has no text: not invited" {
	run --separate-stderr as alice sec-confctl create -n t1 tel:+15551234567
	[ "$status" = 8 ] || [ "$status" = 11 ]
	[[ $stderr == *"tel:+15551234567 no voice in this conference; not invited"* ]]
}

@test "nobody answers: CANCEL at the deadline, exit 9, and he sees it end" {
	as alice sec-confctl create -n late
	m=$(mark bob)
	run -9 --separate-stderr as alice sec-confctl invite -T 1 late bob
	[[ $stderr =~ bob ]]
	await bob --since "$m" -e invite.in
	await bob --since "$m" -e invite.done
	run -0 as bob sec-confctl invites
	[ "$output" = "" ]
	run -5 as bob sec-confctl accept
}

@test "-T 0 sends and does not wait" {
	m=$(mark bob)
	run -0 --separate-stderr as alice sec-confctl create -T 0 -n fire bob
	[ "$output" = fire ]
	await bob --since "$m" -e invite.in
	as bob sec-confctl accept
	roster_is alice fire $'alice active\nbob active'
}

@test "an interrupt cancels what is outstanding and keeps the conference" {
	ring int
	# The program itself, below sec-lab run.
	until_ok grep -qx int bg.out
	kill -INT "$creator"
	ended 130 "$creator"
	await bob --since "$m" -e invite.done
	run -0 as bob sec-confctl invites
	[ "$output" = "" ]
	[ "$(as alice sec-confctl list -q)" = int ]
}

@test "S010: any member invites; strangers do not" {
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	as alice sec-confctl create -q -n any bob
	run -4 as carol sec-confctl invite any carol
	as bob sec-confctl invite any carol
	roster_is alice any $'alice active\nbob active\ncarol active'
	# Who is in is in.
	run -0 as bob sec-confctl invite any carol
}

@test "S011: the creator leaves, and the others go on" {
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	as alice sec-confctl create -q -n on bob carol
	m=$(mark bob)
	as alice sec-confctl leave on
	await bob --since "$m" -c on -e conf.leave --by alice
	echo "still here" | as carol sec-talk -s on
	[ "$(texts bob on)" = "carol: still here" ]
	# She was in: she may come back by herself.
	as alice sec-confctl join on
	roster_is bob on $'alice active\nbob active\ncarol active'
}

@test "the conference ends with its last member" {
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -n last bob
	as alice sec-confctl leave last
	[ "$(db conf.db "select count(*) from conference
	    where name = 'last'")" = 1 ]
	as bob sec-confctl leave last
	until_ok eval '[ "$(db conf.db "select count(*) from conference
	    where name = '"'last'"'")" = 0 ]'
	run -5 as bob sec-confctl join last
}

@test "S013: his status busy shows in the roster" {
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -n st bob
	m=$(mark alice)
	as bob sec-pal set busy
	await alice --since "$m" -c st -e conf.status --by bob |
	    jq -e '.status == "busy"'
	roster_is alice st $'alice active\nbob busy'
	m=$(mark alice)
	as bob sec-pal set available
	await alice --since "$m" -c st -e conf.status --by bob |
	    jq -e '.status == "active"'
}

@test "S048b S048c S202: two machines ring, the first answer wins" {
	dir=$(second_machine bob2)
	at "$dir" bob sec-login -q -P "$SEC_DIR/home/bob/password" bob
	ma=$(mark alice) mb=$(mark bob)
	m2=$(at "$dir" bob sec-watch --last)
	bg sec-lab run alice sec-confctl create -n two bob
	creator=$!
	await bob --since "$mb" -e invite.in
	at "$dir" bob sec-watch -1 -T "$DEADLINE" --since "$m2" -e invite.in
	at "$dir" bob sec-confctl accept
	wait "$creator"
	# The other one stops ringing, and is not in.
	await bob --since "$mb" -e invite.done
	run -0 as bob sec-confctl invites
	[ "$output" = "" ]
	[ "$(at "$dir" bob sec-confctl list -q)" = two ]
	[ "$(as bob sec-confctl list -q)" = "" ]
	roster_is alice two $'alice active\nbob active'
	# Leave there, come in here; both at once are one member.
	as bob sec-confctl join two
	roster_is alice two $'alice active\nbob active'
	at "$dir" bob sec-confctl leave two
	echo "on which?" | as alice sec-talk -s two
	[ "$(texts bob two)" = "alice: on which?" ]
	[ "$(at "$dir" bob sec-watch -T 0 --since 0 -c two -e text)" = "" ]
	at "$dir" bob sec-login -k
	# The first machine is still logged in.
	as bob sec-pal -q
}

@test "S117 S048c: two machines ring, and one declines for the person" {
	dir=$(second_machine bob3)
	at "$dir" bob sec-login -q -P "$SEC_DIR/home/bob/password" bob
	as bob sec-confctl answer decline
	m2=$(at "$dir" bob sec-watch --last)
	run -6 as alice sec-confctl create -q -n dec bob
	at "$dir" bob sec-watch -1 -T "$DEADLINE" --since "$m2" -e invite.done
	# Busy here is not the last word: it rings on there.
	as bob sec-confctl answer busy
	m2=$(at "$dir" bob sec-watch --last)
	bg sec-lab run alice sec-confctl invite dec bob
	invite=$!
	at "$dir" bob sec-watch -1 -T "$DEADLINE" --since "$m2" -e invite.in
	at "$dir" bob sec-confctl accept
	ended 0 "$invite"
	at "$dir" bob sec-confctl leave dec
	at "$dir" bob sec-login -k
}

@test "S121: epochs: a join ratchets on, a leave makes a fresh key" {
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	as alice sec-confctl create -q -n ep
	e1=$(epoch alice ep)
	as alice sec-confctl invite -q ep bob
	e2=$(epoch alice ep)
	[ "$e2" -gt "$e1" ]
	[ "$(epoch bob ep)" = "$e2" ]
	as alice sec-confctl invite -q ep carol
	e3=$(epoch carol ep)
	[ "$e3" -ge "$e2" ]
	until_ok eval '[ "$(epoch alice ep)" = "$e3" ] &&
	    [ "$(epoch bob ep)" = "$e3" ]'
	m=$(mark alice)
	as carol sec-confctl leave ep
	await alice --since "$m" -c ep -e conf.key |
	    jq -e --argjson e "$e3" '.key_gen > $e'
	until_ok eval '[ "$(epoch alice ep)" = "$(epoch bob ep)" ] &&
	    [ "$(epoch bob ep)" -gt "$e3" ]'
	# Written before it was used.
	[ "$(db conf.db "select epoch from conference where name = 'ep'")" \
	    -ge "$(epoch alice ep)" ]
	echo "without carol" | as alice sec-talk -s ep
	[ "$(texts bob ep)" = "alice: without carol" ]
	[ "$(texts carol ep)" = "" ]
}

@test "S016 S128: who comes late reads nothing of before" {
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	as alice sec-confctl create -q -n early bob
	echo "before carol" | as alice sec-talk -s early
	as alice sec-confctl invite -q early carol
	echo "after carol" | as alice sec-talk -s early
	until_ok eval '[ -n "$(texts carol early)" ]'
	[ "$(texts carol early)" = "alice: after carol" ]
	[ "$(texts bob early)" = $'alice: before carol\nalice: after carol' ]
}

@test "S153: numbers of devices are never used again" {
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -n num --open bob
	first=$(db conf.db "select max(q) from device join conference
	    on id = conf where name = 'num'")
	for i in 1 2 3; do
		as bob sec-confctl leave num
		as bob sec-confctl join num
	done
	now=$(db conf.db "select max(q) from device join conference
	    on id = conf where name = 'num'")
	[ "$now" -ge $((first + 3)) ]
	# Reserved in blocks, so that a crash skips and never repeats.
	reserved=$(db conf.db "select q_reserved from conference
	    where name = 'num'")
	[ $((now & 0xffffff)) -lt "$reserved" ]
}

@test "answering by rule: a list of users, decline, busy" {
	as bob sec-confctl answer accept carol
	ring r1
	as bob sec-confctl accept
	wait "$creator"
	as bob sec-confctl answer decline
	run -6 as alice sec-confctl create -q -n r2 bob
	as bob sec-confctl answer busy
	run -7 as alice sec-confctl create -q -n r3 bob
	as bob sec-confctl answer accept carol,alice
	run -0 as alice sec-confctl create -q -n r4 bob
}

@test "several invitations: which one must be said" {
	as bob sec-confctl answer ask
	m=$(mark bob)
	as alice sec-confctl create -T 0 -q -n s1 bob
	as carol sec-confctl create -T 0 -q -n s2 bob
	await bob --since "$m" -e invite.in -c s1
	await bob --since "$m" -e invite.in -c s2
	run -2 --separate-stderr as bob sec-confctl accept
	[[ $stderr == *i-* ]]
	run -0 as bob sec-confctl invites -q
	[ ${#lines[@]} = 2 ]
	one=$(as bob sec-confctl invites -j | jq -r \
	    'select(.conf == "sip:s2@conf.lab.test").invite')
	as bob sec-confctl accept "$one"
	[ "$(as bob sec-confctl list -q)" = s2 ]
	as bob sec-confctl decline
	run -5 as bob sec-confctl decline i-none
}

@test "an agent whose socket has gone logs out and ends" {
	pid=$(cat "$BATS_FILE_TMPDIR/other")
	local DEADLINE=60
	until_ok gone "$pid"
	[ "$(db pal.db "select count(*) from binding where user = 'dave'")" = 1 ]
}

@test "S085 S095: a ticket is renewed before it ends, without a password" {
	local DEADLINE=100
	until_ok eval '[ "$(session dave until)" -gt \
	    "$(cat "$BATS_FILE_TMPDIR/until")" ]'
	[ "$(session dave pid)" = "$(cat "$BATS_FILE_TMPDIR/pid")" ]
	[ "$(as dave sec-watch -T 0 --since 0 -e session.down)" = "" ]
	shows dave alice available
}
