#include "audio/codec.h"

#include <math.h>

#include "audio/level.h"
#include "base/err.h"

#include "../test.h"

#define FRAMES 100

static int16_t in[FRAMES * AUDIO_FRAME], out[FRAMES * AUDIO_FRAME];

static void
make_tone(void)
{
	size_t i;

	for (i = 0; i < sizeof(in) / sizeof(*in); i++)
		in[i] = (int16_t)(8000 *
		    sin(2 * M_PI * 440 * (double)i / AUDIO_RATE));
}

/* Something that an encoder takes for a voice: a buzz whose pitch and
 * volume move. */
static void
make_voice(void)
{
	size_t i, k;
	double t, v, phase = 0;

	for (i = 0; i < sizeof(in) / sizeof(*in); i++) {
		t = (double)i / AUDIO_RATE;
		phase += 2 * M_PI * (130 + 20 * sin(5 * t)) / AUDIO_RATE;
		for (v = 0, k = 1; k < 20; k++)
			v += cos((double)k * phase) /
			    (1 + 0.02 * (double)((k - 5) * (k - 5)));
		in[i] = (int16_t)(1200 * v * (1.1 + sin(2 * M_PI * 4 * t)));
	}
}

/* Normalised correlation of out, shifted, with in, the best in 30 ms. */
static double
likeness(size_t from, size_t n, size_t *lag)
{
	double best = 0, xy, xx, yy, v;
	size_t d, i;

	for (d = 0; d < 1440; d++) {
		xy = xx = yy = 1;
		for (i = from; i < from + n; i += 7) {
			xy += (double)in[i] * out[i + d];
			xx += (double)in[i] * in[i];
			yy += (double)out[i + d] * out[i + d];
		}
		if ((v = xy / sqrt(xx * yy)) > best) {
			best = v;
			*lag = d;
		}
	}
	return best;
}

static void
test_through(enum codec c, size_t n)
{
	struct encoder *e = encoder_new(c);
	struct decoder *d = decoder_new(c);
	uint8_t b[CODEC_MAX];
	size_t at, lag = 0;
	int bad = 0;

	for (at = 0; at < sizeof(in) / sizeof(*in); at += n) {
		bad += encoder_run(e, in + at, n, b) != 0;
		bad += decoder_samples(d, b, codec_size(c, n)) != n;
		bad += decoder_run(d, b, codec_size(c, n), 0, out + at, n) != 0;
	}
	T_INT(bad, 0);
	T_OK(likeness(9600, 48000, &lag) > 0.98, "%s, %zu samples",
	    codec_name(c), n);
	T(abs(level_of(in + 9600, 48000) - level_of(out + 9600, 48000)) <= 1);
	T(encoder_delay(e) < 480);
	encoder_free(e);
	decoder_free(d);
}

/* One of ten is lost; with FEC and without. */
static double
test_loss(enum codec c, int fec)
{
	struct encoder *e = encoder_new(c);
	struct decoder *d = decoder_new(c);
	uint8_t b[FRAMES][CODEC_MAX];
	size_t size = codec_size(c, AUDIO_FRAME), lag = 0;
	int i, bad = 0, quiet = 0;
	int16_t *to;
	double like;

	for (i = 0; i < FRAMES; i++)
		(void)encoder_run(e, in + i * AUDIO_FRAME, AUDIO_FRAME, b[i]);
	for (i = 0; i < FRAMES; i++) {
		to = out + i * AUDIO_FRAME;
		if (i % 10 != 5)
			bad += decoder_run(d, b[i], size, 0, to, AUDIO_FRAME);
		else if (fec)
			bad +=
			    decoder_run(d, b[i + 1], size, 1, to, AUDIO_FRAME);
		else
			bad += decoder_run(d, NULL, 0, 0, to, AUDIO_FRAME);
		quiet += i > 2 &&
		    level_of(to, AUDIO_FRAME) >
			level_of(in + (i - 1) * AUDIO_FRAME, AUDIO_FRAME) + 25;
	}
	T_INT(bad, 0);
	T_INT(quiet, 0);
	like = likeness(9600, 48000, &lag);
	T_OK(like > 0.85, "%s, loss, fec %d: %.3f", codec_name(c), fec, like);
	/* For ever nothing: quieter and quieter. */
	for (i = 0; i < 30; i++)
		(void)decoder_run(d, NULL, 0, 0, out, AUDIO_FRAME);
	T(level_of(out, AUDIO_FRAME) > 24);
	encoder_free(e);
	decoder_free(d);
	return like;
}

static void
test_garbage(enum codec c)
{
	struct decoder *d = decoder_new(c);
	uint8_t b[CODEC_MAX];
	size_t i, n;

	for (n = 0; n <= CODEC_MAX; n++) {
		for (i = 0; i < n; i++)
			b[i] = (uint8_t)(n * 31 + i * 97 + (i >> 3));
		(void)decoder_samples(d, b, n);
		(void)decoder_run(d, b, n, (int)(n & 1), out, AUDIO_FRAME);
	}
	T_INT(decoder_run(d, b, 3, 0, out, AUDIO_FRAME), SEC_ERR_FORMAT);
	T_INT(decoder_samples(d, b, 0), 0);
	decoder_free(d);
}

int
main(void)
{
	enum codec c = CODEC_PCMU;

	make_tone();
	T(codec_parse(&c, "opus") == 0 && c == CODEC_OPUS);
	T(codec_parse(&c, "pcmu") == 0 && c == CODEC_PCMU);
	T_INT(codec_parse(&c, "speex"), SEC_ERR_FORMAT);
	T_INT(codec_pt(CODEC_OPUS), 96);
	T_INT(codec_size(CODEC_OPUS, 960), 80);
	T_INT(codec_size(CODEC_PCMU, 960), 160);
	T_INT(codec_ticks(CODEC_PCMU, 960), 160);
	T_INT(codec_samples(CODEC_PCMU, 160), 960);
	for (c = CODEC_OPUS; c <= CODEC_PCMU; c++) {
		test_through(c, AUDIO_FRAME);
		test_through(c, AUDIO_FRAME / 2);
		test_garbage(c);
	}
	make_voice();
	(void)test_loss(CODEC_PCMU, 0);
	T(test_loss(CODEC_OPUS, 0) < test_loss(CODEC_OPUS, 1));
	return t_done();
}
