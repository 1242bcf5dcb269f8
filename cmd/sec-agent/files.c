/*
 * Files of conferences. The tool hands over the open file; only here are its
 * chunks sealed and opened, and the file's key is nowhere else (SECURITY.md
 * 3.5).
 *
 *	up    BEGIN --upload: file, next--> MOVE --chunks--> LAST --commit--> ok
 *	down  BEGIN --download n, key=1---> MOVE --chunks--> ok
 *
 * At most FLYING requests are under way for all transfers together, so that
 * they never fill the connection that everything else needs too. A file goes
 * on where it was when the controller comes back; a stream on its way up
 * cannot be read again, and fails.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/chunk.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/wrap.h"
#include "wire/filename.h"

#define FLYING	  4
#define SLICE	  16 /* chunks that are hashed in one turn */
#define AGAIN_MS  500
#define PATIENCE  20000 /* without a step forward */
#define COMMIT_MS 120000 /* the disk of the controller may be slow */
#define TELL_MS	  200 /* between rows about progress */

enum state { BEGIN, MOVE, LAST };

struct transfer {
	struct agent *a;
	uint64_t number;
	struct ctl_handle who;
	int up;
	enum state state;
	int fd;
	int is_file; /* can be read and written anywhere */
	char conf[URI_MAX];
	char name[FILENAME_SIZE], file[FILE_ID];
	char sha256[SHA256_TEXT]; /* as told at the beginning, or "" */
	uint64_t size;
	struct secret *fk;
	struct sha256_run *hash;
	uint64_t hashed; /* chunks */
	uint64_t next; /* to be sent or asked for */
	uint64_t done; /* answered */
	unsigned flying;
	int again; /* from where it is, when all answers are there */
	int ended; /* stream up: its end was read; its last chunk was sent */
	int sealed_last;
	struct buf data; /* stream: read and not sent, or opened and not
			  * written */
	struct io io;
	struct timer later;
	int64_t moved, told; /* mono ms */
	TAILQ_ENTRY(transfer) entry;
};

struct files {
	TAILQ_HEAD(, transfer) list;
	unsigned flying;
	struct hook pump;
};

static void on_answer(void *ctx, uint64_t cookie, const struct sip_msg *answer);

static struct transfer *
transfer_find(struct agent *a, uint64_t number)
{
	struct transfer *t;

	TAILQ_FOREACH(t, &a->files->list, entry)
		if (t->number == number)
			return t;
	return NULL;
}

static void
transfer_free(struct transfer *t)
{
	io_del(&t->io);
	timer_cancel(&t->later);
	close(t->fd);
	secret_free(t->fk);
	sha256_free(t->hash);
	buf_free(&t->data);
	TAILQ_REMOVE(&t->a->files->list, t, entry);
	free(t);
}

/* --- requests --- */

/* Its line and bytes; 0, or SEC_ERR_UNREACHABLE. */
static int
transfer_send(struct transfer *t, int64_t deadline, struct buf *body)
{
	int r;

	r = conf_publish_within(t->a, deadline, t->conf, body, on_answer, t->a,
	    t->number);
	if (r == 0) {
		t->flying++;
		t->a->files->flying++;
	}
	buf_free(body);
	return r;
}

/* The controller need not keep what nobody will go on with. */
static void
drop(struct transfer *t)
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
transfer_fail(struct transfer *t, int status, const char *why)
{
	struct ctl_req r;

	if (ctl_again(t->a->ctl, t->who, &r) == 0)
		ctl_error(&r, status, why);
	transfer_free(t);
}

/* It cannot go on later either. */
static void
transfer_spoil(struct transfer *t, int status, const char *why)
{
	drop(t);
	transfer_fail(t, status, why);
}

static uint64_t
bytes_of(const struct transfer *t, uint64_t chunks)
{
	uint64_t n = chunks * CHUNK_BYTES;

	return t->size > 0 && n > t->size ? t->size : n;
}

static void
tell_progress(struct transfer *t)
{
	int64_t now = loop_now(t->a->loop);
	struct ctl_req r;
	struct buf *b;

	t->moved = now;
	if (now - t->told < TELL_MS || ctl_again(t->a->ctl, t->who, &r) != 0)
		return;
	t->told = now;
	b = ctl_row(&r);
	line_put_u64(b, "bytes", bytes_of(t, t->done));
	ctl_end(&r);
}

