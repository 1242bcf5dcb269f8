#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# The cipher of voice is modular (S140, S156): another one by one line of
# sec.conf; the seed's own (S139, S141-S155) only where the controller's
# configuration and the client both ask for it.
#
#	sec.conf suite = ... --> grant --> agent --> sec-talk: pads, XOR, tag

load ../lib/lab
load ../lib/sound

setup_file() {
	lab_up alice bob
	as bob sec-confctl answer accept
	speech "$BATS_FILE_TMPDIR/said.wav" \
	    "The quick brown fox jumps over the lazy dog."
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() {
	[ -z "${ear-}" ] || kill "$ear" 2>/dev/null || :
	show_logs
}

# cipher SUITE: the controller begins conferences with it.
cipher() {
	sed -i '/^suite\|^allow-insecure/d' "$SEC_DIR/etc/sec.conf"
	echo "suite = $1" >>"$SEC_DIR/etc/sec.conf"
	[[ $1 != fig9* ]] ||
	    echo "allow-insecure-fig9 = yes" >>"$SEC_DIR/etc/sec.conf"
	kill -HUP "$(daemon_pid confctl)"
	until_ok chosen "$1"
}
chosen() {
	as alice sec-confctl create -q -n "t.$1" -m voice
	as alice sec-ctl alice@lab.test show "conf=t.$1" >shown
	as alice sec-confctl leave "t.$1"
	grep -q "voice_suite=$1" shown
}
# heard CONF OPTIONS: bob hears what alice says, both with OPTIONS.
heard() {
	local conf=$1 like
	shift
	sec-lab run bob sec-talk -i null -o h.wav "$@" "$conf" 3>&- \
	    >bob.out 2>&1 &
	ear=$!
	as alice sec-talk -i "$BATS_FILE_TMPDIR/said.wav" -o null -n 1 "$@" \
	    "$conf" 2>alice.err
	kill -TERM "$ear"
	wait "$ear" || :
	ear=
	like=$(likeness "$BATS_FILE_TMPDIR/said.wav" h.wav)
	echo "$conf $like"
	is "$(field like "$like") > 0.75 && $(field envelope "$like") > 0.8"
}

@test "ChaCha20-Poly1305, by one line" {
	cipher chacha20-poly1305
	as alice sec-confctl create -q -n c -m voice bob
	heard c
	run ! grep INSECURE bob.out alice.err
}

@test "Fig. 9: refused by the client, unless asked; then loud" {
	for s in fig9-des fig9-aes128 fig9alt-des fig9alt-aes128; do
		cipher $s
		codec=opus
		[ $s != fig9alt-des ] || codec=pcmu
		as alice sec-confctl create -q -n "$s" -m text,voice \
		    --codec $codec bob
		run -4 as alice sec-talk -i null -o null "$s"
		[[ "$output" == *"leaks speech"* ]]
		heard "$s" --insecure-fig9
		grep -q 'INSECURE: Fig. 9 pads leak speech' bob.out
		grep -q 'INSECURE: Fig. 9 pads leak speech' alice.err
		# Never for text.
		echo "said in text" | as alice sec-talk -s "$s"
		as bob sec-watch -T 0 --since 0 -c "$s" -e text |
		    jq -es '.[-1].text == "said in text"'
	done
}

@test "Fig. 9: refused by the controller's configuration" {
	sed -i '/^allow-insecure/d' "$SEC_DIR/etc/sec.conf"
	run -11 sec-confctl serve --name confctl --check
	[[ "$output" == *allow-insecure-fig9* ]]
	cipher aes256-ctr-hmac-sha512-80
	as alice sec-confctl create -q -n m -m voice --codec pcmu bob
	heard m
	run ! grep INSECURE bob.out alice.err
}
