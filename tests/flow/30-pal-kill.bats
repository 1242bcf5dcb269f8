#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# sec-pal dies (kill -9) while it tells many of many changes (S202): when it
# is back, every watcher comes to the truth, and nobody was ever told
# something older than what he had.
#
#	alice: away -N 1, away -N 2, ... --> sec-pal --> bob, carol, dave
#	                                     kill -9, three times
#	                                     again   --> the last one, to all

load ../lib/lab

setup_file() { lab_up alice bob carol dave; }
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	[ -z "${pid-}" ] || kill "$pid" 2>/dev/null || :
	show_logs
}

# The notes of alice that a watcher was told of, in the order of their coming.
notes() {
	as "$1" sec-watch -T 0 --since 0 -e pal -c alice |
	    jq -r '.note // empty | select(. != "")'
}
shows() { # USER NOTE
	as "$1" sec-pal -j list alice | jq -e --arg n "$2" '.note == $n'
}

changes() { # alice's, until the file `stop` is there
	local n=0
	until [ -e stop ]; do
		n=$((n + 1))
		echo "$n" >last
		as alice sec-pal set away -N "$n" || :
	done
}

@test "S202 S062: killed in the middle of it: all converge, versions rise" {
	bg changes
	pid=$!
	for round in 1 2 3; do
		at=$(cat last 2>/dev/null || echo 0)
		until_ok eval '[ "$(cat last)" -gt "$((at + 15))" ]'
		kill_daemon pal
		until_ok agent_is_back alice
	done
	touch stop
	ended 0 "$pid"
	until_ok as alice sec-pal set busy -N "the truth"
	for u in bob carol dave; do
		until_ok shows "$u" "the truth"
		notes "$u" | grep -v truth >"notes.$u"
		# Some were told between the deaths; none after a newer one.
		[ "$(wc -l <"notes.$u")" -gt 3 ]
		sort -nc "notes.$u"
		# Nor was she ever said to have gone: she was awaited.
		[ "$(as "$u" sec-watch -T 0 --since 0 -e pal -c alice |
		    jq -r 'select(.status == "offline")')" = "" ]
	done
}
