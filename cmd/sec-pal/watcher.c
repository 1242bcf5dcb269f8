/*
 * watcher: who watches a user, and telling his agents (Fig. 10).
 *
 *   sec-pal                                    instance of C
 *    | SUBSCRIBE From sip:pal.D, Expires 3600 ---->|  1008: all watchers
 *    |<------------------------------ 200, C's row |  1010
 *    | SUBSCRIBE in the dialog: new, gone -------->|  at most once a second
 *    | SUBSCRIBE in the dialog, Expires 0 -------->|  nobody watches any more
 *
 * A user's watchers are in memory while an instance of his is connected.
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/event.h"
#include "wire/line.h"

#include "list.h"
#include "watcher.h"

#define TELL_MS	     1000 /* at most one in */
#define ANSWER_MS    10000
#define ROWS_MAX     65536 /* of one request; all are in a fetch */
#define PAGE	     500 /* watchers decided anew at once */
#define BACK_EXPIRES EVENT_DEFAULT

struct watcher {
	char *uri;
	int entry; /* has him in his PAL, and may */
	unsigned dialogs;
	int told; /* as there */
	int is_news;
	TAILQ_ENTRY(watcher) news;
};

struct watched {
	struct presentity *of;
	struct map *by; /* watcher by URI */
	size_t n; /* that are there */
	unsigned backs;
	TAILQ_HEAD(, watcher) news;
	struct timer timer;
	int64_t flushed; /* mono ms */
	uint64_t decided; /* as in struct pal; of those up to: */
	char upto[PAL_NAME];
};

/* To one instance. */
struct back {
	uint64_t id;
	struct binding *to;
	struct dialog dialog;
	int active; /* the dialog is there */
	int deaf; /* it takes none; until it connects again */
	int ending;
	uint64_t txn; /* unanswered */
	struct timer timer; /* refresh */
};

static void watched_tell(void *arg);

/* --- the set --- */

static int
is_there(const struct watcher *w)
{
	return w->entry || w->dialogs > 0;
}

static void
watched_due(struct watched *wd)
{
	int64_t wait = wd->flushed + TELL_MS - loop_now(wd->of->pal->s->loop);

	if (!timer_is_set(&wd->timer))
		timer_set(&wd->timer, wait > 0 ? wait : 0);
}

static void
watcher_free(struct watched *wd, struct watcher *w)
{
	if (w->is_news)
		TAILQ_REMOVE(&wd->news, w, news);
	map_del_str(wd->by, w->uri);
	free(w->uri);
	free(w);
}

