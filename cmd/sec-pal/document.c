/*
 * document: what can be subscribed to, as application/sec-pal
 * (ARCHITECTURE.md 10), and those of them that are one text for many
 * subscribers, as rosters are. Changes are told in rounds, at most one in
 * 100 ms, fewer when there are more than 400 watchers. A round is one
 * version, and its news are kept for those who have not answered yet. Lines
 * are rendered when they change, and the whole document is kept as one text,
 * since with a thousand watchers it is asked for as often as it changes.
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"
#include "wire/pal.h"

#include "pal.h"

struct rounds {
	struct lines whole; /* of entries, while it is fresh */
	int fresh;
	struct lines told[DOCUMENT_NEWS]; /* by version */
	uint64_t first; /* versions from here on are kept */
};

/* --- lines --- */

static void
lines_reset(struct lines *l)
{
	buf_reset(&l->text);
	l->n = 0;
}

static void
lines_free(struct lines *l)
{
	buf_free(&l->text);
	free(l->part);
	memset(l, 0, sizeof *l);
}

/* The line that begins at `at` is written: is it the first of a new part?
 * Lines are never cut. */
static void
lines_grown(struct lines *l, size_t at)
{
	size_t start = l->n > 0 ? l->part[l->n - 1] : 0;
	size_t *grown;

	if (buf_len(&l->text) - start <= PART_MAX || at == start)
		return;
	if (l->n == l->cap) {
		grown = reallocarray(l->part, l->cap + 8, sizeof *grown);
		if (grown == NULL)
			die(sec_err_exit(SEC_ERR_SYS), "no memory for a PAL");
		l->part = grown;
		l->cap += 8;
	}
	l->part[l->n++] = at;
}

static size_t
lines_add(struct lines *l, const struct buf *line)
{
	size_t at = buf_len(&l->text);

	buf_put(&l->text, buf_data(line), buf_len(line));
	lines_grown(l, at);
	return at;
}

/* --- rounds --- */

static struct lines *
told_in(const struct document *d, uint64_t version)
{
	return &d->rounds->told[version % DOCUMENT_NEWS];
}

/* The next version, made of what is new; who was removed is forgotten. */
static void
round_news(struct document *d)
{
	struct lines *l = told_in(d, ++d->version);
	struct entry *e;
	size_t at;

	if (d->version - d->rounds->first >= DOCUMENT_NEWS)
		d->rounds->first = d->version - DOCUMENT_NEWS + 1;
	lines_reset(l);
	while ((e = TAILQ_FIRST(&d->news)) != NULL) {
		TAILQ_REMOVE(&d->news, e, news);
		e->is_news = 0;
		if (buf_len(&e->line) > 0) {
			lines_add(l, &e->line);
			continue;
		}
		at = buf_len(&l->text);
		line_begin(&l->text, "entry");
		line_put_arg(&l->text, e->uri);
		line_put_arg(&l->text, "-");
		line_end(&l->text);
		lines_grown(l, at);
		if (d->gone != NULL)
			d->gone(d, e);
	}
}

static void
document_round(void *arg)
{
	struct document *d = arg;
	struct subscription *s, *next;

	round_news(d);
	d->flushed = loop_now(d->pal->s->loop);
	for (s = TAILQ_FIRST(&d->subs); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		subscription_notify(s);
	}
}

static const struct document_ops round_ops;

