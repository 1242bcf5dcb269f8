#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# The voice router by itself: a sec-mcu, its controller and devices played by
# tests/lib/router_flow.
#
#   controller                  sec-mcu                 devices 1.1, 1.2 ...
#    |-- conference, join ------->|                           |
#    |<-- ok addr= server= -------|                           |
#    |                            |<----- hop packet (up) ----|
#    |                            |------ hop packet (down) ->|
#    |                            |<----- RTP, tag of 1.1 ----|
#    |                            |-- same bytes, tag of each: 1.2, 1.3 ...
#    |<-- lost, found, talk, load-|

load ../lib/lab

setup_file() {
	[ -x "$SEC_BUILD/tests/lib/router_flow" ] ||
		skip "no router_flow: make tests"
}

# scene NAME: its failed checks, if any, and how many there were.
scene() {
	unset SEC_DIR
	run timeout 120 "$SEC_BUILD/tests/lib/router_flow" "$1"
	grep -v ^ok <<<"$output" || :
	[ "$status" = 0 ]
}

# S063 S064 S066 S025
@test "to all members of the packet's conference, unchanged" {
	scene forward
}

@test "forged, replayed, cut and misdirected packets change only counters" {
	scene hostile
}

@test "a device is where a token came back from, not where packets say" {
	scene address
}

# S129-S132
@test "the loudest are heard, the policy changes while they speak" {
	scene loudest
}

@test "keys, muting, holding and leaving as the controller deals them" {
	scene dealing
}

@test "who is silent for 2 s is lost, and found again" {
	scene lost
}

@test "hop statistics of each device: lost, out of order, jitter" {
	scene figures
}

# A little of tests/soak/flood, which is 100,000 a second for 10 s.
@test "junk of all kinds while ten people talk: counted, and nothing lost" {
	unset SEC_DIR
	run timeout 60 "$SEC_BUILD/tests/soak/flood" 2 5000
	echo "# $output" >&3
	[ "$status" = 0 ]
}

@test "sockets from systemd and inetd" {
	scene inherited
}

@test "what a controller could say wrong is refused, and nothing else" {
	scene refusals
}
