#ifndef CRYPTO_FIG9_H
#define CRYPTO_FIG9_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

/*
 * The encryption of the seed's Fig. 9 to the letter (S139-S156; SECURITY.md
 * 1d, 1e, 2.4, 2.5, 3.7): for conformance only. It leaks speech, and tags
 * can be forged; crypto/aead is what conferences use.
 *
 *	suite   name            cipher   tag         sequences
 *	0xF901  fig9-des        DES      mac-md5     t counters, subset by q
 *	0xF902  fig9-aes128     AES-128  mac-sha256  t counters, subset by q
 *	0xF903  fig9alt-des     DES      mac-md5     one counter per client
 *	0xF904  fig9alt-aes128  AES-128  mac-sha256  one counter per client
 */
#define FIG9_TAG      16
#define FIG9_STAMP    8                /* T, ms since 1970, big-endian */
#define FIG9_BLOCK    16               /* at most; 8 with DES */
#define FIG9_COUNTERS 12               /* t: 4 bits of server, 8 of client */
#define FIG9_DEVICES  255              /* of one conference */
#define FIG9_CAP      (1u << 20)       /* blocks of one sender, no more */

struct fig9_suite {
	uint16_t	 id;
	const char	*name;
	size_t		 key, block;   /* bytes */
	int		 alt;          /* key_{q,index} (S154, S155) */
	int		 sha256;       /* H of the tag; else MD5 */
};
const struct fig9_suite *fig9_suite_by_id(uint16_t id);
const struct fig9_suite *fig9_suite_by_name(const char *name);
const struct fig9_suite *fig9_suite_next(const struct fig9_suite *s);

/* --- the sequences: key_{i,index} = E_K(ctr_i + index) (S144) --- */
struct fig9_keys;

/* ctr: n starting counters of suite->block bytes each. 0 or SEC_ERR_DATA:
 * a weak key of DES. */
int	fig9_keys_new(struct fig9_keys **out, const struct fig9_suite *s,
	    const uint8_t *key, const uint8_t *ctr, size_t n);
void	fig9_keys_free(struct fig9_keys *k);
/* Block key_{i,index}; i from 0. ctr + index is taken mod 2^(8 block). */
void	fig9_key(struct fig9_keys *k, size_t i, uint32_t index,
	    uint8_t out[FIG9_BLOCK]);
/*
 * C = M XOR P (S147-S150, S152): P_c is the XOR of the sequences whose bit
 * is set in q (bit 0 is q_1). ind: one index per counter; those of set bits
 * go on by one for each block. A q without a set bit among the n counters
 * leaves M as it is, as the seed's text does.
 */
void	fig9_xor(struct fig9_keys *k, uint32_t q, uint32_t *ind,
	    const uint8_t *in, size_t n, uint8_t *out);
/* H(M || T || H(M || T || K)), its first 16 bytes (S156). */
void	fig9_mac(const struct fig9_suite *s, const uint8_t *key,
	    const void *m, size_t n, const void *t, size_t tlen,
	    uint8_t tag[FIG9_TAG]);

/* --- one client of a conference --- */
struct fig9;

/* q as it is on the wire: 12 bits (SECURITY.md 3.7). */
uint32_t fig9_q(uint32_t q);
/*
 * Under a conference key K_e. 0, or SEC_ERR_LIMIT: fig9_q() would be 0, or
 * the client number is over 255.
 */
int	fig9_new(struct fig9 **out, const struct fig9_suite *s,
	    const struct secret *ke, uint32_t q);
void	fig9_free(struct fig9 *f);
/* Bytes that sealing adds. */
size_t	fig9_overhead(const struct fig9 *f);
/* The offline process 900 (S139, S146): key blocks ahead, at most n more of
 * each sequence; how many were made. */
size_t	fig9_fill(struct fig9 *f, size_t n);
/* out: n + overhead bytes. 0, or SEC_ERR_LIMIT: the cap is reached. */
int	fig9_seal(struct fig9 *f, const void *m, size_t n, int64_t now,
	    uint8_t *out);
/* Bytes that fig9_open() would give, which depends on the sender's q; 0 for
 * what cannot be opened. */
size_t	fig9_opened(const struct fig9 *f, const uint8_t *p, size_t n);
/* What any client of the conference sealed. out: n - overhead bytes. 0,
 * SEC_ERR_FORMAT, SEC_ERR_AUTH; *q (short) and *time are its sender's word. */
int	fig9_open(struct fig9 *f, const uint8_t *p, size_t n, uint32_t *q,
	    int64_t *time, uint8_t *out);

#endif
