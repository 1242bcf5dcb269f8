/*
 * joins: a thousand members join one conference (Figs 6, 7; goal of the text
 * issue: under 2 s of CPU over all daemons, no N^2 of rosters or ratchets).
 * A lab with 1000 users; this program is the agents of all of them: each is
 * registered, connected to sec-pal and sec-confctl and subscribed to his PAL
 * as an agent is. Then one opens a conference to the realm and the others
 * join: INVITE, 200, ACK, hop key out of the wrap, hello to the text router,
 * SUBSCRIBE to the roster, 200 to every NOTIFY and INFO. A round is over when
 * everybody's roster is complete and nothing has come for a while. Beside it
 * the same with 100 of them, for the cost of one join to be compared.
 *
 * CPU is what the kernel says that the four daemons ran.
 * usage: joins [MEMBERS]                        (default 1000)
 */

#include "members.h"

#define ROUNDS	  3
#define FEW	  100 /* members of the smaller conference */
#define GOAL	  2000 /* ms of CPU */
#define GOAL_FLAT 1.5

struct cost {
	double ms, of[LAB_DAEMONS], wall;
	uint64_t notifies, infos;
};

static struct cost
measure(struct bench *b, size_t members)
{
	struct cost c = { .ms = 0 };
	int64_t cpu[LAB_DAEMONS], t;
	size_t i;

	b->notifies = b->infos = 0;
	for (i = 0; i < LAB_DAEMONS; i++)
		cpu[i] = bench_cpu(b->pid[i]);
	t = clock_mono();
	join_all(b, members);
	c.wall = (double)(clock_mono() - t);
	settle(b);
	timer_cancel(&b->deadline);
	for (i = 0; i < LAB_DAEMONS; i++) {
		c.of[i] = (double)(bench_cpu(b->pid[i]) - cpu[i]) / 1e6;
		c.ms += c.of[i];
	}
	for (i = 1; i < members; i++)
		if (b->agent[i].epoch != b->agent[0].epoch)
			die(1, "epochs %u and %u", b->agent[i].epoch,
			    b->agent[0].epoch);
	c.notifies = b->notifies;
	c.infos = b->infos;
	end_round(b);
	return c;
}

static int
cost_less(const void *a, const void *b)
{
	double x = ((const struct cost *)a)->ms;
	double y = ((const struct cost *)b)->ms;

	return (x > y) - (x < y);
}

/* The median round; the others' CPU in spread. */
static struct cost
rounds(struct bench *b, size_t members, double spread[2])
{
	struct cost c[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++)
		c[i] = measure(b, members);
	qsort(c, ROUNDS, sizeof c[0], cost_less);
	spread[0] = c[0].ms;
	spread[1] = c[ROUNDS - 1].ms;
	return c[ROUNDS / 2];
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	size_t few = n < FEW ? n : FEW;
	double spread[2], spread_few[2];
	struct cost many, c;
	static struct bench b;
	int64_t login_cpu;

	members_open(&b, "joins", n);
	login_cpu = bench_cpu(b.pid[1]);
	(void)measure(&b, few); /* warm up */
	c = rounds(&b, few, spread_few);
	many = rounds(&b, n, spread);
	printf("bench joins.%zu %.2f 1  of %d ms of CPU: cpu_ms %.0f "
	       "(%.0f-%.0f) confctl %.0f pal %.0f mtcu %.0f wall_ms %.0f "
	       "notifies %llu infos %llu login_cpu_ms %.0f\n",
	    n, many.ms / GOAL, GOAL, many.ms, spread[0], spread[1], many.of[0],
	    many.of[1], many.of[2] + many.of[3], many.wall,
	    (unsigned long long)many.notifies, (unsigned long long)many.infos,
	    (double)login_cpu / 1e6);
	printf("bench joins.flat %.2f %.1f  cpu_us/join at %zu %.0f at %zu "
	       "%.0f (%.0f-%.0f)\n",
	    many.ms / (double)n / (c.ms / (double)few), GOAL_FLAT, n,
	    many.ms * 1000 / (double)n, few, c.ms * 1000 / (double)few,
	    spread_few[0] * 1000 / (double)few,
	    spread_few[1] * 1000 / (double)few);
	members_close(&b);
	return 0;
}
