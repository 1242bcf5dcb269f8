/*
 * Conferences, media, devices, lists, tombstones; epoch and q never go back
 * (SECURITY.md 3.5).
 */
#include "../test.h"
#include "scratch.h"

#include "base/err.h"
#include "base/text.h"
#include "db/conf_store.h"
#include "db/stmt.h"

static struct db *d;
static char why[1024];

static int
on_medium(void *arg, const struct conf_medium_row *m)
{
	(void)arg;
	note("%llx:%s=%d ", (unsigned long long)m->conf, m->medium, m->server);
	return 0;
}

static int
on_device(void *arg, const struct conf_device_row *v)
{
	(void)arg;
	note("%llx:%u=%s,%s,%u,%s ", (unsigned long long)v->conf, v->q, v->user,
	    v->remote_uri, v->local_cseq, v->via);
	return 0;
}

static int
on_list(void *arg, uint64_t conf, const char *user, const char *list)
{
	(void)arg;
	note("%llx:%s=%s ", (unsigned long long)conf, user, list);
	return 0;
}

static const char *
media(void)
{
	seen[0] = '\0';
	T_INT(conf_medium_each(d, on_medium, NULL), 0);
	return seen;
}

static const char *
devices(void)
{
	seen[0] = '\0';
	T_INT(conf_device_each(d, on_device, NULL), 0);
	return seen;
}

static const char *
lists(void)
{
	seen[0] = '\0';
	T_INT(conf_user_each(d, on_list, NULL), 0);
	return seen;
}

/* A file of an older version is renewed by its writer, rows and all; a
 * reader does not touch it. */
static void
test_renewed(void)
{
	struct conf_device_row v = { .conf = 0xfe00000000000002,
		.q = 0x01000009,
		.user = "alice",
		.instance = "i",
		.medium = "text",
		.call_id = "c",
		.local_tag = "l",
		.remote_tag = "r",
		.via = "recorder" };
	struct db *reader = NULL;

	T_INT(conf_device_put(d, &v), 0);
	T_INT(stmt_run(d, "ALTER TABLE device DROP COLUMN via", ""), 0);
	T_INT(stmt_run(d, "ALTER TABLE conference DROP COLUMN level", ""), 0);
	T_INT(stmt_run(d, "DROP TABLE receipt", ""), 0);
	T_INT(stmt_run(d, "PRAGMA user_version = 1", ""), 0);
	db_close(d);
	d = NULL;
	T_INT(db_open(&reader, "conf.db", DB_READER, why, sizeof(why)),
	    SEC_ERR_VERSION);
	T(strstr(why, "has an old schema") != NULL);
	T_INT(db_open(&d, "conf.db", DB_WRITER, why, sizeof(why)), 0);
	T(strstr(devices(), "voip") != NULL);
	T_INT(conf_device_put(d, &v), 0);
	T(strstr(devices(), "recorder") != NULL);
	T_INT(conf_device_rm(d, v.conf, v.q), 0);
	T_INT(stmt_run(d, "DELETE FROM receipt", ""), 0);
	T_INT(stmt_run(d, "DROP TABLE receipt", ""), 0);
	T_INT(stmt_run(d, "PRAGMA user_version = 2", ""), 0);
	db_close(d);
	d = NULL;
	T_INT(db_open(&d, "conf.db", DB_WRITER, why, sizeof(why)), 0);
	T_INT(stmt_run(d, "DELETE FROM receipt", ""), 0);
}

