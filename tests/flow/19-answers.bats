#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# What tools answer: which conference, which status, which word.
#
#	unknown conference, or one that has ended     5, and its name
#	one that I am not in                          4, and its name
#	list -a: those I am in, and those I may join

load ../lib/lab

setup_file() { lab_up alice bob carol; }
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	[ -z "${pid-}" ] || kill "$pid" 2>/dev/null || :
	as bob sec-pal set available
	show_logs
	leave_all alice bob carol
}

@test "conf.end for whoever leaves, the last one too" {
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -W -n e1 bob
	for u in alice bob; do
		m=$(mark $u)
		as $u sec-confctl leave e1
		await $u --since "$m" -c e1 -e conf.end >/dev/null
		[ "$(as $u sec-watch -T 0 --since "$m" -c e1 -e 'conf.leave' \
		    -e conf.end | jq -r '.event + " " + (.user // "-")')" = \
		    "conf.leave sip:$u@lab.test
conf.end -" ]
	done
}

@test "-j names the conference in every row" {
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -n j1
	as alice sec-confctl create -q -n j2
	run -0 as alice sec-confctl invite -j j1 bob
	jq -e '.conf == "sip:j1@conf.lab.test" and .result == "accepted"' \
	    <<<"$output"
	run -0 as bob sec-confctl leave -j j1
	jq -e '.conf == "sip:j1@conf.lab.test"' <<<"$output"
	run -0 as alice sec-confctl end -j j1
	jq -e '.conf == "sip:j1@conf.lab.test"' <<<"$output"
	as alice sec-confctl create -q -n j3
	run -0 as alice sec-confctl leave -a -j
	[ "$(jq -r .conf <<<"$output" | sort | xargs)" = \
	    "sip:j2@conf.lab.test sip:j3@conf.lab.test" ]
}

@test "who was asked and does not come: conf.status left" {
	m=$(mark alice)
	as alice sec-confctl create -q -T 0 -n s1 bob
	await_that alice '.status == "invited"' --since "$m" -c s1 \
	    -e conf.status
	as bob sec-confctl decline
	await_that alice '.status == "left"' --since "$m" -c s1 -e conf.status
}

@test "unknown or ended: 5; there, but I am not in it: 4" {
	as bob sec-confctl create -q -n his
	for cmd in "show his" "leave his" "invite his carol" "join his"; do
		run -4 --separate-stderr as alice sec-confctl $cmd
		[[ $stderr == "sec-confctl: "*his* ]]
	done
	run -4 --separate-stderr as alice sec-confctl end his
	[ "$stderr" = "sec-confctl: only bob (creator) may do that" ]
	run -4 --separate-stderr as alice sec-talk -s his <<<hello
	[[ $stderr == "sec-talk: "*his* ]]
	as bob sec-confctl end his
	for conf in his never; do
		for cmd in show leave end join "invite"; do
			who=
			[ "$cmd" != invite ] || who=carol
			run -5 --separate-stderr as alice sec-confctl $cmd \
			    $conf $who
			[ "$stderr" = "sec-confctl: $conf: no such conference" ]
		done
		run -5 --separate-stderr as alice sec-talk -s $conf <<<hello
		[ "$stderr" = "sec-talk: $conf: no such conference" ]
	done
}

@test "a conference that ends while something is said: 5" {
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -W -n over bob
	mkfifo in
	sec-lab run bob sec-talk -s -v over <in >talk.out 2>talk.err 3>&- &
	pid=$!
	exec {in}>in
	echo first >&"$in"
	await bob --since 0 -c over -e text >/dev/null
	m=$(mark bob)
	as alice sec-confctl end over
	await bob --since "$m" -c over -e conf.end >/dev/null
	echo second >&"$in"
	exec {in}>&-
	ended 5 $pid
	grep -qE '^sec-talk: .*over' talk.err
	pid=
}

@test "an interrupt: cancelled, not timed out" {
	as alice sec-confctl create -q -n int
	m=$(mark bob)
	bg env --default-signal=INT sec-lab run alice \
	    sec-confctl invite int bob
	pid=$!
	await bob --since "$m" -e invite.in -c int >/dev/null
	ma=$(mark alice)
	kill -INT "$pid"
	ended 130 "$pid"
	pid=
	[ "$(cat bg.err)" = "bob cancelled" ]
	await alice --since "$ma" -c int -e invite.done |
	    jq -e '.result == "cancelled" and .code == 487'
	# And when the time is over, it is that.
	ma=$(mark alice)
	run -9 --separate-stderr as alice sec-confctl invite -T 1 int bob
	[ "$stderr" = "bob no answer" ]
	await alice --since "$ma" -c int -e invite.done |
	    jq -e '.result == "timeout" and .code == 408'
}

@test "--anyway rings who is busy, and who shows as offline" {
	as bob sec-pal set offline
	until_ok shows alice bob offline
	as alice sec-confctl create -q -n any
	run -8 as alice sec-confctl invite any bob
	for status in offline busy; do
		as bob sec-pal set $status
		until_ok shows alice bob "$status"
		m=$(mark bob)
		bg sec-lab run alice sec-confctl invite --anyway any bob
		pid=$!
		await bob --since "$m" -e invite.in -c any >/dev/null
		as bob sec-confctl decline -N "not now"
		ended 6 "$pid"
		pid=
		[ "$(cat bg.err)" = "bob declined (not now)" ]
	done
	m=$(mark bob)
	bg sec-lab run alice sec-confctl create -n any2 --anyway bob
	pid=$!
	await bob --since "$m" -e invite.in -c any2 >/dev/null
	as bob sec-confctl accept
	ended 0 "$pid"
	pid=
}

@test "answer: the rules as they stand" {
	run -0 as bob sec-confctl answer
	[ "$output" = "everybody  ask" ]
	as bob sec-confctl answer accept alice,carol
	as bob sec-confctl answer decline carol
	run -0 as bob sec-confctl answer
	[ "$output" = "everybody  ask
alice      accept
carol      decline" ]
	run -0 as bob sec-confctl answer -q
	[ "$output" = $'alice\ncarol' ]
	run -0 as bob sec-confctl answer -j busy
	jq -e '.policy == "busy" and (has("user") | not)' <<<"$output"
	run -0 as bob sec-confctl answer -j decline alice
	jq -es '.[0].policy == "busy" and
	    .[1] == { v: 1, user: "sip:alice@lab.test", policy: "decline" }' \
	    <<<"$output"
	run -0 as bob sec-confctl answer ask
	[ "$output" = "" ]
	# No users: all of it is refused, and nothing changed.
	for who in tel:+15551234567 alice,tel:+15551234567 conf:x \
	    alice@elsewhere.test; do
		run -5 --separate-stderr as bob sec-confctl answer accept "$who"
		[[ $stderr == "sec-confctl: ${who#alice,}: no user" ]]
	done
	run -2 as bob sec-confctl answer accept ''
	run -2 as bob sec-confctl answer accept 'alice,not a name'
	run -0 as bob sec-confctl answer
	[ "$output" = "everybody  ask" ]
}

@test "list -a: what I may join; show of one that is open" {
	as bob sec-confctl answer decline
	run -6 as alice sec-confctl create -q -n once bob
	as alice sec-confctl create -q -n closed
	as alice sec-confctl create -q -n open --open
	listed() { [ "$(as "$1" sec-confctl list -a -q | xargs)" = "$2" ]; }
	listed bob "once open"
	listed carol open
	# The controller tells it again.
	kill_daemon pal
	until_ok listed bob "once open"
	until_ok listed carol open
	kill_daemon confctl
	until_ok listed bob "once open"
	as bob sec-confctl join once
	listed bob "once open"
	run -0 as carol sec-confctl show open
	[[ ${lines[0]} =~ ^open\ \ text\ \ open\ [0-9:]+\ \ creator\ alice$ ]]
	# She comes back to the new controller by and by.
	until_ok eval 'as carol sec-confctl show open |
	    grep -qE "^alice +active +text\$"'
	run -4 --separate-stderr as carol sec-confctl show once
	[ "$stderr" = "sec-confctl: you are not in once" ]
	# It is a look, not a membership.
	[ -z "$(as carol sec-confctl list -q)" ]
}

@test "list -a of 5000 conferences" {
	until_ok eval '[ -z "$(db conf.db "select id from conference")" ]'
	sec-lab stop confctl 3>&-
	sqlite3 "$SEC_DIR/lib/conf.db" "WITH RECURSIVE n(i) AS
	    (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
	    INSERT INTO conference (id, name, title, parent, persistent,
	    owner, access, codec, streams, \"select\", epoch, q_reserved,
	    created) SELECT printf('02%014x', i), printf('n%04d', i),
	    'A title of some length, as they have', '', 1,
	    'sip:alice@lab.test', iif(i % 2, 'domain', 'invited'), '', 3,
	    'loudest', 1, 0, 1700000000000 FROM n;
	    INSERT INTO conference_medium SELECT id, 'text', 3
	    FROM conference;"
	sec-lab start confctl 3>&-
	all() { as "$1" sec-confctl list -a -q; }
	until_ok eval '[ "$(all alice | wc -l)" = 5000 ]'
	all alice | cmp - <(seq -f n%04g 5000)
	all carol | cmp - <(seq -f n%04g 1 2 5000)
	run -0 as alice sec-confctl list -a -j
	[ ${#lines[@]} = 5000 ]
	sec-lab stop confctl 3>&-
	sqlite3 "$SEC_DIR/lib/conf.db" "PRAGMA foreign_keys = ON;
	    DELETE FROM conference"
	sec-lab start confctl 3>&-
	until_ok eval '[ "$(all alice | wc -l)" = 0 ]'
}

@test "the members of a conference in one order, whoever looks" {
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -n order --open
	as bob sec-confctl join order
	for u in alice bob carol; do
		run -0 as $u sec-confctl show -q order
		[ "$output" = $'alice\nbob' ]
	done
	as alice sec-confctl leave order
	as alice sec-confctl join order
	for u in alice bob carol; do
		until_ok eval '[ "$(as $u sec-confctl show -q order)" = \
		    $'"'bob\nalice'"' ]'
	done
}

@test "--to somebody who is not in it: who that is" {
	as alice sec-confctl create -q -n to
	run -5 --separate-stderr as alice sec-talk -s --to carol to <<<hello
	[ "$stderr" = "sec-talk: carol is not in to" ]
	# Nor is who has left.
	as bob sec-confctl answer accept
	as alice sec-confctl invite -q to bob
	echo hello | as alice sec-talk -s --to bob to
	as bob sec-confctl leave to
	until_ok eval '! as alice sec-confctl show -q to | grep -qx bob'
	run -5 --separate-stderr as alice sec-talk -s --to bob to <<<hello
	[ "$stderr" = "sec-talk: bob is not in to" ]
}
