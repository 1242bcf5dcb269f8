/*
 * roster: the PAL of a conference (S012, S057, S107, S109, S110), dealt by
 * the controller, in memory only. One entry per user, with the q of each of
 * his devices; a device that left stays, with its q, for a minute, so that
 * its last words can be attributed.
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "sip/event.h"
#include "wire/ids.h"
#include "wire/line.h"
#include "wire/pal.h"

#include "roster_priv.h"

#define LIST_PAGE (PAL_DOC_MAX - 4096) /* entries; one line more beside */

struct roster *
roster_find(struct pal *p, const char *uri)
{
	return map_get_str(p->rosters, uri);
}

struct document *
roster_document(struct pal *p, const char *uri)
{
	struct roster *r = roster_find(p, uri);

	return r != NULL && !r->doc.waits ? &r->doc : NULL;
}

const char *
roster_id(struct pal *p, const char *uri)
{
	struct roster *r = roster_find(p, uri);

	return r != NULL ? r->cid : NULL;
}

int
roster_participant(struct pal *p, const char *uri, const char *user)
{
	struct roster *r = roster_find(p, uri);
	struct participant *pa;

	return r != NULL && (pa = map_get_str(r->people, user)) != NULL &&
	    pa->in > 0;
}

/* --- as a document --- */

/* What his entry says: the PAL status `busy` shows here (S013). */
static const char *
participant_status(const struct participant *pa)
{
	struct presentity *u;

	if (pa->in == 0)
		return strcmp(pa->state, "invited") == 0 ? "invited" : "left";
	if (strcmp(pa->state, "unreachable") == 0)
		return "unreachable";
	if (strcmp(pa->state, "busy") == 0)
		return "busy"; /* he listens elsewhere (S179) */
	if ((u = presentity_by_uri(pa->roster->pal, pa->uri)) != NULL &&
	    strcmp(u->status.class_, "busy") == 0)
		return "busy";
	return "active";
}

/* One more word in a list with commas, once. */
static void
put_word(struct buf *list, const char *word)
{
	if (*word == '\0' || text_list_has(buf_cstr(list), word, strlen(word)))
		return;
	buf_putf(list, "%s%s", buf_len(list) > 0 ? "," : "", word);
}

void
participant_put(struct buf *b, const struct participant *pa)
{
	struct buf q = BUF_INIT, media = BUF_INIT, via = BUF_INIT;
	struct buf voice = BUF_INIT;
	struct device *d;
	char text[Q_STRLEN];

	line_begin(b, "entry");
	line_put_arg(b, pa->uri);
	TAILQ_FOREACH(d, &pa->devices, entry) {
		put_word(&q, q_format(d->q, text));
		if (d->left != 0)
			continue;
		put_word(&media, d->medium);
		put_word(&via, d->via);
		if (strcmp(d->medium, "voice") == 0)
			put_word(&voice, text);
	}
	line_put(b, "status", participant_status(pa));
	if (pa->reason[0] != '\0')
		line_put(b, "reason", pa->reason);
	line_put(b, "media", buf_cstr(&media));
	line_put(b, "via", buf_len(&via) > 0 ? buf_cstr(&via) : "voip");
	if (buf_len(&q) > 0)
		line_put(b, "q", buf_cstr(&q));
	if (buf_len(&voice) > 0)
		line_put(b, "voice", buf_cstr(&voice));
	line_put(b, "role", pa->role[0] != '\0' ? pa->role : NULL);
	line_put(b, "hand", pa->hand ? "1" : NULL);
	line_put(b, "muted", pa->muted ? "1" : NULL);
	line_put(b, "floor", pa->floor ? "1" : NULL);
	line_put_u64(b, "since", (uint64_t)pa->since);
	line_put(b, "by", pa->by[0] != '\0' ? pa->by : NULL);
	buf_free(&q);
	buf_free(&media);
	buf_free(&via);
	buf_free(&voice);
}

