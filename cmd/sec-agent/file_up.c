/*
 * Attaching: a file or a stream goes up in chunks, which are sealed here
 * (SECURITY.md 3.5).
 *
 *	BEGIN --upload: file, next--> MOVE --chunks--> LAST --commit--> ok
 *
 * A stream cannot be read again: with the controller it is lost.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "crypto/random.h"
#include "crypto/wrap.h"
#include "files_priv.h"

#define COMMIT_MS 120000 /* the disk of the controller may be slow */

void
upload_drop(struct transfer *t)
{
	struct buf body = BUF_INIT;

	if (!t->up || t->state == BEGIN)
		return;
	line_begin(&body, "drop");
	line_put(&body, "file", t->file);
	line_end(&body);
	(void)conf_publish(t->a, t->conf, &body, NULL, NULL, 0);
	buf_free(&body);
}

static void
put_key(struct transfer *t, struct buf *body)
{
	const struct session_key *k = &t->a->session.key[0];
	struct wrap w = { KDF_FILE_WRAP, 0, k->kc, t->file, t->conf };
	struct buf blob = BUF_INIT;

	if (k->kc == NULL)
		return;
	wrap_put(&blob, &w, k->keyid, t->fk, session_now(t->a));
	line_put_bytes(body, "fk", buf_data(&blob), buf_len(&blob));
	buf_free(&blob);
}

static int
begin_up(struct transfer *t)
{
	struct buf body = BUF_INIT;

	/* Of a try before: its key goes with its id. */
	file_id_new(t->file);
	secret_free(t->fk);
	t->fk = crypto_random_key(FILE_KEY, 0);
	line_begin(&body, "upload");
	line_put(&body, "name", t->name);
	line_put(&body, "file", t->file);
	if (t->is_file) {
		line_put_u64(&body, "size", t->size);
		line_put(&body, "sha256", t->sha256);
	}
	put_key(t, &body);
	line_end(&body);
	return transfer_send(t, SHORT_MS, &body);
}

/* Seal chunk `next`, n bytes at p, and send it. */
static int
send_chunk(struct transfer *t, const uint8_t *p, size_t n, int last)
{
	struct chunk c = { t->fk, t->file, t->next, last };
	struct buf body = BUF_INIT;

	line_begin(&body, "chunk");
	line_put(&body, "file", t->file);
	line_put_u64(&body, "n", t->next);
	line_put_u64(&body, "bytes", n + CHUNK_EXTRA);
	line_end(&body);
	chunk_seal(&body, &c, p, n);
	t->next++;
	return transfer_send(t, SHORT_MS, &body);
}

static int
send_of_file(struct transfer *t)
{
	size_t n = chunk_size(t->size, t->next);

	if (transfer_read(t, t->next, t->a->files->clear, n) != 0) {
		transfer_spoil(t, 409, "the file changed while it was read");
		return SEC_ERR_DATA;
	}
	sha256_put(t->hash, t->a->files->clear, n);
	t->hashed++;
	return send_chunk(t, t->a->files->clear, n,
	    t->next + 1 == chunk_count(t->size));
}

static int
send_of_stream(struct transfer *t)
{
	size_t n = buf_len(&t->data);
	int last = t->ended && n <= CHUNK_BYTES, r;

	if (n > CHUNK_BYTES)
		n = CHUNK_BYTES;
	sha256_put(t->hash, buf_data(&t->data), n);
	t->size += n;
	t->sealed_last = last;
	r = send_chunk(t, buf_data(&t->data), n, last);
	buf_consume(&t->data, n);
	return r;
}

int
upload_is_ready(const struct transfer *t)
{
	if (t->is_file)
		return t->next < chunk_count(t->size);
	return !t->sealed_last && (t->ended || buf_len(&t->data) > CHUNK_BYTES);
}

int
upload_next(struct transfer *t)
{
	int r;

	if (t->state == BEGIN)
		return begin_up(t);
	if (t->is_file)
		return send_of_file(t);
	if ((r = send_of_stream(t)) == 0 && !t->ended)
		(void)io_set(&t->io, IO_IN);
	return r;
}

