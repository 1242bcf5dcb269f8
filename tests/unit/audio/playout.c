/* A voice over a bad network, in simulated time. */
#include "audio/playout.h"

#include <math.h>

#include "audio/level.h"
#include "base/err.h"

#include "../test.h"

#define PIECE	 480 /* 10 ms, as sec-talk takes them */
#define PIECE_US 10000

static uint32_t seed = 1;

static uint32_t
dice(uint32_t n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

struct flight { /* a packet on its way */
	int64_t at;
	uint32_t ts;
	uint8_t bytes[CODEC_MAX];
};

struct run {
	enum codec codec;
	double skew; /* the sender's second, in ours */
	int loss; /* percent */
	int64_t base, jitter; /* us */
	int64_t stall_from, stall_to; /* nothing arrives; then all of it */
	int seconds;
	/* results */
	struct playout_stats stats;
	int64_t most, last; /* delay, us */
	int64_t before_stall, after_stall; /* when delay was back, us */
	int gaps; /* pieces without sound, after the first second */
	double sum, count; /* of delays in the last half */
};

#define IN_FLIGHT 256

/* The sender's tone. 20 ms are a whole number of periods, so that after a
 * while one packet is as the other. */
static void
speak(struct encoder *e, uint64_t k, uint8_t *out, enum codec c)
{
	static uint8_t steady[2][CODEC_MAX];
	int16_t s[AUDIO_FRAME];
	size_t i;

	if (k > 50) {
		memcpy(out, steady[c], sizeof(*steady));
		return;
	}
	for (i = 0; i < AUDIO_FRAME; i++)
		s[i] = (int16_t)(8000 *
		    sin(2 * M_PI * 300 *
			fmod((double)(k * AUDIO_FRAME + i) / AUDIO_RATE, 1)));
	(void)encoder_run(e, s, AUDIO_FRAME, out);
	memcpy(steady[c], out, codec_size(c, AUDIO_FRAME));
}

static void
fly(struct run *r)
{
	static struct flight flights[IN_FLIGHT];
	struct playout *p = playout_new(r->codec, PLAYOUT_FLOOR_US);
	struct encoder *e = encoder_new(r->codec);
	int64_t now = 50000000, end = now + r->seconds * INT64_C(1000000);
	int64_t start = now, sent, at, from, to;
	uint64_t k = 0;
	size_t i, n = 0;
	int16_t out[PIECE];
	size_t size = codec_size(r->codec, AUDIO_FRAME);

	from = start + r->stall_from;
	to = start + r->stall_to;
	for (; now < end; now += PIECE_US) {
		/* What the other one has said by now. */
		while ((sent = start +
			       (int64_t)((double)k * 20000 * r->skew)) <= now) {
			struct flight *f = &flights[n];

			speak(e, k, f->bytes, r->codec);
			f->ts =
			    (uint32_t)(k * codec_ticks(r->codec, AUDIO_FRAME) +
				4294967000u);
			k++;
			if ((int)dice(100) < r->loss)
				continue;
			at = sent + r->base +
			    (r->jitter > 0 ? dice((uint32_t)r->jitter) : 0);
			if (at >= from && at < to)
				at = to;
			f->at = at;
			if (n < IN_FLIGHT - 1)
				n++;
		}
		for (i = 0; i < n;) {
			if (flights[i].at > now) {
				i++;
				continue;
			}
			(void)playout_put(p, flights[i].ts, 0, flights[i].bytes,
			    size, flights[i].at);
			memmove(&flights[i], &flights[i + 1],
			    (--n - i) * sizeof(*flights));
		}
		(void)playout_get(p, out, PIECE, now);
		r->last = playout_delay(p);
		if (now - start > 1000000) {
			r->gaps += level_of(out, PIECE) > 45;
			r->most = r->last > r->most ? r->last : r->most;
		}
		if (now < from)
			r->before_stall = r->last;
		if (now > to && r->after_stall == 0 &&
		    r->last <= r->before_stall + 15000)
			r->after_stall = now - to;
		if (now - start > (end - start) / 2) {
			r->sum += (double)r->last;
			r->count++;
		}
	}
	r->stats = *playout_stats(p);
	printf("# %s skew %g loss %d jitter %d: played %d concealed %d "
	       "restored %d late %d starved %d shrunk %d grown %d dropped %d; "
	       "delay most %d last %d mean %.0f us; gaps %d, back %d ms\n",
	    codec_name(r->codec), r->skew, r->loss, (int)r->jitter,
	    (int)r->stats.packets, (int)r->stats.concealed,
	    (int)r->stats.restored, (int)r->stats.late, (int)r->stats.starved,
	    (int)r->stats.shrunk, (int)r->stats.grown, (int)r->stats.dropped,
	    (int)r->most, (int)r->last, r->sum / r->count, r->gaps,
	    (int)(r->after_stall / 1000));
	encoder_free(e);
	playout_free(p);
}

/* A perfect network: next to no delay, nothing made up. */
static void
test_calm(enum codec c)
{
	struct run r = { .codec = c, .skew = 1, .base = 3000, .seconds = 20 };

	fly(&r);
	T_INT(r.stats.starved + r.stats.concealed + r.stats.late, 0);
	T_INT(r.gaps, 0);
	T_OK(r.most <= 20000, "%d us", (int)r.most);
}

/* 5 % loss, 40 ms jitter: the delay is what the jitter needs. */
static void
test_bad(enum codec c)
{
	struct run r = { .codec = c,
		.skew = 1,
		.loss = 5,
		.base = 3000,
		.jitter = 40000,
		.seconds = 60 };
	uint64_t lost;

	fly(&r);
	lost = r.stats.concealed + r.stats.restored;
	T_OK(lost >= 100 && lost <= 260, "%d of 3000 filled in", (int)lost);
	T_INT(r.stats.dropped, 0);
	T_OK(r.stats.late + r.stats.starved / AUDIO_FRAME <= 90, "%d late",
	    (int)r.stats.late);
	T_OK(r.most <= 110000, "%d us", (int)r.most);
	/* Two in a row: Opus gives up tones early. */
	T_OK(r.gaps <= 30, "%d gaps of 10 ms", r.gaps);
}

/* Ten minutes with a clock that is wrong by 200 ppm, either way: neither
 * growing delay nor gaps. */
static void
test_drift(enum codec c, double skew)
{
	struct run r = { .codec = c,
		.skew = skew,
		.base = 3000,
		.jitter = 2000,
		.seconds = 600 };

	fly(&r);
	T_INT(r.gaps, 0);
	T_INT(r.stats.concealed + r.stats.restored + r.stats.dropped, 0);
	T_OK(r.stats.starved <= 2 * AUDIO_FRAME, "starved");
	T_OK(r.most <= 30000, "%d us", (int)r.most);
	/* 600 s * 200 ppm = 120 ms */
	T_OK(skew < 1 ? r.stats.shrunk - r.stats.grown > 4000 :
			r.stats.grown - r.stats.shrunk + r.stats.starved > 4000,
	    "absorbed");
}

/* 300 ms of nothing, then all at once: heard, and back soon after the
 * burst is forgotten (5 s). */
static void
test_burst(enum codec c)
{
	struct run r = { .codec = c,
		.skew = 1,
		.base = 3000,
		.seconds = 20,
		.stall_from = 5000000,
		.stall_to = 5300000 };

	fly(&r);
	T_OK(r.most <= 350000, "%d us", (int)r.most);
	T_OK(r.after_stall > 0 && r.after_stall < 7000000, "back after %d ms",
	    (int)(r.after_stall / 1000));
	T_OK(r.last <= 20000, "%d us in the end", (int)r.last);
}

/* Nobody talks for a while; then again. Pieces of nonsense between. */
static void
test_edges(void)
{
	struct playout *p = playout_new(CODEC_OPUS, PLAYOUT_FLOOR_US);
	struct encoder *e = encoder_new(CODEC_OPUS);
	uint8_t b[CODEC_MAX];
	int16_t out[AUDIO_FRAME];
	int64_t now = 1000000;
	uint32_t ts = 0;
	int i, silent = 0, loud = 0;

	T_INT(playout_get(p, out, PIECE, now), 0);
	T(playout_is_idle(p));
	T_INT(playout_delay(p), 0);
	T_INT(playout_put(p, 0, 1, b, 0, now), SEC_ERR_FORMAT);
	T_INT(playout_put(p, 0, 1, b, 161, now), SEC_ERR_FORMAT);
	for (i = 0; i < 1000; i++, now += 20000, ts += 960) {
		speak(e, (uint64_t)i, b, CODEC_OPUS);
		/* Talks, 5 s of nothing, talks; each packet comes twice. */
		if (i < 100 || i >= 350) {
			T_OK(playout_put(p, ts, i == 350, b, 80, now) == 0 &&
				playout_put(p, ts, 0, b, 80, now) == 0,
			    "put");
			if (i > 105 && i < 345)
				T(0);
		}
		(void)playout_get(p, out, AUDIO_FRAME, now);
		if (i > 110 && i < 350)
			silent += level_of(out, AUDIO_FRAME) == LEVEL_SILENCE;
		if ((i > 3 && i < 100) || i > 353)
			loud += level_of(out, AUDIO_FRAME) < 30;
	}
	T_INT(silent, 239);
	T_INT(loud, 96 + 646);
	/* The sender's clock becomes another one. */
	for (loud = i = 0; i < 100; i++, now += 20000) {
		speak(e, (uint64_t)i, b, CODEC_OPUS);
		(void)playout_put(p, ts + 1000000000u + (uint32_t)i * 960, 0, b,
		    80, now);
		(void)playout_get(p, out, AUDIO_FRAME, now);
		loud += i > 5 && level_of(out, AUDIO_FRAME) < 30;
	}
	T_INT(loud, 94);
	/* Nobody takes: what waits is bounded. */
	for (i = 0; i < 1000; i++, now += 20000)
		(void)playout_put(p, ts + 1000100000u + (uint32_t)i * 960, 0, b,
		    80, now);
	(void)playout_get(p, out, AUDIO_FRAME, now);
	T_OK(playout_delay(p) < 350000, "%d us", (int)playout_delay(p));
	T(playout_stats(p)->dropped > 900);
	encoder_free(e);
	playout_free(p);
}

int
main(void)
{
	enum codec c;

	for (c = CODEC_OPUS; c <= CODEC_PCMU; c++) {
		test_calm(c);
		test_bad(c);
		test_burst(c);
	}
	for (c = CODEC_OPUS; c <= CODEC_PCMU; c++) {
		test_drift(c, 1 + 200e-6);
		test_drift(c, 1 - 200e-6);
	}
	test_edges();
	return t_done();
}
