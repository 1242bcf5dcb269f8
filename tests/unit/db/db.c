/*
 * Opening, schema, transactions, and what happens when the disk is full,
 * the file is not ours, or the place is wrong.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <signal.h>

#include "../test.h"
#include "scratch.h"

#include "base/err.h"
#include "base/path.h"
#include "db/conf_store.h"
#include "db/db.h"
#include "db/pal_store.h"
#include "db/stmt.h"

static char why[1024];

static int
count(void *arg, const struct conf_row *c)
{
	(void)c;
	(*(int *)arg)++;
	return 0;
}

static int
conferences(struct db *d)
{
	int n = 0;

	return conf_each(d, count, &n) == 0 ? n : -1;
}

static int
insert(struct db *d, int i)
{
	struct conf_row c = { .id = 0x0100000000000000ull + (unsigned)i,
		.access = "invited",
		.owner = "alice",
		.epoch = 1 };

	snprintf(c.name, sizeof(c.name), "c-%06d", i);
	memset(c.title, 'x', sizeof(c.title) - 1);
	return conf_insert(d, &c);
}

static mode_t
mode_of(const char *name)
{
	char path[PATH_LEN + 8];
	struct stat st;

	snprintf(path, sizeof(path), "%s/lib/%s", scratch, name);
	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void
test_open(void)
{
	static const char *const names[] = { "pal.db", "conf.db", "dir.db" };
	struct db *d = NULL, *ro = NULL;
	size_t i;
	int depth;

	T_INT(db_open(&d, "pal.db", DB_READER, why, sizeof(why)),
	    SEC_ERR_NOTHING);
	T(strstr(why, "pal.db") != NULL);
	umask(0);
	for (i = 0; i < 3; i++) {
		T_INT(db_open(&d, names[i], DB_WRITER, why, sizeof(why)), 0);
		T_INT(db_check(d), 0);
		T(db_size(d) > 0);
		T(db_schema(names[i]) > 0);
		db_close(d);
	}
	T_INT(db_schema("other.db"), 0);
	T_INT(mode_of("pal.db"), 0660);

	/* A writer and a reader at once: the side files are the group's too. */
	T_INT(db_open(&d, "conf.db", DB_WRITER, why, sizeof(why)), 0);
	T_INT(insert(d, 1), 0);
	T_INT(mode_of("conf.db-wal"), 0660);
	T_INT(mode_of("conf.db-shm"), 0660);
	T_INT(db_open(&ro, "conf.db", DB_READER, why, sizeof(why)), 0);
	T_INT(conferences(ro), 1);
	T_INT(insert(ro, 2), SEC_ERR_DISK);
	T(strstr(db_why(ro), "readonly") != NULL);
	T_INT(insert(d, 2), 0);
	T_INT(conferences(ro), 2);
	db_close(ro);

	/* Transactions nest by counting. */
	T_INT(db_begin(d), 0);
	T_INT(insert(d, 3), 0);
	T_INT(db_begin(d), 0);
	T_INT(insert(d, 4), 0);
	T_INT(db_commit(d), 0);
	db_rollback(d);
	T_INT(conferences(d), 2);
	T_INT(db_begin(d), 0);
	T_INT(insert(d, 3), 0);
	T_INT(db_begin(d), 0);
	db_rollback(d);
	T(db_commit(d) != 0);
	T_INT(conferences(d), 2);
	/* An answer of "no" spoils nothing. */
	T_INT(db_begin(d), 0);
	T_INT(insert(d, 3), 0);
	T_INT(insert(d, 3), SEC_ERR_NO);
	T_INT(db_commit(d), 0);
	T_INT(conferences(d), 3);
	for (depth = 0; depth < 3; depth++)
		T_INT(db_begin(d), 0);
	for (depth = 0; depth < 3; depth++)
		T_INT(db_commit(d), 0);
	db_close(d);
	db_close(NULL);
}

/* A copy while somebody writes; is somebody there at all? */
static void
test_copy(void)
{
	struct db *d = NULL, *ro = NULL, *copy = NULL;
	char path[PATH_LEN], to[PATH_LEN];
	int n;

	path_db(path, "conf.db");
	path_db(to, "copy");
	T(!db_in_use(path));
	T(!db_in_use(to));
	T_INT(db_open(&d, "conf.db", DB_WRITER, why, sizeof(why)), 0);
	T(db_in_use(path));
	n = conferences(d);
	T_INT(db_open(&ro, "conf.db", DB_READER, why, sizeof(why)), 0);
	T_INT(db_begin(d), 0);
	T_INT(insert(d, 100), 0);
	T_INT(db_copy(ro, to), 0);
	T_INT(db_commit(d), 0);
	T(db_copy(ro, to) != 0); /* it is there */
	T(db_why(ro)[0] != '\0');
	T_INT(db_open_at(&copy, to, "conf.db", DB_READER, why, sizeof(why)), 0);
	T_INT(db_check(copy), 0);
	T_INT(conferences(copy), n);
	T_INT(conferences(d), n + 1);
	db_close(copy);
	db_close(d);
	T(db_in_use(path)); /* a reader */
	db_close(ro);
	T(!db_in_use(path));
	T_INT(db_open(&d, "conf.db", DB_READER, why, sizeof(why)), 0);
	T_INT(conferences(d), n + 1);
	db_close(d);
	T_INT(db_open_at(&copy, to, "pal.db", DB_WRITER, why, sizeof(why)),
	    SEC_ERR_VERSION);
}

