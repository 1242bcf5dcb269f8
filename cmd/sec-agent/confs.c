/*
 * The conferences that I am in: the membership dialog, keys, roster, and
 * who uses them.
 *
 *	JOINING  INVITE sent, or waiting for the controller
 *	OPENING  200 (or ACK) taken: text device connects, roster is fetched
 *	OPEN     both are there; who waited for the join is answered
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/suite.h"
#include "crypto/wrap.h"
#include "sip/event.h"
#include "sip/offer.h"
#include "wire/base64.h"
#include "wire/grant.h"
#include "wire/ids.h"

#define OPEN_MS   12000                /* from the 200 to OPEN */
#define ASK_MS    1000                 /* between two PUBLISHs of `grant` */
#define LONG_AWAY 25000                /* grace may be over */
#define TEXT_PORT 9                    /* we dial; nothing listens there */

/* --- finding them --- */

struct conf_in *
conf_find(struct agent *a, const char *uri)
{
	return map_get_str(a->confs, uri);
}

struct conf_in *
conf_of(struct agent *a, uint64_t number)
{
	return map_get_u64(a->conf_numbers, number);
}

struct conf_in *
conf_next(struct agent *a, size_t *i)
{
	return map_next(a->confs, i);
}

size_t
confs_count(const struct agent *a)
{
	size_t i = 0, n = 0;
	struct conf_in *c;

	while ((c = map_next(a->confs, &i)) != NULL)
		n += c->state == CONF_OPEN;
	return n;
}

static struct conf_in *
conf_of_dialog(struct agent *a, const struct sip_msg *req, int *err)
{
	struct conf_in *c;
	size_t i = 0;

	while ((c = conf_next(a, &i)) != NULL) {
		if (c->dialog.call_id[0] == '\0')
			continue;
		*err = dialog_check(&c->dialog, req);
		if (*err != SEC_ERR_NOTHING)
			return c;
	}
	return NULL;
}

/* --- the roster --- */

const char *
conf_user(struct conf_in *c, uint32_t q)
{
	if (q == c->q)
		return c->a->uri;
	return map_get_u64(c->by_q, q);
}

/* Each attribute q holds one, or several with commas. */
static void
learn_q(struct conf_in *c, const struct pal_entry *e)
{
	const char *s;
	char one[Q_STRLEN], *old;
	uint32_t q;
	size_t i, n;

	for (i = 0; i < e->n; i++) {
		if (strcmp(e->attr[i].name, "q") != 0)
			continue;
		for (s = e->attr[i].value; *s != '\0'; s += n + (s[n] == ',')) {
			n = strcspn(s, ",");
			if (n >= sizeof(one))
				continue;
			memcpy(one, s, n);
			one[n] = '\0';
			if (q_parse(&q, one) != 0)
				continue;
			/* q is never given twice: what is known stays. */
			if (map_get_u64(c->by_q, q) != NULL)
				continue;
			if ((old = strdup(e->uri)) != NULL)
				(void)map_put_u64(c->by_q, q, old);
		}
	}
}

uint32_t
conf_q_of(struct conf_in *c, const char *uri)
{
	const struct pal_entry *e = mirror_find(c->roster, uri);
	const char *s = e != NULL ? pal_entry_attr(e, "q") : NULL;
	char one[Q_STRLEN];
	uint32_t q;
	size_t n;

	if (s == NULL || (n = strcspn(s, ",")) >= sizeof(one))
		return 0;
	memcpy(one, s, n);
	one[n] = '\0';
	return q_parse(&q, one) == 0 ? q : 0;
}

static const char *
status_of(const struct pal_entry *e)
{
	const char *s = e != NULL ? pal_entry_attr(e, "status") : NULL;

	return s != NULL ? s : "left";
}

static int
is_in(const char *status)
{
	return strcmp(status, "left") != 0 && strcmp(status, "invited") != 0;
}

static void
conf_event(struct conf_in *c, const char *event, const char *user,
    const char *status)
{
	struct buf *b;

	b = event_begin(c->a, event);
	line_put(b, "conf", c->uri);
	line_put(b, "user", user);
	line_put(b, "status", status);
	event_end(c->a);
}

