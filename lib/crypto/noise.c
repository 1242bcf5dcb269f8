/*
 * Noise_KKpsk2_25519_ChaChaPoly_SHA512 (Noise revision 34), the setup of
 * servers (S077, S080):
 *
 *	-> s
 *	<- s
 *	...
 *	-> e, es, ss
 *	<- e, ee, se, psk
 *
 * A message that is refused leaves the handshake as it was: the work is
 * done on a copy of the symmetric state, which replaces it on success.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "crypto/aead.h"
#include "crypto/dh.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "crypto/random.h"

#include "crypto/noise.h"

#define TAG   16
#define DHLEN 32

static const char protocol[] = "Noise_KKpsk2_25519_ChaChaPoly_SHA512";

/* SymmetricState with its CipherState; lives inside a struct secret. */
struct sym {
	uint8_t ck[SHA512_SIZE];
	uint8_t h[SHA512_SIZE];
	uint8_t k[32];
	uint64_t n;
};

struct noise {
	int initiator;
	int turn; /* 0: m1, 1: m2, 2: transport */
	struct secret *sym;
	struct secret *s, *e, *psk;
	uint8_t rs[DHLEN], re[DHLEN];
	struct aead *tx, *rx;
	uint64_t txn, rxn;
};

static struct sym *
sym_of(struct secret *s)
{
	return secret_fill(s);
}

static void
mix_hash(struct sym *y, const void *p, size_t n)
{
	const struct digest_part part[] = { { y->h, sizeof y->h }, { p, n } };

	sha512_parts(part, 2, y->h);
}

/* HKDF of Noise: n outputs of 64 bytes. */
static void
noise_hkdf(const struct sym *y, const void *ikm, size_t ikmlen, uint8_t *out,
    size_t n)
{
	uint8_t prk[SHA512_SIZE];

	hkdf_extract(DIGEST_SHA512, y->ck, sizeof y->ck, ikm, ikmlen, prk);
	hkdf_expand(DIGEST_SHA512, prk, NULL, 0, out, n * SHA512_SIZE);
	explicit_bzero(prk, sizeof prk);
}

static void
mix_key(struct sym *y, const void *ikm, size_t n)
{
	uint8_t out[2 * SHA512_SIZE];

	noise_hkdf(y, ikm, n, out, 2);
	memcpy(y->ck, out, sizeof y->ck);
	memcpy(y->k, out + SHA512_SIZE, sizeof y->k);
	y->n = 0;
	explicit_bzero(out, sizeof out);
}

static void
mix_key_and_hash(struct sym *y, const struct secret *psk)
{
	uint8_t out[3 * SHA512_SIZE];

	noise_hkdf(y, secret_data(psk), secret_size(psk), out, 3);
	memcpy(y->ck, out, sizeof y->ck);
	mix_hash(y, out + SHA512_SIZE, SHA512_SIZE);
	memcpy(y->k, out + 2 * SHA512_SIZE, sizeof y->k);
	y->n = 0;
	explicit_bzero(out, sizeof out);
}

static int
mix_dh(struct sym *y, const struct secret *k, const uint8_t u[DHLEN])
{
	struct secret *z;
	int r;

	if ((r = dh_shared(k, u, &z)) != 0)
		return r;
	mix_key(y, secret_data(z), secret_size(z));
	secret_free(z);
	return 0;
}

static void
noise_nonce(uint8_t nonce[SUITE_NONCE], uint64_t n)
{
	size_t i;

	memset(nonce, 0, 4);
	for (i = 0; i < 8; i++)
		nonce[4 + i] = (uint8_t)(n >> 8 * i);
}

static struct aead *
aead_of(const uint8_t k[32])
{
	struct secret *s = secret_copy(k, 32);
	struct aead *a = aead_new_noise(s);

	secret_free(s);
	return a;
}

static void
encrypt_and_hash(struct sym *y, const void *pt, size_t n, uint8_t *out)
{
	struct aead *a = aead_of(y->k);
	uint8_t nonce[SUITE_NONCE];

	noise_nonce(nonce, y->n++);
	aead_seal(a, nonce, y->h, sizeof y->h, pt, n, out);
	mix_hash(y, out, n + TAG);
	aead_free(a);
}

static int
decrypt_and_hash(struct sym *y, const uint8_t *ct, size_t n, uint8_t *out)
{
	struct aead *a = aead_of(y->k);
	uint8_t nonce[SUITE_NONCE];
	int r;

	noise_nonce(nonce, y->n++);
	r = aead_open(a, nonce, y->h, sizeof y->h, ct, n, out);
	mix_hash(y, ct, n);
	aead_free(a);
	return r;
}

