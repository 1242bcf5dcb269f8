/*
 * One speaker's voice.
 *
 *	packets --> queue (by time) --> decoder --> fifo --> out
 *
 *	 state	 event				 next
 *	 IDLE	 the first packet is due	 PLAYING
 *	 PLAYING nothing for STARVED_MAX	 IDLE
 *
 * `next` is the time of the sample that will be decoded next, so the first
 * one in the fifo is as old as `next` minus the fifo's length: the delay.
 */
#include <stdlib.h>
#include <string.h>

#include "audio/jitter.h"
#include "audio/stretch.h"
#include "base/err.h"
#include "base/mem.h"

#include "audio/playout.h"

#define STARVED_MAX (AUDIO_RATE / 8) /* samples made up at a stretch */
#define GAP_MAX	    (AUDIO_RATE / 4) /* a longer hole is not filled */
#define RESET_US    1000000 /* another clock altogether */
#define EARLY_US    1000 /* off target by no more than these is well */
#define LATE_US	    4000
#define HURRY_US    60000 /* off by more: heard or not */
#define DROP_US	    600000 /* off by more: packets go */
#define REST	    10 /* pieces between two changes, if there is no hurry */
#define FIFO	    (STRETCH_NEED + 2 * AUDIO_FRAME + 2 * STRETCH_MAX)

struct packet {
	int64_t ts; /* samples, unwrapped */
	size_t n; /* samples in it */
	size_t len;
	uint8_t bytes[CODEC_MAX];
};

struct playout {
	enum codec codec;
	struct decoder *dec;
	struct jitter jitter;
	int64_t floor;
	int playing;
	int known; /* last_ts and newest are set */
	uint32_t last_ts;
	int64_t newest; /* the same, unwrapped */
	struct packet queue[PLAYOUT_PACKETS]; /* by ts */
	size_t nqueue;
	int64_t next;
	size_t frame; /* samples of the last packet */
	int16_t fifo[FIFO];
	size_t nfifo;
	size_t made_up; /* samples since the queue ran dry */
	int64_t delay;
	unsigned rest;
	struct playout_stats stats;
};

static int64_t
us(int64_t samples)
{
	return samples * 1000 / (AUDIO_RATE / 1000);
}

static int64_t
samples(int64_t t)
{
	return t * (AUDIO_RATE / 1000) / 1000;
}

struct playout *
playout_new(enum codec c, int64_t floor_us)
{
	struct playout *p = mem_new(sizeof(*p));

	p->codec = c;
	p->dec = decoder_new(c);
	p->floor = floor_us;
	p->frame = AUDIO_FRAME;
	jitter_init(&p->jitter, floor_us);
	return p;
}