static void
transfer_ok(struct transfer *t, const char sha256[SHA256_TEXT])
{
	struct ctl_req r;
	struct buf *b;

	if (ctl_again(t->a->ctl, t->who, &r) == 0) {
		b = ctl_ok_begin(&r);
		line_put(b, "conf", t->conf);
		line_put(b, "name", t->name);
		line_put(b, "file", t->file);
		line_put_u64(b, "size", t->size);
		line_put(b, "sha256", sha256);
		ctl_end(&r);
	}
	transfer_free(t);
}

/* Its answer will not come: at a later time, from where it is; or never. */
static void
transfer_retry(struct transfer *t)
{
	if (t->up && !t->is_file) {
		transfer_fail(t, 503,
		    "the controller was lost; nothing is attached");
		return;
	}
	if (loop_now(t->a->loop) - t->moved > PATIENCE) {
		transfer_fail(t, 503, conf_unavailable(t->a));
		return;
	}
	t->again = 1;
	if (t->flying == 0)
		timer_set(&t->later, AGAIN_MS);
}

/* --- the key --- */

/* FK as the controller wraps it for us. */
static int
take_key(struct transfer *t, const char *b64)
{
	struct wrap w = { KDF_FILE_WRAP, 1, NULL, t->file, t->conf };
	struct secret *fk = NULL;
	int r;

	r = session_unwrap(t->a, b64, &w, &fk);
	if (r == 0 && secret_size(fk) != FILE_KEY)
		r = SEC_ERR_FORMAT;
	if (r == 0) {
		secret_free(t->fk);
		t->fk = fk;
		fk = NULL;
	}
	secret_free(fk);
	return r;
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

/* --- up --- */

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

/* n bytes of chunk number `chunk` of the file; less is an error. */
static int
read_at(struct transfer *t, uint64_t chunk, uint8_t *p, size_t n)
{
	off_t at = (off_t)(chunk * CHUNK_BYTES);
	ssize_t k;

	for (; n > 0; p += k, n -= (size_t)k, at += k) {
		k = pread(t->fd, p, n, at);
		if (k == -1 && errno == EINTR)
			k = 0;
		else if (k <= 0)
			return SEC_ERR_DATA;
	}
	return 0;
}

static uint8_t clear[CHUNK_BYTES];

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

	if (read_at(t, t->next, clear, n) != 0) {
		transfer_spoil(t, 409, "the file changed while it was read");
		return SEC_ERR_DATA;
	}
	sha256_put(t->hash, clear, n);
	t->hashed++;
	return send_chunk(t, clear, n, t->next + 1 == chunk_count(t->size));
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

/* All its chunks are there. */
static void
commit(struct transfer *t)
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

static int
up_is_whole(const struct transfer *t)
{
	return t->is_file ? t->done == chunk_count(t->size) :
			    t->sealed_last && t->done == t->next;
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

/* --- down --- */

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

	if (n != len + CHUNK_EXTRA || chunk_open(&c, p, n, clear) != 0) {
		transfer_fail(t, 400,
		    "what the controller keeps is not what "
		    "was attached");
		return;
	}
	sha256_put(t->hash, clear, len);
	if (!t->is_file)
		buf_put(&t->data, clear, len);
	else if (write_at(t, clear, len) != 0) {
		transfer_fail(t, 503, strerror(errno));
		return;
	}
	t->done++;
	t->hashed++;
	tell_progress(t);
	if (!t->is_file)
		write_stream(t);
	else if (t->done == count)
		finish_down(t);
}

/* --- where it goes on --- */

/* A file whose first part is there already: hash it, some in each turn. */
static void
hash_some(struct transfer *t)
{
	uint64_t upto = t->up ? t->next : t->done;
	size_t n;
	int i;

	for (i = 0; i < SLICE && t->hashed < upto; i++, t->hashed++) {
		n = chunk_size(t->size, t->hashed);
		if (read_at(t, t->hashed, clear, n) != 0) {
			transfer_spoil(t, 409,
			    "the file changed while it was read");
			return;
		}
		sha256_put(t->hash, clear, n);
	}
	tell_progress(t);
	if (t->hashed < upto)
		timer_set(&t->later, 0);
	else if (t->up && up_is_whole(t))
		commit(t);
	else
		hook_arm(&t->a->files->pump);
}

static void
on_later(void *arg)
{
	struct transfer *t = arg;

	if (t->again) {
		t->again = 0;
		t->state = BEGIN;
		t->next = t->done;
		hook_arm(&t->a->files->pump);
	} else
		hash_some(t);
}

/* May it send one more? */
static int
is_ready(const struct transfer *t)
{
	if (t->again || timer_is_set(&t->later))
		return 0;
	if (t->state == BEGIN)
		return t->flying == 0;
	if (t->state == LAST)
		return 0;
	if (t->up && !t->is_file)
		return !t->sealed_last &&
		    (t->ended || buf_len(&t->data) > CHUNK_BYTES);
	return t->next < chunk_count(t->size) &&
	    (t->is_file || buf_len(&t->data) < FLYING * CHUNK_BYTES);
}

static int
send_next(struct transfer *t)
{
	int r;

	if (t->state == BEGIN)
		r = t->up ? begin_up(t) : ask_chunk(t, 1);
	else if (!t->up)
		r = ask_chunk(t, 0);
	else if (t->is_file)
		r = send_of_file(t);
	else if ((r = send_of_stream(t)) == 0 && !t->ended)
		(void)io_set(&t->io, IO_IN);
	return r;
}

/* One each in turn, as long as there is room on the connection. */
static void
on_pump(void *arg)
{
	struct agent *a = arg;
	struct files *f = a->files;
	struct transfer *t, *next;
	int sent, r;

	do {
		sent = 0;
		for (t = TAILQ_FIRST(&f->list); t != NULL; t = next) {
			next = TAILQ_NEXT(t, entry);
			if (f->flying >= FLYING || !is_ready(t))
				continue;
			r = send_next(t);
			if (r == SEC_ERR_UNREACHABLE)
				transfer_retry(t);
			sent += r == 0;
		}
	} while (sent > 0 && f->flying < FLYING);
}

/* --- answers --- */

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
	if (key != NULL && take_key(t, key) != 0)
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

/* `ok file= n= size= sha256= bytes= [key=]`, and the bytes. */
static int
take_down(struct transfer *t, const struct line *l, const uint8_t *p, size_t n)
{
	uint64_t number, size, bytes;

	if (line_get_u64(l, "n", &number) != 0 || number != t->done ||
	    line_get_u64(l, "size", &size) != 0 || size != t->size ||
	    line_get_u64(l, "bytes", &bytes) != 0 || bytes != n ||
	    strcmp(line_get_or(l, "file", ""), t->file) != 0)
		return SEC_ERR_FORMAT;
	if (t->state == BEGIN && take_key(t, line_get_or(l, "key", "")) != 0)
		return SEC_ERR_AUTH;
	t->state = MOVE;
	take_chunk(t, p, n);
	return 0;
}

static void
take_up(struct transfer *t, const struct line *l)
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
		tell_progress(t);
		if (up_is_whole(t))
			commit(t);
		return;
	case LAST: transfer_ok(t, t->sha256); return;
	}
}

