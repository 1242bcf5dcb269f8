/* What is said from a file. */
#include "../../../cmd/sec-talk/capture.c"

#include "../test.h"

#define SOUND (10 * 2 * AUDIO_FRAME - 200) /* bytes */

/* Behind its sound a file has whatever it likes, as much as it likes: no
 * frame waits for that to be read. */
static void
test_tail(void)
{
	char path[] = "/tmp/capture.XXXXXX", why[256];
	uint8_t head[WAV_HEAD_MAX];
	int16_t s[AUDIO_FRAME];
	int r, n = 0, fd = mkstemp(path);
	struct capture *c = NULL;

	T_INT(write(fd, head, wav_head(WAV_RIFF, AUDIO_RATE, SOUND, head)), 44);
	T_INT(ftruncate(fd, (off_t)1 << 40), 0);
	T_INT(capture_open(&c, path, 0, AUDIO_RATE, why), 0);
	alarm(60);
	while ((r = capture_frame(c, s, NULL)) == 1)
		n++;
	alarm(0);
	T_INT(r, SEC_ERR_CLOSED);
	T(s[AUDIO_FRAME - 1] == 0);
	T_INT(n, 11); /* and one of silence */
	T(lseek(c->fd, 0, SEEK_CUR) < 44 + SOUND + READ_SIZE);
	capture_close(c);
	close(fd);
	unlink(path);
}

int
main(void)
{
	test_tail();
	return t_done();
}
