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

#define PAL "sip/pal.lab.test@LAB.TEST"

static int
pal_open(struct acceptor **pal, const char *service, const char *keytab,
    const char *rcache)
{
	char why[512];
	int r = acceptor_open(pal, service, file(keytab), file(rcache), why,
	    sizeof(why));

	if (r != 0)
		printf("# %s\n", why);
	return r;
}

struct request {
	struct apreq *apreq;
	struct buf bytes;
	struct secret *key;
};

static void
request_free(struct request *q)
{
	apreq_free(q->apreq);
	buf_free(&q->bytes);
	secret_free(q->key);
	memset(q, 0, sizeof(*q));
}

/* In the place of the one before. */
static int
request_make(struct request *q, const struct ticket *t)
{
	request_free(q);
	return apreq_new(&q->apreq, buf_data(&t->service), buf_len(&t->service),
	    &q->bytes, &q->key);
}

/* What pal says to the first n bytes of it; *who: the caller's. */
static int
offer(struct acceptor *pal, const struct request *q, size_t n,
    struct accepted **who)
{
	struct secret *key = NULL;
	int r;

	*who = NULL;
	r = accept_apreq(pal, buf_data(&q->bytes), n, who, &key);
	if (r == 0)
		T(secret_size(key) == 64 && !zeros(key) &&
		    secret_equal(key, q->key));
	else if (key != NULL || *who != NULL)
		T_OK(0, "refused, and nothing given");
	secret_free(key);
	return r;
}

/* The same, when nobody wants to go on. */
static int
verdict(struct acceptor *pal, const struct request *q, size_t n)
{
	struct accepted *who;
	int r = offer(pal, q, n, &who);

	accepted_free(who);
	return r;
}

static int
whole(struct acceptor *pal, const struct request *q)
{
	return verdict(pal, q, buf_len(&q->bytes));
}

/* Both sides have the acceptor's fresh subkey, not the initiator's echoed;
 * another's answer is refused. */
static void
test_answer(struct acceptor *pal, const struct request *q,
    const struct ticket *t)
{
	struct request other = { .bytes = BUF_INIT };
	struct secret *here = NULL, *there = NULL, *none = NULL;
	struct buf rep = BUF_INIT;
	struct accepted *who;

	T_INT(offer(pal, q, buf_len(&q->bytes), &who), 0);
	T_STR(accepted_principal(who), "alice@LAB.TEST");
	T_INT(accepted_until(who), t->until);
	T_INT(accepted_reply(who, &rep, &there), 0);
	accepted_free(who);
	T_INT(apreq_finish(q->apreq, buf_data(&rep), buf_len(&rep), &here), 0);
	T(secret_size(here) == 64 && !zeros(here));
	T(secret_equal(here, there) && !secret_equal(here, q->key));

	T_INT(request_make(&other, t), 0);
	T(!secret_equal(other.key, q->key));
	T_INT(apreq_finish(other.apreq, buf_data(&rep), buf_len(&rep), &none),
	    SEC_ERR_AUTH);
	request_free(&other);
	secret_free(here);
	secret_free(there);
	buf_free(&rep);
}

/* Bits flipped along the message, and every length cut short. */
static void
test_tampered(struct acceptor *pal, struct request *q)
{
	uint8_t *p = buf_data(&q->bytes);
	size_t i, n = buf_len(&q->bytes);
	int bad = 0;

	for (i = 0; i < n; i += 7) {
		p[i] ^= 1 << i % 8;
		bad += whole(pal, q) == 0;
		p[i] ^= 1 << i % 8;
	}
	for (i = 0; i < n; i += 5)
		bad += verdict(pal, q, i) == 0;
	printf("# %d of the changed ones accepted\n", bad);
	T(bad <= 8); /* DER has bits (kvno, flags) outside the tag */
}

static void
test_time(struct acceptor *pal, struct request *q, const struct ticket *t)
{
	static const long off[] = { 700, -700, 600, -600, 60, -60 };
	size_t i;
	int r;

	/* The authenticator's is looked at: a minute is nothing, ten are
	 * too many. Before its time it is the ticket's that is seen. */
	for (i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		T_INT(request_make(q, t), 0);
		skew = off[i];
		r = whole(pal, q);
		skew = 0;
		T_OK(i >= 4 ? r == 0 :
			      r == SEC_ERR_CLOCK ||
			    (off[i] < 0 && r == SEC_ERR_TICKET),
		    "%ld s off: %d", off[i], r);
	}
	/* It stands in the replay cache by now: another one. */
	T_INT(request_make(q, t), 0);
	T_INT(whole(pal, q), 0);
	T_INT(request_make(q, t), 0);
	skew = 11 * 3600;
	T_INT(whole(pal, q), SEC_ERR_TICKET);
	T_INT(request_make(q, t), SEC_ERR_TICKET);
	T(q->apreq == NULL && q->key == NULL);
	skew = 0;
}

static void
test_exchange(const struct ticket *t)
{
	struct request q = { .bytes = BUF_INIT };
	struct acceptor *pal = NULL;
	char why[512];

	T_INT(pal_open(&pal, "sip/mtcu.lab.test@LAB.TEST", "pal.keytab",
		  "rcache"),
	    SEC_ERR_NOTHING);
	T_INT(pal_open(&pal, "sip/pal.lab.test", "no.keytab", "rcache"),
	    SEC_ERR_NOTHING);
	T_INT(pal_open(&pal, PAL, "pal.keytab", "rcache"), 0);
	if (pal == NULL)
		return;
	T_INT(request_make(&q, t), 0);
	printf("# AP-REQ %zu bytes\n", buf_len(&q.bytes));
	test_answer(pal, &q, t);

	/* The same bytes again: at once, and after a restart. */
	T_INT(whole(pal, &q), SEC_ERR_REPLAY);
	T_INT(acceptor_reload(pal, why, sizeof(why)), 0);
	T_INT(whole(pal, &q), SEC_ERR_REPLAY);
	acceptor_close(pal);
	unsetenv("KRB5RCACHENAME");
	T_INT(pal_open(&pal, PAL, "pal.keytab", "rcache"), 0);
	T_INT(whole(pal, &q), SEC_ERR_REPLAY);

	T_INT(request_make(&q, t), 0);
	test_tampered(pal, &q);
	test_time(pal, &q, t);
	acceptor_close(pal);

	/* Without a replay cache nobody is let in. */
	T_INT(pal_open(&pal, PAL, "pal.keytab", "no/such/dir"), 0);
	T_INT(request_make(&q, t), 0);
	T_INT(whole(pal, &q), SEC_ERR_DISK);
	acceptor_close(pal);
	request_free(&q);
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
