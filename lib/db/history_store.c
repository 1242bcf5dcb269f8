/*
 * conf.db: kept lines of text, the keys of their epochs, and how far members
 * have read.
 */
#include "base/err.h"
#include "db/history_store.h"
#include "db/stmt.h"

/* --- lines --- */

static const char sql_put[] =
    "INSERT OR IGNORE INTO history (conf, line, at, q, user, epoch, body)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
static const char sql_same[] =
    "SELECT 1 FROM history WHERE conf = ?1 AND line = ?2 AND q = ?3"
    " AND user = ?4 AND body = ?5";
static const char sql_page[] =
    "SELECT line, at, q, user, epoch, body FROM history"
    " WHERE conf = ?1 AND line < ?2 AND epoch >= ?3"
    " ORDER BY line DESC LIMIT ?4";
static const char sql_trim[] =
    "DELETE FROM history WHERE conf = ?1 AND line <= (SELECT line"
    " FROM history WHERE conf = ?1 ORDER BY line DESC LIMIT 1 OFFSET ?2)";
static const char sql_trim_keys[] =
    "DELETE FROM history_key WHERE conf = ?1 AND epoch < ?2 AND epoch NOT IN"
    " (SELECT epoch FROM history WHERE conf = ?1)";
static const char sql_drop[] = "DELETE FROM history WHERE conf = ?1";
static const char sql_drop_keys[] = "DELETE FROM history_key WHERE conf = ?1";
static const char sql_drop_receipts[] = "DELETE FROM receipt WHERE conf = ?1";
static const char sql_newest[] =
    "SELECT max(line) FROM history WHERE conf = ?1";

/* Is it the line that is there under its number? 0, SEC_ERR_NO, or another
 * SEC_ERR_*. */
static int
line_same(struct db *d, const struct history_line *l)
{
	char id[CONF_ID_LEN];
	sqlite3_stmt *s;
	int r;

	r = stmt_open(d, &s, sql_same, "tlltb", conf_id_text(l->conf, id),
	    (int64_t)l->line, (int64_t)l->q, l->user, l->body, l->n);
	if (r == 0)
		r = stmt_next(d, s);
	stmt_close(s);
	return r == 1 ? 0 : r == 0 ? SEC_ERR_NO : r;
}

int
history_put(struct db *d, const struct history_line *l)
{
	char id[CONF_ID_LEN];
	int r;

	r = stmt_run(d, sql_put, "tllltlb", conf_id_text(l->conf, id),
	    (int64_t)l->line, l->at, (int64_t)l->q, l->user, (int64_t)l->epoch,
	    l->body, l->n);
	return r == 0 && stmt_changes(d) == 0 ? line_same(d, l) : r;
}

static void
line_of(sqlite3_stmt *s, struct history_line *l)
{
	l->line = (uint64_t)sqlite3_column_int64(s, 0);
	l->at = sqlite3_column_int64(s, 1);
	l->q = (uint32_t)sqlite3_column_int64(s, 2);
	stmt_text(s, 3, l->user, sizeof l->user);
	l->epoch = (uint32_t)sqlite3_column_int64(s, 4);
	l->body = sqlite3_column_blob(s, 5);
	l->n = (size_t)sqlite3_column_bytes(s, 5);
}

