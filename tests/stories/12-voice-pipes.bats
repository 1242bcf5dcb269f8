#!/usr/bin/env bats
# STORIES 1.12: voice through pipes. Files and pipes are devices like others:
# what goes in at one user's comes out at the others', with numbers to show
# it (tests/lib/likeness, sox stat).
#
#	said.wav -> alice sec-talk -i -> MCU -> bob sec-talk -o -> heard.wav
load ../lib/lab
load ../lib/sound

setup_file() {
	lab_up alice bob carol
	for u in bob carol; do as $u sec-confctl answer accept; done
	as alice sec-confctl create -q -n standup -m text,voice bob carol
	espeak-ng -w "$BATS_FILE_TMPDIR/said.wav" \
	    "The quick brown fox jumps over the lazy dog, and the build has failed."
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit 1; }

# hear USER OUTPUT [OPTIONS]: a listener in the background; $listener.
hear() {
	local user=$1 out=$2
	shift 2
	sec-lab run "$user" sec-talk -i null -o "$out" "$@" standup 3>&- &
	listener=$!
}

# heard FILE: it has two seconds more than when all was said; then he listens
# no more.
heard() {
	until_ok longer "$1" $(($(stat -c %s "$1") + 2 * 96000))
	kill -TERM "$listener"
	wait "$listener" || :
}

longer() { [ "$(stat -c %s "$1")" -gt "$2" ]; }

# stat_of FILE FIELD: of sox stat.
stat_of() { sox "$1" -n stat 2>&1 | awk -F: -v f="$2" '$1 ~ "^" f { print $2 + 0; exit }'; }

@test "--soxfmt is what sox needs; S066, S172: a tone is the same tone" {
	run -0 sec-talk --soxfmt
	[ "$output" = "-t s16 -r 48000 -c 1 -" ]
	run -0 sec-talk --soxfmt -r 16000
	[ "$output" = "-t s16 -r 16000 -c 1 -" ]
	hear bob h.wav
	# shellcheck disable=SC2046
	sox -n $(sec-talk --soxfmt) synth 3 sine 440 vol 0.5 |
	    as alice sec-talk -i - -o null -n 1 standup
	heard h.wav
	hz=$(stat_of h.wav Rough)
	is "$hz >= 430 && $hz <= 450"
	# 3 s of it, at its level: -9 dB of full scale.
	sox h.wav t.wav silence 1 0.1 1% reverse silence 1 0.1 1% reverse
	is "$(stat_of t.wav Length) > 2.9 && $(stat_of t.wav Length) < 3.2"
	is "$(stat_of t.wav RMS) > 0.32 && $(stat_of t.wav RMS) < 0.39"
}

@test "a sentence is understood; the pipe's WAV head is recognised" {
	hear bob h.wav
	espeak-ng --stdout "The quick brown fox jumps over the lazy dog, and the build has failed." |
	    as alice sec-talk -i - -o null -n 1 standup
	heard h.wav
	l=$(likeness "$BATS_FILE_TMPDIR/said.wav" h.wav)
	echo "$l"
	is "$(field like "$l") > 0.8 && $(field envelope "$l") > 0.95"
}

@test "a pipe is read no faster than speech: its writer waits" {
	sox -n -r 48000 -c 1 -b 16 -t raw long.raw synth 30 sine 300 vol 0.5
	mkfifo pipe
	{ cat long.raw >pipe && : >written; } 3>&- 2>/dev/null &
	writer=$!
	before=$(mark bob)
	hear bob null
	sec-lab run alice sec-talk -i pipe -o null -n 1 standup 3>&- &
	speaker=$!
	await bob --since "$before" -c standup -e voice.start >/dev/null
	# It reads, and is far from the end of it.
	[ ! -e written ]
	kill -0 "$writer"
	kill -TERM "$speaker"
	await bob --since "$before" -c standup -e voice.stop |
	    jq -e '.seconds < 20'
	kill -TERM "$listener"
	for p in "$speaker" "$listener" "$writer"; do wait "$p" || :; done
	[ ! -e written ]
}

@test "nobody came to hear it: that is no success" {
	run -9 as alice sec-talk -i "$BATS_FILE_TMPDIR/said.wav" -o null \
	    -n 3 -t 2 standup
	[[ $output =~ "nothing was said: of 3 other devices 0 were there" ]]
	# Without anything to be said, -t is the end that was asked for.
	run -0 as alice sec-talk -i null -o null -n 3 -t 1 standup
}

@test "silence is silence" {
	hear bob h.wav -t 4
	sox -n -t wav -r 48000 -c 1 -b 16 - trim 0 2 |
	    as alice sec-talk -i - -o null -n 1 standup
	wait $listener
	is "$(stat_of h.wav Maximum) < 0.001"
	is "$(stat_of h.wav Length) > 3.9"
}

