/*
 * One SQLite file: opening it safely, its schema, transactions, and the
 * statements that are prepared once.
 */
#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "db/db.h"
#include "db/stmt.h"

#define STMTS	128 /* power of two */
#define BUSY_MS 5000

static const char pal_sql[] =
#include "pal.sql.h"
    ;
static const char conf_sql[] =
#include "conf.sql.h"
    ;
static const char dir_sql[] =
#include "dir.sql.h"
    ;

/* From one version to the next, the oldest first. */
#define RENEWALS 2

/* 2: timed statuses, notes on PAL entries. */
static const char pal_2[] =
    "ALTER TABLE status ADD COLUMN prev_value TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE status ADD COLUMN prev_class TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE status ADD COLUMN prev_note TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX status_until ON status (until) WHERE until > 0;"
    "ALTER TABLE entry ADD COLUMN label TEXT NOT NULL DEFAULT ''";

/* 2: how a device is reached; whether packets tell how loud they are. */
static const char conf_2[] =
    "ALTER TABLE device ADD COLUMN via TEXT NOT NULL DEFAULT 'voip';"
    "ALTER TABLE conference ADD COLUMN level INTEGER NOT NULL DEFAULT 1";
/* 3: how far members have read. */
static const char conf_3[] =
    "CREATE TABLE receipt ("
    " conf TEXT NOT NULL REFERENCES conference ON DELETE CASCADE,"
    " user TEXT NOT NULL, line INTEGER NOT NULL,"
    " PRIMARY KEY (conf, user)) STRICT, WITHOUT ROWID";

static const struct schema {
	const char *name;
	int version;
	int full; /* synchronous */
	const char *sql;
	const char *renew[RENEWALS]; /* from version 1, from 2; NULL: none */
	const char *tune; /* more for who writes it, or NULL */
} schemas[] = {
	{ "pal.db", 2, 0, pal_sql, { pal_2 }, NULL },
	{ "conf.db", 3, 1, conf_sql, { conf_2, conf_3 }, NULL },
	/* An import of 100,000 people touches 100 MB: with the 2 MB that
	 * SQLite takes by itself each page is written several times. */
	{ "dir.db", 1, 0, dir_sql, { NULL }, "PRAGMA cache_size = -65536" },
};

struct db {
	sqlite3 *h;
	int depth; /* of db_begin() */
	int failed; /* the outermost commit's error */
	char why[PATH_LEN + 192];
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} cache[STMTS];
};

static const struct schema *
schema_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++)
		if (strcmp(schemas[i].name, name) == 0)
			return &schemas[i];
	return NULL;
}

int
db_schema(const char *name)
{
	const struct schema *s = schema_find(name);

	return s != NULL ? s->version : 0;
}

int
db_is_remote(unsigned long magic)
{
	static const unsigned long remote[] = {
		0x6969, /* NFS */
		0x517b, /* SMB */
		0xff534d42, 0xfe534d42, /* CIFS, SMB2 */
		0x5346414f, 0x6b414653, /* AFS */
		0x73757245, /* Coda */
		0x564c, /* NCP */
		0x00c36400, /* Ceph */
	};
	size_t i;

	/* f_type is signed and as wide as a word: compare 32 bits. */
	for (i = 0; i < sizeof(remote) / sizeof(remote[0]); i++)
		if ((magic & 0xffffffff) == remote[i])
			return 1;
	return 0;
}

/* --- errors --- */

static int
err_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE: return 0;
	case SQLITE_CONSTRAINT: return SEC_ERR_NO;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_MISMATCH:
	case SQLITE_SCHEMA:
	case SQLITE_ERROR: return SEC_ERR_DATA;
	default: return SEC_ERR_DISK;
	}
}

/* Remember what went wrong; a lost transaction is lost as a whole. */
static int
note(struct db *d, int rc)
{
	int r = err_of(rc);

	if (r == 0)
		return 0;
	snprintf(d->why, sizeof(d->why), "%.*s: %s", PATH_LEN,
	    sqlite3_db_filename(d->h, "main") != NULL ?
		sqlite3_db_filename(d->h, "main") :
		"database",
	    sqlite3_errmsg(d->h));
	if (d->depth > 0 && r != SEC_ERR_NO && d->failed == 0)
		d->failed = r;
	return r;
}

const char *
db_why(struct db *d)
{
	return d->why;
}

/* --- statements --- */

