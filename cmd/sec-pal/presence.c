/*
 * presence: what users publish (S013, S058): their status, and what is to
 * leave their PALs.
 */

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
#include "rule.h"
#include "watcher.h"

/* --- a user's status --- */

static int
is_class(const char *s)
{
	return strcmp(s, "available") == 0 || strcmp(s, "busy") == 0 ||
	    strcmp(s, "away") == 0 || strcmp(s, "offline") == 0;
}

int
presence_status_as(const struct line *l, const char *key, struct pal_status *st)
{
	const char *value = line_get_or(l, key, "available");
	const char *class_ =
	    line_get_or(l, "class", is_class(value) ? value : "available");
	const char *note = line_get_or(l, "note", "");
	const char *until = line_get_or(l, "until", "");
	uint64_t ms = 0;

	if (!text_is_word(value) || !is_class(class_) ||
	    strlen(note) >= sizeof st->note ||
	    !text_is_utf8(note, strlen(note)) ||
	    (is_class(value) && strcmp(value, class_) != 0) ||
	    (until[0] != '\0' &&
		(line_get_u64(l, "until", &ms) != 0 || ms > INT64_MAX)))
		return SEC_ERR_FORMAT;
	memset(st, 0, sizeof *st);
	text_copy(st->value, value, sizeof st->value);
	text_copy(st->class_, class_, sizeof st->class_);
	text_copy(st->note, note, sizeof st->note);
	st->since = clock_real();
	st->until = (int64_t)ms;
	return until[0] != '\0' && st->until <= st->since ? SEC_ERR_EXPIRED : 0;
}

int
presence_status(const struct line *l, struct pal_status *st)
{
	return presence_status_as(l, "value", st);
}

/* --- PUBLISH: one's own status and PAL, and objects --- */

static int
publish_status(struct presentity *u, const struct line *l)
{
	struct pal_status st;

	if (presence_status(l, &st) != 0)
		return 400;
	if (pal_status_put(u->pal->s->db, u->name, &st) != 0) {
		log_error("db.write", "file=pal.db why=%s",
		    log_quote(db_why(u->pal->s->db)));
		return 503;
	}
	presentity_set(u, &st);
	return 200;
}

static int
publish_rm(struct presentity *u, const struct line *l)
{
	const char *entry = line_get(l, "entry");
	struct list *pal = list_open(u);
	struct uri uri;
	int r;

	if (entry == NULL ||
	    uri_parse(&uri, entry, u->pal->s->conf.domain) != 0)
		return 400;
	if (pal == NULL)
		return 503;
	r = list_rm(pal, uri.full);
	return r == 0 ? 200 : r == SEC_ERR_NOTHING ? 404 : 503;
}

static int
publish_own(struct presentity *u, const struct sip_msg *req)
{
	struct line l;
	int status = 400;

	if (req->bodylen == 0 || line_parse(&l, req->body, req->bodylen) != 0)
		return 400;
	if (strcmp(l.verb, "status") == 0)
		status = publish_status(u, &l);
	else if (strcmp(l.verb, "rm") == 0)
		status = publish_rm(u, &l);
	line_free(&l);
	return status;
}

void
on_publish(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct pal *p = ((struct service *)ctx)->priv;
	const char *user = sip_conn_peer(sip_txn_conn(txn))->user;
	struct presentity *u = presentity_find(p, user);
	struct uri to;

	service_touch(p->s);
	if (uri_parse(&to, req->uri, p->s->conf.domain) != 0)
		sip_answer_status(txn, 400);
	else if (req->event == NULL ||
	    !text_equal_nocase(req->event, EVENT_PRESENCE))
		sip_answer_status(txn, 489);
	else if (to.kind == URI_OBJECT)
		object_publish(p, txn, req, user);
	else if (u == NULL || strcmp(to.full, u->uri) != 0)
		sip_answer_status(txn, 403);
	else
		sip_answer_status(txn, publish_own(u, req));
}

void
on_options(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	(void)ctx;
	(void)req;
	sip_answer_status(txn, 200);
}
