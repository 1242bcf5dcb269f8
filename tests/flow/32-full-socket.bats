#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# A watcher who stops reading: what he is sent fills the socket to him, and
# then what sec-pal keeps for a connection (1 MiB, sec-protocol(7)). It costs
# him his connection; everybody else is told as ever, and when he is back and
# reads he comes to the truth.
#
#	own              sec-pal                 stuck            reader
#	 | PUBLISH chest:0  |-- NOTIFY, 24 KB ---->| reads it not    |
#	 |      ...         |-- NOTIFY, 24 KB ---->|                 |
#	 | PUBLISH chest:N  |-- NOTIFY ------------X full: closed    |
#	 | PUBLISH status   |-- NOTIFY ----------------------------->|
#	 |                  |<- connects again ----|                 |
#	 |                  |-- NOTIFYs, as fast as he answers ----->|

load ../lib/lab

CHESTS=300                     # times 24 KB: more than kernels hold for us

setup_file() {
	lab_up --plain
	echo 'chest publish=own a1! a2 a3 a4 a5 a6 a7 a8' >"$SEC_DIR/etc/types"
	hup
}
teardown_file() { lab_down; }
teardown() { show_logs; }

# make_chests: all of them, by one connection; how many came to be.
make_chests() {
	local n
	for ((n = 0; n < CHESTS; n++)); do
		printf 'object-add\tid=%d\tobject=chest:c%d\towner=own\n' \
		    $((n + 1)) "$n"
	done | socat -t "$DEADLINE" - "UNIX-CONNECT:$SEC_DIR/run/pal.sock" |
	    head -n "$CHESTS" | grep -c '^ok'
}

@test "S062: a full socket costs a watcher his connection, and nobody else" {
	[ "$(make_chests)" = $CHESTS ]
	pid=$(daemon_pid pal)
	# A thousand changes and more.
	run "$BATS_TEST_DIRNAME/../lib/crowd" "$(server_addr pal)" $CHESTS 4
	echo "$output"
	[ "${lines[0]}" = "reader told 4" ]
	[[ ${lines[1]} =~ ^"stuck cut after "([0-9]+)$ ]]
	# What the kernel held for him, not even all of the first round.
	[ "${BASH_REMATCH[1]}" -lt $((CHESTS * 24000)) ]
	[ "${lines[2]}" = "stuck back $CHESTS" ]
	[ "$(daemon_pid pal)" = "$pid" ]
}
