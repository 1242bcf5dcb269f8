/*
 * backup: what the daemons of this host have stored, in one file, while they
 * go on (story 1.30). No key is in it but those that the databases hold
 * sealed under one that stays in keys/ (SECURITY.md 3.5).
 *
 *	databases	VACUUM INTO -> stage -> integrity_check
 *	attached files	each that a row of the copy names; a row whose file
 *			went meanwhile (detach) goes from the copy
 *	all of it	FILE.XXXXXX -> fsync -> FILE, which is whole or not
 *there
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/proc.h"
#include "base/text.h"
#include "db/attachment_store.h"
#include "db/conf_store.h"

#include "admin.h"
#include "archive.h"

struct backup {
	struct cli *c;
	FILE *f;
	char stage[PATH_LEN];
	char part[PATH_LEN]; /* what FILE is called until it is whole */
	struct db *confs; /* the copy of conf.db */
	uint64_t conf; /* whose files are on their way */
	char after[ATTACHMENT_NAME];
};

/* A write, or a read of a file here, that went wrong. */
static int
fails(struct backup *b, int err, const char *what)
{
	return emit_error(cli_mode(b->c), err, "%s: %s", what,
	    errno != 0 ? strerror(errno) : "it changes meanwhile");
}

/* --- databases --- */

/* A copy that can be read. 0, SEC_ERR_NOTHING: no such database here, or an
 * exit code, told. */
static int
copy_database(struct backup *b, const char *name)
{
	char to[PATH_LEN], why[PATH_LEN + 256];
	struct db *d;
	int r;

	r = db_open(&d, name, DB_READER, why, sizeof(why));
	if (r == SEC_ERR_NOTHING)
		return r;
	if (r != 0)
		return emit_error(cli_mode(b->c), r, "%s", why);
	if ((r = db_copy(d, archive_path(to, b->stage, name))) != 0)
		snprintf(why, sizeof(why), "%s", db_why(d));
	db_close(d);
	if (r == 0 &&
	    (r = db_open_at(&d, to, name, DB_WRITER, why, sizeof(why))) == 0) {
		if ((r = db_check(d)) != 0)
			snprintf(why, sizeof(why), "%s", db_why(d));
		db_close(d);
	}
	return r != 0 ? emit_error(cli_mode(b->c), r, "%s: %s", name, why) : 0;
}

static int
copy_databases(struct backup *b)
{
	int r, n = 0;
	size_t i;

	for (i = 0; i < PLACE_DBS; i++) {
		if ((r = copy_database(b, place_dbs[i].name)) == 0)
			n++;
		else if (r != SEC_ERR_NOTHING)
			return r;
	}
	return n > 0 ? 0 :
		       emit_error(cli_mode(b->c), SEC_ERR_NOTHING,
			   "there is no database on this host");
}

/* --- attached files --- */

/* Ends the walk where a row has to go, so that none is under way then. */
static int
put_file(void *arg, const struct attachment_row *a)
{
	char name[TAR_NAME], path[PATH_LEN], top[PATH_LEN];
	struct backup *b = arg;
	int r;

	archive_file_name(name, a);
	*strrchr(path_files(top), '/') = '\0';
	r = archive_put(b->f, name, archive_path(path, top, name));
	if (r == 0 || r == SEC_ERR_NOTHING)
		text_copy(b->after, a->name, sizeof(b->after));
	return r;
}

static int
put_files_of(void *arg, const struct conf_row *c)
{
	struct backup *b = arg;
	int r;

	b->conf = c->id;
	b->after[0] = '\0';
	while ((r = attachment_each(b->confs, b->conf, b->after, put_file,
		    b)) == SEC_ERR_NOTHING)
		if ((r = attachment_rm(b->confs, b->conf, b->after)) != 0)
			break;
	return r;
}

static int
put_files(struct backup *b)
{
	char path[PATH_LEN], why[PATH_LEN + 256];
	int r;

	archive_path(path, b->stage, "conf.db");
	if (access(path, F_OK) != 0)
		return 0;
	if ((r = db_open_at(&b->confs, path, "conf.db", DB_WRITER, why,
		 sizeof(why))) != 0)
		return emit_error(cli_mode(b->c), r, "%s", why);
	errno = 0;
	if ((r = conf_each(b->confs, put_files_of, b)) != 0)
		r = fails(b, r, "attached files");
	db_close(b->confs);
	return r;
}

