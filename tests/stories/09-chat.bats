#!/usr/bin/env bats
# STORIES 1.9: chat at the terminal.
#
#	alice's terminal           MTCU          bob          carol
#	14:20 bob: build is green <--|<-----------|
#	> shipping at three ---------|----------->|------------>|
#	14:20 alice: shipping ... <--|  her own copy last: the receipt
#	14:21 * carol left
load ../lib/lab
load ../lib/term

setup_file() {
	lab_up alice bob carol
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	as alice sec-confctl create -W -n standup bob carol
	term alice
}
teardown_file() {
	terms_end
	lab_down
}
teardown() {
	[ -z "${stopped-}" ] || kill -CONT $stopped
	if [ -z "${BATS_TEST_COMPLETED-}" ]; then
		screen alice
	fi
	show_logs
}

t='[0-2][0-9]:[0-5][0-9]'

@test "S041: others' lines above the line that is typed, mine when it is back" {
	types alice 'sec-talk standup'
	sees alice '^standup: 3 in \(alice (bob carol|carol bob)\)\.  ctrl-d leaves\.$' \
	    '^>'
	tm send-keys -t alice -l 'shipping at'
	sees alice '^> shipping at$'
	echo "build is green" | as bob sec-talk -s standup
	sees alice "^$t bob: build is green\$" '^> shipping at$'
	types alice ' three'
	sees alice "^$t bob: build is green\$" '^> shipping at three$' \
	    "^$t alice: shipping at three\$" '^>$'
	await bob --since 0 -c standup -e text --by alice |
	    jq -e '.text == "shipping at three"'
}

@test "the line can be edited, and is UTF-8" {
	tm send-keys -t alice -l 'schön ist esx'
	keys alice BSpace C-a
	types alice 'ja: '
	sees alice "^$t alice: ja: schön ist es\$"
	await carol --since 0 -c standup -e text | jq -r .text
	until_ok eval 'texts carol standup | grep -qx "alice: ja: schön ist es"'
}

@test "no line of mine before the text router has returned it" {
	stopped="$(daemon_pid mtcu1) $(daemon_pid mtcu2)"
	kill -STOP $stopped
	types alice 'are you there?'
	sees alice '^> are you there\?$'
	# What comes from elsewhere passes.
	as bob sec-pal set busy
	sees alice '^> are you there\?$' "^$t \\* bob is busy|^$t \\* bob busy"
	run ! grep -qE "alice: are you there" <<<"$(screen alice)"
	kill -CONT $stopped
	stopped=
	sees alice "^$t alice: are you there\\?\$"
	as bob sec-pal set available
}

@test "strangers' control characters are shown and do nothing" {
	printf 'a\e[31mred\e]0;title\a\rb\b\u202ec\n' | as bob sec-talk -s standup
	sees alice "^$t bob: a\\\\x1b\\[31mred\\\\x1b\\]0;title\\\\x07\\\\x0db\\\\x08"
	[[ $(screen alice) != *$'\u202e'* ]]
	# Nobody can forge a line of somebody else.
	printf 'first\n14:20 carol: I owe you 100\n' | as bob sec-talk -s -1 standup
	sees alice "^$t bob: first\$" '^ +14:20 carol: I owe you 100$'
	# Programs get it all, escaped by JSON.
	as alice sec-watch -T 0 --since 0 -e text |
	    jq -es 'any(.text | contains("\u001b[31mred\u001b"))'
}

@test "S011 S012 S013: who leaves, who comes, who is busy" {
	as carol sec-confctl leave standup
	sees alice "^$t \\* carol left\$" '^>'
	as carol sec-confctl join standup
	sees alice "^$t \\* carol left\$" "^$t \\* carol joined\$" '^>'
	as carol sec-pal set busy -N "in review"
	sees alice "^$t \\* carol joined\$" "^$t \\* carol .*busy" '^>'
	until_ok eval 'as bob sec-confctl show standup | grep -qE "^carol +busy"'
	as carol sec-pal set available
}

@test "ctrl-d leaves what it joined, and only that" {
	keys alice C-d
	sees alice '^\[alice\] \$$'
	[ "$(as alice sec-confctl list -q)" = standup ]
	as alice sec-confctl leave standup
	m=$(mark bob)
	types alice 'sec-talk standup; echo "status $?"'
	await bob --since "$m" -c standup -e conf.join --by alice
	sees alice 'echo "status' '^standup: 3 in \([a-z ]*\)\.  ctrl-d leaves\.$'
	types alice 'back for a moment'
	sees alice "^$t alice: back for a moment\$"
	keys alice C-d
	sees alice "^$t alice: back for a moment\$" '^status 0$'
	await bob --since "$m" -c standup -e conf.leave --by alice
	[ -z "$(as alice sec-confctl list -q)" ]
}

@test "S202: leave here, join again from another machine" {
	here=$(agent_pid bob)
	there=$(second_machine bob)
	as bob sec-confctl leave standup
	at "$there" bob sec-login -q -P "$SEC_DIR/home/bob/password" bob
	at "$there" bob sec-confctl join standup
	echo "here I am" | at "$there" bob sec-talk -s standup
	await carol --since 0 -c standup -e text | head -n 1
	until_ok eval 'texts carol standup | grep -qx "bob: here I am"'
	# It is the other agent that has it.
	[ -z "$(as bob sec-confctl list -q)" ]
	[ "$(agent_pid bob)" = "$here" ]
	at "$there" bob sec-login -k
	until_ok eval '! as carol sec-confctl show standup | grep -qE "^bob +active"'
}
