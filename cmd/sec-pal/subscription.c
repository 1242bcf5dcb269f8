/*
 * subscription: what somebody's agent has subscribed to, and what it is told
 * of it by NOTIFY (RFC 6665; S062, S092-S094, S120). One NOTIFY at a time:
 * who does not answer is not sent another.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "net/channel.h"
#include "sip/event.h"

#include "list.h"
#include "roster.h"

/* More unsent than that, and what is late waits. */
#define LATE_UNSENT (CHANNEL_UNSENT / 4)

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

void
subscription_free(struct subscription *s, int stored)
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
sub_answered(struct subscription *s, int status)
{
	s->asked = 0;
	if (status == 481 || status == 404) {
		subscription_free(s, 0);
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

/* What is late, until the connection is full enough. The answer to the last
 * of it brings the next. */
static void
late_notify(struct binding *b)
{
	struct subscription *s;
	size_t unsent;

	b->late = 0;
	TAILQ_FOREACH(s, &b->user->subs, own) {
		if (s->at != b || !s->late)
			continue;
		s->late = 0;
		if (s->asked || s->sent != 0)
			continue;
		subscription_notify(s);
		unsent = channel_unsent(sip_conn_channel(b->conn));
		if (s->asked && unsent > LATE_UNSENT) {
			b->late = 1;
			return;
		}
	}
}

static void
notify_answered(void *ctx, uint64_t cookie, int status)
{
	struct pal *p = ctx;
	struct subscription *s = map_get_u64(p->sub_ids, cookie);
	struct binding *b;

	if (s == NULL)
		return;
	b = s->at;
	sub_answered(s, status);
	if (b != NULL && b->late && b->conn != NULL && sip_conn_is_up(b->conn))
		late_notify(b);
}

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
	subscription_free(s, 0);
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

void
subscription_rest(struct subscription *s)
{
	struct sip_conn *c = sub_conn(s);

	if (c != NULL)
		notify_parts(s, c, NEXT_ALL, 2);
}

int
subscription_store(struct subscription *s)
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

struct subscription *
subscription_new(struct document *d, struct presentity *u, const char *instance,
    const char *why, const struct dialog *dialog, int64_t until)
{
	struct pal *p = d->pal;
	struct subscription *s, *old, *next;
	char key[176];

	if ((s = calloc(1, sizeof *s)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a subscription");
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
			subscription_free(old, 0);
	}
	if (d->watched != NULL)
		d->watched(d);
	TAILQ_INSERT_TAIL(&u->subs, s, own);
	u->nsubs++;
	map_put_str(p->subs, sub_key(s, key), s);
	map_put_u64(p->sub_ids, s->id, s);
	return s;
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
			s->late = 1;
		}
	late_notify(b);
}

void
subscriptions_forget(struct presentity *u, const char *instance)
{
	struct subscription *s, *next;

	for (s = TAILQ_FIRST(&u->subs); s != NULL; s = next) {
		next = TAILQ_NEXT(s, own);
		if (strcmp(s->instance, instance) == 0)
			subscription_free(s, 0);
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
	(void)subscription_new(doc, u, row->instance, row->why, &d, row->until);
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
		subscription_free(s, 1);
}
