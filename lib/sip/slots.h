#ifndef SIP_SLOTS_H
#define SIP_SLOTS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Pointers by 64-bit hash, for transactions: open addressing, the hash in
 * the slot, so that a look-up touches one slot and then what was looked
 * for. Keys are the caller's to compare. Hashes must be such that strangers
 * cannot choose them: SipHash, or numbers that we count ourselves.
 */
struct slot {
	uint64_t hash;
	void	*p;            /* NULL: free */
};
struct slots {
	struct slot	*slot; /* NULL as long as nothing was put */
	size_t		 mask;
	size_t		 count;
};

void	slots_free(struct slots *x);
void	slots_put(struct slots *x, uint64_t hash, void *p);
/* No-op if (hash, p) is not there. */
void	slots_del(struct slots *x, uint64_t hash, const void *p);

/* Walk over what has this hash: at = hash, then while ((p = slots_next())). */
static inline void *
slots_next(const struct slots *x, uint64_t hash, size_t *at)
{
	const struct slot *s;

	if (x->slot == NULL)
		return NULL;
	while ((s = &x->slot[*at & x->mask])->p != NULL) {
		++*at;
		if (s->hash == hash)
			return s->p;
	}
	return NULL;
}

/* The only one with this hash, for numbers. */
static inline void *
slots_get(const struct slots *x, uint64_t hash)
{
	size_t at = (size_t)hash;

	return slots_next(x, hash, &at);
}

#endif
