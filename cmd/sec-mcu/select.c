/*
 * select: the N that are heard.
 *
 *	OUT --free slot--> IN
 *	OUT --louder than the weakest, SELECT_BIDS in a row--> IN, he OUT
 *	OUT --not silent, the weakest gone or pausing--> IN, he OUT
 */
#include <string.h>

#include "select.h"

#define MOST 127 /* -dBov, digital silence */

static int
is_gone(const struct talker *t, int64_t now)
{
	return now - t->heard >= SELECT_GONE;
}

static int
is_pausing(const struct talker *t, int64_t now)
{
	return now - t->voiced >= SELECT_PAUSE && now - t->since >= SELECT_STAY;
}

/* What its peak has become by now. */
static int32_t
power_at(const struct talker *t, int64_t now)
{
	int64_t lost = (now - t->heard) * SELECT_DECAY * 256 / 1000;

	return lost < t->power ? t->power - (int32_t)lost : 0;
}

/* Quick up, slowly down: pauses between words do not count. */
static void
hear(struct talker *t, int64_t now, uint8_t level, int voice)
{
	int32_t power = power_at(t, now), new;

	new = (MOST - (level < MOST ? level : MOST)) * 256;
	t->power = new > power ? power + (new - power + 3) / 4 : power;
	t->heard = now;
	if (level < SELECT_SILENT || voice)
		t->voiced = now;
}

static struct talker *
weakest(const struct select *s, int64_t now)
{
	struct talker *t, *w = NULL;
	int32_t power, least = INT32_MAX;
	unsigned i;

	for (i = 0; i < s->used; i++) {
		t = s->slot[i];
		power = is_gone(t, now) ? -2 :
		    is_pausing(t, now)	? -1 :
					  power_at(t, now);
		if (power < least) {
			least = power;
			w = t;
		}
	}
	return w;
}

static void
put(struct select *s, struct talker *t, unsigned i, int64_t now)
{
	s->slot[i] = t;
	t->slot = (uint8_t)(i + 1);
	t->since = now;
	t->bids = 0;
}

void
select_leave(struct select *s, struct talker *t)
{
	unsigned i;

	if (t->slot == 0)
		return;
	i = t->slot - 1u;
	t->slot = 0;
	s->slot[i] = s->slot[--s->used];
	if (i < s->used)
		s->slot[i]->slot = (uint8_t)(i + 1);
	s->slot[s->used] = NULL;
}

void
select_set(struct select *s, unsigned streams, enum select_how how)
{
	struct talker *t;
	unsigned i;
	int64_t latest = 0;

	s->how = how;
	s->streams = streams < 1 ? 1 :
	    streams > SELECT_MAX ? SELECT_MAX :
				   streams;
	for (i = 0; i < s->used; i++)
		if (s->slot[i]->heard > latest)
			latest = s->slot[i]->heard;
	while (s->used > s->streams) {
		t = weakest(s, latest);
		select_leave(s, t);
	}
}

/* May t, who is out, have the slot of w? */
static int
outbids(const struct select *s, struct talker *t, const struct talker *w,
    int64_t now)
{
	int is_voiced = t->voiced == now;

	if (is_voiced && (is_gone(w, now) || is_pausing(w, now)))
		return 1;
	if (s->how == SELECT_FIRST || !is_voiced ||
	    t->power < power_at(w, now) + SELECT_MARGIN * 256 ||
	    now - w->since < SELECT_STAY) {
		t->bids = 0;
		return 0;
	}
	return ++t->bids >= SELECT_BIDS;
}

int
select_packet(struct select *s, struct talker *t, int64_t now, uint8_t level,
    int voice)
{
	struct talker *w;
	unsigned i;

	hear(t, now, level, voice);
	if (t->slot != 0)
		return 1;
	if (s->used < s->streams) {
		put(s, t, s->used++, now);
		return 1;
	}
	w = weakest(s, now);
	if (!outbids(s, t, w, now))
		return 0;
	i = w->slot - 1u;
	w->slot = 0;
	w->bids = 0;
	put(s, t, i, now);
	return 1;
}

int
select_is_talking(const struct talker *t, int64_t now)
{
	return t->slot != 0 && t->heard > 0 && !is_gone(t, now) &&
	    now - t->voiced < SELECT_PAUSE;
}
