#!/usr/bin/env bats
# STORIES 1.25: server keys on three hosts (seed, Fig. 4).
#
#	ctl (1 confctl, 2 pal)      media1 (3 mcu1)      media2 (4 mtcu)
#	   | servers <-- sec-keygen init | ssh ctl sec-keygen add
#	   | scp servers  ------------------>|------------------>|
#	   | sec-keygen lead:  joint key, check numbers          |
#	   |<------------------------------->|  join             |
#	   |<--------------------------------------------------->|  join
#	   | sec-keygen rotate: over the running daemons
#
# S035: servers on several machines. S032, S036: what they speak to each
# other. Each host is a SEC_DIR of its own; ssh and scp, below, carry commands
# and files between them.
load ../lib/lab

setup_file() {
	export T=$BATS_FILE_TMPDIR
	[ ${#T} -le 60 ] || T=$(mktemp -d /tmp/sec.XXXXXX)
	unset SEC_USER SEC_CONF KRB5CCNAME KRB5_CONFIG SEC_DIR
	mkdir -p "$T/bin" "$T"/{ctl,media1,media2}/etc
	cat >"$T/bin/ssh" <<-EOF2
		#!/bin/sh
		SEC_DIR=$T/\$1
		export SEC_DIR
		shift
		exec sh -c "\$*"
	EOF2
	cat >"$T/bin/scp" <<-EOF2
		#!/bin/sh
		host=\${2%%:*}
		cp "\$SEC_DIR/\${1#/etc/sec/}" "$T/\$host/etc/" 2>/dev/null ||
		    cp "\$SEC_DIR/etc/\${1#/etc/sec/}" "$T/\$host/etc/"
	EOF2
	chmod +x "$T/bin/"*
	PATH=$T/bin:$PATH
	export IP=127.$((RANDOM % 250 + 1)).$((RANDOM % 250 + 1)).$((RANDOM % 250 + 2))
	ssh ctl sec-admin init lab.test
}
teardown_file() {
	local p
	for p in $(cat "$T/pids" 2>/dev/null); do
		! grep -qz "^SEC_DIR=$T/" "/proc/$p/environ" 2>/dev/null ||
		    kill "$p" || :
	done
	case $T in /tmp/sec.*) rm -r "$T" ;; esac
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || tail -n 20 "$T"/*.err
}

# ctl# and media1# of the story: a line typed at that host.
at_host() {
	local host=$1
	shift
	ssh "$host" "$@" 3>&-
}

# in_back HOST NAME COMMAND: until it is told to go; $T/NAME.out, .err.
in_back() {
	SEC_DIR=$T/$1 sh -c "exec $3" >"$T/$2.out" 2>"$T/$2.err" </dev/null 3>&- &
	echo $! >>"$T/pids"
	pid=$!
}

listens() { : 9<>"/dev/tcp/$1/$2"; }

@test "an identity, made once; server 1 numbers it" {
	at_host ctl "sec-keygen init confctl confctl $IP:7320 | sec-keygen add"
	at_host ctl "sec-keygen init pal pal $IP:7321 | sec-keygen add"
	run -0 --separate-stderr at_host media1 "sec-keygen init mcu1 mcu $IP:7323"
	[[ $output =~ ^-\ mcu1\ mcu\ $IP:7323\ [A-Za-z0-9+/]+=$ ]]
	line=${output#-}
	run -0 at_host media1 \
	    "sec-keygen init mcu1 mcu $IP:7323 | ssh ctl sec-keygen add"
	[ "$output" = "3$line" ]
	run -0 at_host media2 \
	    "sec-keygen init mtcu mtcu $IP:7322 | ssh ctl sec-keygen add"
	[[ $output == "4 mtcu mtcu "* ]]
	for h in media1 media2; do
		at_host ctl "scp /etc/sec/servers $h:/etc/sec/"
		at_host ctl "scp /etc/sec/sec.conf $h:/etc/sec/"
		cmp "$T/ctl/etc/servers" "$T/$h/etc/servers"
	done
}

@test "S032 S036: lead and join; the check numbers are for people" {
	in_back media1 mcu1 "sec-keygen join mcu1"
	in_back ctl pal "sec-keygen join pal"
	# One silent: nothing is dealt.
	run -9 --separate-stderr at_host ctl "sec-keygen lead -T 1"
	[[ $stderr == *"mtcu ($IP:7322) was silent"* ]]
	[ -z "$(at_host media1 'sec-keygen show')" ]
	in_back media2 mtcu "sec-keygen join mtcu"
	until_ok listens "$IP" 7322
	until_ok listens "$IP" 7323
	until_ok listens "$IP" 7321
	run -0 --separate-stderr at_host ctl "sec-keygen lead"
	local n='check [0-9][0-9][0-9][0-9] [0-9][0-9][0-9][0-9] [0-9][0-9][0-9][0-9]  ok'
	[[ ${lines[0]} == pal*check*ok && ${lines[1]} == mcu1*check*ok ]]
	[[ ${lines[2]} == mtcu*check*ok ]]
	[[ ${lines[3]} =~ ^joint\ key\ ([0-9a-f]{4}-[0-9a-f]{4})\ \ epoch\ 1\ \ 4\ servers$ ]]
	until_ok grep -q '^joint key' "$T/mcu1.out"
	[ "$(cat "$T/mcu1.out")" = "${lines[1]#mcu1  }
joint key ${BASH_REMATCH[1]}  epoch 1" ]
	[ "$(grep -c "$n" "$T/mcu1.out")" = 1 ]
	run -0 at_host media1 "sec-keygen show"
	[[ $output =~ ^[0-9a-f-]+\ \ epoch\ 1\ \ made\ [0-2][0-9]:[0-5][0-9]\ by\ confctl\ \ servers\ confctl\ pal\ mcu1\ mtcu$ ]]
}

@test "modes; show never prints a key" {
	for f in "$T"/*/lib/keys/*/*; do
		[ "$(stat -c %a "$f")" = 400 ]
	done
	run -0 at_host ctl "sec-keygen show -a; sec-keygen check"
	for f in "$T"/ctl/lib/keys/*/epoch.1; do
		[[ $output != *"$(head -c 30 "$f")"* ]]
	done
	[ "$(at_host ctl 'sec-keygen check' | head -n 1)" = \
	    "$(at_host media1 'sec-keygen check' | head -n 1)" ]
}

@test "only one server, through any pipe" {
	before=$(at_host media1 "sec-keygen show -q")
	run -0 --separate-stderr at_host ctl \
	    "sec-keygen lead --via 'ssh media1 sec-keygen join mcu1 -' mcu1"
	[[ ${lines[0]} == mcu1*check*ok ]]
	[[ ${lines[1]} == "joint key $before  epoch 1  "* ]]
	[ "$(at_host media1 'sec-keygen show -q')" = "$before" ]
}

@test "different files on two hosts: exit 11" {
	sed -i 's/:7322 /:7329 /' "$T/media1/etc/servers"
	run -11 --separate-stderr at_host ctl \
	    "sec-keygen lead --via 'ssh media1 sec-keygen join mcu1 -' mcu1"
	[[ $stderr == *"sec-keygen: servers file differs from "* ]]
	at_host ctl "scp /etc/sec/servers media1:/etc/sec/"
}

@test "later: rotate over the running daemons; the links stay" {
	printf 'addent -password -p %s -k 1 -e %s\n%s\nwkt %s\n' \
	    sip/pal.lab.test@LAB.TEST aes256-cts-hmac-sha1-96 x \
	    "$T/ctl/etc/pal.keytab" | ktutil >/dev/null
	in_back ctl confctl "sec-confctl serve"
	in_back ctl pal "sec-pal serve"
	in_back media2 mtcu "sec-mtcu serve"
	linked() { # EPOCH
		grep -q "link.up server=pal epoch=$1" "$T/confctl.err" &&
		    grep -q "link.up server=mtcu epoch=$1" "$T/confctl.err"
	}
	until_ok linked 1
	in_back media1 mcu1 "sec-keygen join mcu1"
	until_ok listens "$IP" 7323
	run -0 --separate-stderr at_host ctl "sec-keygen rotate --in 0"
	[[ $output =~ ^joint\ key\ [0-9a-f]{4}-[0-9a-f]{4}\ \ epoch\ 2\ \ 4\ servers\ \ \(epoch\ 1\ still\ accepted\ for\ 120\ s\)$ ]]
	run -0 at_host media1 "sec-keygen show"
	[[ $output =~ ^[0-9a-f-]+\ \ epoch\ 2\ \ made\ [0-9:]+\ by\ confctl\ \ servers\ confctl\ pal\ mcu1\ mtcu$ ]]
	until_ok linked 2
	run -1 grep -q link.down "$T/confctl.err"
}
