# sound.bash: sound cards and sounds. `load ../lib/lab` and `load
# ../lib/sound`.

# card SAID HEARD: SEC's programs see a sound card, whose loudspeaker writes
# the file HEARD and whose microphone hears the file SAID, both raw s16le at
# 48 kHz. Each program that opens it hears SAID from its beginning, and goes on
# in it only while a mic is open; behind its end is silence.
card() {
	cat >"$BATS_TEST_TMPDIR/asound.conf" <<-END
	pcm.mic { type file slave.pcm null file "/dev/null" infile "$1" format "raw" }
	pcm.ears { type file slave.pcm null file "$2" format "raw" }
	END
	export ALSA_CONFIG_PATH=/usr/share/alsa/alsa.conf:$BATS_TEST_TMPDIR/asound.conf
	export SEC_ALSA_IN=mic SEC_ALSA_OUT=ears
}

# tone FILE HERTZ SECONDS; speech FILE WORDS
tone() { sox -n -r 48000 -c 1 "$1" synth "$3" sine "$2" gain -12; }
speech() { espeak-ng --stdout "$2" | sox -t wav - -r 48000 -c 1 "$1" pad 0 0.3; }
raw() { sox "$1" -t s16 -r 48000 -c 1 "$2"; }

# Of a sound file: its loudness (RMS, dB), and its pitch if it is a tone.
loudness() { sox "$1" -n stats 2>&1 | awk '/^RMS lev dB/ {print int($4)}'; }
hertz() { sox "$1" -n stat 2>&1 | awk '/^Rough/ {print $3}'; }
# band FILE HERTZ: its loudness around a pitch.
band() {
	sox "$1" band.wav sinc "$(($2 - 100))-$(($2 + 100))"
	loudness band.wav
}

# silent FILE: nothing is heard in it.
silent() {
	local db
	db=$(sox "$1" -n stats 2>&1 | awk '/^Pk lev dB/ {print $4}')
	[ "$db" = -inf ] || [ "${db%.*}" -lt -70 ]
}

# likeness SAID HEARD: how alike they are, in a line (tests/lib/likeness).
# field NAME LINE: a number of it. is CONDITION: arithmetic with fractions.
likeness() { "$SEC_BUILD/tests/lib/likeness" "$1" "$2"; }
field() { [[ " $2" =~ [[:space:]]"$1"=([-0-9.]*) ]] && echo "${BASH_REMATCH[1]}"; }
is() {
	[ "$(awk "BEGIN { print ($1) ? 1 : 0 }")" = 1 ] || {
		echo "not $1"
		false
	}
}

# about GOT WANT: within five per cent.
about() {
	(($1 * 100 >= $2 * 95 && $1 * 100 <= $2 * 105)) || {
		echo "about: $1, not $2" >&2
		return 1
	}
}
