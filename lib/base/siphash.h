#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-2-4 (Aumasson, Bernstein 2012), 64-bit result as an integer whose
 * little-endian bytes are the published test vectors. Here in base because
 * tables keyed by strangers' bytes need it as well as the hop tags. */
uint64_t siphash24(const uint8_t key[16], const void *p, size_t n);

#endif
