/* Payload of Fig. 9: q, counters, and what is under the pads. */
#include "base/err.h"
#include "crypto/fig9.h"
#include "crypto/random.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t key[32] = { 1 };
	static struct fig9 *f[2];
	uint8_t out[512];
	struct secret *ke;
	int64_t time;
	uint32_t q;
	int r;

	if (f[0] == NULL) {
		crypto_init();
		ke = secret_copy(key, sizeof key);
		fig9_new(&f[0], fig9_suite_by_id(0xF902), ke, 0x01000007);
		fig9_new(&f[1], fig9_suite_by_id(0xF904), ke, 0x01000007);
		secret_free(ke);
	}
	if (n == 0 || n > sizeof out)
		return 0;
	r = fig9_open(f[p[0] & 1], p + 1, n - 1, &q, &time, out);
	MUST(r == 0 || r == SEC_ERR_FORMAT || r == SEC_ERR_AUTH);
	return 0;
}
