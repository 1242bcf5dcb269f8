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

# all_of: the options of the lines of listed(), each with a value if it wants
# one: to the array `all`.
all_of() {
	local arg names name
	all=()
	while read -r arg names; do
		for name in $names; do
			case $name in
			-h|--help|-V|--version) continue ;;
			esac
			all+=("$name")
			n=$((n + 1))
			case $name$arg in
			*-) ;;
			--suite*) all+=(0x0006) ;;
			*) all+=(6) ;;
			esac
		done
	done
}

# Refused for the time alone; else for the first option that it does not take.
takes() {
	run -2 "$@" --timeout never </dev/null
	[[ $output == *"-T never: not a number"* ]]
}

@test "the tools, verb by verb" {
	local prog verb others all n=0
	for prog in sec-admin sec-confctl sec-ctl sec-dir sec-keygen sec-lab \
	    sec-login sec-mix sec-pal sec-plot sec-talk sec-watch; do
		others=
		for verb in $(verbs "$prog" | grep -vx -e serve -e -); do
			all_of < <(listed "$prog" "$verb")
			takes "$prog" "$verb" "${all[@]}"
			others+=$(listed "$prog" "$verb")$'\n'
		done
		# Without a verb --help has those of all verbs.
		if verbs "$prog" | grep -qx -e -; then
			all_of < <(listed "$prog" | grep -vxF "$others")
			takes "$prog" "${all[@]}"
		fi
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
	local prog all n=0
	for prog in "sec-confctl serve" "sec-pal serve" "sec-mtcu serve" \
	    "sec-mcu serve" sec-agent sec-crypt; do
		# shellcheck disable=SC2086
		all_of < <(listed $prog)
		# shellcheck disable=SC2086
		run -0 $prog "${all[@]}" --help </dev/null
		[[ $output == *"-V --version"* ]]
	done
	[ "$n" -gt 40 ]
	run -2 sec-mtcu serve --max 1
	[[ $output == *"unknown option --max"* ]]
}
