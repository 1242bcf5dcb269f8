#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Fig. 4: server key generation.
#
#	server 1 (ctl)                         server i (media1, media2)
#	   |  m1  g^x1, T                          |   step 41, S077; with
#	   |-------------------------------------->|   each of them, S080
#	   |  m2  g^xi, T, last epoch              |
#	   |<--------------------------------------|
#	   |  K <- random                          |   step 42, S078
#	   |  m3  AE( K || row of pair keys || T )  |   step 43, S079
#	   |-------------------------------------->|   fsync
#	   |  m4  AE( ack )                        |
#	   |<--------------------------------------|
#
# S075 (before anybody is served), S076 (a joint key; what travels is random
# to others), S077-S080 as above. S081: the plain lab, without a joint key.
#
# Each host is a directory of its own; they share nothing but the loopback.
# The last tests are about running daemons, in a lab.

load ../lib/lab

setup() {
	T=$BATS_TEST_TMPDIR
	ip=127.$((RANDOM % 250 + 1)).$((RANDOM % 250 + 1)).$((RANDOM % 250 + 2))
	on ctl init confctl confctl "$ip:7320" | on ctl add
	on media1 init mcu1 mcu "$ip:7323" | on ctl add
	on media2 init mtcu mtcu "$ip:7322" | on ctl add
	share
}

teardown() {
	[ ! -d "$T/lab" ] || SEC_DIR=$T/lab sec-lab down -q --purge
}

on() { # HOST ARG...
	local host=$1
	shift
	sec-keygen --dir "$T/$host" "$@"
}

share() { # the same file on every host
	local h
	for h in media1 media2; do
		mkdir -p "$T/$h/etc"
		cp "$T/ctl/etc/servers" "$T/$h/etc/"
	done
}

# join HOST NAME: in the background, until it listens; output in HOST.out,
# its process in pid[HOST].
declare -gA pid
join() {
	local port
	port=$(awk -v n="$2" '$2 == n { sub(/.*:/, "", $4); print $4 }' \
	    "$T/$1/etc/servers")
	on "$1" join -T 60 "$2" >"$T/$1.out" 2>"$T/$1.err" 3>&- &
	pid[$1]=$!
	until_ok listens "$port"
}
listens() {
	(exec 3<>"/dev/tcp/$ip/$1") 2>/dev/null
}

# Names, modes and contents of everything that a host keeps.
state() {
	(cd "$T" && find ctl media1 media2 -path '*/lib/*' -type f \
	    -printf '%m %p ' -exec sha256sum {} \;) | sort
}

check_number() { sed -n "s/^$1 *check \([0-9 ]*\)  ok\$/\1/p"; }

@test "an identity is made once, and server 1 numbers it" {
	line=$(on media1 init mcu1 mcu "$ip:7323")
	[[ "$line" =~ ^-\ mcu1\ mcu\ "$ip:7323"\ [A-Za-z0-9+/]{43}=$ ]]
	[ "$(on media1 init mcu1 mcu "$ip:7323")" = "$line" ]
	[ "$(sed -n 2p "$T/ctl/etc/servers")" = "2${line#-}" ]
	[ "$(on media1 init mcu1 mcu "$ip:7323" 9)" = "9${line#-}" ]
	# A name or a number twice, a line that is none.
	before=$(cat "$T/ctl/etc/servers")
	run -1 --separate-stderr on ctl add <<<"$line"
	[ "$stderr" = "sec-keygen: mcu1 is in servers already, number 2" ]
	run -1 --separate-stderr on ctl add <<<"3 other${line#- mcu1}"
	[ "$stderr" = "sec-keygen: number 3 is mtcu's already" ]
	run -11 on ctl add <<<"hello"
	run -11 on ctl add </dev/null
	[ "$(cat "$T/ctl/etc/servers")" = "$before" ]
	[ "$(stat -c %a "$T/ctl/etc/servers")" = 644 ]
	[ "$(stat -c %a "$T/media1/lib/keys/mcu1")" = 700 ]
	[ "$(stat -c %a "$T/media1/lib/keys/mcu1/identity")" = 400 ]
}

