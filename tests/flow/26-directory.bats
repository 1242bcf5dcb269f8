#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# The enterprise directory 150 of the house (S031, S073, S074, S167-S169).
#
#	sec-admin user import FILE            sec-dir WORD ATTR=VALUE
#	   | import-begin                        | dir m1= m2=
#	   | import rows=... (<= 64 KiB each)    v
#	   | import-end                       sec-agent
#	   v                                     | SUBSCRIBE directory, Expires 0
#	sec-pal ------- dir.db ----------------> sec-pal: found, person, person
#	   one transaction                       pages, availability, rules

load ../lib/lab

setup_file() {
	lab_up alice bob
	cat >"$BATS_FILE_TMPDIR/staff.csv" <<-'END'
	name,user,org,phone,mail,location,title,groups,Desk
	Bob Field,bob,1256,+1-973-555-0101,bob@lab.test,Morristown,Engineer,crypto board,4.12
	"Straßer, Zoë",zoe,1256,+1 973 555 0102,,morristown,Team lead,,
	Ann  GIORDANO,ann,0001,(973) 555 0103,ann@lab.test,"Red Bank, NJ",Engineer,board,
	END
	sec-admin user import -q "$BATS_FILE_TMPDIR/staff.csv"
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }

found() { as alice sec-dir -q "$@" | xargs; }

@test "any attribute, as people type it" {
	[ "$(found bob)" = bob ]
	[ "$(found FIELD)" = bob ]
	[ "$(found giordano)" = ann ]
	[ "$(found name='ann giordano')" = ann ]
	[ "$(found first=zoë)" = zoe ]
	[ "$(found STRASSE)" = zoe ]
	[ "$(found phone=+19735550101)" = bob ]
	[ "$(found '+1 973-5')" = "bob zoe" ]
	[ "$(found LOCATION=MORRISTOWN)" = "bob zoe" ]
	[ "$(found location='red bank, nj')" = ann ]
	[ "$(found title=engineer)" = "ann bob" ]
	[ "$(found desk='4*')" = bob ]
	[ "$(found mail='*')" = "ann bob" ]
	[ "$(found groups=board)" = "ann bob" ]
	[ -z "$(found nobody)" ]
	[ -z "$(found location=red)" ]
	[ -z "$(found '%')" ]
	# Several are ANDed.
	[ "$(found org=1256 title='team*')" = zoe ]
	[ "$(found org=1256 eng +1973)" = bob ]
	[ -z "$(found org=1256 org=0001)" ]
	# By name.
	[ "$(found)" = "ann bob zoe" ]
}

@test "tables, names, JSON; show" {
	run -0 as alice sec-dir bob
	[[ $output =~ ^Bob\ Field\ +bob\ +1256\ +\+1-973-555-0101\ +available$ ]]
	as alice sec-dir -j bob | jq -e '.v == 1 and
	    .user == "sip:bob@lab.test" and .name == "Bob Field" and
	    .first == "Bob" and .last == "Field" and .desk == "4.12" and
	    .groups == ["crypto", "board"] and .status == "available" and
	    .class == "available" and (.since | test("Z$"))'
	run -0 as alice sec-dir show bob
	[ "${lines[0]}" = "user       sip:bob@lab.test" ]
	[[ $output == *$'\ngroups     crypto board\n'* ]]
	[[ ${lines[-1]} =~ ^status\ +available\ +since\  ]]
	[ "$(as alice sec-dir show -q bob@lab.test)" = bob ]
	[ "$(as alice sec-dir show -j sip:zoe@lab.test | jq -r .last)" = Straßer ]
	run -5 --separate-stderr as alice sec-dir show BOB
	[ "$stderr" = "sec-dir: BOB: not in the directory" ]
	run -2 as alice sec-dir show lamp:bedroom
	run -2 as alice sec-dir =x
	run -2 as alice sec-dir org=
	run -2 as alice sec-dir a b c d e f g h i j k l m n o p
	run -2 as alice sec-dir -s Nowhere
	run -3 sec-dir -u nobody bob
}

