/*
 * attachment: the files of a conference: who has attached what, where it
 * lies, under which key; taking one away, and what is left over.
 */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/blob.h"
#include "crypto/chunk.h"
#include "crypto/seal.h"
#include "crypto/wrap.h"
#include "wire/base64.h"
#include "wire/line.h"

#include "attachment.h"
#include "download.h"
#include "upload.h"

#define LIST_BYTES 98304 /* of one answer */

char *
attachment_path(char out[FILE_PATH], uint64_t conf, const char *file,
    const char *suffix)
{
	char dir[PATH_LEN];

	snprintf(out, FILE_PATH, "%s/%016" PRIx64 "/%s%s", path_files(dir),
	    conf, file, suffix);
	return out;
}

/* --- keys --- */

/* Table, column, row and owner: no other row's key opens in its place. */
static void
key_place(const struct attachment_row *a, char *out, size_t n)
{
	snprintf(out, n, "attachment|fk|%s|%016" PRIx64, a->file, a->conf);
}

int
attachment_seal_key(struct focus *f, struct attachment_row *a,
    const struct secret *fk)
{
	struct buf blob = BUF_INIT;
	char place[96];
	int r;

	if ((r = dbk_need(f)) != 0)
		return r;
	key_place(a, place, sizeof place);
	blob_seal(&blob, f->dbk, place, strlen(place), fk, clock_real());
	if ((r = buf_error(&blob)) == 0 && buf_len(&blob) > sizeof a->fk)
		r = SEC_ERR_LIMIT;
	if (r == 0) {
		memcpy(a->fk, buf_data(&blob), buf_len(&blob));
		a->fklen = buf_len(&blob);
	}
	buf_free(&blob);
	return r;
}

int
attachment_open_key(struct focus *f, const struct attachment_row *a,
    struct secret **fk)
{
	char place[96];
	int r;

	if ((r = dbk_need(f)) != 0)
		return r;
	key_place(a, place, sizeof place);
	r = blob_open(a->fk, a->fklen, f->dbk, place, strlen(place), fk);
	if (r != 0)
		log_error("conf.file", "file=%s reason=%s", a->file,
		    log_quote("its key is not sealed under this storage key"));
	return r;
}

static const struct session *
session_of(const struct conference *c, const struct asker *by)
{
	return session_find(c->focus, by->user, by->instance);
}

int
attachment_wrap(const struct conference *c, const struct asker *by,
    const char *file, const struct secret *fk, struct buf *out)
{
	const struct session *s = session_of(c, by);
	const struct holder_key *k;
	struct buf blob = BUF_INIT;
	struct wrap w = { KDF_FILE_WRAP, 1, NULL, file, c->uri };

	if (s == NULL || (k = holder_settled(&s->held))->secret == NULL)
		return SEC_ERR_SUBKEY;
	w.kc = k->secret;
	wrap_put(&blob, &w, k->id, fk, clock_real());
	base64_put(out, buf_data(&blob), buf_len(&blob));
	buf_free(&blob);
	return buf_error(out);
}

/* His key of this id, if he has it still. */
static const struct secret *
key_of(const struct session *s, uint32_t id)
{
	if (s == NULL)
		return NULL;
	if (s->held.key.secret != NULL && s->held.key.id == id)
		return s->held.key.secret;
	return s->held.old.id == id ? s->held.old.secret : NULL;
}

int
attachment_unwrap(const struct conference *c, const struct asker *by,
    const char *file, const char *b64, struct secret **fk)
{
	struct wrap w = { KDF_FILE_WRAP, 0, NULL, file, c->uri };
	struct buf blob = BUF_INIT;
	uint32_t keyid;
	int64_t time;
	int r;

	if ((r = base64_decode(&blob, b64, strlen(b64))) != 0 ||
	    (r = wrap_keyid(buf_data(&blob), buf_len(&blob), &keyid)) != 0)
		goto out;
	r = SEC_ERR_SUBKEY;
	if ((w.kc = key_of(session_of(c, by), keyid)) == NULL ||
	    (r = wrap_get(buf_data(&blob), buf_len(&blob), &w, fk, &time)) != 0)
		goto out;
	if (!seal_time_allows(time, clock_real()))
		r = SEC_ERR_EXPIRED;
	else if (secret_size(*fk) != FILE_KEY)
		r = SEC_ERR_FORMAT;
	if (r != 0) {
		secret_free(*fk);
		*fk = NULL;
	}
out:
	buf_free(&blob);
	return r;
}

/* --- files: what there is --- */

static int
put_row(void *arg, const struct attachment_row *a)
{
	struct buf *out = arg;

	if (buf_len(out) > LIST_BYTES)
		return SEC_ERR_LIMIT;
	line_begin(out, "row");
	line_put(out, "name", a->name);
	line_put(out, "file", a->file);
	line_put_u64(out, "size", a->size);
	line_put(out, "sha256", a->sha256);
	line_put(out, "by", a->by);
	line_put_u64(out, "at", (uint64_t)a->at);
	line_end(out);
	return 0;
}

int
policy_files(struct conference *c, struct asker *by, const struct line *l)
{
	const char *name = line_get(l, "name");
	struct db *db = c->focus->s->db;
	struct attachment_row a;
	int r;

	if (name == NULL)
		r = attachment_each(db, c->row.id, line_get_or(l, "after", ""),
		    put_row, &by->answer);
	else if ((r = attachment_get(db, c->row.id, name, &a)) == 0)
		(void)put_row(&by->answer, &a);
	else if (r == SEC_ERR_NOTHING)
		by->why = "no such file";
	if (r != 0 && r != SEC_ERR_LIMIT)
		return sec_err_sip(r);
	line_begin(&by->answer, "ok");
	if (r == SEC_ERR_LIMIT)
		line_put(&by->answer, "more", "1");
	line_end(&by->answer);
	return 200;
}