void
roster_head(struct document *d, struct buf *b)
{
	struct roster *r = d->owner;

	line_put(b, "name", r->name);
	line_put(b, "cid", r->cid);
	line_put(b, "title", r->title);
	line_put(b, "media", r->media);
	line_put(b, "access", r->access);
	line_put(b, "creator", r->creator);
	line_put(b, "parent", r->parent);
	line_put(b, "since", r->created);
	line_put(b, "persistent", r->persistent);
	line_put(b, "codec", r->codec);
	line_put(b, "streams", r->streams);
	line_put(b, "select", r->select);
	line_put(b, "level", r->level);
	line_put(b, "record", r->record);
	line_put(b, "speak", r->speak);
	line_put(b, "lobby", r->lobby);
	line_put(b, "locked", r->locked);
	line_put(b, "invite", r->invite);
	line_put(b, "directory", r->directory);
	line_put(b, "history", r->history);
	line_put(b, "history_from", r->history_from);
	line_put(b, "by", r->by != NULL && r->by[0] != '\0' ? r->by : NULL);
}

static struct person *
person_find(struct pal *p, const char *uri)
{
	return map_get_str(p->people, uri);
}

static int
person_join(struct pal *p, struct participant *pa)
{
	struct person *pe = person_find(p, pa->uri);

	if (pe == NULL) {
		if ((pe = calloc(1, sizeof *pe)) == NULL)
			return SEC_ERR_SYS;
		text_copy(pe->uri, pa->uri, sizeof pe->uri);
		TAILQ_INIT(&pe->places);
		map_put_str(p->people, pe->uri, pe);
	}
	pa->person = pe;
	TAILQ_INSERT_TAIL(&pe->places, pa, place);
	return 0;
}

static void
person_leave(struct pal *p, struct participant *pa)
{
	struct person *pe = pa->person;

	TAILQ_REMOVE(&pe->places, pa, place);
	if (TAILQ_EMPTY(&pe->places)) {
		map_del_str(p->people, pe->uri);
		free(pe);
	}
}

static void
participant_free(struct participant *pa)
{
	struct device *d;

	timer_cancel(&pa->timer);
	document_forget(&pa->roster->doc, &pa->entry);
	document_forget(&pa->roster->watched, &pa->seen_entry);
	person_leave(pa->roster->pal, pa);
	while ((d = TAILQ_FIRST(&pa->devices)) != NULL) {
		TAILQ_REMOVE(&pa->devices, d, entry);
		map_del_u64(pa->roster->by_q, d->q);
		free(d);
	}
	map_del_str(pa->roster->people, pa->uri);
	free(pa);
}

void
roster_gone(struct document *d, struct entry *e)
{
	struct participant *pa = e->owner;

	(void)d;
	if (pa->gone && !pa->entry.is_news && !pa->seen_entry.is_news)
		participant_free(pa);
}

void
participant_changed(struct participant *pa)
{
	struct buf line = BUF_INIT;

	participant_watched(pa);
	if (pa->gone) {
		document_remove(&pa->roster->doc, &pa->entry);
		return;
	}
	participant_put(&line, pa);
	/* Not for who only looks on. */
	if (pa->read > 0)
		line_put_u64(&line, "read", pa->read);
	line_end(&line);
	document_put(&pa->roster->doc, &pa->entry, &line);
	buf_free(&line);
}

/* --- people and devices --- */

/* Forget devices that left a minute ago; the last takes the entry along. */
static void
participant_sweep(void *arg)
{
	struct participant *pa = arg;
	int64_t now = loop_now(pa->roster->pal->s->loop), next = 0;
	struct device *d, *n;

	for (d = TAILQ_FIRST(&pa->devices); d != NULL; d = n) {
		n = TAILQ_NEXT(d, entry);
		if (d->left == 0)
			continue;
		if (d->left + LEFT_MS <= now) {
			TAILQ_REMOVE(&pa->devices, d, entry);
			map_del_u64(pa->roster->by_q, d->q);
			free(d);
		} else if (next == 0 || d->left + LEFT_MS < next)
			next = d->left + LEFT_MS;
	}
	if (next != 0)
		timer_set(&pa->timer, next - now);
	if (TAILQ_EMPTY(&pa->devices) && strcmp(pa->state, "invited") != 0)
		pa->gone = 1;
	participant_changed(pa);
}

