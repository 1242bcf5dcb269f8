/* Secrets at rest, under the storage key DBK and a salt of their own. */
#include "base/err.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "crypto/seal.h"

#include "crypto/blob.h"

#define BLOB_SALT  32
#define SECRET_MAX 1024

_Static_assert(BLOB_EXTRA == BLOB_SALT + RECORD_HEAD + RECORD_TAG,
    "what a blob adds");

static struct seal_once
blob_record(const struct secret *keys, const void *ctx, size_t ctxlen,
    int64_t now)
{
	return (struct seal_once) { .type = RECORD_REST,
		.time = now,
		.key = keys,
		.ctx = ctx,
		.ctxlen = ctxlen };
}

static struct secret *
blob_keys(const struct secret *dbk, const uint8_t *salt)
{
	return kdf(dbk, salt, BLOB_SALT, KDF_BLOB, NULL, 0, SEAL_KEYS);
}

void
blob_seal(struct buf *out, const struct secret *dbk, const void *ctx,
    size_t ctxlen, const struct secret *plain, int64_t now)
{
	uint8_t salt[BLOB_SALT];
	struct secret *keys;
	struct seal_once s;

	crypto_random(salt, sizeof salt);
	keys = blob_keys(dbk, salt);
	s = blob_record(keys, ctx, ctxlen, now);
	buf_put(out, salt, sizeof salt);
	/* Fails only with out, whose error is sticky. */
	(void)seal_once(&s, out, secret_data(plain), secret_size(plain));
	secret_free(keys);
}

int
blob_open(const void *p, size_t n, const struct secret *dbk, const void *ctx,
    size_t ctxlen, struct secret **plain)
{
	struct buf pt = BUF_INIT;
	const uint8_t *b = p;
	struct secret *keys;
	struct seal_once s;
	int r;

	if (n < BLOB_EXTRA)
		return SEC_ERR_FORMAT;
	keys = blob_keys(dbk, b);
	s = blob_record(keys, ctx, ctxlen, 0);
	r = seal_once_open(&s, b + BLOB_SALT, n - BLOB_SALT, &pt);
	if (r == 0 &&
	    (s.keyid != 0 || s.seq != 0 || buf_len(&pt) < 1 ||
		buf_len(&pt) > SECRET_MAX))
		r = SEC_ERR_FORMAT;
	if (r == 0)
		*plain = secret_copy(buf_data(&pt), buf_len(&pt));
	secret_free(keys);
	buf_free(&pt);
	return r;
}
