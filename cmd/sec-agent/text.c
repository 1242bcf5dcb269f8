/*
 * The text device of one conference: its connection to the MTCU, what was
 * said and is not echoed yet, what comes in (Fig. 8, SECURITY.md 3.6).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/confkey.h"
#include "sip/event.h"
#include "wire/ids.h"

#define OUT_MAX	   4096 /* texts without an echo */
#define SENT_MS	   10000 /* for the MTCU's 200 */
#define LIFE_MS	   100000 /* T of a text is good for 120 s */
#define NAMES_MS   4000 /* the roster learns who is missing */
#define REFUSED_MS 3000 /* then the controller is asked why */
#define ECHO_MS	   3000 /* after a 200 without an echo */

enum said_state { SAID, ECHOED };

struct said {
	uint64_t seq;
	enum said_state state;
	struct ctl_handle who;
	struct buf plain; /* message plaintext */
	struct buf body; /* as sealed */
	uint32_t epoch; /* that it is sealed under */
	int on_wire; /* its MESSAGE is under way */
	int refused; /* by the router, so that nobody has it */
	int missed;
	int64_t until; /* mono ms */
	TAILQ_ENTRY(said) entry;
};

struct text {
	struct conf_in *c; /* NULL: freed */
	struct flow *flow;
	struct addr to;
	char host[ADDR_STRLEN];
	int server, was_up;
	int64_t refused; /* since, mono ms; 0: it is not */
	struct inbox *inbox;
	size_t nout;
	TAILQ_HEAD(said_list, said) out;
	struct timer hold, tick;
	struct hook bury;
};

/* --- out --- */

static void
said_free(struct text *t, struct said *s)
{
	if (!s->refused && s->seq > t->c->text_last)
		t->c->text_last = s->seq;
	TAILQ_REMOVE(&t->out, s, entry);
	t->nout--;
	buf_free(&s->plain);
	buf_free(&s->body);
	free(s);
}

static void
said_fail(struct text *t, struct said *s, int status, const char *reason)
{
	struct ctl_req r;

	if (ctl_again(t->c->a->ctl, s->who, &r) == 0)
		ctl_error(&r, status, reason);
	said_free(t, s);
}

static void
said_done(struct text *t, struct said *s, const char *names)
{
	struct ctl_req r;
	struct buf *b;

	if (ctl_again(t->c->a->ctl, s->who, &r) == 0) {
		b = ctl_ok_begin(&r);
		line_put_u64(b, "seq", s->seq);
		line_putf(b, "missed", "%d", s->missed);
		if (names != NULL && *names != '\0')
			line_put(b, "names", names);
		ctl_end(&r);
	}
	said_free(t, s);
}

/* Others whom the roster shows as unreachable, a,b; how many. */
static int
unreachable(struct text *t, struct buf *names)
{
	const char *own = t->c->a->uri, *p;
	struct buf all = BUF_INIT;
	size_t len;
	int n = 0;

	conf_list(t->c, "unreachable", &all);
	for (p = buf_cstr(&all); *p != '\0'; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		if (len == strlen(own) && memcmp(p, own, len) == 0)
			continue;
		buf_putf(names, "%s%.*s", n++ > 0 ? "," : "", (int)len, p);
	}
	buf_free(&all);
	return n;
}

/* The own echo is there. Who is missing, the roster says in a moment. */
static void
said_echoed(struct text *t, struct said *s, int missed, int late)
{
	struct buf names = BUF_INIT;
	int n = 0;

	if (s->state != ECHOED) {
		s->state = ECHOED;
		s->missed = missed < 0 ? 0 : missed;
		s->until = clock_mono() + NAMES_MS;
	}
	if (s->missed > 0)
		n = unreachable(t, &names);
	if (late || n >= s->missed)
		said_done(t, s, buf_cstr(&names));
	buf_free(&names);
}

static struct said *
said_find(struct text *t, uint64_t seq)
{
	struct said *s;

	TAILQ_FOREACH(s, &t->out, entry)
		if (s->seq == seq)
			return s;
	return NULL;
}

