#include "audio/stretch.h"

#include <math.h>

#include "audio/level.h"

#include "../test.h"

#define N STRETCH_NEED

static int16_t s[N + STRETCH_MAX];

static void
make(double hz)
{
	size_t i;

	for (i = 0; i < N; i++)
		s[i] =
		    (int16_t)(10000 * sin(2 * M_PI * hz * (double)i / 48000));
}

/* The greatest step between neighbours: a broken tone has a bigger one. */
static int
roughness(size_t n)
{
	size_t i;
	int d, most = 0;

	for (i = 1; i < n; i++)
		if ((d = abs(s[i] - s[i - 1])) > most)
			most = d;
	return most;
}

static void
test_tone(double hz)
{
	size_t n = N, k;
	int rough;

	make(hz);
	rough = roughness(n);
	k = stretch_shrink(s, &n, 480, 0);
	T_OK(k >= 120 && k <= 480 && n == N - k, "%g Hz: %zu out", hz, k);
	T_OK(roughness(n) <= rough * 5 / 4, "smooth");
	T(level_of(s, n) <= 14);
	make(hz);
	n = N;
	k = stretch_grow(s, &n, 480, 0);
	T_OK(k >= 120 && k <= 480 && n == N + k, "%g Hz: %zu in", hz, k);
	T_OK(roughness(n) <= rough * 5 / 4, "smooth");
	T(level_of(s, n) <= 14);
}

int
main(void)
{
	size_t n, i;
	unsigned r = 1;

	test_tone(200);
	test_tone(440);
	test_tone(999);
	/* Silence: all that may go goes. */
	memset(s, 0, sizeof(s));
	n = N;
	T_INT(stretch_shrink(s, &n, 480, 0), 480);
	n = N;
	T_INT(stretch_grow(s, &n, 5000, 0), STRETCH_MAX);
	T_INT(n, N + STRETCH_MAX);
	/* Noise is like nothing, unless it must be. */
	for (i = 0; i < N; i++) {
		r = r * 1103515245 + 12345;
		s[i] = (int16_t)((r >> 16) & 0x3fff) - 0x2000;
	}
	n = N;
	T_INT(stretch_shrink(s, &n, 480, 0), 0);
	T(stretch_shrink(s, &n, 480, 1) >= 120);
	/* Too little of it. */
	n = N - 1;
	T_INT(stretch_grow(s, &n, 480, 1), 0);
	return t_done();
}
