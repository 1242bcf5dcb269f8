/* Both codecs behind one face. */
#include <stdlib.h>
#include <string.h>

#include "audio/opus.h"
#include "audio/pcmu.h"
#include "audio/speex.h"
#include "base/err.h"
#include "base/mem.h"

#include "audio/codec.h"

#define PCMU_RATE 8000
#define RATIO	  (AUDIO_RATE / PCMU_RATE)

int
codec_parse(enum codec *c, const char *name)
{
	if (strcmp(name, "opus") == 0)
		*c = CODEC_OPUS;
	else if (strcmp(name, "pcmu") == 0)
		*c = CODEC_PCMU;
	else
		return SEC_ERR_FORMAT;
	return 0;
}

const char *
codec_name(enum codec c)
{
	return c == CODEC_OPUS ? "opus" : "pcmu";
}

int
codec_pt(enum codec c)
{
	return c == CODEC_OPUS ? 96 : 0;
}

uint32_t
codec_ticks(enum codec c, size_t samples)
{
	return (uint32_t)(c == CODEC_OPUS ? samples : samples / RATIO);
}

size_t
codec_samples(enum codec c, uint32_t ticks)
{
	return c == CODEC_OPUS ? ticks : (size_t)ticks * RATIO;
}

size_t
codec_size(enum codec c, size_t samples)
{
	return c == CODEC_OPUS ? opus_size(samples) : samples / RATIO;
}

/* --- coding --- */

struct encoder {
	enum codec codec;
	struct opus_enc *opus;
	struct resample *down;
	int16_t low[AUDIO_FRAME / RATIO + 64]; /* not coded yet */
	size_t nlow;
};

struct encoder *
encoder_new(enum codec c)
{
	struct encoder *e = mem_new(sizeof(*e));

	e->codec = c;
	if (c == CODEC_OPUS)
		e->opus = opus_enc_new();
	else
		e->down = resample_new(AUDIO_RATE, PCMU_RATE);
	return e;
}

void
encoder_free(struct encoder *e)
{
	if (e == NULL)
		return;
	opus_enc_free(e->opus);
	resample_free(e->down);
	/* It is somebody's voice. */
	explicit_bzero(e, sizeof(*e));
	free(e);
}

/* The resampler gives a little less at first: then the packet begins with
 * silence, and is behind by that. */
static void
run_pcmu(struct encoder *e, const int16_t *s, size_t n, uint8_t *out)
{
	size_t want = n / RATIO, in = n, got, missing;

	got = sizeof(e->low) / sizeof(*e->low) - e->nlow;
	resample_run(e->down, s, &in, e->low + e->nlow, &got);
	e->nlow += got;
	if (e->nlow < want) {
		missing = want - e->nlow;
		memmove(e->low + missing, e->low, e->nlow * sizeof(*e->low));
		memset(e->low, 0, missing * sizeof(*e->low));
		e->nlow = want;
	}
	pcmu_encode(e->low, want, out);
	e->nlow -= want;
	memmove(e->low, e->low + want, e->nlow * sizeof(*e->low));
}

int
encoder_run(struct encoder *e, const int16_t *s, size_t n, uint8_t *out)
{
	if (e->codec == CODEC_OPUS)
		return opus_enc_run(e->opus, s, n, out);
	run_pcmu(e, s, n, out);
	return 0;
}

size_t
encoder_delay(struct encoder *e)
{
	return e->codec == CODEC_OPUS ? opus_enc_delay(e->opus) :
					resample_latency(e->down) + RATIO;
}

/* --- decoding --- */

#define LAST 160 /* samples of 8 kHz that concealment repeats */

struct decoder {
	enum codec codec;
	struct opus_dec *opus;
	struct resample *up;
	int16_t last[LAST];
	int lost; /* concealed packets in a row */
	int16_t high[AUDIO_FRAME + 64]; /* not given yet */
	size_t nhigh;
};

struct decoder *
decoder_new(enum codec c)
{
	struct decoder *d = mem_new(sizeof(*d));

	d->codec = c;
	if (c == CODEC_OPUS)
		d->opus = opus_dec_new();
	else
		d->up = resample_new(PCMU_RATE, AUDIO_RATE);
	return d;
}

