/*
 * 100,000 people (S074): how long their import takes, how long the PAL
 * manager answers nobody meanwhile, and how long any attribute of somebody,
 * from the agent's socket through the PAL manager and back with a page of
 * people (goal: 20 ms, the slowest attribute). And what
 * dir_search() costs above a bare look-up of the same prefix, by SQLite, in
 * a table of nothing but key and user, in the same run.
 */
#include <sqlite3.h>

#include "base/buf.h"
#include "base/text.h"
#include "db/dir_store.h"

#include "lab.h"

#define PEOPLE	100000
#define EACH	50 /* questions of one attribute */
#define GOAL_MS 20.0
#define PAGE	"200" /* hits of sec-dir without -a */

static const char *const attrs[] = { "name", "first", "last", "user", "org",
	"phone", "mail", "location", "title", "groups", "desk", "" };
#define ATTRS (sizeof attrs / sizeof attrs[0])

static const char *const syllables[] = { "an", "be", "ca", "do", "el", "fi",
	"go", "ha", "is", "ju", "ka", "lo", "mi", "no", "ol", "pe", "ra", "so",
	"ti", "va" };

/* --- people --- */

static const char *
syllable(unsigned n)
{
	return syllables[n % 20];
}

/* The i-th person's attribute; the same in each run. */
static const char *
value_of(unsigned i, const char *attr)
{
	static char out[128];
	unsigned a = i * 2654435761u >> 7, b = i * 2246822519u >> 9;

	if (strcmp(attr, "first") == 0)
		snprintf(out, sizeof out, "%s%s", syllable(a),
		    syllable(a / 20));
	else if (strcmp(attr, "last") == 0)
		snprintf(out, sizeof out, "%s%s%s", syllable(b),
		    syllable(b / 20), syllable(b / 400));
	else if (strcmp(attr, "user") == 0)
		snprintf(out, sizeof out, "u%u", i);
	else if (strcmp(attr, "org") == 0)
		snprintf(out, sizeof out, "%u", 1000 + a % 100);
	else if (strcmp(attr, "phone") == 0)
		snprintf(out, sizeof out, "+1 973 %03u %04u", i / 10000,
		    i % 10000);
	else if (strcmp(attr, "mail") == 0)
		snprintf(out, sizeof out, "%s.%u@lab.test", syllable(a), i);
	else if (strcmp(attr, "location") == 0)
		snprintf(out, sizeof out, "Town %u", b % 60);
	else if (strcmp(attr, "title") == 0)
		snprintf(out, sizeof out, "Engineer %u", a % 90);
	else if (strcmp(attr, "groups") == 0)
		snprintf(out, sizeof out, "g%u", b % 200);
	else if (strcmp(attr, "desk") == 0)
		snprintf(out, sizeof out, "%u.%u", a % 40, i);
	else {
		char first[32];

		text_copy(first, value_of(i, "first"), sizeof first);
		text_copy(first + strlen(first), " ", 2);
		value_of(i, "last");
		memmove(out + strlen(first), out, strlen(out) + 1);
		memcpy(out, first, strlen(first));
	}
	return out;
}

static void
people_write(const char *path)
{
	FILE *f = fopen(path, "w");
	unsigned i;
	size_t k;

	if (f == NULL)
		die(1, "%s", path);
	for (k = 0; k + 1 < ATTRS; k++)
		fprintf(f, "%s%s", k > 0 ? "," : "", attrs[k]);
	for (i = 0; i < PEOPLE; i++)
		for (k = 0; k + 1 < ATTRS; k++)
			fprintf(f, "%s%s", k > 0 ? "," : "\n",
			    value_of(i, attrs[k]));
	fputc('\n', f);
	if (fclose(f) != 0)
		die(1, "%s", path);
}

/* What somebody might type for the i-th person: all of it, or for the empty
 * attribute the beginning of his name. */
static void
term_of(struct dir_term *t, unsigned i, const char *attr)
{
	memset(t, 0, sizeof *t);
	text_copy(t->attr, attr, sizeof t->attr);
	text_copy(t->value, value_of(i, attr), sizeof t->value);
	t->prefix = 1;
	if (attr[0] == '\0')
		t->value[6] = '\0';
}

