/*
 * Messages that come before any record on a connection (SECURITY.md 3.2,
 * 3.3). All begin with C5 01 and their kind.
 *
 * c1   0 4 C5 01 20 tt | 4 2 by | 6 4 key id | 10 2 to | 12 16 nA |
 *     28 8 T | 36 16 tag
 * c2   0 4 C5 01 21 tt | 4 2 by | 6 4 key id | 10 2 from | 12 16 nB |
 *     28 8 T | 36 16 nA | 52 16 tag
 * no   0 4 C5 01 7F 00 | 4 4 key id | 8 20 zeros
 *
 * Noise 0 4 C5 01 kind 00 | 4 2 bytes that follow | 6 2 from | 8 2 to |
 *  m1  10 8 servers hash | 18 32 e | 50 24 sealed be64 T
 *  m2  10 32 e | 42 28 sealed be64 T, be32 last epoch
 *  m3  10 66+34k+16 sealed "SJK1" | be32 epoch | be64 not_before |
 *      be64 not_after | be64 T | K[32] | be16 k | k times be16 number, P[32]
 *  m4  10 40+16 sealed "SJA1" | be32 epoch | SHA512(m3)[32]
 */
#include <string.h>

#include "base/err.h"
#include "wire/handshake.h"
#include "wire/record.h"

#define TAG	  16
#define DEAL_HEAD 66
#define PAIR	  34
#define M1_SIZE	  (HS_NOISE_HEAD + 8 + 32 + 8 + TAG)
#define M2_SIZE	  (HS_NOISE_HEAD + 32 + 12 + TAG)
#define M3_MIN	  (HS_NOISE_HEAD + DEAL_HEAD + TAG)
#define M4_SIZE	  (HS_NOISE_HEAD + HS_ACK + TAG)

static void
put_head(uint8_t *out, uint8_t kind, uint8_t last)
{
	out[0] = RECORD_MAGIC;
	out[1] = 1;
	out[2] = kind;
	out[3] = last;
}

static int
is_head(const uint8_t *in, uint8_t kind)
{
	return in[0] == RECORD_MAGIC && in[1] == 1 && in[2] == kind;
}

static int
is_hello_type(uint8_t tt)
{
	return tt == RECORD_CLIENT || tt == RECORD_SERVER;
}

void
hello_c1_encode(const struct hello_c1 *h, uint8_t out[HELLO_C1])
{
	put_head(out, HS_C1, h->tt);
	put_be16(out + 4, h->by);
	put_be32(out + 6, h->keyid);
	put_be16(out + 10, h->to);
	memcpy(out + 12, h->nonce, HELLO_NONCE);
	put_be64(out + 28, (uint64_t)h->time);
	memcpy(out + 36, h->tag, HELLO_TAG);
}

int
hello_c1_decode(struct hello_c1 *h, const uint8_t in[HELLO_C1])
{
	if (!is_head(in, HS_C1) || !is_hello_type(in[3]) ||
	    get_be64(in + 28) > INT64_MAX)
		return SEC_ERR_FORMAT;
	h->tt = in[3];
	h->by = get_be16(in + 4);
	h->keyid = get_be32(in + 6);
	h->to = get_be16(in + 10);
	memcpy(h->nonce, in + 12, HELLO_NONCE);
	h->time = (int64_t)get_be64(in + 28);
	memcpy(h->tag, in + 36, HELLO_TAG);
	return 0;
}

void
hello_c2_encode(const struct hello_c2 *h, uint8_t out[HELLO_C2])
{
	put_head(out, HS_C2, h->tt);
	put_be16(out + 4, h->by);
	put_be32(out + 6, h->keyid);
	put_be16(out + 10, h->from);
	memcpy(out + 12, h->nonce, HELLO_NONCE);
	put_be64(out + 28, (uint64_t)h->time);
	memcpy(out + 36, h->nonce_a, HELLO_NONCE);
	memcpy(out + 52, h->tag, HELLO_TAG);
}

int
hello_c2_decode(struct hello_c2 *h, const uint8_t in[HELLO_C2])
{
	if (!is_head(in, HS_C2) || !is_hello_type(in[3]) ||
	    get_be64(in + 28) > INT64_MAX)
		return SEC_ERR_FORMAT;
	h->tt = in[3];
	h->by = get_be16(in + 4);
	h->keyid = get_be32(in + 6);
	h->from = get_be16(in + 10);
	memcpy(h->nonce, in + 12, HELLO_NONCE);
	h->time = (int64_t)get_be64(in + 28);
	memcpy(h->nonce_a, in + 36, HELLO_NONCE);
	memcpy(h->tag, in + 52, HELLO_TAG);
	return 0;
}

void
hello_no_encode(uint32_t keyid, uint8_t out[HELLO_NO])
{
	memset(out, 0, HELLO_NO);
	put_head(out, HS_NO, 0);
	put_be32(out + 4, keyid);
}

int
hello_no_decode(uint32_t *keyid, const uint8_t in[HELLO_NO])
{
	uint8_t want[HELLO_NO];

	hello_no_encode(get_be32(in + 4), want);
	if (memcmp(in, want, HELLO_NO) != 0)
		return SEC_ERR_FORMAT;
	*keyid = get_be32(in + 4);
	return 0;
}

