# device.bash: voice devices without sound: a connection to the agent that
# says `attach` and keeps what it is told. `load ../lib/device`.

# device NAME USER CONF [FIELD=VALUE...]: attach; its rows go to NAME.rows.
device() {
	local name=$1 user=$2 conf=$3 dir=$BATS_TEST_TMPDIR fd
	shift 3
	local fields=("id=1" "conf=$conf" "$@")
	[[ $* == *at=* ]] || fields+=("at=127.0.0.1:40000")
	rm -f "$dir/$name.in"
	mkfifo "$dir/$name.in"
	socat -t 0 - "UNIX-CONNECT:$SEC_DIR/run/$user@lab.test.sock" \
	    <"$dir/$name.in" >"$dir/$name.rows" 2>"$dir/$name.err" 3>&- &
	eval "${name}_pid=$!"
	exec {fd}>"$dir/$name.in"
	eval "${name}_fd=$fd"
	device_says "$name" attach "${fields[@]}"
	until_ok grep -qE $'^(row\tid=1\twhat=attached|error)' "$dir/$name.rows"
}

# device_says NAME VERB [FIELD=VALUE...]: one line from it.
device_says() {
	local fd=${1}_fd line
	line=$(printf '\t%s' "${@:3}")
	[ $# -gt 2 ] || line=
	printf '%s%s\n' "$2" "$line" >&"${!fd}"
}

# device_off NAME: its connection ends.
device_off() {
	local fd=${1}_fd pid=${1}_pid
	fd=${!fd}
	exec {fd}>&-
	kill "${!pid}" 2>/dev/null || :
	wait "${!pid}" 2>/dev/null || :
}

# rows NAME WHAT: its rows of a kind, fields in lines of their own joined by
# spaces.
rows() {
	grep -aE $'^row\tid=1\twhat='"$2"$'(\t|$)' \
	    "$BATS_TEST_TMPDIR/$1.rows" | tr '\t' ' '
}

# attr NAME WHAT KEY: of the last such row.
attr() {
	rows "$1" "$2" | tail -n 1 | tr ' ' '\n' | sed -n "s/^$3=//p"
}

# told NAME WHAT PATTERN: until a row of this kind has it.
told() {
	until_ok is_told "$@"
}
is_told() { rows "$1" "$2" | grep -qE -- "$3"; }

# said NAME WHAT: how many such rows.
said() {
	rows "$1" "$2" | wc -l
}

# agent USER VERB [FIELD=VALUE...]: one call to the agent.
agent() {
	sec-ctl "$SEC_DIR/run/$1@lab.test.sock" "${@:2}" 3>&-
}
