/* Hop tags: who may put a datagram on this hop. */

#include <string.h>

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

void
hopkey_tag(const uint8_t key[HOPKEY_BYTES], const void *p, size_t n,
    uint8_t out[8])
{
	uint64_t h = siphash24(key, p, n);
	int i;

	for (i = 0; i < 8; i++)
		out[i] = (uint8_t)(h >> 8 * i);
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
	uint8_t covered[HOPKEY_COVER], tag[RTP_HOP_TAG];

	hopkey_cover(p, n, covered);
	hopkey_tag(key, covered, sizeof covered, tag);
	if (!secret_memequal(tag, p + n - RTP_HOP_TAG, sizeof tag))
		return SEC_ERR_AUTH;
	return 0;
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
