#!/usr/bin/env bats
# STORIES 1.10: chat from a pipe.
#
#	tail | grep | sec-talk -s ops        a line, a message
#	make | sec-talk -s -1 ops            the input, a message
#	uptime | sec-talk -s ops && ...      0: delivered
#	sec-talk -l ops | tee                listen only
#	sec-talk -l -j ops | jq | ./deployer
#	./bot < <(sec-talk -l -j ops) | sec-talk -s ops
#
# S037: another program in the terminal's place. Jobs in the background are
# sessions of their own, ended by their process group.
load ../lib/lab

setup_file() {
	lab_up alice bob carol
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	as alice sec-confctl create -W -n ops bob carol
}
teardown_file() { lab_down; }
setup() {
	cd "$BATS_TEST_TMPDIR" || return
	jobs=
	m=$(mark carol)
}
teardown() {
	local p
	for p in $jobs; do
		kill -- "-$p" 2>/dev/null || :
	done
	show_logs
}

# job USER LINE: what he types, in the background.
job() {
	setsid sec-lab run "$1" bash -c "$2" >job.out 2>job.err </dev/null 3>&- &
	jobs="$jobs $!"
}

# listens: until the job's sec-talk hears whatever comes; -v makes it say so.
listens() { until_ok grep -qE '^ops: 3 in \(' job.err; }

# heard N: the first N texts that carol got in this test.
heard() {
	as carol sec-watch -n "$1" -T "$DEADLINE" --since "$m" -c ops -e text |
	    jq -r '(.user | sub("sip:"; "") | sub("@.*"; "")) + ": " + .text'
}

@test "a log as it grows: one line, one message" {
	echo "ERROR old" >app.log
	job alice 'tail -F app.log 2>/dev/null |
	    grep --line-buffered ERROR | sec-talk -s ops'
	run -0 heard 1
	[ "$output" = "alice: ERROR old" ]
	printf 'fine\nERROR one\nstill fine\nERROR two\n' >>app.log
	run -0 heard 3
	[ "$output" = "alice: ERROR old
alice: ERROR one
alice: ERROR two" ]
	[ ! -s job.out ]
}

@test "the end of a build: the whole input as one message" {
	printf 'all:\n\t@seq 100\n\t@echo no such rule >&2; false\n' >Makefile
	run -0 as alice bash -c 'make 2>&1 | tail -40 | sec-talk -s -1 ops'
	[ -z "$output" ]
	run -0 heard 1
	[ "${#lines[@]}" = 40 ]
	[ "${lines[0]}" = "alice: 63" ]
	[[ ${lines[38]} == "no such rule" ]]
}

@test "exits after the last receipt; 0 means delivered" {
	run -0 --separate-stderr as alice bash -c \
	    'uptime | sec-talk -s ops && echo delivered'
	[ "$output" = delivered ]
	[ -z "$stderr" ]
	run -0 heard 1
	[[ $output == "alice: "*"load average"* ]]
	# Nothing said is nothing to deliver.
	run -0 as alice sec-talk -s ops </dev/null
	# Messages that end with NUL, of several lines.
	printf 'a\nb\0c\0' | as alice sec-talk -s -0 ops
	run -0 heard 3
	[ "$(tail -n +2 <<<"$output")" = $'alice: a\nb\nalice: c' ]
}

@test "not delivered: exit 8, and who did not get it" {
	kill -KILL "$(agent_pid bob)"
	until_ok eval 'as alice sec-confctl show ops | grep -q "^bob *unreach"'
	run -8 --separate-stderr as alice bash -c \
	    'echo psst | sec-talk -s ops && echo delivered'
	[ -z "$output" ]
	[ "$stderr" = "sec-talk: not delivered to bob" ]
	# The others have it.
	run -0 heard 1
	[ "$output" = "alice: psst" ]
	log_in bob
	until_ok eval 'as alice sec-confctl show ops | grep -q "^bob *active"'
	as bob sec-confctl answer accept
	echo psst | as alice sec-talk -s ops
}

@test "listen only, into a file" {
	job bob 'sec-talk -v -l ops | tee ops.txt'
	listens
	echo "who broke it" | as alice sec-talk -s ops
	until_ok grep -qE '^[0-2][0-9]:[0-5][0-9] alice: who broke it$' ops.txt
	until_ok grep -q 'who broke it' job.out
}

@test "events to jq, to a program" {
	cat >deployer <<-'EOF2'
		#!/bin/sh
		while read -r what; do echo "deploying: $what"; done
	EOF2
	chmod +x deployer
	job bob "sec-talk -v -l -j ops |
	    jq --unbuffered -r 'select(.event==\"text\" and (.text|test(\"deploy\"))).text' |
	    ./deployer"
	listens
	printf 'lunch?\nplease deploy 1.7\n' | as alice sec-talk -s ops
	until_ok grep -qx 'deploying: please deploy 1.7' job.out
	[ "$(wc -l <job.out)" = 1 ]
}

@test "a bot is a filter between two sec-talks" {
	cat >bot <<-'EOF2'
		#!/bin/sh
		exec jq --unbuffered -r 'select(.event == "text" and
		    (.text | startswith("!add "))).text |
		    ltrimstr("!add ") | split(" ") | map(tonumber) | add'
	EOF2
	chmod +x bot
	job bob './bot < <(sec-talk -v -l -j ops) | sec-talk -s ops'
	listens
	printf '!add 1 2 3\nhello\n!add 20 22\n' | as alice sec-talk -s ops
	run -0 heard 5
	[ "$(grep ^bob <<<"$output")" = $'bob: 6\nbob: 42' ]
}

@test "a reader that has stopped does not keep it from ending" {
	local fd pid
	mkfifo stuck
	sec-lab run carol sec-talk -v -l ops >stuck 2>stuck.err 3>&- &
	pid=$!
	exec {fd}<stuck
	until_ok grep -q 'in (' stuck.err
	yes "a line of some length, again and again and again, that fills a pipe" |
	    head -n 1500 | as alice sec-talk -s -1 ops
	until_ok is_writing "$pid"
	until_ok is_ended "$pid"
	exec {fd}<&-
	local code=0
	wait "$pid" || code=$?
	[ "$code" = 143 ]
}
is_writing() { grep -q pipe_write "/proc/$1/wchan"; }
is_ended() {
	kill -TERM "$1" 2>/dev/null || :
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}
