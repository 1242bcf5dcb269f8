#!/usr/bin/env bats
# The voice device: where what is said goes, and what is heard of it when the
# network, the keys or the router make trouble.
#
#	alice sec-talk --packets--> MCU --packets--> bob sec-talk --> heard.wav
load ../lib/lab

setup_file() {
	lab_up alice bob carol
	for u in bob carol; do as $u sec-confctl answer accept; done
	as alice sec-confctl create -q -n t1 -m voice bob
	as alice sec-confctl create -q -n t2 -m voice bob
	espeak-ng -w "$BATS_FILE_TMPDIR/said.wav" \
	    "The quick brown fox jumps over the lazy dog, and the build has failed again."
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit 1; }
teardown() {
	jobs -p | xargs -r kill 2>/dev/null
	show_logs
}

field() { sed "s/.*\b$1=\([-0-9.]*\).*/\1/" <<<"$2"; }
is() { [ "$(awk "BEGIN { print ($1) ? 1 : 0 }")" = 1 ] || { echo "not $1"; false; }; }
likeness() { "$SEC_BUILD/tests/lib/likeness" "$1" "$2"; }

# keys_since SEQ N: so many new keys has bob had in t1.
keys_since() {
	[ "$(as bob sec-watch -T 0 --since "$1" -c t1 -e conf.key | wc -l)" -ge "$2" ]
}
in_mix() { as alice sec-mix -q | grep -qx "$1"; }
count() { [ "$(grep -c "$2" "$3")" = "$1" ]; }

# longest_gap FILE: ms of quiet between the first and the last sound.
longest_gap() {
	sox "$1" -t s16 -r 8000 -c 1 - | od -An -v -w160 -td2 | awk '
	{ loud = 0
	  for (i = 1; i <= NF; i++) if ($i > 800 || $i < -800) loud = 1
	  if (loud) { if (begun && quiet > most) most = quiet; begun = 1; quiet = 0 }
	  else quiet += 10 }
	END { print begun ? most + 0 : 99999 }'
}

# A card whose microphone hears a tone, for ever.
card() {
	sox -n -t s16 -r 48000 -c 1 tone.raw synth 1 sine 440 vol 0.5
	printf 'pcm.mic { type file slave.pcm null file "/dev/null" infile "%s" format "raw" }\n' \
	    "$PWD/tone.raw" >asound.conf
	export ALSA_CONFIG_PATH=/usr/share/alsa/alsa.conf:$PWD/asound.conf
	export SEC_ALSA_IN=mic SEC_ALSA_OUT=null
}

@test "5 % loss, 40 ms jitter: speech stays intelligible" {
	run -0 --separate-stderr "$SEC_BUILD/tests/lib/lossy" 0 0 "$BATS_FILE_TMPDIR/said.wav" clean.wav 7
	run -0 --separate-stderr "$SEC_BUILD/tests/lib/lossy" 5 40 "$BATS_FILE_TMPDIR/said.wav" lossy.wav 7
	echo "$output"
	is "$(field lost "$output") > 0"
	clean=$(likeness "$BATS_FILE_TMPDIR/said.wav" clean.wav)
	lossy=$(likeness "$BATS_FILE_TMPDIR/said.wav" lossy.wav)
	echo "$clean" "$lossy"
	is "$(field like "$clean") > 0.8 && $(field envelope "$clean") > 0.8"
	is "$(field like "$lossy") > 0.7 && $(field envelope "$lossy") > 0.85"
}

@test "S140, S148: another suite, the seed's own (loudly), G.711: the same words" {
	for s in "0xF00C opus" "0xF902 opus" "0xF903 pcmu" "0x0006 pcmu"; do
		# shellcheck disable=SC2086
		run -0 --separate-stderr "$SEC_BUILD/tests/lib/lossy" 0 0 \
		    "$BATS_FILE_TMPDIR/said.wav" h.wav 7 $s
		l=$(likeness "$BATS_FILE_TMPDIR/said.wav" h.wav)
		echo "$s $l"
		is "$(field like "$l") > 0.75 && $(field envelope "$l") > 0.8"
		case $s in
		0xF9*) grep -q 'INSECURE: Fig. 9 pads leak speech' <<<"$stderr" ;;
		*) run ! grep INSECURE <<<"$stderr" ;;
		esac
	done
}

