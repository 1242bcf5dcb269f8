/*
 * conf.db: conferences, their media, devices and lists.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "db/conf_store.h"
#include "db/stmt.h"

const char *
conf_id_text(uint64_t id, char out[CONF_ID_LEN])
{
	if (id == 0)
		out[0] = '\0';
	else
		snprintf(out, CONF_ID_LEN, "%016" PRIx64, id);
	return out;
}

uint64_t
conf_id_of(sqlite3_stmt *s, int col)
{
	const unsigned char *p = sqlite3_column_text(s, col);

	return p == NULL ? 0 : strtoull((const char *)p, NULL, 16);
}

/* --- conferences --- */

#define CONF_COLUMNS                                                           \
	"id, name, title, parent, persistent, owner, access,"                  \
	" codec, streams, \"select\", epoch, q_reserved, created, record,"     \
	" directory, level, history, history_from, speak, lobby"

static const char sql_insert[] =
    "INSERT INTO conference (" CONF_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5,"
    " ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
    " ?18, ?19, ?20)";
static const char sql_update[] =
    "UPDATE conference SET name = ?2, title = ?3, parent = ?4,"
    " persistent = ?5, owner = ?6, access = ?7, codec = ?8, streams = ?9,"
    " \"select\" = ?10, epoch = max(epoch, ?11),"
    " q_reserved = max(q_reserved, ?12), created = ?13, record = ?14,"
    " directory = ?15, level = ?16, history = ?17, history_from = ?18,"
    " speak = ?19, lobby = ?20 WHERE id = ?1";
static const char sql_each[] =
    "SELECT " CONF_COLUMNS " FROM conference ORDER BY id";
static const char sql_by_name[] =
    "SELECT " CONF_COLUMNS " FROM conference WHERE name = ?1";
static const char sql_delete[] = "DELETE FROM conference WHERE id = ?1";
static const char sql_bury[] =
    "INSERT OR REPLACE INTO tombstone (name, id, owner, ended)"
    " SELECT name, id, owner, ?2 FROM conference"
    " WHERE id = ?1 AND persistent = 1";
static const char sql_tombstone[] =
    "SELECT owner FROM tombstone WHERE name = ?1";
static const char sql_exhume[] = "DELETE FROM tombstone WHERE name = ?1";
/* Neither ever goes back, whatever the caller believes. */
static const char sql_epoch[] =
    "UPDATE conference SET epoch = max(epoch, ?2) WHERE id = ?1";
static const char sql_q[] =
    "UPDATE conference SET q_reserved = max(q_reserved, ?2) WHERE id = ?1";
static const char sql_leap[] =
    "UPDATE conference SET epoch = epoch + ?1, q_reserved = q_reserved + ?2";
/* A request of before the last one is answered with 500 (RFC 3261 12.2.2). */
static const char sql_leap_device[] =
    "UPDATE device SET local_cseq = local_cseq + ?1";

/* Bits of the column lobby. */
#define DOOR_LOBBY  1
#define DOOR_LOCKED 2
#define DOOR_FEW    4 /* who let people in invite, nobody else */

static int
run_conf(struct db *d, const char *sql, const struct conf_row *c)
{
	char id[CONF_ID_LEN], parent[CONF_ID_LEN];

	return stmt_run(d, sql, "ttttitttitllliiiitti", conf_id_text(c->id, id),
	    c->name, c->title, conf_id_text(c->parent, parent), c->persistent,
	    c->owner, c->access, c->codec, c->streams, c->select,
	    (int64_t)c->epoch, (int64_t)c->q_reserved, c->created, c->record,
	    c->directory, c->level, c->history,
	    c->history_from[0] != '\0' ? c->history_from : "join",
	    c->speak[0] != '\0' ? c->speak : "all",
	    (c->lobby ? DOOR_LOBBY : 0) | (c->locked ? DOOR_LOCKED : 0) |
		(c->invite_few ? DOOR_FEW : 0));
}

static void
conf_of(sqlite3_stmt *s, struct conf_row *c)
{
	c->id = conf_id_of(s, 0);
	stmt_text(s, 1, c->name, sizeof(c->name));
	stmt_text(s, 2, c->title, sizeof(c->title));
	c->parent = conf_id_of(s, 3);
	c->persistent = sqlite3_column_int(s, 4);
	stmt_text(s, 5, c->owner, sizeof(c->owner));
	stmt_text(s, 6, c->access, sizeof(c->access));
	stmt_text(s, 7, c->codec, sizeof(c->codec));
	c->streams = sqlite3_column_int(s, 8);
	stmt_text(s, 9, c->select, sizeof(c->select));
	c->epoch = (uint32_t)sqlite3_column_int64(s, 10);
	c->q_reserved = (uint32_t)sqlite3_column_int64(s, 11);
	c->created = sqlite3_column_int64(s, 12);
	c->record = sqlite3_column_int(s, 13);
	c->directory = sqlite3_column_int(s, 14);
	c->level = sqlite3_column_int(s, 15);
	c->history = sqlite3_column_int(s, 16);
	stmt_text(s, 17, c->history_from, sizeof(c->history_from));
	stmt_text(s, 18, c->speak, sizeof(c->speak));
	c->lobby = (sqlite3_column_int(s, 19) & DOOR_LOBBY) != 0;
	c->locked = (sqlite3_column_int(s, 19) & DOOR_LOCKED) != 0;
	c->invite_few = (sqlite3_column_int(s, 19) & DOOR_FEW) != 0;
}

