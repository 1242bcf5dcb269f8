/* A datagram at the media router: header, tag, hop packet. */
#include "base/err.h"
#include "rtp/hopkey.h"
#include "wire/hop.h"
#include "wire/rtp.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t key[HOPKEY_BYTES] = { 1 };
	uint8_t out[HOP_MAX], *copy;
	struct hop_packet h;
	struct rtp r;
	size_t len;

	if (rtp_decode(&r, p, n) == 0) {
		MUST(n >= RTP_MIN && n <= RTP_MAX && !hop_is(p, n));
		MUST(r.counter <= RTP_COUNTER && r.level < 128);
		rtp_encode(&r, out);
		MUST(memcmp(out, p, RTP_HEAD) == 0);
		hopkey_check_rtp(key, p, n);
		if ((copy = malloc(n)) == NULL)
			return 0;
		memcpy(copy, p, n);
		hopkey_seal_rtp(key, copy, n);
		MUST(hopkey_check_rtp(key, copy, n) == 0);
		MUST(memcmp(copy, p, n - RTP_HOP_TAG) == 0);
		free(copy);
	}
	if (hop_decode(&h, p, n) == 0) {
		MUST(hop_is(p, n) && h.n <= HOP_ROWS);
		hopkey_check_hop(key, p, n);
		len = hop_encode(&h, out);
		MUST(len + HOP_TAG == n && memcmp(out, p, len) == 0);
	}
	return 0;
}