@test "S174, S175: a mic is off, then on in one conference; no packet in another" {
	card
	sec-lab run alice sec-talk -m voice t1 t2 3>&- 2>alice.err &
	alice=$!
	until_ok in_mix t2
	seq=$(mark bob)
	env -u SEC_ALSA_IN sec-lab run bob sec-talk -i null -o null --stems out t1 t2 3>&- &
	bob=$!
	until_ok test -d out
	as alice sec-mix mic t1 on
	await bob --since "$seq" -c t1 -e voice.start >/dev/null
	as alice sec-mix mic t1 off
	await bob --since "$seq" -c t1 -e voice.stop >/dev/null
	# All that there is: what was said in t1.
	[ "$(echo out/*)" = out/t1.alice.wav ]
	run -0 as bob sec-watch -T 0 --since "$seq" -c t2 -e 'voice.*'
	[ -z "$output" ]
	# From t1 to t2: one is off before the other is on.
	as alice sec-mix mic t1 on
	as alice sec-mix mic t2 on
	await bob --since "$seq" -c t2 -e voice.start >/dev/null
	run -0 as alice sec-watch -T 0 --since 0 -e mic
	[ "$(jq -r '(.conf[4:6]) + " " + (.on | tostring)' <<<"$output" | tail -n 2 | tr '\n' ' ')" = \
	    "t1 false t2 true " ]
	# S176, and a signal is a key.
	kill -USR1 $alice
	until_ok grep -q 't2: mic off' alice.err
	kill -USR1 $alice
	until_ok count 2 't2: mic on' alice.err
	kill $alice $bob
	ended 143 $alice
	ended 143 $bob
	[ "$(echo out/*)" = "out/t1.alice.wav out/t2.alice.wav" ]
}

@test "S045: two devices of one user, and somebody's two files" {
	sox -n -r 48000 -c 1 a.wav synth 3 sine 440 vol 0.3
	sox -n -r 48000 -c 1 b.wav synth 3 sine 1000 vol 0.3
	sec-lab run bob sec-talk -i null -o null --stems out -t 7 t1 3>&- &
	bob=$!
	sec-lab run alice sec-talk -i a.wav -o null -n 2 t1 3>&- &
	one=$!
	as alice sec-talk -i b.wav -o null -n 2 t1
	wait $one
	wait $bob
	[ "$(echo out/*)" = "out/t1.alice-2.wav out/t1.alice.wav" ]
	a=$(sox out/t1.alice.wav -n stat 2>&1 | awk '/Rough/ { print $3 }')
	b=$(sox out/t1.alice-2.wav -n stat 2>&1 | awk '/Rough/ { print $3 }')
	is "($a < 500 && $b > 900) || ($b < 500 && $a > 900)"
}

@test "keys change while somebody speaks: no gap" {
	sox -n -r 48000 -c 1 a.wav synth 8 sine 440 vol 0.3
	sec-lab run bob sec-talk -i null -o heard.wav -t 11 t1 3>&- &
	bob=$!
	seq=$(mark bob)
	sec-lab run alice sec-talk -i a.wav -o null -n 1 t1 3>&- &
	alice=$!
	await bob --since "$seq" -e voice.start >/dev/null
	# A join ratchets, a leave is a new key.
	as alice sec-confctl invite t1 carol
	as carol sec-confctl leave t1
	until_ok keys_since "$seq" 2
	wait $alice
	wait $bob
	run -0 longest_gap heard.wav
	echo "gap $output ms"
	[ "$output" -le 40 ]
}

@test "the router dies while somebody speaks: back within 2 s" {
	sox -n -r 48000 -c 1 a.wav synth 8 sine 440 vol 0.3
	sec-lab run bob sec-talk -i null -o heard.wav -t 11 t1 3>&- 2>bob.err &
	bob=$!
	seq=$(mark bob)
	sec-lab run alice sec-talk -i a.wav -o null -n 1 t1 3>&- 2>alice.err &
	alice=$!
	await bob --since "$seq" -e voice.start >/dev/null
	sec-lab kill mcu1
	sec-lab kill mcu2
	wait $alice
	wait $bob
	grep 'voice interrupted' bob.err
	grep 'voice is back after' bob.err
	run -0 longest_gap heard.wav
	echo "gap $output ms"
	[ "$output" -lt 2000 ]
	is "$(sox heard.wav -n stat 2>&1 | awk '/Length/ { print $3 }') > 10.5"
}

@test "the conference ends, and so does the device" {
	seq=$(mark alice)
	sec-lab run bob sec-talk -i null -o null t2 3>&- 2>bob.err &
	bob=$!
	await alice --since "$seq" --state -c t2 -e conf.join >/dev/null
	as alice sec-confctl end t2
	ended 0 $bob
	grep -q 't2: .*ended' bob.err
}
