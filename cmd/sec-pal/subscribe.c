/*
 * subscribe: SUBSCRIBE and NOTIFY (RFC 6665; S062, S092-S094, S109, S110,
 * S120, S122, S170). Who may: oneself to one's PAL; to a roster whoever has a
 * reason by roster_why().
 *
 *   state    on                          do                    next
 *   -        SUBSCRIBE, Expires 0        200 with document     -
 *            SUBSCRIBE                   store, 200            ACTIVE
 *   ACTIVE   round                       NOTIFY                ACTIVE
 *            SUBSCRIBE in the dialog     new end, 200          ACTIVE
 *            Expires 0, 481, time, left  forget                -
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/event.h"
#include "wire/line.h"

#include "directory.h"
#include "pal.h"
#include "roster.h"

static char *
sub_key(const struct subscription *s, char *out)
{
	return dialog_key(out, s->dialog.call_id, s->dialog.local_tag);
}

static void
sub_row_id(const struct subscription *s, char *out, size_t n)
{
	snprintf(out, n, "%s\n%s\n%s", s->dialog.call_id, s->dialog.local_tag,
	    s->dialog.remote_tag);
}

static void
sub_free(struct subscription *s, int stored)
{
	struct pal *p = s->doc->pal;
	char key[176], id[256];

	timer_cancel(&s->timer);
	map_del_str(p->subs, sub_key(s, key));
	map_del_u64(p->sub_ids, s->id);
	TAILQ_REMOVE(&s->doc->subs, s, entry);
	s->doc->nsubs--;
	if (s->doc->watched != NULL)
		s->doc->watched(s->doc);
	TAILQ_REMOVE(&s->watcher->subs, s, own);
	s->watcher->nsubs--;
	if (!stored) {
		sub_row_id(s, id, sizeof id);
		(void)pal_subscription_rm(p->s->db, id);
	}
	free(s);
}

static struct sip_conn *
sub_conn(const struct subscription *s)
{
	struct pal *p = s->doc->pal;
	struct binding *b = binding_find(p, s->watcher->uri, s->instance);

	return b != NULL ? holder_conn(&b->held, p->s) : NULL;
}

static void
notify_answered(void *ctx, uint64_t cookie, int status)
{
	struct pal *p = ctx;
	struct subscription *s = map_get_u64(p->sub_ids, cookie);

	if (s == NULL)
		return;
	s->asked = 0;
	if (status == 481 || status == 404) {
		sub_free(s, 0);
		return;
	}
	if (status / 100 != 2) {
		s->sent = 0; /* all again when he is back */
		return;
	}
	if (s->dirty)
		subscription_notify(s);
}

/* One NOTIFY with a body, or without to end it. */
static int
notify_send(struct subscription *s, const struct buf *body, const char *reason)
{
	struct pal *p = s->doc->pal;
	struct sip_conn *c = sub_conn(s);
	char state[64];
	struct sip_msg m;

	if (c == NULL)
		return SEC_ERR_CLOSED;
	sip_msg_init(&m);
	dialog_request(&s->dialog, &m, "NOTIFY");
	m.event = s->doc->event;
	m.sub_state =
	    event_state(state, (s->until - clock_real()) / 1000, reason);
	if (body != NULL) {
		m.content_type = EVENT_PAL_TYPE;
		m.body = buf_data(body);
		m.bodylen = buf_len(body);
	}
	return sip_tell(c, &m, 0, reason != NULL ? NULL : notify_answered, p,
		   s->id) != 0 ?
	    0 :
	    SEC_ERR_CLOSED;
}

/* Parts from `part` on of what is new after version `since`, or of all (0),
 * each in a NOTIFY. */
static void
notify_parts(struct subscription *s, uint64_t since, unsigned part)
{
	struct buf body = BUF_INIT;
	unsigned parts;

	do {
		buf_reset(&body);
		parts =
		    document_part(s->doc, s->watcher->uri, since, part, &body);
		if (part <= parts && notify_send(s, &body, NULL) == 0)
			s->asked = 1;
	} while (part++ < parts);
	buf_free(&body);
}

