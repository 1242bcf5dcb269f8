/*
 * download: line `download conf= name=` n=: one chunk of an attached file,
 * as it lies there; with key=1 the file's key too, wrapped for who asks.
 * The rows of what was lately asked for stay in memory, until the file is
 * detached: a transfer reads its row once, not for each chunk.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "crypto/chunk.h"
#include "wire/line.h"

#include "attachment.h"
#include "download.h"

#define ROWS 64

struct downloads {
	struct attachment_row row[ROWS]; /* conf 0: free */
	unsigned next;
};

void
downloads_init(struct focus *f)
{
	if ((f->downloads = calloc(1, sizeof *f->downloads)) == NULL)
		die(10, "out of memory");
}

void
downloads_free(struct focus *f)
{
	free(f->downloads);
}

void
downloads_forget(struct focus *f, uint64_t conf, const char *file)
{
	struct attachment_row *a = f->downloads->row;

	for (; a < f->downloads->row + ROWS; a++)
		if (a->conf == conf && strcmp(a->file, file) == 0)
			a->conf = 0;
}

/* Another one may have come under its name: file, or NULL, is meant. 0 or
 * SEC_ERR_*. */
static int
find_row(struct conference *c, const char *name, const char *file,
    const struct attachment_row **out)
{
	struct downloads *all = c->focus->downloads;
	struct attachment_row *a, got;
	int r;

	for (a = all->row; file != NULL && a < all->row + ROWS; a++)
		if (a->conf == c->row.id && strcmp(a->file, file) == 0 &&
		    strcmp(a->name, name) == 0) {
			*out = a;
			return 0;
		}
	if ((r = attachment_get(c->focus->s->db, c->row.id, name, &got)) != 0)
		return r;
	if (file != NULL && strcmp(file, got.file) != 0)
		return SEC_ERR_NOTHING;
	a = &all->row[all->next++ % ROWS];
	*a = got;
	*out = a;
	return 0;
}

/* Chunk n to the end of out. 0, or SEC_ERR_SYS, logged. */
static int
read_chunk(const struct attachment_row *a, uint64_t n, struct buf *out)
{
	size_t len = chunk_size(a->size, n) + CHUNK_EXTRA;
	char path[FILE_PATH];
	uint8_t *p;
	ssize_t k = -1;
	int fd;

	fd = open(attachment_path(path, a->conf, a->file, ""),
	    O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		if ((p = buf_reserve(out, len)) != NULL)
			k = pread(fd, p, len, (off_t)(n * CHUNK_SEALED));
		close(fd);
	}
	if (k == (ssize_t)len) {
		buf_commit(out, len);
		return 0;
	}
	log_error("conf.file", "file=%s n=%llu reason=%s", a->file,
	    (unsigned long long)n,
	    log_quote(k == -1 ? strerror(errno) : "too short"));
	return SEC_ERR_SYS;
}

static int
put_key(struct conference *c, struct asker *by, const struct attachment_row *a)
{
	struct secret *fk = NULL;
	struct buf key = BUF_INIT;
	int r;

	if ((r = attachment_open_key(c->focus, a, &fk)) == 0)
		r = attachment_wrap(c, by, a->file, fk, &key);
	if (r == 0)
		line_put(&by->answer, "key", buf_cstr(&key));
	secret_free(fk);
	buf_free(&key);
	return r;
}

int
policy_download(struct conference *c, struct asker *by, const struct line *l)
{
	const struct attachment_row *a;
	uint64_t n = 0;
	int r;

	r = find_row(c, line_get_or(l, "name", ""), line_get(l, "file"), &a);
	if (r != 0) {
		by->why = r == SEC_ERR_NOTHING ? "no such file" : NULL;
		return sec_err_sip(r);
	}
	if (line_get_u64(l, "n", &n) != 0 || n >= chunk_count(a->size))
		return 400;
	line_begin(&by->answer, "ok");
	line_put(&by->answer, "file", a->file);
	line_put_u64(&by->answer, "n", n);
	line_put_u64(&by->answer, "size", a->size);
	line_put(&by->answer, "sha256", a->sha256);
	line_put_u64(&by->answer, "bytes",
	    chunk_size(a->size, n) + CHUNK_EXTRA);
	if (strcmp(line_get_or(l, "key", "0"), "1") == 0 &&
	    put_key(c, by, a) != 0) {
		by->why = "the controller cannot open the file's key";
		return 503;
	}
	line_end(&by->answer);
	if (read_chunk(a, n, &by->answer) != 0) {
		by->why = "the controller cannot read the file";
		return 503;
	}
	return 200;
}
