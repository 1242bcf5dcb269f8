#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Fig. 6: a conference is created.
#
#   alice's agent          sec-confctl         sec-mtcu      sec-pal
#    | 602 INVITE conference@ |                   |             |
#    |----------------------->| 604 id, key       |             |
#    |                        | 606 conference -->|             |
#    |                        | 608 conference ---|------------>| 610
#    |<-- 612 302: id, sealed key, ACK -->|       |             |
#    | 614 INVITE the id, SDP |                   |             |
#    |----------------------->| 616 preference    |             |
#    |                        | 618 join -------->|             |
#    |                        |<- 620 address ----|             |
#    |                        | 622 join ---------|------------>|
#    |<-- 624 200: address ---|                   |             |
#    | 626 SUBSCRIBE the id --|-------------------|------------>| verified
#    |<-- 628 200: participants ------------------|-------------|
#
# The steps in their order on the wire: 12-plain.bats.

load ../lib/lab

setup_file() {
	lab_up --wire "$BATS_FILE_TMPDIR/wire.pcap" alice bob carol
}
teardown_file() { lab_down; }
teardown() {
	show_logs
	leave_all alice bob carol
}

@test "S001 S005 S009 S097 S098: one command, and its id is on stdout" {
	run -0 --separate-stderr as alice sec-confctl create
	[[ $output =~ ^c-[a-z0-9]{6,}$ ]]
	id=$output
	run -0 as alice sec-confctl list -q
	[ "$output" = "$id" ]
	run -0 as alice sec-confctl show -j "$id"
	jq -se --arg u "sip:$id@conf.lab.test" '.[0].conf == $u' <<<"$output"
}

@test "S098 S102 S103: the key is there with the first answer" {
	m=$(mark alice)
	as alice sec-confctl create -n k1
	await alice --since "$m" -c k1 -e conf.new |
	    jq -e '.user == "sip:alice@lab.test"'
	run -0 as alice sec-ctl "$SEC_DIR/run/alice@lab.test.sock" show conf=k1
	# Epoch 1 came in the 302, sealed for her alone.
	[[ $output =~ epoch=1($'\t'|$) ]]
	[[ $output =~ q=1\.[0-9]+ ]]
	grep -qa 'SEC-Conference' "$SEC_DIR/wire.pcap" && return 1
	[ "$(db conf.db "select epoch from conference where name = 'k1'")" = 1 ]
}

@test "S057 S101: the controller has its object, its device in it" {
	as alice sec-confctl create -n o1 --title "A title" --open
	run -0 db conf.db "select title, owner, access, persistent
	    from conference where name = 'o1'"
	[ "$output" = "A title|sip:alice@lab.test|domain|0" ]
	run -0 db conf.db "select user, medium from device"
	[ "$output" = "sip:alice@lab.test|text" ]
}

@test "S099 S026: text routers share the conferences by spare capacity" {
	for i in 1 2 3 4; do
		as alice sec-confctl create -n "s$i" >/dev/null
	done
	run -0 db conf.db "select count(*) from conference_medium
	    where conf in (select id from conference where name like 's_')
	    group by server order by 1"
	[ "$output" = $'2\n2' ]
	for name in mtcu1 mtcu2; do
		run -0 --separate-stderr as alice sec-mtcu health --name "$name"
		[[ $output == *"2 conferences, 2 members"* ]]
	done
}

