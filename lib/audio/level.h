#ifndef AUDIO_LEVEL_H
#define AUDIO_LEVEL_H

#include <stddef.h>
#include <stdint.h>

#define LEVEL_SILENCE 127

/* Level as in RFC 6464: dB below overload, 0 (loudest) to 127 (silence). */
int	level_of(const int16_t *s, size_t n);
/* The factor of so many dB. */
float	level_gain(int db);

/*
 * Whether somebody is talking, frame by frame: louder than his own noise,
 * and for SPEECH_HANG_MS after that, so that an utterance with its pauses is
 * one. All zero is a new one. Steady sound is speech too: only what is as
 * quiet as LEVEL_QUIET or as the quietest lately is not.
 */
#define SPEECH_HANG_MS 600
#define LEVEL_QUIET    54
#define LEVEL_CLEAR    36              /* as loud as this is always speech */
struct speech {
	int	floor;                 /* of the noise; 0: not known yet */
	int64_t	raised;                /* mono ms */
	int64_t	heard;                 /* mono ms of the last loud frame */
	int	on;
};
/* Returns whether he talks now; level as level_of() gives it. */
int	speech_update(struct speech *s, int level, int64_t now);
/* Is a frame of this level, alone, speech? */
int	speech_is_loud(const struct speech *s, int level);

#endif
