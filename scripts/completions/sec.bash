# Completion of SEC's programs for bash (and, by bashcompinit, zsh). The
# programs know their own words: PROG complete -- WORDS prints what may stand
# in place of the last one.
_sec() {
	local IFS=$'\n' typed=() word i glue='' before
	# bash takes lamp:bedroom for three words: together again.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ ${#typed[@]} -gt 0 && ($word == :* || -n $glue) ]]; then
			typed[-1]+=$word
		else
			typed+=("$word")
		fi
		glue=''
		[[ $word != *: ]] || glue=1
	done
	# shellcheck disable=SC2207
	COMPREPLY=($("${COMP_WORDS[0]}" complete -- "${typed[@]}" 2>/dev/null))
	if [[ $COMP_WORDBREAKS == *:* && ${typed[-1]-} == *:* ]]; then
		before=${typed[-1]%:*}:
		COMPREPLY=("${COMPREPLY[@]#"$before"}")
	fi
}
complete -o default -F _sec sec-admin sec-confctl sec-ctl sec-dir sec-keygen sec-lab \
    sec-login sec-mix sec-pal sec-plot sec-talk sec-watch
