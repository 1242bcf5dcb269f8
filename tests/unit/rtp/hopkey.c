#include "base/err.h"
#include "base/siphash.h"
#include "crypto/kdf.h"
#include "wire/hop.h"
#include "wire/rtp.h"
#include "rtp/hopkey.h"
#include "../test.h"

#define PAYLOAD 80
#define SIZE	(RTP_MIN + PAYLOAD)

/* Any bit of header, last ten bytes or tag: refused. The payload between
 * them is the end-to-end tag's. */
static void
rtp_flips(const uint8_t *key, uint8_t *p)
{
	size_t i;
	int bad = 0, good = 0;

	for (i = 0; i < (size_t)SIZE * 8; i++) {
		p[i / 8] ^= (uint8_t)(1 << i % 8);
		if (hopkey_check_rtp(key, p, SIZE) == SEC_ERR_AUTH)
			bad++;
		else if (i / 8 >= RTP_HEAD && i / 8 < RTP_HEAD + PAYLOAD)
			good++;
		p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	T_INT(bad, RTP_MIN * 8);
	T_INT(good, PAYLOAD * 8);
	for (i = RTP_MIN, bad = 0; i < SIZE; i++)
		bad += hopkey_check_rtp(key, p, i) == SEC_ERR_AUTH;
	T_INT(bad, SIZE - RTP_MIN);
}

static void
hop_flips(const uint8_t *key, uint8_t *p, size_t n)
{
	size_t i;
	int bad = 0;

	for (i = 0; i < n * 8; i++) {
		p[i / 8] ^= (uint8_t)(1 << i % 8);
		bad += hopkey_check_hop(key, p, n) == SEC_ERR_AUTH;
		p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	T_INT(bad, n * 8);
}

int
main(void)
{
	struct rtp r = { .pt = 96, .q = 0x01000007, .conf = 1, .counter = 3 };
	struct hop_packet h = { .q = 0x01000007, .conf = 1, .counter = 1 };
	uint8_t p[SIZE], hop[HOP_MAX], secret[32], covered[HOPKEY_COVER];
	struct secret *hq, *keys, *want;
	uint64_t tag, words[HOPKEY_WORDS], others[HOPKEY_WORDS];
	uint8_t two[16];
	size_t i, n;

	for (i = 0; i < sizeof secret; i++)
		secret[i] = (uint8_t)i;
	hq = secret_copy(secret, sizeof secret);
	keys = hopkey_derive(hq);
	want = kdf(hq, NULL, 0, KDF_HOP_UP, NULL, 0, 16);
	T(memcmp(hopkey_up(keys), secret_data(want), 16) == 0);
	secret_free(want);
	want = kdf(hq, NULL, 0, KDF_HOP_DOWN, NULL, 0, 16);
	T(memcmp(hopkey_down(keys), secret_data(want), 16) == 0);
	secret_free(want);
	T(memcmp(hopkey_up(keys), hopkey_down(keys), 16) != 0);

	rtp_encode(&r, p);
	for (i = RTP_HEAD; i < SIZE; i++)
		p[i] = (uint8_t)(i * 7);
	hopkey_seal_rtp(hopkey_up(keys), p, SIZE);
	T_INT(hopkey_check_rtp(hopkey_up(keys), p, SIZE), 0);
	T_INT(hopkey_check_rtp(hopkey_down(keys), p, SIZE), SEC_ERR_AUTH);
	/* By hand: header, the ten bytes before the tag, low byte first. */
	memcpy(covered, p, 48);
	memcpy(covered + 48, p + SIZE - 18, 10);
	tag = siphash24(hopkey_up(keys), covered, 58);
	for (i = 0; i < 8; i++)
		T_INT(p[SIZE - 8 + i], tag >> 8 * i & 0xff);
	hopkey_words(p, SIZE, words);
	hopkey_tag_words(hopkey_up(keys), words, covered);
	T(memcmp(covered, p + SIZE - 8, 8) == 0);
	memcpy(others, words, sizeof others);
	others[3]++;
	hopkey_tag_words(hopkey_up(keys), others, covered);
	hopkey_tag_words2(hopkey_up(keys), words, others, two, two + 8);
	T(memcmp(two, p + SIZE - 8, 8) == 0 &&
	    memcmp(two + 8, covered, 8) == 0);
	rtp_flips(hopkey_up(keys), p);

	h.n = 1;
	n = hop_encode(&h, hop) + HOP_TAG;
	hopkey_seal_hop(hopkey_down(keys), hop, n);
	T_INT(hopkey_check_hop(hopkey_down(keys), hop, n), 0);
	T_INT(hopkey_check_hop(hopkey_up(keys), hop, n), SEC_ERR_AUTH);
	hop_flips(hopkey_down(keys), hop, n);

	secret_free(keys);
	secret_free(hq);
	T_INT(secret_count(), 0);
	return t_done();
}
