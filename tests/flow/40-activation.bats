#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Daemons that others start: systemd by LISTEN_FDS, inetd by descriptor 0.
#
#   who connects      systemd, inetd          daemon
#    |-- SYN ----------->| (has the socket)      |
#    |                   |-- exec, the socket -->| reads state, ready
#    |<=========== accepted by the daemon =======|
#    |                                           | --idle: says so, leaves
#    |-- SYN ----------->| again                 |
#
# STORIES 1.26 and 1.27 in small, and the sentences around them.

load ../lib/lab

setup_file() {
	command -v systemd-socket-activate >/dev/null ||
		skip "no systemd-socket-activate"
	lab_up
	eval "$(sec-lab env nobody 2>/dev/null | grep KRB5_CONFIG)" || :
	export KRB5_CONFIG=${KRB5_CONFIG:-$SEC_DIR/etc/krb5.conf}
}
teardown_file() { lab_down; }
teardown() {
	[ -z "${starter-}" ] || kill "$starter" 2>/dev/null || :
	show_logs
}

# Opens a connection and closes it: that is all it takes.
touch_port() { : 3<>"/dev/tcp/${1%:*}/${1##*:}"; }

program() { [[ $1 = mtcu* ]] && echo sec-mtcu || echo "sec-$1"; }

@test "systemd-socket-activate starts each daemon at its first connection" {
	local name addr
	for name in mtcu1 pal confctl; do
		sec-lab stop "$name" 3>&-
		until_ok daemon_is_away "$name"
		addr=$(server_addr "$name")
		bg systemd-socket-activate -E SEC_DIR -E KRB5_CONFIG \
		    -l "$addr" "$(program "$name")" serve --name "$name"
		starter=$!
		until_ok touch_port "$addr"
		until_ok daemon_is_well "$name"
		# It became what we started, on the socket that was there.
		[ "$(daemon_pid "$name")" = "$starter" ]
		kill -TERM "$starter"
		wait "$starter"
		sec-lab start "$name" 3>&-
		until_ok daemon_is_well "$name"
	done
}

@test "a socket is chosen by its name" {
	sec-lab stop mtcu1 3>&-
	until_ok daemon_is_away mtcu1
	local addr other=127.0.0.1:0
	addr=$(server_addr mtcu1)
	other=${addr%:*}:7399
	bg systemd-socket-activate -E SEC_DIR -l "$other" -l "$addr" \
	    --fdname=other:mtcu1 sec-mtcu serve --name mtcu1
	starter=$!
	until_ok touch_port "$addr"
	until_ok daemon_is_well mtcu1
	run ! touch_port "$other"
	kill -TERM "$starter"
	wait "$starter"
	sec-lab start mtcu1 3>&-
	until_ok daemon_is_well mtcu1
}

@test "inetd starts the daemons, --idle lets them go, inetd starts them again" {
	command -v inetd >/dev/null || skip "no inetd"
	local name
	for name in mtcu1 mtcu2 pal confctl; do
		sec-lab stop "$name" 3>&-
		until_ok daemon_is_away "$name"
		printf '%s stream tcp wait %s %s %s serve -i --idle 2 --name %s\n' \
		    "$(server_addr "$name")" "$(id -un)" \
		    "$(command -v "$(program "$name")")" \
		    "$(program "$name")" "$name"
	done >"$BATS_TEST_TMPDIR/inetd.conf"
	bg inetd -E -i "$BATS_TEST_TMPDIR/inetd.conf"
	starter=$!
	# The controller wants links with all: one connection wakes the house.
	until_ok touch_port "$(server_addr confctl)"
	for name in mtcu1 mtcu2 pal confctl; do
		until_ok daemon_is_well "$name"
	done
	# Links without work do not keep anybody.
	for name in mtcu1 mtcu2 pal confctl; do
		until_ok daemon_is_away "$name"
	done
	touch_port "$(server_addr confctl)"
	until_ok daemon_is_well confctl
	kill "$starter"
	for name in confctl pal mtcu1 mtcu2; do
		until_ok daemon_is_away "$name"
	done
	for name in confctl pal mtcu1 mtcu2; do
		sec-lab start "$name" 3>&-
	done
	for name in confctl pal mtcu1 mtcu2; do
		until_ok daemon_is_well "$name"
	done
}