int
history_page(struct db *d, uint64_t conf, uint64_t before, uint32_t from, int n,
    int (*cb)(void *arg, const struct history_line *l), void *arg)
{
	struct history_line l = { .conf = conf };
	char id[CONF_ID_LEN];
	sqlite3_stmt *s;
	int r;

	r = stmt_open(d, &s, sql_page, "tlli", conf_id_text(conf, id),
	    before == 0 ? INT64_MAX : (int64_t)before, (int64_t)from, n);
	if (r != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		line_of(s, &l);
		if ((r = cb(arg, &l)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

int
history_trim(struct db *d, uint64_t conf, int keep, uint32_t epoch)
{
	char id[CONF_ID_LEN];
	int r;

	r = stmt_run(d, sql_trim, "ti", conf_id_text(conf, id), keep);
	if (r != 0)
		return r;
	return stmt_run(d, sql_trim_keys, "tl", id, (int64_t)epoch);
}

int
history_drop(struct db *d, uint64_t conf)
{
	char id[CONF_ID_LEN];
	int r;

	if ((r = stmt_run(d, sql_drop, "t", conf_id_text(conf, id))) != 0 ||
	    (r = stmt_run(d, sql_drop_keys, "t", id)) != 0)
		return r;
	return stmt_run(d, sql_drop_receipts, "t", id);
}

int
history_newest(struct db *d, uint64_t conf, uint64_t *line)
{
	char id[CONF_ID_LEN];
	sqlite3_stmt *s;
	int r;

	*line = 0;
	r = stmt_open(d, &s, sql_newest, "t", conf_id_text(conf, id));
	if (r != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1)
		*line = (uint64_t)sqlite3_column_int64(s, 0);
	stmt_close(s);
	return r == 1 ? 0 : r;
}

/* --- keys --- */

static const char sql_key_put[] =
    "INSERT OR IGNORE INTO history_key (conf, epoch, t_e)"
    " VALUES (?1, ?2, ?3)";
static const char sql_key_get[] =
    "SELECT t_e FROM history_key WHERE conf = ?1 AND epoch = ?2";

int
history_key_put(struct db *d, uint64_t conf, uint32_t epoch, const void *sealed,
    size_t n)
{
	char id[CONF_ID_LEN];

	return stmt_run(d, sql_key_put, "tlb", conf_id_text(conf, id),
	    (int64_t)epoch, sealed, n);
}

int
history_key_get(struct db *d, uint64_t conf, uint32_t epoch, struct buf *out)
{
	char id[CONF_ID_LEN];
	sqlite3_stmt *s;
	int r;

	r = stmt_open(d, &s, sql_key_get, "tl", conf_id_text(conf, id),
	    (int64_t)epoch);
	if (r != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1)
		buf_put(out, sqlite3_column_blob(s, 0),
		    (size_t)sqlite3_column_bytes(s, 0));
	stmt_close(s);
	return r == 1 ? 0 : r == 0 ? SEC_ERR_NOTHING : r;
}

/* --- from which epoch on a user may read --- */

static const char sql_from_put[] =
    "UPDATE conference_user SET from_epoch = ?3 WHERE conf = ?1 AND"
    " user = ?2 AND list = 'invited' AND from_epoch = 0";
static const char sql_from_get[] =
    "SELECT from_epoch FROM conference_user WHERE conf = ?1 AND user = ?2"
    " AND list = 'invited'";
static const char sql_from_clear[] =
    "UPDATE conference_user SET from_epoch = 0 WHERE conf = ?1 AND user = ?2";

int
history_from_put(struct db *d, uint64_t conf, const char *user, uint32_t epoch)
{
	char id[CONF_ID_LEN];

	return stmt_run(d, sql_from_put, "ttl", conf_id_text(conf, id), user,
	    (int64_t)epoch);
}

int
history_from_get(struct db *d, uint64_t conf, const char *user, uint32_t *epoch)
{
	char id[CONF_ID_LEN];
	sqlite3_stmt *s;
	int r;

	*epoch = 0;
	r = stmt_open(d, &s, sql_from_get, "tt", conf_id_text(conf, id), user);
	if (r != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1)
		*epoch = (uint32_t)sqlite3_column_int64(s, 0);
	stmt_close(s);
	return r == 1 ? 0 : r;
}

int
history_from_clear(struct db *d, uint64_t conf, const char *user)
{
	char id[CONF_ID_LEN];

	return stmt_run(d, sql_from_clear, "tt", conf_id_text(conf, id), user);
}

/* --- how far members have read --- */

static const char sql_receipt_put[] =
    "INSERT INTO receipt (conf, user, line) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (conf, user) DO UPDATE SET line = max(line, excluded.line)";
static const char sql_receipt_rm[] =
    "DELETE FROM receipt WHERE conf = ?1 AND user = ?2";
static const char sql_receipt_each[] = "SELECT conf, user, line FROM receipt";

int
receipt_put(struct db *d, uint64_t conf, const char *user, uint64_t line)
{
	char id[CONF_ID_LEN];

	return stmt_run(d, sql_receipt_put, "ttl", conf_id_text(conf, id), user,
	    (int64_t)line);
}

int
receipt_rm(struct db *d, uint64_t conf, const char *user)
{
	char id[CONF_ID_LEN];

	return stmt_run(d, sql_receipt_rm, "tt", conf_id_text(conf, id), user);
}

int
receipt_each(struct db *d,
    int (*cb)(void *arg, uint64_t conf, const char *user, uint64_t line),
    void *arg)
{
	char user[CONF_USER];
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_receipt_each, "")) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 1, user, sizeof user);
		r = cb(arg, conf_id_of(s, 0), user,
		    (uint64_t)sqlite3_column_int64(s, 2));
		if (r != 0)
			break;
	}
	stmt_close(s);
	return r;
}
