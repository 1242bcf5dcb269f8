/*
 * joins: a thousand members join one conference (Figs 6, 7; goal of the text
 * issue: under 2 s of CPU over all daemons, no N^2 of rosters or ratchets).
 * A lab with 1000 users; this program is the agents of all of them: each is
 * registered, connected to sec-pal and sec-confctl and subscribed to his PAL
 * as an agent is. Then one opens a conference to the realm and the others
 * join: INVITE, 200, ACK, hop key out of the wrap, hello to the text router,
 * SUBSCRIBE to the roster, 200 to every NOTIFY and INFO. A round is over when
 * everybody's roster is complete and nothing has come for a while. Beside it
 * the same with 100 of them, for the cost of one join to be compared.
 *
 * CPU is what the kernel says that the four daemons ran.
 * usage: joins [MEMBERS]                        (default 1000)
 */

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/loop.h"
#include "base/spawn.h"
#include "crypto/random.h"
#include "crypto/wrap.h"
#include "net/channel.h"
#include "sip/dialog.h"
#include "sip/event.h"
#include "sip/offer.h"
#include "sip/stack.h"
#include "ua/register.h"
#include "wire/base64.h"
#include "wire/grant.h"
#include "wire/uri.h"

#include "lab.h"

#define ROUNDS	  3
#define FEW	  100 /* members of the smaller conference */
#define AT_ONCE	  32 /* joins under way */
#define QUIET_MS  300 /* more than a round of NOTIFYs and an epoch */
#define DEADLINE  120000
#define GOAL	  2000 /* ms of CPU */
#define GOAL_FLAT 1.5

enum { TO_PAL, TO_CONFCTL, TO_ROUTER, FLOWS };

struct agent {
	struct bench *b;
	size_t i;
	char uri[URI_MAX], principal[64], instance[33];
	char contact[URI_MAX];
	struct secret *kc;
	uint32_t keyid;
	struct sip_conn *conn[FLOWS];
	/* In the conference of this round. */
	struct dialog dialog, roster;
	uint32_t epoch, q;
	uint64_t conf_id;
	uint64_t version;
	struct secret *hop;
	uint32_t hopid;
	int parts; /* of join: router, subscription */
	uint8_t *seen; /* whose entry has come */
	size_t nseen;
};

struct bench {
	struct loop *loop;
	struct sip_stack *sip;
	struct agent *agent;
	size_t n; /* agents */
	size_t members; /* of this round */
	size_t started, joined, complete, up;
	unsigned round;
	int pal, controller;
	struct addr addr[2];
	pid_t pid[LAB_DAEMONS];
	char conf[URI_MAX];
	int created, ended;
	uint64_t messages; /* that have come in */
	uint64_t notifies, infos;
	struct timer deadline;
};

struct cost {
	double ms, of[LAB_DAEMONS], wall;
	uint64_t notifies, infos;
};

static void
on_deadline(void *arg)
{
	struct bench *b = arg;

	die(1, "stuck: %zu of %zu joined, %zu rosters complete", b->joined,
	    b->members, b->complete);
}

static void
until(struct bench *b, const size_t *what, size_t is)
{
	timer_set(&b->deadline, DEADLINE);
	while (*what < is)
		loop_turn(b->loop, -1);
	timer_cancel(&b->deadline);
}

/* --- connections --- */

static void
dial(struct agent *a, int flow, const struct addr *to, const struct hello *h)
{
	struct sip_peer peer = { .proof = NEED_SERVER, .keyid = h->keyid };

	a->conn[flow] = sip_conn_new(a->b->sip, &peer);
	sip_conn_set_owner(a->conn[flow], a);
	sip_conn_attach(a->conn[flow],
	    channel_dial(a->b->loop, to, h, 0, &sip_channel_ops,
		a->conn[flow]));
}

static void
dial_server(struct agent *a, int flow, int number)
{
	struct hello h;

	memset(&h, 0, sizeof h);
	h.tt = RECORD_CLIENT;
	h.by = (uint16_t)a->b->pal;
	h.keyid = a->keyid;
	h.to_number = (uint16_t)number;
	h.base = a->kc;
	if (hello_id_user(&h.from, a->principal) != 0)
		die(1, "principal");
	hello_id_server(&h.to, (uint16_t)number);
	dial(a, flow, &a->b->addr[flow], &h);
}

