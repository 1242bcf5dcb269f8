#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Voice end to end: what is on the wire, who holds keys, and what breaks.
#
#   alice sec-talk -i FILE --> wire --> sec-mcu --> wire --> sec-talk -o FILE bob
#                               |          |
#                        the stranger   junk

load ../lib/lab
load ../lib/sound

setup_file() {
	lab_up --wire "$BATS_FILE_TMPDIR/wire.pcap" alice bob carol
	for u in bob carol; do as $u sec-confctl answer accept; done
	as alice sec-confctl create -q -n v -m voice bob
	as alice sec-confctl create -q -n mu -m voice --codec pcmu bob
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() {
	for p in ${pids-}; do kill "$p" 2>/dev/null || :; done
	show_logs
}

# hear USER OUT [OPTIONS] CONF: in the background, until stopped.
hear() {
	local user=$1 out=$2
	shift 2
	sec-lab run "$user" sec-talk -i null -o "$out" "$@" 3>&- \
	    >"$user.out" 2>&1 &
	ear=$!
	pids="${pids-} $ear"
}
stop() {
	kill -TERM "$1"
	wait "$1" || :
}
# speak USER FILE CONF: to its end, as soon as another device is there.
speak() { as "$1" sec-talk -i "$2" -o null -n 1 "$3"; }

mcu_of() { # CONF
	local server
	server=$(sqlite3 -readonly "$SEC_DIR/lib/conf.db" "select server
	    from conference_medium join conference on id = conf
	    where name = '$1' and medium = 'voice'")
	awk -v n="$server" '$1 == n { print $2 }' "$SEC_DIR/etc/servers"
}

# The packets of voice on the wire, decoded as RTP; fields follow.
rtp() {
	local port ports=()
	while read -r port; do
		ports+=(-d "udp.port==$port,rtp")
	done < <(awk '$3 == "mcu" { sub(/.*:/, "", $4); print $4 }' \
	    "$SEC_DIR/etc/servers")
	tshark -r "$BATS_FILE_TMPDIR/wire.pcap" "${ports[@]}" "$@" 2>/dev/null
}

@test "S133 S066 S173: the stranger sees headers, four extensions, one size" {
	tone t.wav 440 2
	hear bob h.wav v
	speak alice t.wav v
	stop "$ear"
	until_ok test "$(rtp -Y rtp | wc -l)" -gt 100
	rtp -Y rtp -T fields -e rtp.version -e rtp.p_type \
	    -e rtp.ext.rfc5285.id -e rtp.ext.rfc5285.len -e udp.length \
	    >packets
	[ "$(sort -u packets)" = $'2\t96\t1,2,3,4\t8,8,8,1\t154' ]
	[ -z "$(rtp -Y '_ws.malformed')" ]
}

# Who listens on the way sees when somebody speaks in it, as long as the levels
# are told (RFC 6464): byte 44 of a packet is V and level.
@test "level=off: the packets of speech and of silence look alike" {
	levels() { # of packets since the mark
		rtp -Y rtp -T fields -e udp.payload | tail -n +"$((seen + 1))" |
		    cut -c89-90 | sort -u | xargs
	}
	tone t.wav 440 1
	sox t.wav half.wav pad 0 1
	seen=$(rtp -Y rtp | wc -l)
	hear bob h.wav v
	speak alice half.wav v
	until_ok test "$(levels | wc -w)" -ge 2
	stop "$ear"
	as alice sec-confctl set v level=off
	run -0 as alice sec-confctl show -v v
	[[ $output =~ "level=off" ]]
	until_ok test "$(as bob sec-confctl show -j v | jq -r .level)" = off
	seen=$(rtp -Y rtp | wc -l)
	hear bob h2.wav v
	local m
	m=$(mark bob)
	speak alice half.wav v
	stop "$ear"
	# V and 30, always; he is heard and shown as ever.
	until_ok test "$(rtp -Y rtp | wc -l)" -gt $((seen + 100))
	[ "$(levels)" = 9e ]
	await bob --since "$m" -c v -e voice.stop --by alice >/dev/null
	about "$(hertz h2.wav)" 440
	as alice sec-confctl set v level=on
	run -2 as alice sec-confctl set v level=loud
}

# G.711 of silence is one byte again and again: nothing is easier to see.
@test "S133: no plaintext: silence does not look like silence" {
	sox -n -r 8000 -c 1 s.wav trim 0 1
	runs() { LC_ALL=C grep -caP '(\xff{60}|\x7f{60})' "$1" || :; }
	sox -D s.wav -t ul control
	[ "$(runs control)" -gt 0 ]
	hear bob h.wav mu
	speak alice s.wav mu
	stop "$ear"
	silent h.wav
	[ "$(rtp -Y 'rtp.p_type == 0' | wc -l)" -gt 50 ]
	[ "$(runs "$BATS_FILE_TMPDIR/wire.pcap")" = 0 ]
}

@test "S133: the router's memory has no key of the conference" {
	hear bob h.wav v
	tone t.wav 440 1
	speak alice t.wav v
	for name in alice bob confctl; do keys_of "$name" >"keys.$name"; done
	comm -12 keys.alice keys.bob >conference
	[ -s conference ]
	[ -n "$(comm -12 conference keys.confctl)" ]
	for name in mcu1 mcu2; do
		"$BATS_TEST_DIRNAME/../lib/memory" "$(daemon_pid "$name")" \
		    >image
		[ "$(stat -c %s image)" -gt 100000 ]
		run -1 key_in conference image
	done
	# The positive controls: who has it is seen to have it.
	for pid in "$ear" "$(daemon_pid confctl)"; do
		"$BATS_TEST_DIRNAME/../lib/memory" "$pid" >image
		run -0 key_in conference image
	done
	stop "$ear"
}

@test "junk at the router's port is counted, and costs the others nothing" {
	tone t.wav 440 4
	hear bob h.wav v
	local m name addr
	m=$(mark bob)
	name=$(mcu_of v)
	addr=$(awk -v n="$name" '$2 == n { print $4 }' "$SEC_DIR/etc/servers")
	speak alice t.wav v &
	local p=$!
	await bob --since "$m" -c v -e voice.start >/dev/null
	python3 - "${addr%:*}" "${addr##*:}" <<'END'
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
junk = [os.urandom(n) for n in (0, 1, 12, 47, 48, 66, 146, 1400)]
rtp = b"\x90\x60" + os.urandom(10) + b"\xbe\xde\x00\x08" + os.urandom(130)
junk += [rtp, rtp[:65], b"\x80\xcc" + os.urandom(60)]
for i in range(20000):
    try:
        s.send(junk[i % len(junk)])
    except OSError:
        pass
END
	wait $p
	stop "$ear"
	as bob sec-watch -T 0 --since "$m" -c v -e voice.stop |
	    jq -se 'length > 0 and all(.[]; .lost < 5)'
	sec-ctl "$name" status >counters
	cat counters
	grep -qE 'what=format.n=[1-9]' counters
}

# Control and text on one machine, the voice on another, as with a desk phone
# or a telephone in the pocket; one member all the same.
@test "S043 S045 S046: I type here and speak there" {
	local dir m
	dir=$(second_machine alice2)
	at "$dir" alice sec-login -q -P "$SEC_DIR/home/alice/password" alice
	as alice sec-confctl create -q -n both -m text,voice bob
	m=$(mark bob)
	tone t.wav 440 2
	hear bob h.wav -m voice both
	at "$dir" alice sec-talk -i t.wav -o null -n 1 both
	echo "and this is typed" | as alice sec-talk -s both
	await bob --since "$m" -c both -e voice.start --by alice >/dev/null
	await bob --since "$m" -c both -e text --by alice >/dev/null
	stop "$ear"
	about "$(hertz h.wav)" 440
	[ "$(as bob sec-confctl show -q both | sort | xargs)" = "alice bob" ]
	at "$dir" alice sec-login -k
}
