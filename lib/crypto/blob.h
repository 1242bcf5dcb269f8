#ifndef CRYPTO_BLOB_H
#define CRYPTO_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"

/*
 * A secret at rest, in a column of a database (SECURITY.md 3.8): salt[32] ||
 * type 5 record under KDF(DBK, "blob", salt), sequence 0; AAD += ctx, which
 * names table, column, row and owner, so that none can stand for another.
 */
#define BLOB_EXTRA (32 + 28 + 16)      /* beyond the secret's own bytes */

void	blob_seal(struct buf *out, const struct secret *dbk,
	    const void *ctx, size_t ctxlen, const struct secret *plain,
	    int64_t now);
/* 0, SEC_ERR_FORMAT, _AUTH (another DBK, another row). */
int	blob_open(const void *p, size_t n, const struct secret *dbk,
	    const void *ctx, size_t ctxlen, struct secret **plain);

#endif
