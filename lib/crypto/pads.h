#ifndef CRYPTO_PADS_H
#define CRYPTO_PADS_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/aead.h"

/*
 * The offline half of Fig. 9 (S139, S144, S146): a ring of keystream made
 * while nothing is sent. A slot is taken once and zeroed when taken.
 */
struct pads;

/* max slots of size bytes each, for counters from first on. a is borrowed. */
struct pads *pads_new(struct aead *a, const uint8_t salt[SUITE_NONCE],
	    size_t max, size_t size, uint64_t first);
void	pads_free(struct pads *p);
/* Make at most n more pads; returns how many were made (0: full). */
size_t	pads_fill(struct pads *p, size_t n);
/* Pads ready from the next counter on. */
size_t	pads_ready(const struct pads *p);
/*
 * Seal the next packet: takes its pad (or makes it now), returns the
 * counter used. out: n + nt bytes; n <= size.
 */
uint64_t pads_seal(struct pads *p, const void *aad, size_t aadlen,
	    const void *pt, size_t n, uint8_t *out);

/*
 * The receiver's ring: open the packet with this counter, by its pad if there
 * is one. n counts the tag. 0: it is taken, and those far behind it are
 * dropped; else as aead_open(), and the ring is as it was. A ring either seals
 * or opens.
 */
int	pads_open(struct pads *p, uint64_t counter, const void *aad,
	    size_t aadlen, const uint8_t *ct, size_t n, uint8_t *out);

#endif
