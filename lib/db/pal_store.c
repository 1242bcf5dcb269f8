/*
 * pal.db: users, bindings, preferences, status, subscriptions.
 */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "db/pal_store.h"
#include "db/stmt.h"

/* --- users --- */

static const char sql_user_seen[] =
    "INSERT INTO user (user, created, seen) VALUES (?1, ?2, ?2)"
    " ON CONFLICT (user) DO UPDATE SET seen = ?2";
static const char sql_user_put[] =
    "INSERT INTO user (user, title, known, disabled, created, seen)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (user) DO UPDATE SET"
    " title = ?2, known = ?3, disabled = ?4, created = ?5, seen = ?6";
static const char sql_user_rm[] = "DELETE FROM user WHERE user = ?1";
static const char sql_user_rm_subs[] =
    "DELETE FROM subscription WHERE user = ?1";
static const char sql_user_get[] =
    "SELECT user, title, known, disabled, created, seen FROM user"
    " WHERE user = ?1";
static const char sql_user_each[] =
    "SELECT user, title, known, disabled, created, seen FROM user"
    " ORDER BY user";

static void
user_row(sqlite3_stmt *s, struct pal_user *u)
{
	stmt_text(s, 0, u->user, sizeof(u->user));
	stmt_text(s, 1, u->title, sizeof(u->title));
	u->known = sqlite3_column_int(s, 2);
	u->disabled = sqlite3_column_int(s, 3);
	u->created = sqlite3_column_int64(s, 4);
	u->seen = sqlite3_column_int64(s, 5);
}

int
pal_user_get(struct db *d, const char *user, struct pal_user *out)
{
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_user_get, "t", user)) != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1)
		user_row(s, out);
	stmt_close(s);
	return r == 1 ? 0 : r == 0 ? SEC_ERR_NOTHING : r;
}

int
pal_user_put(struct db *d, const struct pal_user *u)
{
	return stmt_run(d, sql_user_put, "ttiill", u->user, u->title, u->known,
	    u->disabled, u->created, u->seen);
}

int
pal_user_rm(struct db *d, const char *user)
{
	int r;

	if ((r = db_begin(d)) != 0)
		return r;
	if ((r = stmt_run(d, sql_user_rm, "t", user)) == 0 &&
	    stmt_changes(d) == 0)
		r = SEC_ERR_NOTHING;
	if (r == 0)
		r = stmt_run(d, sql_user_rm_subs, "t", user);
	return db_finish(d, r);
}

