/* Epoch keys, and text that is bound to conference, epoch and q (S153). */
#include "../test.h"
#include "base/err.h"
#include "crypto/confkey.h"
#include "crypto/random.h"

#define NOW  1795442400000
#define CONF 0x0102030405060708

static int
try(const struct secret *te, uint64_t conf, const struct buf *b)
{
	struct buf out = BUF_INIT;
	int r;

	r = text_open(te, conf, buf_data(b), buf_len(b), &out);
	if (r == 0 &&
	    (buf_len(&out) != 2 || memcmp(buf_data(&out), "hi", 2) != 0))
		r = SEC_ERR_NO;
	buf_free(&out);
	return r;
}

int
main(void)
{
	struct secret *ke, *k[5], *te, *te2;
	struct buf b = BUF_INIT;
	struct text_head h;
	int i, j, same = 0;

	crypto_init();
	ke = crypto_random_key(32, 0);
	k[0] = secret_dup(ke);
	k[1] = confkey_ratchet(ke, CONF, 2);
	k[2] = confkey_ratchet(ke, CONF, 3);
	k[3] = confkey_ratchet(ke, CONF + 1, 2);
	k[4] = confkey_text(ke, CONF, 2);
	for (i = 0; i < 5; i++)
		for (j = 0; j < i; j++)
			same += secret_equal(k[i], k[j]);
	T_INT(same, 0);

	te = confkey_text(ke, CONF, 1);
	te2 = confkey_text(k[1], CONF, 2);
	text_seal(&b, te, CONF, 1, 0x01000007, 5, "hi", 2, NOW);
	T_INT(buf_error(&b), 0);
	T_INT(buf_len(&b), 4 + 44 + 2);
	T_INT(text_peek(&h, buf_data(&b), buf_len(&b)), 0);
	T(h.q == 0x01000007 && h.epoch == 1 && h.seq == 5 && h.time == NOW);
	T_INT(try(te, CONF, &b), 0);
	T_INT(try(te2, CONF, &b), SEC_ERR_AUTH);
	T_INT(try(te, CONF + 1, &b), SEC_ERR_AUTH);
	/* Another q cannot be put before it, nor another sequence inside. */
	buf_data(&b)[3] ^= 1;
	T_INT(try(te, CONF, &b), SEC_ERR_AUTH);
	buf_data(&b)[3] ^= 1;
	buf_data(&b)[4 + 15] ^= 1;
	T_INT(try(te, CONF, &b), SEC_ERR_AUTH);
	buf_data(&b)[4 + 15] ^= 1;
	T_INT(try(te, CONF, &b), 0);
	T_INT(text_peek(&h, buf_data(&b), 47), SEC_ERR_FORMAT);
	T_INT(text_peek(&h, buf_data(&b), buf_len(&b) - 1), SEC_ERR_FORMAT);
	for (i = 0; i < 5; i++)
		secret_free(k[i]);
	secret_free(ke);
	secret_free(te);
	secret_free(te2);
	buf_free(&b);
	T_INT(secret_count(), 0);
	return t_done();
}
