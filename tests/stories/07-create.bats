#!/usr/bin/env bats
# STORIES 1.7: create a text conference and invite.
#
#	[alice] $ c=$(sec-confctl create -T 30 bob carol dave tel:...)
#	   c-7f3k9q on stdout as soon as it exists; on stderr, as they come:
#	   bob accepted · carol busy (note) · dave offline · tel: no voice
#	exit 0: somebody came. -W asks for everybody: 6, 7 or 8, the first.
#
# S006: who invites says text; the telephone is not dictated a medium.
load ../lib/lab

setup_file() {
	lab_up alice bob carol dave erin frank gina henry
	as dave sec-login -k
	for u in bob frank gina henry; do
		as $u sec-confctl answer accept
	done
	as carol sec-pal set busy -N "in review, back 14:40"
	as erin sec-confctl answer decline
	until_ok eval 'as alice sec-pal | grep -q "14:40"'
	until_ok shows alice dave offline
}
teardown_file() { lab_down; }
teardown() {
	as bob sec-confctl answer accept
	as alice sec-confctl leave -a || :
	for u in bob frank gina henry; do
		as $u sec-confctl leave -a || :
	done
	show_logs
}

@test "S001 S006: create, four answers, exit 0 for one who came" {
	run -0 --separate-stderr as alice \
	    sec-confctl create -T 30 bob carol dave tel:+15551234567
	[[ $output =~ ^c-[a-z2-9]+$ ]]
	[ "$(sort <<<"$stderr" | tr -s ' ')" = "bob accepted
carol busy (in review, back 14:40)
dave offline
tel:+15551234567 no voice in this conference; not invited" ]
	# One column of names, as wide as the widest.
	grep -qx 'bob               accepted' <<<"$stderr"
}

@test "S010 S012: invite further people; show" {
	c=$(as alice sec-confctl create bob)
	run -6 --separate-stderr as alice sec-confctl invite "$c" erin
	[ "$stderr" = "erin declined" ]
	[ -z "$output" ]
	run -0 as alice sec-confctl show "$c"
	[[ ${lines[0]} =~ ^$c\ \ text\ \ open\ [0-2][0-9]:[0-5][0-9]\ \ key\ generation\ 2\ \ creator\ alice$ ]]
	[ "$(tail -n +2 <<<"$output")" = "alice  active  text
bob    active  text" ]
	# Not only who made it may add people.
	run -6 --separate-stderr as bob sec-confctl invite "$c" erin
	[ "$stderr" = "erin declined" ]
}

@test "-W: the first answer that is not 0, in the order given" {
	run -6 --separate-stderr as alice sec-confctl create -W bob erin
	[[ $output == c-* ]]
	run -7 --separate-stderr as alice sec-confctl create -W bob carol erin
	run -8 --separate-stderr as alice sec-confctl create -W bob dave carol
	run -5 --separate-stderr as alice sec-confctl create -W bob nobody
	[[ $stderr == *"nobody  no such user"* ]]
	run -0 --separate-stderr as alice sec-confctl create -W bob
	# Nobody came: the same codes without -W.
	run -6 --separate-stderr as alice sec-confctl create erin
	run -7 --separate-stderr as alice sec-confctl create carol
	run -8 --separate-stderr as alice sec-confctl create dave
	run -8 --separate-stderr as alice sec-confctl create tel:+15551234567
}

@test "nobody answers: exit 9, and the invitation is taken back" {
	as bob sec-confctl answer ask
	run -9 --separate-stderr as alice sec-confctl create -T 3 -n late bob
	[ "$output" = late ]
	[[ $stderr =~ ^bob\ +(no\ answer|timeout) ]]
	until_ok eval '[ -z "$(as bob sec-confctl invites)" ]'
	# Not waited for.
	run -0 --separate-stderr as alice sec-confctl invite -T 0 late bob
	await bob --state -e invite.in -c late
	as bob sec-confctl accept
	as bob sec-confctl answer accept
	# The conference that nobody came into is there still.
	run -0 as alice sec-confctl list -q
	[ "$output" = late ]
}

@test "INT cancels what nobody has answered; the conference stays" {
	as bob sec-confctl answer ask
	m=$(mark bob)
	# (bash makes background jobs deaf to it.)
	bg env --default-signal=INT sec-lab run alice \
	    sec-confctl create -n stay bob
	pid=$!
	await bob --since "$m" -e invite.in
	kill -INT "$pid"
	rc=0
	wait "$pid" || rc=$?
	[ "$rc" = 130 ]
	[ "$(cat "$BATS_TEST_TMPDIR/bg.out")" = stay ]
	until_ok eval '[ -z "$(as bob sec-confctl invites)" ]'
	run -0 as alice sec-confctl list -q
	[ "$output" = stay ]
}

@test "a name of one's own, a name that is taken" {
	run -0 --separate-stderr as alice sec-confctl create -n standup \
	    --title 'Every day' bob
	[ "$output" = standup ]
	run -1 --separate-stderr as bob sec-confctl create -n standup
	[ -z "$output" ]
	[[ $stderr == "sec-confctl: "*taken* ]]
	run -0 as bob sec-confctl list
	[[ $output =~ ^standup\ +text\ +2\ +alice\ +[0-9:]+\ +Every\ day$ ]]
	run -0 as bob sec-confctl show -j conf:standup
	[[ $output == *'"title":"Every day"'* ]]
}

@test "names from stdin; JSON: the id, then the answers" {
	run -0 --separate-stderr as alice bash -c \
	    'printf "%s\n" bob erin | sec-confctl create -j -'
	[ -z "$stderr" ]
	jq -es 'length == 3 and (.[0].conf | test("^sip:c-.*@conf.lab.test$"))
	    and (.[1:] | map([.user, .result, .code]) | sort) ==
	    [["sip:bob@lab.test","accepted",200],
	    ["sip:erin@lab.test","declined",603]]' <<<"$output"
}

@test "who may: not a stranger, not a member alone" {
	as alice sec-confctl create -n mine bob
	run -4 --separate-stderr as erin sec-confctl join mine
	[[ $stderr == "sec-confctl: "* ]]
	run -4 --separate-stderr as erin sec-confctl show mine
	run -4 --separate-stderr as bob sec-confctl end mine
	run -5 --separate-stderr as bob sec-confctl join nowhere
	as alice sec-confctl end mine
	until_ok eval '[ -z "$(as bob sec-confctl list -q)" ]'
}

# who CONF: those who are in, as henry sees it.
who() { as henry sec-confctl show "$1" | awk 'NR > 1 && $2 == "active" { print $1 }' | xargs; }
who_is() { [ "$(who "$1")" = "$2" ]; }

@test "S002 S010 S011: each asks the next, and the creator goes first" {
	c=$(as alice sec-confctl create bob)
	before=bob
	for u in frank gina henry; do
		as $before sec-confctl invite -W "$c" $u
		before=$u
	done
	until_ok who_is "$c" "alice bob frank gina henry"
	# Nothing in it says how many or how long.
	run -0 as henry sec-confctl show -j "$c"
	run ! grep -qE '"(max|limit|until|expires)' <<<"$output"
	as alice sec-confctl leave "$c"
	until_ok who_is "$c" "bob frank gina henry"
	echo "still here" | as bob sec-talk -s "$c"
	await henry --since 0 -c "$c" -e text |
	    jq -e '.text == "still here" and (.user | startswith("sip:bob@"))'
}

@test "S185 S186: the same people in overlapping conferences at once" {
	three=$(as alice sec-confctl create -W bob henry)
	two=$(as alice sec-confctl create -W henry)
	[ "$(as henry sec-confctl list -q | wc -l)" = 2 ]
	for c in "$three" "$two"; do
		echo "this is $c" | as alice sec-talk -s "$c"
	done
	echo "heard" | as henry sec-talk -s "$two"
	echo "heard too" | as henry sec-talk -s "$three"
	texts() {
		as "$1" sec-watch -T 0 --since 0 -c "$2" -e text | jq -r .text
	}
	await henry --since 0 -c "$three" -e text --by henry
	[ "$(texts henry "$two")" = "this is $two"$'\nheard' ]
	[ "$(texts henry "$three")" = "this is $three"$'\nheard too' ]
	[ "$(texts alice "$two")" = "this is $two"$'\nheard' ]
	# bob, who is in one of them, has nothing of the other.
	await bob --since 0 -c "$three" -e text --by henry
	[ "$(as bob sec-watch -T 0 --since 0 -e text | jq -r .conf |
	    grep -c "$two")" = 0 ]
}
