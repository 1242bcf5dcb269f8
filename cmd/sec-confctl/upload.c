/*
 * upload: attaching a file: lines `upload`, `chunk` ..., `commit`, or `drop`
 * (SECURITY.md 3.5).
 *
 *	OPEN --chunk (the next one only)--> OPEN --commit--> SAVING
 *	SAVING: a child calls fsync and rename --> row, commit --> gone
 *	OPEN --drop, UPLOAD_IDLE, end of the conference, no room--> gone
 *
 * A file that is not whole is FILE.part and in no answer. The same file of
 * the same user goes on where it stopped: `upload` answers with the next
 * chunk.
 */

#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "crypto/chunk.h"
#include "crypto/digest.h"
#include "wire/filename.h"
#include "wire/line.h"

#include "attachment.h"
#include "upload.h"

#define FILES_MAX 1000 /* of one conference */
#define MIB	  1048576ULL
#define PART	  ".part"
#define NO_ROOM	  "no room on the controller's disk"

struct upload {
	struct focus *focus;
	uint64_t number;
	struct attachment_row row;
	int sized; /* size and sha256 were told at the beginning */
	struct secret *fk;
	int fd;
	uint64_t next; /* chunk */
	uint64_t got; /* bytes in clear */
	int ended; /* the last one was short */
	int saving; /* no line is taken any more */
	int child; /* pid, else 0 */
	uint64_t txn; /* of commit */
	struct timer idle;
	TAILQ_ENTRY(upload) entry;
};

struct uploads {
	TAILQ_HEAD(, upload) list;
	unsigned count;
};

void
uploads_init(struct focus *f)
{
	if ((f->uploads = calloc(1, sizeof *f->uploads)) == NULL)
		die(10, "out of memory");
	TAILQ_INIT(&f->uploads->list);
}

/* What has come of it goes too, unless it has its row by now. */
static void
upload_free(struct upload *u)
{
	struct uploads *all = u->focus->uploads;
	char path[FILE_PATH];

	if (u->fd != -1) {
		close(u->fd);
		(void)unlink(
		    attachment_path(path, u->row.conf, u->row.file, PART));
	}
	if (u->child != 0)
		loop_child_cancel(u->focus->s->loop, u->child);
	timer_cancel(&u->idle);
	secret_free(u->fk);
	TAILQ_REMOVE(&all->list, u, entry);
	all->count--;
	free(u);
}

void
uploads_free(struct focus *f)
{
	struct upload *u;

	if (f->uploads == NULL)
		return;
	while ((u = TAILQ_FIRST(&f->uploads->list)) != NULL)
		upload_free(u);
	free(f->uploads);
}

void
uploads_end(struct conference *c, const char *user)
{
	struct upload *u, *next;

	for (u = TAILQ_FIRST(&c->focus->uploads->list); u != NULL; u = next) {
		next = TAILQ_NEXT(u, entry);
		/* One that is being saved finds out by itself. */
		if (u->row.conf == c->row.id && !u->saving &&
		    (user == NULL || strcmp(u->row.by, user) == 0))
			upload_free(u);
	}
}

static void
on_idle(void *arg)
{
	upload_free(arg);
}

static struct upload *
upload_by_number(struct focus *f, uint64_t number)
{
	struct upload *u;

	TAILQ_FOREACH(u, &f->uploads->list, entry)
		if (u->number == number)
			return u;
	return NULL;
}

/* --- quota --- */

/* What the conference would have if this one had so many bytes; and how many
 * files. */
static int
conf_total(const struct conference *c, const struct upload *but, uint64_t bytes,
    uint64_t *count, uint64_t *total)
{
	const struct upload *u;
	int r;

	r = attachment_sum(c->focus->s->db, c->row.id, count, total);
	if (r != 0)
		return r;
	*total += bytes;
	*count += 1;
	TAILQ_FOREACH(u, &c->focus->uploads->list, entry)
		if (u != but && u->row.conf == c->row.id) {
			*total += u->sized ? u->row.size : u->got;
			*count += 1;
		}
	return 0;
}

/* Has it room for so many? 200, or a status and why. */
static int
quota(struct conference *c, const struct upload *but, uint64_t bytes,
    struct asker *by)
{
	uint64_t limit = (uint64_t)c->focus->s->conf.conference_files * MIB;
	uint64_t count, total;

	if (bytes > limit)
		total = bytes;
	else if (conf_total(c, but, bytes, &count, &total) != 0)
		return 503;
	if (total > limit) {
		snprintf(by->room, sizeof by->room,
		    "more than the %d MiB of files that a conference may have "
		    "(conference-files)",
		    c->focus->s->conf.conference_files);
		by->why = by->room;
		return 409;
	}
	if (count > FILES_MAX) {
		by->why = "the conference has as many files as it may have";
		return 409;
	}
	return 200;
}

