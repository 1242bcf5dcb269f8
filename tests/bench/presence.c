/*
 * presence: a change of status told to 100 and to 1000 watchers (Fig. 10,
 * S062; goals of the presence issue), and logging in with a PAL of 50
 * entries, beside 10 and beside 10,000 users who have as many.
 *
 * This program is all the users of a lab but its first: it registers them
 * with tickets of their own, connects them under their keys, lets each add
 * the first of them to his PAL and subscribe to that. Then the first one's
 * status changes, again and again, and everybody answers the NOTIFY. Beside
 * it, in turns within the same run, a bare TCP server sends the same number
 * of bytes to as many sockets, one send(2) per copy, and reads an equal
 * answer per copy; it rests as long between two messages, since whoever
 * sleeps pays for cold caches (PERFORMANCE.md 6).
 *
 * CPU is what the kernel says the server's threads ran (schedstat).
 * usage: presence [WATCHERS...]                    (default 100 1000)
 */

#include <signal.h>
#include <sys/resource.h>

#include "base/loop.h"
#include "crypto/random.h"
#include "db/pal_entry.h"
#include "krb/ticket.h"
#include "net/channel.h"
#include "ua/register.h"

#include "lab.h"

#define ROUNDS	5
#define LOGINS	100
#define ENTRIES 50
#define MANY	10000
#define FEW	10
#define AT_ONCE 16

struct client {
	struct bench *b;
	char name[32], uri[64], instance[33];
	struct ticket ticket;
	struct secret *kc;
	uint32_t keyid;
	int pal;
	int64_t offset;
	struct channel *ch;
	int up;
	unsigned asked, answered; /* its own requests */
	unsigned told; /* NOTIFYs */
};

struct bench {
	struct loop *loop;
	struct addr addr;
	pid_t pid;
	struct client *client; /* the first is watched */
	size_t n;
	size_t registering, refused;
	size_t told; /* by all, in this round */
	size_t copy_size, answer_size;
};

/* --- what a client says --- */

static void
client_answer(struct client *c, const char *status, const char *p, size_t n)
{
	struct buf a = BUF_INIT;

	bench_answer(&a, status, p, n);
	c->b->copy_size = n + RECORD_HEAD + RECORD_TAG;
	c->b->answer_size = buf_len(&a) + RECORD_HEAD + RECORD_TAG;
	channel_send(c->ch, buf_data(&a), buf_len(&a));
	buf_free(&a);
}

static void
client_up(void *arg)
{
	((struct client *)arg)->up = 1;
}

static void
client_message(void *arg, uint8_t *p, size_t n)
{
	struct client *c = arg;

	if (n > 7 && memcmp(p, "NOTIFY ", 7) == 0) {
		client_answer(c, "200 OK", (const char *)p, n);
		c->told++;
		c->b->told++;
	} else if (n > 12 && memcmp(p, "SIP/2.0 ", 8) == 0) {
		if (p[8] != '2')
			die(1, "%s: %.*s", c->name, (int)(n < 400 ? n : 400),
			    (const char *)p);
		c->answered++;
	} else if (n > 10 && memcmp(p, "SUBSCRIBE ", 10) == 0)
		/* Fig. 10, 1008: it would add to the CPU now and then. */
		client_answer(c, "405 Method Not Allowed", (const char *)p, n);
}

static void
client_closed(void *arg, int err)
{
	die(1, "%s lost its connection: %s", ((struct client *)arg)->name,
	    sec_strerror(err));
}

static const struct channel_ops client_ops = {
	client_up,
	client_message,
	client_closed,
};

static void
client_request(struct client *c, const char *method, const char *to,
    const char *fields, const char *body)
{
	struct buf m = BUF_INIT;

	c->asked++;
	buf_putf(&m,
	    "%s %s SIP/2.0\r\n"
	    "Via: SIP/2.0/TCP %08x.invalid;branch=z9hG4bK%s%x\r\n"
	    "Max-Forwards: 70\r\nFrom: <%s>;tag=b\r\nTo: <%s>\r\n"
	    "Call-ID: %s%x\r\nCSeq: 1 %s\r\nContact: <%s>\r\n"
	    "Event: presence\r\n%sContent-Length: %zu\r\n\r\n%s",
	    method, to, c->keyid, c->name, c->asked, c->uri, to, c->instance,
	    c->asked, method, c->uri, fields, strlen(body), body);
	channel_send(c->ch, buf_data(&m), buf_len(&m));
	buf_free(&m);
}

static void
client_wait(struct client *c)
{
	while (c->answered < c->asked)
		loop_turn(c->b->loop, -1);
}

