#!/usr/bin/env bats
# STORIES 1.15: spawn voice from text.
#
#	[alice] $ sec-confctl spawn standup voice
#	   standup.voice on stdout; on stderr bob accepted, and carol, who
#	   has no voice device, stays in standup
#	[alice] $ sec-confctl invite standup erin     # she is asked into both
#	[alice] $ sec-confctl leave standup           # still in standup.voice
load ../lib/lab

setup_file() {
	lab_up alice bob carol erin
	as carol sec-login -k
	as carol sec-login -q -m text -P "$SEC_DIR/home/carol/password" carol
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	as alice sec-confctl create -q -n standup -W bob carol
}
teardown_file() { lab_down; }
teardown() { show_logs; }

@test "S134 S135 S136: the same people, a roster and a key of their own" {
	before=$(epoch alice standup)
	run -0 --separate-stderr as alice sec-confctl spawn standup voice
	[ "$output" = standup.voice ]
	[ "$(sort <<<"$stderr")" = "bob    accepted
carol  no voice device; stays in standup" ]
	roster_is alice standup.voice $'alice active\nbob active'
	roster_is bob standup.voice $'alice active\nbob active'
	roster_is alice standup $'alice active\nbob active\ncarol active'
	# Standup's key did not move.
	[ "$(epoch alice standup)" = "$before" ]
	[ "$(as bob sec-confctl show -j standup.voice | jq -c \
	    '[.parent, .creator, .media]')" = \
	    '["sip:standup@conf.lab.test","sip:alice@lab.test",["voice"]]' ]
	run -0 as bob sec-confctl show standup.voice
	[[ ${lines[0]} == "standup.voice  voice "*" creator alice  from standup" ]]
}

@test "S138: whoever is invited into the parent later, is asked into both" {
	m=$(mark erin)
	bg as alice sec-confctl invite standup erin
	invite=$!
	await erin --since "$m" -e invite.in -c standup
	as erin sec-confctl accept standup
	await erin --since "$m" -e invite.in -c standup.voice |
	    jq -e '.user == "sip:alice@lab.test"'
	ended 0 "$invite"
	as erin sec-confctl accept standup.voice
	roster_is alice standup.voice $'alice active\nbob active\nerin active'
}

@test "S137: leaving one leaves only it, who began it too" {
	as alice sec-confctl leave standup
	[ "$(as alice sec-confctl list -q)" = standup.voice ]
	roster_is erin standup $'bob active\ncarol active\nerin active'
	roster_is erin standup.voice $'alice active\nbob active\nerin active'
	as bob sec-confctl leave standup.voice
	[ "$(as bob sec-confctl list -q)" = standup ]
	roster_is erin standup.voice $'alice active\nerin active'
}
