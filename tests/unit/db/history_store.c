/*
 * Kept lines of text (SECURITY.md 3.5): pages from the newest back, the
 * newest N stay, keys go with their last line.
 */
#include "../test.h"
#include "scratch.h"

#include "base/err.h"
#include "base/text.h"
#include "db/history_store.h"

#define CONF 0x0100000000000001

static struct db *d;
static char why[1024], seen[4096];

static int
on_line(void *arg, const struct history_line *l)
{
	size_t n = strlen(seen);

	(void)arg;
	snprintf(seen + n, sizeof(seen) - n, "%d:%.*s ", (int)l->line,
	    (int)l->n, (const char *)l->body);
	return 0;
}

static const char *
page(uint64_t conf, uint64_t before, uint32_t from, int n)
{
	seen[0] = '\0';
	if (history_page(d, conf, before, from, n, on_line, NULL) != 0)
		return "error";
	return seen;
}

static int
line(uint64_t conf, uint64_t number, uint32_t epoch, const char *body)
{
	struct history_line l = { .conf = conf,
		.line = number,
		.at = 1700000000000,
		.q = 0x01000002,
		.user = "sip:alice@x.test",
		.epoch = epoch,
		.body = (const uint8_t *)body,
		.n = strlen(body) };

	return history_put(d, &l);
}

static void
conference(uint64_t id, const char *name)
{
	struct conf_row c = { .id = id,
		.owner = "sip:alice@x.test",
		.access = "invited",
		.select = "loudest",
		.persistent = 1 };

	text_copy(c.name, name, sizeof(c.name));
	T_INT(conf_insert(d, &c), 0);
}

static int
on_end(void *arg, const struct history_line *l)
{
	(void)l;
	return ++*(int *)arg == 2 ? 7 : 0;
}

static void
test_lines(void)
{
	int n = 0;

	T_INT(line(CONF, 5, 1, "five"), 0);
	T_INT(line(CONF, 6, 1, "six"), 0);
	T_INT(line(CONF, 9, 2, "nine"), 0);
	T_INT(line(CONF, 6, 1, "six"), 0);
	T_INT(line(CONF, 6, 1, "changed"), SEC_ERR_NO);
	T_INT(line(CONF + 1, 6, 1, "elsewhere"), 0);
	T_STR(page(CONF, 0, 0, 10), "9:nine 6:six 5:five ");
	T_STR(page(CONF, 9, 0, 1), "6:six ");
	T_STR(page(CONF, 0, 2, 10), "9:nine ");
	T_STR(page(CONF, 5, 0, 10), "");
	T_INT(history_page(d, CONF, 0, 0, 10, on_end, &n), 7);
	T_INT(line(77, 1, 1, "x"), SEC_ERR_NO);
}

static void
test_keys(void)
{
	struct buf b = BUF_INIT;

	T_INT(history_key_put(d, CONF, 1, "one", 3), 0);
	T_INT(history_key_put(d, CONF, 1, "uno", 3), 0);
	T_INT(history_key_put(d, CONF, 2, "two", 3), 0);
	T_INT(history_key_put(d, CONF, 3, "three", 5), 0);
	T_INT(history_key_get(d, CONF, 1, &b), 0);
	T_MEM(buf_data(&b), buf_len(&b), "6f6e65");
	T_INT(history_key_get(d, CONF, 4, &b), SEC_ERR_NOTHING);

	T_INT(history_trim(d, CONF, 1, 3), 0);
	T_STR(page(CONF, 0, 0, 10), "9:nine ");
	T_INT(history_key_get(d, CONF, 1, &b), SEC_ERR_NOTHING);
	T_INT(history_key_get(d, CONF, 2, &b), 0);
	T_INT(history_key_get(d, CONF, 3, &b), 0);
	T_INT(history_trim(d, CONF, 5, 3), 0);
	T_STR(page(CONF, 0, 0, 10), "9:nine ");

	T_INT(history_drop(d, CONF), 0);
	T_STR(page(CONF, 0, 0, 10), "");
	T_INT(history_key_get(d, CONF, 3, &b), SEC_ERR_NOTHING);
	T_STR(page(CONF + 1, 0, 0, 10), "6:elsewhere ");
	buf_free(&b);
}

static void
test_from(void)
{
	const char *bob = "sip:bob@x.test";
	uint32_t e = 9;

	T_INT(history_from_get(d, CONF, bob, &e), 0);
	T_INT((int)e, 0);
	T_INT(conf_user_put(d, CONF, bob, "invited"), 0);
	T_INT(history_from_put(d, CONF, bob, 4), 0);
	T_INT(history_from_put(d, CONF, bob, 8), 0);
	T_INT(history_from_get(d, CONF, bob, &e), 0);
	T_INT((int)e, 4);
	T_INT(history_from_clear(d, CONF, bob), 0);
	T_INT(history_from_put(d, CONF, bob, 11), 0);
	T_INT(history_from_get(d, CONF, bob, &e), 0);
	T_INT((int)e, 11);
}

static int
on_receipt(void *arg, uint64_t conf, const char *user, uint64_t at)
{
	size_t n = strlen(seen);

	(void)arg;
	snprintf(seen + n, sizeof(seen) - n, "%d:%.5s:%d ", (int)(conf & 15),
	    user + 4, (int)at);
	return 0;
}

static const char *
receipts(void)
{
	seen[0] = '\0';
	T_INT(receipt_each(d, on_receipt, NULL), 0);
	return seen;
}

static int
receipt_stop(void *arg, uint64_t conf, const char *user, uint64_t at)
{
	(void)arg;
	(void)conf;
	(void)user;
	(void)at;
	return 7;
}

/* One row for each who lets it be known; it never goes back. */
static void
test_receipts(void)
{
	const char *alice = "sip:alice@x.test", *bobby = "sip:bobby@x.test";
	uint64_t n = 9;

	T_INT(history_newest(d, CONF, &n), 0);
	T_INT((int)n, 0);
	T_INT(line(CONF, 21, 1, "a"), 0);
	T_INT(line(CONF, 23, 1, "b"), 0);
	T_INT(history_newest(d, CONF, &n), 0);
	T_INT((int)n, 23);
	T_STR(receipts(), "");
	T_INT(receipt_put(d, CONF, alice, 21), 0);
	T_INT(receipt_put(d, CONF, bobby, 23), 0);
	T_INT(receipt_put(d, CONF, alice, 23), 0);
	T_INT(receipt_put(d, CONF, bobby, 21), 0);
	T_INT(receipt_put(d, CONF + 1, alice, 6), 0);
	T_INT(receipt_put(d, 77, alice, 6), SEC_ERR_NO);
	T_STR(receipts(), "1:alice:23 1:bobby:23 2:alice:6 ");
	T_INT(receipt_each(d, receipt_stop, NULL), 7);
	T_INT(receipt_rm(d, CONF, alice), 0);
	T_STR(receipts(), "1:bobby:23 2:alice:6 ");
	T_INT(history_drop(d, CONF), 0);
	T_STR(receipts(), "2:alice:6 ");
	T_INT(conf_delete(d, CONF + 1), 0);
	T_STR(receipts(), "");
}

int
main(void)
{
	scratch_make();
	T_INT(db_open(&d, "conf.db", DB_WRITER, why, sizeof(why)), 0);
	conference(CONF, "a");
	conference(CONF + 1, "b");
	test_lines();
	test_keys();
	test_from();
	test_receipts();
	db_close(d);
	return t_done();
}
