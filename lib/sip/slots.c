/* Linear probing; a removal moves later ones up, so there are no tombstones
 * and a table that is always in use stays as fast as it was. */
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"

#include "sip/slots.h"

#define SLOTS_MIN ((size_t)64)

void
slots_free(struct slots *x)
{
	free(x->slot);
	x->slot = NULL;
	x->mask = x->count = 0;
}

static void
place(struct slots *x, uint64_t hash, void *p)
{
	size_t at = (size_t)hash & x->mask;

	while (x->slot[at].p != NULL)
		at = (at + 1) & x->mask;
	x->slot[at].hash = hash;
	x->slot[at].p = p;
}

static void
resize(struct slots *x, size_t cap)
{
	struct slot *old = x->slot;
	size_t i, oldcap = old != NULL ? x->mask + 1 : 0;

	if ((x->slot = calloc(cap, sizeof(*x->slot))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for SIP");
	x->mask = cap - 1;
	for (i = 0; i < oldcap; i++)
		if (old[i].p != NULL)
			place(x, old[i].hash, old[i].p);
	free(old);
}

void
slots_put(struct slots *x, uint64_t hash, void *p)
{
	if (x->slot == NULL)
		resize(x, SLOTS_MIN);
	else if (2 * (x->count + 1) > x->mask + 1)
		resize(x, 2 * (x->mask + 1));
	place(x, hash, p);
	x->count++;
}

void
slots_del(struct slots *x, uint64_t hash, const void *p)
{
	size_t gap, at, home;

	if (x->slot == NULL)
		return;
	for (gap = (size_t)hash & x->mask;
	     x->slot[gap].p != p || x->slot[gap].hash != hash;
	     gap = (gap + 1) & x->mask)
		if (x->slot[gap].p == NULL)
			return;
	/* Fill the gap with the next one that may stand there. */
	for (at = (gap + 1) & x->mask; x->slot[at].p != NULL;
	     at = (at + 1) & x->mask) {
		home = (size_t)x->slot[at].hash & x->mask;
		if (((at - home) & x->mask) < ((at - gap) & x->mask))
			continue;
		x->slot[gap] = x->slot[at];
		gap = at;
	}
	x->slot[gap].p = NULL;
	x->count--;
	/* After a burst, give the memory back. */
	if (x->mask + 1 > 4096 && 16 * x->count < x->mask + 1)
		resize(x, (x->mask + 1) / 4);
}
