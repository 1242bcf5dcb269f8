#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Somebody's first hour: what he types wrong, what he sees then.
#
#   words --> tool: 2 and the rule, nobody is asked
#        \--> agent --> sec-pal: what is there no more is said so

load ../lib/lab
load ../lib/term

setup_file() { lab_up alice bob; }
teardown_file() {
	terms_end
	lab_down
}
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
	# By another name of it all would be built again, under the others.
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	make -s -C "$top" install O="${SEC_BUILD#"$top/"}" \
	    ${SEC_BUILD:+ASAN=$([[ $SEC_BUILD != *asan ]] || echo 1)} \
	    DESTDIR="$PWD/inst" PREFIX=/usr >/dev/null
	PATH=$PWD/inst/usr/bin:/usr/bin:/bin run -0 --separate-stderr \
	    sec-lab run alice sh -c 'for p in sec-keygen sec-mtcu sec-pal; do
	    command -v "$p"; done'
	[ "${lines[0]}" = "$PWD/inst/usr/sbin/sec-keygen" ]
	[ "${lines[1]}" = "$PWD/inst/usr/sbin/sec-mtcu" ]
	[ "${lines[2]}" = "$PWD/inst/usr/bin/sec-pal" ]
}

# apart NAME: another computer with a configuration of its own, whose PAL
# manager is at $ip:7398.
apart() {
	machine=$SEC_DIR/m-$1
	ip=$(server_addr pal)
	ip=${ip%:*}
	mkdir -p "$machine"
	cp -r "$SEC_DIR/etc" "$machine/"
	sed -i "s/^pal = .*/pal = pal@$ip:7398/" "$machine/etc/sec.conf"
}

relay() {
	socat "TCP-LISTEN:7398,bind=$ip,fork,reuseaddr" \
	    "TCP:$(server_addr pal)" 3>&- >/dev/null 2>&1 &
	relay=$!
	until_ok grep -q ":$(printf %04X 7398) " /proc/net/tcp
}

# The listener, and whom it has begun.
cut() {
	local children
	children=$(cat "/proc/$relay/task/$relay/children")
	# shellcheck disable=SC2086
	kill "$relay" $children
	wait "$relay" || :
}

@test "S013: who cannot be reached is offline, until he can" {
	apart cut
	relay
	sec-lab user carol
	as carol sec-login -k
	at "$machine" carol sec-login -q -s busy -P "$(home carol)" carol
	until_ok shows alice carol busy
	before=$(db pal.db "select instance from binding where user = 'carol'")
	m=$(mark alice)
	cut
	await alice --since "$m" -e pal -c carol | jq -e '.status == "offline"'
	run -8 --separate-stderr as alice sec-confctl create -T 20 carol
	[[ $stderr == "carol offline"* ]]
	relay
	until_ok shows alice carol busy
	[ "$(db pal.db "select instance from binding
	    where user = 'carol'")" = "$before" ]
	# Killed, and here again.
	pid=$(at "$machine" carol sec-ctl \
	    "$machine/run/carol@lab.test.sock" status | tr '\t' '\n' |
	    sed -n 's/^pid=//p')
	kill -9 "$pid"
	until_ok shows alice carol offline
	log_in carol
	until_ok shows alice carol busy
	cut
}
home() { echo "$SEC_DIR/home/$1/password"; }

@test "who is removed is told so, once, and his tools say what is the case" {
	sec-lab user gina
	pid=$(agent_pid gina)
	as gina sec-confctl answer accept
	as alice sec-confctl create -q -n g gina
	sec-lab run gina sec-watch -e session.down >down 2>watch.err 3>&- &
	watch=$!
	sec-lab run gina sec-talk -l g >talk 2>talk.err 3>&- &
	talk=$!
	until_ok eval 'as gina sec-confctl list -q | grep -qx g'
	sec-admin user rm gina
	until_ok gone "$pid"
	wait "$talk" || :
	wait "$watch" || :
	[ "$(wc -l <down)" = 1 ]
	jq -e '.message | test("refuses the registration of gina@LAB.TEST")' \
	    down
	run -3 --separate-stderr as gina sec-pal
	[ "$stderr" = "sec-pal: gina is not logged in; log in first: sec-login gina" ]
	run -3 --separate-stderr as gina sec-login -P "$(home gina)" gina
	[ "$stderr" = "sec-login: no such user gina@LAB.TEST" ]
	# With a ticket of before: refused by the PAL manager, as she was.
	sec-lab log pal >log
	[ "$(grep -c "register.refused.*gina@LAB.TEST" log)" -le 4 ]
}

