/*
 * The sealed stream: Fig. 9 as a filter, under keys of one run.
 *
 *	head    0  4  "SCF1"
 *	        4  2  suite
 *	        6  2  0
 *	        8  4  q
 *	       12  4  0
 *	       16  8  counter of the first chunk
 *	       24 32  salt, random
 *	chunk   0  4  bit 31: the last chunk; n, at most 65536
 *	        4  8  T, ms since 1970
 *	       12  n  ciphertext
 *	       .. nt  tag
 *
 * AAD of a chunk = head || first 12 bytes of the chunk. The counter of a
 * chunk is not sent: it is the first one plus the chunk's place, so that no
 * chunk can be left out, repeated or moved; the last one is marked, and
 * empty, so that none can be cut off. Key and nonce salt = those of SFrame
 * (RFC 9605) for the KID q under KDF(key, "crypt filter", salt): the file's
 * key never seals anything itself, whatever counters are asked for twice.
 * A suite of Fig. 9 takes that KDF's result for K_e and has the payload of
 * crypto/fig9 for ciphertext and tag; head and chunk are then under no tag.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/pads.h"
#include "crypto/random.h"
#include "crypto/seal.h"

#include "stream.h"

#define MAGIC	  0x53434631 /* "SCF1" */
#define HEAD	  56
#define SALT	  32
#define CHUNK	  12
#define CHUNK_MAX 65536
#define LAST	  0x80000000u
#define PADS	  8
/* As in SFrame and in voice; a stream of 2^48 chunks has no reader. */
#define COUNTER_MAX (((uint64_t)1 << 48) - 1)

struct chunk {
	uint8_t aad[HEAD + CHUNK];
	uint8_t body[CHUNK_MAX + 128];
	uint8_t pt[CHUNK_MAX];
};

static int
fail(struct crypt *c, int err, const char *why)
{
	c->why = why;
	return err;
}

static ssize_t
read_some(int fd, void *p, size_t n)
{
	ssize_t r;

	while ((r = read(fd, p, n)) == -1 && errno == EINTR)
		;
	return r;
}

/* All n bytes: 1; 0 at a clean end; SEC_ERR_FORMAT when it ends between. */
static int
read_all(struct crypt *c, int fd, uint8_t *p, size_t n)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		if ((r = read_some(fd, p + got, n - got)) == -1)
			return fail(c, SEC_ERR_SYS, "standard input");
		if (r == 0)
			return got == 0 ?
			    0 :
			    fail(c, SEC_ERR_FORMAT, "it ends early");
		got += (size_t)r;
	}
	return 1;
}

static int
write_all(struct crypt *c, int fd, const uint8_t *p, size_t n)
{
	ssize_t r;

	while (n > 0) {
		if ((r = write(fd, p, n)) == -1 && errno != EINTR)
			return fail(c, SEC_ERR_SYS, "standard output");
		if (r > 0) {
			p += r;
			n -= (size_t)r;
		}
	}
	return 0;
}

/* The cipher of a stream: one of the two. */
struct cipher {
	struct aead *aead;
	uint8_t salt[SUITE_NONCE];
	struct fig9 *fig9;
	size_t overhead; /* bytes that sealing adds */
};

static int
cipher_init(struct cipher *x, struct crypt *c, const uint8_t *head)
{
	struct secret *base, *key;
	int r;

	memset(x, 0, sizeof *x);
	base = kdf(c->key, head + 24, SALT, KDF_CRYPT_FILTER, NULL, 0, 32);
	if (c->fig9 != NULL) {
		r = fig9_new(&x->fig9, c->fig9, base, c->q);
		secret_free(base);
		if (r != 0)
			return fail(c, r, "Fig. 9 has no such client number");
		x->overhead = fig9_overhead(x->fig9);
		return 0;
	}
	sframe_derive(c->suite, c->q, base, &key, x->salt);
	(void)aead_new(&x->aead, c->suite->id, key);
	secret_free(base);
	secret_free(key);
	x->overhead = c->suite->nt;
	return 0;
}

static void
cipher_wipe(struct cipher *x)
{
	aead_free(x->aead);
	fig9_free(x->fig9);
}

/* The offline half: pads are made while nothing comes in (S139, S146). */
static void
idle(struct cipher *x, struct pads *pads, int in)
{
	struct pollfd pfd = { .fd = in, .events = POLLIN };

	while (poll(&pfd, 1, 0) == 0 &&
	    (pads != NULL ? pads_fill(pads, 1) : fig9_fill(x->fig9, 1)) > 0)
		;
}

static int
seal_chunks(struct crypt *c, struct chunk *k, struct cipher *x,
    struct pads *pads, int in, int out)
{
	uint8_t *head = k->aad + HEAD;
	int64_t now;
	uint64_t ctr;
	ssize_t n;
	int r;

	for (ctr = c->counter;; ctr++) {
		idle(x, pads, in);
		if ((n = read_some(in, k->pt, CHUNK_MAX)) == -1)
			return fail(c, SEC_ERR_SYS, "standard input");
		if (ctr > COUNTER_MAX)
			return fail(c, SEC_ERR_LIMIT, "no counters are left");
		put_be32(head, n == 0 ? LAST : (uint32_t)n);
		now = clock_real();
		put_be64(head + 4, (uint64_t)now);
		if (pads != NULL)
			(void)pads_seal(pads, k->aad, sizeof k->aad, k->pt,
			    (size_t)n, k->body);
		else if (fig9_seal(x->fig9, k->pt, (size_t)n, now, k->body) !=
		    0)
			return fail(c, SEC_ERR_LIMIT,
			    "2^20 blocks are sealed, no more under one key");
		if ((r = write_all(c, out, head, CHUNK)) != 0 ||
		    (r = write_all(c, out, k->body, (size_t)n + x->overhead)) !=
			0 ||
		    n == 0)
			return r;
	}
}

