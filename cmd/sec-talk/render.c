/* Where what is heard goes. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/alsa.h"
#include "audio/codec.h"
#include "audio/frames.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include "render.h"

#define PIPE_ONCE 4096 /* a pipe that poll(2) calls writable takes it */
#define BACKLOG	  ((size_t)AUDIO_RATE * 2 * 5) /* bytes kept for a pipe: 5 s */

struct render {
	enum render_kind kind;
	struct card *card;
	int fd;
	int regular;
	enum wav_kind wav;
	int rate;
	struct frames_out *out; /* NULL: nothing is written yet */
	struct buf bytes;
	uint64_t lost;
};

static int
open_file(struct render *r, const char *dst, enum wav_kind kind, int rate,
    char *why)
{
	struct stat st;
	int err;

	if (strcmp(dst, "-") == 0)
		r->fd = dup(STDOUT_FILENO);
	else
		r->fd = open(dst, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (r->fd == -1 || fstat(r->fd, &st) != 0) {
		err = errno == ENOENT ? SEC_ERR_NOTHING : SEC_ERR_SYS;
		snprintf(why, 256, "cannot write %s: %s", dst, strerror(errno));
		return err;
	}
	r->kind = RENDER_FILE;
	r->regular = S_ISREG(st.st_mode) && strcmp(dst, "-") != 0;
	r->wav = kind;
	r->rate = rate;
	return 0;
}

int
render_open(struct render **out, const char *dst, enum wav_kind kind, int rate,
    char *why)
{
	struct render *r = mem_new(sizeof(*r));
	int e = 0;

	why[0] = '\0';
	r->fd = -1;
	if (dst == NULL || strncmp(dst, "alsa:", 5) == 0) {
		if (card_open(&r->card,
			dst != NULL ? dst + 5 : getenv("SEC_ALSA_OUT"), 0,
			why) == 0)
			r->kind = RENDER_CARD;
	} else if (strcmp(dst, "null") != 0)
		e = open_file(r, dst, kind, rate, why);
	if (e != 0) {
		render_close(r);
		return e;
	}
	*out = r;
	return 0;
}

int
render_begin(struct render *r)
{
	if (r->kind != RENDER_FILE)
		return 0;
	if (r->regular && ftruncate(r->fd, 0) != 0)
		return SEC_ERR_DISK;
	r->out = frames_out_new(r->wav, r->rate);
	/* A head is there even if nothing is heard. */
	frames_out_put(r->out, NULL, 0, &r->bytes);
	return render_flush(r);
}

/* 0, or as render_flush(). */
static int
write_last(struct render *r)
{
	int64_t until = clock_mono() + RENDER_LAST_MS, left;
	struct pollfd p = { r->fd, POLLOUT, 0 };
	int e;

	while ((e = render_flush(r)) == 0 && buf_len(&r->bytes) > 0) {
		if ((left = until - clock_mono()) <= 0)
			return SEC_ERR_CLOSED;
		(void)poll(&p, 1, (int)left);
	}
	return e;
}

int
render_finish(struct render *r)
{
	uint8_t head[WAV_HEAD_MAX];
	size_t n;
	int e;

	if (r->out == NULL)
		return 0;
	frames_out_end(r->out, &r->bytes);
	e = write_last(r);
	n = frames_out_head(r->out, head);
	if (e == 0 && r->regular && n > 0 &&
	    pwrite(r->fd, head, n, 0) != (ssize_t)n)
		e = SEC_ERR_DISK;
	frames_out_free(r->out);
	r->out = NULL;
	return e;
}

void
render_close(struct render *r)
{
	if (r == NULL)
		return;
	(void)render_finish(r);
	if (r->fd >= 0)
		close(r->fd);
	buf_free(&r->bytes);
	card_close(r->card);
	free(r);
}

enum render_kind
render_kind(const struct render *r)
{
	return r->kind;
}

const char *
render_name(const struct render *r)
{
	return r->card != NULL ? card_name(r->card) : "";
}

int
render_fd(const struct render *r)
{
	return r->kind == RENDER_FILE && buf_len(&r->bytes) > 0 ? r->fd : -1;
}

static int
write_some(struct render *r, size_t most)
{
	size_t n = buf_len(&r->bytes);
	ssize_t k;

	k = write(r->fd, buf_data(&r->bytes), n < most ? n : most);
	if (k >= 0)
		buf_consume(&r->bytes, (size_t)k);
	else if (errno == EPIPE)
		return SEC_ERR_CLOSED;
	else if (errno != EINTR && errno != EAGAIN)
		return SEC_ERR_DISK;
	return 0;
}

int
render_flush(struct render *r)
{
	struct pollfd p = { r->fd, POLLOUT, 0 };
	int e;

	/* A pipe may be shared with whoever does not expect O_NONBLOCK. */
	while (buf_len(&r->bytes) > 0) {
		if (!r->regular &&
		    (poll(&p, 1, 0) <= 0 ||
			(p.revents & (POLLOUT | POLLERR)) == 0))
			return 0;
		if ((e = write_some(r, r->regular ? SIZE_MAX : PIPE_ONCE)) != 0)
			return e;
	}
	return 0;
}

int
render_put(struct render *r, const int16_t *s, size_t n)
{
	switch (r->kind) {
	case RENDER_NONE: return 0;
	case RENDER_CARD: return card_write(r->card, s, n);
	case RENDER_FILE: break;
	}
	if (buf_len(&r->bytes) > BACKLOG)
		r->lost += n;
	else
		frames_out_put(r->out, s, n, &r->bytes);
	return render_flush(r);
}

uint64_t
render_lost(const struct render *r)
{
	return r->lost;
}

/* --- stems --- */

struct stem {
	char *path;
	int fd; /* -1: it rests */
	int rate;
	struct frames_out *out;
	uint64_t next; /* samples of 48 kHz: where the last piece ended */
	struct buf bytes;
	off_t at; /* in the file */
};

/* Names of others must not lead elsewhere. */
static void
put_name(struct buf *b, const char *s)
{
	if (*s == '.')
		buf_put_u8(b, '_');
	for (; *s != '\0'; s++)
		buf_put_u8(b,
		    *s == '/' || (unsigned char)*s < ' ' ? '_' : (uint8_t)*s);
}

struct stem *
stem_open(const char *dir, const char *conf, const char *user, int rate)
{
	struct buf path = BUF_INIT;
	uint8_t head[WAV_HEAD_MAX];
	struct stem *s;
	int fd = -1, i;
	size_t n;

	for (i = 1; i < 1000 && fd == -1; i++) {
		buf_reset(&path);
		buf_putf(&path, "%s/", dir);
		put_name(&path, conf);
		buf_put_u8(&path, '.');
		put_name(&path, user);
		if (i > 1)
			buf_putf(&path, "-%d", i);
		buf_put_str(&path, ".wav");
		fd = open(buf_cstr(&path),
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd == -1 && errno != EEXIST)
			break;
	}
	n = wav_head(WAV_RIFF, rate, WAV_UNTIL_END, head);
	if (fd == -1 || write(fd, head, n) != (ssize_t)n) {
		if (fd != -1)
			close(fd);
		buf_free(&path);
		return NULL;
	}
	s = mem_new(sizeof(*s));
	s->path = mem_need(strdup(buf_cstr(&path)));
	buf_free(&path);
	s->fd = fd;
	s->rate = rate;
	s->at = (off_t)n;
	return s;
}

static off_t
place(const struct stem *s, uint64_t at)
{
	return 44 + 2 * (off_t)(at * (uint64_t)s->rate / AUDIO_RATE);
}

/* It is ours, under the name that we gave it. */
static int
stem_wake(struct stem *s)
{
	if (s->fd == -1)
		s->fd = open(s->path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	return s->fd != -1 ? 0 : SEC_ERR_DISK;
}

int
stem_put(struct stem *s, uint64_t at, const int16_t *p, size_t n)
{
	ssize_t k;

	if (stem_wake(s) != 0)
		return SEC_ERR_DISK;
	if (s->out == NULL || at != s->next) {
		/* After a pause: the hole is silence. */
		frames_out_free(s->out);
		s->out = frames_out_new(WAV_RAW, s->rate);
		s->at = place(s, at) > s->at ? place(s, at) : s->at;
	}
	s->next = at + n;
	buf_reset(&s->bytes);
	frames_out_put(s->out, p, n, &s->bytes);
	k = pwrite(s->fd, buf_data(&s->bytes), buf_len(&s->bytes), s->at);
	if (k != (ssize_t)buf_len(&s->bytes))
		return SEC_ERR_DISK;
	s->at += k;
	return 0;
}

void
stem_rest(struct stem *s, uint64_t end)
{
	uint8_t head[WAV_HEAD_MAX];
	off_t size;
	size_t n;

	size = place(s, end) > s->at ? place(s, end) : s->at;
	n = wav_head(WAV_RIFF, s->rate, (uint64_t)size - 44, head);
	if (stem_wake(s) != 0 || ftruncate(s->fd, size) != 0 ||
	    pwrite(s->fd, head, n, 0) != (ssize_t)n)
		(void)0; /* readers take it until its end */
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
	frames_out_free(s->out);
	s->out = NULL;
	buf_free(&s->bytes);
}

void
stem_close(struct stem *s, uint64_t end)
{
	if (s == NULL)
		return;
	stem_rest(s, end);
	free(s->path);
	free(s);
}