/* Not taken. What a lost connection or a restarted controller leaves open
 * may still be done. */
static void
take_refusal(struct transfer *t, const struct sip_msg *answer)
{
	int lost = answer->status == SIP_LOST || answer->status == 408 ||
	    (answer->status == 503 && answer->note == NULL);

	if (t->again && t->flying > 0)
		return;
	if (lost || t->again || (t->state == BEGIN && answer->status == 493) ||
	    (t->up && t->is_file && t->state == MOVE &&
		(answer->status == 404 || answer->status == 400)))
		transfer_retry(t);
	else if (answer->note != NULL)
		transfer_fail(t, answer->status, answer->note);
	else
		transfer_fail(t, answer->status,
		    answer->status == 404 ? "no such conference" :
					    sec_sip_reason(answer->status));
}

static void
on_answer(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct agent *a = ctx;
	struct transfer *t = transfer_find(a, cookie);
	const uint8_t *bytes = NULL;
	struct line l = { 0 };
	size_t n = 0;

	a->files->flying--;
	hook_arm(&a->files->pump);
	if (t == NULL)
		return; /* its tool has gone */
	t->flying--;
	if (answer->status / 100 != 2 || t->again) {
		take_refusal(t, answer);
		return;
	}
	if (answer->bodylen > 0 &&
	    line_parse_bytes(&l, answer->body, answer->bodylen, &bytes, &n) !=
		0)
		memset(&l, 0, sizeof(l));
	if (t->up)
		take_up(t, &l);
	else if (take_down(t, &l, bytes, n) != 0)
		transfer_fail(t, 502, "the controller's answer is no answer");
	line_free(&l);
}

