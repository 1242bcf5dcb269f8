# slapd.bash: a private LDAP server of a test file. `load ../lib/slapd`, after
# lib/lab and with a lab that is up.
#
# It runs as whoever runs the tests, on loopback (127.0.0.1 and, which is in
# no certificate, 127.0.0.2), on ports of its own, out of
# $SEC_DIR/ldap; its people are those of tests/lib/people.ldif. Its certificate
# is for 127.0.0.1 and localhost (for which libldap looks for the machine's name
# in it), its Kerberos principal for localhost.

LDAP_BASE=dc=lab,dc=test
LDAP_ADMIN=cn=admin,$LDAP_BASE
LDAP_PASSWORD=of-the-directory

# slapd_up: make it and start it.
slapd_up() {
	local dir=$SEC_DIR/ldap
	PATH=$PATH:/usr/sbin
	mkdir -p "$dir/db"
	ldap_certificates "$dir"
	ldap_principal "$dir/keytab"
	ldap_config "$dir" >"$dir/slapd.conf"
	slapd_add <"$BATS_TEST_DIRNAME/../lib/people.ldif"
	slapd_start
}

# slapd_add: LDIF on standard input, while it does not run.
slapd_add() {
	slapadd -q -f "$SEC_DIR/ldap/slapd.conf" 2>&1
}

# slapd_start: (again) on ports that are free; until it answers.
slapd_start() {
	local dir=$SEC_DIR/ldap tries=8 i ports=()
	[ ! -e "$dir/ports" ] || read -ra ports <"$dir/ports"
	while [ $((tries--)) -gt 0 ]; do
		[ ${#ports[@]} = 2 ] || mapfile -t ports < <(
			shuf -n 2 -i 20000-29999)
		KRB5_KTNAME=FILE:$dir/keytab SASL_CONF_PATH=$dir \
		    KRB5_CONFIG=$(ldap_env KRB5_CONFIG) \
		    KRB5RCACHENAME=none: slapd -d stats -f "$dir/slapd.conf" \
		    -h "$(for i in 1 2; do
			printf '%s ' "ldap://127.0.0.$i:${ports[0]}" \
			    "ldaps://127.0.0.$i:${ports[1]}"
		    done)" \
		    >"$dir/slapd.log" 2>&1 </dev/null 3>&- &
		echo "$!" >"$dir/pid"
		echo "${ports[*]}" >"$dir/ports"
		slapd_env
		until_ok slapd_is_decided
		! slapd_answers || return 0
		ports=()
	done
	cat "$dir/slapd.log" >&2
	return 1
}
slapd_answers() {
	ldapsearch -LLL -x -H "ldap://127.0.0.1:$LDAP_PORT" -b '' -s base \
	    >/dev/null 2>&1
}
# It answers, or it is gone, as when its port is another's.
slapd_is_decided() { slapd_answers || gone "$(slapd_pid)"; }
slapd_pid() { cat "$SEC_DIR/ldap/pid"; }

# slapd_env: what setup_file found out, for a test.
slapd_env() {
	PATH=$PATH:/usr/sbin
	read -r LDAP_PORT LDAPS_PORT <"$SEC_DIR/ldap/ports"
	LDAP_CA=$SEC_DIR/ldap/ca.pem
	export LDAP_PORT LDAPS_PORT LDAP_CA
}

# slapd_kill [SIGNAL]: and wait until it is gone.
slapd_kill() {
	local pid
	pid=$(slapd_pid)
	kill "-${1-TERM}" "$pid" 2>/dev/null || :
	until_ok gone "$pid"
}

slapd_down() { [ ! -e "$SEC_DIR/ldap/pid" ] || slapd_kill KILL; }

# silent_up: a server that takes connections and questions, and never answers;
# SILENT_PORT is its port. silent_down: it is gone, if there is one.
silent_up() {
	local tries=8
	while [ $((tries--)) -gt 0 ]; do
		SILENT_PORT=$(shuf -n 1 -i 30000-32000)
		socat -u "TCP-LISTEN:$SILENT_PORT,bind=127.0.0.1,fork" \
		    OPEN:/dev/null 2>/dev/null 3>&- &
		SILENT=$!
		until_ok silent_is_decided
		gone "$SILENT" || return 0
	done
	return 1
}
# It listens, or it is gone, as when its port is another's.
silent_is_decided() {
	[ -n "$(ss -Htln "sport = :$SILENT_PORT and src 127.0.0.1")" ] ||
	    gone "$SILENT"
}
silent_down() {
	[ -n "${SILENT-}" ] || return 0
	kill "$SILENT" 2>/dev/null || :
	wait "$SILENT" 2>/dev/null || :
	SILENT=
}

# ldap_env NAME: a variable of the lab's environment.
ldap_env() {
	(eval "$(sec-lab env alice 2>/dev/null)" && printf '%s\n' "${!1}")
}

ldap_principal() {
	(
		eval "$(sec-lab env alice 2>/dev/null)"
		export KRB5_KDC_PROFILE=$SEC_DIR/kdc/kdc.conf
		kadmin.local -r LAB.TEST -q 'addprinc -randkey ldap/localhost'
		kadmin.local -r LAB.TEST -q "ktadd -k $1 ldap/localhost"
	) >/dev/null 2>&1 3>&-
}

# ca.pem signed cert.pem; other-ca.pem did not.
ldap_certificates() {
	local dir=$1 ca
	for ca in ca other-ca; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		    -nodes -days 2 -subj "/CN=$ca of this test" \
		    -keyout "$dir/$ca.key" -out "$dir/$ca.pem" 2>/dev/null
	done
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj /CN=localhost -keyout "$dir/key.pem" 2>/dev/null |
	openssl x509 -req -days 2 -CA "$dir/ca.pem" -CAkey "$dir/ca.key" \
	    -set_serial 2 -extfile <(ldap_names) \
	    -out "$dir/cert.pem" 2>/dev/null
}

ldap_names() {
	local full
	full=$(hostname -f 2>/dev/null) || full=$(hostname)
	echo "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:$(hostname),DNS:$full"
}

ldap_config() {
	local dir=$1
	cat <<-END
	include /etc/ldap/schema/core.schema
	include /etc/ldap/schema/cosine.schema
	include /etc/ldap/schema/nis.schema
	include /etc/ldap/schema/inetorgperson.schema
	modulepath /usr/lib/ldap
	moduleload back_mdb
	pidfile $dir/slapd.pid
	TLSCACertificateFile $dir/ca.pem
	TLSCertificateFile $dir/cert.pem
	TLSCertificateKeyFile $dir/key.pem
	sasl-host localhost
	sasl-realm LAB.TEST
	# More than that only in pages (RFC 2696).
	sizelimit size.soft=500 size.hard=500 size.prtotal=unlimited
	# What anybody may read, and what only he who has proved himself.
	access to attrs=userPassword by anonymous auth by * none
	access to attrs=roomNumber by users read by * none
	access to * by * read
	database mdb
	maxsize 67108864
	suffix "$LDAP_BASE"
	rootdn "$LDAP_ADMIN"
	rootpw $LDAP_PASSWORD
	directory $dir/db
	index objectClass eq
	index uid,cn,sn,givenName,departmentNumber eq,sub
	END
}
