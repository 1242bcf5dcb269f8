/* What is said from a file or a sound card. */
#include "../../../cmd/sec-talk/capture.c"

#include <stdlib.h>

#include "audio/level.h"

#include "../test.h"

#define SOUND (10 * 2 * AUDIO_FRAME - 200) /* bytes */
#define FAN   500 /* frames of its noise */

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

/* A fan in a file of raw samples. */
static void
fan(char *path, int16_t *s)
{
	int fd = mkstemp(path);
	size_t i;

	srandom(1);
	for (i = 0; i < FAN * AUDIO_FRAME; i++)
		s[i] = (int16_t)(random() % 4001 - 2000);
	T_INT(write(fd, s, FAN * AUDIO_FRAME * sizeof(*s)),
	    FAN * AUDIO_FRAME * sizeof(*s));
	close(fd);
}

/* A sound card whose microphone hears the file. */
static void
card_of(const char *path)
{
	char conf[] = "/tmp/capture.XXXXXX", both[96];
	int fd = mkstemp(conf);

	dprintf(fd,
	    "pcm.mic { type file slave.pcm null file \"/dev/null\" "
	    "infile \"%s\" format \"raw\" }\n",
	    path);
	close(fd);
	snprintf(both, sizeof(both), "/usr/share/alsa/alsa.conf:%s", conf);
	setenv("ALSA_CONFIG_PATH", both, 1);
	setenv("SEC_ALSA_IN", "mic", 1);
}

/* What lasts is taken out of what a microphone hears; of a file, every sample
 * is said as it stands there. */
static void
test_room(void)
{
	static int16_t want[FAN * AUDIO_FRAME];
	char path[] = "/tmp/capture.XXXXXX", why[256];
	int16_t s[AUDIO_FRAME];
	struct capture *c = NULL;
	int i, r, same = 0, level = 0;

	fan(path, want);
	T_INT(capture_open(&c, path, 1, AUDIO_RATE, why), 0);
	T_INT(capture_kind(c), CAPTURE_FILE);
	for (i = 0; i < FAN && capture_frame(c, s, want) == 1; i++)
		same += memcmp(s, want + i * AUDIO_FRAME, sizeof(s)) == 0;
	T_INT(same, FAN);
	capture_close(c);

	card_of(path);
	c = NULL;
	T_INT(capture_open(&c, NULL, 0, AUDIO_RATE, why), 0);
	if (capture_kind(c) != CAPTURE_CARD) {
		printf("# no such sound card: %s\n", why);
		capture_close(c);
		return;
	}
	for (i = 0; i < FAN; i += r) {
		if ((r = capture_frame(c, s, NULL)) < 0)
			break;
		if (r == 1 && i >= FAN - 50)
			level += level_of(s, AUDIO_FRAME);
	}
	T_INT(i, FAN);
	i = level_of(want, AUDIO_FRAME);
	T_OK(level / 50 >= i + 10, "from -%d to -%d dB", i, level / 50);
	capture_close(c);
	unlink(path);
	unlink(strchr(getenv("ALSA_CONFIG_PATH"), ':') + 1);
}

int
main(void)
{
	test_tail();
	test_room();
	return t_done();
}
