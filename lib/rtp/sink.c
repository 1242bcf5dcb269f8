/* The receiving side of one device in one conference. */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/fig9.h"
#include "crypto/pads.h"
#include "rtp/hopkey.h"
#include "rtp/replay.h"

#include "rtp/sink.h"

#define EPOCHS	    8 /* at once: joins may come quickly */
#define CONF_IN_RTP 17
#define CONF_IN_HOP 12

struct epoch {
	uint32_t number;
	struct secret *ke; /* NULL: a free place */
	struct fig9 *fig9;
	int64_t until; /* mono ms, 0: it is the newest */
};

/* Keys of one q in one epoch. */
struct opener {
	uint32_t epoch;
	struct aead *aead; /* NULL: a free place */
	struct pads *pads;
};

#define OPENERS 3

struct speaker {
	struct replay replay;
	struct opener opener[OPENERS];
	unsigned turn; /* whose place goes next */
	struct opener *last; /* used or made */
	int64_t came; /* mono ms: the last packet, or that he is expected */
	struct sink_stats stats;
	int64_t forgotten; /* mono ms; 0: it is there */
	uint64_t first, newest; /* counters */
	int64_t transit; /* RTP ticks, RFC 3550 A.8 */
};

struct waiting {
	int64_t came;
	size_t n;
	uint8_t p[RTP_MAX];
};

struct sink {
	uint64_t conf;
	uint32_t own;
	uint16_t suite_id;
	const struct suite *suite; /* NULL: Fig. 9 */
	unsigned clock;
	struct secret *hop;
	uint64_t hop_counter;
	struct epoch epoch[EPOCHS];
	uint32_t newest; /* epoch */
	struct map *speakers;
	size_t nforgotten; /* of them, whose windows are kept */
	int64_t forget_at; /* mono ms, when to look for them */
	size_t row; /* where the next rows begin */
	size_t filled; /* whose pads were made last */
	struct waiting *waiting; /* a ring */
	size_t nwaiting, first;
	struct sink_drops drops;
	uint8_t plain[RTP_MAX], held[RTP_MAX];
};

int
sink_peek(const uint8_t *p, size_t n, uint64_t *conf)
{
	size_t at = hop_is(p, n) ? CONF_IN_HOP : CONF_IN_RTP;

	if (n < at + 8)
		return SEC_ERR_FORMAT;
	*conf = get_be64(p + at);
	return 0;
}

int
sink_new(struct sink **out, uint64_t conf, uint32_t own_q, uint16_t suite,
    unsigned clock)
{
	struct sink *s;

	if (suite_by_id(suite) == NULL && fig9_suite_by_id(suite) == NULL)
		return SEC_ERR_VERSION;
	s = mem_new(sizeof(*s));
	s->conf = conf;
	s->own = own_q;
	s->suite_id = suite;
	s->suite = suite_by_id(suite);
	s->clock = clock;
	s->speakers = map_new();
	s->waiting = mem_new(SINK_WAITING * sizeof(*s->waiting));
	*out = s;
	return 0;
}

static void
opener_clear(struct opener *o)
{
	pads_free(o->pads);
	aead_free(o->aead);
	memset(o, 0, sizeof(*o));
}

static void
speaker_clear(struct speaker *k)
{
	size_t i;

	for (i = 0; i < OPENERS; i++)
		opener_clear(&k->opener[i]);
	k->last = NULL;
}

static void
speaker_free(struct speaker *k)
{
	speaker_clear(k);
	free(k);
}

static void
epoch_clear(struct epoch *e)
{
	secret_free(e->ke);
	fig9_free(e->fig9);
	memset(e, 0, sizeof(*e));
}

void
sink_free(struct sink *s)
{
	struct speaker *k;
	size_t i = 0;

	if (s == NULL)
		return;
	while ((k = map_next(s->speakers, &i)) != NULL)
		speaker_free(k);
	map_free(s->speakers);
	for (i = 0; i < EPOCHS; i++)
		epoch_clear(&s->epoch[i]);
	secret_free(s->hop);
	free(s->waiting);
	explicit_bzero(s->plain, sizeof(s->plain));
	free(s);
}

void
sink_set_hop(struct sink *s, const struct secret *h_q)
{
	secret_free(s->hop);
	s->hop = hopkey_derive(h_q);
	/* Its other end counts anew. */
	s->hop_counter = 0;
}

/* --- epochs --- */

static void
forget_openers(struct sink *s, uint32_t epoch)
{
	struct speaker *k;
	size_t i = 0, j;

	while ((k = map_next(s->speakers, &i)) != NULL)
		for (j = 0; j < OPENERS; j++)
			if (k->opener[j].aead != NULL &&
			    k->opener[j].epoch == epoch)
				opener_clear(&k->opener[j]);
}

