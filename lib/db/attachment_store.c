/*
 * conf.db: files attached to conferences.
 */
#include <string.h>

#include "base/err.h"
#include "db/attachment_store.h"
#include "db/stmt.h"

#define COLUMNS "conf, name, file, size, sha256, by, at, fk"

static const char sql_put[] =
    "INSERT INTO attachment (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
    " ?7, ?8)";
static const char sql_get[] =
    "SELECT " COLUMNS " FROM attachment WHERE conf = ?1 AND name = ?2";
static const char sql_rm[] =
    "DELETE FROM attachment WHERE conf = ?1 AND name = ?2";
static const char sql_each[] =
    "SELECT " COLUMNS " FROM attachment WHERE conf = ?1 AND name > ?2"
    " ORDER BY name";
static const char sql_sum[] =
    "SELECT count(*), coalesce(sum(size), 0) FROM attachment WHERE conf = ?1";
static const char sql_has[] =
    "SELECT 1 FROM attachment WHERE conf = ?1 AND file = ?2";

static void
attachment_of(sqlite3_stmt *s, struct attachment_row *a)
{
	const void *fk;
	int n;

	memset(a, 0, sizeof(*a));
	a->conf = conf_id_of(s, 0);
	stmt_text(s, 1, a->name, sizeof(a->name));
	stmt_text(s, 2, a->file, sizeof(a->file));
	a->size = (uint64_t)sqlite3_column_int64(s, 3);
	stmt_text(s, 4, a->sha256, sizeof(a->sha256));
	stmt_text(s, 5, a->by, sizeof(a->by));
	a->at = sqlite3_column_int64(s, 6);
	/* One that does not fit opens under no key. */
	fk = sqlite3_column_blob(s, 7);
	n = sqlite3_column_bytes(s, 7);
	if (fk != NULL && n > 0 && (size_t)n <= sizeof(a->fk)) {
		memcpy(a->fk, fk, (size_t)n);
		a->fklen = (size_t)n;
	}
}

int
attachment_put(struct db *d, const struct attachment_row *a)
{
	char id[CONF_ID_LEN];

	return stmt_run(d, sql_put, "tttlttlb", conf_id_text(a->conf, id),
	    a->name, a->file, (int64_t)a->size, a->sha256, a->by, a->at, a->fk,
	    a->fklen);
}

int
attachment_get(struct db *d, uint64_t conf, const char *name,
    struct attachment_row *out)
{
	char id[CONF_ID_LEN];
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_get, "tt", conf_id_text(conf, id),
		 name)) != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1)
		attachment_of(s, out);
	stmt_close(s);
	return r == 1 ? 0 : r == 0 ? SEC_ERR_NOTHING : r;
}

int
attachment_rm(struct db *d, uint64_t conf, const char *name)
{
	char id[CONF_ID_LEN];
	int r;

	r = stmt_run(d, sql_rm, "tt", conf_id_text(conf, id), name);
	return r == 0 && stmt_changes(d) == 0 ? SEC_ERR_NOTHING : r;
}

int
attachment_each(struct db *d, uint64_t conf, const char *after,
    int (*cb)(void *arg, const struct attachment_row *a), void *arg)
{
	struct attachment_row a;
	char id[CONF_ID_LEN];
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_each, "tt", conf_id_text(conf, id),
		 after)) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		attachment_of(s, &a);
		if ((r = cb(arg, &a)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

int
attachment_sum(struct db *d, uint64_t conf, uint64_t *count, uint64_t *bytes)
{
	char id[CONF_ID_LEN];
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_sum, "t", conf_id_text(conf, id))) != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1) {
		*count = (uint64_t)sqlite3_column_int64(s, 0);
		*bytes = (uint64_t)sqlite3_column_int64(s, 1);
	}
	stmt_close(s);
	return r == 1 ? 0 : r;
}

int
attachment_has(struct db *d, uint64_t conf, const char *file)
{
	char id[CONF_ID_LEN];
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_has, "tt", conf_id_text(conf, id),
		 file)) != 0)
		return r;
	r = stmt_next(d, s);
	stmt_close(s);
	return r == 1 ? 0 : r == 0 ? SEC_ERR_NOTHING : r;
}