@test "S104 S105 S106 S108: joined with her address, told where to send" {
	as alice sec-confctl create -n a1
	run -0 db conf.db "select server, address from device
	    join conference on id = conf where name = 'a1'"
	server=${output%%|*}
	address=${output#*|}
	[[ $address =~ ^127\.[0-9.]+:[0-9]+$ ]]
	# Her text connection goes to that server, and text comes back.
	awk -v n="$server" '$1 == n' "$SEC_DIR/etc/servers" | grep -q mtcu
	echo echo | as alice sec-talk -s a1
	[ "$(texts alice a1)" = "alice: echo" ]
}

@test "S100 S107 S109 S110 S048d: the roster, for participants only" {
	as alice sec-confctl create -n p1
	run -0 as alice sec-confctl show p1
	[[ ${lines[0]} =~ ^p1\ \ text\ \ open\ [0-2][0-9]:[0-5][0-9]\ \ key\ generation\ 1\ \ creator\ alice$ ]]
	[[ ${lines[1]} =~ ^alice\ +active\ +text$ ]]
	[ ${#lines[@]} = 2 ]
	run -4 --separate-stderr as bob sec-confctl show p1
	[ "$output" = "" ]
	[[ $stderr == "sec-confctl: "* ]]
	run -5 --separate-stderr as alice sec-confctl show p2
	run -0 as bob sec-confctl list -a -q
	[ "$output" = "" ]
}

@test "a name that is taken: 1, and what is no name: 2 or 11" {
	as alice sec-confctl create -n taken
	run -1 --separate-stderr as bob sec-confctl create -n taken
	[ "$output" = "" ]
	[[ $stderr == "sec-confctl: "*taken* ]]
	run --separate-stderr as bob sec-confctl create -n "not a name"
	[ "$status" = 2 ] || [ "$status" = 11 ]
	run -0 db conf.db "select count(*) from conference
	    where name in ('taken', 'not a name')"
	[ "$output" = 1 ]
}

@test "S016 S048a: joining by name: invited, open, and neither" {
	as alice sec-confctl create -n closed
	as alice sec-confctl create -n open --open
	run -4 --separate-stderr as bob sec-confctl join closed
	run -5 --separate-stderr as bob sec-confctl join nowhere
	run -0 as bob sec-confctl list -a -q
	[ "$output" = open ]
	for name in open@conf.lab.test sip:open@conf.lab.test open; do
		run -0 as bob sec-confctl join "$name"
		run -0 as bob sec-confctl list -q
		[ "$output" = open ]
		as bob sec-confctl leave "$name"
	done
	# Whoever was ever invited may come later by himself.
	as bob sec-confctl answer decline
	run -6 as alice sec-confctl invite closed bob
	as bob sec-confctl answer ask
	run -0 as bob sec-confctl join closed
	run -4 as carol sec-confctl join closed
}

@test "only its creator ends it; then it is over for all" {
	as alice sec-confctl create -n e1 --open
	as bob sec-confctl join e1
	run -4 as bob sec-confctl end e1
	m=$(mark bob)
	run -0 as alice sec-confctl end -y e1
	await bob --since "$m" -c e1 -e conf.end
	run -0 as bob sec-confctl list -q
	[ "$output" = "" ]
	run -5 as bob sec-confctl join e1
	# Its name is free again.
	as bob sec-confctl create -n e1
}

@test "S002 S034 S185 S186: many conferences, the same people in several" {
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	for i in 1 2 3 4 5 6; do
		as alice sec-confctl create -q -n "m$i" bob carol
	done
	as alice sec-confctl create -q -n pair bob
	run -0 as bob sec-confctl list -q
	[ ${#lines[@]} = 7 ]
	for i in 1 2 3 4 5 6; do
		echo "in $i" | as bob sec-talk -s "m$i"
	done
	echo "for two" | as bob sec-talk -s pair
	for i in 1 2 3 4 5 6; do
		[ "$(texts carol "m$i")" = "bob: in $i" ]
	done
	[ "$(texts alice pair)" = "bob: for two" ]
	run -0 as carol sec-watch -T 0 --since 0 -c pair
	[ "$output" = "" ]
	as bob sec-confctl answer ask
	as carol sec-confctl answer ask
}

@test "S049 S047: outputs for people, scripts and programs" {
	as alice sec-confctl create -n out -q >"$BATS_TEST_TMPDIR/q"
	[ "$(cat "$BATS_TEST_TMPDIR/q")" = out ]
	run -0 as alice sec-confctl list
	[[ ${lines[0]} =~ ^out\ +text\ +1\ +alice ]]
	run -0 as alice sec-confctl list -j
	jq -e '.v == 1 and .conf == "sip:out@conf.lab.test"' <<<"$output"
	LC_ALL=C run -0 as alice sec-confctl list -j
	jq -e .v <<<"$output"
}

@test "without media that the lab has: refused, nothing is left" {
	run ! --separate-stderr as alice sec-confctl create -n v1 -m app
	[ "$output" = "" ]
	run -2 --separate-stderr as alice sec-confctl create -n v2 -m smell
	run -0 db conf.db "select count(*) from conference
	    where name in ('v1', 'v2')"
	[ "$output" = 0 ]
}

@test "S056 S057: nobody has more conferences or subscriptions than he may" {
	cp "$SEC_DIR/etc/sec.conf" "$BATS_TEST_TMPDIR/conf"
	printf 'user-conferences = 2\nuser-subscriptions = 3\n' \
	    >>"$SEC_DIR/etc/sec.conf"
	hup confctl
	hup
	as alice sec-confctl create -n l1
	as alice sec-confctl create -n l2
	run -4 --separate-stderr as alice sec-confctl create -n l3
	[ "$stderr" = \
	    "sec-confctl: you have 2 conferences, and may not have more" ]
	# Of others she may be a member, but her PAL and two rosters are three.
	as bob sec-confctl create -n l4 --open
	run -4 --separate-stderr as alice sec-confctl join l4
	[ "$stderr" = \
	    "sec-confctl: you have 3 subscriptions, and may not have more" ]
	# What has ended does not count.
	as alice sec-confctl leave l1
	until_ok as alice sec-confctl create -n l3
	leave_all alice bob
	cp "$BATS_TEST_TMPDIR/conf" "$SEC_DIR/etc/sec.conf"
	hup confctl
	hup
	as alice sec-confctl create -n l5
	as alice sec-confctl create -n l6
	as alice sec-confctl create -n l7
}
