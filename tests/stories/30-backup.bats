#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Story 1.30: a backup while people talk, a disk that is lost, a restore. The
# persistent conference is there again (S187) with its owner's lists (S191),
# its files (S192) and its text; keys go on from where no one has been (S016).
#
#	sec-admin backup     daemons running
#	                     said, attached, invited, blocked, rekeyed since
#	rm lib/*.db files    daemons stopped
#	sec-admin restore    epochs and client numbers leap
#	daemons start        agents that stayed, and those that did not, come in

load ../lib/lab

DAEMONS="confctl pal mtcu1 mtcu2 mcu1 mcu2"

setup_file() {
	lab_up alice bob carol mallory
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -p --open -n boardroom -m text,voice bob
	as alice sec-confctl allow boardroom bob carol
	as alice sec-confctl set boardroom history=100 history-from=begin \
	    title='The board'
	head -c 2000000 /dev/urandom >"$BATS_FILE_TMPDIR/plan"
	as alice sec-confctl attach -q boardroom "$BATS_FILE_TMPDIR/plan"
	echo 'before it' | as alice sec-talk -s boardroom
	as bob sec-talk -T 20 --history 100 -s boardroom </dev/null |
	    grep -q 'alice: before it'
	sec-admin rule add same 'allow who=alice whom=bob'
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() { show_logs; }

TAR=$BATS_FILE_TMPDIR/sec-2026-11-22.tar

stop_all() {
	local s
	for s in $DAEMONS; do sec-lab stop "$s"; done
}
start_all() {
	local s
	for s in $DAEMONS; do sec-lab start "$s" 3>&-; done
	for s in $DAEMONS; do until_ok daemon_is_well "$s"; done
}

# it_is_back: what its owner has made of it, as of the backup.
it_is_back() {
	as alice sec-confctl show -j boardroom | jq -e '.persistent and
	    .owner == "sip:alice@lab.test" and .title == "The board"'
	run -4 as mallory sec-confctl join boardroom
	[ "$(as bob sec-confctl files -q boardroom)" = plan ]
	as bob sec-confctl fetch boardroom plan -o - 2>fetch.err |
	    cmp - "$BATS_FILE_TMPDIR/plan"
	as bob sec-talk -T 20 --history 100 -s boardroom </dev/null >said
	grep -q 'alice: before it' said
	run ! grep -q 'after it' said
	sec-admin rule list -q | grep -qx same
}

# they_talk: each hears the other, under one key.
they_talk() {
	local m
	m=$(mark bob)
	echo "$1" | as alice sec-talk -s boardroom
	await bob --since "$m" -c boardroom -e text | jq -e ".text == \"$1\""
	[ "$(epoch alice boardroom)" = "$(epoch bob boardroom)" ]
}

highest() {
	db conf.db "SELECT max($1) FROM conference WHERE name = 'boardroom'"
}

@test "a backup, live" {
	run -0 sec-admin backup "$TAR"
	[[ $output =~ ^2\.[0-9]\ MB\ \ schema\ 3\ \ integrity\ ok$ ]]
	[ "$(stat -c %a "$TAR")" = 600 ]
	highest epoch >"$BATS_FILE_TMPDIR/epoch"
	highest q_reserved >"$BATS_FILE_TMPDIR/q"
}

@test "what came after it, and the disk is lost; restored, they go on" {
	local e q
	echo 'after it' | as bob sec-talk -s boardroom
	as alice sec-confctl detach -q boardroom plan
	echo 'attached after it' |
	    as alice sec-confctl attach -q boardroom - --as later
	as alice sec-confctl create -q -p -n younger
	as alice sec-confctl block boardroom carol
	as alice sec-confctl set boardroom title='Other'
	for e in 1 2 3; do as alice sec-confctl rekey boardroom; done
	sec-admin rule rm same
	e=$(epoch bob boardroom)
	run -1 --separate-stderr sec-admin restore "$TAR"
	[ "$stderr" = "sec-admin: confctl runs; stop it first" ]
	stop_all
	rm -r "$SEC_DIR"/lib/*.db* "$SEC_DIR"/lib/files
	run -0 sec-admin restore "$TAR"
	[ "$output" = "schema 3  4 users  1 persistent conference" ]
	# No number of before comes again, nor one since then.
	q=$(cat "$BATS_FILE_TMPDIR/q")
	[ "$(highest epoch)" = \
	    $(($(cat "$BATS_FILE_TMPDIR/epoch") + 65536)) ]
	[ "$(highest q_reserved)" = $((q + 4096)) ]
	start_all
	databases_are_sound
	for u in alice bob; do until_ok agent_is_back $u; done
	# The agents never went: they take the new key, and are in.
	is_new() { [ "$(epoch "$1" boardroom)" -gt $((e + 60000)) ]; }
	for u in alice bob; do until_ok is_new $u; done
	roster_is alice boardroom $'alice active\nbob active'
	it_is_back
	they_talk 'here we are'
	until_ok as carol sec-confctl join boardroom
	[ "$(db conf.db "SELECT min(q & 0xffffff) > 4096 FROM device
	    WHERE user = 'sip:carol@lab.test'")" = 1 ]
	as carol sec-confctl leave boardroom
	# What is younger than the backup is gone.
	run -5 as bob sec-confctl join younger
	# She is its owner still, and its keys change when she says so.
	as alice sec-confctl rekey boardroom
	they_talk 'and go on'
	run -4 as bob sec-confctl rekey boardroom
	echo 'a new one' | as alice sec-confctl attach -q boardroom - --as new
	[ "$(as bob sec-confctl fetch boardroom new -o - 2>/dev/null)" = \
	    'a new one' ]
	as alice sec-confctl detach -q boardroom new
}

@test "another time, with everything that runs gone: what was is kept" {
	local had
	sec-lab down -q
	had=$(highest epoch)
	run -0 sec-admin restore "$TAR"
	[ "$output" = "schema 3  4 users  1 persistent conference  (old files \
kept in before-restore/)" ]
	[ "$(sqlite3 "$SEC_DIR/lib/before-restore/conf.db" \
	    "SELECT title FROM conference")" = "The board" ]
	# Higher than in what it takes the place of, too.
	[ "$(highest epoch)" = $((had + 65536)) ]
	sec-lab up -q --keep
	for u in alice bob mallory; do log_in $u; done
	for u in alice bob; do until_ok as $u sec-confctl join boardroom; done
	it_is_back
	they_talk 'again'
	sec-admin health
}
