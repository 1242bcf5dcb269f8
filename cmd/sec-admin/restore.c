/*
 * restore: what backup wrote, in the place of what is here (story 1.30).
 *
 *	FILE -> stage	nothing but what backup writes, whole
 *	stage		databases of a schema that we know or renew, sound,
 *			with every file that their rows name; epochs and
 *			client numbers leap over those that came after FILE
 *	here -> before-restore/, stage -> here; all of it, or all back
 *
 * Whoever is cut off between the last two does it again: what he has by then
 * goes to before-restore.2/.
 */
#include <sys/stat.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/proc.h"
#include "base/text.h"
#include "crypto/chunk.h"
#include "db/attachment_store.h"
#include "db/conf_store.h"
#include "db/pal_store.h"
#include "wire/servers.h"

#include "admin.h"
#include "archive.h"

/* Agents refuse a key generation, and servers a client number, that was there
 * before: those that came after the backup are leapt over. */
#define EPOCH_LEAP 65536
#define Q_LEAP	   4096

#define CALL_MS 2000
/* Of a database its log and the log's index; files; and all once more. */
#define MOVES (PLACE_DBS * 4 + 2)

struct move {
	char from[PATH_LEN], to[PATH_LEN];
};

struct restore {
	struct cli *c;
	struct archive_in in;
	const char *file;
	char stage[PATH_LEN];
	char before[PATH_LEN];
	struct db *d; /* the one that is looked at */
	unsigned users, persistent;
	struct move move[MOVES];
	size_t moves;
};

static int
fails(struct restore *s, int err, const char *path)
{
	return emit_error(cli_mode(s->c), err, "%s: %s", path, strerror(errno));
}

/* --- who is there --- */

/* A daemon goes on with what it has in its memory. */
static int
nobody_runs(struct restore *s)
{
	static struct servers all;
	char path[PATH_LEN], why[512];
	size_t i;

	if (servers_read(&all, path_servers(path), why, sizeof(why)) != 0)
		return 0;
	for (i = 0; i < all.n; i++)
		if (admin_call(all.server[i].name, "status", NULL, CALL_MS,
			NULL, NULL, why, sizeof(why)) != SEC_ERR_UNREACHABLE)
			return emit_error(cli_mode(s->c), SEC_ERR_NO,
			    "%s runs; stop it first", all.server[i].name);
	return 0;
}

static int
nobody_reads(struct restore *s)
{
	char path[PATH_LEN];
	size_t i;

	for (i = 0; i < PLACE_DBS; i++)
		if (db_in_use(path_db(path, place_dbs[i].name)))
			return emit_error(cli_mode(s->c), SEC_ERR_NO,
			    "%s is in use; stop the daemons first", path);
	return 0;
}

static int
nobody_objects(struct restore *s)
{
	return archive_stopped() ? emit_error(cli_mode(s->c), SEC_ERR_SYS,
				       "%s: interrupted", s->file) :
				   nobody_reads(s);
}

/* --- FILE -> stage --- */

/* files/CONF/FILE: its directories. */
static int
make_parents(struct restore *s, const char *name)
{
	char path[PATH_LEN];

	*strrchr(archive_path(path, s->stage, name), '/') = '\0';
	return proc_mkdirs(path, 0700) == 0 ? 0 : fails(s, SEC_ERR_DISK, path);
}

static int
unpack_one(struct restore *s, const struct tar_entry *e)
{
	enum archive_kind kind = archive_kind(e->name);
	char path[PATH_LEN];
	int r;

	if (kind == ARCHIVE_NONE)
		return emit_error(cli_mode(s->c), SEC_ERR_DATA,
		    "%s: %s in it is nothing that backup writes", s->file,
		    e->name);
	if (kind == ARCHIVE_FILE && (r = make_parents(s, e->name)) != 0)
		return r;
	r = archive_get_bytes(&s->in, e, archive_path(path, s->stage, e->name));
	return r == 0 ?
	    0 :
	    emit_error(cli_mode(s->c), r, "%s: %s", s->file, s->in.why);
}

static int
unpack(struct restore *s, const char *domain)
{
	struct tar_entry e;
	char theirs[256];
	int r, code;

	r = archive_get_head(&s->in, theirs, sizeof(theirs));
	if (r == 0 && strcmp(theirs, domain) != 0)
		return emit_error(cli_mode(s->c), SEC_ERR_DATA,
		    "%s: of domain %s, and this is %s", s->file, theirs,
		    domain);
	while (r == 0 && (r = archive_get(&s->in, &e)) == 0)
		if ((code = unpack_one(s, &e)) != 0)
			return code;
	return r == SEC_ERR_NOTHING ?
	    0 :
	    emit_error(cli_mode(s->c), r, "%s: %s", s->file, s->in.why);
}

/* --- stage: is it good? --- */

static int
count_user(void *arg, const struct pal_user *u)
{
	(void)u;
	((struct restore *)arg)->users++;
	return 0;
}

