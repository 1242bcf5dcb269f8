#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# What its owner does to a conference, and that a persistent one outlives
# those who are in it, the programs and the machine.
#
#   alice's agent        sec-confctl              bob's agent, sec-mtcu, ...
#    | PUBLISH `rekey` ----->| new epoch, stored          |
#    |<-- INFO wrap ---------|--------- INFO wrap ------->|
#    |<-- 200 epoch= members=|                            |

load ../lib/lab

setup_file() { lab_up alice bob carol; }
teardown_file() { lab_down; }
teardown() {
	show_logs
	leave_all alice bob carol
}

# epoch CONF: as it is stored.
epoch() { db conf.db "select epoch from conference where name = '$1'"; }

@test "S098: rekey: another key for all, at once, and only by the owner" {
	as alice sec-confctl create -n r1 --open
	as bob sec-confctl join r1
	was=$(epoch r1)
	m=$(mark bob)
	run -0 --separate-stderr as alice sec-confctl rekey r1
	[ "$output" = "key generation $((was + 1)), 2 members" ]
	[ "$(epoch r1)" = $((was + 1)) ]
	await_that bob ".key_gen == $((was + 1))" --since "$m" -c r1 -e conf.key
	run -0 as alice sec-confctl rekey -j r1
	jq -e ".key_gen == $((was + 2)) and .members == 2" <<<"$output"
	run -4 --separate-stderr as bob sec-confctl rekey r1
	[[ $stderr == *"only alice (creator) may do that" ]]
	run -5 --separate-stderr as bob sec-confctl rekey nowhere
	[[ $stderr == *"nowhere: no such conference" ]]
}
