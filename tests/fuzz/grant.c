/* Plaintext of a key wrap. */
#include "wire/grant.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct secret *s, *back;
	struct grant g;

	if (n == 0 || n > 1024)
		return 0;
	s = secret_copy(p, n);
	if (grant_decode(&g, s) == 0) {
		back = grant_encode(&g);
		MUST(secret_equal(s, back));
		secret_free(back);
		grant_wipe(&g);
	}
	secret_free(s);
	MUST(secret_count() == 0);
	return 0;
}
