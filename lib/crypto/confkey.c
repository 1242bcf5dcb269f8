/*
 * Keys of a conference's epochs, and text (SECURITY.md 3.5, 3.6). q makes
 * the key of each client's text (S153), its counter the nonce.
 */
#include "base/err.h"
#include "crypto/kdf.h"
#include "crypto/seal.h"

#include "crypto/confkey.h"

#define TEXT_CTX 12 /* conference id || q */

static struct secret *
epoch_key(const struct secret *ke, enum kdf_label label, uint64_t conf,
    uint32_t epoch)
{
	uint8_t ctx[12];

	put_be64(ctx, conf);
	put_be32(ctx + 8, epoch);
	return kdf(ke, NULL, 0, label, ctx, sizeof ctx, 32);
}

struct secret *
confkey_ratchet(const struct secret *ke, uint64_t conf, uint32_t next_epoch)
{
	return epoch_key(ke, KDF_RATCHET, conf, next_epoch);
}

struct secret *
confkey_text(const struct secret *ke, uint64_t conf, uint32_t epoch)
{
	return epoch_key(ke, KDF_TEXT_EPOCH, conf, epoch);
}

/* The context and the keys of one q's text. */
static struct secret *
text_keys(const struct secret *te, uint64_t conf, uint32_t q,
    uint8_t ctx[TEXT_CTX])
{
	put_be64(ctx, conf);
	put_be32(ctx + 8, q);
	return kdf(te, NULL, 0, KDF_TEXT, ctx + 8, 4, SEAL_KEYS);
}

void
text_seal(struct buf *out, const struct secret *te, uint64_t conf,
    uint32_t epoch, uint32_t q, uint64_t seq, const void *pt, size_t n,
    int64_t now)
{
	uint8_t ctx[TEXT_CTX];
	struct secret *keys;

	keys = text_keys(te, conf, q, ctx);
	buf_put_be32(out, q);
	/* Fails with out, or on a text that no message can be (wire). */
	(void)seal_once(&(struct seal_once) { .type = RECORD_TEXT,
			    .dir = 0,
			    .keyid = epoch,
			    .seq = seq,
			    .time = now,
			    .key = keys,
			    .ctx = ctx,
			    .ctxlen = TEXT_CTX },
	    out, pt, n);
	secret_free(keys);
}

int
text_peek(struct text_head *h, const uint8_t *p, size_t n)
{
	struct record rec;
	int r;

	if (n < 4 + RECORD_HEAD + RECORD_TAG)
		return SEC_ERR_FORMAT;
	if ((r = record_decode(&rec, p + 4)) != 0)
		return r;
	if (rec.type != RECORD_TEXT || rec.dir != 0 ||
	    n != 4 + RECORD_HEAD + (size_t)rec.n + RECORD_TAG)
		return SEC_ERR_FORMAT;
	*h = (struct text_head) { .q = get_be32(p),
		.epoch = rec.keyid,
		.seq = rec.seq,
		.time = rec.time };
	return 0;
}

int
text_open(const struct secret *te, uint64_t conf, const uint8_t *p, size_t n,
    struct buf *out)
{
	uint8_t ctx[TEXT_CTX];
	struct secret *keys;
	struct text_head h;
	int r;

	if ((r = text_peek(&h, p, n)) != 0)
		return r;
	keys = text_keys(te, conf, h.q, ctx);
	r = seal_once_open(&(struct seal_once) { .type = RECORD_TEXT,
			       .dir = 0,
			       .key = keys,
			       .ctx = ctx,
			       .ctxlen = TEXT_CTX },
	    p + 4, n - 4, out);
	secret_free(keys);
	return r;
}
