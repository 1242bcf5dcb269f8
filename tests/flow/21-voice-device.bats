#!/usr/bin/env bats
# The voice device: where what is said goes, and what is heard of it when the
# network, the keys or the router make trouble.
#
#	alice sec-talk --packets--> MCU --packets--> bob sec-talk --> heard.wav
load ../lib/lab
load ../lib/sound

setup_file() {
	lab_up alice bob carol
	for u in bob carol; do as $u sec-confctl answer accept; done
	as alice sec-confctl create -q -n t1 -m voice bob
	as alice sec-confctl create -q -n t2 -m voice bob
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit 1; }
teardown() {
	jobs -p | xargs -r kill 2>/dev/null
	show_logs
}

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

@test "S174, S175: a mic is off, then on in one conference; no packet in another" {
	tone a.wav 440 1
	raw a.wav tone.raw
	card "$PWD/tone.raw" /dev/null
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

@test "S175: what is said into one conference is in no other" {
	local i c
	# In syllables: what lasts is taken out as noise. A minute of them: a
	# card says what it has once.
	sox -n -r 48000 -c 1 low.wav synth 0.2 sine 440 gain -9 \
	    fade 0.03 0.2 0.03 pad 0 0.1 repeat 199
	sox -n -r 48000 -c 1 high.wav synth 0.2 sine 1700 gain -9 \
	    fade 0.03 0.2 0.03 pad 0 0.1 repeat 199
	raw low.wav t1.raw
	raw high.wav t2.raw
	cp t1.raw mouth.raw
	card "$PWD/mouth.raw" /dev/null
	sec-lab run alice sec-talk -m voice t1 t2 3>&- 2>alice.err &
	alice=$!
	until_ok in_mix t2
	env -u SEC_ALSA_IN sec-lab run bob sec-talk -i null -o null --stems out t1 t2 3>&- &
	bob=$!
	until_ok test -d out
	for i in 1 2 3; do
		for c in t1 t2; do
			# Into t1 goes the low one, into t2 the high one.
			dd if=$c.raw of=mouth.raw conv=notrunc status=none
			seq=$(mark bob)
			as alice sec-mix mic $c on
			await bob --since "$seq" -c $c -e voice.start >/dev/null
			as alice sec-mix mic $c off
			await bob --since "$seq" -c $c -e voice.stop >/dev/null
		done
	done
	kill $alice $bob
	ended 143 $alice
	ended 143 $bob
	echo "# own: $(band out/t1.alice.wav 440) and $(band out/t2.alice.wav 1700) dB"
	echo "# the other's: $(band out/t1.alice.wav 1700) and $(band out/t2.alice.wav 440) dB"
	(($(band out/t1.alice.wav 440) > -60))
	(($(band out/t2.alice.wav 1700) > -60))
	(($(band out/t1.alice.wav 1700) < $(band out/t1.alice.wav 440) - 25))
	(($(band out/t2.alice.wav 440) < $(band out/t2.alice.wav 1700) - 25))
}

@test "S045: two devices of one user, and somebody's two files" {
	tone a.wav 440 3
	tone b.wav 1000 3
	sec-lab run bob sec-talk -i null -o null --stems out -t 7 t1 3>&- &
	bob=$!
	sec-lab run alice sec-talk -i a.wav -o null -n 2 t1 3>&- &
	one=$!
	as alice sec-talk -i b.wav -o null -n 2 t1
	wait $one
	wait $bob
	[ "$(echo out/*)" = "out/t1.alice-2.wav out/t1.alice.wav" ]
	a=$(hertz out/t1.alice.wav)
	b=$(hertz out/t1.alice-2.wav)
	is "($a < 500 && $b > 900) || ($b < 500 && $a > 900)"
}

@test "S185 S047: joins and leaves while somebody speaks: no gap" {
	tone a.wav 440 8
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
	tone a.wav 440 8
	sec-lab run bob sec-talk -i null -o heard.wav -t 11 t1 3>&- 2>bob.err &
	bob=$!
	seq=$(mark bob)
	sec-lab run alice sec-talk -i a.wav -o null -n 1 t1 3>&- 2>alice.err &
	alice=$!
	await bob --since "$seq" -e voice.start >/dev/null
	seq=$(mark alice)
	sec-lab kill mcu1
	sec-lab kill mcu2
	# With a fresh epoch, since nobody knows what the dead one did.
	await alice --since "$seq" -c t1 -e conf.key >/dev/null
	wait $alice
	wait $bob
	grep 'voice interrupted' bob.err
	grep 'voice is back after' bob.err
	run -0 longest_gap heard.wav
	echo "gap $output ms"
	[ "$output" -lt 2000 ]
	about "$(hertz heard.wav)" 440
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
