/*
 * Offline and online halves (S139, S144, S145, S146): what is sealed with a
 * pad made ahead is bit for bit what is sealed without, and no pad is used
 * twice. pads.c is included to look into the ring.
 */
#include "../../../lib/crypto/pads.c"

#include "../test.h"
#include "base/err.h"
#include "crypto/random.h"

#define MAX  8
#define SIZE 160

static int
zero(const uint8_t *p, size_t n)
{
	while (n > 0 && *p == 0)
		p++, n--;
	return n == 0;
}

static void
same_output(const struct suite *s)
{
	uint8_t salt[12], nonce[12], pt[SIZE], aad[48], one[SIZE + 16],
	    two[SIZE + 16];
	size_t n, wrong = 0, unwiped = 0;
	uint64_t i, first = 1000, ctr;
	struct secret *k = crypto_random_key(s->nk, 0);
	struct aead *off, *on;
	struct pads *p;

	T_INT(aead_new(&off, s->id, k), 0);
	T_INT(aead_new(&on, s->id, k), 0);
	crypto_random(salt, sizeof salt);
	p = pads_new(off, salt, MAX, SIZE, first);
	T_INT(pads_ready(p), 0);
	T_INT(pads_fill(p, 3), s->offline ? 3 : 0);
	T_INT(pads_fill(p, 100), s->offline ? MAX - 3 : 0);
	T_INT(pads_fill(p, 1), 0);
	T_INT(pads_ready(p), s->offline ? MAX : 0);
	for (i = 0; i < 5 * MAX; i++) {
		/* Sometimes no pad is ready, sometimes a few are. */
		if (i > MAX && i % 5 == 0)
			pads_fill(p, (size_t)i % 7);
		n = i == 1 ? 0 : SIZE - (size_t)(i * 3) % SIZE;
		memset(pt, (int)i, sizeof pt);
		crypto_random(aad, sizeof aad);
		ctr = pads_seal(p, aad, sizeof aad, pt, n, one);
		unwiped += !zero(p->mem + ctr % MAX * p->step, p->step) ||
		    p->full[ctr % MAX];
		aead_nonce(nonce, salt, ctr);
		aead_seal(on, nonce, aad, sizeof aad, pt, n, two);
		wrong += ctr != first + i || memcmp(one, two, n + s->nt) != 0 ||
		    aead_open(on, nonce, aad, sizeof aad, one, n + s->nt,
			two) != 0 ||
		    memcmp(two, pt, n) != 0;
	}
	T_OK(wrong == 0, "%s: offline is online", s->name);
	T_OK(unwiped == 0, "%s: a pad taken is gone", s->name);
	T_INT(p->next, first + 5 * MAX);
	pads_free(p);
	aead_free(off);
	aead_free(on);
	secret_free(k);
}

static size_t
full(const struct pads *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->max; i++)
		n += p->full[i];
	return n;
}

/* S152: receivers open by pads made before; in whatever order packets come,
 * with pads or without, what they get is the same. */
static void
same_input(const struct suite *s)
{
	/* In order, overtaken, a hole, far behind, a leap. */
	static const uint64_t order[] = { 0, 1, 3, 2, 4, 5, 9, 8, 7, 12, 6, 2,
		13, 400, 399, 401, 402 };
	uint8_t salt[12], pt[SIZE], aad[48], sealed[SIZE + 16], got[SIZE];
	struct secret *k = crypto_random_key(s->nk, 0);
	uint8_t nonce[12];
	size_t i, wrong = 0, kept = 0, before;
	struct aead *a;
	struct pads *p;

	T_INT(aead_new(&a, s->id, k), 0);
	crypto_random(salt, sizeof salt);
	crypto_random(aad, sizeof aad);
	p = pads_new(a, salt, MAX, SIZE, 0);
	for (i = 0; i < sizeof order / sizeof *order; i++) {
		if (i % 3 != 2)
			(void)pads_fill(p, (i % 2) * MAX);
		memset(pt, (int)i + 1, sizeof pt);
		aead_nonce(nonce, salt, order[i]);
		aead_seal(a, nonce, aad, sizeof aad, pt, SIZE, sealed);
		/* What is forged takes no pad. */
		before = full(p);
		sealed[i]++;
		wrong += pads_open(p, order[i], aad, sizeof aad, sealed,
			     SIZE + s->nt, got) != SEC_ERR_AUTH;
		wrong += pads_open(p, order[i], aad, sizeof aad, sealed,
			     s->nt - 1, got) != SEC_ERR_FORMAT;
		sealed[i]--;
		wrong += full(p) != before;
		wrong += pads_open(p, order[i], aad, sizeof aad, sealed,
			     SIZE + s->nt, got) != 0 ||
		    memcmp(got, pt, SIZE) != 0;
		kept += order[i] < p->next + p->ready && order[i] >= p->next &&
		    p->full[order[i] % MAX];
	}
	T_OK(wrong == 0, "%s: opened as without pads", s->name);
	T_OK(kept == 0, "%s: no pad is kept behind its packet", s->name);
	(void)pads_fill(p, MAX);
	T_INT(full(p) > 0, s->offline);
	pads_free(p);
	aead_free(a);
	secret_free(k);
}

int
main(void)
{
	const struct suite *s;

	crypto_init();
	for (s = suite_next(NULL); s != NULL; s = suite_next(s))
		same_output(s), same_input(s);
	pads_free(NULL);
	T_INT(secret_count(), 0);
	return t_done();
}
