#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Fig. 5: registration.
#
#   sec-login/agent      KDC       sec-pal      sec-confctl    pal.db
#    | 53 name, password  |           |             |            |
#    | 52 -- AS, TGS ---->|           |             |            |
#    |<------- ticket ----|           |             |            |
#    | 55 -- REGISTER: AP-REQ, sealed rows ->| 68 the ticket     |
#    |                    |           | 70 -------->| registered |
#    |                    |           | 72 --------------------->| binding
#    |                    |           |<--- 74 subscriptions? -->|
#    |<-- 78 200: session key, PAL, controller |                 |
#    |<-- 76 NOTIFY, one per subscription      |                 |
#    |=== sealed from here on (S096) ==========|=====|           |

load ../lib/lab

setup_file() {
	lab_up --wire "$BATS_FILE_TMPDIR/wire.pcap" alice bob carol
	as carol sec-login -k
}
teardown_file() { lab_down; }
teardown() { show_logs; }

# login USER OPTIONS...: without anything in the cache, without a terminal.
login() {
	local user=$1
	shift
	KRB5CCNAME= as "$user" setsid -w env \
	    KRB5CCNAME="FILE:$BATS_TEST_TMPDIR/cc" "$@" </dev/null
}

secret() { echo "$SEC_DIR/home/$1/password"; }

logout() { as "$1" sec-login -k || :; }

@test "S082-S087 S094 S048a: a name and a password make a session" {
	run -0 --separate-stderr login carol \
	    sec-login -P "$(secret carol)" carol
	[[ $output =~ ^carol@LAB.TEST\ \ available\ \ until\ [0-2][0-9]:[0-5][0-9]$ ]]
	run -0 as carol sec-login -l -j
	jq -e '.status == "available"' <<<"$output"
	# The PAL is there with the answer (S094), one id in three spellings.
	run -0 as carol sec-pal -q
	[ "$output" = $'alice\nbob' ]
	for who in alice alice@lab.test sip:alice@lab.test; do
		run -0 as carol sec-pal -j list "$who"
		[ "$(jq -r .entry <<<"$output")" = sip:alice@lab.test ]
	done
	logout carol
}

@test "S083: the password comes on stdin, once, and is nowhere afterwards" {
	run -0 bash -c 'sec-lab run carol env KRB5CCNAME=FILE:/nonexistent/x \
	    sec-login -q -P - carol <"$1" 3>&-' - "$(secret carol)"
	[ "$output" = "" ]
	run ! grep -rqF "$(password carol)" "$SEC_DIR/lib" "$SEC_DIR/log" \
	    "$SEC_DIR/run"
	tr '\0' '\n' <"/proc/$(agent_pid carol)/cmdline" >"$BATS_TEST_TMPDIR/seen"
	tr '\0' '\n' <"/proc/$(agent_pid carol)/environ" \
	    >>"$BATS_TEST_TMPDIR/seen"
	grep -q '^SEC_DIR=' "$BATS_TEST_TMPDIR/seen"
	run -1 grep -qF "$(password carol)" "$BATS_TEST_TMPDIR/seen"
	logout carol
}

@test "S084: a ticket that is there asks nothing, and stays" {
	export CC=FILE:$BATS_TEST_TMPDIR/ticket
	as carol env KRB5CCNAME="$CC" kinit carol <"$(secret carol)"
	run -0 --separate-stderr as carol setsid -w env KRB5CCNAME="$CC" \
	    sec-login </dev/null
	[[ $output == "carol@LAB.TEST  available  until "* ]]
	logout carol
	as carol env KRB5CCNAME="$CC" klist -s
}

@test "S084: a keytab, for bots" {
	printf 'addent -password -p carol@LAB.TEST -k 1 -e %s\n%s\nwkt %s\n' \
	    aes256-cts-hmac-sha1-96 "$(password carol)" \
	    "$BATS_TEST_TMPDIR/keytab" | as carol ktutil
	run -0 --separate-stderr login carol \
	    sec-login -K "$BATS_TEST_TMPDIR/keytab" -s away carol
	[[ $output == "carol@LAB.TEST  away  until "* ]]
	logout carol
}

