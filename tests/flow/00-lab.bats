#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# The lab that the other tests stand on:
#
#	sec-lab up -> supervisor -> krb5kdc
#	                |  \-> sec-confctl, sec-pal, 2 x sec-mtcu
#	   run/lab.sock |
#	sec-lab kill, stop, start, status; down = SIGTERM
#
# S049 (servers under one controller), S064 (two text routers).

load ../lib/lab

setup_file() {
	command -v krb5kdc >/dev/null || [ -x /usr/sbin/krb5kdc ] ||
	    skip "no krb5kdc"
}

setup() {
	export SEC_DIR="$BATS_TEST_TMPDIR/lab"
	unset SEC_USER KRB5CCNAME KRB5_CONFIG
}

teardown() {
	sec-lab down -q --purge
}

# healthy SERVICE: until it is, at most 10 s.
healthy() {
	local i
	for ((i = 0; i < 500; i++)); do
		[ "$(sec-lab status -j | jq -r --arg s "$1" \
		    'select(.service == $s).health')" = ok ] && return
		read -rt 0.02 <> <(:) || :
	done
	sec-lab status >&2
	return 1
}

pid_of() {
	sec-lab status -j | jq -r --arg s "$1" 'select(.service == $s).pid'
}

@test "up says what it did, down leaves nothing" {
	run -0 --separate-stderr sec-lab up
	[ -z "$output" ]
	[[ $stderr == *"state "*"sec-lab down --purge removes it"* ]]
	[[ $stderr =~ kdc\ +LAB.TEST\ \ 127\.[0-9.]+:7388\ +ok ]]
	[[ $stderr =~ key\ +joint\ key\ [0-9a-f]{4}-[0-9a-f]{4},\ 6\ servers\ +ok ]]
	[[ $stderr =~ confctl\ pal\ mtcu1\ mtcu2\ mcu1\ mcu2\ +ok ]]
	[[ $stderr =~ ready\ in\ [0-9]+\.[0-9]\ s\. ]]
	[ "$(sec-lab status -q | xargs)" = "kdc confctl pal mtcu1 mtcu2 mcu1 mcu2" ]
	run -0 sec-lab status
	[[ $output != *WARN* ]]
	pids=$(sec-lab status -j | jq -r .pid)
	super=$(cat "$SEC_DIR/run/lock")
	touch "$SEC_DIR/mine"
	run -1 --separate-stderr sec-lab up
	[[ $stderr == "sec-lab: already up (pid $super)"* ]]
	sec-lab down -q
	for p in $pids; do
		run ! kill -0 "$p"
	done
	run -1 --separate-stderr sec-lab status
	[ "$stderr" = "sec-lab: not up; sec-lab up" ]
	sec-lab down -q --purge
	[ "$(ls -A "$SEC_DIR")" = mine ]
}

@test "a second up keeps identities and takes a fresh joint key" {
	sec-lab up -q
	cp "$SEC_DIR/etc/servers" "$BATS_TEST_TMPDIR/servers"
	cp "$SEC_DIR/lib/keys/pal/epoch.1" "$BATS_TEST_TMPDIR/epoch"
	sec-lab down -q
	sec-lab up -q
	cmp "$SEC_DIR/etc/servers" "$BATS_TEST_TMPDIR/servers"
	run ! cmp -s "$SEC_DIR/lib/keys/pal/epoch.1" "$BATS_TEST_TMPDIR/epoch"
}

@test "who dies is started again; who is stopped stays down" {
	sec-lab up -q
	for s in kdc confctl pal mtcu1 mtcu2; do
		old=$(pid_of $s)
		sec-lab kill $s
		run ! kill -0 "$old"
		healthy $s
		[ "$(pid_of $s)" != "$old" ]
	done
	for s in confctl pal mtcu1 mtcu2; do
		healthy $s                     # links included
	done
	sec-lab stop mtcu2
	run -1 sec-lab status -j
	[ "$(jq -r 'select(.service == "mtcu2").state' <<<"$output")" = stopped ]
	sec-lab stop mtcu2
	sec-lab start mtcu2
	healthy confctl
	run -5 --separate-stderr sec-lab kill nobody
	run -5 --separate-stderr sec-lab log nobody
	run -0 sec-lab log lab
	[[ $output == *"service=pal "*"signal=9"* ]]
	run -0 sec-lab log
	[[ $output == *"==> mtcu2 <=="* ]]
}

@test "no daemon outlives its supervisor" {
	sec-lab up -q
	pids=$(sec-lab status -j | jq -r .pid)
	kill -9 "$(cat "$SEC_DIR/run/lock")"
	# shellcheck disable=SC2086
	until_ok gone $pids
	run -1 --separate-stderr sec-lab status
	sec-lab up -q
	sec-lab status
}