/* --- the whole way --- */

static int
on_row(struct ctl_client *c)
{
	struct line l;
	int r, n = 0;

	while ((r = ctl_client_next(c, &l, 10000)) == 1)
		n++;
	if (r != 0)
		die(1, "dir: %s", ctl_client_why(c));
	return n;
}

static int64_t
ask(struct ctl_client *c, const struct dir_term *t)
{
	int64_t from = clock_mono_us();
	struct buf *b = ctl_client_begin(c, "dir");

	line_put(b, "limit", PAGE);
	line_putf(b, "m1", "%s:%s%s", t->attr, t->value,
	    t->attr[0] != '\0' ? "*" : "");
	if (ctl_client_send(c, -1) != 0 || on_row(c) == 0)
		die(1, "nobody has %s=%s", t->attr, t->value);
	return clock_mono_us() - from;
}

/* --- the import --- */

/* Runs it, and asks the PAL manager after its health meanwhile, again and
 * again: the longest that it left this unanswered, us. */
static int64_t
import_all(const char *file)
{
	char program[PATH_LEN];
	const char *argv[] = { program, "user", "import", "-q", file, NULL };
	int64_t from, hold = 0;
	struct ctl_client *c;
	struct line l;
	int status;
	pid_t pid;

	text_copy(program, lab_program("sec-admin"), sizeof program);
	if (ctl_client_open(&c, lab_path("run/pal.sock")) != 0 ||
	    (pid = lab_start(argv)) < 0)
		die(1, "no import");
	do {
		from = clock_mono_us();
		ctl_client_begin(c, "status");
		if (ctl_client_send(c, -1) != 0 ||
		    ctl_client_next(c, &l, 10000) != 0)
			die(1, "sec-pal does not answer");
		if (clock_mono_us() - from > hold)
			hold = clock_mono_us() - from;
	} while (waitpid(pid, &status, WNOHANG) == 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die(1, "no import");
	ctl_client_close(c);
	return hold;
}

/* --- the parts --- */

static int
on_user(void *arg, const char *user)
{
	(void)user;
	++*(size_t *)arg;
	return 0;
}

/* The bare table: what dir_search() found, by another way. */
static sqlite3 *
bare_open(void)
{
	sqlite3 *h;
	char sql[400];

	snprintf(sql, sizeof sql,
	    "ATTACH '%s' AS d; CREATE TABLE t (attr TEXT, key TEXT, user TEXT,"
	    " PRIMARY KEY (attr, key, user)) WITHOUT ROWID;"
	    "INSERT INTO t SELECT attr, key, user FROM d.attribute;"
	    "DETACH d",
	    lab_path("lib/dir.db"));
	if (sqlite3_open(lab_path("bare.db"), &h) != SQLITE_OK ||
	    sqlite3_exec(h, sql, NULL, NULL, NULL) != SQLITE_OK)
		die(1, "bare: %s", sqlite3_errmsg(h));
	return h;
}

static size_t
bare_find(sqlite3_stmt *s, const char *attr, const char *key)
{
	char high[DIR_VALUE + 4];
	size_t n = 0;

	snprintf(high, sizeof high, "%s\xf4\x8f\xbf\xbf", key);
	sqlite3_bind_text(s, 1, attr, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 3, high, -1, SQLITE_STATIC);
	while (sqlite3_step(s) == SQLITE_ROW)
		n += sqlite3_column_text(s, 0) != NULL;
	sqlite3_reset(s);
	return n;
}

/* dir_search() over the bare look-up, for one attribute; both in us. */
static double
parts(struct db *d, sqlite3 *h, const char *attr, double *search_us)
{
	static const char sql[] =
	    "SELECT user FROM t WHERE attr = ?1 AND key >= ?2 AND key < ?3";
	struct dir_search q = { .n = 1 };
	size_t ours = 0, theirs = 0;
	int64_t t, us = 0, bare = 0;
	sqlite3_stmt *s;
	unsigned i, k;

	if (sqlite3_prepare_v2(h, sql, -1, &s, NULL) != SQLITE_OK)
		die(1, "bare: %s", sqlite3_errmsg(h));
	for (i = 0; i < 2 * EACH; i++) {
		char key[DIR_VALUE];

		term_of(&q.term[0], i * 991 % PEOPLE, attr);
		for (k = 0, t = 0; q.term[0].value[k] != '\0'; k++)
			if (strcmp(attr, "phone") != 0 ||
			    q.term[0].value[k] != ' ')
				key[t++] = (char)(q.term[0].value[k] |
				    (q.term[0].value[k] >= 'A' &&
						q.term[0].value[k] <= 'Z' ?
					    0x20 :
					    0));
		key[t] = '\0';
		t = clock_mono_us();
		if (dir_search(d, &q, on_user, &ours) != 0)
			die(1, "dir_search");
		us += clock_mono_us() - t;
		t = clock_mono_us();
		theirs += bare_find(s, attr, key);
		bare += clock_mono_us() - t;
	}
	sqlite3_finalize(s);
	if (ours != theirs)
		die(1, "%s: %zu found, %zu by SQLite alone", attr, ours,
		    theirs);
	*search_us = (double)us / (2 * EACH);
	return (double)us / (double)(bare > 0 ? bare : 1);
}

int
main(void)
{
	double ms[ATTRS], ratio[ATTRS - 1], us[ATTRS - 1], worst = 0;
	char file[PATH_LEN], why[512];
	struct samples lat = SAMPLES_INIT;
	struct ctl_client *c;
	struct dir_term t;
	struct db *d;
	sqlite3 *h;
	int64_t from, cpu, hold;
	unsigned i;
	size_t k;

	log_open("directory", LOG_L_ERROR);
	lab_up((const char *const[]) { "alice", NULL });
	text_copy(file, lab_path("staff.csv"), sizeof file);
	people_write(file);
	cpu = bench_cpu(lab_daemon_pid("pal"));
	from = clock_mono_us();
	hold = import_all(file);
	cpu = bench_cpu(lab_daemon_pid("pal")) - cpu;
	printf("bench directory-import %.2f 1  of 10 s of CPU in sec-pal: "
	       "%d people in %.1f s, cpu_s %.1f\n",
	    (double)cpu / 1e10, PEOPLE, (double)(clock_mono_us() - from) / 1e6,
	    (double)cpu / 1e9);
	printf("bench directory-hold %.2f 1  of 1 s: longest that sec-pal "
	       "did not answer meanwhile, ms %.1f\n",
	    (double)hold / 1e6, (double)hold / 1e3);
	if (ctl_client_open(&c, lab_path("run/alice@" LAB_DOMAIN ".sock")) != 0)
		die(1, "no agent");
	for (k = 0; k < ATTRS; k++) {
		samples_reset(&lat);
		for (i = 0; i < EACH; i++) {
			term_of(&t, i * 1777 % PEOPLE, attrs[k]);
			samples_add(&lat, ask(c, &t));
		}
		ms[k] = (double)samples_at(&lat, 50) / 1000;
		if (ms[k] > worst)
			worst = ms[k];
	}
	ctl_client_close(c);
	printf("bench directory %.2f 1  of 20 ms, slowest attribute: p50_ms",
	    worst / GOAL_MS);
	for (k = 0; k < ATTRS; k++)
		printf(" %s %.2f", attrs[k][0] != '\0' ? attrs[k] : "word",
		    ms[k]);
	printf("\n");
	if (db_open(&d, "dir.db", DB_READER, why, sizeof why) != 0)
		die(1, "%s", why);
	h = bare_open();
	for (k = 0; k + 1 < ATTRS; k++)
		ratio[k] = parts(d, h, attrs[k], &us[k]);
	printf("bench directory-search");
	for (k = 0, worst = 0; k + 1 < ATTRS; k++)
		if (ratio[k] > worst)
			worst = ratio[k];
	printf(" %.2f 4  dir_search() over a bare look-up, worst:", worst);
	for (k = 0; k + 1 < ATTRS; k++)
		printf(" %s %.1f (%.0f us)", attrs[k], ratio[k], us[k]);
	printf("\n");
	sqlite3_close(h);
	db_close(d);
	samples_free(&lat);
	return 0;
}
