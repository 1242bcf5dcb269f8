#!/usr/bin/env bats
# STORIES 1.6: a lamp is a buddy too.
#
#	[porchpi] $ ... | sec-pal put lamp:bedroom state=on  -- PUBLISH -->
#	                                                           sec-pal
#	[alice] $ sec-watch -e pal -c lamp:bedroom -x ...   <-- NOTIFY --
#
# S053-S055, S059: things, stored by the PAL manager, of types that the
# provider defines; S062.
load ../lib/lab

setup_file() {
	lab_up alice bob porchpi
	as alice sec-pal rm porchpi
	sec-admin object add lamp:bedroom --owner porchpi
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit 1; }
teardown() {
	[ -z "${watcher-}" ] || kill "$watcher" 2>/dev/null || :
	show_logs
}

put() { as porchpi sec-pal put lamp:bedroom "$@"; }

# watch_lamp [OPTIONS]: alice's sec-watch in the background, into seen.
watch_lamp() {
	sec-lab run alice sec-watch -e pal -c lamp:bedroom "$@" \
	    >seen 2>seen.err 3>&- &
	watcher=$!
}
told() { grep -q "$1" seen; }

# The dialogs that sec-pal has on the lamp.
dialogs() {
	db pal.db "select count(*) from subscription
	    where target = 'sip:bedroom@lamp.lab.test'"
}
dialogs_are() { [ "$(dialogs)" = "$1" ]; }

@test "a loop at the lamp, a hook at alice's" {
	put state=off
	watch_lamp -x 'echo "bedroom lamp $SEC_EV_STATE"'
	until_ok dialogs_are 1
	printf '%s\n' on off on | while read -r v; do
		put state="$v"
		until_ok eval 'told "lamp $v"'
	done
	until_ok eval '[ "$(wc -l <seen)" -ge 3 ]'
	[ "$(head -n 1 seen)" = "bedroom lamp on" ]
	[ "$(sed -n 2p seen)" = "bedroom lamp off" ]
	run -0 as alice sec-pal get lamp:bedroom state
	[ "$output" = on ]
	kill "$watcher"
	wait "$watcher" || :
	# The dialog has gone with it.
	until_ok dialogs_are 0
}

@test "one dialog however many look; who begins is told how it is now" {
	put state=on
	watch_lamp --state
	until_ok told '"now":true'
	as alice sec-watch -1 -T 20 --state -e pal -c lamp:bedroom |
	    jq -e '.state == "on" and .type == "lamp" and .now'
	dialogs_are 1
	sec-lab run alice sec-watch -1 -T 20 -e pal -c lamp:bedroom \
	    >other 3>&- &
	other=$!
	until_ok dialogs_are 1
	until_ok eval 'put state=off; put state=on; [ -s other ]'
	wait "$other"
	# The first goes on.
	dialogs_are 1
	put state=off
	until_ok told '"state":"off"'
	# In the list, it needs no dialog of its own.
	as alice sec-pal add lamp:bedroom
	kill "$watcher"
	wait "$watcher" || :
	until_ok dialogs_are 0
	watch_lamp --state
	until_ok told '"now":true'
	put state=on
	until_ok told '"state":"on"'
	dialogs_are 0
	[ "$(grep -c '"state":"on"' seen)" = 1 ]
	as alice sec-pal rm lamp:bedroom
}

@test "only who may publishes" {
	run -4 --separate-stderr as alice sec-pal put lamp:bedroom state=on
	[[ $stderr == "sec-pal: lamp:bedroom: "* ]]
	run -5 --separate-stderr as porchpi sec-pal put lamp:nowhere state=on
	run -11 --separate-stderr put brightness=3
	[[ $stderr == *brightness* ]]
	run -2 --separate-stderr put state
	run -2 --separate-stderr put status=on
	run -2 --separate-stderr as porchpi sec-pal put bedroom state=on
	run -5 --separate-stderr as alice sec-pal get lamp:bedroom colour
	[ "$stderr" = "sec-pal: lamp:bedroom has no colour" ]
}

@test "S059: a lamp that nobody hears of any more is stale" {
	as alice sec-pal add lamp:bedroom
	m=$(mark alice)
	put state=on -t 10
	await_that alice '.stale == true' --since "$m" -e pal -c lamp:bedroom
	as alice sec-pal | grep -qE '^lamp:bedroom +on +..:.. +stale$'
	as alice sec-pal show lamp:bedroom | grep -q 'stale$'
	put state=off
	until_ok eval 'as alice sec-pal | grep -qE "^lamp:bedroom +off +..:..$"'
	as alice sec-pal rm lamp:bedroom
}

@test "S054: a type of the provider's own, of which two attributes" {
	printf 'printer publish=owner state! paper! toner\n' >"$SEC_DIR/etc/types"
	hup
	sec-admin object add printer:2nd-floor --owner porchpi
	as porchpi sec-pal put printer:2nd-floor state=ready paper=a4 toner=80
	run -0 as bob sec-pal add printer:2nd-floor
	[[ $output =~ ^printer:2nd-floor\ +ready$ ]]
	run -0 as bob sec-pal show printer:2nd-floor
	[[ $output =~ paper\ +a4 ]]
	[[ $output =~ toner\ +80 ]]
	[ "$(as bob sec-pal get printer:2nd-floor toner)" = 80 ]
	as bob sec-pal -j list printer:2nd-floor |
	    jq -e '.type == "printer" and .paper == "a4"'
}
