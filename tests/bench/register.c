/*
 * register: what a registration costs sec-pal (Fig. 5; goal of the text
 * issue: 1.2 times the bare cost of its parts). Eight agents of one user of
 * a lab register again and again, each time with a new AP-REQ on a new
 * connection; beside it, in turns, this process does the parts alone:
 * krb5_rd_req with the replay cache, krb5_mk_rep, two X25519, one commit of
 * the same rows. Eight, since a server that sleeps between two requests pays
 * for waking up and for cold caches, which the parts do not (PERFORMANCE.md
 * 6); `one` is the ratio with one at a time, and so are the latencies.
 *
 * CPU is what the kernel says that the daemon, or this process, ran.
 */

#include <sys/resource.h>
#include <time.h>

#include "base/loop.h"
#include "crypto/dh.h"
#include "crypto/random.h"
#include "db/pal_store.h"
#include "krb/accept.h"
#include "ua/register.h"

#include "lab.h"

#define ROUNDS	 9
#define EACH	 200
#define AGENTS	 8
#define INSTANCE "0123456789abcdef0123456789abcde%d"

struct agent {
	struct bench *b;
	char instance[44];
};

struct bench {
	struct loop *loop;
	struct ticket ticket;
	struct addr pal;
	pid_t pid;
	struct agent agent[AGENTS];
	int left; /* to be begun */
	int open;
	/* the parts */
	struct acceptor *acceptor;
	struct db *db;
	struct buf apreq[EACH];
};

/* --- the program --- */

static void register_once(struct agent *a);

static void
on_registered(void *arg, const struct register_outcome *o)
{
	struct agent *a = arg;

	if (o->err != 0)
		die(1, "refused: %s (%d)", sec_strerror(o->err), o->status);
	a->b->open--;
	if (a->b->left > 0)
		register_once(a);
}

static void
register_once(struct agent *a)
{
	struct bench *b = a->b;
	struct register_request q = { .to = b->pal,
		.service = buf_data(&b->ticket.service),
		.servicelen = buf_len(&b->ticket.service),
		.domain = LAB_DOMAIN,
		.realm = LAB_REALM,
		.target = LAB_PAL,
		.uri = "sip:alice@" LAB_DOMAIN,
		.instance = a->instance,
		.expires = 600,
		.media = "text,voice" };
	struct registering *r;

	b->left--;
	b->open++;
	if (register_start(&r, b->loop, &q, on_registered, a) != 0)
		die(1, "the ticket cannot be used");
}

static void
register_all(struct bench *b, int n, int at_once)
{
	int i;

	b->left = n;
	for (i = 0; i < at_once; i++)
		register_once(&b->agent[i]);
	while (b->open > 0)
		loop_turn(b->loop, -1);
}

/* us of sec-pal per registration; span: from start to answer, of one at a
 * time. */
static double
measure(struct bench *b, struct samples *span)
{
	int64_t cpu = bench_cpu(b->pid), t;
	int i;

	if (span == NULL)
		register_all(b, EACH, AGENTS);
	else
		for (i = 0; i < EACH; i++) {
			t = clock_mono_us();
			register_all(b, 1, 1);
			samples_add(span, clock_mono_us() - t);
		}
	return (double)(bench_cpu(b->pid) - cpu) / EACH / 1000;
}

/* --- its parts --- */

static void
parts_open(struct bench *b)
{
	char why[256], dir[PATH_LEN];

	if (acceptor_open(&b->acceptor, LAB_PAL "@" LAB_REALM,
		lab_path("etc/pal.keytab"), lab_path("rcache"), why,
		sizeof why) != 0)
		die(1, "%s", why);
	/* Not the daemon's file. */
	snprintf(dir, sizeof dir, "%s/parts/lib", bench_dir);
	if (proc_mkdirs(dir, 0700) != 0)
		die(1, "cannot make %s", dir);
	setenv("SEC_DIR", lab_path("parts"), 1);
	if (db_open(&b->db, "pal.db", DB_WRITER, why, sizeof why) != 0)
		die(1, "%s", why);
	setenv("SEC_DIR", bench_dir, 1);
}