/* A row of the roster has changed: events, and lines for listeners. */
static void
on_member(void *ctx, const struct pal_entry *was, const struct pal_entry *is)
{
	struct conf_in *c = ctx;
	const char *from = status_of(was), *to = status_of(is);
	const char *user = is != NULL ? is->uri : was->uri;

	if (is != NULL)
		learn_q(c, is);
	if (strcmp(from, to) == 0)
		return;
	if (!is_in(from) && is_in(to)) {
		conf_event(c, "conf.join", user, to);
		conf_notice(c, "join", user, NULL);
	} else if (is_in(from) && !is_in(to)) {
		conf_event(c, "conf.leave", user, NULL);
		conf_notice(c, "leave", user, NULL);
	} else {
		conf_event(c, "conf.status", user, to);
		if (is_in(to))
			conf_notice(c, "status", user, to);
	}
}

void
conf_doc(struct conf_in *c, const void *p, size_t n)
{
	struct pal_doc d;
	const char *s;
	int r;

	if ((r = pal_doc_decode(&d, p, n)) != 0) {
		log_warn("conf.roster", "conf=%s reason=%s", c->name,
		    log_quote(sec_strerror(r)));
		return;
	}
	r = mirror_apply(c->roster, &d);
	pal_doc_free(&d);
	if (r == SEC_ERR_NOTHING) {
		subscription_fetch(c->sub);
		return;
	}
	if (r != 0)
		return;
	if ((s = mirror_attr(c->roster, "title")) != NULL)
		text_copy(c->title, s, sizeof(c->title));
	if ((s = mirror_attr(c->roster, "media")) != NULL)
		text_copy(c->media, s, sizeof(c->media));
	text_news(c->text);
	conf_check_open(c);
	create_roster(c->a, c);
}

static void
on_roster(void *arg, const void *p, size_t n)
{
	conf_doc(arg, p, n);
}

static void
on_roster_ended(void *arg, int status)
{
	struct conf_in *c = arg;

	log_info("conf.roster", "conf=%s code=%d", c->name, status);
	if (status == 403 || status == 404)
		timer_set(&c->over, 0);
}

static const struct subscription_ops roster_ops = { on_roster,
	on_roster_ended };

size_t
conf_count_in(struct conf_in *c)
{
	const struct pal_entry *e;
	size_t i = 0, n = 0;

	while ((e = mirror_next(c->roster, &i)) != NULL)
		n += (size_t)is_in(status_of(e));
	return n;
}

void
conf_list(struct conf_in *c, const char *status, struct buf *out)
{
	const struct pal_entry *e;
	size_t i = 0;

	while ((e = mirror_next(c->roster, &i)) != NULL) {
		if (status != NULL ? strcmp(status_of(e), status) != 0 :
		    !is_in(status_of(e)))
			continue;
		if (buf_len(out) > 0)
			buf_put_u8(out, ',');
		buf_put_str(out, e->uri);
	}
}

/* --- life of a conf_in --- */

static void on_over(void *arg);
static void on_deadline(void *arg);
static void on_behind(void *arg);

struct conf_in *
conf_new(struct agent *a, const char *uri)
{
	struct conf_in *c = agent_alloc(sizeof(*c));
	struct uri u;

	c->a = a;
	c->number = ++a->next_number;
	text_copy(c->uri, uri, sizeof(c->uri));
	if (uri_parse(&u, uri, a->conf.domain) == 0)
		text_copy(c->name, u.name, sizeof(c->name));
	text_copy(c->media, "text", sizeof(c->media));
	c->state = CONF_JOINING;
	c->roster = mirror_new(on_member, c);
	c->by_q = map_new();
	TAILQ_INIT(&c->holds);
	TAILQ_INIT(&c->waiters);
	TAILQ_INIT(&c->listeners);
	timer_init(&c->deadline, a->loop, on_deadline, c);
	timer_init(&c->behind, a->loop, on_behind, c);
	timer_init(&c->over, a->loop, on_over, c);
	(void)map_put_str(a->confs, c->uri, c);
	(void)map_put_u64(a->conf_numbers, c->number, c);
	return c;
}

