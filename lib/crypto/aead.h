#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/suite.h"

/* One suite under one key; the cipher handle is kept. */
struct aead;

/* key has suite->nk bytes. 0 or SEC_ERR_VERSION (no such suite). */
int	aead_new(struct aead **out, uint16_t suite, const struct secret *key);
/* ChaCha20-Poly1305 (RFC 8439) with a key of 32 bytes, for crypto/noise. */
struct aead *aead_new_noise(const struct secret *key);
void	aead_free(struct aead *a);
const struct suite *aead_suite(const struct aead *a);

/* nonce = salt XOR counter, big-endian on the right. */
void	aead_nonce(uint8_t nonce[SUITE_NONCE],
	    const uint8_t salt[SUITE_NONCE], uint64_t counter);

/* out: n + nt bytes; pt == out allowed. */
void	aead_seal(struct aead *a, const uint8_t nonce[SUITE_NONCE],
	    const void *aad, size_t aadlen, const void *pt, size_t n,
	    uint8_t *out);
/* n counts the tag; out: n - nt bytes. 0, SEC_ERR_FORMAT (n < nt) or
 * SEC_ERR_AUTH (out is zeroed then). */
int	aead_open(struct aead *a, const uint8_t nonce[SUITE_NONCE],
	    const void *aad, size_t aadlen, const uint8_t *ct, size_t n,
	    uint8_t *out);

/* For suites with `offline`: the keystream of one nonce ahead of time, and
 * sealing with it (crypto/pads). A pad for n bytes has suite->lead + n: in
 * ChaCha20-Poly1305 its first block is the one-time MAC key (RFC 8439 2.6),
 * so that all but the tag itself is made offline. */
void	aead_pad(struct aead *a, const uint8_t nonce[SUITE_NONCE],
	    uint8_t *pad, size_t n);
void	aead_seal_pad(struct aead *a, const uint8_t nonce[SUITE_NONCE],
	    const void *aad, size_t aadlen, const void *pt, size_t n,
	    const uint8_t *pad, uint8_t *out);

/* As aead_open(), with the pad of this nonce, which has n - nt bytes or more;
 * nothing is written to out unless the tag is right. */
int	aead_open_pad(struct aead *a, const uint8_t nonce[SUITE_NONCE],
	    const void *aad, size_t aadlen, const uint8_t *ct, size_t n,
	    const uint8_t *pad, uint8_t *out);

/* RFC 9605 4.4.2: key and salt of a KID under a base key. key: suite->nk
 * bytes. */
void	sframe_derive(const struct suite *s, uint64_t kid,
	    const struct secret *base, struct secret **key,
	    uint8_t salt[SUITE_NONCE]);

#endif
