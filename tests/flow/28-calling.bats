#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Calling by the directory: whoever has an attribute is found by the
# controller and asked, each once.
#
#	alice's agent         sec-confctl            sec-pal     bob, carol ...
#	 | INVITE Proposed:       |                      |            |
#	 |  sip:1256@org.D        | find query=org:1256  |            |
#	 |----------------------->|--------------------->|            |
#	 |                        |<-- user bound class -|            |
#	 |<-- 183 dave: 486 ------| INVITE               |            |
#	 |                        |-----------------------------------| each who
#	 |<-- 183 bob: 200 -------|<----------------------------------| is
#	 |<-- 200, or the gravest-|                      |            | available

load ../lib/lab
load ../lib/slapd

setup_file() {
	lab_up alice bob carol dave erin frank
	as bob sec-confctl answer accept
	as carol sec-confctl answer decline
	as frank sec-confctl answer accept
	as dave sec-pal set busy -N "in review"
	as erin sec-login -k
	sec-admin user import - 3>&- <<-END
	user,org,location,groups
	alice,1256,Berlin,
	bob,1256,Berlin,helpdesk
	carol,1256,,
	dave,1256,Bergen,
	erin,1256,,helpdesk
	frank,7,Berlin,
	zoe,1256,,
	END
}
teardown_file() { lab_down; }
teardown() {
	silent_down
	show_logs
	as bob sec-confctl answer accept
	for u in alice bob frank; do
		as $u sec-confctl leave -a || :
	done
}

# asked USER MARK: how often he was invited since.
asked() {
	as "$1" sec-watch -T 0 --since "$2" -e invite.in | wc -l
}

@test "S123 S167 S168: a conference with a whole organisation" {
	b=$(mark bob)
	run -0 --separate-stderr as alice sec-confctl create -n o1 org:1256
	[ "$output" = o1 ]
	[ "$stderr" = "1 accepted, 1 declined, 1 busy, 2 offline" ]
	roster_is alice o1 $'alice active\nbob active'
	[ "$(asked bob "$b")" = 1 ]
	# Whoever shows busy was not asked (S113).
	[ "$(asked dave "$(mark dave)")" = 0 ]
	[ "$(as dave sec-watch -T 0 --since 0 -e invite.in)" = "" ]
}

@test "S123: several attributes and names: each person once" {
	as alice sec-confctl create -n o2
	b=$(mark bob) f=$(mark frank) c=$(mark carol)
	run -0 --separate-stderr as alice sec-confctl invite o2 \
	    org:1256 location:Berlin group:helpdesk carol
	# Who is named is told by his name, the others are counted.
	[ "$(sort <<<"$stderr" | tr -s ' ')" = \
	    $'2 accepted, 1 busy, 2 offline\ncarol declined' ]
	[ "$(asked bob "$b") $(asked frank "$f") $(asked carol "$c")" = "1 1 1" ]
	roster_is alice o2 $'alice active\nbob active\nfrank active'
	# Whoever is in it counts as come.
	run -0 --separate-stderr as alice sec-confctl invite o2 location:Berlin
	[ "$stderr" = "2 accepted" ]
	[ "$(asked bob "$b")" = 1 ]
	# A part of the value.
	run -7 --separate-stderr as alice sec-confctl invite o2 'location:Berg*'
	[ "$stderr" = "1 busy" ]
}

@test "-j: one row for each; -v names them; -W: the first that is not 0" {
	run -0 --separate-stderr as alice sec-confctl create -n o3 -j org:1256
	jq -se 'length == 6 and .[0].conf == "sip:o3@conf.lab.test" and
	    ([.[1:][] | (.user | sub("sip:"; "") | sub("@.*"; "")) + " " +
	    .result] | sort) == ["bob accepted", "carol declined",
	    "dave busy", "erin offline", "zoe offline"]' <<<"$output"
	jq -se 'any(.user == "sip:dave@lab.test" and .note == "in review")' \
	    <<<"$output"
	run -0 --separate-stderr as alice sec-confctl invite -v o3 org:1256
	grep -q 'carol.* declined' <<<"$stderr"
	run ! --separate-stderr as alice sec-confctl invite -W o3 org:1256
	[[ $status =~ ^[678]$ ]]
}

