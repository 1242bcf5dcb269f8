/*
 * Sealed records (SECURITY.md 3.3), suite 0x0005. Order of opening: header,
 * tag, sequence, time, and only then the state moves.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "crypto/aead.h"

#include "crypto/seal.h"

/* A connection ends after this many records. */
#define SEQ_MAX ((uint64_t)1 << 32)

struct seal {
	struct aead *aead;
	uint8_t salt[SUITE_NONCE];
	uint8_t type, dir;
	uint32_t keyid;
	uint64_t last; /* sequence put or got last */
};

struct seal *
seal_new(uint8_t type, uint8_t dir, uint32_t keyid, const struct secret *key,
    const uint8_t salt[12])
{
	struct seal *s;

	if ((s = calloc(1, sizeof *s)) == NULL ||
	    aead_new(&s->aead, SUITE_AES256_GCM, key) != 0)
		die(10, "out of memory");
	memcpy(s->salt, salt, sizeof s->salt);
	s->type = type;
	s->dir = dir;
	s->keyid = keyid;
	return s;
}

void
seal_free(struct seal *s)
{
	if (s == NULL)
		return;
	aead_free(s->aead);
	explicit_bzero(s, sizeof *s);
	free(s);
}

int
seal_put(struct seal *s, struct buf *out, const void *pt, size_t n, int64_t now)
{
	uint8_t nonce[SUITE_NONCE], *p;
	struct record rec;

	if (n > RECORD_MAX || s->last >= SEQ_MAX)
		return SEC_ERR_LIMIT;
	if ((p = buf_reserve(out, RECORD_HEAD + n + RECORD_TAG)) == NULL)
		return buf_error(out);
	rec = (struct record) { .type = s->type,
		.dir = s->dir,
		.keyid = s->keyid,
		.seq = s->last + 1,
		.time = now,
		.n = (uint32_t)n };
	record_encode(&rec, p);
	aead_nonce(nonce, s->salt, rec.seq);
	aead_seal(s->aead, nonce, p, RECORD_HEAD, pt, n, p + RECORD_HEAD);
	buf_commit(out, RECORD_HEAD + n + RECORD_TAG);
	s->last = rec.seq;
	return 0;
}

int
seal_size(const uint8_t *p, size_t n)
{
	struct record rec;
	size_t size;
	int r;

	if (n > 0 && p[0] != RECORD_MAGIC)
		return SEC_ERR_FORMAT;
	if (n < RECORD_HEAD)
		return 0;
	if ((r = record_decode(&rec, p)) != 0)
		return r;
	size = RECORD_HEAD + (size_t)rec.n + RECORD_TAG;
	return n < size ? 0 : (int)size;
}

/* The header of the one record that is all of p. */
static int
whole(struct record *rec, const uint8_t *p, size_t n)
{
	int r;

	if (n < RECORD_HEAD + RECORD_TAG)
		return SEC_ERR_FORMAT;
	if ((r = record_decode(rec, p)) != 0)
		return r;
	return n == RECORD_HEAD + (size_t)rec->n + RECORD_TAG ? 0 :
								SEC_ERR_FORMAT;
}

int
seal_get(struct seal *s, uint8_t *p, size_t n, int64_t now, size_t *ptlen)
{
	uint8_t nonce[SUITE_NONCE];
	struct record rec;
	int r;

	if ((r = whole(&rec, p, n)) != 0)
		return r;
	if (rec.type != s->type || rec.dir != s->dir || rec.keyid != s->keyid)
		return SEC_ERR_FORMAT;
	aead_nonce(nonce, s->salt, rec.seq);
	if ((r = aead_open(s->aead, nonce, p, RECORD_HEAD, p + RECORD_HEAD,
		 (size_t)rec.n + RECORD_TAG, p + RECORD_HEAD)) != 0)
		return r;
	if (rec.seq != s->last + 1)
		r = SEC_ERR_REPLAY;
	else if (!seal_time_allows(rec.time, now))
		r = SEC_ERR_EXPIRED;
	else if (rec.seq > SEQ_MAX)
		r = SEC_ERR_LIMIT;
	if (r != 0) {
		explicit_bzero(p + RECORD_HEAD, rec.n);
		return r;
	}
	s->last = rec.seq;
	*ptlen = rec.n;
	return 0;
}

/* Key and nonce of a single record, and its AAD. */
static int
once_begin(const struct seal_once *s, uint64_t seq, const uint8_t *head,
    struct aead **a, uint8_t nonce[SUITE_NONCE], struct buf *aad)
{
	const uint8_t *salt = s->salt;
	struct secret *key;
	int r;

	buf_put(aad, head, RECORD_HEAD);
	if (s->ctxlen > 0)
		buf_put(aad, s->ctx, s->ctxlen);
	if ((r = buf_error(aad)) != 0)
		return r;
	if (salt == NULL)
		salt = (const uint8_t *)secret_data(s->key) + 32;
	aead_nonce(nonce, salt, seq);
	key = secret_slice(s->key, 0, 32);
	r = aead_new(a, SUITE_AES256_GCM, key);
	secret_free(key);
	return r;
}

int
seal_once(const struct seal_once *s, struct buf *out, const void *pt, size_t n)
{
	uint8_t nonce[SUITE_NONCE], *p;
	struct buf aad = BUF_INIT;
	struct aead *a = NULL;
	struct record rec;
	int r;

	if (n > RECORD_MAX)
		return SEC_ERR_LIMIT;
	if ((p = buf_reserve(out, RECORD_HEAD + n + RECORD_TAG)) == NULL)
		return buf_error(out);
	rec = (struct record) { .type = s->type,
		.dir = s->dir,
		.keyid = s->keyid,
		.seq = s->seq,
		.time = s->time,
		.n = (uint32_t)n };
	record_encode(&rec, p);
	if ((r = once_begin(s, s->seq, p, &a, nonce, &aad)) == 0) {
		aead_seal(a, nonce, buf_data(&aad), buf_len(&aad), pt, n,
		    p + RECORD_HEAD);
		buf_commit(out, RECORD_HEAD + n + RECORD_TAG);
	}
	aead_free(a);
	buf_free(&aad);
	return r;
}

int
seal_once_open(struct seal_once *in, const uint8_t *p, size_t n,
    struct buf *out)
{
	uint8_t nonce[SUITE_NONCE], *to;
	struct buf aad = BUF_INIT;
	struct aead *a = NULL;
	struct record rec;
	int r;

	if ((r = whole(&rec, p, n)) != 0)
		return r;
	if (rec.type != in->type || rec.dir != in->dir)
		return SEC_ERR_FORMAT;
	/* Room for the tag too, so that it is never 0 bytes. */
	if ((to = buf_reserve(out, (size_t)rec.n + RECORD_TAG)) == NULL)
		return buf_error(out);
	if ((r = once_begin(in, rec.seq, p, &a, nonce, &aad)) != 0 ||
	    (r = aead_open(a, nonce, buf_data(&aad), buf_len(&aad),
		 p + RECORD_HEAD, (size_t)rec.n + RECORD_TAG, to)) != 0)
		goto out;
	buf_commit(out, rec.n);
	in->keyid = rec.keyid;
	in->seq = rec.seq;
	in->time = rec.time;
out:
	aead_free(a);
	buf_free(&aad);
	return r;
}