static void
dial_router(struct agent *a, const struct addr *to, int number)
{
	struct hello h;

	memset(&h, 0, sizeof h);
	h.tt = RECORD_CLIENT;
	h.by = (uint16_t)a->b->controller;
	h.keyid = a->hopid;
	h.to_number = (uint16_t)number;
	h.base = a->hop;
	hello_id_device(&h.from, a->conf_id, a->q);
	hello_id_server(&h.to, (uint16_t)number);
	dial(a, TO_ROUTER, to, &h);
}

/* Two things follow the 200 of a join. */
static void
joined_part(struct agent *a)
{
	if (++a->parts == 2)
		a->b->joined++;
}

static void
on_up(void *ctx, struct sip_conn *c)
{
	struct bench *b = ctx;
	struct agent *a = sip_conn_owner(c);

	b->up++;
	if (a != NULL && c == a->conn[TO_ROUTER])
		joined_part(a);
}

static void
on_down(void *ctx, struct sip_conn *c, int err)
{
	struct bench *b = ctx;
	struct agent *a = sip_conn_owner(c);

	if (!b->ended)
		die(1, "a connection is lost: %s", sec_strerror(err));
	if (a != NULL && c == a->conn[TO_ROUTER])
		a->conn[TO_ROUTER] = NULL;
}

static const struct sip_stack_ops stack_ops = { on_up, on_down };

/* --- rosters --- */

/* The number after this text, at most n bytes on. */
static uint64_t
number_after(const char *p, size_t n, const char *text)
{
	const char *at = memmem(p, n, text, strlen(text));

	return at != NULL ? strtoull(at + strlen(text), NULL, 10) : 0;
}

/* Every member is entered once; who misses a version would ask again. */
static void
take_roster(struct agent *a, const char *p, size_t n)
{
	static const char entry[] = "entry\tsip:u";
	const char *end = p + n, *nl;
	uint64_t version;
	size_t i;

	if ((nl = memchr(p, '\n', n)) == NULL)
		die(1, "not a document");
	version = number_after(p, (size_t)(nl - p), "version=");
	if (memmem(p, (size_t)(nl - p), "state=partial", 13) != NULL &&
	    version != a->version && version != a->version + 1)
		die(1, "%s missed a version", a->uri);
	a->version = version;
	for (p = nl + 1; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return;
		if ((size_t)(nl - p) < sizeof entry ||
		    memcmp(p, entry, sizeof entry - 1) != 0)
			continue;
		i = strtoul(p + sizeof entry - 1, NULL, 10);
		if (i >= a->b->members || a->seen[i] ||
		    memmem(p, (size_t)(nl - p), "\tstatus=active", 14) == NULL)
			continue;
		a->seen[i] = 1;
		if (++a->nseen == a->b->members)
			a->b->complete++;
	}
}

static void
on_subscribed(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct bench *b = ctx;
	struct agent *a = &b->agent[cookie];

	b->messages++;
	if (answer->status != 200)
		die(1, "SUBSCRIBE: %d", answer->status);
	if (strcmp(answer->to, b->conf) == 0) {
		take_roster(a, answer->body, answer->bodylen);
		joined_part(a);
	} else
		b->up++;
}

static void
subscribe(struct agent *a, const char *event, const char *to)
{
	struct sip_msg m;

	sip_msg_init(&m);
	m.method = "SUBSCRIBE";
	m.uri = m.to = to;
	m.from = a->uri;
	m.contact = a->contact;
	m.event = event;
	m.expires = 3600;
	if (sip_request(a->conn[TO_PAL], &m, 0, on_subscribed, a->b, a->i) == 0)
		die(1, "SUBSCRIBE");
}

static void
on_notify(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct bench *b = ctx;

	b->messages++;
	b->notifies++;
	if (!b->ended && strcmp(req->event, EVENT_CONFERENCE) == 0 &&
	    req->bodylen > 0)
		take_roster(sip_conn_owner(sip_txn_conn(txn)), req->body,
		    req->bodylen);
	sip_answer_status(txn, 200);
}

/* --- keys --- */

static void
take_wrap(struct agent *a, const char *text, size_t n)
{
	struct buf blob = BUF_INIT;
	struct secret *plain;
	struct grant g;
	int64_t time;

	if (base64_decode(&blob, text, n) != 0 ||
	    wrap_open(buf_data(&blob), buf_len(&blob), a->kc, a->uri,
		a->b->conf, &plain, &time) != 0 ||
	    grant_decode(&g, plain) != 0)
		die(1, "a wrap that cannot be opened");
	a->epoch = g.epoch;
	a->q = g.q;
	a->conf_id = g.conf;
	if (g.hop != NULL) {
		secret_free(a->hop);
		a->hop = secret_dup(g.hop);
		a->hopid = g.hopid;
	}
	grant_wipe(&g);
	secret_free(plain);
	buf_free(&blob);
}