static struct watcher *
watcher_get(struct watched *wd, const char *uri)
{
	struct watcher *w = map_get_str(wd->by, uri);

	if (w != NULL)
		return w;
	if ((w = calloc(1, sizeof *w)) == NULL ||
	    (w->uri = strdup(uri)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a watcher");
	map_put_str(wd->by, w->uri, w);
	return w;
}

/* He was there or not; is that another thing now than was told? */
static void
watcher_settle(struct watched *wd, struct watcher *w, int was)
{
	int is = is_there(w), news = is != w->told;

	wd->n += (size_t)is;
	wd->n -= (size_t)was;
	if (news && !w->is_news)
		TAILQ_INSERT_TAIL(&wd->news, w, news);
	else if (!news && w->is_news)
		TAILQ_REMOVE(&wd->news, w, news);
	w->is_news = news;
	if (news)
		watched_due(wd);
	else if (!is)
		watcher_free(wd, w);
}

static void
watcher_set(struct watched *wd, const char *uri, int entry, int dialogs)
{
	struct watcher *w = watcher_get(wd, uri);
	int was = is_there(w);

	w->entry = entry < 0 ? w->entry : entry;
	w->dialogs += (unsigned)dialogs;
	watcher_settle(wd, w, was);
}

void
watcher_entry(struct presentity *u, const struct presentity *by, int is)
{
	if (u->watched != NULL && u != by)
		watcher_set(u->watched, by->uri, is, 0);
}

void
watcher_dialog(struct presentity *u, const struct presentity *by, int n)
{
	if (u->watched != NULL && u != by)
		watcher_set(u->watched, by->uri, -1, n);
}

struct asking { /* through the entries of pal.db */
	struct presentity *u;
	void (*cb)(void *arg, const char *owner, int64_t added);
	void *arg;
};

static int
may_watch(const struct presentity *u, const char *by)
{
	struct pal *p = u->pal;
	struct verdict v;
	struct uri uri;

	return uri_parse(&uri, u->uri, p->s->conf.domain) == 0 &&
	    watch_check(p, by, &uri, &v);
}

/* Only who may: the others see nothing of him. */
static int
ask_entry(void *arg, const char *owner, int64_t added)
{
	struct asking *a = arg;

	if (strcmp(owner, a->u->name) != 0 && may_watch(a->u, owner))
		a->cb(a->arg, owner, added);
	return 0;
}

static void
each_entry(struct presentity *u,
    void (*cb)(void *arg, const char *owner, int64_t added), void *arg)
{
	struct asking a = { u, cb, arg };
	struct pal *p = u->pal;

	if (pal_entry_watchers(p->s->db, u->uri, "", ask_entry, &a) != 0)
		log_error("db.read", "file=pal.db why=%s",
		    log_quote(db_why(p->s->db)));
}

static void
each_dialog(struct presentity *u,
    void (*cb)(void *arg, const char *owner, int64_t added), void *arg)
{
	struct view *v;
	struct buddy *b;

	TAILQ_FOREACH(v, &u->views, entry)
		TAILQ_FOREACH(b, &v->buddies, same)
			if (b->list->whom == u && b->list->owner != u &&
			    may_watch(u, b->list->owner->name))
				cb(arg, b->list->owner->name, 0);
}

static void
add_entry(void *arg, const char *owner, int64_t added)
{
	struct watched *wd = arg;
	char uri[URI_MAX];

	(void)added;
	watcher_set(wd, uri_user(uri, owner, wd->of->pal->s->conf.domain), 1,
	    0);
}

static void
add_dialog(void *arg, const char *owner, int64_t added)
{
	struct watched *wd = arg;
	char uri[URI_MAX];

	(void)added;
	watcher_set(wd, uri_user(uri, owner, wd->of->pal->s->conf.domain), -1,
	    1);
}

void
watcher_recheck(struct presentity *u, const char *by)
{
	char uri[URI_MAX];

	if (u->watched != NULL && strcmp(u->name, by) != 0)
		watcher_set(u->watched,
		    uri_user(uri, by, u->pal->s->conf.domain), may_watch(u, by),
		    0);
}

struct page {
	struct presentity *u;
	int n;
};

static int
recheck_entry(void *arg, const char *owner, int64_t added)
{
	struct page *g = arg;

	(void)added;
	watcher_recheck(g->u, owner);
	text_copy(g->u->watched->upto, owner, PAL_NAME);
	return ++g->n == PAGE;
}

int
watchers_recheck(struct presentity *u)
{
	struct watched *wd = u->watched;
	struct pal *p = u->pal;
	struct page g = { u, 0 };
	int r;

	if (wd == NULL)
		return 0;
	if (wd->decided != p->decided)
		wd->upto[0] = '\0';
	wd->decided = p->decided;
	r = pal_entry_watchers(p->s->db, u->uri, wd->upto, recheck_entry, &g);
	if (r < 0)
		log_error("db.read", "file=pal.db why=%s",
		    log_quote(db_why(p->s->db)));
	return r > 0;
}

void
watchers_undecided(struct presentity *u)
{
	if (u->watched != NULL)
		u->watched->decided = 0;
}

static struct watched *
watched_new(struct presentity *u)
{
	struct watched *wd;

	if ((wd = calloc(1, sizeof *wd)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for watchers");
	wd->of = u;
	wd->by = map_new();
	TAILQ_INIT(&wd->news);
	wd->flushed = loop_now(u->pal->s->loop) - TELL_MS;
	timer_init(&wd->timer, u->pal->s->loop, watched_tell, wd);
	u->watched = wd;
	each_entry(u, add_entry, wd);
	each_dialog(u, add_dialog, wd);
	return wd;
}

static void
watched_free(struct watched *wd)
{
	struct watcher *w;
	size_t i;

	wd->of->watched = NULL;
	timer_cancel(&wd->timer);
	for (i = 0; (w = map_next(wd->by, &i)) != NULL;)
		watcher_free(wd, w);
	map_free(wd->by);
	free(wd);
}

/* --- telling an instance --- */

static void
put_row(struct buf *b, const struct watcher *w)
{
	if (buf_len(b) > ROWS_MAX)
		return;
	line_begin(b, "watcher");
	line_put(b, "user", w->uri);
	line_put(b, "state", is_there(w) ? "new" : "gone");
	line_end(b);
}

/* 1010: what he says of himself is believed when nobody else has said
 * anything, as of a foreign agent that does not publish. */
static void
take_row(struct presentity *u, const struct sip_msg *a)
{
	struct pal_status st;
	const char *p, *end;
	struct line l;

	if (u->said || a->bodylen == 0 || a->content_type == NULL ||
	    !text_equal_nocase(a->content_type, EVENT_PAL_TYPE))
		return;
	p = a->body;
	for (end = p + a->bodylen; line_next(&l, &p, end); line_free(&l))
		if (strcmp(l.verb, "entry") == 0 &&
		    strcmp(line_arg(&l, 0) != NULL ? line_arg(&l, 0) : "",
			u->uri) == 0 &&
		    presence_status_as(&l, "status", &st) == 0 &&
		    pal_status_put(u->pal->s->db, u->name, &st) == 0)
			presentity_set(u, &st);
}

static void
on_answer(void *ctx, uint64_t cookie, const struct sip_msg *a)
{
	struct pal *p = ctx;
	struct back *k = map_get_u64(p->backs, cookie);
	struct presentity *u;
	struct sip_msg m;

	if (k == NULL)
		return;
	u = k->to->user;
	k->txn = 0;
	if (a->status / 100 == 2 && !k->ending) {
		sip_msg_init(&m);
		m.uri = u->uri;
		if (!k->active && dialog_from_answer(&k->dialog, &m, a) != 0)
			k->deaf = 1;
		k->active = !k->deaf;
		timer_set(&k->timer,
		    (a->expires > 0 ? a->expires : BACK_EXPIRES) * 800);
		take_row(u, a);
	} else {
		k->active = 0;
		k->deaf = !k->ending && a->status != 481;
		timer_cancel(&k->timer);
	}
	k->ending = 0;
	watched_due(u->watched);
}

static void
back_send(struct back *k, const struct buf *rows, int64_t expires)
{
	struct presentity *u = k->to->user;
	struct pal *p = u->pal;
	struct sip_conn *c = holder_conn(&k->to->held, p->s);
	char from[URI_MAX];
	struct sip_msg m;

	if (c == NULL)
		return;
	sip_msg_init(&m);
	if (k->active)
		dialog_request(&k->dialog, &m, "SUBSCRIBE");
	else {
		m.method = "SUBSCRIBE";
		m.uri = m.to = u->uri;
		m.from = uri_palmgr(from, p->s->conf.domain);
	}
	m.event = EVENT_PRESENCE;
	m.expires = expires;
	m.contact = uri_palmgr(from, p->s->conf.domain);
	if (buf_len(rows) > 0) {
		m.content_type = EVENT_LINE_TYPE;
		m.body = buf_data(rows);
		m.bodylen = buf_len(rows);
	}
	k->ending = expires == 0;
	k->txn = sip_request(c, &m, ANSWER_MS, on_answer, p, k->id);
}

static void
on_refresh(void *arg)
{
	struct back *k = arg;
	struct buf none = BUF_INIT;

	if (k->active && k->txn == 0)
		back_send(k, &none, BACK_EXPIRES);
}

static int
is_waiting(const struct presentity *u)
{
	const struct binding *b;

	TAILQ_FOREACH(b, &u->bindings, entry)
		if (b->back != NULL && b->back->txn != 0)
			return 1;
	return 0;
}

static void
put_all(const struct watched *wd, struct buf *out)
{
	const struct watcher *w;
	size_t i;

	for (i = 0; (w = map_next(wd->by, &i)) != NULL;)
		put_row(out, w);
}

/* The news for those who have heard the rest, everything for the others. */
static void
watched_send(struct watched *wd, const struct buf *news)
{
	struct buf all = BUF_INIT;
	struct binding *b;

	TAILQ_FOREACH(b, &wd->of->bindings, entry) {
		if (b->back == NULL || b->back->deaf)
			continue;
		if (!b->back->active && wd->n > 0) {
			if (buf_len(&all) == 0)
				put_all(wd, &all);
			back_send(b->back, &all, BACK_EXPIRES);
		} else if (b->back->active && buf_len(news) > 0)
			back_send(b->back, news, wd->n > 0 ? BACK_EXPIRES : 0);
	}
	buf_free(&all);
}

static void
watched_tell(void *arg)
{
	struct watched *wd = arg;
	struct buf news = BUF_INIT;
	struct watcher *w;

	if (is_waiting(wd->of))
		return; /* the answer comes back here */
	wd->flushed = loop_now(wd->of->pal->s->loop);
	TAILQ_FOREACH(w, &wd->news, news)
		put_row(&news, w);
	while ((w = TAILQ_FIRST(&wd->news)) != NULL) {
		TAILQ_REMOVE(&wd->news, w, news);
		w->is_news = 0;
		w->told = is_there(w);
		if (!w->told)
			watcher_free(wd, w);
	}
	watched_send(wd, &news);
	buf_free(&news);
}

void
watcher_up(struct binding *b)
{
	struct pal *p = b->user->pal;
	struct back *k;

	watcher_down(b);
	if ((k = calloc(1, sizeof *k)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for watchers");
	k->id = ++p->next_back;
	k->to = b;
	timer_init(&k->timer, p->s->loop, on_refresh, k);
	map_put_u64(p->backs, k->id, k);
	b->back = k;
	if (b->user->watched == NULL)
		watched_new(b->user);
	b->user->watched->backs++;
	if (b->user->watched->n > 0)
		watched_due(b->user->watched);
}

void
watcher_down(struct binding *b)
{
	struct back *k = b->back;
	struct watched *wd = b->user->watched;

	if (k == NULL)
		return;
	b->back = NULL;
	timer_cancel(&k->timer);
	map_del_u64(b->user->pal->backs, k->id);
	free(k);
	if (--wd->backs == 0)
		watched_free(wd);
	else
		watched_due(wd); /* what waited for its answer */
}

/* --- the list of them (S166) --- */

struct found {
	char uri[URI_MAX];
	int64_t since;
};

struct finding {
	struct presentity *u;
	struct found *v;
	size_t n, cap;
};

static void
find_one(void *arg, const char *owner, int64_t added)
{
	struct finding *f = arg;

	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 16 : 2 * f->cap;
		if ((f->v = reallocarray(f->v, f->cap, sizeof *f->v)) == NULL)
			die(sec_err_exit(SEC_ERR_SYS),
			    "no memory for watchers");
	}
	uri_user(f->v[f->n].uri, owner, f->u->pal->s->conf.domain);
	f->v[f->n++].since = added;
}

/* Who has an entry and a dialog: the entry first. */
static int
by_uri(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int r = strcmp(x->uri, y->uri);

	return r != 0 ? r : (y->since > x->since) - (y->since < x->since);
}

static void
put_found(struct buf *out, const struct found *f)
{
	line_begin(out, "entry");
	line_put_arg(out, f->uri);
	line_put(out, "type", "user");
	if (f->since > 0)
		line_put_u64(out, "since", (uint64_t)f->since);
	line_end(out);
}

void
watchers_put(struct presentity *u, const char *after, struct buf *out)
{
	struct finding f = { .u = u };
	struct buf rows = BUF_INIT;
	const char *last = after, *next = NULL;
	char pal[URI_MAX];
	size_t i;

	each_entry(u, find_one, &f);
	each_dialog(u, find_one, &f);
	if (f.n > 0)
		qsort(f.v, f.n, sizeof *f.v, by_uri);
	for (i = 0; i < f.n && next == NULL; i++) {
		if (strcmp(f.v[i].uri, last) <= 0)
			continue;
		if (buf_len(&rows) > PART_MAX - URI_MAX)
			next = last;
		else {
			put_found(&rows, &f.v[i]);
			last = f.v[i].uri;
		}
	}
	document_begin(out, uri_palmgr(pal, u->pal->s->conf.domain),
	    (uint64_t)clock_real(), 1, 1, 1);
	line_put(out, "next", next);
	line_end(out);
	buf_put(out, buf_data(&rows), buf_len(&rows));
	buf_free(&rows);
	free(f.v);
}
