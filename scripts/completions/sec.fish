# Completion of SEC's programs for fish; see sec.bash.
function __sec_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] complete -- $words[2..-1] 2>/dev/null
end
for p in admin confctl ctl dir keygen lab login mix pal plot talk watch
    complete -c sec-$p -a '(__sec_complete)'
end