@test "a server that drains says so" {
	sec-pal drain
	at "$(second_machine drained)" bob true
	run -10 --separate-stderr at "$SEC_DIR/m-drained" bob \
	    sec-login -P "$(home bob)" bob
	[[ $stderr == "sec-login: the server 127."*" is shutting down, try again" ]]
	sec-pal drain --stop
	sec-confctl drain
	run -10 --separate-stderr as alice sec-confctl create
	[ "$stderr" = "sec-confctl: the server is shutting down, try again" ]
	sec-confctl drain --stop
	sec-mtcu drain --name mtcu1
	sec-mtcu drain --name mtcu2
	until_ok eval 'run -10 --separate-stderr as alice sec-confctl create &&
	    [ "$stderr" = "sec-confctl: the server is shutting down, try again" ]'
	sec-mtcu drain --stop --name mtcu1
	sec-mtcu drain --stop --name mtcu2
	until_ok as alice sec-confctl create
}

@test "S088: the clock, by the date of the PAL manager's refusal" {
	apart clock
	cat >forger <<-'END'
		#!/bin/bash
		# Refuses what comes, 7 min 12 s ago or from now.
		while IFS= read -r line && line=${line%$'\r'} && [ -n "$line" ]; do
			case ${line,,} in
			via:*|from:*|call-id:*|cseq:*) all+=$line$'\r\n' ;;
			to:*) all+="$line;tag=x"$'\r\n' ;;
			esac
		done
		date=$(TZ=UTC0 LC_ALL=C printf '%(%a, %d %b %Y %H:%M:%S GMT)T' \
		    $(($(printf '%(%s)T') + $1)))
		printf 'SIP/2.0 403 Forbidden\r\n%sDate: %s\r\n' "$all" "$date"
		printf 'Content-Length: 0\r\n\r\n'
	END
	chmod +x forger
	for how in '432 behind' '-432 ahead of'; do
		socat "TCP-LISTEN:7398,bind=$ip,reuseaddr" \
		    "SYSTEM:./forger ${how%% *}" 3>&- >/dev/null 2>&1 &
		forger=$!
		until_ok grep -q ":$(printf %04X 7398) " /proc/net/tcp
		run --separate-stderr at "$machine" bob \
		    sec-login -P "$(home bob)" bob
		kill "$forger" 2>/dev/null || :
		echo "stderr: $stderr"
		[ "$status" = 3 ]
		[[ $stderr =~ ^sec-login:\ this\ machine\'s\ clock\ is\ 7\ min\ 1[0-9]\ s\ ${how#* }\ $ip\ \(limit\ 5\ min\)\;\ fix:\ timedatectl\ set-ntp\ true$ ]]
	done
}

@test "sec-lab shell tells of what waits, and when it does not any more" {
	term bob
	# Answered by a rule: nothing to be told.
	as bob sec-confctl answer decline
	run -6 as alice sec-confctl create -n ruled bob
	as bob sec-confctl answer ask
	sec-lab run alice sec-confctl create -n waits bob >o 2>e 3>&- &
	create=$!
	sees bob 'alice invites you to waits \(text\)\.   Answer:  sec-confctl accept$'
	kill "$create"
	ended 143 "$create"
	sees bob 'alice invites you to waits' \
	    "^\\* [0-9:]+ alice's invitation to waits is withdrawn\\.\$"
	# One's own that nobody answers is not told in the same words.
	as alice sec-confctl answer ask
	run -9 as bob sec-confctl create -n mine -T 3 alice
	as bob sec-confctl leave mine
	run ! grep -E "ruled|mine" <(screen bob)
}

@test "sec-watch ends with its reader, not with the next event" {
	as alice sec-confctl create -q -n w
	# Ends by itself: nothing happens after the first line.
	sec-lab run alice timeout "$DEADLINE" bash -c \
	    'sec-watch --state | head -n 1; echo "${PIPESTATUS[0]}" >status' \
	    >line 2>err 3>&-
	jq -e .event line
	[ "$(cat status)" = 141 ]
	[ ! -s err ]
	# A file and a terminal are no pipes.
	as alice sec-watch --state -T 0 >file
	[ -s file ]
}
