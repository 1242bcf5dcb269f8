/* Bytes <-> samples at 48 kHz mono. */
#include <stdlib.h>
#include <string.h>

#include "audio/codec.h"
#include "audio/speex.h"
#include "base/err.h"
#include "base/mem.h"

#include "audio/frames.h"

#define PIECE 1024 /* samples at a time */

/* --- in --- */

struct frames_in {
	struct wav wav;
	int known; /* head is parsed, or there is none */
	int raw;
	int ended;
	uint64_t left; /* bytes of sound, WAV_UNTIL_END */
	struct buf bytes; /* not decoded yet */
	struct resample *rate; /* NULL: 48 kHz already */
	struct buf samples; /* int16_t, ready */
};

struct frames_in *
frames_in_new(int raw, int rate)
{
	struct frames_in *f = mem_new(sizeof(*f));

	wav_raw(&f->wav, rate);
	f->raw = raw;
	return f;
}

void
frames_in_free(struct frames_in *f)
{
	if (f == NULL)
		return;
	resample_free(f->rate);
	buf_free(&f->bytes);
	buf_free(&f->samples);
	free(f);
}

static void
resample(struct frames_in *f, const int16_t *s, size_t n)
{
	size_t in, got;
	uint8_t *to;

	while (n > 0) {
		got = n * AUDIO_RATE / (size_t)f->wav.rate + 64;
		to = mem_need(buf_reserve(&f->samples, got * 2));
		in = n;
		/* Lengths stay even, so this is aligned. */
		resample_run(f->rate, s, &in, (int16_t *)(void *)to, &got);
		buf_commit(&f->samples, got * 2);
		s += in;
		n -= in;
	}
}

static void
decode(struct frames_in *f)
{
	size_t step = wav_step(&f->wav), n;
	int16_t s[PIECE];

	while ((n = buf_len(&f->bytes)) >= step && f->left >= step) {
		n /= step;
		if (n > PIECE)
			n = PIECE;
		if (n > f->left / step)
			n = (size_t)(f->left / step);
		wav_decode(&f->wav, buf_data(&f->bytes), n, s);
		buf_consume(&f->bytes, n * step);
		if (f->left != WAV_UNTIL_END)
			f->left -= n * step;
		if (f->rate != NULL)
			resample(f, s, n);
		else
			buf_put(&f->samples, s, n * 2);
	}
	explicit_bzero(s, sizeof(s));
	/* Chunks behind the sound are no sound. */
	if (f->left < step) {
		buf_reset(&f->bytes);
		(void)frames_in_end(f);
	}
}

static void
set_known(struct frames_in *f)
{
	f->known = 1;
	f->left = f->wav.size;
	if (f->wav.rate != AUDIO_RATE)
		f->rate = resample_new(f->wav.rate, AUDIO_RATE);
}

/* 0: go on, 1: more is needed, or SEC_ERR_FORMAT. */
static int
look_at_head(struct frames_in *f)
{
	size_t n = buf_len(&f->bytes);
	int head;

	if (f->raw || !wav_is_head(buf_data(&f->bytes), n)) {
		f->raw = 1;
		set_known(f);
		return 0;
	}
	if ((head = wav_parse(&f->wav, buf_data(&f->bytes), n)) < 0)
		return head;
	if (head == 0)
		return n > WAV_PARSE_MAX + 8 ? SEC_ERR_FORMAT : 1;
	buf_consume(&f->bytes, (size_t)head);
	set_known(f);
	return 0;
}

int
frames_in_put(struct frames_in *f, const void *p, size_t n)
{
	int r;

	if (n == 0 || f->ended)
		return 0;
	buf_put(&f->bytes, p, n);
	if (!f->known && (r = look_at_head(f)) != 0)
		return r < 0 ? r : 0;
	decode(f);
	return buf_error(&f->bytes);
}

int
frames_in_end(struct frames_in *f)
{
	static const int16_t zeros[1024];
	size_t n;

	if (f->ended)
		return 0;
	f->ended = 1;
	if (!f->known && buf_len(&f->bytes) > 0) {
		/* Fewer than four bytes that look like a head are none. */
		if (buf_len(&f->bytes) >= 4)
			return SEC_ERR_FORMAT;
		f->raw = 1;
		set_known(f);
		decode(f);
	}
	if (f->rate != NULL)
		for (n = resample_latency(f->rate); n > 0;) {
			size_t m = n < 1024 ? n : 1024;

			resample(f, zeros, m);
			n -= m;
		}
	return 0;
}

size_t
frames_in_get(struct frames_in *f, int16_t *out, size_t n)
{
	size_t have = frames_in_ready(f);

	if (n > have)
		n = have;
	if (n > 0)
		memcpy(out, buf_data(&f->samples), n * 2);
	buf_consume(&f->samples, n * 2);
	return n;
}

size_t
frames_in_ready(const struct frames_in *f)
{
	return buf_len(&f->samples) / 2;
}

int
frames_in_has_ended(const struct frames_in *f)
{
	return f->ended;
}

int
frames_in_is_raw(const struct frames_in *f)
{
	return f->raw;
}

/* --- out --- */

struct frames_out {
	enum wav_kind kind;
	int rate;
	int begun;
	struct resample *down; /* NULL: 48 kHz */
	uint64_t size; /* bytes of sound */
};

struct frames_out *
frames_out_new(enum wav_kind kind, int rate)
{
	struct frames_out *f = mem_new(sizeof(*f));

	f->kind = kind;
	f->rate = rate;
	if (rate != AUDIO_RATE)
		f->down = resample_new(AUDIO_RATE, rate);
	return f;
}

void
frames_out_free(struct frames_out *f)
{
	if (f == NULL)
		return;
	resample_free(f->down);
	free(f);
}

static void
begin(struct frames_out *f, struct buf *out)
{
	uint8_t head[WAV_HEAD_MAX];

	if (!f->begun)
		buf_put(out, head,
		    wav_head(f->kind, f->rate, WAV_UNTIL_END, head));
	f->begun = 1;
}

static void
write_samples(struct frames_out *f, const int16_t *s, size_t n, struct buf *out)
{
	uint8_t *p = mem_need(buf_reserve(out, n * 2));

	wav_encode(f->kind, s, n, p);
	buf_commit(out, n * 2);
	f->size += n * 2;
}

void
frames_out_put(struct frames_out *f, const int16_t *s, size_t n,
    struct buf *out)
{
	int16_t low[PIECE];
	size_t in, got;

	begin(f, out);
	while (f->down != NULL && n > 0) {
		in = n;
		got = PIECE;
		resample_run(f->down, s, &in, low, &got);
		write_samples(f, low, got, out);
		s += in;
		n -= in;
	}
	explicit_bzero(low, sizeof(low));
	if (n > 0)
		write_samples(f, s, n, out);
}

void
frames_out_end(struct frames_out *f, struct buf *out)
{
	static const int16_t zeros[256];
	size_t n, m;

	begin(f, out);
	if (f->down == NULL)
		return;
	for (n = resample_latency(f->down); n > 0; n -= m) {
		m = n < 256 ? n : 256;
		frames_out_put(f, zeros, m, out);
	}
}

size_t
frames_out_head(const struct frames_out *f, uint8_t out[WAV_HEAD_MAX])
{
	return f->begun ? wav_head(f->kind, f->rate, f->size, out) : 0;
}
