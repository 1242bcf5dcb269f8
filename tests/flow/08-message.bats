#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Fig. 8: text.
#
#   alice's agent       sec-mtcu            bob's        carol's agent
#    | 802 MESSAGE the id, |                  |              |
#    | 804 sealed body --->| 806 one per participant,        |
#    |                     |   author named outside          |
#    |                     | 808 MESSAGE ---->|              |
#    |                     |     MESSAGE -----|------------->| 810 opened,
#    |                     |<---- 200 --------|<-------------|  answered
#    |<- her own copy, last: the receipt      |              |
#    |<-- 200, how many missed it             |              |

load ../lib/lab

setup_file() {
	lab_up --wire "$BATS_FILE_TMPDIR/wire.pcap" alice bob carol
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	as alice sec-confctl create -q -W -n t bob carol
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() { show_logs; }

# wait_text USER MARK TEXT: until USER has it.
wait_text() {
	until_ok heard "$@"
}
heard() {
	as "$1" sec-watch -T 0 --since "$2" -c t -e text |
	    jq -r .text | grep -qxF "$3"
}
# new_texts USER MARK: the texts since then.
new_texts() {
	as "$1" sec-watch -T 0 --since "$2" -c t -e text | jq -r .text
}

@test "S124-S127 S006 S064-S066: exactly one copy each, the author's own too" {
	ma=$(mark alice) mb=$(mark bob) mc=$(mark carol)
	run -0 bash -c 'echo "shipping at three" |
	    sec-lab run alice sec-talk -s t 3>&-'
	[ "$output" = "" ]
	# 0 means that everybody has it already.
	[ "$(new_texts bob "$mb")" = "shipping at three" ]
	[ "$(new_texts carol "$mc")" = "shipping at three" ]
	[ "$(new_texts alice "$ma")" = "shipping at three" ]
	as bob sec-watch -T 0 --since "$mb" -c t -e text |
	    jq -e '.user == "sip:alice@lab.test" and
	        .conf == "sip:t@conf.lab.test"'
}

@test "S127: lines come in order, at every member" {
	mb=$(mark bob) mc=$(mark carol)
	seq 200 | as alice sec-talk -s t
	seq 200 >want
	new_texts bob "$mb" | diff want -
	new_texts carol "$mc" | diff want -
}

@test "two write at once: everybody has all of both, each in its order" {
	mc=$(mark carol)
	seq -f 'a%g' 50 | as alice sec-talk -s t &
	one=$!
	seq -f 'b%g' 50 | as bob sec-talk -s t
	wait "$one"
	new_texts carol "$mc" >all
	grep '^a' all | diff - <(seq -f 'a%g' 50)
	grep '^b' all | diff - <(seq -f 'b%g' 50)
	[ "$(wc -l <all)" = 100 ]
}

@test "S048e S066: UTF-8, long lines, whole inputs, NULs between" {
	mb=$(mark bob)
	printf 'Grüße, 世界 🎺 e\xcc\x81\n' | as alice sec-talk -s t
	[ "$(new_texts bob "$mb")" = "$(printf 'Grüße, 世界 🎺 e\xcc\x81')" ]
	mb=$(mark bob)
	printf 'one\ntwo\n' | as alice sec-talk -s -1 t
	as bob sec-watch -T 0 --since "$mb" -c t -e text |
	    jq -e '.text | rtrimstr("\n") == "one\ntwo"'
	mb=$(mark bob)
	printf 'a\nb\0c\0' | as alice sec-talk -s -0 t
	as bob sec-watch -T 0 --since "$mb" -c t -e text |
	    jq -se 'map(.text) == ["a\nb", "c"]'
}

@test "16 KiB is one message; longer is split, and nothing is lost" {
	mb=$(mark bob)
	head -c 16384 /dev/zero | tr '\0' x >big
	as alice sec-talk -s -1 t <big
	as bob sec-watch -T 0 --since "$mb" -c t -e text |
	    jq -e '.text | length == 16384'
	mb=$(mark bob)
	seq -f 'line number %06g' 2000 >lines
	run -0 --separate-stderr bash -c \
	    'sec-lab run alice sec-talk -s -1 t <lines 3>&-'
	[[ $stderr == *sec-talk:* ]]
	as bob sec-watch -T 0 --since "$mb" -c t -e text >got
	[ "$(jq -s length got)" -ge 3 ]
	jq -e '.text | utf8bytelength <= 16384' got
	jq -j '.text | rtrimstr("\n") + "\n"' got | diff - lines
}

@test "what a stranger types is shown, not obeyed" {
	bg sec-lab run bob sec-talk -v -l t
	listener=$!
	until_ok grep -q t: bg.err
	printf 'red \033[31m bell \a over\roff \xe2\x80\xae right \xc2\x9b\n' |
	    as alice sec-talk -s t
	until_ok grep -q red bg.out
	kill "$listener"
	wait "$listener" || :
	grep -qF 'red \x1b[31m bell \x07 over\x0doff' bg.out
	run ! grep -qP '[\x00-\x08\x0b-\x1f]' bg.out
	run ! grep -qF "$(printf '\u202e')" bg.out
	# JSON carries it exactly.
	as bob sec-watch -T 0 --since 0 -c t -e text |
	    jq -e 'select(.text | startswith("red")) |
	    .text | contains("\u001b[31m bell \u0007")'
}

@test "sec-talk -l prints what comes, -j as events, one write per line" {
	bg sec-lab run bob sec-talk -v -l t
	listener=$!
	sec-lab run carol sec-talk -v -l -j t >json 2>json.err </dev/null 3>&- &
	other=$!
	until_ok grep -q t: bg.err
	until_ok grep -q t: json.err
	echo "to listeners" | as alice sec-talk -s t
	until_ok grep -q "to listeners" bg.out
	until_ok grep -q "to listeners" json
	grep -qE '^[0-2][0-9]:[0-5][0-9] alice: to listeners$' bg.out
	jq -e 'select(.event == "text") | .text == "to listeners" and
	    .user == "sip:alice@lab.test" and .v == 1' json
	kill "$listener" "$other"
	wait "$listener" "$other" || :
}

@test "S126 S133: one that does not answer is named, exit 8" {
	mb=$(mark bob)
	kill -STOP "$(agent_pid carol)"
	run -8 --separate-stderr bash -c \
	    'echo "who is there" | sec-lab run alice sec-talk -s t 3>&-'
	kill -CONT "$(pgrep_agent carol)"
	echo "$stderr"
	[[ $stderr == *carol* ]]
	[[ $stderr != *bob* ]]
	# The others have it once.
	[ "$(new_texts bob "$mb")" = "who is there" ]
	# And so has she, as soon as she can.
	until_ok eval 'texts carol t | grep -q "who is there"'
	until_ok eval 'as alice sec-confctl show t |
	    grep -qE "^carol +active"'
	echo again | as alice sec-talk -s t
}

@test "S126: one that is frozen holds up one line, not those after it" {
	mc=$(mark carol)
	kill -STOP "$(agent_pid carol)"
	run -8 bash -c 'echo line 0 | sec-lab run alice sec-talk -s t 3>&-'
	# 2 s each would be 60.
	run -8 --separate-stderr bash -c 'seq -f "line %g" 30 |
	    timeout 30 sec-lab run alice sec-talk -s t 3>&-'
	[[ $stderr == *"not delivered to carol"* ]]
	kill -CONT "$(pgrep_agent carol)"
	# She has all of it then, in order and once.
	until_ok eval '[ "$(new_texts carol "$mc" | wc -l)" -ge 31 ]'
	[ "$(new_texts carol "$mc")" = "$(seq -f "line %g" 0 30)" ]
	until_ok carol_is active
	run -0 bash -c 'echo again | sec-lab run alice sec-talk -s t 3>&-'
}

# links_up EPOCH: the controller has both routers' links of that epoch.
links_up() {
	[ "$(grep "link.up server=mtcu[12] epoch=$1 " \
	    "$SEC_DIR/log/confctl" | wc -l)" -ge 2 ]
}
carol_is() {
	as alice sec-confctl show t | grep -qE "^carol +$1"
}

@test "who is missing is missing still when the link is another" {
	kill -STOP "$(agent_pid carol)"
	run -8 bash -c 'echo missed | sec-lab run alice sec-talk -s t 3>&-'
	until_ok carol_is unreachable
	run -0 sec-keygen rotate --in 0
	until_ok links_up 2
	# What the controller did then, sec-pal has done when it answers.
	run -0 sec-ctl confctl status
	run -0 sec-ctl pal status
	carol_is unreachable
	kill -CONT "$(pgrep_agent carol)"
	until_ok carol_is active
}

# The agent's pid without asking it.
pgrep_agent() {
	local p
	for p in /proc/[0-9]*; do
		case $(readlink "$p/exe" 2>/dev/null) in
		*/sec-agent)
			tr '\0' '\n' <"$p/environ" 2>/dev/null >env || continue
			grep -qxF "SEC_DIR=$SEC_DIR" env &&
			    grep -qE "^SEC_USER=$1(@|$)" env &&
			    echo "${p#/proc/}" ;;
		esac
	done
}

