/*
 * The attacks of SECURITY.md 2.4, 2.5 on the seed's construction, as
 * programs: each succeeds against the legacy suites, which is why they are
 * refused (S140, S156), and fails against the default.
 */
#include "../test.h"
#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/fig9.h"
#include "crypto/pads.h"
#include "crypto/random.h"

#define NOW 1795358000123
#define N   160

static const char speech[3][N] = { "what the first of them says",
	"what the second one says at the same time",
	"what the third one says" };

/* The default suite: what q seals first. Returns its size. */
static size_t
seal_default(const struct secret *ke, uint32_t q, const void *pt, size_t n,
    uint8_t *out)
{
	const struct suite *s = suite_by_id(SUITE_AES256_CTR_HMAC_SHA512_80);
	uint8_t salt[SUITE_NONCE];
	struct secret *key;
	struct pads *p;
	struct aead *a;

	sframe_derive(s, (uint64_t)1 << 32 | q, ke, &key, salt);
	T_INT(aead_new(&a, s->id, key), 0);
	p = pads_new(a, salt, 4, 512, 0);
	pads_fill(p, 4);
	pads_seal(p, "header", 6, pt, n, out);
	pads_free(p);
	aead_free(a);
	secret_free(key);
	return n + s->nt;
}

static int
open_default(const struct secret *ke, uint32_t q, const uint8_t *ct, size_t n,
    uint8_t *out)
{
	const struct suite *s = suite_by_id(SUITE_AES256_CTR_HMAC_SHA512_80);
	uint8_t salt[SUITE_NONCE], nonce[SUITE_NONCE];
	struct secret *key;
	struct aead *a;
	int r;

	sframe_derive(s, (uint64_t)1 << 32 | q, ke, &key, salt);
	T_INT(aead_new(&a, s->id, key), 0);
	aead_nonce(nonce, salt, 0);
	r = aead_open(a, nonce, "header", 6, ct, n, out);
	aead_free(a);
	secret_free(key);
	return r;
}

/*
 * Pads of q = 1, 2, 3 at equal indices cancel each other: who hears all
 * three on the wire, two of them silent, reads the third without a key.
 */
static void
triple_xor(const char *suite)
{
	const struct fig9_suite *s = fig9_suite_by_name(suite);
	struct secret *ke = crypto_random_key(32, 0);
	uint8_t wire[3][N + 128], one[3][N + 16], out[N];
	size_t i, head, same = 0;
	struct fig9 *f;
	uint32_t q;

	memset(out, 0, sizeof out);
	for (q = 1; q <= 3; q++) {
		T_INT(fig9_new(&f, s, ke, q), 0);
		T_INT(fig9_seal(f, speech[q - 1], N, NOW, wire[q - 1]), 0);
		head = fig9_overhead(f);
		for (i = 0; i < N; i++)
			out[i] ^= wire[q - 1][head + i];
		fig9_free(f);
	}
	for (i = 0; i < N; i++)
		same += out[i] == (speech[0][i] ^ speech[1][i] ^ speech[2][i]);
	T_OK(same == N, "%s: three ciphertexts give three plaintexts", suite);

	for (q = 1; q <= 3; q++)
		seal_default(ke, q, speech[q - 1], N, one[q - 1]);
	for (same = 0, i = 0; i < N; i++)
		same += (one[0][i] ^ one[1][i] ^ one[2][i]) ==
		    (speech[0][i] ^ speech[1][i] ^ speech[2][i]);
	T_OK(same < N / 8, "the default: they give nothing (%zu bytes)", same);
	secret_free(ke);
}

/* The pair of Wang, Feng, Lai and Yu (2004): one MD5, two messages. */
static const uint8_t differ[] = { 19, 45, 59, 83, 109, 123 };
static const uint8_t wang[128] = { 0xd1, 0x31, 0xdd, 0x02, 0xc5, 0xe6, 0xee,
	0xc4, 0x69, 0x3d, 0x9a, 0x06, 0x98, 0xaf, 0xf9, 0x5c, 0x2f, 0xca, 0xb5,
	0x87, 0x12, 0x46, 0x7e, 0xab, 0x40, 0x04, 0x58, 0x3e, 0xb8, 0xfb, 0x7f,
	0x89, 0x55, 0xad, 0x34, 0x06, 0x09, 0xf4, 0xb3, 0x02, 0x83, 0xe4, 0x88,
	0x83, 0x25, 0x71, 0x41, 0x5a, 0x08, 0x51, 0x25, 0xe8, 0xf7, 0xcd, 0xc9,
	0x9f, 0xd9, 0x1d, 0xbd, 0xf2, 0x80, 0x37, 0x3c, 0x5b, 0xd8, 0x82, 0x3e,
	0x31, 0x56, 0x34, 0x8f, 0x5b, 0xae, 0x6d, 0xac, 0xd4, 0x36, 0xc9, 0x19,
	0xc6, 0xdd, 0x53, 0xe2, 0xb4, 0x87, 0xda, 0x03, 0xfd, 0x02, 0x39, 0x63,
	0x06, 0xd2, 0x48, 0xcd, 0xa0, 0xe9, 0x9f, 0x33, 0x42, 0x0f, 0x57, 0x7e,
	0xe8, 0xce, 0x54, 0xb6, 0x70, 0x80, 0xa8, 0x0d, 0x1e, 0xc6, 0x98, 0x21,
	0xbc, 0xb6, 0xa8, 0x83, 0x93, 0x96, 0xf9, 0x65, 0x2b, 0x6f, 0xf7, 0x2a,
	0x70 };

