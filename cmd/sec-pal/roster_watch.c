/*
 * roster_watch: conferences seen from outside (S170): who may look on, who
 * talks, and a conference as an entry of a PAL or of the directory.
 *
 * Who takes no part has a document of his own, made when the first of them
 * comes: it also says who talks, which moves no participant's version. The
 * controller is asked for that as long as somebody wants to know.
 */

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sip/event.h"
#include "wire/line.h"

#include "roster_priv.h"
#include "rule.h"

/* --- who may --- */

static int
is_by_owner(const struct roster *r, const char *user)
{
	return strcmp(r->access, "domain") == 0 ||
	    strcmp(r->creator, user) == 0 ||
	    (r->watch != NULL && text_list_has(r->watch, user, strlen(user)));
}

/* whole: nothing may be kept from him. */
static const char *
why_of(struct pal *p, const char *uri, const char *user, int whole)
{
	struct roster *r = roster_find(p, uri);
	struct verdict v;
	struct uri whom, who;

	if (r == NULL || r->doc.waits || r->cid == NULL)
		return NULL;
	if (roster_participant(p, uri, user))
		return "participant";
	if (roster_bars(r, user))
		return NULL;
	if (is_by_owner(r, user))
		return "owner";
	if (uri_parse(&whom, uri, p->s->conf.domain) != 0 ||
	    uri_parse(&who, user, p->s->conf.domain) != 0)
		return NULL;
	rule_check(p, who.name, &whom, &v);
	return v.allow && v.rule[0] != '\0' && (!whole || v.attrs[0] == '\0') ?
	    "rule" :
	    NULL;
}

const char *
roster_why(struct pal *p, const char *uri, const char *user)
{
	return why_of(p, uri, user, 0);
}

const char *
roster_whole_why(struct pal *p, const char *uri, const char *user)
{
	return why_of(p, uri, user, 1);
}

static void watched_head(struct document *d, struct buf *b);

int
roster_refuses(const struct subscription *s)
{
	const struct document *d = s->doc;

	return d->head == watched_head && !d->waits &&
	    roster_whole_why(d->pal, d->uri, s->watcher->uri) == NULL;
}

void
roster_recheck(struct roster *r)
{
	struct subscription *s, *next;

	for (s = TAILQ_FIRST(&r->watched.subs); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (roster_refuses(s))
			subscription_end(s, "rejected");
	}
}

void
rosters_recheck(struct pal *p)
{
	struct roster *r;
	size_t i;

	for (i = 0; (r = map_next(p->rosters, &i)) != NULL;)
		if (!r->doc.waits)
			roster_recheck(r);
}

/* --- who talks --- */

static void
put_talking(struct roster *r, struct buf *b)
{
	struct buf list = BUF_INIT;
	struct participant *pa;
	size_t i;

	for (i = 0; (pa = map_next(r->people, &i)) != NULL;)
		if (pa->talking)
			buf_putf(&list, "%s%s", buf_len(&list) > 0 ? "," : "",
			    pa->uri);
	if (buf_len(&list) > 0)
		line_put(b, "talking", buf_cstr(&list));
	buf_free(&list);
}

static void
talking_set(struct participant *pa, int on)
{
	if (pa->talking == on)
		return;
	pa->talking = on;
	participant_watched(pa);
	roster_changed(pa->roster);
}

void
participant_hush(struct participant *pa)
{
	struct device *d;

	TAILQ_FOREACH(d, &pa->devices, entry)
		if (d->left == 0 && strcmp(d->medium, "voice") == 0)
			return;
	talking_set(pa, 0);
}

static void
nobody_talks(struct roster *r)
{
	struct participant *pa;
	size_t i;

	for (i = 0; (pa = map_next(r->people, &i)) != NULL;)
		talking_set(pa, 0);
}

/* The controller is told when the first asks who talks, and the last does not
 * any more. */
static void
want_talk(struct roster *r)
{
	struct pal *p = r->pal;
	int wants =
	    r->watched.nsubs > 0 || map_get_str(p->wants, r->doc.uri) != NULL;
	struct ctl_peer *peer;
	struct buf *b;

	if (wants == r->wants_talk ||
	    (peer = links_peer(p->s->links, 1)) == NULL)
		return; /* with the next deal */
	r->wants_talk = wants;
	b = ctl_event(peer, "want");
	line_put(b, "conf", r->doc.uri);
	line_put(b, "talk", wants ? "on" : "off");
	ctl_event_end(peer);
	if (!wants)
		nobody_talks(r);
}

void
roster_talk_wanted(struct pal *p, const char *uri, int by)
{
	struct roster *r = roster_find(p, uri);
	intptr_t n = (intptr_t)map_get_str(p->wants, uri);

	/* A count in the place of a pointer: nobody is NULL. */
	map_put_str(p->wants, uri, (void *)(n + by));
	if (r != NULL)
		want_talk(r);
}

