#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Story 1.16: a persistent conference and its owner.

load ../lib/lab
load ../lib/term

setup_file() { lab_up alice bob carol erin mallory; }
teardown_file() {
	terms_end
	lab_down
}
teardown() { show_logs; }

# Of the last line: its key generation.
generation() { sed -n 's/.*key generation \([0-9]*\).*/\1/p' <<<"$1"; }

@test "create -p, allow, block, rekey: only her people, and only she" {
	for who in bob carol; do as $who sec-confctl answer accept; done
	run -0 --separate-stderr as alice sec-confctl create -p --open \
	    -n boardroom -m text,voice bob carol
	[ "$output" = boardroom ]
	as mallory sec-confctl join boardroom
	before=$(as alice sec-confctl show -j boardroom | jq .key_gen)
	run -0 as alice sec-confctl allow boardroom bob carol erin
	[ -z "$output" ]
	run -0 --separate-stderr as alice sec-confctl block boardroom mallory
	[ -z "$output" ]
	[[ $stderr == "mallory removed; key generation "* ]]
	blocked=$(generation "$stderr")
	[ "$blocked" -gt "$before" ]
	run -4 as mallory sec-confctl join boardroom
	run -0 --separate-stderr as alice sec-confctl rekey boardroom
	[ "$output" = "key generation $((blocked + 1)), 3 members" ]
	[ "$(as alice sec-confctl show boardroom -j | jq -r .owner)" = \
	    sip:alice@lab.test ]
	run -4 --separate-stderr as bob sec-confctl rekey boardroom
	[[ $stderr == *"only alice (owner) may do that" ]]
}

@test "everybody gone, still there; erin may come, who is on the list" {
	for who in alice bob carol; do
		as $who sec-confctl leave boardroom
	done
	run -0 as alice sec-confctl list -p
	[[ $output =~ ^boardroom\ +text\ voice\ +0\ +alice\ +[0-9]{2}:[0-9]{2} ]]
	as erin sec-confctl join boardroom
	as erin sec-confctl leave boardroom
}

@test "end: it asks on a terminal, and nowhere else" {
	run -2 --separate-stderr as alice sec-confctl end boardroom </dev/null
	[[ ${stderr_lines[0]} == *"boardroom is persistent"*"-y ends it" ]]
	term alice
	types alice 'sec-confctl end boardroom; echo "exit $?"'
	sees alice 'boardroom is persistent.*; type the name to delete it:'
	types alice 'bored'
	sees alice 'not ended' '^exit 1'
	as alice sec-confctl list -p -q | grep -qx boardroom
	types alice 'sec-confctl end boardroom; echo "exit $?"'
	sees alice '^exit 1' 'type the name to delete it:'
	types alice 'boardroom'
	sees alice '^exit 0'
	run -5 as alice sec-confctl join boardroom
}
