/*
 * presence: a change of status told to 100 and to 1000 watchers (Fig. 10,
 * S062; goals of the presence issue).
 *
 * This program is all the users of a lab but its first: it registers them
 * with tickets of their own, connects them under their keys, lets each add
 * the first of them to his PAL and subscribe to that. Then the first one's
 * status changes, again and again, and everybody answers the NOTIFY. Beside
 * it, in turns within the same run, a bare TCP server sends the same number
 * of bytes to as many sockets, one send(2) per copy, and reads an equal
 * answer per copy; it rests as long between two messages, since whoever
 * sleeps pays for cold caches (PERFORMANCE.md 6).
 *
 * CPU is what the kernel says the server's threads ran (schedstat).
 * usage: presence [WATCHERS...]                    (default 100 1000)
 */

#include <signal.h>
#include <sys/resource.h>

#include "../lib/crowd.h"
#include "lab.h"

#define ROUNDS	5
#define AT_ONCE 16

static pid_t pal;
static size_t begun; /* users */

/* Registered, connected, with the first of them in the PAL that it has
 * subscribed to. */
static void
clients_begin(struct crowd *w, size_t from, size_t to)
{
	struct client *c;
	size_t i;

	for (i = from; i < to; i++) {
		client_make(&w->client[i], w, i);
		client_register(&w->client[i], CROWD_STAY);
		while (w->registering >= AT_ONCE)
			loop_turn(w->loop, -1);
	}
	crowd_registered(w);
	for (i = from; i < to; i++) {
		c = &w->client[i];
		client_dial(c);
		while (!c->up)
			loop_turn(w->loop, -1);
		if (i > 0)
			client_request(c, "SUBSCRIBE", w->client[0].uri,
			    "Expires: 0\r\n"
			    "Content-Type: application/sec-control\r\n",
			    "entry\tattrs=*\n");
		client_subscribe(c);
		client_wait(c);
	}
}

/* --- fan-out --- */

static void
rest(struct crowd *w, int64_t ms)
{
	int64_t until = clock_mono() + ms, left;

	while ((left = until - clock_mono()) > 0)
		loop_turn(w->loop, (int)left);
}

/* How long the PAL manager lets pass between two changes, and some more. */
static int
apart_ms(size_t n)
{
	return (n > 400 ? (int)n / 4 : 100) + 50;
}

static void
publish(struct crowd *w, unsigned k)
{
	char body[80];

	snprintf(body, sizeof body, "status\tvalue=%s\tclass=busy\n",
	    k % 2 == 0 ? "lunching" : "thinking");
	client_request(&w->client[0], "PUBLISH", w->client[0].uri,
	    "Content-Type: application/sec-control\r\n", body);
}

/* CPU of sec-pal per NOTIFY, in us. */
static double
measure(struct crowd *w, size_t n, int messages, struct samples *last)
{
	static unsigned k;
	int64_t cpu = 0, t;
	int i;

	for (i = 0; i <= messages; i++) {
		rest(w, apart_ms(n));
		if (i == 1) /* the first is the warm-up */
			cpu = bench_cpu(pal);
		w->told = 0;
		t = clock_mono_us();
		publish(w, k++);
		while (w->told < n)
			loop_turn(w->loop, -1);
		if (i > 0)
			samples_add(last, clock_mono_us() - t);
		client_wait(&w->client[0]);
	}
	rest(w, 50); /* the answers */
	if (w->told != n)
		die(1, "%zu NOTIFYs for %zu watchers", w->told, n);
	return (double)(bench_cpu(pal) - cpu) / ((double)messages * (double)n) /
	    1000;
}

/* How long the bare loop took is printed too: what it needs on a machine, no
 * sealing can go below. */
static void
print_last(size_t n, struct samples *last, double bare)
{
	double p50 = (double)samples_at(last, 50) / 1000;

	printf("bench presence.last.%zu %.1f 20  ms to the last watcher, p50 "
	       "(p99 %.1f), bare %.1f, ratio %.2f\n",
	    n, p50, (double)samples_at(last, 99) / 1000, bare, p50 / bare);
}

static void
bench_fanout(struct crowd *w, size_t n)
{
	struct bare_result bare[ROUNDS];
	double own[ROUNDS], ratio[ROUNDS];
	struct samples last = SAMPLES_INIT;
	int messages = n >= 1000 ? 10 : 40, i;

	clients_begin(w, begun, n + 1);
	begun = n + 1;
	for (i = 0; i < ROUNDS; i++) {
		own[i] = measure(w, n, messages, &last);
		bare[i] = bare_fanout_apart(n, messages, w->copy_size,
		    w->answer_size, apart_ms(n));
		ratio[i] = own[i] / bare[i].cpu_us;
	}
	(void)median(ratio, ROUNDS);
	(void)median(own, ROUNDS);
	printf("bench presence.fanout.%zu %.2f 1.5  ratio (%.2f-%.2f) "
	       "cpu_us/notify %.2f bare %.2f bytes %zu+%zu\n",
	    n, ratio[ROUNDS / 2], ratio[0], ratio[ROUNDS - 1], own[ROUNDS / 2],
	    bare[ROUNDS / 2].cpu_us, w->copy_size, w->answer_size);
	print_last(n, &last, (double)bare[ROUNDS / 2].p50_us / 1000);
	fflush(stdout);
	samples_free(&last);
}

int
main(int argc, char **argv)
{
	static const char *const two[] = { "100", "1000" };
	const char *const *sizes =
	    argc > 1 ? (const char *const *)argv + 1 : two;
	int nsizes = argc > 1 ? argc - 1 : 2, i;
	struct rlimit nofile = { 20000, 20000 };
	struct addr at;
	struct crowd w;
	size_t most = 0;

	setrlimit(RLIMIT_NOFILE, &nofile);
	log_open("presence", LOG_L_ERROR);
	signal(SIGPIPE, SIG_IGN);
	crypto_init();
	for (i = 0; i < nsizes; i++)
		if (strtoul(sizes[i], NULL, 10) > most)
			most = strtoul(sizes[i], NULL, 10);
	lab_up((const char *const[]) { "alice", NULL });
	pal = lab_daemon_pid("pal");
	lab_address("pal", &at);
	crowd_open(&w, &at, most + 1);
	for (i = 0; i < nsizes; i++)
		bench_fanout(&w, strtoul(sizes[i], NULL, 10));
	crowd_close(&w);
	return 0;
}