static void
conf_free(struct conf_in *c)
{
	struct listener *l;
	struct waiter *w;
	struct hold *h;
	size_t i = 0;
	char *s;

	(void)map_del_str(c->a->confs, c->uri);
	(void)map_del_u64(c->a->conf_numbers, c->number);
	timer_cancel(&c->deadline);
	timer_cancel(&c->behind);
	timer_cancel(&c->over);
	while ((h = TAILQ_FIRST(&c->holds)) != NULL) {
		TAILQ_REMOVE(&c->holds, h, entry);
		free(h);
	}
	while ((w = TAILQ_FIRST(&c->waiters)) != NULL) {
		TAILQ_REMOVE(&c->waiters, w, entry);
		free(w);
	}
	while ((l = TAILQ_FIRST(&c->listeners)) != NULL) {
		TAILQ_REMOVE(&c->listeners, l, entry);
		free(l);
	}
	text_free(c->text);
	subscription_free(c->sub);
	mirror_free(c->roster);
	while ((s = map_next(c->by_q, &i)) != NULL)
		free(s);
	map_free(c->by_q);
	keyring_free(c->keys);
	secret_free(c->hop);
	free(c);
}

void
conf_wait(struct conf_in *c, const struct waiter *w)
{
	struct waiter *n = agent_alloc(sizeof(*n));

	*n = *w;
	TAILQ_INSERT_TAIL(&c->waiters, n, entry);
}

static void
answer_waiter(struct conf_in *c, const struct waiter *w)
{
	struct agent *a = c->a;
	struct ctl_req r;
	struct buf *b;

	if (w->create != 0) {
		create_joined(a, w->create, c, 200, NULL);
		return;
	}
	if (ctl_again(a->ctl, w->who, &r) != 0)
		return;
	b = ctl_ok_begin(&r);
	line_put(b, "conf", c->uri);
	if (w->invite[0] != '\0') {
		line_put(b, "invite", w->invite);
	} else {
		line_put(b, "name", c->name);
		line_put(b, "media", c->media);
		line_putf(b, "joined", "%d", w->joined);
	}
	ctl_end(&r);
}

static void
refuse_waiter(struct agent *a, const struct waiter *w, int status,
    const char *reason)
{
	struct ctl_req r;

	if (w->create != 0)
		create_joined(a, w->create, NULL, status, reason);
	else if (ctl_again(a->ctl, w->who, &r) == 0)
		ctl_error(&r, status, reason);
}

void
conf_check_open(struct conf_in *c)
{
	struct waiter *w;

	if (c->state != CONF_OPENING || !mirror_is_complete(c->roster) ||
	    (c->text != NULL && !text_is_up(c->text)))
		return;
	c->state = CONF_OPEN;
	timer_cancel(&c->deadline);
	log_info("conf.open", "conf=%s q=%u.%u epoch=%u", c->name,
	    (unsigned)q_server(c->q), (unsigned)(c->q & 0xffffff),
	    (unsigned)keyring_epoch(c->keys));
	while ((w = TAILQ_FIRST(&c->waiters)) != NULL) {
		TAILQ_REMOVE(&c->waiters, w, entry);
		answer_waiter(c, w);
		free(w);
	}
}

static const char *
reason_of(int status)
{
	switch (status) {
	case 403: return "not allowed into this conference";
	case 404: return "no such conference";
	case 408:
	case 504: return "the controller does not answer";
	case 503: return "controller unreachable";
	default: return sec_sip_reason(status);
	}
}

/* Nobody answers who waits: they are taken along. */
static void
refuse_all(struct conf_in *c, int status, const char *reason)
{
	struct waiter *w;

	if (reason == NULL)
		reason = reason_of(status);
	while ((w = TAILQ_FIRST(&c->waiters)) != NULL) {
		TAILQ_REMOVE(&c->waiters, w, entry);
		refuse_waiter(c->a, w, status, reason);
		free(w);
	}
}

void
conf_fail(struct conf_in *c, int status, const char *reason)
{
	log_info("conf.failed", "conf=%s code=%d reason=%s", c->name, status,
	    log_quote(reason != NULL ? reason : sec_sip_reason(status)));
	if (c->invite != 0)
		sip_cancel(flow_stack(c->a->session.confctl), c->invite);
	refuse_all(c, status, reason);
	conf_free(c);
}

