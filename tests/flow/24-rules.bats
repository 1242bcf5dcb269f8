#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Who may watch whom (seed, step 1004).
#
#	sec-admin rule add --> sec-pal: pal.db ---+
#	file `rules`, SIGHUP --> sec-pal ---------+--> first match wins
#	sec-admin user import, org, group --> dir.db, whether or not they are
#	                                      logged in
#	a change --> who may not see any more is told at once
#
# S160 (rules, organisation chart, also for the offline), S170 (a conference
# is watched without taking part); STORIES 1.28.

load ../lib/lab

setup_file() {
	lab_up alice bob carol dave
	sec-admin org add 12
	sec-admin org add 1256 --parent 12
	cat >"$BATS_FILE_TMPDIR/staff.csv" <<-'END'
		name,user,org,phone
		Alice Adams,alice,1256,+15550100
		Bob Field,bob,1256,+15550101
		Carol Cho,carol,12,+15550102
		V. P. Finance,vpfinance,0001,+15550001
		Grace Ho,grace,1256,+15550109
	END
	sec-admin user import "$BATS_FILE_TMPDIR/staff.csv" >/dev/null
	for u in alice bob carol dave; do
		as "$u" sec-pal rm $(as "$u" sec-pal -q) || :
	done
}
teardown_file() { lab_down; }
teardown() {
	local r u
	show_logs
	rm -f "$SEC_DIR/etc/rules"
	hup
	for r in $(sec-admin rule list -q); do
		sec-admin rule rm "$r"
	done
	for u in alice bob carol dave; do
		as "$u" sec-pal set available || :
		as "$u" sec-pal rm $(as "$u" sec-pal -q) || :
	done >/dev/null 2>&1
	leave_all alice bob
}

# shows USER ENTRY STATUS [NOTE]: in his list.
shows() {
	local e
	e=$(as "$1" sec-pal -j "$2") &&
	    [ "$(jq -r '.status + (if .note then " " + .note else "" end)' \
		<<<"$e")" = "$3${4:+ $4}" ]
}

rule() { sec-admin rule "$@"; }

@test "STORIES 1.28: a rule, and what it says of two people" {
	rule add same-org 'allow org=org'
	run -1 --separate-stderr rule test alice vpfinance
	[ "$output" = "deny  rule same-org: 1256 is not 0001" ]
	run -0 --separate-stderr rule test alice bob
	[ "$output" = "allow  rule same-org" ]
	run -1 rule test -q carol alice
	[ "$output" = deny ]
	run -1 rule test -j alice vpfinance
	jq -e '.result == "deny" and .rule == "same-org" and
	    .message == "1256 is not 0001"' <<<"$output"
	run -0 rule test vpfinance vpfinance
	[ "$output" = "allow  no rule" ]
	run -1 rule test alice conf:standup
	[[ $output == "deny  no rule: a conference is watched by those who take part"* ]]
	run -11 --separate-stderr rule test alice a/b
	[ "$stderr" = "sec-admin: pal: whom is nothing that can be watched" ]
}

@test "S160: an offline person is added or not, by the organisation chart" {
	rule add same-org 'allow org=org'
	run -4 --separate-stderr as alice sec-pal add vpfinance
	[ "$stderr" = 'sec-pal: vpfinance: not permitted by rule "same-org" (ask an administrator)' ]
	run -0 --separate-stderr as alice sec-pal add grace
	[[ $output =~ ^grace\ +offline ]]
	# Below an organisation is in it, above is not.
	rule rm same-org
	rule add below 'allow who=org:12 whom=org:12'
	as alice sec-pal add carol
	as carol sec-pal add alice
	rule rm below
	rule add below 'allow who=org:1256'
	run -4 --separate-stderr as carol sec-pal add grace
	[[ $stderr == *'not permitted by rule "below"'* ]]
	as carol sec-pal add carol
}

@test "a rule takes subscriptions away at once, and gives them back" {
	as alice sec-pal add bob
	until_ok shows alice bob available
	as bob sec-pal watchers | grep -qx alice
	from=$(mark alice)
	rule add no 'deny who=alice whom=bob'
	await_that alice '.status == "denied" and .rule == "no"' \
	    --since "$from" -e pal -c bob
	until_ok eval '! as bob sec-pal watchers | grep -qx alice'
	from=$(mark alice)
	as bob sec-pal set busy -N "not for alice"
	# What is not told: after the next thing that is, there is only that.
	rule add --before no yes 'allow who=alice whom=bob'
	until_ok shows alice bob busy "not for alice"
	run -0 as alice sec-watch -T 0 --since "$from" -e pal -c bob
	[ "$(jq -s length <<<"$output")" = 1 ]
	rule rm yes
	until_ok shows alice bob denied
	run -4 --separate-stderr as alice sec-pal add bob
	# It is of the rule, not of who has restarted.
	kill_daemon pal
	until_ok shows alice bob denied
	rule rm no
	until_ok shows alice bob busy "not for alice"
}