@test "what people are called cannot harm a terminal" {
	printf 'user,name\neve,"E\xe2\x80\xaeve"\n' | sec-admin user import -q -
	run -0 as alice sec-dir eve
	[[ $output == *'E\u{202e}ve'* ]]
	[ "$(as alice sec-dir -j eve | jq -r .name)" = $'E\u202eve' ]
	sec-admin user rm --no-principal eve
}

# S160, S169: a rule that forbids his PAL entry forbids it here.
@test "whom a rule hides is found, without a status" {
	sec-admin rule add not-bob 'deny whom=bob'
	[ "$(as alice sec-dir -j bob | jq -r .status)" = - ]
	[ -z "$(found -s available org=1256)" ]
	[ "$(as bob sec-dir -j bob | jq -r .status)" = available ]
	sec-admin rule rm not-bob
	[ "$(as alice sec-dir -j bob | jq -r .status)" = available ]
	# One that shows the word alone: not since when, nor of which class.
	as bob sec-pal set coffee --as away
	sec-admin rule add word 'allow whom=bob attrs=status'
	[ "$(as alice sec-dir -j bob | jq -c '[.status, .class, .since]')" = \
	    '["coffee",null,null]' ]
	[ -z "$(found -s away org=1256)" ]
	[ "$(found -s coffee org=1256)" = bob ]
	sec-admin rule rm word
	[ "$(found -s away org=1256)" = bob ]
	as bob sec-pal set available
}

@test "more than 200: the first, and a note; -a tells all, in pages" {
	{
		echo name,user,org
		seq 1200 | awk '{ printf "Many %04d,m%d,9000\n", $1, $1 }'
	} | sec-admin user import -q -
	run -0 --separate-stderr as alice sec-dir -q org=9000
	[ "${#lines[@]}" = 200 ]
	[ "${lines[0]} ${lines[199]}" = "m1 m200" ]
	[ "$stderr" = "sec-dir: the first 200 of 1200; -a for all" ]
	run -0 --separate-stderr as alice sec-dir -a -q org=9000
	[ "${#lines[@]}" = 1200 ]
	[ -z "$stderr" ]
	[ "$(sort -u <<<"$output" | wc -l)" = 1200 ]
	[ "${lines[1199]}" = m1200 ]
	run -0 --separate-stderr as alice sec-dir -q -s offline org=9000
	[ "${#lines[@]}" = 200 ]
	[ "$stderr" = "sec-dir: the first 200; -a for all" ]
	# The status is asked before the page is cut.
	[ "$(found -s available)" = bob ]
	[ "$(as alice sec-dir -a -q -s offline org=9000 | wc -l)" = 1200 ]
}

# RFC 2849
@test "LDIF: people, organisations with parents, groups" {
	cat >staff.ldif <<-'END'
	version: 1
	# the chart
	dn: ou=R,dc=lab,dc=test
	objectClass: organizationalUnit
	ou: R
	description: All of Research

	dn: ou=77,ou=R,dc=lab,dc=test
	objectClass: organizationalUnit
	ou: 77

	dn: uid=hal,ou=77,ou=R,dc=lab,dc=test
	objectClass: inetOrgPerson
	uid: hal
	cn:: SGFsIExvdsOpbg==
	sn: Lovén
	departmentNumber: 77
	telephoneNumber: +46 8
	  555 01
	mail: hal@lab.test
	mail: hal@elsewhere.test
	userPassword: {SSHA}secret-hash
	jpegPhoto:: /9j/4A==

	dn: cn=Night Shift,dc=lab,dc=test
	objectClass: groupOfNames
	cn: Night Shift
	member: UID=hal, OU=77, ou=r,dc=lab,dc=test
	member: uid=unknown,dc=lab,dc=test

	dn: dc=lab,dc=test
	objectClass: dcObject
	dc: lab
	END
	run -0 sec-admin user import staff.ldif
	[ "$output" = "1 person, 1 new, 0 changed; 2 organisations; 1 group; 1 entries passed over" ]
	[ "$(found lovén)" = hal ]
	[ "$(found phone=+46855501)" = hal ]
	[ "$(found mail=hal@elsewhere.test)" = hal ]
	[ "$(found groups=night-shift)" = hal ]
	as alice sec-dir -j hal | jq -e '.mail == "hal@lab.test" and
	    ."mail.2" == "hal@elsewhere.test" and .name == "Hal Lovén"'
	run ! grep -q secret-hash "$SEC_DIR"/lib/dir.db*
	run -0 sec-admin org list
	[[ $output =~ 77\ +R\ +1 ]]
	[[ $output =~ R\ +All\ of\ Research\ +0 ]]
	sec-admin user rm --no-principal hal
	sec-admin group rm night-shift
}