static sqlite3_stmt **
slot_of(struct db *d, const char *sql)
{
	size_t i = ((uintptr_t)sql >> 3) * 0x9e3779b1u >> 7, n;

	for (n = 0; n < STMTS; n++, i++) {
		if (d->cache[i % STMTS].sql == sql)
			return &d->cache[i % STMTS].stmt;
		if (d->cache[i % STMTS].sql == NULL) {
			d->cache[i % STMTS].sql = sql;
			return &d->cache[i % STMTS].stmt;
		}
	}
	die(10, "more than %d statements", STMTS);
}

static int
bind(struct db *d, sqlite3_stmt **out, const char *sql, const char *types,
    sqlite3_destructor_type keep, va_list ap)
{
	sqlite3_stmt **slot = slot_of(d, sql);
	const void *p;
	const char *t;
	int i, rc = SQLITE_OK;

	if (*slot == NULL &&
	    (rc = sqlite3_prepare_v3(d->h, sql, -1, SQLITE_PREPARE_PERSISTENT,
		 slot, NULL)) != SQLITE_OK)
		return note(d, rc);
	for (i = 1, t = types; *t != '\0' && rc == SQLITE_OK; t++, i++)
		switch (*t) {
		case 't':
			rc = sqlite3_bind_text(*slot, i,
			    va_arg(ap, const char *), -1, keep);
			break;
		case 'i':
			rc = sqlite3_bind_int(*slot, i, va_arg(ap, int));
			break;
		case 'l':
			rc = sqlite3_bind_int64(*slot, i, va_arg(ap, int64_t));
			break;
		case 'b':
			p = va_arg(ap, const void *);
			rc = sqlite3_bind_blob64(*slot, i, p,
			    va_arg(ap, size_t), keep);
			break;
		default: die(11, "bad statement types \"%s\"", types);
		}
	if (rc != SQLITE_OK) {
		stmt_close(*slot);
		return note(d, rc);
	}
	*out = *slot;
	return 0;
}

int
stmt_open(struct db *d, sqlite3_stmt **out, const char *sql, const char *types,
    ...)
{
	va_list ap;
	int r;

	va_start(ap, types);
	r = bind(d, out, sql, types, SQLITE_TRANSIENT, ap);
	va_end(ap);
	return r;
}

int
stmt_next(struct db *d, sqlite3_stmt *s)
{
	int rc = sqlite3_step(s);

	return rc == SQLITE_ROW ? 1 : note(d, rc);
}

void
stmt_close(sqlite3_stmt *s)
{
	(void)sqlite3_reset(s);
	(void)sqlite3_clear_bindings(s);
}

int
stmt_run(struct db *d, const char *sql, const char *types, ...)
{
	sqlite3_stmt *s;
	va_list ap;
	int r;

	/* It is over before the caller's values go: no copies. */
	va_start(ap, types);
	r = bind(d, &s, sql, types, SQLITE_STATIC, ap);
	va_end(ap);
	if (r != 0)
		return r;
	r = stmt_next(d, s);
	stmt_close(s);
	return r > 0 ? 0 : r;
}

void
stmt_text(sqlite3_stmt *s, int col, char *out, size_t size)
{
	const unsigned char *p = sqlite3_column_text(s, col);

	text_copy(out, p != NULL ? (const char *)p : "", size);
}

int
stmt_changes(struct db *d)
{
	return sqlite3_changes(d->h);
}

/* --- transactions --- */

static const char sql_begin[] = "BEGIN IMMEDIATE";
static const char sql_commit[] = "COMMIT";
static const char sql_rollback[] = "ROLLBACK";

static void
undo(struct db *d)
{
	/* A full disk may have rolled back already. */
	if (!sqlite3_get_autocommit(d->h))
		(void)stmt_run(d, sql_rollback, "");
}

int
db_begin(struct db *d)
{
	int r;

	if (d->depth == 0) {
		d->failed = 0;
		if ((r = stmt_run(d, sql_begin, "")) != 0)
			return r;
	}
	d->depth++;
	return 0;
}

int
db_commit(struct db *d)
{
	int r;

	if (d->depth > 1) {
		d->depth--;
		return d->failed;
	}
	d->depth = 0;
	if (d->failed != 0) {
		undo(d);
		return d->failed;
	}
	if ((r = stmt_run(d, sql_commit, "")) != 0) {
		char why[sizeof(d->why)];

		memcpy(why, d->why, sizeof(why));
		undo(d);
		memcpy(d->why, why, sizeof(why));
	}
	return r;
}

void
db_rollback(struct db *d)
{
	if (d->depth > 1) {
		d->depth--;
		if (d->failed == 0)
			d->failed = SEC_ERR_DATA;
		return;
	}
	d->depth = 0;
	undo(d);
}

