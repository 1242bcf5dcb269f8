#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Files of persistent conferences (SECURITY.md 3.5). The tool hands the open
# file to the agent, which alone has its key besides the controller; the disk
# of the controller has ciphertext.
#
#   sec-confctl     agent                        controller       files/
#        | upload fd |                                 |              |
#        |---------->| upload name= file= fk=          |              |
#        |           |-------------------------------->| ID.part ---->|
#        |           |<------------------------ next=0 |              |
#        |           | chunk n=0 .. bytes, 4 at once   |              |
#        |           |-------------------------------->|------------->|
#        |           | commit size= sha256=            | child: fsync,|
#        |           |-------------------------------->| rename ----->| ID
#        |<----- ok  |<----------------------- 200     | row, commit  |

load ../lib/lab

LONG=100000000 # bytes: time enough to do something meanwhile

setup_file() {
	lab_up alice bob carol
	persistent alice board
	for u in bob carol; do as "$u" sec-confctl answer accept; done
	as alice sec-confctl invite -q board bob
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	[ -z "${confctl-}" ] || kill -CONT "$confctl" 2>/dev/null || :
	show_logs
}

# persistent USER NAME: he makes it and is in it.
persistent() {
	as "$1" sec-confctl create -q -p -n "$2"
}

# absent USER NAME: he sees no such file.
absent() {
	as "$1" sec-confctl files -q board >names || return
	[ -z "$(grep -x "$2" names)" ]
}

# noise BYTES FILE
noise() { head -c "$1" /dev/urandom >"$2"; }

# files USER: names and sums of what is attached to board.
files() {
	as "$1" sec-confctl files -j board | jq -r '.file + " " + .sha256'
}

# kept: every file that lies there has a row, and nothing else lies
# there.
kept() {
	[ "$(find "$SEC_DIR/lib/files" -type f -printf '%f\n' | sort)" = \
	    "$(db conf.db 'select file from attachment order by file')" ]
}

part() { find "$SEC_DIR/lib/files" -name '*.part' -size +1M | grep .; }

# held COMMAND...: it runs in the background, its file is on the way, and the
# controller, $confctl, stands still.
held() {
	confctl=$(daemon_pid confctl)
	bg "$@"
	held=$!
	until_ok part
	kill -STOP "$confctl"
	part # not whole yet
}

@test "attached, listed, fetched by another member: the same bytes" {
	for n in 0 1 65535 65536 65537 3000000; do
		noise "$n" "f$n"
		run -0 --separate-stderr as alice sec-confctl attach board "f$n"
		[[ $output == "f$n  "*"  $(sha256sum <"f$n" | cut -d' ' -f1)" ]]
		as bob sec-confctl fetch board "f$n" -o "got$n"
		cmp "f$n" "got$n"
		as bob sec-confctl fetch board "f$n" -o - >"pipe$n"
		cmp "f$n" "pipe$n"
		[ "$(stat -c %s "$(newest)")" = \
		    $((n + 48 * (n == 0 ? 1 : (n + 65535) / 65536))) ]
	done
	[ "$(as bob sec-confctl files -q board)" = \
	    $'f0\nf1\nf3000000\nf65535\nf65536\nf65537' ]
	as alice sec-confctl files board |
	    grep -qE "^f3000000  +3.0 MB  +alice  +[0-9:]{5}  +[0-9a-f]{8}"
	as bob sec-confctl files -j board |
	    jq -se 'map(select(.file == "f1"))[0] | .size == 1 and
	        .user == "sip:alice@lab.test"'
	kept
}
newest() { find "$SEC_DIR/lib/files" -type f -printf '%T@ %p\n' | sort -n |
	tail -1 | cut -d' ' -f2; }

# On a terminal, which script(1) is; and there it is on standard error.
@test "how far it is: told to people at terminals, and to nobody else" {
	local bar='\[#*-*\] +[0-9]+%  [0-9.]+ .?B of 3.0 MB  [0-9.]+ .?B/s'
	noise 3000000 far
	as alice sec-confctl attach board far >out 2>err
	[ "$(cat err)" = "far  3.0 MB" ]
	run ! grep -q $'[[\r]' out err
	as alice sec-confctl detach board far
	SHELL=/bin/bash script -qefc \
	    "sec-lab run alice sec-confctl attach board far >out" /dev/null \
	    </dev/null >shown 3>&-
	tr '\r' '\n' <shown | grep -qE "^$bar"
	run ! grep -q $'[[\r]' out
	SHELL=/bin/bash script -qefc \
	    "sec-lab run bob sec-confctl fetch board far -o got" /dev/null \
	    </dev/null >shown 3>&-
	tr '\r' '\n' <shown | grep -qE "^$bar"
	cmp far got
	rm got
	SHELL=/bin/bash script -qefc \
	    "sec-lab run bob sec-confctl fetch -j board far -o got" /dev/null \
	    </dev/null >shown 3>&-
	run ! grep -qF '[' shown
	grep -q '"far"' shown
	as alice sec-confctl detach board far
}

