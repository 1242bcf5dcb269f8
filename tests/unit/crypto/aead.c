/*
 * The AEAD: what the vectors (vectors.c) do not show. aead.c is included,
 * so that NIST's counter blocks, whose last word is not zero, can be set.
 */
#include "../../../lib/crypto/aead.c"

#include "../test.h"
#include "crypto/random.h"

/* NIST SP 800-38A F.5.1 and F.5.5 through the handle of the CTR suites. */
static void
nist_ctr(uint16_t suite, const char *key, const char *want)
{
	uint8_t text[64], iv[16], *k;
	struct secret *s;
	struct aead *a;

	s = secret_new(suite_by_id(suite)->nk);
	k = secret_fill(s);
	t_hex(key, k, secret_size(s));
	T_INT(aead_new(&a, suite, s), 0);
	t_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", iv, sizeof iv);
	t_hex(
	    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
	    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
	    text, sizeof text);
	T_INT(gcry_cipher_setctr(a->cipher, iv, sizeof iv), 0);
	encrypt(a, text, sizeof text, text);
	T_MEM(text, sizeof text, want);
	aead_free(a);
	secret_free(s);
}

static int
is_zero(const uint8_t *p, size_t n)
{
	while (n > 0 && *p == 0)
		p++, n--;
	return n == 0;
}

/* Every bit of tag, ciphertext, AAD and nonce counts; nothing leaks. */
static void
tampered(struct aead *a)
{
	size_t nt = aead_suite(a)->nt, n = 40, i, bad = 0, leaked = 0;
	uint8_t nonce[12] = "nonce nonce", aad[9] = "the head", pt[40], ct[56],
		got[56], *part;
	int r;

	memset(pt, 'p', sizeof pt);
	aead_seal(a, nonce, aad, sizeof aad, pt, n, ct);
	for (i = 0; i < 8 * (n + nt + sizeof aad + sizeof nonce); i++) {
		size_t byte = i / 8;

		part = byte < n + nt ? ct + byte :
		    byte < n + nt + sizeof aad ?
				       aad + (byte - n - nt) :
				       nonce + (byte - n - nt - sizeof aad);
		*part ^= (uint8_t)(1 << i % 8);
		memset(got, 'x', sizeof got);
		r = aead_open(a, nonce, aad, sizeof aad, ct, n + nt, got);
		bad += r != SEC_ERR_AUTH;
		leaked += !is_zero(got, n);
		*part ^= (uint8_t)(1 << i % 8);
	}
	T_OK(bad == 0, "%s: %zu flips refused", aead_suite(a)->name, i);
	T_OK(leaked == 0, "%s: no plaintext without a tag",
	    aead_suite(a)->name);
	for (i = 0, bad = 0; i < n + nt; i++)
		bad += aead_open(a, nonce, aad, sizeof aad, ct, i, got) !=
		    (i < nt ? SEC_ERR_FORMAT : SEC_ERR_AUTH);
	T_OK(bad == 0, "%s: %zu truncations refused", aead_suite(a)->name, i);
	T_INT(aead_open(a, nonce, aad, sizeof aad, ct, n + nt, got), 0);
	T(memcmp(got, pt, n) == 0);
	/* Nothing at all can be sealed too. */
	aead_seal(a, nonce, NULL, 0, NULL, 0, ct);
	T_INT(aead_open(a, nonce, NULL, 0, ct, nt, got), 0);
	ct[0] ^= 1;
	T_INT(aead_open(a, nonce, NULL, 0, ct, nt, got), SEC_ERR_AUTH);
}

int
main(void)
{
	static const uint8_t salt[12] = { 0xff, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0,
		1 };
	const struct suite *s;
	struct secret *k;
	struct aead *a;
	uint8_t nonce[12];

	unsetenv("SEC_NONCE_LOG"); /* one nonce for all that follows */
	crypto_init();
	nist_ctr(SUITE_AES128_CTR_HMAC_SHA256_80,
	    "2b7e151628aed2a6abf7158809cf4f3c",
	    "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
	    "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee");
	nist_ctr(SUITE_AES256_CTR_HMAC_SHA512_80,
	    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
	    "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
	    "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6");
	for (s = suite_next(NULL); s != NULL; s = suite_next(s)) {
		k = crypto_random_key(s->nk, 0);
		T_INT(aead_new(&a, s->id, k), 0);
		T(aead_suite(a) == s);
		tampered(a);
		aead_free(a);
		secret_free(k);
	}
	k = crypto_random_key(32, 0);
	a = aead_new_noise(k);
	tampered(a);
	aead_free(a);
	T_INT(aead_new(&a, 0x0002, k), SEC_ERR_VERSION);
	T_INT(aead_new(&a, 0, k), SEC_ERR_VERSION);
	secret_free(k);
	aead_free(NULL);

	aead_nonce(nonce, salt, 0x0123456789abcdef);
	T_MEM(nonce, sizeof nonce, "ff000000fe23456789abcdee");
	T_INT(secret_count(), 0);
	return t_done();
}
