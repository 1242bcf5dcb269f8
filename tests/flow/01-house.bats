#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Fig. 1: who is there, and who speaks to whom.
#
#     agents 170, 172 ----163----> Kerberos 112
#      |  |  |                     control tier 110:
#      |  |  +--165--> sec-pal 116 <===160===> sec-confctl 114
#      |  +---162------------------------------^    ||    ||
#      |                            communications tier 120:
#      +------168--> sec-mtcu 126 <=================++    ||
#                    sec-mtcu 126 <=======================++
#
# ===: server links, under joint and pair key.

load ../lib/lab

setup_file() {
	lab_up --wire "$BATS_FILE_TMPDIR/wire.pcap" alice bob
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -n t bob
}
teardown_file() { lab_down; }
teardown() { show_logs; }

# peers PID: whom a process is connected to, HOST:PORT.
peers() {
	ss -Htnp state established | grep "pid=$1," | awk '{print $4}'
}
# address NAME: of a server, as `servers` has it.
address() {
	awk -v n="$1" '$2 == n {print $4}' "$SEC_DIR/etc/servers"
}
agent_pid() {
	sec-ctl "$SEC_DIR/run/$1@lab.test.sock" status | tr '\t' '\n' |
	    sed -n 's/^pid=//p'
}

link_down() {
	sec-lab log confctl | grep -q "link.down server=mtcu2"
}

@test "S017-S022 S025 S026 S034: two tiers, each server there, two clients" {
	run -0 sec-lab status
	for name in kdc confctl pal mtcu1 mtcu2 mcu1 mcu2; do
		[[ $output == *"$name "*" up "* ]]
	done
	[ "$(cut -d' ' -f3 "$SEC_DIR/etc/servers" | sort | uniq -c |
	    tr -s ' \n' ' ')" = " 1 confctl 2 mcu 2 mtcu 1 pal " ]
	[ "$(agent_pid alice)" != "$(agent_pid bob)" ]
}

@test "S018 S019 S032 S033: a client speaks to controller, PAL and router" {
	run peers "$(agent_pid alice)"
	[[ $output == *"$(address confctl)"* ]]
	[[ $output == *"$(address pal)"* ]]
	[[ $output == *"$(address mtcu1)"* || $output == *"$(address mtcu2)"* ]]
	[ "${#lines[@]}" = 3 ]                 # and to nobody else
}

@test "S032 S036: the controller has a link with every other server" {
	for name in pal mtcu1 mtcu2; do
		run -0 sec-ctl "$SEC_DIR/run/$name.sock" health
		[[ $output == *state=ok* ]]
	done
	for name in pal mtcu1 mtcu2; do
		sec-lab log "$name" | grep -q "link.up server=confctl"
		run ! grep -q "link.up server=\(pal\|mtcu\)" \
		    <(sec-lab log "$name")
	done
}

@test "S035: servers may be fewer: with one router all goes on" {
	sec-lab stop mtcu2
	until_ok link_down
	c=$(as alice sec-confctl create -q bob)
	echo alone | as alice sec-talk -s "$c"
	as alice sec-confctl leave "$c"
	sec-lab start mtcu2
	until_ok sec-mtcu health --name mtcu2
}

@test "S029: what is stored, and by whom; no key is in it" {
	run -0 sqlite3 -readonly "$SEC_DIR/lib/pal.db" \
	    "select user from user order by user"
	[ "$output" = $'alice\nbob' ]
	run -0 sqlite3 -readonly "$SEC_DIR/lib/conf.db" \
	    "select name, access from conference where name = 't'"
	[ "$output" = "t|invited" ]
	run -0 sqlite3 -readonly "$SEC_DIR/lib/conf.db" "select count(*) from
	    device join conference on conf = conference.id where name = 't'"
	[ "$output" = 2 ]
	for db in pal conf; do
		[ "$(sqlite3 -readonly "$SEC_DIR/lib/$db.db" \
		    "pragma integrity_check")" = ok ]
		run ! grep -qiE "kc|hop ?key|session_key" \
		    <(sqlite3 -readonly "$SEC_DIR/lib/$db.db" .schema |
		    sed 's/--.*//')
	done
	# The routers keep nothing.
	run -0 ls "$SEC_DIR/lib"
	run ! grep -q mtcu <<<"${output//keys/}"
}

@test "S015: four phases: keys, registration, joining, sending" {
	# Set-up was before anybody was served.
	sec-lab log pal | grep -n "keys.epoch\|registered" | head -n 1 |
	    grep -q keys.epoch
	m=$(mark bob)
	echo phases | as alice sec-talk -s t
	await bob --since "$m" -c t -e text
	run -0 as bob sec-watch -T 0 --since 0
	run jq -rs '[.[].event] | map(select(. == "session.up" or
	    . == "invite.in" or . == "conf.key" or . == "text")) |
	    reduce .[] as $e ([]; if index($e) then . else . + [$e] end) |
	    join(" ")' <<<"$output"
	[ "$output" = "session.up invite.in conf.key text" ]
}

@test "S037 S038 S039 S041: one client does protocol, keys, management; tools are its face" {
	# Protocol and security: sealed on the wire, signed on by Kerberos.
	run -0 as alice sec-login -l
	[[ $output == *"alice  lab.test  available"* ]]
	run ! grep -aq "INVITE sip:" "$BATS_FILE_TMPDIR/wire.pcap"
	# Management: conferences and the PAL, several at once.
	as alice sec-confctl create -q -n u bob
	run -0 as alice sec-confctl list -q
	[ "$(sort <<<"$output")" = $'t\nu' ]
	run -0 as alice sec-pal -q
	[ "$output" = bob ]
	as alice sec-confctl leave u
}
