/* Ear-cons. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "audio/codec.h"
#include "audio/frames.h"
#include "audio/mix.h"
#include "base/err.h"
#include "base/mem.h"

#include "audio/earcon.h"

#define MAX	 ((size_t)AUDIO_RATE / 1000 * EARCON_MAX_MS)
#define CLICK_MS 30

struct earcon {
	size_t n;
	int16_t *s;
};

struct earcon *
earcon_click(void)
{
	struct earcon *e = mem_new(sizeof(*e));
	size_t i;
	double t;

	e->n = AUDIO_RATE / 1000 * CLICK_MS;
	e->s = mem_new(e->n * sizeof(*e->s));
	/* Wood: 1200 Hz that dies away in some milliseconds. */
	for (i = 0; i < e->n; i++) {
		t = (double)i / AUDIO_RATE;
		e->s[i] =
		    (int16_t)(9000 * exp(-t * 180) * sin(2 * M_PI * 1200 * t));
	}
	return e;
}

static int
read_all(struct earcon *e, int fd)
{
	struct frames_in *f = frames_in_new(0, AUDIO_RATE);
	uint8_t b[16384];
	ssize_t n;
	int r = 0;

	do {
		while ((n = read(fd, b, sizeof(b))) == -1 && errno == EINTR)
			;
		if (n > 0)
			r = frames_in_put(f, b, (size_t)n);
		else if (n == 0)
			r = frames_in_end(f);
		else
			r = SEC_ERR_SYS;
		if (r == 0)
			e->n += frames_in_get(f, e->s + e->n, MAX - e->n);
		/* Whatever lies behind the sound may be long. */
	} while (r == 0 && n > 0 && e->n < MAX && !frames_in_has_ended(f));
	/* Anything can be raw sound; here it has to say that it is sound. */
	if (r == 0 && (frames_in_is_raw(f) || e->n == 0))
		r = SEC_ERR_FORMAT;
	frames_in_free(f);
	return r;
}

int
earcon_load(struct earcon **out, const char *path)
{
	struct earcon *e;
	struct stat st;
	int fd, r;

	/* A pipe would hold up the voice of all conferences. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return SEC_ERR_SYS;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return SEC_ERR_FORMAT;
	}
	e = mem_new(sizeof(*e));
	e->s = mem_new(MAX * sizeof(*e->s));
	if ((r = read_all(e, fd)) == 0) {
		e->s = mem_need(reallocarray(e->s, e->n, sizeof(*e->s)));
		*out = e;
	} else
		earcon_free(e);
	close(fd);
	return r;
}

void
earcon_free(struct earcon *e)
{
	if (e == NULL)
		return;
	free(e->s);
	free(e);
}

size_t
earcon_size(const struct earcon *e)
{
	return e->n;
}

int
earcon_speak(struct earcon_player *p, const struct earcon *e, int talking)
{
	int begins = talking && !p->talking;

	p->talking = talking;
	if (begins)
		p->left = e != NULL ? e->n : 0;
	return begins;
}

void
earcon_mix(struct earcon_player *p, const struct earcon *e, float *sum,
    size_t n, float gain)
{
	if (e == NULL || p->left > e->n)
		p->left = 0;
	if (n > p->left)
		n = p->left;
	if (n == 0)
		return;
	mix_add(sum, e->s + (e->n - p->left), n, gain);
	p->left -= n;
}
