#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# STORIES 1.17: attach files and voice notes.
#
#   alice             board (persistent)            bob
#     | attach plan.pdf ->|                           |
#     | sox | attach - -->|                           |
#     |                   |<----------- files, fetch  |

load ../lib/lab

setup_file() {
	lab_up alice bob
	as bob sec-confctl answer accept
	as alice sec-confctl create -q -p -n boardroom bob
}
teardown_file() { lab_down; }
setup() { cd "$BATS_TEST_TMPDIR" || exit; }
teardown() { show_logs; }

@test "a file is attached, listed and fetched" {
	head -c 2900000 /dev/urandom >plan.pdf
	run -0 --separate-stderr as alice sec-confctl attach boardroom plan.pdf
	sum=$(sha256sum plan.pdf | cut -d' ' -f1)
	[ "$output" = "plan.pdf  2.9 MB  $sum" ]
	[ "$stderr" = "plan.pdf  2.9 MB" ]
	run -0 as bob sec-confctl files boardroom
	[[ $output =~ ^"plan.pdf  2.9 MB  alice  "[0-9:]+"  "${sum:0:8} ]]
	as bob sec-confctl fetch boardroom plan.pdf -o copy.pdf
	cmp plan.pdf copy.pdf
}

@test "a voice note goes in by a pipe, and plays out of one" {
	sox -q -n -r 48000 -b 16 -c 1 -t wav note.wav synth 2 sine 440
	as alice sec-confctl attach boardroom - --as note.wav <note.wav
	as bob sec-confctl fetch boardroom note.wav -o - | cmp - note.wav
	# What plays it finds a whole sound in the pipe.
	[ "$(as bob sec-confctl fetch boardroom note.wav -o - |
	    sox -q -t wav - -t raw - | wc -c)" = 192000 ]
}

@test "who is blocked has no file any more, and none of the later ones" {
	as alice sec-confctl block boardroom bob
	run -4 as bob sec-confctl fetch boardroom plan.pdf -o -
	echo later >later
	as alice sec-confctl attach boardroom later
	run -4 as bob sec-confctl fetch boardroom later -o -
	run -4 as bob sec-confctl files boardroom
	run -4 as bob sec-confctl detach boardroom plan.pdf
}

@test "its end takes the files with it, and says so first" {
	run -2 --separate-stderr as alice sec-confctl end boardroom </dev/null
	[[ $stderr == *"boardroom is persistent and has 3 files (3.0 MB): "* ]]
	as alice sec-confctl end -y boardroom
	until_ok eval '[ -z "$(find "$SEC_DIR/lib/files" -type f)" ]'
}