@test "daemons hold no descriptor of ours" {
	exec 7>"$BATS_TEST_TMPDIR/seven"
	sec-lab up -q
	exec 7>&-
	for p in $(sec-lab status -j | jq .pid) $(cat "$SEC_DIR/run/lock"); do
		run ! grep -q seven <(ls -l "/proc/$p/fd" 2>/dev/null)
	done
}

@test "several labs at once, each on its own address" {
	local pids=()
	for i in 1 2 3; do
		SEC_DIR="$BATS_TEST_TMPDIR/lab$i" sec-lab up -q 3>&- &
		pids+=($!)
	done
	# Not all children: bats' own time limit is one of them.
	wait "${pids[@]}"
	for i in 1 2 3; do
		SEC_DIR="$BATS_TEST_TMPDIR/lab$i" sec-lab status -j |
		    jq -r .address | sed 's/:.*//' | uniq
	done >"$BATS_TEST_TMPDIR/addresses"
	for i in 1 2 3; do
		SEC_DIR="$BATS_TEST_TMPDIR/lab$i" sec-lab down -q --purge
		rmdir "$BATS_TEST_TMPDIR/lab$i"
	done
	[ "$(sort -u "$BATS_TEST_TMPDIR/addresses" | wc -l)" = 3 ]
}

@test "a long path does not matter" {
	SEC_DIR=$BATS_TEST_TMPDIR/$(printf 'x%.0s' {1..100})
	sec-lab up -q
	sec-lab status
	sec-lab down -q --purge
	[ -z "$(ls -A "$SEC_DIR")" ]
}

@test "--wire records frames that tshark takes for real ones" {
	command -v tshark >/dev/null || skip "no tshark"
	sec-lab up -q --wire "$SEC_DIR.pcap"
	sec-lab kill mtcu1
	healthy confctl
	# Datagrams pass too.
	addr=$(awk '$2 == "mcu1" { print $4 }' "$SEC_DIR/etc/servers")
	echo -n datagram >"/dev/udp/${addr%:*}/${addr##*:}"
	arrived() {
		[[ "$(sec-ctl mcu1 status)" == *"what=format"*"n=1"* ]]
	}
	until_ok arrived
	sec-lab down -q
	tshark -r "$SEC_DIR.pcap" -o tcp.check_checksum:TRUE \
	    -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE -V 2>/dev/null >"$SEC_DIR.txt"
	grep -q 'Destination Port: 7322' "$SEC_DIR.txt"
	grep -q 'Checksum Status: Good' "$SEC_DIR.txt"
	run ! grep -iE 'malformed|checksum status: bad|retransmission|lost' \
	    "$SEC_DIR.txt"
	# The relayed port is the one of `servers`, not the daemon's own.
	run ! grep -qE 'Port: 83(22|23)' "$SEC_DIR.txt"
	tshark -r "$SEC_DIR.pcap" -T fields -e data.text -e data \
	    -Y 'udp.dstport == 7323' | grep -q 646174616772616d
}

@test "--plain has no joint key and is not warned about by up" {
	run -0 --separate-stderr sec-lab up --plain
	[[ $stderr != *"joint key"* ]]
	grep -qx 'security = plain' "$SEC_DIR/etc/sec.conf"
	run -0 sec-lab status
	[[ $output == *"security = plain"* ]]
}

@test "a daemon that cannot start: its log, exit 10, nothing left" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	bin=$(dirname "$(command -v sec-lab)")
	cp "$bin"/sec-* "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho broken by hand >&2\nexit 11\n' \
	    >"$BATS_TEST_TMPDIR/bin/sec-mtcu"
	run -10 --separate-stderr "$BATS_TEST_TMPDIR/bin/sec-lab" up
	[[ $stderr == *"mtcu"[12]" does not start (exit 11)"*"broken by hand"* ]]
	run -1 --separate-stderr sec-lab status
	rm "$BATS_TEST_TMPDIR/bin/sec-mtcu"
	run -10 --separate-stderr "$BATS_TEST_TMPDIR/bin/sec-lab" up
	[ "$stderr" = "sec-lab: sec-mtcu not found beside sec-lab; build it: make" ]
}

@test "a directory of somebody else is left alone" {
	mkdir -p "$SEC_DIR/etc"
	echo precious >"$SEC_DIR/etc/passwd"
	run -11 --separate-stderr sec-lab up
	[[ $stderr == *"/etc is there and is not a lab's"* ]]
	sec-lab down -q --purge
	[ "$(cat "$SEC_DIR/etc/passwd")" = precious ]
}

@test "wrong words" {
	run -2 --separate-stderr sec-lab
	run -2 --separate-stderr sec-lab bogus
	run -2 --separate-stderr sec-lab shell
	run -2 --separate-stderr sec-lab run alice
	run -2 --separate-stderr sec-lab up 'al ice'
	run -10 --separate-stderr sec-lab run alice true
	run -10 --separate-stderr sec-lab kill pal
	run -0 sec-lab -h
	[[ $output == *"sec-lab up alice bob"* ]]
}
