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
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "crypto/wrap.h"
#include "files_priv.h"
#include "wire/filename.h"

#define SLICE	 16 /* chunks that are hashed in one turn */
#define AGAIN_MS 500
#define PATIENCE 20000 /* without a step forward */
#define TELL_MS	 200 /* between rows about progress */

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

int
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

/* --- outcomes --- */

void
transfer_fail(struct transfer *t, int status, const char *why)
{
	struct ctl_req r;

	if (ctl_again(t->a->ctl, t->who, &r) == 0)
		ctl_error(&r, status, why);
	transfer_free(t);
}

void
transfer_spoil(struct transfer *t, int status, const char *why)
{
	upload_drop(t);
	transfer_fail(t, status, why);
}

static uint64_t
bytes_of(const struct transfer *t, uint64_t chunks)
{
	uint64_t n = chunks * CHUNK_BYTES;

	return t->size > 0 && n > t->size ? t->size : n;
}

void
transfer_progress(struct transfer *t)
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

void
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

void
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

/* FK as the controller wraps it for us. */
int
transfer_take_key(struct transfer *t, const char *b64)
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

/* --- where it goes on --- */

int
transfer_read(struct transfer *t, uint64_t chunk, uint8_t *p, size_t n)
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

/* A file whose first part is there already: hash it, some in each turn. */
static void
hash_some(struct transfer *t)
{
	uint64_t upto = t->up ? t->next : t->done;
	size_t n;
	int i;

	for (i = 0; i < SLICE && t->hashed < upto; i++, t->hashed++) {
		n = chunk_size(t->size, t->hashed);
		if (transfer_read(t, t->hashed, t->a->files->clear, n) != 0) {
			transfer_spoil(t, 409,
			    "the file changed while it was read");
			return;
		}
		sha256_put(t->hash, t->a->files->clear, n);
	}
	transfer_progress(t);
	if (t->hashed < upto)
		timer_set(&t->later, 0);
	else if (t->up && upload_is_whole(t))
		upload_commit(t);
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

/* --- the connection --- */

/* May it send one more? */
static int
is_ready(const struct transfer *t)
{
	if (t->again || timer_is_set(&t->later))
		return 0;
	switch (t->state) {
	case BEGIN: return t->flying == 0;
	case MOVE: return t->up ? upload_is_ready(t) : download_is_ready(t);
	case LAST: break;
	}
	return 0;
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
			r = t->up ? upload_next(t) : download_next(t);
			if (r == SEC_ERR_UNREACHABLE)
				transfer_retry(t);
			sent += r == 0;
		}
	} while (sent > 0 && f->flying < FLYING);
}

/* --- answers --- */

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
		upload_answer(t, &l);
	else if (download_answer(t, &l, bytes, n) != 0)
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

/* upload conf= name= [size= sha256=] */
static void
on_upload(void *ctx, struct ctl_req *r)
{
	struct transfer *t = transfer_new(ctx, r, 1);

	if (t != NULL)
		upload_open(t, r->line);
}

/* download conf= name= file= size= sha256= */
static void
on_download(void *ctx, struct ctl_req *r)
{
	struct transfer *t = transfer_new(ctx, r, 0);

	if (t != NULL)
		download_open(t, r->line);
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
			upload_drop(t);
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
