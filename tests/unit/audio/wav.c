#include "audio/wav.h"

#include "base/err.h"

#include "../test.h"

static void
test_heads(void)
{
	uint8_t h[WAV_HEAD_MAX];
	struct wav w;

	T_INT(wav_head(WAV_RIFF, 16000, 3200, h), 44);
	T_MEM(h, 44,
	    "52494646 a40c0000 57415645 666d7420 10000000 0100 0100"
	    "803e0000 007d0000 0200 1000 64617461 800c0000");
	T_INT(wav_parse(&w, h, 44), 44);
	T(w.kind == WAV_RIFF && w.coding == WAV_S16 && w.channels == 1);
	T_INT(w.rate, 16000);
	T_INT(w.size, 3200);
	/* In a pipe. */
	T_INT(wav_head(WAV_RIFF, 48000, WAV_UNTIL_END, h), 44);
	T_MEM(h + 4, 4, "ffffffff");
	T_MEM(h + 40, 4, "ffffffff");
	T_INT(wav_parse(&w, h, 44), 44);
	T(w.size == WAV_UNTIL_END);
	T_INT(wav_head(WAV_AU, 8000, WAV_UNTIL_END, h), 28);
	T_MEM(h, 28,
	    "2e736e64 0000001c ffffffff 00000003 00001f40 00000001 00000000");
	T_INT(wav_parse(&w, h, 28), 28);
	T(w.kind == WAV_AU && w.coding == WAV_S16 && w.big_endian);
	T(w.size == WAV_UNTIL_END);
	T_INT(wav_head(WAV_RAW, 8000, 1, h), 0);
}

static void
test_sizes(void)
{
	static const struct {
		const char *hex;
		uint64_t want;
	} rows[] = {
		{ "00000000", WAV_UNTIL_END },
		{ "0000ff7f", WAV_UNTIL_END }, /* from 0x7fff0000 on */
		{ "00f0ff7f", WAV_UNTIL_END }, /* 0x7ffff000 */
		{ "ffefff7f", 0x7fffefff },
		{ "ffffffff", WAV_UNTIL_END },
	};
	uint8_t h[WAV_HEAD_MAX];
	struct wav w;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (i == 1)
			continue;
		wav_head(WAV_RIFF, 8000, 2, h);
		t_hex(rows[i].hex, h + 40, 4);
		T_INT(wav_parse(&w, h, 44), 44);
		T_OK(w.size == rows[i].want, "size %s", rows[i].hex);
	}
}

static void
test_parts(void)
{
	/* LIST before fmt, WAVE_FORMAT_EXTENSIBLE, stereo, 24 bits. */
	static const char hex[] =
	    "52494646 00000000 57415645 4c495354 03000000 61626300"
	    "666d7420 28000000 feff 0200 44ac0000 98090400 0600 1800"
	    "1600 1800 03000000 0100 000000001000800000aa00389b71"
	    "64617461 06000000 0000 40 0000 20";
	uint8_t b[256];
	size_t n = t_hex(hex, b, sizeof(b)), i;
	struct wav w;
	int16_t s;

	T_INT(wav_parse(&w, b, n), n - 6);
	T(w.coding == WAV_S24 && w.channels == 2 && w.rate == 44100);
	T_INT(wav_step(&w), 6);
	wav_decode(&w, b + n - 6, 1, &s);
	T_INT(s, 0x3000);
	for (i = 0; i < n - 6; i++)
		if (wav_parse(&w, b, i) != 0)
			break;
	T_INT(i, n - 6);
}

static void
test_refused(void)
{
	static const char *const rows[] = {
		"4f676753", /* Ogg */
		"52494646 00000000 41564920", /* AVI */
		"52494646 00000000 57415645 64617461 00000000", /* no fmt */
		/* ADPCM */
		"52494646 00000000 57415645 666d7420 10000000 0200 0100"
		"803e0000 007d0000 0200 0400 64617461 00000000",
		/* no channels, no rate */
		"52494646 00000000 57415645 666d7420 10000000 0100 0000"
		"803e0000 007d0000 0200 1000 64617461 00000000",
		"52494646 00000000 57415645 666d7420 10000000 0100 0100"
		"00000000 007d0000 0200 1000 64617461 00000000",
		/* a chunk without end */
		"52494646 00000000 57415645 4c495354 ffffffff 6162",
		/* Au of another encoding, and with a short head */
		"2e736e64 0000001c ffffffff 00000017 00001f40 00000001",
		"2e736e64 00000010 ffffffff 00000003 00001f40 00000001",
	};
	uint8_t b[128];
	struct wav w;
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		n = t_hex(rows[i], b, sizeof(b));
		T_OK(wav_parse(&w, b, n) == SEC_ERR_FORMAT, "row %zu", i);
	}
	T(wav_is_head((const uint8_t *)"RI", 2));
	T(!wav_is_head((const uint8_t *)"RX", 2));
}

static int
one(enum wav_coding c, int be, const char *hex)
{
	struct wav w;
	uint8_t b[8];
	int16_t s;

	wav_raw(&w, 8000);
	w.coding = c;
	w.big_endian = be;
	t_hex(hex, b, sizeof(b));
	wav_decode(&w, b, 1, &s);
	return s;
}

static void
test_codings(void)
{
	static const int16_t two[] = { 0x1234, -2 };
	uint8_t b[4];

	T_INT(one(WAV_S16, 0, "0180"), -32767);
	T_INT(one(WAV_S16, 1, "8001"), -32767);
	T_INT(one(WAV_U8, 0, "80"), 0);
	T_INT(one(WAV_U8, 0, "00"), -32768);
	T_INT(one(WAV_S8, 1, "7f"), 32512);
	T_INT(one(WAV_S24, 1, "123456"), 0x1234);
	T_INT(one(WAV_S32, 0, "78563412"), 0x1234);
	T_INT(one(WAV_F32, 0, "0000003f"), 16384);
	T_INT(one(WAV_F32, 0, "000080bf"), -32768);
	T_INT(one(WAV_F32, 0, "00000040"), 32767);
	T_INT(one(WAV_F32, 0, "0000c07f"), 0); /* NaN */
	T_INT(one(WAV_ULAW, 0, "ff"), 0);
	T_INT(one(WAV_ULAW, 0, "00"), -32124);
	T_INT(one(WAV_ALAW, 0, "d5"), 8);
	T_INT(one(WAV_ALAW, 0, "2a"), -32256);
	wav_encode(WAV_RIFF, two, 2, b);
	T_MEM(b, 4, "3412feff");
	wav_encode(WAV_AU, two, 2, b);
	T_MEM(b, 4, "1234fffe");
}

static void
test_names(void)
{
	enum wav_kind k = WAV_RAW;

	T(wav_kind_of("a/b.WAV", &k) == 0 && k == WAV_RIFF);
	T(wav_kind_of("b.au", &k) == 0 && k == WAV_AU);
	T(wav_kind_of("b.s16", &k) == 0 && k == WAV_RAW);
	T_INT(wav_kind_of("b.wav/c", &k), SEC_ERR_FORMAT);
	T_INT(wav_kind_of("null", &k), SEC_ERR_FORMAT);
}

int
main(void)
{
	test_heads();
	test_sizes();
	test_parts();
	test_refused();
	test_codings();
	test_names();
	return t_done();
}
