#!/usr/bin/env bats
# Moderation: who may speak and who comes in, changed while a conference runs
# (S132). The routers enforce it, not the clients.
#
#	moderator   controller     MTCU MCU  sec-pal      member
#	  |-- mute ---->|             |    |     |           |
#	  |             |-- speak off>|--->|     |           |
#	  |             |-- member muted=1 ----->|           |
#	  |<-- 200 -----|             |    |     |-- NOTIFY >|
#	  |             |             |<- MESSAGE, 403 ------|
#
#	who is new    controller   moderator
#	  |-- INVITE --->|             |
#	  |<-- 182 ------|-- INFO ---->|
#	  |              |<-- admit ---|
#	  |<-- 200 ------|

bats_require_minimum_version 1.5.0
load ../lib/lab
load ../lib/device
load ../lib/sound

setup_file() {
	lab_up alice bob carol dave
	local u
	for u in bob carol; do as "$u" sec-confctl answer accept; done
}

teardown_file() { lab_down; }

setup() { cd "$BATS_TEST_TMPDIR" || return; }

teardown() {
	show_logs
	[ -z "${stopped-}" ] || kill -CONT $stopped || :
	local p u
	for p in $(jobs -p); do kill "$p" 2>/dev/null || :; done
	for u in bob carol dave alice; do
		as "$u" sec-confctl leave -a || :
	done >/dev/null 2>&1
}

# member USER CONF JQ: of the roster as alice sees it.
member() {
	as alice sec-confctl show -j "$2" |
	    jq -e --arg u "sip:$1@lab.test" \
		".members[] | select(.user == \$u) | $3"
}
# is_so CONF JQ: what alice sees of it.
is_so() { as alice sec-confctl show -j "$1" | jq -e "$2"; }

# says USER CONF TEXT: a text that counts as delivered, or why not.
says() { as "$1" sec-talk -1 -s "$2" <<<"$3"; }
# may USER CONF; may_not: it is refused.
may() { says "$1" "$2" "from-$1"; }
may_not() {
	local status=0
	says "$1" "$2" refused || status=$?
	[ "$status" = 4 ]
}
# heard USER CONF TEXT
heard() { texts "$1" "$2" | grep -q ": $3\$"; }

# joins USER CONF: in the background; $joining is its pid.
joins() {
	as "$1" sec-confctl join "$2" >"join.$1" 2>&1 &
	joining=$!
}
waits() { member "$1" "$2" '.status == "waiting"'; }

@test "mute and unmute: the roster says so, and texts are refused" {
	as alice sec-confctl create -n m1 bob carol
	local at
	at=$(mark bob)
	as alice sec-confctl mute m1 bob
	await_that bob '.muted == true and .user == "sip:bob@lab.test"' \
	    --since "$at" -c m1 -e conf.status
	member bob m1 '.muted == true'
	run -4 --separate-stderr says bob m1 hello
	[[ $stderr == *"you are muted"* ]]
	as alice sec-confctl show m1 | grep -qE '^bob +active +text +muted$'
	# Leaving is no way out of it.
	as bob sec-confctl leave m1
	as bob sec-confctl join m1
	member bob m1 '.muted == true'
	until_ok may_not bob m1
	at=$(mark bob)
	as alice sec-confctl unmute m1 bob
	await_that bob '.muted == false' --since "$at" -c m1 -e conf.status
	member bob m1 '.muted == null'
	says bob m1 again
	until_ok heard carol m1 again
	run ! heard carol m1 hello
}

