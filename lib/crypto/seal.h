#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"
#include "wire/record.h"

/*
 * Sealed records, suite 0x0005 (SECURITY.md 3.3): one struct seal is one
 * direction of one connection, and counts from 1 by itself.
 */
struct seal;

#define SEAL_SKEW 120000               /* ms */

/* The T rule: 1 if t is within SEAL_SKEW of now. */
static inline int
seal_time_allows(int64_t t, int64_t now)
{
	return t >= now - SEAL_SKEW && t <= now + SEAL_SKEW;
}

struct seal *seal_new(uint8_t type, uint8_t dir, uint32_t keyid,
	    const struct secret *key, const uint8_t salt[12]);
void	seal_free(struct seal *s);

/* Append one record to out. now: ms since 1970, offset applied. 0,
 * SEC_ERR_LIMIT (size, or 2^32 records). */
int	seal_put(struct seal *s, struct buf *out, const void *pt, size_t n,
	    int64_t now);
/*
 * Size of the whole record at p when complete, 0 when more is needed, or
 * SEC_ERR_FORMAT. Reads no more than the header needs.
 */
int	seal_size(const uint8_t *p, size_t n);
/*
 * Open the next record (n = its whole size) in place: the plaintext is at
 * p + RECORD_HEAD, *ptlen bytes. 0, SEC_ERR_FORMAT, _AUTH, _REPLAY (not
 * last+1), _EXPIRED, _LIMIT (2^32 records); the state moves on 0 only,
 * otherwise p may hold zeros where the ciphertext was.
 */
int	seal_get(struct seal *s, uint8_t *p, size_t n, int64_t now,
	    size_t *ptlen);

/*
 * One record outside a connection (text, wraps, registration, at rest):
 * the sequence is the caller's, ctx is appended to the AAD.
 */
#define SEAL_KEYS (32 + 12)            /* what a KDF makes for both */
struct seal_once {
	uint8_t			 type, dir;
	uint32_t		 keyid;
	uint64_t		 seq;
	int64_t			 time;
	const struct secret	*key;
	const uint8_t		*salt; /* 12 bytes; NULL: they follow the
					* key in `key`, SEAL_KEYS bytes */
	const void		*ctx;
	size_t			 ctxlen;
};
int	seal_once(const struct seal_once *s, struct buf *out, const void *pt,
	    size_t n);
/*
 * The reverse: in->key, salt, ctx, type and dir are given and must match;
 * keyid, seq and time are filled from the header (the caller looks keys up
 * by record_decode() first). Appends the plaintext to out. The caller
 * judges time and sequence. 0, SEC_ERR_FORMAT or _AUTH.
 */
int	seal_once_open(struct seal_once *in, const uint8_t *p, size_t n,
	    struct buf *out);

#endif