static void
client_dial(struct client *c)
{
	char principal[80];
	struct hello h;

	snprintf(principal, sizeof principal, "%s@%s", c->name, LAB_REALM);
	memset(&h, 0, sizeof h);
	h.tt = RECORD_CLIENT;
	h.by = (uint16_t)c->pal;
	h.keyid = c->keyid;
	h.to_number = (uint16_t)c->pal;
	if (hello_id_user(&h.from, principal) != 0)
		die(1, "the name is too long");
	hello_id_server(&h.to, (uint16_t)c->pal);
	h.base = c->kc;
	c->up = 0;
	c->ch = channel_dial(c->b->loop, &c->b->addr, &h, c->offset,
	    &client_ops, c);
}

static void
on_registered(void *arg, const struct register_outcome *o)
{
	struct client *c = arg;

	c->b->registering--;
	if (o->err != 0)
		die(1, "%s is refused: %s (%d)", c->name, sec_strerror(o->err),
		    o->status);
	secret_free(c->kc);
	c->kc = o->r->kc;
	o->r->kc = NULL;
	c->keyid = o->r->keyid;
	c->pal = o->r->pal;
	c->offset = o->r->offset;
}

static void
client_register(struct client *c, int64_t expires)
{
	struct register_request q = { .to = c->b->addr,
		.service = buf_data(&c->ticket.service),
		.servicelen = buf_len(&c->ticket.service),
		.domain = LAB_DOMAIN,
		.realm = LAB_REALM,
		.target = LAB_PAL,
		.uri = c->uri,
		.instance = c->instance,
		.expires = expires,
		.media = "text,voice" };
	struct registering *r;

	c->b->registering++;
	if (register_start(&r, c->b->loop, &q, on_registered, c) != 0)
		die(1, "the ticket of %s cannot be used", c->name);
}

/* --- users --- */

static void
make_principals(size_t n)
{
	char cmd[PATH_LEN * 3];
	FILE *f;
	size_t i;

	setenv("KRB5_KDC_PROFILE", lab_path("kdc/kdc.conf"), 1);
	snprintf(cmd, sizeof cmd, "kadmin.local -r %s >%s 2>&1", LAB_REALM,
	    lab_path("kadmin.out"));
	if ((f = popen(cmd, "w")) == NULL)
		die(1, "no kadmin.local");
	for (i = 0; i < n; i++)
		fprintf(f, "addprinc -randkey w%zu\nktadd -q -k %s w%zu\n", i,
		    lab_path("w.keytab"), i);
	if (pclose(f) != 0)
		die(1, "kadmin.local: see %s", lab_path("kadmin.out"));
}

static void
client_make(struct client *c, struct bench *b, size_t i)
{
	struct ticket_request q = { .source = TICKET_KEYTAB,
		.realm = LAB_REALM,
		.service = LAB_PAL };
	char why[512] = "";

	c->b = b;
	snprintf(c->name, sizeof c->name, "w%zu", i);
	snprintf(c->uri, sizeof c->uri, "sip:%s@%s", c->name, LAB_DOMAIN);
	snprintf(c->instance, sizeof c->instance, "%032zx", i + 1);
	q.principal = c->name;
	q.keytab = lab_path("w.keytab");
	if (ticket_get(&q, &c->ticket, why, sizeof why) != 0)
		die(1, "%s", why);
}

/* Registered, connected, with the first of them in the PAL that it has
 * subscribed to. */
static void
clients_begin(struct bench *b, size_t from, size_t to)
{
	struct client *c;
	size_t i;

	for (i = from; i < to; i++) {
		client_make(&b->client[i], b, i);
		client_register(&b->client[i], 86400);
		while (b->registering >= AT_ONCE)
			loop_turn(b->loop, -1);
	}
	while (b->registering > 0)
		loop_turn(b->loop, -1);
	for (i = from; i < to; i++) {
		c = &b->client[i];
		client_dial(c);
		while (!c->up)
			loop_turn(b->loop, -1);
		if (i > 0)
			client_request(c, "SUBSCRIBE", b->client[0].uri,
			    "Expires: 0\r\n"
			    "Content-Type: application/sec-control\r\n",
			    "entry\tattrs=*\n");
		client_request(c, "SUBSCRIBE", c->uri, "Expires: 86400\r\n",
		    "");
		client_wait(c);
	}
}

/* --- fan-out --- */

static void
rest(struct bench *b, int64_t ms)
{
	int64_t until = clock_mono() + ms, left;

	while ((left = until - clock_mono()) > 0)
		loop_turn(b->loop, (int)left);
}

