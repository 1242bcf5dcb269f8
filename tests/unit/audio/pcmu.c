#include "audio/pcmu.h"

#include "../test.h"

int
main(void)
{
	/* Known pairs of ITU-T G.711, table 2. */
	static const struct {
		uint8_t law;
		int16_t linear;
	} pairs[] = {
		{ 0xff, 0 },
		{ 0x7f, 0 },
		{ 0xfe, 8 },
		{ 0x7e, -8 },
		{ 0xf0, 120 },
		{ 0xef, 132 },
		{ 0xcb, 1180 },
		{ 0x80, 32124 },
		{ 0x00, -32124 },
		{ 0x9f, 8316 },
		{ 0x8f, 16764 },
	};
	int16_t s, back;
	uint8_t u;
	size_t i;
	int bad = 0, step, v;

	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		T_OK(pcmu_linear(pairs[i].law) == pairs[i].linear, "%02x",
		    pairs[i].law);
		if (pairs[i].law != 0x7f)
			T_OK(pcmu_law(pairs[i].linear) == pairs[i].law, "%d",
			    pairs[i].linear);
	}
	for (i = 0; i < 256; i++)
		if (i != 0x7f && pcmu_law(pcmu_linear((uint8_t)i)) != i)
			bad++;
	T_INT(bad, 0);
	for (v = -32768; v <= 32767; v++) {
		s = (int16_t)v;
		pcmu_encode(&s, 1, &u);
		pcmu_decode(&u, 1, &back);
		step = 8 + abs(v) / 16 + (abs(v) > 32124 ? 800 : 0);
		bad += abs(back - s) > step;
	}
	T_INT(bad, 0);
	return t_done();
}
