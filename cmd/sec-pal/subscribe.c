/*
 * subscribe: SUBSCRIBE (RFC 6665; S062, S109, S110, S122, S159-S161, S166).
 * Who may: oneself to one's PAL, participants to a roster, and whom a rule or
 * an owner lets.
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
#include "ldap_copy.h"
#include "list.h"
#include "object.h"
#include "roster.h"
#include "watcher.h"

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

	asked_answer(q, d->uri, &body);
	buf_free(&body);
	if (s != NULL && parts > 1)
		subscription_rest(s);
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
		subscription_free(s, 0);
		return;
	}
	before = s->until;
	s->until = clock_real() + q->expires * 1000;
	if (s->doc->waits || subscription_store(s) != 0) {
		s->until = before;
		q->status = 503;
		asked_refuse(q);
		return;
	}
	timer_set(&s->timer, q->expires * 1000);
	sub_answer(q, s->doc, s);
}

/* May there be one more? If not, with what to answer. */
static int
sub_admit(struct asked *q, const struct document *d, struct dialog *dialog)
{
	struct pal *p = q->pal;

	if (dialog_from_request(dialog, q->req, sip_txn_to_tag(q->txn)) != 0) {
		q->status = 400;
		return SEC_ERR_FORMAT;
	}
	if (is_enough(q->by, d, q->instance)) {
		q->status = 403;
		snprintf(q->note, sizeof q->note,
		    "you have %d subscriptions, and may not have more",
		    p->s->conf.user_subscriptions);
		return SEC_ERR_LIMIT;
	}
	return 0;
}

static struct subscription *
sub_make(struct asked *q, struct document *d, const struct dialog *dialog)
{
	struct subscription *s;

	q->status = 503;
	s = subscription_new(d, q->by, q->instance, q->why, dialog,
	    clock_real() + q->expires * 1000);
	if (subscription_store(s) == 0)
		return s;
	subscription_free(s, 1);
	return NULL;
}

static void
sub_start(struct asked *q)
{
	struct subscription *s;
	struct document *d = asked_document(q);
	struct dialog dialog;

	if (d == NULL)
		asked_refuse(q);
	else if (q->expires == 0) {
		sub_answer(q, d, subscription_of(q->by, q->instance, d));
		document_release(d);
	} else if (sub_admit(q, d, &dialog) != 0) {
		asked_refuse(q);
		document_release(d);
	} else if ((s = sub_make(q, d, &dialog)) != NULL)
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

/* --- before it is decided --- */

/* A request that waits until the LDAP directory has said where somebody
 * stands. */
struct waiting {
	struct pal *pal;
	uint64_t txn;
	struct sip_msg *req;
};

static void sub_take(struct pal *p, struct sip_txn *txn,
    const struct sip_msg *req, int may_wait);

static void
on_known(void *arg, int late)
{
	struct waiting *w = arg;
	struct sip_txn *txn = sip_txn_find(w->pal->s->sip, w->txn);

	if (txn != NULL)
		sub_take(w->pal, txn, w->req, !late);
	sip_msg_free(w->req);
	free(w);
}

static int
sub_wait(const struct asked *q, const char *user)
{
	struct waiting *w = calloc(1, sizeof *w);
	struct buf copy = BUF_INIT;
	int r = SEC_ERR_SYS;

	sip_msg_write(&copy, q->req);
	if (w != NULL && (r = buf_error(&copy)) == 0)
		r = sip_msg_parse(&w->req, buf_data(&copy), buf_len(&copy), 1);
	buf_free(&copy);
	if (r != 0) {
		free(w);
		return r;
	}
	w->pal = q->pal;
	w->txn = sip_txn_id(q->txn);
	ldap_copy_await(q->pal, user, on_known, w);
	return 0;
}

/* Does a rule ask for somebody who is only now being looked up? */
static int
sub_waits(const struct asked *q)
{
	struct verdict v;
	struct uri to;

	if (q->req->to_tag != NULL || q->pal->backend == NULL ||
	    uri_parse(&to, q->req->uri, q->pal->s->conf.domain) != 0 ||
	    uri_type(&to) == NULL)
		return 0;
	rule_check(q->pal, q->by->name, &to, &v);
	return v.awaits[0] != '\0' && sub_wait(q, v.awaits) == 0;
}

static void
sub_take(struct pal *p, struct sip_txn *txn, const struct sip_msg *req,
    int may_wait)
{
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

	if (req->event == NULL)
		sip_answer_status(txn, 489);
	else if (q.by == NULL)
		sip_answer_status(txn, 403);
	else if (!may_wait || !sub_waits(&q))
		sub_request(&q);
}

void
on_subscribe(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct pal *p = ((struct service *)ctx)->priv;

	service_touch(p->s);
	sub_take(p, txn, req, 1);
}
