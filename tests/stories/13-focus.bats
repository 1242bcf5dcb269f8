#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# STORIES 1.13: several conferences, focus on one, come back (S004, S172,
# S177, S178, S179, S180, S185).
load ../lib/lab
load ../lib/sound

setup_file() {
	lab_up alice bob carol
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	as alice sec-confctl create -n ops -m voice bob
	as alice sec-confctl create -n standup -m voice carol
	tone "$BATS_FILE_TMPDIR/low.wav" 300 2
	tone "$BATS_FILE_TMPDIR/high.wav" 1200 2
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() {
	[ -z "${alice-}" ] || kill "$alice" 2>/dev/null || :
	show_logs
}

# alice hears both conferences, into heard.raw, until she stops.
listen() { # OUT
	sec-lab run alice sec-talk -i null -o "$1" ops standup 3>&- \
	    >alice.out 2>&1 &
	alice=$!
	until_ok hears "ops standup"
}
hears() { [ "$(as alice sec-mix -q | sort | xargs)" = "$1" ]; }
stop() {
	kill -TERM "$alice"
	wait "$alice" || :
	alice=
}
both_speak() {
	as bob sec-talk -i "$BATS_FILE_TMPDIR/low.wav" -o null -n 1 ops &
	local p=$!
	as carol sec-talk -i "$BATS_FILE_TMPDIR/high.wav" -o null -n 1 standup
	wait $p
}
status_is() { # CONF STATUS
	as bob sec-confctl show "$1" | grep -qE "^alice +$2( |\$)"
}

@test "both are mixed; focus silences the other and shows it; all restores" {
	listen both.wav
	both_speak
	stop
	# Any speaker in any conference is heard (S172).
	(($(band both.wav 300) > -45))
	(($(band both.wav 1200) > -45))

	listen one.wav
	run -0 as alice sec-mix focus standup
	# Others see that I am there and busy (S179).
	until_ok status_is ops busy
	run -0 as alice sec-mix
	grep -E '^ops +held ' <<<"$output"
	grep -E '^standup +hear ' <<<"$output"
	both_speak
	stop
	(($(band one.wav 1200) > -45))
	(($(band one.wav 300) < -60))
	# The device has gone; the next one of mine is as I left it.
	listen again.wav
	as alice sec-mix all
	until_ok status_is ops active
	both_speak
	stop
	(($(band again.wav 300) > -45))
}

@test "focus --local: only not played, nobody is told" {
	listen local.wav
	as alice sec-mix focus --local standup
	both_speak
	status_is ops active
	stop
	(($(band local.wav 1200) > -45))
	(($(band local.wav 300) < -60))
	as alice sec-mix all
}

@test "volume, and mute" {
	listen quiet.wav
	as alice sec-mix vol ops -30
	run -0 as alice sec-mix
	grep -E '^ops .* -30 dB ' <<<"$output"
	both_speak
	stop
	(($(band quiet.wav 1200) - $(band quiet.wav 300) > 15))
	as alice sec-mix vol ops 0
	listen mute.wav
	as alice sec-mix mute on
	both_speak
	stop
	silent mute.wav
	as alice sec-mix mute off
}
