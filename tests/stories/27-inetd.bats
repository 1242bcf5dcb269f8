#!/usr/bin/env bats
# STORIES 1.27: inetd.
#
#	inetd.conf: 7320 stream tcp wait ... sec-confctl serve -i --idle 300
#	   alice's agent --- SYN --> inetd -- exec, fd 0 listens --> sec-confctl
#	                                      --idle: leaves;  SYN: again
load ../lib/lab

setup_file() {
	command -v inetd >/dev/null || skip "no inetd"
	lab_up alice bob
	as bob sec-confctl answer accept
}
teardown_file() { lab_down; }
teardown() {
	[ -z "${inetd-}" ] || kill "$inetd" 2>/dev/null || :
	for p in ${daemons-}; do
		kill "$p" 2>/dev/null || :
	done
	show_logs
}

@test "three daemons by inetd; a talk; and again when they were killed" {
	local name
	for name in confctl pal mtcu1 mtcu2 mcu1 mcu2; do
		sec-lab stop "$name" 3>&-
		until_ok daemon_is_away "$name"
	done
	me=$(id -un)
	cat >"$BATS_TEST_TMPDIR/inetd.conf" <<-EOF2
		$(server_addr confctl) stream tcp wait $me $(command -v sec-confctl) sec-confctl serve -i --idle 300
		$(server_addr pal) stream tcp wait $me $(command -v sec-pal) sec-pal serve -i --idle 300
		$(server_addr mtcu1) stream tcp wait $me $(command -v sec-mtcu) sec-mtcu serve -i --idle 300 --name mtcu1
		$(server_addr mtcu2) stream tcp wait $me $(command -v sec-mtcu) sec-mtcu serve -i --idle 300 --name mtcu2
		$(server_addr mcu1) stream tcp wait $me $(command -v sec-mcu) sec-mcu serve -i --idle 300 --name mcu1
		$(server_addr mcu2) stream tcp wait $me $(command -v sec-mcu) sec-mcu serve -i --idle 300 --name mcu2
	EOF2
	# -E: inetd passes SEC_DIR on.
	bg inetd -E -i "$BATS_TEST_TMPDIR/inetd.conf"
	inetd=$!
	for name in confctl pal mtcu1 mtcu2 mcu1 mcu2; do
		until_ok daemon_is_well "$name"
		daemons="${daemons-} $(daemon_pid "$name")"
		[ "$(awk '{ print $4 }' "/proc/$(daemon_pid "$name")/stat")" = \
		    "$inetd" ]
	done
	all_up
	# Killed: the next connection starts the next one.
	old=$(daemon_pid pal)
	kill -9 "$old"
	until_ok daemon_is_new pal "$old"
	daemons="${daemons-} $(daemon_pid pal)"
	until_ok as alice sec-pal set busy -N "still here"
	until_ok eval 'as bob sec-pal | grep -q "still here"'
	kill "$inetd"
	for p in $daemons; do
		kill "$p" 2>/dev/null || :
	done
	for name in confctl pal mtcu1 mtcu2 mcu1 mcu2; do
		until_ok daemon_is_away "$name"
	done
	for name in confctl pal mtcu1 mtcu2 mcu1 mcu2; do
		sec-lab start "$name" 3>&-
	done
}

@test "a connected fd 0 is refused: wait, not nowait" {
	local addr p
	addr=$(server_addr confctl)
	until_ok daemon_is_well confctl
	exec 9<>"/dev/tcp/${addr%:*}/${addr##*:}"
	for p in sec-confctl sec-pal sec-mtcu sec-mcu; do
		run -2 "$p" serve -i --idle 300 --name \
		    "$(sed 's/^sec-//; s/mt*cu$/&1/' <<<"$p")" <&9
		[ "$output" = "$p: fd 0 is a connection; write \"wait\" in inetd.conf" ]
	done
	exec 9>&-
}