void
conf_gone(struct conf_in *c, const char *kind, const char *why)
{
	struct listener *l;
	struct ctl_req r;

	if (c->state == CONF_JOINING) {
		conf_fail(c, 487, why);
		return;
	}
	log_info("conf.gone", "conf=%s kind=%s reason=%s", c->name, kind,
	    log_quote(why));
	conf_notice(c, "end", NULL, why);
	while ((l = TAILQ_FIRST(&c->listeners)) != NULL) {
		TAILQ_REMOVE(&c->listeners, l, entry);
		if (ctl_again(c->a->ctl, l->who, &r) == 0)
			ctl_ok(&r);
		free(l);
	}
	if (strcmp(kind, "leave") == 0)
		conf_event(c, "conf.leave", c->a->uri, NULL);
	else
		conf_event(c, "conf.end", NULL, NULL);
	refuse_all(c, 487, why);
	conf_free(c);
}

static void
on_ignored(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	(void)ctx;
	(void)cookie;
	(void)answer;
}

static void
put_bye(struct conf_in *c, sip_answer_h cb, void *ctx, uint64_t cookie,
    uint64_t *id)
{
	struct sip_msg m;

	*id = 0;
	if (c->dialog.call_id[0] == '\0')
		return;
	sip_msg_init(&m);
	dialog_request(&c->dialog, &m, "BYE");
	*id = flow_request(c->a->session.confctl, &m, SHORT_MS, cb, ctx,
	    cookie);
}

int
conf_bye(struct conf_in *c, sip_answer_h cb, void *ctx, uint64_t cookie)
{
	uint64_t id;

	put_bye(c, cb, ctx, cookie, &id);
	conf_gone(c, "leave", "left");
	return id != 0;
}

void
conf_leave(struct conf_in *c)
{
	(void)conf_bye(c, on_ignored, NULL, 0);
}

static void
on_over(void *arg)
{
	conf_gone(arg, "end", "no longer a member");
}

static void
on_deadline(void *arg)
{
	struct conf_in *c = arg;
	uint64_t id;

	if (c->state == CONF_JOINING) {
		conf_fail(c, 503, "controller unreachable");
		return;
	}
	/* Joined, but text or roster do not come: better out than half in. */
	put_bye(c, on_ignored, NULL, 0, &id);
	conf_fail(c, 504, c->text != NULL && !text_is_up(c->text) ?
	    "the text router does not answer" : "no roster came");
}

/* --- keys --- */

static int
take_wrap(struct conf_in *c, const char *b64, int *new_hop)
{
	struct agent *a = c->a;
	struct buf blob = BUF_INIT;
	struct secret *plain = NULL;
	const struct secret *kc;
	struct grant g;
	uint32_t keyid, before;
	int64_t time;
	int r;

	if ((r = base64_decode(&blob, b64, strlen(b64))) != 0 ||
	    (r = wrap_keyid(buf_data(&blob), buf_len(&blob), &keyid)) != 0)
		goto out;
	r = SEC_ERR_SUBKEY;
	if ((kc = session_kc(a, keyid)) == NULL)
		goto out;
	if ((r = wrap_open(buf_data(&blob), buf_len(&blob), kc, a->uri, c->uri,
	    &plain, &time)) != 0)
		goto out;
	r = SEC_ERR_EXPIRED;
	if (!seal_time_allows(time, session_now(a)) ||
	    (r = grant_decode(&g, plain)) != 0)
		goto out;
	r = SEC_ERR_AUTH;
	if ((c->id != 0 && g.conf != c->id) || (c->q != 0 && g.q != c->q))
		goto wipe;
	c->id = g.conf;
	c->q = g.q;
	c->suite = g.text_suite;
	if (c->keys == NULL)
		c->keys = keyring_new(c->id);
	before = keyring_epoch(c->keys);
	if ((r = keyring_grant(c->keys, g.epoch, g.key, session_now(a))) != 0)
		goto wipe;
	if (g.hop != NULL && (c->hop == NULL || c->hopid != g.hopid ||
	    !secret_equal(c->hop, g.hop))) {
		secret_free(c->hop);
		c->hop = secret_dup(g.hop);
		c->hopid = g.hopid;
		*new_hop = 1;
	}
	if (before != g.epoch && c->state != CONF_JOINING)
		conf_key_event(c);
wipe:
	grant_wipe(&g);
out:
	secret_free(plain);
	buf_free(&blob);
	if (r != 0)
		log_warn("conf.wrap", "conf=%s reason=%s", c->name,
		    log_quote(sec_strerror(r)));
	return r;
}

