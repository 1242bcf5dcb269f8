#!/usr/bin/env bats
# STORIES 1.18: watch without taking part (help-desk supervisor).
#
#	[rep-kim]    $ sec-confctl set helpdesk-3 watch+=supervisor
#	[supervisor] $ sec-pal show conf:helpdesk-3      who is in it, who talks
#	             $ sec-watch --state -c helpdesk-1 ... -e 'conf.*'
#	             $ sec-confctl show helpdesk-3 -q    she is not in it
#
# S170: by leave of the conferences' creators, or by an administrator's rule.
# The caller's telephone is a user's voice device as long as there is no
# gateway.
load ../lib/lab

setup_file() {
	lab_up rep-kim rep-lee cust-4411 supervisor manager
	as cust-4411 sec-confctl answer accept
	for i in 1 2; do
		as rep-lee sec-confctl create -n helpdesk-$i --title "Desk $i"
		as rep-lee sec-confctl set helpdesk-$i watch+=supervisor
	done
	as rep-kim sec-confctl create -n helpdesk-3 -m voice cust-4411
	as rep-kim sec-confctl set helpdesk-3 watch+=supervisor
	sox -n -r 48000 -c 1 "$BATS_FILE_TMPDIR/kim.wav" \
	    synth 60 sine 440 gain -12
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() { show_logs; }

speak() { # USER CONF: a voice device, until `hush`
	sec-lab run "$1" sec-talk -i "$BATS_FILE_TMPDIR/kim.wav" -o null "$2" \
	    >/dev/null 2>speak.err </dev/null 3>&- &
	speaker=$!
}
hush() {
	kill "$speaker"
	wait "$speaker" || :
}

@test "S170: the conference's PAL, without joining, and who talks" {
	as supervisor sec-pal add conf:helpdesk-3
	speak rep-kim helpdesk-3
	until_ok eval 'as supervisor sec-pal show conf:helpdesk-3 |
	    grep -q "^rep-kim .*talking"'
	run -0 as supervisor sec-pal show conf:helpdesk-3
	[[ ${lines[0]} =~ ^conf:helpdesk-3\ +voice\ +open\ [0-2][0-9]:[0-5][0-9] ]]
	[[ ${lines[1]} =~ ^rep-kim\ +active\ +voice\ +talking$ ]]
	[[ ${lines[2]} =~ ^cust-4411\ +active ]]
	[ ${#lines[@]} = 3 ]
	run -0 as supervisor sec-pal conf:helpdesk-3
	[[ $output == *"2 in, rep-kim talking"* ]]
	hush
	until_ok eval '! as supervisor sec-pal conf:helpdesk-3 | grep -q talking'
	as supervisor sec-pal rm conf:helpdesk-3
}

@test "S170: the attendance of three calls" {
	sec-lab run supervisor sec-watch --state -c helpdesk-1 -c helpdesk-2 \
	    -c helpdesk-3 -e 'conf.*' -T 60 >events 2>events.err \
	    </dev/null 3>&- &
	watcher=$!
	seen() { jq -se "any(.[]; $1)" <events; }
	for i in 1 2; do
		until_ok seen '.event == "conf.join" and .now and
		    .conf == "sip:helpdesk-'$i'@conf.lab.test" and
		    .user == "sip:rep-lee@lab.test"'
	done
	until_ok seen '.event == "conf.join" and .now and
	    .user == "sip:cust-4411@lab.test"'
	as rep-lee sec-confctl invite helpdesk-1 cust-4411
	until_ok seen '.event == "conf.join" and (.now | not) and
	    .conf == "sip:helpdesk-1@conf.lab.test" and
	    .user == "sip:cust-4411@lab.test"'
	as cust-4411 sec-confctl leave helpdesk-1
	until_ok seen '.event == "conf.leave" and
	    .conf == "sip:helpdesk-1@conf.lab.test" and
	    .user == "sip:cust-4411@lab.test"'
	kill "$watcher"
	wait "$watcher" || :
}

@test "S170: the one who looks on does not appear in it" {
	sec-lab run supervisor sec-watch -c helpdesk-3 -T 60 >/dev/null 2>&1 \
	    </dev/null 3>&- &
	watcher=$!
	until_ok eval '[ "$(db pal.db "select count(*) from subscription where
	    user = '"'supervisor'"' and why = '"'owner'"'
	    and target like '"'%helpdesk-3%'"'")" = 1 ]'
	for who in rep-kim supervisor; do
		run -0 as $who sec-confctl show helpdesk-3 -q
		run ! grep supervisor <<<"$output"
	done
	kill "$watcher"
	wait "$watcher" || :
	# Who has no leave does not see it; nor may the supervisor join.
	run -4 --separate-stderr as manager sec-pal show conf:helpdesk-3
	run -4 --separate-stderr as supervisor sec-confctl join helpdesk-3
}

@test "S170 S160: a manager by a rule, which is taken away while he looks" {
	sec-admin rule add managers 'allow who=manager whom=conference:*'
	run -0 --separate-stderr as manager sec-pal show conf:helpdesk-2
	run -0 as manager sec-pal add conf:helpdesk-2
	[[ $output == *"1 in"* ]]
	sec-lab run manager sec-watch -c helpdesk-3 -T 60 >events 2>err \
	    </dev/null 3>&- &
	watcher=$!
	until_ok eval '[ "$(db pal.db "select why from subscription where
	    user = '"'manager'"' and target like '"'%helpdesk-3%'"'")" = rule ]'
	sec-admin rule rm managers
	until_ok eval '[ -z "$(db pal.db "select 1 from subscription where
	    user = '"'manager'"' and target like '"'%helpdesk-3%'"'")" ]'
	kill "$watcher"
	wait "$watcher" || :
	run -4 --separate-stderr as manager sec-pal show conf:helpdesk-2
	until_ok eval 'as manager sec-pal conf:helpdesk-2 | grep -q denied'
	as manager sec-pal rm conf:helpdesk-2
}