static void
on_info(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct bench *b = ctx;
	struct agent *a = sip_conn_owner(sip_txn_conn(txn));

	b->messages++;
	b->infos++;
	a->epoch = (uint32_t)number_after(req->body, req->bodylen, "epoch=");
	sip_answer_status(txn, 200);
}

/* --- joining --- */

static void
on_invited(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct bench *b = ctx;
	struct agent *a = &b->agent[cookie];
	struct sip_msg m;
	struct offer offer;
	struct addr router;

	b->messages++;
	if (answer->status != 200 || answer->conference_key == NULL ||
	    offer_parse(&offer, answer->body, answer->bodylen) != 0 ||
	    offer_addr(&offer, "text", &router) != 0)
		die(1, "INVITE: %d", answer->status);
	sip_msg_init(&m);
	m.from = a->uri;
	m.to = b->conf;
	m.contact = a->contact;
	if (dialog_from_answer(&a->dialog, &m, answer) != 0)
		die(1, "no dialog");
	sip_msg_init(&m);
	dialog_ack(&a->dialog, &m, 1);
	sip_ack(a->conn[TO_CONFCTL], &m);
	take_wrap(a, answer->conference_key, strlen(answer->conference_key));
	subscribe(a, EVENT_CONFERENCE, b->conf);
	dial_router(a, &router, offer_find(&offer, "text")->server);
}

static void
invite(struct agent *a)
{
	struct offer offer = { .host = "127.0.0.1",
		.n = 1,
		.m = { { .medium = "text", .port = 9, .proto = "TCP/SEC" } } };
	struct buf sdp = BUF_INIT;
	struct sip_msg m;

	offer_write(&sdp, &offer);
	sip_msg_init(&m);
	m.method = "INVITE";
	m.uri = m.to = a->b->conf;
	m.from = a->uri;
	m.contact = a->contact;
	m.content_type = OFFER_TYPE;
	m.body = buf_data(&sdp);
	m.bodylen = buf_len(&sdp);
	if (sip_request(a->conn[TO_CONFCTL], &m, 0, on_invited, a->b, a->i) ==
	    0)
		die(1, "INVITE");
	buf_free(&sdp);
}

static void
on_created(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct bench *b = ctx;

	if (answer->status != 302 || strcmp(answer->contact, b->conf) != 0)
		die(1, "INVITE to the factory: %d", answer->status);
	b->started = 1;
	invite(&b->agent[cookie]);
}

static void
create(struct bench *b)
{
	char factory[URI_MAX], name[32], words[96];
	struct sip_msg m;

	snprintf(name, sizeof name, "joins%u", ++b->round);
	uri_conf(b->conf, name, LAB_DOMAIN);
	snprintf(words, sizeof words, "name=%s access=domain media=text", name);
	sip_msg_init(&m);
	m.method = "INVITE";
	m.uri = m.to = uri_factory(factory, LAB_DOMAIN);
	m.from = b->agent[0].uri;
	m.contact = b->agent[0].contact;
	m.conference = words;
	if (sip_request(b->agent[0].conn[TO_CONFCTL], &m, 0, on_created, b,
		0) == 0)
		die(1, "INVITE");
}

/* --- the end of a round --- */

static void
on_bye(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct bench *b = ctx;

	(void)req;
	b->messages++;
	sip_answer_status(txn, 200);
}

static void
on_ended(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	(void)ctx;
	(void)cookie;
	if (answer->status != 200)
		die(1, "PUBLISH: %d", answer->status);
}

static void
settle(struct bench *b)
{
	uint64_t had;
	int64_t t;

	do {
		had = b->messages;
		for (t = clock_mono(); clock_mono() - t < QUIET_MS;)
			loop_turn(b->loop, QUIET_MS);
	} while (b->messages != had);
}

static void
end_round(struct bench *b)
{
	struct agent *a;
	struct sip_msg m;

	b->ended = 1;
	sip_msg_init(&m);
	m.method = "PUBLISH";
	m.uri = m.to = b->conf;
	m.from = b->agent[0].uri;
	m.event = EVENT_CONFERENCE;
	m.content_type = EVENT_LINE_TYPE;
	m.body = "end\n";
	m.bodylen = 4;
	if (sip_request(b->agent[0].conn[TO_CONFCTL], &m, 0, on_ended, b, 0) ==
	    0)
		die(1, "PUBLISH");
	settle(b);
	for (a = b->agent; a < b->agent + b->members; a++) {
		if (a->conn[TO_ROUTER] != NULL)
			sip_conn_close(a->conn[TO_ROUTER], 0);
		a->parts = 0;
		a->nseen = 0;
		a->version = 0;
		memset(a->seen, 0, b->n);
	}
	loop_turn(b->loop, 0);
	b->ended = 0;
}

