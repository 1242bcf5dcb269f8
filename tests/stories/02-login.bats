#!/usr/bin/env bats
# STORIES 1.2: log in by ticket, password or keytab.
#
#	kinit alice && sec-login        the ticket is there: no question
#	sec-login alice                 asks on the terminal, never echoes
#	sec-login -P - alice <secret    scripts
#	sec-login -K bot.keytab bot     bots
#	sec-login -l, -r, -k            list, renew, log out
#
# S020, S034: two and more clients of one Kerberos realm. S038: the secrets.
load ../lib/lab
load ../lib/term

setup_file() {
	lab_up alice bob
	secret=$SEC_DIR/home/alice/password
	export secret
	as alice sec-login -k
}
teardown_file() {
	terms_end
	lab_down
}
teardown() {
	[ -z "${forger-}" ] || kill "$forger" 2>/dev/null || :
	as alice sec-login -k >/dev/null 2>&1 || :
	show_logs
}

until='until [0-2][0-9]:[0-5][0-9]'

@test "S038: the ticket is there: no question asked" {
	run -0 --separate-stderr as alice bash -c \
	    'kinit alice <"$HOME/password" >/dev/null && sec-login </dev/null'
	[[ $output =~ ^alice@LAB\.TEST\ \ available\ \ $until$ ]]
	[ -z "$stderr" ]
	# Again: the session that is there.
	run -0 as alice sec-login
	[[ $output =~ ^alice@LAB\.TEST\ \ available\ \ $until$ ]]
	as alice sec-login -k
	as alice kdestroy
}

@test "S041: no ticket: asks on the terminal, never echoes" {
	term alice
	types alice 'sec-login alice'
	sees alice '^Password for alice@LAB\.TEST:'
	types alice "$(password alice)"
	sees alice "^alice@LAB\\.TEST  available  $until\$" '^\[alice\] \$$'
	[[ $(screen alice) != *"$(password alice)"* ]]
	# On a terminal the list has a head.
	types alice 'sec-login -l'
	sees alice '^USER +DOMAIN +STATUS +UNTIL +CONFS +AGENT$' \
	    '^alice +lab\.test +available +[0-9:]+ +0 +[0-9]+$'
	types alice 'sec-login -k; echo status $?'
	sees alice '^status 0$'
	# No password is no login; nor is ctrl-c.
	types alice 'sec-login alice; echo status $?'
	sees alice '^status 0$' '^Password for '
	keys alice Enter
	sees alice '^sec-login: no password given$' '^status 3$'
	types alice 'sec-login alice'
	sees alice '^status 3$' '^Password for alice'
	keys alice C-c
	sees alice '^status 3$' '^Password for alice' '^\[alice\] \$$'
	types alice 'echo status $?; stty -a | grep -o " echo "'
	sees alice '^status 130$' '^ echo$'
}

@test "a script: the first line of stdin; there is no --password=" {
	run -0 --separate-stderr as alice sh -c 'sec-login -P - alice <"$secret"'
	[[ $output =~ ^alice@LAB\.TEST\ \ available\ \ $until$ ]]
	as alice sec-login -k
	run -2 --separate-stderr as alice sec-login --password=x alice
	[ -z "$output" ]
	run -2 --separate-stderr as alice sec-login -p x alice
}

@test "a bot: its keytab" {
	head -c 9 /dev/urandom | base64 | sec-admin user add -P - -q deploybot
	(
		eval "$(sec-lab env alice 2>/dev/null)"
		KRB5_KDC_PROFILE=$SEC_DIR/kdc/kdc.conf PATH=$PATH:/usr/sbin \
		    kadmin.local -r LAB.TEST -q \
		    "ktadd -k $BATS_TEST_TMPDIR/bot.keytab deploybot" 3>&-
	)
	run -0 as alice sec-login -K "$BATS_TEST_TMPDIR/bot.keytab" \
	    -s available deploybot
	[[ $output =~ ^deploybot@LAB\.TEST\ \ available\ \ $until$ ]]
	as bob sec-pal add deploybot
	until_ok shows bob deploybot available
	run -0 as alice sec-login -k -u deploybot
	# For one job.
	run -7 as alice sec-login -q -K "$BATS_TEST_TMPDIR/bot.keytab" \
	    deploybot -- sh -c 'echo "$SEC_USER"; exit 7'
	[ "$output" = deploybot@lab.test ]
	run -3 --separate-stderr as alice sec-login \
	    -K "$BATS_TEST_TMPDIR/bot.keytab" alice
	[[ $stderr == "sec-login: no key for alice@LAB.TEST in "* ]]
}