# import_fails TEXT MESSAGE...: exit 11 with these lines, and nothing is done.
import_fails() {
	local before
	before=$(found -a)
	printf "$1" >bad
	run -11 --separate-stderr sec-admin user import bad
	[ -z "$output" ]
	[ "$stderr" = "$(printf 'sec-admin: %s\n' "${@:2}")" ]
	[ "$(found -a)" = "$before" ]
}

@test "a file with mistakes: each is told with its line, nothing is done" {
	import_fails '' "bad:1: nothing is in it"
	import_fails 'name,org\nx,1\n' \
	    "bad:1: the first line names the columns; one of them is user"
	import_fails 'user,st atus\n' \
	    'bad:1: "st atus" cannot be the name of a column'
	import_fails 'user,status\n' \
	    'bad:1: "status" cannot be the name of a column'
	import_fails 'user,name\nnew1,New\nnew2\n,x\na b,y\nnew3,"z\n' \
	    "bad:3: 1 fields, the first line has 2" "bad:4: no user" \
	    "bad:5: user: not allowed: a b" "bad:6: a quote is not closed"
	import_fails 'user,groups\nnew1,Not/One\n' \
	    "bad:2: groups: not allowed: Not/One"
	import_fails 'dn: uid=a,dc=b\nobjectClass: person\nuid: new1\n\nsn: x\n' \
	    "bad:5: an entry begins with dn:"
	import_fails 'dn: uid=a,dc=b\nobjectClass: person\ncn: x\n' \
	    "bad:1: no uid"
	import_fails 'dn: ou=a,ou=b\nobjectClass: organizationalUnit\nou: a\n\ndn: ou=b\nobjectClass: organizationalUnit\nou: a\n' \
	    "bad:1: the organisation would be above itself"
	run -5 --separate-stderr sec-admin user import nothing-there
	[ "$stderr" = "sec-admin: nothing-there: No such file or directory" ]
}

@test "an import is one transaction: who goes away has done nothing" {
	local sock=$SEC_DIR/run/pal.sock
	coproc { exec socat - "UNIX-CONNECT:$sock" 3>&-; }
	local pid=$COPROC_PID reply out=${COPROC[0]} in=${COPROC[1]}
	printf 'import-begin\tid=1\n' >&"$in"
	read -r -t "$DEADLINE" reply <&"$out"
	[ "$reply" = $'ok\tid=1' ]
	printf 'import\tid=2\trows=person%%09user=ghost%%0A\n' >&"$in"
	read -r -t "$DEADLINE" reply <&"$out"
	[ "$reply" = $'ok\tid=2' ]
	# Nobody sees it yet; a second one has to wait.
	[ -z "$(found ghost)" ]
	run -10 --separate-stderr sec-admin group add helpdesk bob
	[[ $stderr == *"another import is under way"* ]]
	run -10 sec-admin user rm zoe
	kill "$pid"
	wait "$pid" || :
	until_ok sec-admin group add helpdesk bob
	[ -z "$(found ghost)" ]
	[ "$(found groups=helpdesk)" = bob ]
	sec-admin group rm helpdesk
}

