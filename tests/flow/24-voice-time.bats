#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# How soon: by the time stamps of the packets on the wire, beside which the
# commands' and events' own stand.
#
#   bob   -- voice --> ops      --.
#   carol -- voice --> standup  --+--> alice: focus standup ... all
#
#   alice -- voice --> room --> bob; carol leaves, is kicked, is blocked, or
#   the key is another, and she keeps those that she had

load ../lib/lab
load ../lib/device
load ../lib/sound

setup_file() {
	lab_up --wire "$BATS_FILE_TMPDIR/wire.pcap" alice bob carol
	as bob sec-confctl answer accept
	as carol sec-confctl answer accept
	as alice sec-confctl create -q -n ops -m voice bob
	as alice sec-confctl create -q -n standup -m voice carol
	as alice sec-confctl create -q -p --open -n room -m voice bob carol
	tone "$BATS_FILE_TMPDIR/low.wav" 300 60
	tone "$BATS_FILE_TMPDIR/high.wav" 1200 60
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() {
	for p in ${pids-}; do kill "$p" 2>/dev/null || :; done
	show_logs
}

# voice USER NAME [OPTIONS] CONF...: a device in the background.
voice() {
	local user=$1 name=$2
	shift 2
	sec-lab run "$user" sec-talk "$@" 3>&- >"$name.out" 2>&1 &
	eval "$name=$!"
	pids="${pids-} $!"
}
stop() {
	kill -TERM "$1"
	wait "$1" || :
}

# Voice of a conference on the wire; keys: what eavesdrop opens with them.
packets() { # CONF [EPOCH KEY]...
	local cid
	cid=$(sqlite3 -readonly "$SEC_DIR/lib/conf.db" \
	    "select id from conference where name = '$1'")
	shift
	tshark -r "$BATS_FILE_TMPDIR/wire.pcap" -Y udp -T fields \
	    -e frame.time_epoch -e udp.srcport -e udp.dstport \
	    -e udp.payload 2>/dev/null |
	    "$BATS_TEST_DIRNAME/../lib/eavesdrop" "$cid" "$@"
}
# Ports of the routers, as a pattern.
routers() {
	awk '$3 == "mcu" { sub(/.*:/, "", $4); print $4 }' \
	    "$SEC_DIR/etc/servers" | paste -sd'|'
}
# said_since CONF TIME: half a second was said there after that.
said_since() {
	packets "$1" | awk -v from="$2" -v ports="^($(routers))\$" \
	    '$3 ~ ports && $1 > from { n++ } END { exit n < 25 }'
}
# Of the times in a file: the middle one, and the worst.
middle() { sort -n "$1" | sed -n "$((($(wc -l <"$1") + 1) / 2))p"; }
worst() { sort -n "$1" | tail -n 1; }
list() { paste -sd' ' "$1"; }

@test "S177 S179: focus silences the others within 200 ms, and shows it" {
	voice alice ears -i null -o null ops standup
	voice bob low -i "$BATS_FILE_TMPDIR/low.wav" -o null -n 1 ops
	voice carol high -i "$BATS_FILE_TMPDIR/high.wav" -o null -n 1 standup
	await alice --since 0 -c ops -e voice.start >/dev/null
	await alice --since 0 -c standup -e voice.start >/dev/null
	local m b i
	for i in 1 2 3 4 5; do
		m=$(mark alice)
		# What the tool itself takes on this machine, just now.
		b=$EPOCHREALTIME
		as alice sec-mix >/dev/null
		echo "$b $EPOCHREALTIME" >>tool
		b=$(mark bob)
		echo "$EPOCHREALTIME" >>begin
		as alice sec-mix focus standup
		await alice --since "$m" -c ops -e voice.stop >/dev/null
		await_that bob '.status == "busy"' --since "$b" -c ops \
		    -e conf.status --by alice
		as bob sec-watch -T 0 --since "$b" -c ops -e conf.status \
		    --by alice | jq -rs 'map(select(.status == "busy")) |
		    .[0].time' >>busy
		echo "$EPOCHREALTIME" >>end
		# Bob goes on; it is not for her.
		until_ok said_since ops "$(tail -n 1 end)"
		echo "$EPOCHREALTIME" >>all
		m=$(mark alice)
		as alice sec-mix all
		await alice --since "$m" -c ops -e voice.start >/dev/null
	done
	# Nothing of standup was held back meanwhile.
	[ -z "$(as alice sec-watch -T 0 --since 0 -c standup -e voice.stop)" ]
	stop "$low"
	stop "$high"
	stop "$ears"
	packets ops | awk -v ports="^($(routers))\$" '$2 ~ ports' >down
	# From each command's beginning to the last packet of ops for alice.
	paste begin end | while read -r from to; do
		awk -v from="$from" -v to="$to" '$1 >= from && $1 < to {
		    last = $1 }
		    END { if (last) printf "%d\n", (last - from) * 1000 }' down
	done >silent
	paste begin busy | while read -r from at; do
		awk -v from="$from" -v at="$(date -d "$at" +%s.%N)" \
		    'BEGIN { printf "%d\n", (at - from) * 1000 }'
	done >shown
	awk '{ printf "%d\n", ($2 - $1) * 1000 }' tool >alone
	echo "# silent after $(list silent) ms, busy after $(list shown) ms," \
	    "the tool alone $(list alone) ms" >&3
	# In each round: none at all from then on, until she wants them again.
	paste end all | while read -r from to; do
		awk -v from="$from" -v to="$to" \
		    '$1 >= from && $1 < to' down
	done >late
	[ ! -s late ]
	# Rounds in which a packet was under way at all.
	[ "$(wc -l <silent)" -ge 3 ]
	# The goal, behind the time that the tool itself takes; and never ten
	# times that. Six programs have a part in one round, and whatever else
	# the machine does may take its turn before any of them: no bound of a
	# single round is ours to keep, the middle one is.
	local goal=$((200 + $(middle alone))) most=$((2000 + $(worst alone)))
	(($(middle silent) <= goal && $(worst silent) < most))
	(($(middle shown) <= goal && $(worst shown) < most))
}

