/* The door to ALSA. */
#include <alsa/asoundlib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/codec.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include "audio/alsa.h"

#define LATENCY_US 100000 /* what the card may hold */
#define LEAD	   (AUDIO_RATE / 1000 * 30) /* silence ahead of what we write */
#define DELAY_MAX  (AUDIO_RATE / 1000 * 80) /* more: a piece is left out */

struct card {
	snd_pcm_t *pcm;
	int capture;
	char name[64];
};

/* libasound tells its mind on stderr unless somebody listens. */
static void
say_nothing(const char *file, int line, const char *function, int err,
    const char *fmt, ...)
{
	(void)file;
	(void)line;
	(void)function;
	(void)err;
	(void)fmt;
}

static int
start(struct card *c)
{
	static const int16_t silence[LEAD];
	int r;

	if ((r = snd_pcm_prepare(c->pcm)) < 0)
		return r;
	if (c->capture)
		return snd_pcm_start(c->pcm);
	r = (int)snd_pcm_writei(c->pcm, silence, LEAD);
	return r < 0 ? r : 0;
}

int
card_open(struct card **out, const char *dev, int capture, char *why)
{
	struct card *c = mem_new(sizeof(*c));
	int r;

	snd_lib_error_set_handler(say_nothing);
	c->capture = capture;
	text_copy(c->name, dev != NULL ? dev : "default", sizeof(c->name));
	r = snd_pcm_open(&c->pcm, c->name,
	    capture ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK,
	    SND_PCM_NONBLOCK);
	if (r < 0)
		c->pcm = NULL;
	else if ((r = snd_pcm_set_params(c->pcm, SND_PCM_FORMAT_S16,
		      SND_PCM_ACCESS_RW_INTERLEAVED, 1, AUDIO_RATE, 1,
		      LATENCY_US)) == 0)
		r = start(c);
	if (r < 0) {
		snprintf(why, 128, "%s: %s", c->name, snd_strerror(r));
		card_close(c);
		return SEC_ERR_NOTHING;
	}
	*out = c;
	return 0;
}

void
card_close(struct card *c)
{
	if (c == NULL)
		return;
	if (c->pcm != NULL)
		snd_pcm_close(c->pcm);
	free(c);
	/* What it read of its configuration would look like a leak. */
	snd_config_update_free_global();
}

const char *
card_name(const struct card *c)
{
	return c->name;
}

/* After an overrun, an underrun or a suspension: again from the start. */
static int
recover(struct card *c, int r)
{
	if (r == -ENODEV || r == -ENOTTY || r == -EBADFD ||
	    (r == -ESTRPIPE && snd_pcm_resume(c->pcm) == 0))
		return r == -ESTRPIPE ? 0 : SEC_ERR_CLOSED;
	return start(c) < 0 ? SEC_ERR_CLOSED : 0;
}

int
card_read(struct card *c, int16_t *s, size_t n)
{
	snd_pcm_sframes_t r;
	int e;

	/* `null` says that it has read, and leaves s as it was. */
	memset(s, 0, n * sizeof(*s));
	r = snd_pcm_readi(c->pcm, s, n);
	if (r >= 0)
		return (int)r;
	if (r == -EAGAIN)
		return 0;
	return (e = recover(c, (int)r)) != 0 ? e : 0;
}

void
card_forget(struct card *c)
{
	if (snd_pcm_drop(c->pcm) == 0)
		(void)start(c);
}

void
card_rest(struct card *c)
{
	(void)snd_pcm_drop(c->pcm);
}

int
card_write(struct card *c, const int16_t *s, size_t n)
{
	snd_pcm_sframes_t r;
	int e;

	if (card_delay(c) > DELAY_MAX)
		return 0;
	r = snd_pcm_writei(c->pcm, s, n);
	if (r >= 0 || r == -EAGAIN)
		return 0;
	if ((e = recover(c, (int)r)) != 0)
		return e;
	(void)snd_pcm_writei(c->pcm, s, n);
	return 0;
}

size_t
card_delay(struct card *c)
{
	snd_pcm_sframes_t d;

	return snd_pcm_delay(c->pcm, &d) == 0 && d > 0 ? (size_t)d : 0;
}
