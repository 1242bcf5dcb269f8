/*
 * A stream of voice packets as a stranger with the keys could send it:
 *	codec(1), then again and again
 *	wait in ms(1) | timestamp, signed(2) | length(1) | payload
 */
#include "audio/playout.h"
#include "base/buf.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct playout *v;
	int16_t out[AUDIO_FRAME];
	int64_t now = 1000000, from;
	uint32_t ts = 0;
	size_t len;

	if (n < 1 || n > 4096)
		return 0;
	v = playout_new(*p & 1 ? CODEC_PCMU : CODEC_OPUS, PLAYOUT_FLOOR_US);
	for (p++, n--; n >= 4; p += len, n -= len) {
		from = now;
		now += p[0] * INT64_C(1000);
		for (; from + 10000 <= now; from += 10000) {
			(void)playout_get(v, out, AUDIO_FRAME / 2, from);
			/* Bounded, whatever comes. */
			MUST(playout_delay(v) < 2000000);
		}
		ts += (uint32_t)(int32_t)(int16_t)get_be16(p + 1);
		len = p[3];
		p += 4;
		n -= 4;
		if (len > n)
			len = n;
		(void)playout_put(v, ts, 0, p, len, now);
	}
	while (!playout_is_idle(v)) {
		now += 10000;
		MUST(now < INT64_C(3600000000));
		(void)playout_get(v, out, AUDIO_FRAME / 2, now);
	}
	playout_free(v);
	return 0;
}