static void
take_words(struct conf_in *c, const char *words)
{
	struct line l;
	const char *s;
	uint64_t v;

	if (words == NULL || line_parse_words(&l, words, strlen(words)) != 0)
		return;
	if ((s = line_get(&l, "id")) != NULL && confid_parse(&v, s) == 0 &&
	    c->id == 0) {
		c->id = v;
		text_copy(c->cid, s, sizeof(c->cid));
	}
	if ((s = line_get(&l, "name")) != NULL && *s != '\0')
		text_copy(c->name, s, sizeof(c->name));
	if ((s = line_get(&l, "title")) != NULL)
		text_copy(c->title, s, sizeof(c->title));
	if ((s = line_get(&l, "media")) != NULL && *s != '\0')
		text_copy(c->media, s, sizeof(c->media));
	if ((s = line_get(&l, "access")) != NULL)
		text_copy(c->access, s, sizeof(c->access));
	if ((s = line_get(&l, "creator")) != NULL)
		text_copy(c->creator, s, sizeof(c->creator));
	if (line_get_u64(&l, "created", &v) == 0)
		c->created = (int64_t)v;
	if ((s = line_get(&l, "persistent")) != NULL)
		c->persistent = strcmp(s, "1") == 0;
	line_free(&l);
}

int
conf_take(struct conf_in *c, const struct conf_news *n)
{
	const struct offer_medium *m;
	struct offer o;
	struct addr to;
	int r, new_hop = 0;

	take_words(c, n->words);
	if (n->key != NULL && (r = take_wrap(c, n->key, &new_hop)) != 0)
		return r;
	if (n->sdp == NULL || n->sdplen == 0)
		return 0;
	if (c->keys == NULL)
		return SEC_ERR_AUTH;
	if ((r = offer_parse(&o, n->sdp, n->sdplen)) != 0)
		return r;
	if ((m = offer_find(&o, "text")) == NULL || m->port == 0 ||
	    offer_addr(&o, "text", &to) != 0)
		return 0;              /* membership only */
	if (c->text == NULL)
		c->text = text_new(c, &to, m->server);
	else
		text_move(c->text, &to, m->server);
	return 0;
}

void
conf_key_event(struct conf_in *c)
{
	struct buf *b;

	b = event_begin(c->a, "conf.key");
	line_put(b, "conf", c->uri);
	line_putf(b, "key_gen", "%u", (unsigned)keyring_epoch(c->keys));
	event_end(c->a);
}

void
conf_opening(struct conf_in *c)
{
	struct buf *b;

	c->state = CONF_OPENING;
	if (c->creator[0] == '\0')
		text_copy(c->creator, c->a->uri, sizeof(c->creator));
	timer_set(&c->deadline, OPEN_MS);
	b = event_begin(c->a, "conf.new");
	line_put(b, "conf", c->uri);
	line_put(b, "media", c->media);
	line_put(b, "user", c->creator);
	event_end(c->a);
	conf_key_event(c);
	c->sub = subscription_new(c->a->loop, c->a->session.pal,
	    EVENT_CONFERENCE, c->a->uri, c->uri, &roster_ops, c);
	conf_check_open(c);
}

/* --- joining --- */

void
agent_offer(struct agent *a, struct buf *out)
{
	struct offer o;
	struct addr local;

	memset(&o, 0, sizeof(o));
	text_copy(o.host, "127.0.0.1", sizeof(o.host));
	if (flow_local(a->session.confctl, &local) == 0) {
		char host[ADDR_STRLEN];

		text_copy(o.host, addr_format_host(&local, host),
		    sizeof(o.host));
	}
	o.n = 1;
	text_copy(o.m[0].medium, "text", sizeof(o.m[0].medium));
	o.m[0].port = TEXT_PORT;
	text_copy(o.m[0].proto, "TCP/SEC", sizeof(o.m[0].proto));
	offer_write(out, &o);
}

static void
ack(struct conf_in *c, uint32_t cseq)
{
	struct sip_msg m;

	sip_msg_init(&m);
	dialog_ack(&c->dialog, &m, cseq);
	sip_ack(flow_conn(c->a->session.confctl), &m);
}

/* A 200 that nobody waits for any more: in and out. */
static void
undo(struct agent *a, const struct sip_msg *answer)
{
	struct conf_in c;
	struct sip_msg req;
	uint64_t id;

	memset(&c, 0, sizeof(c));
	c.a = a;
	sip_msg_init(&req);
	if (flow_conn(a->session.confctl) == NULL ||
	    dialog_from_answer(&c.dialog, &req, answer) != 0)
		return;
	ack(&c, answer->cseq);
	put_bye(&c, on_ignored, NULL, 0, &id);
}

