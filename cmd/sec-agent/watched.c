/*
 * What tools follow (sec-watch -c) that neither my PAL nor a conference that
 * I am in tells of: one dialog for each, however many tools follow it; it
 * ends with the last of them.
 *
 *	wish     a tool and a name as typed; it goes with the tool
 *	watched  a presentity or a roster, and the wishes for it
 *	held     an `events` with state=1, kept until all that it follows has
 *	         been told once
 *
 * Its first document is the present, of which no event tells; a changed line
 * is an event, as of an entry of my PAL or of a roster of mine. Refused, its
 * wishes are told so, or turn to what else a bare word may mean: a user. While
 * I am in a watched conference its dialog rests.
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/event.h"

#define AGAIN_MS 100
#define HELD_MS	 2000 /* then the present without it has to do */

struct wish {
	struct ctl_handle who;
	char name[URI_MAX]; /* as typed */
	char user[URI_MAX]; /* what else it may mean, "": nothing */
	TAILQ_ENTRY(wish) entry;
};
TAILQ_HEAD(wishes, wish);

struct watched {
	struct agent *a;
	char uri[URI_MAX];
	int conf; /* a roster, else a presentity */
	struct subscription *sub; /* NULL: I am in it myself */
	struct mirror *mirror;
	int told; /* its first document has come */
	int status; /* refused with, 0: not */
	char why[200];
	struct timer over; /* what sub's callbacks may not do */
	struct wishes wishes;
	TAILQ_ENTRY(watched) entry;
};

struct held {
	struct agent *a;
	struct ctl_handle who;
	char *line; /* the tool's */
	struct timer deadline;
	TAILQ_ENTRY(held) entry;
};

struct watching {
	TAILQ_HEAD(, watched) all;
	TAILQ_HEAD(, held) held;
};

void
watched_init(struct agent *a)
{
	a->watching = agent_alloc(sizeof(*a->watching));
	TAILQ_INIT(&a->watching->all);
	TAILQ_INIT(&a->watching->held);
}

static struct watched *
find(struct agent *a, const char *uri)
{
	struct watched *w;

	TAILQ_FOREACH(w, &a->watching->all, entry)
		if (strcmp(w->uri, uri) == 0)
			return w;
	return NULL;
}

static void
watched_free(struct watched *w)
{
	struct wish *v;

	TAILQ_REMOVE(&w->a->watching->all, w, entry);
	while ((v = TAILQ_FIRST(&w->wishes)) != NULL) {
		TAILQ_REMOVE(&w->wishes, v, entry);
		free(v);
	}
	timer_cancel(&w->over);
	subscription_free(w->sub);
	mirror_free(w->mirror);
	free(w);
}

static void
held_free(struct held *h)
{
	TAILQ_REMOVE(&h->a->watching->held, h, entry);
	timer_cancel(&h->deadline);
	free(h->line);
	free(h);
}

void
watched_close(struct agent *a)
{
	while (!TAILQ_EMPTY(&a->watching->held))
		held_free(TAILQ_FIRST(&a->watching->held));
	while (!TAILQ_EMPTY(&a->watching->all))
		watched_free(TAILQ_FIRST(&a->watching->all));
	free(a->watching);
}

/* --- the call that waits --- */

static void
held_go(void *arg)
{
	struct held *h = arg;
	struct agent *a = h->a;
	struct ctl_req r;
	struct line l;

	if (ctl_again(a->ctl, h->who, &r) == 0 &&
	    line_parse(&l, h->line, strlen(h->line)) == 0) {
		r.line = &l;
		events_go(a, &r);
		line_free(&l);
	}
	held_free(h);
}

/* Does this tool follow something that has not been told? */
static int
is_awaited(const struct agent *a, const struct ctl_handle *who)
{
	const struct watched *w;
	const struct wish *v;

	TAILQ_FOREACH(w, &a->watching->all, entry)
		TAILQ_FOREACH(v, &w->wishes, entry)
			if (w->sub != NULL && !w->told &&
			    v->who.peer == who->peer && v->who.id == who->id)
				return 1;
	return 0;
}

static void
let_go(struct agent *a)
{
	struct held *h, *next;

	for (h = TAILQ_FIRST(&a->watching->held); h != NULL; h = next) {
		next = TAILQ_NEXT(h, entry);
		if (!is_awaited(a, &h->who))
			held_go(h);
	}
}

