/*
 * One seal and one open for all suites (SECURITY.md 3.1): AES-CTR with HMAC
 * as RFC 9605 4.5.1 composes them, AES-GCM, and ChaCha20-Poly1305 (RFC
 * 8439), for voice and for Noise. The handles are opened once per key.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/gcry.h"
#include "crypto/kdf.h"
#include "crypto/noncelog.h"

#include "crypto/aead.h"

struct algo {
	uint16_t id;
	int cipher;
	int mode;
	int mac; /* 0: the mode has its own tag */
	size_t cipherkey; /* bytes; the rest is the mac's */
};

static const struct algo algos[] = {
	{ SUITE_AES128_CTR_HMAC_SHA256_80, GCRY_CIPHER_AES128,
	    GCRY_CIPHER_MODE_CTR, GCRY_MAC_HMAC_SHA256, 16 },
	{ SUITE_CHACHA20_POLY1305, GCRY_CIPHER_CHACHA20,
	    GCRY_CIPHER_MODE_POLY1305, 0, 32 },
	{ SUITE_AES128_GCM, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_GCM, 0, 16 },
	{ SUITE_AES256_GCM, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM, 0, 32 },
	{ SUITE_AES256_CTR_HMAC_SHA512_80, GCRY_CIPHER_AES256,
	    GCRY_CIPHER_MODE_CTR, GCRY_MAC_HMAC_SHA512, 32 },
};
#define NALGOS (sizeof algos / sizeof algos[0])

/* Noise's cipher: in no table, so that no conference can name it. */
static const struct suite noise_suite = { 0, "noise", 32, 16, 0, 0, 0 };
static const struct algo noise_algo = { 0, GCRY_CIPHER_CHACHA20,
	GCRY_CIPHER_MODE_POLY1305, 0, 32 };

struct aead {
	const struct suite *suite;
	const struct algo *algo;
	gcry_cipher_hd_t cipher;
	gcry_mac_hd_t mac;
	gcry_cipher_hd_t stream; /* bare keystream, and the tag of its own */
	gcry_mac_hd_t onetime;
	uint8_t keyhash[8]; /* for the nonce log only */
};

static struct aead *
make(const struct suite *suite, const struct algo *algo,
    const struct secret *key)
{
	const uint8_t *k;
	struct aead *a;

	if (secret_size(key) != suite->nk)
		die(11, "aead: a key of %zu bytes for %s", secret_size(key),
		    suite->name);
	if ((a = calloc(1, sizeof *a)) == NULL)
		die(10, "out of memory");
	k = secret_data(key);
	a->suite = suite;
	a->algo = algo;
	gcry_must(gcry_cipher_open(&a->cipher, algo->cipher, algo->mode, 0),
	    "gcry_cipher_open");
	gcry_must(gcry_cipher_setkey(a->cipher, k, algo->cipherkey),
	    "gcry_cipher_setkey");
	if (algo->mac != 0) {
		gcry_must(gcry_mac_open(&a->mac, algo->mac, 0, NULL),
		    "gcry_mac_open");
		gcry_must(gcry_mac_setkey(a->mac, k + algo->cipherkey,
			      suite->nk - algo->cipherkey),
		    "gcry_mac_setkey");
	}
	if (suite->lead > 0) {
		gcry_must(gcry_cipher_open(&a->stream, algo->cipher,
			      GCRY_CIPHER_MODE_STREAM, 0),
		    "gcry_cipher_open");
		gcry_must(gcry_cipher_setkey(a->stream, k, algo->cipherkey),
		    "gcry_cipher_setkey");
		gcry_must(gcry_mac_open(&a->onetime, GCRY_MAC_POLY1305, 0,
			      NULL),
		    "gcry_mac_open");
	}
#ifdef SEC_NONCE_LOG
	uint8_t hash[SHA256_SIZE];

	sha256(k, suite->nk, hash);
	memcpy(a->keyhash, hash, sizeof a->keyhash);
#endif
	return a;
}

int
aead_new(struct aead **out, uint16_t suite, const struct secret *key)
{
	const struct suite *s;
	size_t i;

	if ((s = suite_by_id(suite)) == NULL)
		return SEC_ERR_VERSION;
	for (i = 0; i < NALGOS && algos[i].id != suite; i++)
		;
	if (i == NALGOS)
		return SEC_ERR_VERSION;
	*out = make(s, &algos[i], key);
	return 0;
}

struct aead *
aead_new_noise(const struct secret *key)
{
	return make(&noise_suite, &noise_algo, key);
}

void
aead_free(struct aead *a)
{
	if (a == NULL)
		return;
	gcry_cipher_close(a->cipher);
	if (a->mac != NULL)
		gcry_mac_close(a->mac);
	if (a->stream != NULL) {
		gcry_cipher_close(a->stream);
		gcry_mac_close(a->onetime);
	}
	free(a);
}

const struct suite *
aead_suite(const struct aead *a)
{
	return a->suite;
}

void
aead_nonce(uint8_t nonce[SUITE_NONCE], const uint8_t salt[SUITE_NONCE],
    uint64_t counter)
{
	uint8_t be[8];
	size_t i;

	put_be64(be, counter);
	memcpy(nonce, salt, SUITE_NONCE);
	for (i = 0; i < 8; i++)
		nonce[4 + i] ^= be[i];
}

