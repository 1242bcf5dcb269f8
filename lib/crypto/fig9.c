/*
 * Fig. 9 as the seed prints it, in the readings of SECURITY.md 1d. Nothing
 * here is used by a conference whose owner has not asked for it by name.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/gcry.h"
#include "crypto/kdf.h"
#include "wire/ids.h"

#include "crypto/fig9.h"

#define SEQUENCES 4096 /* of the alternative: one per q */
#define AHEAD	  1024 /* MAX: blocks kept of one sequence (S144) */

static const struct fig9_suite suites[] = {
	{ 0xF901, "fig9-des", 8, 8, 0, 0 },
	{ 0xF902, "fig9-aes128", 16, 16, 0, 1 },
	{ 0xF903, "fig9alt-des", 8, 8, 1, 0 },
	{ 0xF904, "fig9alt-aes128", 16, 16, 1, 1 },
};
#define NSUITES (sizeof suites / sizeof suites[0])

const struct fig9_suite *
fig9_suite_by_id(uint16_t id)
{
	size_t i;

	for (i = 0; i < NSUITES; i++)
		if (suites[i].id == id)
			return &suites[i];
	return NULL;
}

const struct fig9_suite *
fig9_suite_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < NSUITES; i++)
		if (strcasecmp(suites[i].name, name) == 0)
			return &suites[i];
	return NULL;
}

const struct fig9_suite *
fig9_suite_next(const struct fig9_suite *s)
{
	if (s == NULL)
		return &suites[0];
	return s + 1 < suites + NSUITES ? s + 1 : NULL;
}

/* --- sequences --- */

struct fig9_keys {
	const struct fig9_suite *suite;
	gcry_cipher_hd_t cipher;
	size_t n;
	uint8_t *ctr; /* n blocks */
};

int
fig9_keys_new(struct fig9_keys **out, const struct fig9_suite *s,
    const uint8_t *key, const uint8_t *ctr, size_t n)
{
	struct fig9_keys *k;
	gcry_error_t e;

	if ((k = calloc(1, sizeof *k)) == NULL ||
	    (k->ctr = calloc(n, s->block)) == NULL)
		die(10, "out of memory");
	k->suite = s;
	k->n = n;
	if (ctr != NULL)
		memcpy(k->ctr, ctr, n * s->block);
	gcry_must(gcry_cipher_open(&k->cipher,
		      s->block == 8 ? GCRY_CIPHER_DES : GCRY_CIPHER_AES128,
		      GCRY_CIPHER_MODE_ECB, 0),
	    "gcry_cipher_open");
	e = gcry_cipher_setkey(k->cipher, key, s->key);
	if (gcry_err_code(e) == GPG_ERR_WEAK_KEY) {
		fig9_keys_free(k);
		return SEC_ERR_DATA;
	}
	gcry_must(e, "gcry_cipher_setkey");
	*out = k;
	return 0;
}

void
fig9_keys_free(struct fig9_keys *k)
{
	if (k == NULL)
		return;
	gcry_cipher_close(k->cipher);
	explicit_bzero(k->ctr, k->n * k->suite->block);
	free(k->ctr);
	free(k);
}

void
fig9_key(struct fig9_keys *k, size_t i, uint32_t index, uint8_t out[FIG9_BLOCK])
{
	size_t b = k->suite->block, at;
	uint32_t carry = 0;

	memcpy(out, k->ctr + i * b, b);
	for (at = b; at-- > 0; index >>= 8) {
		carry += out[at] + (index & 0xff);
		out[at] = (uint8_t)carry;
		carry >>= 8;
	}
	gcry_must(gcry_cipher_encrypt(k->cipher, out, b, NULL, 0), "encrypt");
}

void
fig9_xor(struct fig9_keys *k, uint32_t q, uint32_t *ind, const uint8_t *in,
    size_t n, uint8_t *out)
{
	uint8_t pad[FIG9_BLOCK], key[FIG9_BLOCK];
	size_t b = k->suite->block, at, i, j;

	for (at = 0; at < n; at += b) {
		memset(pad, 0, sizeof pad);
		for (i = 0; i < k->n && i < 32; i++) {
			if ((q >> i & 1) == 0)
				continue;
			fig9_key(k, i, ind[i]++, key);
			for (j = 0; j < b; j++)
				pad[j] ^= key[j];
		}
		for (j = 0; j < b && at + j < n; j++)
			out[at + j] = in[at + j] ^ pad[j];
	}
	explicit_bzero(pad, sizeof pad);
	explicit_bzero(key, sizeof key);
}

