#include "base/err.h"
#include "wire/handshake.h"
#include "../test.h"
#include "exact.h"

static void
test_hello(void)
{
	struct hello_c1 a, a2;
	struct hello_c2 c, c2;
	uint8_t out[HELLO_C2], bad[HELLO_C2];
	uint32_t keyid;

	memset(&a, 0, sizeof(a));
	a.tt = 1;
	a.by = 3;
	a.keyid = 0xa1a2a3a4;
	a.to = 2;
	a.time = 0x19aa1b2c3d4;
	memset(a.nonce, 0x11, sizeof(a.nonce));
	memset(a.tag, 0x22, sizeof(a.tag));
	hello_c1_encode(&a, out);
	T_MEM(out, HELLO_C1,
	    "c5012001 0003 a1a2a3a4 0002"
	    "11111111111111111111111111111111 0000019aa1b2c3d4"
	    "22222222222222222222222222222222");
	memset(&a2, 0, sizeof(a2));
	T_INT(hello_c1_decode(&a2, out), 0);
	T(memcmp(&a, &a2, sizeof(a)) == 0);
	T_INT(hello_c2_decode(&c2, out), SEC_ERR_FORMAT);
	memcpy(bad, out, HELLO_C1);
	bad[3] = 3;
	T_INT(hello_c1_decode(&a2, bad), SEC_ERR_FORMAT);
	bad[3] = 0;
	T_INT(hello_c1_decode(&a2, bad), SEC_ERR_FORMAT);
	bad[3] = 2;
	T_INT(hello_c1_decode(&a2, bad), 0);
	bad[28] = 0x80;
	T_INT(hello_c1_decode(&a2, bad), SEC_ERR_FORMAT);
	bad[28] = 0;
	bad[1] = 2;
	T_INT(hello_c1_decode(&a2, bad), SEC_ERR_FORMAT);

	memset(&c, 0, sizeof(c));
	c.tt = 2;
	c.by = 1;
	c.keyid = 7;
	c.from = 4;
	c.time = 5;
	memset(c.nonce, 0x33, sizeof(c.nonce));
	memset(c.nonce_a, 0x11, sizeof(c.nonce_a));
	memset(c.tag, 0x44, sizeof(c.tag));
	hello_c2_encode(&c, out);
	T_MEM(out, HELLO_C2,
	    "c5012102 0001 00000007 0004"
	    "33333333333333333333333333333333 0000000000000005"
	    "11111111111111111111111111111111"
	    "44444444444444444444444444444444");
	memset(&c2, 0, sizeof(c2));
	T_INT(hello_c2_decode(&c2, out), 0);
	T(memcmp(&c, &c2, sizeof(c)) == 0);
	T_INT(hello_c1_decode(&a2, out), SEC_ERR_FORMAT);
	out[3] = 9;
	T_INT(hello_c2_decode(&c2, out), SEC_ERR_FORMAT);

	hello_no_encode(0xa1a2a3a4, out);
	T_MEM(out, HELLO_NO,
	    "c5017f00 a1a2a3a4"
	    "0000000000000000000000000000000000000000");
	T(hello_no_decode(&keyid, out) == 0 && keyid == 0xa1a2a3a4);
	out[27] = 1;
	T_INT(hello_no_decode(&keyid, out), SEC_ERR_FORMAT);
	out[27] = 0;
	out[3] = 1;
	T_INT(hello_no_decode(&keyid, out), SEC_ERR_FORMAT);
}

static int
decode_noise(const uint8_t *p, size_t n)
{
	struct hs_noise m;

	return hs_noise_decode(&m, p, n);
}

