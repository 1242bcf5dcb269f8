# term.bash: people at terminals. `load ../lib/lab` and `load ../lib/term`.
#
# Each has a terminal of tmux(1), in which his shell runs; what he sees is
# compared as lines of the screen, what has scrolled away included.

tm() { tmux -S "$SEC_DIR/tm" "$@" 3>&-; }

# term WHO [COMMAND]: a terminal; without COMMAND his shell, with its prompt.
term() {
	SHELL=/bin/bash tm -f /dev/null new-session -d -x 100 -y 40 -s "$1" \
	    "${2-sec-lab shell $1}"
	[ $# -gt 1 ] || sees "$1" "^\\[$1\\] \\$"
}

# types WHO TEXT: a line; keys WHO KEY...: as in tmux(1), like C-d.
types() {
	tm send-keys -t "$1" -l "$2"
	tm send-keys -t "$1" Enter
}
keys() {
	local who=$1
	shift
	tm send-keys -t "$who" "$@"
}

# screen WHO
screen() { tm capture-pane -p -S - -t "$1"; }

# sees WHO REGEX...: until the screen has lines that match, in this order.
sees() {
	until_ok sees_now "$@" || {
		screen "$1" | sed -n '/./p' >&2
		return 1
	}
}
sees_now() {
	local who=$1
	shift
	screen "$who" | awk 'BEGIN {
		for (i = 1; i < ARGC; i++)
			want[i] = ARGV[i]
		n = ARGC
		ARGC = 1
		at = 1
	}
	at < n && $0 ~ want[at] { at++ }
	END { exit at < n }' "$@"
}

# Every terminal of this file is closed; the next one finds no server that is
# about to go.
terms_end() {
	local server
	[ -e "$SEC_DIR/tm" ] && server=$(tm display-message -p '#{pid}') ||
	    return 0
	tm kill-server || :
	until_ok gone "$server"
}
