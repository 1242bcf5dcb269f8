#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# How daemons and tools behave (COMMANDS.md 2.2 and 4).
#
#   sec.conf, servers, keys, databases          a tool
#        | --check, SIGHUP                        |  2 wrong words
#   [daemon serve] -- stderr: one event a line    |  3 no agent
#        | SIGTERM: drain, exit 0                 v
#   status, health, drain -- run/NAME.sock      agent

load ../lib/lab

setup_file() {
	# A daemon whose files may not grow cannot add to the list of nonces,
	# and rather ends than seal without it.
	unset SEC_NONCE_LOG
	lab_up alice bob
	as bob sec-confctl answer accept
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	show_logs
	[ ! -e running ] || kill "$(cat running)" || :
	leave_all alice
}

tools='sec-pal sec-confctl sec-talk sec-watch sec-login sec-keygen sec-admin
    sec-ctl sec-crypt sec-lab'
daemons='sec-pal sec-confctl sec-mtcu'

# apart: files of a daemon of the lab, elsewhere, so that it may be started
# by hand there; SEC_DIR is that for the rest of the test.
apart() { # NAME
	mkdir -p apart/lib/keys apart/run
	cp -r "$SEC_DIR/etc" apart/
	cp -r "$SEC_DIR/lib/keys/$1" apart/lib/keys/
	chmod 700 apart/lib/keys/*
	SEC_DIR=$PWD/apart
}

# serve PROG OPTIONS...: started by hand, until it is ready.
serve() {
	"$@" >out 2>err </dev/null 3>&- &
	echo $! >running
	until_ok grep -qx ready err
}

@test "a second start says who runs, and leaves him alone" {
	run -10 --separate-stderr sec-pal serve
	[[ $stderr =~ ^sec-pal:\ already\ running\ \(pid\ $(daemon_pid pal),\ since\ [0-2][0-9]:[0-5][0-9]\)$ ]]
	run -10 --separate-stderr sec-mtcu serve --name mtcu2
	[[ $stderr == "sec-mtcu: already running (pid "* ]]
	as alice sec-pal -q
}

@test "a bad line: file, line, suggestion, exit 11" {
	apart pal
	echo 'relam = LAB.TEST' >>"$SEC_DIR/etc/sec.conf"
	n=$(wc -l <"$SEC_DIR/etc/sec.conf")
	for how in serve "serve --check"; do
		# shellcheck disable=SC2086
		run -11 --separate-stderr sec-pal $how -l 127.0.0.1:0
		[ "$stderr" = "sec-pal: $SEC_DIR/etc/sec.conf:$n: unknown key \"relam\" (did you mean \"realm\"?)" ]
	done
	run -11 --separate-stderr sec-admin check
	[[ $stderr$output == *"sec.conf:$n: unknown key"* ]]
	sed -i '$d' "$SEC_DIR/etc/sec.conf"
	echo 'streams = many' >>"$SEC_DIR/etc/sec.conf"
	run -11 --separate-stderr sec-pal serve --check
	[[ $stderr == *"sec.conf:$n: "*streams* ]]
	sed -i '$d' "$SEC_DIR/etc/sec.conf"
	grep '^realm' "$SEC_DIR/etc/sec.conf" >>"$SEC_DIR/etc/sec.conf.twice"
	cat "$SEC_DIR/etc/sec.conf.twice" >>"$SEC_DIR/etc/sec.conf"
	run -11 --separate-stderr sec-pal serve --check
	[[ $stderr == *"set twice"* ]]
}

@test "a bad servers file, keys of somebody else, no line of ours" {
	apart pal
	echo '9 mcu1 mcu nowhere' >>"$SEC_DIR/etc/servers"
	run -11 --separate-stderr sec-pal serve --check
	[[ $stderr == "sec-pal: "*/etc/servers*7* ]]
	sed -i '$d' "$SEC_DIR/etc/servers"
	run -11 --separate-stderr sec-pal serve --check --name nobody
	[[ $stderr == *nobody* ]]
	# Two lines of the role: which?
	run -2 --separate-stderr sec-mtcu serve --check
	[[ $stderr == *--name* ]]
	chmod 644 "$SEC_DIR/lib/keys/pal/identity"
	run -11 --separate-stderr sec-pal serve --check
	[[ $stderr == *identity* ]]
}

