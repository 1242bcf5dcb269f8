#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Fig. 9 as a filter:
#
#	text -> seal (offline: pads; online: XOR, tag, T) -> open -> text
#
# S139, S140 (suites), S141, S144-S155 (step by step), S153 (q), S156 (tag and
# time before anything else).

setup() {
	cd "$BATS_TEST_TMPDIR" || exit
	head -c 32 /dev/urandom >k
	seq 50000 >text                        # several chunks
}

seal() { sec-crypt seal --key k --client 1.7 "$@"; }
open() { sec-crypt open --key k --client 1.7 "$@"; }

# The exit status must be $1, and what came out a beginning of the text.
refused() {
	local want=$1
	shift
	run -"$want" bash -c "sec-crypt open --key k --client 1.7 $* >out"
	cmp -n "$(stat -c %s out)" out text
}

flip() { # FILE OFFSET
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf '%b' "\\x$(printf %x $((byte ^ 1)))" |
	    dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "seal and open is the identity, with every suite" {
	for s in 0x0001 0x0004 0x0005 0x0006 0xF00C aes256-gcm-sha512-128; do
		seal --suite "$s" <text >sealed
		open <sealed | cmp - text
		open --suite "$s" <sealed | cmp - text
		run ! grep -q 49999 sealed
	done
	seal </dev/null | open | cmp - /dev/null
	(printf a; cat /dev/null; printf b) | seal | open | cmp - <(printf ab)
}

@test "the key may be base64, and the client a number" {
	base64 k >k64
	seal <text | sec-crypt open --key k64 --client 16777223 | cmp - text
}

@test "one key and counter seal twice under different keys" {
	seal --counter 5 <text >a
	seal --counter 5 <text >b
	run ! cmp -s a b
	open <a | cmp - text
	open --counter 5 <b | cmp - text
	refused 11 --counter 6 '<b'
}

@test "another client, suite or key opens nothing" {
	seal <text >sealed
	head -c 32 /dev/urandom >k2
	run -11 sec-crypt open --key k --client 1.8 <sealed
	run -11 sec-crypt open --key k2 --client 1.7 <sealed
	[ "$output" = "sec-crypt: open refused: a tag is wrong" ]
	refused 11 --suite 0x0005 '<sealed'
}

@test "a flipped bit, a cut, a swap and an addition are refused" {
	seal <text >sealed
	size=$(stat -c %s sealed)
	for at in 0 4 8 20 30 56 57 60 67 68 70000 $((size - 1)); do
		cp sealed bad
		flip bad "$at"
		run bash -c 'sec-crypt open --key k --client 1.7 <bad >out'
		[ "$status" = 11 ] || [ "$status" = 12 ]
		cmp -n "$(stat -c %s out)" out text
	done
	for n in 0 1 55 56 60 68 100 $((size - 1)) $((size - 22)); do
		head -c "$n" sealed >bad
		refused 11 '<bad'
	done
	cat sealed sealed >bad
	refused 11 '<bad'
	# Chunks of 65536: head 56, each 12 + 65536 + 10.
	[ "$size" -gt $((56 + 2 * 65558)) ]
	{
		head -c 56 sealed
		tail -c +$((57 + 65558)) sealed | head -c 65558
		tail -c +57 sealed | head -c 65558
		tail -c +$((57 + 2 * 65558)) sealed
	} >bad
	refused 11 '<bad'
	[ ! -s out ]
	{
		head -c 56 sealed
		tail -c +$((57 + 65558)) sealed
	} >bad
	refused 11 '<bad'
}

# The oracle's stream, sealed $1 seconds ago.
oracle() {
	"$BATS_TEST_DIRNAME/../vectors/ref/crypt.py" seal k 16777223 0x0006 \
	    7 "$1" <text
}

@test "the oracle opens what we seal, and the reverse" {
	for s in 0x0001 0x0004 0x0005 0x0006; do
		seal --suite "$s" --counter 77 <text >sealed
		"$BATS_TEST_DIRNAME/../vectors/ref/crypt.py" open k <sealed |
		    cmp - text
	done
	oracle 0 | open --counter 7 | cmp - text
}

@test "a stale time is refused, and -t allows an old one" {
	oracle 300 >old
	run -11 open <old
	[ "$output" = "sec-crypt: open refused: its time is stale" ]
	open -t 10m <old | cmp - text
	oracle -300 >new
	refused 11 -t 10m '<new'
	[ ! -s out ]
}

@test "usage, missing and broken keys" {
	run -2 sec-crypt
	run -2 sec-crypt seal
	run -2 sec-crypt twist --key k --client 1
	run -2 sec-crypt seal --key k --client x
	run -12 sec-crypt seal --key k --client 1 --suite des
	run -2 sec-crypt seal --key k --client 1 --counter -1
	run -5 sec-crypt seal --key none --client 1
	echo short >bad
	run -11 sec-crypt seal --key bad --client 1
	run -0 sec-crypt --help
	[[ "$output" == *0x0006* ]]
	run -0 sec-crypt -V
	run -10 bash -c 'sec-crypt seal --key k --client 1 <text >/dev/full'
}

@test "Fig. 9 to the letter is refused, unless asked for by its name" {
	run -2 sec-crypt seal --key k --client 1.7 --suite fig9-des <text
	[[ "$output" == *--insecure-fig9* ]]
	for s in fig9-des fig9-aes128 fig9alt-des fig9alt-aes128; do
		seal --suite "$s" --insecure-fig9 <text >sealed 2>loud
		grep -q INSECURE loud
		open --insecure-fig9 <sealed 2>loud | cmp - text
		grep -q INSECURE loud
		refused 4 "<sealed"
		# Another client's, another key.
		run -11 sec-crypt open --insecure-fig9 --key k --client 1.8 \
		    <sealed
		flip sealed 200
		refused 11 "--insecure-fig9 <sealed"
	done
}

@test "the steps of Fig. 9, as the seed and openssl have them" {
	sec-crypt vector fig9-des >steps
	for step in 910 920 930 960 970 978; do
		grep -q "^$step " steps
	done
	grep -q '^C  *f8deeb044f089349003a79b31e787d863a0a92c40328ac3204d0a8' \
	    steps
	grep -q '^tag "Fig. 9"  *e5be94293fb3ef07f12beeff3a0df234$' steps
	sec-crypt vector fig9-aes128 |
	    grep -q '^C  *a86112c4ad0a563ad5f2e8552bb8bce5072c5f15525604d3be'
	# key_1,1 = DES_K(ctr_1 + 1), by another's DES
	k=$(awk '$1 == "K" {print $2}' steps)
	want=$(printf '\x10\x11\x12\x13\x14\x15\x16\x18' |
	    openssl enc -des-ecb -nopad -K "$k" -provider legacy \
	        -provider default | od -An -tx1 | tr -d ' \n')
	[ "$(awk '$1 == "key_1,1" {print $2}' steps)" = "$want" ]
	sec-crypt vector fig9alt-des | grep -q 'ind_q = 1'
	sec-crypt vector | grep -q 0x0006
	sec-crypt vector chacha20-poly1305 | grep -q one-time
	run -12 sec-crypt vector fig8
}
