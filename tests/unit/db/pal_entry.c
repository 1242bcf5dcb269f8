/*
 * PAL entries (S050, S060, S061), timed statuses (S058), and a database of
 * the version before both.
 */
#include "../test.h"
#include "scratch.h"

#include "base/err.h"
#include "base/text.h"
#include "db/pal_entry.h"
#include "db/stmt.h"

static struct db *d;
static char why[512];

static int
on_entry(void *arg, const struct pal_entry_row *e)
{
	(void)arg;
	note("%s=%s,%s,%s ", e->uri, e->attrs, e->label, e->id);
	return 0;
}

static int
on_first(void *arg, const struct pal_entry_row *e)
{
	(void)arg;
	note("%s ", e->uri);
	return SEC_ERR_BUSY;
}

static int
on_watcher(void *arg, const char *owner, int64_t added)
{
	(void)arg;
	note("%s@%lld ", owner, (long long)added);
	return 0;
}

static int
on_timed(void *arg, const char *user)
{
	(void)arg;
	note("%s ", user);
	return 0;
}

static const char *
entries(const char *owner)
{
	seen[0] = '\0';
	T_INT(pal_entry_each(d, owner, on_entry, NULL), 0);
	return seen;
}

static const char *
watchers_behind(const char *uri, const char *after)
{
	seen[0] = '\0';
	T_INT(pal_entry_watchers(d, uri, after, on_watcher, NULL), 0);
	return seen;
}

static const char *
watchers(const char *uri)
{
	return watchers_behind(uri, "");
}

static const char *
timed(void)
{
	seen[0] = '\0';
	T_INT(pal_status_timed(d, on_timed, NULL), 0);
	return seen;
}

static void
open_it(void)
{
	T_INT(db_open(&d, "pal.db", DB_WRITER, why, sizeof(why)), 0);
}

static void
add_user(const char *name)
{
	struct pal_user u;

	memset(&u, 0, sizeof(u));
	text_copy(u.user, name, sizeof(u.user));
	T_INT(pal_user_put(d, &u), 0);
}

static int
add(const char *owner, const char *uri, const char *attrs, const char *label,
    int64_t added)
{
	struct pal_entry_row e;

	memset(&e, 0, sizeof(e));
	text_copy(e.owner, owner, sizeof(e.owner));
	text_copy(e.uri, uri, sizeof(e.uri));
	text_copy(e.attrs, attrs, sizeof(e.attrs));
	text_copy(e.label, label, sizeof(e.label));
	e.added = added;
	return pal_entry_put(d, &e);
}

/* The tables of schema 1, as far as they were different. */
static void
test_renewed(void)
{
	open_it();
	T_INT(stmt_run(d, "DROP TABLE entry", ""), 0);
	T_INT(stmt_run(d,
		  "CREATE TABLE entry (owner TEXT NOT NULL REFERENCES user"
		  " ON DELETE CASCADE, uri TEXT NOT NULL, id TEXT NOT NULL"
		  " DEFAULT '', attrs TEXT NOT NULL, added INTEGER NOT NULL,"
		  " PRIMARY KEY (owner, uri)) STRICT, WITHOUT ROWID",
		  ""),
	    0);
	T_INT(stmt_run(d, "DROP TABLE status", ""), 0);
	T_INT(stmt_run(d,
		  "CREATE TABLE status (user TEXT NOT NULL PRIMARY KEY"
		  " REFERENCES user ON DELETE CASCADE, value TEXT NOT NULL,"
		  " class TEXT NOT NULL, note TEXT NOT NULL, since INTEGER"
		  " NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID",
		  ""),
	    0);
	add_user("old");
	T_INT(stmt_run(d,
		  "INSERT INTO entry (owner, uri, attrs, added)"
		  " VALUES ('old', 'sip:x@lab.test', '*', 7)",
		  ""),
	    0);
	T_INT(stmt_run(d, "PRAGMA user_version = 1", ""), 0);
	db_close(d);
	open_it();
	T_STR(entries("old"), "sip:x@lab.test=*,, ");
	T_STR(timed(), "");
	T_INT(pal_user_rm(d, "old"), 0);
}