/* How long the PAL manager lets pass between two changes, and some more. */
static int
apart_ms(size_t n)
{
	return (n > 400 ? (int)n / 4 : 100) + 50;
}

static void
publish(struct bench *b, unsigned k)
{
	char body[80];

	snprintf(body, sizeof body, "status\tvalue=%s\tclass=busy\n",
	    k % 2 == 0 ? "lunching" : "thinking");
	client_request(&b->client[0], "PUBLISH", b->client[0].uri,
	    "Content-Type: application/sec-control\r\n", body);
}

/* CPU of sec-pal per NOTIFY, in us. */
static double
measure(struct bench *b, size_t n, int messages, struct samples *last)
{
	static unsigned k;
	int64_t cpu = 0, t;
	int i;

	for (i = 0; i <= messages; i++) {
		rest(b, apart_ms(n));
		if (i == 1) /* the first is the warm-up */
			cpu = bench_cpu(b->pid);
		b->told = 0;
		t = clock_mono_us();
		publish(b, k++);
		while (b->told < n)
			loop_turn(b->loop, -1);
		if (i > 0)
			samples_add(last, clock_mono_us() - t);
		client_wait(&b->client[0]);
	}
	rest(b, 50); /* the answers */
	if (b->told != n)
		die(1, "%zu NOTIFYs for %zu watchers", b->told, n);
	return (double)(bench_cpu(b->pid) - cpu) /
	    ((double)messages * (double)n) / 1000;
}

static void
bench_fanout(struct bench *b, size_t n)
{
	struct bare_result bare[ROUNDS];
	double own[ROUNDS], ratio[ROUNDS];
	struct samples last = SAMPLES_INIT;
	int messages = n >= 1000 ? 10 : 40, i;

	clients_begin(b, b->n, n + 1);
	b->n = n + 1;
	for (i = 0; i < ROUNDS; i++) {
		own[i] = measure(b, n, messages, &last);
		bare[i] = bare_fanout_apart(n, messages, b->copy_size,
		    b->answer_size, apart_ms(n));
		ratio[i] = own[i] / bare[i].cpu_us;
	}
	(void)median(ratio, ROUNDS);
	(void)median(own, ROUNDS);
	printf("bench presence.fanout.%zu %.2f 1.5  ratio (%.2f-%.2f) "
	       "cpu_us/notify %.2f bare %.2f bytes %zu+%zu\n",
	    n, ratio[ROUNDS / 2], ratio[0], ratio[ROUNDS - 1], own[ROUNDS / 2],
	    bare[ROUNDS / 2].cpu_us, b->copy_size, b->answer_size);
	printf("bench presence.last.%zu %.1f 20  ms to the last watcher, p50 "
	       "(p99 %.1f), bare %.1f\n",
	    n, (double)samples_at(&last, 50) / 1000,
	    (double)samples_at(&last, 99) / 1000,
	    (double)bare[ROUNDS / 2].p50_us / 1000);
	fflush(stdout);
	samples_free(&last);
}

/* --- logging in --- */

/* Users FROM.. with a PAL of their neighbours each, straight into pal.db. */
static void
fill(size_t from, size_t to)
{
	struct pal_entry_row e;
	struct pal_user u;
	char why[256];
	struct db *d;
	size_t i, k;

	if (db_open(&d, "pal.db", DB_WRITER, why, sizeof why) != 0)
		die(1, "%s", why);
	memset(&u, 0, sizeof u);
	memset(&e, 0, sizeof e);
	snprintf(e.attrs, sizeof e.attrs, "*");
	e.added = u.created = u.seen = clock_real();
	if (db_begin(d) != 0)
		die(1, "%s", db_why(d));
	for (i = from; i < to; i++) {
		snprintf(u.user, sizeof u.user, "f%zu", i);
		snprintf(e.owner, sizeof e.owner, "f%zu", i);
		if (pal_user_put(d, &u) != 0)
			die(1, "%s", db_why(d));
		for (k = 1; k <= ENTRIES; k++) {
			snprintf(e.uri, sizeof e.uri, "sip:f%zu@%s",
			    (i + k * 7) % MANY, LAB_DOMAIN);
			if (pal_entry_put(d, &e) != 0)
				die(1, "%s", db_why(d));
		}
	}
	if (db_commit(d) != 0)
		die(1, "%s", db_why(d));
	db_close(d);
}