/* --- upload --- */

/* What the line says, as a row. 0, or a status and why. */
static int
take_line(struct conference *c, struct asker *by, const struct line *l,
    struct attachment_row *a, int *sized)
{
	const char *file = line_get_or(l, "file", "");
	const char *sha = line_get_or(l, "sha256", "");

	memset(a, 0, sizeof *a);
	a->conf = c->row.id;
	text_copy(a->name, line_get_or(l, "name", ""), sizeof a->name);
	text_copy(a->file, file, sizeof a->file);
	text_copy(a->sha256, sha, sizeof a->sha256);
	text_copy(a->by, by->user, sizeof a->by);
	if (!filename_is(line_get_or(l, "name", ""))) {
		by->why = "that cannot be the name of a file here";
		return 400;
	}
	*sized = line_get_u64(l, "size", &a->size) == 0;
	if (!file_id_is(file) || a->size > INT64_MAX / 2 ||
	    (*sized && !sha256_is(sha)))
		return 400;
	return 0;
}

static int
is_same(const struct attachment_row *a, const struct attachment_row *b)
{
	return a->conf == b->conf && a->size == b->size &&
	    strcmp(a->by, b->by) == 0 && strcmp(a->name, b->name) == 0 &&
	    strcmp(a->sha256, b->sha256) == 0;
}

/* The one to go on with, or NULL. */
static struct upload *
find_begun(struct focus *f, const struct attachment_row *a)
{
	struct upload *u;

	TAILQ_FOREACH(u, &f->uploads->list, entry)
		if (u->sized && !u->saving && is_same(&u->row, a))
			return u;
	return NULL;
}

/* Is one of this id there, or about to be? */
static int
id_is_taken(struct focus *f, const struct attachment_row *a)
{
	const struct upload *u;

	TAILQ_FOREACH(u, &f->uploads->list, entry)
		if (u->row.conf == a->conf && strcmp(u->row.file, a->file) == 0)
			return 1;
	return attachment_has(f->s->db, a->conf, a->file) != SEC_ERR_NOTHING;
}

/* May one more begin? 200, or a status and why. */
static int
may_begin(struct conference *c, struct asker *by,
    const struct attachment_row *a)
{
	struct focus *f = c->focus;
	struct attachment_row other;
	unsigned mine = 0;
	struct upload *u;
	int r;

	TAILQ_FOREACH(u, &f->uploads->list, entry)
		mine += strcmp(u->row.by, by->user) == 0;
	if (f->uploads->count >= UPLOADS_MAX || mine >= UPLOADS_USER) {
		by->why = "too many files are being attached now";
		return 503;
	}
	if (id_is_taken(f, a))
		return 409;
	r = attachment_get(f->s->db, c->row.id, a->name, &other);
	if (r == 0) {
		by->why = "a file of this name is there already";
		return 409;
	}
	return r == SEC_ERR_NOTHING ? quota(c, NULL, a->size, by) : 503;
}

static int
open_part(const struct attachment_row *a)
{
	char path[FILE_PATH];
	char *slash;
	int fd;

	attachment_path(path, a->conf, a->file, PART);
	slash = strrchr(path, '/');
	*slash = '\0';
	if (proc_mkdirs(path, 0700) != 0)
		return -1;
	*slash = '/';
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd;
}

/* 503, and why as far as errno tells. */
static int
disk_refuses(struct asker *by)
{
	int e = errno;

	log_error("conf.file", "reason=%s", log_quote(strerror(e)));
	by->why = e == ENOSPC || e == EDQUOT || e == EFBIG ?
	    NO_ROOM :
	    "the controller cannot write to its disk";
	return 503;
}

static int
upload_begin(struct conference *c, struct asker *by,
    const struct attachment_row *a, struct secret *fk, int sized,
    struct upload **out)
{
	struct focus *f = c->focus;
	struct upload *u;

	if ((u = calloc(1, sizeof *u)) == NULL)
		return 503;
	u->focus = f;
	u->row = *a;
	u->sized = sized;
	if (attachment_seal_key(f, &u->row, fk) != 0) {
		by->why = "the controller has no storage key";
		free(u);
		return 503;
	}
	if ((u->fd = open_part(a)) == -1) {
		free(u);
		return disk_refuses(by);
	}
	u->fk = secret_dup(fk);
	u->number = ++f->next_op;
	timer_init(&u->idle, f->s->loop, on_idle, u);
	TAILQ_INSERT_TAIL(&f->uploads->list, u, entry);
	f->uploads->count++;
	*out = u;
	return 200;
}

