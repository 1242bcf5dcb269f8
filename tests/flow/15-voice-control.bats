#!/usr/bin/env bats
# Voice without sound: what the controller and the agent do for a device
# (S008, S045, S099, S103-S108, S131, S132, S177-S180).
#
#	device        agent              controller          MCU  sec-pal
#	  |-- attach -->|-- INVITE (m=audio) -->|               |     |
#	  |             |                       |--- join ----->|     |
#	  |             |                       |<-- ok addr ---|     |
#	  |             |                       |--- join ----------->|
#	  |<- attached -|<- 200, key, H_q ------|                     |
#	  |<- peer -----|<------------------------------- NOTIFY -----|
#	  |<- epoch ----|<- INFO (membership) --|                     |
#	  |<- media ----|<- INFO (device) ------|                     |
#	  |-- EOF ----->|-- BYE --------------->|--- leave ---------->|

bats_require_minimum_version 1.5.0
load ../lib/lab
load ../lib/device

setup_file() {
	lab_up alice bob carol
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
}

teardown_file() { lab_down; }

teardown() {
	show_logs
	local p
	for p in $(jobs -p); do kill "$p" 2>/dev/null || :; done
	as alice sec-mix all >/dev/null 2>&1 || :
	local u
	for u in alice bob carol; do
		as "$u" sec-confctl leave -a || :
	done >/dev/null 2>&1
}

# member USER CONF KEY: of the roster as alice sees it.
member() {
	agent alice show "conf=$2" | grep "user=sip:$1@" | tr '\t' '\n' |
	    sed -n "s/^$3=//p"
}
member_is() { [ "$(member "$1" "$2" "$3")" = "$4" ]; }

# events USER CONF GLOB
events() {
	as "$1" sec-watch -T 0 --since 0 -c "$2" -e "$3"
}

# mcu_of DEVICE: the name of its MCU.
mcu_of() {
	awk -v n="$(attr "$1" attached server)" '$1 == n { print $2 }' \
	    "$SEC_DIR/etc/servers"
}

@test "a device joins with its own q in the running epoch (S045, S103-S108)" {
	as alice sec-confctl create -n a1 -m text,voice bob
	local epoch
	epoch=$(epoch alice a1)
	device one alice a1 capture=card
	[ "$(attr one attached conf)" = sip:a1@conf.lab.test ]
	[ "$(attr one attached codec)" = opus ]
	[ "$(attr one attached ptime)" = 20 ]
	[ "$(attr one attached suite)" = 0x0006 ]
	[ "$(attr one attached me)" = sip:alice@lab.test ]
	[ "$(attr one attached epoch)" = "$epoch" ]
	[ "$(attr one attached key | base64 -d | wc -c)" = 32 ]
	[ "$(attr one attached hop | base64 -d | wc -c)" = 32 ]
	[ "$(attr one attached media)" = "$(server_addr "$(mcu_of one)")" ]
	# S106: the MCU has it.
	sec-ctl "$SEC_DIR/run/$(mcu_of one).sock" conferences |
	    grep -q 'conf=sip:a1@conf.lab.test'
	# A second device of the same user, and one of another: fresh q, the
	# same epoch, no other key.
	device two alice a1
	device three bob a1 via=recorder
	[ "$(attr two attached q)" != "$(attr one attached q)" ]
	[ "$(attr two attached hop)" != "$(attr one attached hop)" ]
	[ "$(attr three attached key)" = "$(attr one attached key)" ]
	[ "$(epoch alice a1)" = "$epoch" ]
	told one peer "q=$(attr three attached q) user=sip:bob@lab.test state=in"
	told three peer "q=$(attr two attached q) user=sip:alice@lab.test state=in"
	until_ok member_is alice a1 voice \
	    "$(attr one attached q),$(attr two attached q)"
	[ "$(member alice a1 media)" = text,voice ]
	[ "$(member bob a1 via)" = voip,recorder ]
	# The end of the connection is the BYE of that device alone.
	device_off two
	told three peer "q=$(attr two attached q) .*state=left"
	until_ok member_is alice a1 voice "$(attr one attached q)"
	[ "$(member alice a1 status)" = active ]
	[ "$(epoch alice a1)" = "$epoch" ]
}

