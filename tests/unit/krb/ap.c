/*
 * lib/krb against a KDC of its own: tickets from every source, each error
 * with its sentence (STORIES 1.2), the AP exchange, the replay cache
 * (S075-S080, the four pitfalls of SECURITY.md 3.4).
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "../test.h"

#include "base/err.h"
#include "krb/accept.h"
#include "krb/ticket.h"

static char dir[64] = "/tmp/sec-ap-XXXXXX";
static char address[32], spot[48];
static int port;
static pid_t kdc = -1;
static long skew; /* s, added to this program's clock */

/* The clocks that libkrb5 and base/clock read, bent by skew. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, id, ts);

	if (r == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += skew;
	return r;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec ts;

	(void)tz;
	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *t)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	if (t != NULL)
		*t = ts.tv_sec;
	return ts.tv_sec;
}

static const char *
file(const char *name)
{
	static char out[4][128];
	static int i;

	i = (i + 1) % 4;
	snprintf(out[i], sizeof(out[i]), "%s/%s", dir, name);
	return out[i];
}

__attribute__((format(printf, 2, 3))) static void
write_file(const char *name, const char *fmt, ...)
{
	va_list ap;
	FILE *f = fopen(file(name), "w");

	if (f == NULL)
		exit(1);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

static int
sh(const char *command)
{
	int st = system(command);

	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static int
free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, address, &in.sin_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&in, n) != 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &n) != 0)
		exit(1);
	close(fd);
	return ntohs(in.sin_port);
}

static void
write_conf(const char *name, int to)
{
	write_file(name,
	    "[libdefaults]\n default_realm = LAB.TEST\n"
	    " dns_lookup_realm = false\n dns_lookup_kdc = false\n"
	    " dns_canonicalize_hostname = false\n rdns = false\n"
	    " permitted_enctypes = aes256-cts-hmac-sha384-192\n"
	    " spake_preauth_groups = edwards25519\n"
	    " renew_lifetime = 1d\n"
	    "[realms]\n LAB.TEST = {\n  kdc = %s:%d\n }\n"
	    "[domain_realm]\n lab.test = LAB.TEST\n",
	    address, to);
}

/* 0, or -1 when there is no KDC on this machine. */
static int
kdc_up(void)
{
	char cmd[1024], path[1024];
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd, i;

	snprintf(path, sizeof(path), "%s:/usr/sbin:/sbin", getenv("PATH"));
	setenv("PATH", path, 1);
	if (sh("command -v krb5kdc kdb5_util kadmin.local >/dev/null") != 0)
		return -1;
	if (mkdtemp(dir) == NULL)
		exit(1);
	snprintf(address, sizeof(address), "127.%d.%d.%d", 64 + getpid() % 64,
	    1 + getpid() / 64 % 250, 2 + getpid() / 16000 % 250);
	port = free_port();
	snprintf(spot, sizeof(spot), "%s:%d", address, port);
	write_conf("krb5.conf", port);
	write_file("kdc.conf",
	    "[kdcdefaults]\n kdc_listen = %s\n kdc_tcp_listen = %s\n"
	    "[realms]\n LAB.TEST = {\n  database_name = %s/principal\n"
	    "  key_stash_file = %s/stash\n  acl_file = %s/acl\n"
	    "  max_life = 10h\n  max_renewable_life = 2d\n"
	    "  disable_pac = true\n"
	    "  supported_enctypes = aes256-cts-hmac-sha384-192:normal\n"
	    "  default_principal_flags = +preauth\n }\n"
	    "[logging]\n kdc = FILE:%s/kdc.log\n default = FILE:%s/krb.log\n",
	    spot, spot, dir, dir, dir, dir, dir);
	setenv("KRB5_CONFIG", file("krb5.conf"), 1);
	setenv("KRB5_KDC_PROFILE", file("kdc.conf"), 1);
	snprintf(cmd, sizeof(cmd),
	    "cd %s && exec 2>setup.log >&2 && "
	    "kdb5_util -r LAB.TEST create -s -P master && "
	    "kadmin.local -r LAB.TEST <<-E\n"
	    "addprinc -randkey sip/pal.lab.test\n"
	    "addprinc -pw tea alice\n"
	    "addprinc -pw milk locked\n"
	    "modprinc -allow_tix locked\n"
	    "addprinc -maxlife \"30 sec\" -pw egg brief\n"
	    "addprinc -randkey bot\n"
	    "ktadd -k pal.keytab sip/pal.lab.test\n"
	    "ktadd -k bot.keytab bot\nE",
	    dir);
	if (sh(cmd) != 0)
		exit(1);
	if ((kdc = fork()) == 0) {
		fd = open(file("kdc.out"), O_WRONLY | O_CREAT, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		execlp("krb5kdc", "krb5kdc", "-n", "-r", "LAB.TEST", "-P",
		    file("kdc.pid"), (char *)NULL);
		_exit(127);
	}
	inet_pton(AF_INET, address, &in.sin_addr);
	in.sin_port = htons((uint16_t)port);
	for (i = 0; i < 1000; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0) {
			close(fd);
			return 0;
		}
		close(fd);
		poll(NULL, 0, 10);
	}
	exit(1);
}