@test "S127: the router dies while text flows: nothing lost, nothing twice" {
	server=$(db conf.db "select server from conference_medium
	    join conference on id = conf where name = 't'")
	name=$(awk -v n="$server" '$1 == n { print $2 }' \
	    "$SEC_DIR/etc/servers")
	for round in 1 2 3; do
		mb=$(mark bob) mc=$(mark carol)
		seq -f "$round.%g" 300 >want
		sec-lab run alice sec-talk -s t <want >talk.out 2>talk.err 3>&- &
		talk=$!
		wait_text bob "$mb" "$round.20"
		sec-lab kill "$name"
		wait "$talk"
		new_texts bob "$mb" | diff want -
		new_texts carol "$mc" | diff want -
		until_ok daemon_is_well "$name"
		server=$(db conf.db "select server from conference_medium
		    join conference on id = conf where name = 't'")
		name=$(awk -v n="$server" '$1 == n { print $2 }' \
		    "$SEC_DIR/etc/servers")
	done
}

@test "S125 S153 S156: a copy replayed at the router reaches nobody" {
	# What alice's agent sent on its connection, byte by byte again.
	mb=$(mark bob)
	echo "once only" | as alice sec-talk -s t
	server=$(db conf.db "select server from conference_medium
	    join conference on id = conf where name = 't'")
	addr=$(awk -v n="$server" '$1 == n { print $4 }' "$SEC_DIR/etc/servers")
	for stream in $(tshark -r "$SEC_DIR/wire.pcap" -T fields \
	    -Y "tcp.dstport == ${addr##*:} && tcp.len > 0" -e tcp.stream \
	    2>/dev/null | sort -un | tail -n 4); do
		tshark -r "$SEC_DIR/wire.pcap" -Q \
		    -z "follow,tcp,raw,$stream" 2>/dev/null |
		    grep -E '^[0-9a-f]+$' | xxd -r -p >replay
		[ -s replay ]
		socat -t 2 - "TCP:$addr" <replay >answer || :
		run ! grep -qa SIP/2.0 answer
	done
	echo "and another" | as alice sec-talk -s t
	[ "$(new_texts bob "$mb")" = $'once only\nand another' ]
}

@test "S016 S128 S133: nobody but the members can read it" {
	canary=canary-$(od -An -N 16 -tx1 /dev/urandom | tr -d ' \n')
	for u in alice bob carol; do
		echo "$canary from $u" | as "$u" sec-talk -s t
	done
	# The positive control: the members have it.
	texts bob t | grep -qF "$canary from carol"
	# The wire, the disk.
	run ! grep -qaF "$canary" "$SEC_DIR/wire.pcap"
	run ! grep -rqaF "$canary" "$SEC_DIR/lib" "$SEC_DIR/log" "$SEC_DIR/etc"
	# The memory of every daemon: text, and what seals it.
	for name in mtcu1 mtcu2 confctl pal; do
		"$BATS_TEST_DIRNAME/../lib/memory" "$(daemon_pid "$name")" >image
		[ "$(stat -c %s image)" -gt 100000 ]
		# The positive control: the conference's name is in there.
		[ "$name" = mtcu2 ] || [ "$name" = mtcu1 ] ||
		    grep -qaF 't@conf.lab.test' image
		run ! grep -qaF "$canary" image
	done
}

@test "S016 S029 S133: keys are where they belong, and nowhere else" {
	for name in alice bob carol pal confctl mtcu1 mtcu2; do
		keys_of "$name" >"keys.$name"
	done
	# What the members share: the conference's.
	comm -12 keys.alice keys.bob | comm -12 - keys.carol >conference
	[ -s conference ]
	sort -u keys.alice keys.bob keys.carol >users
	# The positive controls: the controller made it, the PAL manager each
	# user's key, and the router of t knows the hops to him.
	[ -n "$(comm -12 conference keys.confctl)" ]
	server=$(db conf.db "select server from conference_medium
	    join conference on id = conf where name = 't'")
	router=$(awk -v n="$server" '$1 == n { print $2 }' \
	    "$SEC_DIR/etc/servers")
	for u in alice bob carol; do
		[ -n "$(comm -12 "keys.$u" keys.pal)" ]
		[ -n "$(comm -12 "keys.$u" "keys.$router")" ]
	done
	# Neither of them has the conference's, in whatever memory.
	for name in pal mtcu1 mtcu2; do
		[ -z "$(comm -12 conference "keys.$name")" ]
		"$BATS_TEST_DIRNAME/../lib/memory" "$(daemon_pid "$name")" >image
		run -1 key_in conference image
	done
	"$BATS_TEST_DIRNAME/../lib/memory" "$(daemon_pid confctl)" >image
	run -0 key_in conference image
	# No key of a user is on the disk or on the wire; the joint key is
	# where it has to be, and there only.
	run -1 key_in users "$SEC_DIR"
	run -0 key_in keys.confctl "$SEC_DIR"
	run ! grep -v "^$SEC_DIR/lib/keys/" <<<"$output"
}

@test "S128: an ex-member reads and writes nothing more" {
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	as alice sec-confctl create -q -W -n x bob carol
	as carol sec-confctl leave x
	echo "carol has left" | as alice sec-talk -s x
	[ "$(texts bob x)" = "alice: carol has left" ]
	[ "$(texts carol x)" = "" ]
	# No router knows her number any more.
	run -0 db conf.db "select count(*) from device join conference on
	    id = conf where name = 'x' and user = 'sip:carol@lab.test'"
	[ "$output" = 0 ]
	for u in alice bob; do as "$u" sec-confctl leave x; done
}

@test "sec-talk comes in, and leaves what it came into" {
	as alice sec-confctl create -q -n in --open
	m=$(mark alice)
	echo hello | as bob sec-talk -s in
	[ "$(texts alice in)" = "bob: hello" ]
	await alice --since "$m" -c in -e conf.leave --by bob
	[ "$(as bob sec-confctl list -q | grep -cx in)" = 0 ]
	run -4 bash -c 'sec-lab run alice sec-confctl create -q -n shut 3>&-;
	    echo hello | sec-lab run bob sec-talk -s shut 3>&-'
	run -5 bash -c 'echo x | sec-lab run bob sec-talk -s nowhere 3>&-'
	as alice sec-confctl leave in
	as alice sec-confctl leave shut
}

@test "a slow reader stops nobody; who reads too late is told of the gap" {
	sec-lab run bob sec-talk -v -l t >slow 2>slow.err </dev/null 3>&- &
	listener=$!
	until_ok grep -q t: slow.err
	reader=$(pgrep -P "$listener" || echo "$listener")
	kill -STOP $reader
	seq 3000 | as alice sec-talk -s t
	kill -CONT $reader
	until_ok grep -qE 'alice: 3000$' slow
	grep -oE 'alice: [0-9]+$' slow | sort -u | wc -l >lines
	if ! [ "$(cat lines)" -ge 3000 ]; then
		grep -qi 'missed\|gap' slow slow.err
	fi
	kill "$listener"
	wait "$listener" || :
}
