# Commands of examples, for tests/flow/90-man-examples.bats.
#
# In a page: the display after a line `.\" run`. In a text (-v plain=1): all
# of it. A line `$ COMMAND` is alice's, `[USER] $ COMMAND` is USER's; it goes
# on while it ends with `\` or `|`. Anything else is what is shown.
# Output: LINE TAB USER TAB COMMAND, and LINE TAB ! TAB REASON for a tag that
# is followed by no display.

function plain_text(s) {
	gsub(/\\e/, "\\", s)
	gsub(/\\&/, "", s)
	gsub(/\\-/, "-", s)
	gsub(/\\\(dq/, "\"", s)
	gsub(/\\\(aq/, "'", s)
	return s
}

function goes_on(s) {
	return s ~ /(\\|\|)[ \t]*$/
}

function shown(s, user) {
	if (more) {
		printf "%s%s\n", sep, s
		more = goes_on(s)
		return
	}
	if (s ~ /^\$ /)
		user = plain ? "" : "alice"
	else if (s ~ /^\[[a-z]+\] \$ /) {
		user = substr(s, 2, index(s, "]") - 2)
	} else
		return
	if (user == "")
		return
	sub(/^(\[[a-z]+\] )?\$ /, "", s)
	printf "%d\t%s\t%s\n", FNR, user, s
	sep = FNR "\t" user "\t"
	more = goes_on(s)
}

plain { sub(/^[ \t]+/, ""); shown($0); next }
tagged && !/^\.Bd -literal/ { print FNR "\t!\tno display after the tag" }
tagged { inside = /^\.Bd/; tagged = 0; next }
/^\.\\" run[ \t]*$/ { tagged = 1; next }
/^\.Ed/ { inside = 0; more = 0; next }
inside { shown(plain_text($0)) }