void
fig9_mac(const struct fig9_suite *s, const uint8_t *key, const void *m,
    size_t n, const void *t, size_t tlen, uint8_t tag[FIG9_TAG])
{
	int algo = s->sha256 ? GCRY_MD_SHA256 : GCRY_MD_MD5;
	size_t len = gcry_md_get_algo_dlen(algo);
	gcry_md_hd_t h;
	uint8_t inner[32];

	gcry_must(gcry_md_open(&h, algo, 0), "gcry_md_open");
	gcry_md_write(h, m, n);
	gcry_md_write(h, t, tlen);
	gcry_md_write(h, key, s->key);
	memcpy(inner, gcry_md_read(h, algo), len);
	gcry_md_reset(h);
	gcry_md_write(h, m, n);
	gcry_md_write(h, t, tlen);
	gcry_md_write(h, inner, len);
	memcpy(tag, gcry_md_read(h, algo), FIG9_TAG);
	gcry_md_close(h);
	explicit_bzero(inner, sizeof inner);
}

/* --- a client --- */

struct ahead {
	uint32_t first; /* index of the oldest block kept */
	size_t count;
	uint8_t *ring; /* AHEAD blocks, at index % AHEAD */
};

struct fig9 {
	const struct fig9_suite *suite;
	struct fig9_keys *keys;
	struct secret *ke, *key;
	uint8_t *known; /* counters derived, one byte each */
	uint32_t q;
	uint32_t used; /* blocks sealed */
	uint32_t ind[FIG9_COUNTERS]; /* alternative: the first alone */
	struct ahead ahead[FIG9_COUNTERS];
};

uint32_t
fig9_q(uint32_t q)
{
	return (uint32_t)(q_server(q) & 0xf) << 8 | (q & 0xff);
}

static struct secret *
derive(const struct secret *ke, enum kdf_label label, uint32_t i, size_t n)
{
	uint8_t be[4];

	put_be32(be, i);
	return kdf(ke, NULL, 0, label, be, sizeof be, n);
}

/* ctr_i of this conference; of the alternative 4096, made when needed. */
static void
need_counter(struct fig9 *f, size_t i)
{
	size_t b = f->suite->block;
	struct secret *c;

	if (f->known[i])
		return;
	c = derive(f->ke, KDF_FIG9_CTR, (uint32_t)i, b);
	memcpy(f->keys->ctr + i * b, secret_data(c), b);
	secret_free(c);
	f->known[i] = 1;
}

/* The sequences of a q, by number; how many. */
static size_t
sequences(struct fig9 *f, uint32_t q, size_t of[FIG9_COUNTERS])
{
	size_t i, n = 0;

	if (f->suite->alt) {
		of[n++] = q;
	} else {
		for (i = 0; i < FIG9_COUNTERS; i++)
			if (q >> i & 1)
				of[n++] = i;
	}
	for (i = 0; i < n; i++)
		need_counter(f, of[i]);
	return n;
}

int
fig9_new(struct fig9 **out, const struct fig9_suite *s, const struct secret *ke,
    uint32_t q)
{
	size_t n = s->alt ? SEQUENCES : FIG9_COUNTERS, of[FIG9_COUNTERS], i;
	uint32_t short_q = fig9_q(q), try = 0;
	struct fig9 *f;

	if (short_q == 0 || (q & 0xffffff) > FIG9_DEVICES)
		return SEC_ERR_LIMIT;
	if ((f = calloc(1, sizeof *f)) == NULL ||
	    (f->known = calloc(n, 1)) == NULL)
		die(10, "out of memory");
	f->suite = s;
	f->ke = secret_dup(ke);
	f->q = short_q;
	do {
		secret_free(f->key);
		f->key = derive(ke, KDF_FIG9_KEY, try++, s->key);
	} while (fig9_keys_new(&f->keys, s, secret_data(f->key), NULL, n) != 0);
	for (i = 0; i < FIG9_COUNTERS; i++)
		f->ind[i] = 1; /* step 930 (S145) */
	for (i = 0; i < sequences(f, short_q, of); i++) {
		f->ahead[i].first = 1;
		f->ahead[i].ring = calloc(AHEAD, s->block);
		if (f->ahead[i].ring == NULL)
			die(10, "out of memory");
	}
	*out = f;
	return 0;
}

void
fig9_free(struct fig9 *f)
{
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; i < FIG9_COUNTERS; i++) {
		if (f->ahead[i].ring == NULL)
			continue;
		explicit_bzero(f->ahead[i].ring, AHEAD * f->suite->block);
		free(f->ahead[i].ring);
	}
	fig9_keys_free(f->keys);
	secret_free(f->key);
	secret_free(f->ke);
	free(f->known);
	free(f);
}

static size_t
head_size(const struct fig9 *f, uint32_t q)
{
	return f->suite->alt ? 8 : 5 + 4 * (size_t)__builtin_popcount(q);
}

size_t
fig9_overhead(const struct fig9 *f)
{
	return head_size(f, f->q) + FIG9_TAG + FIG9_STAMP;
}