@test "the text router enforces it, whatever the client believes" {
	as alice sec-confctl create -n m2 bob carol
	as carol sec-talk -l m2 >carol.talk 2>&1 3>&- &
	local talk=$!
	until_ok eval 'says bob m2 before; grep -q "bob: before" carol.talk'
	# His agent does not hear of it, and lets him say what he wants.
	stopped=$(daemon_pid pal)
	kill -STOP "$stopped"
	as alice sec-confctl mute m2 bob
	local n=0
	refused() {
		local status=0
		says bob m2 "secret-$((++n))" 2>why || status=$?
		[ "$status" = 4 ]
	}
	# Nor has he a moment: the answer comes after the router's.
	refused
	grep -q 'you may not speak here' why
	kill -CONT "$stopped"
	stopped=
	says alice m2 after
	until_ok heard carol m2 after
	run ! heard carol m2 "secret-$n"
	# And nobody misses what was refused.
	as alice sec-confctl unmute m2 bob
	until_ok says bob m2 "after-$n"
	until_ok grep -q "bob: after-$n" carol.talk
	kill "$talk"
	run ! grep missing carol.talk
}

@test "S132: who mutes is told that a router has not taken it" {
	as alice sec-confctl create -n m4 bob
	stopped="$(daemon_pid mtcu1) $(daemon_pid mtcu2)"
	kill -STOP $stopped
	run -9 as alice sec-confctl mute m4 bob
	kill -CONT $stopped
	stopped=
	until_ok may_not bob m4
	as alice sec-confctl unmute m4 bob
	until_ok may bob m4
	# One that is lost holds up nobody.
	for n in mtcu1 mtcu2; do sec-lab stop $n 3>&-; done
	as alice sec-confctl mute m4 bob
	for n in mtcu1 mtcu2; do sec-lab start $n 3>&-; done
	until_ok may_not bob m4
}

@test "the voice router sends nothing on of who is muted" {
	as alice sec-confctl create -n m3 -m voice bob
	as alice sec-confctl mute m3 bob
	tone t.wav 440 1
	as alice sec-talk -i null -o h.wav m3 >ear 2>&1 &
	local ear=$! before
	before=$(held_back)
	as bob sec-talk -i t.wav -o null -n 1 m3
	kill -TERM "$ear"
	wait "$ear" || :
	silent h.wav
	# It was said, for a second, and got no further than the router.
	[ $(($(held_back) - before)) -ge 40 ]
	as alice sec-confctl unmute m3 bob
	as alice sec-talk -i null -o h2.wav m3 >ear 2>&1 &
	ear=$!
	as bob sec-talk -i t.wav -o null -n 1 m3
	kill -TERM "$ear"
	wait "$ear" || :
	about "$(hertz h2.wav)" 440
}

@test "S132: a voice router that starts again knows who is muted" {
	as alice sec-confctl create -n m5 -m voice bob
	as alice sec-confctl mute m5 bob
	tone t.wav 440 90
	as alice sec-talk -i null -o h.wav m5 >ear 2>&1 3>&- &
	local ear=$! before talk n
	before=$(held_back)
	as bob sec-talk -i t.wav -o null -n 1 m5 >talk 2>&1 3>&- &
	talk=$!
	until_ok is_held $((before + 10))
	for n in mcu1 mcu2; do kill_daemon $n; done
	# He has talked all the time; theirs are new counts.
	until_ok grep -q 'voice is back after' talk
	until_ok is_held 40
	kill -TERM "$ear"
	wait "$ear" || :
	silent h.wav
	as alice sec-confctl unmute m5 bob
	as alice sec-talk -i null -o h2.wav -t 4 m5
	about "$(hertz h2.wav)" 440
	kill -TERM "$talk"
	wait "$talk" || :
}
is_held() { [ "$(held_back)" -ge "$1" ]; }

# held_back: packets of who may not speak, at all voice routers.
held_back() {
	local n
	for n in mcu1 mcu2; do
		sec-ctl "$SEC_DIR/run/$n.sock" status
	done | grep -aoP 'what=muted\tn=\K[0-9]+' | awk '{ n += $1 }
	    END { print n + 0 }'
}

@test "speak=moderators, and back, while it runs" {
	as alice sec-confctl create -n s1 bob carol
	as alice sec-confctl set s1 moderator+=carol
	local at
	at=$(mark bob)
	as alice sec-confctl set s1 speak=moderators
	await_that bob '.speak == "moderators"' --since "$at" -c s1 \
	    -e conf.policy
	is_so s1 '.speak == "moderators"'
	member carol s1 '.role == "moderator"'
	as bob sec-confctl show s1 | grep -q 'speak=moderators'
	until_ok may_not bob s1
	until_ok may alice s1
	until_ok may carol s1
	as alice sec-confctl set s1 moderator-=carol
	until_ok may_not carol s1
	as alice sec-confctl set s1 speak=all
	until_ok may bob s1
	until_ok may carol s1
	run -2 as alice sec-confctl set s1 speak=nobody
}

