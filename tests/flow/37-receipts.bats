#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Who has read up to where: told by who lets the others know, and by nobody
# else, in a conference that keeps its text.
#
#	sec-talk --receipts   agent             sec-confctl     sec-pal
#	 |-- read line= ------->|-- PUBLISH read -->| commit       |
#	 |<-- ok ---------------|<----- 200 --------|-- member --->|
#	 |                      |<------------- NOTIFY read= ------|

load ../lib/lab

setup_file() {
	lab_up alice bob carol
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	[ -z "${reader-}" ] || kill -CONT "$reader" 2>/dev/null || :
	[ -z "${reader-}" ] || kill "$reader" 2>/dev/null || :
	show_logs
	for u in alice bob carol; do
		as $u sec-confctl leave -a || :
	done
}

# keeping NAME: alice's persistent conference, with bob and carol.
keeping() {
	as alice sec-confctl create -q -p --open -n "$1" bob carol
	as alice sec-confctl set "$1" history=100
	roster_is alice "$1" "$(printf '%s active\n' alice bob carol)"
}

# said USER CONF LINE...
said() {
	local user=$1 conf=$2
	shift 2
	printf '%s\n' "$@" | as "$user" sec-talk -s "$conf"
}

# number CONF TEXT: of the line, once it is stored.
number() {
	until_ok is_stored "$1" "$2"
	as alice sec-watch -T 0 --since 0 -c "$1" -e text |
	    jq -r --arg t "$2" 'select(.text == $t) | .line'
}
is_stored() {
	local line
	line=$(as alice sec-watch -T 0 --since 0 -c "$1" -e text |
	    jq -r --arg t "$2" 'select(.text == $t) | .line')
	[ "$(db conf.db "SELECT count(*) FROM history WHERE line = $line")" = 1 ]
}

# mark_of WHO AS-SEEN-BY CONF: null for none.
mark_of() {
	as "$2" sec-confctl show -j "$3" | jq -r --arg w "$1" \
	    '.members[] | select(.user | startswith("sip:" + $w)) | .read'
}
has_mark() { [ "$(mark_of "$1" "$2" "$3")" = "$4" ]; }

# reads USER [OPTION...] CONF: in the background, as $reader, into USER.out.
reads() {
	local user=$1 conf=${*: -1}
	shift
	sec-lab run "$user" sec-talk --receipts -v -l "$@" >"$user.out" \
	    2>"$user.err" 3>&- &
	reader=$!
	until_ok grep -q "$conf:" "$user.err"
}

# failures: how often the disk was full.
failures() { sec-lab log confctl | grep -cE 'db\.(commit|begin)' || :; }

# read_line USER CONF LINE: by hand.
read_line() {
	as "$1" sec-ctl "$SEC_DIR/run/$1@lab.test.sock" read "conf=$2" "line=$3"
}
rows() { db conf.db "SELECT count(*) FROM receipt"; }

