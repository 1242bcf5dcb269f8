#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# The directory of an LDAP server (S031, S073, S074), a real one.
#
#	sec-dir    sec-agent    sec-pal      sec-ldap         slapd
#	   |-- dir --->|-SUBSCRIBE->|-- find ---->|-- bind ------>|
#	   |           |            |             |-- search ---->|
#	   |           |            |<- user, dn -|<- entries ----|
#	   |           |            |-- show ---->|-- entries, -->|
#	   |           |            |<- people ---|<-   groups ---|
#	   |<-- rows --|<-- 200 ----|

load ../lib/lab
load ../lib/slapd

setup_file() {
	lab_up alice bob
	slapd_up
	# dir.db has the same people.
	sec-admin user import "$BATS_TEST_DIRNAME/../lib/people.ldif" 3>&-
}
teardown_file() {
	slapd_down
	lab_down
}
setup() {
	cd "$BATS_TEST_TMPDIR" || exit
	slapd_env
}
teardown() {
	silent_down
	[ -z "${STOPPED-}" ] || kill -CONT "$STOPPED" 2>/dev/null || :
	show_logs
}

# directory LINE...: these are the lines on it in sec.conf, and sec-pal has
# read them.
directory() {
	local conf=$SEC_DIR/etc/sec.conf
	sed -i '/^directory/d' "$conf"
	printf '%s\n' "$@" | sed -n 's/^./directory&/p' >>"$conf"
	hup
}
# By Kerberos; by TLS, as nobody.
by_gssapi() {
	directory " = ldap://localhost:$LDAP_PORT/$LDAP_BASE" \
	    "-starttls = no" "-bind = gssapi"
}
by_tls() {
	directory " = ldap://127.0.0.1:$LDAP_PORT/$LDAP_BASE" "-ca = $LDAP_CA"
}