@test "--check is silent and 0 where all is good, and may run beside" {
	for name in confctl pal mtcu1 mtcu2; do
		run -0 --separate-stderr "sec-${name%[12]}" serve --check \
		    --name "$name"
		[ "$output$stderr" = "" ]
	done
}

@test "SIGHUP: the old configuration stays when the new one is bad" {
	as alice sec-confctl create -q -n hup bob
	cp "$SEC_DIR/etc/sec.conf" good
	echo 'strems = 3' >>"$SEC_DIR/etc/sec.conf"
	for name in confctl pal mtcu1 mtcu2; do
		daemon_pid "$name" >>pids
	done
	# shellcheck disable=SC2046
	kill -HUP $(cat pids)
	for name in confctl pal mtcu1 mtcu2; do
		until_ok eval 'sec-ctl "$SEC_DIR/run/$name.sock" health |
		    grep -q WARN'
		run -1 "sec-${name%[12]}" health --name "$name"
		[[ $output == *WARN*strems* ]]
	done
	# Nobody noticed.
	echo "across a reload" | as alice sec-talk -s hup
	[ "$(texts bob hup)" = "alice: across a reload" ]
	cp good "$SEC_DIR/etc/sec.conf"
	# shellcheck disable=SC2046
	kill -HUP $(cat pids)
	for name in confctl pal mtcu1 mtcu2; do
		until_ok "sec-${name%[12]}" health --name "$name"
		daemon_pid "$name"
	done | diff - pids
	echo "and again" | as alice sec-talk -s hup
}

@test "drain: no new work, what is there moves, --stop undoes it" {
	run -0 --separate-stderr sec-mtcu drain --name mtcu1
	run -1 sec-mtcu health --name mtcu1
	[[ $output == *WARN*drain* ]]
	for i in 1 2 3; do as alice sec-confctl create -q -n "d$i"; done
	[ "$(db conf.db "select distinct s.server from conference_medium s
	    join conference on id = conf where name like 'd_'")" = 4 ]
	run -0 sec-mtcu drain --stop --name mtcu1
	until_ok sec-mtcu health --name mtcu1
}

@test "SIGTERM: conferences go to the other router, and it exits 0" {
	as alice sec-confctl create -q -n term bob
	name=$(awk -v n="$(db conf.db "select server from conference_medium
	    join conference on id = conf where name = 'term'")" \
	    '$1 == n { print $2 }' "$SEC_DIR/etc/servers")
	sec-lab run alice sec-talk -s term < <(seq 300) >o 2>e 3>&- &
	talk=$!
	until_ok eval 'texts bob term | grep -q ": 10$"'
	sec-lab stop "$name"
	sec-lab log lab | grep "service=$name " | tail -n 1 |
	    grep -q ' exit=0$'
	ended 0 "$talk"
	texts bob term | sed 's/.*: //' | diff <(seq 300) -
	[ "$(db conf.db "select server from conference_medium join conference
	    on id = conf where name = 'term'")" != \
	    "$(awk -v n="$name" '$2 == n { print $1 }' \
	    "$SEC_DIR/etc/servers")" ]
	sec-lab start "$name"
	until_ok daemon_is_well "$name"
}

@test "SIGTERM without work: at once, and 0" {
	apart mtcu1
	serve sec-mtcu serve --name mtcu1 -l 127.0.0.1:0
	pid=$(cat running)
	rm running
	run -0 --separate-stderr sec-mtcu status --name mtcu1
	kill -TERM "$pid"
	ended 0 "$pid"
	run -10 --separate-stderr sec-mtcu health --name mtcu1
	[[ $stderr$output == *"not running"* ]]
}

