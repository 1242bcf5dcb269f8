#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# What stays of a thing that happened while somebody was away.
#
#   bob, carol      sec-pal   sec-confctl   mtcu1   mtcu2
#    | in one conference: its router is one of the two
#    |                 X          |           |       |   dialogs live on
#    | ends it ------------------>|           |       |
#    |<-------- 200, on disk -----X           |       |   it is over
#    |                            X           X       X   all three down
#    |                            |<---------/ \----->|   only the other
#    | text goes on by the one that is there ---------|   one comes back

load ../lib/lab

setup_file() {
	lab_up alice bob
	as bob sec-confctl answer accept
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() { show_logs; }

router_of() { # CONFERENCE: its server's name
	local n
	n=$(db conf.db "select server from conference_medium join conference
	    on id = conf where name = '$1' and medium = 'text'")
	awk -v n="$n" '$1 == n { print $2 }' "$SEC_DIR/etc/servers"
}

say() { # USER CONFERENCE TEXT: until it is delivered to all
	local user=$1 conf=$2 text=$3
	until_ok eval 'echo "$text" | as "$user" sec-talk -s "$conf"'
}

dialogs() { # of the roster of s
	db pal.db "select replace(id, char(10), '/') from subscription
	    where target = 'sip:s@conf.lab.test' order by id"
}

agents_are_back() { agent_is_back alice && agent_is_back bob; }

@test "S092 S093 S109: subscriptions to a roster outlive sec-pal" {
	as alice sec-confctl create -q -W -n s bob
	until_ok eval '[ "$(dialogs | wc -l)" = 2 ]'
	before=$(dialogs)
	kill_daemon pal
	until_ok agents_are_back
	[ "$(dialogs)" = "$before" ]
	# And they carry news.
	m=$(mark alice)
	as bob sec-pal set busy
	await alice --since "$m" -c s -e conf.status --by bob |
	    jq -e '.status == "busy"'
	as bob sec-pal set available
	await alice --since "$m" -c s -e conf.status --by bob >/dev/null
	# A logout ends them.
	until_ok shows alice bob available
	as alice sec-confctl create -q -W -n other bob
	m=$(mark alice)
	as bob sec-login -k
	await alice --since "$m" -c s -e conf.leave --by bob
	[ "$(dialogs | wc -l)" = 1 ]
	log_in bob
	as bob sec-confctl answer accept
	as alice sec-confctl invite s bob
}

@test "S029: what was ended stays ended, whatever dies next" {
	for round in 1 2 3; do
		as alice sec-confctl create -q -W -n "over$round" bob
		as alice sec-confctl end "over$round"
		sec-lab kill confctl 3>&-
		[ -z "$(db conf.db "select id from conference
		    where name = 'over$round'")" ]
		until_ok daemon_is_well confctl
		until_ok agents_are_back
	done
}

@test "S099: both routers and the controller die, one router comes back" {
	gone=$(router_of s)
	for d in mtcu1 mtcu2; do [ $d = "$gone" ] || there=$d; done
	say alice s "before"
	for d in confctl mtcu1 mtcu2; do sec-lab stop $d 3>&-; done
	sec-lab start confctl 3>&-
	until_ok agents_are_back
	sec-lab start "$there" 3>&-
	until_ok eval '[ "$(router_of s)" = "$there" ]'
	say alice s "by the other one"
	texts bob s | grep -qxF "alice: by the other one"
	sec-lab start "$gone" 3>&-
	until_ok daemon_is_well "$gone"
	databases_are_sound
}

@test "S099: a router that drains hands its conferences over" {
	from=$(router_of s)
	sec-ctl "$SEC_DIR/run/$from.sock" drain
	until_ok eval '[ "$(router_of s)" != "$from" ]'
	say bob s "on the new one"
	texts alice s | grep -qxF "bob: on the new one"
	until_ok eval '! sec-ctl "$SEC_DIR/run/$from.sock" conferences |
	    grep -q "sip:s@"'
}