# found QUESTION...: a line for each of those found.
found() {
	as alice sec-dir -j "$@" | command jq -r '
	    [(.user | sub("^sip:"; "") | sub("@.*"; "")), .name, .first, .last,
	     .org, .phone, .mail, .location, .title] |
	    map(. // "") | join("|")'
}
# searched FILTER: the same lines, by ldapsearch.
searched() {
	local line value
	declare -A e=()
	ldapsearch -LLL -o ldif-wrap=no -x -H "ldap://127.0.0.1:$LDAP_PORT" \
	    -b "$LDAP_BASE" "(&(objectClass=person)$1)" \
	    uid cn givenName sn departmentNumber telephoneNumber mail l title |
	while IFS= read -r line; do
		value=${line#*: }
		[[ $line != *:\ * || $line != *::\ * ]] ||
		    value=$(printf %s "$value" | base64 -d)
		if [ -n "$line" ]; then
			e[${line%%:*}]=$value
			continue
		fi
		printf '%s|%s|%s|%s|%s|%s|%s|%s|%s\n' "${e[uid]-}" \
		    "${e[cn]-}" "${e[givenName]-}" "${e[sn]-}" \
		    "${e[departmentNumber]-}" "${e[telephoneNumber]-}" \
		    "${e[mail]-}" "${e[l]-}" "${e[title]-}"
		e=()
	done
}

# Twenty questions: the words for sec-dir, the filter, how many it finds.
word() {
	printf '(|'
	printf "(%s=$1*)" cn givenName sn uid departmentNumber \
	    telephoneNumber mail l title
	printf ')'
}
QUESTIONS=(
	"org=1256" "(departmentNumber=1256)" 3
	"org=1256*" "(departmentNumber=1256*)" 5
	"name=alice ashgrove" "(cn=Alice Ashgrove)" 1
	"name=AL*" "(cn=al*)" 1
	"name=josé*" "(cn=josé*)" 1
	"first=JOSÉ" "(givenName=josé)" 1
	"last=field" "(sn=field)" 3
	"last=van der Berg" "(sn=van der Berg)" 1
	"phone=+15550101" "(telephoneNumber=+1 555 0101)" 1
	"phone=+1-555*" "(telephoneNumber=+1 555*)" 5
	"mail=ERIN@lab.test" "(mail=erin@lab.test)" 1
	"location=KÖLN" "(l=Köln)" 1
	"location=Тве*" "(l=Тве*)" 1
	"title=переводчик" "(title=Переводчик)" 1
	"name=梅*" "(cn=梅*)" 1
	"user=mei" "(uid=mei)" 1
	"fie" "$(word fie)" 3
	"+1555010" "$(word +1555010)" 3
	"title=A=B, C+D; #1" "(title=A=B, C+D; #1)" 1
	"name=nobody" "(cn=nobody)" 0
)

@test "S073 S074: twenty questions: sec-dir is ldapsearch, line for line" {
	[ ${#QUESTIONS[@]} = 60 ]
	by_gssapi
	for ((i = 0; i < 60; i += 3)); do
		found "${QUESTIONS[i]}" >dir
		searched "${QUESTIONS[i + 1]}" >ldap
		echo "${QUESTIONS[i]}"
		[ "$(wc -l <dir)" = "${QUESTIONS[i + 2]}" ]
		diff <(sort dir) <(sort ldap)
	done
}

@test "S073 S074: both back ends give the same answers, in the same order" {
	ask_all() {
		local q
		for q in "${QUESTIONS[@]}" groups=helpdesk "groups=*" \
		    groups=posix groups=nobodys last=STRASSE last=straße \
		    "last=stras*" stras STRA Ａlice first=jose "title=EINKÄ*"
		do
			case $q in "("*|[0-9]) continue ;; esac
			echo "== $q"
			as alice sec-dir -j "$q"
		done
		echo == several
		as alice sec-dir -j org=1256 title=engineer groups=helpdesk
		as alice sec-dir -j ash "title=eng*"
		as alice sec-dir -j "name=*"
		as alice sec-dir -j
		as alice sec-dir show star
	}
	directory
	ask_all >own
	by_gssapi
	ask_all >ldap
	diff own ldap
	# Somebody was found, and all in the order of their names.
	[ "$(grep -c '"user"' own)" -gt 50 ]
	[ "$(as alice sec-dir -q | tr '\n' ' ')" = "$(
	    echo alice bob carol dave erin frank grete jose paul petra star \
		olga mei) " ]
}

@test "StartTLS, LDAPS; who is no server of ours is not believed" {
	by_tls
	[ "$(as alice sec-dir -q org=1256 | wc -l)" = 3 ]
	directory " = ldaps://127.0.0.1:$LDAPS_PORT/$LDAP_BASE" "-ca = $LDAP_CA"
	[ "$(as alice sec-dir -q org=1256 | wc -l)" = 3 ]
	for url in "ldap://127.0.0.1:$LDAP_PORT" "ldaps://127.0.0.1:$LDAPS_PORT"
	do
		# Another authority; none but the system's; another name.
		directory " = $url/$LDAP_BASE" "-ca = ${LDAP_CA%/*}/other-ca.pem"
		not_believed
		directory " = $url/$LDAP_BASE"
		not_believed
		directory " = ${url/127.0.0.1/127.0.0.2}/$LDAP_BASE" \
		    "-ca = $LDAP_CA"
		not_believed
	done
}
not_believed() {
	run -10 --separate-stderr as alice sec-dir -q org=1256
	[ "$output" = "" ]
	[[ $stderr == "sec-dir: "*"its certificate is not of our CA"* ]]
}

@test "S031: by Kerberos inside TLS" {
	for tls in "ldap://localhost:$LDAP_PORT" "ldaps://localhost:$LDAPS_PORT"
	do
		directory " = $tls/$LDAP_BASE" "-ca = $LDAP_CA"
		[ "$(as alice sec-dir -q roomnumber=101)" = "" ]
		logged=$(wc -l <"$SEC_DIR/ldap/slapd.log")
		directory " = $tls/$LDAP_BASE" "-ca = $LDAP_CA" "-bind = gssapi"
		# What only he may read who has said who he is.
		[ "$(as alice sec-dir -q roomnumber=101)" = alice ]
		[ "$(as alice sec-dir -q org=1256 | wc -l)" = 3 ]
		# TLS seals it, and Kerberos does not once more.
		tail -n +$((logged + 1)) "$SEC_DIR/ldap/slapd.log" >log
		grep -q 'TLS established tls_ssf=[1-9]' log
		grep -q 'mech=GSSAPI bind_ssf=0 ssf=[1-9]' log
		# Who is no server of ours is shown no ticket either.
		directory " = $tls/$LDAP_BASE" \
		    "-ca = ${LDAP_CA%/*}/other-ca.pem" "-bind = gssapi"
		logged=$(wc -l <"$SEC_DIR/ldap/slapd.log")
		not_believed
		tail -n +$((logged + 1)) "$SEC_DIR/ldap/slapd.log" >log
		run ! grep -q ' BIND ' log
	done
}

@test "by name and password: over TLS alone, out of a private file" {
	local file=$SEC_DIR/etc/ldap.password tls
	printf '%s\n' "$LDAP_PASSWORD" >"$file"
	chmod 600 "$file"
	tls=(" = ldap://127.0.0.1:$LDAP_PORT/$LDAP_BASE" "-ca = $LDAP_CA"
	    "-bind = simple" "-dn = $LDAP_ADMIN" "-password = $file")
	# What only he may read who has said who he is.
	by_tls
	[ "$(as alice sec-dir -q roomnumber=101)" = "" ]
	directory "${tls[@]}"
	[ "$(as alice sec-dir -q roomnumber=101)" = alice ]
	by_gssapi
	[ "$(as alice sec-dir -q roomnumber=101)" = alice ]
	directory "${tls[@]}"

	chmod 640 "$file"
	run -10 --separate-stderr as alice sec-dir -q roomnumber=101
	[[ $stderr == "sec-dir: "*"mode 0640 lets others in"* ]]
	run -11 sec-pal serve --check
	run -1 sec-admin check
	[[ $output == *"directory "*"mode 0640 lets others in"* ]]
	chmod 600 "$file"
	sec-admin check | grep -q "directory .*ldap://127.0.0.1:$LDAP_PORT"
	echo wrong >"$file"
	run -10 --separate-stderr as alice sec-dir -q roomnumber=101
	[[ $stderr == "sec-dir: "*"Invalid credentials"* ]]
	: >"$file"
	run -10 --separate-stderr as alice sec-dir -q roomnumber=101
	[[ $stderr == "sec-dir: "*"no password in it"* ]]

	# Not a word of it over a connection that others read.
	printf 'directory%s\n' "${tls[@]}" "-starttls = no" >clear.conf
	run -11 sec-pal serve --config clear.conf
	[[ $output == *"clear.conf:3: directory-bind = simple needs TLS"* ]]
}

@test "S074: what is typed is a value, whatever it looks like" {
	by_gssapi
	for evil in '*)(uid=*' '*)(|(uid=*)' 'x)(uid=*))(|(uid=*' '\2a' '**' \
	    '()' '&' '*)%00(uid=*'; do
		[ "$(as alice sec-dir -q "name=$evil")" = "" ]
		[ "$(as alice sec-dir -q "$evil")" = "" ]
		[ "$(as alice sec-dir -q "groups=$evil")" = "" ]
	done
	[ "$(as alice sec-dir -q 'first=star * (and) \ slash')" = star ]
	[ "$(as alice sec-dir -q 'star * (')" = star ]
	# Passwords are not guessed letter by letter.
	run -11 --separate-stderr as alice sec-dir -q 'userpassword=*'
	[[ $stderr == *"nobody is found by"* ]]
}

@test "what is no person's is shown when the configuration names it" {
	ldap_change <<-END
	dn: uid=erin,ou=people,$LDAP_BASE
	changetype: modify
	add: x121Address
	x121Address: 4711
	END
	by_gssapi
	run -11 as alice sec-dir -q x121address=4711
	run -0 as alice sec-dir show erin
	[[ $output != *4711* ]]
	directory " = ldap://localhost:$LDAP_PORT/$LDAP_BASE" \
	    "-starttls = no" "-bind = gssapi" "-attributes = x121Address"
	[ "$(as alice sec-dir -q x121address=4711)" = erin ]
	run -0 as alice sec-dir show erin
	[[ $output == *x121address*4711* ]]
	ldap_change <<-END
	dn: uid=erin,ou=people,$LDAP_BASE
	changetype: modify
	delete: x121Address
	END
}

# within SECONDS COMMAND...: that is how long it may take.
within() {
	local most=$1 start=$EPOCHREALTIME
	shift
	"$@"
	[ $((${EPOCHREALTIME/./} - ${start/./})) -lt $((most * 1000000)) ]
}
fails_at() {
	run -10 --separate-stderr as alice sec-dir "$@"
	[ "$output" = "" ]
}

@test "S031: a server that is not there is said at once; it comes back" {
	by_gssapi
	[ "$(as alice sec-dir -q user=mei)" = mei ]
	slapd_kill
	fails_at user=mei
	[[ $stderr == "sec-dir: "*"localhost:$LDAP_PORT"*"Can't contact"* ]]
	slapd_start
	[ "$(as alice sec-dir -q user=mei)" = mei ]
	# The connection that was kept is an old one then.
	slapd_kill
	slapd_start
	[ "$(as alice sec-dir -q user=mei)" = mei ]
	# A name that there is not, a base that there is not.
	directory " = ldap://localhost:$LDAP_PORT/dc=nowhere" "-starttls = no"
	[ "$(as alice sec-dir -q user=mei)" = "" ]
}

@test "a server that never answers: an error in 6 s, and presence goes on" {
	silent_up
	directory " = ldap://127.0.0.1:$SILENT_PORT/$LDAP_BASE"
	bg as alice sec-dir -q org=1256
	asked=$!
	bg2() { as alice sec-dir -q org=1257; }
	bg2 >two.out 2>two.err </dev/null 3>&- &
	second=$!
	# It is under way, and everything else is as quick as ever.
	until_ok connected "$SILENT_PORT"
	since=$(mark alice)
	as bob sec-pal set busy -N "in a meeting"
	await alice --since "$since" -e pal | jq -e '.status == "busy"'
	as bob sec-pal set available
	kill -0 "$asked"
	within "$DEADLINE" ended 10 "$asked"
	ended 10 "$second"
	grep -q "^sec-dir: .*Timed out\|^sec-dir: .*does not answer" bg.err
	grep -q "^sec-dir: .*Timed out\|^sec-dir: .*does not answer" two.err
	by_gssapi
	[ "$(as alice sec-dir -q user=mei)" = mei ]
}

@test "who asks and asks waits for his answers first; others need not" {
	local i pids=()
	silent_up
	directory " = ldap://127.0.0.1:$SILENT_PORT/$LDAP_BASE"
	for ((i = 0; i < 10; i++)); do
		as alice sec-dir -q "org=$i" >/dev/null 2>"err.$i" </dev/null \
		    3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		ended 10 "$pid"
	done
	[ "$(grep -l "you have 8 searches under way; wait for them" \
	    err.* | wc -l)" = 2 ]
	run -10 --separate-stderr as bob sec-dir -q org=1256
	[[ $stderr != *"under way"* ]]
	by_gssapi
	[ "$(as alice sec-dir -q user=mei)" = mei ]
}
connected() { ss -Htn state established "( dport = :$1 )" | grep -q .; }

@test "a server that dies in the middle of a question" {
	by_gssapi
	[ "$(as alice sec-dir -q user=mei)" = mei ]
	STOPPED=$(slapd_pid)
	kill -STOP "$STOPPED"
	bg as alice sec-dir -q
	asked=$!
	# The question has reached it.
	until_ok has_unread "$LDAP_PORT"
	slapd_kill KILL
	STOPPED=
	ended 10 "$asked"
	grep -q "^sec-dir: .*Can't contact" bg.err
	slapd_start
	[ "$(as alice sec-dir -q user=mei)" = mei ]
}
has_unread() {
	ss -Htn state established "( sport = :$1 )" | awk '$1 > 0 { n++ }
	    END { exit n == 0 }'
}

@test "a sec-ldap that hangs is killed, and there is another" {
	by_gssapi
	[ "$(as alice sec-dir -q user=mei)" = mei ]
	old=$(ldap_pid)
	kill -STOP "$old"
	within "$DEADLINE" fails_at user=mei
	[[ $stderr == "sec-dir: "*"does not answer"* ]]
	until_ok gone "$old"
	sec-lab log pal | grep -q "ldap.stuck pid=$old"
	[ "$(as alice sec-dir -q user=mei)" = mei ]
	new=$(ldap_pid)
	[ "$new" != "$old" ]
	# One that has died is not missed either, nor is it left behind.
	kill -KILL "$new"
	until_ok gone "$new"
	until_ok eval '[ "$(as alice sec-dir -q user=mei)" = mei ]'
	last=$(ldap_pid)
	kill_daemon pal
	until_ok gone "$last"
	until_ok eval '[ "$(as alice sec-dir -q user=mei)" = mei ]'
}
ldap_pid() { pgrep -P "$(daemon_pid pal)" sec-ldap; }

# limited LIMIT: the server tells no more at once.
limited() {
	slapd_kill
	sed -i "s/^sizelimit.*/sizelimit $1/" "$SEC_DIR/ldap/slapd.conf"
}

@test "S074: pages: of the server to us, and of us to the agent" {
	slapd_kill
	for ((i = 0; i < 700; i++)); do
		printf '%s\n' "dn: uid=u$i,ou=people,$LDAP_BASE" \
		    "objectClass: inetOrgPerson" "uid: u$i" "cn: Many $i" \
		    "sn: $i" "departmentNumber: many" "title: number $i" \
		    "description: $(printf '%0200d' $i)" ""
	done | slapd_add
	slapd_start
	by_gssapi
	as alice sec-dir -j -a org=many >all
	[ "$(jq -r .title all | sort -u | wc -l)" = 700 ]
	[ "$(wc -l <all)" = 700 ]
	jq -r .name all | LC_ALL=C sort -fc
	# Two pages of the server's were all that it took: who asks for one
	# page after the other is not searched for anew.
	[ "$(grep -c 'SRCH.*scope=2.*departmentNumber=many' \
	    "$SEC_DIR/ldap/slapd.log")" = 2 ]
	run -0 --separate-stderr as alice sec-dir -q org=many
	[ "$(wc -l <<<"$output")" = 200 ]
	[ "$stderr" = "sec-dir: the first 200 of 700; -a for all" ]
}

@test "a server that tells only some of them: no half answers" {
	limited "size.soft=5 size.hard=5"
	slapd_start
	by_gssapi
	run -10 --separate-stderr as alice sec-dir -q
	[ "$output" = "" ]
	[[ $stderr == "sec-dir: "*"ask for fewer"* ]]
	[ "$(as alice sec-dir -q org=1256 | wc -l)" = 3 ]
	limited unlimited
	slapd_start
}

# known USER: organisation and groups, as rules find them.
known() {
	db dir.db "SELECT attr || '=' || value FROM attribute WHERE user = '$1'
	    AND attr IN ('org', 'groups') ORDER BY attr DESC, value" | xargs
}
knows() { [ "$(known "$1")" = "$2" ]; }

@test "S160: organisation and groups of who registers are there for rules" {
	directory
	sec-admin rule add same-org 'allow org=org'
	knows alice "org=1256 groups=helpdesk groups=posix"
	ldap_change <<-END
	dn: cn=helpdesk,ou=groups,$LDAP_BASE
	changetype: modify
	delete: member
	member: uid=alice,ou=people,$LDAP_BASE
	END
	by_gssapi
	again alice
	until_ok knows alice "org=1256 groups=posix"
	# His name too, but no more than that.
	[ "$(db dir.db "SELECT group_concat(DISTINCT attr) FROM attribute
	    WHERE user = 'alice'")" = user,name,org,groups ]

	# Once an hour. The search shows that there was time for it.
	ldap_change <<-END
	dn: uid=alice,ou=people,$LDAP_BASE
	changetype: modify
	replace: departmentNumber
	departmentNumber: 7000
	END
	again alice
	[ "$(as alice sec-dir -q org=7000 user=alice)" = alice ]
	knows alice "org=1256 groups=posix"

	# A server that is away takes nothing away.
	slapd_kill
	kill_daemon pal
	failed=$(failures)
	again alice
	until_ok eval '[ "$(failures)" -gt "$failed" ]'
	knows alice "org=1256 groups=posix"
	slapd_start
	[ "$(ruled alice bob)" = "allow  rule same-org" ]
	again alice
	until_ok knows alice "org=7000 groups=posix"
	[ "$(ruled alice bob)" = "deny  rule same-org: 7000 is not 1256" ]
	sec-admin rule rm same-org

	# Who is not in the directory any more is nowhere. His agent may have
	# registered by itself before that, which sec-pal remembers for an hour:
	# it forgets it when it is killed.
	knows bob "org=1256 groups=field-service"
	ldap_change <<-END
	dn: uid=bob,ou=people,$LDAP_BASE
	changetype: delete
	END
	kill_daemon pal
	again bob
	until_ok knows bob ""
}
ruled() { sec-admin rule test "$@" || :; }
again() {
	as "$1" sec-login -k
	log_in "$1"
}
failures() { sec-lab log pal | grep -c ldap.failed || :; }
ldap_change() {
	ldapmodify -x -D "$LDAP_ADMIN" -w "$LDAP_PASSWORD" \
	    -H "ldap://127.0.0.1:$LDAP_PORT" >/dev/null
}

@test "S160: rules know people who were never here" {
	directory
	for u in carol dave erin mei star; do
		sec-admin user rm "$u"
		knows "$u" ""
	done
	by_gssapi
	ldap_change <<-END
	dn: uid=alice,ou=people,$LDAP_BASE
	changetype: modify
	replace: departmentNumber
	departmentNumber: 7000
	END
	kill_daemon pal
	until_ok emptied alice
	sec-admin rule add same-org 'allow org=org'
	# The decision waits for the answer.
	[ "$(ruled alice dave)" = "allow  rule same-org" ]
	[ "$(ruled alice carol)" = "deny  rule same-org: 7000 is not 1256" ]
	[ "$(ruled alice nobody)" = \
	    "deny  rule same-org: nobody has no organisation" ]
	knows dave org=7000
	as alice sec-pal add dave
	run -4 --separate-stderr as alice sec-pal add erin
	[[ $stderr == *'not permitted by rule "same-org"'* ]]
	# Who is found is shown as a PAL would show him, at first sight.
	run -0 as alice sec-dir -j last=field
	[ "$(jq -r 'select(.user | test("paul|star")) |
	    .user + " " + .status' <<<"$output" | sort | xargs)" = \
	    "sip:paul@lab.test - sip:star@lab.test offline" ]
	run -0 as alice sec-pal add star

	# A server that is away: as if he were nowhere, until it is back.
	sec-admin rule rm same-org
	as alice sec-pal add mei
	until_ok shows_status alice mei offline
	slapd_kill
	failed=$(failures)
	sec-admin rule add same-org 'allow org=org'
	until_ok shows_status alice mei denied
	until_ok eval '[ "$(failures)" -gt "$failed" ]'
	shows_status alice dave offline
	[ "$(ruled alice mei)" = \
	    "deny  rule same-org: mei has no organisation" ]
	slapd_start
	ldap_change <<-END
	dn: uid=mei,ou=people,$LDAP_BASE
	changetype: modify
	replace: departmentNumber
	departmentNumber: 7000
	END
	until_ok shows_status alice mei offline
	sec-admin rule rm same-org
}
shows_status() { [ "$(as "$1" sec-pal -j "$2" | jq -r .status)" = "$3" ]; }
emptied() {
	local all
	all=$(as "$1" sec-pal -q) && { [ -z "$all" ] || as "$1" sec-pal rm $all; }
}
