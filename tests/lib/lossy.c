/*
 * usage: lossy LOSS JITTER SAID HEARD SECONDS [SUITE [CODEC]]
 *	alice's sec-talk says the file SAID, bob's writes HEARD for SECONDS;
 *	between them a voice router that loses LOSS % of alice's packets and
 *	delays each by up to JITTER ms, and agents that answer by a table.
 *	Prints what went through: `packets=N lost=N`.
 */
#include <sys/socket.h>

#include <fcntl.h>
#include <stdio.h>

#include "../unit/cli/fakeagent.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/random.h"
#include "rtp/hopkey.h"
#include "wire/base64.h"
#include "wire/hop.h"
#include "wire/rtp.h"

#define CONF	"sip:t1@conf.lab.test"
#define CID	"0100000000000001"
#define ALICE_Q 0x01000001
#define BOB_Q	0x01000002
#define ON_WAY	512

struct flight {
	int64_t at; /* mono us; 0: a free place */
	size_t n;
	uint8_t p[RTP_MAX];
};

static struct flight flights[ON_WAY];
static struct addr bob;
static struct secret *hop;
/* Of each run another: no two seal under the same. */
static struct buf key64 = BUF_INIT;
static unsigned packets, lost;
static const char *suite = "0x0006", *codec = "opus";

static struct fake alices[] = { FAKE_STATUS,
	{ "join", "ok conf=" CONF " media=voice" }, { "attach", NULL },
	{ NULL, NULL } };
static struct fake bobs[] = { FAKE_STATUS,
	{ "join", "ok conf=" CONF " media=voice" }, { "attach", NULL },
	{ NULL, NULL } };

/* What an agent answers to `attach`. */
static void
set_rows(struct fake *table, const char *me, const char *q, const char *other,
    const char *other_q, const char *media)
{
	static char rows[2][2048];
	static int n;
	char *s = rows[n++ % 2];

	snprintf(s, sizeof(*rows),
	    "row what=attached conf=" CONF " name=t1 cid=" CID
	    " q=%s media=%s server=1 suite=%s codec=%s ptime=20 epoch=1 "
	    "key=%s hop=%s hopid=1 offset=0 mode=hear vol=0 "
	    "me=sip:%s@lab.test\n"
	    "row what=peer q=%s user=sip:%s@lab.test state=in",
	    q, media, suite, codec, buf_cstr(&key64), buf_cstr(&key64), me,
	    other_q, other);
	table[2].give = s;
}

static pid_t
talk(const char *const *argv)
{
	pid_t pid = fork();
	int null;

	if (pid == 0) {
		if ((null = open("/dev/null", O_RDWR)) < 0)
			_exit(1);
		dup2(null, STDIN_FILENO);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return pid;
}

/* To bob: with his tag. */
static void
forward(int fd, uint8_t *p, size_t n)
{
	if (bob.len == 0)
		return;
	hopkey_seal_rtp(hopkey_down(hop), p, n);
	(void)!sendto(fd, p, n, 0, (struct sockaddr *)&bob.ss, bob.len);
}

static void
take(int fd, int loss, int jitter)
{
	uint8_t p[RTP_MAX + 1];
	struct hop_packet h;
	struct addr from;
	struct rtp r;
	size_t i;
	ssize_t n;

	from.len = sizeof(from.ss);
	n = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&from.ss,
	    &from.len);
	if (n <= 0)
		return;
	if (hop_is(p, (size_t)n)) {
		if (hop_decode(&h, p, (size_t)n) == 0 && h.q == BOB_Q)
			bob = from;
		return;
	}
	if (rtp_decode(&r, p, (size_t)n) != 0 || r.q != ALICE_Q ||
	    hopkey_check_rtp(hopkey_up(hop), p, (size_t)n) != 0)
		die(1, "not a packet of alice's");
	packets++;
	if (rand() % 100 < loss) {
		lost++;
		return;
	}
	for (i = 0; i < ON_WAY && flights[i].at != 0; i++)
		;
	if (i == ON_WAY)
		die(1, "too many packets");
	flights[i].at =
	    clock_mono_us() + (jitter > 0 ? rand() % (jitter * 1000) : 0);
	flights[i].n = (size_t)n;
	memcpy(flights[i].p, p, (size_t)n);
}

static void
deliver(int fd)
{
	int64_t now = clock_mono_us();
	size_t i;

	for (i = 0; i < ON_WAY; i++)
		if (flights[i].at != 0 && flights[i].at <= now) {
			forward(fd, flights[i].p, flights[i].n);
			flights[i].at = 0;
		}
}

int
main(int argc, char **argv)
{
	char media[ADDR_STRLEN];
	struct secret *k;
	struct addr a;
	uint8_t key[32];
	pid_t pid[2];
	int fd, i, left = 2, status, rc = 0;

	if (argc < 6)
		die(2,
		    "usage: lossy LOSS JITTER SAID HEARD SECONDS "
		    "[SUITE [CODEC]]");
	if (argc > 6)
		suite = argv[6];
	if (argc > 7)
		codec = argv[7];
	const char *const say[] = { "sec-talk", "--insecure-fig9", "-u",
		"alice", "-i", argv[3], "-o", "null", "-n", "1", "t1", NULL };
	const char *const hear[] = { "sec-talk", "-v", "--insecure-fig9", "-u",
		"bob", "-i", "null", "-o", argv[4], "-t", argv[5], "t1", NULL };

	crypto_init();
	srand(1);
	crypto_random(key, sizeof(key));
	base64_put(&key64, key, sizeof(key));
	k = secret_copy(key, sizeof(key));
	hop = hopkey_derive(k);
	if ((fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0 ||
	    addr_parse(&a, "127.0.0.1:0") != 0 ||
	    bind(fd, (struct sockaddr *)&a.ss, a.len) != 0 ||
	    sock_local(fd, &a) != 0)
		die(1, "no socket");
	addr_format(&a, media);
	set_rows(alices, "alice", "1.1", "bob", "1.2", media);
	set_rows(bobs, "bob", "1.2", "alice", "1.1", media);
	fake_begin();
	fake_start("alice", alices);
	fake_start("bob", bobs);
	pid[1] = talk(hear);
	/* Until bob is there, nobody hears alice. */
	while (bob.len == 0) {
		struct pollfd p = { fd, POLLIN, 0 };

		if (poll(&p, 1, 100) > 0)
			take(fd, 0, 0);
		if (waitpid(pid[1], &status, WNOHANG) == pid[1])
			die(1, "bob's sec-talk has ended");
	}
	pid[0] = talk(say);
	while (left > 0) {
		struct pollfd p = { fd, POLLIN, 0 };

		if (poll(&p, 1, 1) > 0)
			take(fd, atoi(argv[1]), atoi(argv[2]));
		deliver(fd);
		for (i = 0; i < 2; i++)
			if (pid[i] > 0 &&
			    waitpid(pid[i], &status, WNOHANG) == pid[i]) {
				rc |= status != 0;
				pid[i] = 0;
				left--;
			}
	}
	printf("packets=%u lost=%u\n", packets, lost);
	buf_free(&key64);
	secret_free(hop);
	secret_free(k);
	fake_end();
	return rc;
}
