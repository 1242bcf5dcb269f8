#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# STORIES 1.28: users and rules.
#
#	sec-admin user -> kadmin.local; run/pal.sock user-add, import
#	sec-admin rule -> run/pal.sock rule-add

load ../lib/lab

setup_file() { lab_up alice; }
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }

@test "sec-admin user add bob --name --org --phone" {
	run -0 --separate-stderr sec-admin user add bob --name "Bob Field" \
	    --org 1256 --phone +15550101
	[[ $output =~ ^bob@LAB\.TEST\ \ password:\ [a-z0-9-]+\ \ \(shown\ once ]]
	run -0 as alice sec-dir +1555
	[[ $output =~ ^Bob\ Field\ +bob\ +1256\ +\+15550101\ +offline$ ]]
	run -0 as alice sec-dir field -q
	[ "$output" = bob ]
}

@test "sec-admin user add -P - carol < newpw" {
	echo correct-horse >newpw
	run -0 sec-admin user add -P - carol <newpw
	[ "$output" = carol@LAB.TEST ]
	# Without a name he is found by the one he logs in with.
	run -0 as alice sec-dir -q carol
	[ "$output" = carol ]
}

# S031
@test "sec-admin user import staff.csv, --dry-run first" {
	cat >staff.csv <<-'END'
	name,user,org,phone
	Dave O'Neill,dave,1256,+1 555 0104
	"Field, Erin",erin,0001,
	END
	run -0 sec-admin user import --dry-run staff.csv
	[ "$output" = "would import 2 people, 2 new, 0 changed" ]
	run -0 as alice sec-dir dave
	[ -z "$output" ]
	run -0 sec-admin user import staff.csv
	[ "$output" = "2 people, 2 new, 0 changed" ]
	run -0 sec-admin user import staff.csv
	[ "$output" = "2 people, 0 new, 2 changed" ]
	run -0 as alice sec-dir -q org=1256
	[ "$output" = $'bob\ndave' ]
	# People, without principals.
	run -0 sec-admin user list -q
	[[ $output != *dave* ]]
	KRB5_CONFIG=$SEC_DIR/etc/krb5.conf run ! kinit -c FILE:cc dave \
	    </dev/null
	[[ $output == *"not found in Kerberos database"* ]]
}

# S160
@test "sec-admin rule add same-org 'allow org=org'; rule test alice vpfinance" {
	# bob stands in the directory by now; alice does not.
	printf 'name,user,org\nAlice,alice,1256\nV. P.,vpfinance,0001\n' >more.csv
	sec-admin user import more.csv
	sec-admin rule add same-org 'allow org=org'
	run -1 --separate-stderr sec-admin rule test alice vpfinance
	[ "$output" = "deny  rule same-org: 1256 is not 0001" ]
	run -0 sec-admin rule test alice bob
	[ "$output" = "allow  rule same-org" ]
	# It is so for her: bob has never logged in, nor has the other.
	run -4 --separate-stderr as alice sec-pal add vpfinance
	[ "$stderr" = 'sec-pal: vpfinance: not permitted by rule "same-org" (ask an administrator)' ]
	run -0 --separate-stderr as alice sec-pal add bob
	[[ $output =~ ^bob\ +offline ]]
	sec-admin rule rm same-org
	as alice sec-pal add vpfinance
	as alice sec-pal rm vpfinance bob
}

@test "sec-admin user rm bob: he is in no directory any more" {
	sec-admin user rm bob
	run -0 as alice sec-dir bob
	[ -z "$output" ]
	# So of who is only there.
	sec-admin user rm --no-principal dave
	run -0 as alice sec-dir dave
	[ -z "$output" ]
	run -5 --separate-stderr sec-admin user rm --no-principal dave
	[ "$stderr" = "sec-admin: no such user dave" ]
}
