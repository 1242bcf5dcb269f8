/* Rows of attached files: one per name, gone with their conference. */
#include "../test.h"
#include "scratch.h"

#include "base/err.h"
#include "base/text.h"
#include "db/attachment_store.h"

#define CONF 0x01aabbccddeeff00ULL

static struct db *d;

static int
on_row(void *arg, const struct attachment_row *a)
{
	int *left = arg;

	note("%s ", a->name);
	return left != NULL && --*left == 0 ? SEC_ERR_LIMIT : 0;
}

static struct attachment_row
row(const char *name, const char *file, uint64_t size)
{
	struct attachment_row a = { .conf = CONF,
		.size = size,
		.at = 1795358000123,
		.fk = "sealed",
		.fklen = 6 };

	text_copy(a.name, name, sizeof a.name);
	text_copy(a.file, file, sizeof a.file);
	text_copy(a.sha256, "8f14e45f", sizeof a.sha256);
	text_copy(a.by, "sip:alice@d", sizeof a.by);
	return a;
}

static void
rows(void)
{
	struct attachment_row a = row("plan.pdf", "f1", 100), got;
	uint64_t count = 9, bytes = 9;
	int two = 2;

	T_INT(attachment_sum(d, CONF, &count, &bytes), 0);
	T(count == 0 && bytes == 0);
	T_INT(attachment_get(d, CONF, "plan.pdf", &got), SEC_ERR_NOTHING);
	T_INT(attachment_put(d, &a), 0);
	T_INT(attachment_put(d, &a), SEC_ERR_NO);
	T_INT(attachment_get(d, CONF, "plan.pdf", &got), 0);
	T(memcmp(&got, &a, sizeof a) == 0);
	a = row("note.wav", "f2", (uint64_t)1 << 40);
	T_INT(attachment_put(d, &a), 0);
	a = row("z", "f3", 0);
	T_INT(attachment_put(d, &a), 0);
	T_INT(attachment_sum(d, CONF, &count, &bytes), 0);
	T(count == 3 && bytes == ((uint64_t)1 << 40) + 100);
	T_INT(attachment_each(d, CONF, "", on_row, NULL), 0);
	T_STR(seen, "note.wav plan.pdf z ");
	seen[0] = '\0';
	T_INT(attachment_each(d, CONF, "note.wav", on_row, NULL), 0);
	T_STR(seen, "plan.pdf z ");
	seen[0] = '\0';
	T_INT(attachment_each(d, CONF, "", on_row, &two), SEC_ERR_LIMIT);
	T_STR(seen, "note.wav plan.pdf ");
	T_INT(attachment_has(d, CONF, "f2"), 0);
	T_INT(attachment_has(d, CONF, "f9"), SEC_ERR_NOTHING);
	T_INT(attachment_has(d, CONF + 1, "f2"), SEC_ERR_NOTHING);
	T_INT(attachment_rm(d, CONF, "note.wav"), 0);
	T_INT(attachment_rm(d, CONF, "note.wav"), SEC_ERR_NOTHING);
}

int
main(void)
{
	struct conf_row c = { .id = CONF, .persistent = 1, .created = 1 };
	struct attachment_row stray = row("x", "f4", 1);
	char why[256];
	uint64_t count, bytes;

	scratch_make();
	T_INT(db_open(&d, "conf.db", DB_WRITER, why, sizeof why), 0);
	text_copy(c.name, "board", sizeof c.name);
	text_copy(c.owner, "sip:alice@d", sizeof c.owner);
	text_copy(c.access, "invited", sizeof c.access);
	T_INT(conf_insert(d, &c), 0);
	rows();
	stray.conf = CONF + 1;
	T(attachment_put(d, &stray) != 0);
	T_INT(conf_delete(d, CONF), 0);
	T_INT(attachment_sum(d, CONF, &count, &bytes), 0);
	T_INT(count, 0);
	db_close(d);
	return t_done();
}