@test "files by name, either way at once; other rates, stereo, Au" {
	sox "$BATS_FILE_TMPDIR/said.wav" -r 44100 -c 2 said.au
	sox -n -r 8000 -e mu-law tone.wav synth 3 sine 300 vol 0.5
	sec-lab run bob sec-talk -i tone.wav -o h.au -n 1 -t 10 standup 3>&- &
	bob=$!
	as alice sec-talk -i said.au -o h.raw -r 16000 -n 1 -t 9 standup
	wait $bob
	# -t: it stays to hear the answer.
	[ "$(head -c 4 h.au)" = .snd ]
	l=$(likeness said.au h.au)
	echo "$l"
	is "$(field like "$l") > 0.8"
	sox -t s16 -r 16000 -c 1 h.raw a.wav
	hz=$(stat_of a.wav Rough)
	is "$hz > 290 && $hz < 320"
	is "$(stat_of a.wav Length) > 8.8 && $(stat_of a.wav Length) < 9.3"
}

@test "-o - is what I would hear, for sox to record; -f gives it a head" {
	# shellcheck disable=SC2046
	sec-lab run bob sec-talk -o - -i null -t 14 standup 3>&- |
	    sox $(sec-talk --soxfmt) meeting.flac &
	sox=$!
	sec-lab run carol sec-talk -o - -f wav -i null -t 14 standup >c.wav 3>&- &
	carol=$!
	as alice sec-talk -i "$BATS_FILE_TMPDIR/said.wav" -o null -n 2 standup
	wait $sox
	wait $carol
	sox meeting.flac h.wav
	for f in h.wav c.wav; do
		l=$(likeness "$BATS_FILE_TMPDIR/said.wav" $f)
		echo "$f $l"
		is "$(field like "$l") > 0.8"
	done
	xxd -l 8 -p c.wav | grep -qx 52494646ffffffff
}

@test "S173: --stems is one file per speaker; all have one length" {
	sox -n -r 48000 -c 1 bob.wav synth 3 sine 440 vol 0.5
	sox -n -r 48000 -c 1 carol.wav synth 2 sine 880 vol 0.5
	sec-lab run alice sec-talk -i null -o null --stems out/ -t 10 standup 3>&- &
	alice=$!
	sec-lab run bob sec-talk -i bob.wav -o null -n 2 standup 3>&- &
	bob=$!
	as carol sec-talk -i carol.wav -o null -n 2 standup
	wait $bob
	wait $alice
	[ "$(echo out/*)" = "out/standup.bob.wav out/standup.carol.wav" ]
	is "$(stat_of out/standup.bob.wav Rough) > 430"
	is "$(stat_of out/standup.bob.wav Rough) < 450"
	is "$(stat_of out/standup.carol.wav Rough) > 865"
	is "$(stat_of out/standup.carol.wav Rough) < 895"
	[ "$(stat -c %s out/standup.bob.wav)" = "$(stat -c %s out/standup.carol.wav)" ]
	is "$(stat_of out/standup.bob.wav Length) > 9.9"
}

# Whoever keeps what he hears is seen to do so, and may be told not to.
@test "-o FILE and --stems make a recorder, -o null none; record=no ends it" {
	records() {
		as carol sec-confctl show -j standup | jq -e \
		    '.members[] | select(.user == "sip:alice@lab.test") |
		    .via | split(",") | any(. == "recorder")'
	}
	for how in "-o -" "-o kept.wav" "-o null --stems kept"; do
		run ! records
		# shellcheck disable=SC2086
		sec-lab run alice sec-talk -i null $how standup \
		    >out 2>err 3>&- &
		pid=$!
		until_ok records
		as carol sec-confctl show standup |
		    grep -qE '^alice .*recorder'
		as alice sec-confctl set standup record=no
		ended 0 "$pid"
		grep -q "recording is not allowed here any more" err
		# shellcheck disable=SC2086
		run -4 as alice sec-talk -i null $how -t 1 standup
		[[ $output == *"recording is not allowed here"* ]]
		# Who only listens is not meant.
		as alice sec-talk -i null -o null -t 1 standup
		as alice sec-confctl set standup record=yes
	done
}

@test "S043: the end of the input is the end of the device, not of the membership" {
	before=$(mark alice)
	: | as alice sec-talk -i - -o null standup
	as alice sec-confctl list -q | grep -q standup
	# Nothing to send is no error, and no mic stays open.
	run as alice sec-watch -T 0 --since "$before" -e mic
	[ "$(jq -r .on <<<"$output" | tail -n 1)" != true ]
}

@test "S118: no sound card is a notice; a broken input is an error" {
	run -0 --separate-stderr as alice env -u SEC_ALSA_IN \
	    SEC_ALSA_OUT=nosuchcard SEC_ALSA_IN=nosuchcard sec-talk -m voice -t 1 standup
	[[ $stderr == *"no sound device; hearing nothing (use -o)"* ]]
	[[ $stderr == *"no microphone; saying nothing (use -i)"* ]]
	[[ $stderr != *ALSA*lib* ]]
	before=$(mark alice)
	run -0 --separate-stderr as alice env SEC_ALSA_OUT=null SEC_ALSA_IN=null \
	    sec-talk -m voice --mic -t 1 standup
	[ -z "$stderr" ]
	await alice --since "$before" -e mic |
	    jq -e '.on == true and .by == "start"'
	printf 'RIFF0000JUNK' >x.wav
	run -11 as alice sec-talk -i x.wav -o null standup
	run -5 as alice sec-talk -i nothere.wav -o null standup
	run -5 as alice sec-talk -i null -o null nobodys
}
