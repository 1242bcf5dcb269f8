#include "base/err.h"
#include "wire/record.h"
#include "wire/registration.h"
#include "../test.h"
#include "exact.h"

#define K32 "4444444444444444444444444444444444444444444444444444444444444444"
/* A record of 3 bytes of ciphertext. */
#define RECORD(dir)                                                            \
	"c50106" dir " 00000000 0000000000000001 0000000000000005"             \
	"00000003 aabbcc 11111111111111111111111111111111"

static struct reg_request req;
static struct reg_answer ans;

static int
decode_request(const uint8_t *p, size_t n)
{
	return reg_request_decode(&req, p, n);
}

static int
decode_answer(const uint8_t *p, size_t n)
{
	return reg_answer_decode(&ans, p, n);
}

/* Byte `at` of good set to value: refused? */
static int
refuses(int (*decode)(const uint8_t *, size_t), const char *good, int at,
    int value)
{
	uint8_t b[256];
	size_t n = t_hex(good, b, sizeof(b));

	b[at] = (uint8_t)value;
	return decode(b, n) == SEC_ERR_FORMAT;
}

static void
test_request(void)
{
	static const char good[] = "53523031" K32 RECORD("00");
	struct buf b = BUF_INIT;
	uint8_t ec[32], record[64];
	size_t n;

	t_hex(K32, ec, 32);
	n = t_hex(RECORD("00"), record, sizeof(record));
	reg_request_encode(&b, ec, record, n);
	T_MEM(buf_data(&b), buf_len(&b), good);
	T_INT(decode_request(buf_data(&b), buf_len(&b)), 0);
	T(memcmp(req.ec, ec, 32) == 0 && req.recordlen == n &&
	    memcmp(req.record, record, n) == 0);
	T(is_exact(buf_data(&b), buf_len(&b), decode_request));
	T(refuses(decode_request, good, 3, '2'));
	T(refuses(decode_request, good, 36 + 2, RECORD_WRAP));
	T(refuses(decode_request, good, 36 + 3, 1));
	T(refuses(decode_request, good, 36 + 7, 1));
	T(refuses(decode_request, good, 36 + 15, 2));
	T(refuses(decode_request, good, 36 + 27, 4));
	T(refuses(decode_request, good, 36 + 27, 2));
	buf_free(&b);
}

static void
test_answer(void)
{
	static const char good[] = "53523032 0002 6f01" K32 RECORD("01");
	struct buf b = BUF_INIT;
	uint8_t ep[32], record[64];
	static uint8_t big[70000];
	size_t n;

	t_hex(K32, ep, 32);
	n = t_hex(RECORD("01"), record, sizeof(record));
	reg_answer_encode(&b, "\x6f\x01", 2, ep, record, n);
	T_MEM(buf_data(&b), buf_len(&b), good);
	T_INT(decode_answer(buf_data(&b), buf_len(&b)), 0);
	T(ans.apreplen == 2 && memcmp(ans.aprep, "\x6f\x01", 2) == 0 &&
	    memcmp(ans.ep, ep, 32) == 0 && ans.recordlen == n &&
	    memcmp(ans.record, record, n) == 0);
	T(is_exact(buf_data(&b), buf_len(&b), decode_answer));
	T(refuses(decode_answer, good, 3, '1'));
	T(refuses(decode_answer, good, 4, 0xff));
	T(refuses(decode_answer, good, 5, 0));
	T(refuses(decode_answer, good, 5, 3));
	T(refuses(decode_answer, good, 40 + 3, 0));
	buf_reset(&b);
	reg_answer_encode(&b, "", 0, ep, record, n);
	T_INT(decode_answer(buf_data(&b), buf_len(&b)), SEC_ERR_FORMAT);
	buf_reset(&b);
	reg_answer_encode(&b, big, sizeof(big), ep, record, n);
	T_INT(buf_error(&b), SEC_ERR_LIMIT);
	buf_free(&b);
}

static void
test_session(void)
{
	static const char good[] = K32 "a1a2a3a4 00000000000003e8"
				       "00000000000007d0 646f630a";
	struct buf b = BUF_INIT;
	struct reg_session s = { 0xa1a2a3a4, 1000, 2000, NULL, "doc\n", 4 };
	struct reg_session got;
	uint8_t k[32];
	size_t n, live = secret_count();

	t_hex(K32, k, 32);
	s.kc = secret_copy(k, 32);
	reg_session_encode(&b, &s);
	T_MEM(buf_data(&b), buf_len(&b), good);
	T_INT(reg_session_decode(&got, buf_data(&b), buf_len(&b)), 0);
	T(got.keyid == s.keyid && got.not_after == 1000 && got.time == 2000 &&
	    got.rowslen == 4 && memcmp(got.rows, "doc\n", 4) == 0 &&
	    secret_equal(got.kc, s.kc));
	secret_free(got.kc);
	T_INT(reg_session_decode(&got, buf_data(&b), 52), 0);
	T_INT(got.rowslen, 0);
	secret_free(got.kc);
	for (n = 0; n < 52; n++)
		if (reg_session_decode(&got, buf_data(&b), n) != SEC_ERR_FORMAT)
			break;
	T_INT(n, 52);
	buf_data(&b)[36] = 0x80;
	T_INT(reg_session_decode(&got, buf_data(&b), buf_len(&b)),
	    SEC_ERR_FORMAT);
	secret_free(s.kc);
	T_INT(secret_count(), live);
	buf_free(&b);
}

int
main(void)
{
	test_request();
	test_answer();
	test_session();
	return t_done();
}
