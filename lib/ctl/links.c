/* Server links: all of one server, as daemons see them. */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

#include "ctl/link_priv.h"

#define IDLE_MS	   5000
#define SILENCE_MS 15000
#define WAKE_MS	   5000

/* A peer closed by itself: it sent what is no line. */
static void
on_gone(void *ctx, uint64_t peer)
{
	struct links *k = ctx;
	struct link *l;
	int i;

	for (i = 1; i <= SERVERS_MAX; i++) {
		if (k->other[i] == NULL)
			continue;
		TAILQ_FOREACH(l, &k->other[i]->list, entry) {
			if (l->peer == NULL || ctl_peer_id(l->peer) != peer)
				continue;
			l->peer = NULL;
			link_over(l, SEC_ERR_FORMAT);
			return;
		}
	}
}

static void
on_idle(void *ctx, struct ctl_req *r)
{
	struct links *k = ctx;
	int number = ctl_peer_number(r->peer);

	if (number >= 1 && number <= SERVERS_MAX && k->other[number] != NULL)
		k->other[number]->idle = 1;
	ctl_ok(r);
}

static const struct ctl_verb link_verbs[] = {
	{ "idle", CTL_SERVERS, on_idle },
	{ NULL, 0, NULL },
};

struct links *
links_new(const struct links_def *d)
{
	struct links *k = mem_new(sizeof(*k));

	k->def = *d;
	if (k->def.idle_ms == 0)
		k->def.idle_ms = IDLE_MS;
	if (k->def.silence_ms == 0)
		k->def.silence_ms = SILENCE_MS;
	k->servers = d->servers;
	TAILQ_INIT(&k->dead);
	hook_init(&k->bury, d->loop, links_bury, k);
	timer_init(&k->change, d->loop, links_epochs_change, k);
	ctl_add_verbs(d->ctl, link_verbs, k);
	ctl_on_gone(d->ctl, on_gone, k);
	links_watch_epochs(k);
	return k;
}

void
links_free(struct links *k)
{
	struct link *l;
	int i;

	if (k == NULL)
		return;
	k->freeing = 1;
	timer_cancel(&k->change);
	for (i = 1; i <= SERVERS_MAX; i++) {
		if (k->other[i] == NULL)
			continue;
		timer_cancel(&k->other[i]->redial);
		while ((l = TAILQ_FIRST(&k->other[i]->list)) != NULL)
			link_over(l, 0);
		free(k->other[i]);
	}
	hook_cancel(&k->bury);
	links_bury(k);
	free(k);
}

void
links_want(struct links *k, int number)
{
	struct other *o;

	if ((o = other_get(k, number)) == NULL)
		return;
	o->wanted = 1;
	if (o->up == NULL && !timer_is_set(&o->redial))
		other_dial(o);
}

struct ctl_peer *
links_peer(struct links *k, int number)
{
	struct other *o;

	if ((o = other_get(k, number)) == NULL)
		return NULL;
	if (o->up == NULL)
		other_redial_later(o);
	return o->up != NULL ? o->up->peer : NULL;
}

struct ctl_peer *
links_wake(struct links *k, int number)
{
	struct other *o;

	if ((o = other_get(k, number)) == NULL)
		return NULL;
	if (o->up != NULL)
		return o->up->peer;
	if (o->idle)
		o->woken = loop_now(k->def.loop);
	o->idle = 0;
	if (!timer_is_set(&o->redial))
		other_dial(o);
	return o->up != NULL ? o->up->peer : NULL;
}

int
links_is_up(const struct links *k, int number)
{
	return number >= 1 && number <= SERVERS_MAX &&
	    k->other[number] != NULL && k->other[number]->up != NULL;
}

int
links_is_waking(const struct links *k, int number)
{
	return number >= 1 && number <= SERVERS_MAX &&
	    k->other[number] != NULL && k->other[number]->woken != 0 &&
	    loop_now(k->def.loop) - k->other[number]->woken < WAKE_MS;
}

int
links_is_idle(const struct links *k, int number)
{
	return number >= 1 && number <= SERVERS_MAX &&
	    k->other[number] != NULL && k->other[number]->idle;
}

/* A server that is in the file no more has no business here. */
static void
drop_all(struct other *o)
{
	struct link *l;

	timer_cancel(&o->redial);
	while ((l = TAILQ_FIRST(&o->list)) != NULL)
		link_over(l, SEC_ERR_NOTHING);
	timer_cancel(&o->redial);
}

void
links_reload(struct links *k, const struct servers *servers)
{
	struct other *o;
	int i;

	k->servers = servers;
	for (i = 1; i <= SERVERS_MAX; i++) {
		if ((o = k->other[i]) == NULL)
			continue;
		if (other_server(o) == NULL) {
			drop_all(o);
			continue;
		}
		o->backoff = 0;
		o->tries = 0;
		o->resolved = 0;
		if (o->up == NULL && other_needs_dial(o))
			other_dial(o);
	}
	links_follow_epochs(k);
}

void
links_say_idle(struct links *k)
{
	int i;

	for (i = 1; i <= SERVERS_MAX; i++) {
		if (!links_is_up(k, i))
			continue;
		(void)ctl_event(k->other[i]->up->peer, "idle");
		ctl_event_end(k->other[i]->up->peer);
	}
}

int
links_busy(const struct links *k)
{
	const struct link *l;
	int i;

	for (i = 1; i <= SERVERS_MAX; i++) {
		if (k->other[i] == NULL)
			continue;
		TAILQ_FOREACH(l, &k->other[i]->list, entry)
			if (l->peer != NULL && ctl_peer_busy(l->peer) > 0)
				return 1;
	}
	return 0;
}
