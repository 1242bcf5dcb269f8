#ifndef AUDIO_PCMU_H
#define AUDIO_PCMU_H

#include <stddef.h>
#include <stdint.h>

/* ITU-T G.711, mu-law. */
int16_t	pcmu_linear(uint8_t u);
uint8_t	pcmu_law(int16_t s);
void	pcmu_encode(const int16_t *s, size_t n, uint8_t *out);
void	pcmu_decode(const uint8_t *u, size_t n, int16_t *out);

#endif