struct participant *
participant_get(struct roster *r, const char *uri)
{
	struct participant *pa = map_get_str(r->people, uri);

	if (pa == NULL) {
		if ((pa = calloc(1, sizeof *pa)) == NULL)
			return NULL;
		pa->roster = r;
		text_copy(pa->uri, uri, sizeof pa->uri);
		if (person_join(r->pal, pa) != 0) {
			free(pa);
			return NULL;
		}
		pa->entry.uri = pa->uri;
		pa->entry.owner = pa;
		pa->seen_entry.uri = pa->uri;
		pa->seen_entry.owner = pa;
		pa->since = clock_real();
		TAILQ_INIT(&pa->devices);
		timer_init(&pa->timer, r->pal->s->loop, participant_sweep, pa);
		map_put_str(r->people, pa->uri, pa);
	}
	pa->gone = 0;
	return pa;
}

struct device *
device_find(struct participant *pa, uint32_t q)
{
	struct device *d;

	TAILQ_FOREACH(d, &pa->devices, entry)
		if (d->q == q)
			break;
	return d;
}

struct device *
device_enter(struct participant *pa, uint32_t q)
{
	struct device *d = device_find(pa, q);

	if (d == NULL) {
		if ((d = calloc(1, sizeof *d)) == NULL)
			return NULL;
		d->q = q;
		d->left = 1;
		TAILQ_INSERT_TAIL(&pa->devices, d, entry);
		map_put_u64(pa->roster->by_q, q, pa);
	}
	pa->reason[0] = '\0';
	if (d->left != 0) {
		d->left = 0;
		if (pa->in++ == 0) {
			pa->roster->in++;
			roster_changed(pa->roster);
		}
	}
	return d;
}

void
device_left(struct participant *pa, struct device *d)
{
	if (d->left != 0)
		return;
	d->left = loop_now(pa->roster->pal->s->loop);
	if (--pa->in == 0) {
		pa->roster->in--;
		pa->read = 0;
		text_copy(pa->state, "left", sizeof pa->state);
		subscriptions_drop(&pa->roster->doc, pa->uri, "noresource");
		roster_changed(pa->roster);
	}
	if (!timer_is_set(&pa->timer))
		timer_set(&pa->timer, LEFT_MS);
	participant_hush(pa);
	participant_changed(pa);
}

void
participant_refused(struct participant *pa, const char *reason)
{
	text_copy(pa->state, "left", sizeof pa->state);
	text_copy(pa->reason, reason, sizeof pa->reason);
	if (!timer_is_set(&pa->timer))
		timer_set(&pa->timer, LEFT_MS);
	participant_changed(pa);
}

struct roster *
roster_new(struct pal *p, const char *uri)
{
	struct roster *r;

	if ((r = calloc(1, sizeof *r)) == NULL)
		return NULL;
	r->pal = p;
	document_init(&r->doc, p, uri, EVENT_CONFERENCE);
	r->doc.owner = r;
	r->doc.head = roster_head;
	r->doc.gone = roster_gone;
	roster_watch_init(r);
	r->people = map_new();
	r->may = map_new();
	r->allowed = map_new();
	r->barred = map_new();
	r->by_q = map_new();
	map_put_str(p->rosters, r->doc.uri, r);
	return r;
}

struct document *
roster_awaited(struct pal *p, const char *uri, const char *why)
{
	struct roster *r = roster_find(p, uri);

	if (r == NULL && (r = roster_new(p, uri)) != NULL)
		r->doc.waits = r->watched.waits = 1;
	return r == NULL		    ? NULL :
	    strcmp(why, "participant") == 0 ? &r->doc :
					      &r->watched;
}

void
roster_free(struct roster *r)
{
	struct participant *pa;
	size_t i;

	map_del_str(r->pal->rosters, r->doc.uri);
	for (i = 0; (pa = map_next(r->people, &i)) != NULL;)
		participant_free(pa);
	roster_watch_free(r);
	document_free(&r->doc, "noresource");
	map_free(r->people);
	map_free(r->may);
	map_free(r->allowed);
	map_free(r->barred);
	map_free(r->by_q);
	free(r->cid);
	free(r->name);
	free(r->title);
	free(r->access);
	free(r->creator);
	free(r->media);
	free(r->persistent);
	free(r->created);
	free(r->codec);
	free(r->streams);
	free(r->select);
	free(r->level);
	free(r->record);
	free(r->speak);
	free(r->lobby);
	free(r->locked);
	free(r->invite);
	free(r->history);
	free(r->history_from);
	free(r->directory);
	free(r->watch);
	free(r->parent);
	free(r->by);
	free(r);
}

