/* pal.db: objects and their published attributes. */
#include "base/err.h"
#include "db/pal_object.h"
#include "db/stmt.h"

static const char sql_object_add[] =
    "INSERT INTO object (type, name, owner, title, created)"
    " VALUES (?1, ?2, ?3, ?4, ?5)";
static const char sql_object_rm[] =
    "DELETE FROM object WHERE type = ?1 AND name = ?2";
static const char sql_object_each[] =
    "SELECT type, name, owner, title, created FROM object"
    " ORDER BY type, name";
static const char sql_attribute_put[] =
    "INSERT INTO attribute (uri, name, value, by, since, until)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (uri, name) DO UPDATE"
    " SET value = ?3, by = ?4, since = ?5, until = ?6";
static const char sql_attribute_rm[] = "DELETE FROM attribute WHERE uri = ?1";
static const char sql_attribute_each[] =
    "SELECT name, value, by, since, until FROM attribute WHERE uri = ?1"
    " ORDER BY name";

int
pal_object_add(struct db *d, const struct pal_object *o)
{
	return stmt_run(d, sql_object_add, "ttttl", o->type, o->name, o->owner,
	    o->title, o->created);
}

int
pal_object_rm(struct db *d, const struct pal_object *o, const char *uri)
{
	int r;

	if ((r = db_begin(d)) != 0)
		return r;
	if ((r = stmt_run(d, sql_object_rm, "tt", o->type, o->name)) == 0 &&
	    stmt_changes(d) == 0)
		r = SEC_ERR_NOTHING;
	if (r == 0)
		r = stmt_run(d, sql_attribute_rm, "t", uri);
	return db_finish(d, r);
}

int
pal_object_each(struct db *d, int (*cb)(void *arg, const struct pal_object *o),
    void *arg)
{
	struct pal_object o;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_object_each, "")) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, o.type, sizeof(o.type));
		stmt_text(s, 1, o.name, sizeof(o.name));
		stmt_text(s, 2, o.owner, sizeof(o.owner));
		stmt_text(s, 3, o.title, sizeof(o.title));
		o.created = sqlite3_column_int64(s, 4);
		if ((r = cb(arg, &o)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

int
pal_attribute_put(struct db *d, const char *uri, const struct pal_attribute *a)
{
	return stmt_run(d, sql_attribute_put, "ttttll", uri, a->name, a->value,
	    a->by, a->since, a->until);
}

int
pal_attribute_each(struct db *d, const char *uri,
    int (*cb)(void *arg, const struct pal_attribute *a), void *arg)
{
	struct pal_attribute a;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_attribute_each, "t", uri)) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, a.name, sizeof(a.name));
		stmt_text(s, 1, a.value, sizeof(a.value));
		stmt_text(s, 2, a.by, sizeof(a.by));
		a.since = sqlite3_column_int64(s, 3);
		a.until = sqlite3_column_int64(s, 4);
		if ((r = cb(arg, &a)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}