@test "who lets it be known is shown up to where, the others are not" {
	keeping r1
	m=$(mark alice)
	reads bob r1
	# Alice talks, and reads what she says herself.
	printf 'one\ntwo\n' | as alice sec-talk --receipts r1 >alice.out
	two=$(number r1 two)
	until_ok has_mark bob alice r1 "$two"
	until_ok has_mark alice carol r1 "$two"
	[ "$(mark_of carol alice r1)" = null ]
	run -0 as carol sec-confctl show r1
	[[ $output == *"bob "*"read=$two"* ]]
	run ! grep '^carol.*read=' <<<"$output"
	# He reads on.
	said carol r1 three
	three=$(number r1 three)
	[ "$three" -gt "$two" ]
	until_ok has_mark bob alice r1 "$three"
	[ "$(mark_of alice bob r1)" = "$two" ]
	await_that alice "(.user | startswith(\"sip:bob\")) and
	    .line == $three" --since "$m" -c r1 -e read
	# What is there now, as events.
	as carol sec-watch --state -T 0 -c r1 -e read | jq -se \
	    "length == 2 and all(.[]; .now) and
	    (map(.line) | sort) == [$two, $three]"
	# At another member's sec-talk, for who asks for events.
	sec-lab run carol sec-talk -l -j --history 1 r1 >carol.out \
	    2>carol.err 3>&- &
	other=$!
	until_ok grep -q three carol.out
	said alice r1 four
	four=$(number r1 four)
	until_ok eval 'jq -se "any(.[]; .event == \"read\" and .line == $four and
	    (.user | startswith(\"sip:bob\")))" <carol.out'
	kill $other
	wait $other || :
	run ! grep -q "read" bob.out bob.err
	# When he goes, so does his mark.
	[ "$(rows)" -ge 1 ]
	kill "$reader"
	wait "$reader" || :
	has_mark bob alice r1 "$four"
	as bob sec-confctl leave r1
	until_ok eval '[ "$(mark_of bob alice r1)" != "$four" ]'
	[ "$(db conf.db "SELECT count(*) FROM receipt
	    WHERE user LIKE 'sip:bob%'")" = 0 ]
	as bob sec-confctl join r1
	until_ok has_mark bob alice r1 null
	# And with the text, for all.
	as alice sec-confctl set r1 history=off
	until_ok has_mark alice bob r1 null
	[ "$(rows)" = 0 ]
}

@test "not what waits for one who has stopped; many lines, few marks" {
	keeping r2
	reads bob r2
	said alice r2 first
	until_ok has_mark bob alice r2 "$(number r2 first)"
	first=$(mark_of bob alice r2)
	m=$(mark alice)
	kill -STOP "$reader"
	for i in $(seq 60); do echo "line $i"; done | as alice sec-talk -s r2
	# His agent has the last of them, and shows it to whoever listens.
	await_that bob '.text == "line 60"' --since 0 -c r2 -e text
	as carol sec-confctl raise r2
	await_that alice '.hand' --since "$m" -c r2 -e conf.status
	has_mark bob alice r2 "$first"
	kill -CONT "$reader"
	until_ok has_mark bob alice r2 "$(number r2 "line 60")"
	n=$(as alice sec-watch -T 0 --since "$m" -c r2 -e read | wc -l)
	[ "$n" -ge 1 ] && [ "$n" -lt 20 ]
	kill "$reader"
	wait "$reader" || :
	# What was shown at the end is told at the end.
	said alice r2 last
	last=$(number r2 last)
	as bob sec-talk --receipts -l -t 0 --history 1 r2
	has_mark bob alice r2 "$last" || until_ok has_mark bob alice r2 "$last"
}

@test "a restarted controller knows it" {
	keeping r3
	said alice r3 one
	one=$(number r3 one)
	read_line bob r3 "$one"
	until_ok has_mark bob alice r3 "$one"
	kill_daemon confctl
	kill_daemon pal
	until_ok agent_is_back alice
	until_ok agent_is_back bob
	until_ok has_mark bob alice r3 "$one"
	# What it kept before bounds what may be said of it.
	run -1 read_line bob r3 $((one + 1))
	said alice r3 two
	two=$(number r3 two)
	read_line bob r3 "$two"
	until_ok has_mark bob alice r3 "$two"
}

@test "marks that are forged, that go back, that are nobody's" {
	keeping r4
	said alice r4 one two
	two=$(number r4 two)
	one=$(number r4 one)
	run -1 read_line bob r4 $((two + 1))
	[[ $output == *"no line of this number"* ]]
	run -1 read_line bob r4 99999999999999999
	for bad in 0 -1 x 99999999999999999999 ""; do
		run -11 read_line bob r4 "$bad"
	done
	[ "$(mark_of bob alice r4)" = null ]
	[ "$(rows)" = 0 ]
	read_line bob r4 "$two"
	read_line bob r4 "$one"
	until_ok has_mark bob alice r4 "$two"
	[ "$(db conf.db "SELECT line FROM receipt")" = "$two" ]
	# Not a member; not there; nothing kept.
	as carol sec-confctl leave r4
	run -4 read_line carol r4 "$two"
	run -5 read_line bob nowhere 1
	as alice sec-confctl create -q -n r5
	run -5 read_line alice r5 1
	[[ $output == *"keeps no text"* ]]
	run -0 --separate-stderr as alice sec-talk --receipts -l -t 0 r5
	[[ $stderr == *"keeps no text"* ]]
	# Nobody sees it who only looks on.
	as alice sec-confctl set r4 watch+=carol
	until_ok as carol sec-confctl show r4
	[ "$(mark_of bob carol r4)" = null ]
	run -2 as alice sec-talk --receipts -s r4
	run -2 as alice sec-talk --receipts -m voice r4
}

@test "a full disk: no mark is shown that is not kept" {
	keeping r6
	said alice r6 one
	one=$(number r6 one)
	pid=$(daemon_pid confctl)
	size=$(stat -c %s "$SEC_DIR/lib/conf.db-wal")
	prlimit --pid "$pid" --fsize="$((size < 1 ? 1 : size)):"
	run ! read_line bob r6 "$one"
	reads bob --history 1 r6
	failed=$(failures)
	until_ok eval '[ "$(failures)" -gt "$failed" ]'
	[ "$(mark_of bob alice r6)" = null ]
	prlimit --pid "$pid" --fsize=unlimited:
	# It is told once more.
	until_ok has_mark bob alice r6 "$one"
	[ "$(daemon_pid confctl)" = "$pid" ]
}