static void
on_sent(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct text *t = ctx;
	struct said *s;

	if (t->c == NULL || answer->status / 100 == 1 ||
	    (s = said_find(t, cookie)) == NULL)
		return;
	s->on_wire = 0;
	if (s->state == ECHOED)
		return;
	if (answer->status / 100 == 2) {
		/* Sent after the echo, which waits for a key or the roster. */
		s->missed = answer->missed;
		s->until = clock_mono() + ECHO_MS;
	} else if (answer->status == 408) {
		flow_kick(t->flow, 1);
	} else if (answer->status != 503 || flow_conn(t->flow) != NULL) {
		s->refused = 1;
		said_fail(t, s, answer->status,
		    answer->status == 403 ? "you may not speak here" : NULL);
	}
}

/* The same bytes again in the same epoch, sealed anew in a newer one: no
 * nonce ever seals two texts. */
static void
said_seal(struct text *t, struct said *s)
{
	struct conf_in *c = t->c;
	uint32_t epoch = keyring_epoch(c->keys);

	if (s->epoch == epoch && buf_len(&s->body) > 0)
		return;
	buf_reset(&s->body);
	s->epoch = epoch;
	text_seal(&s->body, keyring_text(c->keys), c->id, epoch, c->q, s->seq,
	    buf_data(&s->plain), buf_len(&s->plain), session_now(c->a));
}

static void
said_send(struct text *t, struct said *s)
{
	struct conf_in *c = t->c;
	struct sip_msg m;

	if (s->on_wire || flow_conn(t->flow) == NULL)
		return;
	said_seal(t, s);
	sip_msg_init(&m);
	m.method = "MESSAGE";
	m.uri = m.to = c->uri;
	m.from = c->a->uri;
	m.content_type = EVENT_TEXT_TYPE;
	m.body = buf_data(&s->body);
	m.bodylen = buf_len(&s->body);
	s->on_wire =
	    flow_request(t->flow, &m, SENT_MS, on_sent, t, s->seq) != 0;
}

static void
on_tick(void *arg)
{
	struct text *t = arg;
	struct said *s, *next;
	int64_t now = clock_mono();

	for (s = TAILQ_FIRST(&t->out); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (now < s->until)
			continue;
		if (s->state == ECHOED || s->missed >= 0)
			said_echoed(t, s, s->missed, 1);
		else
			said_fail(t, s, 504, "no receipt came");
	}
	if (!TAILQ_EMPTY(&t->out))
		timer_set(&t->tick, 500);
}

/* Numbers in a row, up to now, of texts that were refused: the next text tells
 * the others not to miss them. */
static uint32_t
skipped(const struct text *t)
{
	const struct said *s = TAILQ_LAST(&t->out, said_list);
	uint64_t last = t->c->text_last;

	if (s != NULL && s->seq > last)
		last = s->seq;
	return (uint32_t)(t->c->text_seq - last);
}

void
text_say(struct text *t, struct ctl_req *r, const char *text, uint32_t to)
{
	struct message m = { .type = MESSAGE_TEXT,
		.to = to,
		.text = text,
		.n = strlen(text),
		.skipped = skipped(t) };
	struct said *s;
	const char *why = conf_silenced(t->c);
	int e;

	/* The router would refuse it. */
	if (why != NULL) {
		ctl_error(r, 403, why);
		return;
	}
	if (t->nout >= OUT_MAX || keyring_text(t->c->keys) == NULL) {
		ctl_error(r, 503, "too many texts wait for their receipts");
		return;
	}
	s = agent_alloc(sizeof(*s));
	if ((e = message_encode(&s->plain, &m)) != 0) {
		ctl_error(r, 400,
		    e == SEC_ERR_LIMIT ? "the text is longer than 16 KiB" :
					 "the text is no UTF-8");
		buf_free(&s->plain);
		free(s);
		return;
	}
	/* For the life of q, however often text comes and goes. */
	s->seq = ++t->c->text_seq;
	s->who = ctl_keep(r);
	s->missed = -1;
	s->until = clock_mono() + LIFE_MS;
	TAILQ_INSERT_TAIL(&t->out, s, entry);
	t->nout++;
	if (!timer_is_set(&t->tick))
		timer_set(&t->tick, 500);
	said_send(t, s);
}

