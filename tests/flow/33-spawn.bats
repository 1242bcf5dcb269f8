#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Conferences out of others (S134-S138, S193, S194).
#
#   alice's agent         sec-confctl          sec-pal        bob's agent
#    | INVITE the factory,    |                   |                |
#    |  parent= media= ------>| one commit: row,  |                |
#    |                        |  medium, who is   |                |
#    |                        |  asked            |                |
#    |                        |--- conference --->|                |
#    |<-- 302 ----------------|--- invited ------>|                |
#    |                        | INVITE, From alice, parent= ------>| rings
#    | INVITE, as ever ------>|                   |                |
#    |<-- 200 ----------------|<------------------|-- 200 or 486 --|
#    |<-- NOTIFY: active, or left reason=486 -----|                |

load ../lib/lab

setup_file() {
	lab_up alice bob carol dave
	as dave sec-login -k
	as dave sec-login -q -m text -P "$SEC_DIR/home/dave/password" dave
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	show_logs
	leave_all alice bob carol dave
}

# parent NAME [USER...]: alice's, with these in it.
parent() {
	local u
	for u in "${@:2}"; do as "$u" sec-confctl answer accept; done
	as alice sec-confctl create -q -n "$@" 2>/dev/null
	for u in "${@:2}"; do as "$u" sec-confctl answer ask; done
}
conferences() { db conf.db "select count(*) from conference where $1"; }
no_conference() { [ "$(conferences "name = '$1'")" = 0 ]; }
confs_are() { # USER NAMES
	[ "$(as "$1" sec-confctl list -q | sort | xargs)" = "$2" ]
}

confs_listed() { [ "$(as "$1" sec-confctl list -qa | sort | xargs)" = "$2" ]; }

@test "S134 S135: any member; names; each answers as he likes" {
	parent a bob carol dave
	m=$(mark carol)
	bg as bob sec-confctl spawn a voice
	spawn=$!
	await carol --since "$m" -e invite.in -c a.voice |
	    jq -e '.user == "sip:bob@lab.test"'
	roster_is bob a.voice $'alice invited\nbob active\ncarol invited'
	as carol sec-confctl decline
	as alice sec-confctl busy
	# Nobody came: the code of the first of them, by exit code.
	wait "$spawn" && status=0 || status=$?
	[[ " 6 7 8 " == *" $status "* ]]
	[ "$(cat bg.out)" = a.voice ]
	[ "$(sort bg.err)" = "alice  busy
carol  declined
dave   no voice device; stays in a" ]
	roster_is bob a.voice "bob active"
	# His own events say the same.
	as bob sec-watch -T 0 --since 0 -c a.voice -e invite.done |
	    jq -se 'map(.result) | sort == ["busy", "declined", "failed"]'
	# The roster says why, for a minute.
	as bob sec-confctl show -j a.voice | jq -e '[.members[] |
	    select(.status == "left") | .reason] | sort == [486, 488, 603]'
	# The next one of the kind has a number; nobody waits for answers.
	run -0 --separate-stderr as bob sec-confctl spawn -T 0 a voice
	[ "$output" = a.voice2 ]
	until_ok eval '[ -n "$(as carol sec-confctl invites -q)" ]'
	# He who was asked may come by himself.
	as carol sec-confctl join a.voice
	roster_is bob a.voice $'bob active\ncarol active'
	# A name that leaves no room for more gets one of its own.
	long=$(printf 'l%.0s' {1..64})
	as alice sec-confctl create -n "$long"
	run -0 as alice sec-confctl spawn "$long" voice
	[[ $output =~ ^c-[a-z2-7]{6}$ ]]
}

