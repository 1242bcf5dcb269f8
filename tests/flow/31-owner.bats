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

@test "S011 S188: a persistent conference outlives its members; nobody in it, no key" {
	as bob sec-confctl answer accept
	as alice sec-confctl create -p -n p1 bob
	as bob sec-confctl answer ask
	as alice sec-confctl leave p1
	as bob sec-confctl leave p1
	run -0 as alice sec-confctl list -q
	[ -z "$output" ]
	run -0 as alice sec-confctl list -p -j
	jq -e '.conf == "sip:p1@conf.lab.test" and .in == 0 and .persistent' \
	    <<<"$output"
	was=$(epoch p1)
	as alice sec-confctl join p1
	[ "$(epoch p1)" = $((was + 1)) ]
	# A fresh key, which both have.
	as bob sec-confctl join p1
	echo hello | as alice sec-talk -s p1
	until_ok eval 'texts bob p1 | grep -qx "alice: hello"'
	# One that does not stay is gone with its last member.
	as alice sec-confctl create -n gone
	as alice sec-confctl leave gone
	run -5 as alice sec-confctl join gone
	as alice sec-confctl end -y p1
}

@test "S002 S004 S185: many that stay at once, with the same people in several" {
	local of=(a1 a2 a3 a4 a5 a6 a7 a8) i
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	for i in "${of[@]}"; do
		as alice sec-confctl create -q -p -n "$i" bob carol
	done
	as alice sec-confctl create -q -p -n pair bob
	kill_daemon confctl
	run -0 as bob sec-confctl list -q
	[ ${#lines[@]} = 9 ]
	for i in "${of[@]}" pair; do
		echo "in $i" | as bob sec-talk -s "$i"
	done
	for i in "${of[@]}"; do
		[ "$(texts carol "$i")" = "bob: in $i" ]
		[ "$(texts alice "$i")" = "bob: in $i" ]
	done
	[ "$(texts alice pair)" = 'bob: in pair' ]
	run -0 as carol sec-watch -T 0 --since 0 -c pair
	[ -z "$output" ]
	# Nothing in them says how many or how long.
	run -0 as alice sec-confctl show -j a1
	run ! grep -qE '"(max|limit|until|expires)' <<<"$output"
	for i in "${of[@]}" pair; do
		as alice sec-confctl end -y "$i"
	done
	as bob sec-confctl answer ask
	as carol sec-confctl answer ask
}

@test "S189: its name is its owner's when it has ended: a new one, and no way back" {
	as alice sec-confctl create -p --open -n t1
	id=$(as alice sec-confctl show -j t1 | jq -r .id)
	as bob sec-confctl join t1
	run -2 --separate-stderr as alice sec-confctl end t1
	[[ ${stderr_lines[0]} == *"t1 is persistent: -y ends it" ]]
	run -4 as bob sec-confctl end -y t1
	as alice sec-confctl end -y t1
	[ "$(db conf.db "select owner from tombstone where name = 't1'")" = \
	    sip:alice@lab.test ]
	run -5 as bob sec-confctl join t1
	run -1 --separate-stderr as bob sec-confctl create -n t1
	[[ $stderr == *"the name is taken" ]]
	run -0 --separate-stderr as alice sec-confctl create -p -n t1
	[ "$output" = t1 ]
	[[ $stderr == *"has ended: a new one, nothing of it is here" ]]
	[ "$(as alice sec-confctl show -j t1 | jq -r .id)" != "$id" ]
	# Who was in the old one is a stranger to this.
	run -4 as bob sec-confctl join t1
	as alice sec-confctl end -y t1
}

@test "allow, block, unblock: who may come; who must go goes at once" {
	as alice sec-confctl create -p --open -n a1
	as bob sec-confctl join a1
	as carol sec-confctl join a1
	was=$(epoch a1)
	m=$(mark carol)
	run -0 --separate-stderr as alice sec-confctl block a1 carol
	[ "$stderr" = "carol removed; key generation $((was + 1))" ]
	[ "$(epoch a1)" = $((was + 1)) ]
	await carol --since "$m" -c a1 -e conf.end
	run -4 as carol sec-confctl join a1
	run -4 as carol sec-confctl show a1
	run -0 as carol sec-confctl list -a -q
	[[ $output != *a1* ]]
	run -4 --separate-stderr as bob sec-confctl invite a1 carol
	# Again: nobody to be removed, nothing changes.
	run -0 --separate-stderr as alice sec-confctl block a1 carol
	[ -z "$stderr" ]
	[ "$(epoch a1)" = $((was + 1)) ]
	run -4 --separate-stderr as alice sec-confctl block a1 alice
	[[ $stderr == *"alice is the owner" ]]
	run -4 --separate-stderr as bob sec-confctl block a1 alice
	[[ $stderr == *"only alice (owner) may do that" ]]
	as alice sec-confctl unblock a1 carol
	as carol sec-confctl join a1
	as carol sec-confctl leave a1
	# Only these, from the first allow on.
	echo bob | as alice sec-confctl allow a1 -
	run -4 as carol sec-confctl join a1
	as alice sec-confctl leave a1
	as alice sec-confctl join a1
	as alice sec-confctl allow a1 carol
	as carol sec-confctl join a1
	as carol sec-confctl leave a1
	as alice sec-confctl unallow a1 carol
	run -4 as carol sec-confctl join a1
	run -2 as alice sec-confctl allow a1 'a b'
	as alice sec-confctl end -y a1
}

# allowed CONF: how many are on that list, and who may join.
allowed() {
	db conf.db "select access || ' ' || (select count(*) from
	    conference_user where conf = id and list = 'allow')
	    from conference where name = '$1'"
}
conf_sql() { sqlite3 -cmd '.timeout 5000' "$SEC_DIR/lib/conf.db" "$1"; }

@test "allow is whole or not at all, also when it cannot be stored" {
	as alice sec-confctl create -p --open -n aw
	conf_sql "create trigger full before update of access on conference
	    begin select raise(fail, 'no'); end"
	run -10 as alice sec-confctl allow aw carol
	conf_sql 'drop trigger full'
	[ "$(allowed aw)" = 'domain 0' ]
	# Nor is it so in memory.
	as bob sec-confctl join aw
	as bob sec-confctl leave aw
	as alice sec-confctl allow aw carol
	[ "$(allowed aw)" = 'listed 1' ]
	run -4 as bob sec-confctl join aw
	as alice sec-confctl end -y aw
}

# lists USER CONF: among those that he may join. lists_not: it is not.
lists() { as "$1" sec-confctl list -a -q | grep -qx "$2"; }
lists_not() {
	local all
	all=$(as "$1" sec-confctl list -a -q) && ! grep -qx "$2" <<<"$all"
}
# shown WHO...: of bob and carol these see la in their lists, and may join.
shown() {
	local u
	for u in bob carol; do
		if [[ " $* " == *" $u "* ]]; then
			until_ok lists $u la
			as $u sec-confctl join la
			as $u sec-confctl leave la
		else
			until_ok lists_not $u la
			run -4 as $u sec-confctl join la
		fi
	done
}

@test "S171: list -a shows it to whom it takes, the directory to everybody" {
	as bob sec-confctl answer accept
	as alice sec-confctl create -p -n la bob
	as bob sec-confctl leave la
	as bob sec-confctl answer ask
	shown bob
	# To be found is not to be let in; and it tells no more than its name.
	as alice sec-confctl set la directory=yes
	as carol sec-dir conf la | grep -q '^la '
	shown bob
	# Who was invited is not who is allowed, from the first allow on.
	as alice sec-confctl allow la carol
	shown carol
	as alice sec-confctl unallow la carol
	shown
	as alice sec-confctl allow la bob
	shown bob
	for d in confctl pal; do
		kill_daemon $d
		until_ok lists alice la
		until_ok lists bob la
		shown bob
	done
	as alice sec-confctl set la access=invited
	# Both have been in it by now.
	shown bob carol
	as alice sec-confctl end -y la
}

@test "kick: out, with a new key for who stays, but he may come again" {
	as alice sec-confctl create -n k1 --open
	as bob sec-confctl join k1
	as carol sec-confctl join k1
	was=$(epoch k1)
	run -4 as bob sec-confctl kick k1 carol
	run -4 as bob sec-confctl kick k1 alice
	run -5 --separate-stderr as alice sec-confctl kick k1 dave
	[[ $stderr == *"nobody of them is in it" ]]
	m=$(mark carol)
	run -0 as alice sec-confctl kick -j k1 carol bob
	jq -e --arg e $((was + 1)) '.removed == ["sip:carol@lab.test",
	    "sip:bob@lab.test"] and .key_gen == ($e | tonumber) and
	    .members == 1' <<<"$output"
	await carol --since "$m" -c k1 -e conf.end
	as carol sec-confctl join k1
	as alice sec-confctl set k1 moderator+=carol
	as bob sec-confctl join k1
	as carol sec-confctl kick k1 bob
	run -4 --separate-stderr as carol sec-confctl kick k1 alice
	[[ $stderr == *"alice is the creator" ]]
}