# Not as root: root may write everywhere.
nobody() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

@test "a state directory that cannot be written" {
	apart pal
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" . apart 2>/dev/null ||
	    :
	[ "$(id -u)" != 0 ] || chown -R 65534:65534 apart
	chmod 500 apart/lib
	nobody test -x apart || skip "the directory is private"
	SEC_DIR=$PWD/apart run --separate-stderr nobody \
	    "$(command -v sec-pal)" serve -l 127.0.0.1:0
	chmod 700 apart/lib
	[ "$status" = 10 ]
	[[ $stderr == "sec-pal: "*pal.db* ]]
	[[ $stderr != *Sanitizer* ]]
}

@test "who may ask: anybody how it is, nobody else for more" {
	[ "$(id -u)" = 0 ] || skip "nobody else to ask as"
	chmod a+x "$BATS_RUN_TMPDIR" "${BATS_FILE_TMPDIR%/*}" \
	    "$BATS_FILE_TMPDIR" "$SEC_DIR" "$SEC_DIR/run"
	nobody test -w "$SEC_DIR/run/pal.sock" ||
	    skip "the directory is private"
	for verb in status health; do
		run -0 nobody sec-ctl "$SEC_DIR/run/pal.sock" $verb
	done
	for what in pal.drain pal.keys pal.user-list pal.user-rm \
	    confctl.rotate mtcu1.conferences; do
		run -4 --separate-stderr nobody sec-ctl \
		    "$SEC_DIR/run/${what%.*}.sock" "${what#*.}"
		[ "$stderr" = "sec-ctl: not for you" ]
	done
	# An agent speaks to its user only, whoever comes to its socket.
	agent=$SEC_DIR/run/alice@lab.test.sock
	run -10 nobody sec-ctl "$agent" status
	chmod 666 "$agent"
	run nobody sec-ctl "$agent" status
	chmod 600 "$agent"
	[ "$status" = 4 ]
	[ "$output" = "sec-ctl: not for you" ]
	chmod 700 "$SEC_DIR/run"
	# And no daemon drains.
	for name in pal confctl mtcu1; do
		until_ok "sec-${name%1}" health --name "$name"
	done
}

# closes SECONDS HOST:PORT TEXT: who says just that is cut off by then.
closes() {
	timeout "$1" bash -c 'exec 9<>"/dev/tcp/${1%:*}/${1##*:}"
	    printf %b "$2" >&9
	    exec cat <&9' - "$2" "$3" >cut 3>&-
}

@test "S016: strangers who say nothing, or not all of it, are cut off" {
	local pids=() name text
	for name in pal confctl mtcu1; do
		for text in '' 'REG' '\xc5\x02\x10' \
		    'REGISTER sip:lab.test SIP/2.0\r\nTo: x'; do
			closes "$DEADLINE" "$(server_addr "$name")" "$text" &
			pids+=($!)
		done
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	# Who is a member of the house stays.
	as alice sec-pal -q
	run -0 sec-admin health -q
}

@test "a full disk: 503 with a sentence, nothing half written, then on again" {
	pid=$(daemon_pid confctl)
	as alice sec-confctl create -q -n before
	# The write-ahead log may not grow any more.
	size=$(stat -c %s "$SEC_DIR/lib/conf.db-wal")
	prlimit --pid "$pid" --fsize="$((size < 1 ? 1 : size)):"
	status=0
	for i in 1 2 3 4 5 6 7 8 9; do
		as alice sec-confctl create -q -n "full$i" 2>err || status=$?
		[ "$status" = 0 ] || break
	done
	prlimit --pid "$pid" --fsize=unlimited:
	[ "$status" = 10 ]
	[[ $(cat err) == "sec-confctl: "* ]]
	databases_are_sound
	[ "$(daemon_pid confctl)" = "$pid" ]
	until_ok as alice sec-confctl create -q -n after
	[ "$(as alice sec-confctl list -q | grep -cxE 'before|after')" = 2 ]
	kill_daemon confctl
	databases_are_sound
	[ "$(db conf.db "select count(*) from conference
	    where name in ('before', 'after')")" = 2 ]
}

