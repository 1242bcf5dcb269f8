# sip.bash: a foreign user agent in bash, over TCP and unsealed, for plain
# mode: nothing here knows SEC but the addresses.

# sip_open VARIABLE HOST:PORT
sip_open() {
	exec {SIP_NEW}<>"/dev/tcp/${2%:*}/${2##*:}"
	printf -v "$1" %s "$SIP_NEW"
}

# sip_close FD
sip_close() {
	local fd=$1
	exec {fd}>&-
}

# sip_send FD BODY LINE...: with Content-Length.
sip_send() {
	local fd=$1 body=$2 text
	shift 2
	printf -v text '%s\r\n' "$@"
	LC_ALL=C printf '%sContent-Length: %d\r\n\r\n%s' "$text" \
	    "$(printf %s "$body" | wc -c)" "$body" >&"$fd"
}

# sip_recv FD: one message on stdout, without CR; fails after the deadline.
sip_recv() {
	local line n=0 body='' fd=$1
	local LC_ALL=C
	while :; do
		IFS= read -r -t "$DEADLINE" -u "$fd" line || return 1
		line=${line%$'\r'}
		printf '%s\n' "$line"
		case ${line,,} in
		content-length:*) n=${line#*:} n=${n// /} ;;
		'') break ;;
		esac
	done
	[ "$n" = 0 ] || IFS= read -r -d '' -N "$n" -t "$DEADLINE" -u "$fd" body
	printf '%s' "${body//$'\r'/}"
}

# sip_until FD REGEX FILE: messages until one whose first line matches; that
# one is in FILE.
sip_until() {
	while sip_recv "$1" >"$3"; do
		[[ $(head -n 1 "$3") =~ $2 ]] && return
	done
	return 1
}

# field FILE NAME: a header's value.
field() {
	sed -n "/^\$/q; s/^$2: *//Ip" "$1" | head -n 1
}

# sip_answer FD REQUEST-FILE STATUS BODY [LINE...]: the five fields again.
sip_answer() {
	local fd=$1 req=$2 status=$3 body=$4 to
	shift 4
	to=$(field "$req" To)
	[[ $to == *tag=* ]] || to="$to;tag=a$$"
	sip_send "$fd" "$body" "SIP/2.0 $status" "Via: $(field "$req" Via)" \
	    "From: $(field "$req" From)" "To: $to" \
	    "Call-ID: $(field "$req" Call-ID)" \
	    "CSeq: $(field "$req" CSeq)" "$@"
}

# sip_request FD USER METHOD URI TO CALL-ID CSEQ BODY [LINE...]
sip_request() {
	local fd=$1 user=$2 method=$3 uri=$4 to=$5 id=$6 cseq=$7 body=$8
	shift 8
	sip_send "$fd" "$body" "$method $uri SIP/2.0" \
	    "Via: SIP/2.0/TCP foreign.invalid;branch=z9hG4bK$id$cseq$method" \
	    "Max-Forwards: 70" \
	    "From: <sip:$user@lab.test>;tag=f$id" "To: $to" \
	    "Call-ID: $id" "CSeq: $cseq $method" "$@"
}

# register USER [EXPIRES]: with sec-pal, on a connection of its own (Fig. 5);
# the answer is in the file `registered`.
register() {
	local fd
	sip_open fd "$(server_addr pal)"
	sip_request "$fd" "$1" REGISTER sip:lab.test "<sip:$1@lab.test>" \
	    "r$1$RANDOM" 1 "" "Contact: <sip:$1@127.0.0.1:5060>" \
	    "Expires: ${2-600}"
	sip_recv "$fd" >registered
	sip_close "$fd"
	grep -q '^SIP/2.0 200 ' registered
}

# in_order FILE PATTERN...: each first occurs after the line of the one before.
in_order() {
	local file=$1 at=0 n p
	shift
	for p; do
		n=$(tail -n +$((at + 1)) "$file" | grep -anE -m 1 -e "$p" |
		    cut -d : -f 1)
		if [ -z "$n" ]; then
			echo "in_order: after line $at no: $p" >&2
			return 1
		fi
		at=$((at + n))
	done
}
