/*
 * Fetching: chunks come down, are opened, hashed and written (SECURITY.md
 * 3.5).
 *
 *	BEGIN --download n, key=1--> MOVE --chunks--> ok
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "files_priv.h"

static int
ask_chunk(struct transfer *t, int key)
{
	struct buf body = BUF_INIT;

	line_begin(&body, "download");
	line_put(&body, "name", t->name);
	line_put(&body, "file", t->file);
	line_put_u64(&body, "n", t->next++);
	line_put(&body, "key", key ? "1" : NULL);
	line_end(&body);
	return transfer_send(t, SHORT_MS, &body);
}

int
download_is_ready(const struct transfer *t)
{
	return t->next < chunk_count(t->size) &&
	    (t->is_file || buf_len(&t->data) < FLYING * CHUNK_BYTES);
}

int
download_next(struct transfer *t)
{
	return ask_chunk(t, t->state == BEGIN);
}

/* Everything is written: is it what was attached? */
static void
finish_down(struct transfer *t)
{
	uint8_t sha[SHA256_SIZE];
	char text[SHA256_TEXT];

	if (buf_len(&t->data) > 0)
		return;
	sha256_end(t->hash, sha);
	sha256_text(text, sha);
	if (strcmp(text, t->sha256) != 0)
		transfer_fail(t, 400,
		    "its SHA-256 is not the one that it "
		    "was attached with");
	else if (t->is_file && ftruncate(t->fd, (off_t)t->size) != 0)
		transfer_fail(t, 503, strerror(errno));
	else
		transfer_ok(t, text);
}

/* What the stream takes now. */
static void
write_stream(struct transfer *t)
{
	ssize_t n = 0;

	while (buf_len(&t->data) > 0) {
		n = send(t->fd, buf_data(&t->data), buf_len(&t->data),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1)
			break;
		buf_consume(&t->data, (size_t)n);
	}
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		transfer_fail(t, 503, "nobody reads it any more");
		return;
	}
	(void)io_set(&t->io, buf_len(&t->data) > 0 ? IO_OUT : 0);
	if (t->state == MOVE && t->done == chunk_count(t->size))
		finish_down(t);
	else
		hook_arm(&t->a->files->pump);
}

static void
on_stream_out(void *arg, uint32_t events)
{
	(void)events;
	write_stream(arg);
}

/* file= size= sha256=: as `files` has them. What the file has already, in
 * whole chunks, is not asked for again. */
void
download_open(struct transfer *t, const struct line *l)
{
	const char *file = line_get_or(l, "file", "");
	struct stat st;

	if (!file_id_is(file) || !sha256_is(t->sha256) ||
	    line_get_u64(l, "size", &t->size) != 0) {
		transfer_fail(t, 400, "which file is it?");
		return;
	}
	text_copy(t->file, file, sizeof(t->file));
	if (!t->is_file) {
		(void)io_add(t->a->loop, &t->io, t->fd, 0, on_stream_out, t);
	} else if (fstat(t->fd, &st) == 0 && st.st_size > 0) {
		t->done = (uint64_t)st.st_size / CHUNK_BYTES;
		if (t->done >= chunk_count(t->size))
			t->done = chunk_count(t->size) - 1;
		t->next = t->done;
		timer_set(&t->later, 0);
	}
}

static int
write_at(struct transfer *t, const uint8_t *p, size_t n)
{
	off_t at = (off_t)(t->done * CHUNK_BYTES);
	ssize_t k;

	for (; n > 0; p += k, n -= (size_t)k, at += k) {
		k = pwrite(t->fd, p, n, at);
		if (k == -1 && errno == EINTR)
			k = 0;
		else if (k == -1)
			return SEC_ERR_DISK;
	}
	return 0;
}

/* A chunk has come: opened, hashed, written. */
static void
take_chunk(struct transfer *t, const uint8_t *p, size_t n)
{
	uint64_t count = chunk_count(t->size);
	struct chunk c = { t->fk, t->file, t->done, t->done + 1 == count };
	size_t len = chunk_size(t->size, t->done);

	if (n != len + CHUNK_EXTRA ||
	    chunk_open(&c, p, n, t->a->files->clear) != 0) {
		transfer_fail(t, 400,
		    "what the controller keeps is not what "
		    "was attached");
		return;
	}
	sha256_put(t->hash, t->a->files->clear, len);
	if (!t->is_file)
		buf_put(&t->data, t->a->files->clear, len);
	else if (write_at(t, t->a->files->clear, len) != 0) {
		transfer_fail(t, 503, strerror(errno));
		return;
	}
	t->done++;
	t->hashed++;
	transfer_progress(t);
	if (!t->is_file)
		write_stream(t);
	else if (t->done == count)
		finish_down(t);
}

int
download_answer(struct transfer *t, const struct line *l, const uint8_t *p,
    size_t n)
{
	uint64_t number, size, bytes;

	if (line_get_u64(l, "n", &number) != 0 || number != t->done ||
	    line_get_u64(l, "size", &size) != 0 || size != t->size ||
	    line_get_u64(l, "bytes", &bytes) != 0 || bytes != n ||
	    strcmp(line_get_or(l, "file", ""), t->file) != 0)
		return SEC_ERR_FORMAT;
	if (t->state == BEGIN &&
	    transfer_take_key(t, line_get_or(l, "key", "")) != 0)
		return SEC_ERR_AUTH;
	t->state = MOVE;
	take_chunk(t, p, n);
	return 0;
}
