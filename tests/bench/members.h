#ifndef BENCH_MEMBERS_H
#define BENCH_MEMBERS_H

/*
 * The agents of many users of a lab, in one process: each is registered,
 * connected to sec-pal and sec-confctl and subscribed to his PAL as an agent
 * is. The first of them makes a conference that is open to the realm, and
 * they join it: INVITE, 200, ACK, hop key out of the wrap, hello to the text
 * router, SUBSCRIBE to the roster, 200 to every NOTIFY and INFO, whose keys
 * they open. One file, since each benchmark is one program.
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
#include "wire/record.h"
#include "wire/uri.h"

#include "lab.h"

#define AT_ONCE	 32 /* joins under way */
#define QUIET_MS 300 /* more than a round of NOTIFYs and an epoch */
#define DEADLINE 120000

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
	int out; /* is removed */
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
	size_t keyed, ordered; /* who opened a new key; answers */
	unsigned round;
	int pal, controller;
	struct addr addr[2];
	pid_t pid[LAB_DAEMONS];
	char conf[URI_MAX];
	int created, ended;
	uint64_t messages; /* that have come in */
	uint64_t notifies, infos;
	size_t copy, answer; /* bytes of an INFO with a key, of its 200 */
	struct timer deadline;
};

static inline void
on_deadline(void *arg)
{
	struct bench *b = arg;

	die(1, "stuck: %zu of %zu joined, %zu rosters complete", b->joined,
	    b->members, b->complete);
}

static inline void
until(struct bench *b, const size_t *what, size_t is)
{
	timer_set(&b->deadline, DEADLINE);
	while (*what < is)
		loop_turn(b->loop, -1);
	timer_cancel(&b->deadline);
}

/* --- connections --- */

static inline void
dial(struct agent *a, int flow, const struct addr *to, const struct hello *h)
{
	struct sip_peer peer = { .proof = NEED_SERVER, .keyid = h->keyid };

	a->conn[flow] = sip_conn_new(a->b->sip, &peer);
	sip_conn_set_owner(a->conn[flow], a);
	sip_conn_attach(a->conn[flow],
	    channel_dial(a->b->loop, to, h, 0, &sip_channel_ops,
		a->conn[flow]));
}

static inline void
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

static inline void
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
static inline void
joined_part(struct agent *a)
{
	if (++a->parts == 2)
		a->b->joined++;
}

static inline void
on_up(void *ctx, struct sip_conn *c)
{
	struct bench *b = ctx;
	struct agent *a = sip_conn_owner(c);

	b->up++;
	if (a != NULL && c == a->conn[TO_ROUTER])
		joined_part(a);
}

static inline void
on_down(void *ctx, struct sip_conn *c, int err)
{
	struct bench *b = ctx;
	struct agent *a = sip_conn_owner(c);

	if (!b->ended && (a == NULL || !a->out))
		die(1, "a connection is lost: %s", sec_strerror(err));
	if (a != NULL && c == a->conn[TO_ROUTER])
		a->conn[TO_ROUTER] = NULL;
}

static const struct sip_stack_ops stack_ops = { on_up, on_down };

/* --- rosters --- */

/* The number after this text, at most n bytes on. */
static inline uint64_t
number_after(const char *p, size_t n, const char *text)
{
	const char *at = memmem(p, n, text, strlen(text));

	return at != NULL ? strtoull(at + strlen(text), NULL, 10) : 0;
}

/* Every member is entered once; who misses a version would ask again. */
static inline void
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

static inline void
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

static inline void
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

static inline void
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

static inline void
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

static inline void
take_size(struct bench *b, const struct sip_msg *req)
{
	struct buf m = BUF_INIT, answer = BUF_INIT;

	sip_msg_write(&m, req);
	bench_answer(&answer, "200 OK", (const char *)buf_data(&m),
	    buf_len(&m));
	b->copy = buf_len(&m) + RECORD_HEAD + RECORD_TAG;
	b->answer = buf_len(&answer) + RECORD_HEAD + RECORD_TAG;
	buf_free(&m);
	buf_free(&answer);
}