@test "to: it is another's, who may do what an owner may" {
	as alice sec-confctl create -p --open -n o1
	as bob sec-confctl join o1
	m=$(mark bob)
	run -5 as alice sec-confctl to nowhere bob
	run -4 as bob sec-confctl to o1 bob
	as alice sec-confctl block o1 carol
	run -4 --separate-stderr as alice sec-confctl to o1 carol
	[[ $stderr == *"carol is blocked" ]]
	as alice sec-confctl to o1 bob
	await bob --since "$m" -c o1 -e conf.owner |
	    jq -e '.user == "sip:bob@lab.test"'
	run -4 --separate-stderr as alice sec-confctl rekey o1
	[[ $stderr == *"only bob (owner) may do that" ]]
	as bob sec-confctl rekey o1
	until_ok eval '[ "$(as alice sec-confctl show -j o1 | jq -r .owner)" = \
	    sip:bob@lab.test ]'
	# Whoever was its owner can now be blocked.
	as bob sec-confctl block o1 alice
	run -4 as alice sec-confctl join o1
	as bob sec-confctl end -y o1
}

# refused USER ARG...: by whoever may, and not for want of the controller.
refused() {
	local user=$1 status=0
	shift
	as "$user" sec-confctl "$@" || status=$?
	[ "$status" = 4 ]
}