static struct cost
measure(struct bench *b, size_t members)
{
	struct cost c = { .ms = 0 };
	int64_t cpu[LAB_DAEMONS], t;
	size_t i;

	b->members = members;
	b->joined = b->complete = b->started = 0;
	b->notifies = b->infos = 0;
	timer_set(&b->deadline, DEADLINE);
	for (i = 0; i < LAB_DAEMONS; i++)
		cpu[i] = bench_cpu(b->pid[i]);
	t = clock_mono();
	create(b);
	while (b->joined < members || b->complete < members) {
		while (b->joined > 0 && b->started < members &&
		    b->started - b->joined < AT_ONCE)
			invite(&b->agent[b->started++]);
		loop_turn(b->loop, -1);
	}
	c.wall = (double)(clock_mono() - t);
	settle(b);
	timer_cancel(&b->deadline);
	for (i = 0; i < LAB_DAEMONS; i++) {
		c.of[i] = (double)(bench_cpu(b->pid[i]) - cpu[i]) / 1e6;
		c.ms += c.of[i];
	}
	for (i = 1; i < members; i++)
		if (b->agent[i].epoch != b->agent[0].epoch)
			die(1, "epochs %u and %u", b->agent[i].epoch,
			    b->agent[0].epoch);
	c.notifies = b->notifies;
	c.infos = b->infos;
	end_round(b);
	return c;
}

/* --- a thousand users --- */

static void
make_users(size_t n)
{
	struct buf in = BUF_INIT, out = BUF_INIT, err = BUF_INIT;
	char path[PATH_LEN];
	const char *argv[] = { spawn_find("kadmin.local", path), "-r",
		LAB_REALM, NULL };
	size_t i;

	if (argv[0] == NULL)
		die(1, "no kadmin.local");
	setenv("KRB5_KDC_PROFILE", lab_path("kdc/kdc.conf"), 1);
	for (i = 0; i < n; i++)
		buf_putf(&in, "addprinc -randkey u%zu\nktadd -k %s u%zu\n", i,
		    lab_path("u%zu.keytab", i), i);
	if (spawn_run(argv, buf_data(&in), buf_len(&in), &out, &err) != 0 ||
	    memmem(buf_data(&err), buf_len(&err), "while ", 6) != NULL)
		die(1, "kadmin.local: %s", buf_cstr(&err));
	buf_free(&in);
	buf_free(&out);
	buf_free(&err);
}

static void
on_registered(void *arg, const struct register_outcome *o)
{
	struct agent *a = arg;
	struct bench *b = a->b;

	if (o->err != 0)
		die(1, "refused: %s (%d)", sec_strerror(o->err), o->status);
	a->kc = o->r->kc;
	o->r->kc = NULL;
	a->keyid = o->r->keyid;
	b->pal = o->r->pal;
	b->controller = o->r->controller;
	snprintf(a->contact, sizeof a->contact, "sip:u%zu@%08x.invalid", a->i,
	    a->keyid);
	b->up++;
}

static void
login(struct agent *a)
{
	struct ticket_request q = { .source = TICKET_KEYTAB,
		.principal = a->principal,
		.realm = LAB_REALM,
		.keytab = lab_path("u%zu.keytab", a->i),
		.service = LAB_PAL };
	struct register_request r = { .to = a->b->addr[TO_PAL],
		.domain = LAB_DOMAIN,
		.realm = LAB_REALM,
		.target = LAB_PAL,
		.uri = a->uri,
		.instance = a->instance,
		.expires = 3600,
		.media = "text,voice" };
	struct registering *registering;
	struct ticket t;
	char why[512] = "";
	size_t up = a->b->up;

	if (ticket_get(&q, &t, why, sizeof why) != 0)
		die(1, "%s", why);
	r.service = buf_data(&t.service);
	r.servicelen = buf_len(&t.service);
	if (register_start(&registering, a->b->loop, &r, on_registered, a) != 0)
		die(1, "the ticket cannot be used");
	until(a->b, &a->b->up, up + 1);
	ticket_free(&t);
	dial_server(a, TO_PAL, a->b->pal);
	dial_server(a, TO_CONFCTL, a->b->controller);
	until(a->b, &a->b->up, up + 3);
	subscribe(a, EVENT_PRESENCE, a->uri);
	until(a->b, &a->b->up, up + 4);
}

