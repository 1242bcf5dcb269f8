/*
 * usage: flood [SECONDS [RATE]]          (10, 100000)
 *
 * Ten people talk at once in one conference of a sec-mcu, each of them heard
 * by the nine others, while RATE datagrams a second of junk come to its port
 * for SECONDS: noise of all lengths, voice of nobody, voice and hop packets of
 * the talkers with wrong tags, and good packets of theirs sent again. Before
 * that as long without junk. Prints what was lost in either case, and how the
 * junk was counted; exit 0 if less than 1 % more was lost (SECURITY.md 4),
 * every datagram was counted by one reason, and the log did not grow.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <time.h>

#include "../lib/router.h"

#define CONF	1
#define TALKERS 10
#define TICK_US 20000
#define HOP_MS	500
#define KINDS	5
#define BATCH	64
#define LOG_MAX (1 << 20)

static struct router r;
static struct voice talker[TALKERS];
static uint8_t said[TALKERS][ROUTER_PACKET]; /* once, in the beginning */

struct talk {
	uint64_t sent, got;
};

/* All that has come for one of them: voice is counted, hop packets are
 * taken. */
static void
listen_to(struct voice *v, struct talk *t)
{
	uint8_t p[2048];
	struct hop_packet h;
	ssize_t n;

	while ((n = recv(v->fd, p, sizeof p, MSG_DONTWAIT)) >= 0)
		if (!voice_take_hop(v, p, (size_t)n, &h) &&
		    n == ROUTER_PACKET &&
		    hopkey_check_rtp(hopkey_down(v->keys), p, (size_t)n) == 0)
			t->got++;
}

static void
listen_for(int64_t us, struct talk *t)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };
	struct pollfd p[TALKERS];
	int i;

	for (i = 0; i < TALKERS; i++)
		p[i] = (struct pollfd) { talker[i].fd, POLLIN, 0 };
	if (ppoll(p, TALKERS, &ts, NULL) <= 0)
		return;
	for (i = 0; i < TALKERS; i++)
		if (p[i].revents != 0)
			listen_to(&talker[i], t);
}

/* They talk for so long, one after the other within each 20 ms. */
static struct talk
talk(int64_t ms)
{
	int64_t begin = clock_mono_us(), now, next, hop = 0, end;
	struct talk t = { 0 };
	uint8_t p[HOP_MAX];
	int i;

	while ((now = clock_mono_us()) < begin + ms * 1000) {
		next = begin + (int64_t)t.sent * TICK_US / TALKERS;
		if (now < next) {
			listen_for(next - now, &t);
			continue;
		}
		voice_send(&r, &talker[t.sent++ % TALKERS], 20);
		if (now < hop)
			continue;
		hop = now + (int64_t)HOP_MS * 1000;
		for (i = 0; i < TALKERS; i++)
			voice_put(&r, talker[i].fd, p,
			    voice_hop_packet(&talker[i], p));
	}
	/* What is still under way. */
	for (end = clock_mono() + 500; clock_mono() < end;)
		listen_for(10000, &t);
	return t;
}

/* Fill out with the next piece of junk; its length. */
static size_t
make_junk(unsigned i, uint8_t out[ROUTER_PACKET])
{
	struct rtp h = { .pt = 96, .conf = CONF, .counter = 1u << 20 };
	unsigned who = i % TALKERS;

	proc_random(out, ROUTER_PACKET);
	h.q = talker[who].q;
	switch (i % KINDS) {
	case 0: return i * 7 % ROUTER_PACKET; /* noise */
	case 1: h.q += 10000; break; /* of nobody */
	case 2: break; /* a wrong tag */
	case 3:
		memcpy(out, "\x80\xcc\x00\x08", 4);
		put_be32(out + 4, h.q);
		memcpy(out + 8, "SEC1", 4);
		put_be64(out + 12, CONF);
		return HOP_MIN;
	default: memcpy(out, said[who], ROUTER_PACKET); return ROUTER_PACKET;
	}
	rtp_encode(&h, out);
	return ROUTER_PACKET;
}

