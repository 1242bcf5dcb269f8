#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# STORIES 1.19: directory search; a conference with a whole organisation.
#
#	sec-dir gio -> agent -> SUBSCRIBE directory -> sec-pal -> dir.db
#	                                     + what alice's PAL would show

load ../lib/lab

setup_file() {
	lab_up alice bob carol
	cat >"$BATS_FILE_TMPDIR/staff.csv" <<-'END'
	name,user,org,phone
	Giovanni Di Crescenzo,giovanni,1256,+1 973 555 0147
	Bob Field,bob,1256,+1 973 555 0101
	Carol Giordano,carol,1256,+1 973 555 0102
	Alice Ashgrove,alice,0001,+1 973 555 0001
	END
	sec-admin user import -q "$BATS_FILE_TMPDIR/staff.csv"
	sec-lab user giovanni 3>&-
}
teardown_file() { lab_down; }

# S073, S074: by any of his names, and he need not be in the PAL.
@test "sec-dir gio" {
	run -0 --separate-stderr as alice sec-dir gio
	[ "${#lines[@]}" = 2 ]
	[[ ${lines[0]} =~ ^Carol\ Giordano\ +carol\ +1256\ +\+1\ 973\ 555\ 0102\ +available$ ]]
	[[ ${lines[1]} =~ ^Giovanni\ Di\ Crescenzo\ +giovanni\ +1256\ +\+1\ 973\ 555\ 0147\ +available$ ]]
	[ -z "$stderr" ]
}

# S169: the same availability as in a PAL, for one and for many.
@test "sec-dir -s available org=1256 -q: as the PAL shows them" {
	as carol sec-pal set busy -N "in review"
	until_ok eval '[ "$(as alice sec-dir -q -s busy org=1256)" = carol ]'
	run -0 as alice sec-dir -s available org=1256 -q
	[ "$output" = $'bob\ngiovanni' ]
	[ "$(as alice sec-dir -j carol | jq -r .status)" = \
	    "$(as alice sec-pal -j carol | jq -r .status)" ]
	as carol sec-pal set available
	until_ok eval '[ -z "$(as alice sec-dir -q -s busy org=1256)" ]'
	as bob sec-login -k
	until_ok eval '[ "$(as alice sec-dir -q -s offline org=1256)" = bob ]'
	[ "$(as alice sec-dir -q -s available org=1256 | wc -l)" = 2 ]
	sec-lab user bob 3>&-
}

# S171
@test "sec-dir conf: conferences listed in the directory" {
	as alice sec-confctl create -m text -n boardroom \
	    --title "Persistent board conference"
	as alice sec-confctl create -m text -n secret
	run -0 as bob sec-dir conf
	[ -z "$output" ]
	as alice sec-confctl set boardroom directory=yes
	until_ok eval '[ -n "$(as bob sec-dir conf)" ]'
	run -0 as bob sec-dir conf
	[[ $output =~ ^boardroom\ +Persistent\ board\ conference\ +owner\ alice$ ]]
	run -0 as bob sec-dir conf pers -q
	[ "$output" = boardroom ]
	run -0 as bob sec-dir conf secret
	[ -z "$output" ]
	as bob sec-dir conf -j | jq -e '.conf == "sip:boardroom@conf.lab.test"
	    and .owner == "sip:alice@lab.test" and .count == 1'
	as alice sec-confctl set boardroom directory=no
	until_ok eval '[ -z "$(as bob sec-dir conf)" ]'
	as alice sec-confctl leave -a
}

# S123, S167, S168: the controller expands it, asks who is available, and
# reports the rest.
@test "sec-confctl create -m voice org:1256" {
	as giovanni sec-confctl answer accept
	as carol sec-confctl answer decline
	as bob sec-login -k
	run -0 --separate-stderr as alice sec-confctl create -m voice org:1256
	[[ $output =~ ^c-[a-z2-9]+$ ]]
	[ "$stderr" = "1 accepted, 1 declined, 1 offline" ]
	run -0 as alice sec-confctl show -q "$output"
	[ "$(sort <<<"$output")" = $'alice\ngiovanni' ]
	sec-lab user bob 3>&-
	as alice sec-confctl leave -a
	as giovanni sec-confctl leave -a
}

# S123: picked out of the directory by whatever it can be asked.
@test "sec-dir -q ... | xargs sec-confctl invite ." {
	as giovanni sec-confctl answer accept
	as bob sec-confctl answer accept
	as alice sec-confctl create -n called
	until_ok eval '[ "$(as alice sec-dir -q -s available gio org=1256 |
	    sort | xargs)" = "carol giovanni" ]'
	as carol sec-confctl answer decline
	run -0 --separate-stderr as alice sh -c \
	    'sec-dir -q -s available gio org=1256 | xargs sec-confctl invite .'
	[ "$(sort <<<"$stderr" | tr -s ' ')" = \
	    $'carol declined\ngiovanni accepted' ]
	as alice sec-confctl leave -a
	as giovanni sec-confctl leave -a
	as carol sec-confctl answer ask
}