int
pal_user_each(struct db *d, int (*cb)(void *arg, const struct pal_user *u),
    void *arg)
{
	struct pal_user u;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_user_each, "")) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		user_row(s, &u);
		if ((r = cb(arg, &u)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

/* --- registrations --- */

static const char sql_binding_put[] =
    "INSERT INTO binding (user, instance, via, contact, media, since, until)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    " ON CONFLICT (user, instance) DO UPDATE SET via = ?3, contact = ?4,"
    " media = ?5, until = ?7";
static const char sql_binding_rm[] =
    "DELETE FROM binding WHERE user = ?1 AND instance = ?2";
static const char sql_binding_ended[] =
    "SELECT user, instance FROM binding WHERE until <= ?1";
static const char sql_binding_expire[] =
    "DELETE FROM binding WHERE until <= ?1";
static const char sql_binding_each[] =
    "SELECT user, instance, via, contact, media, since, until FROM binding"
    " ORDER BY user, since, instance";
static const char sql_binding_of[] =
    "SELECT user, instance, via, contact, media, since, until FROM binding"
    " WHERE user = ?1 ORDER BY since, instance";
static const char sql_reach_rm[] = "DELETE FROM preference WHERE user = ?1";
static const char sql_reach_put[] =
    "INSERT OR REPLACE INTO preference (user, ord, media, by, tel)"
    " VALUES (?1, ?2, ?3, ?4, ?5)";
static const char sql_reach_of[] =
    "SELECT media, by, tel, ord FROM preference WHERE user = ?1"
    " ORDER BY ord, media";
static const char sql_unregister_seen[] =
    "UPDATE user SET seen = max(seen, ?2) WHERE user = ?1";
/* A timed status keeps what was before the first of them. */
static const char sql_status_put[] =
    "INSERT INTO status (user, value, class, note, since, until)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (user) DO UPDATE SET"
    " prev_value = CASE WHEN ?6 = 0 THEN '' WHEN until = 0 THEN value"
    "  ELSE prev_value END,"
    " prev_class = CASE WHEN ?6 = 0 THEN '' WHEN until = 0 THEN class"
    "  ELSE prev_class END,"
    " prev_note = CASE WHEN ?6 = 0 THEN '' WHEN until = 0 THEN note"
    "  ELSE prev_note END,"
    " value = ?2, class = ?3, note = ?4, since = ?5, until = ?6";
static const char sql_status_revert[] =
    "UPDATE status SET"
    " value = CASE prev_value WHEN '' THEN 'available' ELSE prev_value END,"
    " class = CASE prev_value WHEN '' THEN 'available' ELSE prev_class END,"
    " note = prev_note, since = ?2, until = 0,"
    " prev_value = '', prev_class = '', prev_note = ''"
    " WHERE user = ?1 AND until > 0";
static const char sql_status_timed[] =
    "SELECT user FROM status WHERE until > 0 ORDER BY until";
static const char sql_status_get[] =
    "SELECT value, class, note, since, until FROM status WHERE user = ?1";

int
pal_register(struct db *d, const struct pal_registration *reg)
{
	const struct pal_binding *b = &reg->binding;
	const struct pal_reach *p;
	int i, r;

	if ((r = db_begin(d)) != 0)
		return r;
	if ((r = stmt_run(d, sql_user_seen, "tl", reg->user, reg->now)) != 0 ||
	    (r = stmt_run(d, sql_binding_put, "tttttll", reg->user, b->instance,
		 b->via, b->contact, b->media,
		 b->since != 0 ? b->since : reg->now, b->until)) != 0)
		goto out;
	if (reg->nreach >= 0 &&
	    (r = stmt_run(d, sql_reach_rm, "t", reg->user)) != 0)
		goto out;
	for (i = 0; i < reg->nreach; i++) {
		p = &reg->reach[i];
		if ((r = stmt_run(d, sql_reach_put, "tittt", reg->user,
			 p->order, p->media, p->by, p->tel)) != 0)
			goto out;
	}
	if (reg->status != NULL)
		r = pal_status_put(d, reg->user, reg->status);
out:
	return db_finish(d, r);
}

int
pal_unregister(struct db *d, const char *user, const char *instance,
    int64_t seen)
{
	int r;

	if ((r = db_begin(d)) != 0)
		return r;
	if ((r = stmt_run(d, sql_binding_rm, "tt", user, instance)) == 0 &&
	    stmt_changes(d) == 0)
		r = SEC_ERR_NOTHING;
	if (r == 0)
		r = stmt_run(d, sql_unregister_seen, "tl", user, seen);
	return db_finish(d, r);
}

int
pal_expire(struct db *d, int64_t now,
    void (*cb)(void *arg, const char *user, const char *instance), void *arg)
{
	char user[PAL_NAME], instance[PAL_INSTANCE];
	sqlite3_stmt *s;
	int r, n = 0;

	if ((r = stmt_open(d, &s, sql_binding_ended, "l", now)) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, user, sizeof(user));
		stmt_text(s, 1, instance, sizeof(instance));
		n++;
		if (cb != NULL)
			cb(arg, user, instance);
	}
	stmt_close(s);
	if (r != 0 || n == 0)
		return r;
	return stmt_run(d, sql_binding_expire, "l", now);
}

int
pal_binding_each(struct db *d, const char *user,
    int (*cb)(void *arg, const char *user, const struct pal_binding *b),
    void *arg)
{
	struct pal_binding b;
	char name[PAL_NAME];
	sqlite3_stmt *s;
	int r;

	r = user == NULL ? stmt_open(d, &s, sql_binding_each, "") :
			   stmt_open(d, &s, sql_binding_of, "t", user);
	if (r != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, name, sizeof(name));
		stmt_text(s, 1, b.instance, sizeof(b.instance));
		stmt_text(s, 2, b.via, sizeof(b.via));
		stmt_text(s, 3, b.contact, sizeof(b.contact));
		stmt_text(s, 4, b.media, sizeof(b.media));
		b.since = sqlite3_column_int64(s, 5);
		b.until = sqlite3_column_int64(s, 6);
		if ((r = cb(arg, name, &b)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

int
pal_reach_each(struct db *d, const char *user,
    int (*cb)(void *arg, const struct pal_reach *p), void *arg)
{
	struct pal_reach p;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_reach_of, "t", user)) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, p.media, sizeof(p.media));
		stmt_text(s, 1, p.by, sizeof(p.by));
		stmt_text(s, 2, p.tel, sizeof(p.tel));
		p.order = sqlite3_column_int(s, 3);
		if ((r = cb(arg, &p)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

int
pal_status_get(struct db *d, const char *user, struct pal_status *out)
{
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_status_get, "t", user)) != 0)
		return r;
	if ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, out->value, sizeof(out->value));
		stmt_text(s, 1, out->class_, sizeof(out->class_));
		stmt_text(s, 2, out->note, sizeof(out->note));
		out->since = sqlite3_column_int64(s, 3);
		out->until = sqlite3_column_int64(s, 4);
	}
	stmt_close(s);
	return r == 1 ? 0 : r == 0 ? SEC_ERR_NOTHING : r;
}

