#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Text that a persistent conference keeps (S187, S192), sealed as its authors
# sealed it; who joins later reads what the owner lets him.
#
#	alice         sec-mtcu            sec-confctl            carol
#	 |-- MESSAGE --->| line=            |                      |
#	 |               |-- kept --------->| commit               |
#	 |<-- 200 -------|<----- stored ----|                      |
#	 |               |                  |<-- PUBLISH history --|
#	 |               |                  |--- lines, keys ----->|

load ../lib/lab

setup_file() {
	lab_up --wire "$BATS_FILE_TMPDIR/wire.pcap" alice bob carol
	as bob sec-confctl answer accept
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	show_logs
	leave_all carol
	for u in alice bob; do
		as $u sec-confctl leave -a || :
	done
}

# keeping NAME [NAME=VALUE...]: alice's persistent conference, with bob.
keeping() {
	local name=$1
	shift
	as alice sec-confctl create -q -p --open -n "$name" bob
	as alice sec-confctl set "$name" history=100 "$@"
}

# said USER CONF LINE...
said() {
	local user=$1 conf=$2
	shift 2
	printf '%s\n' "$@" | as "$user" sec-talk -s "$conf"
}

# history USER CONF [N]: what he may read of before.
history() {
	as "$1" sec-watch -T 0 -c "$2" -e text --history "${3:-100}" |
	    jq -r 'select(.old) | .text'
}
reads() { [ "$(history "$1" "$2")" = "$3" ]; }

# stored CONF: lines in the database.
stored() {
	db conf.db "SELECT count(*) FROM history JOIN conference
	    ON conf = id WHERE name = '$1'"
}
has_stored() { [ "$(stored "$1")" = "$2" ]; }

@test "kept: in order, once, also for who was away" {
	keeping h1
	run -0 as bob sec-confctl show h1
	[[ $output == *"keeps its last 100 lines of text, for each from"* ]]
	as bob sec-confctl show -j h1 |
	    jq -e '.history == "100" and .history_from == "join"'
	await_that bob '.history == "100"' --since 0 -c h1 -e conf.policy
	said alice h1 one two three
	said bob h1 four
	until_ok has_stored h1 4
	run -0 history alice h1
	[ "$output" = $'one\ntwo\nthree\nfour' ]
	run -0 history alice h1 2
	[ "$output" = $'three\nfour' ]
	# Who comes in is told, however he does.
	as bob sec-confctl leave h1
	run -0 --separate-stderr as bob sec-confctl join h1
	[[ $stderr == "keeps its last 100 lines of text, for each from"* ]]
	as bob sec-confctl leave h1
	as bob sec-confctl answer ask
	m=$(mark bob)
	as alice sec-confctl invite -T 0 h1 bob
	await bob --since "$m" -e invite.in >/dev/null
	run -0 --separate-stderr as bob sec-confctl accept
	[[ $stderr == "keeps its last 100 lines of text, for each from"* ]]
	as bob sec-confctl answer accept
	run -0 --separate-stderr as bob sec-talk -v -l -t 0 h1
	[[ $stderr == *"what is typed here is kept: its last 100 lines"* ]]
	# In a terminal they stand before what is new.
	m=$(mark bob)
	sec-lab run bob sec-talk -l --history 2 h1 >bob.out 2>bob.err 3>&- &
	pid=$!
	until_ok grep -q four bob.out
	said alice h1 five
	until_ok grep -q five bob.out
	kill $pid
	wait $pid || :
	[ "$(sed 's/^[0-9:]* //' bob.out)" = \
	    $'alice: three\nbob: four\nalice: five' ]
	run -0 as bob sec-talk -j -l -t 0 --history 1 h1
	jq -e '.event == "text" and .old and .text == "five" and .line > 0' \
	    <<<"$output"
}

@test "whom a line was for is kept with it, also when he has left" {
	keeping h14
	said bob h14 before
	as alice sec-talk -s --to bob h14 <<<"for bob"
	until_ok has_stored h14 2
	to() { as "$1" sec-watch -T 0 -c h14 -e text --history 10 |
	    jq -r 'select(.old and .text == "for bob") | .to'; }
	[ "$(to alice)" = sip:bob@lab.test ]
	[ "$(to bob)" = sip:bob@lab.test ]
	as alice sec-talk -l -t 0 --history 10 h14 >out
	grep -q "alice to bob: for bob$" out
	as bob sec-confctl leave h14
	[ "$(to alice)" = sip:bob@lab.test ]
}

