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
	uint8_t body[CHUNK_MAX + 16];
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

/* Keys of this stream. */
static struct aead *
stream_aead(const struct crypt *c, const uint8_t *head,
    uint8_t salt[SUITE_NONCE])
{
	struct secret *base, *key;
	struct aead *a = NULL;

	base = kdf(c->key, head + 24, SALT, KDF_CRYPT_FILTER, NULL, 0, 32);
	sframe_derive(c->suite, c->q, base, &key, salt);
	(void)aead_new(&a, c->suite->id, key);
	secret_free(base);
	secret_free(key);
	return a;
}

/* The offline half: pads are made while nothing comes in (S139, S146). */
static void
idle(struct pads *pads, int in)
{
	struct pollfd pfd = { .fd = in, .events = POLLIN };

	while (poll(&pfd, 1, 0) == 0 && pads_fill(pads, 1) == 1)
		;
}

static int
seal_chunks(struct crypt *c, struct chunk *k, struct pads *pads, int in,
    int out)
{
	uint8_t *head = k->aad + HEAD;
	uint64_t ctr;
	ssize_t n;
	int r;

	for (ctr = c->counter;; ctr++) {
		idle(pads, in);
		if ((n = read_some(in, k->pt, CHUNK_MAX)) == -1)
			return fail(c, SEC_ERR_SYS, "standard input");
		if (ctr > COUNTER_MAX)
			return fail(c, SEC_ERR_LIMIT, "no counters are left");
		put_be32(head, n == 0 ? LAST : (uint32_t)n);
		put_be64(head + 4, (uint64_t)clock_real());
		(void)pads_seal(pads, k->aad, sizeof k->aad, k->pt, (size_t)n,
		    k->body);
		if ((r = write_all(c, out, head, CHUNK)) != 0 ||
		    (r = write_all(c, out, k->body,
			 (size_t)n + c->suite->nt)) != 0 ||
		    n == 0)
			return r;
	}
}

int
crypt_seal(struct crypt *c, int in, int out)
{
	uint8_t salt[SUITE_NONCE];
	struct chunk *k;
	struct pads *pads;
	struct aead *a;
	int r;

	if ((k = calloc(1, sizeof *k)) == NULL)
		return fail(c, SEC_ERR_SYS, "memory");
	put_be32(k->aad, MAGIC);
	put_be16(k->aad + 4, c->suite->id);
	put_be32(k->aad + 8, c->q);
	put_be64(k->aad + 16, c->counter);
	crypto_random(k->aad + 24, SALT);
	a = stream_aead(c, k->aad, salt);
	pads = pads_new(a, salt, PADS, CHUNK_MAX, c->counter);
	if ((r = write_all(c, out, k->aad, HEAD)) == 0)
		r = seal_chunks(c, k, pads, in, out);
	pads_free(pads);
	aead_free(a);
	explicit_bzero(k, sizeof *k);
	free(k);
	return r;
}

/* The head against what was asked for. */
static int
check_head(struct crypt *c, const uint8_t *head)
{
	const struct suite *s = suite_by_id(get_be16(head + 4));
	uint64_t counter = get_be64(head + 16);

	if (get_be32(head) != MAGIC || get_be16(head + 6) != 0 ||
	    get_be32(head + 12) != 0 || counter > COUNTER_MAX)
		return fail(c, SEC_ERR_FORMAT, "it is not a sealed stream");
	if (s == NULL)
		return fail(c, SEC_ERR_VERSION, "its suite is not known here");
	if (c->suite != NULL && c->suite != s)
		return fail(c, SEC_ERR_AUTH, "it has another suite");
	if (get_be32(head + 8) != c->q)
		return fail(c, SEC_ERR_AUTH, "it is of another client");
	if (c->counter_given && c->counter != counter)
		return fail(c, SEC_ERR_AUTH, "it has another counter");
	c->suite = s;
	c->counter = counter;
	return 0;
}

static int
time_allows(const struct crypt *c, int64_t t, int64_t now)
{
	return t <= now + SEAL_SKEW && t >= 0 && now - t <= c->age;
}

static int
open_chunks(struct crypt *c, struct chunk *k, struct aead *a,
    const uint8_t salt[SUITE_NONCE], int in, int out)
{
	uint8_t nonce[SUITE_NONCE], *head = k->aad + HEAD;
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
		if ((r = read_all(c, in, k->body, n + c->suite->nt)) < 0)
			return r;
		if (r == 0)
			return fail(c, SEC_ERR_FORMAT, "it ends early");
		aead_nonce(nonce, salt, ctr);
		if ((r = aead_open(a, nonce, k->aad, sizeof k->aad, k->body,
			 n + c->suite->nt, k->pt)) != 0)
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
	uint8_t salt[SUITE_NONCE];
	struct aead *a = NULL;
	struct chunk *k;
	int r;

	if ((k = calloc(1, sizeof *k)) == NULL)
		return fail(c, SEC_ERR_SYS, "memory");
	if ((r = read_all(c, in, k->aad, HEAD)) == 0)
		r = fail(c, SEC_ERR_FORMAT, "it is empty");
	if (r == 1 && (r = check_head(c, k->aad)) == 0) {
		a = stream_aead(c, k->aad, salt);
		r = open_chunks(c, k, a, salt, in, out);
	}
	aead_free(a);
	explicit_bzero(k, sizeof *k);
	free(k);
	return r;
}