/* --- in --- */

void
text_put(struct buf *b, const char *p, size_t n)
{
	struct buf v = BUF_INIT;
	size_t i;

	/* NUL is UTF-8, but no line can carry it. */
	for (i = 0; i < n; i++)
		if (p[i] == '\0')
			buf_put_str(&v, "\xef\xbf\xbd");
		else
			buf_put_u8(&v, (uint8_t)p[i]);
	line_put(b, "text", buf_cstr(&v));
	buf_free(&v);
}

static void
put_line_number(struct buf *b, int64_t line)
{
	if (line >= 0)
		line_put_u64(b, "line", (uint64_t)line);
}

/* A text as a row for listeners and as an event. clear: it came unsealed. */
static void
show_text(struct text *t, const struct inbox_item *i, int64_t at, int clear)
{
	const char *author = i->author, *p = i->m.text;
	size_t n = i->m.n;
	uint32_t q = i->q, to = i->m.to;
	struct conf_in *c = t->c;
	const char *to_user = to != 0 ? conf_user(c, to) : NULL;
	char number[Q_STRLEN];
	struct listener *l;
	struct ctl_req r;
	struct buf *b;

	TAILQ_FOREACH(l, &c->listeners, entry) {
		if (ctl_again(c->a->ctl, l->who, &r) != 0)
			continue;
		b = ctl_row(&r);
		line_put(b, "what", "text");
		line_put(b, "user", author);
		line_put(b, "q", q_format(q, number));
		text_put(b, p, n);
		line_putf(b, "at", "%lld", (long long)at);
		line_put(b, "to", to_user);
		put_line_number(b, i->line);
		line_put(b, "verified", i->verified ? NULL : "0");
		line_put(b, "clear", clear ? "1" : NULL);
		ctl_end(&r);
	}
	b = event_begin(c->a, "text");
	line_put(b, "conf", c->uri);
	line_put(b, "user", author);
	text_put(b, p, n);
	line_put(b, "to", to_user);
	put_line_number(b, i->line);
	line_put(b, "verified", i->verified ? NULL : "0");
	line_put(b, "clear", clear ? "1" : NULL);
	event_end(c->a);
	voice_addressed(c, author, p, n, to);
}

static void
show_gap(struct text *t, const struct inbox_item *i)
{
	char why[80];

	if (i->q == t->c->q)
		return; /* our own: the sender was told */
	log_warn("text.gap", "conf=%s q=%u.%u missing=%llu", t->c->name,
	    (unsigned)q_server(i->q), (unsigned)(i->q & 0xffffff),
	    (unsigned long long)i->missing);
	snprintf(why, sizeof(why), "%llu message%s missing",
	    (unsigned long long)i->missing, i->missing == 1 ? "" : "s");
	conf_notice(t->c, "gap", i->author, why);
}

static void
on_show(void *ctx, const struct inbox_item *i)
{
	struct text *t = ctx;
	struct said *s;

	switch (i->kind) {
	case INBOX_GAP: show_gap(t, i); return;
	case INBOX_FALSE:
		log_warn("text.false", "conf=%s author=%s", t->c->name,
		    log_quote(i->author));
		conf_notice(t->c, "gap", i->author,
		    "a message under a false name was dropped");
		return;
	case INBOX_TEXT: break;
	}
	show_text(t, i, i->time - t->c->a->session.offset, 0);
	if (i->q == t->c->q && (s = said_find(t, i->seq)) != NULL)
		said_echoed(t, s, i->missed, 0);
}

static const char *
on_user(void *ctx, uint32_t q)
{
	struct text *t = ctx;

	return conf_user(t->c, q);
}

/* Only now the router hears that we have it. What is sent first in a turn
 * goes first: those who listen have the text before. */
