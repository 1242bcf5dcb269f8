/* Heads of sound files, and samples in all their codings. */
#include <string.h>

#include "audio/pcmu.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#include "audio/wav.h"

#define NO_SIZE_FROM 0x7ffff000u

/* Format tags of WAVE. */
#define TAG_PCM	       1
#define TAG_FLOAT      3
#define TAG_ALAW       6
#define TAG_ULAW       7
#define TAG_EXTENSIBLE 0xfffe

static uint16_t
get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t
get_le32(const uint8_t *p)
{
	return get_le16(p) | (uint32_t)get_le16(p + 2) << 16;
}

static void
put_le16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void
put_le32(uint8_t *p, uint32_t v)
{
	put_le16(p, v & 0xffff);
	put_le16(p + 2, v >> 16);
}

void
wav_raw(struct wav *w, int rate)
{
	memset(w, 0, sizeof(*w));
	w->kind = WAV_RAW;
	w->coding = WAV_S16;
	w->channels = 1;
	w->rate = rate;
	w->size = WAV_UNTIL_END;
}

static uint64_t
size_of(uint32_t size)
{
	return size == 0 || size >= NO_SIZE_FROM ? WAV_UNTIL_END : size;
}

static int
is_sane(const struct wav *w)
{
	return w->channels >= 1 && w->channels <= 8 && w->rate >= 1000 &&
	    w->rate <= 384000;
}

/* The coding of a WAVE tag with so many bits; 0 or SEC_ERR_FORMAT. */
static int
riff_coding(struct wav *w, unsigned tag, unsigned bits)
{
	static const struct {
		unsigned tag, bits;
		enum wav_coding coding;
	} codings[] = {
		{ TAG_PCM, 8, WAV_U8 },
		{ TAG_PCM, 16, WAV_S16 },
		{ TAG_PCM, 24, WAV_S24 },
		{ TAG_PCM, 32, WAV_S32 },
		{ TAG_FLOAT, 32, WAV_F32 },
		{ TAG_ALAW, 8, WAV_ALAW },
		{ TAG_ULAW, 8, WAV_ULAW },
	};
	size_t i;

	for (i = 0; i < sizeof(codings) / sizeof(*codings); i++)
		if (codings[i].tag == tag && codings[i].bits == bits) {
			w->coding = codings[i].coding;
			return 0;
		}
	return SEC_ERR_FORMAT;
}

/* Chunk "fmt ". */
static int
riff_format(struct wav *w, const uint8_t *p, size_t n)
{
	unsigned tag;

	if (n < 16)
		return SEC_ERR_FORMAT;
	tag = get_le16(p);
	if (tag == TAG_EXTENSIBLE && n >= 26)
		tag = get_le16(p + 24);
	w->channels = get_le16(p + 2);
	w->rate = get_le32(p + 4) > 384000 ? 0 : (int)get_le32(p + 4);
	return is_sane(w) ? riff_coding(w, tag, get_le16(p + 14)) :
			    SEC_ERR_FORMAT;
}

static int
parse_riff(struct wav *w, const uint8_t *p, size_t n)
{
	size_t at = 12;
	uint32_t size;
	int r, known = 0;

	if (n >= 12 && memcmp(p + 8, "WAVE", 4) != 0)
		return SEC_ERR_FORMAT;
	while (at + 8 <= n) {
		size = get_le32(p + at + 4);
		if (memcmp(p + at, "data", 4) == 0) {
			w->size = size_of(size);
			return known ? (int)at + 8 : SEC_ERR_FORMAT;
		}
		if (size > WAV_PARSE_MAX - at)
			return SEC_ERR_FORMAT;
		if (memcmp(p + at, "fmt ", 4) == 0) {
			if (at + 8 + size > n)
				return 0;
			if ((r = riff_format(w, p + at + 8, size)) != 0)
				return r;
			known = 1;
		}
		at += 8 + size + size % 2;
		if (at + 8 > WAV_PARSE_MAX)
			return SEC_ERR_FORMAT;
	}
	return 0;
}

static int
parse_au(struct wav *w, const uint8_t *p, size_t n)
{
	static const struct {
		uint32_t encoding;
		enum wav_coding coding;
	} codings[] = {
		{ 1, WAV_ULAW },
		{ 2, WAV_S8 },
		{ 3, WAV_S16 },
		{ 4, WAV_S24 },
		{ 5, WAV_S32 },
		{ 6, WAV_F32 },
		{ 27, WAV_ALAW },
	};
	uint32_t head, encoding, rate, channels;
	size_t i;

	if (n < 24)
		return 0;
	head = get_be32(p + 4);
	encoding = get_be32(p + 12);
	rate = get_be32(p + 16);
	channels = get_be32(p + 20);
	w->size = size_of(get_be32(p + 8));
	w->big_endian = 1;
	w->rate = rate > 384000 ? 0 : (int)rate;
	w->channels = channels > 8 ? 0 : (int)channels;
	for (i = 0; i < sizeof(codings) / sizeof(*codings); i++)
		if (codings[i].encoding == encoding)
			break;
	if (i == sizeof(codings) / sizeof(*codings) || !is_sane(w) ||
	    head < 24 || head > WAV_PARSE_MAX)
		return SEC_ERR_FORMAT;
	w->coding = codings[i].coding;
	return n < head ? 0 : (int)head;
}