@test "three servers over TCP (S075, S076, S077, S078, S079, S080)" {
	join media1 mcu1
	join media2 mtcu
	run -0 --separate-stderr on ctl lead
	[ -z "$stderr" ]
	[ ${#lines[@]} = 3 ]
	[[ "${lines[2]}" =~ ^joint\ key\ ([0-9a-f]{4}-[0-9a-f]{4})\ \ epoch\ 1\ \ 3\ servers$ ]]
	id=${BASH_REMATCH[1]}
	wait "${pid[media1]}"
	wait "${pid[media2]}"
	# The two check numbers of a pair are equal, those of two pairs not.
	a=$(check_number mcu1 <<<"$output")
	b=$(check_number mtcu <<<"$output")
	[[ "$a" =~ ^[0-9]{4}\ [0-9]{4}\ [0-9]{4}$ ]]
	[ "$a" != "$b" ]
	[ "$(cat "$T/media1.out")" = "check $a  ok
joint key $id  epoch 1" ]
	[ "$(check_number '' <"$T/media2.out")" = "$b" ]
	# All hold the same, and show says so without a byte of a key.
	for h in ctl media1 media2; do
		run -0 on $h show
		[[ "$output" =~ ^$id\ \ epoch\ 1\ \ made\ [0-9]{2}:[0-9]{2}\ by\ confctl\ \ servers\ confctl\ mcu1\ mtcu$ ]]
		[ "$(on $h show -q)" = "$id" ]
		run -0 on $h check
	done
	for f in "$T"/*/lib/keys/*/*; do
		[ "$(stat -c %a "$f")" = 400 ]
		secret=$(base64 -d "$f" | od -An -tx1 -v | tr -d ' \n')
		{ on ctl show -a; on ctl check; on media1 show; } >"$T/shown"
		run -1 grep -qF "$(head -c 40 "$f")" "$T/shown"
		run -1 grep -qF "${secret:0:16}" "$T/shown"
	done
	[ -e "$T/ctl/lib/keys/confctl/dealer.1" ]
	[ ! -e "$T/media1/lib/keys/mcu1/dealer.1" ]
}

@test "over pipes, and the running epoch to one server only" {
	via1="sec-keygen --dir '$T/media1' join mcu1 -"
	via2="sec-keygen --dir '$T/media2' join mtcu -"
	# The first one named begins epoch 1; the next gets the same.
	run -0 --separate-stderr on ctl lead --via "$via1" mcu1
	[[ "${lines[1]}" =~ ^joint\ key\ (.........)\ \ epoch\ 1\ \ 2\ servers$ ]]
	id=${BASH_REMATCH[1]}
	# What the other side says comes on standard error.
	a=$(check_number mcu1 <<<"$output")
	[ "$(check_number '' <<<"$stderr")" = "$a" ]
	run -0 on ctl lead -q --via "$via2" mtcu
	[[ "$output" == *"$id"* ]]
	[ "$(on media2 show -q)" = "$id" ]
	# Again changes no key.
	on ctl lead --via "$via1" mcu1
	[ "$(on media1 show -q)" = "$id" ]
	run -2 on ctl lead --via "$via1"
	run -2 on ctl lead --via "$via1" mcu1 mtcu
	run -2 on ctl lead confctl
	run -5 on ctl lead nobody
	run -5 --separate-stderr on media1 lead
	[[ "$stderr" == *"no identity of confctl here"* ]]
}

@test "a new epoch follows, the old one is still accepted" {
	join media1 mcu1
	join media2 mtcu
	on ctl lead
	wait "${pid[media1]}" "${pid[media2]}"
	join media1 mcu1
	join media2 mtcu
	run -0 on ctl lead --in 0
	[[ "${lines[2]}" =~ ^joint\ key\ .........\ \ epoch\ 2\ \ 3\ servers\ \ \(epoch\ 1\ still\ accepted\ for\ 120\ s\)$ ]]
	wait "${pid[media1]}" "${pid[media2]}"
	[ "$(on media1 show -a | wc -l)" = 2 ]
	[ "$(on media1 show | wc -l)" = 1 ]
	[ "$(on media1 show -q)" = "$(on ctl show -q)" ]
}

@test "a silent server: exit 9, and nothing has changed anywhere" {
	join media1 mcu1
	join media2 mtcu
	on ctl lead
	wait "${pid[media1]}" "${pid[media2]}"
	before=$(state)
	# One is not there at all.
	join media1 mcu1
	run -9 --separate-stderr on ctl lead
	[ "$stderr" = "sec-keygen: mtcu ($ip:7322) was silent" ]
	[ -z "$output" ]
	[ "$(state)" = "$before" ]
	# One takes what comes and says nothing.
	run -9 --separate-stderr on ctl lead -T 1 --via 'exec tail -f /dev/null' mtcu
	[ "$stderr" = "sec-keygen: mtcu ($ip:7322) was silent" ]
	[ "$(state)" = "$before" ]
	# The other one is still waiting; it hears of the next run.
	join media2 mtcu
	on ctl lead
	wait "${pid[media1]}" "${pid[media2]}"
	[ "$(state)" != "$before" ]
	# And who waits for server 1 in vain.
	run -9 --separate-stderr on media1 join -T 0 mcu1
	[ "$stderr" = "sec-keygen: confctl ($ip:7320) was silent" ]
}

@test "different files on two hosts: exit 11, and nothing has changed" {
	sed -i 's/:7322/:7333/' "$T/media1/etc/servers"
	before=$(state)
	join media1 mcu1
	join media2 mtcu
	run -11 --separate-stderr on ctl lead
	[ "$stderr" = "sec-keygen: servers file differs from $ip's" ]
	[ -z "$output" ]
	rc=0
	wait "${pid[media1]}" || rc=$?
	[ "$rc" = 11 ]
	[ "$(cat "$T/media1.err")" = "sec-keygen: servers file differs from $ip's" ]
	[ "$(state)" = "$before" ]
	# Comments and blanks are no difference.
	share
	{ echo '# mine'; tr ' ' '\t' <"$T/ctl/etc/servers"; } \
	    >"$T/media1/etc/servers"
	join media1 mcu1
	on ctl lead
	wait "${pid[media1]}" "${pid[media2]}"
}

@test "another identity than the one in servers: exit 11" {
	rm -rf "$T/media1/lib/keys/mcu1"
	on media1 init mcu1 mcu "$ip:7323"
	before=$(state)
	run -11 on media1 check
	[[ "$output" == *": line "*": the key is not that of "*"/keys/mcu1/identity; sec-keygen init mcu1 mcu "*" prints the right line"* ]]
	join media1 mcu1
	join media2 mtcu
	run -11 --separate-stderr on ctl lead
	[[ "$stderr" == "sec-keygen: somebody is between us and mcu1 ($ip:7323)"* ]]
	rc=0
	wait "${pid[media1]}" || rc=$?
	[ "$rc" = 11 ]
	[[ "$(cat "$T/media1.err")" == *"somebody is between us and confctl"* ]]
	[ "$(state)" = "$before" ]
	kill "${pid[media2]}"
}

@test "what travels shows no key and no name of one (S076)" {
	# A wire of two pipes, with somebody who writes it all down.
	cat >"$T/wire" <<-EOF
		#!/bin/sh
		tee '$T/to' | sec-keygen --dir '$T/media1' join mcu1 - |
		    tee '$T/from'
	EOF
	run -0 on ctl lead --via "sh '$T/wire'" mcu1
	cat "$T/to" "$T/from" >"$T/wire.bin"
	[ "$(stat -c %s "$T/wire.bin")" -gt 300 ]
	# m1 begins in clear; K, pair keys and their layout do not show.
	[ "$(head -c 3 "$T/to" | od -An -tx1 | tr -d ' ')" = c50110 ]
	run -1 grep -qaE 'SJK1|SJA1' "$T/wire.bin"
	hex=$(od -An -tx1 -v "$T/wire.bin" | tr -d ' \n')
	epoch=$(base64 -d "$T/media1/lib/keys/mcu1/epoch.1" |
	    od -An -tx1 -v | tr -d ' \n')
	[[ "$epoch" == 534a4b31* ]]
	[[ "$hex" != *"${epoch:64:64}"* ]]          # K
	[[ "$hex" != *"${epoch:136:64}"* ]]         # the first pair key
	# The record of it, played again, gets nobody anywhere.
	before=$(state)
	run -11 bash -c "sec-keygen --dir '$T/media1' join -T 60 mcu1 - \
	    <'$T/to' >/dev/null"
	[ "$(state)" = "$before" ]
}

@test "files that others can read are refused" {
	chmod 440 "$T/ctl/lib/keys/confctl/identity"
	run -11 --separate-stderr on ctl lead
	[[ "$stderr" == *"identity: mode 0440 lets others in"* ]]
	chmod 400 "$T/ctl/lib/keys/confctl/identity"
	chmod 711 "$T/ctl/lib/keys/confctl"
	run -11 on ctl show
}

@test "rotate without a controller, usage" {
	run -10 --separate-stderr on ctl rotate
	[[ "$stderr" == *"confctl does not answer on"*"sec-keygen lead"* ]]
	run -2 --separate-stderr sec-keygen
	[ "$(wc -l <<<"$stderr")" = 3 ]
	run -2 sec-keygen nonsense
	run -2 on ctl init mcu1
	run -2 on ctl init mcu1 nothing "$ip:1"
	run -2 on ctl init 'Mcu 1' mcu "$ip:1"
	run -2 on ctl lead -T x
	run -2 on media1 join mcu1 there
	run -2 on ctl join confctl
	run -5 on media1 join nobody
	run -5 sec-keygen --dir "$T/empty" show
	run -0 --separate-stderr sec-keygen -h
	[[ "$output" == *"sec-keygen lead"* ]]
	run -0 sec-keygen -V
	# The other two outputs.
	[ "$(on media1 init -q mcu1 mcu "$ip:7323")" = mcu1 ]
	run -0 on ctl lead -j --via "sec-keygen --dir '$T/media1' join mcu1 -" mcu1
	[ "$(grep -c '^{"v":1,' <<<"$output")" = 2 ]
	[ "$(on ctl show -j | jq -r '.servers | join(" ")')" = "confctl mcu1 mtcu" ]
	[ "$(on ctl check -j mcu1 | jq -c '[.number, .server, .ok]')" = '[2,"mcu1",true]' ]
	run -9 --separate-stderr on ctl lead -j mtcu
	[ "$(jq -r '.error + " \(.code)"' <<<"$stderr")" = "timeout 9" ]
}

# lab ARG...: one in $T/lab, if this machine can.
lab() {
	command -v krb5kdc >/dev/null || [ -x /usr/sbin/krb5kdc ] ||
	    skip "no krb5kdc"
	export SEC_DIR=$T/lab
	unset SEC_USER KRB5CCNAME KRB5_CONFIG
	sec-lab up -q "$@"
}

# logged N PATTERN: until N lines of the daemons' logs have it, at most 20 s.
logged() {
	local i
	for ((i = 0; i < 400; i++)); do
		[ "$(cat "$SEC_DIR"/log/* | grep -cE "$2")" = "$1" ] && return
		read -rt 0.05 <> <(:) || :
	done
	cat "$SEC_DIR"/log/* >&2
	return 1
}

@test "running daemons: lead, rotate, no link is missed (S075, S080)" {
	lab
	[[ "$(sec-keygen show)" == *"epoch 1 "*"servers confctl pal mtcu1 mtcu2 mcu1 mcu2" ]]
	logged 10 'link.up .*epoch=1 '
	run -0 --separate-stderr sec-keygen rotate --in 1
	[[ "$output" =~ ^joint\ key\ .........\ \ epoch\ 2\ \ 6\ servers\ \ \(epoch\ 1\ still\ accepted\ for\ 120\ s\)$ ]]
	logged 10 'link.up .*epoch=2 '
	for d in confctl pal mtcu1 mtcu2; do
		run -0 sec-ctl "$d" status
		[[ "$output" == *"epoch=2"* ]]
	done
	run -0 sec-keygen lead --in 0
	logged 10 'link.up .*epoch=3 '
	logged 0 'link.down'
	run -0 sec-lab status
	[[ "$output" != *WARN* ]]
	# One is down: nothing is dealt, and everybody stays where he was.
	sec-lab stop mtcu2
	run -9 --separate-stderr sec-keygen rotate
	[[ "$stderr" == "sec-keygen: mtcu2: "* ]]
	[ -z "$output" ]
	[[ "$(sec-keygen show)" == *"epoch 3 "* ]]
	# Killed and back: it reads its keys from the disk.
	sec-lab start mtcu2
	logged 12 'link.up .*epoch=3 '
}

@test "without a joint key, in clear (S081)" {
	lab --plain --wire "$T/wire.pcap"
	logged 10 'link.up .*epoch=0 '
	run -0 sec-keygen show -q
	[ -z "$output" ]
	grep -qa "$(printf 'link\tfrom=1\tto=2')" "$T/wire.pcap"
	run -1 grep -qa "$(printf '\305\001\040')" "$T/wire.pcap"
}