int
db_finish(struct db *d, int r)
{
	if (r == 0)
		return db_commit(d);
	/*
	 * "No" is an answer, given before anything was written: an outer
	 * transaction lives on.
	 */
	if (d->depth > 1 && (r == SEC_ERR_NO || r == SEC_ERR_NOTHING))
		d->depth--;
	else
		db_rollback(d);
	return r;
}

/* --- opening --- */

static int
pragma_int(struct db *d, const char *sql, int *out)
{
	sqlite3_stmt *s;
	int rc;

	if ((rc = sqlite3_prepare_v2(d->h, sql, -1, &s, NULL)) != SQLITE_OK)
		return note(d, rc);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		*out = sqlite3_column_int(s, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	return note(d, rc);
}

static int
exec(struct db *d, const char *sql)
{
	return note(d, sqlite3_exec(d->h, sql, NULL, NULL, NULL));
}

/* What is new since that version; 0: all of it. */
static int
exec_schema(struct db *d, const struct schema *s, int version)
{
	int r = 0;

	if (version == 0)
		return exec(d, s->sql);
	for (; r == 0 && version < s->version; version++)
		r = exec(d, s->renew[version - 1]);
	return r;
}

/* Make the schema, or what is new in it, whole or not at all. */
static int
write_schema(struct db *d, const struct schema *s)
{
	char sql[64];
	int version, r;

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", s->version);
	if ((r = exec(d, "BEGIN EXCLUSIVE")) != 0)
		return r;
	/* Another process may have been quicker. */
	if ((r = pragma_int(d, "PRAGMA user_version", &version)) == 0 &&
	    version == s->version)
		return exec(d, "COMMIT");
	if (r != 0 || (r = exec_schema(d, s, version)) != 0 ||
	    (r = exec(d, sql)) != 0 || (r = exec(d, "COMMIT")) != 0)
		(void)sqlite3_exec(d->h, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

/* Make the schema in an empty file, renew that of an older version, or see
 * whether it is one we know. */
static int
settle_schema(struct db *d, const struct schema *s, const char *path,
    enum db_mode mode)
{
	int version = 0, tables = 0, r;

	if ((r = pragma_int(d, "PRAGMA user_version", &version)) != 0)
		return r;
	if (version == s->version)
		return 0;
	if (version > 0 && version < s->version && mode != DB_READER)
		return write_schema(d, s);
	if (version > s->version) {
		snprintf(d->why, sizeof(d->why),
		    "%s has schema %d, this "
		    "program knows %d: it is too old",
		    path, version, s->version);
		return SEC_ERR_VERSION;
	}
	r = pragma_int(d, "SELECT count(*) FROM sqlite_schema", &tables);
	if (r != 0)
		return r;
	if (version != 0 || tables != 0 || mode == DB_READER) {
		snprintf(d->why, sizeof(d->why),
		    version == 0 ?
			"%s is not a database of SEC" :
			"%s has an old schema, which its daemon renews when "
			"it starts",
		    path);
		return version == 0 ? SEC_ERR_DATA : SEC_ERR_VERSION;
	}
	return write_schema(d, s);
}

/* The file must exist with its mode before SQLite makes -wal and -shm like
 * it, so that the group's readers get theirs (LIBRARIES.md 13). */
static int
pre_create(const char *path, char *why, size_t whylen)
{
	char dir[PATH_LEN], *slash;
	struct stat st;
	int fd;

	text_copy(dir, path, sizeof(dir));
	if ((slash = strrchr(dir, '/')) != NULL)
		*slash = '\0';
	if (stat(dir, &st) != 0 && errno == ENOENT &&
	    proc_mkdirs(dir, 02771) == 0)
		(void)chmod(dir, 02771); /* whatever the umask */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
	if (fd < 0 && errno != EEXIST) {
		snprintf(why, whylen, "cannot create %s: %s", path,
		    strerror(errno));
		return SEC_ERR_DISK;
	}
	if (fd >= 0) {
		(void)fchmod(fd, 0660);
		close(fd);
	}
	return 0;
}

static int
check_place(const char *path, char *why, size_t whylen)
{
	struct statfs fs;

	if (statfs(path, &fs) == 0 && db_is_remote((unsigned long)fs.f_type)) {
		snprintf(why, whylen,
		    "%s is on a network file system, where "
		    "SQLite's locks do not hold; move it to a local disk",
		    path);
		return SEC_ERR_DISK;
	}
	return 0;
}

int
db_open(struct db **out, const char *name, enum db_mode mode, char *why,
    size_t whylen)
{
	char path[PATH_LEN];

	return db_open_at(out, path_db(path, name), name, mode, why, whylen);
}

int
db_open_at(struct db **out, const char *path, const char *name,
    enum db_mode mode, char *why, size_t whylen)
{
	const struct schema *schema = schema_find(name);
	struct db *d;
	int r, rc;

	if (schema == NULL)
		die(11, "no schema for %s", name);
	if (mode == DB_READER && access(path, F_OK) != 0) {
		snprintf(why, whylen, "there is no %s", path);
		return errno == ENOENT ? SEC_ERR_NOTHING : SEC_ERR_DISK;
	}
	if ((mode == DB_WRITER && (r = pre_create(path, why, whylen)) != 0) ||
	    (r = check_place(path, why, whylen)) != 0)
		return r;
	if ((d = calloc(1, sizeof(*d))) == NULL) {
		snprintf(why, whylen, "out of memory");
		return SEC_ERR_SYS;
	}
	rc = sqlite3_open_v2(path, &d->h,
	    (mode == DB_WRITER ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
		SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    NULL);
	if (rc != SQLITE_OK) {
		r = d->h != NULL ? note(d, rc) : SEC_ERR_SYS;
		goto fail;
	}
	(void)sqlite3_busy_timeout(d->h, BUSY_MS);
	(void)sqlite3_db_config(d->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if ((r = exec(d,
		 "PRAGMA trusted_schema = OFF;"
		 "PRAGMA foreign_keys = ON")) != 0)
		goto fail;
	if (mode == DB_WRITER &&
	    ((r = exec(d, "PRAGMA journal_mode = WAL")) != 0 ||
		(r = exec(d, "PRAGMA secure_delete = ON")) != 0 ||
		(r = exec(d,
		     schema->full ? "PRAGMA synchronous = FULL" :
				    "PRAGMA synchronous = NORMAL")) != 0 ||
		(schema->tune != NULL && (r = exec(d, schema->tune)) != 0)))
		goto fail;
	if (mode == DB_WRITER && sqlite3_db_readonly(d->h, "main") == 1) {
		snprintf(d->why, sizeof(d->why), "cannot write %s", path);
		r = SEC_ERR_DISK;
		goto fail;
	}
	if ((r = settle_schema(d, schema, path, mode)) != 0)
		goto fail;
	*out = d;
	return 0;
fail:
	text_copy(why, d->why[0] != '\0' ? d->why : "cannot open", whylen);
	db_close(d);
	return r;
}

void
db_close(struct db *d)
{
	size_t i;

	if (d == NULL)
		return;
	for (i = 0; i < STMTS; i++)
		(void)sqlite3_finalize(d->cache[i].stmt);
	(void)sqlite3_close(d->h);
	free(d);
}

int
db_copy(struct db *d, const char *to)
{
	return stmt_run(d, "VACUUM INTO ?1", "t", to);
}

int
db_in_use(const char *path)
{
	/* Every reader and writer of a database with a log holds a shared lock
	 * on it while he has it open. */
	static const char sql[] = "PRAGMA locking_mode = EXCLUSIVE;"
				  "BEGIN EXCLUSIVE; ROLLBACK";
	sqlite3 *h = NULL;
	int rc;

	rc = sqlite3_open_v2(path, &h,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(h, sql, NULL, NULL, NULL);
	(void)sqlite3_close(h);
	return (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED;
}

int
db_check(struct db *d)
{
	sqlite3_stmt *s;
	char text[128] = "";
	int rc;

	rc =
	    sqlite3_prepare_v2(d->h, "PRAGMA integrity_check(1)", -1, &s, NULL);
	if (rc != SQLITE_OK) {
		(void)note(d, rc);
		return SEC_ERR_DATA;
	}
	if (sqlite3_step(s) == SQLITE_ROW)
		stmt_text(s, 0, text, sizeof(text));
	sqlite3_finalize(s);
	if (strcmp(text, "ok") == 0)
		return 0;
	snprintf(d->why, sizeof(d->why), "integrity check: %s", text);
	return SEC_ERR_DATA;
}

int64_t
db_size(struct db *d)
{
	const char *path = sqlite3_db_filename(d->h, "main");
	char wal[PATH_LEN + 8];
	struct stat st;
	int64_t n = 0;

	if (path == NULL)
		return 0;
	if (stat(path, &st) == 0)
		n += st.st_size;
	snprintf(wal, sizeof(wal), "%s-wal", path);
	if (stat(wal, &st) == 0)
		n += st.st_size;
	return n;
}