# keys_given NAME: all that its agent ever gave to a device, EPOCH KEY each.
keys_given() {
	rows "$1" '(attached|epoch)' |
	    sed -E 's/.* epoch=([0-9]+) key=([^ ]+).*/\1 \2/'
}

# opens CONF NAME: what is said in it, opened with the keys in the file NAME,
# as it comes to the routers.
opens() {
	local keys
	mapfile -t keys < <(tr ' ' '\n' <"$2")
	[ "${#keys[@]}" -ge 2 ]
	packets "$1" "${keys[@]}" | awk -v ports="^($(routers))\$" '$3 ~ ports'
}

# shut_out HOW: while others speak, carol's keys become worthless.
shut_out() {
	local how=$1 m from out last
	m=$(mark bob)
	device "eve_$how" carol room
	voice bob ears -i null -o "$how.wav" room
	voice alice mouth -i "$BATS_FILE_TMPDIR/low.wav" -o null -n 1 room
	await bob --since "$m" -c room -e voice.start >/dev/null
	until_ok said_since room "$EPOCHREALTIME"
	keys_given "eve_$how" >had
	m=$(mark alice)
	from=$EPOCHREALTIME
	case $how in
	leave) as carol sec-confctl leave room ;;
	kick|block) as alice sec-confctl "$how" room carol ;;
	rekey) as alice sec-confctl rekey room ;;
	esac
	out=$EPOCHREALTIME
	await alice --since "$m" -c room -e conf.key >/dev/null
	until_ok said_since room "$((${out%.*} + 2))"
	stop "$mouth"
	stop "$ears"
	# Who stays is given the next one; who is out, none.
	keys_given "eve_$how" >has
	if [ "$how" = rekey ]; then
		opens room has | awk -v t="$from" '$1 > t' >up
		[ "$(grep -c shut up)" = 0 ]
	else
		cmp had has
	fi
	device_off "eve_$how"
	opens room had >up
	# She could while she had the right to it.
	awk -v t="$started" '$1 > t' up >now
	[ "$(awk -v t="$from" '$1 < t && $6 == "open"' now | wc -l)" -ge 25 ]
	[ "$(awk -v t="$from" '$1 < t && $6 == "shut"' now | wc -l)" = 0 ]
	last=$(awk -v t="$out" '$6 == "open" { last = $1 } END {
	    printf "%d\n", (last - t) * 1000 }' now)
	echo "# $how: opened for $last ms" >&3
	awk -v t="$out" '$1 > t + 1' now >later
	[ "$(wc -l <later)" -ge 25 ]
	[ "$(grep -c open later)" = 0 ]
	# And nobody missed anything.
	about "$(hertz "$how.wav")" 300
}

@test "S190: who is out, with all his keys, opens nothing said 1 s later" {
	local how started
	for how in leave kick rekey block; do
		started=$EPOCHREALTIME
		as carol sec-confctl join room
		shut_out "$how"
	done
}
