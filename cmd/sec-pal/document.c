/*
 * document: what can be subscribed to, as application/sec-pal
 * (ARCHITECTURE.md 10). Changes are told in rounds, at most one in 100 ms:
 * a round is one version; who has the version before gets the entries of
 * that round, anybody else the whole document.
 */

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "wire/line.h"
#include "wire/pal.h"

#include "pal.h"

#define PART_MAX (PAL_DOC_MAX - 1024) /* entries; the doc line beside */

static void
document_round(void *arg)
{
	struct document *d = arg;
	struct subscription *s, *next;

	d->version++;
	d->flushed = loop_now(d->pal->s->loop);
	if (!TAILQ_EMPTY(&d->subs)) {
		/* Kept: who has not answered yet gets it after the round, when
		 * those told removed are forgotten. */
		buf_reset(&d->delta);
		d->entries(d, &d->delta, d->version, "");
		d->delta_version = d->version;
	}
	for (s = TAILQ_FIRST(&d->subs); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		subscription_notify(s);
	}
	if (d->flushed_cb != NULL)
		d->flushed_cb(d);
}

void
document_init(struct document *d, struct pal *p, const char *uri,
    const char *event)
{
	d->pal = p;
	text_copy(d->uri, uri, sizeof d->uri);
	d->event = event;
	/* The clock, so that versions never go back, not even after a
	 * restart. */
	d->version = (uint64_t)clock_real();
	d->flushed = loop_now(p->s->loop) - NOTIFY_MS;
	TAILQ_INIT(&d->subs);
	timer_init(&d->timer, p->s->loop, document_round, d);
}

void
document_free(struct document *d, const char *reason)
{
	struct subscription *s;

	while ((s = TAILQ_FIRST(&d->subs)) != NULL)
		subscription_end(s, reason);
	timer_cancel(&d->timer);
	buf_free(&d->cache);
	buf_free(&d->delta);
}

void
document_changed(struct document *d)
{
	int64_t wait;

	d->cache_version = 0;
	if (timer_is_set(&d->timer))
		return;
	wait = d->flushed + NOTIFY_MS - loop_now(d->pal->s->loop);
	timer_set(&d->timer, wait > 0 ? wait : 0);
}

/* Where the k-th part of the entry lines begins (k from 0), and how many
 * parts there are: lines are never cut. */
static unsigned
split(const struct buf *e, unsigned k, size_t *from, size_t *to)
{
	const char *p = (const char *)buf_data(e), *nl;
	size_t n = buf_len(e), start = 0, at = 0;
	unsigned parts = 0;

	*from = *to = 0;
	while (at < n) {
		nl = memchr(p + at, '\n', n - at);
		size_t next = nl != NULL ? (size_t)(nl - p) + 1 : n;

		if (next - start > PART_MAX && at > start) {
			if (parts++ == k) {
				*from = start;
				*to = at;
			}
			start = at;
		}
		at = next;
	}
	if (parts++ == k) {
		*from = start;
		*to = n;
	}
	return parts;
}

/* Does the round's news tell of this watcher himself? */
static int
tells_of(const struct buf *e, const char *watcher)
{
	struct buf own = BUF_INIT;
	int found;

	if (buf_len(e) == 0)
		return 0;
	line_begin(&own, "entry");
	line_put_arg(&own, watcher);
	found = memmem(buf_data(e), buf_len(e), buf_data(&own),
		    buf_len(&own)) != NULL;
	buf_free(&own);
	return found;
}

unsigned
document_part(struct document *d, const char *watcher, int full, unsigned part,
    struct buf *out)
{
	struct buf own = BUF_INIT, *e = &own;
	size_t from, to;
	unsigned parts;

	if (full && d->same_for_all) {
		e = &d->cache;
		if (d->cache_version != d->version) {
			buf_reset(e);
			d->entries(d, e, 0, watcher);
			/* Entries of the next round are in it already: to
			 * be told once more does no harm. */
			d->cache_version =
			    timer_is_set(&d->timer) ? 0 : d->version;
		}
	} else if (full)
		d->entries(d, e, 0, watcher);
	else if (d->delta_version == d->version &&
	    (d->same_for_all || !tells_of(&d->delta, watcher)))
		e = &d->delta;
	else
		d->entries(d, e, d->version, watcher);
	parts = split(e, part - 1, &from, &to);
	line_begin(out, "doc");
	line_put(out, "uri", d->uri);
	line_put_u64(out, "version", d->version);
	line_put(out, "state", full ? "full" : "partial");
	line_putf(out, "part", "%u/%u", part, parts);
	if (part == 1 && d->head != NULL)
		d->head(d, out);
	line_end(out);
	if (to > from)
		buf_put(out, buf_data(e) + from, to - from);
	buf_free(&own);
	return parts;
}
