# lab.bash: what the flow tests and the stories share. `load ../lib/lab`.
#
# Tests wait for events (await) or for a condition of the system (until_ok),
# each with a deadline, never for time. Programs in the background close
# descriptor 3 and write to files, or bats would wait for them.
bats_require_minimum_version 1.5.0

DEADLINE=30            # s; ten times the goals of the design

# lab_up [OPTIONS] USER...: the lab of this file, in its own directory.
lab_up() {
	export SEC_DIR=$BATS_FILE_TMPDIR
	# Sockets have short names; a long TMPDIR would move them.
	if [ ${#SEC_DIR} -gt 60 ]; then
		SEC_DIR=$(mktemp -d /tmp/sec.XXXXXX)
		echo "$SEC_DIR" >"$BATS_FILE_TMPDIR/short"
	fi
	unset SEC_USER SEC_CONF KRB5CCNAME KRB5_CONFIG
	sec-lab up -q "$@" 3>&-
}

# The lab is gone, and so is every process that belongs to its directory.
lab_down() {
	sec-lab down -q --purge 3>&-
	until_ok no_process "$SEC_DIR"
	[ ! -e "$BATS_FILE_TMPDIR/short" ] || rm -rf "$SEC_DIR"
}

# as USER COMMAND...
as() {
	sec-lab run "$@" 3>&-
}

# await USER SEC-WATCH-OPTIONS...: one event, on stdout.
await() {
	local user=$1
	shift
	sec-lab run "$user" sec-watch -1 -T "$DEADLINE" "$@" 3>&-
}

# await_that USER JQ-CONDITION SEC-WATCH-OPTIONS...: until one of the events
# since --since is such.
await_that() {
	local user=$1 that=$2
	shift 2
	until_ok seen_that "$user" "$that" "$@"
}
seen_that() {
	local user=$1 that=$2
	shift 2
	as "$user" sec-watch -T 0 "$@" | jq -se "any(.[]; $that)"
}

# jq(1) -e says yes when nothing came at all (before 1.7); here it does not,
# so that `await ... | jq -e` fails when the event does.
jq() {
	local out
	case $1 in
	-e|-e[a-z]|-[a-z]e)
		out=$(command jq "$@") || return
		[ -n "$out" ] || return 4
		printf '%s\n' "$out" ;;
	*)	command jq "$@" ;;
	esac
}

# mark USER: where the events are now, for `await USER --since`.
mark() {
	sec-lab run "$1" sec-watch --last 3>&-
}

# texts USER CONF: who wrote what, as far as the agent remembers.
texts() {
	as "$1" sec-watch -T 0 --since 0 -c "$2" -e text |
	    jq -r '(.user | sub("sip:"; "") | sub("@.*"; "")) + ": " + .text'
}

# until_ok COMMAND...: again and again, until it succeeds or it is too late.
until_ok() {
	local end=$((SECONDS + DEADLINE))
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			echo "until_ok: not within $DEADLINE s: $*" >&2
			"$@"
			return 1
		fi
		breathe
	done
}

# Gives the others the processor for a moment: reads from nobody.
breathe() {
	[ -n "${BREATH-}" ] || {
		exec {BREATH}<> <(:)
	}
	read -r -t 0.05 -u "$BREATH" || :
}

# no_process DIR: nobody runs whose environment names the directory.
no_process() {
	local p
	for p in /proc/[0-9]*; do
		[ "${p#/proc/}" != "$BASHPID" ] || continue
		case $(readlink "$p/exe" 2>/dev/null) in
		*/sec-*|*/krb5kdc)
			! tr '\0' '\n' <"$p/environ" 2>/dev/null |
			    grep -qE "^SEC_DIR=$1(/|$)" || return 1 ;;
		esac
	done
}

# gone PID...: none of them runs. (One that nobody has waited for yet is gone
# as well: a container's first process may never do it.)
gone() {
	local p
	for p; do
		grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$p/status" \
		    2>/dev/null && return 1
	done
	return 0
}

# bg COMMAND...: in the background; $! is it, its output in bg.out, bg.err.
bg() {
	"$@" >"$BATS_TEST_TMPDIR/bg.out" 2>"$BATS_TEST_TMPDIR/bg.err" \
	    </dev/null 3>&- &
}

# ended STATUS PID: the program in the background ends so. (`run` knows no
# children of ours.)
ended() {
	local status=0
	wait "$2" || status=$?
	[ "$status" = "$1" ] || echo "ended with $status" >&2
	[ "$status" = "$1" ]
}

# daemon_pid NAME: from its control socket.
daemon_pid() {
	sec-ctl -T 20 "$SEC_DIR/run/$1.sock" status | tr '\t' '\n' |
	    sed -n 's/^pid=//p'
}

# kill_daemon NAME: kill -9, and wait until its successor serves.
kill_daemon() {
	local old
	old=$(daemon_pid "$1")
	sec-lab kill "$1" 3>&-
	until_ok daemon_is_new "$1" "$old"
}

daemon_is_new() {
	local now
	now=$(daemon_pid "$1") && [ -n "$now" ] && [ "$now" != "$2" ] &&
	    daemon_is_well "$1"
}

# daemon_is_well NAME: health says ok, links and keys included.
daemon_is_well() {
	sec-ctl -T 20 "$SEC_DIR/run/$1.sock" health | tr '\t' '\n' |
	    grep -qE '^state=(ok|WARN)$' &&
	! sec-ctl -T 20 "$SEC_DIR/run/$1.sock" health | grep -qE 'no link|no epoch'
}

