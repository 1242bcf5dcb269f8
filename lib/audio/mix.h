#ifndef AUDIO_MIX_H
#define AUDIO_MIX_H

#include <stddef.h>
#include <stdint.h>

/* How a user may change a conference's volume, in dB. */
#define MIX_VOL_MIN (-60)
#define MIX_VOL_MAX 12

/*
 * Sums of sounds in float, so that nothing is cut off before the end. The
 * loops go in steps that compilers turn into SIMD; n may be any.
 */
void	mix_clear(float *sum, size_t n);
void	mix_add(float *restrict sum, const int16_t *restrict s, size_t n,
	    float gain);
/*
 * Cut to 16 bits. *gain is the limiter's, 1 at first: what would be too loud
 * is made quieter, at once, and comes back within a second.
 */
void	mix_get(const float *restrict sum, int16_t *restrict out, size_t n,
	    float *gain);

#endif