# looks_on WHO CONF: he has a dialog on it.
looks_on() {
	[ "$(db pal.db "select why from subscription where user = '$1' and
	    target = 'sip:$2@conf.lab.test'")" = owner ]
}
# told JQ-CONDITION: of one of the events.
told() { jq -se "any(.[]; $1)" <events; }

@test "S170: who joins what he watches, and leaves it, watches on; the end" {
	sec-lab run supervisor sec-watch --state -c helpdesk-1 -e 'conf.*' \
	    >>events 2>events.err </dev/null 3>&- &
	watcher=$!
	until_ok told .now
	bg sec-lab run rep-lee sec-confctl invite helpdesk-1 supervisor
	invite=$!
	until_ok as supervisor sec-confctl accept
	ended 0 "$invite"
	as rep-lee sec-confctl invite helpdesk-1 cust-4411
	until_ok told '.event == "conf.join" and
	    .user == "sip:cust-4411@lab.test"'
	# As a member he has it from one roster only.
	[ "$(grep -c 'conf.join.*cust-4411' events)" = 1 ]
	as supervisor sec-confctl leave helpdesk-1
	until_ok looks_on supervisor helpdesk-1
	as cust-4411 sec-confctl leave helpdesk-1
	until_ok told '.event == "conf.leave" and
	    .user == "sip:cust-4411@lab.test"'
	: >events
	as rep-lee sec-confctl end helpdesk-1
	until_ok told '.event == "conf.end" and
	    .conf == "sip:helpdesk-1@conf.lab.test"'
	kill "$watcher"
	wait "$watcher" || :
}

@test "not permitted is said; what may come later is waited for" {
	run -4 --separate-stderr as manager sec-pal show conf:helpdesk-3
	[[ $stderr == "sec-pal: "*helpdesk-3* ]]
	run -4 --separate-stderr as manager sec-pal add conf:helpdesk-3
	[[ $stderr == "sec-pal: conf:helpdesk-3: not permitted"* ]]
	# He may be asked in.
	run -9 --separate-stderr as manager sec-watch -1 -T 1 -c helpdesk-3 \
	    -e conf.join
	[[ $stderr == "sec-watch: helpdesk-3: "* ]]
	run -5 --separate-stderr as supervisor sec-pal show conf:nosuch
	[ "$stderr" = "sec-pal: nosuch: no such conference" ]
}