int
main(void)
{
	struct conf_row c = { .id = 0xfe00000000000001ull,
		.name = "hello",
		.title = "a talk",
		.owner = "alice",
		.access = "invited",
		.streams = 3,
		.select = "loudest",
		.level = 1,
		.record = 1,
		.directory = 1,
		.epoch = 1,
		.q_reserved = 64,
		.created = 1234 },
			got;
	struct conf_medium_row m = { c.id, "text", 3 };
	struct conf_device_row v = { .conf = c.id,
		.q = 0xff000001u,
		.user = "alice",
		.instance = "aa",
		.server = 3,
		.call_id = "x@y",
		.local_tag = "l",
		.remote_tag = "r",
		.remote_uri = "sip:alice@k.invalid",
		.local_cseq = 4000000000u,
		.remote_cseq = 1,
		.address = "127.0.0.1:9",
		.via = "recorder" };
	char owner[CONF_USER];

	scratch_make();
	T_INT(db_open(&d, "conf.db", DB_WRITER, why, sizeof(why)), 0);
	T_INT(conf_by_name(d, "hello", &got), SEC_ERR_NOTHING);
	T_INT(conf_insert(d, &c), 0);
	T_INT(conf_insert(d, &c), SEC_ERR_NO);
	T_INT(conf_by_name(d, "hello", &got), 0);
	T(got.id == c.id && got.epoch == 1 && got.q_reserved == 64 &&
	    got.streams == 3 && got.parent == 0 && got.created == 1234);
	T_STR(got.title, "a talk");
	T_STR(got.select, "loudest");
	T_INT(got.level, 1);

	/* Epoch and q go forward only, by whichever way. */
	T_INT(conf_set_epoch(d, c.id, 7), 0);
	T_INT(conf_set_epoch(d, c.id, 3), 0);
	T_INT(conf_set_q(d, c.id, 0x100000), 0);
	T_INT(conf_set_q(d, c.id, 64), 0);
	c.parent = 0x0100000000000009ull;
	T_INT(conf_update(d, &c), 0);
	T_INT(conf_by_name(d, "hello", &got), 0);
	T(got.epoch == 7 && got.q_reserved == 0x100000 &&
	    got.parent == c.parent);
	T_INT(conf_set_epoch(d, 5, 1), SEC_ERR_NOTHING);
	T_INT(conf_set_epoch(d, c.id, 0xffffffffu), 0);
	T_INT(conf_by_name(d, "hello", &got), 0);
	T_INT(got.epoch, 0xffffffffu);
	T_INT(conf_forget(d, c.id), 0);
	T_INT(conf_insert(d, &c), 0);
	T_INT(conf_leap(d, 65536, 4096), 0);
	T_INT(conf_by_name(d, "hello", &got), 0);
	T(got.epoch == 65537 && got.q_reserved == 64 + 4096);

	T_INT(conf_medium_put(d, &m), 0);
	m.server = 4;
	T_INT(conf_medium_put(d, &m), 0);
	m.medium[0] = '\0';
	text_copy(m.medium, "voice", sizeof(m.medium));
	T_INT(conf_medium_put(d, &m), 0);
	T_STR(media(), "fe00000000000001:text=4 fe00000000000001:voice=4 ");
	T_INT(conf_medium_rm(d, c.id, "voice"), 0);
	T_INT(conf_medium_rm(d, c.id, "voice"), SEC_ERR_NOTHING);
	m.conf = 77;
	T_INT(conf_medium_put(d, &m), SEC_ERR_NO); /* no such conference */

	T_INT(conf_device_put(d, &v), 0);
	v.local_cseq = 4000000001u;
	T_INT(conf_device_put(d, &v), 0);
	v.q++;
	T_INT(conf_device_put(d, &v), 0);
	T_INT(conf_device_rm(d, c.id, v.q), 0);
	T_INT(conf_device_rm(d, c.id, v.q), SEC_ERR_NOTHING);
	T_STR(devices(),
	    "fe00000000000001:4278190081="
	    "alice,sip:alice@k.invalid,4000000001,recorder ");
	T_INT(conf_leap(d, 10, 0), 0);
	T_STR(devices(),
	    "fe00000000000001:4278190081="
	    "alice,sip:alice@k.invalid,4000000011,recorder ");

	T_INT(conf_user_put(d, c.id, "bob", "invited"), 0);
	T_INT(conf_user_put(d, c.id, "bob", "invited"), 0);
	T_INT(conf_user_put(d, c.id, "bob", "block"), 0);
	T_STR(lists(),
	    "fe00000000000001:bob=block "
	    "fe00000000000001:bob=invited ");
	T_INT(conf_user_rm(d, c.id, "bob", "block"), 0);
	T_INT(conf_user_rm(d, c.id, "bob", "block"), SEC_ERR_NOTHING);

	/* Read again after a restart. */
	db_close(d);
	T_INT(db_open(&d, "conf.db", DB_WRITER, why, sizeof(why)), 0);
	T_INT(conf_by_name(d, "hello", &got), 0);
	T_INT(got.record, 1);
	T_INT(got.directory, 1);
	T_STR(lists(), "fe00000000000001:bob=invited ");

	/* Deleting takes everything along and leaves no tombstone... */
	T_INT(conf_delete(d, c.id), 0);
	T_INT(conf_delete(d, c.id), SEC_ERR_NOTHING);
	T_STR(media(), "");
	T_STR(devices(), "");
	T_STR(lists(), "");
	T_INT(conf_tombstone(d, "hello", owner, sizeof(owner)),
	    SEC_ERR_NOTHING);
	/* ...unless it was persistent: then only the owner has the name. */
	c.persistent = 1;
	T_INT(conf_insert(d, &c), 0);
	T_INT(conf_delete(d, c.id), 0);
	T_INT(conf_tombstone(d, "hello", owner, sizeof(owner)), 0);
	T_STR(owner, "alice");
	c.id++;
	text_copy(c.owner, "mallory", sizeof(c.owner));
	T_INT(conf_insert(d, &c), SEC_ERR_NO);
	text_copy(c.owner, "alice", sizeof(c.owner));
	T_INT(conf_insert(d, &c), 0);
	T_INT(conf_tombstone(d, "hello", owner, sizeof(owner)),
	    SEC_ERR_NOTHING);
	T_INT(db_check(d), 0);
	test_renewed();
	db_close(d);
	return t_done();
}
