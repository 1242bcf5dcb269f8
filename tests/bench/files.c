/*
 * files: attach and fetch of 100 MB by the real programs (SECURITY.md 3.5;
 * goal of the life issue: within 1.5x of the sum of their parts). The parts,
 * one after the other in the same round and with the same file:
 *
 *	seal    AES-256-GCM over chunks of 64 KiB: as the chunk is, as the
 *	        record is sealed, and as it is opened
 *	sum     SHA-256: to attach a file it is read twice, once to name it
 *	        and once while it goes; to fetch one, once
 *	tcp     a copy over loopback
 *	cp      a copy of the file
 */

#include <sys/socket.h>

#include <fcntl.h>

#include "crypto/aead.h"
#include "crypto/chunk.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "lab.h"

#define BYTES  100000000
#define ROUNDS 7
#define GOAL   1.5
#define CONF   "bench"
#define NAME   "noise"
#define TAG    16

struct parts {
	int64_t gcm, sum, tcp, cp; /* us, one pass each */
};

static uint8_t *data;

static void
sec(const char *const args[])
{
	const char *argv[12] = { lab_program("sec-lab"), "run", "alice",
		"sec-confctl", "-q" };
	size_t n = 5;

	while (*args != NULL && n < 11)
		argv[n++] = *args++;
	if (lab_run(argv) != 0)
		die(1, "sec-confctl %s failed", argv[5]);
}

/* --- the real programs --- */

static int64_t
attach_once(const char *from)
{
	int64_t t = clock_mono_us();

	sec((const char *[]) { "attach", "--as", NAME, CONF, from, NULL });
	return clock_mono_us() - t;
}

static int64_t
fetch_once(const char *to)
{
	int64_t t = clock_mono_us();

	sec((const char *[]) { "fetch", "-o", to, CONF, NAME, NULL });
	return clock_mono_us() - t;
}

/* --- their parts --- */

static int64_t
time_gcm(void)
{
	struct secret *key = crypto_random_key(32, 0);
	uint8_t nonce[SUITE_NONCE] = { 0 }, *out;
	struct aead *a;
	size_t at, n;
	int64_t t;

	if ((out = malloc(CHUNK_BYTES + TAG)) == NULL)
		die(1, "out of memory");
	if (aead_new(&a, SUITE_AES256_GCM, key) != 0)
		die(1, "no AES-256-GCM");
	t = clock_mono_us();
	for (at = 0; at < BYTES; at += n) {
		n = BYTES - at < CHUNK_BYTES ? BYTES - at : CHUNK_BYTES;
		put_be64(nonce, at);
		aead_seal(a, nonce, NULL, 0, data + at, n, out);
	}
	t = clock_mono_us() - t;
	aead_free(a);
	secret_free(key);
	free(out);
	return t;
}

static int64_t
time_sum(void)
{
	uint8_t h[SHA256_SIZE];
	int64_t t = clock_mono_us();

	sha256(data, BYTES, h);
	return clock_mono_us() - t;
}

static void
receive(int lfd)
{
	uint8_t *p = malloc(CHUNK_BYTES);
	ssize_t n;
	int fd;

	while ((fd = sock_accept(lfd, NULL)) < 0)
		;
	(void)sock_set_nonblock(fd, 0);
	while (p != NULL && (n = read(fd, p, CHUNK_BYTES)) > 0)
		;
	_exit(0);
}

/* Until the other side has read it all. */
static int64_t
time_tcp(void)
{
	struct addr a;
	size_t at, n;
	int lfd, fd;
	ssize_t k;
	int64_t t;
	char end;
	pid_t pid;

	addr_parse(&a, "127.0.0.1:0");
	if ((lfd = sock_listen(&a)) < 0 || sock_local(lfd, &a) != 0)
		die(1, "cannot listen");
	if ((pid = fork()) == 0)
		receive(lfd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&a.ss, a.len) != 0)
		die(1, "connect");
	t = clock_mono_us();
	for (at = 0; at < BYTES; at += (size_t)k) {
		n = BYTES - at < CHUNK_BYTES ? BYTES - at : CHUNK_BYTES;
		if ((k = write(fd, data + at, n)) <= 0)
			die(1, "write");
	}
	(void)shutdown(fd, SHUT_WR);
	(void)!read(fd, &end, 1);
	t = clock_mono_us() - t;
	waitpid(pid, NULL, 0);
	close(fd);
	close(lfd);
	return t;
}