@test "speak=asked: a hand, the floor, and back" {
	as alice sec-confctl create -n s2 bob carol
	as alice sec-confctl set s2 speak=asked
	until_ok may_not bob s2
	# Nobody is given the floor who has not asked for it.
	run -1 --separate-stderr as alice sec-confctl unmute s2 bob
	[[ $stderr == *"bob has not raised a hand"* ]]
	run -4 as carol sec-confctl unmute s2 bob
	local at
	at=$(mark alice)
	as bob sec-confctl raise s2
	await_that alice '.hand == true and .user == "sip:bob@lab.test"' \
	    --since "$at" -c s2 -e conf.status
	as alice sec-confctl show s2 | grep -qE '^bob +active +text +hand$'
	may_not bob s2
	as alice sec-confctl unmute s2 bob
	member bob s2 '.floor == true and .hand == null'
	until_ok may bob s2
	until_ok may_not carol s2
	as bob sec-confctl lower s2
	member bob s2 '.floor == null'
	until_ok may_not bob s2
	# To be muted is to lose it.
	as bob sec-confctl raise s2
	as alice sec-confctl unmute s2 bob
	as alice sec-confctl mute s2 bob
	member bob s2 '.floor == null and .muted == true'
	as bob sec-confctl raise s2
	as alice sec-confctl unmute s2 bob
	until_ok may bob s2
	# So is another rule, and so is leaving.
	as alice sec-confctl set s2 speak=moderators
	as alice sec-confctl set s2 speak=asked
	member bob s2 '.floor == null'
	as bob sec-confctl raise s2
	as bob sec-confctl leave s2
	as bob sec-confctl join s2
	member bob s2 '.hand == null'
}

@test "moderators may what they may, and nobody else" {
	as alice sec-confctl create -n r1 bob carol
	run -4 --separate-stderr as bob sec-confctl mute r1 carol
	[[ $stderr == *"only alice (creator) and moderators may do that"* ]]
	for verb in lock unlock; do run -4 as bob sec-confctl $verb r1; done
	run -4 as bob sec-confctl set r1 speak=all
	run -4 as bob sec-confctl set r1 moderator+=bob
	as alice sec-confctl set r1 moderator+=bob,carol
	as bob sec-confctl set r1 title=ours
	is_so r1 '.title == "ours"'
	# Neither one another nor the creator.
	run -4 as bob sec-confctl mute r1 alice
	run -4 as bob sec-confctl mute r1 carol
	# What the routers carry is policy too (S132); what it is, is not.
	as bob sec-confctl set r1 streams=2 select=first
	is_so r1 '.streams == 2 and .select == "first"'
	run -4 as bob sec-confctl set r1 streams=1 media=text,voice
	run -4 as bob sec-confctl set r1 record=no
	is_so r1 '.streams == 2 and .record == "yes"'
	run -4 as bob sec-confctl set r1 moderator-=carol
	as alice sec-confctl set r1 moderator-=carol
	as bob sec-confctl mute r1 carol
	run -4 as carol sec-confctl unmute r1 carol
	# Whom the owner has muted stays so, though he is a moderator.
	as alice sec-confctl set r1 moderator+=carol
	as alice sec-confctl unmute r1 carol
	as alice sec-confctl mute r1 bob
	run -4 --separate-stderr as bob sec-confctl unmute r1 bob
	[[ $stderr == *"only alice (creator) may do that"* ]]
	run -4 as carol sec-confctl unmute r1 bob
	as alice sec-confctl mute r1 alice
	as alice sec-confctl unmute r1 alice,bob
	run -4 as bob sec-confctl mute r1 bob
	run -5 as bob sec-confctl mute r1 dave
	run -2 as bob sec-confctl mute r1 ,
}

