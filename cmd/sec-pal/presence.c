/*
 * presence: users and their status (S013, S056, S058), the realm's list,
 * and what the controller and the administrator ask about users.
 */

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
#include "rule.h"

struct presentity *
presentity_find(struct pal *p, const char *name)
{
	return map_get_str(p->users, name);
}

static struct presentity *
presentity_new(struct pal *p, const char *name)
{
	struct presentity *u;

	if ((u = calloc(1, sizeof *u)) == NULL)
		return NULL;
	u->pal = p;
	text_copy(u->name, name, sizeof u->name);
	uri_user(u->uri, name, p->s->conf.domain);
	u->entry.uri = u->uri;
	TAILQ_INIT(&u->bindings);
	TAILQ_INIT(&u->subs);
	map_put_str(p->users, u->name, u);
	return u;
}

struct presentity *
presentity_get(struct pal *p, const char *name)
{
	struct presentity *u = presentity_find(p, name);

	if (u == NULL && (u = presentity_new(p, name)) != NULL &&
	    pal_status_get(p->s->db, name, &u->status) != 0)
		memset(&u->status, 0, sizeof u->status);
	return u;
}

struct presentity *
presentity_by_uri(struct pal *p, const char *uri)
{
	struct uri u;

	return uri_parse(&u, uri, p->s->conf.domain) == 0 ?
	    presentity_find(p, u.name) :
	    NULL;
}

static int
is_class(const char *s)
{
	return strcmp(s, "available") == 0 || strcmp(s, "busy") == 0 ||
	    strcmp(s, "away") == 0 || strcmp(s, "offline") == 0;
}

/* A row `status` into u->status; 0 or SEC_ERR_FORMAT. */
int
presentity_status(struct presentity *u, const struct line *l)
{
	const char *value = line_get_or(l, "value", "available");
	const char *class_ =
	    line_get_or(l, "class", is_class(value) ? value : "available");
	const char *note = line_get_or(l, "note", "");

	if (!text_is_word(value) || !is_class(class_) ||
	    strlen(note) >= sizeof u->status.note ||
	    !text_is_utf8(note, strlen(note)) ||
	    (is_class(value) && strcmp(value, class_) != 0))
		return SEC_ERR_FORMAT;
	memset(&u->status, 0, sizeof u->status);
	text_copy(u->status.value, value, sizeof u->status.value);
	text_copy(u->status.class_, class_, sizeof u->status.class_);
	text_copy(u->status.note, note, sizeof u->status.note);
	u->status.since = clock_real();
	return 0;
}

/* --- the realm's list: everybody registered but oneself --- */

/* What is shown of one who has registered but cannot be reached. */
static struct pal_status
status_lost(int64_t since)
{
	return (struct pal_status) { .value = "offline",
		.class_ = "offline",
		.since = since };
}

static void
put_presentity(struct buf *b, const struct presentity *u,
    const struct binding *bi)
{
	struct pal_status st =
	    bi->lost == 0 ? u->status : status_lost(bi->lost);

	line_begin(b, "entry");
	line_put_arg(b, u->uri);
	line_put(b, "type", "user");
	line_put(b, "status", st.value);
	line_put(b, "class", st.class_);
	line_put_u64(b, "since", (uint64_t)st.since);
	if (st.note[0] != '\0')
		line_put(b, "note", st.note);
	line_put(b, "media", bi->row.media);
	line_end(b);
}

/* One that can be reached; else any, else NULL. */
static const struct binding *
presentity_binding(const struct presentity *u)
{
	const struct binding *b;

	TAILQ_FOREACH(b, &u->bindings, entry)
		if (b->lost == 0)
			return b;
	return TAILQ_FIRST(&u->bindings);
}

static struct entry *
realm_hidden(struct document *d, const char *watcher)
{
	struct presentity *u = presentity_by_uri(d->pal, watcher);

	return u != NULL ? &u->entry : NULL;
}

void
presentity_changed(struct presentity *u)
{
	struct document *d = &u->pal->realm;
	const struct binding *bi = presentity_binding(u);
	int busy = strcmp(u->status.class_, "busy") == 0;
	struct buf line = BUF_INIT;

	if (busy != u->busy)
		rosters_user_changed(u->pal, u->uri);
	u->busy = busy;
	if (bi == NULL) {
		if (buf_len(&u->entry.line) > 0)
			document_remove(d, &u->entry);
		return;
	}
	put_presentity(&line, u, bi);
	document_put(d, &u->entry, &line);
	buf_free(&line);
}

int
presence_shown(struct pal *p, const char *watcher, const struct uri *whom,
    struct pal_status *out)
{
	struct presentity *u = presentity_by_uri(p, whom->full);
	const struct binding *bi = u != NULL ? presentity_binding(u) : NULL;
	struct verdict v;

	rule_check(p, watcher, whom, &v);
	if (!v.allow)
		return SEC_ERR_DENIED;
	*out = bi != NULL && bi->lost == 0 ?
	    u->status :
	    status_lost(bi != NULL ? bi->lost : 0);
	return 0;
}

void
presence_conf_changed(struct pal *p, const char *uri)
{
	(void)p;
	(void)uri;
}

void
pals_recheck(struct pal *p)
{
	(void)p;
}

static int
load_status(void *arg, const struct pal_user *row)
{
	return presentity_get(arg, row->user) == NULL ? SEC_ERR_SYS : 0;
}

int
presence_load(struct pal *p)
{
	char uri[URI_MAX];
	int r;

	uri_palmgr(uri, p->s->conf.domain);
	document_init(&p->realm, p, uri, EVENT_PRESENCE);
	p->realm.hidden = realm_hidden;
	if ((r = pal_expire(p->s->db, clock_real(), NULL, NULL)) != 0 ||
	    (r = pal_user_each(p->s->db, load_status, p)) != 0)
		log_error("db.load", "file=pal.db why=%s",
		    log_quote(db_why(p->s->db)));
	return r;
}

