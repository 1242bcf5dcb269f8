#!/usr/bin/env bats
# STORIES 1.4: add and remove a buddy; who watches me.
#
#	[alice] $ sec-pal add dave    -- SUBSCRIBE To dave, entry --> sec-pal
#	                              <-- 200, his row --------------  rule?
#	[dave's agent]                <-- SUBSCRIBE, watcher alice --
#	[dave] $ sec-pal watchers     -- SUBSCRIBE To pal, Expires 0 ->
#
# S061: added and deleted by the user. S052: only what was selected is told.
# S160: by rule. S163-S166: the watched one knows who watches.
load ../lib/lab

setup_file() {
	lab_up alice bob carol
	sec-lab user dave vpfinance
	# As if they had never met.
	as alice sec-pal rm dave vpfinance
	as dave sec-pal rm alice bob carol vpfinance
	as vpfinance sec-pal rm alice bob carol dave
	as dave sec-login -k
	sec-admin object add lamp:bedroom --owner carol
	as carol sec-pal put lamp:bedroom state=on -t 1h
	as bob sec-confctl create --open -n helpdesk
}
teardown_file() { lab_down; }
teardown() { show_logs; }

@test "S061: a user who is not there, a conference, a lamp; and out again" {
	run -0 --separate-stderr as alice sec-pal add dave conf:helpdesk \
	    lamp:bedroom
	[[ ${lines[0]} =~ ^dave\ +offline$ ]]
	[[ ${lines[1]} =~ ^conf:helpdesk\ +open\ +1\ in$ ]]
	[[ ${lines[2]} =~ ^lamp:bedroom\ +on$ ]]
	[ ${#lines[@]} = 3 ]
	[ -z "$stderr" ]
	as alice sec-pal -q | grep -qx dave
	run -0 as alice sec-pal rm dave
	[ -z "$output" ]
	[ "$(as alice sec-pal -q | grep -cx dave)" = 0 ]
	run -5 --separate-stderr as alice sec-pal rm dave
	[[ $stderr == "sec-pal: dave: "* ]]
	as alice sec-pal rm conf:helpdesk lamp:bedroom
}

@test "added twice is there once; oneself may be added too" {
	as alice sec-pal add bob
	as alice sec-pal add bob
	[ "$(as alice sec-pal -q | grep -cx bob)" = 1 ]
	run -0 as alice sec-pal add alice
	[[ $output =~ ^alice\ +available ]]
	as alice sec-pal rm alice
}

@test "a note of one's own beside the entry" {
	run -0 as alice sec-pal add -N "night shift" bob
	[[ $output =~ ^bob\ +available\ +night\ shift$ ]]
	as alice sec-pal | grep -qE '^bob +available +..:.. +night shift$'
	as alice sec-pal -j list bob | jq -e '.label == "night shift"'
	as bob sec-pal set away -N lunch
	until_ok eval 'as alice sec-pal | grep -q "lunch (night shift)"'
	# Nobody else sees it.
	[ "$(as carol sec-pal -j list bob | jq -r .label)" = null ]
	as bob sec-pal set available
	as alice sec-pal add bob
	as alice sec-pal -j list bob | jq -e '.label == null'
}

@test "S052: what was not selected tells nothing" {
	as alice sec-pal add --attrs status bob
	m=$(mark alice)
	for i in 1 2 3; do
		as bob sec-pal set available -N "note $i"
	done
	as bob sec-pal set busy -N "the last"
	# Nothing came before this, and the note is in nothing.
	await alice --since "$m" -e pal -c bob |
	    jq -e '.status == "busy" and .note == null'
	run -0 as alice sec-pal get bob status
	[ "$output" = busy ]
	as bob sec-pal set available
	as alice sec-pal add bob
}

@test "S160: not permitted, by which rule, and the others all the same" {
	sec-admin rule add same-org 'deny whom=vpfinance'
	run -4 --separate-stderr as alice sec-pal add vpfinance
	[ "$stderr" = 'sec-pal: vpfinance: not permitted by rule "same-org" (ask an administrator)' ]
	[ -z "$output" ]
	run -4 --separate-stderr as alice sec-pal show vpfinance
	[[ $stderr == 'sec-pal: vpfinance: not permitted by rule "same-org"'* ]]
	run -4 --separate-stderr as alice sec-watch -T 10 -c vpfinance@lab.test
	[[ $stderr == *'not permitted by rule "same-org"'* ]]
	run -4 --separate-stderr as alice sec-pal add vpfinance dave
	[[ $output =~ ^dave\ +offline$ ]]
	as alice sec-pal rm dave
	sec-admin rule rm same-org
	run -0 as alice sec-pal add vpfinance
	[[ $output =~ ^vpfinance\ +available$ ]]
	# A rule takes it away at once, and gives it back.
	sec-admin rule add same-org 'deny whom=vpfinance'
	until_ok eval 'as alice sec-pal | grep -qE "^vpfinance +denied .*by rule \"same-org\""'
	sec-admin rule rm same-org
	until_ok eval 'as alice sec-pal | grep -qE "^vpfinance +available"'
	as alice sec-pal rm vpfinance
}

@test "S166: who watches me; S163: and I am told when somebody begins" {
	run -0 as alice sec-pal watchers
	[ "$output" = $'bob\ncarol' ]
	run -0 as alice sec-pal watchers -j
	jq -es 'map(.entry) == ["sip:bob@lab.test", "sip:carol@lab.test"]' \
	    <<<"$output"
	m=$(mark alice)
	as carol sec-pal rm alice
	await alice --since "$m" -e pal.watcher --by carol |
	    jq -e '.state == "gone"'
	run -0 as alice sec-pal watchers
	[ "$output" = bob ]
	m=$(mark alice)
	as carol sec-pal add alice
	await alice --since "$m" -e pal.watcher --by carol |
	    jq -e '.state == "new"'
	# The present has them too.
	as alice sec-watch -T 0 --state -e pal.watcher |
	    jq -es 'map(.user) | sort ==
		["sip:bob@lab.test", "sip:carol@lab.test"]'
}

@test "watch: the list, and each change of it in a line" {
	local pids=()
	cd "$BATS_TEST_TMPDIR" || return
	as alice sec-pal rm dave 2>/dev/null || :
	as bob sec-pal set available
	until_ok shows alice bob available
	sec-lab run alice sec-pal watch >all 3>&- &
	pids+=($!)
	sec-lab run alice sec-pal watch -j bob >json 3>&- &
	pids+=($!)
	until_ok grep -qE '^bob +available' all
	until_ok grep -q '"sip:bob@lab.test"' json
	as bob sec-pal set busy -N "in review"
	until_ok grep -qE '^bob  busy  [0-9:]{5}  in review$' all
	until_ok grep -q '"status":"busy"' json
	as alice sec-pal add dave
	until_ok grep -qE '^dave  offline' all
	as alice sec-pal rm dave
	until_ok grep -qx 'dave  removed' all
	as bob sec-pal set available
	until_ok eval '[ "$(grep -c "^bob .*available" all)" = 2 ]'
	kill "${pids[@]}"
	wait "${pids[@]}" || :
	# Whom one has not asked for is in none of it.
	jq -se 'all(.[]; .entry == "sip:bob@lab.test") and
	    (map(.status) | contains(["available", "busy"]))' json
	run -9 as alice sec-pal watch -T 1 bob
	run -5 as alice sec-pal watch nobodyhere
}

@test "what is typed wrong is said before anybody is asked" {
	run -2 --separate-stderr as alice sec-pal add Lamp:bedroom
	[[ $stderr == *"TYPE:NAME"* ]]
	run -2 --separate-stderr as alice sec-pal add --attrs 'A B' bob
	run -2 --separate-stderr as alice sec-pal add
	run -2 --separate-stderr as alice sec-pal rm
	run -5 --separate-stderr as alice sec-pal add lmap:bedroom
	[[ $stderr == "sec-pal: lmap:bedroom: "* ]]
	run -5 --separate-stderr as alice sec-pal add lamp:kitchen
	[[ $stderr == "sec-pal: lamp:kitchen: "* ]]
}