@test "the others are told, and what of it is gone again" {
	m=$(mark bob)
	echo news >news
	as alice sec-confctl attach board news
	await bob --since "$m" -c board -e file.add |
	    jq -e --arg sum "$(sha256sum <news | cut -d' ' -f1)" \
	    '.file == "news" and .size == 5 and .sha256 == $sum and
	    .user == "sip:alice@lab.test"'
	as alice sec-confctl detach board news
	await bob --since "$m" -c board -e file.rm |
	    jq -e '.file == "news" and .user == "sip:alice@lab.test"'
}

@test "what goes through a pipe: any length, and a name is needed" {
	for n in 0 65536 200000; do
		noise "$n" "p$n"
		as bob sec-confctl attach board - --as "p$n" <"p$n"
		as alice sec-confctl fetch board "p$n" -o - | cmp - "p$n"
	done
	run -2 as bob sec-confctl attach board - </dev/null
	mkfifo pipe
	cat p200000 >pipe 3>&- &
	as bob sec-confctl attach board pipe --as fifo
	as bob sec-confctl fetch board fifo -o /dev/stdout | cmp - p200000
}

@test "the controller's disk has no clear byte and no key of it" {
	marker=marker-$RANDOM-$RANDOM-$RANDOM-$RANDOM
	for i in 1 2 3 4 5 6 7 8; do echo "$marker"; done >secret.txt
	as alice sec-confctl attach board secret.txt
	keys_of alice >keys
	[ -s keys ]
	[ -z "$(grep -rlF "$marker" "$SEC_DIR/lib")" ]
	[ -z "$(key_in keys "$SEC_DIR/lib")" ]
	[ "$(stat -c %a "$SEC_DIR/lib/keys/confctl/dbk")" = 400 ]
	[ "$(as bob sec-confctl fetch board secret.txt -o -)" = \
	    "$(cat secret.txt)" ]
}

@test "one bit changed on the disk is seen, and nothing of it is left" {
	noise 200000 bit
	as alice sec-confctl attach board bit
	f=$(newest)
	printf '\x01' | dd of="$f" bs=1 seek=$((65584 + 40)) conv=notrunc \
	    status=none
	run -11 as bob sec-confctl fetch board bit -o out
	[[ $output == *"not what was attached"* ]]
	[ -z "$(ls out*)" ] 2>/dev/null
	truncate -s 70000 "$f"
	run -10 as bob sec-confctl fetch board bit -o out
	[ ! -e out ]
	as alice sec-confctl detach board bit
}

@test "who is not in it has nothing of it, and loses it when he leaves" {
	noise 100 own
	as alice sec-confctl attach board own
	run -4 as carol sec-confctl files board
	run -4 as carol sec-confctl fetch board own
	run -4 as carol sec-confctl attach board own --as carols
	run -4 as carol sec-confctl detach board own
	as alice sec-confctl invite -q board carol
	as carol sec-confctl fetch board own -o own.carol
	cmp own own.carol
	as carol sec-confctl leave board
	run -4 as carol sec-confctl fetch board own -o -
	run -4 as carol sec-confctl files board
	run -5 as alice sec-confctl files nowhere
}

@test "detach: who attached it, or the owner; the bytes go" {
	noise 70000 mine
	as bob sec-confctl attach board mine
	f=$(newest)
	as alice sec-confctl attach board mine --as alices
	run -4 as bob sec-confctl detach board alices
	[[ $output == *"only who attached it and the owner may do that" ]]
	as bob sec-confctl detach board mine
	[ ! -e "$f" ]
	run -5 as alice sec-confctl fetch board mine
	as bob sec-confctl attach board mine
	as alice sec-confctl detach board mine
	run -5 as alice sec-confctl detach board mine
	kept
}

