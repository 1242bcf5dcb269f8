#ifndef AUDIO_EARCON_H
#define AUDIO_EARCON_H

#include <stddef.h>
#include <stdint.h>

/* Ear-cons (S172-S176): a short sound that stands for an utterance. */
#define EARCON_MAX_MS 5000

struct earcon;

/* The sound that is used unless another is chosen. */
struct earcon *earcon_click(void);
/* A WAV or Au file (no pipe), cut to EARCON_MAX_MS. 0, SEC_ERR_SYS (errno), or
 * SEC_ERR_FORMAT. */
int	earcon_load(struct earcon **out, const char *path);
void	earcon_free(struct earcon *e);
size_t	earcon_size(const struct earcon *e);   /* samples at 48 kHz */

/*
 * One speaker's sounds. All zero is a new one. earcon_speak() is told, piece
 * by piece, whether he talks; each time he begins the sound plays, once.
 */
struct earcon_player {
	int	talking;
	size_t	left;                  /* samples of the sound to come */
};
/* Returns 1 when an utterance begins. */
int	earcon_speak(struct earcon_player *p, const struct earcon *e,
	    int talking);
/* The next n samples, added to sum. e as given when it began; NULL: none. */
void	earcon_mix(struct earcon_player *p, const struct earcon *e, float *sum,
	    size_t n, float gain);

#endif
