/*
 * The ring of pads (S139, S144, S146): slot i holds the keystream of one
 * counter. Counters only go up, a slot is taken once, and it is wiped as it
 * is taken; so no pad can meet two messages.
 *
 *	sealing   next is the next packet's; it takes the first pad
 *	opening   next is LATE before the newest packet's; packets take their
 *		  own, in any order
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

#include "crypto/pads.h"

#define LATE 4 /* pads kept for packets that were overtaken */

struct pads {
	struct aead *a;
	uint8_t salt[SUITE_NONCE];
	size_t max, size;
	size_t step; /* of a slot in mem: the pad's lead and size */
	uint64_t next; /* counter of the next packet */
	size_t ready; /* pads made, from next on */
	uint8_t *full; /* one state per slot */
	uint8_t *mem; /* max * step */
};

struct pads *
pads_new(struct aead *a, const uint8_t salt[SUITE_NONCE], size_t max,
    size_t size, uint64_t first)
{
	struct pads *p;

	if ((p = calloc(1, sizeof *p)) == NULL)
		die(10, "out of memory");
	p->step = aead_suite(a)->lead + size;
	if ((p->full = calloc(max, 1)) == NULL ||
	    (p->mem = calloc(max, p->step)) == NULL)
		die(10, "out of memory");
	p->a = a;
	memcpy(p->salt, salt, sizeof p->salt);
	p->max = max;
	p->size = size;
	p->next = first;
	return p;
}

void
pads_free(struct pads *p)
{
	if (p == NULL)
		return;
	explicit_bzero(p->mem, p->max * p->step);
	free(p->mem);
	free(p->full);
	free(p);
}

size_t
pads_fill(struct pads *p, size_t n)
{
	uint8_t nonce[SUITE_NONCE];
	size_t made, slot;

	if (!aead_suite(p->a)->offline)
		return 0;
	for (made = 0; made < n && p->ready < p->max; made++) {
		slot = (p->next + p->ready) % p->max;
		if (p->full[slot])
			die(11, "pads: a slot would be made twice");
		aead_nonce(nonce, p->salt, p->next + p->ready);
		aead_pad(p->a, nonce, p->mem + slot * p->step, p->size);
		p->full[slot] = 1;
		p->ready++;
	}
	return made;
}

size_t
pads_ready(const struct pads *p)
{
	return p->ready;
}

uint64_t
pads_seal(struct pads *p, const void *aad, size_t aadlen, const void *pt,
    size_t n, uint8_t *out)
{
	uint8_t nonce[SUITE_NONCE], *pad;
	size_t slot;

	if (n > p->size)
		die(11, "pads: a packet of %zu bytes", n);
	aead_nonce(nonce, p->salt, p->next);
	if (p->ready > 0) {
		slot = p->next % p->max;
		if (!p->full[slot])
			die(11, "pads: a slot would be taken twice");
		pad = p->mem + slot * p->step;
		aead_seal_pad(p->a, nonce, aad, aadlen, pt, n, pad, out);
		explicit_bzero(pad, p->step);
		p->full[slot] = 0;
		p->ready--;
	} else {
		aead_seal(p->a, nonce, aad, aadlen, pt, n, out);
	}
	return p->next++;
}

static void
drop(struct pads *p, size_t slot)
{
	if (p->full[slot])
		explicit_bzero(p->mem + slot * p->step, p->step);
	p->full[slot] = 0;
}

/* The packet of this counter has come. */
static void
reach(struct pads *p, uint64_t counter)
{
	for (; p->ready > 0 && p->next + LATE <= counter; p->ready--)
		drop(p, p->next++ % p->max);
	if (p->ready == 0 && p->next <= counter)
		p->next = counter + 1;
}

int
pads_open(struct pads *p, uint64_t counter, const void *aad, size_t aadlen,
    const uint8_t *ct, size_t n, uint8_t *out)
{
	size_t slot = counter % p->max;
	uint8_t nonce[SUITE_NONCE];
	int r;

	aead_nonce(nonce, p->salt, counter);
	if (counter >= p->next && counter - p->next < p->ready &&
	    p->full[slot] && n <= p->size + aead_suite(p->a)->nt) {
		r = aead_open_pad(p->a, nonce, aad, aadlen, ct, n,
		    p->mem + slot * p->step, out);
		if (r == 0)
			drop(p, slot);
	} else
		r = aead_open(p->a, nonce, aad, aadlen, ct, n, out);
	if (r == 0)
		reach(p, counter);
	return r;
}