void
subscription_notify(struct subscription *s)
{
	uint64_t since = 0;

	if (s->asked) {
		s->dirty = 1; /* one at a time */
		return;
	}
	s->dirty = 0;
	if (sub_conn(s) == NULL || s->doc->waits) {
		s->sent = 0;
		return;
	}
	if (document_knows(s->doc, s->sent)) {
		since = s->sent++;
		s->dirty = s->sent != s->doc->version;
	} else
		s->sent = s->doc->version;
	notify_parts(s, since, 1);
}

void
subscription_end(struct subscription *s, const char *reason)
{
	(void)notify_send(s, NULL, reason);
	sub_free(s, 0);
}

void
subscriptions_drop(struct document *d, const char *user, const char *reason)
{
	struct presentity *u = presentity_by_uri(d->pal, user);
	struct subscription *s, *next;

	if (u == NULL)
		return;
	for (s = TAILQ_FIRST(&u->subs); s != NULL; s = next) {
		next = TAILQ_NEXT(s, own);
		if (s->doc == d)
			subscription_end(s, reason);
	}
}

static void
sub_expired(void *arg)
{
	subscription_end(arg, "timeout");
}

/* --- the request --- */

/* The document asked for, and why it may be; NULL with *status set when it
 * may not. */
static struct document *
sub_document(struct pal *p, const struct sip_msg *req, const char *user,
    const char **why, int *status)
{
	struct uri u;

	*why = "owner";

	if (uri_parse(&u, req->uri, p->s->conf.domain) != 0) {
		*status = 400;
		return NULL;
	}
	if (text_equal_nocase(req->event, EVENT_PRESENCE)) {
		*status = strcmp(u.full, user) == 0 ? 0 : 403;
		return *status == 0 ? &p->realm : NULL;
	}
	if (!text_equal_nocase(req->event, EVENT_CONFERENCE)) {
		*status = 489;
		return NULL;
	}
	if ((*why = roster_why(p, u.full, user)) != NULL)
		return roster_document_for(p, u.full, *why);
	*status = !p->dealt			       ? 503 :
	    roster_document(p, u.full) == NULL ? 404 :
						 403;
	return NULL;
}

static void
sub_answer(struct sip_txn *txn, struct document *d, const char *user,
    int64_t expires, unsigned *parts)
{
	struct buf body = BUF_INIT;
	struct sip_msg a;

	*parts = document_part(d, user, 0, 1, &body);
	sip_msg_init(&a);
	a.status = 200;
	a.expires = expires;
	a.event = d->event;
	a.contact = d->uri;
	a.content_type = EVENT_PAL_TYPE;
	a.body = buf_data(&body);
	a.bodylen = buf_len(&body);
	sip_answer(txn, &a);
	buf_free(&body);
}

static void
sub_list(struct pal *p, struct sip_txn *txn, const struct sip_msg *req,
    const char *user)
{
	struct buf body = BUF_INIT;
	char after[URI_MAX] = "";
	struct sip_msg a;
	struct line l;

	if (req->expires != 0) {
		sip_answer_status(txn, 403); /* fetch only */
		return;
	}
	if (req->bodylen > 0 && line_parse(&l, req->body, req->bodylen) == 0) {
		text_copy(after, line_get_or(&l, "after", ""), sizeof after);
		line_free(&l);
	}
	rosters_put_list(p, user, after, &body);
	sip_msg_init(&a);
	a.status = 200;
	a.expires = 0;
	a.event = EVENT_CONFERENCE;
	a.content_type = EVENT_PAL_TYPE;
	a.body = buf_data(&body);
	a.bodylen = buf_len(&body);
	sip_answer(txn, &a);
	buf_free(&body);
}

static int
sub_store(struct subscription *s)
{
	struct pal *p = s->doc->pal;
	struct pal_subscription row;

	memset(&row, 0, sizeof row);
	sub_row_id(s, row.id, sizeof row.id);
	text_copy(row.user, s->watcher->name, sizeof row.user);
	text_copy(row.instance, s->instance, sizeof row.instance);
	text_copy(row.event, s->doc->event, sizeof row.event);
	text_copy(row.target, s->doc->uri, sizeof row.target);
	text_copy(row.why, s->why, sizeof row.why);
	row.until = s->until;
	return pal_subscription_put(p->s->db, &row);
}