static void
test_noise(void)
{
	static const struct {
		uint8_t kind;
		size_t body;
	} msg[] = {
		{ HS_M1, 8 + 32 + 24 },
		{ HS_M2, 32 + 28 },
		{ HS_M3, 66 + 16 },
		{ HS_M3, 66 + 5 * 34 + 16 },
		{ HS_M3, NOISE_MAX - HS_NOISE_HEAD },
		{ HS_M4, HS_ACK + 16 },
	};
	static uint8_t body[NOISE_MAX + 64];
	struct buf b = BUF_INIT;
	struct hs_noise m;
	size_t i, n, len;
	int ok;

	for (i = 0; i < sizeof(msg) / sizeof(msg[0]); i++) {
		memset(body, 0xab, sizeof(body));
		buf_reset(&b);
		hs_noise_encode(&b, msg[i].kind, 1, 255, body, msg[i].body);
		n = buf_len(&b);
		T_INT(n, HS_NOISE_HEAD + msg[i].body);
		T_INT(hs_noise_decode(&m, buf_data(&b), n), 0);
		T(m.kind == msg[i].kind && m.from == 1 && m.to == 255 &&
		    m.bodylen == msg[i].body &&
		    memcmp(m.body, body, m.bodylen) == 0);
		/* As the bytes come in. */
		for (ok = 1, len = 0; len < n; len++)
			ok = ok && hs_noise_size(buf_data(&b), len) == 0;
		T_OK(ok, "kind %#x: incomplete", msg[i].kind);
		T_INT(hs_noise_size(buf_data(&b), n), n);
		/* The next message behind it does not matter. */
		hs_noise_encode(&b, HS_M4, 2, 3, body, HS_ACK + 16);
		T_INT(hs_noise_size(buf_data(&b), buf_len(&b)), n);
		if (i != 4)
			T(is_exact(buf_data(&b), n, decode_noise));
		/* A length that the kind cannot have, told early. */
		buf_reset(&b);
		hs_noise_encode(&b, msg[i].kind, 1, 2, body, msg[i].body - 1);
		T_INT(hs_noise_size(buf_data(&b), 6), SEC_ERR_FORMAT);
	}
	buf_reset(&b);
	hs_noise_encode(&b, HS_M4, 0, 2, body, HS_ACK + 16);
	T_INT(decode_noise(buf_data(&b), buf_len(&b)), SEC_ERR_FORMAT);
	buf_reset(&b);
	hs_noise_encode(&b, HS_M4, 1, 256, body, HS_ACK + 16);
	T_INT(decode_noise(buf_data(&b), buf_len(&b)), SEC_ERR_FORMAT);
	T_INT(hs_noise_size((const uint8_t *)"\xc4", 1), SEC_ERR_FORMAT);
	T_INT(hs_noise_size((const uint8_t *)"\xc5\x02", 2), SEC_ERR_FORMAT);
	T_INT(hs_noise_size((const uint8_t *)"\xc5\x01\x14", 3),
	    SEC_ERR_FORMAT);
	T_INT(hs_noise_size((const uint8_t *)"\xc5\x01\x10\x01", 4),
	    SEC_ERR_FORMAT);
	T_INT(hs_noise_size((const uint8_t *)"\xc5\x01\x12\0\xff\xff", 6),
	    SEC_ERR_FORMAT);
	T_INT(hs_noise_size((const uint8_t *)"\xc5\x01\x12\0\0\0", 6),
	    SEC_ERR_FORMAT);
	buf_reset(&b);
	hs_noise_encode(&b, HS_M3, 1, 2, body, sizeof(body));
	T_INT(buf_error(&b), SEC_ERR_LIMIT);
	buf_free(&b);
}

static struct hs_deal deal, got;

static int
decode_deal(const uint8_t *p, size_t n)
{
	return hs_deal_decode(&got, p, n);
}