/* talk conf= [user=] on=: without a user nobody does. */
void
on_talk(void *ctx, struct ctl_req *req)
{
	struct pal *p = ((struct service *)ctx)->priv;
	const char *user = line_get(req->line, "user");
	struct roster *r = roster_find(p, line_get_or(req->line, "conf", ""));
	struct participant *pa;

	if (r == NULL || !r->wants_talk)
		return;
	if (user == NULL)
		nobody_talks(r);
	else if ((pa = map_get_str(r->people, user)) != NULL && pa->in > 0)
		talking_set(pa,
		    strcmp(line_get_or(req->line, "on", ""), "on") == 0);
}

/* --- the document of who looks on --- */

static void
watched_head(struct document *d, struct buf *b)
{
	roster_head(d, b);
	put_talking(d->owner, b);
}

static void
watched_changed(struct document *d)
{
	want_talk(d->owner);
}

void
roster_watch_init(struct roster *r)
{
	document_init(&r->watched, r->pal, r->doc.uri, EVENT_CONFERENCE);
	r->watched.owner = r;
	r->watched.head = watched_head;
	r->watched.gone = roster_gone;
	r->watched.watched = watched_changed;
}

void
roster_watch_free(struct roster *r)
{
	r->watched.watched = NULL;
	document_free(&r->watched, "noresource");
	presence_conf_changed(r->pal, r->doc.uri);
}

void
participant_watched(struct participant *pa)
{
	struct buf line = BUF_INIT;

	if (!pa->roster->is_watched)
		return;
	if (pa->gone) {
		document_remove(&pa->roster->watched, &pa->seen_entry);
		return;
	}
	participant_put(&line, pa);
	if (pa->talking)
		line_put(&line, "talking", "1");
	line_end(&line);
	document_put(&pa->roster->watched, &pa->seen_entry, &line);
	buf_free(&line);
}

static void
watch_begin(struct roster *r)
{
	struct document *d = &r->watched;
	struct participant *pa;
	struct entry *e;
	size_t i;

	if (r->is_watched)
		return;
	r->is_watched = 1;
	for (i = 0; (pa = map_next(r->people, &i)) != NULL;)
		participant_watched(pa);
	/* Nothing of it is news: whoever comes is given the whole. */
	while ((e = TAILQ_FIRST(&d->news)) != NULL) {
		TAILQ_REMOVE(&d->news, e, news);
		e->is_news = 0;
	}
	timer_cancel(&d->timer);
}

struct document *
roster_document_for(struct pal *p, const char *uri, const char *why)
{
	struct roster *r = roster_find(p, uri);

	if (r == NULL || r->doc.waits)
		return NULL;
	if (strcmp(why, "participant") == 0)
		return &r->doc;
	watch_begin(r);
	return &r->watched;
}

void
roster_watch_dealt(struct roster *r)
{
	/* It knows of no wish, and the router tells anew. */
	r->wants_talk = 0;
	nobody_talks(r);
	if (r->watched.waits) {
		r->watched.waits = 0;
		watch_begin(r);
		roster_recheck(r);
	}
	want_talk(r);
	roster_changed(r);
}

/* --- as an entry --- */

void
roster_changed(struct roster *r)
{
	if (r->is_watched)
		document_changed(&r->watched);
	presence_conf_changed(r->pal, r->doc.uri);
}

void
roster_line(struct pal *p, const char *uri, struct buf *b)
{
	struct roster *r = roster_find(p, uri);

	line_put(b, "type", "conference");
	if (r == NULL || r->doc.waits || r->cid == NULL) {
		if (p->dealt)
			line_put(b, "status", "none");
		return;
	}
	line_put(b, "status", "open");
	line_put(b, "id", r->cid);
	line_put(b, "since", r->created);
	line_put(b, "title", r->title);
	line_put(b, "media", r->media);
	line_put_u64(b, "count", r->in);
	put_talking(r, b);
}

static int
by_name(const void *a, const void *b)
{
	const struct roster *x = *(struct roster *const *)a;
	const struct roster *y = *(struct roster *const *)b;

	return strcmp(x->name, y->name);
}

int
rosters_listed(struct pal *p,
    int (*cb)(void *arg, const struct roster_listed *l), void *arg)
{
	struct roster_listed l;
	struct roster *r, **all;
	size_t i, n = 0;
	int stop = 0;

	if ((all = calloc(map_count(p->rosters) + 1, sizeof(*all))) == NULL)
		return 0;
	for (i = 0; (r = map_next(p->rosters, &i)) != NULL;)
		if (!r->doc.waits && r->directory != NULL &&
		    strcmp(r->directory, "yes") == 0)
			all[n++] = r;
	qsort(all, n, sizeof(*all), by_name);
	for (i = 0; i < n && stop == 0; i++) {
		l.uri = all[i]->doc.uri;
		l.name = all[i]->name;
		l.title = all[i]->title;
		l.owner = all[i]->creator;
		l.count = all[i]->in;
		stop = cb(arg, &l);
	}
	free(all);
	return stop;
}
