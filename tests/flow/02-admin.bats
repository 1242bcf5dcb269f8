#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# sec-admin:
#
#	sec-admin user -> kadmin.local -> the realm's database
#	               -> run/pal.sock user-add, user-rm, user-list -> pal.db
#	sec-admin health -> run/*.sock health, status; KDC; databases
#
# S021 (users in a database), STORIES 1.26 (init), 1.28 (user), 1.29 (health).

load ../lib/lab

setup_file() {
	export SEC_DIR="$BATS_FILE_TMPDIR/lab"
	unset SEC_USER KRB5CCNAME KRB5_CONFIG
	sec-lab up -q alice
}

teardown_file() {
	sec-lab down -q --purge
}

# Does this password open the account?
login() { # USER PASSWORD
	echo "$2" | KRB5_CONFIG="$SEC_DIR/etc/krb5.conf" \
	    kinit -c "FILE:$BATS_TEST_TMPDIR/cc" "$1" >/dev/null 2>&1
}

@test "user add prints a first password that works, once" {
	run -0 --separate-stderr sec-admin user add bob --name "Bob Field"
	[[ $output =~ ^bob@LAB\.TEST\ \ password:\ ([a-z]+-[a-z]+-[0-9]{2}-[a-z]+-[a-z]+)\ \ \(shown\ once ]]
	password=${BASH_REMATCH[1]}
	login bob "$password"
	run ! login bob wrong
	run -0 sec-admin user list -j
	[ "$(jq -r 'select(.user == "bob") | .title, .known' <<<"$output" |
	    xargs)" = "Bob Field true" ]
	# Of those who came by themselves it says so.
	[ "$(jq -r 'select(.user == "alice").known' <<<"$output")" = false ]
	run -1 --separate-stderr sec-admin user add bob
	[ "$stderr" = "sec-admin: bob@LAB.TEST exists already" ]
	login bob "$password"
	run ! grep -rq -- "$password" "$SEC_DIR"
}

@test "user add -P takes what is given, and a login needs pre-authentication" {
	run -0 --separate-stderr sec-admin user add -P - carol \
	    <<<'a "quoted" pass word'
	[ "$output" = carol@LAB.TEST ]
	login carol 'a "quoted" pass word'
	KRB5_CONFIG="$SEC_DIR/etc/krb5.conf" \
	    KRB5_KDC_PROFILE="$SEC_DIR/kdc/kdc.conf" PATH=$PATH:/usr/sbin \
	    kadmin.local -r LAB.TEST -q 'getprinc carol' |
	    grep -q REQUIRES_PRE_AUTH
	run -11 --separate-stderr sec-admin user add -P - dave </dev/null
	[ "$stderr" = "sec-admin: -: no password there" ]
}

@test "user passwd, user rm" {
	sec-admin user add -q erin
	run -0 sec-admin user passwd erin
	[[ $output =~ password:\ ([^ ]+) ]]
	login erin "${BASH_REMATCH[1]}"
	sec-admin user passwd -P <(echo other) erin
	login erin other
	sec-admin user rm erin
	run ! login erin other
	run -5 --separate-stderr sec-admin user rm erin
	[ "$stderr" = "sec-admin: no such user erin" ]
	run -5 --separate-stderr sec-admin user passwd erin
	# Without a principal: sec-pal alone.
	sec-admin user add --no-principal frank
	run -0 sec-admin user list -q
	[[ $output == *frank* && $output != *erin* ]]
	# A lamp of his name is not he.
	run -5 --separate-stderr sec-ctl pal user-rm user=lamp:frank
	[[ "$output$stderr" == *"no such user"* ]]
	run -0 sec-admin user list -q
	[[ $output == *frank* ]]
	sec-admin user rm --no-principal frank
	run -0 sec-admin user list -q
	[[ $output != *frank* ]]
}

@test "who is removed is logged out" {
	sec-lab user gina
	sec-lab run gina sec-pal list -q
	sec-lab run alice sec-watch --state -1 -T 10 -e pal -c gina
	sec-admin user rm gina
	run -0 sec-admin user list -q
	[[ $output != *gina* ]]
	# His agent's ticket is good for hours, but not here.
	sec-lab run alice sec-watch --since 0 -T 10 -e pal -c gina |
	    grep -m 1 '"status":"offline"'
	run -0 sec-admin user list -q
	[[ $output != *gina* ]]
	sec-admin user add -q gina
	sec-admin user list -q | grep gina
}

@test "sec-lab and sec-admin make users of one realm" {
	# Made by sec-admin: not the lab's to log in, however often it is tried.
	sec-admin user add -q hank
	for i in 1 2; do
		run -1 --separate-stderr sec-lab user hank
		[ "$stderr" = "sec-lab: hank@LAB.TEST exists already (sec-admin user add), with a password that the lab does not know; choose another name" ]
		[ "$output" = "" ]
	done
	sec-admin user passwd -P <(echo known) hank
	login hank known
	run -5 --separate-stderr sec-lab run hank true
	# Made by the lab: sec-admin makes him known, with the same password.
	sec-lab user iris
	run -0 --separate-stderr sec-admin user add iris
	[ "$output" = iris@LAB.TEST ]
	[ "$stderr" = "iris@LAB.TEST was there; its password is as it was" ]
	sec-lab run iris sec-pal -q
	run -1 --separate-stderr sec-admin user add iris
	[ "$stderr" = "sec-admin: iris@LAB.TEST exists already" ]
}

@test "a line of servers with another's key: refused, with file and line" {
	f=$SEC_DIR/etc/servers
	cp "$f" "$BATS_TEST_TMPDIR/servers"
	n=$(grep -n ' pal pal ' "$f" | cut -d : -f 1)
	key=$(awk '$2 == "mtcu1" { print $5 }' "$f")
	sed -i "${n}s|[^ ]*\$|$key|" "$f"
	why="$f: line $n: the key is not that of $SEC_DIR/lib/keys/pal/identity; sec-keygen init pal pal 127."
	run -11 --separate-stderr sec-pal serve --check
	[[ $stderr == "sec-pal: $why"*" prints the right line" ]]
	run -1 sec-admin check
	[[ $output == *"keys/pal "*WARN*"$why"* ]]
	# One that runs keeps the file that it has.
	hup
	run -1 sec-pal health
	[[ $output == *"line $n: the key"* ]]
	sec-lab run alice sec-pal -q
	cp "$BATS_TEST_TMPDIR/servers" "$f"
	hup
	until_ok sec-pal health
	sec-admin check
}

@test "users = known: whoever is in the realm, and nobody else" {
	sec-admin user add -q known
	sec-lab user stranger
	sec-lab run stranger sec-login -k
	cp "$SEC_DIR/etc/sec.conf" "$BATS_TEST_TMPDIR/conf"
	echo 'users = known' >>"$SEC_DIR/etc/sec.conf"
	hup
	sec-admin user passwd -P <(echo other) known
	echo other | sec-lab run alice sec-login -q -P - known
	sec-lab run alice sec-login -k -u known
	run -3 --separate-stderr sec-lab run stranger sec-login \
	    -P "$SEC_DIR/home/stranger/password" stranger
	[[ $stderr == "sec-login: "*" refuses the registration of stranger@LAB.TEST" ]]
	cp "$BATS_TEST_TMPDIR/conf" "$SEC_DIR/etc/sec.conf"
	hup
	sec-lab run stranger sec-login -q \
	    -P "$SEC_DIR/home/stranger/password" stranger
	sec-lab run stranger sec-login -k
}

@test "names that are not users'" {
	for name in 'a b' sip/pal 'x@Y' '' -- '-q"'; do
		run -2 --separate-stderr sec-admin user add -- "$name"
	done
	run -2 --separate-stderr sec-admin user bogus alice
	run -2 --separate-stderr sec-admin user add
	run -2 --separate-stderr sec-admin init 'not a domain'
}

@test "health and check: all ok, then a WARN and exit 1" {
	run -0 sec-admin health
	[[ $output =~ keys\ +ok\ +[0-9a-f-]{9}\ on\ 6\ of\ 6 ]]
	[[ $output =~ kerberos\ +ok\ +clock\ .*\ s\ off,\ keytab\ kvno\ [0-9]+\ matches ]]
	[[ $output =~ db\ +ok\ .*integrity\ ok ]]
	[ -z "$(sec-admin health -q)" ]
	sec-admin health -j | jq -es 'all(.status == "ok")'
	run -0 sec-admin check
	[[ $output =~ keys/pal\ +ok\ +epoch\ 1 ]]

	sec-lab stop mtcu2
	run -1 sec-admin health
	[[ $output =~ mtcu2\ +WARN\ +mtcu2\ does\ not\ answer ]]
	[[ $output =~ pal\ +ok ]]
	sec-lab start mtcu2

	sec-lab stop kdc
	run -1 sec-admin health -q
	[ "$output" = kerberos ]
	run -10 --separate-stderr sec-lab run alice \
	    sec-login -P "$SEC_DIR/home/alice/password" nobody
	[[ $stderr == "sec-login: cannot reach any KDC for LAB.TEST (tried "*" udp, tcp)"* ]]
	sec-lab start kdc

	chmod 644 "$SEC_DIR/lib/keys/mtcu1/identity"
	run -1 sec-admin check -q
	[ "$output" = keys/mtcu1 ]
	chmod 400 "$SEC_DIR/lib/keys/mtcu1/identity"

	cp "$SEC_DIR/etc/sec.conf" "$BATS_TEST_TMPDIR/conf"
	echo 'relam = X' >>"$SEC_DIR/etc/sec.conf"
	run -11 --separate-stderr sec-admin check
	[[ $stderr == *"sec.conf:"*'unknown key "relam" (did you mean "realm"?)'* ]]
	cp "$BATS_TEST_TMPDIR/conf" "$SEC_DIR/etc/sec.conf"
}

@test "without sec-pal: exit 10, and no principal was made" {
	sec-lab stop pal
	run -10 --separate-stderr sec-admin user add henry
	[[ $stderr == "sec-admin: pal does not answer at "* ]]
	run -10 --separate-stderr sec-admin user list
	sec-lab start pal
	sec-admin user add -q henry
}

@test "init makes what is missing and may be run twice" {
	export SEC_DIR="$BATS_TEST_TMPDIR/new"
	run -0 sec-admin init example.org
	[[ $output =~ config\ +ok\ +.*/etc/sec.conf\ \ made ]]
	[[ $output =~ keytab\ +WARN ]]
	grep -qx 'domain = example.org' "$SEC_DIR/etc/sec.conf"
	for db in pal conf dir; do
		[ "$(stat -c %a "$SEC_DIR/lib/$db.db")" = 660 ]
		[ "$(sqlite3 "$SEC_DIR/lib/$db.db" 'PRAGMA integrity_check')" = ok ]
	done
	before=$(md5sum "$SEC_DIR/etc/sec.conf")
	run -0 sec-admin init example.org
	[ "$before" = "$(md5sum "$SEC_DIR/etc/sec.conf")" ]
	run -11 --separate-stderr sec-admin init other.org
	[[ $stderr == *"says domain = example.org; it is not rewritten" ]]
	sqlite3 "$SEC_DIR/lib/conf.db" 'PRAGMA user_version = 99'
	run -12 --separate-stderr sec-admin init example.org
	SEC_DIR=/proc/self/nowhere run -10 --separate-stderr \
	    sec-admin init example.org
}
