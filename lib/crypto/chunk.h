#ifndef CRYPTO_CHUNK_H
#define CRYPTO_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"

/*
 * Attached files, sealed by who attaches them and opened by who fetches
 * them (SECURITY.md 3.5): chunks of 64 KiB, the last one shorter (an empty
 * file has one, which is empty), each
 *
 *	0 32 salt | 32 ciphertext | tag 16
 *
 * with key(32) and nonce(12) = KDF(FK, "file chunk", salt), AAD = file id
 * (32 hex digits) || be64 number from 0 || 1 if it is the last one.
 */
#define CHUNK_BYTES  65536
#define CHUNK_EXTRA  (32 + 16)
#define CHUNK_SEALED (CHUNK_BYTES + CHUNK_EXTRA)
#define FILE_ID      33                /* with its NUL */
#define FILE_KEY     32

struct chunk {
	const struct secret	*fk;
	const char		*file;         /* its id */
	uint64_t		 n;
	int			 last;
};

/* How many a file of so many bytes has. */
uint64_t chunk_count(uint64_t size);
/* What chunk n of it has in clear. */
size_t	chunk_size(uint64_t size, uint64_t n);
/* All of them, sealed, one behind the other. */
uint64_t chunk_stored(uint64_t size);
/* A new id. */
void	file_id_new(char out[FILE_ID]);
int	file_id_is(const char *s);

/* Append; len <= CHUNK_BYTES. */
void	chunk_seal(struct buf *out, const struct chunk *c, const void *pt,
	    size_t len);
/* out: n - CHUNK_EXTRA bytes. 0, SEC_ERR_FORMAT or _AUTH. */
int	chunk_open(const struct chunk *c, const void *p, size_t n,
	    uint8_t *out);

#endif