static void
kdc_down(void)
{
	char cmd[128];

	if (kdc > 0) {
		kill(kdc, SIGTERM);
		waitpid(kdc, NULL, 0);
	}
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	sh(cmd);
}

static int
get(enum ticket_source src, const char *who, const char *secret,
    struct ticket *t, char *why)
{
	struct secret *pw = NULL;
	struct ticket_request r = { .source = src,
		.principal = who,
		.realm = "LAB.TEST",
		.service = "sip/pal.lab.test" };
	int e;

	if (src == TICKET_PASSWORD)
		r.password = pw = secret_copy(secret, strlen(secret) + 1);
	else
		r.keytab = secret;
	e = ticket_get(&r, t, why, 512);
	secret_free(pw);
	if (e != 0)
		printf("# %s\n", why);
	return e;
}

static int
contains(const char *name, const char *text)
{
	char line[4096];
	FILE *f = fopen(file(name), "r");
	int found = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, text) != NULL)
			found = 1;
	if (f != NULL)
		fclose(f);
	return found;
}

static int
zeros(const struct secret *s)
{
	const unsigned char *p = secret_data(s);
	size_t i;

	for (i = 0; i < secret_size(s); i++)
		if (p[i] != 0)
			return 0;
	return 1;
}

static void
test_sources(struct ticket *alice)
{
	struct ticket_request r = { .source = TICKET_TGT,
		.realm = "LAB.TEST",
		.service = "sip/pal.lab.test" };
	struct ticket t, brief;
	char why[512], found[256], cmd[256];

	setenv("KRB5_TRACE", file("trace"), 1);
	T_INT(get(TICKET_PASSWORD, "alice", "tea", alice, why), 0);
	unsetenv("KRB5_TRACE");
	T_STR(alice->principal, "alice@LAB.TEST");
	T_STR(alice->kdcs, spot);
	T(buf_len(&alice->service) > 0);
	T(alice->ahead > -2000 && alice->ahead < 2000);
	T(alice->until > (int64_t)time(NULL) * 1000 + 9 * 3600000);
	T(alice->until < (int64_t)time(NULL) * 1000 + 11 * 3600000);
	/* Really SPAKE, not an encrypted timestamp that can be guessed at. */
	T(contains("trace", "SPAKE"));
	T(!contains("trace", "Encrypted timestamp"));

	/* Renewable, so the TGT came along and serves again. */
	T(alice->renew_till > alice->until);
	T(buf_len(&alice->tgt) > 0);
	r.tgt = buf_data(&alice->tgt);
	r.tgtlen = buf_len(&alice->tgt);
	T_INT(ticket_get(&r, &t, why, sizeof(why)), 0);
	T_STR(t.principal, "alice@LAB.TEST");
	T(buf_len(&t.tgt) == buf_len(&alice->tgt));
	ticket_free(&t);
	/* Cut short it is none. */
	r.tgtlen--;
	T(ticket_get(&r, &t, why, sizeof(why)) != 0);

	/* Past half of its life it is renewed: another TGT. */
	T_INT(get(TICKET_PASSWORD, "brief", "egg", &brief, why), 0);
	r.tgt = buf_data(&brief.tgt);
	r.tgtlen = buf_len(&brief.tgt);
	T_INT(ticket_get(&r, &t, why, sizeof(why)), 0);
	T(buf_len(&t.tgt) == r.tgtlen &&
	    memcmp(buf_data(&t.tgt), r.tgt, r.tgtlen) == 0);
	ticket_free(&t);
	skew = 20;
	T_INT(ticket_get(&r, &t, why, sizeof(why)), 0);
	T(buf_len(&t.tgt) != r.tgtlen ||
	    memcmp(buf_data(&t.tgt), r.tgt, r.tgtlen) != 0);
	skew = 0;
	ticket_free(&t);
	ticket_free(&brief);
	r.tgt = buf_data(&alice->tgt);
	r.tgtlen = buf_len(&alice->tgt) - 1;

	T_INT(get(TICKET_KEYTAB, "bot", file("bot.keytab"), &t, why), 0);
	T_STR(t.principal, "bot@LAB.TEST");
	ticket_free(&t);

	/* A cache: none, somebody's, another's. */
	snprintf(cmd, sizeof(cmd), "FILE:%s", file("cc"));
	setenv("KRB5CCNAME", cmd, 1);
	T_INT(ticket_cached(NULL, found), SEC_ERR_NOTHING);
	T_INT(get(TICKET_CCACHE, NULL, NULL, &t, why), SEC_ERR_TICKET);
	T_INT(sh("echo tea | kinit alice >/dev/null"), 0);
	T_INT(ticket_cached(NULL, found), 0);
	T_STR(found, "alice@LAB.TEST");
	T_INT(ticket_cached("alice", found), 0);
	T_INT(ticket_cached("bot@LAB.TEST", found), SEC_ERR_NOTHING);
	T_INT(get(TICKET_CCACHE, NULL, NULL, &t, why), 0);
	T_STR(t.principal, "alice@LAB.TEST");
	T_INT(buf_len(&t.tgt), 0);
	ticket_free(&t);
	T_INT(get(TICKET_CCACHE, "alice", NULL, &t, why), 0);
	ticket_free(&t);
	T_INT(get(TICKET_CCACHE, "bot", NULL, &t, why), SEC_ERR_TICKET);
	T_STR(why,
	    "no ticket for bot@LAB.TEST; run kinit, or give the "
	    "password");

	/* Eleven hours later. */
	skew = 11 * 3600;
	T_INT(ticket_cached(NULL, found), SEC_ERR_TICKET);
	T_INT(get(TICKET_CCACHE, NULL, NULL, &t, why), SEC_ERR_TICKET);
	T(strncmp(why, "the ticket of alice@LAB.TEST expired at ", 40) == 0);
	r.tgtlen++;
	T_INT(ticket_get(&r, &t, why, sizeof(why)), SEC_ERR_TICKET);
	skew = 0;
	T_INT(ticket_cached("alice@LAB.TEST", found), 0);
}