@test "a full disk at sec-pal: a sentence, and what was there stays" {
	pid=$(daemon_pid pal)
	as bob sec-pal set available -N "before"
	size=$(stat -c %s "$SEC_DIR/lib/pal.db-wal")
	prlimit --pid "$pid" --fsize="$((size < 1 ? 1 : size)):"
	status=0
	for i in 1 2 3 4 5 6 7 8 9; do
		as bob sec-pal set away -N "full $i" 2>err || status=$?
		[ "$status" = 0 ] || break
	done
	prlimit --pid "$pid" --fsize=unlimited:
	[ "$status" = 10 ]
	[[ $(cat err) == "sec-pal: "* ]]
	databases_are_sound
	[ "$(daemon_pid pal)" = "$pid" ]
	until_ok as bob sec-pal set busy -N "after"
	until_ok eval 'as alice sec-pal | grep -q "busy.*after"'
	kill_daemon pal
	until_ok eval 'as alice sec-pal | grep -q "busy.*after"'
	until_ok as bob sec-pal set available
	until_ok shows alice bob available
	databases_are_sound
}

@test "a database of a later schema: exit 12; a corrupt one: 11" {
	apart pal
	sqlite3 apart/lib/pal.db 'PRAGMA user_version = 99'
	run -12 --separate-stderr sec-pal serve --check
	[[ $stderr == "sec-pal: "*pal.db* ]]
	head -c 8192 /dev/urandom >apart/lib/pal.db
	run --separate-stderr sec-pal serve --check
	[ "$status" = 11 ] || [ "$status" = 10 ]
	[[ $stderr == "sec-pal: "*pal.db* ]]
}

@test "logs at -v say who and where, never what" {
	canary=canary-$(od -An -N 12 -tx1 /dev/urandom | tr -d ' \n')
	for name in mtcu1 mtcu2 pal confctl; do
		sec-lab stop "$name"
		"sec-${name%[12]}" serve --name "$name" -v -v \
		    >/dev/null 2>"err.$name" </dev/null 3>&- &
		echo $! >>pids
	done
	for name in mtcu1 mtcu2 pal confctl; do
		until_ok daemon_is_well "$name"
	done
	until_ok as alice sec-confctl create -q -n log --open
	until_ok as bob sec-confctl join log
	until_ok eval 'echo "$canary" | as alice sec-talk -s log'
	until_ok as alice sec-pal set busy -N "$canary note"
	as alice sec-pal set available
	as alice sec-login -k
	log_in alice
	for name in mtcu1 mtcu2 pal confctl alice bob; do
		keys_of "$name"
	done >secrets
	# shellcheck disable=SC2046
	kill $(cat pids)
	# shellcheck disable=SC2046
	wait $(cat pids) || :
	for name in mtcu1 mtcu2 pal confctl; do sec-lab start "$name"; done
	grep -q 'conf.join conf=log user=sip:bob@lab.test' err.confctl
	grep -q 'registered user=sip:alice@lab.test' err.pal
	# Each message, by who and which.
	grep -qE 'sip.received .*peer=alice method=PUBLISH' err.pal
	grep -qE 'sip.sent .*peer=bob method=INVITE' err.confctl
	cat err.mtcu? | grep -qE 'sip.sent .*method=MESSAGE to=sip:bob@'
	grep -qE 'ctl.sent server=[34] verb=join .*user=sip:bob@' err.confctl
	grep -qE 'ctl.received server=1 verb=join .*user=sip:bob@' err.pal
	cat err.* "$SEC_DIR"/log/* >all
	run ! grep -qF "$canary" all
	for u in alice bob; do run ! grep -qF "$(password "$u")" all; done
	# No key that anybody had.
	[ "$(wc -l <secrets)" -gt 20 ]
	run -1 key_in secrets all
	for name in mtcu1 mtcu2 pal confctl; do
		until_ok daemon_is_well "$name"
	done
	until_ok as alice sec-pal -q
}

@test "status and health of each, for anybody" {
	for name in confctl pal mtcu1 mtcu2; do
		run -0 --separate-stderr "sec-${name%[12]}" health --name "$name"
		[[ $output =~ ^$name\ +ok ]]
		[ ${#lines[@]} = 1 ]
		run -0 "sec-${name%[12]}" status --name "$name"
		[[ $output == *"$(daemon_pid "$name")"* ]]
	done
	run -0 sec-admin health
	for name in confctl pal mtcu1 mtcu2; do
		grep -qE "^$name +ok" <<<"$output"
	done
}

@test "daemons and agents hold no descriptor of ours" {
	for pid in $(daemon_pid pal) $(daemon_pid confctl) \
	    $(daemon_pid mtcu1) $(agent_pid alice); do
		for fd in "/proc/$pid/fd/"*; do
			case ${fd##*/}:$(readlink "$fd") in
			*:socket:*|*:anon_inode:*) ;;
			*:"$SEC_DIR"/lib/*|*:*/rcache*) ;;
			0:/dev/null|1:*|2:*) ;;
			*) echo "$pid ${fd##*/} $(readlink "$fd")"; false ;;
			esac
		done
	done
	# The agent has no terminal either, and no core image.
	[ "$(ps -o tty= -p "$(agent_pid alice)" | tr -d ' ')" = "?" ]
	grep -qE '^Max core file size +0 +0 ' \
	    "/proc/$(agent_pid alice)/limits"
}