static void
set_counter(struct aead *a, const uint8_t nonce[SUITE_NONCE])
{
	uint8_t iv[16] = { 0 };

	memcpy(iv, nonce, SUITE_NONCE);
	gcry_must(gcry_cipher_setctr(a->cipher, iv, sizeof iv),
	    "gcry_cipher_setctr");
}

/* libgcrypt wants NULL for "in place". */
static void
encrypt(struct aead *a, const void *in, size_t n, uint8_t *out)
{
	if (n == 0)
		return;
	gcry_must(gcry_cipher_encrypt(a->cipher, out, n, in == out ? NULL : in,
		      in == out ? 0 : n),
	    "encrypt");
}

/* The tag of RFC 9605 4.5.1, whole; the caller takes its first nt bytes. */
static void
hmac_tag(struct aead *a, const uint8_t nonce[SUITE_NONCE], const void *aad,
    size_t aadlen, const uint8_t *ct, size_t n, uint8_t tag[SHA512_SIZE])
{
	uint8_t head[24 + SUITE_NONCE];
	size_t len = SHA512_SIZE;

	put_be64(head, aadlen);
	put_be64(head + 8, n);
	put_be64(head + 16, a->suite->nt);
	memcpy(head + 24, nonce, SUITE_NONCE);
	gcry_must(gcry_mac_reset(a->mac), "gcry_mac_reset");
	gcry_must(gcry_mac_write(a->mac, head, sizeof head), "hmac");
	if (aadlen > 0)
		gcry_must(gcry_mac_write(a->mac, aad, aadlen), "hmac");
	if (n > 0)
		gcry_must(gcry_mac_write(a->mac, ct, n), "hmac");
	gcry_must(gcry_mac_read(a->mac, tag, &len), "hmac");
}

/* Nonce and header into a mode that makes its own tag. */
static void
begin(struct aead *a, const uint8_t nonce[SUITE_NONCE], const void *aad,
    size_t aadlen)
{
	gcry_must(gcry_cipher_setiv(a->cipher, nonce, SUITE_NONCE),
	    "gcry_cipher_setiv");
	if (aadlen > 0)
		gcry_must(gcry_cipher_authenticate(a->cipher, aad, aadlen),
		    "gcry_cipher_authenticate");
}

void
aead_seal(struct aead *a, const uint8_t nonce[SUITE_NONCE], const void *aad,
    size_t aadlen, const void *pt, size_t n, uint8_t *out)
{
	uint8_t tag[SHA512_SIZE];

	if (a->mac != NULL) {
		set_counter(a, nonce);
		encrypt(a, pt, n, out);
		hmac_tag(a, nonce, aad, aadlen, out, n, tag);
		memcpy(out + n, tag, a->suite->nt);
	} else {
		begin(a, nonce, aad, aadlen);
		encrypt(a, pt, n, out);
		gcry_must(gcry_cipher_gettag(a->cipher, out + n, a->suite->nt),
		    "gcry_cipher_gettag");
	}
	noncelog_add(a->keyhash, nonce, out, n + a->suite->nt);
}

/* Encrypt-then-MAC: the tag is looked at before anything is decrypted. */
static int
open_ctr(struct aead *a, const uint8_t nonce[SUITE_NONCE], const void *aad,
    size_t aadlen, const uint8_t *ct, size_t n, uint8_t *out)
{
	uint8_t tag[SHA512_SIZE];

	hmac_tag(a, nonce, aad, aadlen, ct, n, tag);
	if (!secret_memequal(tag, ct + n, a->suite->nt))
		return SEC_ERR_AUTH;
	set_counter(a, nonce);
	encrypt(a, ct, n, out);
	return 0;
}

static int
open_mode(struct aead *a, const uint8_t nonce[SUITE_NONCE], const void *aad,
    size_t aadlen, const uint8_t *ct, size_t n, uint8_t *out)
{
	begin(a, nonce, aad, aadlen);
	if (n > 0)
		gcry_must(gcry_cipher_decrypt(a->cipher, out, n,
			      ct == out ? NULL : ct, ct == out ? 0 : n),
		    "decrypt");
	/* Compares in constant time. */
	if (gcry_cipher_checktag(a->cipher, ct + n, a->suite->nt) != 0)
		return SEC_ERR_AUTH;
	return 0;
}

int
aead_open(struct aead *a, const uint8_t nonce[SUITE_NONCE], const void *aad,
    size_t aadlen, const uint8_t *ct, size_t n, uint8_t *out)
{
	int r;

	if (n < a->suite->nt)
		return SEC_ERR_FORMAT;
	n -= a->suite->nt;
	r = (a->mac != NULL ? open_ctr : open_mode)(a, nonce, aad, aadlen, ct,
	    n, out);
	if (r != 0 && n > 0)
		explicit_bzero(out, n);
	return r;
}

