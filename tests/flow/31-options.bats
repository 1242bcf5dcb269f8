#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Every program takes each option that its --help lists, by its letter and by
# its long name, with just the values that it says. Nothing is done: behind
# the option comes what ends the program before that.
#
#	PROG VERB --help   the table
#	PROG VERB OPTION [VALUE] --timeout never   refused for `never` alone
#	PROG VERB OPTION [VALUE] --help            where getopt(3) reads them

setup() {
	# No agent, no daemon.
	export SEC_DIR=$BATS_TEST_TMPDIR
	unset SEC_USER SEC_CONF
}

# verbs PROG: as its --help has them, "-" for none.
verbs() {
	"$1" --help | awk -v p="$1" '
	/^usage:/ { on = 1 }
	/^options:/ { on = 0 }
	on && $1 == p { print $2 ~ /^[a-z][a-z-]*$/ ? $2 : "-" }' | sort -u
}

# listed PROG [VERB]: a line for each option: its ARG or "-", its names.
listed() {
	"$@" --help | grep '^  -' | awk '{
		names = ""
		for (i = 1; $i ~ /^-/; i++)
			names = names " " $i
		# One blank before its value; flags are followed by columns of
		# them.
		arg = index($0, " " names " " $i) == 1 &&
		    $i ~ /^[A-Z]+([=:,|].*)?$|[a-z]\|[a-z]/ ? $i : "-"
		print arg names
	}'
}

# each PROG [VERB]: runs `try PROG VERB OPTION [VALUE]` for all of them.
each() {
	local arg names name
	while read -r arg names; do
		for name in $names; do
			case $name in
			-h|--help|-V|--version) continue ;;
			esac
			[ "$arg" != - ] || arg=
			# shellcheck disable=SC2086
			try "$@" "$name" ${arg:+9} || {
				echo "$* $name $arg: $output"
				return 1
			}
			n=$((n + 1))
		done
	done < <(listed "$@")
}

@test "the tools, verb by verb" {
	local prog verb others n=0
	try() {
		run -2 "$@" --timeout never </dev/null
		[[ $output == *"-T never: not a number"* ]] || {
			# Without a verb --help has those of all verbs.
			[[ $output == *": no -"*" here"* ]] &&
			    grep -qwe "$name" <<<"$others"
		}
	}
	for prog in sec-admin sec-confctl sec-ctl sec-dir sec-keygen sec-lab \
	    sec-login sec-mix sec-pal sec-plot sec-talk sec-watch; do
		for verb in $(verbs "$prog" | grep -vx -e serve -e -); do
			others=
			each "$prog" "$verb"
		done
		others=$(for verb in $(verbs "$prog" | grep -vx -e serve -e -); do
			listed "$prog" "$verb"
		done)
		[ -z "$(verbs "$prog" | grep -x -e -)" ] || each "$prog"
	done
	echo "# $n options" >&3
	[ "$n" -gt 500 ]
	# And no other ones.
	run -2 sec-confctl list --tim 1
	[[ $output == *"there is no option --tim"* ]]
	run -2 sec-confctl list --all=1
	[[ $output == *"--all takes no value"* ]]
}

@test "daemons, the agent and sec-crypt" {
	local prog n=0
	try() {
		run "$@" --help </dev/null
		[[ $output == *"-V --version"* || $output == *"no suite 9 "* ]]
	}
	for prog in "sec-confctl serve" "sec-pal serve" "sec-mtcu serve" \
	    "sec-mcu serve" sec-agent sec-crypt; do
		# shellcheck disable=SC2086
		each $prog
	done
	[ "$n" -gt 40 ]
	run -2 sec-mtcu serve --max 1
	[[ $output == *"unknown option --max"* ]]
}