@test "a connection in place of a listening socket is refused" {
	local addr
	addr=$(server_addr confctl)
	exec 9<>"/dev/tcp/${addr%:*}/${addr##*:}"
	run -2 sec-pal serve -i <&9
	exec 9>&-
	[ "$output" = \
	    'sec-pal: fd 0 is a connection; write "wait" in inetd.conf' ]
	run -2 sec-pal serve -i </dev/null
	[[ $output = *"no listening socket"* ]]
}

@test "the second start says who was first" {
	run -10 sec-mtcu serve --name mtcu1
	[[ $output =~ ^"sec-mtcu: already running (pid $(daemon_pid mtcu1), since "[0-2][0-9]:[0-5][0-9]")"$ ]]
	run -2 sec-mtcu serve --name 'UPPER CASE'
	run -2 sec-mtcu serve
	[[ $output = *"say --name"* ]]
}

@test "ready: READY=1 to systemd, one line on stderr to others" {
	sec-lab stop mtcu1 3>&-
	until_ok daemon_is_away mtcu1
	bg sec-mtcu serve --name mtcu1
	starter=$!
	until_ok daemon_is_well mtcu1
	grep -qx ready "$BATS_TEST_TMPDIR/bg.err"
	kill -TERM "$starter"
	wait "$starter"
	sec-lab start mtcu1 3>&-
	until_ok daemon_is_well mtcu1
}

@test "status, health and drain ask the running daemon" {
	run -0 sec-mtcu health --name mtcu1
	[[ $output = "mtcu1 "*" ok "* ]]
	run -0 sec-mtcu status --name mtcu1
	[[ $output = *"pid $(daemon_pid mtcu1) since"* ]]
	run -0 sec-mtcu drain --name mtcu1
	[ "$output" = drained ]
	run -1 sec-mtcu health --name mtcu1
	[[ $output = *WARN*drained* ]]
	run -0 sec-mtcu drain --stop --name mtcu1
	run -0 sec-mtcu health --name mtcu1
	run -5 sec-mtcu health --name mtcu9
	[[ $output == "sec-mtcu: "*"/servers has no line named mtcu9" ]]
}

@test "SIGHUP: a bad configuration keeps the old one, and health says so" {
	cp "$SEC_DIR/etc/sec.conf" "$BATS_TEST_TMPDIR/"
	echo 'relam = X' >>"$SEC_DIR/etc/sec.conf"
	run -11 sec-mtcu serve --check --name mtcu1
	[[ $output = *'did you mean "realm"'* ]]
	kill -HUP "$(daemon_pid mtcu1)"
	says_warn() { sec-mtcu health --name mtcu1 | grep -q 'did you mean'; }
	until_ok says_warn
	cp "$BATS_TEST_TMPDIR/sec.conf" "$SEC_DIR/etc/"
	kill -HUP "$(daemon_pid mtcu1)"
	until_ok sec-mtcu health --name mtcu1
}

@test "sec-ctl: rows, errors and exit codes of one control line" {
	run -0 sec-ctl pal health
	[[ $output = name=pal$'\t'state=ok$'\t'* ]]
	run -0 sec-ctl -j "$SEC_DIR/run/pal.sock" status
	jq -e '.v == 1 and .role == "pal" and .number == "2"' <<<"$output"
	run -0 sec-ctl -q pal health
	[ "$output" = pal ]
	run -4 sec-ctl pal rotate
	[ "$output" = "sec-ctl: only server 1 deals keys" ]
	run -11 sec-ctl pal nonsense
	run -10 sec-ctl nobody health
	run -2 sec-ctl pal
	run -2 sec-ctl pal drain STOP=1
	run -0 sec-ctl confctl rotate
	[[ ${lines[0]} = server=* && ${lines[-1]} = epoch=* ]]
}