/* The PAL of the one who logs in: of those that are there in both cases. */
static void
fill_own(const struct client *c)
{
	struct pal_entry_row e;
	char why[256];
	struct db *d;
	size_t k;

	if (db_open(&d, "pal.db", DB_WRITER, why, sizeof why) != 0)
		die(1, "%s", why);
	memset(&e, 0, sizeof e);
	snprintf(e.owner, sizeof e.owner, "%s", c->name);
	snprintf(e.attrs, sizeof e.attrs, "*");
	for (k = 0; k < ENTRIES; k++) {
		e.added = (int64_t)k;
		snprintf(e.uri, sizeof e.uri, "sip:f%zu@%s", k, LAB_DOMAIN);
		if (pal_entry_put(d, &e) != 0)
			die(1, "%s", db_why(d));
	}
	db_close(d);
}

/* A new agent: its ticket is there. REGISTER, connection, SUBSCRIBE. */
static int64_t
login(struct client *c, unsigned k)
{
	int64_t t = clock_mono_us();
	struct bench *b = c->b;

	snprintf(c->instance, sizeof c->instance, "%024x%08x", 0xbeef, k);
	client_register(c, 600);
	while (b->registering > 0)
		loop_turn(b->loop, -1);
	client_dial(c);
	while (!c->up)
		loop_turn(b->loop, -1);
	client_request(c, "SUBSCRIBE", c->uri, "Expires: 600\r\n", "");
	client_wait(c);
	t = clock_mono_us() - t;
	channel_free(c->ch);
	c->ch = NULL;
	client_register(c, 0);
	while (b->registering > 0)
		loop_turn(b->loop, -1);
	return t;
}

/* us of the whole login, and of sec-pal's CPU in it (with the log-out). */
static void
logins(struct client *c, struct samples *span, double *cpu_us)
{
	static unsigned k;
	int64_t cpu = bench_cpu(c->b->pid);
	int i;

	samples_reset(span);
	for (i = 0; i < LOGINS; i++)
		samples_add(span, login(c, k++));
	*cpu_us = (double)(bench_cpu(c->b->pid) - cpu) / LOGINS / 1000;
}

static void
bench_login(struct bench *b, size_t i)
{
	struct client *c = &b->client[i];
	struct samples few = SAMPLES_INIT, many = SAMPLES_INIT;
	double cpu_few, cpu_many;

	client_make(c, b, i);
	fill(0, FEW);
	(void)login(c, 1u << 30);
	fill_own(c);
	logins(c, &few, &cpu_few); /* warm up */
	logins(c, &few, &cpu_few);
	fill(FEW, MANY);
	logins(c, &many, &cpu_many);
	logins(c, &many, &cpu_many);
	printf("bench presence.login %.2f 1.2  with %d users of %d entries "
	       "p50_us %lld, with %d %lld; cpu_us %.0f %.0f\n",
	    (double)samples_at(&many, 50) / (double)samples_at(&few, 50), MANY,
	    ENTRIES, (long long)samples_at(&many, 50), FEW,
	    (long long)samples_at(&few, 50), cpu_many, cpu_few);
	fflush(stdout);
	samples_free(&few);
	samples_free(&many);
}

int
main(int argc, char **argv)
{
	static const char *const two[] = { "100", "1000" };
	const char *const *sizes =
	    argc > 1 ? (const char *const *)argv + 1 : two;
	int nsizes = argc > 1 ? argc - 1 : 2, i;
	struct rlimit nofile = { 20000, 20000 };
	size_t most = 0, k;
	struct bench b;

	setrlimit(RLIMIT_NOFILE, &nofile);
	log_open("presence", LOG_L_ERROR);
	signal(SIGPIPE, SIG_IGN);
	crypto_init();
	memset(&b, 0, sizeof b);
	for (i = 0; i < nsizes; i++)
		if (strtoul(sizes[i], NULL, 10) > most)
			most = strtoul(sizes[i], NULL, 10);
	lab_up((const char *const[]) { "alice", NULL });
	b.loop = loop_new();
	b.pid = lab_daemon_pid("pal");
	lab_address("pal", &b.addr);
	make_principals(most + 2);
	if ((b.client = calloc(most + 2, sizeof *b.client)) == NULL)
		die(1, "out of memory");
	bench_login(&b, most + 1);
	for (i = 0; i < nsizes; i++)
		bench_fanout(&b, strtoul(sizes[i], NULL, 10));
	for (k = 0; k < most + 2; k++) {
		channel_free(b.client[k].ch);
		secret_free(b.client[k].kc);
		ticket_free(&b.client[k].ticket);
	}
	free(b.client);
	loop_free(b.loop);
	return 0;
}