/* ChaCha20's blocks from number 0 on; RFC 8439 2.6 takes the first. */
static void
chacha_stream(struct aead *a, const uint8_t nonce[SUITE_NONCE], uint8_t *pad,
    size_t n)
{
	uint8_t iv[4 + SUITE_NONCE] = { 0 };

	memcpy(iv + 4, nonce, SUITE_NONCE);
	gcry_must(gcry_cipher_setiv(a->stream, iv, sizeof iv),
	    "gcry_cipher_setiv");
	gcry_must(gcry_cipher_encrypt(a->stream, pad, n, NULL, 0), "encrypt");
}

void
aead_pad(struct aead *a, const uint8_t nonce[SUITE_NONCE], uint8_t *pad,
    size_t n)
{
	if (!a->suite->offline)
		die(11, "aead: %s has no pads", a->suite->name);
	/* The keystream is what zeros become. */
	memset(pad, 0, a->suite->lead + n);
	if (a->suite->lead > 0) {
		chacha_stream(a, nonce, pad, a->suite->lead + n);
		return;
	}
	set_counter(a, nonce);
	encrypt(a, pad, n, pad);
}

static void
mac_padded(gcry_mac_hd_t mac, const uint8_t *p, size_t n)
{
	static const uint8_t zeros[16];

	if (n > 0)
		gcry_must(gcry_mac_write(mac, p, n), "poly1305");
	if (n % 16 != 0)
		gcry_must(gcry_mac_write(mac, zeros, 16 - n % 16), "poly1305");
}

/* The tag of RFC 8439 2.8 under a one-time key. */
static void
poly1305_tag(struct aead *a, const uint8_t *key, const void *aad, size_t aadlen,
    const uint8_t *ct, size_t n, uint8_t *tag)
{
	uint8_t len[16] = { 0 };
	size_t i, size = 16;

	for (i = 0; i < 8; i++) {
		len[i] = (uint8_t)((uint64_t)aadlen >> 8 * i);
		len[8 + i] = (uint8_t)((uint64_t)n >> 8 * i);
	}
	gcry_must(gcry_mac_setkey(a->onetime, key, 32), "gcry_mac_setkey");
	mac_padded(a->onetime, aad, aadlen);
	mac_padded(a->onetime, ct, n);
	gcry_must(gcry_mac_write(a->onetime, len, sizeof len), "poly1305");
	gcry_must(gcry_mac_read(a->onetime, tag, &size), "poly1305");
}

void
aead_seal_pad(struct aead *a, const uint8_t nonce[SUITE_NONCE], const void *aad,
    size_t aadlen, const void *pt, size_t n, const uint8_t *pad, uint8_t *out)
{
	const uint8_t *p = pt, *stream = pad + a->suite->lead;
	uint8_t tag[SHA512_SIZE];
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = p[i] ^ stream[i];
	if (a->suite->lead > 0) {
		poly1305_tag(a, pad, aad, aadlen, out, n, out + n);
	} else {
		hmac_tag(a, nonce, aad, aadlen, out, n, tag);
		memcpy(out + n, tag, a->suite->nt);
	}
	noncelog_add(a->keyhash, nonce, out, n + a->suite->nt);
}

int
aead_open_pad(struct aead *a, const uint8_t nonce[SUITE_NONCE], const void *aad,
    size_t aadlen, const uint8_t *ct, size_t n, const uint8_t *pad,
    uint8_t *out)
{
	const uint8_t *stream = pad + a->suite->lead;
	uint8_t tag[SHA512_SIZE];
	size_t i;

	if (n < a->suite->nt)
		return SEC_ERR_FORMAT;
	n -= a->suite->nt;
	if (a->suite->lead > 0)
		poly1305_tag(a, pad, aad, aadlen, ct, n, tag);
	else
		hmac_tag(a, nonce, aad, aadlen, ct, n, tag);
	if (!secret_memequal(tag, ct + n, a->suite->nt))
		return SEC_ERR_AUTH;
	for (i = 0; i < n; i++)
		out[i] = ct[i] ^ stream[i];
	return 0;
}

void
sframe_derive(const struct suite *s, uint64_t kid, const struct secret *base,
    struct secret **key, uint8_t salt[SUITE_NONCE])
{
	enum digest_hash h = s->hash256 ? DIGEST_SHA256 : DIGEST_SHA512;
	uint8_t prk[SHA512_SIZE];
	struct buf info = BUF_INIT;

	hkdf_extract(h, "", 0, secret_data(base), secret_size(base), prk);
	buf_put_str(&info, "SFrame 1.0 Secret key ");
	buf_put_be64(&info, kid);
	buf_put_be16(&info, s->id);
	*key = secret_new(s->nk);
	hkdf_expand(h, prk, buf_data(&info), buf_len(&info), secret_fill(*key),
	    s->nk);
	buf_reset(&info);
	buf_put_str(&info, "SFrame 1.0 Secret salt ");
	buf_put_be64(&info, kid);
	buf_put_be16(&info, s->id);
	hkdf_expand(h, prk, buf_data(&info), buf_len(&info), salt, SUITE_NONCE);
	if (buf_error(&info) != 0)
		die(10, "out of memory");
	buf_free(&info);
	explicit_bzero(prk, sizeof prk);
}
