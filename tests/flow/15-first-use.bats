#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Somebody's first hour: what he types wrong, what he sees then.
#
#   words --> tool: 2 and the rule, nobody is asked
#        \--> agent --> sec-pal: what is there no more is said so

load ../lib/lab

setup_file() { lab_up alice bob; }
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() {
	show_logs
	leave_all alice bob
}

# wrong PATTERN COMMAND...: usage, exit 2, and the words of the rule.
wrong() {
	local pattern=$1
	shift
	run -2 --separate-stderr as alice "$@"
	[ "$output" = "" ]
	# shellcheck disable=SC2053
	[[ ${stderr_lines[0]} == $pattern ]]
}

@test "a status is one of four or a word; a note is short" {
	rule='*no status: available, busy, away, offline, or a word of your own*'
	for word in Busy 'two words' '' 2nd "$(printf 'a%.0s' {1..32})"; do
		wrong "sec-pal: $rule" sec-pal set "$word"
		wrong "sec-login: $rule" sec-login -s "$word"
	done
	long=$(printf 'n%.0s' {1..256})
	wrong '*a note has at most 255 bytes, this has 256' \
	    sec-pal set busy -N "$long"
	wrong '*note*' sec-login -s busy -N "$long"
	wrong '*-N is the note to a status*' sec-login -N note
	# The longest one goes through, and the table shortens it.
	as alice sec-pal set busy -N "${long:1}"
	until_ok eval 'as bob sec-pal -j list alice |
	    jq -e --arg n "${long:1}" ".note == \$n"'
	run -0 as bob sec-pal
	[[ $output =~ ^alice\ +busy\ +[0-9:]{5}\ +n{37}\.\.\.$ ]]
	run -0 as bob sec-pal show alice
	[[ $output == *"${long:1}"* ]]
	as alice sec-pal set available
	# The agent says the same to whoever asks it himself.
	run -11 --separate-stderr as alice sec-ctl \
	    "$SEC_DIR/run/alice@lab.test.sock" set value=Busy
	[[ $stderr == *"a status is available, busy, away, offline or a word"* ]]
}

@test "sec-login takes no nonsense" {
	wrong '*garbage: media are text, voice and app*' sec-login -m garbage
	wrong '*no telephone number*+15551234567*' sec-login --phone garbage
	wrong '*ask, accept, decline or busy' sec-login -A maybe
	wrong "*nobody's name*" sec-login -A 'accept:bob,a b'
	wrong '*-P or -K*' sec-login -P x -K y
	for o in -l -r -k; do
		wrong '*take no operand*' sec-login $o extra
		wrong '*no option of a login' sec-login $o -s busy
	done
	# None of it has ended the session.
	run -0 as alice sec-login -l -q
	[ "$output" = $'alice\nbob' ]
	run -0 as alice sec-login -l -q -j
	run -5 --separate-stderr as alice sec-login -K /no/where nobody
	[ "$stderr" = "sec-login: /no/where: No such file or directory" ]
	run -5 --separate-stderr as alice sec-login -P /no/where nobody
	[ "$stderr" = "sec-login: /no/where: No such file or directory" ]
}

@test "sec-login of who is logged in: status and rule are set, the rest told" {
	run -0 --separate-stderr as bob sec-login -A accept:alice -s away
	[[ $output == "bob@LAB.TEST  away  until "* ]]
	[ -z "$stderr" ]
	run -0 --separate-stderr as alice sec-confctl create -n asked bob
	[ "$stderr" = "bob accepted" ]
	run -0 as bob sec-login -A decline
	as bob sec-confctl leave asked
	run -6 --separate-stderr as alice sec-confctl invite asked bob
	run -0 --separate-stderr as bob sec-login -A ask -s available \
	    --phone +15551234567 -m text
	[ "$stderr" = "logged in already: -m and --phone only at a new login (after sec-login -k)" ]
}

@test "names: the rule, and nothing is asked" {
	rule='*no name of a conference: a name begins with a-z or 0-9*at most 64*'
	long=$(printf 'a%.0s' {1..65})
	for name in '' Standup "$long" 'a b'; do
		wrong "$rule" sec-confctl create -n "$name"
		wrong '*no *conference*' sec-confctl join "$name"
		wrong '*no *conference*' sec-confctl leave "$name"
		wrong '*no *conference*' sec-confctl show "$name"
		wrong '*no *conference*' sec-confctl end "$name"
		wrong '*no *conference*' sec-talk -s "$name" </dev/null
	done
	wrong '*conference is taken*' sec-confctl create -n conference
	as alice sec-confctl create -n "${long:1}"
	who=$long$long
	wrong "*nobody's name: a user has *" sec-confctl invite . "$who"
	wrong '*name*' sec-confctl invite . ''
	wrong "*nobody's name*" sec-confctl answer accept 'b b'
	# Of the right form, and nobody.
	run -5 --separate-stderr as alice sec-confctl invite . ALICE
	for user in Alice "$long" ''; do
		run -2 --separate-stderr sec-lab user "$user"
		[[ $stderr == "sec-lab: "*"a user's name begins with a-z or 0-9"*64* ]]
	done
}

@test "which daemon is meant: 2 without a name, 5 with a wrong one" {
	run -2 --separate-stderr sec-mtcu health
	[[ $stderr == *"several lines with role mtcu; say --name" ]]
	for verb in status health drain conferences; do
		run -5 --separate-stderr sec-mtcu $verb --name nix
		[[ $stderr == "sec-mtcu: "*"/servers has no line named nix" ]]
	done
	run -2 --separate-stderr sec-mtcu health --name pal
	[[ $stderr == "sec-mtcu: pal is no mtcu: "*"role is pal" ]]
	run -0 sec-mtcu --help
	[[ $output == *"status|health|conferences"* ]]
	run -0 sec-pal serve --help
	[[ $output == *"status|health ["* ]]
	run -0 sec-agent --help
	[[ $output == *-v*--config* ]]
}

@test "a suite that is not known here is 12" {
	head -c 32 /dev/zero >k
	for name in 0x0099 bogus; do
		run -12 --separate-stderr sec-crypt seal --suite $name --key k \
		    --client 1.7 </dev/null
		[[ $stderr == "sec-crypt: no suite $name here"* ]]
	done
}

@test "the lab: logs with times, one of a thing, programs of sbin" {
	run -0 sec-lab log pal
	[[ ${lines[1]} =~ ^20[0-9-]+T[0-9:.]+Z\ sec-pal:\  ]]
	as alice sec-confctl create -n one
	until_ok eval 'sec-confctl health |
	    grep -q "1 conference, 1 member\$"'
	make -s -C "$BATS_TEST_DIRNAME/../.." install O="$SEC_BUILD" \
	    ${SEC_BUILD:+ASAN=$([[ $SEC_BUILD != *asan ]] || echo 1)} \
	    DESTDIR="$PWD/inst" PREFIX=/usr >/dev/null
	PATH=$PWD/inst/usr/bin:/usr/bin:/bin run -0 --separate-stderr \
	    sec-lab run alice sh -c 'for p in sec-keygen sec-mtcu sec-pal; do
	    command -v "$p"; done'
	[ "${lines[0]}" = "$PWD/inst/usr/sbin/sec-keygen" ]
	[ "${lines[1]}" = "$PWD/inst/usr/sbin/sec-mtcu" ]
	[ "${lines[2]}" = "$PWD/inst/usr/bin/sec-pal" ]
}
