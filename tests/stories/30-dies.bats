#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Story 1.30, as far as it is about conferences that stay: whatever dies in
# mid-call, with kill -9, the conference, its rules, files and text are there
# (S010, S011, S202). Telephones and upgrade are not in it; backup is in
# 30-backup.bats.
#
#	router dies       voice is interrupted, and back on another one
#	controller dies   nobody notices; what was decided holds
#	agent dies        he is back by sec-login, with the same key
#	all of them       from disk: who may come in, files, what was said

load ../lib/lab
load ../lib/sound

setup_file() {
	lab_up alice bob carol mallory
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -p --open -n standup -m text,voice bob
	as alice sec-confctl allow standup bob carol
	as alice sec-confctl set standup history=100 title='Stand up'
	echo 'what is kept' | as alice sec-confctl attach -q standup - --as note
	echo 'before it all' | as alice sec-talk -s standup
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	local p
	for p in $(jobs -p); do kill "$p" 2>/dev/null || :; done
	show_logs
}

# listen: bob's sec-talk, with its notices in bob.err.
listen() {
	sec-lab run bob sec-talk -m voice -i null -o null standup \
	    3>&- 2>bob.err &
	talk=$!
	until_ok eval 'as bob sec-mix -q | grep -qx standup'
}

# it_holds: the conference is what its owner has made of it.
it_holds() {
	as alice sec-confctl show -j standup | jq -e '.persistent and
	    .owner == "sip:alice@lab.test" and .title == "Stand up"'
	run -4 as mallory sec-confctl join standup
	[ "$(as bob sec-confctl fetch standup note -o - 2>/dev/null)" = \
	    'what is kept' ]
	as bob sec-talk -T 20 --history 100 -s standup </dev/null |
	    grep -q 'alice: before it all'
}

is_past() { [ "$(epoch bob standup)" -gt "$1" ]; }

@test "the router dies: voice is interrupted, and comes back" {
	listen
	sec-lab kill mcu1
	sec-lab kill mcu2
	until_ok grep 'voice interrupted' bob.err
	until_ok grep 'voice is back after' bob.err
	kill "$talk"
	it_holds
}

@test "the controller dies: no running call notices" {
	listen
	local before m
	before=$(epoch bob standup) m=$(mark bob)
	kill_daemon confctl
	echo 'meanwhile' | as alice sec-talk -s standup
	await bob --since "$m" -c standup -e text | jq -e '.text == "meanwhile"'
	until_ok is_past "$before"
	run -1 grep -E 'interrupted|lost' bob.err
	kill "$talk"
	it_holds
}

@test "the agent dies: he is back by sec-login, with the same key" {
	listen
	local before m
	before=$(epoch alice standup)
	m=$(mark alice)
	kill -9 "$(agent_pid bob)"
	await alice --since "$m" -c standup -e conf.status --by bob |
	    jq -e '.status == "unreachable"'
	log_in bob
	as bob sec-confctl answer accept
	roster_is alice standup $'alice active\nbob active'
	[ "$(epoch bob standup)" = "$before" ]
	it_holds
	# His tool has gone on without it, and says at last why it ends.
	ended 10 "$talk"
	grep 'session lost; come back with sec-login' bob.err
}

@test "all dies, with every member: from disk" {
	local lab name u
	lab=$(sed -n 1p "$SEC_DIR/run/lock" | grep -oE '[0-9]+' | head -n 1)
	for name in confctl pal mtcu1 mtcu2 mcu1 mcu2; do
		daemon_pid "$name"
	done >pids
	for u in alice bob; do agent_pid "$u"; done >>pids
	kill -STOP "$lab"
	# shellcheck disable=SC2046
	kill -9 $(cat pids) "$lab"
	until_ok gone "$lab"
	sec-lab up -q --keep
	databases_are_sound
	for u in alice bob; do
		log_in "$u"
		until_ok as "$u" sec-confctl join standup
	done
	it_holds
	until_ok as carol sec-confctl join standup
	# She is its owner still.
	as alice sec-confctl rekey standup
	as alice sec-confctl block standup carol
	run -4 as carol sec-confctl join standup
	run -4 as bob sec-confctl rekey standup
	as alice sec-confctl end -y standup
	run -5 as carol sec-confctl join standup
}
