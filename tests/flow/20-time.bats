#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# What happens by itself, because its time has come.
#
#	registration   refreshed at 4/5 of its life       register-life
#	key            another one when it is old         key-life
#	ticket         session.warn, then session.down
#	invitation     withdrawn when its conference ends
#	server         left by --idle, is dialled when it is needed

load ../lib/lab

setup_file() { lab_up alice bob carol; }
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	[ -z "${pid-}" ] || kill "$pid" 2>/dev/null || :
	show_logs
	leave_all alice bob
}

# configured LINE: the running daemons have it.
configured() {
	local d
	echo "$1" >>"$SEC_DIR/etc/sec.conf"
	for d in pal confctl; do
		kill -HUP "$(daemon_pid $d)"
		until_ok daemon_is_well $d
	done
}
# logged DAEMON REGEX: how often.
logged() { sec-lab log "$1" | grep -cE "$2" || :; }

@test "S088: a registration is refreshed before it ends; nothing is lost" {
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -W -n reg bob
	configured "register-life = 5"
	log_out_in() { as carol sec-login -k && log_in carol; }
	log_out_in
	# Twice the life, by the registrations that were in it.
	before=$(logged pal 'registered user=sip:carol@.* expires=5$')
	until_ok eval '[ "$(logged pal \
	    "registered user=sip:carol@.* expires=5\$")" -ge $((before + 3)) ]'
	[ "$(logged pal 'gone user=sip:carol@.*why=expired')" = 0 ]
	shows alice carol available
	[ "$(as carol sec-watch -T 0 --since 0 -e svc.down)" = "" ]
	sed -i '/register-life/d' "$SEC_DIR/etc/sec.conf"
	configured "# as before"
	log_out_in
}

@test "S016: a conference has another key when the one it has is old" {
	configured "key-life = 2"
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -W -n old bob
	e=$(epoch alice old)
	until_ok eval '[ "$(epoch alice old)" -ge $((e + 2)) ]'
	until_ok eval '[ "$(epoch bob old)" -ge $((e + 2)) ]'
	echo "by a newer key" | as bob sec-talk -s old
	texts alice old | grep -qx "bob: by a newer key"
	# And the servers have a new epoch, to begin in a minute.
	for d in confctl pal mtcu1 mtcu2; do
		until_ok test -e "$SEC_DIR/lib/keys/$d/epoch.2"
	done
	sed -i '/key-life/d' "$SEC_DIR/etc/sec.conf"
	configured "# as before"
	sec-keygen check
}

@test "S121: a ticket that nobody renews: a warning, the end, another key" {
	as carol sec-login -k
	as alice sec-confctl create -q -n ends --open
	export CC=FILE:$BATS_TEST_TMPDIR/ticket
	before=$(logged pal 'registered user=sip:carol@')
	as carol env KRB5CCNAME="$CC" kinit -l 12s carol <"$(home carol)"
	as carol env KRB5CCNAME="$CC" sec-login -q </dev/null
	agent=$(agent_pid carol)
	as carol sec-confctl join ends
	e=$(epoch alice ends)
	m=$(mark alice)
	sec-lab run carol sec-watch --since 0 -e 'session.*' >seen \
	    2>watch.err 3>&- &
	pid=$!
	until_ok gone "$agent"
	until_ok gone "$pid"
	pid=
	[ "$(jq -r .event seen | xargs)" = \
	    "session.up session.warn session.down" ]
	jq -es '.[1].until == .[0].until' seen
	# It was short from the beginning: the warning was the next event.
	jq -es 'map(.time[0:19] + "Z" | fromdate) | .[1] - .[0] <= 1 and
	    .[2] - .[1] > 5' seen
	# Nothing was to be had by registering once more.
	[ "$(logged pal 'registered user=sip:carol@')" = $((before + 1)) ]
	# Her registration has ended with it, and so has her key.
	await alice --since "$m" -c ends -e conf.leave --by carol >/dev/null
	until_ok eval '[ "$(epoch alice ends)" -gt "$e" ]'
	expired() {
		[ "$(logged pal 'gone user=sip:carol@.* why=expired')" = 1 ]
	}
	until_ok expired
	run -3 --separate-stderr as carol sec-pal
	[[ $stderr == "sec-pal: carol is not logged in;"* ]]
	log_in carol
}
home() { echo "$SEC_DIR/home/$1/password"; }

@test "an invitation is withdrawn when its conference ends" {
	m=$(mark bob)
	bg sec-lab run alice sec-confctl create -n soon bob
	pid=$!
	await bob --since "$m" -e invite.in -c soon >/dev/null
	as alice sec-confctl end soon
	await bob --since "$m" -e invite.done -c soon |
	    jq -e '.result == "cancelled"'
	[ -z "$(as bob sec-confctl invites -q)" ]
	ended 9 "$pid"
	pid=
	grep -qx 'bob cancelled' bg.err
	run -5 as bob sec-confctl accept
}

@test "a router that left by --idle is dialled when it is needed" {
	command -v inetd >/dev/null || skip "no inetd"
	for d in mtcu1 mtcu2; do
		sec-lab stop $d 3>&-
		until_ok daemon_is_away $d
	done
	printf '%s stream tcp wait %s %s sec-mtcu serve -i --idle 1 --name %s\n' \
	    "$(server_addr mtcu1)" "$(id -un)" "$(command -v sec-mtcu)" mtcu1 \
	    >inetd.conf
	bg inetd -E -i inetd.conf
	pid=$!
	# The controller dials it after its loss; it has nothing to do.
	until_ok daemon_is_well mtcu1
	until_ok daemon_is_away mtcu1
	as alice sec-confctl create -q -n woken
	daemon_is_well mtcu1
	echo "good morning" | as alice sec-talk -s woken
	as alice sec-confctl leave woken
	until_ok daemon_is_away mtcu1
	kill "$pid"
	pid=
	for d in mtcu1 mtcu2; do
		sec-lab start $d 3>&-
		until_ok daemon_is_well $d
	done
}
