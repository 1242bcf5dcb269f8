/*
 * create: how long a user waits for a conference (Fig. 6; goal of the text
 * issue: half of them within 5 ms), and what it costs all daemons. A lab, one
 * user, the verbs `create` and `leave` of his agent's control socket, again
 * and again. `create` is answered when the conference is open: 302, second
 * INVITE and its 200, roster, and the connection to its text router.
 */

#include "lab.h"

#define ROUNDS 5
#define EACH   60
#define GOAL   5000 /* us */

struct bench {
	struct ctl_client *agent;
	pid_t agent_pid;
	pid_t pid[LAB_DAEMONS];
	unsigned number;
	struct samples span;
};

/* The call just begun: its last row's conference, or NULL. */
static void
finish(struct bench *b, char *conf, size_t n)
{
	struct line l;
	int r;

	ctl_client_send(b->agent, -1);
	while ((r = ctl_client_next(b->agent, &l, 20000)) == 1)
		;
	if (r != 0)
		die(1, "%s (%d)", ctl_client_why(b->agent),
		    ctl_client_code(b->agent));
	if (conf != NULL)
		snprintf(conf, n, "%s", line_get_or(&l, "conf", ""));
}

static void
create_once(struct bench *b)
{
	char conf[256], name[32];
	struct buf *l;
	int64_t t;

	snprintf(name, sizeof name, "bench%u", ++b->number);
	l = ctl_client_begin(b->agent, "create");
	line_put(l, "name", name);
	t = clock_mono_us();
	finish(b, conf, sizeof conf);
	samples_add(&b->span, clock_mono_us() - t);
	if (strncmp(conf, "sip:", 4) != 0)
		die(1, "no conference was named");
	l = ctl_client_begin(b->agent, "leave");
	line_put(l, "conf", conf);
	finish(b, NULL, 0);
}

static int64_t
cpu_all(const struct bench *b)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < LAB_DAEMONS; i++)
		sum += bench_cpu(b->pid[i]);
	return sum;
}

int
main(void)
{
	static struct bench b;
	double cpu[ROUNDS], agent[ROUNDS], p50[ROUNDS], p99;
	struct samples all = SAMPLES_INIT;
	struct line l;
	uint64_t pid;
	size_t i, k;
	int64_t t, u;

	log_open("create", LOG_L_ERROR);
	lab_up((const char *const[]) { "alice", NULL });
	for (i = 0; i < LAB_DAEMONS; i++)
		b.pid[i] = lab_daemon_pid(lab_names[i]);
	if (ctl_client_open(&b.agent,
		lab_path("run/alice@" LAB_DOMAIN ".sock")) != 0)
		die(1, "no agent");
	ctl_client_begin(b.agent, "status");
	ctl_client_send(b.agent, -1);
	if (ctl_client_next(b.agent, &l, 10000) != 0 ||
	    line_get_u64(&l, "pid", &pid) != 0)
		die(1, "the agent does not know its pid");
	b.agent_pid = (pid_t)pid;
	for (k = 0; k < EACH; k++) /* warm up */
		create_once(&b);
	for (i = 0; i < ROUNDS; i++) {
		samples_reset(&b.span);
		t = cpu_all(&b);
		u = bench_cpu(b.agent_pid);
		for (k = 0; k < EACH; k++)
			create_once(&b);
		cpu[i] = (double)(cpu_all(&b) - t) / EACH / 1000;
		agent[i] = (double)(bench_cpu(b.agent_pid) - u) / EACH / 1000;
		p50[i] = (double)samples_at(&b.span, 50);
		for (k = 0; k < EACH; k++)
			samples_add(&all, b.span.v[k]);
	}
	p99 = (double)samples_at(&all, 99);
	(void)median(p50, ROUNDS);
	printf(
	    "bench create %.2f 1  of 5 ms: p50_us %.0f (%.0f-%.0f) p99_us "
	    "%.0f daemons_cpu_us %.0f agent_cpu_us %.0f (create and leave)\n",
	    p50[ROUNDS / 2] / GOAL, p50[ROUNDS / 2], p50[0], p50[ROUNDS - 1],
	    p99, median(cpu, ROUNDS), median(agent, ROUNDS));
	ctl_client_close(b.agent);
	samples_free(&b.span);
	samples_free(&all);
	return 0;
}
