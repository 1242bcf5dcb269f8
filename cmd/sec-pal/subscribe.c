/*
 * subscribe: SUBSCRIBE and NOTIFY (RFC 6665; S062, S092-S094, S109, S110,
 * S120, S122, S159-S161). Who may: oneself to one's PAL, participants to a
 * roster, and whom a rule or an owner lets.
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
#include "list.h"
#include "object.h"
#include "roster.h"
#include "watcher.h"

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

/* Nobody may have subscribed to it (any more). */
static void
document_release(struct document *d)
{
	if (d->nsubs == 0 && d->ops->left != NULL)
		d->ops->left(d);
}

static void
sub_free(struct subscription *s, int stored)
{
	struct document *d = s->doc;
	struct pal *p = d->pal;
	char key[176], id[256];

	timer_cancel(&s->timer);
	map_del_str(p->subs, sub_key(s, key));
	map_del_u64(p->sub_ids, s->id);
	TAILQ_REMOVE(&d->subs, s, entry);
	d->nsubs--;
	if (d->watched != NULL)
		d->watched(d);
	TAILQ_REMOVE(&s->watcher->subs, s, own);
	s->watcher->nsubs--;
	presentity_idle(s->watcher);
	if (!stored) {
		sub_row_id(s, id, sizeof id);
		(void)pal_subscription_rm(p->s->db, id);
	}
	notifier_free(s->notifier);
	free(s);
	document_release(d);
}

static struct sip_conn *
sub_conn(const struct subscription *s)
{
	struct sip_conn *c = s->at != NULL ? s->at->conn : NULL;

	return c != NULL && sip_conn_is_up(c) ? c : NULL;
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
	if (s->dirty) {
		s->dirty = 0;
		s->doc->ops->again(s->doc, s);
	}
}

/* Parts from `part` on of what is new after version `since`, or of all (0),
 * each in a NOTIFY. */
static void
notify_parts(struct subscription *s, struct sip_conn *c, uint64_t since,
    unsigned part)
{
	int64_t left = (s->until - clock_real()) / 1000;
	struct pal *p = s->doc->pal;
	unsigned parts;

	if (s->notifier == NULL &&
	    (s->notifier = notifier_new(&s->dialog, s->doc->event,
		 EVENT_PAL_TYPE)) == NULL)
		return;
	do {
		buf_reset(&p->body);
		parts = s->doc->ops->part(s->doc, s, since, part, &p->body);
		if (part <= parts &&
		    notifier_send(s->notifier, &s->dialog, c, left, &p->body,
			notify_answered, p, s->id) != 0)
			s->asked = 1;
	} while (part++ < parts);
}

void
subscription_notify(struct subscription *s)
{
	struct sip_conn *c;
	uint64_t since;

	if (s->asked) {
		s->dirty = 1; /* one at a time */
		return;
	}
	s->dirty = 0;
	if ((c = sub_conn(s)) == NULL || s->doc->waits) {
		s->sent = 0;
		return;
	}
	since = s->doc->ops->next(s->doc, s);
	if (since != NEXT_NOTHING)
		notify_parts(s, c, since, 1);
}

/* The last NOTIFY, without a body. */
static void
notify_end(struct subscription *s, const char *reason)
{
	struct sip_conn *c = sub_conn(s);
	char state[64];
	struct sip_msg m;

	if (c == NULL)
		return;
	sip_msg_init(&m);
	dialog_request(&s->dialog, &m, "NOTIFY");
	m.event = s->doc->event;
	m.sub_state =
	    event_state(state, (s->until - clock_real()) / 1000, reason);
	(void)sip_tell(c, &m, 0, NULL, NULL, 0);
}

