#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Who died, what the others do, what is stored: the table of ARCHITECTURE.md
# 11, a row per test. Each is killed (-9) several times while alice and bob
# are in a conference and write.
#
#   who died      the others                                stored
#   agent         unreachable, 30 s of grace, back with     binding,
#                 a fresh q and no new key                   preferences
#   sec-pal       register again without a password,        all but Kc
#                 rosters dealt again
#   sec-confctl   text goes on; registered repeated;         conferences,
#                 fresh epoch for all                        devices, epoch, q
#   MTCU          dealt again; text resent, none twice       nothing
#   KDC           sessions go on; a new login exits 10       -
#   all           from disk; epoch and q never go back       databases, keys

load ../lib/lab

setup_file() {
	lab_up alice bob carol erin
	for u in bob carol erin; do as "$u" sec-confctl answer accept; done
	as alice sec-confctl create -q -W -n s bob carol
	# Erin's agent dies now, and her grace ends while the others run.
	as alice sec-confctl create -q -W -n grace erin bob
	epoch alice grace >"$SEC_DIR/grace-epoch"
	mark alice >"$SEC_DIR/grace-mark"
	kill -9 "$(agent_pid erin)"
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() { show_logs; }

# say USER TEXT: until it is delivered to all; then each of the others has it
# exactly once.
say() {
	local user=$1 text=$2 other
	until_ok eval 'echo "$text" | as "$user" sec-talk -s s'
}

# has_once USER TEXT: it may wait in his agent for the roster that says whose
# it is, but not for ever, and it is not there twice.
has_once() {
	until_ok has "$1" "$2"
	[ "$(times "$1" "$2")" = 1 ]
}
has() { [ "$(times "$1" "$2")" -ge 1 ]; }
times() {
	texts "$1" s | sed 's/^[^:]*: //' | grep -cxF "$2" || :
}

q_of() { # USER
	db conf.db "select max(q) from device join conference on id = conf
	    where name = 's' and user = 'sip:$1@lab.test'"
}

three=$'alice active\nbob active\ncarol active'

@test "S202: an agent dies: unreachable, then back by itself at the next login" {
	for round in 1 2 3; do
		before=$(epoch alice s)
		q=$(q_of bob)
		m=$(mark alice)
		kill -9 "$(agent_pid bob)"
		await alice --since "$m" -c s -e conf.status --by bob |
		    jq -e '.status == "unreachable"'
		run -3 as bob sec-pal
		log_in bob
		as bob sec-confctl answer accept
		roster_is alice s "$three"
		roster_is bob s "$three"
		# The key is the same for the return within the grace; his
		# number is a new one.
		[ "$(epoch bob s)" = "$before" ]
		[ "$(q_of bob)" -gt "$q" ]
		say alice "after bob's return $round"
		has_once bob "after bob's return $round"
		say bob "bob again $round"
		has_once carol "bob again $round"
	done
	databases_are_sound
}

@test "text meanwhile: exit 8 and his name, nothing for the others twice" {
	m=$(mark alice)
	kill -9 "$(agent_pid bob)"
	await alice --since "$m" -c s -e conf.status --by bob
	run -8 --separate-stderr bash -c \
	    'echo "bob is away" | sec-lab run alice sec-talk -s s 3>&-'
	[[ $stderr == *bob* ]]
	has_once carol "bob is away"
	log_in bob
	as bob sec-confctl answer accept
	roster_is alice s "$three"
	[ "$(times bob "bob is away")" = 0 ]
}

@test "S127: an agent that hangs is waited for once, and has all when it is back" {
	pid=$(agent_pid bob)
	kill -STOP "$pid"
	run -8 --separate-stderr bash -c \
	    'echo "bob hangs" | sec-lab run alice sec-talk -s s 3>&-'
	[[ $stderr == *bob* ]]
	# Twenty times two seconds would be too long.
	run -8 --separate-stderr timeout 35 bash -c \
	    'printf "hanging %d\n" {1..20} | sec-lab run alice sec-talk -s s 3>&-'
	has_once carol "hanging 20"
	kill -CONT "$pid"
	roster_is alice s "$three"
	has_once bob "bob hangs"
	has_once bob "hanging 1"
	has_once bob "hanging 20"
	say alice "nobody hangs"
	has_once bob "nobody hangs"
}

@test "one of two agents of a user dies: nobody waits, and nothing is missed" {
	dir=$(second_machine bob2)
	at "$dir" bob sec-login -q -P "$SEC_DIR/home/bob/password" bob
	at "$dir" bob sec-confctl join s
	pid=$(at "$dir" bob sec-ctl "$dir/run/bob@lab.test.sock" status |
	    tr '\t' '\n' | sed -n 's/^pid=//p')
	kill -9 "$pid"
	run -0 timeout 35 bash -c \
	    'printf "one is left %d\n" {1..20} |
	    sec-lab run alice sec-talk -s s 3>&-'
	has_once bob "one is left 1"
	has_once bob "one is left 20"
	roster_is alice s "$three"
}

@test "S091 S056: sec-pal dies: nobody is asked for anything" {
	before=$(epoch alice s)
	for round in 1 2 3; do
		m=$(mark alice)
		kill_daemon pal
		await_that alice '.event == "svc.down" and .service == "pal"' \
		    --since "$m" -e 'svc.*'
		await_that alice '.event == "svc.up" and .service == "pal"' \
		    --since "$m" -e 'svc.*'
		say alice "pal was killed $round"
		has_once bob "pal was killed $round"
		roster_is carol s "$three"
		m=$(mark bob)
		until_ok as carol sec-pal set away -N "round $round"
		await_that bob '.status == "away"' --since "$m" -c carol \
		    -e pal
		until_ok as carol sec-pal set available
		# Joining and leaving work, and are seen.
		m=$(mark alice)
		as carol sec-confctl leave s
		await alice --since "$m" -c s -e conf.leave --by carol
		as carol sec-confctl join s
		roster_is bob s "$three"
	done
	[ "$(epoch alice s)" -gt "$before" ]
	databases_are_sound
}

@test "sec-pal dies and is gone for a while: text goes on" {
	sec-lab stop pal
	say bob "without the PAL manager"
	has_once alice "without the PAL manager"
	run -10 as alice sec-pal set away
	sec-lab start pal
	until_ok daemon_is_well pal
	until_ok as alice sec-pal set available
	roster_is alice s "$three"
}

@test "S058: whose grace is over has left, and the key is another" {
	await alice --since "$(cat "$SEC_DIR/grace-mark")" -c grace \
	    -e conf.leave --by erin
	until_ok eval '[ "$(epoch alice grace)" -gt \
	    "$(cat "$SEC_DIR/grace-epoch")" ]'
	[ "$(roster alice grace | grep -v 'erin left')" = \
	    $'alice active\nbob active' ]
	# She was invited: she may come back, but is not by herself.
	log_in erin
	[ "$(as erin sec-confctl list -q)" = "" ]
	as erin sec-confctl join grace
}

@test "sec-confctl dies: calls go on, a fresh epoch for all" {
	for round in 1 2 3; do
		before=$(epoch alice s)
		q=$(q_of alice)
		at=$(mark alice)
		kill_daemon confctl
		say alice "the controller was killed $round"
		has_once bob "the controller was killed $round"
		has_once carol "the controller was killed $round"
		for u in alice bob carol; do
			until_ok eval '[ "$(epoch "$u" s)" -gt "$before" ]'
		done
		until_ok eval '[ "$(epoch alice s)" = "$(epoch bob s)" ]'
		roster_is bob s "$three"
		# Nobody was told that somebody else was away.
		as alice sec-confctl set s title="round $round"
		await_that alice ".title == \"round $round\"" \
			--since "$at" -c s -e conf.policy
		run -1 seen_that alice '.status == "unreachable"' \
			--since "$at" -c s -e conf.status
		[ "$(q_of alice)" = "$q" ]
		# It is the same conference: inviting, leaving, joining.
		as carol sec-confctl leave s
		as bob sec-confctl invite -q s carol
		roster_is alice s "$three"
		databases_are_sound
	done
}

@test "sec-confctl is gone: text goes on, creating exits 10" {
	sec-lab stop confctl
	say carol "without the controller"
	has_once alice "without the controller"
	run -10 --separate-stderr as alice sec-confctl create -n none -T 2
	[[ $stderr == "sec-confctl: "*controller* ]]
	sec-lab start confctl
	until_ok daemon_is_well confctl
	until_ok as alice sec-confctl create -q -n again
	as alice sec-confctl leave again
}

@test "sec-confctl dies while an invitation is open: exit 10, and it rings on" {
	as carol sec-confctl answer ask
	as alice sec-confctl create -q -n open
	m=$(mark carol)
	bg sec-lab run alice sec-confctl invite open carol
	invite=$!
	await carol --since "$m" -e invite.in
	kill_daemon confctl
	ended 10 "$invite"
	# It rings on, and she comes when the controller is back.
	run -0 as carol sec-confctl invites
	[[ $output == *" alice "*" open "* ]]
	until_ok as carol sec-confctl accept
	roster_is alice open $'alice active\ncarol active'
	run -0 as carol sec-confctl invites
	[ "$output" = "" ]
	as carol sec-confctl leave open
	as carol sec-confctl answer accept
	as alice sec-confctl invite -q open carol
	as carol sec-confctl leave open
	as alice sec-confctl leave open
}

server_of() { # CONF: the name of its text router
	awk -v n="$(db conf.db "select server from conference_medium
	    join conference on id = conf where name = '$1'")" \
	    '$1 == n { print $2 }' "$SEC_DIR/etc/servers"
}

@test "S065: a text router dies: dealt again, same epoch, text is resent" {
	for round in 1 2 3; do
		before=$(epoch alice s)
		sec-lab kill "$(server_of s)"
		say alice "the router was killed $round"
		say bob "and bob's $round"
		has_once bob "the router was killed $round"
		has_once carol "the router was killed $round"
		has_once carol "and bob's $round"
		has_once alice "the router was killed $round"
		[ "$(epoch alice s)" = "$before" ]
		roster_is alice s "$three"
	done
	databases_are_sound
}

@test "a text router is gone: the other one takes the conference" {
	old=$(server_of s)
	sec-lab stop "$old"
	say alice "on the other router"
	has_once bob "on the other router"
	[ "$(server_of s)" != "$old" ]
	sec-lab start "$old"
	until_ok daemon_is_well "$old"
	say bob "still there"
	has_once carol "still there"
}

@test "S020: the KDC dies: sessions go on, a new login exits 10" {
	sec-lab stop kdc
	say alice "without a KDC"
	has_once bob "without a KDC"
	kill_daemon pal
	# Registered again with the ticket that is there.
	until_ok shows bob carol available
	run -10 --separate-stderr at "$(second_machine x)" alice \
	    sec-login -q -P "$SEC_DIR/home/alice/password" alice
	[[ $stderr == *KDC* ]]
	sec-lab start kdc
}

@test "S029: everything dies but the agents: epoch and q never go back" {
	before=$(epoch alice s)
	q=$(db conf.db "select max(q_reserved) from conference")
	lab=$(sed -n 1p "$SEC_DIR/run/lock" | grep -oE '[0-9]+' | head -n 1)
	for name in confctl pal mtcu1 mtcu2; do daemon_pid "$name"; done >pids
	kill -STOP "$lab"
	# shellcheck disable=SC2046
	kill -9 $(cat pids) "$lab"
	until_ok gone "$lab"
	sec-lab up -q --keep || sec-lab up -q
	databases_are_sound
	roster_is alice s "$three"
	for u in alice bob carol; do
		until_ok eval '[ "$(epoch "$u" s)" -gt "$before" ]'
	done
	say alice "the world came back"
	has_once bob "the world came back"
	has_once carol "the world came back"
	[ "$(db conf.db "select max(q_reserved) from conference")" -ge "$q" ]
}

@test "two at once: controller and router, PAL manager and agent" {
	sec-lab kill confctl
	sec-lab kill "$(server_of s)"
	say alice "both were killed"
	has_once bob "both were killed"
	kill -9 "$(agent_pid bob)"
	sec-lab kill pal
	until_ok daemon_is_well pal
	log_in bob
	as bob sec-confctl answer accept
	roster_is alice s "$three"
	say bob "and I am back"
	has_once carol "and I am back"
	databases_are_sound
}

@test "the soak test, a little of it" {
	"$BATS_TEST_DIRNAME/../soak/kill" 12 --lab --seed 7355
}