@test "what is new is shown once, whatever comes first" {
	keeping h2
	said alice h2 one
	# Both ways run together: each line stands in one of them.
	as bob sec-watch -T 20 -n 21 -c h2 -e text --history 100 >bob.out &
	pid=$!
	for i in $(seq 20); do echo "line $i"; done | as alice sec-talk -s h2
	wait $pid
	[ "$(jq -r .text <bob.out)" = \
	    "$(echo one; for i in $(seq 20); do echo "line $i"; done)" ]
	# Each has a number, and they rise.
	jq -se 'map(.line) | length == 21 and . == unique' <bob.out
}

@test "who joins later reads from his joining on, or from the beginning" {
	keeping h3
	said alice h3 early
	until_ok has_stored h3 1
	# Joins within 200 ms share their key; after a leave there is another.
	as bob sec-confctl leave h3
	as carol sec-confctl join h3
	as bob sec-confctl join h3
	said alice h3 late
	until_ok has_stored h3 2
	run -0 history carol h3
	[ "$output" = late ]
	run -4 as bob sec-confctl set h3 history-from=begin
	as alice sec-confctl set h3 history-from=begin
	run -0 history carol h3
	[ "$output" = $'early\nlate' ]
	as alice sec-confctl set h3 history-from=join
	run -0 history carol h3
	[ "$output" = late ]
	# Neither does he lose it by going and coming.
	as carol sec-confctl leave h3
	said alice h3 meanwhile
	until_ok has_stored h3 3
	as carol sec-confctl join h3
	run -0 history carol h3
	[ "$output" = $'late\nmeanwhile' ]
}

# given USER CONF [FIELD=VALUE...]: of which epochs the controller gives him
# lines and keys, whatever his agent would ask for and make of it.
given() {
	local user=$1 conf=$2 number
	shift 2
	number=$(awk '$2 == "confctl" { print $1 }' "$SEC_DIR/etc/servers")
	keys_of "$user" >keys
	"$BATS_TEST_DIRNAME/../lib/history-keys" \
	    "$BATS_FILE_TMPDIR/wire.pcap" keys "$user@LAB.TEST" \
	    "sip:$conf@conf.lab.test" "$number" "$(server_addr confctl)" \
	    "$@" >given && sort -u given
}

