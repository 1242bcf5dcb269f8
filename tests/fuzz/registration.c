/* Bodies of REGISTER and its 200, and the answer's plaintext. */
#include "wire/registration.h"
#include "fuzz.h"

static void
must_be(struct buf *b, const uint8_t *p, size_t n)
{
	MUST(buf_len(b) == n && memcmp(buf_data(b), p, n) == 0);
	buf_free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf b = BUF_INIT;
	struct reg_request r;
	struct reg_answer a;
	struct reg_session s;

	if (reg_request_decode(&r, p, n) == 0) {
		reg_request_encode(&b, r.ec, r.record, r.recordlen);
		must_be(&b, p, n);
	}
	if (reg_answer_decode(&a, p, n) == 0) {
		reg_answer_encode(&b, a.aprep, a.apreplen, a.ep, a.record,
		    a.recordlen);
		must_be(&b, p, n);
	}
	if (reg_session_decode(&s, p, n) == 0) {
		reg_session_encode(&b, &s);
		must_be(&b, p, n);
		secret_free(s.kc);
	}
	MUST(secret_count() == 0);
	return 0;
}