/* --- the whole --- */

static int
put_databases(struct backup *b)
{
	char path[PATH_LEN];
	size_t i;
	int r;

	for (i = 0; i < PLACE_DBS; i++) {
		r = archive_put(b->f, place_dbs[i].name,
		    archive_path(path, b->stage, place_dbs[i].name));
		if (r != 0 && r != SEC_ERR_NOTHING)
			return fails(b, r, place_dbs[i].name);
	}
	return 0;
}

static int
put_texts(struct backup *b)
{
	char path[PATH_LEN];
	size_t i;
	int r;

	for (i = 0; archive_texts[i] != NULL; i++) {
		r = archive_put(b->f, archive_texts[i],
		    archive_text_path(path, archive_texts[i]));
		if (r != 0 && r != SEC_ERR_NOTHING)
			return fails(b, r, path);
	}
	return 0;
}

/* The copy of conf.db is written when all its rows have their files. */
static int
put_all(struct backup *b, const char *domain)
{
	int r;

	if ((r = archive_put_head(b->f, domain)) != 0)
		return fails(b, r, b->part);
	if ((r = put_files(b)) != 0 || (r = put_databases(b)) != 0 ||
	    (r = put_texts(b)) != 0)
		return r;
	return (r = archive_put_end(b->f)) != 0 ? fails(b, r, b->part) : 0;
}

static int
part_open(struct backup *b, const char *file)
{
	int fd;

	if (snprintf(b->part, sizeof(b->part), "%s.XXXXXX", file) >= PATH_LEN)
		return emit_error(cli_mode(b->c), SEC_ERR_LIMIT, "%s: too long",
		    file);
	/* 0600: it is everybody's list of everybody. */
	if ((fd = mkostemp(b->part, O_CLOEXEC)) < 0 ||
	    (b->f = fdopen(fd, "w")) == NULL)
		return emit_error(cli_mode(b->c), SEC_ERR_DISK, "%s: %s", file,
		    strerror(errno));
	return 0;
}

/* Its name, unless somebody else was quicker. */
static int
part_name(struct backup *b, const char *file)
{
	if (link(b->part, file) == 0 ||
	    (errno != EEXIST && access(file, F_OK) != 0 &&
		rename(b->part, file) == 0)) /* no links on that disk */
		return 0;
	return emit_error(cli_mode(b->c),
	    errno == EEXIST ? SEC_ERR_NO : SEC_ERR_DISK, "%s: %s", file,
	    strerror(errno));
}

static int
write_file(struct backup *b, const char *file, const char *domain)
{
	int r;

	if ((r = part_open(b, file)) != 0)
		return r;
	if ((r = put_all(b, domain)) == 0)
		r = part_name(b, file);
	if (r == 0)
		(void)proc_sync_parent(file);
	fclose(b->f);
	(void)unlink(b->part);
	return r;
}

static void
report(struct cli *c, const char *file)
{
	char size[16];
	struct stat st;
	struct json j;

	if (cli_mode(c) == EMIT_QUIET || stat(file, &st) != 0)
		return;
	if (cli_mode(c) == EMIT_JSON) {
		json_begin(&j);
		json_int(&j, "size", st.st_size);
		json_int(&j, "schema", db_schema("conf.db"));
		json_end(&j, STDOUT_FILENO);
	} else
		emit_line("%s  schema %d  integrity ok",
		    text_bytes(size, (uint64_t)st.st_size),
		    db_schema("conf.db"));
}

int
verb_backup(struct cli *c)
{
	const char *file = cli_argv(c)[0];
	struct backup b = { .c = c };
	struct conf conf;
	int r;

	if ((r = admin_conf(c, &conf)) != 0)
		return r;
	if (access(file, F_OK) == 0)
		return emit_error(cli_mode(c), SEC_ERR_NO,
		    "%s is there already", file);
	umask(077);
	if (archive_stage(b.stage, "backup") != 0)
		return emit_error(cli_mode(c), SEC_ERR_DISK, "%s: %s", b.stage,
		    strerror(errno));
	if ((r = copy_databases(&b)) == 0 &&
	    (r = write_file(&b, file, conf.domain)) == 0)
		report(c, file);
	archive_unstage(b.stage);
	return r;
}