int
crypt_seal(struct crypt *c, int in, int out)
{
	struct pads *pads = NULL;
	struct cipher x;
	struct chunk *k;
	int r;

	if ((k = calloc(1, sizeof *k)) == NULL)
		return fail(c, SEC_ERR_SYS, "memory");
	put_be32(k->aad, MAGIC);
	put_be16(k->aad + 4, c->fig9 != NULL ? c->fig9->id : c->suite->id);
	put_be32(k->aad + 8, c->q);
	put_be64(k->aad + 16, c->counter);
	crypto_random(k->aad + 24, SALT);
	if ((r = cipher_init(&x, c, k->aad)) == 0) {
		if (x.aead != NULL)
			pads = pads_new(x.aead, x.salt, PADS, CHUNK_MAX,
			    c->counter);
		if ((r = write_all(c, out, k->aad, HEAD)) == 0)
			r = seal_chunks(c, k, &x, pads, in, out);
	}
	pads_free(pads);
	cipher_wipe(&x);
	explicit_bzero(k, sizeof *k);
	free(k);
	return r;
}

/* The head against what was asked for. */
static int
check_head(struct crypt *c, const uint8_t *head)
{
	const struct fig9_suite *f = fig9_suite_by_id(get_be16(head + 4));
	const struct suite *s = suite_by_id(get_be16(head + 4));
	uint64_t counter = get_be64(head + 16);

	if (get_be32(head) != MAGIC || get_be16(head + 6) != 0 ||
	    get_be32(head + 12) != 0 || counter > COUNTER_MAX)
		return fail(c, SEC_ERR_FORMAT, "it is not a sealed stream");
	if (s == NULL && f == NULL)
		return fail(c, SEC_ERR_VERSION, "its suite is not known here");
	if (f != NULL && !c->insecure)
		return fail(c, SEC_ERR_DENIED,
		    "it is under Fig. 9; --insecure-fig9 allows that");
	if ((c->suite != NULL && c->suite != s) ||
	    (c->fig9 != NULL && c->fig9 != f))
		return fail(c, SEC_ERR_AUTH, "it has another suite");
	if (get_be32(head + 8) != c->q)
		return fail(c, SEC_ERR_AUTH, "it is of another client");
	if (c->counter_given && c->counter != counter)
		return fail(c, SEC_ERR_AUTH, "it has another counter");
	c->suite = s;
	c->fig9 = f;
	c->counter = counter;
	return 0;
}

static int
time_allows(const struct crypt *c, int64_t t, int64_t now)
{
	return t <= now + SEAL_SKEW && t >= 0 && now - t <= c->age;
}

static int
open_chunk(struct chunk *k, struct cipher *x, uint64_t ctr, size_t n)
{
	uint8_t nonce[SUITE_NONCE];
	int64_t time;
	uint32_t q;
	int r;

	if (x->fig9 == NULL) {
		aead_nonce(nonce, x->salt, ctr);
		return aead_open(x->aead, nonce, k->aad, sizeof k->aad, k->body,
		    n, k->pt);
	}
	if ((r = fig9_open(x->fig9, k->body, n, &q, &time, k->pt)) != 0)
		return r;
	/* What is outside is not under its tag: it must agree. */
	return time == (int64_t)get_be64(k->aad + HEAD + 4) ? 0 : SEC_ERR_AUTH;
}

static int
open_chunks(struct crypt *c, struct chunk *k, struct cipher *x, int in, int out)
{
	uint8_t *head = k->aad + HEAD;
	uint64_t ctr;
	uint32_t n;
	int r;

	for (ctr = c->counter;; ctr++) {
		if ((r = read_all(c, in, head, CHUNK)) < 0)
			return r;
		if (r == 0)
			return fail(c, SEC_ERR_FORMAT, "it ends early");
		n = get_be32(head) & ~LAST;
		if (n > CHUNK_MAX || ctr > COUNTER_MAX)
			return fail(c, SEC_ERR_FORMAT, "a chunk is too long");
		if ((r = read_all(c, in, k->body, n + x->overhead)) < 0)
			return r;
		if (r == 0)
			return fail(c, SEC_ERR_FORMAT, "it ends early");
		if ((r = open_chunk(k, x, ctr, n + x->overhead)) != 0)
			return fail(c, r, "a tag is wrong");
		if (!time_allows(c, (int64_t)get_be64(head + 4), clock_real()))
			return fail(c, SEC_ERR_EXPIRED, "its time is stale");
		if ((r = write_all(c, out, k->pt, n)) != 0)
			return r;
		if (get_be32(head) & LAST)
			break;
	}
	if ((r = read_all(c, in, head, 1)) != 0)
		return r < 0 ? r :
			       fail(c, SEC_ERR_FORMAT, "more follows its end");
	return 0;
}

int
crypt_open(struct crypt *c, int in, int out)
{
	struct cipher x = { 0 };
	struct chunk *k;
	int r;

	if ((k = calloc(1, sizeof *k)) == NULL)
		return fail(c, SEC_ERR_SYS, "memory");
	if ((r = read_all(c, in, k->aad, HEAD)) == 0)
		r = fail(c, SEC_ERR_FORMAT, "it is empty");
	if (r == 1 && (r = check_head(c, k->aad)) == 0 &&
	    (r = cipher_init(&x, c, k->aad)) == 0)
		r = open_chunks(c, k, &x, in, out);
	cipher_wipe(&x);
	explicit_bzero(k, sizeof *k);
	free(k);
	return r;
}
