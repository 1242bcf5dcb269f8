#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/digest.h"

/*
 * KDF(k, label, ctx, L) = HKDF-Expand(HKDF-Extract(salt, k),
 *     "SEC1 " || label || 0x00 || ctx, L), SHA-512, salt "SEC1" unless
 * given (SECURITY.md 3.1). Labels are this closed list.
 */
enum kdf_label {
	KDF_PAIR,          /* "pair" */
	KDF_LINK,          /* "link" */
	KDF_HELLO,         /* "hello" */
	KDF_REC_KEY,       /* "rec key" */
	KDF_REC_SALT,      /* "rec salt" */
	KDF_REG_C2S,       /* "reg c2s" */
	KDF_REG_S2C,       /* "reg s2c" */
	KDF_CONF_WRAP,     /* "conf wrap" */
	KDF_GW_WRAP,       /* "gw wrap" */
	KDF_RATCHET,       /* "ratchet" */
	KDF_TEXT_EPOCH,    /* "text epoch" */
	KDF_TEXT,          /* "text" */
	KDF_HOP_UP,        /* "hop up" */
	KDF_HOP_DOWN,      /* "hop down" */
	KDF_BLOB,          /* "blob" */
	KDF_FILE_WRAP,     /* "file wrap" */
	KDF_FILE_CHUNK,    /* "file chunk" */
	KDF_HISTORY_WRAP,  /* "history wrap" */
	KDF_FIG9_KEY,      /* "fig9 key" */
	KDF_FIG9_CTR,      /* "fig9 ctr" */
	KDF_CRYPT_FILTER,  /* "crypt filter": sec-crypt */
};

/* L bytes as a new secret. salt NULL: "SEC1". */
struct secret *kdf(const struct secret *k, const void *salt, size_t saltlen,
	    enum kdf_label label, const void *ctx, size_t ctxlen, size_t n);

/* RFC 5869 itself, for vectors and SFrame. */
void	hkdf_extract(enum digest_hash h, const void *salt, size_t saltlen,
	    const void *ikm, size_t ikmlen, uint8_t *prk);
void	hkdf_expand(enum digest_hash h, const uint8_t *prk, const void *info,
	    size_t infolen, uint8_t *out, size_t n);

#endif