static struct subscription *
sub_new(struct document *d, struct presentity *u, const char *instance,
    const char *why, const struct dialog *dialog, int64_t until)
{
	struct pal *p = d->pal;
	struct subscription *s, *old, *next;
	char key[176];

	if ((s = calloc(1, sizeof *s)) == NULL)
		return NULL;
	/* A new one of the same agent to the same takes its place. */
	for (old = TAILQ_FIRST(&u->subs); old != NULL; old = next) {
		next = TAILQ_NEXT(old, own);
		if (old->doc == d && strcmp(old->instance, instance) == 0)
			sub_free(old, 0);
	}
	s->doc = d;
	s->dialog = *dialog;
	s->watcher = u;
	text_copy(s->instance, instance, sizeof s->instance);
	text_copy(s->why, why, sizeof s->why);
	s->until = until;
	s->id = ++p->next_sub;
	timer_init(&s->timer, p->s->loop, sub_expired, s);
	timer_set(&s->timer, until - clock_real());
	TAILQ_INSERT_TAIL(&d->subs, s, entry);
	d->nsubs++;
	if (d->watched != NULL)
		d->watched(d);
	TAILQ_INSERT_TAIL(&u->subs, s, own);
	u->nsubs++;
	map_put_str(p->subs, sub_key(s, key), s);
	map_put_u64(p->sub_ids, s->id, s);
	return s;
}

/* 503: the deal is on its way. */
static void
sub_retry(struct sip_txn *txn, int status)
{
	struct sip_msg a;

	sip_msg_init(&a);
	a.status = status;
	if (status == 503)
		a.retry_after = 0;
	sip_answer(txn, &a);
}

/* Has he as many as one user may have? A new one of the same agent to the
 * same takes the old one's place. */
static int
is_enough(const struct presentity *u, const struct document *d,
    const char *instance)
{
	const struct subscription *s;

	if (u->nsubs < (unsigned)u->pal->s->conf.user_subscriptions)
		return 0;
	TAILQ_FOREACH(s, &u->subs, own)
		if (s->doc == d && strcmp(s->instance, instance) == 0)
			return 0;
	return 1;
}

static void
sub_refuse(const struct pal *p, struct sip_txn *txn)
{
	struct sip_msg a;
	char why[80];

	sip_msg_init(&a);
	a.status = 403;
	snprintf(why, sizeof why,
	    "you have %d subscriptions, and may not have more",
	    p->s->conf.user_subscriptions);
	a.note = why;
	sip_answer(txn, &a);
}

static void
sub_refresh(struct subscription *s, struct sip_txn *txn,
    const struct sip_msg *req, int64_t expires)
{
	unsigned parts;
	int64_t before;

	if (dialog_check(&s->dialog, req) != 0) {
		sip_answer_status(txn, 500);
		return;
	}
	if (expires == 0) {
		sub_answer(txn, s->doc, s->watcher->uri, 0, &parts);
		sub_free(s, 0);
		return;
	}
	before = s->until;
	s->until = clock_real() + expires * 1000;
	if (s->doc->waits || sub_store(s) != 0) {
		s->until = before;
		sub_retry(txn, 503);
		return;
	}
	sub_answer(txn, s->doc, s->watcher->uri, expires, &parts);
	timer_set(&s->timer, expires * 1000);
	s->sent = s->doc->version;
	if (parts > 1)
		notify_parts(s, 0, 2);
}

static void
sub_start(struct pal *p, struct sip_txn *txn, const struct sip_msg *req,
    const char *user, int64_t expires)
{
	const char *instance = sip_conn_peer(sip_txn_conn(txn))->instance;
	struct presentity *u = presentity_by_uri(p, user);
	struct subscription *s;
	struct document *d;
	struct dialog dialog;
	const char *why;
	unsigned parts;
	int status = 0;

	if ((d = sub_document(p, req, user, &why, &status)) == NULL) {
		sub_retry(txn, status);
		return;
	}
	if (expires == 0) {
		sub_answer(txn, d, user, 0, &parts);
		return;
	}
	if (u == NULL ||
	    dialog_from_request(&dialog, req, sip_txn_to_tag(txn)) != 0) {
		sip_answer_status(txn, 400);
		return;
	}
	if (is_enough(u, d, instance)) {
		sub_refuse(p, txn);
		return;
	}
	s = sub_new(d, u, instance, why, &dialog,
	    clock_real() + expires * 1000);
	if (s == NULL || sub_store(s) != 0) {
		if (s != NULL)
			sub_free(s, 1);
		sip_answer_status(txn, 503);
		return;
	}
	s->sent = d->version;
	sub_answer(txn, d, user, expires, &parts);
	if (parts > 1)
		notify_parts(s, 0, 2);
}