@test "S192: it is the controller who gives no key of before his joining" {
	# A hello with the key that he has now is on the wire.
	as carol sec-login -k
	log_in carol
	keeping h11
	said alice h11 early
	until_ok has_stored h11 1
	as bob sec-confctl leave h11
	as carol sec-confctl join h11
	joined=$(epoch carol h11)
	as bob sec-confctl join h11
	said alice h11 late
	until_ok has_stored h11 2
	read -r early late < <(db conf.db "select history.epoch from history join
	    conference on conf = id where name = 'h11' order by line" | xargs)
	[ "$early" -lt "$joined" ]
	[ "$late" -ge "$joined" ]
	his=$(printf '%s\n' "key $late" "line $late")
	all=$(printf '%s\n' "key $early" "key $late" "line $early" \
	    "line $late" | sort)
	until_ok given carol h11 n=1 # the hello is in the recording
	run -0 given carol h11 n=1000
	[ "$output" = "$his" ]
	# He could open both: he is given both when the owner lets him.
	as alice sec-confctl set h11 history-from=begin
	run -0 given carol h11 n=1000
	[ "$output" = "$all" ]
	as alice sec-confctl set h11 history-from=join
	run -0 given carol h11 n=1000
	[ "$output" = "$his" ]
	# Nor by asking for just those before.
	line=$(db conf.db "select max(line) from history join conference
	    on conf = id where name = 'h11'")
	run -0 given carol h11 before="$line"
	[ -z "$output" ]
	# His agent, which was put off for that, is back.
	until_ok agent_is_back carol
}

@test "who was removed reads nothing, and later only from his return on" {
	keeping h4
	as carol sec-confctl join h4
	said alice h4 before
	until_ok has_stored h4 1
	as alice sec-confctl block h4 carol
	run as carol sec-watch -T 0 -c h4 --history 10
	[ "$status" -ne 0 ]
	said alice h4 without
	until_ok has_stored h4 2
	as alice sec-confctl unblock h4 carol
	as carol sec-confctl join h4
	said alice h4 after
	until_ok has_stored h4 3
	run -0 history carol h4
	[ "$output" = after ]
	# Who was not in it was not removed.
	as carol sec-confctl leave h4
	run -5 as alice sec-confctl kick h4 carol
	as carol sec-confctl join h4
	run -0 history carol h4
	[ "$output" = after ]
}

@test "off by default; off forgets; only as many as are wanted" {
	run -0 --separate-stderr as alice sec-confctl create -p -n h5 bob
	[[ $stderr == *"keeps no text"* ]]
	said alice h5 unkept
	run -5 --separate-stderr as bob sec-watch -T 0 -c h5 --history 5
	[[ $stderr == *"keeps no text"* ]]
	as alice sec-confctl set h5 history=10
	for i in $(seq 40); do echo "l$i"; done | as alice sec-talk -s h5
	until_ok reads bob h5 "$(for i in $(seq 31 40); do echo "l$i"; done)"
	[ "$(stored h5)" -le 11 ]
	as alice sec-confctl set h5 history=3
	[ "$(history bob h5)" = $'l38\nl39\nl40' ]
	[ "$(stored h5)" = 3 ]
	as alice sec-confctl set h5 history=off
	[ "$(stored h5)" = 0 ]
	[ "$(db conf.db 'SELECT count(*) FROM history_key JOIN conference
	    ON conf = id WHERE name = "h5"')" = 0 ]
	# One that ends with its last member has none.
	as alice sec-confctl create -q -n h6
	run -2 --separate-stderr as alice sec-confctl set h6 history=10
	[[ $stderr == *persistent* ]]
	run -2 as alice sec-confctl set h5 history=-1
	run -2 as alice sec-confctl set h5 history=1000000
	run -2 as alice sec-confctl set h5 history-from=yesterday
	run -2 as alice sec-watch -T 0 --history 5
	run -2 as alice sec-talk -l -t 1 --history none h5
}

@test "the disk holds no text and no key without the storage key" {
	keeping h7
	said alice h7 "the quick brown fox"
	until_ok has_stored h7 1
	run ! grep -aq "quick brown" "$SEC_DIR"/lib/conf.db*
	run ! grep -raq "quick brown" "$SEC_DIR"/log
	# No key that is in use stands there; nor does a router have one.
	keys_of confctl >keys
	[ -s keys ]
	run ! key_in keys "$SEC_DIR"/lib/conf.db*
	keys_of alice >keys.alice
	keys_of bob | comm -12 keys.alice - >members
	[ -n "$(comm -12 members keys)" ]
	for name in mtcu1 mtcu2; do
		keys_of $name >router
		[ -s router ]
		[ -z "$(comm -12 members router)" ]
	done
	dbk=$(echo "$SEC_DIR"/lib/keys/confctl/dbk)
	[ "$(stat -c %a "$dbk")" = 400 ]
	# Another storage key: an error, and the conference goes on.
	sec-lab stop confctl 3>&-
	cp "$dbk" dbk.old
	rm -f "$dbk"
	sec-lab start confctl 3>&-
	until_ok agent_is_back alice
	until_ok as alice sec-confctl join h7
	run -0 --separate-stderr as alice sec-watch -T 0 -c h7 -e text \
	    --history 5
	[ "$output" = "" ]
	[[ $stderr == *"1 of its lines cannot be read"* ]]
	said alice h7 "goes on"
	sec-lab stop confctl 3>&-
	cat dbk.old >dbk.new
	chmod 400 dbk.new
	mv -f dbk.new "$dbk"
	sec-lab start confctl 3>&-
	until_ok agent_is_back alice
	until_ok as alice sec-confctl join h7
	history alice h7 | grep -qx "the quick brown fox"
}

@test "without a storage key nothing is kept, nor said to be" {
	local dbk="$SEC_DIR/lib/keys/confctl/dbk"
	keeping n1 # the key is there
	sec-lab stop confctl 3>&-
	chmod 644 "$dbk"
	sec-lab start confctl 3>&-
	until_ok agent_is_back alice
	as alice sec-confctl create -q -p -n n2
	run -10 as alice sec-confctl set n2 title=no history=5
	[ "$(db conf.db "select history || title from conference
	    where name = 'n2'")" = 0 ]
	sec-lab stop confctl 3>&-
	chmod 400 "$dbk"
	sec-lab start confctl 3>&-
	until_ok agent_is_back alice
	as alice sec-confctl set n2 history=5
}

@test "S187: it outlives its members and every daemon" {
	keeping h8
	said alice h8 first
	until_ok has_stored h8 1
	as alice sec-confctl leave h8
	as bob sec-confctl leave h8
	kill_daemon confctl
	kill_daemon mtcu1
	kill_daemon mtcu2
	until_ok agent_is_back bob
	until_ok as bob sec-confctl join h8
	run -0 history bob h8
	[ "$output" = first ]
	# A new key, and numbers that go up.
	until_ok said bob h8 second
	until_ok reads bob h8 $'first\nsecond'
	# What the router has while the controller is away comes after it.
	sec-lab stop confctl 3>&-
	said bob h8 third
	sec-lab start confctl 3>&-
	until_ok agent_is_back bob
	until_ok reads bob h8 $'first\nsecond\nthird'
}

@test "a full disk: text goes on, and is kept once there is room again" {
	keeping h10
	said alice h10 before
	until_ok has_stored h10 1
	pid=$(daemon_pid confctl)
	size=$(stat -c %s "$SEC_DIR/lib/conf.db-wal")
	prlimit --pid "$pid" --fsize="$((size < 1 ? 1 : size)):"
	m=$(mark bob)
	for i in 1 2 3 4 5 6 7 8 9; do
		head -c 8000 /dev/zero | tr '\0' "$i" | as alice sec-talk -s -1 h10
	done
	until_ok eval '[ "$(as bob sec-watch -T 0 --since "$m" -c h10 -e text |
	    wc -l)" = 9 ]'
	until_ok eval 'sec-lab log confctl | grep -q "db.commit\|history.store"'
	[ "$(stored h10)" -lt 10 ]
	databases_are_sound
	prlimit --pid "$pid" --fsize=unlimited:
	until_ok has_stored h10 10
	[ "$(history bob h10 | cut -c1)" = $'b\n1\n2\n3\n4\n5\n6\n7\n8\n9' ]
	[ "$(daemon_pid confctl)" = "$pid" ]
}

# Nothing that was taken is dropped: what comes then is refused.
@test "no more than 1 MiB of a conference waits to be stored" {
	keeping h12
	as alice sec-confctl set h12 history=200
	said alice h12 before
	until_ok has_stored h12 1
	sec-lab stop confctl 3>&-
	local n=0 status=0
	while [ $n -lt 99 ] && [ $status = 0 ]; do
		big $((n + 101)) | as alice sec-talk -s -1 h12 || status=$?
		[ $status != 0 ] || n=$((n + 1))
	done
	[ $status = 10 ]
	# The last one that was taken went past it.
	[ $n = $((1048576 / 16000 + 1)) ]
	run -10 said bob h12 refused
	sec-lab start confctl 3>&-
	until_ok agent_is_back alice
	until_ok has_stored h12 $((n + 1))
	said alice h12 after
	until_ok has_stored h12 $((n + 2))
	[ "$(history alice h12 200 | cut -c-6)" = \
	    "$(echo before; seq -f '%.0f...' 101 $((n + 100)); echo after)" ]
}
# big N: a text of 16000 bytes, N before it.
big() { printf %s "$1"; printf %015997d 0 | tr 0 .; }

@test "its end is the end of them" {
	keeping h9
	said alice h9 gone
	until_ok has_stored h9 1
	id=$(db conf.db "SELECT id FROM conference WHERE name = 'h9'")
	as alice sec-confctl end -y h9
	[ "$(db conf.db "SELECT count(*) FROM history WHERE conf = '$id'")" = 0 ]
	[ "$(db conf.db "SELECT count(*) FROM history_key
	    WHERE conf = '$id'")" = 0 ]
}
