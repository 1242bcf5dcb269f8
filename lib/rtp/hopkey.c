/* Hop tags: who may put a datagram on this hop. */

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/siphash.h"
#include "crypto/kdf.h"
#include "wire/rtp.h"
#include "rtp/hopkey.h"

struct secret *
hopkey_derive(const struct secret *h_q)
{
	struct secret *up, *down, *keys;
	uint8_t *p;

	up = kdf(h_q, NULL, 0, KDF_HOP_UP, NULL, 0, HOPKEY_BYTES);
	down = kdf(h_q, NULL, 0, KDF_HOP_DOWN, NULL, 0, HOPKEY_BYTES);
	keys = secret_new(2 * (size_t)HOPKEY_BYTES);
	p = secret_fill(keys);
	memcpy(p, secret_data(up), HOPKEY_BYTES);
	memcpy(p + HOPKEY_BYTES, secret_data(down), HOPKEY_BYTES);
	secret_free(up);
	secret_free(down);
	return keys;
}

void
hopkey_cover(const uint8_t *p, size_t n, uint8_t out[HOPKEY_COVER])
{
	memcpy(out, p, RTP_HEAD);
	memcpy(out + RTP_HEAD, p + n - RTP_HOP_TAG - RTP_TAG, RTP_TAG);
}

/* Low byte first; the compiler makes one store of it. */
static inline void
put_tag(uint64_t h, uint8_t out[8])
{
	int i;

	for (i = 0; i < 8; i++)
		out[i] = (uint8_t)(h >> 8 * i);
}

void
hopkey_tag(const uint8_t key[HOPKEY_BYTES], const void *p, size_t n,
    uint8_t out[8])
{
	put_tag(siphash24(key, p, n), out);
}

void
hopkey_words(const uint8_t *p, size_t n, uint64_t w[HOPKEY_WORDS])
{
	const uint8_t *end = p + n - RTP_HOP_TAG - RTP_TAG;
	size_t i;

	for (i = 0; i < RTP_HEAD / 8; i++)
		w[i] = get_le64(p + 8 * i);
	w[i] = get_le64(end);
	w[i + 1] =
	    (uint64_t)HOPKEY_COVER << 56 | (uint64_t)end[9] << 8 | end[8];
}

void
hopkey_tag_words(const uint8_t key[HOPKEY_BYTES],
    const uint64_t w[HOPKEY_WORDS], uint8_t out[8])
{
	put_tag(siphash24_words(key, w, HOPKEY_WORDS), out);
}

int
hopkey_check_words(const uint8_t key[HOPKEY_BYTES],
    const uint64_t w[HOPKEY_WORDS], const uint8_t tag[8])
{
	uint8_t want[RTP_HOP_TAG];

	hopkey_tag_words(key, w, want);
	return secret_memequal(want, tag, sizeof want) ? 0 : SEC_ERR_AUTH;
}

void
hopkey_tag_words2(const uint8_t key[HOPKEY_BYTES],
    const uint64_t a[HOPKEY_WORDS], const uint64_t b[HOPKEY_WORDS],
    uint8_t outa[8], uint8_t outb[8])
{
	uint64_t h[2];

	siphash24_words2(key, a, b, HOPKEY_WORDS, h);
	put_tag(h[0], outa);
	put_tag(h[1], outb);
}

void
hopkey_seal_rtp(const uint8_t key[HOPKEY_BYTES], uint8_t *p, size_t n)
{
	uint8_t covered[HOPKEY_COVER];

	hopkey_cover(p, n, covered);
	hopkey_tag(key, covered, sizeof covered, p + n - RTP_HOP_TAG);
}

int
hopkey_check_rtp(const uint8_t key[HOPKEY_BYTES], const uint8_t *p, size_t n)
{
	uint64_t w[HOPKEY_WORDS];

	hopkey_words(p, n, w);
	return hopkey_check_words(key, w, p + n - RTP_HOP_TAG);
}

void
hopkey_seal_hop(const uint8_t key[HOPKEY_BYTES], uint8_t *p, size_t n)
{
	hopkey_tag(key, p, n - RTP_HOP_TAG, p + n - RTP_HOP_TAG);
}

int
hopkey_check_hop(const uint8_t key[HOPKEY_BYTES], const uint8_t *p, size_t n)
{
	uint8_t tag[RTP_HOP_TAG];

	hopkey_tag(key, p, n - RTP_HOP_TAG, tag);
	if (!secret_memequal(tag, p + n - RTP_HOP_TAG, sizeof tag))
		return SEC_ERR_AUTH;
	return 0;
}