static int
look_at_file(void *arg, const struct attachment_row *a)
{
	char name[TAR_NAME], path[PATH_LEN];
	struct restore *s = arg;
	struct stat st;

	archive_file_name(name, a);
	if (stat(archive_path(path, s->stage, name), &st) == 0 &&
	    (uint64_t)st.st_size == chunk_stored(a->size))
		return 0;
	return emit_error(cli_mode(s->c), SEC_ERR_DATA,
	    "%s: an attached file is not in it, or not all of it: %s", s->file,
	    name);
}

static int
look_at_conf(void *arg, const struct conf_row *c)
{
	struct restore *s = arg;

	s->persistent += c->persistent != 0;
	return attachment_each(s->d, c->id, "", look_at_file, s);
}

static int
raise_one(void *arg, const struct conf_row *here)
{
	struct restore *s = arg;
	int r;

	if ((r = conf_set_epoch(s->d, here->id, here->epoch)) == 0)
		r = conf_set_q(s->d, here->id, here->q_reserved);
	return r == SEC_ERR_NOTHING ? 0 : r;
}

/* Over what was used here since, as far as that can still be read: a second
 * restore of the same file does not go back behind the first. */
static int
leap(struct restore *s)
{
	char why[PATH_LEN + 256];
	struct db *here;

	if (db_open(&here, "conf.db", DB_READER, why, sizeof(why)) == 0) {
		(void)conf_each(here, raise_one, s);
		db_close(here);
	}
	return conf_leap(s->d, EPOCH_LEAP, Q_LEAP);
}

static int
look_inside(struct restore *s, const char *name)
{
	int r;

	if ((r = db_check(s->d)) != 0)
		return r;
	if (strcmp(name, "pal.db") == 0)
		return pal_user_each(s->d, count_user, s);
	if (strcmp(name, "conf.db") != 0)
		return 0;
	if ((r = conf_each(s->d, look_at_conf, s)) != 0)
		return r;
	return leap(s);
}

/* What db says of it, who knows it by where it lies for the moment. */
static int
bad_db(struct restore *s, const char *name, int err, const char *why)
{
	size_t n = strlen(s->stage);

	if (strncmp(why, s->stage, n) == 0)
		return emit_error(cli_mode(s->c), err, "%s: %s", s->file,
		    why + n + 1);
	return emit_error(cli_mode(s->c), err, "%s: %s: %s", s->file, name,
	    why);
}

/* Its writer renews an old schema, as the daemon would. */
static int
prepare_db(struct restore *s, const struct place_db *db)
{
	char path[PATH_LEN], why[PATH_LEN + 256];
	int r;

	if (access(archive_path(path, s->stage, db->name), F_OK) != 0)
		return 0;
	if ((r = db_open_at(&s->d, path, db->name, DB_WRITER, why,
		 sizeof(why))) != 0)
		return bad_db(s, db->name, r, why);
	/* An exit code has been told already. */
	if ((r = look_inside(s, db->name)) < 0)
		r = bad_db(s, db->name, r, db_why(s->d));
	db_close(s->d);
	place_give(path, db->user, "sec", 0660);
	return r;
}

static int
give_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)type;
	(void)place;
	place_give(path, "sec-confctl", "sec",
	    S_ISDIR(st->st_mode) ? 0700 : 0600);
	return 0;
}

static int
prepare(struct restore *s)
{
	char path[PATH_LEN];
	size_t i;
	int r;

	for (i = 0; i < PLACE_DBS; i++)
		if ((r = prepare_db(s, &place_dbs[i])) != 0)
			return r;
	/* ENOENT: no files were attached. */
	(void)nftw(archive_path(path, s->stage, "files"), give_one, 16,
	    FTW_PHYS);
	return 0;
}

/* --- here -> before-restore/, stage -> here --- */

static int
move(struct restore *s, const char *from, const char *to)
{
	struct move *m = &s->move[s->moves];

	if (rename(from, to) != 0)
		return errno == ENOENT ? 0 : fails(s, SEC_ERR_DISK, from);
	text_copy(m->from, from, sizeof(m->from));
	text_copy(m->to, to, sizeof(m->to));
	s->moves++;
	return 0;
}

static int
move_away(struct restore *s, const char *name)
{
	char here[PATH_LEN], there[PATH_LEN];

	return move(s, path_db(here, name),
	    archive_path(there, s->before, name));
}

static int
move_in(struct restore *s, const char *name)
{
	char here[PATH_LEN], there[PATH_LEN];

	return move(s, archive_path(there, s->stage, name),
	    path_db(here, name));
}

static int
move_databases(struct restore *s)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	char name[32];
	size_t i, j;
	int r;

	for (i = 0; i < PLACE_DBS; i++) {
		for (j = 0; j < sizeof(parts) / sizeof(parts[0]); j++) {
			snprintf(name, sizeof(name), "%s%s", place_dbs[i].name,
			    parts[j]);
			if ((r = move_away(s, name)) != 0)
				return r;
		}
		if ((r = move_in(s, place_dbs[i].name)) != 0)
			return r;
	}
	return 0;
}

