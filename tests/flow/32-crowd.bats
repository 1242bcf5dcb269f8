#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Everybody comes to work: 100 users log in at the same moment, each with a
# ticket of his own from the KDC, and go at the same moment.
#
#   w0 w1 ... w99       sec-pal       sec-confctl   pal.db      alice
#    | REGISTER, each --->|               |           |           |
#    |                    |-- registered: each ------>|           |
#    |<---------- 200: session key, PAL, controller   |           |
#    |== a connection each, under that key ==         |           |
#    | SUBSCRIBE, each -->|                           |           |
#    |<-- 200, his PAL ---|-- w0 and w99 are there -------------->|
#    | REGISTER, Expires: 0, each -->|                |           |

load ../lib/lab

N=100

setup_file() { lab_up alice bob; }
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	[ -z "${pid-}" ] || kill "$pid" 2>/dev/null || :
	show_logs
}

bindings() { db pal.db 'SELECT count(*) FROM binding'; }

@test "S082-S087 S089 S091 S094: $N users log in at the same moment" {
	pal=$(daemon_pid pal)
	before=$(bindings)
	as alice sec-pal add -q "w0" "w$((N - 1))"
	until_ok shows alice w0 offline

	mkfifo stay
	as alice "$SEC_BUILD/tests/lib/crowd" "$(server_addr pal)" "$N" \
	    <stay >crowd.out 2>crowd.err &
	pid=$!
	exec {stay}>stay
	# Each of them needs a principal and a ticket before that.
	DEADLINE=120 until_ok grep -q "^in $N\$" crowd.out

	# Every one is registered, once; who watches them sees them.
	[ "$(bindings)" -eq $((before + N)) ]
	[ "$(db pal.db "SELECT count(DISTINCT user) FROM binding
	    WHERE user LIKE 'w%'")" -eq "$N" ]
	until_ok shows alice w0 available
	until_ok shows alice "w$((N - 1))" available
	# The same daemons serve on, and others never noticed.
	[ "$(daemon_pid pal)" = "$pal" ]
	daemon_is_well pal
	daemon_is_well confctl
	as bob sec-pal set busy
	as alice sec-pal add -q bob
	until_ok shows alice bob busy
	run -1 grep -E 'register\.(failed|refused)|db\.write' \
	    "$SEC_DIR/log/pal"
	[ "$(grep -c ' registered user=sip:w' "$SEC_DIR/log/pal")" -eq "$N" ]

	exec {stay}>&-
	ended 0 "$pid"
	grep -q "^out $N\$" crowd.out
	until_ok shows alice w0 offline
	[ "$(bindings)" -eq "$before" ]
	[ "$(daemon_pid pal)" = "$pal" ]
	databases_are_sound
}
