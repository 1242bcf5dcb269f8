/*
 * The hello (SECURITY.md 3.3): two nonces and a base key make the keys of
 * one connection.
 *
 *	A                                   B
 *	| c1  by, key id, to, nA, T, tag    |
 *	|---------------------------------->|  base key by (by, key id)
 *	|  c2  by, key id, from, nB, T, nA, tag
 *	|<----------------------------------|
 *	| records, dir 0        records, dir 1 |
 */
#include <string.h>

#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "crypto/random.h"

#include "crypto/hello.h"

#define KEY_SIZE  32
#define SALT_SIZE 12

void
hello_id_server(struct hello_id *id, uint16_t number)
{
	put_be16(id->b, number);
	id->n = 2;
}

int
hello_id_user(struct hello_id *id, const char *principal)
{
	size_t n = strlen(principal);

	if (n > HELLO_ID_MAX - 4)
		return SEC_ERR_LIMIT;
	put_be16(id->b, 0);
	put_be16(id->b + 2, (uint16_t)n);
	memcpy(id->b + 4, principal, n);
	id->n = 4 + n;
	return 0;
}

void
hello_id_device(struct hello_id *id, uint64_t conf, uint32_t q)
{
	put_be16(id->b, 0xffff);
	put_be64(id->b + 2, conf);
	put_be32(id->b + 10, q);
	id->n = 14;
}

/* The tag over the n bytes before it. */
static void
hello_tag(const struct secret *base, const struct hello_id *from,
    const struct hello_id *to, const uint8_t *p, size_t n,
    uint8_t tag[HELLO_TAG])
{
	const struct digest_part part = { p, n };
	uint8_t ctx[2 * HELLO_ID_MAX], mac[SHA512_SIZE];
	struct secret *k;

	memcpy(ctx, from->b, from->n);
	memcpy(ctx + from->n, to->b, to->n);
	k = kdf(base, NULL, 0, KDF_HELLO, ctx, from->n + to->n, 64);
	hmac(DIGEST_SHA512, secret_data(k), secret_size(k), &part, 1, mac);
	memcpy(tag, mac, HELLO_TAG);
	secret_free(k);
}

/* One direction of the connection. */
static struct seal *
record_seal(const struct secret *base, uint8_t tt, uint8_t dir, uint32_t keyid,
    const struct hello_id *from, const struct hello_id *to, const uint8_t *na,
    const uint8_t *nb)
{
	uint8_t ctx[2 + 2 * HELLO_ID_MAX + 2 * HELLO_NONCE], *p = ctx;
	struct secret *key, *salt;
	struct seal *s;

	*p++ = tt;
	*p++ = dir;
	memcpy(p, from->b, from->n);
	p += from->n;
	memcpy(p, to->b, to->n);
	p += to->n;
	memcpy(p, na, HELLO_NONCE);
	p += HELLO_NONCE;
	memcpy(p, nb, HELLO_NONCE);
	p += HELLO_NONCE;
	key = kdf(base, NULL, 0, KDF_REC_KEY, ctx, (size_t)(p - ctx), KEY_SIZE);
	salt =
	    kdf(base, NULL, 0, KDF_REC_SALT, ctx, (size_t)(p - ctx), SALT_SIZE);
	s = seal_new(tt, dir, keyid, key, secret_data(salt));
	secret_free(key);
	secret_free(salt);
	return s;
}

void
hello_start(struct hello *h, int64_t now, uint8_t c1[HELLO_C1])
{
	struct hello_c1 c = { .tt = h->tt,
		.by = h->by,
		.keyid = h->keyid,
		.to = h->to_number,
		.time = now };

	crypto_random(h->nonce, sizeof h->nonce);
	memcpy(c.nonce, h->nonce, sizeof c.nonce);
	hello_c1_encode(&c, c1);
	hello_tag(h->base, &h->from, &h->to, c1, HELLO_C1 - HELLO_TAG,
	    c1 + HELLO_C1 - HELLO_TAG);
}

int
hello_finish(const struct hello *h, const uint8_t c2[HELLO_C2], int64_t now,
    struct seal **tx, struct seal **rx)
{
	uint8_t tag[HELLO_TAG];
	struct hello_c2 c;
	int r;

	if ((r = hello_c2_decode(&c, c2)) != 0)
		return r;
	hello_tag(h->base, &h->from, &h->to, c2, HELLO_C2 - HELLO_TAG, tag);
	if (!secret_memequal(tag, c.tag, HELLO_TAG))
		return SEC_ERR_AUTH;
	/* A good tag over other numbers is the answer to another hello. */
	if (c.tt != h->tt || c.by != h->by || c.keyid != h->keyid ||
	    c.from != h->to_number ||
	    !secret_memequal(c.nonce_a, h->nonce, HELLO_NONCE))
		return SEC_ERR_AUTH;
	if (!seal_time_allows(c.time, now))
		return SEC_ERR_EXPIRED;
	*tx = record_seal(h->base, h->tt, 0, h->keyid, &h->from, &h->to,
	    h->nonce, c.nonce);
	*rx = record_seal(h->base, h->tt, 1, h->keyid, &h->from, &h->to,
	    h->nonce, c.nonce);
	return 0;
}

int
hello_answer(const uint8_t c1[HELLO_C1], const struct hello_id *from,
    const struct hello_id *to, uint16_t own_number, const struct secret *base,
    int64_t now, uint8_t c2[HELLO_C2], struct seal **tx, struct seal **rx)
{
	struct hello_c2 answer;
	uint8_t tag[HELLO_TAG];
	struct hello_c1 c;
	int r;

	if ((r = hello_c1_decode(&c, c1)) != 0)
		return r;
	hello_tag(base, from, to, c1, HELLO_C1 - HELLO_TAG, tag);
	if (!secret_memequal(tag, c.tag, HELLO_TAG) || c.to != own_number)
		return SEC_ERR_AUTH;
	if (!seal_time_allows(c.time, now))
		return SEC_ERR_EXPIRED;
	answer = (struct hello_c2) { .tt = c.tt,
		.by = c.by,
		.keyid = c.keyid,
		.from = own_number,
		.time = now };
	crypto_random(answer.nonce, sizeof answer.nonce);
	memcpy(answer.nonce_a, c.nonce, sizeof answer.nonce_a);
	hello_c2_encode(&answer, c2);
	hello_tag(base, from, to, c2, HELLO_C2 - HELLO_TAG,
	    c2 + HELLO_C2 - HELLO_TAG);
	*tx = record_seal(base, c.tt, 1, c.keyid, from, to, c.nonce,
	    answer.nonce);
	*rx = record_seal(base, c.tt, 0, c.keyid, from, to, c.nonce,
	    answer.nonce);
	return 0;
}

struct secret *
hello_link_base(const struct secret *k, const struct secret *pair,
    uint32_t epoch, uint16_t a, uint16_t b)
{
	struct secret *both, *base;
	uint8_t ctx[8];
	uint8_t *p;

	/* K alone would let any server pose as any other (S076). */
	both = secret_new(secret_size(k) + secret_size(pair));
	p = secret_fill(both);
	memcpy(p, secret_data(k), secret_size(k));
	memcpy(p + secret_size(k), secret_data(pair), secret_size(pair));
	put_be32(ctx, epoch);
	put_be16(ctx + 4, a < b ? a : b);
	put_be16(ctx + 6, a < b ? b : a);
	base = kdf(both, NULL, 0, KDF_LINK, ctx, sizeof ctx, 32);
	secret_free(both);
	return base;
}
