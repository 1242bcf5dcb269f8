/* What is said. */
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/alsa.h"
#include "audio/frames.h"
#include "audio/speex.h"
#include "audio/stretch.h"
#include "base/err.h"
#include "base/mem.h"

#include "capture.h"

#define READ_SIZE 8192
#define AHEAD	  ((size_t)AUDIO_FRAME * 5) /* samples read ahead */
#define WATCH	  100 /* frames: 2 s */
#define WELL	  ((size_t)AUDIO_FRAME * 5 / 4) /* so many may wait */
#define PIPE_FULL 32768 /* bytes */
#define FIFO	  ((size_t)AUDIO_FRAME * 4) /* more of a card are too old */
/* Frames of a card after its mic was opened: its filters still hold what was
 * before. */
#define SETTLE 2

struct capture {
	enum capture_kind kind;
	/* file or pipe */
	int fd;
	int regular;
	int eof;
	int tail; /* frames of silence still to come: codecs are behind */
	struct frames_in *in;
	unsigned watched; /* frames of a pipe; meanwhile: */
	int full; /* its writer waited */
	size_t least; /* samples that stood in it */
	size_t behind; /* of them to be caught up with */
	/* card */
	struct card *card;
	struct room *room;
	/* both: taken, not given yet */
	int16_t fifo[FIFO];
	size_t n;
	int settling;
};

static int
open_card(struct capture *c, const char *dev, char *why)
{
	if (card_open(&c->card, dev, 1, why) == 0) {
		c->kind = CAPTURE_CARD;
		c->room = room_new(AUDIO_RATE, AUDIO_FRAME);
	}
	return 0;
}

static int
open_file(struct capture *c, const char *src, int raw, int rate, char *why)
{
	enum wav_kind kind;
	struct stat st;

	if (strcmp(src, "-") == 0)
		c->fd = dup(STDIN_FILENO);
	else
		c->fd = open(src, O_RDONLY | O_CLOEXEC);
	if (c->fd == -1 || fstat(c->fd, &st) != 0) {
		snprintf(why, 256, "cannot read %s: %s", src, strerror(errno));
		return errno == ENOENT ? SEC_ERR_NOTHING : SEC_ERR_SYS;
	}
	c->regular = S_ISREG(st.st_mode);
	if (wav_kind_of(src, &kind) == 0 && kind == WAV_RAW)
		raw = 1;
	c->kind = CAPTURE_FILE;
	c->tail = 1;
	c->in = frames_in_new(raw, rate);
	return 0;
}

int
capture_open(struct capture **out, const char *src, int raw, int rate,
    char *why)
{
	struct capture *c = mem_new(sizeof(*c));
	int r = 0;

	why[0] = '\0';
	c->fd = -1;
	if (src == NULL || strncmp(src, "alsa:", 5) == 0)
		r = open_card(c, src != NULL ? src + 5 : getenv("SEC_ALSA_IN"),
		    why);
	else if (strcmp(src, "null") != 0)
		r = open_file(c, src, raw, rate, why);
	if (r != 0) {
		capture_close(c);
		return r;
	}
	*out = c;
	return 0;
}

void
capture_close(struct capture *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	frames_in_free(c->in);
	room_free(c->room);
	card_close(c->card);
	explicit_bzero(c->fifo, sizeof(c->fifo));
	free(c);
}

enum capture_kind
capture_kind(const struct capture *c)
{
	return c->kind;
}

const char *
capture_name(const struct capture *c)
{
	return c->card != NULL ? card_name(c->card) : "";
}

/* --- files and pipes --- */

int
capture_fd(const struct capture *c)
{
	return c->kind == CAPTURE_FILE && !c->eof && !c->regular &&
		frames_in_ready(c->in) < AHEAD ?
	    c->fd :
	    -1;
}

int
capture_input(struct capture *c, char *why)
{
	uint8_t b[READ_SIZE];
	ssize_t n;
	int r;

	while ((n = read(c->fd, b, sizeof(b))) == -1 && errno == EINTR)
		;
	if (n == -1 && errno == EAGAIN)
		return 0;
	if (n == -1) {
		snprintf(why, 256, "cannot read: %s", strerror(errno));
		return SEC_ERR_SYS;
	}
	c->eof = n == 0;
	r = n == 0 ? frames_in_end(c->in) : frames_in_put(c->in, b, (size_t)n);
	explicit_bzero(b, sizeof(b));
	if (r != 0)
		snprintf(why, 256, "the input is no sound that can be read");
	return r;
}