@test "who joins and who leaves: epochs for devices" {
	as alice sec-confctl create -n a2 -m text,voice
	device one alice a2
	as alice sec-confctl invite a2 bob
	told one epoch 'epoch=2 .*wait=0'
	as bob sec-confctl leave a2
	told one epoch 'epoch=3 .*wait=300'
	[ "$(rows one epoch | tr ' ' '\n' | grep -c '^key=')" = 2 ]
	[ "$(rows one epoch | tr ' ' '\n' | grep '^key=' | sort -u | wc -l)" \
	    = 2 ]
}

@test "one codec, fixed at creation" {
	as alice sec-confctl create -n a3 -m voice --codec pcmu
	device one alice a3
	[ "$(attr one attached codec)" = pcmu ]
	run -2 as alice sec-confctl create -n a3b -m voice --codec mp3
	run agent alice create name=a3c media=voice codec=mp3
	[[ $output =~ 488 ]] || [ "$status" != 0 ]
}

@test "refused: no voice, not in, no recorders, wrong words" {
	as alice sec-confctl create -n a4 bob
	device one alice a4
	grep -q $'code=488\treason=no voice in this conference' \
	    "$BATS_TEST_TMPDIR/one.rows"
	device two carol a4
	grep -q $'code=403\t' "$BATS_TEST_TMPDIR/two.rows"
	as alice sec-confctl set a4 media=voice record=no
	device three bob a4 via=recorder
	grep -q $'code=403\treason=recording is not allowed here' \
	    "$BATS_TEST_TMPDIR/three.rows"
	device four bob a4 capture=tape
	grep -q $'code=400\t' "$BATS_TEST_TMPDIR/four.rows"
	device five bob a4 at=nowhere
	grep -q $'code=400\t' "$BATS_TEST_TMPDIR/five.rows"
	device six bob a4
	rows six attached | grep -q .
	# One device for each connection.
	device_says six attach id=2 conf=a4 at=127.0.0.1:4
	until_ok grep -q $'^error\tid=2\tcode=400' "$BATS_TEST_TMPDIR/six.rows"
}

@test "how voice reaches a user is his preference (S104)" {
	as alice sec-confctl create -n r1 -m text,voice carol
	# By IP, but no address to send to.
	device one carol r1 at=127.0.0.1:9
	grep -q $'code=488\t' "$BATS_TEST_TMPDIR/one.rows"
	as carol sec-login -k
	as carol sec-login -q --phone tel:+15551234567 \
	    -P "$SEC_DIR/home/carol/password" carol
	as carol sec-confctl join r1
	# By telephone; there is no gateway yet.
	device two carol r1 at=127.0.0.1:9
	grep -q $'code=503\t' "$BATS_TEST_TMPDIR/two.rows"
	# A device that says where it is, is asked for by name.
	device three carol r1
	rows three attached | grep -q .
	as carol sec-login -k
	log_in carol
	as carol sec-confctl answer accept
}

@test "two voice conferences, two MCUs: the one with more room (S099)" {
	as alice sec-confctl create -n s1 -m voice
	as alice sec-confctl create -n s2 -m voice
	device one alice s1
	device two alice s2
	[ "$(mcu_of one)" != "$(mcu_of two)" ]
}

@test "text only, both, voice only, while it runs; no line is missed (S008)" {
	as alice sec-confctl create -n m1 bob carol
	echo one | as alice sec-talk -s m1
	as alice sec-confctl set m1 media=text,voice
	await_that bob '.media == ["text","voice"]' --since 0 -c m1 -e conf.policy
	device dev bob m1
	echo two | as carol sec-talk -s m1
	as alice sec-confctl set m1 media=voice
	run -0 as alice sec-confctl show m1
	[[ ${lines[0]} =~ ^m1\ +voice\  ]]
	run agent bob say conf=m1 text=lost
	[[ $output =~ "no text in this conference" ]]
	# The voice device has not noticed.
	[ "$(said dev end)" = 0 ]
	as alice sec-confctl set m1 media=text,voice
	echo three | as carol sec-talk -s m1
	echo four | as bob sec-talk -s m1
	as alice sec-confctl set m1 media=text
	told dev end 'reason=no voice'
	echo five | as alice sec-talk -s m1
	local u
	for u in alice bob carol; do
		until_ok text_is_here "$u"
		[ "$(texts "$u" m1)" = "alice: one
carol: two
carol: three
bob: four
alice: five" ]
	done
	as bob sec-watch -T 0 --since 0 -c m1 -e conf.policy |
	    jq -se 'map(.media) == [["text","voice"],["voice"],
	    ["text","voice"],["text"]]'
}
text_is_here() { [ "$(texts "$1" m1 | tail -n 1)" = "alice: five" ]; }