@test "S084: SPAKE, so that the wire shows nothing to guess passwords by" {
	login carol env KRB5_TRACE="$BATS_TEST_TMPDIR/trace" \
	    sec-login -q -P "$(secret carol)" carol
	grep -q 'SPAKE' "$BATS_TEST_TMPDIR/trace"
	grep -qE 'Preauth module spake .*(Success|returned: 0)' \
	    "$BATS_TEST_TMPDIR/trace"
	logout carol
}

@test "S088: a wrong password, an unknown user" {
	echo wrong >"$BATS_TEST_TMPDIR/wrong"
	run -3 --separate-stderr login carol \
	    sec-login -P "$BATS_TEST_TMPDIR/wrong" carol
	[ "$output" = "" ]
	[ "$stderr" = "sec-login: wrong password for carol@LAB.TEST" ]
	run -3 --separate-stderr login carol \
	    sec-login -P "$BATS_TEST_TMPDIR/wrong" nobody
	[[ $stderr == "sec-login: "*nobody@LAB.TEST* ]]
	run -0 as carol sec-login -l -q
	[[ $output != *carol* ]]
}

@test "S088: no question without a terminal; no such password file" {
	run --separate-stderr login carol sec-login carol
	[ "$status" = 2 ] || [ "$status" = 3 ]
	[[ $stderr == "sec-login: "* ]]
	run --separate-stderr login carol sec-login -P /nonexistent carol
	[ "$status" -ne 0 ]
	[[ $stderr == "sec-login: "*/nonexistent* ]]
}

@test "S020 S088: no KDC, with the addresses that were tried" {
	sec-lab stop kdc
	run -10 --separate-stderr login carol \
	    sec-login -P "$(secret carol)" carol
	[[ $stderr == "sec-login: cannot reach any KDC for LAB.TEST (tried 127."*:7388*"); see krb5.conf or KRB5_TRACE=/dev/stderr" ]]
	# Who is logged in does not notice.
	as alice sec-pal -q
	sec-lab start kdc
	until_ok login carol sec-login -q -P "$(secret carol)" carol
	logout carol
}