@test "names: made harmless, taken ones refused, the same again is no harm" {
	noise 10 $'.x\e[31m\ny'
	noise 20 other
	run -0 --separate-stderr as alice sec-confctl attach -q board \
	    $'.x\e[31m\ny'
	[ "$output" = '_x_[31m_y' ]
	run -2 as alice sec-confctl attach board other --as ../x
	run -1 as alice sec-confctl attach board other --as '_x_[31m_y'
	[[ $output == *"a file of this name is there already" ]]
	as alice sec-confctl attach board $'.x\e[31m\ny'
	run -1 as bob sec-confctl attach board $'.x\e[31m\ny'
	# Nothing is overwritten that was not named.
	as bob sec-confctl fetch board '_x_[31m_y'
	run -1 as bob sec-confctl fetch board '_x_[31m_y'
	run -5 as bob sec-confctl fetch board ../../etc/passwd
	run -2 as alice sec-confctl attach board /tmp
	run -5 as alice sec-confctl attach board /no/such
}

@test "a conference that is not persistent keeps no files" {
	as alice sec-confctl create -q -n brief
	noise 10 f
	run -1 as alice sec-confctl attach brief f
	[[ $output == *"only persistent conferences keep files" ]]
	as alice sec-confctl leave brief
}

@test "quota: more than the conference may have is refused, begun or not" {
	cp "$SEC_DIR/etc/sec.conf" conf
	persistent alice small
	echo 'conference-files = 1' >>"$SEC_DIR/etc/sec.conf"
	hup confctl
	noise 600000 a
	noise 500000 b
	as alice sec-confctl attach small a
	run -1 as alice sec-confctl attach small b
	[[ $output == *"more than the 1 MiB of files"*"conference-files"* ]]
	run -1 as alice sec-confctl attach small - --as b <b
	[ "$(as alice sec-confctl files -q small)" = a ]
	kept
	as alice sec-confctl detach small a
	as alice sec-confctl attach small - --as b <b
	cp conf "$SEC_DIR/etc/sec.conf"
	hup confctl
}

@test "a full disk at the controller: a sentence, nothing half shown" {
	noise 300000 big
	before=$(files alice)
	pid=$(daemon_pid confctl)
	prlimit --pid "$pid" --fsize=100000:
	run -10 as alice sec-confctl attach board big
	[[ $output == *"no room on the controller's disk" ]]
	run -10 as alice sec-confctl attach board - --as bigpipe <big
	prlimit --pid "$pid" --fsize=unlimited:
	[ "$(files alice)" = "$before" ]
	kept
	as alice sec-confctl attach board big
	[ "$(daemon_pid confctl)" = "$pid" ]
}

@test "a full disk here: a sentence, and on again later" {
	noise 300000 here
	as alice sec-confctl attach board here
	pid=$(agent_pid bob)
	prlimit --pid "$pid" --fsize=100000:
	run -10 as bob sec-confctl fetch board here -o got
	[[ $output == *"File too large" ]]
	[ ! -e got ]
	prlimit --pid "$pid" --fsize=unlimited:
	as bob sec-confctl fetch board here -o got
	cmp here got
}

@test "cut off on its way up: it goes on where it was, by the same user only" {
	noise $LONG up
	held as alice sec-confctl attach board up
	kill -9 "$(pgrep -P "$held" || echo "$held")" "$held"
	kill -CONT "$confctl"
	inode=$(stat -c %i "$(part)")
	absent bob up
	as alice sec-confctl attach board up
	[ "$(stat -c %i "$(newest)")" = "$inode" ]
	as bob sec-confctl fetch board up -o up.bob
	cmp up up.bob
	kept
	as alice sec-confctl detach board up
}

@test "who is removed takes what he had not finished with him" {
	noise $LONG mine
	held as bob sec-confctl attach board mine
	kill -9 "$(pgrep -P "$held" || echo "$held")" "$held"
	kill -CONT "$confctl"
	as alice sec-confctl kick board bob
	kept
	as bob sec-confctl join board
}