@test "rows that are none" {
	local sock=$SEC_DIR/run/pal.sock rows
	run sec-ctl "$sock" import rows=x
	[[ $output == *"import-begin comes first"* ]]
	for rows in 'person%09user=' 'person%09user=a%09status=x' 'lamp%09x=1' \
	    'person%09user=a%09name=%2509' 'org%09org=' 'group%09name=A%20B'; do
		run -0 socat -t "$DEADLINE" - "UNIX-CONNECT:$sock" < <(
			printf 'import-begin\tid=1\nimport\tid=2\trows=%s\n' \
			    "$rows")
		[[ ${lines[1]} == $'error\tid=2\tcode=400'* ]]
	done
}

@test "org, group: made, listed, removed" {
	sec-admin org add R --name Research
	sec-admin org add 1256 --parent R --name "Crypto"
	run -0 sec-admin org list
	[[ $output =~ 1256\ +Crypto\ +R\ +2 ]]
	run -1 --separate-stderr sec-admin org add R --parent 1256
	[[ $stderr == *"above itself" ]]
	run -1 --separate-stderr sec-admin org rm 1256
	[ "$stderr" = "sec-admin: pal: there are people in 1256, or others below it" ]
	run -5 sec-admin org rm 4711
	sec-admin org add 1300
	sec-admin org list -j | jq -se 'any(.[]; .org == "1300")'
	sec-admin org rm 1300
	sec-admin group add night --title "At night" bob ann
	[ "$(sec-admin group list night | xargs)" = "ann bob" ]
	[ "$(sec-admin group list -q | xargs)" = "board crypto night" ]
	sec-admin group rm night ann
	[ "$(sec-admin group list -q night)" = bob ]
	run -5 sec-admin group rm night ann
	sec-admin group rm night
	[ -z "$(found groups=night)" ]
	run -2 sec-admin group
	run -2 sec-admin group add
	run -2 sec-admin org make x
	run -11 sec-admin group add "No Name"
}

@test "import --principals: they can log in with what was printed" {
	printf 'user,name\nkim,Kim New\nalice,Alice\n' |
	    sec-admin user import --principals - >out
	[[ $(sed -n 2p out) =~ ^kim@LAB\.TEST\ \ password:\ ([a-z0-9-]+)\  ]]
	# alice had one.
	[ "$(wc -l <out)" = 2 ]
	KRB5_CONFIG=$SEC_DIR/etc/krb5.conf kinit -c FILE:cc kim \
	    <<<"${BASH_REMATCH[1]}" >/dev/null
}

@test "names for another program; completion" {
	as alice sec-confctl create -m text -n research
	as bob sec-confctl answer accept
	as alice bash -c 'sec-dir -q -s available org=1256 |
	    xargs sec-confctl invite research'
	as alice sec-confctl show research -q | grep -x bob
	as alice sec-confctl leave -a
	run -0 sec-dir complete -- l
	[ "$output" = $'last=\nlocation=' ]
	run -0 sec-dir complete -- -s b
	[ "$output" = busy ]
}

# S073
@test "from the directory into the PAL; whose telephone it is" {
	as alice bash -c 'sec-dir -q org=1256 | xargs sec-pal add'
	as alice sec-pal -q | grep -x zoe
	as alice sec-pal add tel:+19735550102
	as alice sec-pal -j tel:+19735550102 | jq -e '.note == "Straßer, Zoë"'
	as alice sec-pal rm tel:+19735550102 zoe
}

@test "sec-pal was away: the directory is there again" {
	kill_daemon pal
	until_ok eval '[ "$(found title=engineer)" = "ann bob" ]'
}