@test "S010: all of it is there again when controller and machine are back" {
	as alice sec-confctl create -p --open -n s1
	as alice sec-confctl block s1 carol
	as alice sec-confctl to s1 bob
	as alice sec-confctl leave s1
	was=$(epoch s1)
	all=(mtcu1 mtcu2 mcu1 mcu2 pal confctl)
	for round in confctl all; do
		if [ $round = confctl ]; then
			kill_daemon confctl
		else
			for d in "${all[@]}"; do sec-lab stop "$d" 3>&-; done
			for d in "${all[@]}"; do sec-lab start "$d" 3>&-; done
		fi
		until_ok eval 'as bob sec-confctl list -p -q | grep -qx s1'
		run -4 as carol sec-confctl join s1
		until_ok refused alice rekey s1
	done
	until_ok as bob sec-confctl join s1
	[ "$(epoch s1)" -gt "$was" ]
	run -0 as bob sec-confctl rekey s1
	until_ok as alice sec-confctl join s1
	as bob sec-confctl end -y s1
}

# opened USER CONF TEXT: he has read it.
opened() { texts "$1" "$2" | grep -qx "$3"; }

@test "SECURITY 4: who is out opens nothing further, while others talk" {
	as alice sec-confctl create -p --open -n x1
	as bob sec-confctl join x1
	for how in block leave kick rekey; do
		as alice sec-confctl unblock x1 carol
		as carol sec-confctl join x1
		until_ok eval 'as alice sec-confctl show -q x1 | grep -qx carol'
		# bob talks all the time, in one session.
		mkfifo "$BATS_TEST_TMPDIR/$how"
		as bob sec-talk -s x1 <"$BATS_TEST_TMPDIR/$how" &
		talk=$!
		exec {to}>"$BATS_TEST_TMPDIR/$how"
		for n in {1..20}; do echo "$how before $n" >&"$to"; done
		until_ok opened carol x1 "bob: $how before 20"
		case $how in
		block|kick) as alice sec-confctl $how x1 carol ;;
		leave) as carol sec-confctl leave x1 ;;
		rekey) as alice sec-confctl rekey x1 ;;
		esac
		for n in {1..20}; do echo "$how after $n" >&"$to"; done
		exec {to}>&-
		wait "$talk"
		until_ok opened alice x1 "bob: $how after 20"
		if [ $how = rekey ]; then
			until_ok opened carol x1 "bob: $how after 20"
			as alice sec-confctl block x1 carol
		else
			run ! opened carol x1 "bob: $how after .*"
		fi
	done
	# Nor did his agent get a key of what came after he was out.
	was=$(epoch x1)
	m=$(mark carol)
	as alice sec-confctl rekey x1
	await bob --since 0 -c x1 -e conf.key >/dev/null
	until_ok seen_that bob ".key_gen == $((was + 1))" --since 0 -c x1 \
	    -e conf.key
	[ -z "$(as carol sec-watch -T 0 --since "$m" -c x1)" ]
	as alice sec-confctl end -y x1
}

