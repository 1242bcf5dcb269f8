/*
 * login: users who log in at sec-pal (Fig. 5; goals of the presence issue):
 * one with a PAL of 50 entries, beside 10 and beside 10,000 users who have as
 * many, and 500 at the same moment, who are to be in within 10 s.
 *
 * Their tickets are there; to log in is REGISTER, a connection under the key
 * of that, SUBSCRIBE and the PAL with the answer.
 */

#include <signal.h>
#include <sys/resource.h>

#include "db/pal_entry.h"

#include "../lib/crowd.h"
#include "lab.h"

#define LOGINS	 100
#define ENTRIES	 50
#define MANY	 10000
#define FEW	 10
#define CROWD	 500
#define CROWDS	 5
#define LIMIT_MS 10000

static pid_t pal;

/* --- one among many --- */

/* Users FROM.. with a PAL of their neighbours each, straight into pal.db. */
static void
fill(size_t from, size_t to)
{
	struct pal_entry_row e;
	struct pal_user u;
	char why[256];
	struct db *d;
	size_t i, k;

	if (db_open(&d, "pal.db", DB_WRITER, why, sizeof why) != 0)
		die(1, "%s", why);
	memset(&u, 0, sizeof u);
	memset(&e, 0, sizeof e);
	snprintf(e.attrs, sizeof e.attrs, "*");
	e.added = u.created = u.seen = clock_real();
	if (db_begin(d) != 0)
		die(1, "%s", db_why(d));
	for (i = from; i < to; i++) {
		snprintf(u.user, sizeof u.user, "f%zu", i);
		snprintf(e.owner, sizeof e.owner, "f%zu", i);
		if (pal_user_put(d, &u) != 0)
			die(1, "%s", db_why(d));
		for (k = 1; k <= ENTRIES; k++) {
			snprintf(e.uri, sizeof e.uri, "sip:f%zu@%s",
			    (i + k * 7) % MANY, CROWD_DOMAIN);
			if (pal_entry_put(d, &e) != 0)
				die(1, "%s", db_why(d));
		}
	}
	if (db_commit(d) != 0)
		die(1, "%s", db_why(d));
	db_close(d);
}

/* The PAL of the one who logs in: of those that are there in both cases. */
static void
fill_own(const struct client *c)
{
	struct pal_entry_row e;
	char why[256];
	struct db *d;
	size_t k;

	if (db_open(&d, "pal.db", DB_WRITER, why, sizeof why) != 0)
		die(1, "%s", why);
	memset(&e, 0, sizeof e);
	snprintf(e.owner, sizeof e.owner, "%s", c->name);
	snprintf(e.attrs, sizeof e.attrs, "*");
	for (k = 0; k < ENTRIES; k++) {
		e.added = (int64_t)k;
		snprintf(e.uri, sizeof e.uri, "sip:f%zu@%s", k, CROWD_DOMAIN);
		if (pal_entry_put(d, &e) != 0)
			die(1, "%s", db_why(d));
	}
	db_close(d);
}

/* A new agent: its ticket is there. */
static int64_t
login(struct client *c, unsigned k)
{
	snprintf(c->instance, sizeof c->instance, "%024x%08x", 0xbeef, k);
	client_login(c);
	crowd_entered(c->crowd);
	client_logout(c);
	crowd_registered(c->crowd);
	return c->took;
}

/* us of the whole login, and of sec-pal's CPU in it (with the log-out). */
static void
logins(struct client *c, struct samples *span, double *cpu_us)
{
	static unsigned k;
	int64_t cpu = bench_cpu(pal);
	int i;

	samples_reset(span);
	for (i = 0; i < LOGINS; i++)
		samples_add(span, login(c, k++));
	*cpu_us = (double)(bench_cpu(pal) - cpu) / LOGINS / 1000;
}

static void
bench_login(struct crowd *w)
{
	struct client *c = &w->client[0];
	struct samples few = SAMPLES_INIT, many = SAMPLES_INIT;
	double cpu_few, cpu_many;

	client_make(c, w, 0);
	fill(0, FEW);
	(void)login(c, 1u << 30);
	fill_own(c);
	logins(c, &few, &cpu_few); /* warm up */
	logins(c, &few, &cpu_few);
	fill(FEW, MANY);
	logins(c, &many, &cpu_many);
	logins(c, &many, &cpu_many);
	printf("bench login.flat %.2f 1.2  with %d users of %d entries "
	       "p50_us %lld, with %d %lld; cpu_us %.0f %.0f\n",
	    (double)samples_at(&many, 50) / (double)samples_at(&few, 50), MANY,
	    ENTRIES, (long long)samples_at(&many, 50), FEW,
	    (long long)samples_at(&few, 50), cpu_many, cpu_few);
	fflush(stdout);
	samples_free(&few);
	samples_free(&many);
}

/* --- all at once --- */

/* All log in, and out again; us of each into span. Returns ms of all. */
static double
crowd_login(struct crowd *w, struct samples *span)
{
	int64_t t = clock_mono_us();
	size_t i;

	for (i = 0; i < w->n; i++)
		client_login(&w->client[i]);
	crowd_entered(w);
	t = clock_mono_us() - t;
	for (i = 0; i < w->n; i++) {
		samples_add(span, w->client[i].took);
		client_logout(&w->client[i]);
	}
	crowd_registered(w);
	return (double)t / 1000;
}

static void
bench_crowd(struct crowd *w)
{
	struct samples span = SAMPLES_INIT;
	int64_t cpu;
	double ms[CROWDS];
	size_t i;

	for (i = 1; i < w->n; i++)
		client_make(&w->client[i], w, i);
	(void)crowd_login(w, &span); /* warm up */
	samples_reset(&span);
	cpu = bench_cpu(pal);
	for (i = 0; i < CROWDS; i++)
		ms[i] = crowd_login(w, &span);
	cpu = bench_cpu(pal) - cpu;
	printf("bench login.crowd %.3f 1  of 10 s for %d users at once; "
	       "%.0f logins/s, p50_ms %.0f p99_ms %.0f; cpu_us %.0f each, "
	       "with the log-out\n",
	    median(ms, CROWDS) / LIMIT_MS, CROWD,
	    CROWD * 1000 / median(ms, CROWDS),
	    (double)samples_at(&span, 50) / 1000,
	    (double)samples_at(&span, 99) / 1000,
	    (double)cpu / 1000 / CROWDS / CROWD);
	samples_free(&span);
}

int
main(void)
{
	struct rlimit nofile = { 20000, 20000 };
	struct addr at;
	struct crowd w;

	setrlimit(RLIMIT_NOFILE, &nofile);
	log_open("login", LOG_L_ERROR);
	signal(SIGPIPE, SIG_IGN);
	crypto_init();
	lab_up((const char *const[]) { "alice", NULL });
	pal = lab_daemon_pid("pal");
	lab_address("pal", &at);
	crowd_open(&w, &at, CROWD);
	bench_login(&w);
	bench_crowd(&w);
	crowd_close(&w);
	return 0;
}