@test "-W, -j; nobody answers; an interrupt ends only the waiting" {
	parent w bob carol
	as carol sec-confctl answer accept
	run -9 --separate-stderr as alice sec-confctl spawn -W -T 1 w voice
	[ "$output" = w.voice ]
	[ "$(sort <<<"$stderr")" = "bob    no answer
carol  accepted" ]
	until_ok eval '[ -z "$(as bob sec-confctl invites)" ]'
	run -0 --separate-stderr as alice sec-confctl spawn -j -T 1 w voice
	jq -se '.[0].conf == "sip:w.voice2@conf.lab.test" and
	    (.[1:] | map(.result) | sort) == ["accepted", "timeout"]' \
	    <<<"$output"
	m=$(mark bob)
	bg env --default-signal=INT sec-lab run alice sec-confctl spawn w voice
	spawn=$!
	await bob --since "$m" -e invite.in -c w.voice3
	until_ok grep -q accepted bg.err
	pkill -INT -P "$spawn" || kill -INT "$spawn"
	ended 130 "$spawn"
	grep -qx "bob    still asked" bg.err
	as bob sec-confctl accept
	roster_is alice w.voice3 $'alice active\nbob active\ncarol active'
}

@test "some of them, in a room of their own" {
	parent b bob carol
	as bob sec-confctl answer accept
	m=$(mark carol)
	run -0 --separate-stderr as alice sec-confctl spawn b text bob
	[ "$output" = b.text ]
	[ "$stderr" = "bob accepted" ]
	echo "between us" | as alice sec-talk -s b.text
	until_ok eval 'texts bob b.text | grep -qx "alice: between us"'
	# Who was not named has no part in it, now or later.
	run -4 as carol sec-confctl join b.text
	as dave sec-confctl answer accept
	as alice sec-confctl invite b dave
	run -4 as dave sec-confctl join b.text
	[ -z "$(as carol sec-watch -T 0 --since "$m" -e 'invite.*')" ]
	[ -z "$(as dave sec-watch -T 0 --since 0 -e invite.in -c b.text)" ]
	as alice sec-confctl show -j b.text | jq -e '.access == "invited"'
	# Only people who are in it; nothing is made otherwise.
	run -5 --separate-stderr as alice sec-confctl spawn b text bob erin
	[[ $stderr == *"erin is not in b" ]]
	no_conference b.text2
	run -2 as alice sec-confctl spawn b text,voice
	run -2 as alice sec-confctl spawn b smell
	as dave sec-confctl leave b
	run -4 --separate-stderr as dave sec-confctl spawn b text
	[[ $stderr == *"not in b" ]]
	run -5 as dave sec-confctl spawn nowhere text
}

@test "who may join the parent may join the child" {
	as alice sec-confctl create -q -n o --open
	as alice sec-confctl spawn o voice
	as bob sec-confctl list -qa | grep -qx o.voice
	as bob sec-confctl join o.voice
	# Its owner may choose otherwise.
	as alice sec-confctl set o.voice access=invited
	run -4 as carol sec-confctl join o.voice
	until_ok eval '! as carol sec-confctl list -qa | grep -qx o.voice'
	as alice sec-confctl set o.voice access=parent
	as carol sec-confctl join o.voice
	run -2 as alice sec-confctl set o access=parent
}

@test "nobody comes past the lobby of the parent, or its lock" {
	as alice sec-confctl create -q -n h --open
	as bob sec-confctl join h
	as alice sec-confctl spawn -T 0 h voice
	as alice sec-confctl set h lobby=on
	run -4 --separate-stderr as carol sec-confctl join h.voice
	[[ $stderr == *"h has to let you in first" ]]
	as alice sec-confctl set h lobby=off
	as alice sec-confctl lock h
	run -4 as carol sec-confctl join h.voice
	# Who is in the parent is not new, nor who was asked in himself.
	as bob sec-confctl join h.voice
	bg as alice sec-confctl invite h.voice carol
	until_ok as carol sec-confctl accept
	ended 0 "$!"
	as carol sec-confctl leave h.voice
	as carol sec-confctl join h.voice
	as alice sec-confctl unlock h
}

@test "S194: joining the parent joins its children, unless -1" {
	parent r bob
	as bob sec-confctl answer accept
	as alice sec-confctl spawn r voice
	as alice sec-confctl spawn r text bob
	until_ok confs_are bob "r r.text r.voice"
	as bob sec-confctl leave -a
	run -0 --separate-stderr as bob sec-confctl join r
	[ "$(sort <<<"$stderr")" = "r.text joined too
r.voice joined too" ]
	confs_are bob "r r.text r.voice"
	# Only what he is not in; and not for a line of text.
	as bob sec-confctl leave r.voice
	as bob sec-confctl leave r
	run -0 --separate-stderr as bob sec-confctl join r
	[ "$stderr" = "r.voice joined too" ]
	as bob sec-confctl leave -a
	run -0 --separate-stderr as bob sec-confctl join -1 r
	[ -z "$stderr" ]
	confs_are bob r
	as bob sec-confctl leave r
	echo hello | as bob sec-talk -s r
	confs_are bob ""
	# Who has no device for it is not led there.
	as dave sec-confctl answer accept
	as alice sec-confctl invite r dave
	as dave sec-confctl leave r
	as dave sec-confctl join r
	confs_are dave r
}

@test "S193 S187: the child of a persistent conference is one" {
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -p -n board bob
	as alice sec-confctl answer accept
	as bob sec-confctl spawn board voice
	[ "$(conferences "name = 'board.voice' and persistent = 1")" = 1 ]
	as alice sec-confctl leave -a
	as bob sec-confctl leave -a
	kill_daemon confctl
	until_ok agent_is_back alice
	until_ok as alice sec-confctl join board
	until_ok confs_are alice "board board.voice"
	as alice sec-confctl show -j board.voice | jq -e '.parent ==
	    "sip:board@conf.lab.test" and .creator == "sip:bob@lab.test"'
	# When the parent ends, it stays.
	as alice sec-confctl end -y board
	until_ok confs_are alice board.voice
	until_ok eval 'as alice sec-confctl show -j board.voice |
	    jq -e ".parent == null"'
	as bob sec-confctl end -y board.voice
}

@test "S191: a block counts in both" {
	as alice sec-confctl create -q -n k --open
	as bob sec-confctl join k
	as bob sec-confctl spawn -T 0 k voice
	as carol sec-confctl join k.voice
	m=$(mark bob)
	as alice sec-confctl block k carol
	await bob --since "$m" -c k.voice -e conf.leave --by carol
	until_ok confs_are carol ""
	run -4 as carol sec-confctl join k.voice
	run -4 as bob sec-confctl invite k.voice carol
	until_ok confs_listed carol ""
	as alice sec-confctl unblock k carol
	until_ok confs_listed carol "k k.voice"
	# Nor does it ring there any more.
	m=$(mark carol)
	bg as bob sec-confctl invite k.voice carol
	invite=$!
	await carol --since "$m" -e invite.in -c k.voice
	as alice sec-confctl block k carol
	await carol --since "$m" -e invite.done -c k.voice |
	    jq -e '.result == "cancelled"'
	ended 4 "$invite"
	as alice sec-confctl unblock k carol
	as carol sec-confctl join k.voice
}

@test "whose is the child of a conference that he is blocked in" {
	as alice sec-confctl create -q -n w --open
	as bob sec-confctl join w
	as carol sec-confctl join w
	as bob sec-confctl spawn -T 0 w text
	as carol sec-confctl join w.text
	run -4 as alice sec-confctl set w.text title=hers
	as alice sec-confctl block w bob
	run -4 --separate-stderr as bob sec-confctl set w.text title=his
	[[ $stderr == *"only alice (creator)"* ]]
	run -4 as bob sec-confctl kick w.text carol
	run -4 as bob sec-confctl end -y w.text
	as alice sec-confctl set w.text title=hers
	as alice sec-confctl unblock w bob
	as bob sec-confctl set w.text title=his
	run -4 as alice sec-confctl set w.text title=hers
}

@test "a block outlives the parent" {
	as alice sec-confctl create -q -p -n u --open
	as bob sec-confctl join u
	as carol sec-confctl join u
	as bob sec-confctl spawn -T 0 u text
	as carol sec-confctl join u.text
	as alice sec-confctl block u carol
	as alice sec-confctl end -y u
	run -4 as carol sec-confctl join u.text
	until_ok confs_listed carol ""
	old=$(daemon_pid confctl)
	kill -9 "$old"
	until_ok daemon_is_new confctl "$old"
	# refused, once the controller is there
	barred() {
		local status=0
		as carol sec-confctl join u.text || status=$?
		[ "$status" = 4 ]
	}
	until_ok barred
	# Its owner decides now.
	until_ok as bob sec-confctl unblock u.text carol
	as carol sec-confctl join u.text
	as bob sec-confctl end -y u.text
}

@test "a parent that ends meanwhile: nothing is spawned" {
	parent e bob
	local pal=$(daemon_pid pal)
	# sec-pal holds the child up.
	kill -STOP "$pal"
	bg as bob sec-confctl spawn e voice
	spawn=$!
	until_ok eval '[ "$(conferences "name = '\''e.voice'\''")" = 1 ]'
	as alice sec-confctl end e
	kill -CONT "$pal"
	ended 5 "$spawn"
	[ -z "$(cat bg.out)" ]
	until_ok no_conference e.voice
	until_ok eval '! as bob sec-confctl list -qa | grep -x e.voice'
	[ -z "$(as alice sec-watch -T 0 --since 0 -e invite.in -c e.voice)" ]
}

@test "a conference that ends while it rings: one outcome for each" {
	parent f bob
	m=$(mark carol)
	bg as bob sec-confctl invite f carol
	invite=$!
	await carol --since "$m" -e invite.in -c f
	as alice sec-confctl end f
	ended 9 "$invite"
	grep -qx "carol cancelled" bg.err
	await carol --since "$m" -e invite.done -c f |
	    jq -e '.result == "cancelled"'
	run -5 as carol sec-confctl accept
	# He has accepted, but is not in yet.
	parent f2 bob
	m=$(mark carol)
	bg as bob sec-confctl invite f2 carol
	invite=$!
	await carol --since "$m" -e invite.in -c f2
	local pal=$(daemon_pid pal) accept
	kill -STOP "$pal"
	sec-lab run carol sec-confctl accept >accept.out 2>&1 3>&- &
	accept=$!
	until_ok grep -q 'conf.join conf=sip:f2@.*user=sip:carol' \
	    "$SEC_DIR"/log/mtcu1 "$SEC_DIR"/log/mtcu2
	as alice sec-confctl end f2
	kill -CONT "$pal"
	ended 9 "$invite"
	grep -qx "carol cancelled" bg.err
	ended 10 "$accept"
	confs_are carol ""
	await carol --since "$m" -e invite.done -c f2 |
	    jq -e '.result == "failed"'
}

# What the database holds of a child is all of it.
child_is_whole() { # NAME PEOPLE
	[ "$(db conf.db "select p.name, m.medium, (select count(*) from
	    conference_user u where u.conf = c.id and u.list = 'invited')
	    from conference c join conference p on p.id = c.parent
	    join conference_medium m on m.conf = c.id
	    where c.name = '$1'")" = "${1%%.*}|voice|$2" ]
}

@test "kill -9 of the controller: the child is there, whole, or not at all" {
	parent x bob carol
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -p -n y bob
	local pal=$(daemon_pid pal) n
	# Stored, and not dealt yet.
	kill -STOP "$pal"
	for n in x y; do
		bg as alice sec-confctl spawn $n voice
		spawn=$!
		until_ok eval '[ "$(conferences "name = '\''$n.voice'\''")" = 1 ]'
		[ $n = y ] || first=$spawn
	done
	child_is_whole x.voice 3
	child_is_whole y.voice 2
	sec-lab kill confctl 3>&-
	kill -CONT "$pal"
	ended 10 "$first"
	ended 10 "$spawn"
	until_ok daemon_is_well confctl
	until_ok agent_is_back alice
	until_ok agent_is_back bob
	# Nobody came to the one, the other stays.
	child_is_whole y.voice 2
	until_ok as bob sec-confctl join y.voice
	until_ok no_conference x.voice
	as alice sec-confctl end -y y
	as alice sec-confctl end -y y.voice
}