void
hs_noise_encode(struct buf *out, uint8_t kind, uint16_t from, uint16_t to,
    const void *body, size_t n)
{
	uint8_t head[HS_NOISE_HEAD];

	if (n > NOISE_MAX - HS_NOISE_HEAD) {
		out->err = SEC_ERR_LIMIT;
		return;
	}
	put_head(head, kind, 0);
	put_be16(head + 4, (uint16_t)(4 + n));
	put_be16(head + 6, from);
	put_be16(head + 8, to);
	buf_put(out, head, sizeof(head));
	buf_put(out, body, n);
}

/* 1 if a message of this kind may be size bytes long. */
static int
is_noise_size(uint8_t kind, size_t size)
{
	switch (kind) {
	case HS_M1: return size == M1_SIZE;
	case HS_M2: return size == M2_SIZE;
	case HS_M3:
		return size >= M3_MIN && size <= NOISE_MAX &&
		    (size - M3_MIN) % PAIR == 0;
	case HS_M4: return size == M4_SIZE;
	default: return 0;
	}
}

int
hs_noise_size(const uint8_t *p, size_t n)
{
	size_t size;

	/* A stranger's first wrong byte ends it, not his last. */
	if ((n > 0 && p[0] != RECORD_MAGIC) || (n > 1 && p[1] != 1) ||
	    (n > 2 && (p[2] < HS_M1 || p[2] > HS_M4)) || (n > 3 && p[3] != 0))
		return SEC_ERR_FORMAT;
	if (n < 6)
		return 0;
	size = 6 + (size_t)get_be16(p + 4);
	if (!is_noise_size(p[2], size))
		return SEC_ERR_FORMAT;
	return n < size ? 0 : (int)size;
}

int
hs_noise_decode(struct hs_noise *m, const uint8_t *p, size_t n)
{
	int size = hs_noise_size(p, n);
	uint16_t from, to;

	if (size <= 0 || (size_t)size != n)
		return SEC_ERR_FORMAT;
	from = get_be16(p + 6);
	to = get_be16(p + 8);
	if (from == 0 || from > 255 || to == 0 || to > 255)
		return SEC_ERR_FORMAT;
	m->kind = p[2];
	m->from = from;
	m->to = to;
	m->body = p + HS_NOISE_HEAD;
	m->bodylen = n - HS_NOISE_HEAD;
	return 0;
}

void
hs_deal_encode(struct buf *out, const struct hs_deal *d)
{
	size_t i;

	if (d->npairs > HS_PAIRS) {
		out->err = SEC_ERR_LIMIT;
		return;
	}
	buf_put(out, "SJK1", 4);
	buf_put_be32(out, d->epoch);
	buf_put_be64(out, (uint64_t)d->not_before);
	buf_put_be64(out, (uint64_t)d->not_after);
	buf_put_be64(out, (uint64_t)d->time);
	buf_put(out, d->k, sizeof(d->k));
	buf_put_be16(out, (uint16_t)d->npairs);
	for (i = 0; i < d->npairs; i++) {
		buf_put_be16(out, d->pair[i].number);
		buf_put(out, d->pair[i].p, sizeof(d->pair[i].p));
	}
}

int
hs_deal_decode(struct hs_deal *d, const uint8_t *p, size_t n)
{
	uint8_t seen[256] = { 0 };
	uint16_t number;
	size_t i, npairs;

	if (n < DEAL_HEAD || memcmp(p, "SJK1", 4) != 0)
		return SEC_ERR_FORMAT;
	npairs = get_be16(p + 64);
	if (npairs > HS_PAIRS || n != DEAL_HEAD + npairs * PAIR ||
	    get_be64(p + 8) > INT64_MAX || get_be64(p + 16) > INT64_MAX ||
	    get_be64(p + 24) > INT64_MAX)
		return SEC_ERR_FORMAT;
	for (i = 0; i < npairs; i++) {
		number = get_be16(p + DEAL_HEAD + i * PAIR);
		if (number == 0 || number > 255 || seen[number]++)
			return SEC_ERR_FORMAT;
	}
	d->epoch = get_be32(p + 4);
	d->not_before = (int64_t)get_be64(p + 8);
	d->not_after = (int64_t)get_be64(p + 16);
	d->time = (int64_t)get_be64(p + 24);
	memcpy(d->k, p + 32, sizeof(d->k));
	d->npairs = npairs;
	for (i = 0, p += DEAL_HEAD; i < npairs; i++, p += PAIR) {
		d->pair[i].number = get_be16(p);
		memcpy(d->pair[i].p, p + 2, sizeof(d->pair[i].p));
	}
	return 0;
}

void
hs_ack_encode(uint32_t epoch, const uint8_t m3hash[HS_ACK_HASH],
    uint8_t out[HS_ACK])
{
	memcpy(out, "SJA1", 4);
	put_be32(out + 4, epoch);
	memcpy(out + 8, m3hash, HS_ACK_HASH);
}

int
hs_ack_decode(uint32_t *epoch, uint8_t m3hash[HS_ACK_HASH], const uint8_t *p,
    size_t n)
{
	if (n != HS_ACK || memcmp(p, "SJA1", 4) != 0)
		return SEC_ERR_FORMAT;
	*epoch = get_be32(p + 4);
	memcpy(m3hash, p + 8, HS_ACK_HASH);
	return 0;
}