int
conf_insert(struct db *d, const struct conf_row *c)
{
	char owner[CONF_USER];
	int r;

	if ((r = db_begin(d)) != 0)
		return r;
	/* An ended persistent conference's name is its owner's. */
	r = conf_tombstone(d, c->name, owner, sizeof(owner));
	if (r == 0 && strcmp(owner, c->owner) != 0)
		r = SEC_ERR_NO;
	else if (r == SEC_ERR_NOTHING || r == 0)
		r = run_conf(d, sql_insert, c);
	if (r == 0)
		r = stmt_run(d, sql_exhume, "t", c->name);
	return db_finish(d, r);
}

static int
one_changed(struct db *d, int r)
{
	return r != 0 ? r : stmt_changes(d) == 0 ? SEC_ERR_NOTHING : 0;
}

int
conf_update(struct db *d, const struct conf_row *c)
{
	return one_changed(d, run_conf(d, sql_update, c));
}

int
conf_forget(struct db *d, uint64_t id)
{
	char text[CONF_ID_LEN];

	return one_changed(d,
	    stmt_run(d, sql_delete, "t", conf_id_text(id, text)));
}

int
conf_delete(struct db *d, uint64_t id)
{
	char text[CONF_ID_LEN];
	int r;

	if ((r = db_begin(d)) != 0)
		return r;
	r = stmt_run(d, sql_bury, "tl", conf_id_text(id, text), clock_real());
	if (r == 0)
		r = conf_forget(d, id);
	return db_finish(d, r);
}

int
conf_each(struct db *d, int (*cb)(void *arg, const struct conf_row *c),
    void *arg)
{
	struct conf_row c;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_each, "")) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		conf_of(s, &c);
		if ((r = cb(arg, &c)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

int
conf_by_name(struct db *d, const char *name, struct conf_row *out)
{
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_by_name, "t", name)) != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1)
		conf_of(s, out);
	stmt_close(s);
	return r == 1 ? 0 : r == 0 ? SEC_ERR_NOTHING : r;
}

int
conf_tombstone(struct db *d, const char *name, char *owner, size_t ownerlen)
{
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_tombstone, "t", name)) != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1)
		stmt_text(s, 0, owner, ownerlen);
	stmt_close(s);
	return r == 1 ? 0 : r == 0 ? SEC_ERR_NOTHING : r;
}

int
conf_set_epoch(struct db *d, uint64_t id, uint32_t epoch)
{
	char text[CONF_ID_LEN];

	return one_changed(d,
	    stmt_run(d, sql_epoch, "tl", conf_id_text(id, text),
		(int64_t)epoch));
}

int
conf_set_q(struct db *d, uint64_t id, uint32_t q_reserved)
{
	char text[CONF_ID_LEN];

	return one_changed(d,
	    stmt_run(d, sql_q, "tl", conf_id_text(id, text),
		(int64_t)q_reserved));
}

int
conf_leap(struct db *d, uint32_t epochs, uint32_t clients)
{
	int r;

	if ((r = db_begin(d)) != 0)
		return r;
	if ((r = stmt_run(d, sql_leap, "ll", (int64_t)epochs,
		 (int64_t)clients)) == 0)
		r = stmt_run(d, sql_leap_device, "l", (int64_t)epochs);
	return db_finish(d, r);
}

/* --- media --- */

static const char sql_medium_put[] =
    "INSERT INTO conference_medium (conf, medium, server)"
    " VALUES (?1, ?2, ?3) ON CONFLICT (conf, medium) DO UPDATE SET"
    " server = ?3";
static const char sql_medium_rm[] =
    "DELETE FROM conference_medium WHERE conf = ?1 AND medium = ?2";
static const char sql_medium_each[] =
    "SELECT conf, medium, server FROM conference_medium"
    " ORDER BY conf, medium";

int
conf_medium_put(struct db *d, const struct conf_medium_row *m)
{
	char id[CONF_ID_LEN];

	return stmt_run(d, sql_medium_put, "tti", conf_id_text(m->conf, id),
	    m->medium, m->server);
}

int
conf_medium_rm(struct db *d, uint64_t conf, const char *medium)
{
	char id[CONF_ID_LEN];

	return one_changed(d,
	    stmt_run(d, sql_medium_rm, "tt", conf_id_text(conf, id), medium));
}

