#!/usr/bin/env bats
# STORIES 1.26: systemd, with socket activation; here, as testers do, without
# systemd as PID 1.
#
#	sec-admin init        databases, directories; twice is as once
#	systemd-socket-activate -E SEC_DIR=... -l 7320 sec-confctl serve
#	   alice's agent --- SYN --> (socket) -- exec, LISTEN_FDS --> sec-confctl
#
# S017-S019: two tiers. S029: the databases.
load ../lib/lab

setup_file() {
	command -v systemd-socket-activate >/dev/null ||
	    skip "no systemd-socket-activate"
	lab_up alice bob
	as bob sec-confctl answer accept
}
teardown_file() {
	local p
	for p in $(cat "$BATS_FILE_TMPDIR/pids"); do
		kill "$p" 2>/dev/null || :
	done
	lab_down
}
teardown() { show_logs; }

# activate NAME COMMAND...: in place of the lab's daemon of that name.
activate() {
	local name=$1
	shift
	sec-lab stop "$name" 3>&-
	until_ok daemon_is_away "$name"
	systemd-socket-activate -E SEC_DIR="$SEC_DIR" \
	    -l "$(server_addr "$name")" "$@" >"$BATS_TEST_TMPDIR/$name.err" \
	    2>&1 </dev/null 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	eval "pid_$name=$!"
}

@test "S017 S018 S019: daemons that the first connection starts; a talk" {
	activate mtcu1 sec-mtcu serve --name mtcu1
	activate mtcu2 sec-mtcu serve --name mtcu2
	activate mcu1 sec-mcu serve --name mcu1
	activate mcu2 sec-mcu serve --name mcu2
	activate pal sec-pal serve
	activate confctl sec-confctl serve
	# The agents come back by themselves, and that wakes the house.
	for name in pal confctl mtcu1 mtcu2 mcu1 mcu2; do
		until_ok daemon_is_well "$name"
		eval "[ \"$(daemon_pid "$name")\" = \"\$pid_$name\" ]"
	done
	all_up
	# Said to systemd, if there is one: how they are, in a line.
	run -0 sec-confctl status
	[[ $output == *"pid $pid_confctl since"* ]]
	run -0 sec-confctl health
	[[ $output =~ ^confctl\ +ok\ .*1\ conferences?\ +2\ members|^confctl\ +ok\ +1\ conference ]]
}

@test "S029: what the databases hold" {
	# Users, where they are reached and what they watch.
	[ "$(db pal.db "select group_concat(user, ' ') from
	    (select user from user order by user)")" = "alice bob" ]
	db pal.db "select contact from binding where user = 'bob'" |
	    grep -qE '^127\.[0-9.]+:[0-9]+$'
	[ "$(db pal.db "select count(*) > 1 from subscription")" = 1 ]
	# Conferences and their members.
	db conf.db .dump | grep -q "'up'"
	databases_are_sound
}

@test "sec-admin init: made, and safe to run twice" {
	export SEC_DIR=$BATS_TEST_TMPDIR/new
	run -0 sec-admin init example.org
	[[ $output == *"sec.conf"*made* ]]
	[[ $output == *keytab* ]]
	# Configuration, and databases by what is in them.
	content() {
		cat "$SEC_DIR/etc/sec.conf"
		for f in pal conf dir; do
			sqlite3 -readonly "$SEC_DIR/lib/$f.db" \
			    'PRAGMA integrity_check' .dump
		done
	}
	content >"$BATS_TEST_TMPDIR/once"
	[ "$(grep -cx ok "$BATS_TEST_TMPDIR/once")" = 3 ]
	run -0 sec-admin init example.org
	[[ $output != *"sec.conf"*made* ]]
	content | cmp - "$BATS_TEST_TMPDIR/once"
}

@test "reload: configuration and keys again; conferences go on" {
	for name in confctl pal mtcu1 mtcu2 mcu1 mcu2; do
		before=$(daemon_pid "$name")
		kill -HUP "$before"
		until_ok daemon_is_well "$name"
		[ "$(daemon_pid "$name")" = "$before" ]
	done
	echo "still up" | as bob sec-talk -s up
	until_ok eval 'texts alice up | grep -qx "bob: still up"'
}
