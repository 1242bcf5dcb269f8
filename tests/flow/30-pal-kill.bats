#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# sec-pal dies (kill -9) while it tells many of many changes (S202): when it
# is back, every watcher comes to the truth, and nobody was ever told
# something older than what he had: not at the agents, and not on the wire,
# which is in plain mode for that.
#
#	alice: away -N 1, away -N 2, ... --> sec-pal --> bob, carol, dave
#	                                     kill -9, three times
#	                                     again   --> the last one, to all

load ../lib/lab

setup_file() {
	lab_up --plain --wire "$BATS_FILE_TMPDIR/wire.pcap" alice bob carol dave
}
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

# documents: what went over the wire, see tests/lib/documents.
documents() {
	tshark -r "$BATS_FILE_TMPDIR/wire.pcap" -Y 'tcp.len > 0' -T fields \
	    -e tcp.stream -e tcp.srcport -e tcp.payload 2>/dev/null |
	    "$BATS_TEST_DIRNAME/../lib/documents" >documents
}
# on_the_wire USER NOTE: he was told, by a NOTIFY or when he came back.
on_the_wire() {
	documents
	grep -qP "^$1\t[^\t]*\tsip:$1@.*\tentry\tsip:alice@.*\tnote=$2(\t|$)" \
	    documents
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

@test "S062 S202: no NOTIFY on the wire is older than what its watcher had" {
	for u in bob carol dave; do
		until_ok on_the_wire "$u" "the truth"
	done
	# In each dialog no version is below the last; nor is, for any user, a
	# note of hers below the last that he was told in his.
	awk -F '\t' '{
		what = $1 " " $2
		if ($4 < had[what]) {
			print "after " had[what] ": " $0
			old = 1
		}
		had[what] = $4
	}
	$5 == "NOTIFY" && $7 == "sip:alice@lab.test" &&
	    match($0, /\tnote=[0-9]+/) {
		n = substr($0, RSTART + 6, RLENGTH - 6) + 0
		if (n < note[$1]) {
			print "after note " note[$1] ": " $0
			old = 1
		}
		note[$1] = n
		told[$1]++
	}
	END {
		for (u in note)
			print u, told[u], note[u]
		exit old || told["bob"] < 10 || told["carol"] < 10 ||
		    told["dave"] < 10
	}' documents
}
