#ifndef AUDIO_STRETCH_H
#define AUDIO_STRETCH_H

#include <stddef.h>
#include <stdint.h>

/*
 * Shorter or longer without another pitch: one period of the sound is
 * faded into the next, or played twice. 48 kHz mono.
 */
#define STRETCH_MAX  480               /* samples in or out at a time */
#define STRETCH_NEED (2 * STRETCH_MAX)

/*
 * s has *n samples, at least STRETCH_NEED, and room for STRETCH_MAX more.
 * At most `most` are taken out (or put in; at least 120 in any case), where
 * it is heard least; with must == 0 only if it is hardly heard. Returns how
 * many; *n is changed by that.
 */
size_t	stretch_shrink(int16_t *s, size_t *n, size_t most, int must);
size_t	stretch_grow(int16_t *s, size_t *n, size_t most, int must);

#endif
