/*
 * HKDF (RFC 5869), which libgcrypt 1.10 does not have, and SEC's closed
 * list of labels over it (SECURITY.md 3.1).
 */
#include <string.h>

#include "base/log.h"

#include "crypto/kdf.h"

#define HASH_MAX SHA512_SIZE

static const char *const labels[] = {
	[KDF_PAIR] = "pair",
	[KDF_LINK] = "link",
	[KDF_HELLO] = "hello",
	[KDF_REC_KEY] = "rec key",
	[KDF_REC_SALT] = "rec salt",
	[KDF_REG_C2S] = "reg c2s",
	[KDF_REG_S2C] = "reg s2c",
	[KDF_CONF_WRAP] = "conf wrap",
	[KDF_GW_WRAP] = "gw wrap",
	[KDF_RATCHET] = "ratchet",
	[KDF_TEXT_EPOCH] = "text epoch",
	[KDF_TEXT] = "text",
	[KDF_HOP_UP] = "hop up",
	[KDF_HOP_DOWN] = "hop down",
	[KDF_BLOB] = "blob",
	[KDF_FILE_WRAP] = "file wrap",
	[KDF_FILE_CHUNK] = "file chunk",
	[KDF_HISTORY_WRAP] = "history wrap",
	[KDF_FIG9_KEY] = "fig9 key",
	[KDF_FIG9_CTR] = "fig9 ctr",
	[KDF_CRYPT_FILTER] = "crypt filter",
};

static size_t
hash_size(enum digest_hash h)
{
	return h == DIGEST_SHA256 ? SHA256_SIZE : SHA512_SIZE;
}

void
hkdf_extract(enum digest_hash h, const void *salt, size_t saltlen,
    const void *ikm, size_t ikmlen, uint8_t *prk)
{
	const struct digest_part part = { ikm, ikmlen };

	hmac(h, salt, saltlen, &part, 1, prk);
}

/* The info of the expansion is the join of two parts. */
static void
expand(enum digest_hash h, const uint8_t *prk, struct digest_part a,
    struct digest_part b, uint8_t *out, size_t n)
{
	uint8_t t[HASH_MAX], i;
	struct digest_part part[4] = { { t, 0 }, a, b, { &i, 1 } };
	size_t m, size;

	size = hash_size(h);
	if (n > 255 * size)
		die(11, "hkdf: %zu bytes asked for", n);
	for (i = 1; n > 0; i++) {
		hmac(h, prk, size, part, 4, t);
		m = n < size ? n : size;
		memcpy(out, t, m);
		out += m;
		n -= m;
		part[0].n = size;
	}
	explicit_bzero(t, sizeof t);
}

void
hkdf_expand(enum digest_hash h, const uint8_t *prk, const void *info,
    size_t infolen, uint8_t *out, size_t n)
{
	expand(h, prk, (struct digest_part) { info, infolen },
	    (struct digest_part) { NULL, 0 }, out, n);
}

struct secret *
kdf(const struct secret *k, const void *salt, size_t saltlen,
    enum kdf_label label, const void *ctx, size_t ctxlen, size_t n)
{
	uint8_t prk[SHA512_SIZE];
	char head[32] = "SEC1 ";
	struct secret *out;

	if (salt == NULL) {
		salt = "SEC1";
		saltlen = 4;
	}
	/* The zero byte after the label is part of the info. */
	memcpy(head + 5, labels[label], strlen(labels[label]) + 1);
	out = secret_new(n);
	hkdf_extract(DIGEST_SHA512, salt, saltlen, secret_data(k),
	    secret_size(k), prk);
	expand(DIGEST_SHA512, prk,
	    (struct digest_part) { head, strlen(head) + 1 },
	    (struct digest_part) { ctx, ctxlen }, secret_fill(out), n);
	explicit_bzero(prk, sizeof prk);
	return out;
}
