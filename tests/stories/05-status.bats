#!/usr/bin/env bats
# STORIES 1.5: set my own status.
#
#	[alice] $ sec-pal set busy -N "writing"  -- PUBLISH --> sec-pal
#	[bob] $ sec-pal                         <-- NOTIFY ---
#	[bob] $ sec-confctl create alice        her agent: busy, exit 7
load ../lib/lab

setup_file() { lab_up alice bob; }
teardown_file() { lab_down; }
teardown() { show_logs; }

t='[0-2][0-9]:[0-5][0-9]'

sees_alice() { as bob sec-pal | grep -qE "^alice +$1\$"; }

@test "busy, with a note; others see it, and are told when they call" {
	run -0 as alice sec-pal set busy -N "writing"
	[ "$output" = "busy  writing" ]
	until_ok sees_alice "busy +$t +writing"
	run -7 --separate-stderr as bob sec-confctl create -T 30 alice
	[[ $output == c-?????? ]]
	[ "$stderr" = "alice busy (writing)" ]
	[ -z "$(as alice sec-confctl invites)" ]
	# Rung all the same: she may say why not.
	m=$(mark alice)
	bg sec-lab run bob sec-confctl invite --anyway . alice
	invite=$!
	await alice --since "$m" -e invite.in
	as alice sec-confctl busy -N "still writing"
	ended 7 "$invite"
	[ "$(cat "$BATS_TEST_TMPDIR/bg.err")" = "alice busy (still writing)" ]
	as bob sec-confctl leave .
	# My sessions say it too.
	as alice sec-login -l | grep -E '^alice .* busy '
}

@test "a word of my own" {
	as alice sec-pal set coffee
	until_ok sees_alice "coffee +$t"
	run -0 as bob sec-pal -j list alice
	[ "$(jq -r .status <<<"$output")" = coffee ]
}

@test "available again; the note has gone" {
	m=$(mark bob)
	as alice sec-pal set busy -N "writing"
	as alice sec-pal set available
	until_ok sees_alice "available +$t"
	run -0 await bob --since "$m" -e pal -c alice
	as alice sec-pal set available -N "at my desk"
	until_ok sees_alice "available +$t +at my desk"
}

@test "what was set is there after the next login" {
	as alice sec-pal set away -N "gone fishing"
	as alice sec-login -k
	log_in alice
	until_ok sees_alice "away +$t +gone fishing"
	run -0 as alice sec-login -s available
	until_ok sees_alice "available +$t.*"
	run -2 --separate-stderr as alice sec-pal set
	[ -n "$stderr" ]
}
