/* Plaintext of a text. */
#include "wire/message.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf b = BUF_INIT;
	struct message m;

	if (message_decode(&m, p, n) == 0) {
		MUST(m.n <= MESSAGE_MAX);
		MUST(message_encode(&b, &m) == 0);
		MUST(buf_len(&b) == n && memcmp(buf_data(&b), p, n) == 0);
		buf_free(&b);
	}
	return 0;
}