@test "the last moderator leaves: what he has set stays, the creator may all" {
	as alice sec-confctl create -n r2 bob carol
	as alice sec-confctl set r2 moderator+=bob
	as bob sec-confctl set r2 speak=moderators
	as bob sec-confctl mute r2 carol
	as bob sec-confctl leave r2
	is_so r2 '.speak == "moderators"'
	member carol r2 '.muted == true'
	until_ok may_not carol r2
	as alice sec-confctl unmute r2 carol
	as alice sec-confctl set r2 speak=all
	until_ok may carol r2
	# A moderator is one again when he is back.
	as bob sec-confctl join r2
	member bob r2 '.role == "moderator"'
	as bob sec-confctl mute r2 carol
}

@test "an owner's and a moderator's commands at once: one after the other" {
	as alice sec-confctl create -n r3 bob carol
	local i status
	for i in 1 2 3 4 5; do
		as alice sec-confctl set r3 moderator+=bob
		as alice sec-confctl set r3 moderator-=bob &
		local owner=$!
		status=0
		as bob sec-confctl mute r3 carol 2>why || status=$?
		wait "$owner"
		case $status in
		0) member carol r3 '.muted == true' ;;
		4) member carol r3 '.muted == null' ;;
		*) false ;;
		esac
		member bob r3 '.role == null'
		run -4 as bob sec-confctl unmute r3 carol
		as alice sec-confctl unmute r3 carol
	done
}

# Nothing is changed behind the members' backs, or in half of the ways to see
# it.
@test "each setting is an event, and shows; a refused one is neither" {
	as alice sec-confctl create -n e1 -p bob
	local at set name value as_json
	at=$(mark bob)
	for set in "title=Tea at four" streams=7 select=first level=off \
	    access=domain record=no speak=moderators lobby=on \
	    invite=moderators directory=yes history=50 history-from=begin \
	    media=text,voice; do
		name=${set%%=*}
		name=${name/-/_}
		value=${set#*=}
		case $name in
		streams) as_json=$value ;;
		media) as_json='["text","voice"]' ;;
		*) as_json="\"$value\"" ;;
		esac
		run ! is_so e1 ".$name == $as_json"
		run -4 as bob sec-confctl set e1 "$set"
		as alice sec-confctl set e1 "$set"
		await_that bob ".$name == $as_json" --since "$at" -c e1 \
		    -e conf.policy
		until_ok is_so e1 ".$name == $as_json"
		as bob sec-confctl show -j e1 | jq -e ".$name == $as_json"
	done
	as alice sec-confctl lock e1
	await_that bob '.locked == "yes"' --since "$at" -c e1 -e conf.policy
	# One event for each, and none for what was refused.
	as bob sec-watch -T 0 --since "$at" -c e1 -e conf.policy |
	    jq -se 'length == 14'
	as alice sec-confctl end -y e1
}

@test "invite=moderators: only they invite, and all again" {
	as alice sec-confctl create -n i1 --open bob carol
	as alice sec-confctl set i1 moderator+=carol
	local at
	at=$(mark bob)
	as carol sec-confctl set i1 invite=moderators
	await_that bob '.invite == "moderators"' --since "$at" -c i1 \
	    -e conf.policy
	is_so i1 '.invite == "moderators"'
	as bob sec-confctl show i1 | grep -q ' invite=moderators'
	run -4 --separate-stderr as bob sec-confctl invite i1 dave
	[[ $stderr == *"only moderators may invite now"* ]]
	run -4 as bob sec-confctl set i1 invite=all
	[ -z "$(as dave sec-confctl invites -q)" ]
	# A moderator may, who is open to all is open still.
	as carol sec-confctl invite -T 0 i1 dave
	await dave --since 0 -c i1 -e invite.in >/dev/null
	as dave sec-confctl decline i1
	as dave sec-confctl join i1
	as dave sec-confctl leave i1
	kill_daemon confctl
	until_ok may_not_invite bob i1 dave
	as alice sec-confctl set i1 invite=all
	at=$(mark dave)
	as bob sec-confctl invite -T 0 i1 dave
	await dave --since "$at" -c i1 -e invite.in >/dev/null
	run -2 as alice sec-confctl set i1 invite=nobody
}
may_not_invite() {
	local status=0
	as "$1" sec-confctl invite -T 2 "$2" "$3" || status=$?
	[ "$status" = 4 ]
}