@test "nobody has it: 5; others are asked even so; no attribute: 2" {
	as alice sec-confctl create -n o4
	run -5 --separate-stderr as alice sec-confctl invite o4 org:9999
	[ "$stderr" = "org:9999 nobody (the directory knows nobody who has that)" ]
	run -0 --separate-stderr as alice sec-confctl invite o4 org:9999 bob
	grep -qx 'bob       accepted' <<<"$stderr"
	run -5 --separate-stderr as alice sec-confctl invite -W o4 org:9999 bob
	run -2 as alice sec-confctl invite o4 'org:'
	run -2 as alice sec-confctl invite o4 $'location:New\nYork'
	run -4 as bob sec-confctl invite nosuch org:1256 || [ "$status" = 5 ]
}

@test "a note that rules hide is not told by an invitation either" {
	as alice sec-confctl create -n o9
	run -7 --separate-stderr as alice sec-confctl invite -j o9 location:Bergen
	[ "$(jq -r .note <<<"$output")" = "in review" ]
	sec-admin rule add some 'allow who=alice whom=dave attrs=status,class'
	run -7 --separate-stderr as alice sec-confctl invite -j o9 location:Bergen
	[ "$(jq -r .note <<<"$output")" = null ]
	[ "$(rung o9 dave)" = 0 ]
	# Whose status she may not see at all is asked himself.
	sec-admin rule rm some
	sec-admin rule add none 'deny who=alice whom=dave'
	run -7 --separate-stderr as alice sec-confctl invite -j o9 location:Bergen
	[ "$(rung o9 dave)" = 1 ]
	sec-admin rule rm none
}
rung() { sec-lab log confctl | grep -c "invite.out conf=$1 user=sip:$2@" || :; }

@test "a value may have blanks, commas and letters of any script" {
	sec-admin user import - 3>&- <<-'END'
	user,name,title
	frank,"Di Crescenzo, Fränk",New York
	bob,Ольга,København
	END
	as alice sec-confctl create -n o8
	run -0 --separate-stderr as alice sec-confctl invite o8 \
	    'title:new york'
	[ "$stderr" = "1 accepted" ]
	roster_is alice o8 $'alice active\nfrank active'
	run -0 --separate-stderr as alice sec-confctl invite o8 name:ОЛЬГА
	[ "$stderr" = "1 accepted" ]
	as frank sec-confctl leave -a
	as bob sec-confctl leave -a
	run -0 --separate-stderr as alice sec-confctl invite o8 \
	    'name:Di Crescenzo, F*' 'title:København'
	[ "$stderr" = "2 accepted" ]
	run -5 --separate-stderr as alice sec-confctl invite o8 'name:100% (x)'
	[ "$stderr" = "name:100% (x) nobody (the directory knows nobody who has that)" ]
	run -5 --separate-stderr as alice sec-confctl invite o8 name:~20
	[[ $stderr == "name:~20 nobody"* ]]
}

@test "more than a thousand at once are not asked: 4, and a sentence" {
	{
		echo user,org,location
		printf 'p%d,big,Full\n' {1..1000}
		echo p1001,big,
	} | sec-admin user import - 3>&-
	as alice sec-confctl create -n o5
	run -4 --separate-stderr as alice sec-confctl invite o5 org:big
	[[ $stderr == *"more than 1000 people; not invited"* ]]
	run -8 --separate-stderr as alice sec-confctl invite o5 location:Full
	[ "$stderr" = "1000 offline" ]
}

@test "who is blocked is not asked" {
	as alice sec-confctl create -n o6
	sec-lab stop confctl 3>&-
	sqlite3 "$SEC_DIR/lib/conf.db" "insert into conference_user
	    (conf, user, list) select id, 'sip:bob@lab.test', 'block'
	    from conference where name = 'o6'"
	sec-lab start confctl 3>&-
	until_ok daemon_is_well confctl
	b=$(mark bob)
	until_ok eval 'as alice sec-confctl list -q | grep -qx o6'
	run --separate-stderr as alice sec-confctl invite o6 location:Berlin carol
	grep -q '1 accepted, 1 not allowed' <<<"$stderr"
	[ "$(asked bob "$b")" = 0 ]
}

@test "nobody answers: 9; INT takes back what is open" {
	as bob sec-confctl answer ask
	as alice sec-confctl create -n o7
	run -9 --separate-stderr as alice \
	    sec-confctl invite -W -T 5 o7 location:Berlin
	[ "$stderr" = "1 accepted, 1 no answer" ]
	b=$(mark bob)
	bg env --default-signal=INT \
	    sec-lab run alice sec-confctl invite o7 group:helpdesk
	pid=$!
	await bob --since "$b" -e invite.in
	kill -INT "$pid"
	ended 130 "$pid"
	await_that bob '.result == "cancelled"' --since "$b" -e invite.done
	run -0 as bob sec-confctl invites -q
	[ "$output" = "" ]
}