struct noise *
noise_new(int initiator, const struct secret *s, const uint8_t rs[32],
    const struct secret *psk, const void *prologue, size_t prologuelen,
    const struct secret *e)
{
	uint8_t pub[DHLEN];
	struct noise *n;
	struct sym *y;

	if ((n = calloc(1, sizeof *n)) == NULL)
		die(10, "out of memory");
	n->initiator = initiator;
	n->s = secret_dup(s);
	n->e = secret_dup(e);
	n->psk = psk != NULL ? secret_dup(psk) : secret_new(32);
	memcpy(n->rs, rs, sizeof n->rs);
	n->sym = secret_new(sizeof *y);
	y = sym_of(n->sym);
	memcpy(y->h, protocol, strlen(protocol));
	memcpy(y->ck, y->h, sizeof y->ck);
	dh_public(s, pub);
	mix_hash(y, prologue, prologuelen);
	mix_hash(y, initiator ? pub : rs, DHLEN);
	mix_hash(y, initiator ? rs : pub, DHLEN);
	return n;
}

void
noise_free(struct noise *n)
{
	if (n == NULL)
		return;
	secret_free(n->sym);
	secret_free(n->s);
	secret_free(n->e);
	secret_free(n->psk);
	aead_free(n->tx);
	aead_free(n->rx);
	free(n);
}

/* The first token, in psk patterns both hashed and mixed into the key. */
static void
token_e(struct sym *y, const uint8_t pub[DHLEN])
{
	mix_hash(y, pub, DHLEN);
	mix_key(y, pub, DHLEN);
}

/* The tokens after e: es, ss of m1; ee, se, psk of m2. */
static int
tokens(struct noise *n, struct sym *y, const uint8_t re[DHLEN])
{
	int r;

	if (n->turn == 0) {
		if ((r = n->initiator ? mix_dh(y, n->e, n->rs) :
					mix_dh(y, n->s, re)) != 0)
			return r;
		return mix_dh(y, n->s, n->rs);
	}
	if ((r = mix_dh(y, n->e, re)) != 0 ||
	    (r = n->initiator ? mix_dh(y, n->s, re) : mix_dh(y, n->e, n->rs)) !=
		0)
		return r;
	mix_key_and_hash(y, n->psk);
	return 0;
}

/* A message was written or read: its state becomes ours. */
static void
advance(struct noise *n, struct secret *work)
{
	uint8_t out[2 * SHA512_SIZE];
	struct aead *k1, *k2;

	secret_free(n->sym);
	n->sym = work;
	if (++n->turn < 2)
		return;
	noise_hkdf(sym_of(work), NULL, 0, out, 2);
	k1 = aead_of(out);
	k2 = aead_of(out + SHA512_SIZE);
	n->tx = n->initiator ? k1 : k2;
	n->rx = n->initiator ? k2 : k1;
	explicit_bzero(out, sizeof out);
	secret_free(n->e);
	n->e = NULL;
}

int
noise_write(struct noise *n, const void *payload, size_t len, uint8_t *out)
{
	struct secret *work;
	struct sym *y;
	int r;

	if (n->turn != (n->initiator ? 0 : 1))
		return SEC_ERR_FORMAT;
	if (n->e == NULL)
		n->e = crypto_random_key(DHLEN, 0);
	work = secret_dup(n->sym);
	y = sym_of(work);
	dh_public(n->e, out);
	token_e(y, out);
	if ((r = tokens(n, y, n->re)) != 0) {
		secret_free(work);
		return r;
	}
	encrypt_and_hash(y, payload, len, out + DHLEN);
	advance(n, work);
	return 0;
}

int
noise_read(struct noise *n, const uint8_t *in, size_t len, uint8_t *out)
{
	struct secret *work;
	struct sym *y;
	int r;

	if (n->turn != (n->initiator ? 1 : 0) || len < NOISE_OVERHEAD)
		return SEC_ERR_FORMAT;
	work = secret_dup(n->sym);
	y = sym_of(work);
	token_e(y, in);
	if ((r = tokens(n, y, in)) != 0 ||
	    (r = decrypt_and_hash(y, in + DHLEN, len - DHLEN, out)) != 0) {
		secret_free(work);
		return r;
	}
	memcpy(n->re, in, DHLEN);
	advance(n, work);
	return 0;
}

const uint8_t *
noise_hash(const struct noise *n)
{
	return ((const struct sym *)secret_data(n->sym))->h;
}

void
noise_send(struct noise *n, const void *pt, size_t len, uint8_t *out)
{
	uint8_t nonce[SUITE_NONCE];

	if (n->tx == NULL)
		die(11, "noise: no handshake yet");
	noise_nonce(nonce, n->txn++);
	aead_seal(n->tx, nonce, NULL, 0, pt, len, out);
}

int
noise_recv(struct noise *n, const uint8_t *in, size_t len, uint8_t *out)
{
	uint8_t nonce[SUITE_NONCE];
	int r;

	if (n->rx == NULL)
		return SEC_ERR_FORMAT;
	noise_nonce(nonce, n->rxn);
	if ((r = aead_open(n->rx, nonce, NULL, 0, in, len, out)) == 0)
		n->rxn++;
	return r;
}

void
noise_check(const struct noise *n, char out[15])
{
	const uint8_t *h = noise_hash(n);
	uint64_t v;

	v = ((uint64_t)h[0] << 32 | get_be32(h + 1)) % 1000000000000;
	snprintf(out, 15, "%04u %04u %04u", (unsigned)(v / 100000000),
	    (unsigned)(v / 10000 % 10000), (unsigned)(v % 10000));
}