@test "wrong words: exit 2 and three lines, for every program" {
	for prog in $tools sec-mtcu; do
		run -2 --separate-stderr "$prog" --no-such-option </dev/null
		[ "$output" = "" ]
		[[ $stderr == "$prog: "* ]]
		[ "${#stderr_lines[@]}" -le 3 ]
		[ "${#stderr_lines[@]}" -ge 2 ]
	done
	for cmd in "sec-confctl twist" "sec-confctl" "sec-confctl join" \
	    "sec-talk" "sec-talk -m text a b" "sec-pal show" "sec-pal set" \
	    "sec-keygen" "sec-keygen init" "sec-admin" "sec-ctl" \
	    "sec-crypt" "sec-lab" "sec-lab shell" "sec-mtcu" \
	    "sec-watch -n x" "sec-login -T" "sec-confctl create -T never"; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr as alice $cmd </dev/null
		[ "$output" = "" ]
		[ "${#stderr_lines[@]}" = 3 ] || {
			echo "$cmd: $stderr"
			false
		}
	done
}

@test "-h teaches on stdout, -V names itself, for every program and verb" {
	for prog in $tools sec-mtcu; do
		run -0 --separate-stderr "$prog" -h </dev/null
		[ "$stderr" = "" ]
		[[ $output == *"$prog"* ]]
		run -0 --separate-stderr "$prog" --version </dev/null
		[[ $output =~ ^$prog\ [0-9.]+\ \(protocol\ 1,\ schema\ [0-9]+\)$ ]]
	done
	for verb in create list show join leave invite invites accept decline \
	    busy answer; do
		run -0 sec-confctl "$verb" -h
		[[ $output == *"sec-confctl $verb"* ]]
	done
	for prog in $daemons; do
		run -0 "$prog" serve --help
		[[ $output == *--check* ]]
	done
}