int
upload_is_whole(const struct transfer *t)
{
	return t->is_file ? t->done == chunk_count(t->size) :
			    t->sealed_last && t->done == t->next;
}

void
upload_commit(struct transfer *t)
{
	uint8_t sha[SHA256_SIZE];
	char text[SHA256_TEXT];
	struct buf body = BUF_INIT;

	sha256_end(t->hash, sha);
	sha256_text(text, sha);
	if (t->is_file && strcmp(text, t->sha256) != 0) {
		transfer_spoil(t, 409, "the file changed while it was read");
		return;
	}
	text_copy(t->sha256, text, sizeof(t->sha256));
	t->state = LAST;
	line_begin(&body, "commit");
	line_put(&body, "file", t->file);
	line_put_u64(&body, "size", t->size);
	line_put(&body, "sha256", text);
	line_end(&body);
	if (transfer_send(t, COMMIT_MS, &body) != 0)
		transfer_retry(t);
}

/* The stream's other end: closed with its tool, or only done writing? */
static int
is_cut_off(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

static void
on_stream_in(void *arg, uint32_t events)
{
	struct transfer *t = arg;
	uint8_t *p;
	ssize_t n;

	(void)events;
	if ((p = buf_reserve(&t->data, CHUNK_BYTES)) == NULL) {
		transfer_spoil(t, 503, "out of memory");
		return;
	}
	n = recv(t->fd, p, CHUNK_BYTES, MSG_DONTWAIT);
	if (n > 0)
		buf_commit(&t->data, (size_t)n);
	else if (n == 0 && !is_cut_off(t->fd))
		t->ended = 1;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		transfer_spoil(t, 409, "cut off; nothing is attached");
		return;
	}
	/* One byte more than a chunk tells that it is not the last one. */
	if (t->ended || buf_len(&t->data) > CHUNK_BYTES)
		(void)io_set(&t->io, 0);
	hook_arm(&t->a->files->pump);
}

/* size= sha256=: the two of a file, which may go on where it stopped; a
 * stream ends when its other end has shut down writing. */
void
upload_open(struct transfer *t, const struct line *l)
{
	if (!t->is_file)
		(void)io_add(t->a->loop, &t->io, t->fd, IO_IN, on_stream_in, t);
	else if (line_get_u64(l, "size", &t->size) != 0 ||
	    !sha256_is(t->sha256))
		transfer_fail(t, 400, "how long is it, and its SHA-256?");
}

/* `ok file= next= [key=]`: where it goes on, perhaps as another file; with
 * whole=1 it is attached already. */
static int
take_begin(struct transfer *t, const struct line *l)
{
	const char *file = line_get_or(l, "file", "");
	const char *key = line_get(l, "key");
	uint64_t next;

	if (!file_id_is(file) || line_get_u64(l, "next", &next) != 0 ||
	    next > (t->is_file ? chunk_count(t->size) : 0))
		return SEC_ERR_FORMAT;
	text_copy(t->file, file, sizeof(t->file));
	if (key != NULL && transfer_take_key(t, key) != 0)
		return SEC_ERR_AUTH;
	t->state = MOVE;
	t->next = t->done = next;
	sha256_free(t->hash);
	t->hash = sha256_begin();
	t->hashed = 0;
	if (next > 0)
		timer_set(&t->later, 0);
	return 0;
}

void
upload_answer(struct transfer *t, const struct line *l)
{
	switch (t->state) {
	case BEGIN:
		if (take_begin(t, l) != 0)
			transfer_fail(t, 502,
			    "the controller's answer is no answer");
		else if (line_get(l, "whole") != NULL)
			transfer_ok(t, t->sha256);
		return;
	case MOVE:
		t->done++;
		transfer_progress(t);
		if (upload_is_whole(t))
			upload_commit(t);
		return;
	case LAST: transfer_ok(t, t->sha256); return;
	}
}
