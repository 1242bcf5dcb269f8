/* c1, c2 and the refusal. */
#include "wire/handshake.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t out[HELLO_C2];
	struct hello_c1 c1;
	struct hello_c2 c2;
	uint32_t keyid;

	if (n >= HELLO_C1 && hello_c1_decode(&c1, p) == 0) {
		hello_c1_encode(&c1, out);
		MUST(memcmp(out, p, HELLO_C1) == 0);
	}
	if (n >= HELLO_C2 && hello_c2_decode(&c2, p) == 0) {
		hello_c2_encode(&c2, out);
		MUST(memcmp(out, p, HELLO_C2) == 0);
	}
	if (n >= HELLO_NO && hello_no_decode(&keyid, p) == 0) {
		hello_no_encode(keyid, out);
		MUST(memcmp(out, p, HELLO_NO) == 0);
	}
	return 0;
}
