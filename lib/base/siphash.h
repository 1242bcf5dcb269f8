#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-2-4 (Aumasson, Bernstein 2012), 64-bit result as an integer whose
 * little-endian bytes are the published test vectors. Here in base because
 * tables keyed by strangers' bytes need it as well as the hop tags. */
uint64_t siphash24(const uint8_t key[16], const void *p, size_t n);
/* The same of a message that was cut into words before, for one message
 * under many keys: little-endian, the last one as the paper pads it, with
 * the length modulo 256 as its highest byte. At least one word. */
uint64_t siphash24_words(const uint8_t key[16], const uint64_t *w, size_t n);
/* Two of n words under one key, in less than twice the time of one. */
void	siphash24_words2(const uint8_t key[16], const uint64_t *a,
	    const uint64_t *b, size_t n, uint64_t out[2]);

#endif
