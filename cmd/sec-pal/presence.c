/*
 * presence: whatever can be watched (S013, S050-S059), users and their
 * status, and what the administrator asks about users.
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
#include "list.h"
#include "object.h"
#include "roster.h"
#include "rule.h"
#include "watcher.h"

#define REVERT_AGAIN 10000 /* ms; pal.db could not be written */

static void on_told(void *arg);
static void on_revert(void *arg);

/* --- in memory --- */

struct presentity *
presentity_by_uri(struct pal *p, const char *uri)
{
	return map_get_str(p->presentities, uri);
}

struct presentity *
presentity_find(struct pal *p, const char *name)
{
	char uri[URI_MAX];

	return presentity_by_uri(p, uri_user(uri, name, p->s->conf.domain));
}

static void
revert_at(struct presentity *u)
{
	int64_t wait = u->status.until - clock_real();

	timer_set(&u->revert, wait > 0 ? wait : 0);
}

/* What pal.db knows of a user. */
static void
user_read(struct presentity *u)
{
	struct db *d = u->pal->s->db;
	struct pal_user row;

	if (pal_user_get(d, u->name, &row) == 0)
		u->seen = row.seen;
	if (pal_status_get(d, u->name, &u->status) != 0)
		memset(&u->status, 0, sizeof u->status);
	u->said = u->status.value[0] != '\0';
	if (u->status.until > 0)
		revert_at(u);
}

static struct presentity *
presentity_new(struct pal *p, const struct uri *uri)
{
	size_t n = strlen(uri->full) + 1;
	struct presentity *u;

	if ((u = calloc(1, sizeof *u)) == NULL ||
	    (u->uri = malloc(n + strlen(uri->name) + 1)) == NULL) {
		free(u);
		return NULL;
	}
	u->pal = p;
	u->kind = uri->kind;
	memcpy(u->uri, uri->full, n);
	u->name = strcpy(u->uri + n, uri->name);
	TAILQ_INIT(&u->views);
	TAILQ_INIT(&u->bindings);
	TAILQ_INIT(&u->subs);
	timer_init(&u->timer, p->s->loop, on_told, u);
	timer_init(&u->revert, p->s->loop, on_revert, u);
	map_put_str(p->presentities, u->uri, u);
	if (u->kind == URI_USER)
		user_read(u);
	presentity_idle(u);
	return u;
}

struct presentity *
presentity_get_uri(struct pal *p, const struct uri *uri)
{
	struct presentity *u = presentity_by_uri(p, uri->full);

	return u != NULL ? u : presentity_new(p, uri);
}

struct presentity *
presentity_get(struct pal *p, const char *name)
{
	struct uri uri;

	memset(&uri, 0, sizeof uri);
	uri.kind = URI_USER;
	text_copy(uri.name, name, sizeof uri.name);
	uri_user(uri.full, name, p->s->conf.domain);
	return presentity_get_uri(p, &uri);
}

void
presentity_idle(struct presentity *u)
{
	if (u->idle)
		return;
	u->idle = 1;
	TAILQ_INSERT_TAIL(&u->pal->idle, u, entry);
	hook_arm(&u->pal->idler);
}

static void
presentity_free(struct presentity *u)
{
	if (u->idle)
		TAILQ_REMOVE(&u->pal->idle, u, entry);
	timer_cancel(&u->timer);
	timer_cancel(&u->revert);
	map_del_str(u->pal->presentities, u->uri);
	free(u->uri);
	free(u);
}

/* Has nobody to do with it? A PAL goes with the last agent. */
static int
presentity_is_idle(struct presentity *u)
{
	if (!TAILQ_EMPTY(&u->bindings) || !TAILQ_EMPTY(&u->subs))
		return 0;
	list_free(u->list);
	return TAILQ_EMPTY(&u->views) && !timer_is_set(&u->revert);
}

/* Hook: at the end of a turn nobody holds a pointer. */
static void
presentities_sweep(void *arg)
{
	struct pal *p = arg;
	struct presentity *u;
	int is;

	while ((u = TAILQ_FIRST(&p->idle)) != NULL) {
		TAILQ_REMOVE(&p->idle, u, entry);
		/* idle is set still, so that freeing his PAL does not put him
		 * back. */
		is = presentity_is_idle(u);
		u->idle = 0;
		if (is)
			presentity_free(u);
	}
}

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

