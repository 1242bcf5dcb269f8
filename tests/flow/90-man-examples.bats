#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# What the manual shows is what the programs do: the examples that a page tags
# with `.\" run`, and the README's tour, typed into a lab.
#
#	page ---.\" run---> display ---[USER] $ COMMAND---> shell of USER
#
# Blocks of a page follow each other in one lab; between pages everybody
# leaves. bob accepts whatever he is asked. Only exit statuses are looked at:
# times and numbers differ every day.

setup_file() {
	export SEC_DIR=$BATS_FILE_TMPDIR/lab
	sec-lab up -q alice bob carol
}

teardown_file() {
	sec-lab down -q --purge
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit
	mkdir "$BATS_TEST_TMPDIR/cwd"
	as bob sec-confctl answer accept
}

teardown() {
	local u
	for u in alice bob carol; do
		as "$u" sec-login -l -q | grep -q . || sec-lab user "$u"
		as "$u" sec-confctl leave -a || :
		as "$u" sec-confctl answer ask
		as "$u" sec-pal set available
	done >/dev/null 2>&1
}

as() { sec-lab run "$@" 3>&- </dev/null; }

# type_as USER FILE LINE SCRIPT: as far as the user would have come.
type_as() {
	local rc=0
	printf '%s\n' "$4" >"$BATS_TEST_TMPDIR/script"
	(
		cd "$BATS_TEST_TMPDIR/cwd" || exit
		as "$1" timeout 60 bash -e "$BATS_TEST_TMPDIR/script"
	) >"$BATS_TEST_TMPDIR/out" 2>&1 || rc=$?
	[ $rc = 0 ] && return
	echo "$2:$3: status $rc of [$1] \$ $4"
	cat "$BATS_TEST_TMPDIR/out"
	return 1
}

# play FILE [awk options]: commands of one user in a row share a shell, so
# that variables work.
play() {
	local file=$1 line user command who='' at='' script='' n=0
	shift
	while IFS=$'\t' read -r line user command; do
		[ "$user" != ! ] || { echo "$file:$line: $command"; return 1; }
		n=$((n + 1))
		if [ "$user" = "$who" ]; then
			script+=$'\n'$command
			continue
		fi
		[ -z "$who" ] || type_as "$who" "$file" "$at" "$script" || return
		who=$user at=$line script=$command
	done < <(awk "$@" -f tests/lib/man-examples.awk "$file")
	echo "$file: $n commands"
	case $file in
	*.[18])	# A program's page shows something that works.
		[ "$n" -gt 0 ] || return 1 ;;
	esac
	[ -z "$who" ] || type_as "$who" "$file" "$at" "$script"
}

# Every page of a section; one that fails does not hide the next.
section() {
	local page failed=0
	for page in man/*."$1"; do
		play "$page" || failed=1
		teardown
		setup_again
	done
	return $failed
}

setup_again() {
	rm -rf "$BATS_TEST_TMPDIR/cwd"
	mkdir "$BATS_TEST_TMPDIR/cwd"
	as bob sec-confctl answer accept
}

@test "examples of section 1" { section 1; }
@test "examples of section 5" { section 5; }
@test "examples of section 7" { section 7; }
@test "examples of section 8" { section 8; }
@test "the README's tour" { play README -v plain=1; }
