#!/usr/bin/env bats
# STORIES 1.1: five minutes on one laptop.
#
#	sec-lab up alice bob
#	alice's terminal                     bob's terminal
#	[alice] $ sec-pal
#	[alice] $ sec-confctl create ... --> * alice invites you ...
#	                                     [bob] $ sec-confctl accept &&
#	hello, bob accepted  <------------       sec-talk .
#	[alice] $ sec-talk .
#	> and I you  <--------------------->  > got you
#
# S015: set-up of the servers, registration, joining, sending, in this order.
load ../lib/lab
load ../lib/term
load ../lib/sound

setup_file() {
	export SEC_DIR=$BATS_FILE_TMPDIR
	if [ ${#SEC_DIR} -gt 60 ]; then
		SEC_DIR=$(mktemp -d /tmp/sec.XXXXXX)
		touch "$BATS_FILE_TMPDIR/short"
	fi
	unset SEC_USER SEC_CONF KRB5CCNAME KRB5_CONFIG
	sec-lab up alice bob >"$BATS_FILE_TMPDIR/up.out" \
	    2>"$BATS_FILE_TMPDIR/up.err" 3>&-
}

teardown_file() {
	terms_end
	lab_down
}

teardown() { show_logs; }

@test "S015 S017-S022 S026 S035: up says what it did" {
	[ ! -s "$BATS_FILE_TMPDIR/up.out" ]
	run -0 cat "$BATS_FILE_TMPDIR/up.err"
	[[ ${lines[0]} == "state "*"$SEC_DIR   (sec-lab down --purge removes it)" ]]
	[[ ${lines[1]} =~ ^kdc\ +LAB\.TEST\ +127\.[0-9.]+:7388\ +ok$ ]]
	[[ ${lines[2]} =~ ^key\ +joint\ key\ [0-9a-f]{4}-[0-9a-f]{4},\ 6\ servers\ +ok$ ]]
	[[ ${lines[3]} =~ ^confctl\ pal\ mtcu1\ mtcu2\ mcu1\ mcu2\ +ok$ ]]
	[[ ${lines[4]} =~ ^users\ +alice\ bob\ +ok$ ]]
	[[ ${lines[5]} =~ ^ready\ in\ [0-9.]+\ s\.\ \ Next:\ \ sec-lab\ shell\ alice$ ]]
	[ ${#lines[@]} = 6 ]
}

@test "S001 S005 S041: two shells, an invitation, a talk" {
	local t='[0-2][0-9]:[0-5][0-9]'
	term alice
	term bob
	types alice sec-pal
	sees alice '^NAME +STATUS +SINCE +NOTE$' "^bob +available +$t\$" \
	    '^\[alice\] \$$'
	types alice 'sec-confctl create -n hello -m text bob'
	sees bob "^\\* $t alice invites you to hello \\(text\\)\\.   Answer:  sec-confctl accept\$"
	sees alice '^hello$'
	types bob 'sec-confctl accept && sec-talk .'
	sees alice '^hello$' '^bob accepted$' '^\[alice\] \$$'
	types alice 'sec-talk .'
	sees alice '^hello: 2 in \(alice bob\)\.  ctrl-d leaves\.$' '^>'
	sees bob '^hello: 2 in \(alice bob\)\.  ctrl-d leaves\.$' '^>'
	types bob 'got you'
	sees alice "^$t bob: got you\$" '^>'
	types alice 'and I you'
	sees alice "^$t bob: got you\$" "^$t alice: and I you\$"
	sees bob "^$t bob: got you\$" "^$t alice: and I you\$"
	keys alice C-d
	sees alice "^$t alice: and I you\$" '^\[alice\] \$$'
	keys bob C-d
	sees bob "^$t alice: and I you\$" '^\[bob\] \$$'
	# Control is apart from taking part: alice is in it still.
	types alice 'sec-confctl leave hello && sec-confctl list && echo none'
	sees alice '^none$'
}

@test "without krb5kdc: which package, and exit 10" {
	mkdir -p "$BATS_TEST_TMPDIR/empty"
	export NONE=$BATS_TEST_TMPDIR/none
	install -m 644 /dev/null "$NONE"
	unshare -rm true 2>/dev/null || skip "no mount namespaces here"
	SEC_DIR=$BATS_TEST_TMPDIR/other PATH=$BATS_TEST_TMPDIR/empty:$PATH \
	    run -10 --separate-stderr unshare -rm sh -c \
	    'for d in $(echo "$PATH" | tr : " ") /usr/sbin; do
		[ ! -e "$d/krb5kdc" ] || mount --bind "$NONE" "$d/krb5kdc"
	    done
	    sec-lab up alice bob'
	[ "$stderr" = "sec-lab: krb5kdc not found; on Debian: apt install krb5-kdc" ]
}

# S003, S044: text and voice of one user at the same time, in one program.
@test "S003 S006 S044 S111: the same with a voice" {
	command -v sox >/dev/null
	cd "$BATS_TEST_TMPDIR"
	speech words.wav "and I you, and I you, and I you"
	raw words.wav words.raw
	card "$PWD/words.raw" "$PWD/alice.raw"
	terms_end # the next one has the card in its environment
	term alice
	as bob sec-confctl answer accept
	seq=$(mark bob)
	types alice 'sec-confctl create -n loud -m text,voice bob && sec-talk .'
	sees alice '^bob accepted$' \
	    '^loud: 2 in \(alice bob\)\.  space: mic on/off; ctrl-d leaves\.$'
	env -u SEC_ALSA_IN -u SEC_ALSA_OUT sec-lab run bob sec-talk -i null \
	    -o bob.wav loud 3>&- >bob.out 2>&1 &
	local ear=$!
	await alice --state -c loud -e conf.join --by bob >/dev/null
	keys alice Space
	sees alice '\* loud: mic on$'
	await bob --since "$seq" -c loud -e voice.start --by alice >/dev/null
	# Typing goes on, and a space in a line is a space.
	types alice 'and this in words'
	await bob --since "$seq" -c loud -e text >text
	jq -e '.text == "and this in words"' text
	keys alice Space
	sees alice '\* loud: mic off$'
	await bob --since "$seq" -c loud -e voice.stop --by alice >/dev/null
	keys alice C-d
	kill -TERM $ear
	wait $ear || :
	run ! silent bob.wav
	as bob sec-confctl leave loud
	as bob sec-confctl answer ask
}
