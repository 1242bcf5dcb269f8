#!/usr/bin/env bats
# STORIES 1.5: set my own status.
#
#	[alice] $ sec-pal set busy -N "writing"  -- PUBLISH --> sec-pal
#	[bob] $ sec-pal                         <-- NOTIFY ---
#	[bob] $ sec-confctl create alice        her agent: busy, exit 7
#	                until=             ---- then what was before, by sec-pal
#
# S013, S058: the status, with words of one's own; S062: told as it changes.
# S113: who shows as busy in my PAL is not asked.
load ../lib/lab

setup_file() { lab_up alice bob carol; }
teardown_file() { lab_down; }
teardown() { show_logs; }

t='[0-2][0-9]:[0-5][0-9]'

sees_alice() { as bob sec-pal | grep -qE "^alice +$1\$"; }

@test "S113: busy, with a note; others see it, and are told when they call" {
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

@test "S113: a word of class busy is not asked either; who is not in my PAL is" {
	as alice sec-pal set dnd --as busy
	until_ok sees_alice "dnd +$t"
	run -7 --separate-stderr as bob sec-confctl create -n words alice
	[ "$stderr" = "alice busy" ]
	as alice sec-watch -T 0 --since 0 -e invite.in -c words |
	    jq -es 'length == 0'
	# Of her bob knows nothing: her agent answers.
	as bob sec-pal rm alice
	run -7 --separate-stderr as bob sec-confctl invite words alice
	[ "$stderr" = "alice busy" ]
	await alice --since 0 -e invite.in -c words >/dev/null
	as bob sec-pal add alice
	as bob sec-confctl leave words
	# Away is asked.
	as alice sec-pal set coffee --as away
	until_ok sees_alice "coffee +$t"
	as alice sec-confctl answer accept
	run -0 --separate-stderr as bob sec-confctl create -n words2 alice
	[ "$stderr" = "alice accepted" ]
	as alice sec-confctl answer ask
	leave_all alice bob
}

@test "S058: a word of my own, and what kind of word it is" {
	run -0 as alice sec-pal set coffee --as away
	[ -z "$output" ]
	until_ok sees_alice "coffee +$t"
	run -0 as bob sec-pal -j list alice
	[ "$(jq -r .status <<<"$output")" = coffee ]
	[ "$(jq -r .class <<<"$output")" = away ]
	run -0 as bob sec-pal -q -s away
	[ "$output" = alice ]
	run -2 --separate-stderr as alice sec-pal set coffee --as tea
	run -2 --separate-stderr as alice sec-pal set busy --as away
}

@test "for a time: it goes back to what it was, even if the agent has died" {
	as alice sec-pal set available -N "at my desk"
	until_ok sees_alice "available +$t +at my desk"
	run -0 as alice sec-pal set busy -N "writing" -t 45m
	[[ $output =~ ^busy\ \ until\ $t\ \ writing$ ]]
	until_ok sees_alice "busy +$t +writing"
	as alice sec-pal set available -N "at my desk"
	until_ok sees_alice "available +$t +at my desk"
	m=$(mark bob)
	run -0 as alice sec-pal set busy -t 5
	[[ $output =~ ^busy\ \ until\ $t$ ]]
	await_that bob '.status == "available"' --since "$m" -e pal -c alice
	until_ok sees_alice "available +$t +at my desk"
	as bob sec-watch -T 0 --since "$m" -e pal -c alice |
	    jq -es 'map(.status) == ["busy", "available"]'
	# Her own agent knows it as well.
	until_ok eval 'as alice sec-login -l | grep -q "^alice .* available "'
	# Nobody is there to take it back.
	m=$(mark bob)
	as alice sec-pal set busy -t 6
	await_that bob '.status == "busy"' --since "$m" -e pal -c alice
	kill -9 "$(agent_pid alice)"
	until_ok eval '! as alice sec-login -l | grep -q "^alice "'
	log_in alice
	until_ok sees_alice "available +$t +at my desk"
	until_ok eval 'as alice sec-login -l | grep -q "^alice .* available "'
	run -2 --separate-stderr as alice sec-pal set busy -t soon
	[[ $stderr == *"45m"* ]]
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
	until_ok sees_alice "offline.*"
	log_in alice
	until_ok sees_alice "away +$t +gone fishing"
	run -0 as alice sec-login -s available
	until_ok sees_alice "available +$t.*"
	run -2 --separate-stderr as alice sec-pal set
	[ -n "$stderr" ]
}
