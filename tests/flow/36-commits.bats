#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# sec-confctl is killed at every step that it makes on its disk while it does
# what somebody asks. After its restart all of it is there and works, or
# nothing of it is and it can be asked for again; who asked has an answer.
#
#   sec-confctl tool     sec-confctl              conf.db, files/
#    |  create, block ... ->|                           |
#    |                      | about to write ---------->|  killed here,
#    |                      | has forced it to the disk |  or here,
#    |                      | file renamed, removed     |  or here,
#    |<---- ok, or why not -|                           |  or nowhere: the end
#
# What it sends to the agents of several members, one by one, is a row of steps
# as well: BYE to who goes, INFO with the next key to each of the others, and
# the answer.
#
# tests/lib/killat counts the steps and kills.

load ../lib/lab

STEPS=40 # more than anything takes
count=0 # of names

setup_file() {
	lab_up alice bob carol dave
	for u in bob carol; do as "$u" sec-confctl answer accept; done
	as alice sec-confctl create -q -p -W -n board bob carol
	as dave sec-confctl answer accept
	as alice sec-confctl create -q -p -W -n hall bob carol dave
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	[ -z "${killer-}" ] || kill "$killer" 2>/dev/null || :
	show_logs
}

# every_send BEFORE AFTER USER...: the same as every_step, but what is sent to
# agents counts, not what is stored; all has been sent when these users have
# the key of the hall that is stored, and the others none.
every_send() {
	local port
	port=$(server_addr confctl)
	port=${port##*:}
	having=("${@:3}")
	every_step "$1" "$2"
	[ "$last" -gt 3 ] # one goes to each of them, at least
}
is_sent() {
	[ -n "${port-}" ] || return 0
	gone "$killer" && return
	one_key hall "${having[@]}" &&
		[[ " ${having[*]} " == *" bob "* || -z $(epoch bob hall) ]]
}

# killed_at N: `sec-confctl ${command[@]}` of alice runs, and the controller is
# killed at its N-th step; how it ended is in $status. $fewer is set when it
# took fewer steps.
killed_at() {
	local n=$1 old u
	old=$(daemon_pid confctl)
	"$SEC_BUILD/tests/lib/killat" "$old" "$n" ${port-} >killed 2>killed.err 3>&- &
	killer=$!
	until_ok grep -q armed killed
	status=0
	timeout "$DEADLINE" sec-lab run alice sec-confctl "${command[@]}" \
	    >out 2>err </dev/null 3>&- || status=$?
	[ "$status" != 124 ]
	until_ok is_sent
	kill "$killer" 2>/dev/null || :
	wait "$killer" && killer= || fewer=$?
	echo "$n: $(cat killed killed.err out err): $status"
	[ -z "$killer" ] || { killer=; return 0; }
	until_ok daemon_is_new confctl "$old"
	for u in alice bob carol dave; do until_ok agent_is_back "$u"; done
	said
}

# said: who asked has it, or is told why not.
said() { [ "$status" = 0 ] || [ -s err ]; }

# every_step BEFORE AFTER: at each step; then once to its end.
every_step() {
	local n
	for ((n = 1; n <= STEPS; n++)); do
		"$1"
		fewer=
		killed_at "$n"
		[ -z "$fewer" ] || break
		"$2"
		databases_are_sound
	done
	last=$n
	[ "$n" -gt 2 ] # it had something to write
	[ "$n" -le $STEPS ]
	[ "$status" = 0 ]
	"$2"
}

# stored COLUMN CONF
stored() { db conf.db "select $1 from conference where name = '$2'"; }
rows() { db conf.db "select count(*) from $1"; }

# is_in CONF USER: or comes back, if he may.
is_in() {
	roster alice "$1" | grep -qx "$2 active" ||
		as "$2" sec-confctl join -q "$1"
}

# works CONF USER...: all of these are in it with one key, and a line of the
# first gets to the others.
works() {
	local conf=$1 u
	shift
	for u; do until_ok is_in "$conf" "$u"; done
	until_ok one_key "$conf" "$@"
	line="a line $RANDOM$RANDOM"
	until_ok write "$1" "$conf"
	for u in "${@:2}"; do until_ok has_line "$u" "$conf"; done
}
write() { echo "$line" | as "$1" sec-talk -s "$2"; }
has_line() { texts "$1" "$2" | grep -q ": $line$"; }
one_key() {
	local u
	for u in "${@:2}"; do
		[ "$(epoch "$u" "$1")" = "$(stored epoch "$1")" ] || return
	done
}

# is_invited CONF USER: or is in it.
is_invited() {
	roster alice "$1" | grep -qx "$2 active" ||
		as alice sec-confctl invite -q "$1" "$2"
}

new_name() { c=c$((count++)); }

# The conference $c is there, and works; or there is nothing of it.
created() {
	local id
	id=$(stored id "$c")
	if [ -n "$id" ]; then
		[ "$(rows "conference_medium where conf = '$id'")" = 1 ]
		until_ok is_in "$c" alice
		until_ok is_invited "$c" bob
		works "$c" alice bob
	else
		[ "$status" != 0 ]
		run -5 as alice sec-confctl show "$c"
		run -0 --separate-stderr as alice sec-confctl create -n "$c"
		[ -z "$stderr" ] # and none of this name has ended
	fi
	as alice sec-confctl end -y "$c"
}

@test "create: there with its media and its owner, or its name is free" {
	create() { new_name; command=(create -n "$c"); }
	every_step create created
}

@test "create -p, with others: the same" {
	create() { new_name; command=(create -p -W -T 5 -n "$c" bob carol); }
	every_step create created
}

# bob is in it, and may be.
bob_is_in() {
	command=(block board bob)
	until_ok as alice sec-confctl unblock board bob
	until_ok is_in board bob
	works board alice bob carol
	was=$(stored epoch board)
}

# He is out, with another key for the others; or in as before.
blocked() {
	if [ "$(rows "conference_user where user = 'sip:bob@lab.test' and
	    list = 'block'")" = 1 ]; then
		[ "$(rows "device join conference on id = conf where
		    name = 'board' and user = 'sip:bob@lab.test'")" = 0 ]
		[ "$(stored epoch board)" -gt "$was" ]
		roster_is alice board $'alice active\ncarol active'
		until_ok no_key bob board
		run -4 as bob sec-confctl join board
		works board alice carol
		run ! has_line bob board
	else
		[ "$status" != 0 ]
		works board alice bob carol
	fi
}
no_key() { [ -z "$(epoch "$1" "$2")" ]; }

@test "block: he is out and the key is another, or he is in" {
	every_step bob_is_in blocked
	as alice sec-confctl unblock board bob
	works board alice bob carol
}

# The BYE is lost with the controller, and his agent takes itself for in.
@test "block, and let in at once: a join is one, whatever his agent believes" {
	let_in() {
		as alice sec-confctl unblock board bob
		as bob sec-confctl join board
		[ "$(rows "device join conference on id = conf where
		    name = 'board' and user = 'sip:bob@lab.test'")" = 1 ]
		works board alice bob carol
	}
	every_step bob_is_in let_in
}

@test "rekey: one key for all, and a number that was never used" {
	before() {
		command=(rekey board)
		was=$(stored epoch board)
	}
	rekeyed() {
		[ "$(stored epoch board)" -gt "$was" ]
		works board alice bob carol
	}
	every_step before rekeyed
}

@test "attach: all of the file, or nothing" {
	head -c 300000 /dev/urandom >file
	before() {
		new_name
		command=(attach board file --as "$c")
	}
	attached() {
		# The agent goes on where it was.
		[ "$status" = 0 ]
		as bob sec-confctl fetch board "$c" -o - | cmp - file
		[ "$(find "$SEC_DIR/lib/files" -type f -printf '%f\n')" = \
		    "$(db conf.db 'select file from attachment')" ]
		as alice sec-confctl detach board "$c"
		[ -z "$(find "$SEC_DIR/lib/files" -type f)" ]
	}
	every_step before attached
}

@test "spawn: a child with its parent, medium and people, or none" {
	before() {
		command=(spawn -T 5 board text)
		works board alice bob carol
	}
	spawned() {
		local id
		id=$(db conf.db "select id from conference where
		    parent = '$(stored id board)'")
		if [ -z "$id" ]; then
			[ "$status" != 0 ]
			return
		fi
		c=$(db conf.db "select name from conference where id = '$id'")
		[ "$(rows "conference_medium where conf = '$id'")" = 1 ]
		[ "$(rows "conference_user where conf = '$id' and
		    list = 'invited'")" = 3 ]
		works "$c" alice bob carol
		as alice sec-confctl end -y "$c"
	}
	every_step before spawned
	works board alice bob carol
}

# All four are in it, and may be.
hall_is_full() {
	until_ok as alice sec-confctl unblock hall bob
	works hall alice bob carol dave
	was=$(stored epoch hall)
}

# The three who stay have another key than he ever had, or all have one.
bob_is_out() {
	if [ "$(rows "device join conference on id = conf where
	    name = 'hall' and user = 'sip:bob@lab.test'")" = 0 ]; then
		[ "$(stored epoch hall)" -gt "$was" ]
		until_ok no_key bob hall
		roster_is alice hall $'alice active\ncarol active\ndave active'
		works hall alice carol dave
		run ! has_line bob hall
		holds_key carol
		until_ok eval '! holds_key bob'
	else
		[ "$status" != 0 ]
		works hall alice bob carol dave
		holds_key bob
	fi
}

# holds_key USER: one that the controller has for dave, too, who is only in
# the hall, and alice.
holds_key() {
	keys_of alice >keys.alice
	keys_of dave | comm -12 keys.alice - >keys.both
	keys_of confctl | comm -12 keys.both - >keys.hall
	[ -s keys.hall ] || return 2
	keys_of "$1" | comm -12 keys.hall - | grep -q .
}

@test "block of four, killed between any two sends: he has no key of theirs" {
	before() { hall_is_full; command=(block hall bob); }
	every_send before bob_is_out alice carol dave
}

@test "kick of four, killed between any two sends: the same" {
	before() { hall_is_full; command=(kick hall bob); }
	every_send before bob_is_out alice carol dave
}

@test "rekey of four, killed between any two sends: all have the new key" {
	before() { hall_is_full; command=(rekey hall); }
	rekeyed() {
		[ "$(stored epoch hall)" -gt "$was" ]
		works hall alice bob carol dave
	}
	every_send before rekeyed alice bob carol dave
}