static void
drop_epoch(struct sink *s, struct epoch *e)
{
	forget_openers(s, e->number);
	epoch_clear(e);
}

/* What they said is too old by now, whoever sends it again. */
static void
drop_forgotten(struct sink *s, int64_t now)
{
	struct speaker *k;
	size_t i = 0;

	if (s->nforgotten == 0 || now < s->forget_at)
		return;
	s->forget_at = now + SINK_SKEW_MS;
	while ((k = map_next(s->speakers, &i)) != NULL)
		if (k->forgotten != 0 &&
		    now - k->forgotten > 2 * SINK_SKEW_MS) {
			map_del_u64(s->speakers, k->stats.q);
			speaker_free(k);
			s->nforgotten--;
		}
}

unsigned
sink_tick(struct sink *s, int64_t now)
{
	unsigned n = 0;
	size_t i;

	drop_forgotten(s, now);

	for (i = 0; i < EPOCHS; i++) {
		if (s->epoch[i].ke != NULL && s->epoch[i].until != 0 &&
		    now >= s->epoch[i].until)
			drop_epoch(s, &s->epoch[i]);
		n += s->epoch[i].ke != NULL;
	}
	return n;
}

static struct epoch *
find_epoch(struct sink *s, uint32_t number)
{
	size_t i;

	for (i = 0; i < EPOCHS; i++)
		if (s->epoch[i].ke != NULL && s->epoch[i].number == number)
			return &s->epoch[i];
	return NULL;
}

/* A free place, else that of the oldest. */
static struct epoch *
place(struct sink *s)
{
	struct epoch *e = &s->epoch[0];
	size_t i;

	for (i = 0; i < EPOCHS && e->ke != NULL; i++)
		if (s->epoch[i].ke == NULL || s->epoch[i].number < e->number)
			e = &s->epoch[i];
	if (e->ke != NULL)
		drop_epoch(s, e);
	return e;
}

int
sink_set_epoch(struct sink *s, uint32_t epoch, const struct secret *ke,
    int64_t now)
{
	struct fig9 *fig9 = NULL;
	struct epoch *e;
	size_t i;
	int r;

	(void)sink_tick(s, now);
	if (find_epoch(s, epoch) != NULL)
		return 0;
	if (s->suite == NULL &&
	    (r = fig9_new(&fig9, fig9_suite_by_id(s->suite_id), ke, s->own)) !=
		0)
		return r;
	if (epoch >= s->newest) {
		for (i = 0; i < EPOCHS; i++)
			if (s->epoch[i].ke != NULL && s->epoch[i].until == 0)
				s->epoch[i].until = now + SINK_OLD_MS;
		s->newest = epoch;
	}
	e = place(s);
	e->number = epoch;
	e->ke = secret_dup(ke);
	e->fig9 = fig9;
	e->until = epoch == s->newest ? 0 : now + SINK_OLD_MS;
	return 0;
}

/* --- opening --- */

/* next: counter of a packet of so many bytes that is there, or to come. */
static struct opener *
opener_of(struct sink *s, struct speaker *k, const struct epoch *e, size_t size,
    uint64_t next)
{
	uint8_t salt[SUITE_NONCE];
	struct opener *o;
	struct secret *key;
	size_t i;

	for (i = 0; i < OPENERS; i++)
		if (k->opener[i].aead != NULL &&
		    k->opener[i].epoch == e->number)
			return k->last = &k->opener[i];
	o = &k->opener[k->turn++ % OPENERS];
	opener_clear(o);
	sframe_derive(s->suite, (uint64_t)e->number << 32 | k->stats.q, e->ke,
	    &key, salt);
	if (aead_new(&o->aead, s->suite_id, key) != 0)
		o->aead = NULL;
	secret_free(key);
	if (o->aead == NULL)
		return NULL;
	o->epoch = e->number;
	o->pads = pads_new(o->aead, salt, SINK_PADS, size, next);
	return k->last = o;
}

/* The plaintext into s->plain; *n is its length. */
static int
open_sealed(struct sink *s, struct speaker *k, const struct epoch *e,
    const struct rtp *h, const uint8_t *p, size_t len, size_t *n)
{
	struct opener *o;
	uint32_t q;
	int64_t t;
	int r;

	len -= RTP_HEAD + RTP_HOP_TAG;
	if (s->suite == NULL) {
		*n = fig9_opened(e->fig9, p + RTP_HEAD, len);
		if (*n == 0)
			return SEC_ERR_FORMAT;
		r = fig9_open(e->fig9, p + RTP_HEAD, len, &q, &t, s->plain);
		return r == 0 && q != fig9_q(h->q) ? SEC_ERR_AUTH : r;
	}
	if (len < s->suite->nt)
		return SEC_ERR_FORMAT;
	*n = len - s->suite->nt;
	if ((o = opener_of(s, k, e, *n, h->counter)) == NULL)
		return SEC_ERR_FORMAT;
	return pads_open(o->pads, h->counter, p, RTP_HEAD, p + RTP_HEAD, len,
	    s->plain);
}

