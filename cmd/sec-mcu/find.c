/*
 * find: whose datagram it is. The deal answers that by two tables, of
 * conferences and of q in each. With many rooms every step on the way is far
 * from the processor, so that finding and following cost more than all else
 * that arriving does. Hence a table of those found lately, and a look ahead.
 */
#include "base/buf.h"
#include "rtp/hopkey.h"
#include "wire/hop.h"

#include "mcu.h"

#define LINE 64 /* of the cache */

static struct known *
known_at(struct mcu *m, uint64_t conf, uint32_t q)
{
	/* Conference ids are random, q is counted. */
	return &m->known[(conf + q) * UINT64_C(0x9e3779b97f4a7c15) >>
	    (64 - KNOWN_BITS)];
}

struct device *
find_device(struct mcu *m, uint64_t conf, uint32_t q)
{
	struct known *k = known_at(m, conf, q);
	struct dealt_room *r;
	struct device *d = k->device;

	if (d == NULL || k->conf != conf || d->dealt.q != q) {
		if ((r = dealt_room_cid(m->s->dealt, conf)) == NULL ||
		    (d = (struct device *)dealt_device(r, q)) == NULL)
			return NULL;
		*k = (struct known) { conf, d };
	}
	return d->keys != NULL ? d : NULL;
}

void
find_forget(struct mcu *m, const struct device *d)
{
	struct known *k = known_at(m, d->dealt.room->cid, d->dealt.q);

	if (k->device == d)
		k->device = NULL;
}

/* The one that a datagram says it is from, if he was found lately; nothing
 * of it is checked. */
static struct known *
hinted(struct mcu *m, const struct packet *p)
{
	if (hop_is(p->bytes, p->n))
		return known_at(m, hop_hint_conf(p->bytes),
		    hop_hint_q(p->bytes));
	return known_at(m, rtp_hint_conf(p->bytes), rtp_hint_q(p->bytes));
}

/*
 * Each pass asks for what the next one reads, of all datagrams: so the ways
 * to memory are gone side by side, not one after the other. Whoever is in the
 * table lives, and a wrong hint costs nothing but the way.
 */
void
find_ahead(struct mcu *m, struct packet *const packet[], int n)
{
	struct known *k[FIND_MOST];
	const char *hot;
	struct device *d;
	int i;

	for (i = 0; i < n; i++) {
		k[i] = hinted(m, packet[i]);
		__builtin_prefetch(k[i]);
	}
	for (i = 0; i < n; i++) {
		if ((d = k[i]->device) == NULL)
			continue;
		__builtin_prefetch(d);
		hot = (const char *)&d->keys;
		__builtin_prefetch(hot, 1);
		__builtin_prefetch(hot + LINE, 1);
		__builtin_prefetch(hot + 2 * (size_t)LINE, 1);
	}
	for (i = 0; i < n; i++) {
		if ((d = k[i]->device) == NULL)
			continue;
		if (d->keys != NULL)
			__builtin_prefetch(hopkey_up(d->keys));
		__builtin_prefetch(&device_room(d)->listener, 1);
	}
	for (i = 0; i < n; i++)
		if ((d = k[i]->device) != NULL)
			forward_ahead(device_room(d));
}
