#!/usr/bin/env bats
# STORIES 1.8: answer; answering scripts.
#
#	alice's invitation --> bob's agent --+-> bob: accept, decline, busy
#	                                     +-> his rule: answer accept alice
#	                                     +-> his program: sec-watch -x
load ../lib/lab

setup_file() { lab_up alice bob carol dave; }
teardown_file() { lab_down; }
teardown() {
	[ -z "${hook-}" ] || kill "$hook" 2>/dev/null || :
	for u in alice bob carol; do
		as $u sec-confctl leave -a || :
	done
	as bob sec-confctl answer ask
	show_logs
}

# asks INVITER CONF: an invitation of bob that nobody waits for; his id for it.
asks() {
	local m
	m=$(mark bob)
	as "$1" sec-confctl create -T 0 -n "$2" bob >/dev/null
	await bob --since "$m" -e invite.in -c "$2" | jq -r .invite
}

# outcome WHO CONF: what became of bob's invitation, as who asked sees it.
outcome() {
	await "$1" --since 0 -e invite.done -c "$2" | jq -r '.result, .note // ""'
}

@test "one invitation: its row, and accept without a name" {
	first=$(asks alice one)
	run -0 as bob sec-confctl invites
	[[ $output =~ ^$first\ +alice\ +one\ +text\ +[0-9]+s$ ]]
	[[ $first =~ ^i-[a-z0-9]{4}$ ]]
	run -0 as bob sec-confctl accept
	[ "$(as bob sec-confctl list -q)" = one ]
	[ -z "$(as bob sec-confctl invites)" ]
	# accept comes back when I am in.
	echo here | as bob sec-talk -s one
	run -5 --separate-stderr as bob sec-confctl accept
	[[ $stderr == "sec-confctl: "* ]]
}

@test "decline with a note; busy; with several, name it" {
	first=$(asks alice two)
	second=$(asks carol three)
	run -2 --separate-stderr as bob sec-confctl accept
	[[ $stderr == "sec-confctl: "*"$first"*"$second"* ]]
	run -5 --separate-stderr as bob sec-confctl decline i-none
	run -0 as bob sec-confctl decline "$first" -N "after lunch"
	[ "$(outcome alice two)" = $'declined\nafter lunch' ]
	run -0 as bob sec-confctl busy "$second"
	[ "$(outcome carol three)" = busy ]
	[ -z "$(as bob sec-confctl list -q)" ]
	# The note, where somebody waits for it.
	bg sec-lab run alice sec-confctl invite two bob
	await bob --state -e invite.in -c two >/dev/null
	as bob sec-confctl decline -N "after lunch"
	rc=0
	wait $! || rc=$?
	[ "$rc" = 6 ]
	[ "$(cat "$BATS_TEST_TMPDIR/bg.err")" = "bob declined (after lunch)" ]
}

@test "a standing rule for two, and back to asking" {
	as bob sec-confctl answer accept alice,carol
	run -0 --separate-stderr as alice sec-confctl create -W bob
	run -0 --separate-stderr as carol sec-confctl create -W bob
	# Another one: asked about.
	first=$(asks dave four)
	[ "$(as bob sec-confctl invites -q)" = "$first" ]
	as bob sec-confctl decline
	as bob sec-confctl answer ask
	first=$(asks alice five)
	as bob sec-confctl decline "$first"
	# And the other answers as rules.
	as bob sec-confctl answer decline
	run -6 --separate-stderr as alice sec-confctl create bob
	as bob sec-confctl answer busy
	run -7 --separate-stderr as alice sec-confctl create bob
	run -2 --separate-stderr as bob sec-confctl answer perhaps
}

@test "busy by status: the agent itself says so" {
	as bob sec-confctl answer accept
	as bob sec-pal set busy
	until_ok shows alice bob busy
	run -7 --separate-stderr as alice sec-confctl create bob
	# Unless it is asked to ring anyway: then it is his rule that counts.
	run -0 --separate-stderr as alice sec-confctl create --anyway bob
	as bob sec-pal set available
	until_ok shows alice bob available
	run -0 --separate-stderr as alice sec-confctl create bob
}

@test "a program decides: the event on stdin, its fields in the environment" {
	cat >"$BATS_TEST_TMPDIR/decide" <<-'EOF2'
		#!/bin/sh
		# To alice's conferences, but to nobody else's.
		jq -r '.event + " " + .user' >>decided
		case $SEC_EV_USER in
		sip:alice@*) sec-confctl accept "$SEC_EV_INVITE" ;;
		*) sec-confctl decline "$SEC_EV_INVITE" -N "ask alice" ;;
		esac
	EOF2
	chmod +x "$BATS_TEST_TMPDIR/decide"
	cd "$BATS_TEST_TMPDIR"
	# (The mark, for it may come up after the invitation.)
	bg sec-lab run bob sec-watch --since "$(mark bob)" \
	    -e invite.in -x './decide'
	hook=$!
	run -0 --separate-stderr as alice sec-confctl create -n six bob
	[ "$stderr" = "bob accepted" ]
	run -6 --separate-stderr as carol sec-confctl create -n seven bob
	[ "$stderr" = "bob declined (ask alice)" ]
	[ "$(as bob sec-confctl list -q)" = six ]
	[ "$(cat decided)" = "invite.in sip:alice@lab.test
invite.in sip:carol@lab.test" ]
}