static int64_t
time_cp(const char *from, const char *to)
{
	const char *argv[] = { "/bin/cp", from, to, NULL };
	int64_t t = clock_mono_us();

	if (lab_run(argv) != 0)
		die(1, "cp failed");
	t = clock_mono_us() - t;
	(void)unlink(to);
	return t;
}

/* --- both --- */

static void
make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t at;
	ssize_t n;

	if ((data = malloc(BYTES)) == NULL)
		die(1, "out of memory");
	for (at = 0; at < BYTES; at += CHUNK_BYTES)
		crypto_random(data + at,
		    BYTES - at < CHUNK_BYTES ? BYTES - at : CHUNK_BYTES);
	for (at = 0; at < BYTES; at += (size_t)n)
		if ((n = write(fd, data + at, BYTES - at)) <= 0)
			die(1, "cannot write %s", path);
	close(fd);
}

static void
report(const char *name, double *ratio, double *ms, const double *parts)
{
	double lo, hi, m = median(ratio, ROUNDS);

	lo = ratio[0];
	hi = ratio[ROUNDS - 1];
	printf("bench files_%s %.2f %.1f  of the sum of its parts (%.2f-%.2f): "
	       "%.0f ms; parts %.0f ms: gcm %.0f x3 sha256 %.0f tcp %.0f "
	       "cp %.0f\n",
	    name, m, GOAL, lo, hi, median(ms, ROUNDS), parts[0], parts[1],
	    parts[2], parts[3], parts[4]);
}

static void
parts_of(struct parts *p, const char *from, const char *to)
{
	p->gcm = time_gcm();
	p->sum = time_sum();
	p->tcp = time_tcp();
	p->cp = time_cp(from, to);
}

/* In ms: the sum, and what it is of. */
static void
add_up(double out[5], const struct parts *p, int sums)
{
	out[1] = (double)p->gcm / 1000;
	out[2] = (double)(p->sum * sums) / 1000;
	out[3] = (double)p->tcp / 1000;
	out[4] = (double)p->cp / 1000;
	out[0] = 3 * out[1] + out[2] + out[3] + out[4];
}

int
main(void)
{
	double up[ROUNDS], down[ROUNDS], up_ms[ROUNDS], down_ms[ROUNDS];
	double up_of[5], down_of[5];
	char from[PATH_LEN], to[PATH_LEN];
	struct parts p;
	int i;

	log_open("files", LOG_L_ERROR);
	lab_up((const char *const[]) { "alice", NULL });
	snprintf(from, sizeof from, "%s", lab_path("source"));
	snprintf(to, sizeof to, "%s", lab_path("target"));
	make_file(from);
	sec((const char *[]) { "create", "-p", "-n", CONF, NULL });
	for (i = -1; i < ROUNDS; i++) { /* one to warm up */
		int k = i < 0 ? 0 : i;

		parts_of(&p, from, to);
		add_up(up_of, &p, 2);
		add_up(down_of, &p, 1);
		up_ms[k] = (double)attach_once(from) / 1000;
		down_ms[k] = (double)fetch_once(to) / 1000;
		up[k] = up_ms[k] / up_of[0];
		down[k] = down_ms[k] / down_of[0];
		sec((const char *[]) { "detach", CONF, NAME, NULL });
		(void)unlink(to);
	}
	report("attach", up, up_ms, up_of);
	report("fetch", down, down_ms, down_of);
	free(data);
	return 0;
}
