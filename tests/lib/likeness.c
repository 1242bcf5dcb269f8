/*
 * usage: likeness SAID HEARD
 *	How alike two sound files are, as one line:
 *	  like=0.93 envelope=0.99 lag_ms=47 said_db=-20 heard_db=-21
 *	like: of windows of 80 ms that are not silent, each at the place where
 *	it fits best near the common lag, the mean correlation. envelope: of
 *	the loudness of 10 ms pieces. lag: of HEARD behind SAID.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audio/codec.h"
#include "audio/frames.h"
#include "audio/level.h"
#include "base/log.h"

#define PIECE	480
#define WINDOW	(8 * PIECE)
#define STEP	4 /* of sums, and of the search */
#define AROUND	(6 * PIECE)
#define LONGEST ((size_t)AUDIO_RATE * 120)

struct sound {
	int16_t *s;
	size_t n, pieces;
	double *loud;
};

static void
load(struct sound *x, const char *path)
{
	int fd = open(path, O_RDONLY);
	struct frames_in *f = frames_in_new(0, AUDIO_RATE);
	uint8_t b[65536];
	ssize_t k;
	size_t i, j;
	double v;

	x->n = 0;
	x->s = calloc(LONGEST, sizeof(*x->s));
	if (fd < 0 || x->s == NULL)
		die(1, "cannot read %s", path);
	while ((k = read(fd, b, sizeof(b))) > 0) {
		if (frames_in_put(f, b, (size_t)k) != 0)
			die(1, "%s is no sound", path);
		x->n += frames_in_get(f, x->s + x->n, LONGEST - x->n);
	}
	(void)frames_in_end(f);
	x->n += frames_in_get(f, x->s + x->n, LONGEST - x->n);
	frames_in_free(f);
	close(fd);
	x->pieces = x->n / PIECE;
	x->loud = calloc(x->pieces + 1, sizeof(*x->loud));
	for (i = 0; i < x->pieces; i++) {
		for (v = j = 0; j < PIECE; j++)
			v += (double)x->s[i * PIECE + j] * x->s[i * PIECE + j];
		x->loud[i] = sqrt(v / PIECE);
	}
}

static double
envelope(const struct sound *a, const struct sound *b, long lag)
{
	double xy = 0, xx = 1e-9, yy = 1e-9;
	size_t i;
	long j;

	for (i = 0; i < a->pieces; i++) {
		j = (long)i + lag;
		xx += a->loud[i] * a->loud[i];
		if (j < 0 || j >= (long)b->pieces)
			continue;
		xy += a->loud[i] * b->loud[j];
		yy += b->loud[j] * b->loud[j];
	}
	return xy / sqrt(xx * yy);
}

static double
correlation(const int16_t *a, const int16_t *b)
{
	double xy = 0, xx = 1e-9, yy = 1e-9;
	size_t i;

	for (i = 0; i < WINDOW; i += STEP) {
		xy += (double)a[i] * b[i];
		xx += (double)a[i] * a[i];
		yy += (double)b[i] * b[i];
	}
	return xy / sqrt(xx * yy);
}

/* Where it fits best; *at is the lag. */
static double
best_fit(const struct sound *a, size_t from, const struct sound *b, long lag,
    long *at)
{
	double best = 0, v;
	long d, p;

	for (d = lag - AROUND; d <= lag + AROUND; d += 1) {
		p = (long)from + d;
		if (p < 0 || p + WINDOW > (long)b->n)
			continue;
		if ((v = correlation(a->s + from, b->s + p)) > best) {
			best = v;
			*at = d;
		}
	}
	return best;
}

static int
long_less(const void *x, const void *y)
{
	long a = *(const long *)x, b = *(const long *)y;

	return (a > b) - (a < b);
}

int
main(int argc, char **argv)
{
	struct sound a, b;
	double best = -1, v, sum = 0;
	long lag = 0, d, at = 0, *lags;
	size_t i, n = 0;

	if (argc != 3)
		die(2, "usage: likeness SAID HEARD");
	load(&a, argv[1]);
	load(&b, argv[2]);
	lags = calloc(a.n / WINDOW + 1, sizeof(*lags));
	for (d = -(long)a.pieces; d < (long)b.pieces; d++)
		if ((v = envelope(&a, &b, d)) > best) {
			best = v;
			lag = d;
		}
	for (i = 0; i + WINDOW <= a.n; i += WINDOW) {
		if (level_of(a.s + i, WINDOW) > 40)
			continue;
		sum += best_fit(&a, i, &b, lag * PIECE, &at);
		lags[n++] = at;
	}
	qsort(lags, n, sizeof(*lags), long_less);
	printf("like=%.3f envelope=%.3f lag_ms=%ld said_db=-%d heard_db=-%d\n",
	    n > 0 ? sum / (double)n : 0, best,
	    n > 0 ? lags[n / 2] / (AUDIO_RATE / 1000) : 0, level_of(a.s, a.n),
	    level_of(b.s, b.n));
	free(lags);
	free(a.s);
	free(b.s);
	free(a.loud);
	free(b.loud);
	return 0;
}