void
on_subscribe(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct pal *p = ((struct service *)ctx)->priv;
	int64_t expires = event_expires(req->expires);
	char user[URI_MAX], factory[URI_MAX], key[176];
	struct subscription *s;

	service_touch(p->s);
	uri_user(user, sip_conn_peer(sip_txn_conn(txn))->user,
	    p->s->conf.domain);
	if (req->event == NULL) {
		sip_answer_status(txn, 489);
		return;
	}
	if (req->to_tag != NULL) {
		s = strlen(req->call_id) < 128 && strlen(req->to_tag) < 40 ?
		    map_get_str(p->subs,
			dialog_key(key, req->call_id, req->to_tag)) :
		    NULL;
		if (s == NULL || strcmp(s->watcher->uri, user) != 0)
			sip_answer_status(txn, 481);
		else
			sub_refresh(s, txn, req, expires);
		return;
	}
	if (text_equal_nocase(req->event, EVENT_DIRECTORY)) {
		directory_subscribe(p, txn, req,
		    sip_conn_peer(sip_txn_conn(txn))->user);
		return;
	}
	uri_factory(factory, p->s->conf.domain);
	if (strcmp(req->uri, factory) == 0)
		sub_list(p, txn, req, user);
	else
		sub_start(p, txn, req, user, expires);
}

/* --- keeping --- */

void
subscriptions_catch_up(struct binding *b)
{
	struct subscription *s;

	TAILQ_FOREACH(s, &b->user->subs, own)
		if (strcmp(s->instance, b->row.instance) == 0) {
			s->asked = 0;
			s->sent = 0;
			subscription_notify(s);
		}
}

void
subscriptions_forget(struct presentity *u, const char *instance)
{
	struct subscription *s, *next;

	for (s = TAILQ_FIRST(&u->subs); s != NULL; s = next) {
		next = TAILQ_NEXT(s, own);
		if (strcmp(s->instance, instance) == 0)
			sub_free(s, 0);
	}
}

static int
sub_load(void *arg, const struct pal_subscription *row)
{
	struct pal *p = arg;
	struct dialog d;
	struct document *doc;
	struct subscription *s;
	struct presentity *u = presentity_get(p, row->user);
	char id[256], *rest = id, *part;

	if (u == NULL)
		return SEC_ERR_SYS;
	if (strcmp(row->event, EVENT_PRESENCE) == 0)
		doc = &p->realm;
	else if ((doc = roster_awaited(p, row->target, row->why)) ==
	    NULL)
		return 0;
	memset(&d, 0, sizeof d);
	text_copy(id, row->id, sizeof id);
	if ((part = strsep(&rest, "\n")) == NULL)
		return 0;
	text_copy(d.call_id, part, sizeof d.call_id);
	if ((part = strsep(&rest, "\n")) == NULL || rest == NULL)
		return 0;
	text_copy(d.local_tag, part, sizeof d.local_tag);
	text_copy(d.remote_tag, rest, sizeof d.remote_tag);
	text_copy(d.local_uri, doc == &p->realm ? u->uri : doc->uri,
	    sizeof d.local_uri);
	text_copy(d.remote_uri, u->uri, sizeof d.remote_uri);
	text_copy(d.target, u->uri, sizeof d.target);
	/* Above whatever was used: tenths of a second since 2026. */
	d.local_cseq = (uint32_t)((clock_real() - 1767225600000LL) / 100);
	if ((s = sub_new(doc, u, row->instance, row->why, &d, row->until)) !=
	    NULL)
		s->sent = 0;
	return 0;
}

void
subscriptions_load(struct pal *p)
{
	if (pal_subscription_expire(p->s->db, clock_real()) != 0 ||
	    pal_subscription_each(p->s->db, sub_load, p) != 0)
		log_error("db.load", "file=pal.db why=%s",
		    log_quote(db_why(p->s->db)));
}

void
subscriptions_free(struct pal *p)
{
	struct subscription *s;
	size_t i;

	for (i = 0; (s = map_next(p->subs, &i)) != NULL;)
		sub_free(s, 1);
}