void
presence_free(struct pal *p)
{
	struct presentity *u;
	size_t i;

	document_free(&p->realm, "deactivated");
	for (i = 0; (u = map_next(p->users, &i)) != NULL;) {
		map_del_str(p->users, u->name);
		document_forget(&p->realm, &u->entry);
		free(u);
	}
}

/* --- PUBLISH: one's own status --- */

void
on_publish(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct pal *p = ((struct service *)ctx)->priv;
	struct pal_status before;
	struct presentity *u;
	struct line l;
	struct uri to;
	int status = 400;

	service_touch(p->s);
	u = presentity_find(p, sip_conn_peer(sip_txn_conn(txn))->user);
	if (u == NULL || uri_parse(&to, req->uri, p->s->conf.domain) != 0 ||
	    strcmp(to.full, u->uri) != 0) {
		sip_answer_status(txn, 403);
		return;
	}
	if (req->event == NULL ||
	    !text_equal_nocase(req->event, EVENT_PRESENCE)) {
		sip_answer_status(txn, 489);
		return;
	}
	if (req->bodylen > 0 && line_parse(&l, req->body, req->bodylen) == 0) {
		before = u->status;
		if (strcmp(l.verb, "status") == 0 &&
		    presentity_status(u, &l) == 0) {
			status = 200;
			if (pal_status_put(p->s->db, u->name, &u->status) !=
			    0) {
				log_error("db.write", "file=pal.db why=%s",
				    log_quote(db_why(p->s->db)));
				u->status = before;
				status = 503;
			} else
				presentity_changed(u);
		}
		line_free(&l);
	}
	sip_answer_status(txn, status);
}

void
on_options(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	(void)ctx;
	(void)req;
	sip_answer_status(txn, 200);
}

/* --- control lines --- */

static void
on_user_add(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;
	struct pal_user row;
	struct uri u;

	memset(&row, 0, sizeof row);
	if (uri_from_name(&u, line_get_or(r->line, "user", ""),
		p->s->conf.domain, 0) != 0 ||
	    u.kind != URI_USER || strlen(u.name) >= sizeof row.user) {
		ctl_error(r, 400, "not a user's name");
		return;
	}
	if (pal_user_get(p->s->db, u.name, &row) != 0) {
		text_copy(row.user, u.name, sizeof row.user);
		row.created = clock_real();
	}
	row.known = 1;
	row.disabled = 0;
	text_copy(row.title, line_get_or(r->line, "title", row.title),
	    sizeof row.title);
	if (pal_user_put(p->s->db, &row) != 0)
		ctl_error(r, 503, db_why(p->s->db));
	else
		ctl_ok(r);
}

/*
 * A ticket outlives its principal by hours, and agents register again by
 * themselves: of who was removed stays a row that refuses him, until
 * user-add.
 */
static int
user_remove(struct db *d, const char *name)
{
	struct pal_user row;
	int r;

	memset(&row, 0, sizeof row);
	text_copy(row.user, name, sizeof row.user);
	row.created = clock_real();
	row.disabled = 1;
	if ((r = db_begin(d)) != 0)
		return r;
	if ((r = pal_user_rm(d, name)) != 0 ||
	    (r = pal_user_put(d, &row)) != 0) {
		db_rollback(d);
		return r;
	}
	return db_commit(d);
}

static void
on_user_rm(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;
	struct presentity *u;
	struct pal_user row;
	struct binding *b;
	struct db *dir = directory_writer(p);
	struct uri uri;
	int e;

	if (dir == NULL) {
		ctl_error(r, 503, "an import is under way; try again");
		return;
	}
	if (uri_from_name(&uri, line_get_or(r->line, "user", ""),
		p->s->conf.domain, 0) != 0) {
		ctl_error(r, 404, "no such user");
		return;
	}
	e = dir_person_rm(dir, uri.name);
	if (pal_user_get(p->s->db, uri.name, &row) != 0 || row.disabled) {
		/* Some are only in the directory. */
		if (e == 0)
			ctl_ok(r);
		else
			ctl_error(r, 404, "no such user");
		return;
	}
	if (user_remove(p->s->db, uri.name) != 0) {
		ctl_error(r, 503, db_why(p->s->db));
		return;
	}
	if ((u = presentity_find(p, uri.name)) != NULL)
		while ((b = TAILQ_FIRST(&u->bindings)) != NULL)
			binding_drop(b, "removed");
	ctl_ok(r);
}

static int
user_row(void *arg, const struct pal_user *row)
{
	struct ctl_req *r = arg;
	struct buf *b;

	if (row->disabled)
		return 0;
	b = ctl_row(r);
	line_put(b, "user", row->user);
	line_put(b, "title", row->title);
	line_put(b, "known", row->known ? "1" : "0");
	line_put_u64(b, "created", (uint64_t)row->created);
	line_put_u64(b, "seen", (uint64_t)row->seen);
	ctl_end(r);
	return 0;
}

static void
on_user_list(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;

	if (pal_user_each(p->s->db, user_row, r) != 0)
		ctl_error(r, 503, db_why(p->s->db));
	else
		ctl_ok(r);
}

const struct ctl_verb presence_verbs[] = {
	{ "user-add", CTL_ADMIN, on_user_add },
	{ "user-rm", CTL_ADMIN, on_user_rm },
	{ "user-list", CTL_ADMIN, on_user_list },
	{ NULL, 0, NULL },
};