static void
test_errors(void)
{
	struct ticket_request r = { .source = TICKET_PASSWORD,
		.principal = "alice@LAB.TEST",
		.service = "sip/nobody.test" };
	struct ticket t;
	char why[512], want[512];
	int span;

	T_INT(get(TICKET_PASSWORD, "alice", "coffee", &t, why),
	    SEC_ERR_PASSWORD);
	T_STR(why, "wrong password for alice@LAB.TEST");
	T_INT(get(TICKET_PASSWORD, "mallory", "tea", &t, why), SEC_ERR_NOUSER);
	T_STR(why, "no such user mallory@LAB.TEST");
	T_INT(get(TICKET_PASSWORD, "locked", "milk", &t, why), SEC_ERR_LOGIN);
	T_INT(get(TICKET_PASSWORD, NULL, "tea", &t, why), SEC_ERR_USAGE);
	T_INT(get(TICKET_KEYTAB, "alice", file("bot.keytab"), &t, why),
	    SEC_ERR_LOGIN);
	T_INT(get(TICKET_KEYTAB, "bot", file("nowhere"), &t, why),
	    SEC_ERR_LOGIN);
	r.password = secret_copy("tea", 4);
	T_INT(ticket_get(&r, &t, why, sizeof(why)), SEC_ERR_LOGIN);
	secret_free((struct secret *)(uintptr_t)r.password);
	T_STR(why,
	    "the KDC of LAB.TEST does not know the service "
	    "sip/nobody.test");

	/* 7 min 12 s behind, and ahead. */
	skew = -432;
	T_INT(get(TICKET_PASSWORD, "alice", "tea", &t, why), SEC_ERR_CLOCK);
	T(sscanf(why, "this machine's clock is 7 min %d s behind 127.",
	      &span) == 1 &&
	    span >= 11 && span <= 13);
	T(strstr(why, " (limit 5 min); fix: timedatectl set-ntp true") != NULL);
	skew = 4 * 3600;
	T_INT(get(TICKET_PASSWORD, "alice", "tea", &t, why), SEC_ERR_CLOCK);
	T(strstr(why, " ahead of 127.") != NULL);
	/* 2 min are none of our business. */
	skew = 120;
	if (T(get(TICKET_PASSWORD, "alice", "tea", &t, why) == 0))
		ticket_free(&t);
	skew = 0;

	/* Nobody listens there. */
	port = free_port();
	write_conf("nokdc.conf", port);
	setenv("KRB5_CONFIG", file("nokdc.conf"), 1);
	T_INT(get(TICKET_PASSWORD, "alice", "tea", &t, why),
	    SEC_ERR_UNREACHABLE);
	snprintf(want, sizeof(want),
	    "cannot reach any KDC for LAB.TEST (tried "
	    "%s:%d udp, tcp); see krb5.conf or KRB5_TRACE=/dev/stderr",
	    address, port);
	T_STR(why, want);
	write_file("norealm.conf",
	    "[libdefaults]\n default_realm = X.TEST\n"
	    " dns_lookup_kdc = false\n");
	setenv("KRB5_CONFIG", file("norealm.conf"), 1);
	T_INT(get(TICKET_PASSWORD, "alice", "tea", &t, why),
	    SEC_ERR_UNREACHABLE);
	setenv("KRB5_CONFIG", file("krb5.conf"), 1);
}

