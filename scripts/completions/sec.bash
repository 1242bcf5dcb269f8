# Completion of SEC's programs for bash (and, by bashcompinit, zsh). The
# programs know their own words: PROG complete -- WORDS prints what may stand
# in place of the last one.
_sec() {
	local IFS=$'\n'
	# shellcheck disable=SC2207
	COMPREPLY=($("${COMP_WORDS[0]}" complete -- \
	    "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _sec sec-admin sec-confctl sec-ctl sec-dir sec-keygen sec-lab \
    sec-login sec-mix sec-pal sec-plot sec-talk sec-watch
