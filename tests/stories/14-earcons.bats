#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# STORIES 1.14: ear-cons, lights, wake me only when named (S181-S184).
load ../lib/lab
load ../lib/sound

setup_file() {
	lab_up alice bob carol
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	as alice sec-confctl create -n ops -m text,voice bob carol
	tone "$BATS_FILE_TMPDIR/words.wav" 400 1
	sox -n -r 48000 -c 1 "$BATS_FILE_TMPDIR/gong.wav" synth 0.5 sine 2500 \
	    gain -6
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() {
	[ -z "${alice-}" ] || kill "$alice" 2>/dev/null || :
	as alice sec-mix mode ops hear || :
	show_logs
}

listen() { # OUT
	sec-lab run alice sec-talk -m voice -i null -o "$1" ops 3>&- \
	    >alice.out 2>&1 &
	alice=$!
	until_ok hears ops
}
hears() { [ "$(as alice sec-mix -q | sort | xargs)" = "$1" ]; }
stop() {
	kill -TERM "$alice"
	wait "$alice" || :
	alice=
}
speaks() { # USER
	seq=$(mark alice)
	as "$1" sec-talk -m voice -i "$BATS_FILE_TMPDIR/words.wav" -o null \
	    -n 1 ops
	await alice --since "$seq" -c ops -e voice.stop --by "$1" >stopped
}
length() { # of what is not silent, ms
	sox "$1" loud.wav silence 1 0.005 -50d reverse silence 1 0.005 -50d
	soxi -D loud.wav | awk '{print int($1 * 1000)}'
}

@test "earcon: one utterance, one short sound" {
	listen click.wav
	as alice sec-mix mode ops earcon
	speaks bob
	stop
	run ! silent click.wav
	n=$(length click.wav)
	((n > 0 && n < 700))
	# Events go on (S183).
	jq -e '.user == "sip:bob@lab.test" and .seconds > 0.5' stopped
}

@test "earcon: a person's own, a conference's own, none" {
	as alice sec-mix mode ops earcon
	as alice sec-mix sound carol "$BATS_FILE_TMPDIR/gong.wav"
	listen gong.wav
	speaks carol
	stop
	sox gong.wav ring.wav silence 1 0.005 -50d reverse silence 1 0.005 -50d
	about "$(hertz ring.wav)" 2500
	as alice sec-mix sound conf:ops none
	listen none.wav
	speaks bob
	stop
	silent none.wav
	as alice sec-mix sound carol click
	as alice sec-mix sound conf:ops click
}

@test "light: no sound at all, events still flow" {
	listen light.wav
	# What is silenced would have been heard.
	speaks bob
	stop
	(($(loudness light.wav) > -45))
	listen light.wav
	as alice sec-mix mode ops light
	seq=$(mark alice)
	speaks bob
	stop
	silent light.wav
	# The lamp goes on, and off (S183).
	[ "$(as alice sec-watch -T 0 --since "$seq" -c ops -e 'voice.*' |
	    jq -r '.event + " " + .user' | sort -u | xargs)" = \
	    "voice.start sip:bob@lab.test voice.stop sip:bob@lab.test" ]
}

@test "alert: silent until somebody addresses me" {
	listen alert.wav
	as alice sec-mix mode ops alert
	speaks bob
	stop
	silent alert.wav
	listen named.wav
	echo "@alice are you there" | as bob sec-talk -s ops
	speaks bob
	stop
	run ! silent named.wav
	(($(length named.wav) > 700))
}

@test "alert: a line for somebody else is none, one --to me is" {
	as alice sec-mix mode ops alert
	listen other.wav
	echo "carol, are you there" | as bob sec-talk -s --to carol ops
	# My name in a word of its own, or it is not me.
	echo "mail@alicex is someone else" | as bob sec-talk -s ops
	speaks bob
	stop
	silent other.wav
	listen mine.wav
	echo "psst" | as bob sec-talk -s --to alice ops
	# Whoever speaks is heard, for a while.
	speaks carol
	stop
	(($(loudness mine.wav) > -45))
	about "$(hertz <(sox mine.wav -t wav - silence 1 0.005 -50d reverse \
	    silence 1 0.005 -50d))" 400
	(($(length mine.wav) > 700))
}

@test "what is set is kept for the next login" {
	as alice sec-mix mode ops light
	as alice sec-mix vol ops -9
	as alice sec-login -k
	sec-lab user alice
	as alice sec-confctl join ops
	listen kept.wav
	run -0 as alice sec-mix
	grep -E '^ops +light +-9 dB ' <<<"$output"
	stop
	as alice sec-mix vol ops 0
}
