#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# What TAB offers: words of the programs' own tables, names of the agent.

load ../lib/lab

setup_file() { lab_up alice bob; }
teardown_file() { lab_down; }
teardown() {
	show_logs
	leave_all alice
}

# The words that bash would offer for the last one.
offered() { # USER WORD...
	local user=$1
	shift
	# shellcheck disable=SC2016
	as "$user" bash -c '. scripts/completions/sec.bash
	    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	    _sec
	    printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

@test "verbs, options, values" {
	offered alice sec-confctl "" | grep -x create
	[ "$(offered alice sec-confctl cr)" = create ]
	offered alice sec-confctl create --t | grep -x -- --title
	run ! grep -qx -- --title <(offered alice sec-confctl list --)
	[ "$(offered alice sec-pal set b)" = busy ]
	[ "$(offered alice sec-mix mode x e)" = earcon ]
	[ "$(offered alice sec-confctl create -n)" = "" ]
}

@test "forms of a verb: their first words, and what stands behind each" {
	[ "$(offered alice sec-admin rule "" | sort | xargs)" = \
	    "add list rm test" ]
	[ "$(offered alice sec-admin object r)" = rm ]
	offered alice sec-admin rule test "" | grep -qx bob
	[ "$(offered alice sec-admin rule rm "")" = "" ]
	offered alice sec-admin rule add --b | grep -qx -- --before
	offered alice sec-admin object add --o | grep -qx -- --owner
}

@test "names of people and of conferences" {
	as alice sec-confctl create -n standup
	[ "$(offered alice sec-confctl invite . b)" = bob ]
	[ "$(offered alice sec-talk st)" = standup ]
	[ "$(offered alice sec-confctl leave st)" = standup ]
	# Whose they are is said as to every tool.
	[ "$(SEC_USER=sip:alice@lab.test sec-confctl complete -- leave s)" = \
	    standup ]
	[ "$(SEC_USER=alice@example.org sec-confctl complete -- leave s)" = "" ]
	# Nobody is logged in as this one: no names, and no words about it.
	SEC_USER=nobody run sec-confctl complete -- leave ""
	[ "$status" = 0 ]
	[ "$output" = "" ]
}

@test "entries of my list, each where its kind may stand" {
	sec-admin object add lamp:bedroom --owner bob
	as alice sec-confctl create -q --open -n tea
	as alice sec-pal add lamp:bedroom conf:tea tel:+15551234567
	entries_are() { [ "$(offered alice sec-pal show "" | sort | xargs)" = \
	    "bob conf:tea lamp:bedroom tel:+15551234567" ]; }
	until_ok entries_are
	[ "$(offered alice sec-pal rm bob l)" = lamp:bedroom ]
	[ "$(offered alice sec-pal put "")" = lamp:bedroom ]
	[ "$(offered alice sec-confctl invite . "" | sort | xargs)" = \
	    "bob tel:+15551234567" ]
	[ "$(offered alice sec-pal set coffee --as a | xargs)" = \
	    "available away" ]
	# What bash takes for three words.
	[ "$(offered alice sec-pal show lamp : b)" = bedroom ]
	[ "$(offered alice sec-pal show conf :)" = tea ]
	# Nobody is asked but the agent: sec-pal may be away.
	sec-lab stop pal
	[ "$(offered alice sec-pal show l)" = lamp:bedroom ]
	sec-lab start pal
	until_ok as alice sec-pal rm lamp:bedroom conf:tea tel:+15551234567
}

@test "every program that has verbs knows them" {
	for p in sec-admin sec-confctl sec-ctl sec-keygen sec-lab sec-login \
	    sec-mix sec-pal sec-plot sec-talk sec-watch; do
		$p complete -- -- | grep -qx -- --help
	done
}
