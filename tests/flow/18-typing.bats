#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# sec-talk at a terminal: the line being typed, whatever happens to it.
#
#	14:20 bob: hello          <- printed above, whole, once
#	> a line that is longer
#	than the terminal is wi   <- drawn again below it
#	de

load ../lib/lab
load ../lib/term

setup_file() {
	lab_up alice bob
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -W -n s bob
	term alice
}
teardown_file() {
	terms_end
	lab_down
}
setup() {
	cd "$BATS_TEST_TMPDIR" || exit
	tm resize-window -t alice -x 40 -y 20
	keys alice C-l
	types alice 'clear; sec-talk s; echo "status $?"'
	sees alice '^s: 2 in' '^>$'
}
teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || screen alice
	keys alice C-a C-k C-d
	sees alice '^status [0-9]+$' '^\[alice\] \$$'
	tm clear-history -t alice
	show_logs
}

t='[0-2][0-9]:[0-5][0-9]'
long='the quick brown fox jumps over the lazy dog and wraps around twice'

paste() { # TMUX-OPTIONS... TEXT
	printf %b "${*: -1}" | tm load-buffer -
	tm paste-buffer "${@:1:$#-1}" -t alice
}
hears() { # TEXT: from bob
	echo "$1" | as bob sec-talk -s s
	sees alice "^$t bob: $1\$"
}

@test "a line that wraps stays whole wherever its cursor is" {
	rows=('^> the quick brown fox jumps over the la$'
	    '^zy dog and wraps around twice$')
	tm send-keys -t alice -l "$long"
	sees alice "${rows[@]}"
	hears one
	sees alice 'bob: one$' "${rows[@]}"
	keys alice C-a
	hears two
	sees alice 'bob: one$' 'bob: two$' "${rows[@]}"
	tm send-keys -t alice -l 'XY '
	rows=('^> XY the quick brown fox jumps over the$'
	    '^ lazy dog and wraps around twice$')
	sees alice "${rows[@]}"
	hears three
	sees alice 'bob: one$' 'bob: two$' 'bob: three$' "${rows[@]}"
	[ "$(screen alice | grep -c '^> XY')" = 1 ]
	[ "$(screen alice | grep -c 'quick')" = 1 ]
}

@test "one that is higher than the terminal hides nobody's" {
	tm resize-window -t alice -x 20 -y 6
	tm send-keys -t alice -l "$long"
	sees alice '^round twice$'
	hears one
	hears two
	keys alice C-a
	sees alice '^> the quick brown f$' '^ox jumps over the l$'
	hears three
	tm resize-window -t alice -x 80 -y 20
	sees alice "^> $long\$"
	sees alice 'bob: one$' 'bob: two$' 'bob: three$' "^> $long\$"
	[ "$(screen alice | grep -c quick)" = 1 ]
	hears four
	keys alice Enter
	sees alice "^> $long\$" "^$t alice: $long\$" '^>$'
}

@test "what is pasted is text: a TAB stays, each line is one message" {
	# A terminal that brackets what is pasted, and one that does not.
	for how in -p ''; do
		m=$(mark bob)
		paste $how 'one\ttab\ntwo\nthrée\nfour'
		sees alice '^> one   tab$' '^> two$' '^> thrée$'
		sees alice "^$t alice: thrée\$" '^> four$'
		until_ok eval '[ "$(as bob sec-watch -T 0 --since "$m" -e text |
		    jq -c .text | xargs -d "\n")" = \
		    "\"one\\ttab\" \"two\" \"thrée\"" ]'
		keys alice C-a C-k
		sees alice '^>$'
		tm clear-history -t alice
		keys alice C-d
		sees alice '^status 0$'
		types alice 'clear; sec-talk s; echo "status $?"'
		sees alice '^s: 2 in' '^>$'
	done
}

@test "a paste of many lines is sent to its last one" {
	m=$(mark bob)
	paste -p "$(for i in $(seq 200); do echo "line $i of many, äöü"; done)\\n"
	until_ok eval '[ "$(as bob sec-watch -T 0 --since "$m" -e text |
	    wc -l)" = 200 ]'
	as bob sec-watch -T 0 --since "$m" -e text | jq -r .text >got
	for i in $(seq 200); do echo "line $i of many, äöü"; done | cmp - got
}

@test "ctrl-z and fg: the line is there again" {
	tm send-keys -t alice -l 'half a li'
	sees alice '^> half a li$'
	keys alice C-z
	sees alice 'Stopped' '^\[alice\] \$$'
	# The terminal is the shell's, as it was.
	types alice 'stty -a | grep -o "[-]*icanon"'
	sees alice '^icanon$' '^\[alice\] \$$'
	echo meanwhile | as bob sec-talk -s s
	types alice 'fg'
	sees alice '^sec-talk s' "^$t bob: meanwhile\$" '^> half a li$'
	tm send-keys -t alice -l 'ne'
	sees alice '^> half a line$'
	keys alice Enter
	sees alice "^$t alice: half a line\$" '^>$'
}

@test "ESC alone is no key, and holds nothing up" {
	keys alice Escape
	hears one
	tm send-keys -t alice -l 'b'
	sees alice 'bob: one$' '^> b$'
	keys alice BSpace Up Down
	sees alice '^>$'
}
