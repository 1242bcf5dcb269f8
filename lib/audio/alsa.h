#ifndef AUDIO_ALSA_H
#define AUDIO_ALSA_H

#include <stddef.h>
#include <stdint.h>

/*
 * The door to ALSA: a sound card, 48 kHz mono, never waited for. The pace is
 * the caller's: every 10 ms, say, it reads and writes as much as that. What
 * the card's clock has more or less than ours is taken out or put in here.
 * The device `null` gives silence and swallows everything.
 */
struct card;

/* dev: NULL or a name for snd_pcm_open(3). 0, or SEC_ERR_NOTHING: no such
 * device, or it cannot (why: 128 bytes of ALSA's words). */
int	card_open(struct card **out, const char *dev, int capture, char *why);
void	card_close(struct card *c);
const char *card_name(const struct card *c);

/* At most n samples that are there; their number, or SEC_ERR_CLOSED: the
 * device has gone. */
int	card_read(struct card *c, int16_t *s, size_t n);
/* What was captured up to now is nobody's. */
void	card_forget(struct card *c);
/* It captures nothing until card_forget(). */
void	card_rest(struct card *c);
/* n samples to be heard; 0 or SEC_ERR_CLOSED. */
int	card_write(struct card *c, const int16_t *s, size_t n);
/* Samples between a write and the loudspeaker. */
size_t	card_delay(struct card *c);

#endif