@test "lock: nobody new; members' further devices pass" {
	as alice sec-confctl create -n l1 -m text,voice --open bob
	local at
	at=$(mark bob)
	as alice sec-confctl lock l1
	await_that bob '.locked == "yes"' --since "$at" -c l1 -e conf.policy
	is_so l1 '.locked == "yes"'
	as bob sec-confctl show l1 | grep -q ' locked'
	run -4 --separate-stderr as dave sec-confctl join l1
	[[ $stderr == *"it is locked"* ]]
	run -4 as alice sec-confctl invite l1 carol
	device one bob l1
	rows one attached | grep -q .
	as alice sec-confctl unlock l1
	is_so l1 '.locked == "no"'
	as dave sec-confctl join l1
	member dave l1 '.status == "active"'
}

@test "lock and lobby: who is back within his grace is not new" {
	as alice sec-confctl create -n l3 bob
	as alice sec-confctl set l3 lobby=on
	as alice sec-confctl lock l3
	local at
	at=$(mark alice)
	kill -9 "$(agent_pid bob)"
	await_that alice '.status == "unreachable"' --since "$at" -c l3 \
	    -e conf.status
	log_in bob
	until_ok member bob l3 '.status == "active"'
	as bob sec-confctl answer accept
}

@test "lock: who was asked and has not answered is new" {
	as alice sec-confctl create -n l2 bob
	as alice sec-confctl invite l2 dave >out 2>&1 &
	local inviting=$!
	await dave --since 0 -c l2 -e invite.in >/dev/null
	as alice sec-confctl lock l2
	await_that dave '.conf == "sip:l2@conf.lab.test"' --since 0 \
	    -e invite.done
	wait "$inviting" && false
	until_ok eval '! member dave l2 .'
}

@test "lobby: who is new waits until he is let in" {
	as alice sec-confctl create -n y1 -m text,voice --open bob
	as alice sec-confctl set y1 lobby=on
	is_so y1 '.lobby == "on"'
	local at
	at=$(mark alice)
	joins dave y1
	await_that alice '.status == "waiting" and .user == "sip:dave@lab.test"' \
	    --since "$at" -c y1 -e conf.status
	waits dave y1
	as alice sec-confctl show y1 | grep -qE '^dave +waiting'
	# He knows what he waits for; a member need not know.
	as dave sec-confctl show y1 | grep -q waiting
	as dave sec-confctl show -j y1 | jq -e '.state == "waiting"'
	until_ok grep -q 'waiting to be let into y1' join.dave
	run ! grep -q dave <<<"$(as bob sec-confctl show y1)"
	run -4 as bob sec-confctl admit y1 dave
	# Members' further devices pass.
	device one bob y1
	rows one attached | grep -q .
	# And only who lets people in invites.
	run -4 as bob sec-confctl invite y1 carol
	as alice sec-confctl invite y1 carol
	member carol y1 '.status == "active"'
	at=$(mark bob)
	as alice sec-confctl admit y1 dave
	wait "$joining"
	await_that bob '.user == "sip:dave@lab.test"' --since "$at" -c y1 \
	    -e conf.join
	run ! waits dave y1
	may dave y1
}