@test "cut off on its way down: it goes on where it was" {
	noise $LONG down
	as alice sec-confctl attach board down
	bg as bob sec-confctl fetch board down -o got
	pid=$!
	confctl=$(daemon_pid confctl)
	until_ok eval 'find . -name "got.*.part" -size +1M | grep .'
	kill -STOP "$confctl"
	inode=$(stat -c %i got.*.part)
	kill -9 "$(pgrep -P "$pid" || echo "$pid")" "$pid"
	kill -CONT "$confctl"
	[ ! -e got ]
	as bob sec-confctl fetch board down -o got
	[ "$(stat -c %i got)" = "$inode" ]
	cmp down got
	# A first part that is something else is not believed.
	noise 200000 "x.$(sha256sum down | cut -c1-12).part"
	run -11 as bob sec-confctl fetch board down -o x
	as bob sec-confctl fetch board down -o x
	cmp down x
	as alice sec-confctl detach board down
}

@test "the agent dies on the way up: nothing is attached, then it goes on" {
	noise $LONG agent
	held as bob sec-confctl attach board agent
	kill -9 "$(agent_pid bob)"
	kill -CONT "$confctl"
	ended 10 "$held"
	absent alice agent
	log_in bob
	until_ok as bob sec-confctl join board
	as bob sec-confctl answer accept
	inode=$(stat -c %i "$(part)")
	as bob sec-confctl attach board agent
	[ "$(stat -c %i "$(newest)")" = "$inode" ]
	as bob sec-confctl detach board agent
}

@test "the controller dies on the way: a file gets there, a pipe is refused" {
	noise $LONG again
	held as alice sec-confctl attach board again
	kill -9 "$confctl"
	ended 0 "$held"
	as alice sec-confctl fetch board again -o - | cmp - again
	mkfifo pipe
	cat again >pipe 3>&- &
	held as alice sec-confctl attach board pipe --as piped
	kill -9 "$confctl"
	ended 10 "$held"
	grep -q "nothing is attached" bg.err
	until_ok daemon_is_well confctl
	until_ok agent_is_back alice
	absent alice piped
	kept
	as alice sec-confctl detach board again
}

@test "kill -9 at any step of attach: all of it, or nothing and no leftovers" {
	noise 5000000 step
	for n in 1 2 3 4 5 6; do
		bg as alice sec-confctl attach board step --as "step$n"
		pid=$!
		case $n in
		1)	;;
		2|3)	until_ok begun ;;
		4|5)	until_ok complete ;;
		6)	until_ok renamed "step$n" ;;
		esac
		kill_daemon confctl
		status=0
		wait "$pid" || status=$?
		[ "$status" = 0 ]
		until_ok agent_is_back alice
		as alice sec-confctl fetch board "step$n" -o - | cmp - step
		kept
		databases_are_sound
	done
	kill_daemon confctl
	until_ok agent_is_back alice
	for n in 1 2 3 4 5 6; do
		as alice sec-confctl detach board "step$n"
	done
	kept
}
begun() { find "$SEC_DIR/lib/files" -name '*.part' | grep . ||
	attached; }
complete() { find "$SEC_DIR/lib/files" -type f -size -5100k -size +4880k |
	grep . || attached; }
renamed() { find "$SEC_DIR/lib/files" -type f -size -5100k -size +4880k |
	grep -v 'part$'; }
attached() { as alice sec-confctl files -q board | grep -qx "step$n"; }

@test "a pipe whose tool is killed attaches nothing" {
	mkfifo pipe
	exec {w}<>pipe
	head -c 3000000 /dev/zero >&"$w" &
	feeder=$!
	bg as alice sec-confctl attach board pipe --as half {w}>&-
	pid=$!
	until_ok part
	kill -9 "$(pgrep -P "$pid" || echo "$pid")" "$pid"
	exec {w}>&-
	# It has the pipe open for reading as well, and would wait for itself.
	kill "$feeder" 2>/dev/null || :
	wait "$feeder" || :
	until_ok kept
	absent alice half
}

@test "what was never finished is swept at the start, others' files stay" {
	dir=$(dirname "$(newest)")
	touch "$dir/0123456789abcdef0123456789abcdef.part" \
	    "$dir/0123456789abcdef0123456789abcdef"
	mkdir "$SEC_DIR/lib/files/0100000000000000"
	touch "$SEC_DIR/lib/files/0100000000000000/x"
	had=$(files alice)
	kill_daemon confctl
	until_ok agent_is_back alice
	kept
	[ ! -e "$SEC_DIR/lib/files/0100000000000000" ]
	[ "$(files alice)" = "$had" ]
}

@test "the end of the conference takes its files" {
	persistent alice over
	noise 1000 f
	as alice sec-confctl attach over f
	dir=$(dirname "$(newest)")
	as alice sec-confctl end -y over
	until_ok test ! -e "$dir"
	kept
}