/* Turn one of the pair into the other on the wire; the tag stays right. */
static void
collision(void)
{
	const struct fig9_suite *md5 = fig9_suite_by_name("fig9-des");
	const struct fig9_suite *sha = fig9_suite_by_name("fig9-aes128");
	struct secret *ke = crypto_random_key(32, 0);
	uint8_t other[128], wire[300], plain[300], one[16], two[16];
	struct fig9 *a;
	int64_t time;
	uint32_t q;
	size_t i, n;

	memcpy(other, wang, sizeof other);
	for (i = 0; i < sizeof differ; i++)
		other[differ[i]] ^= 0x80;
	fig9_mac(md5, secret_data(ke), wang, 128, "00000000", 8, one);
	fig9_mac(md5, secret_data(ke), other, 128, "00000000", 8, two);
	T_OK(memcmp(one, two, 16) == 0, "mac-md5: one tag, two messages");
	fig9_mac(sha, secret_data(ke), wang, 128, "00000000", 8, one);
	fig9_mac(sha, secret_data(ke), other, 128, "00000000", 8, two);
	T_OK(memcmp(one, two, 16) != 0, "mac-sha256: not this pair");

	T_INT(fig9_new(&a, md5, ke, 5), 0);
	T_INT(fig9_seal(a, wang, 128, NOW, wire), 0);
	n = fig9_overhead(a);
	for (i = 0; i < sizeof differ; i++)
		wire[n + differ[i]] ^= 0x80;
	T_OK(fig9_open(a, wire, 128 + n, &q, &time, plain) == 0 &&
		memcmp(plain, other, 128) == 0,
	    "fig9-des: forged without a key");
	fig9_free(a);

	n = seal_default(ke, 5, wang, 128, wire);
	T_INT(open_default(ke, 5, wire, n, plain), 0);
	for (i = 0; i < sizeof differ; i++)
		wire[differ[i]] ^= 0x80;
	T_OK(open_default(ke, 5, wire, n, plain) == SEC_ERR_AUTH,
	    "the default: refused");
	secret_free(ke);
}

/* M || T is not injective: what is time can become message. */
static void
shift(void)
{
	const struct fig9_suite *s = fig9_suite_by_name("fig9-des");
	const struct suite *d = suite_by_id(SUITE_AES256_CTR_HMAC_SHA512_80);
	struct secret *k = crypto_random_key(d->nk, 0);
	uint8_t one[64], two[64], nonce[SUITE_NONCE] = { 0 };
	struct aead *a;

	fig9_mac(s, secret_data(k), "pay 1", 5, "00:00", 5, one);
	fig9_mac(s, secret_data(k), "pay 100", 7, ":00", 3, two);
	T_OK(memcmp(one, two, 16) == 0, "mac-md5: 1 becomes 100");
	s = fig9_suite_by_name("fig9-aes128");
	fig9_mac(s, secret_data(k), "pay 1", 5, "00:00", 5, one);
	fig9_mac(s, secret_data(k), "pay 100", 7, ":00", 3, two);
	T_OK(memcmp(one, two, 16) == 0, "mac-sha256: so it does there");
	/* Here the clear part, time in it, and the message are told apart
	 * by their lengths, which are under the tag. */
	T_INT(aead_new(&a, d->id, k), 0);
	aead_seal(a, nonce, "00:00", 5, "", 0, one);
	aead_seal(a, nonce, "00:0", 4, "", 0, two);
	T_OK(memcmp(one, two, d->nt) != 0, "the default: lengths count");
	T_OK(aead_open(a, nonce, "pay 100:00", 10, one, d->nt, two) ==
		SEC_ERR_AUTH,
	    "the default: nothing moves over");
	aead_free(a);
	secret_free(k);
}

/* t = log n and q = n = 2^t: a pad of nothing (SECURITY.md 1d). */
static void
zero_pad(const char *suite)
{
	const struct fig9_suite *s = fig9_suite_by_name(suite);
	struct secret *ke = crypto_random_key(32, 0);
	uint8_t ctr[3 * FIG9_BLOCK], out[N + 16];
	struct fig9_keys *k = NULL;
	struct fig9 *f = NULL;
	uint32_t ind[3] = { 1, 1, 1 };

	crypto_random(ctr, sizeof ctr);
	while (fig9_keys_new(&k, s, secret_data(ke), ctr, 3) != 0) {
		secret_free(ke);
		ke = crypto_random_key(32, 0);
	}
	fig9_xor(k, 8, ind, (const uint8_t *)speech[0], N, out);
	T_OK(memcmp(out, speech[0], N) == 0, "%s: q = 8 of 8 speaks clear",
	    suite);
	fig9_keys_free(k);
	/* Our client has 12 bits for a q that fits them, and none for 0. */
	T_INT(fig9_new(&f, s, ke, 0x10000000), SEC_ERR_LIMIT);
	seal_default(ke, 8, speech[0], N, out);
	T_OK(memcmp(out, speech[0], N) != 0, "the default: it does not");
	secret_free(ke);
}

int
main(void)
{
	crypto_init();
	triple_xor("fig9-des");
	triple_xor("fig9-aes128");
	collision();
	shift();
	zero_pad("fig9-des");
	zero_pad("fig9-aes128");
	T_INT(secret_count(), 0);
	return t_done();
}