# unread KIND FILTER...: something waits for sec-pal, which is stopped.
unread() { ss -Hn "$@" | awk '$3 > 0 { n++ } END { exit n == 0 }'; }

@test "what changes in the same moment as the rule is told by the new rule" {
	as alice sec-pal add bob
	until_ok shows alice bob available
	# A connection to it is there already: the rule needs no turn more.
	cd "$BATS_TEST_TMPDIR"
	mkfifo in
	socat - "UNIX-CONNECT:$SEC_DIR/run/pal.sock" <in >out 2>&1 3>&- &
	ctl=$!
	exec 7>in
	printf 'rule-list\tid=1\n' >&7
	until_ok grep -q '^ok.id=1' out
	from=$(mark alice)
	pid=$(daemon_pid pal)
	port=$(server_addr pal)
	port=${port##*:}
	kill -STOP "$pid"
	bg as bob sec-pal set busy -N "not for alice"
	set=$!
	until_ok unread -t state established "( sport = :$port )"
	printf 'rule-add\tid=2\tname=no\ttext=deny who=alice whom=bob\n' >&7
	until_ok unread -x src "$SEC_DIR/run/pal.sock"
	kill -CONT "$pid"
	ended 0 "$set"
	await_that alice '.status == "denied"' --since "$from" -e pal -c bob
	run -0 as alice sec-watch -T 0 --since "$from" -e pal -c bob
	[ "$(jq -r .status <<<"$output" | sort -u)" = denied ]
	exec 7>&-
	ended 0 "$ctl"
}

@test "a watch of its own ends with the rule" {
	bg sec-lab run alice sec-watch -e pal -c dave
	pid=$!
	until_ok eval 'as dave sec-pal watchers | grep -qx alice'
	rule add no 'deny whom=dave'
	until_ok eval '! as dave sec-pal watchers | grep -qx alice'
	until_ok grep -qx 'sec-watch: dave: not permitted.*' \
	    "$BATS_TEST_TMPDIR/bg.err"
	kill "$pid"
	ended 143 "$pid"
}

@test "which attributes: a note for colleagues only" {
	rule add same-org 'allow org=org'
	rule add others 'allow attrs=status,class'
	as alice sec-pal add bob
	as carol sec-pal add bob
	as bob sec-pal set away -N "at the dentist"
	until_ok shows alice bob away "at the dentist"
	until_ok shows carol bob away
	[ "$(as carol sec-pal -j bob | jq -r 'keys | join(" ")')" = \
	    "class entry status type v" ]
	from=$(mark carol)
	as bob sec-pal set away -N "back at four"
	until_ok shows alice bob away "back at four"
	as bob sec-pal set busy
	until_ok shows carol bob busy
	run -0 as carol sec-watch -T 0 --since "$from" -e pal -c bob
	[ "$(jq -s length <<<"$output")" = 1 ]
	run -0 rule test carol bob
	[ "$output" = "allow  rule others: status,class only" ]
}

@test "groups and the chart are read anew when they change" {
	rule add desk 'allow who=group:helpdesk'
	run -4 --separate-stderr as dave sec-pal add bob
	sec-admin group add helpdesk dave
	as dave sec-pal add bob
	until_ok shows dave bob available
	sec-admin group rm helpdesk dave
	until_ok shows dave bob denied
	rule rm desk
	rule add same-org 'allow org=org'
	printf 'name,user,org\nDave,dave,1256\n' >"$BATS_TEST_TMPDIR/d.csv"
	sec-admin user import "$BATS_TEST_TMPDIR/d.csv"
	until_ok shows dave bob available
}

@test "S170: a conference is watched without taking part, where a rule says so" {
	as alice sec-confctl create -n standup >/dev/null
	run -4 --separate-stderr as dave sec-pal show conf:standup
	# Some attributes of it are not who is in it.
	rule add desk 'allow who=dave whom=conf:* attrs=status,count'
	run -0 as dave sec-pal get conf:standup count
	[ "$output" = 1 ]
	run -4 --separate-stderr as dave sec-pal show conf:standup
	rule rm desk
	rule add desk 'allow who=dave whom=conf:*'
	run -0 as dave sec-pal show conf:standup
	[[ $output == *alice* ]]
	run -4 --separate-stderr as carol sec-pal show conf:standup
	# He is not in it, for nobody.
	roster_is alice standup "alice active"
	bg sec-lab run dave sec-watch --state -e 'conf.*' -c conf:standup
	pid=$!
	until_ok eval 'grep -q alice "$BATS_TEST_TMPDIR/bg.out"'
	roster_is alice standup "alice active"
	rule rm desk
	until_ok eval '! db pal.db "SELECT user FROM subscription WHERE
	    event = '\''conference'\''" | grep -qx dave'
	run -4 --separate-stderr as dave sec-pal show conf:standup
	until_ok grep -qx 'sec-watch: conf:standup: not permitted.*' \
	    "$BATS_TEST_TMPDIR/bg.err"
	kill "$pid"
	ended 143 "$pid"
}

@test "things: by type, by name" {
	sec-admin object add lamp:hall --owner bob
	sec-admin object add lamp:attic --owner bob
	rule add a 'deny who=dave whom=lamp:hall'
	run -4 --separate-stderr as dave sec-pal add lamp:hall
	as dave sec-pal add lamp:attic
	rule add b 'deny whom=lamp:*'
	until_ok shows dave lamp:attic denied
	run -4 --separate-stderr as alice sec-pal get lamp:hall state
	sec-admin object rm lamp:hall
	sec-admin object rm lamp:attic
}

@test "order: first match wins; before, list, rm" {
	rule add c deny
	rule add b allow --before c
	rule add a 'deny who=dave' --before b
	run -0 rule list
	[ "$(awk '{ print $1 }' <<<"$output" | xargs)" = "a b c" ]
	run -1 rule test dave bob
	run -0 rule test alice bob
	[ "$output" = "allow  rule b" ]
	rule rm b
	run -1 rule test alice bob
	[ "$output" = "deny  rule c" ]
	run -1 --separate-stderr rule add c allow
	[ "$stderr" = "sec-admin: pal: there is a rule of that name" ]
	run -5 --separate-stderr rule add d allow --before b
	run -5 --separate-stderr rule rm b
	[ "$stderr" = "sec-admin: pal: no such rule" ]
	kill_daemon pal
	run -0 rule list -q
	[ "$output" = $'a\nc' ]
}

@test "the default set: the file rules, behind those of sec-admin" {
	f=$SEC_DIR/etc/rules
	printf '# here\nhouse allow org=org  # only\n' >"$f"
	hup
	run -1 rule test alice vpfinance
	[ "$output" = "deny  rule house: 1256 is not 0001" ]
	as alice sec-pal add bob
	rule add special 'allow who=alice whom=vpfinance'
	run -0 rule test alice vpfinance
	run -0 rule list -j
	[ "$(jq -r '.rule + " " + .from' <<<"$output")" = \
	    $'special added\nhouse file' ]
	run -1 --separate-stderr rule rm house
	[ "$stderr" = "sec-admin: pal: that rule stands in $f" ]
	run -1 --separate-stderr rule add house deny
	# A slip: told where it is, and nothing changes.
	echo 'more alow' >>"$f"
	hup
	run -1 sec-pal health
	[[ $output == *"$f: line 3: \"alow\" (did you mean \"allow\"?)"* ]]
	run -1 sec-admin check
	[[ $output == *rules*WARN*"line 3"* ]]
	run -11 --separate-stderr sec-pal serve --check
	[[ $stderr == *"$f: line 3:"* ]]
	run -1 rule test alice grant
	# Away with all of it: who was allowed by none is again.
	rm "$f"
	hup
	sec-pal health
	rule rm special
	run -0 rule test carol alice
	[ "$output" = "allow  no rule" ]
}

@test "what is no rule: said with what was perhaps meant" {
	run -2 --separate-stderr rule add x 'alow org=org'
	[[ $stderr == 'sec-admin: "alow" (did you mean "allow"?)'* ]]
	run -2 --separate-stderr rule add x 'allow wo=bob'
	[[ $stderr == *'unknown word "wo" (did you mean "who"?)'* ]]
	run -2 --separate-stderr rule add x 'deny attrs=note'
	[[ $stderr == *'attrs= goes with allow'* ]]
	run -2 --separate-stderr rule add 'X y' allow
	run -2 --separate-stderr rule add x
	run -11 --separate-stderr rule add x 'deny whom=lmap:*'
	[[ $stderr == *'unknown type "lmap" (did you mean "lamp"?)'* ]]
	run -0 rule list
	[ "$output" = "" ]
	# Nobody but an administrator.
	run ! sec-ctl "$SEC_DIR/run/alice@lab.test.sock" rule-list
}
