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
#include "sip/event.h"
#include "sip/offer.h"
#include "wire/ids.h"

#define OPEN_MS	  12000 /* from the 200 to OPEN */
#define LONG_AWAY 25000 /* grace may be over */
#define SURE_MS	  3000 /* it has told its members by then */
#define LOBBY_MS  610000 /* the controller gives up at 600 s */
#define TEXT_PORT 9 /* we dial; nothing listens there */

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

/* --- life of a conf_in --- */

static void on_over(void *arg);
static void on_deadline(void *arg);

/* No word of it since the controller is back. */
static void
on_sure(void *arg)
{
	struct conf_in *c = arg;

	if (c->unsure)
		conf_ask_grant(c);
}

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
	text_copy(c->codec, "opus", sizeof(c->codec));
	c->state = CONF_JOINING;
	roster_open(c);
	lobby_init(c);
	grants_open(c);
	TAILQ_INIT(&c->holds);
	TAILQ_INIT(&c->waiters);
	TAILQ_INIT(&c->listeners);
	timer_init(&c->deadline, a->loop, on_deadline, c);
	timer_init(&c->over, a->loop, on_over, c);
	timer_init(&c->sure, a->loop, on_sure, c);
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

	(void)map_del_str(c->a->confs, c->uri);
	(void)map_del_u64(c->a->conf_numbers, c->number);
	timer_cancel(&c->deadline);
	timer_cancel(&c->over);
	timer_cancel(&c->sure);
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
	lobby_close(c);
	roster_close(c);
	grants_close(c);
	free(c->children);
	free(c);
}

void
conf_wait(struct conf_in *c, const struct waiter *w)
{
	struct waiter *n = agent_alloc(sizeof(*n));

	*n = *w;
	TAILQ_INSERT_TAIL(&c->waiters, n, entry);
}

void
conf_answer_waiter(struct conf_in *c, const struct waiter *w)
{
	struct agent *a = c->a;
	struct ctl_req r;
	struct buf *b;

	if (w->create != 0) {
		create_joined(a, w->create, c, 200, NULL);
		return;
	}
	if (w->family != 0) {
		family_told(a, w->family, c->uri, 200, NULL);
		return;
	}
	if (w->children && family_join(c, w))
		return;
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
	line_put(b, "history", c->history);
	line_put(b, "history_from", c->history_from);
	ctl_end(&r);
}

void
conf_refuse_waiter(struct agent *a, const char *conf, const struct waiter *w,
    int status, const char *reason)
{
	struct ctl_req r;

	if (w->create != 0)
		create_joined(a, w->create, NULL, status, reason);
	else if (w->family != 0)
		family_told(a, w->family, conf, status, reason);
	else if (ctl_again(a->ctl, w->who, &r) == 0)
		ctl_error(&r, status, reason);
}

void
conf_answer_all(struct conf_in *c)
{
	struct waiter *w;

	while ((w = TAILQ_FIRST(&c->waiters)) != NULL) {
		TAILQ_REMOVE(&c->waiters, w, entry);
		conf_answer_waiter(c, w);
		free(w);
	}
}

void
conf_check_open(struct conf_in *c)
{
	if (c->state != CONF_OPENING || !mirror_is_complete(c->roster) ||
	    (c->text != NULL && !text_is_up(c->text)))
		return;
	c->state = CONF_OPEN;
	timer_cancel(&c->deadline);
	log_info("conf.open", "conf=%s q=%u.%u epoch=%u", c->name,
	    (unsigned)q_server(c->q), (unsigned)(c->q & 0xffffff),
	    (unsigned)keyring_epoch(c->keys));
	conf_answer_all(c);
}

const char *
conf_unavailable(struct agent *a)
{
	return flow_conn(a->session.confctl) != NULL ?
	    "no server is there for this medium" :
	    "controller unreachable";
}

const char *
conf_unavailable_by(struct agent *a, const struct sip_msg *answer)
{
	if (answer->note != NULL && strcmp(answer->note, NOTE_DRAINING) == 0)
		return "the server is shutting down, try again";
	if (answer->note != NULL && answer->note[0] != '\0')
		return answer->note;
	return conf_unavailable(a);
}

static const char *
reason_of(struct conf_in *c, int status, char *why, size_t n)
{
	switch (status) {
	case 403: snprintf(why, n, "not allowed into %s", c->name); return why;
	case 404:
		snprintf(why, n, "%s: no such conference", c->name);
		return why;
	case 408:
	case 504: return "the controller does not answer";
	case 503: return conf_unavailable(c->a);
	default: return sec_sip_reason(status);
	}
}