daemon_is_away() { ! sec-ctl -T 20 "$SEC_DIR/run/$1.sock" status; }

# hup [DAEMON]: it (sec-pal) has read its files anew, or has said why not.
hup() {
	local name=${1-pal} n
	n=$(reloads "$name")
	kill -HUP "$(daemon_pid "$name")"
	until_ok reloaded "$name" "$n"
}
reloads() { sec-lab log "$1" | grep -cw reload || :; }
reloaded() { [ "$(reloads "$1")" -gt "$2" ]; }

# all_up: other daemons are there in place of the lab's; its agents come back
# to them, and alice and bob talk in `up`.
all_up() {
	until_ok agent_is_back alice
	until_ok agent_is_back bob
	until_ok shows alice bob available
	until_ok as alice sec-confctl create -n up
	[ "$(as alice sec-confctl invite up bob 2>&1)" = "bob accepted" ]
	echo "all up" | as alice sec-talk -s up
	await bob --since 0 -c up -e text | jq -e '.text == "all up"'
}

# agent_is_back USER: it has both connections.
agent_is_back() {
	as "$1" sec-ctl -T 20 "$SEC_DIR/run/$1@lab.test.sock" status |
	    grep -q 'pal=up.*controller=up'
}

# shows USER ENTRY STATUS: so his PAL has it.
shows() { [ "$(as "$1" sec-pal -j list "$2" | jq -r .status)" = "$3" ]; }

# agent_pid USER
agent_pid() {
	as "$1" sec-ctl -T 20 "$SEC_DIR/run/$1@lab.test.sock" status |
	    tr '\t' '\n' | sed -n 's/^pid=//p'
}

# keys_of SERVER-OR-USER: what keys a process of the lab holds, sorted.
keys_of() {
	local pid
	case $1 in
	pal|confctl|m[ct]*[12]) pid=$(daemon_pid "$1") ;;
	*) pid=$(agent_pid "$1") ;;
	esac
	"$BATS_TEST_DIRNAME/../lib/keys" "$pid"
}

# key_in KEYS PATH...: where one of the keys in the file KEYS stands.
key_in() { "$BATS_TEST_DIRNAME/../lib/keys" -f "$@"; }

# db FILE SQL: read-only look into a database of the lab.
db() {
	sqlite3 -readonly -cmd '.timeout 5000' "$SEC_DIR/lib/$1" "$2"
}

# Every database is in order.
databases_are_sound() {
	local f
	for f in "$SEC_DIR"/lib/*.db; do
		[ "$(sqlite3 -cmd '.timeout 5000' -readonly "$f" \
		    'PRAGMA integrity_check')" = ok ]
	done
}

# roster USER CONF: "alice active", a line each, sorted.
roster() {
	as "$1" sec-confctl show "$2" | awk 'NR > 1 { print $1, $2 }' | sort
}
# roster_is USER CONF TEXT
roster_is() {
	until_ok roster_is_now "$@"
}
roster_is_now() { [ "$(roster "$1" "$2")" = "$3" ]; }

# epoch USER CONF: the key generation that his agent has.
epoch() {
	as "$1" sec-ctl -T 20 "$SEC_DIR/run/$1@lab.test.sock" show "conf=$2" |
	    tr '\t' '\n' | sed -n 's/^epoch=//p'
}

# leave_all USER...: no conference, no invitation, no rule is left.
leave_all() {
	local u i
	for u; do
		as "$u" sec-confctl leave -a || :
		for i in $(as "$u" sec-confctl invites -q); do
			as "$u" sec-confctl decline "$i" || :
		done
		as "$u" sec-confctl answer ask || :
	done >/dev/null 2>&1
}

# password USER: what the lab gave him.
password() {
	cat "$SEC_DIR/home/$1/password"
}

# log_in USER: again, after his agent was stopped or killed.
log_in() {
	as "$1" sec-login -q -P "$SEC_DIR/home/$1/password" "$1"
}

# second_machine NAME: another computer of the same network, as a directory
# of its own with the lab's configuration; prints it.
second_machine() {
	local dir=$SEC_DIR/m-$1
	mkdir -p "$dir"
	ln -sfn "$SEC_DIR/etc" "$dir/etc"
	echo "$dir"
}

# at MACHINE USER COMMAND...
at() {
	local dir=$1 user=$2
	shift 2
	sec-lab run "$user" env SEC_DIR="$dir" \
	    KRB5CCNAME="FILE:$dir/ccache-$user" "$@" 3>&-
}

# server_addr NAME: HOST:PORT of a server, as in `servers`.
server_addr() {
	awk -v n="$1" '$2 == n { print $4 }' "$SEC_DIR/etc/servers"
}

# What the daemons said, when a test failed.
show_logs() {
	[ -z "${BATS_TEST_COMPLETED-}" ] || return 0
	local f
	for f in "$SEC_DIR"/log/*; do
		[ -f "$f" ] || continue
		echo "--- ${f##*/}"
		grep -v krb5kdc "$f" | tail -n 25
	done
	for f in "$BATS_TEST_TMPDIR"/*.err "$BATS_TEST_TMPDIR"/*.out; do
		[ -f "$f" ] || continue
		echo "--- ${f##*/}"
		grep -v krb5kdc "$f" | tail -n 25
	done
}
