/* Sealed records back to back, as far as they can be read without a key. */
#include "crypto/seal.h"
#include "wire/record.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t out[RECORD_HEAD];
	struct record r;
	int size;

	while (n >= RECORD_HEAD && record_decode(&r, p) == 0) {
		MUST(r.n <= RECORD_MAX && r.time >= 0);
		record_encode(&r, out);
		MUST(memcmp(out, p, RECORD_HEAD) == 0);
		size = seal_size(p, n);
		if (size <= 0)
			break;
		MUST((size_t)size == RECORD_HEAD + r.n + RECORD_TAG &&
		    (size_t)size <= n);
		p += size;
		n -= (size_t)size;
	}
	seal_size(p, n);
	return 0;
}