/* A stranger sends `all` datagrams, rate of them a second. */
static void
flood(uint64_t all, uint64_t rate)
{
	static uint8_t junk[BATCH * KINDS][ROUTER_PACKET];
	static struct mmsghdr msg[BATCH * KINDS];
	static struct iovec iov[BATCH * KINDS];
	int64_t begin = clock_mono_us();
	uint64_t sent = 0, due;
	unsigned i, at;
	struct addr any;
	int fd, k;

	if (addr_parse(&any, "127.0.0.1:0") != 0 || (fd = sock_udp(&any)) < 0 ||
	    connect(fd, (const struct sockaddr *)&r.addr.ss, r.addr.len) != 0)
		_exit(1);
	for (i = 0; i < BATCH * KINDS; i++) {
		iov[i].iov_base = junk[i];
		iov[i].iov_len = make_junk(i, junk[i]);
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	while (sent < all) {
		due = (uint64_t)(clock_mono_us() - begin) * rate / 1000000;
		if (sent >= due) {
			(void)poll(NULL, 0, 1);
			continue;
		}
		at = (unsigned)(sent % (BATCH * KINDS)) / BATCH * BATCH;
		k = sendmmsg(fd, msg + at, BATCH, 0);
		if (k < 0 && errno != EAGAIN && errno != EINTR)
			_exit(1);
		sent += BATCH; /* what did not fit is not sent again */
	}
	_exit(0);
}

static uint64_t
junk_counted(void)
{
	return router_count(&r, "format") + router_count(&r, "unknown") +
	    router_count(&r, "tag") + router_count(&r, "replay") +
	    router_count(&r, "late");
}

static double
lost(const struct talk *t)
{
	double want = (double)t->sent * (TALKERS - 1);

	return 100 * (want - (double)t->got) / want;
}

/* Our log and the daemon's, in a file of its own. */
static int
log_to_file(void)
{
	char path[] = "/tmp/sec-flood-log-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		die(1, "a log: %s", strerror(errno));
	unlink(path);
	return fd;
}

int
main(int argc, char **argv)
{
	long seconds = argc > 1 ? atol(argv[1]) : 10;
	long rate = argc > 2 ? atol(argv[2]) : 100000;
	struct talk calm, loud;
	uint64_t before, received, unread, counted;
	struct stat st;
	int i, fd, status;
	pid_t pid;

	if (seconds <= 0 || rate <= 0) {
		fprintf(stderr, "usage: flood [SECONDS [RATE]]\n");
		return 2;
	}
	fd = log_to_file();
	router_start(&r, NULL);
	(void)router_room(&r, CONF, 16);
	for (i = 0; i < TALKERS; i++) {
		if (router_join(&r, CONF, q_make(1, i + 1), 1, "") != 200)
			die(1, "no place");
		voice_init(&talker[i], CONF, q_make(1, i + 1), 1);
		if (!voice_hop(&r, &talker[i], NULL))
			die(1, "no way");
		voice_packet(&talker[i], said[i], 20);
		voice_put(&r, talker[i].fd, said[i], ROUTER_PACKET);
	}
	(void)talk(500);
	calm = talk(seconds * 1000);
	before = junk_counted();
	received = router_count(&r, "received");
	unread = router_count(&r, "unread");
	if ((pid = fork()) == 0)
		flood((uint64_t)seconds * (uint64_t)rate, (uint64_t)rate);
	loud = talk(seconds * 1000);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die(1, "the flood has failed");
	(void)talk(100);
	counted = junk_counted() - before;
	received = router_count(&r, "received") - received;
	unread = router_count(&r, "unread") - unread;
	status = router_stop(&r);
	(void)fstat(fd, &st);
	printf("flood: %.3f %% lost, %.3f %% without; junk: %llu datagrams "
	       "counted, %llu not read; log %lld bytes\n",
	    lost(&loud), lost(&calm), (unsigned long long)counted,
	    (unsigned long long)unread, (long long)st.st_size);
	for (i = 0; i < TALKERS; i++)
		voice_free(&talker[i]);
	/* Whatever is no junk is voice or a hop packet, and was taken. */
	return status == 0 && lost(&loud) - lost(&calm) < 1 &&
		st.st_size < LOG_MAX &&
		counted + unread >=
		    (uint64_t)seconds * (uint64_t)rate * 9 / 10 &&
		counted <= received ?
	    0 :
	    1;
}