@test "S104: no device for the medium: not rung, 8" {
	as frank sec-login -k
	as frank sec-login -q -m text -P "$SEC_DIR/home/frank/password" frank
	f=$(mark frank)
	as alice sec-confctl create -n o8 -m voice
	run -8 --separate-stderr as alice sec-confctl invite o8 frank
	[ "$stderr" = "frank no device for this medium; not invited" ]
	[ "$(asked frank "$f")" = 0 ]
	# What the controller reads is in the answer to its question.
	as frank sec-login -k
	as frank sec-login -q --phone tel:+15551234567 \
	    -P "$SEC_DIR/home/frank/password" frank
	# By telephone, and there is no gateway yet.
	run -10 --separate-stderr as alice sec-confctl invite o8 frank
	as frank sec-confctl answer accept
	as alice sec-confctl create -n o9 -m text,voice
	run -0 --separate-stderr as alice sec-confctl invite o9 frank
	as frank sec-login -k
	log_in frank
	as frank sec-confctl answer accept
}

@test "S113 S116: who shows busy in my PAL is not asked but with --anyway" {
	as alice sec-pal add dave
	as alice sec-confctl create -n o10
	d=$(mark dave)
	run -7 --separate-stderr as alice sec-confctl invite o10 dave
	[ "$stderr" = "dave busy (in review)" ]
	[ "$(asked dave "$d")" = 0 ]
	as dave sec-confctl answer decline
	run -6 --separate-stderr as alice sec-confctl invite --anyway o10 dave
	[ "$(asked dave "$d")" = 1 ]
	run -6 --separate-stderr as alice sec-confctl invite --anyway o10 \
	    'location:Bergen'
	[ "$(asked dave "$d")" = 2 ]
	as dave sec-confctl answer ask
	# Nobody's PAL has him who asks: his own agent says so.
	as bob sec-pal rm dave
	as bob sec-confctl create -n o11
	run -7 --separate-stderr as bob sec-confctl invite o11 dave
	as bob sec-pal add dave
}

@test "S097: an invitation to nobody is the controller's: a conference" {
	a=$(mark alice)
	c=$(as alice sec-confctl create -m text,voice)
	await alice --since "$a" -c "$c" -e conf.new |
	    jq -e '.media == ["text","voice"] and .user == "sip:alice@lab.test"'
	run -0 as alice sec-confctl show "$c" -q
	[ "$output" = alice ]
}

@test "a PAL manager that is away: 10, and who is in it goes on" {
	as alice sec-confctl create -n o12 frank
	sec-lab stop pal 3>&-
	run -10 --separate-stderr as alice sec-confctl invite o12 org:1256
	[[ $stderr == "org:1256 failed (the PAL manager does not answer)" ]]
	echo still here | as alice sec-talk -s o12
	until_ok eval '[ "$(texts frank o12)" = "alice: still here" ]'
	sec-lab start pal 3>&-
	until_ok daemon_is_well pal
}

@test "a directory that is away: 10 before long, and nothing else suffers" {
	as alice sec-confctl create -n o13
	silent_up
	for where in 127.0.0.1:1 "127.0.0.1:$SILENT_PORT"; do
		sed -i '/^directory/d' "$SEC_DIR/etc/sec.conf"
		echo "directory = ldap://$where/dc=lab,dc=test" \
		    >>"$SEC_DIR/etc/sec.conf"
		kill_daemon pal
		since=$SECONDS
		run -10 --separate-stderr as alice \
		    sec-confctl invite o13 org:1256
		[[ $stderr == "org:1256 failed ("*")" ]]
		((SECONDS - since < DEADLINE))
		# Whoever is named is asked all the same.
		run -0 --separate-stderr as alice \
		    sec-confctl invite o13 org:1256 bob
		grep -q 'bob .*accepted' <<<"$stderr"
		as bob sec-confctl leave o13
	done
	sed -i '/^directory/d' "$SEC_DIR/etc/sec.conf"
	kill_daemon pal
	run -0 --separate-stderr as alice sec-confctl invite o13 location:Berlin
}
