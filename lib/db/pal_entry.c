/*
 * pal.db: PAL entries.
 */
#include "base/err.h"
#include "db/pal_entry.h"
#include "db/stmt.h"

static const char sql_put[] =
    "INSERT INTO entry (owner, uri, id, attrs, added, label)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (owner, uri) DO UPDATE SET"
    " id = ?3, attrs = ?4, label = ?6";
static const char sql_rm[] = "DELETE FROM entry WHERE owner = ?1 AND uri = ?2";
static const char sql_each[] =
    "SELECT owner, uri, id, attrs, added, label FROM entry WHERE owner = ?1"
    " ORDER BY added, uri";
static const char sql_watchers[] =
    "SELECT owner, added FROM entry WHERE uri = ?1 AND owner > ?2"
    " ORDER BY owner";

int
pal_entry_put(struct db *d, const struct pal_entry_row *e)
{
	return stmt_run(d, sql_put, "ttttlt", e->owner, e->uri, e->id, e->attrs,
	    e->added, e->label);
}

int
pal_entry_rm(struct db *d, const char *owner, const char *uri)
{
	int r = stmt_run(d, sql_rm, "tt", owner, uri);

	return r != 0 ? r : stmt_changes(d) == 0 ? SEC_ERR_NOTHING : 0;
}

int
pal_entry_each(struct db *d, const char *owner,
    int (*cb)(void *arg, const struct pal_entry_row *e), void *arg)
{
	struct pal_entry_row e;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_each, "t", owner)) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, e.owner, sizeof(e.owner));
		stmt_text(s, 1, e.uri, sizeof(e.uri));
		stmt_text(s, 2, e.id, sizeof(e.id));
		stmt_text(s, 3, e.attrs, sizeof(e.attrs));
		e.added = sqlite3_column_int64(s, 4);
		stmt_text(s, 5, e.label, sizeof(e.label));
		if ((r = cb(arg, &e)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

int
pal_entry_watchers(struct db *d, const char *uri, const char *after,
    int (*cb)(void *arg, const char *owner, int64_t added), void *arg)
{
	char owner[PAL_NAME];
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_watchers, "tt", uri, after)) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, owner, sizeof(owner));
		if ((r = cb(arg, owner, sqlite3_column_int64(s, 1))) != 0)
			break;
	}
	stmt_close(s);
	return r;
}