static void
on_joined(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct agent *a = ctx;
	struct conf_in *c = conf_of(a, cookie);
	struct sip_msg req;
	uint64_t id;
	int r;

	if (answer->status / 100 == 1)
		return;
	if (c == NULL) {
		if (answer->status / 100 == 2)
			undo(a, answer);
		return;
	}
	c->invite = 0;
	if (answer->status / 100 != 2) {
		conf_fail(c, answer->status, NULL);
		return;
	}
	sip_msg_init(&req);
	req.uri = c->uri;
	if (flow_conn(a->session.confctl) == NULL ||
	    dialog_from_answer(&c->dialog, &req, answer) != 0) {
		conf_fail(c, 500, "the controller's answer is malformed");
		return;
	}
	ack(c, answer->cseq);
	r = conf_take(c, &(struct conf_news) { answer->conference_key,
	    answer->conference, answer->body, answer->bodylen });
	if (r == 0 && c->keys == NULL)
		r = SEC_ERR_AUTH;
	if (r != 0) {
		put_bye(c, on_ignored, NULL, 0, &id);
		conf_fail(c, 400, "the controller's key cannot be opened");
		return;
	}
	conf_opening(c);
}

void
conf_invite(struct conf_in *c)
{
	struct agent *a = c->a;
	struct buf sdp = BUF_INIT;
	char contact[URI_MAX];
	struct sip_msg m;

	if (flow_conn(a->session.confctl) == NULL) {
		if (!timer_is_set(&c->deadline))
			timer_set(&c->deadline, WAIT_MS);
		return;
	}
	timer_cancel(&c->deadline);
	agent_offer(a, &sdp);
	sip_msg_init(&m);
	m.method = "INVITE";
	m.uri = m.to = c->uri;
	m.from = a->uri;
	m.contact = flow_contact(a->session.confctl, a->uri, contact);
	m.content_type = OFFER_TYPE;
	m.body = buf_data(&sdp);
	m.bodylen = buf_len(&sdp);
	c->invite = flow_request(a->session.confctl, &m, ANSWER_MS, on_joined,
	    a, c->number);
	buf_free(&sdp);
}

void
confs_rejoin(struct agent *a, const char *uri)
{
	struct conf_in *c;
	struct uri u;

	if (uri_parse(&u, uri, a->conf.domain) != 0 || u.kind != URI_CONF ||
	    conf_find(a, u.full) != NULL)
		return;
	log_info("conf.rejoin", "conf=%s", u.name);
	c = conf_new(a, u.full);
	conf_invite(c);
}

/* --- requests in the membership dialog --- */

void
on_bye(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	struct conf_in *c;
	int err = 0;

	c = a != NULL ? conf_of_dialog(a, req, &err) : NULL;
	if (c == NULL || err != 0) {
		sip_answer_status(txn, c == NULL ? 481 : 500);
		return;
	}
	sip_answer_status(txn, 200);
	conf_gone(c, "end", "the conference has ended, or you were removed");
}

/* media=host:port server=N */
static void
take_media(struct conf_in *c, const struct line *l)
{
	const char *s = line_get(l, "media");
	struct addr to;
	uint64_t server;

	if (s == NULL || addr_parse(&to, s) != 0 ||
	    line_get_u64(l, "server", &server) != 0 || server == 0 ||
	    server > 255)
		return;
	if (c->text == NULL)
		c->text = text_new(c, &to, (int)server);
	else
		text_move(c->text, &to, (int)server);
}

static void
take_grant(struct conf_in *c, const struct line *l)
{
	const char *how = line_get_or(l, "how", "");
	const char *key = line_get(l, "key");
	int64_t now = session_now(c->a);
	uint32_t before = keyring_epoch(c->keys);
	int r = 0, new_hop = 0;
	uint64_t epoch;

	if (strcmp(how, "ratchet") == 0 &&
	    line_get_u64(l, "epoch", &epoch) == 0 && epoch <= UINT32_MAX) {
		r = keyring_ratchet(c->keys, (uint32_t)epoch, now);
		if (r == 0 && keyring_epoch(c->keys) != before)
			conf_key_event(c);
		if (r == SEC_ERR_NOTHING)
			conf_want(c, INBOX_WANT_GRANT);
	}
	if (key != NULL)
		r = take_wrap(c, key, &new_hop);
	take_media(c, l);
	if (new_hop && c->text != NULL)
		text_rekey(c->text);
	log_debug("conf.grant", "conf=%s how=%s epoch=%u result=%d", c->name,
	    log_quote(how), (unsigned)keyring_epoch(c->keys), r);
	text_news(c->text);
}