int
pal_status_put(struct db *d, const char *user, const struct pal_status *st)
{
	return stmt_run(d, sql_status_put, "ttttll", user, st->value,
	    st->class_, st->note, st->since, st->until);
}

int
pal_status_revert(struct db *d, const char *user, int64_t now)
{
	int r = stmt_run(d, sql_status_revert, "tl", user, now);

	return r != 0 ? r : stmt_changes(d) == 0 ? SEC_ERR_NOTHING : 0;
}

int
pal_status_timed(struct db *d, int (*cb)(void *arg, const char *user),
    void *arg)
{
	char user[PAL_NAME];
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_status_timed, "")) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, user, sizeof(user));
		if ((r = cb(arg, user)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}

/* --- subscriptions --- */

static const char sql_sub_put[] =
    "INSERT OR REPLACE INTO subscription (id, user, instance, event, target,"
    " why, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
static const char sql_sub_rm[] = "DELETE FROM subscription WHERE id = ?1";
static const char sql_sub_expire[] =
    "DELETE FROM subscription WHERE until <= ?1";
static const char sql_sub_each[] =
    "SELECT id, user, instance, event, target, why, until FROM subscription"
    " ORDER BY id";

int
pal_subscription_put(struct db *d, const struct pal_subscription *p)
{
	return stmt_run(d, sql_sub_put, "ttttttl", p->id, p->user, p->instance,
	    p->event, p->target, p->why, p->until);
}

int
pal_subscription_rm(struct db *d, const char *id)
{
	int r = stmt_run(d, sql_sub_rm, "t", id);

	return r != 0 ? r : stmt_changes(d) == 0 ? SEC_ERR_NOTHING : 0;
}

int
pal_subscription_expire(struct db *d, int64_t now)
{
	return stmt_run(d, sql_sub_expire, "l", now);
}

int
pal_subscription_each(struct db *d,
    int (*cb)(void *arg, const struct pal_subscription *s), void *arg)
{
	struct pal_subscription p;
	sqlite3_stmt *s;
	int r;

	if ((r = stmt_open(d, &s, sql_sub_each, "")) != 0)
		return r;
	while ((r = stmt_next(d, s)) == 1) {
		stmt_text(s, 0, p.id, sizeof(p.id));
		stmt_text(s, 1, p.user, sizeof(p.user));
		stmt_text(s, 2, p.instance, sizeof(p.instance));
		stmt_text(s, 3, p.event, sizeof(p.event));
		stmt_text(s, 4, p.target, sizeof(p.target));
		stmt_text(s, 5, p.why, sizeof(p.why));
		p.until = sqlite3_column_int64(s, 6);
		if ((r = cb(arg, &p)) != 0)
			break;
	}
	stmt_close(s);
	return r;
}
