#include "audio/frames.h"

#include <math.h>

#include "audio/level.h"
#include "base/err.h"

#include "../test.h"

static int16_t got[480000];

static size_t
drain(struct frames_in *f, size_t at)
{
	return at + frames_in_get(f, got + at, sizeof(got) / sizeof(*got) - at);
}

/* A tone in a file, in pieces of `piece` bytes. */
static void
test_file(enum wav_kind kind, int rate, size_t piece)
{
	struct frames_out *o = frames_out_new(kind, rate);
	struct frames_in *f = frames_in_new(kind == WAV_RAW, rate);
	struct buf b = BUF_INIT;
	static int16_t s[48000];
	uint8_t head[WAV_HEAD_MAX];
	size_t i, n, at = 0, crossings = 0;

	for (i = 0; i < 48000; i++)
		s[i] =
		    (int16_t)(10000 * sin(2 * M_PI * 440 * (double)i / 48000));
	for (i = 0; i < 48000; i += 480)
		frames_out_put(o, s + i, 480, &b);
	frames_out_end(o, &b);
	n = frames_out_head(o, head);
	T_OK(buf_len(&b) - n <= (size_t)rate * 2 + 64 &&
		buf_len(&b) - n + 64 >= (size_t)rate * 2,
	    "kind %d rate %d: %zu bytes", kind, rate, buf_len(&b));
	while ((n = buf_len(&b)) > 0) {
		n = n < piece ? n : piece;
		if (frames_in_put(f, buf_data(&b), n) != 0)
			break;
		buf_consume(&b, n);
		at = drain(f, at);
	}
	T_INT(frames_in_end(f), 0);
	at = drain(f, at);
	T(frames_in_has_ended(f) && frames_in_ready(f) == 0);
	T_OK(at > 47900 && at < 48100, "%zu samples", at);
	for (i = 1; i < at; i++)
		crossings += got[i - 1] < 0 && got[i] >= 0;
	T_OK(crossings >= 438 && crossings <= 441, "%zu periods", crossings);
	T(abs(level_of(got, at) - level_of(s, 48000)) <= 1);
	frames_in_free(f);
	frames_out_free(o);
	buf_free(&b);
}

/* The length in the head counts: what is behind it is no sound. */
static void
test_length(void)
{
	struct frames_in *f = frames_in_new(0, 8000);
	uint8_t b[44 + 100] = { 0 };

	wav_head(WAV_RIFF, 48000, 20, b);
	T_INT(frames_in_put(f, b, sizeof(b)), 0);
	T_INT(frames_in_ready(f), 10);
	T(!frames_in_is_raw(f));
	T_INT(frames_in_get(f, got, 100), 10);
	T(frames_in_has_ended(f) && frames_in_ready(f) == 0);
	frames_in_free(f);
}

static void
test_ends(void)
{
	struct frames_in *f = frames_in_new(0, 48000);

	/* What looks like a head and is none. */
	T_INT(frames_in_put(f, "RI", 2), 0);
	T_INT(frames_in_end(f), 0);
	T(frames_in_is_raw(f));
	T_INT(frames_in_ready(f), 1);
	frames_in_free(f);
	f = frames_in_new(0, 48000);
	T_INT(frames_in_put(f, "RIFF1234WAVE", 12), 0);
	T_INT(frames_in_end(f), SEC_ERR_FORMAT);
	frames_in_free(f);
	f = frames_in_new(0, 48000);
	T_INT(frames_in_put(f, "RIFF1234OGGS", 12), SEC_ERR_FORMAT);
	frames_in_free(f);
	f = frames_in_new(0, 48000);
	T_INT(frames_in_end(f), 0);
	T(frames_in_has_ended(f) && frames_in_ready(f) == 0);
	frames_in_free(f);
}

int
main(void)
{
	test_file(WAV_RIFF, 48000, 4096);
	test_file(WAV_RIFF, 16000, 1);
	test_file(WAV_AU, 44100, 777);
	test_file(WAV_RAW, 8000, 100000);
	test_length();
	test_ends();
	return t_done();
}