static void
hold(struct agent *a, const struct ctl_req *r)
{
	struct held *h = agent_alloc(sizeof(*h));
	struct buf line = BUF_INIT;
	size_t i;

	line_begin(&line, r->line->verb);
	for (i = 0; i < r->line->n; i++)
		line_put_field(&line, &r->line->field[i]);
	h->a = a;
	h->who = ctl_keep(r);
	if ((h->line = strdup(buf_cstr(&line))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	buf_free(&line);
	timer_init(&h->deadline, a->loop, held_go, h);
	timer_set(&h->deadline, HELD_MS);
	TAILQ_INSERT_TAIL(&a->watching->held, h, entry);
}

/* --- the dialog --- */

static void
on_change(void *ctx, const struct pal_entry *was, const struct pal_entry *is)
{
	struct watched *w = ctx;

	if (!w->told)
		return;
	if (w->conf)
		(void)roster_change(w->a, w->uri, was, is);
	/* Added since, my PAL tells of it. */
	else if (mirror_find(w->a->presence.pal, w->uri) == NULL)
		presence_event(w->a, was, is);
}

static void
on_doc(void *arg, const void *p, size_t n)
{
	struct watched *w = arg;
	struct pal_doc d;
	int r;

	if ((r = pal_doc_decode(&d, p, n)) != 0) {
		log_warn("watch.doc", "uri=%s reason=%s", log_quote(w->uri),
		    log_quote(sec_strerror(r)));
		return;
	}
	r = mirror_apply(w->mirror, &d);
	pal_doc_free(&d);
	if (r == SEC_ERR_NOTHING)
		subscription_fetch(w->sub);
	if (r != 0 || w->told)
		return;
	w->told = 1;
	let_go(w->a);
}

static void
on_ended(void *arg, int status, const char *why)
{
	struct watched *w = arg;

	w->status = status;
	text_copy(w->why, why != NULL ? why : "", sizeof(w->why));
	timer_set(&w->over, status == 0 ? AGAIN_MS : 0);
}

static const struct subscription_ops ops = { on_doc, on_ended };

static void
subscribe(struct watched *w)
{
	subscription_free(w->sub);
	/* Who was in it is shown another document now. */
	mirror_renew(w->mirror);
	w->sub = subscription_new(w->a->loop, w->a->session.pal,
	    w->conf ? EVENT_CONFERENCE : EVENT_PRESENCE, w->a->uri, w->uri,
	    &ops, w);
}

static void
open_dialog(struct watched *w)
{
	mirror_free(w->mirror);
	w->mirror = mirror_new(on_change, w);
	w->told = 0;
	subscribe(w);
}

static void on_over(void *arg);

static void
add(struct agent *a, const char *uri, int conf, struct wish *v)
{
	struct watched *w = find(a, uri);

	if (w == NULL) {
		w = agent_alloc(sizeof(*w));
		w->a = a;
		text_copy(w->uri, uri, sizeof(w->uri));
		w->conf = conf;
		timer_init(&w->over, a->loop, on_over, w);
		TAILQ_INIT(&w->wishes);
		TAILQ_INSERT_TAIL(&a->watching->all, w, entry);
		open_dialog(w);
	}
	TAILQ_INSERT_TAIL(&w->wishes, v, entry);
}

/* --- its end --- */

static void
tell_refused(struct watched *w, const struct wish *v)
{
	const char *why = w->why;
	struct ctl_req r;
	struct buf *b;

	if (ctl_again(w->a->ctl, v->who, &r) != 0)
		return;
	if (*why == '\0')
		why = w->status != 404 ? "not permitted" :
		    w->conf	       ? "no such conference" :
					 "no such entry";
	b = ctl_row(&r);
	line_put(b, "what", "refused");
	line_put(b, "name", v->name);
	line_putf(b, "code", "%d", w->status);
	line_put(b, "reason", why);
	ctl_end(&r);
}

/* A conference that has been watched has ended: who was in it is out. */
static void
conf_over(struct watched *w)
{
	const struct pal_entry *e;
	size_t i = 0;

	while ((e = mirror_next(w->mirror, &i)) != NULL)
		(void)roster_change(w->a, w->uri, e, NULL);
	roster_event(w->a, w->uri, "conf.end", NULL, NULL);
}

/* Refused, or ended by the notifier (why, the next answer says), or nobody
 * follows it any more. */
static void
on_over(void *arg)
{
	struct watched *w = arg;
	struct agent *a = w->a;
	int was_told = w->told && w->conf && w->status == 404;
	struct wish *v;

	if (w->status == 0 && !TAILQ_EMPTY(&w->wishes)) {
		if (w->sub != NULL)
			subscribe(w);
		return;
	}
	if (was_told)
		conf_over(w);
	while (!was_told && (v = TAILQ_FIRST(&w->wishes)) != NULL) {
		TAILQ_REMOVE(&w->wishes, v, entry);
		if (w->status == 404 && v->user[0] != '\0') {
			add(a, v->user, 0, v);
			v->user[0] = '\0';
			continue;
		}
		tell_refused(w, v);
		free(v);
	}
	watched_free(w);
	let_go(a);
}

/* --- what tools ask for --- */

/* What a name means that no document of mine tells of: 0, or not 0. */
static int
resolve(struct agent *a, struct wish *v, struct uri *u)
{
	const char *domain = a->conf.domain;
	int bare = strpbrk(v->name, ":@") == NULL;
	struct uri user;

	if (bare && uri_from_name(&user, v->name, domain, 0) == 0) {
		if (mirror_find(a->presence.pal, user.full) != NULL)
			return SEC_ERR_NOTHING;
		text_copy(v->user, user.full, sizeof(v->user));
	}
	if (uri_from_name(u, v->name, domain, 1) != 0 &&
	    uri_from_name(u, v->name, domain, 0) != 0)
		return SEC_ERR_NOTHING;
	switch (u->kind) {
	case URI_CONF: return conf_find(a, u->full) != NULL;
	case URI_USER:
	case URI_OBJECT: return mirror_find(a->presence.pal, u->full) != NULL;
	default: return SEC_ERR_NOTHING; /* a number does not change */
	}
}

static void
wish(struct agent *a, const struct ctl_req *r, const char *name, size_t n)
{
	struct wish *v;
	struct uri u;

	if (n == 0 || n >= URI_MAX)
		return;
	v = agent_alloc(sizeof(*v));
	v->who = ctl_keep(r);
	memcpy(v->name, name, n);
	if (resolve(a, v, &u) == 0)
		add(a, u.full, u.kind == URI_CONF, v);
	else
		free(v);
}

int
watched_begin(struct agent *a, struct ctl_req *r)
{
	const char *names = line_get_or(r->line, "watch", "");
	struct ctl_handle who = ctl_keep(r);
	size_t n;

	for (; *names != '\0'; names += n + (names[n] == ',')) {
		n = strcspn(names, ",");
		wish(a, r, names, n);
	}
	if (strcmp(line_get_or(r->line, "state", "0"), "1") != 0 ||
	    !is_awaited(a, &who))
		return 0;
	hold(a, r);
	return 1;
}

void
watched_peer_gone(struct agent *a, uint64_t peer)
{
	struct watched *w;
	struct wish *v, *next;

	TAILQ_FOREACH(w, &a->watching->all, entry) {
		for (v = TAILQ_FIRST(&w->wishes); v != NULL; v = next) {
			next = TAILQ_NEXT(v, entry);
			if (v->who.peer != peer)
				continue;
			TAILQ_REMOVE(&w->wishes, v, entry);
			free(v);
		}
		if (TAILQ_EMPTY(&w->wishes))
			timer_set(&w->over, 0);
	}
}

/* --- what happens to me --- */

void
watched_pal_up(struct agent *a)
{
	struct watched *w;

	TAILQ_FOREACH(w, &a->watching->all, entry)
		if (w->sub != NULL)
			subscription_up(w->sub);
}

void
watched_member(struct agent *a, const char *conf, int in)
{
	struct watched *w = find(a, conf);

	if (w == NULL)
		return;
	if (in) {
		subscription_free(w->sub);
		w->sub = NULL;
		let_go(a);
	} else if (w->sub == NULL)
		open_dialog(w);
}

int
watched_notify(struct agent *a, const struct sip_msg *req)
{
	struct watched *w;
	int r;

	TAILQ_FOREACH(w, &a->watching->all, entry)
		if (w->sub != NULL &&
		    (r = subscription_notify(w->sub, req)) != 0)
			return r;
	return 0;
}

void
watched_state(struct agent *a, struct buf *b,
    void (*put)(struct agent *, struct ctl_req *, struct buf *),
    struct ctl_req *r)
{
	const struct pal_entry *e;
	struct watched *w;
	size_t i;

	TAILQ_FOREACH(w, &a->watching->all, entry) {
		if (w->sub == NULL)
			continue;
		if (w->conf) {
			roster_state(a, w->uri, w->mirror, b, put, r);
			continue;
		}
		for (i = 0; (e = mirror_next(w->mirror, &i)) != NULL;) {
			line_put(b, "event", "pal");
			line_put(b, "entry", e->uri);
			presence_put(b, e);
			put(a, r, b);
		}
	}
}
