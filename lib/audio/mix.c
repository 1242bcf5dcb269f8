/* Sums of sounds. */
#include <string.h>

#include "audio/mix.h"

#define STEP 16 /* a constant, so that -O2 vectorises the inner loops */
#define FULL 32767.0f
#define RAMP 32 /* samples in which a gain changes */
#define BACK 1.01f /* per piece of 10 ms */

void
mix_clear(float *sum, size_t n)
{
	memset(sum, 0, n * sizeof(*sum));
}

void
mix_add(float *restrict sum, const int16_t *restrict s, size_t n, float gain)
{
	size_t i, k;

	for (i = 0; i + STEP <= n; i += STEP)
		for (k = 0; k < STEP; k++)
			sum[i + k] += (float)s[i + k] * gain;
	for (; i < n; i++)
		sum[i] += (float)s[i] * gain;
}

static float
peak_of(const float *sum, size_t n)
{
	float peak = 0, v;
	size_t i;

	for (i = 0; i < n; i++) {
		v = sum[i] < 0 ? -sum[i] : sum[i];
		peak = v > peak ? v : peak;
	}
	return peak;
}

static int16_t
cut(float v)
{
	return (int16_t)(v > FULL ? FULL : v < -FULL ? -FULL : v);
}

static void
limit(const float *restrict sum, int16_t *restrict out, size_t n, float from,
    float to)
{
	size_t i;

	for (i = 0; i < n && i < RAMP; i++)
		out[i] = cut(sum[i] * (from + (to - from) * (float)i / RAMP));
	for (; i < n; i++)
		out[i] = cut(sum[i] * to);
}

void
mix_get(const float *restrict sum, int16_t *restrict out, size_t n, float *gain)
{
	float peak = peak_of(sum, n), to = *gain * BACK;
	size_t i, k;

	if (to > 1)
		to = 1;
	if (peak * to > FULL)
		to = FULL / peak;
	if (to < 1 || *gain < 1) {
		limit(sum, out, n, *gain, to);
		*gain = to;
		return;
	}
	for (i = 0; i + STEP <= n; i += STEP)
		for (k = 0; k < STEP; k++)
			out[i + k] = (int16_t)sum[i + k];
	for (; i < n; i++)
		out[i] = (int16_t)sum[i];
}