/* Requests of the client, made beforehand. */
static void
parts_prepare(struct bench *b)
{
	struct secret *prf;
	struct apreq *ap;
	int i;

	for (i = 0; i < EACH; i++) {
		buf_reset(&b->apreq[i]);
		if (apreq_new(&ap, buf_data(&b->ticket.service),
			buf_len(&b->ticket.service), &b->apreq[i], &prf) != 0)
			die(1, "the ticket cannot be used");
		secret_free(prf);
		apreq_free(ap);
	}
}

static void
parts_once(struct bench *b, const struct buf *apreq, const uint8_t peer[32])
{
	struct pal_reach reach = { "text", "voip", "", 1 };
	struct pal_registration reg = { .user = "alice",
		.reach = &reach,
		.nreach = 1,
		.now = clock_real() };
	struct secret *c2s, *s2c, *own, *shared;
	struct buf aprep = BUF_INIT;
	struct accepted *a;
	uint8_t pub[32];

	snprintf(reg.binding.instance, sizeof reg.binding.instance, INSTANCE,
	    0);
	snprintf(reg.binding.via, sizeof reg.binding.via, "voip");
	snprintf(reg.binding.contact, sizeof reg.binding.contact,
	    "127.0.0.1:40000");
	snprintf(reg.binding.media, sizeof reg.binding.media, "text,voice");
	reg.binding.since = reg.now;
	reg.binding.until = reg.now + 600000;
	if (accept_apreq(b->acceptor, buf_data(apreq), buf_len(apreq), &a,
		&c2s) != 0 ||
	    accepted_reply(a, &aprep, &s2c) != 0)
		die(1, "the AP-REQ is refused");
	own = crypto_random_key(32, 0);
	dh_public(own, pub);
	if (dh_shared(own, peer, &shared) != 0 ||
	    pal_register(b->db, &reg) != 0)
		die(1, "a part has failed");
	secret_free(shared);
	secret_free(own);
	secret_free(c2s);
	secret_free(s2c);
	buf_free(&aprep);
	accepted_free(a);
}

static int64_t
own_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static double
measure_parts(struct bench *b)
{
	struct secret *key = crypto_random_key(32, 0);
	uint8_t peer[32];
	int64_t cpu;
	int i;

	dh_public(key, peer);
	secret_free(key);
	parts_prepare(b);
	cpu = own_cpu();
	for (i = 0; i < EACH; i++)
		parts_once(b, &b->apreq[i], peer);
	return (double)(own_cpu() - cpu) / EACH / 1000;
}

int
main(void)
{
	static struct bench b;
	double own[ROUNDS], parts[ROUNDS], ratio[ROUNDS], one[ROUNDS];
	struct samples span = SAMPLES_INIT;
	int i;

	log_open("register", LOG_L_ERROR);
	crypto_init();
	lab_up((const char *const[]) { "alice", NULL });
	b.loop = loop_new();
	b.pid = lab_daemon_pid("pal");
	for (i = 0; i < AGENTS; i++) {
		b.agent[i].b = &b;
		snprintf(b.agent[i].instance, sizeof b.agent[i].instance,
		    INSTANCE, i);
	}
	lab_address("pal", &b.pal);
	lab_ticket("alice", &b.ticket);
	parts_open(&b);
	(void)measure(&b, NULL); /* warm up */
	(void)measure_parts(&b);
	for (i = 0; i < ROUNDS; i++) {
		own[i] = measure(&b, NULL);
		parts[i] = measure_parts(&b);
		ratio[i] = own[i] / parts[i];
		one[i] = measure(&b, &span) / parts[i];
	}
	(void)median(ratio, ROUNDS);
	(void)median(own, ROUNDS);
	printf("bench register %.2f 1.2  ratio (%.2f-%.2f) cpu_us %.0f "
	       "(%.0f-%.0f) parts_us %.0f per_s_of_one_core %.0f one %.2f "
	       "p50_us %lld p99_us %lld\n",
	    ratio[ROUNDS / 2], ratio[0], ratio[ROUNDS - 1], own[ROUNDS / 2],
	    own[0], own[ROUNDS - 1], median(parts, ROUNDS),
	    1e6 / own[ROUNDS / 2], median(one, ROUNDS),
	    (long long)samples_at(&span, 50), (long long)samples_at(&span, 99));
	acceptor_close(b.acceptor);
	db_close(b.db);
	for (i = 0; i < EACH; i++)
		buf_free(&b.apreq[i]);
	ticket_free(&b.ticket);
	samples_free(&span);
	loop_free(b.loop);
	return 0;
}
