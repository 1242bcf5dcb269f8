#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# sec-admin backup and restore: what they refuse, and that they change nothing
# then.
#
#	lib/*.db -- VACUUM INTO --> stage --> FILE.XXXXXX --> FILE
#	FILE --> stage, looked at --> lib/*.db --> before-restore/
#	                              stage ----> lib/*.db

load ../lib/lab

setup_file() {
	lab_up alice bob
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -p --open -n board bob
	as alice sec-confctl set board history=100
	head -c 200000 /dev/urandom >"$BATS_FILE_TMPDIR/plan"
	as alice sec-confctl attach -q board "$BATS_FILE_TMPDIR/plan"
	echo "what was said" | as alice sec-talk -s board
	echo 'all: allow' >"$BATS_FILE_TMPDIR/rules"
	sec-admin backup -q "$BATS_FILE_TMPDIR/good.tar"
	# Another host of the same domain, where nothing runs.
	HOST=$(mktemp -d /tmp/sec.XXXXXX)
	export HOST
	there sec-admin init lab.test
}
teardown_file() {
	lab_down
	rm -rf "$HOST"
}
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() { show_logs; }

GOOD=$BATS_FILE_TMPDIR/good.tar

# there COMMAND...: on that other host.
there() { SEC_DIR=$HOST "$@"; }

# state DIR: all that is there, and what is in it. Who looks into a database
# may leave an empty log of it.
state() {
	(
		cd "$1"
		find . ! -name '*-shm' ! \( -name '*-wal' -empty \) \
		    -printf '%p %y %m\n' -type f -exec sha256sum {} \; | sort
	)
}