static void
login_all(struct bench *b, size_t n)
{
	struct agent *a;
	size_t i;

	b->n = n;
	b->agent = calloc(n, sizeof *b->agent);
	if (b->agent == NULL)
		die(1, "out of memory");
	for (i = 0; i < n; i++) {
		a = &b->agent[i];
		a->b = b;
		a->i = i;
		snprintf(a->uri, sizeof a->uri, "sip:u%zu@" LAB_DOMAIN, i);
		snprintf(a->principal, sizeof a->principal, "u%zu@" LAB_REALM,
		    i);
		snprintf(a->instance, sizeof a->instance, "%032zx", i + 1);
		if ((a->seen = calloc(1, n)) == NULL)
			die(1, "out of memory");
		login(a);
	}
	settle(b);
}

/* --- */

static int
cost_less(const void *a, const void *b)
{
	double x = ((const struct cost *)a)->ms;
	double y = ((const struct cost *)b)->ms;

	return (x > y) - (x < y);
}

/* The median round; the others' CPU in spread. */
static struct cost
rounds(struct bench *b, size_t members, double spread[2])
{
	struct cost c[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++)
		c[i] = measure(b, members);
	qsort(c, ROUNDS, sizeof c[0], cost_less);
	spread[0] = c[0].ms;
	spread[1] = c[ROUNDS - 1].ms;
	return c[ROUNDS / 2];
}

int
main(int argc, char **argv)
{
	static const struct sip_method methods[] = {
		{ "NOTIFY", NEED_SERVER, on_notify },
		{ "INFO", NEED_SERVER, on_info },
		{ "BYE", NEED_SERVER, on_bye },
		{ "OPTIONS", NEED_SERVER, on_bye },
		{ NULL, 0, NULL },
	};
	size_t i, n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	size_t few = n < FEW ? n : FEW;
	struct rlimit nofile = { 20000, 20000 };
	double spread[2], spread_few[2];
	struct cost many, c;
	static struct bench b;
	int64_t login_cpu;

	(void)setrlimit(RLIMIT_NOFILE, &nofile);
	log_open("joins", LOG_L_ERROR);
	signal(SIGPIPE, SIG_IGN);
	crypto_init();
	lab_up((const char *const[]) { NULL });
	for (i = 0; i < LAB_DAEMONS; i++)
		b.pid[i] = lab_daemon_pid(lab_names[i]);
	lab_address("pal", &b.addr[TO_PAL]);
	lab_address("confctl", &b.addr[TO_CONFCTL]);
	b.loop = loop_new();
	b.sip = sip_stack_new(b.loop, methods, &stack_ops, &b);
	timer_init(&b.deadline, b.loop, on_deadline, &b);
	make_users(n);
	login_cpu = bench_cpu(b.pid[1]);
	login_all(&b, n);
	login_cpu = bench_cpu(b.pid[1]) - login_cpu;
	(void)measure(&b, few); /* warm up */
	c = rounds(&b, few, spread_few);
	many = rounds(&b, n, spread);
	printf("bench joins.%zu %.2f 1  of %d ms of CPU: cpu_ms %.0f "
	       "(%.0f-%.0f) confctl %.0f pal %.0f mtcu %.0f wall_ms %.0f "
	       "notifies %llu infos %llu login_cpu_ms %.0f\n",
	    n, many.ms / GOAL, GOAL, many.ms, spread[0], spread[1], many.of[0],
	    many.of[1], many.of[2] + many.of[3], many.wall,
	    (unsigned long long)many.notifies, (unsigned long long)many.infos,
	    (double)login_cpu / 1e6);
	printf("bench joins.flat %.2f %.1f  cpu_us/join at %zu %.0f at %zu "
	       "%.0f (%.0f-%.0f)\n",
	    many.ms / (double)n / (c.ms / (double)few), GOAL_FLAT, n,
	    many.ms * 1000 / (double)n, few, c.ms * 1000 / (double)few,
	    spread_few[0] * 1000 / (double)few,
	    spread_few[1] * 1000 / (double)few);
	b.ended = 1;
	for (i = 0; i < n; i++) {
		secret_free(b.agent[i].kc);
		secret_free(b.agent[i].hop);
		free(b.agent[i].seen);
	}
	sip_stack_free(b.sip);
	loop_free(b.loop);
	free(b.agent);
	return 0;
}
