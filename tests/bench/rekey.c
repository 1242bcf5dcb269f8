/*
 * rekey: one of 200 members is blocked, and the others have another key
 * (SECURITY.md 3.5). `cpu`: what the controller runs for it, from the
 * owner's `block` until it rests, against 200 wraps and a bare TCP server
 * that sends as many bytes to as many sockets and reads an equal answer
 * from each, in turns within the same run. `last`: p99 of the time from the
 * `block` until the last member has opened the new key, all the members
 * being this one process.
 *
 * CPU is what the kernel says that the controller ran.
 * usage: rekey [MEMBERS]                        (default 200)
 */

#include <time.h>

#include "members.h"

#define ROUNDS	 100
#define TURNS	 5 /* of the yardstick */
#define MESSAGES 20 /* in a turn */
#define APART_MS 60 /* the controller rests before each block, too */
#define GOAL_CPU 1.5
#define GOAL	 250 /* ms */

/* The controller has nothing left to do. */
static int64_t
rested(struct bench *b)
{
	int64_t cpu, t;

	do {
		cpu = bench_cpu(b->pid[0]);
		for (t = clock_mono(); clock_mono() - t < 20;)
			loop_turn(b->loop, 20);
	} while (bench_cpu(b->pid[0]) != cpu);
	return cpu;
}

static void
ordered(struct bench *b, const char *verb)
{
	char line[URI_MAX + 32];

	b->ordered = 0;
	snprintf(line, sizeof line, "%s\twho=%s\n", verb,
	    b->agent[b->members - 1].uri);
	order(b, line);
}

/* He comes back, and so does everybody's key. */
static void
come_back(struct bench *b, struct agent *a)
{
	ordered(b, "unblock");
	until(b, &b->ordered, 1);
	if (a->conn[TO_ROUTER] != NULL)
		sip_conn_close(a->conn[TO_ROUTER], 0);
	(void)rested(b);
	a->out = 0;
	a->parts = 0;
	a->version = 0;
	b->joined--;
	invite(a);
	until(b, &b->joined, b->members);
}

/* us of CPU; the time until the last one has it into lat. */
static double
block(struct bench *b, struct samples *lat)
{
	struct agent *a = &b->agent[b->members - 1];
	int64_t cpu = rested(b), t = clock_mono_us();
	size_t i;

	a->out = 1;
	b->keyed = 0;
	ordered(b, "block");
	until(b, &b->keyed, b->members - 1);
	samples_add(lat, clock_mono_us() - t);
	until(b, &b->ordered, 1);
	cpu = rested(b) - cpu;
	for (i = 1; i + 1 < b->members; i++)
		if (b->agent[i].epoch != b->agent[0].epoch)
			die(1, "epochs %u and %u", b->agent[i].epoch,
			    b->agent[0].epoch);
	if (b->keyed != b->members - 1 || a->epoch == b->agent[0].epoch)
		die(1, "a key too many");
	come_back(b, a);
	return (double)cpu / 1e3;
}

static double
own_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The wraps for all of them, bare: us of CPU. */
static double
bare_wraps(struct bench *b)
{
	struct secret *key = crypto_random_key(32, 0), *plain;
	struct buf blob = BUF_INIT;
	int64_t now = clock_real();
	double t = own_us();
	struct agent *a;

	for (a = b->agent; a < b->agent + b->members; a++) {
		struct grant g = { .conf = a->conf_id,
			.epoch = a->epoch,
			.q = a->q,
			.not_before = now,
			.not_after = now,
			.key = key };

		plain = grant_encode(&g);
		buf_reset(&blob);
		wrap_seal(&blob, a->kc, a->keyid, a->uri, b->conf, plain, now);
		secret_free(plain);
	}
	t = own_us() - t;
	buf_free(&blob);
	secret_free(key);
	return t;
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 200;
	double mine[ROUNDS], ratio[TURNS], wraps[TURNS], sends[TURNS];
	struct samples lat = SAMPLES_INIT;
	static struct bench b;
	int turn, i;

	members_open(&b, "rekey", n);
	join_all(&b, n);
	settle(&b);
	(void)block(&b, &lat); /* warm up */
	samples_reset(&lat);
	for (turn = 0; turn < TURNS; turn++) {
		double *m = mine + turn * (ROUNDS / TURNS);

		for (i = 0; i < ROUNDS / TURNS; i++)
			m[i] = block(&b, &lat);
		wraps[turn] = bare_wraps(&b);
		sends[turn] =
		    bare_fanout_apart(n, MESSAGES, b.copy, b.answer, APART_MS)
			.cpu_us *
		    (double)n;
		ratio[turn] =
		    median(m, ROUNDS / TURNS) / (wraps[turn] + sends[turn]);
	}
	(void)median(ratio, TURNS); /* sorts, for the spread */
	printf("bench rekey_cpu %.2f %.1f  ratio (%.2f-%.2f) cpu_us %.0f "
	       "wraps %.0f sends %.0f bytes %zu+%zu members %zu\n",
	    ratio[TURNS / 2], GOAL_CPU, ratio[0], ratio[TURNS - 1],
	    median(mine, ROUNDS), median(wraps, TURNS), median(sends, TURNS),
	    b.copy, b.answer, n);
	printf("bench rekey_last %.1f %d  ms, p99 of %d; p50 %.1f\n",
	    (double)samples_at(&lat, 99) / 1e3, GOAL, ROUNDS,
	    (double)samples_at(&lat, 50) / 1e3);
	samples_free(&lat);
	members_close(&b);
	return 0;
}