static size_t
ready(const struct capture *c)
{
	return c->n + frames_in_ready(c->in);
}

static size_t
take(struct capture *c, int16_t *s, size_t n)
{
	size_t k = c->n < n ? c->n : n;

	memcpy(s, c->fifo, k * sizeof(*s));
	c->n -= k;
	memmove(c->fifo, c->fifo + k, c->n * sizeof(*s));
	return k + frames_in_get(c->in, s + k, n - k);
}

/*
 * A pipe whose writer has no need to wait is a microphone's: what stands in
 * it all the time, since it wrote before we read, is delay and no more. Of
 * one that was full within the last WATCH frames nothing is known.
 */
static void
watch(struct capture *c)
{
	int pipe = 0;

	if (c->regular || ioctl(c->fd, FIONREAD, &pipe) != 0)
		return;
	c->full |= pipe >= PIPE_FULL;
	if (c->watched == 0 || ready(c) < c->least)
		c->least = ready(c);
	if (++c->watched < WATCH)
		return;
	if (!c->full && c->least > WELL)
		c->behind = c->least - WELL;
	c->watched = 0;
	c->full = 0;
}

/* One frame out of a little more. */
static void
hurry(struct capture *c, int16_t *s)
{
	int16_t more[STRETCH_NEED + STRETCH_MAX];
	size_t n = take(c, more, STRETCH_NEED + STRETCH_MAX), k;

	k = stretch_shrink(more, &n, c->behind, 0);
	c->behind -= k < c->behind ? k : c->behind;
	memcpy(s, more, AUDIO_FRAME * sizeof(*s));
	memmove(c->fifo + n - AUDIO_FRAME, c->fifo, c->n * sizeof(*s));
	memcpy(c->fifo, more + AUDIO_FRAME, (n - AUDIO_FRAME) * sizeof(*s));
	c->n += n - AUDIO_FRAME;
	explicit_bzero(more, sizeof(more));
}

static int
file_frame(struct capture *c, int16_t *s)
{
	char why[256];
	size_t n;
	int r;

	/* Not what lies behind the sound: it may be long. */
	while (c->regular && !c->eof && !frames_in_has_ended(c->in) &&
	    ready(c) < AUDIO_FRAME)
		if ((r = capture_input(c, why)) != 0)
			return r;
	if (!c->eof && !frames_in_has_ended(c->in) && ready(c) < AUDIO_FRAME)
		return 0;
	if (!c->eof)
		watch(c);
	if (c->behind > 0 && ready(c) >= STRETCH_NEED + STRETCH_MAX) {
		hurry(c, s);
		return 1;
	}
	n = take(c, s, AUDIO_FRAME);
	if (n == 0 && c->tail-- <= 0)
		return SEC_ERR_CLOSED;
	memset(s + n, 0, (AUDIO_FRAME - n) * sizeof(*s));
	return 1;
}

/* --- cards --- */

void
capture_flush(struct capture *c)
{
	if (c->kind != CAPTURE_CARD)
		return;
	card_forget(c->card);
	c->n = 0;
	c->settling = SETTLE;
}

void
capture_rest(struct capture *c)
{
	if (c->kind != CAPTURE_CARD)
		return;
	card_rest(c->card);
	explicit_bzero(c->fifo, sizeof(c->fifo));
	c->n = 0;
}

static int
card_frame(struct capture *c, int16_t *s, const int16_t *heard)
{
	int n = card_read(c->card, c->fifo + c->n,
	    FIFO - c->n < AUDIO_FRAME ? FIFO - c->n : AUDIO_FRAME);

	if (n < 0)
		return n;
	c->n += (size_t)n;
	if (c->n < AUDIO_FRAME)
		return 0;
	memcpy(s, c->fifo, AUDIO_FRAME * sizeof(*s));
	c->n -= AUDIO_FRAME;
	/* Its clock is faster than ours: what does not fit goes. */
	if (c->n > AUDIO_FRAME)
		c->n = 0;
	memmove(c->fifo, c->fifo + AUDIO_FRAME, c->n * sizeof(*s));
	room_run(c->room, s, heard);
	if (c->settling > 0) {
		c->settling--;
		return 0;
	}
	return 1;
}

int
capture_frame(struct capture *c, int16_t s[AUDIO_FRAME], const int16_t *heard)
{
	switch (c->kind) {
	case CAPTURE_FILE: return file_frame(c, s);
	case CAPTURE_CARD: return card_frame(c, s, heard);
	case CAPTURE_NONE: break;
	}
	return 0;
}
