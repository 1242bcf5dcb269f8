#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Things that have a presence: a lamp, and kinds that the provider defines in
# the file `types`.
#
#	sec-admin object add --> sec-pal --> pal.db
#	[porch] sec-pal put lamp:bedroom state=on -- PUBLISH --> sec-pal
#	                sec-pal -- NOTIFY --> [alice], who has it in her PAL
#	the porch is silent until its Expires has passed: stale, told once
#
# S051, S053, S054, S055, S059; S052 for objects; STORIES 1.6.

load ../lib/lab

setup_file() {
	lab_up alice bob porch
	cat >"$SEC_DIR/etc/types" <<-'END'
		# what there is in this house
		thermometer  temperature! humidity! unit
		door         publish=group:porters  open! locked
		buoy         publish=bob  water
	END
	hup
	sec-admin object add lamp:bedroom --owner porch --title "By the bed"
	sec-admin object add thermometer:hall --owner porch
	sec-admin object add door:front --owner group:nobody
	sec-admin object add buoy:far --owner porch
}
teardown_file() { lab_down; }
teardown() {
	show_logs
	as alice sec-pal rm lamp:bedroom thermometer:hall >/dev/null 2>&1 || :
}

# kill -9, and everybody has found its successor.
restart_pal() {
	local u
	kill_daemon pal
	for u in alice bob porch; do
		until_ok as "$u" sec-pal get lamp:bedroom state
	done
}

# attr USER ENTRY NAME: of the entry as his agent has it.
attr() {
	as "$1" sec-pal show "$2" -j | jq -r --arg n "$3" '.[$n] // empty'
}
attr_is() { [ "$(attr "$1" "$2" "$3")" = "$4" ]; }

# put USER TYPE:NAME ATTR=VALUE...: one PUBLISH.
put() {
	local user=$1
	shift
	as "$user" sec-pal put "$@"
}

@test "S055 S059: a lamp is watched, published by its owner, and kept" {
	as alice sec-pal add lamp:bedroom
	put porch lamp:bedroom state=on
	until_ok attr_is alice lamp:bedroom status on
	until_ok attr_is alice lamp:bedroom state on
	from=$(mark alice)
	put porch lamp:bedroom state=off
	await_that alice '.status == "off"' --since "$from" -e pal \
	    -c lamp:bedroom
	run -0 as alice sec-pal get lamp:bedroom state
	[ "$output" = off ]
	# Whoever may watch reads it without having it in a list.
	run -0 as bob sec-pal get lamp:bedroom state
	[ "$output" = off ]
	run -0 sec-admin object list -j
	jq -se 'map(select(.object == "lamp:bedroom")) | .[0] |
	    .owner == "porch" and .status == "off" and .stale == false and
	    .title == "By the bed"' <<<"$output"
	restart_pal
	[ "$(as bob sec-pal get lamp:bedroom state)" = off ]
}