# sec-pal holds up the join meanwhile.
@test "voice goes while a device is on its way in: it is not in" {
	as alice sec-confctl create -n m4 -m text,voice
	local pal set
	pal=$(daemon_pid pal)
	kill -STOP "$pal"
	device dev alice m4 &
	until_ok grep -qF "conf.join conf=sip:m4@conf.lab.test" \
	    "$SEC_DIR"/log/mcu1 "$SEC_DIR"/log/mcu2
	as alice sec-confctl set m4 media=text &
	set=$!
	until_ok grep -qF "conf.policy conf=m4" "$SEC_DIR/log/confctl"
	kill -CONT "$pal"
	wait "$set"
	until_ok grep -q '^error.*code=488' "$BATS_TEST_TMPDIR/dev.rows"
	[ "$(db conf.db "SELECT count(*) FROM device d JOIN conference c
	    ON d.conf = c.id WHERE c.name = 'm4'")" = 1 ]
}

@test "a voice conference has no text device at all" {
	as alice sec-confctl create -n m2 -m voice bob
	[ "$(member bob m2 media)" = "" ]
	[ "$(db conf.db "SELECT count(*) FROM device d JOIN conference c
	    ON d.conf = c.id WHERE c.name = 'm2' AND d.server != 0")" = 0 ]
	run agent alice say conf=m2 text=hello
	[[ $output =~ "no text in this conference" ]]
}

@test "what its creator may set, and nobody else (S131, S132)" {
	as alice sec-confctl create -n p1 -m text,voice bob
	as alice sec-confctl set p1 streams=2 select=first title='Coffee time' \
	    access=domain
	await_that bob '.streams == 2 and .select == "first" and
	    .title == "Coffee time" and .access == "domain"' \
	    --since 0 -c p1 -e conf.policy
	device one alice p1
	sec-ctl "$SEC_DIR/run/$(mcu_of one).sock" conferences |
	    grep 'conf=sip:p1@conf.lab.test' | grep 'streams=2' |
	    grep -q 'select=first'
	run -4 --separate-stderr as bob sec-confctl set p1 streams=1
	[[ $stderr =~ "only alice (creator) and moderators may do that" ]]
	run -2 --separate-stderr as alice sec-confctl set p1 streams=0
	[[ $stderr =~ "streams is a number" ]]
	run -2 --separate-stderr as alice sec-confctl set p1 select=best
	[[ $stderr =~ "loudest or first" ]]
	run -2 --separate-stderr as alice sec-confctl set p1 media=app
	[[ $stderr =~ "text, voice" ]]
	run -2 --separate-stderr as alice sec-confctl set p1 colour=red
	[[ $stderr =~ "cannot be set" ]]
	run -2 as alice sec-confctl set p1 streams
	run -2 as alice sec-confctl set p1 streams=1 streams=2
	run -5 as alice sec-confctl set nosuch streams=1
	# All or nothing.
	run -2 as alice sec-confctl set p1 title=Tea streams=99
	run -0 as alice sec-confctl show p1
	[[ ${lines[0]} =~ "Coffee time" ]]
}

# From the one to the other, the controller can store nothing.
disk_takes_nothing() {
	local lock=$BATS_TEST_TMPDIR/lock
	mkfifo "$lock"
	sqlite3 "$SEC_DIR/lib/conf.db" <"$lock" >"$lock.out" 2>&1 3>&- &
	holder=$!
	exec {disk_fd}>"$lock"
	printf 'BEGIN IMMEDIATE;\n.print locked\n' >&"$disk_fd"
	until_ok grep -q locked "$lock.out"
}
disk_takes_all() {
	exec {disk_fd}>&-
	wait "$holder"
}

