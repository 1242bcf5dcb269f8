#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# STORIES 1.11: voice from the microphone; push to talk (S040, S174, S175,
# S176).
#
#	$ sec-talk -m voice standup
#	! ALSA default, 48 kHz.  mic OFF.   space: mic on/off ...
#	[mic OFF ...]  standup: alice bob* carol
load ../lib/lab
load ../lib/term
load ../lib/sound

setup_file() {
	lab_up alice bob
	as bob sec-confctl answer accept
	as alice sec-confctl create -n standup -m voice bob
	as alice sec-confctl create -n other -m voice bob
}
teardown_file() { terms_end; lab_down; }
setup() {
	cd "$BATS_TEST_TMPDIR" || return
	speech words.wav "the microphone hears what I say, all the time"
	raw words.wav words.raw
	card "$PWD/words.raw" "$PWD/heard.raw"
}
teardown() {
	[ -z "${bob-}" ] || kill "$bob" 2>/dev/null || :
	tm kill-session -t alice 2>/dev/null || :
	show_logs
}

mic_events() { # SEQ
	as alice sec-watch -T 0 --since "$1" -e mic | jq -rs \
	    'map(.conf[4:] | sub("@.*"; "")) as $c | map(.on) as $on |
	    [range(length)] | map("\($c[.]) \($on[.])") | join(", ")'
}

@test "off by default; space opens and closes it; nobody hears it before" {
	seq=$(mark alice)
	env -u SEC_ALSA_IN -u SEC_ALSA_OUT sec-lab run bob \
	    sec-talk -i null -o heard.wav standup 3>&- >bob.out 2>&1 &
	bob=$!
	term alice "sec-lab run alice sec-talk -m voice standup"
	sees alice '^! ALSA mic, 48 kHz\.  mic OFF\. .*space: mic on/off' \
	    '^\[mic OFF .*\]  standup: .*alice .*bob'
	heard=$(mark bob)
	keys alice Space
	sees alice '^\[mic ON  .*\]  standup: '
	await bob --since "$heard" -e voice.start --by alice
	keys alice Space
	sees alice 'mic off' '^\[mic OFF '
	until_ok mics "$seq" "standup true, standup false"
	keys alice q
	until_ok no_session alice
	kill -TERM "$bob"
	wait "$bob" || :
	bob=
	run ! silent heard.wav
}

@test "whatever ends it, the terminal is as it was" {
	local at="sec-lab run alice sec-talk -m voice"
	term alice "($at -o - standup | head -c 100000 >/dev/null; stty -a; cat)"
	sees alice ' icanon .* echo '
	tm kill-session -t alice
	term alice "trap : QUIT; $at standup; echo code \$?; stty -a; cat"
	sees alice '^\[mic OFF .*\]  standup: '
	keys alice 'C-\'
	sees alice '^code 131$' ' icanon .* echo '
}
mics() { [ "$(mic_events "$1")" = "$2" ]; }
mic_on() { # CONF
	[ "$(as alice sec-mix -j |
	    jq -rs 'map(select(.mic == "on") | .conf) | join(" ")')" = "$1" ]
}
no_session() { ! tm has-session -t "$1" 2>/dev/null; }

@test "from a key of the window manager: sec-mix mic on, off" {
	term alice "sec-lab run alice sec-talk -m voice standup other"
	sees alice '^\[mic OFF .*standup: '
	seq=$(mark alice)
	as alice sec-mix mic other on
	sees alice 'other: mic on' '^\[mic ON '
	# Into that conference only (S175): one mic at a time.
	as alice sec-mix mic standup on
	until_ok mic_on sip:standup@conf.lab.test
	as alice sec-mix mic standup off
	sees alice 'standup: mic off' '^\[mic OFF '
	until_ok mics "$seq" "other true, other false, standup true, standup false"
	# A mic that is off already stays off, without a word.
	as alice sec-mix mic standup off
	keys alice q
	until_ok no_session alice
}

@test "a microphone closes by itself when its time is over" {
	term alice "sec-lab run alice sec-talk -m voice standup"
	sees alice '^\[mic OFF '
	seq=$(mark alice)
	as alice sec-mix mic -t 1 standup on
	sees alice 'standup: mic on' 'standup: mic off' '^\[mic OFF '
	until_ok mics "$seq" "standup true, standup false"
	jq -se '.[1].by == "limit"' < <(
		as alice sec-watch -T 0 --since "$seq" -e mic)
	keys alice q
	until_ok no_session alice
}

@test "keys: m leaves it on, a digit is the focus; who talks has a star" {
	tone long.wav 300 60
	env -u SEC_ALSA_IN -u SEC_ALSA_OUT sec-lab run bob \
	    sec-talk -i long.wav -o null -n 1 standup 3>&- >bob.out 2>&1 &
	bob=$!
	term alice "sec-lab run alice sec-talk -m voice standup other"
	sees alice '^\[mic OFF .*\]  standup: alice bob\*  other: alice'
	seq=$(mark alice)
	keys alice m
	sees alice '^\[mic ON\+ .*standup  standup: alice\* bob\*'
	keys alice m
	sees alice 'standup: mic off' '^\[mic OFF '
	# Only other is heard, and the mic's next conference is that one.
	keys alice 2
	sees alice '^\[mic OFF .*  standup \(held\): alice .*other: alice'
	keys alice Space
	sees alice '^\[mic ON  .*other  standup \(held\): '
	keys alice 2
	sees alice '^\[mic ON  .*other  standup: alice bob\*  other: alice\*'
	until_ok mics "$seq" "standup true, standup false, other true"
	keys alice q
	until_ok no_session alice
	kill -TERM "$bob"
	wait "$bob" || :
	bob=
}

@test "a mic that sec-mix opened closes when the agent is gone" {
	term alice "sec-lab run alice sec-talk -m voice standup"
	sees alice '^\[mic OFF '
	as alice sec-mix mic standup on
	sees alice 'standup: mic on' '^\[mic ON '
	kill -9 "$(agent_pid alice)"
	sees alice 'standup: mic on' 'standup: mic off' '^\[mic OFF '
	# One of a key is whoever's who has the key.
	keys alice Space
	sees alice 'mic off' 'mic on' '^\[mic ON '
	keys alice q
	until_ok no_session alice
	log_in alice
	until_ok agent_is_back alice
}

@test "no sound card is a notice, not an end" {
	export SEC_ALSA_IN=none SEC_ALSA_OUT=none
	term alice "sec-lab run alice sec-talk -m voice standup"
	sees alice 'no sound device; hearing nothing' '^\[mic OFF .*standup'
	keys alice q
	until_ok no_session alice
}