void
document_init_ops(struct document *d, struct pal *p, const char *uri,
    const char *event, const struct document_ops *ops)
{
	d->pal = p;
	if ((d->uri = strdup(uri)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a PAL");
	d->event = event;
	d->ops = ops;
	TAILQ_INIT(&d->subs);
}

void
document_init(struct document *d, struct pal *p, const char *uri,
    const char *event)
{
	document_init_ops(d, p, uri, event, &round_ops);
	if ((d->rounds = calloc(1, sizeof *d->rounds)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a roster");
	/* The clock, so that versions never go back, not even after a
	 * restart. */
	d->version = (uint64_t)clock_real();
	d->rounds->first = d->version + 1;
	d->flushed = loop_now(p->s->loop) - NOTIFY_MS;
	TAILQ_INIT(&d->entries);
	TAILQ_INIT(&d->news);
	timer_init(&d->timer, p->s->loop, document_round, d);
}

void
document_free(struct document *d, const char *reason)
{
	struct rounds *r = d->rounds;
	struct subscription *s;
	size_t i;

	d->ops = &round_ops; /* it is being freed already */
	while ((s = TAILQ_FIRST(&d->subs)) != NULL)
		subscription_end(s, reason);
	free(d->uri);
	d->uri = NULL;
	if (r == NULL)
		return;
	timer_cancel(&d->timer);
	lines_free(&r->whole);
	for (i = 0; i < DOCUMENT_NEWS; i++)
		lines_free(&r->told[i]);
	free(r);
	d->rounds = NULL;
}

void
document_changed(struct document *d)
{
	int64_t apart = d->nsubs / NOTIFIES, wait;

	if (timer_is_set(&d->timer))
		return;
	if (apart < NOTIFY_MS)
		apart = NOTIFY_MS;
	wait = d->flushed + apart - loop_now(d->pal->s->loop);
	timer_set(&d->timer, wait > 0 ? wait : 0);
}

/* --- entries --- */

static void
entry_news(struct document *d, struct entry *e)
{
	if (!e->is_news) {
		e->is_news = 1;
		TAILQ_INSERT_TAIL(&d->news, e, news);
	}
	document_changed(d);
}

void
document_put(struct document *d, struct entry *e, const struct buf *line)
{
	size_t had = buf_len(&e->line), n = buf_len(line);

	if (n == 0 ||
	    (had == n && memcmp(buf_data(&e->line), buf_data(line), n) == 0))
		return;
	buf_reset(&e->line);
	buf_put(&e->line, buf_data(line), n);
	if (had == 0) {
		TAILQ_INSERT_TAIL(&d->entries, e, link);
		if (d->rounds->fresh)
			e->at = lines_add(&d->rounds->whole, line);
	} else if (d->rounds->fresh && had == n)
		memcpy(buf_data(&d->rounds->whole.text) + e->at, buf_data(line),
		    n);
	else
		d->rounds->fresh = 0;
	entry_news(d, e);
}

static void
entry_unlist(struct document *d, struct entry *e)
{
	if (buf_len(&e->line) == 0)
		return;
	TAILQ_REMOVE(&d->entries, e, link);
	buf_free(&e->line);
	d->rounds->fresh = 0;
}

void
document_remove(struct document *d, struct entry *e)
{
	entry_unlist(d, e);
	entry_news(d, e);
}

void
document_forget(struct document *d, struct entry *e)
{
	entry_unlist(d, e);
	if (e->is_news)
		TAILQ_REMOVE(&d->news, e, news);
	e->is_news = 0;
}

/* --- bodies --- */

static struct lines *
document_whole(struct document *d)
{
	struct entry *e;

	if (!d->rounds->fresh) {
		lines_reset(&d->rounds->whole);
		TAILQ_FOREACH(e, &d->entries, link)
			e->at = lines_add(&d->rounds->whole, &e->line);
		d->rounds->fresh = 1;
	}
	return &d->rounds->whole;
}

/* Can who has this version be told just what is new? */
static int
document_knows(const struct document *d, uint64_t version)
{
	uint64_t v;
	size_t size = 0;

	if (version + 1 < d->rounds->first || version >= d->version)
		return 0;
	/* It may be shorter to tell all than to repeat every step. */
	for (v = version + 1; v <= d->version; v++)
		size += buf_len(&told_in(d, v)->text);
	return version + 1 == d->version || !d->rounds->fresh ||
	    size <= buf_len(&d->rounds->whole.text);
}

void
document_begin(struct buf *out, const char *uri, uint64_t version, int full,
    unsigned part, unsigned parts)
{
	line_begin(out, "doc");
	line_put(out, "uri", uri);
	line_put_u64(out, "version", version);
	line_put(out, "state", full ? "full" : "partial");
	line_put_u64(out, "part", part);
	buf_put_u8(out, '/');
	buf_put_decimal(out, parts);
}

static uint64_t
round_next(struct document *d, struct subscription *s)
{
	if (!document_knows(d, s->sent)) {
		s->sent = d->version;
		return NEXT_ALL;
	}
	s->dirty = s->sent + 1 != d->version;
	return s->sent++;
}

static unsigned
round_part(struct document *d, struct subscription *s, uint64_t since,
    unsigned part, struct buf *out)
{
	struct lines *l =
	    since == NEXT_ALL ? document_whole(d) : told_in(d, since + 1);
	unsigned parts = l->n + 1;
	size_t from = part > 1 ? l->part[part - 2] : 0;
	size_t to = part < parts ? l->part[part - 1] : buf_len(&l->text);

	(void)s;
	document_begin(out, d->uri, since == NEXT_ALL ? d->version : since + 1,
	    since == NEXT_ALL, part, parts);
	if (part == 1 && d->head != NULL)
		d->head(d, out);
	line_end(out);
	if (part >= 1 && part <= parts && to > from)
		buf_put(out, buf_data(&l->text) + from, to - from);
	return parts;
}

static void
round_again(struct document *d, struct subscription *s)
{
	(void)d;
	subscription_notify(s);
}

static const struct document_ops round_ops = {
	.next = round_next,
	.part = round_part,
	.again = round_again,
};

void
document_release(struct document *d)
{
	if (d->nsubs == 0 && d->ops->left != NULL)
		d->ops->left(d);
}

unsigned
document_fetch(struct document *d, struct subscription *s, struct buf *out)
{
	if (s != NULL) {
		s->sent = 0;
		(void)d->ops->next(d, s);
	}
	return d->ops->part(d, s, NEXT_ALL, 1, out);
}
