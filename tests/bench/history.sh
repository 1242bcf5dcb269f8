#!/bin/bash
# Kept text (S187): 10,000 lines to somebody who joins, from his command to
# the last line, and what the same lines cost to be said one after the other.
#
#	bench history.10000 SECONDS GOAL
set -o pipefail
lines=10000 rounds=5 goal=1.0
export SEC_DIR=${TMPDIR:-/tmp}/sec-bench.$$
unset SEC_USER SEC_CONF KRB5CCNAME KRB5_CONFIG
mkdir -p "$SEC_DIR" || exit 1
trap 'sec-lab down -q --purge; rm -rf "$SEC_DIR"' EXIT

as() { sec-lab run "$@"; }
# seconds COMMAND...: how long it takes.
seconds() {
	local start=$EPOCHREALTIME
	"$@" || return
	awk "BEGIN { printf \"%.3f\", $EPOCHREALTIME - $start }"
}
say() {
	seq "$lines" | as alice sec-talk -s bench
}
fetch() {
	as bob sec-watch -T 0 -c bench -e text --history "$lines" >"$SEC_DIR/out"
}
stored() {
	sqlite3 -readonly -cmd '.timeout 5000' "$SEC_DIR/lib/conf.db" \
	    'SELECT count(*) FROM history'
}

sec-lab up -q alice bob || exit 1
as alice sec-confctl create -q -p --open -n bench >/dev/null || exit 1
as alice sec-confctl set bench history=$lines history-from=begin || exit 1
said=$(seconds say) || exit 1
for ((i = 0; i < 1000 && $(stored) < lines; i++)); do
	read -rt 0.05 <> <(:)
done
as bob sec-confctl join bench || exit 1
for ((i = 0; i < rounds; i++)); do
	seconds fetch || exit 1
	echo
	n=$(grep -c '"old":true' "$SEC_DIR/out")
	[ "$n" = $lines ] || { echo "history: $n lines came" >&2; exit 1; }
done | sort -n >"$SEC_DIR/times" || exit 1
median=$(sed -n "$((rounds / 2 + 1))p" "$SEC_DIR/times")
echo "bench history.$lines $median $goal s until the last of them is there"
echo "bench history.said $(awk "BEGIN { print $said / $lines * 1000 }") -" \
    "ms to say one, its echo included"