# rows_of_all: how many rows each table of pal.db has.
rows_of_all() {
	local t
	for t in $(db pal.db "SELECT name FROM sqlite_master
	    WHERE type = 'table' ORDER BY name"); do
		echo "$t $(db pal.db "SELECT count(*) FROM $t")"
	done
}

@test "a history of changes is not kept: one value after many" {
	put porch lamp:bedroom state=first
	before=$(rows_of_all)
	for n in {1..50}; do put porch lamp:bedroom state="turn$n"; done
	run -0 db pal.db "SELECT value FROM attribute
	    WHERE uri = 'sip:bedroom@lamp.lab.test'"
	[ "$output" = turn50 ]
	# Nor is there a row more anywhere, or a value in another place.
	[ "$(rows_of_all)" = "$before" ]
	run -0 db pal.db .dump
	[ "$(grep -o 'turn[0-9]*' <<<"$output" | sort -u)" = turn50 ]
}

@test "S053 S054: a kind of the provider's, with several attributes" {
	as alice sec-pal add thermometer:hall
	put porch thermometer:hall temperature=21.5 unit=C
	until_ok attr_is alice thermometer:hall status 21.5
	until_ok attr_is alice thermometer:hall unit C
	run -0 as alice sec-pal -j thermometer:hall
	[ "$(jq -r .type <<<"$output")" = thermometer ]
	# Another attribute beside those: they stay.
	put porch thermometer:hall humidity="40 %"
	until_ok attr_is alice thermometer:hall humidity "40 %"
	[ "$(attr alice thermometer:hall temperature)" = 21.5 ]
}

@test "who may publish: the owner, and whom the type names" {
	run -4 --separate-stderr as alice sec-pal put lamp:bedroom state=on
	[[ $stderr == "sec-pal: lamp:bedroom: lamp:bedroom is published by others"* ]]
	put bob buoy:far water=high
	put porch buoy:far water=low
	run -4 --separate-stderr as alice sec-pal put buoy:far water=none
	run -4 --separate-stderr as porch sec-pal put door:front open=yes
	# Groups are read when it is asked: of the type, and of the owner.
	for g in porters nobody; do
		sec-admin group add "$g" alice
		as alice sec-pal put door:front open="$g"
		sec-admin group rm "$g" alice
		run -4 --separate-stderr as alice sec-pal put door:front open=no
	done
	[ "$(as bob sec-pal get door:front open)" = nobody ]
	run -5 --separate-stderr as porch sec-pal put lamp:attic state=on
	run -5 --separate-stderr as porch sec-pal put lmap:bedroom state=on
}

@test "bad values: no such attribute, too long, too many; nothing changes" {
	put porch lamp:bedroom state=on
	run -11 --separate-stderr as porch sec-pal put lamp:bedroom stat=off
	[[ $stderr == *'lamp has no attribute "stat" (did you mean "state"?)'* ]]
	big=$(printf '%01025d' 0)
	run -11 --separate-stderr as porch sec-pal put lamp:bedroom \
	    "state=$big"
	[[ $stderr == *"at most 1024 bytes of UTF-8"* ]]
	run -11 --separate-stderr as porch sec-pal put lamp:bedroom state=off \
	    bright=1
	[ "$(as bob sec-pal get lamp:bedroom state)" = on ]
	put porch lamp:bedroom "state=${big:1}"
	[ "$(as bob sec-pal get lamp:bedroom state)" = "${big:1}" ]
	# All together they have to go into one document of who watches it.
	cp "$SEC_DIR/etc/types" "$BATS_TEST_TMPDIR/types"
	echo 'chest a1! a2 a3 a4 a5 a6 a7 a8 a9' >>"$SEC_DIR/etc/types"
	hup
	sec-admin object add chest:old --owner porch
	as alice sec-pal add chest:old
	full=$(printf '%%%.0s' {1..1024})
	put porch chest:old a{1..8}="$full"
	until_ok attr_is alice chest:old a8 "$full"
	run -11 --separate-stderr as porch sec-pal put chest:old a9=1
	[[ $stderr == *"all values of chest:old are at most 8192 bytes"* ]]
	put porch chest:old a8=x a9=1
	until_ok attr_is alice chest:old a9 1
	as alice sec-pal rm chest:old
	sec-admin object rm chest:old
	cp "$BATS_TEST_TMPDIR/types" "$SEC_DIR/etc/types"
	hup
	put porch lamp:bedroom "state=Grüße = und\\mehr%41"
	[ "$(as bob sec-pal get lamp:bedroom state)" = "Grüße = und\\mehr%41" ]
}

@test "S052: a refresh without change, and what was not selected, is told to nobody" {
	as alice sec-pal add --attrs status,since thermometer:hall
	put porch thermometer:hall temperature=20 humidity=40
	until_ok attr_is alice thermometer:hall status 20
	from=$(mark alice)
	for i in 1 2 3; do
		put porch thermometer:hall temperature=20
		put porch thermometer:hall humidity=5$i
	done
	put porch thermometer:hall temperature=21
	until_ok attr_is alice thermometer:hall status 21
	run -0 as alice sec-watch -T 0 --since "$from" -e pal \
	    -c thermometer:hall
	[ "$(jq -s length <<<"$output")" = 1 ]
	[[ $output != *humidity* ]]
}

@test "a publisher that vanishes: stale after its time, told once; fresh again" {
	as alice sec-pal add lamp:bedroom
	put porch lamp:bedroom state=on
	until_ok attr_is alice lamp:bedroom state on
	from=$(mark alice)
	put porch lamp:bedroom state=dim -t 10
	await_that alice '.stale == true' --since "$from" -e pal \
	    -c lamp:bedroom
	run -0 as alice sec-watch -T 0 --since "$from" -e pal -c lamp:bedroom
	[ "$(jq -sc 'map(.stale // false)' <<<"$output")" = "[false,true]" ]
	run -0 sec-admin object list
	[[ $output == *"lamp:bedroom"*"dim (stale)"* ]]
	# It is so for who comes later, and after a restart.
	restart_pal
	attr_is bob lamp:bedroom stale true
	put porch lamp:bedroom state=dim
	until_ok attr_is bob lamp:bedroom stale ""
	until_ok attr_is alice lamp:bedroom stale ""
}

@test "an object that is removed, and one that comes back" {
	as alice sec-pal add thermometer:hall
	put porch thermometer:hall temperature=1
	until_ok attr_is alice thermometer:hall status 1
	sec-admin object rm thermometer:hall
	until_ok attr_is alice thermometer:hall status none
	run -5 --separate-stderr as bob sec-pal add thermometer:hall
	run -5 --separate-stderr sec-admin object rm thermometer:hall
	[ "$stderr" = "sec-admin: pal: no such object" ]
	sec-admin object add thermometer:hall --owner porch
	put porch thermometer:hall temperature=2
	until_ok attr_is alice thermometer:hall status 2
}

@test "the file types: a slip is told with line and suggestion, the old ones stay" {
	f=$SEC_DIR/etc/types
	cp "$f" "$BATS_TEST_TMPDIR/types"
	echo 'window publsih=owner open!' >>"$f"
	hup
	run -1 sec-pal health
	[[ $output == *"$f: line 5: unknown word "*publsih*"did you mean "*publish=* ]]
	run -1 sec-admin check
	[[ $output == *"types"*WARN*"line 5"* ]]
	run -11 --separate-stderr sec-pal serve --check
	[[ $stderr == *"$f: line 5: unknown word"* ]]
	put porch thermometer:hall temperature=3
	# A type that goes takes its things with it, until it comes back.
	as alice sec-pal add thermometer:hall
	grep -v '^thermometer' "$BATS_TEST_TMPDIR/types" >"$f"
	hup
	until_ok attr_is alice thermometer:hall status none
	run -5 --separate-stderr as porch sec-pal put thermometer:hall \
	    temperature=4
	cp "$BATS_TEST_TMPDIR/types" "$f"
	hup
	until_ok attr_is alice thermometer:hall status 3
	sec-pal health
	run -0 sec-admin check
	[[ $output == *"types"*"4 types of things"* ]]
}

@test "sec-admin object: names and owners that cannot be" {
	run -1 --separate-stderr sec-admin object add lamp:bedroom --owner bob
	[ "$stderr" = "sec-admin: pal: there is an object of that name" ]
	run -5 --separate-stderr sec-admin object add lmap:hall --owner bob
	[ "$stderr" = 'sec-admin: pal: unknown type "lmap" (did you mean "lamp"?)' ]
	run -2 --separate-stderr sec-admin object add lamp:hall
	run -2 --separate-stderr sec-admin object add lamp --owner bob
	run -2 --separate-stderr sec-admin object add lamp:hall --owner org:1
	run -2 --separate-stderr sec-admin object add conf:hall --owner bob
	run -0 sec-admin object list -q
	[ "$output" = "buoy:far
door:front
lamp:bedroom
thermometer:hall" ]
}

@test "users = known: an owner is one that there is" {
	cp "$SEC_DIR/etc/sec.conf" "$BATS_TEST_TMPDIR/conf"
	echo 'users = known' >>"$SEC_DIR/etc/sec.conf"
	hup
	run -5 --separate-stderr sec-admin object add lamp:hall --owner nemo
	[ "$stderr" = "sec-admin: pal: the owner is no user" ]
	sec-admin object add lamp:hall --owner group:nemo
	sec-admin object add lamp:attic --owner bob
	cp "$BATS_TEST_TMPDIR/conf" "$SEC_DIR/etc/sec.conf"
	hup
}