int
wav_is_head(const uint8_t *p, size_t n)
{
	size_t m = n < 4 ? n : 4;

	return memcmp(p, "RIFF", m) == 0 || memcmp(p, ".snd", m) == 0;
}

int
wav_parse(struct wav *w, const uint8_t *p, size_t n)
{
	struct wav got;
	int r;

	if (!wav_is_head(p, n))
		return SEC_ERR_FORMAT;
	if (n < 4)
		return 0;
	memset(&got, 0, sizeof(got));
	got.kind = *p == 'R' ? WAV_RIFF : WAV_AU;
	r = got.kind == WAV_RIFF ? parse_riff(&got, p, n) :
				   parse_au(&got, p, n);
	if (r > 0)
		*w = got;
	return r;
}

static size_t
bytes_of(enum wav_coding c)
{
	switch (c) {
	case WAV_U8:
	case WAV_S8:
	case WAV_ULAW:
	case WAV_ALAW: return 1;
	case WAV_S16: return 2;
	case WAV_S24: return 3;
	case WAV_S32:
	case WAV_F32: return 4;
	}
	return 1;
}

size_t
wav_step(const struct wav *w)
{
	return bytes_of(w->coding) * (size_t)w->channels;
}

/* ITU-T G.711, A-law. */
static int
alaw(uint8_t a)
{
	int e, v;

	a ^= 0x55;
	e = a >> 4 & 7;
	v = (a & 15) << 4 | 8;
	if (e > 0)
		v = (v + 0x100) << (e - 1);
	return a & 0x80 ? v : -v;
}

static int
from_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	if (!(f > -1)) /* NaN too */
		return f <= -1 ? -32768 : 0;
	return f >= 32767.0f / 32768 ? 32767 : (int)(f * 32768);
}

static int
sample(const struct wav *w, const uint8_t *p)
{
	int be = w->big_endian;

	switch (w->coding) {
	case WAV_S16: return (int16_t)(be ? get_be16(p) : get_le16(p));
	case WAV_U8: return (*p - 128) * 256;
	case WAV_S8: return (int8_t)*p * 256;
	case WAV_S24: return (int16_t)(be ? get_be16(p) : get_le16(p + 1));
	case WAV_S32: return (int16_t)(be ? get_be16(p) : get_le16(p + 2));
	case WAV_F32: return from_float(be ? get_be32(p) : get_le32(p));
	case WAV_ULAW: return pcmu_linear(*p);
	case WAV_ALAW: return alaw(*p);
	}
	return 0;
}

void
wav_decode(const struct wav *w, const uint8_t *p, size_t n, int16_t *out)
{
	size_t i, step = bytes_of(w->coding);
	int c, sum;

	for (i = 0; i < n; i++) {
		for (sum = c = 0; c < w->channels; c++, p += step)
			sum += sample(w, p);
		out[i] = (int16_t)(sum / w->channels);
	}
}

static size_t
head_riff(int rate, uint64_t size, uint8_t *out)
{
	uint32_t n = size > UINT32_MAX - 36 ? UINT32_MAX : (uint32_t)size;

	memcpy(out, "RIFF....WAVEfmt ", 16);
	put_le32(out + 4, n == UINT32_MAX ? n : n + 36);
	put_le32(out + 16, 16);
	put_le16(out + 20, TAG_PCM);
	put_le16(out + 22, 1);
	put_le32(out + 24, (uint32_t)rate);
	put_le32(out + 28, (uint32_t)rate * 2);
	put_le16(out + 32, 2);
	put_le16(out + 34, 16);
	memcpy(out + 36, "data", 4);
	put_le32(out + 40, n);
	return 44;
}

static size_t
head_au(int rate, uint64_t size, uint8_t *out)
{
	memcpy(out, ".snd", 4);
	put_be32(out + 4, 28);
	put_be32(out + 8, size > UINT32_MAX ? UINT32_MAX : (uint32_t)size);
	put_be32(out + 12, 3);
	put_be32(out + 16, (uint32_t)rate);
	put_be32(out + 20, 1);
	put_be32(out + 24, 0);
	return 28;
}

size_t
wav_head(enum wav_kind kind, int rate, uint64_t size, uint8_t out[WAV_HEAD_MAX])
{
	switch (kind) {
	case WAV_RIFF: return head_riff(rate, size, out);
	case WAV_AU: return head_au(rate, size, out);
	case WAV_RAW: break;
	}
	return 0;
}

void
wav_encode(enum wav_kind kind, const int16_t *s, size_t n, uint8_t *out)
{
	size_t i;

	for (i = 0; i < n; i++, out += 2)
		if (kind == WAV_AU)
			put_be16(out, (uint16_t)s[i]);
		else
			put_le16(out, (uint16_t)s[i]);
}

int
wav_kind_of(const char *path, enum wav_kind *kind)
{
	static const struct {
		const char *end;
		enum wav_kind kind;
	} ends[] = {
		{ ".wav", WAV_RIFF },
		{ ".au", WAV_AU },
		{ ".snd", WAV_AU },
		{ ".raw", WAV_RAW },
		{ ".s16", WAV_RAW },
	};
	const char *dot = strrchr(path, '.');
	size_t i;

	if (dot == NULL || strchr(dot, '/') != NULL)
		return SEC_ERR_FORMAT;
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (text_equal_nocase(dot, ends[i].end)) {
			*kind = ends[i].kind;
			return 0;
		}
	return SEC_ERR_FORMAT;
}
