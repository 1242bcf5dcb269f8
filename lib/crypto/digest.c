/*
 * SHA-2 and HMAC (RFC 2104) over lists of parts.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "crypto/gcry.h"

#include "crypto/digest.h"

/* Opening a handle costs more than what it is mostly used for, a block or
 * two: the library stirs its random pool each time. So they are kept. */
static gcry_md_hd_t
handle(int algo, int keyed)
{
	static gcry_md_hd_t kept[2][2];
	gcry_md_hd_t *h = &kept[algo == GCRY_MD_SHA512][keyed];

	if (*h == NULL)
		gcry_must(gcry_md_open(h, algo, keyed ? GCRY_MD_FLAG_HMAC : 0),
		    "gcry_md_open");
	return *h;
}

static void
digest(int algo, const void *key, size_t keylen, const struct digest_part *part,
    size_t n, uint8_t *out)
{
	gcry_md_hd_t h = handle(algo, key != NULL);
	size_t i;

	if (key != NULL)
		gcry_must(gcry_md_setkey(h, key, keylen), "gcry_md_setkey");
	for (i = 0; i < n; i++)
		if (part[i].n > 0)
			gcry_md_write(h, part[i].p, part[i].n);
	memcpy(out, gcry_md_read(h, algo), gcry_md_get_algo_dlen(algo));
	/* Nothing is left of key and text. */
	if (key != NULL)
		gcry_must(gcry_md_setkey(h, "", 0), "gcry_md_setkey");
	else
		gcry_md_reset(h);
}

void
sha512(const void *p, size_t n, uint8_t out[SHA512_SIZE])
{
	gcry_md_hash_buffer(GCRY_MD_SHA512, out, n > 0 ? p : "", n);
}

void
sha512_parts(const struct digest_part *part, size_t n, uint8_t out[SHA512_SIZE])
{
	digest(GCRY_MD_SHA512, NULL, 0, part, n, out);
}

void
sha256(const void *p, size_t n, uint8_t out[SHA256_SIZE])
{
	gcry_md_hash_buffer(GCRY_MD_SHA256, out, n > 0 ? p : "", n);
}

struct sha256_run {
	gcry_md_hd_t md;
};

struct sha256_run *
sha256_begin(void)
{
	struct sha256_run *h;

	if ((h = malloc(sizeof *h)) == NULL)
		die(10, "out of memory");
	gcry_must(gcry_md_open(&h->md, GCRY_MD_SHA256, 0), "gcry_md_open");
	return h;
}

void
sha256_put(struct sha256_run *h, const void *p, size_t n)
{
	if (n > 0)
		gcry_md_write(h->md, p, n);
}

void
sha256_end(struct sha256_run *h, uint8_t out[SHA256_SIZE])
{
	memcpy(out, gcry_md_read(h->md, GCRY_MD_SHA256), SHA256_SIZE);
}

void
sha256_free(struct sha256_run *h)
{
	if (h == NULL)
		return;
	gcry_md_close(h->md);
	free(h);
}

void
sha256_text(char out[SHA256_TEXT], const uint8_t h[SHA256_SIZE])
{
	text_hex(out, h, SHA256_SIZE);
}

int
sha256_is(const char *s)
{
	return text_is_hex(s, SHA256_TEXT - 1);
}

void
hmac(enum digest_hash h, const void *key, size_t keylen,
    const struct digest_part *part, size_t n, uint8_t *out)
{
	digest(h == DIGEST_SHA256 ? GCRY_MD_SHA256 : GCRY_MD_SHA512,
	    keylen > 0 ? key : "", keylen, part, n, out);
}