@test "lobby: refused, thought better of it, and the lobby is off" {
	as alice sec-confctl create -n y2 --open bob
	as alice sec-confctl set y2 lobby=on moderator+=bob
	joins dave y2
	until_ok waits dave y2
	# Bob sees it too, since he may.
	as bob sec-confctl show y2 | grep -qE '^dave +waiting'
	as bob sec-confctl refuse y2 dave
	ended 6 "$joining"
	grep -q 'you were not let in' join.dave
	until_ok eval '! waits dave y2'
	run -5 as bob sec-confctl admit y2 dave
	# CANCEL: his tool ends, nobody waits any more.
	joins dave y2
	until_ok waits dave y2
	local at
	at=$(mark alice)
	as dave sec-confctl leave y2
	await_that alice '.status == "left"' --since "$at" -c y2 \
	    -e conf.status
	wait "$joining" && false
	run ! waits dave y2
	joins dave y2
	until_ok waits dave y2
	as alice sec-confctl set y2 lobby=off
	wait "$joining"
	member dave y2 '.status == "active"'
}

# talks OPTION...: sec-talk of dave in y4, in the background; $talking.
talks() {
	sec-lab run dave sec-talk "$@" y4 >talk.out 2>talk.err \
	    <<<'from dave' 3>&- &
	talking=$!
	until_ok waits dave y4
}
is_older() { [ "$(ps -o etimes= -p "$1")" -ge "$2" ]; }
waiting_event() {
	jq -e '.event == "conf.status" and .user == "sip:dave@lab.test" and
	    .conf == "sip:y4@conf.lab.test" and .status == "waiting"' talk.out
}

