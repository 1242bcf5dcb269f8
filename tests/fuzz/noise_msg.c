/* Noise messages on a stream, and the plaintexts of m3 and m4. */
#include "wire/handshake.h"
#include "fuzz.h"

static struct hs_deal deal;

static void
stream(const uint8_t *p, size_t n)
{
	struct buf b = BUF_INIT;
	struct hs_noise m;
	int size;

	while ((size = hs_noise_size(p, n)) > 0) {
		MUST((size_t)size <= n && size <= NOISE_MAX);
		MUST(hs_noise_size(p, (size_t)size - 1) == 0);
		if (hs_noise_decode(&m, p, (size_t)size) == 0) {
			buf_reset(&b);
			hs_noise_encode(&b, m.kind, m.from, m.to, m.body,
			    m.bodylen);
			MUST(buf_len(&b) == (size_t)size &&
			    memcmp(buf_data(&b), p, (size_t)size) == 0);
		}
		p += size;
		n -= (size_t)size;
	}
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf b = BUF_INIT;
	uint8_t hash[HS_ACK_HASH], out[HS_ACK];
	uint32_t epoch;

	stream(p, n);
	if (hs_deal_decode(&deal, p, n) == 0) {
		MUST(deal.npairs <= HS_PAIRS);
		hs_deal_encode(&b, &deal);
		MUST(buf_len(&b) == n && memcmp(buf_data(&b), p, n) == 0);
		buf_free(&b);
	}
	if (hs_ack_decode(&epoch, hash, p, n) == 0) {
		hs_ack_encode(epoch, hash, out);
		MUST(n == HS_ACK && memcmp(out, p, n) == 0);
	}
	return 0;
}