# What cannot be stored is not done, and what was not done is not told.
@test "the disk takes nothing: no change of media, no setting, no end" {
	as alice sec-confctl create -n q1 -m text,voice bob
	device one alice q1
	disk_takes_nothing
	run ! as alice sec-confctl set q1 media=text streams=1
	run ! as alice sec-confctl end q1
	disk_takes_all
	[ "$(said one end)" = 0 ]
	sec-ctl "$SEC_DIR/run/$(mcu_of one).sock" conferences |
	    grep 'conf=sip:q1@' | grep -q 'streams=3'
	[ "$(as alice sec-confctl show -q q1 | sort | xargs)" = "alice bob" ]
	member_is alice q1 voice "$(attr one attached q)"
	as alice sec-confctl set q1 media=text streams=1
	told one end .
	as alice sec-confctl end q1
	run -5 as alice sec-confctl show q1
}

@test "focus: held at the MCU, busy in the roster, back with all (S177-S180)" {
	as alice sec-confctl create -n f1 -m text,voice bob
	as alice sec-confctl create -n f2 -m text,voice bob
	device one alice f1
	as alice sec-mix focus f2
	roster_is bob f1 "alice busy
bob active"
	roster_is bob f2 "alice active
bob active"
	# A later device is held as well.
	device two alice f1
	roster_is bob f1 "alice busy
bob active"
	# The agent says so again when the controller was restarted.
	kill_daemon confctl
	told one epoch 'epoch=3'
	roster_is bob f1 "alice busy
bob active"
	# `.` is what is listened to alone.
	[ "$(as alice sec-confctl show . | head -n 1 | cut -d' ' -f1)" = f2 ]
	as alice sec-mix all
	roster_is bob f1 "alice active
bob active"
	run -2 as alice sec-confctl show .
	# S178: nobody is told, the device does not play it.
	as alice sec-mix focus --local f2
	told one hear 'focus=off'
	[ "$(roster bob f1)" = "alice active
bob active" ]
	as alice sec-mix all
	told one hear 'focus=on'
	# What was listened to alone ends: all is heard again.
	as alice sec-mix focus f2
	roster_is bob f1 "alice busy
bob active"
	as alice sec-confctl end f2
	roster_is bob f1 "alice active
bob active"
	# So it is when it loses its voice; and before it has one, there is
	# nothing to listen to alone.
	as alice sec-confctl create -n f3 -m text bob
	run -8 as alice sec-mix focus f3
	[[ $output =~ "f3 has no voice" ]]
	run -8 as alice sec-mix focus --local f3
	[ "$(roster bob f1)" = "alice active
bob active" ]
	as alice sec-confctl set f3 media=text,voice
	as alice sec-mix focus f3
	roster_is bob f1 "alice busy
bob active"
	as alice sec-confctl set f3 media=text
	roster_is bob f1 "alice active
bob active"
}

@test "an MCU dies: new hop keys, a fresh epoch, the same q" {
	as alice sec-confctl create -n d1 -m text,voice bob
	device one alice d1
	device two bob d1
	local mcu epoch
	mcu=$(mcu_of one)
	epoch=$(epoch alice d1)
	kill_daemon "$mcu"
	told one back .
	told two back .
	[ "$(attr one media hop)" != "$(attr one attached hop)" ]
	[ "$(attr one media hop | base64 -d | wc -c)" = 32 ]
	told one epoch "epoch=$((epoch + 1)) .*wait=300"
	told two epoch "epoch=$((epoch + 1)) .*wait=300"
	[ "$(said one epoch)" = 1 ]
	events alice d1 'svc.*' | jq -se 'map(.event) == ["svc.down","svc.up"]
	    and all(.service == "mcu")'
	until_ok member_is alice d1 voice "$(attr one attached q)"
}

# Its log says that a device was refused; by then the other one was taken.
@test "an MCU comes back with too little room: tried again, elsewhere" {
	as alice sec-confctl create -n d3 -m voice bob
	device one alice d3
	device two bob d3
	local mcu other
	mcu=$(mcu_of one)
	other=mcu1
	[ "$mcu" = mcu2 ] || other=mcu2
	sec-lab stop "$other" 3>&-
	sec-lab stop "$mcu" 3>&-
	told one interrupted .
	told two interrupted .
	sec-mcu serve --name "$mcu" --max=1 -l "$(server_addr "$mcu")" 3>&- \
	    >"$BATS_TEST_TMPDIR/small.log" 2>&1 &
	local small=$!
	until_ok grep -q 'deal.refused conf=d3 .*status=503' \
	    "$SEC_DIR/log/confctl"
	one_is_back() {
		[ "$(($(said one back) + $(said two back)))" = 1 ]
	}
	until_ok one_is_back
	# Nobody waits for ever: there is room for both.
	sec-lab start "$other" 3>&-
	told one media "media=$(server_addr "$other")"
	told two media "media=$(server_addr "$other")"
	until_ok back_each
	[ "$(attr one epoch epoch)" = "$(attr two epoch epoch)" ]
	[ "$(attr one media hop)" != "$(attr two media hop)" ]
	kill "$small"
	wait "$small" || :
	sec-lab start "$mcu" 3>&-
	until_ok daemon_is_well "$mcu"
}
back_each() { [ "$(said one back)" -ge 1 ] && [ "$(said two back)" -ge 1 ]; }

@test "an MCU is gone: the other one; both: until one is there" {
	as alice sec-confctl create -n d2 -m text,voice bob
	device one alice d2
	device two bob d2
	local mcu other
	mcu=$(mcu_of one)
	other=mcu1
	[ "$mcu" = mcu2 ] || other=mcu2
	sec-lab stop "$mcu" 3>&-
	told one media "media=$(server_addr "$other")"
	told two media "media=$(server_addr "$other")"
	told one back .
	[ "$(attr one media hop)" != "$(attr one attached hop)" ]
	[ "$(db conf.db "SELECT count(DISTINCT d.server) FROM device d JOIN
	    conference c ON d.conf = c.id WHERE c.name = 'd2' AND
	    d.medium = 'voice'")" = 1 ]
	sec-lab stop "$other" 3>&-
	until_ok interrupted_twice one
	run -10 --separate-stderr as alice sec-confctl create -n d2b -m voice
	[[ $stderr =~ "no server is there for this medium" ]]
	run -10 --separate-stderr as alice sec-confctl create -n d2c \
	    -m text,voice
	sec-lab start "$mcu" 3>&-
	until_ok back_twice one
	until_ok back_twice two
	[ "$(attr one media media)" = "$(server_addr "$mcu")" ]
	sec-lab start "$other" 3>&-
	until_ok daemon_is_well "$other"
}

# The move is not half done: until it is on the disk, it is where it was; then
# keys, addresses and rows are those of the new one.
@test "an MCU is gone while the disk takes nothing: moved when it does" {
	as alice sec-confctl create -n d4 -m text,voice bob
	device one alice d4
	device two bob d4
	local mcu other=mcu1 n
	mcu=$(mcu_of one)
	[ "$mcu" = mcu2 ] || other=mcu2
	n=$(db_failures)
	disk_takes_nothing
	sec-lab stop "$mcu" 3>&-
	until_ok eval '[ "$(db_failures)" -ge '"$((n + 2))"' ]'
	[ "$(said one media)" = 0 ]
	[ "$(voice_of d4)" = "$mcu $mcu $mcu" ]
	disk_takes_all
	told one back .
	told two back .
	[ "$(attr one media media)" = "$(server_addr "$other")" ]
	[ "$(attr two media media)" = "$(server_addr "$other")" ]
	[ "$(attr one media hop)" != "$(attr one attached hop)" ]
	until_ok eval '[ "$(attr one epoch epoch)" = "$(attr two epoch epoch)" ]'
	[ "$(voice_of d4)" = "$other $other $other" ]
	sec-lab start "$mcu" 3>&-
	until_ok daemon_is_well "$mcu"
}
db_failures() { cat "$SEC_DIR"/log/confctl* | grep -c ' db\.begin ' || :; }
# voice_of CONF: where its voice is, and that of each device, by the disk.
voice_of() {
	db conf.db "SELECT m.server FROM conference_medium m JOIN conference c ON
	    m.conf = c.id WHERE c.name = '$1' AND m.medium = 'voice'
	    UNION ALL SELECT d.server FROM device d JOIN conference c ON
	    d.conf = c.id WHERE c.name = '$1' AND d.medium = 'voice'" |
	    while read -r n; do
		awk -v n="$n" '$1 == n { print $2 }' "$SEC_DIR/etc/servers"
	done | xargs
}

interrupted_twice() { [ "$(said "$1" interrupted)" = 2 ]; }
back_twice() { [ "$(said "$1" back)" = 2 ]; }

@test "the controller dies: devices stay, with a fresh epoch" {
	as alice sec-confctl create -n d3 -m text,voice bob
	device one alice d3
	device two bob d3 via=recorder
	local q
	q=$(attr one attached q)
	kill_daemon confctl
	told one epoch 'epoch=3 .*wait=300'
	told two epoch 'epoch=3 .*wait=300'
	# The MCU has kept their hop keys.
	[ "$(said one media)" = 0 ]
	until_ok member_is alice d3 voice "$q"
	[ "$(member bob d3 via)" = voip,recorder ]
	device_off one
	told two peer "q=$q .*state=left"
}

@test "leaving ends the devices; so does the end" {
	as alice sec-confctl create -n e1 -m text,voice bob
	device one alice e1
	device two bob e1
	local q
	q=$(attr two attached q)
	# Who comes and goes between two NOTIFYs was never there.
	told one peer "q=$q .*state=in"
	as bob sec-confctl leave e1
	told two end 'reason=left'
	told one peer "q=$q .*state=left"
	as alice sec-confctl end e1
	told one end .
	[ "$(db conf.db "SELECT count(*) FROM conference WHERE
	    name = 'e1'")" = 0 ]
}

@test "mics: the youngest with a sound card, one at a time (S174-S176)" {
	as alice sec-confctl create -n g1 -m voice
	as alice sec-confctl create -n g2 -m voice
	run -8 --separate-stderr as alice sec-mix mic g1 on
	device one alice g1 capture=card
	device two alice g1 capture=file mic=on
	device three alice g2 capture=card
	as alice sec-mix mic g1 on -t 5
	told one mic 'on=on t=5 by=tool'
	device_says one mic on=on by=agent
	await_that alice '.on == true' --since 0 -c g1 -e mic
	[ "$(said two mic)" = 0 ]
	events alice g1 mic | jq -se 'map([.on, .by]) ==
	    [[true,"start"],[true,"agent"]]'
	# The other conference's on the same card: this one goes off.
	as alice sec-mix mic g2 on
	told three mic 'on=on'
	told one mic 'on=off'
	device_says one mic on=off by=agent
	device_says three mic on=on by=agent
	# By its key it goes on here again: off there.
	device_says one mic on=on by=key
	told three mic 'on=off'
	as alice sec-mix mic g1 off
	told two mic "on=off"
	# A device that ends takes its open mic along.
	device_off one
	until_ok mic_closed
}
mic_closed() {
	events alice g1 mic | tail -n 1 | jq -e '.on == false'
}

@test "who speaks is told once, however many devices hear him" {
	as alice sec-confctl create -n t1 -m text,voice bob
	device one alice t1
	device two alice t1
	device bobs bob t1
	local q
	q=$(attr bobs attached q)
	told one peer "q=$q"
	told two peer "q=$q"
	# Nobody's: it is no event.
	device_says one talk q=1.999 on=on
	device_says one talk "q=$q" on=on
	device_says two talk "q=$q" on=on
	await alice --since 0 -c t1 -e voice.start --by bob >/dev/null
	as alice sec-mix list | grep -q '^t1 .*bob'
	device_says one talk "q=$q" on=off level=-20.5 lost=3 jitter=1.5 \
	    seconds=2.0
	device_says two talk "q=$q" on=off level=-21 lost=0 jitter=2 seconds=2.1
	await alice --since 0 -c t1 -e voice.stop --by bob |
	    jq -e '.level_db == -21 and .lost == 0 and .jitter_ms == 2 and
	    .seconds == 2.1'
	events alice t1 'voice.*' | jq -se 'length == 2'
	# A device that goes while he speaks ends it too.
	device_says one talk "q=$q" on=on
	until_ok started_twice
	device_off one
	until_ok stopped_twice
}
started_twice() { [ "$(events alice t1 voice.start | wc -l)" = 2 ]; }
stopped_twice() { [ "$(events alice t1 voice.stop | wc -l)" = 2 ]; }

@test "addressed by name, by --to, and not by chance (S184)" {
	as alice sec-confctl create -n n1 -m text,voice bob
	device one alice n1
	echo 'alice@example.org is no address of hers' | as bob sec-talk -s n1
	echo 'dear @alicea' | as bob sec-talk -s n1
	echo 'hello @bob' | as bob sec-talk -s n1
	[ "$(said one addressed)" = 0 ]
	echo 'hello @alice, are you there' | as bob sec-talk -s n1
	told one addressed 'user=sip:bob@lab.test'
	echo 'for you' | as bob sec-talk -s --to alice n1
	until_ok addressed_twice
}
addressed_twice() { [ "$(said one addressed)" = 2 ]; }

@test "what is set by sec-mix comes with every device, and stays" {
	as alice sec-confctl create -n x1 -m text,voice bob
	as alice sec-mix mode x1 earcon
	as alice sec-mix vol x1 -6
	as alice sec-mix sound bob none
	device one alice x1
	[ "$(attr one attached mode)" = earcon ]
	[ "$(attr one attached vol)" = -6 ]
	told one sound 'user=sip:bob@lab.test file=none'
	as alice sec-mix mode x1 light
	told one hear 'mode=light vol=-6'
	as alice sec-mix mute
	told one hear 'mute=on'
	run -2 as alice sec-mix vol x1 13
	[[ $output =~ "-60 to 12 dB" ]]
	run -2 as alice sec-mix vol x1 loud
	run agent alice vol conf=x1 db=13
	[[ $output =~ "-60 to 12 dB" ]]
	run agent alice mode conf=x1 what=loud
	[[ $output =~ "hear, earcon, light or alert" ]]
	# Another agent of hers, later.
	as alice sec-login -k
	log_in alice
	as alice sec-confctl join x1
	device two alice x1
	[ "$(attr two attached mode)" = light ]
	[ "$(attr two attached vol)" = -6 ]
	[ "$(attr two hear mute)" = off ]
	jq -se 'any(.[]; .conf == "sip:x1@conf.lab.test" and
	    .mode == "light" and .vol_db == -6)' \
	    "$SEC_DIR/home/alice/mix.json"
	# What cannot be read does no harm.
	echo 'not json' >>"$SEC_DIR/home/alice/mix.json"
}

@test "a sound for a slip of the pen is refused (S182)" {
	as alice sec-confctl create -n s1 -m text,voice bob
	run -5 as alice sec-mix sound bobb none
	[[ $output =~ "bobb is no conference of mine, and nobody that I know" ]]
	# Who is here, who is to come, who once was given one.
	as alice sec-mix sound bob none
	as alice sec-mix sound later@lab.test none
	as alice sec-mix sound later click
	as alice sec-mix sound tel:+15551234 none
	jq -se 'map(.user // empty) | sort | unique == ["sip:bob@lab.test",
	    "sip:later@lab.test","tel:+15551234"]' \
	    "$SEC_DIR/home/alice/mix.json"
}

