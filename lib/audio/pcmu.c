/* ITU-T G.711, mu-law: tables made from the rule when first needed. */
#include "audio/pcmu.h"

#define BIAS 0x84
#define CLIP 32635

static int16_t linear[256];
static uint8_t law[65536 / 4]; /* by the upper 14 bits */
static int made;

static int16_t
expand(unsigned u)
{
	int e, v;

	u = ~u & 0xff;
	e = u >> 4 & 7;
	v = (((int)(u & 15) << 3) + BIAS) << e;
	return (int16_t)(u & 0x80 ? BIAS - v : v - BIAS);
}

static uint8_t
compress(int s)
{
	int sign = s < 0 ? 0x80 : 0, e;

	if (s < 0)
		s = -s;
	s = (s > CLIP ? CLIP : s) + BIAS;
	for (e = 7; e > 0 && (s & 0x80 << e) == 0; e--)
		;
	return (uint8_t) ~(sign | e << 4 | (s >> (e + 3) & 15));
}

static void
make(void)
{
	unsigned i;

	for (i = 0; i < 256; i++)
		linear[i] = expand(i);
	for (i = 0; i < sizeof(law); i++)
		law[i] = compress((int16_t)(i << 2));
	made = 1;
}

int16_t
pcmu_linear(uint8_t u)
{
	if (!made)
		make();
	return linear[u];
}

uint8_t
pcmu_law(int16_t s)
{
	if (!made)
		make();
	return law[(uint16_t)s >> 2];
}

void
pcmu_encode(const int16_t *s, size_t n, uint8_t *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = pcmu_law(s[i]);
}

void
pcmu_decode(const uint8_t *u, size_t n, int16_t *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = pcmu_linear(u[i]);
}
