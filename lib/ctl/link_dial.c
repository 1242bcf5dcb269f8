/* Server links: dialling, and the epochs under which it is done. */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/hello.h"
#include "wire/handshake.h"
#include "wire/record.h"

#include "ctl/link_priv.h"

#define EPOCH_WAIT   300 /* ms the higher number leaves to the lower */
#define CHANGE_MAX   3600000
#define EPOCHS_TRIED 8
#define RESOLVE_MS   60000 /* between look-ups of a name, which block */

/*
 * Epochs for a hello, best first: the one in force, the newest, then what
 * is still accepted. Only those above `above`.
 */
static size_t
epochs_to_try(const struct links *k, uint32_t above, uint32_t out[EPOCHS_TRIED])
{
	int64_t now = clock_real();
	uint32_t e, current = epochs_current(k->def.epochs, now);
	uint32_t last = epochs_last(k->def.epochs);
	size_t n = 0;

	if (current > above)
		out[n++] = current;
	for (e = last;
	     e > above && last - e < EPOCHS_TRIED * 4 && n < EPOCHS_TRIED; e--)
		if (e != current && epochs_accepts(k->def.epochs, e, now))
			out[n++] = e;
	return n;
}

/*
 * A name is looked up when it is needed, at most once a minute: the whole
 * daemon waits for the answer.
 */
static int
address_of(struct other *o, struct addr *to)
{
	const struct server *s = other_server(o);
	int64_t now = loop_now(o->links->def.loop);

	if (s == NULL)
		return SEC_ERR_NOTHING;
	if (addr_parse(to, s->addr) == 0)
		return 0;
	if (o->resolved == 0 || now - o->resolved >= RESOLVE_MS) {
		o->resolved = now > 0 ? now : 1;
		(void)addr_resolve(&o->addr, s->addr);
	}
	*to = o->addr;
	return o->addr.len > 0 ? 0 : SEC_ERR_UNREACHABLE;
}

int
links_address(const struct links *k, int number, struct addr *to)
{
	const struct server *s = servers_by_number(k->servers, number);

	if (s == NULL)
		return SEC_ERR_NOTHING;
	if (addr_parse(to, s->addr) == 0)
		return 0;
	if (number < 1 || number > SERVERS_MAX || k->other[number] == NULL ||
	    k->other[number]->addr.len == 0)
		return SEC_ERR_NOTHING;
	*to = k->other[number]->addr;
	return 0;
}

static void
dial_plain(struct other *o, const struct addr *to)
{
	struct link *l = link_new(o, 1, 0);

	o->dial = l;
	timer_set(&l->timer, CHANNEL_DEADLINE);
	l->channel = channel_dial_plain(o->links->def.loop, to, link_frame,
	    &link_ops, l);
}

static void
dial_sealed(struct other *o, const struct addr *to)
{
	struct links *k = o->links;
	uint32_t epoch[EPOCHS_TRIED];
	struct secret *base;
	struct hello h;
	struct link *l;
	size_t n;

	n = epochs_to_try(k, o->up != NULL ? o->up->epoch : 0, epoch);
	if (n == 0)
		return; /* links_reload() or the next epoch will call */
	memset(&h, 0, sizeof(h));
	h.tt = RECORD_SERVER;
	h.by = (uint16_t)k->def.own;
	h.keyid = epoch[o->tries % n];
	h.to_number = (uint16_t)o->number;
	hello_id_server(&h.from, (uint16_t)k->def.own);
	hello_id_server(&h.to, (uint16_t)o->number);
	base = epochs_link_base(k->def.epochs, h.keyid, k->def.own, o->number);
	if (base == NULL) {
		log_debug("link.nokey", "server=%s epoch=%u", other_name(o),
		    h.keyid);
		o->tries++;
		other_redial_later(o);
		return;
	}
	h.base = base;
	l = link_new(o, 1, h.keyid);
	o->dial = l;
	l->channel = channel_dial(k->def.loop, to, &h, 0, &link_ops, l);
	secret_free(base);
}

void
other_dial(struct other *o)
{
	struct links *k = o->links;
	struct addr to;

	timer_cancel(&o->redial);
	if (o->dial != NULL || k->freeing)
		return;
	if (o->up != NULL && o->up->epoch >= links_epoch(k))
		return;
	if (!k->def.plain && k->def.epochs == NULL)
		return;
	if (address_of(o, &to) != 0) {
		other_redial_later(o);
		return;
	}
	if (k->def.plain)
		dial_plain(o, &to);
	else
		dial_sealed(o, &to);
}

static void
on_redial(void *arg)
{
	other_dial(arg);
}

struct other *
other_get(struct links *k, int number)
{
	struct other *o;

	if (number < 1 || number > SERVERS_MAX || number == k->def.own)
		return NULL;
	if ((o = k->other[number]) != NULL)
		return o;
	o = mem_new(sizeof(*o));
	o->links = k;
	o->number = number;
	TAILQ_INIT(&o->list);
	timer_init(&o->redial, k->def.loop, on_redial, o);
	k->other[number] = o;
	return o;
}

/* --- epochs --- */

void
links_watch_epochs(struct links *k)
{
	int64_t at, now = clock_real(), wait;

	timer_cancel(&k->change);
	if (k->def.plain || k->def.epochs == NULL ||
	    (at = epochs_next_change(k->def.epochs, now)) == 0)
		return;
	/* The clock may be set: look now and then. */
	wait = at > now ? at - now : 0;
	timer_set(&k->change, wait < CHANGE_MAX ? wait : CHANGE_MAX);
}

/* Bring one server's link to the epoch in force. */
static void
follow_epoch(struct other *o)
{
	struct links *k = o->links;
	struct link *l = o->up;

	if (l == NULL) {
		if (other_needs_dial(o))
			other_dial(o);
		return;
	}
	if (!epochs_accepts(k->def.epochs, l->epoch, clock_real())) {
		link_over(l, SEC_ERR_EXPIRED);
		return;
	}
	if (!other_needs_dial(o))
		return;
	o->tries = 0;
	if (k->def.own < o->number)
		other_dial(o);
	else if (!timer_is_set(&o->redial))
		timer_set(&o->redial, EPOCH_WAIT);
}

void
links_follow_epochs(struct links *k)
{
	int i;

	if (!k->def.plain && k->def.epochs != NULL)
		for (i = 1; i <= SERVERS_MAX; i++)
			if (k->other[i] != NULL)
				follow_epoch(k->other[i]);
	links_watch_epochs(k);
}

void
links_epochs_change(void *arg)
{
	struct links *k = arg;

	epochs_prune(k->def.epochs, clock_real());
	links_follow_epochs(k);
}