@test "list, renew, log out" {
	log_in alice
	pid=$(agent_pid alice)
	run -0 as alice sec-login -l
	[[ ${lines[0]} =~ ^alice\ +lab\.test\ +available\ +[0-9:]{5}\ +0\ +$pid$ ]]
	[ ${#lines[@]} = 2 ]
	run -0 as alice sec-login -l -q
	[ "$output" = $'alice\nbob' ]
	as alice sec-login -l -j | head -n 1 | jq -e --arg pid "$pid" \
	    '.user == "sip:alice@lab.test" and .status == "available" and
	    (.pid | tostring) == $pid'
	run -0 as alice sec-login -r
	[[ $output =~ ^alice@LAB\.TEST\ \ available\ \ $until$ ]]
	[ "$(agent_pid alice)" = "$pid" ]
	run -0 as alice sec-login -k
	until_ok gone "$pid"
	run -0 as alice sec-login -l -q
	[ "$output" = bob ]
	run -3 --separate-stderr as alice sec-login -k
	[[ $stderr == "sec-login: "*"not logged in"* ]]
	run -3 --separate-stderr as alice sec-pal
	[[ $stderr == "sec-pal: "*sec-login* ]]
}

@test "S016: a wrong password, an unknown user: a sentence, and exit 3" {
	run -3 --separate-stderr as alice sec-login -P - alice <<<wrong
	[ "$stderr" = "sec-login: wrong password for alice@LAB.TEST" ]
	run -3 --separate-stderr as alice sec-login -P - nobody <<<wrong
	[ "$stderr" = "sec-login: no such user nobody@LAB.TEST" ]
	run -3 --separate-stderr as alice setsid -w sec-login alice </dev/null
	[ "$stderr" = "sec-login: no ticket for alice@LAB.TEST; run kinit, or give the password with -P or a keytab with -K" ]
	run -5 --separate-stderr as alice sec-login -P /no/where alice
	[[ $stderr == "sec-login: "*/no/where* ]]
	[ -z "$output" ]
}

@test "the clock: how far it is off" {
	local ip
	ip=$(server_addr pal)
	ip=${ip%:*}
	# A KDC whose clock is 7 min 12 s before ours; some seconds for us.
	socat "UDP4-RECVFROM:7388,bind=${ip%.*}.$((${ip##*.} ^ 1)),fork" \
	    "SYSTEM:$BATS_TEST_DIRNAME/../lib/krb-error 37 432" \
	    >"$BATS_TEST_TMPDIR/socat.err" 2>&1 3>&- &
	forger=$!
	sed -E "s/^([[:space:]]*kdc[[:space:]]*=).*/\1 ${ip%.*}.$((${ip##*.} ^ 1)):7388/" \
	    "$SEC_DIR/etc/krb5.conf" >"$BATS_TEST_TMPDIR/krb5.conf"
	export KRB5_CONFIG=$BATS_TEST_TMPDIR/krb5.conf
	clock() {
		run --separate-stderr as alice env \
		    KRB5_CONFIG="$BATS_TEST_TMPDIR/krb5.conf" \
		    sec-login -P "$secret" alice
		[ "$status" = 3 ]
	}
	until_ok clock
	echo "$stderr"
	[[ $stderr =~ ^sec-login:\ this\ machine\'s\ clock\ is\ 7\ min\ ([5-9]|1[0-2])\ s\ behind\ 127\.[0-9.]+\ \(limit\ 5\ min\)\;\ fix:\ timedatectl\ set-ntp\ true$ ]]
}

@test "no KDC: the addresses that were tried, and exit 10" {
	sec-lab stop kdc 3>&-
	run -10 --separate-stderr as alice sec-login -P "$secret" alice
	[[ $stderr =~ ^sec-login:\ cannot\ reach\ any\ KDC\ for\ LAB\.TEST\ \(tried\ 127\.[0-9.]+:7388\ udp,\ tcp\)\;\ see\ krb5\.conf\ or\ KRB5_TRACE=/dev/stderr$ ]]
	sec-lab start kdc 3>&-
	log_in alice
}
