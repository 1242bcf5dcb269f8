#!/usr/bin/env bats
# STORIES 1.3: who is available? For people, for xargs, for jq.
#
#	carol: busy, with a note ---> sec-pal ---> alice's PAL, by NOTIFY
#	porchpi: lamp:bedroom is on -/ /
#	bob talks in standup -- MCU --/
#	[alice] $ sec-pal            a table
#	[alice] $ sec-pal -q         names, that other programs take
#	[alice] $ sec-pal -j         JSON Lines
#
# S014: all of it before anybody is called. S022, S041. S047: on a terminal a
# table with a head, in a pipe rows, and names or events where no table can be
# shown. S050, S051: entries are objects with attributes; S053, S055: of
# several types, things and conferences among them; S056: who is offline stays
# in it, as he is stored; S057: a conference's entry; S060: it is there at
# another machine.
load ../lib/lab
load ../lib/sound
load ../lib/term

setup_file() {
	lab_up alice bob carol dave porchpi
	as dave sec-login -k
	as alice sec-pal rm porchpi
	as carol sec-pal set busy -N "in review, back 14:40"
	until_ok eval 'as alice sec-pal | grep -q review'
	until_ok eval 'as alice sec-pal | grep -q "^dave *offline"'
}
teardown_file() {
	terms_end
	lab_down
}
teardown() { show_logs; }

t='[0-2][0-9]:[0-5][0-9]'