void
presentity_set(struct presentity *u, const struct pal_status *st)
{
	int same = strcmp(u->status.value, st->value) == 0 &&
	    strcmp(u->status.class_, st->class_) == 0;
	int64_t since =
	    same && u->status.since > 0 ? u->status.since : st->since;

	u->status = *st;
	u->status.since = since;
	u->said = 1;
	if (st->until > 0)
		revert_at(u);
	else
		timer_cancel(&u->revert);
	presentity_changed(u);
}

/* A timed status has ended, whether or not his agent is there. */
static void
on_revert(void *arg)
{
	struct presentity *u = arg;
	struct db *d = u->pal->s->db;
	struct pal_status st;
	int r;

	r = pal_status_revert(d, u->name, clock_real());
	if ((r == 0 || r == SEC_ERR_NOTHING) &&
	    (r = pal_status_get(d, u->name, &st)) == 0)
		presentity_set(u, &st);
	else if (r != SEC_ERR_NOTHING) {
		log_error("db.write", "file=pal.db why=%s",
		    log_quote(db_why(d)));
		timer_set(&u->revert, REVERT_AGAIN);
	}
	presentity_idle(u);
}

/* --- as it is shown --- */

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

/* Who has gone, or cannot be reached, is offline since then. */
static void
user_shown(const struct presentity *u, struct pal_status *st)
{
	const struct binding *b = presentity_binding(u);

	if (b != NULL && b->lost == 0) {
		*st = u->status;
		return;
	}
	*st = (struct pal_status) { .value = "offline", .class_ = "offline" };
	st->since = b != NULL ? b->lost : u->seen;
}

static void
user_line(struct presentity *u, struct buf *b)
{
	const struct binding *bi = presentity_binding(u);
	struct pal_status st;

	user_shown(u, &st);
	line_put(b, "type", "user");
	line_put(b, "status", st.value);
	line_put(b, "class", st.class_);
	if (st.since > 0)
		line_put_u64(b, "since", (uint64_t)st.since);
	if (st.note[0] != '\0')
		line_put(b, "note", st.note);
	if (strcmp(st.class_, "offline") != 0) {
		line_put(b, "media", bi->row.media);
		line_put(b, "reach", u->reach);
	}
}

static void
phone_line(struct presentity *u, struct buf *b)
{
	char name[256];

	directory_phone_name(u->pal, u->name, name, sizeof name);
	line_put(b, "type", "phone");
	if (name[0] != '\0')
		line_put(b, "note", name);
}

void
presentity_line(struct presentity *u, struct buf *b)
{
	switch (u->kind) {
	case URI_CONF: roster_line(u->pal, u->uri, b); break;
	case URI_OBJECT: object_line(u->pal, u, b); break;
	case URI_PHONE: phone_line(u, b); break;
	default: user_line(u, b); break;
	}
}

static void
presentity_tell(struct presentity *u)
{
	struct view *v, *next;
	struct buddy *b, *bnext;

	u->told = loop_now(u->pal->s->loop);
	/* Who takes part in a conference may see it, as long as he does. */
	if (u->kind == URI_CONF)
		for (v = TAILQ_FIRST(&u->views); v != NULL; v = next) {
			next = TAILQ_NEXT(v, entry);
			for (b = TAILQ_FIRST(&v->buddies); b != NULL;
			     b = bnext) {
				bnext = TAILQ_NEXT(b, same);
				if (view_again(b))
					buddy_news(b);
			}
		}
	views_update(u);
}

static void
on_told(void *arg)
{
	presentity_tell(arg);
}

/* At most every 100 ms for a conference, where much happens at once, and not
 * more often than its watchers can be told. */
static int64_t
told_apart(const struct presentity *u)
{
	int64_t apart = u->nbuddies / NOTIFIES;

	return apart > NOTIFY_MS ? apart : u->kind == URI_CONF ? NOTIFY_MS : 0;
}

void
presentity_changed(struct presentity *u)
{
	int busy = strcmp(u->status.class_, "busy") == 0;
	int64_t wait;

	if (busy != u->busy)
		rosters_user_changed(u->pal, u->uri);
	u->busy = busy;
	if (u->nbuddies == 0 || timer_is_set(&u->timer))
		return;
	wait = u->told + told_apart(u) - loop_now(u->pal->s->loop);
	if (u->told != 0 && wait > 0)
		timer_set(&u->timer, wait);
	else
		presentity_tell(u);
}

