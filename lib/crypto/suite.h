#ifndef CRYPTO_SUITE_H
#define CRYPTO_SUITE_H

#include <stddef.h>
#include <stdint.h>

/* The table of suites (SECURITY.md 3.1), all SFrame's (RFC 9605). */
#define SUITE_AES128_CTR_HMAC_SHA256_80 0x0001
#define SUITE_AES128_GCM                0x0004
#define SUITE_AES256_GCM                0x0005  /* records, text, wraps */
#define SUITE_AES256_CTR_HMAC_SHA512_80 0x0006  /* voice */
#define SUITE_CHACHA20_POLY1305         0xF00C  /* voice, optional */
#define SUITE_NONCE 12

struct suite {
	uint16_t	 id;
	const char	*name;         /* "aes256-gcm-sha512-128" */
	size_t		 nk;           /* key bytes of the AEAD */
	size_t		 nt;           /* tag bytes */
	int		 offline;      /* pads can be made ahead */
	size_t		 lead;         /* of a pad: its one-time MAC key */
	int		 hash256;      /* SFrame derivation uses SHA-256 */
};

const struct suite *suite_by_id(uint16_t id);
const struct suite *suite_by_name(const char *name);   /* or 0x0006 form */
const struct suite *suite_next(const struct suite *s); /* NULL: first */

#endif