/* --- events --- */

void
attachment_tell(struct focus *f, const char *what,
    const struct attachment_row *a, const char *by)
{
	struct conference *c = conf_find_id(f, a->conf);
	struct buf line = BUF_INIT;
	struct device *d;

	if (c == NULL)
		return;
	line_begin(&line, "file");
	line_put(&line, "what", what);
	line_put(&line, "name", a->name);
	line_put_u64(&line, "size", a->size);
	line_put(&line, "sha256", a->sha256);
	line_put(&line, "user", by);
	line_end(&line);
	TAILQ_FOREACH(d, &c->device_list, entry)
		device_tell(d, "sec-file", &line);
	buf_free(&line);
}

/* --- detach --- */

struct detached {
	struct attachment_row row;
	char by[URI_MAX];
};

static void
remove_file(struct focus *f, uint64_t id, int err)
{
	struct detached *g = map_del_u64(f->detached, id);
	char path[FILE_PATH];

	if (err == 0)
		attachment_tell(f, "detached", &g->row, g->by);
	if (err == 0 &&
	    unlink(attachment_path(path, g->row.conf, g->row.file, "")) != 0)
		log_error("conf.file", "file=%s reason=%s", g->row.file,
		    log_quote(strerror(errno)));
	free(g);
}

int
policy_detach(struct conference *c, struct asker *by, const struct line *l)
{
	const char *name = line_get_or(l, "name", "");
	struct focus *f = c->focus;
	struct attachment_row a;
	struct detached *g;
	int r;

	if (rank_of(c, by->user) < RANK_OWNER &&
	    conf_member(c, by->user) == NULL)
		return policy_forbids(c, by, RANK_MEMBER);
	if ((r = attachment_get(f->s->db, c->row.id, name, &a)) != 0) {
		by->why = r == SEC_ERR_NOTHING ? "no such file" : NULL;
		return sec_err_sip(r);
	}
	if (strcmp(a.by, by->user) != 0 && rank_of(c, by->user) < RANK_OWNER) {
		by->why = "only who attached it and the owner may do that";
		return 403;
	}
	if ((g = calloc(1, sizeof *g)) == NULL || commit_begin(f) != 0 ||
	    attachment_rm(f->s->db, c->row.id, name) != 0) {
		free(g);
		return 503;
	}
	downloads_forget(f, c->row.id, a.file);
	/* The bytes go when nobody can ask for them any more. */
	g->row = a;
	text_copy(g->by, by->user, sizeof g->by);
	map_put_u64(f->detached, ++f->next_op, g);
	commit_then(f, remove_file, f->next_op);
	log_info("conf.detach", "conf=%s user=%s file=%s",
	    log_quote(c->row.name), log_quote(by->user), a.file);
	return 200;
}

/* --- what is left over --- */

/* Every entry of this directory for which cb says so is removed. */
static void
clear_directory(const char *dir, int (*goes)(void *arg, const char *name),
    void *arg)
{
	char path[FILE_PATH + 256];
	struct dirent *e;
	DIR *d;

	if ((d = opendir(dir)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || !goes(arg, e->d_name))
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (unlink(path) != 0)
			log_error("conf.file", "path=%s reason=%s",
			    log_quote(path), log_quote(strerror(errno)));
	}
	closedir(d);
}

static int
all_go(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return 1;
}

/* Where the files of this conference are. */
static char *
directory_of(char out[FILE_PATH], uint64_t conf)
{
	attachment_path(out, conf, "", "");
	out[strlen(out) - 1] = '\0';
	return out;
}

static void
remove_all(uint64_t conf)
{
	char dir[FILE_PATH];

	clear_directory(directory_of(dir, conf), all_go, NULL);
	if (rmdir(dir) != 0 && errno != ENOENT)
		log_error("conf.file", "path=%s reason=%s", log_quote(dir),
		    log_quote(strerror(errno)));
}

static void
conf_gone(struct focus *f, uint64_t conf, int err)
{
	if (err == 0 && conf_find_id(f, conf) == NULL)
		remove_all(conf);
}

void
attachments_end(struct conference *c)
{
	uploads_end(c, NULL);
	if (c->row.persistent)
		commit_then(c->focus, conf_gone, c->row.id);
}

struct sweep {
	struct focus *f;
	uint64_t conf;
};

/* No row has it: it never came to its end, or was on its way out. */
static int
is_stray(void *arg, const char *name)
{
	const struct sweep *w = arg;

	return !file_id_is(name) ||
	    attachment_has(w->f->s->db, w->conf, name) == SEC_ERR_NOTHING;
}

void
attachments_sweep(struct focus *f)
{
	char top[PATH_LEN], dir[FILE_PATH], *end;
	struct sweep w = { .f = f };
	struct dirent *e;
	DIR *d;

	if ((d = opendir(path_files(top))) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		w.conf = strtoull(e->d_name, &end, 16);
		if (end != e->d_name + 16 || *end != '\0')
			continue;
		if (conf_find_id(f, w.conf) == NULL)
			remove_all(w.conf);
		else
			clear_directory(directory_of(dir, w.conf), is_stray,
			    &w);
	}
	closedir(d);
}