void
presence_conf_changed(struct pal *p, const char *uri)
{
	struct presentity *u = presentity_by_uri(p, uri);

	if (u != NULL)
		presentity_changed(u);
}

int
presence_shown(struct pal *p, const char *watcher, const struct uri *whom,
    struct pal_status *out)
{
	struct presentity *u;
	struct verdict v;

	if (!watch_check(p, watcher, whom, &v) ||
	    (v.attrs[0] != '\0' && !pal_attrs_has(v.attrs, "status")))
		return SEC_ERR_DENIED;
	if ((u = presentity_get_uri(p, whom)) == NULL)
		return SEC_ERR_SYS;
	user_shown(u, out);
	if (v.attrs[0] != '\0' && !pal_attrs_has(v.attrs, "class"))
		out->class_[0] = '\0';
	if (v.attrs[0] != '\0' && !pal_attrs_has(v.attrs, "since"))
		out->since = 0;
	return 0;
}

static void
dialogs_recheck(struct presentity *u)
{
	struct subscription *s, *next;
	struct buddy *b;
	struct list *l;

	for (s = TAILQ_FIRST(&u->subs); s != NULL; s = next) {
		next = TAILQ_NEXT(s, own);
		if ((l = list_of(s->doc)) == NULL || l->whom == NULL)
			continue;
		list_recheck(l);
		b = TAILQ_FIRST(&l->buddies);
		if (view_is_denied(b->view))
			subscription_end(s, "rejected");
	}
}

void
pals_recheck(struct pal *p)
{
	struct presentity *u;
	size_t i;

	for (i = 0; (u = map_next(p->presentities, &i)) != NULL;) {
		if (u->list != NULL)
			list_recheck(u->list);
		dialogs_recheck(u);
		watchers_recheck(u);
	}
	rosters_recheck(p);
}

/* --- start and end --- */

static int
load_timed(void *arg, const char *user)
{
	return presentity_get(arg, user) == NULL ? SEC_ERR_SYS : 0;
}

int
presence_load(struct pal *p)
{
	int r;

	p->presentities = map_new();
	p->backs = map_new();
	TAILQ_INIT(&p->idle);
	TAILQ_INIT(&p->due);
	hook_init(&p->idler, p->s->loop, presentities_sweep, p);
	hook_init(&p->teller, p->s->loop, lists_tell, p);
	if ((r = pal_expire(p->s->db, clock_real(), NULL, NULL)) != 0 ||
	    (r = pal_status_timed(p->s->db, load_timed, p)) != 0)
		log_error("db.load", "file=pal.db why=%s",
		    log_quote(db_why(p->s->db)));
	return r;
}

void
presence_free(struct pal *p)
{
	struct presentity *u;
	size_t i;

	if (p->presentities == NULL)
		return;
	for (i = 0; (u = map_next(p->presentities, &i)) != NULL;)
		list_free(u->list);
	for (i = 0; (u = map_next(p->presentities, &i)) != NULL;)
		presentity_free(u);
	hook_cancel(&p->idler);
	hook_cancel(&p->teller);
	map_free(p->presentities);
	map_free(p->backs);
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

/* His PAL is gone with his row, and so he watches nobody. */
static void
user_forget(struct presentity *u)
{
	struct presentity *other;
	struct pal *p = u->pal;
	struct binding *b;
	size_t i;

	while ((b = TAILQ_FIRST(&u->bindings)) != NULL)
		binding_drop(b, "removed");
	list_free(u->list);
	memset(&u->status, 0, sizeof u->status);
	timer_cancel(&u->revert);
	u->said = 0;
	presentity_changed(u);
	for (i = 0; (other = map_next(p->presentities, &i)) != NULL;)
		watcher_entry(other, u, 0);
}

static void
on_user_rm(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;
	struct presentity *u;
	struct pal_user row;
	struct db *dir = directory_writer(p);
	struct uri uri;
	int e;

	if (dir == NULL) {
		ctl_error(r, 503, "an import is under way; try again");
		return;
	}
	if (uri_from_name(&uri, line_get_or(r->line, "user", ""),
		p->s->conf.domain, 0) != 0 ||
	    uri.kind != URI_USER) {
		ctl_error(r, 404, "no such user");
		return;
	}
	e = dir_person_rm(dir, uri.name);
	if (e != 0 && e != SEC_ERR_NOTHING) {
		ctl_error(r, 503, db_why(dir));
		return;
	}
	rules_chart_changed(p);
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
		user_forget(u);
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