/* Nobody answers who waits: they are taken along. */
static void
refuse_all(struct conf_in *c, int status, const char *reason)
{
	struct waiter *w;
	char why[128];

	if (reason == NULL)
		reason = lobby_reason(c, status);
	if (reason == NULL)
		reason = reason_of(c, status, why, sizeof(why));
	while ((w = TAILQ_FIRST(&c->waiters)) != NULL) {
		TAILQ_REMOVE(&c->waiters, w, entry);
		conf_refuse_waiter(c->a, c->uri, w, status, reason);
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
	if (c->in_lobby)
		conf_event(c, "conf.status", c->a->uri, "left");
	refuse_all(c, status, reason);
	conf_free(c);
}

void
conf_gone(struct conf_in *c, const char *kind, const char *why)
{
	int left = strcmp(kind, "leave") == 0;
	struct listener *l;
	struct ctl_req r;

	if (c->state == CONF_JOINING) {
		conf_fail(c, left ? 487 : 404, why);
		return;
	}
	log_info("conf.gone", "conf=%s kind=%s reason=%s", c->name, kind,
	    log_quote(why));
	voice_conf_gone(c, why, 0);
	mix_conf_gone(c);
	spawn_conf_gone(c);
	conf_notice(c, "end", NULL, why);
	while ((l = TAILQ_FIRST(&c->listeners)) != NULL) {
		TAILQ_REMOVE(&c->listeners, l, entry);
		if (ctl_again(c->a->ctl, l->who, &r) == 0)
			ctl_ok(&r);
		free(l);
	}
	if (left)
		conf_event(c, "conf.leave", c->a->uri, NULL);
	conf_event(c, "conf.end", NULL, NULL);
	refuse_all(c, left ? 487 : 404, why);
	watched_member(c->a, c->uri, 0);
	conf_free(c);
}

static void
on_ignored(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	(void)ctx;
	(void)cookie;
	(void)answer;
}

uint64_t
bye_send(struct agent *a, struct dialog *d, sip_answer_h cb, void *ctx,
    uint64_t cookie)
{
	struct sip_msg m;

	if (d->call_id[0] == '\0')
		return 0;
	sip_msg_init(&m);
	dialog_request(d, &m, "BYE");
	return flow_request(a->session.confctl, &m, SHORT_MS,
	    cb != NULL ? cb : on_ignored, ctx, cookie);
}

int
conf_publish_within(struct agent *a, int64_t deadline, const char *uri,
    const struct buf *line, sip_answer_h cb, void *ctx, uint64_t cookie)
{
	struct sip_msg m;

	sip_msg_init(&m);
	m.method = "PUBLISH";
	m.uri = m.to = uri;
	m.from = a->uri;
	m.event = EVENT_CONFERENCE;
	m.content_type = EVENT_LINE_TYPE;
	m.body = buf_data(line);
	m.bodylen = buf_len(line);
	return flow_request(a->session.confctl, &m, deadline, cb, ctx,
		   cookie) != 0 ?
	    0 :
	    SEC_ERR_UNREACHABLE;
}

int
conf_publish(struct agent *a, const char *uri, const struct buf *line,
    sip_answer_h cb, void *ctx, uint64_t cookie)
{
	return conf_publish_within(a, SHORT_MS, uri, line, cb, ctx, cookie);
}

int
conf_bye(struct conf_in *c, sip_answer_h cb, void *ctx, uint64_t cookie)
{
	uint64_t id;

	voice_conf_gone(c, "left", 1);
	id = bye_send(c->a, &c->dialog, cb, ctx, cookie);
	conf_gone(c, "leave", "left");
	return id != 0;
}

void
conf_leave(struct conf_in *c, const char *why)
{
	voice_conf_gone(c, why, 1);
	(void)bye_send(c->a, &c->dialog, NULL, NULL, 0);
	conf_gone(c, "leave", why);
}

/* Removed while the controller could not tell; who has asked to join since
 * wants to be in it. */
static void
join_anew(struct conf_in *c)
{
	struct agent *a = c->a;
	struct conf_in *n;
	struct waiter *w;
	char uri[URI_MAX];

	TAILQ_HEAD(, waiter) waiters = TAILQ_HEAD_INITIALIZER(waiters);
	TAILQ_HEAD(, hold) holds = TAILQ_HEAD_INITIALIZER(holds);
	int temporary = c->temporary;

	TAILQ_CONCAT(&waiters, &c->waiters, entry);
	TAILQ_CONCAT(&holds, &c->holds, entry);
	text_copy(uri, c->uri, sizeof(uri));
	conf_gone(c, "end", "no longer a member");
	n = conf_new(a, uri);
	n->temporary = temporary;
	TAILQ_CONCAT(&n->holds, &holds, entry);
	TAILQ_FOREACH(w, &waiters, entry)
		w->joined = 1;
	TAILQ_CONCAT(&n->waiters, &waiters, entry);
	conf_invite(n);
}

static void
on_over(void *arg)
{
	struct conf_in *c = arg;

	if (c->state == CONF_OPEN && !TAILQ_EMPTY(&c->waiters)) {
		join_anew(c);
	} else if (c->refused[0] == '\0') {
		conf_gone(c, "end", "no longer a member");
	} else if (c->state == CONF_OPEN) {
		conf_leave(c, c->refused);
	} else {
		(void)bye_send(c->a, &c->dialog, NULL, NULL, 0);
		conf_fail(c, 403, c->refused);
	}
}

static void
on_deadline(void *arg)
{
	struct conf_in *c = arg;

	if (c->state == CONF_JOINING && c->invite != 0) {
		conf_fail(c, 408, NULL);
		return;
	}
	if (c->state == CONF_JOINING) {
		conf_fail(c, 503, "controller unreachable");
		return;
	}
	/* Joined, but text or roster do not come: better out than half in. */
	(void)bye_send(c->a, &c->dialog, NULL, NULL, 0);
	conf_fail(c, 504,
	    c->text != NULL && !text_is_up(c->text) ?
		"the text router does not answer" :
		"no roster came");
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
	roster_subscribe(c);
	mix_conf_open(c);
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

	memset(&c, 0, sizeof(c));
	c.a = a;
	sip_msg_init(&req);
	if (flow_conn(a->session.confctl) == NULL ||
	    dialog_from_answer(&c.dialog, &req, answer) != 0)
		return;
	ack(&c, answer->cseq);
	(void)bye_send(c.a, &c.dialog, NULL, NULL, 0);
}

static void
on_joined(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct agent *a = ctx;
	struct conf_in *c = conf_of(a, cookie);
	struct sip_msg req;
	char why[320] = "";
	int r;

	if (answer->status / 100 == 1) {
		if (answer->status == 182 && c != NULL)
			lobby_enter(c);
		return;
	}
	if (c == NULL) {
		if (answer->status / 100 == 2)
			undo(a, answer);
		return;
	}
	c->invite = 0;
	if (answer->status / 100 != 2) {
		if (answer->status == 403 && answer->note != NULL)
			snprintf(why, sizeof(why), "%s: %.200s", c->name,
			    answer->note);
		conf_fail(c, answer->status, why[0] != '\0' ? why : NULL);
		return;
	}
	c->in_lobby = 0;
	sip_msg_init(&req);
	req.uri = c->uri;
	if (flow_conn(a->session.confctl) == NULL ||
	    dialog_from_answer(&c->dialog, &req, answer) != 0) {
		conf_fail(c, 500, "the controller's answer is malformed");
		return;
	}
	ack(c, answer->cseq);
	r = conf_take(c,
	    &(struct conf_news) { answer->conference_key, answer->conference,
		answer->body, answer->bodylen });
	if (r == 0 && c->keys == NULL)
		r = SEC_ERR_AUTH;
	if (r != 0) {
		(void)bye_send(c->a, &c->dialog, NULL, NULL, 0);
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
	/* An answer, or 182, has to come sooner. */
	timer_set(&c->deadline, ANSWER_MS);
	c->invite = flow_request(a->session.confctl, &m, LOBBY_MS, on_joined, a,
	    c->number);
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

struct conf_in *
conf_of_request(const void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	struct conf_in *c = NULL;
	int err = 0;

	if (a != NULL && ctx == a->session.confctl)
		c = conf_of_dialog(a, req, &err);
	if (c != NULL && err == 0)
		return c;
	sip_answer_status(txn, c == NULL ? 481 : 500);
	return NULL;
}

void
on_bye(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct conf_in *c;

	if (voice_bye(ctx, txn, req) ||
	    (c = conf_of_request(ctx, txn, req)) == NULL)
		return;
	sip_answer_status(txn, 200);
	conf_gone(c, "end",
	    req->note != NULL && req->note[0] != '\0' ?
		req->note :
		"the conference has ended, or you were removed");
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
		conf_leave(c, "left");
}

void
confs_peer_gone(struct agent *a, uint64_t peer)
{
	struct conf_in *c;
	uint64_t number;
	size_t i = 0;

	while ((c = conf_next(a, &i)) != NULL) {
		number = c->number;
		release(c, peer);
		if ((c = conf_of(a, number)) != NULL)
			lobby_peer_gone(c, peer);
	}
}

void
conf_notice(struct conf_in *c, const char *kind, const char *user,
    const char *text)
{
	conf_notice_by(c, kind, user, text, NULL);
}

void
conf_notice_by(struct conf_in *c, const char *kind, const char *user,
    const char *text, const char *by)
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
		line_put(b, "by", by);
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
	line_put(b, "history", c->history);
	ctl_end(r);
	buf_free(&members);
	l = agent_alloc(sizeof(*l));
	l->who = ctl_keep(r);
	TAILQ_INSERT_TAIL(&c->listeners, l, entry);
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
			conf_ask_grant(c);
		else if (c->unsure)
			timer_set(&c->sure, SURE_MS);
	}
}

/* What it could not say any more, a BYE, is not said again. */
void
confs_confctl_down(struct agent *a)
{
	struct conf_in *c;
	size_t i = 0;

	while ((c = conf_next(a, &i)) != NULL)
		c->unsure = c->state == CONF_OPEN || c->state == CONF_OPENING;
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