@test "lobby: what waiting is like for a script with sec-talk" {
	local note='waiting to be let into y4'
	as alice sec-confctl create -n y4 -m text,voice --open bob
	as alice sec-confctl set y4 lobby=on
	# A limit of its own; and nobody waits any more.
	run -9 --separate-stderr as dave sec-talk -s -T 1 y4 <<<never
	[ -z "$output" ]
	[ "$stderr" = "$note
sec-talk: no answer in time" ]
	until_ok eval '! waits dave y4'
	run -9 --separate-stderr as dave sec-talk -i null -o null -T 1 y4
	[ -z "$output" ]
	[ "$stderr" = "$note
sec-talk: no answer in time" ]
	until_ok eval '! waits dave y4'
	# Refused.
	talks -s
	as alice sec-confctl refuse y4 dave
	ended 6 "$talking"
	[ ! -s talk.out ]
	[ "$(cat talk.err)" = "$note
sec-talk: you were not let in" ]
	talks -j
	until_ok waiting_event
	as alice sec-confctl refuse y4 dave
	ended 6 "$talking"
	waiting_event # and nothing else
	jq -e '.error == "declined" and .code == 6' talk.err
	# Let in: what was to be said is said, and only then -t begins.
	talks -s -j
	until_ok waiting_event
	as alice sec-confctl admit y4 dave
	ended 0 "$talking"
	waiting_event
	[ ! -s talk.err ]
	until_ok heard alice y4 'from dave'
	talks -l -t 1 -v
	until_ok is_older "$talking" 2
	as alice sec-confctl admit y4 dave
	ended 0 "$talking"
	grep -q '^y4: ' talk.err
	run ! heard alice y4 never
	as alice sec-confctl lock y4
	run -4 --separate-stderr as dave sec-talk -s y4 <<<never
	[[ $stderr == *"it is locked"* ]]
	# A signal; and the end.
	as alice sec-confctl unlock y4
	talks -s
	kill -TERM "$talking"
	ended 143 "$talking"
	until_ok eval '! waits dave y4'
	talks -s
	as alice sec-confctl end y4
	ended 5 "$talking"
}

@test "lobby: the conference ends while somebody waits" {
	as alice sec-confctl create -n y3 --open
	as alice sec-confctl set y3 lobby=on
	joins dave y3
	until_ok waits dave y3
	as alice sec-confctl end y3
	ended 5 "$joining"
}

@test "who records is seen to; who may not leaves" {
	as alice sec-confctl create -n v1 -m text,voice bob
	device one bob v1 via=recorder
	device two alice v1
	as alice sec-confctl show v1 |
	    grep -qE '^bob +active +text voice +recorder$'
	member bob v1 '.via == "voip,recorder"'
	as alice sec-confctl set v1 record=no
	until_ok grep -q 'recording is not allowed here any more' one.rows
	member bob v1 '.via == "voip"'
	is_so v1 '.record == "no"'
	# It is still a conference, for who does not record.
	device three bob v1
	rows three attached | grep -q .
	[ "$(said two end)" = 0 ]
}

@test "a controller and a text router that start again know it all" {
	as alice sec-confctl create -n k1 --open bob carol
	as alice sec-confctl set k1 speak=asked moderator+=carol
	as bob sec-confctl raise k1
	as alice sec-confctl unmute k1 bob
	as bob sec-confctl raise k1
	as alice sec-confctl mute k1 carol
	as alice sec-confctl lock k1
	kill_daemon confctl
	until_ok is_so k1 '.speak == "asked" and .locked == "yes"'
	until_ok member carol k1 '.muted == true and .role == "moderator"'
	until_ok member bob k1 '.floor == true and .status == "active"'
	until_ok may_not carol k1
	until_ok may bob k1
	run -4 as dave sec-confctl join k1
	local n
	for n in mtcu1 mtcu2; do kill_daemon $n; done
	until_ok may bob k1
	until_ok may_not carol k1
}

@test "sec-talk tells what moderators do" {
	as alice sec-confctl create -n n1 --open bob
	m=$(mark alice)
	as alice sec-talk -l n1 >talk 2>&1 3>&- &
	local talk=$!
	as alice sec-talk -l -j n1 >json 2>&1 3>&- &
	local json=$!
	# Until both listen.
	hands() {
		as bob sec-confctl raise n1
		as bob sec-confctl lower n1
		grep -q '\* bob raised a hand' talk &&
		    grep -q '"hand":true' json
	}
	until_ok hands
	as alice sec-confctl mute n1 bob
	until_ok grep -q '\* bob was muted (by alice)$' talk
	as alice sec-confctl unmute n1 bob
	as alice sec-confctl set n1 moderator+=bob speak=moderators
	as alice sec-confctl lock n1
	until_ok grep -q '\* n1 now has locked=yes (by alice)$' talk
	until_ok grep -q '"locked"' json
	# A moderator is one who does so as well; who does it himself is none.
	as bob sec-confctl set n1 title=ours
	until_ok grep -q '\* n1 now has title=ours (by bob)$' talk
	as alice sec-confctl kick n1 bob
	until_ok grep -q '\* bob left (removed by alice)$' talk
	until_ok grep -q 'conf.leave' json
	as alice sec-confctl unlock n1
	as bob sec-confctl join n1
	back() { sed '1,/removed by/d' talk | grep -q '\* bob joined$'; }
	until_ok back
	as bob sec-confctl leave n1
	until_ok grep -q '\* bob left$' talk
	kill "$talk" "$json"
	grep -q '\* bob raised a hand$' talk
	grep -q '\* bob lowered the hand$' talk
	grep -q '\* bob was unmuted' talk
	grep -q '\* bob is a moderator' talk
	grep -q '\* n1 now has speak=moderators' talk
	jq -es 'any(.[]; .event == "conf.status" and .hand == true)' json
	jq -es 'any(.[]; .event == "conf.status" and .muted == true)' json
	jq -es 'any(.[]; .event == "conf.policy" and .locked == "yes" and
	    .by == "sip:alice@lab.test")' json
	jq -es 'any(.[]; .event == "conf.leave" and
	    .by == "sip:alice@lab.test")' json
	jq -es 'any(.[]; .event == "conf.leave" and .by == null)' json
	# The same in events, and in the controller's log.
	as alice sec-watch -T 0 --since "$m" -c n1 >events
	jq -es 'any(.[]; .muted == true and .by == "sip:alice@lab.test")' events
	jq -es 'any(.[]; .title == "ours" and .by == "sip:bob@lab.test")' events
	jq -es 'any(.[]; .event == "conf.leave" and
	    .by == "sip:alice@lab.test")' events
	sec-lab log confctl >log 3>&-
	grep -q 'conf.leave conf=n1 .*user=sip:bob.* by=sip:alice@' log
	grep -q 'conf.speak conf=n1 user=bob what=mute by=sip:alice@' log
}