void
decoder_free(struct decoder *d)
{
	if (d == NULL)
		return;
	opus_dec_free(d->opus);
	resample_free(d->up);
	explicit_bzero(d, sizeof(*d));
	free(d);
}

size_t
decoder_samples(const struct decoder *d, const uint8_t *p, size_t len)
{
	size_t n;

	if (d->codec == CODEC_PCMU)
		return len == 80 || len == 160 ? len * RATIO : 0;
	n = opus_samples(p, len);
	return n == AUDIO_FRAME || n == AUDIO_FRAME / 2 ? n : 0;
}

/* How like the end of the last packet is to itself `lag` before. */
static double
likeness(const int16_t *s, size_t lag)
{
	double xy = 0, yy = 1;
	size_t i;

	for (i = LAST - 80; i < LAST; i++) {
		xy += (double)s[i] * s[i - lag];
		yy += (double)s[i - lag] * s[i - lag];
	}
	return xy <= 0 ? 0 : xy * xy / yy;
}

/* The last pitch period again and again, each packet at half the volume
 * (after ITU-T G.711 appendix I, in short). */
static void
conceal_pcmu(struct decoder *d, int16_t *low, size_t n)
{
	size_t lag, best = 40, i;
	double most = -1, v;

	for (lag = 24; lag <= 80; lag++)
		if ((v = likeness(d->last, lag)) > most) {
			most = v;
			best = lag;
		}
	for (i = 0; i < n; i++)
		low[i] = (int16_t)(i < best ? d->last[LAST - best + i] :
					      low[i - best]);
	d->lost++;
	for (i = 0; i < n; i++)
		low[i] = d->lost > 5 ?
		    0 :
		    (int16_t)(low[i] * (1 - 0.5 * (double)i / (double)n));
}

/* The newest LAST samples. */
static void
remember(struct decoder *d, const int16_t *low, size_t n)
{
	if (n < LAST)
		memmove(d->last, d->last + n, (LAST - n) * sizeof(*low));
	else
		n = LAST;
	memcpy(d->last + LAST - n, low, n * sizeof(*low));
}

static void
give_high(struct decoder *d, const int16_t *low, size_t nlow, int16_t *out,
    size_t n)
{
	size_t in = nlow, got, missing;

	got = sizeof(d->high) / sizeof(*d->high) - d->nhigh;
	resample_run(d->up, low, &in, d->high + d->nhigh, &got);
	d->nhigh += got;
	if (d->nhigh < n) {
		missing = n - d->nhigh;
		memmove(d->high + missing, d->high,
		    d->nhigh * sizeof(*d->high));
		memset(d->high, 0, missing * sizeof(*d->high));
		d->nhigh = n;
	}
	memcpy(out, d->high, n * sizeof(*out));
	d->nhigh -= n;
	memmove(d->high, d->high + n, d->nhigh * sizeof(*d->high));
}

static int
decode_pcmu(struct decoder *d, const uint8_t *p, size_t len, int fec,
    int16_t *out, size_t n)
{
	int16_t low[AUDIO_FRAME / RATIO];
	size_t nlow = n / RATIO;
	int r = 0;

	if (p != NULL && !fec && len == nlow) {
		pcmu_decode(p, nlow, low);
		d->lost = 0;
	} else {
		r = p != NULL && !fec ? SEC_ERR_FORMAT : 0;
		conceal_pcmu(d, low, nlow);
	}
	remember(d, low, nlow);
	give_high(d, low, nlow, out, n);
	explicit_bzero(low, sizeof(low));
	return r;
}

int
decoder_run(struct decoder *d, const uint8_t *p, size_t len, int fec,
    int16_t *out, size_t n)
{
	if (d->codec == CODEC_PCMU)
		return decode_pcmu(d, p, len, fec, out, n);
	if (p != NULL && opus_dec_run(d->opus, p, len, fec, out, n) == 0)
		return 0;
	if (opus_dec_run(d->opus, NULL, 0, 0, out, n) != 0)
		memset(out, 0, n * sizeof(*out));
	return p != NULL ? SEC_ERR_FORMAT : 0;
}