void
playout_free(struct playout *p)
{
	if (p == NULL)
		return;
	decoder_free(p->dec);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

/* --- in --- */

static void
forget(struct playout *p)
{
	p->playing = 0;
	p->nqueue = p->nfifo = p->made_up = 0;
	jitter_init(&p->jitter, p->floor);
}

/* A clock that jumped is a new one. */
static int64_t
unwrap(struct playout *p, uint32_t ts, int64_t now)
{
	int64_t t, transit;

	if (!p->known) {
		p->known = 1;
		p->last_ts = ts;
		/* Any zero does; this one keeps numbers small. */
		p->newest = samples(now);
		return p->newest;
	}
	t = (int32_t)(ts - p->last_ts);
	t = p->newest +
	    (t < 0 ? -(int64_t)codec_samples(p->codec, (uint32_t)-t) :
		     (int64_t)codec_samples(p->codec, (uint32_t)t));
	transit = now - us(t);
	if (p->jitter.n > 0 &&
	    (transit > p->jitter.least + RESET_US + JITTER_MAX_US ||
		transit < p->jitter.least - RESET_US)) {
		forget(p);
		t = samples(now);
		p->newest = t;
		p->last_ts = ts;
	} else if (t > p->newest) {
		p->newest = t;
		p->last_ts = ts;
	}
	return t;
}

static void
drop_first(struct playout *p, size_t n)
{
	p->nqueue -= n;
	memmove(p->queue, p->queue + n, p->nqueue * sizeof(*p->queue));
}

/* Into its place by time; 0 if it is there already. */
static int
insert(struct playout *p, const struct packet *in)
{
	size_t i = p->nqueue;

	while (i > 0 && p->queue[i - 1].ts > in->ts)
		i--;
	if (i > 0 && p->queue[i - 1].ts == in->ts)
		return 0;
	if (p->nqueue == PLAYOUT_PACKETS) {
		/* The oldest go, and with them the time that they took. */
		if (i == 0)
			return 0;
		if (p->playing && p->queue[0].ts >= p->next)
			p->next = p->queue[0].ts + (int64_t)p->queue[0].n;
		drop_first(p, 1);
		p->stats.dropped++;
		i--;
	}
	memmove(p->queue + i + 1, p->queue + i,
	    (p->nqueue - i) * sizeof(*p->queue));
	p->queue[i] = *in;
	p->nqueue++;
	return 1;
}

int
playout_put(struct playout *p, uint32_t ts, int marker, const uint8_t *payload,
    size_t n, int64_t now)
{
	struct packet in;

	(void)marker;
	if (n > CODEC_MAX || (in.n = decoder_samples(p->dec, payload, n)) == 0)
		return SEC_ERR_FORMAT;
	in.ts = unwrap(p, ts, now);
	in.len = n;
	memcpy(in.bytes, payload, n);
	jitter_put(&p->jitter, us(in.ts), now);
	p->frame = in.n;
	if ((p->playing && in.ts < p->next) || !insert(p, &in))
		p->stats.late++;
	return 0;
}

/* --- decoding --- */

static void
append(struct playout *p, const uint8_t *bytes, size_t len, int fec, size_t n)
{
	(void)decoder_run(p->dec, bytes, len, fec, p->fifo + p->nfifo, n);
	p->nfifo += n;
}

static void
take_packet(struct playout *p)
{
	struct packet *k = &p->queue[0];

	append(p, k->bytes, k->len, 0, k->n);
	p->next = k->ts + (int64_t)k->n;
	p->made_up = 0;
	p->stats.packets++;
	drop_first(p, 1);
}

/* There is a packet, but a later one: one frame of what is missing. */
static void
fill_gap(struct playout *p)
{
	struct packet *k = &p->queue[0];
	int64_t gap = k->ts - p->next, part;

	/* Time that has been made up already is not made up again. */
	if (p->made_up > 0) {
		part = gap < (int64_t)p->made_up ? gap : (int64_t)p->made_up;
		p->next += part;
		p->made_up -= (size_t)part;
		if (p->next == k->ts)
			p->made_up = 0;
		return;
	}
	if (gap > GAP_MAX) {
		p->next = k->ts;
		return;
	}
	if (gap < (int64_t)k->n) {
		/* Not a whole packet: the sender's clock moved. */
		p->next = k->ts;
		return;
	}
	if (gap == (int64_t)k->n && p->codec == CODEC_OPUS) {
		append(p, k->bytes, k->len, 1, k->n);
		p->stats.restored++;
	} else {
		append(p, NULL, 0, 0, k->n);
		p->stats.concealed++;
	}
	p->next += (int64_t)k->n;
}

/* Nobody knows whether there will be more: it dies away. */
static void
make_up(struct playout *p)
{
	int16_t *s = p->fifo + p->nfifo;
	size_t i;

	append(p, NULL, 0, 0, p->frame);
	for (i = 0; i < p->frame; i++)
		s[i] = (int16_t)(s[i] *
		    (1 -
			(float)(p->made_up + i) / (STARVED_MAX + AUDIO_FRAME)));
	p->made_up += p->frame;
	p->stats.starved += p->frame;
}

/* At least n samples in the fifo, unless the voice ends. */
static void
fill(struct playout *p, size_t n)
{
	while (p->nfifo < n) {
		while (p->nqueue > 0 && p->queue[0].ts < p->next) {
			p->stats.late++;
			drop_first(p, 1);
		}
		if (p->nqueue > 0 && p->queue[0].ts == p->next)
			take_packet(p);
		else if (p->nqueue > 0)
			fill_gap(p);
		else if (p->made_up < STARVED_MAX)
			make_up(p);
		else
			return;
	}
}

/* As fill(), but only of packets that are there and fit. */
static void
fill_ahead(struct playout *p, size_t n)
{
	while (p->nfifo < n && p->nqueue > 0 && p->queue[0].ts == p->next)
		take_packet(p);
}

/* --- keeping time --- */

/* How much later than necessary the first sample in the fifo is played. */
static int64_t
excess(const struct playout *p, int64_t now)
{
	return now - jitter_due(&p->jitter, us(p->next - (int64_t)p->nfifo));
}

static void
skip_ahead(struct playout *p, int64_t now)
{
	while (p->nqueue > 1 && excess(p, now) > DROP_US / 2) {
		drop_first(p, 1);
		p->next = p->queue[0].ts;
		p->stats.dropped++;
	}
}

static void
keep_time(struct playout *p, int64_t now)
{
	int64_t off = excess(p, now);
	size_t n;

	if (off > DROP_US)
		skip_ahead(p, now);
	if (p->rest > 0 && off < HURRY_US && off > -HURRY_US) {
		p->rest--;
		return;
	}
	if (off > LATE_US) {
		fill_ahead(p, STRETCH_NEED);
		n = stretch_shrink(p->fifo, &p->nfifo, (size_t)samples(off),
		    off > HURRY_US);
		p->stats.shrunk += n;
	} else if (off < -EARLY_US && p->made_up == 0) {
		fill_ahead(p, STRETCH_NEED);
		n = stretch_grow(p->fifo, &p->nfifo, (size_t)samples(-off),
		    off < -HURRY_US);
		p->stats.grown += n;
	} else
		return;
	if (n > 0)
		p->rest = REST;
}

/* The first packet is due within these n samples: begin, in its place. */
static int
begin(struct playout *p, size_t n, int64_t now)
{
	int64_t lead;

	if (p->nqueue == 0)
		return 0;
	lead = samples(jitter_due(&p->jitter, us(p->queue[0].ts)) - now);
	if (lead >= (int64_t)n)
		return 0;
	p->playing = 1;
	p->made_up = 0;
	p->rest = REST;
	p->next = p->queue[0].ts;
	p->nfifo = lead > 0 ? (size_t)lead : 0;
	memset(p->fifo, 0, p->nfifo * sizeof(*p->fifo));
	return 1;
}

int
playout_get(struct playout *p, int16_t *out, size_t n, int64_t now)
{
	size_t have;

	if (!p->playing && !begin(p, n, now)) {
		memset(out, 0, n * sizeof(*out));
		return 0;
	}
	keep_time(p, now);
	p->delay = excess(p, now) + jitter_wait(&p->jitter);
	fill(p, n);
	have = p->nfifo < n ? p->nfifo : n;
	memcpy(out, p->fifo, have * sizeof(*out));
	memset(out + have, 0, (n - have) * sizeof(*out));
	p->nfifo -= have;
	memmove(p->fifo, p->fifo + have, p->nfifo * sizeof(*p->fifo));
	if (have < n)
		p->playing = 0;
	return 1;
}

int
playout_is_idle(const struct playout *p)
{
	return !p->playing && p->nqueue == 0;
}

int64_t
playout_delay(const struct playout *p)
{
	return p->playing ? p->delay : 0;
}

const struct playout_stats *
playout_stats(const struct playout *p)
{
	return &p->stats;
}