@test "kill -9 of the controller while it rings: who was asked can accept" {
	parent z bob carol
	local m=$(mark bob) spawn inviting
	bg as alice sec-confctl spawn z voice
	spawn=$!
	await bob --since "$m" -e invite.in -c z.voice
	as alice sec-confctl create -q -n plain
	for u in bob dave; do
		as alice sec-confctl invite -T 0 plain $u
		await $u --since 0 -e invite.in -c plain
	done
	kill_daemon confctl
	wait "$spawn" || :
	[ "$(cat bg.out)" = z.voice ]
	child_is_whole z.voice 3
	until_ok agent_is_back alice
	until_ok as carol sec-confctl join z.voice
	[ "$(as bob sec-confctl invites -q | wc -l)" = 2 ]
	as bob sec-confctl accept z.voice
	as bob sec-watch -T 0 --since "$m" -e invite.done -c z.voice |
	    jq -se 'map(.result) == ["accepted"]'
	roster_is bob z.voice $'alice active\nbob active\ncarol active'
	as bob sec-confctl accept plain
	as dave sec-confctl decline plain
	roster_is alice plain $'alice active\nbob active'
	# Asked again he is asked once.
	as alice sec-confctl invite -T 0 plain dave
	until_ok eval '[ "$(as dave sec-confctl invites -q | wc -l)" = 1 ]'
	kill_daemon confctl
	until_ok agent_is_back alice
	until_ok agent_is_back dave
	m=$(mark dave)
	as alice sec-confctl invite -T 0 plain dave
	await dave --since "$m" -e invite.in -c plain
	[ "$(as dave sec-confctl invites -q | wc -l)" = 1 ]
	as dave sec-confctl accept
	roster_is alice plain $'alice active\nbob active\ndave active'
}

# write CONF: a line, and another, until the file `stop` is there.
write() {
	local n=0
	until [ -e stop ]; do
		n=$((n + 1))
		echo "$n"
		echo "$n" >last
		[ $((n % 5)) -gt 0 ] || breathe
	done | sec-lab run alice sec-talk -s "$1"
}
# When as many lines as that have come to bob.
lines() { [ "$(texts bob "$1" | wc -l)" -ge "$2" ]; }

@test "S008: voice comes to a text that goes on, and leaves it" {
	parent s bob
	bg write s
	writer=$!
	until_ok lines s 20
	for media in text,voice text text,voice text; do
		as alice sec-confctl set s media=$media
		until_ok lines s $(($(texts bob s | wc -l) + 20))
	done
	touch stop
	ended 0 "$writer"
	until_ok lines s "$(cat last)"
	diff <(texts bob s) <(seq -f 'alice: %.0f' "$(cat last)")
	as bob sec-watch -T 0 --since 0 -c s -e conf.policy |
	    jq -se 'map(.media) == [["text","voice"],["text"],
	    ["text","voice"],["text"]]'
}