size_t
fig9_fill(struct fig9 *f, size_t n)
{
	size_t of[FIG9_COUNTERS], b = f->suite->block, made = 0, i, j, k;
	uint8_t key[FIG9_BLOCK];
	struct ahead *a;
	uint32_t index;

	k = sequences(f, f->q, of);
	for (i = 0; i < k; i++) {
		a = &f->ahead[i];
		for (j = 0; j < n && a->count < AHEAD; j++, made++) {
			index = a->first + (uint32_t)a->count++;
			fig9_key(f->keys, of[i], index, key);
			memcpy(a->ring + index % AHEAD * b, key, b);
		}
	}
	explicit_bzero(key, sizeof key);
	return made;
}

/* The next block of our i-th sequence, made ahead or now; used once. */
static void
take(struct fig9 *f, size_t i, size_t sequence, uint8_t key[FIG9_BLOCK])
{
	size_t b = f->suite->block;
	struct ahead *a = &f->ahead[i];
	uint8_t *slot = a->ring + f->ind[i] % AHEAD * b;

	if (a->count > 0) {
		memcpy(key, slot, b);
		explicit_bzero(slot, b);
		a->count--;
	} else {
		fig9_key(f->keys, sequence, f->ind[i], key);
	}
	a->first = ++f->ind[i]; /* step 978 (S150) */
}

int
fig9_seal(struct fig9 *f, const void *m, size_t n, int64_t now, uint8_t *out)
{
	size_t of[FIG9_COUNTERS], b = f->suite->block, k, i, at, j, total;
	uint8_t key[FIG9_BLOCK], *p = out;

	total = FIG9_TAG + FIG9_STAMP + n;
	if (total > SIZE_MAX / 2 || f->used + (total + b - 1) / b > FIG9_CAP)
		return SEC_ERR_LIMIT;
	f->used += (uint32_t)((total + b - 1) / b);
	k = sequences(f, f->q, of);
	put_be32(p, f->q); /* S151 */
	p += 4;
	if (!f->suite->alt)
		*p++ = FIG9_COUNTERS;
	for (i = 0; i < k; i++, p += 4)
		put_be32(p, f->ind[i]);
	memmove(p + FIG9_TAG + FIG9_STAMP, m, n);
	put_be64(p + FIG9_TAG, (uint64_t)now);
	fig9_mac(f->suite, secret_data(f->key), p + FIG9_TAG + FIG9_STAMP, n,
	    p + FIG9_TAG, FIG9_STAMP, p);
	for (at = 0; at < total; at += b)
		for (i = 0; i < k; i++) {
			take(f, i, of[i], key);
			for (j = 0; j < b && at + j < total; j++)
				p[at + j] ^= key[j];
		}
	explicit_bzero(key, sizeof key);
	return 0;
}

size_t
fig9_opened(const struct fig9 *f, const uint8_t *p, size_t n)
{
	uint32_t q;
	size_t head;

	if (n < 5 || (q = get_be32(p)) == 0 || q >= SEQUENCES)
		return 0;
	head = head_size(f, q) + FIG9_TAG + FIG9_STAMP;
	return n > head ? n - head : 0;
}

int
fig9_open(struct fig9 *f, const uint8_t *p, size_t n, uint32_t *q,
    int64_t *time, uint8_t *out)
{
	size_t of[FIG9_COUNTERS], b = f->suite->block, head, k, i, j, at;
	uint8_t key[FIG9_BLOCK], tag[FIG9_TAG], *plain;
	uint32_t ind[FIG9_COUNTERS];
	int r = 0;

	if (n < 5)
		return SEC_ERR_FORMAT;
	*q = get_be32(p);
	if (*q == 0 || *q >= SEQUENCES ||
	    (!f->suite->alt && p[4] != FIG9_COUNTERS))
		return SEC_ERR_FORMAT;
	head = head_size(f, *q);
	if (n < head + FIG9_TAG + FIG9_STAMP)
		return SEC_ERR_FORMAT;
	k = sequences(f, *q, of);
	for (i = 0; i < k; i++)
		ind[i] = get_be32(p + head - 4 * (k - i));
	p += head;
	n -= head;
	if ((plain = malloc(n)) == NULL)
		die(10, "out of memory");
	memcpy(plain, p, n);
	for (at = 0; at < n; at += b)
		for (i = 0; i < k; i++) {
			fig9_key(f->keys, of[i], ind[i]++, key);
			for (j = 0; j < b && at + j < n; j++)
				plain[at + j] ^= key[j];
		}
	n -= FIG9_TAG + FIG9_STAMP;
	fig9_mac(f->suite, secret_data(f->key), plain + FIG9_TAG + FIG9_STAMP,
	    n, plain + FIG9_TAG, FIG9_STAMP, tag);
	if (!secret_memequal(tag, plain, FIG9_TAG)) {
		r = SEC_ERR_AUTH;
	} else {
		*time = (int64_t)get_be64(plain + FIG9_TAG);
		memcpy(out, plain + FIG9_TAG + FIG9_STAMP, n);
	}
	explicit_bzero(plain, n + FIG9_TAG + FIG9_STAMP);
	explicit_bzero(key, sizeof key);
	free(plain);
	return r;
}
