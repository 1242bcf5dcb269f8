/*
 * One period less, or one more. The period is the lag at which the sound is
 * most like itself: looked for at a quarter of the rate, then refined.
 */
#include <string.h>

#include "audio/stretch.h"

#define LEAST  120 /* 2.5 ms */
#define COARSE 4
#define WINDOW 480
#define QUIET  120 /* mean square below (this)^2: anything goes */
#define ALIKE  0.6 /* normalised correlation that is hardly heard */

/* Similarity, squared, of s and s + lag; 0 when they are opposed. */
static double
likeness(const int16_t *s, size_t lag, size_t step)
{
	int64_t xy = 0, yy = 1;
	size_t i;

	for (i = 0; i < WINDOW; i += step) {
		xy += (int32_t)s[i] * s[i + lag];
		yy += (int32_t)s[i + lag] * s[i + lag];
	}
	return xy <= 0 ? 0 : (double)xy * (double)xy / (double)yy;
}

static double
energy(const int16_t *s, size_t n)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += (int32_t)s[i] * s[i];
	return (double)sum;
}

/* The best lag from LEAST to most, 0: none that goes unheard. */
static size_t
period(const int16_t *s, size_t most, int must)
{
	double best = -1, v, own = energy(s, WINDOW);
	size_t lag, at = most, from, to;

	if (own < (double)QUIET * QUIET * WINDOW)
		return most;
	for (lag = LEAST; lag <= most; lag += COARSE)
		if ((v = likeness(s, lag, COARSE)) > best) {
			best = v;
			at = lag;
		}
	from = at - LEAST < COARSE ? LEAST : at - COARSE + 1;
	to = at + COARSE > most ? most : at + COARSE - 1;
	for (best = -1, lag = from; lag <= to; lag++)
		if ((v = likeness(s, lag, 1)) > best) {
			best = v;
			at = lag;
		}
	return must || best >= ALIKE * ALIKE * own ? at : 0;
}

static void
fade(int16_t *out, const int16_t *from, const int16_t *to, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = (int16_t)((from[i] * (int32_t)(n - i) +
				       to[i] * (int32_t)i) /
		    (int32_t)n);
}

static size_t
bound(size_t most)
{
	return most > STRETCH_MAX ? STRETCH_MAX : most < LEAST ? LEAST : most;
}

size_t
stretch_shrink(int16_t *s, size_t *n, size_t most, int must)
{
	size_t lag;

	if (*n < STRETCH_NEED || (lag = period(s, bound(most), must)) == 0)
		return 0;
	fade(s + lag, s, s + lag, lag);
	*n -= lag;
	memmove(s, s + lag, *n * sizeof(*s));
	return lag;
}

size_t
stretch_grow(int16_t *s, size_t *n, size_t most, int must)
{
	int16_t more[STRETCH_MAX];
	size_t lag;

	if (*n < STRETCH_NEED || (lag = period(s, bound(most), must)) == 0)
		return 0;
	fade(more, s + lag, s, lag);
	memmove(s + 2 * lag, s + lag, (*n - lag) * sizeof(*s));
	memcpy(s + lag, more, lag * sizeof(*s));
	explicit_bzero(more, sizeof(more));
	*n += lag;
	return lag;
}