/* RFC 3550 A.8, in RTP ticks. */
static void
measure(struct sink *s, struct speaker *k, const struct rtp *h, int64_t now)
{
	int64_t at = now * (int64_t)s->clock / 1000, d;
	int32_t transit = (int32_t)((uint32_t)at - h->ts);
	double ms;

	if (k->stats.packets > 0) {
		d = (int32_t)((uint32_t)transit - (uint32_t)k->transit);
		ms = (double)(d < 0 ? -d : d) * 1000 / s->clock;
		/* A pause or another clock is no jitter. */
		if (ms < 2000)
			k->stats.jitter_ms += (ms - k->stats.jitter_ms) / 16;
	}
	k->transit = transit;
}

static void
count(struct sink *s, struct speaker *k, const struct rtp *h, int64_t now,
    int64_t skew)
{
	measure(s, k, h, now);
	k->came = now;
	if (k->stats.packets == 0)
		k->first = k->newest = h->counter;
	else if (h->counter < k->newest)
		k->stats.misordered++;
	else
		k->newest = h->counter;
	if (h->counter < k->first)
		k->first = h->counter;
	k->stats.packets++;
	k->stats.lost = k->newest - k->first + 1 - k->stats.packets;
	k->stats.skew_ms = skew;
}

/* A speaker that is not known yet only stays if his packet is good. */
static struct speaker *
speaker_of(struct sink *s, uint32_t q, int *fresh)
{
	struct speaker *k = map_get_u64(s->speakers, q);

	*fresh = k == NULL;
	if (k == NULL) {
		k = mem_new(sizeof(*k));
		k->stats.q = q;
	}
	return k;
}

/* All that follows the hop tag, when the epoch is known. */
static int
take(struct sink *s, const struct epoch *e, const struct rtp *h,
    const uint8_t *p, size_t len, int64_t now, int64_t real,
    struct rtp_frame *f)
{
	int64_t sent = rtp_ntp_ms(h->ntp);
	struct speaker *k;
	size_t n = 0;
	int fresh, r;

	k = speaker_of(s, h->q, &fresh);
	if (fresh && map_count(s->speakers) >= SINK_SPEAKERS) {
		s->drops.limit++;
		r = SEC_ERR_LIMIT;
	} else if ((r = replay_check(&k->replay, h->counter)) != 0)
		s->drops.replay++;
	else if ((r = open_sealed(s, k, e, h, p, len, &n)) != 0)
		s->drops.tag++;
	else if (sent < real - SINK_SKEW_MS || sent > real + SINK_SKEW_MS) {
		s->drops.time++;
		k->stats.skew_ms = real - sent;
		r = SEC_ERR_EXPIRED;
	}
	if (r != 0) {
		if (fresh)
			speaker_free(k);
		return r;
	}
	if (fresh)
		map_put_u64(s->speakers, h->q, k);
	if (k->forgotten != 0) {
		k->forgotten = 0;
		s->nforgotten--;
	}
	replay_mark(&k->replay, h->counter);
	count(s, k, h, now, real - sent);
	*f = (struct rtp_frame) { .q = h->q,
		.seq = h->seq,
		.ts = h->ts,
		.marker = h->marker,
		.voice = h->voice,
		.level = h->level,
		.pt = h->pt,
		.epoch = e->number,
		.sent = sent,
		.payload = s->plain,
		.n = n };
	return 0;
}

/* --- pads, made while nothing comes --- */

void
sink_expect(struct sink *s, uint32_t q, size_t size, int64_t now)
{
	const struct epoch *e = find_epoch(s, s->newest);
	struct speaker *k;

	if (s->suite == NULL || e == NULL || q == s->own ||
	    map_get_u64(s->speakers, q) != NULL ||
	    map_count(s->speakers) >= SINK_EXPECTED)
		return;
	k = mem_new(sizeof(*k));
	k->stats.q = q;
	k->came = now;
	map_put_u64(s->speakers, q, k);
	(void)opener_of(s, k, e, size, 0);
}

size_t
sink_fill(struct sink *s, size_t n, int64_t now)
{
	size_t made = 0, left = map_count(s->speakers) + 1;
	struct speaker *k;

	for (; made < n && left > 0; left--) {
		if ((k = map_next(s->speakers, &s->filled)) == NULL) {
			s->filled = 0; /* a circle */
			continue;
		}
		if (k->last != NULL && k->last->pads != NULL &&
		    now - k->came < SINK_ACTIVE_MS)
			made += pads_fill(k->last->pads, n - made);
	}
	return made;
}

/* --- waiting for a key --- */

