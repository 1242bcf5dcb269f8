#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# The tree itself: what make builds again, what it installs.
#
#	lib/*/*.h --.d--> *.o --> libsec.a --> build/bin/* --install--> PREFIX
#	compiler, flags --^

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit
	T=$BATS_TEST_TMPDIR
}

@test "a header's users are built again, and nobody else" {
	cp -r Makefile lib cmd "$T"
	cd "$T" || exit
	objs='build/lib/wire/line.o build/lib/base/map.o'
	build() {
		# shellcheck disable=SC2086
		make -s "$@" $objs
		stat -c %Y.%y $objs >new
		cmp -s old.1 <(sed -n 1p new); line=$?
		cmp -s old.2 <(sed -n 2p new); map=$?
		sed -n 1p new >old.1
		sed -n 2p new >old.2
		echo "$line $map"
	}
	touch old.1 old.2
	run -0 build
	[ "${lines[-1]}" = "1 1" ]
	run -0 build
	[ "${lines[-1]}" = "0 0" ]
	touch lib/wire/line.h
	run -0 build
	[ "${lines[-1]}" = "1 0" ]
	# One that it includes, and one that both do.
	touch lib/base/map.h
	run -0 build
	[ "${lines[-1]}" = "0 1" ]
	# Other flags, and the same ones.
	run -0 build CFLAGS=-DX
	[ "${lines[-1]}" = "1 1" ]
	run -0 build CFLAGS=-DX
	[ "${lines[-1]}" = "0 0" ]
}

@test "install: each program, each page, and nothing called sec" {
	asan=
	[[ ${SEC_BUILD-} != *asan ]] || asan=ASAN=1
	local o=${SEC_BUILD:-build}
	# By another name of it all would be built again.
	# shellcheck disable=SC2086
	make -s install O="${o#"$PWD/"}" $asan DESTDIR="$T" PREFIX=/opt/x
	for p in cmd/*/main.c; do
		p=${p%/main.c}
		p=${p#cmd/}
		[ -x "$T/opt/x/bin/$p" ] || [ -x "$T/opt/x/sbin/$p" ]
	done
	for m in man/*.[1-8]; do
		cmp "$m" "$T/opt/x/share/man/man${m##*.}/${m#man/}"
	done
	[ "$(ls "$T")" = opt ]
	[ "$(ls "$T/opt/x" | xargs)" = "bin sbin share" ]
	# Debian's package sec has /usr/bin/sec and more of that name.
	run -0 find "$T/opt" -name sec -o -name 'sec.service' -o -name 'sec.[18]'
	[ "$output" = "" ]
	# And they run from there.
	PATH=$T/opt/x/bin:$T/opt/x/sbin:$PATH run -0 sec-mtcu --version
	[[ $output == "sec-mtcu "* ]]
}

@test "make help, and what it names" {
	run -0 make -s help
	for target in all tests check fuzz bench cover install clean; do
		[[ $output == *"$target"* ]]
		make -n -s $target O="$T/none" >/dev/null
	done
}

@test "setup: as root it installs, others are told how" {
	mkdir "$T/bin"
	printf '#!/bin/sh\necho "installed gcc"\n' >"$T/bin/dpkg-query"
	printf '#!/bin/sh\necho "$@" >>"%s/apt"\n' "$T" >"$T/bin/apt-get"
	for uid in 1000 0; do
		printf '#!/bin/sh\necho %s\n' $uid >"$T/bin/id"
		chmod +x "$T/bin/"*
		PATH=$T/bin:$PATH run --separate-stderr scripts/setup quickstart
		case $uid in
		0)	[ "$status" = 0 ]
			grep -q 'update$' "$T/apt"
			grep -q 'install -y .* krb5-kdc ' "$T/apt" ;;
		*)	[ "$status" = 10 ]
			[[ $stderr == "setup: as root: apt-get install -y "*" krb5-kdc "* ]]
			[[ $stderr != *" gcc "* ]]
			[ ! -e "$T/apt" ] ;;
		esac
	done
	run -2 scripts/setup nonsense
	# On this machine nothing is missing.
	run -0 scripts/setup all
	[ "$output" = "" ]
}
