#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Voice through a bad network (tests/lib/badnet): 5 % of the packets lost, the
# others late by up to 40 ms, each by itself.
#
#	alice sec-talk --> badnet -> sec-mcu --> badnet -> sec-talk bob

load ../lib/lab
load ../lib/sound

setup_file() {
	lab_up alice bob
	as bob sec-confctl answer accept
	# One router, behind the bad network, which has its address.
	old=$(daemon_pid mcu1)
	sec-lab stop mcu2
	sec-lab stop mcu1
	until_ok gone "$old"
	at=$(awk '$2 == "mcu1" { print $4 }' "$SEC_DIR/etc/servers")
	behind=${at%:*}:7399
	sec-mcu serve --name mcu1 -l "$behind" >"$BATS_FILE_TMPDIR/mcu.log" \
	    2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/pids"
	"$SEC_BUILD/tests/lib/badnet" "$at" "$behind" 5 40 1 \
	    >"$BATS_FILE_TMPDIR/badnet.out" 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	until_ok grep -q ready "$BATS_FILE_TMPDIR/badnet.out"
	made() { as alice sec-confctl create -q -n v -m voice bob; }
	until_ok made
	espeak-ng -w "$BATS_FILE_TMPDIR/said.wav" "The quick brown fox jumps
	    over the lazy dog, and the build has failed. Nobody knows why, but
	    the tea is still hot, and the day is young."
}
teardown_file() {
	# shellcheck disable=SC2046
	kill $(cat "$BATS_FILE_TMPDIR/pids") || :
	lab_down
}
setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() { show_logs; }

# talk: alice says it, bob hears heard.wav; prints how alike they are.
talk() {
	sec-lab run bob sec-talk -i null -o heard.wav v 3>&- >bob.out 2>&1 &
	local ear=$!
	as alice sec-talk -i "$BATS_FILE_TMPDIR/said.wav" -o null -n 1 v
	kill -TERM $ear
	wait $ear || :
	likeness "$BATS_FILE_TMPDIR/said.wav" heard.wav
}

@test "5 % loss, 40 ms jitter: speech stays intelligible; the loss is seen" {
	kill -HUP "$(tail -1 "$BATS_FILE_TMPDIR/pids")"
	m=$(mark bob)
	like=$(talk)
	echo "# $like" >&3
	is "$(field like "$like") > 0.7 && $(field envelope "$like") > 0.85"
	as bob sec-watch -T 0 --since "$m" -c v -e voice.stop |
	    jq -se 'map(.lost) | add > 0'
}

@test "the same once more on the way from the router" {
	kill -USR2 "$(tail -1 "$BATS_FILE_TMPDIR/pids")"
	m=$(mark bob)
	like=$(talk)
	echo "# $like" >&3
	is "$(field like "$like") > 0.5 && $(field envelope "$like") > 0.7"
	# Concealed, not waited for.
	is "$(field lag_ms "$like") < 400"
	as bob sec-watch -T 0 --since "$m" -c v -e voice.stop |
	    jq -se 'map(.lost) | add > 0'
}

@test "when the network is good again, so is the delay" {
	kill -USR1 "$(tail -1 "$BATS_FILE_TMPDIR/pids")"
	like=$(talk)
	echo "# $like" >&3
	is "$(field like "$like") > 0.6"
	is "$(field lag_ms "$like") < 250"
	kill -USR2 "$(tail -1 "$BATS_FILE_TMPDIR/pids")"
}
