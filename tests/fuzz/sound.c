/* Sound files and pipes: the first byte says how the rest is cut up. */
#include "audio/frames.h"
#include "audio/wav.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct frames_in *f;
	int16_t out[512];
	struct wav w;
	size_t piece, k, total = 0;
	int r;

	if (n < 1)
		return 0;
	piece = 1 + p[0] % 97;
	p++;
	n--;
	if ((r = wav_parse(&w, p, n)) > 0) {
		MUST((size_t)r <= n && r <= WAV_PARSE_MAX + 8);
		MUST(w.channels >= 1 && w.channels <= 8 && w.rate >= 1000);
		MUST(wav_step(&w) >= 1 && wav_step(&w) <= 32);
	}
	f = frames_in_new(0, 16000);
	for (r = 0; n > 0 && r == 0; p += k, n -= k) {
		k = n < piece ? n : piece;
		r = frames_in_put(f, p, k);
		while (frames_in_get(f, out, 512) > 0)
			total++;
	}
	if (r == 0 && frames_in_end(f) == 0) {
		while (frames_in_get(f, out, 512) > 0)
			total++;
		MUST(frames_in_has_ended(f) && frames_in_ready(f) == 0);
	}
	frames_in_free(f);
	return 0;
}