static inline void
on_info(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	static const char key[] = "\tkey=";
	struct bench *b = ctx;
	struct agent *a = sip_conn_owner(sip_txn_conn(txn));
	const char *at, *end;

	b->messages++;
	b->infos++;
	at = memmem(req->body, req->bodylen, key, sizeof key - 1);
	if (at == NULL)
		a->epoch =
		    (uint32_t)number_after(req->body, req->bodylen, "epoch=");
	else {
		at += sizeof key - 1;
		for (end = at; *end != '\t' && *end != '\n';)
			end++;
		take_wrap(a, at, (size_t)(end - at));
		b->keyed++;
		if (b->copy == 0)
			take_size(b, req);
	}
	sip_answer_status(txn, 200);
}

/* --- joining --- */

static inline void
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

static inline void
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

static inline void
on_created(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct bench *b = ctx;

	if (answer->status != 302 || strcmp(answer->contact, b->conf) != 0)
		die(1, "INVITE to the factory: %d", answer->status);
	b->started = 1;
	invite(&b->agent[cookie]);
}

static inline void
create(struct bench *b)
{
	char factory[URI_MAX], name[32], words[96];
	struct sip_msg m;

	snprintf(name, sizeof name, "bench%u", ++b->round);
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

static inline void
on_bye(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct bench *b = ctx;

	(void)req;
	b->messages++;
	sip_answer_status(txn, 200);
}

static inline void
on_ordered(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct bench *b = ctx;

	(void)cookie;
	if (answer->status != 200)
		die(1, "PUBLISH: %d", answer->status);
	b->ordered++;
}

static inline void
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

/* The first of them asks: a line to the conference. */
static inline void
order(struct bench *b, const char *line)
{
	struct sip_msg m;

	sip_msg_init(&m);
	m.method = "PUBLISH";
	m.uri = m.to = b->conf;
	m.from = b->agent[0].uri;
	m.event = EVENT_CONFERENCE;
	m.content_type = EVENT_LINE_TYPE;
	m.body = line;
	m.bodylen = strlen(line);
	if (sip_request(b->agent[0].conn[TO_CONFCTL], &m, 0, on_ordered, b,
		0) == 0)
		die(1, "PUBLISH");
}

static inline void
end_round(struct bench *b)
{
	struct agent *a;

	b->ended = 1;
	order(b, "end\n");
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

/* --- a thousand users --- */

static inline void
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

static inline void
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

static inline void
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

static inline void
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

/* All of them join a new conference, and each knows all. */
static inline void
join_all(struct bench *b, size_t members)
{
	b->members = members;
	b->joined = b->complete = b->started = 0;
	timer_set(&b->deadline, DEADLINE);
	create(b);
	while (b->joined < members || b->complete < members) {
		while (b->joined > 0 && b->started < members &&
		    b->started - b->joined < AT_ONCE)
			invite(&b->agent[b->started++]);
		loop_turn(b->loop, -1);
	}
}

/* A lab, and agents for so many users. */
static inline void
members_open(struct bench *b, const char *name, size_t n)
{
	static const struct sip_method methods[] = {
		{ "NOTIFY", NEED_SERVER, on_notify },
		{ "INFO", NEED_SERVER, on_info },
		{ "BYE", NEED_SERVER, on_bye },
		{ "OPTIONS", NEED_SERVER, on_bye },
		{ NULL, 0, NULL },
	};
	struct rlimit nofile = { 20000, 20000 };
	size_t i;

	(void)setrlimit(RLIMIT_NOFILE, &nofile);
	log_open(name, LOG_L_ERROR);
	signal(SIGPIPE, SIG_IGN);
	crypto_init();
	lab_up((const char *const[]) { NULL });
	for (i = 0; i < LAB_DAEMONS; i++)
		b->pid[i] = lab_daemon_pid(lab_names[i]);
	lab_address("pal", &b->addr[TO_PAL]);
	lab_address("confctl", &b->addr[TO_CONFCTL]);
	b->loop = loop_new();
	b->sip = sip_stack_new(b->loop, methods, &stack_ops, b);
	timer_init(&b->deadline, b->loop, on_deadline, b);
	make_users(n);
	login_all(b, n);
}

static inline void
members_close(struct bench *b)
{
	size_t i;

	b->ended = 1;
	for (i = 0; i < b->n; i++) {
		secret_free(b->agent[i].kc);
		secret_free(b->agent[i].hop);
		free(b->agent[i].seen);
	}
	sip_stack_free(b->sip);
	loop_free(b->loop);
	free(b->agent);
}

#endif