/* What to go on with; its key too, if it is not the one just told. */
static int
upload_answer(struct conference *c, struct asker *by, struct upload *u,
    int begun)
{
	struct buf key = BUF_INIT;
	int r = 0;

	timer_set(&u->idle, UPLOAD_IDLE);
	if (begun)
		r = attachment_wrap(c, by, u->row.file, u->fk, &key);
	if (r == 0) {
		line_begin(&by->answer, "ok");
		line_put(&by->answer, "file", u->row.file);
		line_put_u64(&by->answer, "next", u->next);
		line_put(&by->answer, "key", begun ? buf_cstr(&key) : NULL);
		line_end(&by->answer);
	}
	buf_free(&key);
	return r == 0 ? 200 : sec_err_sip(r);
}

/* Is it attached already, by him? His agent may not have heard of it. */
static int
is_attached(struct conference *c, const struct attachment_row *a)
{
	struct attachment_row there;

	return attachment_get(c->focus->s->db, c->row.id, a->name, &there) ==
	    0 &&
	    is_same(&there, a);
}

int
policy_upload(struct conference *c, struct asker *by, const struct line *l)
{
	struct attachment_row a;
	struct secret *fk = NULL;
	struct upload *u;
	int sized, status;

	if (!c->row.persistent) {
		by->why = "only persistent conferences keep files";
		return 409;
	}
	if ((status = take_line(c, by, l, &a, &sized)) != 0)
		return status;
	if (sized && is_attached(c, &a)) {
		line_begin(&by->answer, "ok");
		line_put(&by->answer, "file", a.file);
		line_put(&by->answer, "next", "0");
		line_put(&by->answer, "whole", "1");
		line_end(&by->answer);
		return 200;
	}
	if (sized && (u = find_begun(c->focus, &a)) != NULL)
		return upload_answer(c, by, u, 1);
	if ((status = may_begin(c, by, &a)) != 200)
		return status;
	if (attachment_unwrap(c, by, a.file, line_get_or(l, "fk", ""), &fk) !=
	    0) {
		by->why = "the file's key cannot be opened";
		return 493; /* sec-pal may be about to tell of a new Kc */
	}
	status = upload_begin(c, by, &a, fk, sized, &u);
	secret_free(fk);
	return status == 200 ? upload_answer(c, by, u, 0) : status;
}

/* --- chunk --- */

/* His upload that the line means, or NULL and why. */
static struct upload *
find_mine(struct conference *c, struct asker *by, const struct line *l)
{
	const char *file = line_get_or(l, "file", "");
	struct upload *u;

	TAILQ_FOREACH(u, &c->focus->uploads->list, entry)
		if (u->row.conf == c->row.id && !u->saving &&
		    strcmp(u->row.file, file) == 0 &&
		    strcmp(u->row.by, by->user) == 0)
			return u;
	by->why = "no such file is being attached";
	return NULL;
}

static int
write_all(int fd, const uint8_t *p, size_t n, uint64_t at)
{
	ssize_t k;

	for (; n > 0; p += k, n -= (size_t)k, at += (uint64_t)k) {
		k = pwrite(fd, p, n, (off_t)at);
		if (k == -1 && errno == EINTR)
			k = 0;
		else if (k == -1)
			return SEC_ERR_DISK;
	}
	return 0;
}

/* Can a chunk of so many bytes in clear come now? */
static int
chunk_fits(const struct upload *u, uint64_t n, size_t len)
{
	if (n != u->next || u->ended || (len == 0 && n > 0))
		return 0;
	return !u->sized ||
	    (u->got + len <= u->row.size && len == chunk_size(u->row.size, n));
}

int
policy_chunk(struct conference *c, struct asker *by, const struct line *l)
{
	struct upload *u = find_mine(c, by, l);
	uint64_t n = 0, bytes = 0;
	size_t len;
	int status;

	if (u == NULL)
		return 404;
	if (line_get_u64(l, "n", &n) != 0 ||
	    line_get_u64(l, "bytes", &bytes) != 0 || bytes != by->nbytes ||
	    bytes < CHUNK_EXTRA || bytes > CHUNK_SEALED ||
	    !chunk_fits(u, n, len = (size_t)bytes - CHUNK_EXTRA)) {
		by->why = "not the next chunk of this file";
		return 400;
	}
	if (!u->sized && (status = quota(c, u, u->got + len, by)) != 200) {
		upload_free(u);
		return status;
	}
	if (write_all(u->fd, by->bytes, by->nbytes, n * CHUNK_SEALED) != 0) {
		status = disk_refuses(by);
		upload_free(u);
		return status;
	}
	u->next++;
	u->got += len;
	u->ended = len < CHUNK_BYTES;
	timer_set(&u->idle, UPLOAD_IDLE);
	return 200;
}