/* Of a file on what may be another disk: the copy, or none either. */
static int
copy_text(struct restore *s, const char *from, const char *to)
{
	char *text;
	size_t n;
	int r;

	r = proc_read_file(from, 16 << 20, &text, &n);
	if (r == SEC_ERR_NOTHING)
		return unlink(to) == 0 || errno == ENOENT ?
		    0 :
		    fails(s, SEC_ERR_DISK, to);
	if (r != 0)
		return fails(s, r, from);
	r = proc_write_file(to, text, n, 0644);
	free(text);
	return r == 0 ? 0 : fails(s, r, to);
}

/* All of them from one directory of ours, or to it. */
static int
texts_to(struct restore *s, const char *dir)
{
	char here[PATH_LEN], there[PATH_LEN];
	const char *const *t;
	int r;

	for (t = archive_texts; *t != NULL; t++)
		if ((r = copy_text(s, archive_text_path(here, *t),
			 archive_path(there, dir, *t))) != 0)
			return r;
	return 0;
}

static int
texts_from(struct restore *s, const char *dir)
{
	char here[PATH_LEN], there[PATH_LEN];
	const char *const *t;
	int r;

	for (t = archive_texts; *t != NULL; t++)
		if ((r = copy_text(s, archive_path(there, dir, *t),
			 archive_text_path(here, *t))) != 0)
			return r;
	return 0;
}

/* before-restore, or the next that is free. */
static int
make_before(struct restore *s)
{
	char name[32] = "before-restore";
	int n;

	for (n = 2; mkdir(path_db(s->before, name), 0700) != 0; n++) {
		if (errno != EEXIST || n > 999)
			return fails(s, SEC_ERR_DISK, s->before);
		snprintf(name, sizeof(name), "before-restore.%d", n);
	}
	return 0;
}

static void
undo(struct restore *s)
{
	while (s->moves-- > 0)
		if (rename(s->move[s->moves].to, s->move[s->moves].from) != 0)
			(void)fails(s, SEC_ERR_DISK, s->move[s->moves].to);
	(void)texts_from(s, s->before);
	archive_unstage(s->before);
}

static int
swap(struct restore *s)
{
	char here[PATH_LEN];
	int r;

	if ((r = make_before(s)) != 0)
		return r;
	if ((r = texts_to(s, s->before)) != 0) {
		archive_unstage(s->before);
		return r;
	}
	if ((r = move_databases(s)) != 0 || (r = move_away(s, "files")) != 0 ||
	    (r = move_in(s, "files")) != 0 ||
	    (r = texts_from(s, s->stage)) != 0) {
		undo(s);
		return r;
	}
	(void)proc_sync_parent(path_db(here, "files"));
	return 0;
}

/* --- the whole --- */

static void
report(struct restore *s)
{
	const char *kept = strrchr(s->before, '/') + 1;
	struct json j;

	/* Nothing was there: nothing is kept. */
	if (rmdir(s->before) == 0)
		kept = NULL;
	if (cli_mode(s->c) == EMIT_JSON) {
		json_begin(&j);
		json_int(&j, "schema", db_schema("conf.db"));
		json_int(&j, "users", s->users);
		json_int(&j, "persistent", s->persistent);
		if (kept != NULL)
			json_str(&j, "kept", s->before);
		json_end(&j, STDOUT_FILENO);
	} else if (cli_mode(s->c) == EMIT_TABLE)
		emit_line("schema %d  %u user%s  %u persistent conference%s"
			  "%s%s%s",
		    db_schema("conf.db"), s->users, text_plural(s->users),
		    s->persistent, text_plural(s->persistent),
		    kept != NULL ? "  (old files kept in " : "",
		    kept != NULL ? kept : "", kept != NULL ? "/)" : "");
}

static int
run(struct restore *s, const char *domain)
{
	int r;

	if (archive_stage(s->stage, "restore") != 0)
		return fails(s, SEC_ERR_DISK, s->stage);
	if ((r = unpack(s, domain)) == 0 && (r = prepare(s)) == 0 &&
	    (r = nobody_objects(s)) == 0 && (r = swap(s)) == 0)
		report(s);
	archive_unstage(s->stage);
	return r;
}

int
verb_restore(struct cli *c)
{
	static struct restore s;
	struct conf conf;
	int r;

	s.c = c;
	s.file = cli_argv(c)[0];
	if ((r = admin_conf(c, &conf)) != 0 || (r = nobody_runs(&s)) != 0)
		return r;
	if ((s.in.f = fopen(s.file, "re")) == NULL)
		return fails(&s,
		    errno == ENOENT ? SEC_ERR_NOTHING : SEC_ERR_DENIED, s.file);
	umask(077);
	r = run(&s, conf.domain);
	fclose(s.in.f);
	return r;
}