void
on_info(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	const char *p, *end, *nl;
	struct conf_in *c;
	struct line l;
	int err = 0;

	c = a != NULL ? conf_of_dialog(a, req, &err) : NULL;
	if (c == NULL || err != 0) {
		sip_answer_status(txn, c == NULL ? 481 : 500);
		return;
	}
	sip_answer_status(txn, 200);
	if (c->keys == NULL || req->body == NULL)
		return;
	p = req->body;
	end = p + req->bodylen;
	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		if (nl > p && line_parse(&l, p, (size_t)(nl - p)) == 0) {
			if (strcmp(l.verb, "grant") == 0)
				take_grant(c, &l);
			line_free(&l);
		}
	}
}

/* --- what is missing --- */

static void
on_granted(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct conf_in *c = conf_of(ctx, cookie);

	if (c != NULL && (answer->status == 403 || answer->status == 404))
		timer_set(&c->over, 0);
}

static void
ask_grant(struct conf_in *c)
{
	static const char body[] = "grant\n";
	int64_t now = clock_mono();
	struct sip_msg m;

	if (c->asked != 0 && now - c->asked < ASK_MS)
		return;
	sip_msg_init(&m);
	m.method = "PUBLISH";
	m.uri = m.to = c->uri;
	m.from = c->a->uri;
	m.event = EVENT_CONFERENCE;
	m.content_type = EVENT_LINE_TYPE;
	m.body = body;
	m.bodylen = sizeof(body) - 1;
	if (flow_request(c->a->session.confctl, &m, SHORT_MS, on_granted, c->a,
	    c->number) != 0)
		c->asked = now;
}

void
conf_want(struct conf_in *c, int wants)
{
	if (wants < 0)
		return;
	if ((wants & INBOX_WANT_ROSTER) && c->sub != NULL)
		subscription_fetch(c->sub);
	if (wants & INBOX_WANT_GRANT)
		ask_grant(c);
	if (keyring_is_behind(c->keys) && !timer_is_set(&c->behind))
		timer_set(&c->behind, ASK_MS);
}

/* A text of a later epoch came, and no INFO with it. */
static void
on_behind(void *arg)
{
	struct conf_in *c = arg;

	if (keyring_is_behind(c->keys))
		ask_grant(c);
}

/* --- who uses it --- */

void
conf_hold(struct conf_in *c, uint64_t peer)
{
	struct hold *h = agent_alloc(sizeof(*h));

	h->peer = peer;
	TAILQ_INSERT_TAIL(&c->holds, h, entry);
}

static void
release(struct conf_in *c, uint64_t peer)
{
	struct listener *l, *lnext;
	struct hold *h, *next;
	int had = 0;

	for (l = TAILQ_FIRST(&c->listeners); l != NULL; l = lnext) {
		lnext = TAILQ_NEXT(l, entry);
		if (l->who.peer != peer)
			continue;
		TAILQ_REMOVE(&c->listeners, l, entry);
		free(l);
	}
	for (h = TAILQ_FIRST(&c->holds); h != NULL; h = next) {
		next = TAILQ_NEXT(h, entry);
		if (h->peer != peer)
			continue;
		TAILQ_REMOVE(&c->holds, h, entry);
		free(h);
		had = 1;
	}
	if (had && c->temporary && TAILQ_EMPTY(&c->holds))
		conf_leave(c);
}

void
confs_peer_gone(struct agent *a, uint64_t peer)
{
	struct conf_in *c;
	size_t i = 0;

	while ((c = conf_next(a, &i)) != NULL)
		release(c, peer);
}