int
policy_drop(struct conference *c, struct asker *by, const struct line *l)
{
	struct upload *u = find_mine(c, by, l);

	if (u == NULL)
		return 404;
	upload_free(u);
	return 200;
}

/* --- commit --- */

static void
upload_tell(struct upload *u, int status, const char *why)
{
	struct sip_txn *txn = sip_txn_find(u->focus->s->sip, u->txn);
	struct sip_msg a;

	sip_msg_init(&a);
	a.status = status;
	a.note = why;
	if (txn != NULL)
		sip_answer(txn, &a);
}

/* It will not be: without its row the file is nothing. */
static void
upload_fail(struct upload *u, int status, const char *why)
{
	char path[FILE_PATH];

	upload_tell(u, status, why);
	(void)unlink(attachment_path(path, u->row.conf, u->row.file, ""));
	upload_free(u);
}

static void
upload_committed(struct focus *f, uint64_t number, int err)
{
	struct upload *u = upload_by_number(f, number);

	if (err != 0) {
		upload_fail(u, sec_err_sip(err),
		    "the controller cannot write to its disk");
		return;
	}
	log_info("conf.attach", "conf=%016llx user=%s file=%s size=%llu",
	    (unsigned long long)u->row.conf, log_quote(u->row.by), u->row.file,
	    (unsigned long long)u->row.size);
	attachment_tell(f, "attached", &u->row, u->row.by);
	upload_tell(u, 200, NULL);
	close(u->fd);
	u->fd = -1;
	upload_free(u);
}

/* The bytes are on the disk, under their name. Much may have changed. */
static void
upload_saved(struct upload *u)
{
	struct focus *f = u->focus;
	struct conference *c = conf_find_id(f, u->row.conf);
	int r;

	if (c == NULL || conf_member(c, u->row.by) == NULL) {
		upload_fail(u, c == NULL ? 404 : 403,
		    c == NULL ? "the conference has ended" :
				"you are no longer in it");
		return;
	}
	u->row.at = clock_real();
	if ((r = commit_begin(f)) == 0)
		r = attachment_put(f->s->db, &u->row);
	if (r == 0)
		commit_then(f, upload_committed, u->number);
	else
		upload_fail(u, sec_err_sip(r),
		    r == SEC_ERR_NO ? "a file of this name is there already" :
				      "the controller cannot write to its "
				      "disk");
}

static void
on_child(void *arg, int pid, int status)
{
	struct upload *u = arg;

	(void)pid;
	u->child = 0;
	if (status == 0 || conf_find_id(u->focus, u->row.conf) == NULL)
		upload_saved(u);
	else
		upload_fail(u, 503, NO_ROOM);
}

/* The child: bytes, name and directory reach the disk, in this order. */
static void
save(const struct upload *u, pid_t parent)
{
	char part[FILE_PATH], whole[FILE_PATH];
	int dir;

	/* With the controller gone nobody would write the row; and its
	 * sockets are none of ours. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	proc_close_from(3, u->fd);
	attachment_path(part, u->row.conf, u->row.file, PART);
	attachment_path(whole, u->row.conf, u->row.file, "");
	if (fsync(u->fd) != 0 || rename(part, whole) != 0)
		_exit(1);
	*strrchr(whole, '/') = '\0';
	dir = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1 || fsync(dir) != 0)
		_exit(1);
	_exit(0);
}

/* Nobody would hear of its child's end, which may have given the file its
 * name already. */
static void
save_stop(struct upload *u, pid_t pid)
{
	char whole[FILE_PATH];

	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	(void)unlink(attachment_path(whole, u->row.conf, u->row.file, ""));
	upload_free(u);
}

int
policy_commit(struct conference *c, struct asker *by, const struct line *l)
{
	const char *sha = line_get_or(l, "sha256", "");
	struct upload *u = find_mine(c, by, l);
	pid_t self = getpid(), pid;
	uint64_t size = 0;

	if (u == NULL)
		return 404;
	if (line_get_u64(l, "size", &size) != 0 || !sha256_is(sha) ||
	    size != u->got || u->next != chunk_count(size) ||
	    (u->sized &&
		(size != u->row.size || strcmp(sha, u->row.sha256) != 0))) {
		by->why = "this is not the file that was begun";
		return 400;
	}
	u->row.size = size;
	text_copy(u->row.sha256, sha, sizeof u->row.sha256);
	if ((pid = fork()) == 0)
		save(u, self);
	if (pid == -1 || loop_child(c->focus->s->loop, pid, on_child, u) != 0) {
		if (pid != -1)
			save_stop(u, pid);
		by->why = "the controller is out of processes";
		return 503;
	}
	u->saving = 1;
	u->child = pid;
	u->sized = 1; /* for the quota */
	u->txn = sip_txn_id(by->txn);
	timer_cancel(&u->idle);
	return 0;
}