# unpacked: good.tar in the directory x, to be spoilt.
unpacked() {
	mkdir x
	tar -C x -xf "$GOOD"
}
# packed NAME...: bad.tar of these in x; all of them if there is none.
packed() {
	(
		cd x
		[ $# -gt 0 ] || set -- sec-backup files/*/* pal.db conf.db dir.db
		tar --format=ustar -cf ../bad.tar "$@"
	)
}
# refused STATUS WORDS [FILE]: and nothing has changed.
refused() {
	state "$HOST" >before
	run -"$1" --separate-stderr there sec-admin restore "${3-bad.tar}"
	echo "$stderr"
	[[ $stderr == *"$2"* ]]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" = 1 ]
	state "$HOST" | diff before -
}

@test "one file, for its owner alone, with what it says and no more" {
	[ "$(stat -c '%a %F' "$GOOD")" = "600 regular file" ]
	run -0 tar -tf "$GOOD"
	[ "${lines[0]}" = sec-backup ]
	[[ ${lines[1]} =~ ^files/[0-9a-f]{16}/[0-9a-f]{32}$ ]]
	[ "${lines[*]:2}" = "pal.db conf.db dir.db" ]
	# Nothing of it is left where it was made.
	[ -z "$(find "$SEC_DIR/lib" -name 'backup.*')" ]
	[ "$(echo "$GOOD"*)" = "$GOOD" ]
	[ "$(sec-admin complete -- ba)" = backup ]
	run -0 sec-admin backup -j second.tar
	jq -e '.schema == 3 and .size > 200000' <<<"$output"
}

@test "no key is in it: of members, servers, or of the disk" {
	for s in alice bob confctl pal mtcu1 mtcu2; do
		keys_of "$s"
	done | sort -u >keys
	for f in "$SEC_DIR"/lib/keys/*/*; do
		base64 -d "$f" | od -An -v -tx1 | tr -d ' \n' | cut -c1-64
		echo
	done | grep -xE '[0-9a-f]{64}' >disk
	[ -s disk ]
	[ -s "$SEC_DIR/lib/keys/confctl/dbk" ]
	cat disk >>keys
	# What would be found in the clear is found: the keys' own directory.
	key_in keys "$SEC_DIR/lib/keys"
	run -1 key_in keys "$GOOD"
	run ! grep -qa "what was said" "$GOOD"
}

@test "what is there is not overwritten" {
	mkdir d
	cd d
	echo mine >mine
	run -1 --separate-stderr sec-admin backup mine
	[ "$stderr" = "sec-admin: mine is there already" ]
	[ "$(cat mine)" = mine ]
	# Neither is what a link leads to, if there is nothing yet.
	ln -s target link
	run -1 sec-admin backup link
	[ ! -e target ]
	run -2 sec-admin backup
	run -10 --separate-stderr sec-admin backup no/such/dir
	[[ $stderr == *"No such file or directory" ]]
	[ "$(echo *)" = "link mine" ]
}

@test "a full disk, a signal: no half file, nothing left behind" {
	run -10 bash -c 'ulimit -f 30; sec-admin backup full.tar'
	run -10 bash -c 'ulimit -f 250; sec-admin backup full.tar'
	[[ $output == *"File too large" ]]
	[ -z "$(find . -name 'full*')" ]
	# A pipe that nobody reads is in the way, until a signal comes.
	mkfifo "$SEC_DIR/etc/types"
	bg sec-admin backup stopped.tar
	pid=$!
	until_ok eval 'ls stopped.tar.*'
	kill "$pid"
	ended 10 "$pid"
	rm "$SEC_DIR/etc/types"
	[ "$(echo stopped*)" = 'stopped*' ]
	[ -z "$(find "$SEC_DIR/lib" -name 'backup.*')" ]
}

@test "while they talk and attach: each is whole" {
	for i in $(seq 40); do
		head -c 3000 /dev/urandom |
		    as alice sec-confctl attach -q board - --as "f$i"
		as alice sec-confctl detach -q board "f$i"
	done 3>&- &
	files=$!
	for i in $(seq 20); do
		echo "line $i" | as bob sec-talk -s board
	done 3>&- &
	talk=$!
	n=0
	while kill -0 "$files" 2>/dev/null || kill -0 "$talk" 2>/dev/null; do
		n=$((n + 1))
		sec-admin backup -q "live$n.tar"
	done
	wait "$files" "$talk"
	for f in live*.tar; do
		run -0 there sec-admin restore "$f"
		[[ $output == "schema 3  2 users  1 persistent conference"* ]]
		rm -rf "$HOST"/lib/before-restore*
	done
	databases_are_sound
	as alice sec-confctl fetch board plan -o - | cmp - "$BATS_FILE_TMPDIR/plan"
}

@test "not while a daemon runs, or anybody has a database open" {
	run -1 --separate-stderr sec-admin restore "$GOOD"
	[ "$stderr" = "sec-admin: confctl runs; stop it first" ]
	sec-lab stop confctl
	run -1 --separate-stderr sec-admin restore "$GOOD"
	[[ $stderr == *" runs; stop it first" ]]
	sec-lab start confctl
	until_ok daemon_is_well confctl
	# One that answers no more is one that runs.
	exec {w}> >(exec sqlite3 "$HOST/lib/pal.db" 3>&-)
	sqlite=$!
	echo "SELECT count(*) FROM user;" >&"$w"
	until_ok eval 'ls -l /proc/$sqlite/fd | grep -q pal.db'
	refused 1 "pal.db is in use; stop the daemons first" "$GOOD"
	exec {w}>&-
	until_ok gone "$sqlite"
	there sec-admin restore -q "$GOOD"
}

@test "cut off anywhere" {
	size=$(stat -c %s "$GOOD")
	for n in 0 1 511 512 700 1024 1536 100000 $((size / 2)) \
	    $((size - 1025)) $((size - 1024)) $((size - 512)) $((size - 1)); do
		head -c "$n" "$GOOD" >bad.tar
		refused 11 ""
	done
	head -c 100000 "$GOOD" >bad.tar
	refused 11 "bad.tar: it is cut off"
	cat "$GOOD" /dev/urandom 2>/dev/null | head -c $((size + 10)) >bad.tar
	refused 11 "bad.tar: there is more behind its end"
}

@test "somebody else's" {
	echo hello >hello
	tar -cf bad.tar hello
	refused 11 "bad.tar: no backup of sec-admin"
	echo hello >bad.tar
	refused 11 "bad.tar: no backup of sec-admin"
	refused 11 "no backup of sec-admin" /dev/null
	refused 11 "no backup of sec-admin" .
	refused 5 "No such file or directory" no-such-file
	unpacked
	# Without what says what it is; by another program; of another domain.
	packed pal.db conf.db dir.db
	refused 11 "no backup of sec-admin"
	sed -i 's/version=1/version=2/' x/sec-backup
	packed
	refused 12 "it has version 2, this program knows 1"
	sed -i 's/version=2/version=1/; s/lab.test/example.org/' x/sec-backup
	packed
	refused 11 "of domain example.org, and this is lab.test"
	echo nonsense >x/sec-backup
	packed
	refused 11 "its first line is damaged"
}

@test "links, directories, ways out, and what is not ours" {
	unpacked
	ln -s /etc/passwd x/rules
	packed sec-backup rules
	refused 11 "rules in it is no plain file"
	rm x/rules
	packed sec-backup files pal.db conf.db dir.db
	refused 11 "files/ in it is no plain file"
	ln x/pal.db x/types
	packed sec-backup pal.db types
	refused 11 "types in it is no plain file"
	rm x/types
	mkfifo x/types
	packed sec-backup types
	refused 11 "types in it is no plain file"
	rm x/types
	for name in ../evil /tmp/evil files/../../evil files/x \
	    files/0123456789abcdef/../../../0123456789abcdef0 keys/confctl/dbk \
	    sec.conf pal.db/ conf.db-wal; do
		echo evil >x/evil
		tar -C x --format=ustar -P --transform "s,^evil\$,$name," \
		    -cf bad.tar sec-backup evil
		refused 11 "in it is nothing that backup writes"
	done
	[ ! -e /tmp/evil ]
	tar -C x --format=ustar -cf bad.tar sec-backup pal.db pal.db conf.db
	tar -C x --format=ustar -rf bad.tar pal.db
	refused 11 ""
	tar -C x --format=gnu -cf bad.tar sec-backup pal.db
	refused 11 "no backup of sec-admin"
}

@test "a damaged or later database, a file that is missing or short" {
	unpacked
	cp -r x whole
	sqlite3 x/conf.db "PRAGMA user_version = 99"
	packed
	refused 12 "bad.tar: conf.db has schema 99, this program knows 3"
	cp whole/conf.db x/
	sqlite3 x/pal.db "PRAGMA user_version = 0"
	packed
	refused 11 "bad.tar: pal.db is not a database of SEC"
	cp x/conf.db x/pal.db
	packed
	refused 12 "pal.db has schema 3"
	cp whole/pal.db x/
	head -c 2000 /dev/urandom |
	    dd of=x/conf.db bs=1 seek=4096 conv=notrunc status=none
	packed
	refused 11 "bad.tar: conf.db: "
	cp whole/conf.db x/
	head -c 30000 /dev/zero >x/dir.db
	packed
	refused 11 "bad.tar: dir.db: "
	cp whole/dir.db x/
	packed sec-backup pal.db conf.db dir.db
	refused 11 "an attached file is not in it, or not all of it"
	truncate -s -1 x/files/*/*
	packed
	refused 11 "an attached file is not in it, or not all of it"
	# As it was it is taken, whoever packed it.
	rm -r x
	mv whole x
	packed
	there sec-admin restore -q bad.tar
}

@test "a full disk, a move that fails: all is as it was" {
	state "$HOST" >before
	run -10 there bash -c "ulimit -f 100; sec-admin restore '$GOOD'"
	[[ $output == *"File too large" ]]
	state "$HOST" | diff before -
	# rules cannot be written: what was moved by then goes back.
	mkdir "$HOST/etc/types"
	state "$HOST" >before
	run -10 there sec-admin restore "$GOOD"
	[[ $output == *"etc/types: "* ]]
	state "$HOST" | diff before -
	rmdir "$HOST/etc/types"
}

@test "rules and types come and go with it; what was there is kept" {
	echo '# two' >"$HOST/etc/rules"
	there sec-admin backup -q two.tar
	tar -xOf two.tar rules | grep -qx '# two'
	rm -rf "$HOST"/lib/before-restore*
	run -0 there sec-admin restore "$GOOD"
	[ "$output" = "schema 3  2 users  1 persistent conference  (old files \
kept in before-restore/)" ]
	[ ! -e "$HOST/etc/rules" ]
	grep -qx '# two' "$HOST/lib/before-restore/rules"
	run -0 there sec-admin restore -j two.tar
	jq -e '.schema == 3 and .users == 2 and .persistent == 1 and
	    (.kept | endswith("/before-restore.2"))' <<<"$output"
	grep -qx '# two' "$HOST/etc/rules"
	[ -f "$HOST/lib/before-restore.2/conf.db" ]
	[ -d "$HOST/lib/before-restore.2/files" ]
	# Nothing was there: nothing is kept.
	rm -rf "$HOST"/lib/*.db* "$HOST"/lib/files "$HOST"/lib/before-restore*
	rm "$HOST/etc/rules"
	run -0 there sec-admin restore two.tar
	[ "$output" = "schema 3  2 users  1 persistent conference" ]
	[ "$(ls "$HOST/lib")" = $'conf.db\ndir.db\nfiles\nkeys\npal.db' ]
	[ "$(stat -c %a "$HOST"/lib/{pal,conf,dir}.db | uniq)" = 660 ]
	[ "$(stat -c %a "$HOST"/lib/files "$HOST"/lib/files/* | uniq)" = 700 ]
	[ "$(stat -c %a "$HOST"/lib/files/*/*)" = 600 ]
}

@test "an earlier schema is renewed; generations and numbers leap each time" {
	unpacked
	sqlite3 x/conf.db "DROP TABLE receipt; PRAGMA user_version = 2"
	packed
	had=$(sqlite3 x/conf.db "SELECT epoch || ' ' || q_reserved
	    FROM conference WHERE name = 'board'")
	rm -rf "$HOST"/lib/*.db*
	there sec-admin restore -q bad.tar
	[ "$(SEC_DIR=$HOST db conf.db "PRAGMA user_version")" = 3 ]
	[ "$(less_leaps 1)" = "$had" ]
	# Once more of the same file: over what the first one came to.
	there sec-admin restore -q bad.tar
	[ "$(less_leaps 2)" = "$had" ]
}
less_leaps() {
	SEC_DIR=$HOST db conf.db "SELECT (epoch - $1 * 65536) || ' ' ||
	    (q_reserved - $1 * 4096) FROM conference WHERE name = 'board'"
}