int
conf_medium_each(struct db *d,
    int (*cb)(void *arg, const struct conf_medium_row *m), void *arg)
{
	struct conf_medium_row m;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_medium_each, "")) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		m.conf = conf_id_of(s, 0);
		stmt_text(s, 1, m.medium, sizeof(m.medium));
		m.server = sqlite3_column_int(s, 2);
		if ((r = cb(arg, &m)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

/* --- devices --- */

#define DEVICE_COLUMNS                                                         \
	"conf, q, user, instance, medium, server, call_id,"                    \
	" local_tag, remote_tag, remote_uri, local_cseq, remote_cseq,"         \
	" address, via"

static const char sql_device_put[] =
    "INSERT INTO device (" DEVICE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
    " ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (conf, q) DO UPDATE SET"
    " user = ?3, instance = ?4, medium = ?5, server = ?6, call_id = ?7,"
    " local_tag = ?8, remote_tag = ?9, remote_uri = ?10, local_cseq = ?11,"
    " remote_cseq = ?12, address = ?13, via = ?14";
static const char sql_device_rm[] =
    "DELETE FROM device WHERE conf = ?1 AND q = ?2";
static const char sql_device_each[] =
    "SELECT " DEVICE_COLUMNS " FROM device ORDER BY conf, q";

int
conf_device_put(struct db *d, const struct conf_device_row *v)
{
	char id[CONF_ID_LEN];

	return stmt_run(d, sql_device_put, "tltttittttlltt",
	    conf_id_text(v->conf, id), (int64_t)v->q, v->user, v->instance,
	    v->medium, v->server, v->call_id, v->local_tag, v->remote_tag,
	    v->remote_uri, (int64_t)v->local_cseq, (int64_t)v->remote_cseq,
	    v->address, v->via[0] != '\0' ? v->via : "voip");
}

int
conf_device_rm(struct db *d, uint64_t conf, uint32_t q)
{
	char id[CONF_ID_LEN];

	return one_changed(d,
	    stmt_run(d, sql_device_rm, "tl", conf_id_text(conf, id),
		(int64_t)q));
}

int
conf_device_each(struct db *d,
    int (*cb)(void *arg, const struct conf_device_row *v), void *arg)
{
	struct conf_device_row v;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_device_each, "")) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		v.conf = conf_id_of(s, 0);
		v.q = (uint32_t)sqlite3_column_int64(s, 1);
		stmt_text(s, 2, v.user, sizeof(v.user));
		stmt_text(s, 3, v.instance, sizeof(v.instance));
		stmt_text(s, 4, v.medium, sizeof(v.medium));
		v.server = sqlite3_column_int(s, 5);
		stmt_text(s, 6, v.call_id, sizeof(v.call_id));
		stmt_text(s, 7, v.local_tag, sizeof(v.local_tag));
		stmt_text(s, 8, v.remote_tag, sizeof(v.remote_tag));
		stmt_text(s, 9, v.remote_uri, sizeof(v.remote_uri));
		v.local_cseq = (uint32_t)sqlite3_column_int64(s, 10);
		v.remote_cseq = (uint32_t)sqlite3_column_int64(s, 11);
		stmt_text(s, 12, v.address, sizeof(v.address));
		stmt_text(s, 13, v.via, sizeof(v.via));
		if ((r = cb(arg, &v)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

/* --- lists --- */

static const char sql_list_put[] =
    "INSERT OR IGNORE INTO conference_user (conf, user, list)"
    " VALUES (?1, ?2, ?3)";
static const char sql_list_rm[] =
    "DELETE FROM conference_user WHERE conf = ?1 AND user = ?2 AND list = ?3";
static const char sql_list_each[] =
    "SELECT conf, user, list FROM conference_user ORDER BY conf, user, list";

int
conf_user_put(struct db *d, uint64_t conf, const char *user, const char *list)
{
	char id[CONF_ID_LEN];

	return stmt_run(d, sql_list_put, "ttt", conf_id_text(conf, id), user,
	    list);
}

int
conf_user_rm(struct db *d, uint64_t conf, const char *user, const char *list)
{
	char id[CONF_ID_LEN];

	return one_changed(d,
	    stmt_run(d, sql_list_rm, "ttt", conf_id_text(conf, id), user,
		list));
}

int
conf_user_each(struct db *d,
    int (*cb)(void *arg, uint64_t conf, const char *user, const char *list),
    void *arg)
{
	char user[CONF_USER], list[16];
	sqlite3_stmt *s;
	uint64_t id;
	int r;

	if ((r = stmt_open(d, &s, sql_list_each, "")) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		id = conf_id_of(s, 0);
		stmt_text(s, 1, user, sizeof(user));
		stmt_text(s, 2, list, sizeof(list));
		if ((r = cb(arg, id, user, list)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}