static void
test_exchange(const struct ticket *t)
{
	struct buf req = BUF_INIT, rep = BUF_INIT, rep2 = BUF_INIT;
	struct buf other = BUF_INIT;
	struct secret *c1, *c2, *s1, *s2, *none = NULL;
	struct apreq *a = NULL, *b = NULL;
	struct accepted *who = NULL;
	struct acceptor *pal = NULL;
	char why[512];
	size_t i;
	int bad = 0;

	c1 = c2 = s1 = s2 = NULL;
	T_INT(acceptor_open(&pal, "sip/mtcu.lab.test@LAB.TEST",
		  file("pal.keytab"), file("rcache"), why, sizeof(why)),
	    SEC_ERR_NOTHING);
	printf("# %s\n", why);
	T_INT(acceptor_open(&pal, "sip/pal.lab.test", file("no.keytab"),
		  file("rcache"), why, sizeof(why)),
	    SEC_ERR_NOTHING);
	printf("# %s\n", why);
	T_INT(acceptor_open(&pal, "sip/pal.lab.test@LAB.TEST",
		  file("pal.keytab"), file("rcache"), why, sizeof(why)),
	    0);
	if (pal == NULL)
		return;

	T_INT(apreq_new(&a, buf_data(&t->service), buf_len(&t->service), &req,
		  &c1),
	    0);
	printf("# AP-REQ %zu bytes\n", buf_len(&req));
	T_INT(accept_apreq(pal, buf_data(&req), buf_len(&req), &who, &c2), 0);
	T(secret_size(c1) == 64 && !zeros(c1) && secret_equal(c1, c2));
	T_STR(accepted_principal(who), "alice@LAB.TEST");
	T_INT(accepted_until(who), t->until);
	T_INT(accepted_reply(who, &rep, &s2), 0);
	T_INT(apreq_finish(a, buf_data(&rep), buf_len(&rep), &s1), 0);
	T(secret_size(s1) == 64 && !zeros(s1) && secret_equal(s1, s2));
	/* A fresh acceptor's subkey, not the initiator's echoed. */
	T(!secret_equal(c1, s1));
	accepted_free(who);
	who = NULL;

	/* The same bytes again: at once, and after a restart. */
	T_INT(accept_apreq(pal, buf_data(&req), buf_len(&req), &who, &none),
	    SEC_ERR_REPLAY);
	T_INT(acceptor_reload(pal, why, sizeof(why)), 0);
	T_INT(accept_apreq(pal, buf_data(&req), buf_len(&req), &who, &none),
	    SEC_ERR_REPLAY);
	acceptor_close(pal);
	pal = NULL;
	unsetenv("KRB5RCACHENAME");
	T_INT(acceptor_open(&pal, "sip/pal.lab.test@LAB.TEST",
		  file("pal.keytab"), file("rcache"), why, sizeof(why)),
	    0);
	T_INT(accept_apreq(pal, buf_data(&req), buf_len(&req), &who, &none),
	    SEC_ERR_REPLAY);
	T(who == NULL && none == NULL);

	/* A second request: fresh keys; the first one's answer is refused. */
	secret_free(c2);
	secret_free(s2);
	c2 = s2 = NULL;
	T_INT(apreq_new(&b, buf_data(&t->service), buf_len(&t->service), &other,
		  &c2),
	    0);
	T(!secret_equal(c1, c2));
	T_INT(apreq_finish(b, buf_data(&rep), buf_len(&rep), &none),
	    SEC_ERR_AUTH);

	/* Bits flipped along the message, and every length cut short. */
	for (i = 0; i < buf_len(&other); i += 7) {
		buf_data(&other)[i] ^= 1 << i % 8;
		if (accept_apreq(pal, buf_data(&other), buf_len(&other), &who,
			&none) == 0) {
			bad++;
			accepted_free(who);
			secret_free(none);
			who = NULL;
			none = NULL;
		}
		buf_data(&other)[i] ^= 1 << i % 8;
	}
	for (i = 0; i < buf_len(&other); i += 5)
		bad += accept_apreq(pal, buf_data(&other), i, &who, &none) == 0;
	printf("# %d of the changed ones accepted\n", bad);
	T(bad <= 8); /* DER has bits (kvno, flags) outside the tag */

	/* Time: the authenticator's is looked at. */
	secret_free(c2);
	c2 = NULL;
	buf_reset(&other);
	apreq_free(b);
	b = NULL;
	T_INT(apreq_new(&b, buf_data(&t->service), buf_len(&t->service), &other,
		  &c2),
	    0);
	skew = 700;
	T_INT(accept_apreq(pal, buf_data(&other), buf_len(&other), &who, &none),
	    SEC_ERR_CLOCK);
	skew = 0;
	/* It stands in the replay cache by now: another one. */
	secret_free(c2);
	c2 = NULL;
	buf_reset(&other);
	apreq_free(b);
	b = NULL;
	T_INT(apreq_new(&b, buf_data(&t->service), buf_len(&t->service), &other,
		  &c2),
	    0);
	T_INT(accept_apreq(pal, buf_data(&other), buf_len(&other), &who, &none),
	    0);
	T_INT(accepted_reply(who, &rep2, &s2), 0);
	accepted_free(who);
	who = NULL;
	secret_free(none);
	none = NULL;
	buf_reset(&other);
	apreq_free(b);
	b = NULL;
	T_INT(apreq_new(&b, buf_data(&t->service), buf_len(&t->service), &other,
		  &none),
	    0);
	secret_free(none);
	none = NULL;
	skew = 11 * 3600;
	T_INT(accept_apreq(pal, buf_data(&other), buf_len(&other), &who, &none),
	    SEC_ERR_TICKET);
	apreq_free(b);
	b = NULL;
	T_INT(apreq_new(&b, buf_data(&t->service), buf_len(&t->service), &other,
		  &none),
	    SEC_ERR_TICKET);
	T(b == NULL && none == NULL);
	skew = 0;
	acceptor_close(pal);
	pal = NULL;

	/* Without a replay cache nobody is let in. */
	T_INT(acceptor_open(&pal, "sip/pal.lab.test@LAB.TEST",
		  file("pal.keytab"), file("no/such/dir"), why, sizeof(why)),
	    0);
	buf_reset(&other);
	secret_free(c2);
	c2 = NULL;
	T_INT(apreq_new(&b, buf_data(&t->service), buf_len(&t->service), &other,
		  &c2),
	    0);
	T_INT(accept_apreq(pal, buf_data(&other), buf_len(&other), &who, &none),
	    SEC_ERR_DISK);

	acceptor_close(pal);
	apreq_free(a);
	apreq_free(b);
	secret_free(c1);
	secret_free(c2);
	secret_free(s1);
	secret_free(s2);
	buf_free(&req);
	buf_free(&rep);
	buf_free(&rep2);
	buf_free(&other);
	T_INT(secret_count(), 0);
}

int
main(void)
{
	struct ticket t;

	if (kdc_up() != 0) {
		printf("ok 1 # skip no krb5kdc, kdb5_util, kadmin.local\n"
		       "1..1\n");
		return 0;
	}
	atexit(kdc_down);
	test_sources(&t);
	test_errors();
	test_exchange(&t);
	ticket_free(&t);
	return t_done();
}