static void
test_refused(void)
{
	struct db *d = NULL;
	char path[PATH_LEN];
	FILE *f;

	/* Made by a later version. */
	T_INT(db_open(&d, "dir.db", DB_WRITER, why, sizeof(why)), 0);
	T_INT(stmt_run(d, "PRAGMA user_version = 99", ""), 0);
	db_close(d);
	d = NULL;
	T_INT(db_open(&d, "dir.db", DB_WRITER, why, sizeof(why)),
	    SEC_ERR_VERSION);
	T(strstr(why, "has schema 99, this program knows 1") != NULL);
	T_INT(db_open(&d, "dir.db", DB_READER, why, sizeof(why)),
	    SEC_ERR_VERSION);
	T(d == NULL);

	/* No database at all, and somebody else's. */
	path_db(path, "dir.db");
	unlink(path);
	if ((f = fopen(path, "w")) != NULL) {
		fprintf(f,
		    "this is a letter to my aunt, long enough to be "
		    "looked at as a database header by anybody who reads\n");
		fclose(f);
	}
	T_INT(db_open(&d, "dir.db", DB_WRITER, why, sizeof(why)), SEC_ERR_DATA);
	unlink(path);
	T_INT(db_open(&d, "dir.db", DB_WRITER, why, sizeof(why)), 0);
	T_INT(stmt_run(d, "PRAGMA user_version = 0", ""), 0);
	db_close(d);
	d = NULL;
	T_INT(db_open(&d, "dir.db", DB_WRITER, why, sizeof(why)), SEC_ERR_DATA);
	T(strstr(why, "is not a database of SEC") != NULL);
	unlink(path);

	/* A place that nobody can write. */
	setenv("SEC_DIR", "/proc/self/nowhere", 1);
	T_INT(db_open(&d, "dir.db", DB_WRITER, why, sizeof(why)), SEC_ERR_DISK);
	T(strstr(why, "cannot create /proc/self/nowhere/lib/dir.db: ") != NULL);
	setenv("SEC_DIR", scratch, 1);

	/* File systems without locks; those with. */
	T(db_is_remote(0x6969) && db_is_remote(0xff534d42) &&
	    db_is_remote((unsigned long)(long)(int)0xff534d42) &&
	    db_is_remote(0xfe534d42) && db_is_remote(0x517b));
	T(!db_is_remote(0xef53) && !db_is_remote(0x01021994) &&
	    !db_is_remote(0x9123683e) && !db_is_remote(0x794c7630));
}

/* Commit one by one until it fails; all that were committed are there. */
static void
test_full(const char *how)
{
	struct rlimit old, small;
	struct db *d = NULL;
	char path[PATH_LEN], side[PATH_LEN + 8];
	int i, r = 0, before, in;

	path_db(path, "conf.db");
	unlink(path);
	snprintf(side, sizeof(side), "%s-wal", path);
	unlink(side);
	snprintf(side, sizeof(side), "%s-shm", path);
	unlink(side);
	T_INT(db_open(&d, "conf.db", DB_WRITER, why, sizeof(why)), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 400 * 1024;
	signal(SIGXFSZ, SIG_IGN);
	if (strcmp(how, "RLIMIT_FSIZE") == 0)
		setrlimit(RLIMIT_FSIZE, &small);
	else
		stmt_run(d, "PRAGMA max_page_count = 60", "");
	for (i = 0; i < 5000 && (r = insert(d, i)) == 0; i++)
		;
	T_OK(r == SEC_ERR_DISK, "%s: after %d rows: %s", how, i, db_why(d));
	before = conferences(d);
	T_INT(before, i);
	/* As a turn of the loop: the whole of it is undone. */
	T_INT(db_begin(d), 0);
	for (in = 0; in < 2000 && (r = insert(d, 10000 + in)) == 0; in++)
		;
	T(r == SEC_ERR_DISK || r == 0); /* it may all wait in memory */
	T_INT(db_commit(d), SEC_ERR_DISK);
	T_INT(conferences(d), before);
	T_INT(db_check(d), 0);
	/* Space again: the same connection goes on. */
	setrlimit(RLIMIT_FSIZE, &old);
	stmt_run(d, "PRAGMA max_page_count = 100000", "");
	T_INT(insert(d, 20000), 0);
	T_INT(conferences(d), before + 1);
	db_close(d);
	d = NULL;
	T_INT(db_open(&d, "conf.db", DB_WRITER, why, sizeof(why)), 0);
	T_INT(db_check(d), 0);
	T_INT(conferences(d), before + 1);
	db_close(d);
}

int
main(void)
{
	scratch_make();
	test_open();
	test_copy();
	test_refused();
	test_full("max_page_count");
	test_full("RLIMIT_FSIZE");
	return t_done();
}