void
rosters_free(struct pal *p)
{
	struct roster *r;
	size_t i;

	for (i = 0; (r = map_next(p->rosters, &i)) != NULL;)
		roster_free(r);
}

void
rosters_user_changed(struct pal *p, const char *user)
{
	struct person *pe = person_find(p, user);
	struct participant *pa;

	if (pe != NULL)
		TAILQ_FOREACH(pa, &pe->places, place)
			participant_changed(pa);
}

void
rosters_put_unreachable(struct pal *p, const char *user, struct buf *out)
{
	struct person *pe = person_find(p, user);
	struct participant *pa;

	if (pe == NULL)
		return;
	TAILQ_FOREACH(pa, &pe->places, place)
		if (pa->in > 0 && strcmp(pa->state, "unreachable") == 0) {
			line_begin(out, "conf");
			line_put(out, "conf", pa->roster->doc.uri);
			line_end(out);
		}
}

/* What it was spawned from, if that is there. */
static const struct roster *
up_of(const struct roster *r)
{
	return r->parent != NULL ? roster_find(r->pal, r->parent) : NULL;
}

/* As the controller lets people in, and who is in it. */
static int
may_join(const struct roster *r, const char *user)
{
	const struct participant *pa = map_get_str(r->people, user);

	if ((pa != NULL && pa->in > 0) || strcmp(r->creator, user) == 0 ||
	    strcmp(r->access, "domain") == 0 ||
	    map_get_str(r->allowed, user) != NULL)
		return 1;
	return strcmp(r->access, "listed") != 0 &&
	    map_get_str(r->may, user) != NULL;
}

int
roster_bars(const struct roster *r, const char *user)
{
	for (; r != NULL; r = up_of(r))
		if (map_get_str(r->barred, user) != NULL)
			return 1;
	return 0;
}

/* Is it one that he is in, or may join by name? */
static int
is_listed(const struct roster *r, const char *user)
{
	const struct roster *up;

	if (roster_bars(r, user))
		return 0;
	for (up = r; up != NULL && !up->doc.waits; up = up_of(up)) {
		if (may_join(up, user))
			return 1;
		if (strcmp(up->access, "parent") != 0)
			break;
	}
	return 0;
}

static int
by_uri(const void *a, const void *b)
{
	const struct roster *x = *(struct roster *const *)a;
	const struct roster *y = *(struct roster *const *)b;

	return strcmp(x->doc.uri, y->doc.uri);
}

static void
put_listed(struct buf *out, const struct roster *r, const char *user)
{
	const struct participant *pa = map_get_str(r->people, user);

	line_begin(out, "entry");
	line_put_arg(out, r->doc.uri);
	line_put(out, "title", r->title);
	line_put(out, "media", r->media);
	line_put_u64(out, "in", r->in);
	line_put(out, "creator", r->creator);
	line_put(out, "since", r->created);
	line_put(out, "access", r->access);
	line_put(out, "persistent", r->persistent);
	line_put(out, "member", pa != NULL && pa->in > 0 ? "1" : "0");
	line_end(out);
}

void
rosters_put_list(struct pal *p, const char *user, const char *after,
    struct buf *out)
{
	struct buf entries = BUF_INIT;
	char factory[URI_MAX];
	struct roster *r, **all;
	size_t i, n = 0;

	if ((all = calloc(map_count(p->rosters) + 1, sizeof(*all))) == NULL)
		return;
	for (i = 0; (r = map_next(p->rosters, &i)) != NULL;)
		if (strcmp(r->doc.uri, after) > 0 && is_listed(r, user))
			all[n++] = r;
	qsort(all, n, sizeof(*all), by_uri);
	for (i = 0; i < n && buf_len(&entries) < LIST_PAGE; i++)
		put_listed(&entries, all[i], user);
	line_begin(out, "doc");
	line_put(out, "uri", uri_factory(factory, p->s->conf.domain));
	line_put_u64(out, "version", (uint64_t)clock_real());
	line_put(out, "state", "full");
	line_put(out, "part", "1/1");
	if (i < n)
		line_put(out, "next", all[i - 1]->doc.uri);
	line_end(out);
	buf_put(out, buf_data(&entries), buf_len(&entries));
	buf_free(&entries);
	free(all);
}
