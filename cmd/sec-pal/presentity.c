/*
 * presentity: whatever can be watched, a user, conference, object or phone
 * (S050-S059), in memory as long as somebody there has to do with it, and
 * what is shown of it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"

#include "directory.h"
#include "list.h"
#include "object.h"
#include "recheck.h"
#include "roster.h"
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
	recheck_enter(u);
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
	recheck_leave(u);
	free(u->awaited);
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
	return TAILQ_EMPTY(&u->views) && !timer_is_set(&u->revert) &&
	    u->awaited == NULL;
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

void
presentity_greet(struct presentity *u)
{
	u->status =
	    (struct pal_status) { .value = "available", .class_ = "available" };
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

static int
add_reach(void *arg, const struct pal_reach *re)
{
	struct presentity *u = arg;
	size_t n = strlen(u->reach);

	if (!pal_attrs_has(u->reach, re->by))
		snprintf(u->reach + n, sizeof u->reach - n, "%s%s",
		    n > 0 ? "," : "", re->by);
	return 0;
}

void
presentity_reach(struct presentity *u)
{
	u->reach[0] = '\0';
	(void)pal_reach_each(u->pal->s->db, u->name, add_reach, u);
	if (u->reach[0] == '\0')
		text_copy(u->reach, "voip", sizeof u->reach);
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

/* Who has gone, or cannot be reached, is offline since then; who was there
 * when we died will be back in a moment. */
static void
user_shown(const struct presentity *u, struct pal_status *st)
{
	const struct binding *b = presentity_binding(u);

	if (b != NULL ? b->lost == 0 : u->awaited != NULL) {
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
		line_put(b, "media", bi != NULL ? bi->row.media : u->awaited);
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
	if (v.attrs[0] != '\0' && !pal_attrs_has(v.attrs, "note"))
		out->note[0] = '\0';
	return 0;
}

/* --- start and end --- */

/* Registered before our restart: his agents come back, or are lost. */
static int
load_binding(void *arg, const char *user, const struct pal_binding *row)
{
	struct presentity *u = presentity_get(arg, user);

	if (u == NULL)
		return SEC_ERR_SYS;
	if (u->awaited != NULL)
		return 0;
	if ((u->awaited = strdup(row->media)) == NULL)
		return SEC_ERR_SYS;
	presentity_reach(u);
	if (!u->said)
		presentity_greet(u);
	if (u->status.since < row->since)
		u->status.since = row->since;
	return 0;
}

void
presentity_came(struct presentity *u)
{
	free(u->awaited);
	u->awaited = NULL;
}

static void
on_awaited(void *arg)
{
	struct pal *p = arg;
	struct presentity *u;
	size_t i;

	for (i = 0; (u = map_next(p->presentities, &i)) != NULL;) {
		if (u->awaited == NULL)
			continue;
		u->seen = clock_real();
		presentity_came(u);
		presentity_changed(u);
		presentity_idle(u);
	}
}

static int
load_timed(void *arg, const char *user)
{
	return presentity_get(arg, user) == NULL ? SEC_ERR_SYS : 0;
}

int
presentities_load(struct pal *p)
{
	int r;

	p->presentities = map_new();
	p->backs = map_new();
	TAILQ_INIT(&p->idle);
	TAILQ_INIT(&p->due);
	recheck_open(p);
	hook_init(&p->idler, p->s->loop, presentities_sweep, p);
	hook_init(&p->teller, p->s->loop, lists_tell, p);
	timer_init(&p->await, p->s->loop, on_awaited, p);
	timer_set(&p->await, LOST_MS);
	if ((r = pal_expire(p->s->db, clock_real(), NULL, NULL)) != 0 ||
	    (r = pal_status_timed(p->s->db, load_timed, p)) != 0 ||
	    (r = pal_binding_each(p->s->db, NULL, load_binding, p)) != 0)
		log_error("db.load", "file=pal.db why=%s",
		    log_quote(db_why(p->s->db)));
	return r;
}

void
presentities_free(struct pal *p)
{
	struct presentity *u;
	size_t i;

	if (p->presentities == NULL)
		return;
	for (i = 0; (u = map_next(p->presentities, &i)) != NULL;)
		list_free(u->list);
	for (i = 0; (u = map_next(p->presentities, &i)) != NULL;)
		presentity_free(u);
	recheck_close(p);
	hook_cancel(&p->idler);
	hook_cancel(&p->teller);
	timer_cancel(&p->await);
	map_free(p->presentities);
	map_free(p->backs);
}