@test "two of the owner's commands at once: one outcome" {
	as alice sec-confctl create -p --open -n w1
	as bob sec-confctl join w1
	was=$(epoch w1)
	pids=()
	for n in 1 2 3; do
		as alice sec-confctl rekey w1 >/dev/null &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(epoch w1)" = $((was + 3)) ]
	# Its end twice: it has ended, and the second is told so.
	status=0 other=0
	as alice sec-confctl end -y w1 2>/dev/null &
	one=$!
	as alice sec-confctl end -y w1 2>/dev/null || status=$?
	wait "$one" || other=$?
	[ $((status + other)) = 0 ] || [ $((status + other)) = 5 ]
	run -5 as bob sec-confctl join w1
}

@test "the last moderator leaves: the owner's rights are as they were" {
	as alice sec-confctl create -p --open -n m1
	as alice sec-confctl set m1 moderator+=bob
	as bob sec-confctl join m1
	as carol sec-confctl join m1
	as alice sec-confctl leave m1
	as bob sec-confctl leave m1
	run -4 as carol sec-confctl kick m1 bob
	# Neither is in it, and both may still.
	as alice sec-confctl kick m1 carol
	as bob sec-confctl join m1
	as carol sec-confctl join m1
	as bob sec-confctl kick m1 carol
	as alice sec-confctl end -y m1
}

@test "a moderator who is blocked has no say from outside" {
	as alice sec-confctl create -p --open -n m2
	as alice sec-confctl set m2 moderator+=bob
	as carol sec-confctl join m2
	as bob sec-confctl set m2 title=ours
	as alice sec-confctl block m2 bob
	run -4 as bob sec-confctl set m2 title=mine
	run -4 as bob sec-confctl kick m2 carol
	run -4 as bob sec-confctl lock m2
	as alice sec-confctl unblock m2 bob
	as bob sec-confctl kick m2 carol
	as alice sec-confctl end -y m2
}

# kill_during COMMAND...: the controller dies while she asks it.
kill_during() {
	local old
	old=$(daemon_pid confctl)
	as alice "$@" >/dev/null 2>&1 &
	local asked=$!
	for ((i = RANDOM % 400; i > 0; i--)); do :; done
	kill -9 "$old"
	wait "$asked" || :
	until_ok daemon_is_new confctl "$old"
}

@test "kill -9 of the controller: before or after, never between" {
	as alice sec-confctl create -p --open -n d0
	for round in 1 2 3 4; do
		kill_during sec-confctl create -p -n "d$round" -T 3
		run -0 db conf.db "select (select count(*) from conference_medium
		    where conf = id) || (select count(*) from conference_user
		    where conf = id) from conference where name = 'd$round'"
		[ -z "$output" ] || [ "$output" = 11 ]

		# Without the controller he could not hear that he is out.
		until_ok agent_is_back bob
		until_ok as bob sec-confctl join d0
		kill_during sec-confctl block d0 bob
		run -0 db conf.db "select (select count(*) from conference_user u
		    where u.conf = id and list = 'block') || (select count(*)
		    from device d where d.conf = id and user like 'sip:bob@%')
		    from conference where name = 'd0'"
		[[ $output == 01 || $output == 10 ]]
		until_ok as alice sec-confctl unblock d0 bob

		was=$(epoch d0)
		kill_during sec-confctl rekey d0
		[ "$(epoch d0)" -ge "$was" ]
		kill_during sec-confctl to d0 bob
		run -0 db conf.db "select owner from conference
		    where name = 'd0'"
		[[ $output == sip:alice@lab.test || $output == sip:bob@* ]]
		[[ $output == sip:alice@* ]] ||
		    until_ok as bob sec-confctl to d0 alice
		db conf.db "pragma integrity_check" | grep -qx ok
	done
	until_ok as alice sec-confctl end -y d0
}