@test "S088: a clock that is off is named, with the difference" {
	# A KDC whose clock is 7 min 12 s before ours, and says so.
	local ip
	ip=$(server_addr pal)
	ip=${ip%:*}
	socat -T 5 "UDP4-RECVFROM:7399,bind=$ip,fork" \
	    "SYSTEM:$BATS_TEST_DIRNAME/../lib/krb-error 37 432" 3>&- \
	    >/dev/null 2>&1 &
	forger=$!
	sed -E "s/^([[:space:]]*kdc[[:space:]]*=).*/\1 $ip:7399/" \
	    "$SEC_DIR/etc/krb5.conf" >"$BATS_TEST_TMPDIR/krb5.conf"
	until_ok grep -q ":$(printf %04X 7399) " /proc/net/udp
	run --separate-stderr login carol env \
	    KRB5_CONFIG="$BATS_TEST_TMPDIR/krb5.conf" \
	    sec-login -P "$(secret carol)" carol
	kill "$forger"
	echo "stderr: $stderr"
	[ "$status" = 3 ]
	[[ $stderr =~ ^sec-login:\ this\ machine\'s\ clock\ is\ 7\ min\ 1[0-9]\ s\ behind\ .*limit\ 5\ min ]]
}

@test "S088: a ticket that has ended" {
	export CC=FILE:$BATS_TEST_TMPDIR/ticket
	as carol env KRB5CCNAME="$CC" kinit -l 1s carol <"$(secret carol)"
	until_ok eval '! as carol env KRB5CCNAME="$CC" klist -s'
	run -3 --separate-stderr as carol setsid -w env KRB5CCNAME="$CC" \
	    sec-login </dev/null
	[[ $stderr == "sec-login: "*ticket*expired* ]]
}

@test "S016 S086: principals with a slash are no users" {
	(
		eval "$(sec-lab env carol)"
		export KRB5_KDC_PROFILE=$SEC_DIR/kdc/kdc.conf
		[ -e "$KRB5_KDC_PROFILE" ] ||
		    KRB5_KDC_PROFILE=$SEC_DIR/etc/kdc.conf
		kadmin.local -r LAB.TEST -q 'addprinc -pw x carol/admin' 3>&-
	)
	echo x >"$BATS_TEST_TMPDIR/x"
	run -3 --separate-stderr login carol \
	    sec-login -P "$BATS_TEST_TMPDIR/x" carol/admin
	[[ $stderr == "sec-login: principals with / "* ]]
}

# Bytes that were sent to a server in the connection that began with $1, out
# of the recording; $2: the last of them.
recorded() {
	local n hex
	hex=$(printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../&:/g')
	n=$(tshark -r "$SEC_DIR/wire.pcap" -Y "tcp.payload[0:${#1}] == ${hex%:}" \
	    -T fields -e tcp.stream 2>/dev/null | tail -n 1)
	[ -n "$n" ]
	tshark -r "$SEC_DIR/wire.pcap" -Q -z "follow,tcp,raw,$n" 2>/dev/null |
	    grep -E '^[0-9a-f]+$' | xxd -r -p
}

@test "S016 S086: REGISTER again, byte by byte, is refused, restart or not" {
	login carol sec-login -q -P "$(secret carol)" carol
	until_ok recorded "REGISTER "
	recorded "REGISTER " >"$BATS_TEST_TMPDIR/sent"
	head -c 9 "$BATS_TEST_TMPDIR/sent" | grep -q '^REGISTER '
	replay() {
		socat -t 5 - "TCP:$(server_addr pal)" \
		    <"$BATS_TEST_TMPDIR/sent" | head -n 1
	}
	for i in 1 2; do
		run -0 replay
		[[ $output == "SIP/2.0 403 "* ]]
	done
	kill_daemon pal
	run -0 replay
	[[ $output == "SIP/2.0 403 "* ]]
	logout carol
	# Logged out, it does not bring her back either.
	run -0 replay
	[[ $output == "SIP/2.0 403 "* ]]
	[ "$(db pal.db "select count(*) from binding where user = 'carol'")" = 0 ]
}

@test "S016 S088: one answer for every refusal" {
	login carol sec-login -q -P "$(secret carol)" carol
	until_ok recorded "REGISTER "
	recorded "REGISTER " >"$BATS_TEST_TMPDIR/replayed"
	logout carol
	ask() { # FILE: the answer without what differs in every answer
		socat -t 5 - "TCP:$(server_addr pal)" <"$1" | tr -d '\r' |
		    grep -avE '^(Date|Via|From|To|Call-ID|CSeq):'
	}
	# A flipped bit in the ticket, in the body, another user's From.
	sed -E 's/(gssapi-data="?.{80})./\1A/I' "$BATS_TEST_TMPDIR/replayed" \
	    >"$BATS_TEST_TMPDIR/ticket"
	cp "$BATS_TEST_TMPDIR/replayed" "$BATS_TEST_TMPDIR/body"
	printf '\xff' | dd of="$BATS_TEST_TMPDIR/body" bs=1 conv=notrunc \
	    seek=$(($(stat -c %s "$BATS_TEST_TMPDIR/body") - 9)) status=none
	sed 's/sip:carol@lab.test/sip:alice@lab.test/' \
	    "$BATS_TEST_TMPDIR/replayed" >"$BATS_TEST_TMPDIR/other"
	for kind in ticket body other; do
		ask "$BATS_TEST_TMPDIR/$kind" >"$BATS_TEST_TMPDIR/$kind.answer"
	done
	ask "$BATS_TEST_TMPDIR/replayed" >"$BATS_TEST_TMPDIR/answer"
	head -n 1 "$BATS_TEST_TMPDIR/answer" | grep -q '^SIP/2.0 403 '
	for kind in ticket body other; do
		diff "$BATS_TEST_TMPDIR/answer" "$BATS_TEST_TMPDIR/$kind.answer"
	done
}

@test "S085 S090 S091: the binding is in the user's record" {
	run -0 db pal.db "select contact, via, media from binding
	    where user = 'alice'"
	[[ $output =~ ^127\.[0-9.]+:[0-9]+\|voip\|text,voice$ ]]
	# The key is not.
	run -0 db pal.db .schema
	[[ $output != *key* ]] || [[ $output == *keyid* ]]
}

@test "S056 S058: a record stays when its user has gone" {
	login carol sec-login -q -s busy -P "$(secret carol)" carol
	logout carol
	run -0 db pal.db "select count(*) from user where user = 'carol'"
	[ "$output" = 1 ]
	until_ok shows alice carol offline
}

@test "S085: status, preferences and devices go along" {
	m=$(mark alice)
	login carol sec-login -q -s reviewing -m text -P "$(secret carol)" carol
	run -0 await alice --since "$m" -c carol -e pal
	[ "$(jq -r .status <<<"$output")" = reviewing ]
	[ "$(db pal.db "select media from binding where user = 'carol'")" = text ]
	logout carol
}

@test "S089: the controller knows at once" {
	login carol sec-login -q -P "$(secret carol)" carol
	run -0 --separate-stderr as carol sec-confctl create -n r1
	[ "$output" = r1 ]
	as carol sec-confctl leave r1
	logout carol
}

@test "S085 S095: renewing keeps the session and what it holds" {
	as alice sec-confctl create -n r2
	before=$(db pal.db "select until from binding where user = 'alice'")
	instance=$(db pal.db "select instance from binding where user='alice'")
	run -0 as alice sec-login -r
	after=$(db pal.db "select until from binding where user = 'alice'")
	[ "$after" -gt "$before" ]
	[ "$(db pal.db "select instance from binding
	    where user = 'alice'")" = "$instance" ]
	run -0 as alice sec-confctl list -q
	[ "$output" = r2 ]
	as alice sec-confctl leave r2
}

@test "S095 S048b: after a restart of sec-pal nobody is asked for a password" {
	as alice sec-confctl create -n r3
	pid=$(agent_pid alice)
	m=$(mark bob)
	kill_daemon pal
	until_ok as alice sec-pal set busy -N "still here"
	await_that bob '.status == "busy" and .note == "still here"' \
	    --since "$m" -c alice -e pal
	[ "$(agent_pid alice)" = "$pid" ]
	run -0 as alice sec-confctl list -q
	[ "$output" = r3 ]
	as alice sec-pal set available
	as alice sec-confctl leave r3
}

@test "S092 S093: what was missed comes with the registration" {
	sec-lab stop pal
	m=$(mark bob)
	run -10 as alice sec-pal set away
	sec-lab start pal
	until_ok as alice sec-pal set away
	await_that bob '.status == "away"' --since "$m" -c alice -e pal
	as alice sec-pal set available
}

@test "logout is seen by the others, and ends the agent" {
	login carol sec-login -q -s available -P "$(secret carol)" carol
	pid=$(agent_pid carol)
	until_ok shows alice carol available
	as carol sec-login -k
	until_ok gone "$pid"
	until_ok shows alice carol offline
	run -3 --separate-stderr as carol sec-pal
	[[ $stderr == "sec-pal: "*sec-login* ]]
}

@test "S038: a session for one command, whose status comes back" {
	run -7 login carol sec-login -q -P "$(secret carol)" carol -- \
	    sh -c 'sec-pal -q; exit 7'
	[ "$output" = $'alice\nbob' ]
	run -0 as carol sec-login -l -q
	[[ $output != *carol* ]]
}

@test "S038: in the foreground, for who supervises it" {
	sec-lab run carol env KRB5CCNAME="FILE:$BATS_TEST_TMPDIR/cc" \
	    sec-login -F -s available -P "$(secret carol)" carol \
	    >"$BATS_TEST_TMPDIR/f.out" 2>"$BATS_TEST_TMPDIR/f.err" </dev/null 3>&- &
	pid=$!
	until_ok as carol sec-pal -q
	[ "$(agent_pid carol)" = "$pid" ]
	until_ok grep -q '^carol@LAB.TEST  available  until ' \
	    "$BATS_TEST_TMPDIR/f.out"
	kill -TERM "$pid"
	ended 0 "$pid"
	# It has logged out.
	until_ok shows alice carol offline
	run -3 as carol sec-pal
}

@test "S096: what follows the registration cannot be read on the wire" {
	as alice sec-pal set busy -N "a note for nobody else"
	until_ok eval 'as bob sec-pal | grep -q "a note for nobody else"'
	as alice sec-pal set available
	run ! grep -qa "a note for nobody else" "$SEC_DIR/wire.pcap"
	# The positive control: REGISTER's own head is clear.
	grep -qa "REGISTER sip:" "$SEC_DIR/wire.pcap"
	run ! grep -qaE "^(SUBSCRIBE|NOTIFY|PUBLISH) sip:" "$SEC_DIR/wire.pcap"
}
