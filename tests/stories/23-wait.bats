#!/usr/bin/env bats
# STORIES 1.23: wait for something in a script (text twins).
#
#	c=$(sec-confctl create bob carol)
#	sec-watch -1 --state -c "$c" -e conf.join --by carol   is she in?
#	seq=$(sec-watch --last)     a mark
#	./start-the-talk
#	sec-watch -1 --since "$seq" -e text                    nothing is missed
load ../lib/lab

setup_file() {
	lab_up alice bob carol
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() {
	[ -z "${watcher-}" ] || kill "$watcher" 2>/dev/null || :
	show_logs
}

# script USER LINES: as a script of his, ended by its first failure.
script() { as "$1" timeout 60 bash -eu -o pipefail -c "$2"; }

@test "the script as it stands" {
	printf '#!/bin/sh\necho "good morning" | sec-talk -s "$c"\n' \
	    >start-the-talk
	chmod +x start-the-talk
	run -0 --separate-stderr script alice '
		export c=$(sec-confctl create bob carol)
		sec-watch -1 -T 30 --state -c "$c" -e conf.join --by carol || exit 1
		seq=$(sec-watch --last)
		./start-the-talk
		sec-watch -1 --since "$seq" -e text'
	jq -es 'length == 2 and .[0].event == "conf.join" and
	    .[0].user == "sip:carol@lab.test" and
	    .[1].event == "text" and .[1].text == "good morning"' <<<"$output"
	# Already in: true the second time as well, and said to be the present.
	run -0 script alice \
	    'sec-watch -1 -T 30 --state -c . -e conf.join --by carol'
	jq -e '.now == true' <<<"$output"
}

@test "between the mark and the wait nothing is missed" {
	run -0 script alice '
		seq=$(sec-watch --last)
		for n in 1 2 3 4 5; do echo "line $n" | sec-talk -s .; done
		sec-watch -n 5 -T 30 --since "$seq" -e text | jq -r .text'
	[ "$output" = $'line 1\nline 2\nline 3\nline 4\nline 5' ]
	# And nothing before the mark comes.
	run -0 script alice '
		seq=$(sec-watch --last)
		echo "line 6" | sec-talk -s .
		sec-watch -1 -T 30 --since "$seq" -e text | jq -r .text'
	[ "$output" = "line 6" ]
}

@test "0 when seen, 9 when the time is over" {
	run -9 --separate-stderr script alice 'sec-watch -1 -T 1 -e conf.new'
	[ -z "$output" ]
	run -0 script alice 'sec-watch -T 0 -e conf.new'
	[ -z "$output" ]
	run -2 --separate-stderr script alice 'sec-watch --since nonsense'
	# A pipe that is closed is no error.
	run -0 --separate-stderr as alice bash -c \
	    'sec-watch -T 0 --since 0 | head -n 1 >/dev/null; exit ${PIPESTATUS[1]}'
	[ -z "$stderr" ]
}

@test "a line at once, whatever standard output is" {
	mkfifo lines
	bg sec-lab run bob bash -c \
	    "exec sec-watch --since '$(mark bob)' -e text >'$PWD/lines'"
	watcher=$!
	exec 5<lines
	echo "now" | as alice sec-talk -s .
	read -r -t "$DEADLINE" line <&5
	jq -e '.text == "now"' <<<"$line"
	exec 5<&-
}

@test "a program for each event, in the background" {
	cat >notify-send <<-'EOF2'
		#!/bin/sh
		echo "$1: $2" >>told
	EOF2
	chmod +x notify-send
	# (The mark, for the program may come up after the invitation.)
	m=$(mark bob) bg sec-lab run bob bash -c 'PATH=.:$PATH exec sec-watch \
	    --since "$m" -e invite.in -x '\''notify-send "Invitation" "$SEC_EV_USER asks you into $SEC_EV_CONF"'\'
	watcher=$!
	as alice sec-confctl create -n lunch bob
	until_ok test -s told
	[ "$(cat told)" = "Invitation: sip:alice@lab.test asks you into sip:lunch@conf.lab.test" ]
	as alice sec-confctl end lunch
}

@test "a mark from before a restart of the agent: a gap, and the present" {
	seq=$(mark alice)
	kill -KILL "$(agent_pid alice)"
	run -3 --separate-stderr as alice sec-watch -T 0 --since "$seq"
	log_in alice
	until_ok eval '[ -n "$(as alice sec-confctl list -q)" ]'
	run -0 as alice sec-watch -T 0 --since "$seq"
	jq -e '.event == "gap"' <<<"${lines[0]}"
	jq -es 'any(.event == "pal" and .now and (.entry | startswith("sip:bob@")))
	    and any(.event == "conf.join" and .now and
	    (.user | startswith("sip:carol@")))' <<<"$output"
	# The one who waits for a text is not fooled by it.
	run -9 as alice sec-watch -1 -T 1 --since "$seq" -e text
	jq -es 'length == 1 and .[0].event == "gap"' <<<"$output"
	# A mark of the new ring is one.
	seq=$(mark alice)
	echo "after" | as bob sec-talk -s .
	run -0 as alice sec-watch -1 -T 30 --since "$seq" -e text
	jq -e '.text == "after"' <<<"$output"
}

@test "the voice twin: who has spoken since the mark (S173)" {
	cat >start-the-talk <<-'END'
	#!/bin/sh
	espeak-ng --stdout "good morning" | sec-talk -i - -o null "$c"
	END
	chmod +x start-the-talk
	run -0 --separate-stderr script alice '
		export c=$(sec-confctl create -m voice bob carol)
		sec-watch -1 -T 30 --state -c "$c" -e conf.join --by carol || exit 1
		seq=$(sec-watch --last)
		./start-the-talk
		sec-watch -1 --since "$seq" -e voice.start'
	jq -es '.[-1].event == "voice.start" and
	    .[-1].user == "sip:alice@lab.test"' <<<"$output"
}