static void
test_entries(void)
{
	add_user("alice");
	add_user("bob");
	T_STR(entries("alice"), "");
	T_STR(watchers("sip:bob@lab.test"), "");
	T_INT(add("alice", "sip:bob@lab.test", "*", "", 10), 0);
	T_INT(add("alice", "tel:+1555", "status", "reception", 5), 0);
	T_INT(add("bob", "sip:bob@lab.test", "*", "myself", 20), 0);
	T_STR(entries("alice"),
	    "tel:+1555=status,reception, sip:bob@lab.test=*,, ");
	T_STR(watchers("sip:bob@lab.test"), "alice@10 bob@20 ");
	T_STR(watchers_behind("sip:bob@lab.test", "alice"), "bob@20 ");
	T_STR(watchers_behind("sip:bob@lab.test", "bob"), "");

	/* Again: another choice, still as old. */
	T_INT(add("alice", "sip:bob@lab.test", "note", "Bob", 99), 0);
	T_STR(entries("alice"),
	    "tel:+1555=status,reception, sip:bob@lab.test=note,Bob, ");
	T_STR(watchers("sip:bob@lab.test"), "alice@10 bob@20 ");

	/* There is nobody of that name. */
	T_INT(add("nobody", "sip:bob@lab.test", "*", "", 1), SEC_ERR_NO);

	seen[0] = '\0';
	T_INT(pal_entry_each(d, "alice", on_first, NULL), SEC_ERR_BUSY);
	T_STR(seen, "tel:+1555 ");
	T_INT(pal_entry_rm(d, "alice", "tel:+1555"), 0);
	T_INT(pal_entry_rm(d, "alice", "tel:+1555"), SEC_ERR_NOTHING);
	db_close(d);
	open_it();
	T_STR(entries("alice"), "sip:bob@lab.test=note,Bob, ");

	/* A PAL goes with its owner; others' entries on him stay. */
	T_INT(pal_user_rm(d, "bob"), 0);
	T_STR(entries("bob"), "");
	T_STR(watchers("sip:bob@lab.test"), "alice@10 ");
}

static void
set(const char *value, const char *note, int64_t until)
{
	struct pal_status st = { "", "away", "", 100, until };

	text_copy(st.value, value, sizeof(st.value));
	text_copy(st.note, note, sizeof(st.note));
	T_INT(pal_status_put(d, "alice", &st), 0);
}

static const char *
status(void)
{
	static char s[400];
	struct pal_status st;

	T_INT(pal_status_get(d, "alice", &st), 0);
	snprintf(s, sizeof(s), "%s/%s/%s/%lld/%lld", st.value, st.class_,
	    st.note, (long long)st.since, (long long)st.until);
	return s;
}

static void
test_timed(void)
{
	/* Nothing was before. */
	set("lunch", "", 5000);
	T_STR(timed(), "alice ");
	T_INT(pal_status_revert(d, "alice", 5001), 0);
	T_STR(status(), "available/available//5001/0");
	T_INT(pal_status_revert(d, "alice", 5002), SEC_ERR_NOTHING);

	/* Two timed ones: back to what was before the first. */
	set("coffee", "mine", 0);
	set("lunch", "soup", 5000);
	set("call", "", 6000);
	db_close(d);
	open_it();
	T_STR(timed(), "alice ");
	T_STR(status(), "call/away//100/6000");
	T_INT(pal_status_revert(d, "alice", 6001), 0);
	T_STR(status(), "coffee/away/mine/6001/0");
	T_STR(timed(), "");

	/* One for good ends a timed one. */
	set("lunch", "", 7000);
	set("away", "gone home", 0);
	T_STR(timed(), "");
	T_INT(pal_status_revert(d, "alice", 7001), SEC_ERR_NOTHING);
	T_STR(status(), "away/away/gone home/100/0");
}

static void
test_seen(void)
{
	struct pal_registration r = { .user = "alice",
		.nreach = -1,
		.now = 1000,
		.binding = { .instance = "aaaa0000000000000000000000000000" } };
	struct pal_user u;

	T_INT(pal_register(d, &r), 0);
	T_INT(pal_unregister(d, "alice", r.binding.instance, 1500), 0);
	T_INT(pal_user_get(d, "alice", &u), 0);
	T_INT(u.seen, 1500);
	/* Lost before he came again: not back in time. */
	T_INT(pal_register(d, &r), 0);
	T_INT(pal_unregister(d, "alice", r.binding.instance, 10), 0);
	T_INT(pal_user_get(d, "alice", &u), 0);
	T_INT(u.seen, 1000);
}

int
main(void)
{
	scratch_make();
	test_renewed();
	test_entries();
	test_timed();
	test_seen();
	T_INT(db_check(d), 0);
	db_close(d);
	return t_done();
}
