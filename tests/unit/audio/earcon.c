#include "audio/earcon.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include "audio/wav.h"
#include "base/err.h"

#include "../test.h"

static float sum[48000];

static double
loudness(size_t from, size_t n)
{
	double v = 0;

	while (n-- > 0)
		v += fabs((double)sum[from + n]);
	return v;
}

/* S172, S176: one utterance, one sound. */
static void
test_once(void)
{
	struct earcon *e = earcon_click();
	struct earcon_player p = { 0, 0 };
	int i, begins = 0;

	for (i = 0; i < 100; i++) {
		begins += earcon_speak(&p, e, i >= 10 && (i < 50 || i >= 60));
		earcon_mix(&p, e, sum + 480 * i, 480, 1);
	}
	T_INT(begins, 2);
	T(loudness(0, 4800) == 0);
	T(loudness(4800, 480) > 10000);
	T(loudness(4800 + earcon_size(e), 48 * 400) == 0);
	T(loudness(480 * 60, 480) == loudness(4800, 480));
	/* Another sound in the middle of one, or none at all. */
	p.left = 100000;
	earcon_mix(&p, e, sum, 480, 1);
	T_INT(p.left, 0);
	earcon_speak(&p, NULL, 0);
	T_INT(earcon_speak(&p, NULL, 1), 1);
	earcon_mix(&p, NULL, sum, 480, 1);
	earcon_free(e);
}

static void
write_file(const char *path, const void *p, size_t n, int seconds)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600), i;
	static const uint8_t second[16000];

	if (write(fd, p, n) != (ssize_t)n)
		exit(1);
	for (i = 0; i < seconds; i++)
		if (write(fd, second, sizeof(second)) != sizeof(second))
			exit(1);
	close(fd);
}

static void
test_files(void)
{
	char path[] = "/tmp/earcon.XXXXXX";
	uint8_t head[WAV_HEAD_MAX];
	struct earcon *e = NULL;
	int fd = mkstemp(path);
	size_t n;

	n = wav_head(WAV_RIFF, 8000, WAV_UNTIL_END, head);
	write_file(path, head, n, 1);
	T_INT(earcon_load(&e, path), 0);
	T_OK(e != NULL && earcon_size(e) > 47900 && earcon_size(e) < 48100,
	    "one second");
	earcon_free(e);
	e = NULL;
	write_file(path, head, n, 9);
	T_INT(earcon_load(&e, path), 0);
	T_OK(e != NULL && earcon_size(e) == 48 * EARCON_MAX_MS, "cut");
	earcon_free(e);
	e = NULL;
	/* What lies behind the sound is not read: here a tebibyte. */
	n = wav_head(WAV_RIFF, 8000, 16000, head);
	write_file(path, head, n, 1);
	T_INT(truncate(path, (off_t)1 << 40), 0);
	alarm(60);
	T_INT(earcon_load(&e, path), 0);
	alarm(0);
	T_OK(e != NULL && earcon_size(e) > 47900 && earcon_size(e) < 48100,
	    "one second before a long tail");
	earcon_free(e);
	n = wav_head(WAV_RIFF, 8000, WAV_UNTIL_END, head);
	write_file(path, "no sound at all", 15, 0);
	T_INT(earcon_load(&e, path), SEC_ERR_FORMAT);
	write_file(path, head, n, 0);
	T_INT(earcon_load(&e, path), SEC_ERR_FORMAT);
	unlink(path);
	close(fd);
	T_INT(earcon_load(&e, path), SEC_ERR_SYS);
	/* Nobody waits for one who may write into it some day. */
	T_INT(mkfifo(path, 0600), 0);
	T_INT(earcon_load(&e, path), SEC_ERR_FORMAT);
	unlink(path);
	T_INT(earcon_load(&e, "/dev/zero"), SEC_ERR_FORMAT);
}

int
main(void)
{
	test_once();
	test_files();
	return t_done();
}