/* --- verbs --- */

/* conf= name= and the file, which is ours from now on. */
static struct transfer *
transfer_new(struct agent *a, struct ctl_req *r, int up)
{
	const char *name = line_get_or(r->line, "name", "");
	int fd = ctl_peer_take_fd(r->peer);
	struct transfer *t;
	struct stat st;
	struct uri u;

	if (fd == -1 || fstat(fd, &st) == -1 || !filename_is(name)) {
		ctl_error(r, 400,
		    fd == -1 ? "which file?" : "no name of a file");
		if (fd != -1)
			close(fd);
		return NULL;
	}
	if (tool_conf(a, r, &u) != 0) {
		close(fd);
		return NULL;
	}
	t = agent_alloc(sizeof(*t));
	t->a = a;
	t->number = ++a->next_number;
	t->who = ctl_keep(r);
	t->up = up;
	t->fd = fd;
	t->is_file = S_ISREG(st.st_mode);
	text_copy(t->conf, u.full, sizeof(t->conf));
	text_copy(t->name, name, sizeof(t->name));
	text_copy(t->sha256, line_get_or(r->line, "sha256", ""),
	    sizeof(t->sha256));
	t->moved = loop_now(a->loop);
	t->hash = sha256_begin();
	timer_init(&t->later, a->loop, on_later, t);
	TAILQ_INSERT_TAIL(&a->files->list, t, entry);
	hook_arm(&a->files->pump);
	return t;
}

/* upload conf= name= [size= sha256=]: the two of a file, which may go on
 * where it stopped; a stream ends when its other end has shut down writing. */
static void
on_upload(void *ctx, struct ctl_req *r)
{
	struct transfer *t = transfer_new(ctx, r, 1);

	if (t == NULL)
		return;
	if (!t->is_file)
		(void)io_add(t->a->loop, &t->io, t->fd, IO_IN, on_stream_in, t);
	else if (line_get_u64(r->line, "size", &t->size) != 0 ||
	    !sha256_is(t->sha256))
		transfer_fail(t, 400, "how long is it, and its SHA-256?");
}

/* download conf= name= file= size= sha256=: as `files` has them. What the
 * file has already, in whole chunks, is not asked for again. */
static void
on_download(void *ctx, struct ctl_req *r)
{
	struct transfer *t = transfer_new(ctx, r, 0);
	const char *file = line_get_or(r->line, "file", "");
	struct stat st;

	if (t == NULL)
		return;
	if (!file_id_is(file) || !sha256_is(t->sha256) ||
	    line_get_u64(r->line, "size", &t->size) != 0) {
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

const struct ctl_verb file_verbs[] = {
	{ "upload", CTL_SAME, on_upload },
	{ "download", CTL_SAME, on_download },
	{ NULL, 0, NULL },
};

void
files_peer_gone(struct agent *a, uint64_t peer)
{
	struct transfer *t, *next;

	for (t = TAILQ_FIRST(&a->files->list); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (t->who.peer != peer)
			continue;
		if (!t->is_file)
			drop(t);
		transfer_free(t);
	}
}

void
files_init(struct agent *a)
{
	a->files = agent_alloc(sizeof(*a->files));
	TAILQ_INIT(&a->files->list);
	hook_init(&a->files->pump, a->loop, on_pump, a);
}

void
files_close(struct agent *a)
{
	while (!TAILQ_EMPTY(&a->files->list))
		transfer_free(TAILQ_FIRST(&a->files->list));
	hook_cancel(&a->files->pump);
	free(a->files);
	a->files = NULL;
}