@test "S041 S047: a table, with a head on a terminal only" {
	run -0 --separate-stderr as alice sec-pal
	[[ ${lines[0]} =~ ^bob\ +available\ +$t$ ]]
	[[ ${lines[1]} =~ ^carol\ +busy\ +$t\ +in\ review,\ back\ 14:40$ ]]
	[[ ${lines[2]} =~ ^dave\ +offline ]]
	[ ${#lines[@]} = 3 ]
	term alice
	types alice sec-pal
	sees alice '^NAME +STATUS +SINCE +NOTE$' "^bob +available +$t\$" \
	    "^carol +busy +$t  in review, back 14:40\$"
	# Where nothing but a line can be shown, there is a line.
	run -0 as alice sec-pal -q
	[ "$output" = $'bob\ncarol\ndave' ]
}

@test "identifiers only: made for xargs" {
	run -0 as alice sec-pal -q -s available
	[ "$output" = bob ]
	run -0 as alice sec-pal -q -s busy
	[ "$output" = carol ]
	as bob sec-confctl answer accept
	as alice sec-confctl create -n ready >/dev/null
	run -0 --separate-stderr as alice bash -c \
	    'sec-pal -q -s available | xargs sec-confctl invite .'
	[ "$stderr" = "bob accepted" ]
	as alice sec-confctl end ready
}

@test "JSON Lines: made for jq" {
	run -0 as alice bash -c \
	    'sec-pal -j | jq -r '\''select(.type=="user" and .status=="available").entry'\'
	[ "$output" = sip:bob@lab.test ]
	run -0 as alice sec-pal -j list carol
	jq -es 'length == 1 and .[0].v == 1 and
	    .[0].note == "in review, back 14:40" and .[0].class == "busy" and
	    .[0].media == ["text","voice"] and
	    (.[0].since | test("^20..-..-..T..:..:..[.]...Z$"))' <<<"$output"
}

@test "one entry; and one that is none" {
	run -0 as alice sec-pal show carol
	[[ ${lines[0]} =~ ^entry\ +sip:carol@lab\.test$ ]]
	[[ ${lines[1]} =~ ^type\ +user$ ]]
	[[ ${lines[2]} =~ ^status\ +busy\ +since\ $t\ +note\ \"in\ review,\ back\ 14:40\"$ ]]
	[[ ${lines[3]} =~ ^media\ +text\ voice$ ]]
	[[ ${lines[4]} =~ ^reach\ +voip ]]
	run -0 as alice sec-pal bob
	[[ $output =~ ^bob\ +available\ +$t$ ]]
	# In nobody's list, and known to nobody: never seen.
	run -0 as alice sec-pal show mallory
	[[ ${lines[2]} =~ ^status\ +offline$ ]]
	run -5 --separate-stderr as alice sec-pal show lamp:nowhere
	[[ $stderr == "sec-pal: lamp:nowhere: "* ]]
	# An empty list is no error, for scripts with set -e.
	run -0 as alice sec-pal -q -s away
	[ -z "$output" ]
}

@test "S014 S053 S055 S057: a telephone, a lamp, a conference; who talks there" {
	sec-admin object add lamp:bedroom --owner porchpi
	as porchpi sec-pal put lamp:bedroom state=on -t 1h
	as bob sec-confctl answer accept
	as carol sec-pal set available
	as carol sec-confctl answer accept
	as bob sec-confctl create -q --open -n standup -m voice carol
	as alice sec-pal add -N reception tel:+15551234567
	as alice sec-pal add lamp:bedroom conf:standup
	as carol sec-pal set busy -N "in review, back 14:40"
	tone "$BATS_TEST_TMPDIR/long.wav" 300 60
	sec-lab run bob sec-talk -i "$BATS_TEST_TMPDIR/long.wav" -o null \
	    standup 3>&- >"$BATS_TEST_TMPDIR/talk.out" 2>&1 &
	talker=$!
	until_ok eval 'as alice sec-pal | grep -q "2 in, bob talking"'
	run -0 --separate-stderr as alice sec-pal
	kill -TERM "$talker"
	[ ${#lines[@]} = 6 ]
	[[ ${lines[1]} =~ ^carol\ +busy\ +$t\ +in\ review,\ back\ 14:40$ ]]
	[[ ${lines[3]} =~ ^tel:\+15551234567\ +-\ +-\ +reception$ ]]
	[[ ${lines[4]} =~ ^lamp:bedroom\ +on\ +$t$ ]]
	[[ ${lines[5]} =~ ^conf:standup\ +open\ +$t\ +2\ in,\ bob\ talking$ ]]
	until_ok eval 'as alice sec-pal | grep -q "2 in$"'
	# It is over, and stays in the list.
	as bob sec-confctl end standup
	until_ok eval 'as alice sec-pal | grep -qE "^conf:standup +(none|ended)"'
	as alice sec-pal rm conf:standup lamp:bedroom tel:+15551234567
	wait "$talker" || :
}

@test "S060: the list is the server's: another machine has it at once" {
	dir=$(second_machine away)
	at "$dir" alice sec-login -q -P "$SEC_DIR/home/alice/password" alice
	run -0 at "$dir" alice sec-pal -q
	[ "$output" = $'bob\ncarol\ndave' ]
	at "$dir" alice sec-login -k
}

@test "an empty list: how to add people, on standard error" {
	sec-lab user erin
	as erin sec-pal rm alice bob carol dave porchpi
	run -0 --separate-stderr as erin sec-pal
	[ -z "$output" ]
	[[ $stderr == *"sec-pal add NAME"* ]]
	run -0 as erin sec-pal -q
	[ -z "$output" ]
	run -0 as erin sec-pal -j
	[ -z "$output" ]
	as alice sec-pal rm erin
}

@test "who goes is offline, who comes is there again" {
	m=$(mark alice)
	log_in dave
	await alice --since "$m" -e pal -c dave |
	    jq -e '.status == "available"'
	until_ok eval 'as alice sec-pal -q -s available | grep -qx dave'
	as dave sec-login -k
	until_ok eval 'as alice sec-pal -q -s offline | grep -qx dave'
}

@test "a stranger's note does nothing to my terminal" {
	as bob sec-pal set away -N $'\e[31mred\a'
	until_ok eval 'as alice sec-pal | grep -qF "\\x1b[31mred\\x07"'
	run -0 as alice sec-pal show bob
	[[ $output != *$'\e'* && $output == *'note "\x1b[31mred\x07"'* ]]
	as alice sec-pal -j list bob | jq -e '.note == "\u001b[31mred\u0007"'
	as bob sec-pal set available
}