static void
test_deal(void)
{
	struct buf b = BUF_INIT;
	size_t i;

	deal.epoch = 5;
	deal.not_before = 1000;
	deal.not_after = 2000;
	deal.time = 1500;
	memset(deal.k, 0x55, sizeof(deal.k));
	deal.npairs = 2;
	deal.pair[0].number = 1;
	memset(deal.pair[0].p, 0x66, 32);
	deal.pair[1].number = 255;
	memset(deal.pair[1].p, 0x77, 32);
	hs_deal_encode(&b, &deal);
	T_MEM(buf_data(&b), buf_len(&b),
	    "534a4b31 00000005 00000000000003e8"
	    "00000000000007d0 00000000000005dc"
	    "5555555555555555555555555555555555555555555555555555555555555555"
	    "0002"
	    "0001"
	    "6666666666666666666666666666666666666666666666666666666666666666"
	    "00ff"
	    "7777777777777777777777777777777777777777777777777777777777777777");
	T_INT(decode_deal(buf_data(&b), buf_len(&b)), 0);
	T(memcmp(&deal, &got, sizeof(deal)) == 0);
	T(is_exact(buf_data(&b), buf_len(&b), decode_deal));

	buf_data(&b)[66 + 34 + 1] = 1; /* server 1 twice */
	T_INT(decode_deal(buf_data(&b), buf_len(&b)), SEC_ERR_FORMAT);
	buf_data(&b)[66 + 34 + 1] = 0;
	T_INT(decode_deal(buf_data(&b), buf_len(&b)), SEC_ERR_FORMAT);
	buf_data(&b)[66 + 34] = 1; /* 256 */
	T_INT(decode_deal(buf_data(&b), buf_len(&b)), SEC_ERR_FORMAT);
	buf_data(&b)[66 + 34] = 0;
	buf_data(&b)[66 + 34 + 1] = 9;
	T_INT(decode_deal(buf_data(&b), buf_len(&b)), 0);
	buf_data(&b)[16] = 0x80;
	T_INT(decode_deal(buf_data(&b), buf_len(&b)), SEC_ERR_FORMAT);
	buf_data(&b)[16] = 0;
	buf_data(&b)[0] ^= 1;
	T_INT(decode_deal(buf_data(&b), buf_len(&b)), SEC_ERR_FORMAT);

	/* As many servers as there are numbers, and no more. */
	deal.npairs = HS_PAIRS;
	for (i = 0; i < HS_PAIRS; i++)
		deal.pair[i].number = (uint16_t)(i + 1);
	buf_reset(&b);
	hs_deal_encode(&b, &deal);
	T_INT(buf_len(&b), HS_DEAL_MAX);
	T_INT(decode_deal(buf_data(&b), buf_len(&b)), 0);
	T(memcmp(&deal, &got, sizeof(deal)) == 0);
	deal.npairs++;
	buf_reset(&b);
	hs_deal_encode(&b, &deal);
	T_INT(buf_error(&b), SEC_ERR_LIMIT);
	deal.npairs = 0;
	buf_reset(&b);
	hs_deal_encode(&b, &deal);
	T(is_exact(buf_data(&b), buf_len(&b), decode_deal));
	buf_free(&b);
}

static uint32_t ack_epoch;
static uint8_t ack_hash[HS_ACK_HASH];

static int
decode_ack(const uint8_t *p, size_t n)
{
	return hs_ack_decode(&ack_epoch, ack_hash, p, n);
}

static void
test_ack(void)
{
	uint8_t hash[HS_ACK_HASH], out[HS_ACK];

	memset(hash, 0x88, sizeof(hash));
	hs_ack_encode(0x01020304, hash, out);
	T_MEM(out, sizeof(out),
	    "534a4131 01020304"
	    "8888888888888888888888888888888888888888888888888888888888888888");
	T(is_exact(out, sizeof(out), decode_ack));
	T(decode_ack(out, sizeof(out)) == 0 && ack_epoch == 0x01020304 &&
	    memcmp(hash, ack_hash, sizeof(hash)) == 0);
	out[3] = 'X';
	T_INT(decode_ack(out, sizeof(out)), SEC_ERR_FORMAT);
}

int
main(void)
{
	test_hello();
	test_noise();
	test_deal();
	test_ack();
	return t_done();
}