@test "levels flow while somebody looks" {
	as alice sec-confctl create -n l1 -m voice
	device one alice l1
	local out=$BATS_TEST_TMPDIR/levels
	sec-ctl "$SEC_DIR/run/alice@lab.test.sock" levels >"$out" 3>&- &
	local pid=$!
	told one levels 'on=on'
	device_says one level in=-30.5 out=-90
	until_ok grep -q 'level_db=-30.5' "$out"
	# For people and for programs.
	sec-lab run alice sec-mix levels >"$out.txt" 3>&- &
	local people=$!
	sec-lab run alice sec-mix levels -j >"$out.json" 3>&- &
	local programs=$!
	shown() {
		device_says one level in=-40 out=-90
		grep -qx 'l1 alice -40 dB' "$out.txt" &&
		    jq -se 'any(.[]; .conf == "sip:l1@conf.lab.test" and
			.level_db == -40 and .mic == "off")' "$out.json"
	}
	until_ok shown
	kill "$people" "$programs"
	wait "$people" "$programs" || :
	[ "$(said one levels)" = 1 ]
	kill "$pid"
	told one levels 'on=off'
}

@test "who logs out takes his devices out, without waiting for sec-pal" {
	as alice sec-confctl create -n z1 -m voice carol
	device last carol z1 capture=card mic=on
	local q
	q=$(attr last attached q)
	until_ok member_is carol z1 voice "$q"
	sec-lab stop pal
	as carol sec-login -k
	told last end .
	until_ok grep -q "conf.leave conf=z1 .*q=$q why=bye" "$SEC_DIR/log/confctl"
	device_off last
	sec-lab start pal
}
