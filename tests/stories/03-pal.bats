#!/usr/bin/env bats
# STORIES 1.3: who is available? For people, for xargs, for jq.
#
#	carol: busy, with a note --> sec-pal --> every PAL, by NOTIFY
#	[alice] $ sec-pal            a table
#	[alice] $ sec-pal -q         names, that other programs take
#	[alice] $ sec-pal -j         JSON Lines
#
# S022, S041. S047: on a terminal a table with a head, in a pipe rows, and
# names or events where no table can be shown.
load ../lib/lab
load ../lib/term

setup_file() {
	lab_up alice bob carol dave
	as dave sec-login -k
	as carol sec-pal set busy -N "in review, back 14:40"
	await alice --since 0 -e pal -c carol >/dev/null
	until_ok eval 'as alice sec-pal | grep -q review'
	until_ok eval '! as alice sec-pal | grep dave'
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
	[ ${#lines[@]} = 2 ]
	term alice
	types alice sec-pal
	sees alice '^NAME +STATUS +SINCE +NOTE$' "^bob +available +$t\$" \
	    "^carol +busy +$t  in review, back 14:40\$"
	# Where nothing but a line can be shown, there is a line.
	run -0 as alice sec-pal -q
	[ "$output" = $'bob\ncarol' ]
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
	run -0 as alice sec-pal bob
	[[ $output =~ ^bob\ +available\ +$t$ ]]
	run -5 --separate-stderr as alice sec-pal show mallory
	[[ $stderr == "sec-pal: "*mallory* ]]
	# An empty list is no error, for scripts with set -e.
	run -0 as alice sec-pal -q -s away
	[ -z "$output" ]
}

@test "who goes is gone from the table, who comes is in it" {
	m=$(mark alice)
	log_in dave
	await alice --since "$m" -e pal -c dave >/dev/null
	until_ok eval 'as alice sec-pal -q | grep -qx dave'
	as dave sec-login -k
	until_ok eval '! as alice sec-pal -q | grep -qx dave'
}

@test "a stranger's note does nothing to my terminal" {
	as bob sec-pal set away -N $'\e[31mred\a'
	until_ok eval 'as alice sec-pal | grep -qF "\\x1b[31mred\\x07"'
	run -0 as alice sec-pal show bob
	[[ $output != *$'\e'* && $output == *'note "\x1b[31mred\x07"'* ]]
	as alice sec-pal -j list bob | jq -e '.note == "\u001b[31mred\u0007"'
	as bob sec-pal set available
}