static int
hold(struct sink *s, const uint8_t *p, size_t n, int64_t now)
{
	struct waiting *w;

	if (s->nwaiting == SINK_WAITING) {
		s->first = (s->first + 1) % SINK_WAITING;
		s->nwaiting--;
		s->drops.epoch++;
	}
	w = &s->waiting[(s->first + s->nwaiting++) % SINK_WAITING];
	w->came = now;
	w->n = n;
	memcpy(w->p, p, n);
	return SEC_ERR_SUBKEY;
}

int
sink_packet(struct sink *s, const uint8_t *p, size_t n, int64_t now,
    int64_t real, struct rtp_frame *f)
{
	struct epoch *e;
	uint32_t number;
	struct rtp h;

	if (rtp_decode(&h, p, n) != 0 || h.conf != s->conf) {
		s->drops.format++;
		return SEC_ERR_FORMAT;
	}
	if (s->hop == NULL ||
	    hopkey_check_rtp(hopkey_down(s->hop), p, n) != 0) {
		s->drops.hop++;
		return SEC_ERR_AUTH;
	}
	if (h.q == s->own) {
		s->drops.own++;
		return SEC_ERR_DENIED;
	}
	(void)sink_tick(s, now);
	number = rtp_epoch(h.epoch, s->newest);
	if ((e = find_epoch(s, number)) != NULL)
		return take(s, e, &h, p, n, now, real, f);
	if (number > s->newest)
		return hold(s, p, n, now);
	s->drops.epoch++;
	return SEC_ERR_EXPIRED;
}

int
sink_next(struct sink *s, int64_t now, int64_t real, struct rtp_frame *f,
    int64_t *came)
{
	size_t i, left = s->nwaiting;
	struct waiting *w;
	struct epoch *e;
	struct rtp h;

	/* Each is looked at once; who still waits goes to the end. */
	for (i = 0; i < left; i++) {
		w = &s->waiting[s->first];
		s->first = (s->first + 1) % SINK_WAITING;
		s->nwaiting--;
		if (now - w->came > SINK_WAIT_MS ||
		    rtp_decode(&h, w->p, w->n) != 0) {
			s->drops.epoch++;
			continue;
		}
		e = find_epoch(s, rtp_epoch(h.epoch, s->newest));
		if (e == NULL) {
			struct waiting *to =
			    &s->waiting[(s->first + s->nwaiting++) %
				SINK_WAITING];

			if (to != w)
				*to = *w;
			continue;
		}
		*came = w->came;
		memcpy(s->held, w->p, w->n);
		if (take(s, e, &h, s->held, w->n, w->came, real, f) == 0)
			return 0;
	}
	return SEC_ERR_NOTHING;
}

int
sink_hop(struct sink *s, const uint8_t *p, size_t n, struct hop_packet *h)
{
	if (hop_decode(h, p, n) != 0 || h->conf != s->conf || h->q != s->own) {
		s->drops.format++;
		return SEC_ERR_FORMAT;
	}
	if (s->hop == NULL ||
	    hopkey_check_hop(hopkey_down(s->hop), p, n) != 0) {
		s->drops.hop++;
		return SEC_ERR_AUTH;
	}
	if (h->counter <= s->hop_counter) {
		s->drops.replay++;
		return SEC_ERR_REPLAY;
	}
	s->hop_counter = h->counter;
	return 0;
}

/* --- counted --- */

const struct sink_drops *
sink_drops(const struct sink *s)
{
	return &s->drops;
}

const struct sink_stats *
sink_stats(const struct sink *s, uint32_t q)
{
	const struct speaker *k = map_get_u64(s->speakers, q);

	return k != NULL && k->forgotten == 0 && k->stats.packets > 0 ?
	    &k->stats :
	    NULL;
}

unsigned
sink_rows(struct sink *s, struct hop_row rows[HOP_ROWS])
{
	const struct sink_stats *t;
	struct speaker *k;
	unsigned n = 0;

	while (n < HOP_ROWS && (k = map_next(s->speakers, &s->row)) != NULL) {
		if (k->forgotten != 0 || k->stats.packets == 0)
			continue;
		t = &k->stats;
		rows[n].q = t->q;
		rows[n].packets = (uint32_t)t->packets;
		rows[n].misordered = (uint16_t)t->misordered;
		rows[n].jitter_ms = (uint16_t)(t->jitter_ms + 0.5);
		n++;
	}
	if (n < HOP_ROWS)
		s->row = 0;
	return n;
}

void
sink_forget(struct sink *s, uint32_t q, int64_t now)
{
	struct speaker *k = map_get_u64(s->speakers, q);

	if (k == NULL || k->forgotten != 0)
		return;
	speaker_clear(k);
	k->stats = (struct sink_stats) { .q = q };
	k->forgotten = now;
	s->nforgotten++;
}