@test "no agent: exit 3, and what to type" {
	export SEC_DIR=$PWD/empty
	mkdir -p empty
	for cmd in "sec-pal" "sec-confctl list" "sec-talk x" "sec-watch" \
	    "sec-confctl create"; do
		# shellcheck disable=SC2086
		SEC_USER=alice run -3 --separate-stderr $cmd </dev/null
		[[ $stderr == *sec-login* ]]
		# shellcheck disable=SC2086
		run -3 --separate-stderr $cmd </dev/null
		[[ $stderr == *sec-login* ]]
	done
}

@test "several sessions: which one must be said" {
	run -2 --separate-stderr sec-pal
	[[ $stderr == *alice* && $stderr == *bob* ]]
	until_ok eval '[ "$(sec-pal -q -u alice)" = bob ]'
	SEC_USER=bob run -0 sec-pal -q
	[ "$output" = alice ]
	SEC_USER=bob run -0 sec-pal -q -u alice
	[ "$output" = bob ]
}

@test "errors as JSON, with their code, on stderr" {
	run -5 --separate-stderr as alice sec-confctl show -j nowhere
	[ "$output" = "" ]
	jq -e '.v == 1 and .code == 5 and (.error | length > 0)' <<<"$stderr"
}

@test "a reader that goes away is no error, and tools leave stdin alone" {
	sec-lab run alice sec-watch --since 0 -T 0 2>err 3>&- | head -n 1 >one
	[ "$(wc -l <one)" = 1 ]
	[ ! -s err ]
	printf 'one\ntwo\nthree\n' >in
	n=0
	while read -r _; do
		as alice sec-pal -q >/dev/null
		as alice sec-confctl list >/dev/null
		n=$((n + 1))
	done <in
	[ "$n" = 3 ]
	# The first event comes through a pipe at once.
	sec-lab run alice sec-watch --state > >(cat >first 3>&-) 2>/dev/null 3>&- &
	watch=$!
	until_ok test -s first
	kill "$watch"
	wait "$watch" || :
	jq -e .event first
}

@test "JSON does not know the locale, tables are plain in a pipe" {
	for l in C de_DE.UTF-8 tr_TR.UTF-8; do
		LC_ALL=$l as alice sec-pal -j list bob >got 2>/dev/null
		jq -e '.v == 1 and .entry == "sip:bob@lab.test"' got
	done
	as alice sec-pal >table
	run ! grep -q $'\e' table
}

@test "-v -v: what goes to the agent, and what comes" {
	until_ok shows alice bob available
	run -0 --separate-stderr as alice sec-pal -v -v -q
	[ "$output" = bob ]
	grep -q 'sec-pal: ctl.sent .*verb=pal' <<<"$stderr"
	grep -q 'sec-pal: ctl.received .*verb=row' <<<"$stderr"
	run -0 --separate-stderr as alice sec-pal -q
	[ "$stderr" = "" ]
}

@test "closed descriptors do no harm" {
	sec-lab run alice sec-pal -q <&- >got 3>&-
	[ "$(cat got)" = bob ]
	run sec-lab run alice sh -c 'sec-pal -q >&- 2>&-' 3>&-
	[ "$status" -ne 139 ]
	run -10 sec-lab run alice sh -c 'sec-pal -q >/dev/full' 3>&-
}

@test "two labs with the same names do not know each other" {
	one=$SEC_DIR two=$PWD/two
	mkdir two
	SEC_DIR=$two sec-lab up -q alice bob 3>&-
	as alice sec-confctl create -q -n both
	(
		export SEC_DIR=$two
		run -5 as bob sec-confctl join both
		as alice sec-confctl create -q -n both --open
		as bob sec-confctl join both
		echo "in the other lab" | as bob sec-talk -s both
		[ "$(texts alice both)" = "bob: in the other lab" ]
	)
	run -4 as bob sec-confctl join both
	[ "$(texts alice both)" = "" ]
	SEC_DIR=$two sec-lab down -q --purge 3>&-
	until_ok no_process "$two"
	[ -z "$(ls "$two")" ]
	SEC_DIR=$one
	as alice sec-pal -q
}
