/* Key wraps open for their recipient, conference and Kc alone. */
#include "../test.h"
#include "base/err.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "crypto/wrap.h"

#define NOW 1795442400000

static int
try(const struct buf *b, const struct secret *kc, const char *to,
    const char *conf)
{
	struct secret *got = NULL;
	int64_t t;
	int r;

	r = wrap_open(buf_data(b), buf_len(b), kc, to, conf, &got, &t);
	if (r == 0 && t != NOW)
		r = SEC_ERR_NO;
	secret_free(got);
	return r;
}

/* What a holder of Kc could seal, but no wrap is. */
static int
odd(const struct secret *kc, uint64_t seq, size_t n)
{
	uint8_t salt[32] = { 1 }, pt[2000] = { 0 };
	struct buf b = BUF_INIT;
	struct secret *keys;
	int r;

	crypto_random(salt, sizeof salt);
	keys = kdf(kc, salt, 32, KDF_CONF_WRAP, NULL, 0, SEAL_KEYS);
	buf_put(&b, salt, sizeof salt);
	T_INT(seal_once(&(struct seal_once) { .type = RECORD_WRAP,
			    .dir = 1,
			    .seq = seq,
			    .time = NOW,
			    .key = keys,
			    .ctx = "ac",
			    .ctxlen = 2 },
		  &b, pt, n),
	    0);
	r = try(&b, kc, "a", "c");
	buf_free(&b);
	secret_free(keys);
	return r;
}

int
main(void)
{
	struct secret *kc, *other, *plain;
	struct buf a = BUF_INIT, b = BUF_INIT;
	uint32_t id = 0;

	crypto_init();
	kc = crypto_random_key(32, 0);
	other = crypto_random_key(32, 0);
	plain = crypto_random_key(108, 0);
	wrap_seal(&a, kc, 77, "sip:bob@d", "sip:c@conf", plain, NOW);
	wrap_seal(&b, kc, 77, "sip:bob@d", "sip:c@conf", plain, NOW);
	T_INT(buf_error(&a), 0);
	T_INT(buf_len(&a), 32 + 44 + 108);
	T(memcmp(buf_data(&a), buf_data(&b), 32) != 0);
	T_INT(wrap_keyid(buf_data(&a), buf_len(&a), &id), 0);
	T_INT(id, 77);
	T_INT(wrap_keyid(buf_data(&a), 75, &id), SEC_ERR_FORMAT);
	T_INT(try(&a, kc, "sip:bob@d", "sip:c@conf"), 0);
	T_INT(try(&a, other, "sip:bob@d", "sip:c@conf"), SEC_ERR_AUTH);
	T_INT(try(&a, kc, "sip:eve@d", "sip:c@conf"), SEC_ERR_AUTH);
	T_INT(try(&a, kc, "sip:bob@d", "sip:d@conf"), SEC_ERR_AUTH);
	T_INT(try(&a, kc, "sip:bob@d", ""), SEC_ERR_AUTH);
	T_INT(odd(kc, 0, 108), 0);
	T_INT(odd(kc, 1, 108), SEC_ERR_FORMAT);
	T_INT(odd(kc, 0, 0), SEC_ERR_FORMAT);
	T_INT(odd(kc, 0, 1025), SEC_ERR_FORMAT);
	secret_free(kc);
	secret_free(other);
	secret_free(plain);
	buf_free(&a);
	buf_free(&b);
	T_INT(secret_count(), 0);
	return t_done();
}