static void
on_done(void *ctx, uint64_t number, int was_read)
{
	struct text *t = ctx;
	struct sip_txn *txn = sip_txn_find(flow_stack(t->flow), number);

	if (txn != NULL)
		sip_answer_status(txn, was_read ? 200 : 493);
}

static const struct inbox_ops inbox_ops = { on_user, on_show, on_done };

static void
wait_for(struct text *t, int wants)
{
	int64_t ms;

	conf_want(t->c, wants);
	ms = inbox_wait(t->inbox, session_now(t->c->a));
	if (ms >= 0)
		timer_set(&t->hold, ms + 1);
	else
		timer_cancel(&t->hold);
}

static void
on_hold(void *arg)
{
	struct text *t = arg;

	wait_for(t, inbox_run(t->inbox, session_now(t->c->a)));
}

void
text_news(struct text *t)
{
	struct said *s, *next;

	if (t == NULL)
		return;
	wait_for(t, inbox_run(t->inbox, session_now(t->c->a)));
	for (s = TAILQ_FIRST(&t->out); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->state == ECHOED)
			said_echoed(t, s, s->missed, 0);
	}
}

static void
on_message(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct text *t = flow_arg(ctx);
	struct uri u;
	uint32_t q;
	int wants = 0;

	if (t == NULL || t->c == NULL) {
		sip_answer_status(txn, 481);
		return;
	}
	if (req->author == NULL || req->author_q == NULL ||
	    req->content_type == NULL || q_parse(&q, req->author_q) != 0 ||
	    uri_parse(&u, req->author, t->c->a->conf.domain) != 0) {
		sip_answer_status(txn, 400);
		return;
	}
	if (text_equal_nocase(req->content_type, "text/plain")) {
		if (t->c->a->conf.plain &&
		    text_is_utf8(req->body, req->bodylen))
			show_text(t,
			    &(struct inbox_item) { .q = q,
				.author = u.full,
				.verified = 1,
				.line = -1,
				.m = { .text = req->body, .n = req->bodylen } },
			    clock_real(), 1);
		sip_answer_status(txn, 200);
		return;
	}
	if (!text_equal_nocase(req->content_type, EVENT_TEXT_TYPE)) {
		sip_answer_status(txn, 415);
		return;
	}
	wants = inbox_put_letter(t->inbox,
	    &(struct inbox_letter) { .author = u.full,
		.q = q,
		.missed = req->missed,
		.line = req->line,
		.body = req->body,
		.n = req->bodylen,
		.number = sip_txn_id(txn) },
	    session_now(t->c->a));
	if (wants < 0) {
		/* Too many are told as a gap, and not one by one. */
		if (wants != SEC_ERR_LIMIT)
			log_warn("text.bad", "conf=%s author=%s reason=%s",
			    t->c->name, log_quote(u.full),
			    log_quote(sec_strerror(wants)));
		sip_answer_status(txn, wants == SEC_ERR_LIMIT ? 480 : 400);
	}
	wait_for(t, wants < 0 ? 0 : wants);
}

/* --- the connection --- */

static const struct sip_method methods[] = {
	{ "MESSAGE", NEED_SERVER, on_message },
	{ NULL, 0, NULL },
};

static int
on_target(void *arg, struct flow_target *t)
{
	struct text *x = arg;
	struct conf_in *c = x->c;
	struct session *s = &c->a->session;

	t->to = x->to;
	t->plain = c->a->conf.plain;
	t->offset = s->offset;
	if (t->plain)
		return 0;
	if (c->hop == NULL || s->controller_number == 0 || x->server == 0)
		return SEC_ERR_NOTHING;
	t->hello.tt = RECORD_CLIENT;
	t->hello.by = (uint16_t)s->controller_number;
	t->hello.keyid = c->hopid;
	t->hello.to_number = (uint16_t)x->server;
	t->hello.base = c->hop;
	hello_id_device(&t->hello.from, c->id, c->q);
	hello_id_server(&t->hello.to, (uint16_t)x->server);
	return 0;
}