void
conf_notice(struct conf_in *c, const char *kind, const char *user,
    const char *text)
{
	struct listener *l;
	struct ctl_req r;
	struct buf *b;

	if (c->state != CONF_OPEN)
		return;
	TAILQ_FOREACH(l, &c->listeners, entry) {
		if (ctl_again(c->a->ctl, l->who, &r) != 0)
			continue;
		b = ctl_row(&r);
		line_put(b, "what", "notice");
		line_put(b, "kind", kind);
		line_put(b, "user", user);
		line_put(b, "text", text);
		line_putf(b, "at", "%lld", (long long)clock_real());
		ctl_end(&r);
	}
}

void
conf_listen(struct conf_in *c, struct ctl_req *r)
{
	struct buf members = BUF_INIT, *b;
	struct listener *l;

	conf_list(c, NULL, &members);
	b = ctl_row(r);
	line_put(b, "what", "open");
	line_put(b, "conf", c->uri);
	line_put(b, "name", c->name);
	line_put(b, "members", buf_cstr(&members));
	ctl_end(r);
	buf_free(&members);
	l = agent_alloc(sizeof(*l));
	l->who = ctl_keep(r);
	TAILQ_INSERT_TAIL(&c->listeners, l, entry);
}

/* Several attributes of one name (one per device) as a,b. */
static void
put_all(struct buf *b, const struct pal_entry *e, const char *name)
{
	struct buf v = BUF_INIT;
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (strcmp(e->attr[i].name, name) != 0)
			continue;
		if (buf_len(&v) > 0)
			buf_put_u8(&v, ',');
		buf_put_str(&v, e->attr[i].value);
	}
	if (buf_len(&v) > 0)
		line_put(b, name, buf_cstr(&v));
	buf_free(&v);
}

void
conf_member_row(struct ctl_req *r, const struct pal_entry *e)
{
	struct buf *b = ctl_row(r);

	line_put(b, "what", "member");
	line_put(b, "user", e->uri);
	line_put(b, "status", status_of(e));
	put_all(b, e, "media");
	put_all(b, e, "via");
	put_all(b, e, "q");
	line_put(b, "since", pal_entry_attr(e, "since"));
	ctl_end(r);
}

void
conf_show(struct conf_in *c, struct ctl_req *r)
{
	const struct suite *s = suite_by_id(c->suite);
	const struct pal_entry *e;
	struct buf *b;
	size_t i = 0;

	b = ctl_row(r);
	line_put(b, "what", "conf");
	line_put(b, "conf", c->uri);
	line_put(b, "name", c->name);
	line_put(b, "cid", c->cid);
	line_put(b, "title", c->title);
	line_put(b, "media", c->media);
	line_put(b, "access", c->access);
	line_putf(b, "created", "%lld", (long long)c->created);
	line_put(b, "creator", c->creator);
	line_putf(b, "epoch", "%u", (unsigned)keyring_epoch(c->keys));
	line_put(b, "suite", s != NULL ? s->name : NULL);
	line_put(b, "state", "open");
	ctl_end(r);
	while ((e = mirror_next(c->roster, &i)) != NULL)
		conf_member_row(r, e);
	ctl_ok(r);
}

/* --- connections --- */

void
confs_pal_up(struct agent *a)
{
	struct conf_in *c;
	size_t i = 0;

	while ((c = conf_next(a, &i)) != NULL)
		if (c->sub != NULL)
			subscription_up(c->sub);
}

void
confs_confctl_up(struct agent *a, int64_t down_ms)
{
	struct conf_in *c;
	size_t i = 0;

	while ((c = conf_next(a, &i)) != NULL) {
		if (c->state == CONF_JOINING && c->invite == 0)
			conf_invite(c);
		else if (c->state == CONF_OPEN && down_ms > LONG_AWAY)
			ask_grant(c);
	}
}

int
confs_notify(struct agent *a, const struct sip_msg *req)
{
	struct conf_in *c;
	size_t i = 0;
	int r;

	while ((c = conf_next(a, &i)) != NULL)
		if (c->sub != NULL &&
		    (r = subscription_notify(c->sub, req)) != 0)
			return r;
	return 0;
}

void
confs_init(struct agent *a)
{
	a->confs = map_new();
	a->conf_numbers = map_new();
}

void
confs_close(struct agent *a)
{
	struct conf_in *c;
	size_t i = 0;

	while ((c = conf_next(a, &i)) != NULL)
		conf_free(c);
	map_free(a->confs);
	map_free(a->conf_numbers);
}