void
subscription_end(struct subscription *s, const char *reason)
{
	notify_end(s, reason);
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

struct subscription *
subscription_of(const struct presentity *u, const char *instance,
    const struct document *d)
{
	struct subscription *s;

	TAILQ_FOREACH(s, &d->subs, entry)
		if (s->watcher == u && strcmp(s->instance, instance) == 0)
			break;
	return s;
}

/* --- the request --- */

/* What is asked for, by whom, and what is answered when it may not be. */
struct asked {
	struct pal *pal;
	struct sip_txn *txn;
	const struct sip_msg *req;
	struct presentity *by;
	const char *instance;
	struct uri to;
	int64_t expires;
	const char *why; /* he may: owner participant rule */
	int status;
	char note[200];
};

/* 503: the deal is on its way. */
static void
asked_refuse(const struct asked *q)
{
	struct sip_msg a;

	sip_msg_init(&a);
	a.status = q->status;
	if (q->status == 503)
		a.retry_after = 0;
	if (q->note[0] != '\0')
		a.note = q->note;
	sip_answer(q->txn, &a);
}

static void
asked_answer(const struct asked *q, const char *contact, const struct buf *body)
{
	struct sip_msg a;

	sip_msg_init(&a);
	a.status = 200;
	a.expires = q->expires;
	a.event = q->req->event;
	a.contact = contact;
	a.content_type = EVENT_PAL_TYPE;
	a.body = buf_data(body);
	a.bodylen = buf_len(body);
	sip_answer(q->txn, &a);
}

static int
asked_denied(struct asked *q, const struct verdict *v)
{
	q->status = 403;
	if (v->rule[0] != '\0')
		snprintf(q->note, sizeof q->note,
		    "not permitted by rule \"%s\"", v->rule);
	return SEC_ERR_DENIED;
}

/* Is there such a thing, and may he see it? A person need never have been
 * here, unless users are those that an administrator has made. */
static int
asked_permit(struct asked *q)
{
	struct pal *p = q->pal;
	struct pal_user row;
	struct verdict v;

	q->why = "rule";
	q->status = 404;
	switch (q->to.kind) {
	case URI_USER:
		if (p->s->conf.users_known &&
		    (pal_user_get(p->s->db, q->to.name, &row) != 0 ||
			!row.known || row.disabled))
			return SEC_ERR_NOTHING;
		break;
	case URI_OBJECT:
		if (!object_known(p, &q->to))
			return SEC_ERR_NOTHING;
		break;
	case URI_CONF:
		if (roster_document(p, q->to.full) != NULL)
			break;
		q->status = p->dealt ? 404 : 503;
		return SEC_ERR_NOTHING;
	case URI_PHONE: break;
	default: return SEC_ERR_NOTHING;
	}
	if (!watch_check(p, q->by->name, &q->to, &v))
		return asked_denied(q, &v);
	return 0;
}

static struct document *
asked_presence(struct asked *q)
{
	struct presentity *whom;
	struct list *l;

	if (strcmp(q->to.full, q->by->uri) == 0) {
		q->why = "owner";
		q->status = 503;
		return (l = list_open(q->by)) != NULL ? &l->doc : NULL;
	}
	if (asked_permit(q) != 0)
		return NULL;
	q->status = 503;
	if ((whom = presentity_get_uri(q->pal, &q->to)) == NULL)
		return NULL;
	return &list_watch(q->by, whom)->doc;
}

static struct document *
asked_roster(struct asked *q)
{
	struct pal *p = q->pal;
	struct verdict v;

	if (roster_document(p, q->to.full) == NULL) {
		q->status = p->dealt ? 404 : 503;
		return NULL;
	}
	q->why = roster_whole_why(p, q->to.full, q->by->uri);
	if (q->why == NULL && !p->dealt) {
		q->status = 503;
		return NULL;
	}
	if (q->why == NULL) {
		rule_check(p, q->by->name, &q->to, &v);
		(void)asked_denied(q, &v);
		return NULL;
	}
	return roster_document_for(p, q->to.full, q->why);
}

/* The document asked for, or NULL. */
static struct document *
asked_document(struct asked *q)
{
	if (text_equal_nocase(q->req->event, EVENT_PRESENCE))
		return asked_presence(q);
	if (text_equal_nocase(q->req->event, EVENT_CONFERENCE))
		return asked_roster(q);
	q->status = 489;
	return NULL;
}

/* A row of the body with this verb: 1, to be freed. */
static int
asked_row(const struct asked *q, const char *verb, struct line *l)
{
	if (q->req->bodylen == 0 ||
	    line_parse(l, q->req->body, q->req->bodylen) != 0)
		return 0;
	if (strcmp(l->verb, verb) == 0)
		return 1;
	line_free(l);
	return 0;
}

/* --- answers without a subscription --- */

/* Pages: the conferences that he may see, his watchers. */
static void
sub_page(struct asked *q,
    void (*put)(const struct asked *q, const char *after, struct buf *body))
{
	struct buf body = BUF_INIT;
	char after[URI_MAX] = "";
	struct line l;

	if (q->req->expires != 0) {
		q->status = 403; /* fetch only */
		asked_refuse(q);
		return;
	}
	if (asked_row(q, "list", &l)) {
		text_copy(after, line_get_or(&l, "after", ""), sizeof after);
		line_free(&l);
	}
	put(q, after, &body);
	asked_answer(q, NULL, &body);
	buf_free(&body);
}

static void
put_conferences(const struct asked *q, const char *after, struct buf *body)
{
	rosters_put_list(q->pal, q->by->uri, after, body);
}

static void
put_watchers(const struct asked *q, const char *after, struct buf *body)
{
	watchers_put(q->by, after, body);
}

/* All of it; what does not fit follows in NOTIFYs, if there is a dialog. */
static void
sub_answer(const struct asked *q, struct document *d, struct subscription *s)
{
	struct buf body = BUF_INIT;
	unsigned parts = document_fetch(d, s, &body);
	struct sip_conn *c;

	asked_answer(q, d->uri, &body);
	buf_free(&body);
	if (s != NULL && parts > 1 && (c = sub_conn(s)) != NULL)
		notify_parts(s, c, NEXT_ALL, 2);
}

/* --- an entry more in one's PAL (S061, S160) --- */

static int
entry_row(const struct asked *q, const struct line *l,
    struct pal_entry_row *row)
{
	const char *attrs = line_get_or(l, "attrs", "*");
	const char *label = line_get_or(l, "label", "");
	const char *id;

	memset(row, 0, sizeof *row);
	if (attrs[0] == '\0')
		attrs = "*";
	if (!pal_attrs_is_list(attrs) || strlen(label) >= sizeof row->label ||
	    !text_is_utf8(label, strlen(label)))
		return SEC_ERR_FORMAT;
	text_copy(row->owner, q->by->name, sizeof row->owner);
	text_copy(row->uri, q->to.full, sizeof row->uri);
	text_copy(row->attrs, attrs, sizeof row->attrs);
	text_copy(row->label, label, sizeof row->label);
	if (q->to.kind == URI_CONF &&
	    (id = roster_id(q->pal, q->to.full)) != NULL)
		text_copy(row->id, id, sizeof row->id);
	row->added = clock_real();
	return 0;
}

static void
entry_answer(const struct asked *q, struct list *l)
{
	struct presentity *u = presentity_by_uri(q->pal, q->to.full);
	struct buf body = BUF_INIT;

	document_begin(&body, l->doc.uri, (uint64_t)clock_real(), 0, 1, 1);
	line_end(&body);
	buddy_put(list_find(l, u), &body);
	asked_answer(q, l->doc.uri, &body);
	buf_free(&body);
}

static void
sub_entry(struct asked *q, const struct line *row)
{
	struct pal_entry_row e;
	struct list *l;
	int r;

	q->expires = 0;
	if (entry_row(q, row, &e) != 0)
		q->status = 400;
	else if (asked_permit(q) != 0)
		;
	else if ((l = list_open(q->by)) == NULL)
		q->status = 503;
	else if ((r = list_add(l, &e)) == 0) {
		entry_answer(q, l);
		return;
	} else if (r == SEC_ERR_LIMIT) {
		q->status = 403;
		snprintf(q->note, sizeof q->note,
		    "you have %u entries, and may not have more", l->n);
	} else
		q->status = 503;
	asked_refuse(q);
}

/* --- a subscription --- */

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
	s->doc = d;
	s->dialog = *dialog;
	s->watcher = u;
	s->at = binding_find(p, u->uri, instance);
	text_copy(s->instance, instance, sizeof s->instance);
	text_copy(s->why, why, sizeof s->why);
	s->until = until;
	s->id = ++p->next_sub;
	timer_init(&s->timer, p->s->loop, sub_expired, s);
	timer_set(&s->timer, until - clock_real());
	TAILQ_INSERT_TAIL(&d->subs, s, entry);
	d->nsubs++;
	/* A new one of the same agent to the same takes the old one's place. */
	for (old = TAILQ_FIRST(&u->subs); old != NULL; old = next) {
		next = TAILQ_NEXT(old, own);
		if (old->doc == d && strcmp(old->instance, instance) == 0)
			sub_free(old, 0);
	}
	if (d->watched != NULL)
		d->watched(d);
	TAILQ_INSERT_TAIL(&u->subs, s, own);
	u->nsubs++;
	map_put_str(p->subs, sub_key(s, key), s);
	map_put_u64(p->sub_ids, s->id, s);
	return s;
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
sub_refresh(struct asked *q, struct subscription *s)
{
	int64_t before;

	if (dialog_check(&s->dialog, q->req) != 0) {
		sip_answer_status(q->txn, 500);
		return;
	}
	if (q->expires == 0) {
		sub_answer(q, s->doc, NULL);
		sub_free(s, 0);
		return;
	}
	before = s->until;
	s->until = clock_real() + q->expires * 1000;
	if (s->doc->waits || sub_store(s) != 0) {
		s->until = before;
		q->status = 503;
		asked_refuse(q);
		return;
	}
	timer_set(&s->timer, q->expires * 1000);
	sub_answer(q, s->doc, s);
}

/* NULL: refused, and d may be gone. */
static struct subscription *
sub_make(struct asked *q, struct document *d)
{
	struct pal *p = q->pal;
	struct subscription *s;
	struct dialog dialog;

	if (dialog_from_request(&dialog, q->req, sip_txn_to_tag(q->txn)) != 0) {
		q->status = 400;
		goto out;
	}
	if (is_enough(q->by, d, q->instance)) {
		q->status = 403;
		snprintf(q->note, sizeof q->note,
		    "you have %d subscriptions, and may not have more",
		    p->s->conf.user_subscriptions);
		goto out;
	}
	q->status = 503;
	if ((s = sub_new(d, q->by, q->instance, q->why, &dialog,
		 clock_real() + q->expires * 1000)) == NULL)
		goto out;
	if (sub_store(s) == 0)
		return s;
	sub_free(s, 1); /* and d, if it was for this */
	return NULL;
out:
	document_release(d);
	return NULL;
}

static void
sub_start(struct asked *q)
{
	struct subscription *s;
	struct document *d = asked_document(q);

	if (d == NULL) {
		asked_refuse(q);
		return;
	}
	if (q->expires == 0) {
		sub_answer(q, d, subscription_of(q->by, q->instance, d));
		document_release(d);
	} else if ((s = sub_make(q, d)) != NULL)
		sub_answer(q, d, s);
	else
		asked_refuse(q);
}

static void
sub_again(struct asked *q)
{
	const struct sip_msg *req = q->req;
	struct subscription *s = NULL;
	char key[176];

	if (strlen(req->call_id) < 128 && strlen(req->to_tag) < 40)
		s = map_get_str(q->pal->subs,
		    dialog_key(key, req->call_id, req->to_tag));
	if (s == NULL || s->watcher != q->by)
		sip_answer_status(q->txn, 481);
	else
		sub_refresh(q, s);
}

static void
sub_request(struct asked *q)
{
	struct line row;

	if (q->req->to_tag != NULL)
		sub_again(q);
	else if (text_equal_nocase(q->req->event, EVENT_DIRECTORY))
		directory_subscribe(q->pal, q->txn, q->req, q->by->name);
	else if (uri_parse(&q->to, q->req->uri, q->pal->s->conf.domain) != 0) {
		q->status = 400;
		asked_refuse(q);
	} else if (q->to.kind == URI_FACTORY)
		sub_page(q, put_conferences);
	else if (q->to.kind == URI_PALMGR &&
	    text_equal_nocase(q->req->event, EVENT_PRESENCE))
		sub_page(q, put_watchers);
	else if (text_equal_nocase(q->req->event, EVENT_PRESENCE) &&
	    asked_row(q, "entry", &row)) {
		sub_entry(q, &row);
		line_free(&row);
	} else
		sub_start(q);
}

void
on_subscribe(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct pal *p = ((struct service *)ctx)->priv;
	const struct sip_peer *peer = sip_conn_peer(sip_txn_conn(txn));
	struct asked q = {
		.pal = p,
		.txn = txn,
		.req = req,
		.by = presentity_find(p, peer->user),
		.instance = peer->instance,
		.expires = event_expires(req->expires),
		.why = "",
	};

	service_touch(p->s);
	if (req->event == NULL)
		sip_answer_status(txn, 489);
	else if (q.by == NULL)
		sip_answer_status(txn, 403);
	else
		sub_request(&q);
}

/* --- keeping --- */

void
subscriptions_leave(const struct binding *b)
{
	struct subscription *s;

	TAILQ_FOREACH(s, &b->user->subs, own)
		if (s->at == b)
			s->at = NULL;
}

void
subscriptions_catch_up(struct binding *b)
{
	struct subscription *s;

	if (b->user->list != NULL)
		(void)list_open(b->user);
	TAILQ_FOREACH(s, &b->user->subs, own)
		if (strcmp(s->instance, b->row.instance) == 0) {
			s->at = b;
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

/* What it was on; NULL: there is no such thing any more, or no memory. */
static struct document *
load_document(struct pal *p, struct presentity *u,
    const struct pal_subscription *row)
{
	struct presentity *whom;
	struct verdict v;
	struct uri to;

	if (strcmp(row->event, EVENT_PRESENCE) != 0)
		return roster_awaited(p, row->target, row->why);
	if (strcmp(row->target, u->uri) == 0)
		return &list_unread(u)->doc;
	if (uri_parse(&to, row->target, p->s->conf.domain) != 0 ||
	    !watch_check(p, u->name, &to, &v) ||
	    (whom = presentity_get_uri(p, &to)) == NULL)
		return NULL;
	return &list_watch(u, whom)->doc;
}

/* The parts of a row's id; 0 or SEC_ERR_FORMAT. */
static int
load_dialog(struct dialog *d, const struct pal_subscription *row)
{
	char id[256], *rest = id, *part;

	memset(d, 0, sizeof *d);
	text_copy(id, row->id, sizeof id);
	if ((part = strsep(&rest, "\n")) == NULL)
		return SEC_ERR_FORMAT;
	text_copy(d->call_id, part, sizeof d->call_id);
	if ((part = strsep(&rest, "\n")) == NULL || rest == NULL)
		return SEC_ERR_FORMAT;
	text_copy(d->local_tag, part, sizeof d->local_tag);
	text_copy(d->remote_tag, rest, sizeof d->remote_tag);
	/* Above whatever was used: tenths of a second since 2026. */
	d->local_cseq = (uint32_t)((clock_real() - 1767225600000LL) / 100);
	return 0;
}

static int
sub_load(void *arg, const struct pal_subscription *row)
{
	struct pal *p = arg;
	struct presentity *u = presentity_get(p, row->user);
	struct document *doc;
	struct dialog d;

	if (u == NULL)
		return SEC_ERR_SYS;
	if (load_dialog(&d, row) != 0 ||
	    (doc = load_document(p, u, row)) == NULL)
		return 0;
	text_copy(d.local_uri, doc->uri, sizeof d.local_uri);
	text_copy(d.remote_uri, u->uri, sizeof d.remote_uri);
	text_copy(d.target, u->uri, sizeof d.target);
	(void)sub_new(doc, u, row->instance, row->why, &d, row->until);
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