/* Plain mode: the MTCU asks which device speaks. */
static void
on_greet(void *arg, struct sip_msg *m)
{
	static char uri[URI_MAX + Q_STRLEN + 4];
	struct text *t = arg;
	char q[Q_STRLEN];

	snprintf(uri, sizeof(uri), "%s;q=%s", t->c->uri, q_format(t->c->q, q));
	m->uri = uri;
	m->to = t->c->uri;
	m->from = t->c->a->uri;
}

static void
service(struct text *t, const char *event)
{
	struct buf *b;

	b = event_begin(t->c->a, event);
	line_put(b, "service", "mtcu");
	line_put(b, "host", t->host);
	line_put(b, "conf", t->c->uri);
	event_end(t->c->a);
}

static void
on_up(void *arg)
{
	struct text *t = arg;
	struct said *s, *next;

	log_info("text.up", "conf=%s host=%s", t->c->name, t->host);
	if (t->was_up) {
		service(t, "svc.up");
		conf_notice(t->c, "back", NULL, t->host);
	}
	t->was_up = 1;
	t->refused = 0;
	for (s = TAILQ_FIRST(&t->out); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		s->on_wire = 0;
		if (s->state == SAID)
			said_send(t, s);
	}
	conf_check_open(t->c);
	change_check(t->c);
}

static void
on_down(void *arg, int err)
{
	struct text *t = arg;

	log_info("text.down", "conf=%s host=%s reason=%s", t->c->name, t->host,
	    log_quote(sec_strerror(err)));
	if (err == SEC_ERR_SUBKEY) {
		/* Restarted, not dealt yet; or we are no member any more,
		 * and nobody could tell us. */
		if (t->refused == 0)
			t->refused = clock_mono();
		else if (clock_mono() - t->refused > REFUSED_MS) {
			t->refused = 0;
			conf_ask_grant(t->c);
		}
		return;
	}
	service(t, "svc.down");
	conf_notice(t->c, "lost", NULL, t->host);
}

static const struct flow_ops flow_ops = { on_target, on_greet, on_up, on_down };

int
text_is_up(const struct text *t)
{
	return flow_conn(t->flow) != NULL;
}

void
text_rekey(struct text *t)
{
	flow_kick(t->flow, 1);
}

void
text_move(struct text *t, const struct addr *mtcu, int server)
{
	if (addr_equal(&t->to, mtcu) && t->server == server)
		return;
	t->to = *mtcu;
	t->server = server;
	addr_format(mtcu, t->host);
	log_info("text.move", "conf=%s host=%s server=%d", t->c->name, t->host,
	    server);
	flow_kick(t->flow, 1);
}

static void
on_bury(void *arg)
{
	free(arg);
}

struct text *
text_new(struct conf_in *c, const struct addr *mtcu, int server)
{
	struct text *t = agent_alloc(sizeof(*t));
	struct agent *a = c->a;

	t->c = c;
	t->to = *mtcu;
	t->server = server;
	addr_format(mtcu, t->host);
	TAILQ_INIT(&t->out);
	timer_init(&t->hold, a->loop, on_hold, t);
	timer_init(&t->tick, a->loop, on_tick, t);
	hook_init(&t->bury, a->loop, on_bury, t);
	t->inbox = inbox_new(c->q, c->keys, &inbox_ops, t);
	if (c->returned)
		inbox_returned(t->inbox);
	t->flow = flow_new(a->loop, methods, &flow_ops, t);
	flow_kick(t->flow, 0);
	return t;
}

void
text_free(struct text *t)
{
	if (t == NULL)
		return;
	while (!TAILQ_EMPTY(&t->out))
		said_fail(t, TAILQ_FIRST(&t->out), 404,
		    "the conference is over");
	t->c = NULL;
	timer_cancel(&t->hold);
	timer_cancel(&t->tick);
	inbox_free(t->inbox); /* what it held is not read */
	t->inbox = NULL;
	/* The flow goes first at the end of the turn, then this. */
	flow_free(t->flow);
	hook_arm(&t->bury);
}
