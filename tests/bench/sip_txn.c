/*
 * Transaction look-up (PERFORMANCE.md 3): the stack's own tables with 10,
 * 1000 and 50,000 transactions open, beside a bare SipHash table from the
 * same branches to copies of them. CPU time of this thread; both alternate;
 * median of the rounds.
 *
 *	server: finding the INVITE of an ACK or CANCEL, or a repeated request
 *	new:    learning that a request is new; beside a hit of the bare table
 *	client: finding whose answer it is
 *
 * A hit at 50,000 costs more than the bare table's, whose copies are packed:
 * whole transactions do not fit the same cache.
 */
#include <sys/socket.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/siphash.h"
#include "crypto/random.h"
#include "sip/stack_priv.h"
#include "sip/txn.h"

#define ROUNDS	11
#define LOOKUPS 200000
#define GOAL	1.5

struct cell {
	uint64_t hash;
	char *branch;
};

static struct loop *l;
static struct sip_stack *s;
static struct sip_conn *conn;
static char (*branches)[24];
static uint32_t *order;
static struct cell *cells;
static size_t open_count, mask;
static uint8_t key[16];
static volatile size_t found;

/* --- the yardstick --- */

static void
bare_fill(void)
{
	size_t i, at;
	uint64_t h;

	for (mask = 16; mask < 2 * open_count; mask *= 2)
		;
	cells = calloc(mask--, sizeof(*cells));
	for (i = 0; i < open_count; i++) {
		h = siphash24(key, branches[i], strlen(branches[i]));
		for (at = h & mask; cells[at].branch != NULL;)
			at = (at + 1) & mask;
		cells[at].hash = h;
		cells[at].branch = strdup(branches[i]);
	}
}

static int
bare_find(const char *branch)
{
	size_t n = strlen(branch), at;
	uint64_t h = siphash24(key, branch, n);

	for (at = h & mask; cells[at].branch != NULL; at = (at + 1) & mask)
		if (cells[at].hash == h &&
		    memcmp(cells[at].branch, branch, n + 1) == 0)
			return 1;
	return 0;
}

static void
run_bare(void)
{
	size_t i;

	for (i = 0; i < LOOKUPS; i++)
		found += (size_t)bare_find(branches[order[i]]);
}

/* --- the stack --- */

static void
on_invite(void *ctx, struct sip_txn *t, const struct sip_msg *req)
{
	(void)ctx;
	(void)t;
	(void)req;
}

static const struct sip_method methods[] = {
	{ "INVITE", NEED_SESSION, on_invite },
	{ NULL, 0, NULL },
};

static const struct stream_ops no_ops = { NULL, NULL, NULL };

static int
connect_raw(void)
{
	struct sip_peer peer = { .proof = NEED_SESSION };
	struct stream *st;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1)
		die(1, "socketpair");
	fcntl(sv[1], F_SETFL, O_NONBLOCK);
	st = stream_new(l, sv[0], 65536, 65536, &no_ops, NULL);
	conn = sip_conn_new(s, &peer);
	sip_conn_attach(conn,
	    channel_plain(l, st, sip_frame, &sip_channel_ops, conn));
	while (!sip_conn_is_up(conn))
		loop_turn(l, 1);
	return sv[1];
}

/* Open one server transaction per branch, by INVITEs that come in. */
static void
open_server(int fd)
{
	char text[512];
	size_t i, n, put;
	ssize_t r;

	for (i = 0; i < open_count; i++) {
		n = (size_t)snprintf(text, sizeof(text),
		    "INVITE sip:standup@conf.example.org SIP/2.0\r\n"
		    "Via: SIP/2.0/TCP 0a0b0c0d.invalid;branch=%s\r\n"
		    "From: <sip:alice@example.org>;tag=%zx\r\n"
		    "To: <sip:standup@conf.example.org>\r\n"
		    "Call-ID: %zx\r\nCSeq: 1 INVITE\r\n"
		    "Content-Length: 0\r\n\r\n",
		    branches[i], i, i);
		for (put = 0; put < n;) {
			r = write(fd, text + put, n - put);
			if (r > 0)
				put += (size_t)r;
			else
				loop_turn(l, 1);
		}
	}
	while (sip_open_count(s) < open_count)
		loop_turn(l, 1);
}

static void
run_server(void)
{
	size_t i;

	for (i = 0; i < LOOKUPS; i++)
		found +=
		    txn_find(s, conn->id, branches[order[i]], "INVITE") != NULL;
}

/* As a new request: what is open is another connection's. */
static void
run_new(void)
{
	size_t i;

	for (i = 0; i < LOOKUPS; i++)
		found += txn_find(s, conn->id + 1, branches[order[i]],
			     "INVITE") == NULL;
}

static void
run_client(void)
{
	const char *b;
	size_t i;

	for (i = 0; i < LOOKUPS; i++) {
		b = branches[order[i]];
		found += client_by_branch(conn, b, strlen(b)) != NULL;
	}
}

/* --- measuring --- */

static double
cpu_ns(void (*run)(void))
{
	struct timespec a, b;

	found = 0;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	run();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	if (found != LOOKUPS)
		die(1, "%zu of %d found", found, LOOKUPS);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 +
		   (double)(b.tv_nsec - a.tv_nsec)) /
	    LOOKUPS;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), by_value);
	return v[ROUNDS / 2];
}

static void
measure(const char *what, void (*run)(void))
{
	double ours[ROUNDS], bare[ROUNDS], ratio[ROUNDS];
	int i;

	(void)cpu_ns(run_bare);
	(void)cpu_ns(run);
	for (i = 0; i < ROUNDS; i++) {
		bare[i] = cpu_ns(run_bare);
		ours[i] = cpu_ns(run);
		ratio[i] = ours[i] / bare[i];
	}
	printf("bench sip_txn_%s_%zu %.2f %.2f", what, open_count,
	    median(ratio), GOAL);
	printf(" spread=%.2f-%.2f ns=%.0f bare_ns=%.0f\n", ratio[0],
	    ratio[ROUNDS - 1], median(ours), median(bare));
	fflush(stdout);
}

static void
bench(size_t n)
{
	struct sip_client *k;
	size_t i;
	int fd;

	open_count = n;
	branches = calloc(n, sizeof(*branches));
	order = calloc(LOOKUPS, sizeof(*order));
	if (branches == NULL || order == NULL)
		die(1, "no memory");
	srandom(1);
	for (i = 0; i < LOOKUPS; i++)
		order[i] = (uint32_t)((size_t)random() % n);
	s = sip_stack_new(l, methods, NULL, NULL);
	s->max_txns = SIZE_MAX;
	fd = connect_raw();
	for (i = 0; i < n; i++) {
		k = client_new(conn, stack_id(s), CLIENT_PLAIN, 0);
		snprintf(branches[i], sizeof(branches[i]), "z9hG4bK%016llx",
		    (unsigned long long)k->id);
	}
	bare_fill();
	measure("client", run_client);
	while ((k = TAILQ_FIRST(&conn->clients)) != NULL)
		client_free(k);
	open_server(fd);
	measure("server", run_server);
	measure("new", run_new);
	sip_stack_free(s);
	close(fd);
	for (i = 0; i <= mask; i++)
		free(cells[i].branch);
	free(cells);
	free(branches);
	free(order);
}

int
main(void)
{
	crypto_init();
	crypto_random(key, sizeof(key));
	l = loop_new();
	bench(10);
	bench(1000);
	bench(50000);
	loop_free(l);
	return 0;
}
