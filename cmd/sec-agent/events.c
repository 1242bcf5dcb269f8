/* Events: the ring, and the tools that follow it. */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/ids.h"

struct follower {
	struct ctl_handle who;
	TAILQ_ENTRY(follower) entry;
};

struct events {
	struct ring *ring;
	struct buf b; /* the event being built */
	TAILQ_HEAD(, follower) followers;
};

void
events_init(struct agent *a)
{
	a->events = agent_alloc(sizeof(*a->events));
	a->events->ring = ring_new(RING_EVENTS);
	TAILQ_INIT(&a->events->followers);
}

static void
drop(struct agent *a, struct follower *f)
{
	TAILQ_REMOVE(&a->events->followers, f, entry);
	free(f);
}

void
events_close(struct agent *a)
{
	while (!TAILQ_EMPTY(&a->events->followers))
		drop(a, TAILQ_FIRST(&a->events->followers));
	ring_free(a->events->ring);
	buf_free(&a->events->b);
	free(a->events);
}

const char *
events_ring(const struct agent *a)
{
	return ring_name(a->events->ring);
}

uint64_t
events_last(const struct agent *a)
{
	return ring_last(a->events->ring);
}

struct buf *
event_begin(struct agent *a, const char *name)
{
	struct buf *b = &a->events->b;

	buf_reset(b);
	line_put(b, "event", name);
	return b;
}

static void
put_row(struct ctl_req *r, uint64_t seq, int64_t time, const char *fields)
{
	struct buf *b = ctl_row(r);

	line_put_u64(b, "seq", seq);
	line_putf(b, "time", "%lld", (long long)time);
	buf_put_str(b, fields);
	ctl_end(r);
}

void
event_end(struct agent *a)
{
	const char *fields = buf_cstr(&a->events->b);
	struct follower *f, *next;
	int64_t now = clock_real();
	struct ctl_req r;
	uint64_t seq;

	seq = ring_add(a->events->ring, now, fields);
	for (f = TAILQ_FIRST(&a->events->followers); f != NULL; f = next) {
		next = TAILQ_NEXT(f, entry);
		if (ctl_again(a->ctl, f->who, &r) != 0)
			drop(a, f);
		else
			put_row(&r, seq, now, fields);
	}
	buf_reset(&a->events->b);
}

/* --- the present as events --- */

static void
put_now(struct agent *a, struct ctl_req *r, struct buf *b)
{
	line_put(b, "now", "1");
	put_row(r, ring_last(a->events->ring), clock_real(), buf_cstr(b));
	buf_reset(b);
}

static void
put_conf(struct agent *a, struct ctl_req *r, struct conf_in *c, struct buf *b)
{
	line_put(b, "event", "conf.new");
	line_put(b, "conf", c->uri);
	line_put(b, "media", c->media);
	line_put(b, "user", c->creator);
	put_now(a, r, b);
	line_put(b, "event", "conf.key");
	line_put(b, "conf", c->uri);
	line_putf(b, "key_gen", "%u", (unsigned)keyring_epoch(c->keys));
	put_now(a, r, b);
	roster_state(a, c->uri, c->roster, b, put_now, r);
	lobby_state(c, b, put_now, r);
}

static void
put_state(struct agent *a, struct ctl_req *r)
{
	struct buf b = BUF_INIT;
	const struct pal_entry *e;
	struct conf_in *c;
	size_t i;

	line_put(&b, "event", "session.up");
	line_put(&b, "user", a->uri);
	line_putf(&b, "until", "%lld", (long long)a->session.until);
	line_put(&b, "ring", ring_name(a->events->ring));
	put_now(a, r, &b);
	for (i = 0; a->presence.pal != NULL &&
	     (e = mirror_next(a->presence.pal, &i)) != NULL;) {
		line_put(&b, "event", "pal");
		line_put(&b, "entry", e->uri);
		presence_put(&b, e);
		put_now(a, r, &b);
	}
	watchers_state(a, &b, put_now, r);
	watched_state(a, &b, put_now, r);
	i = 0;
	while ((c = conf_next(a, &i)) != NULL)
		if (c->state == CONF_OPEN)
			put_conf(a, r, c, &b);
		else
			lobby_state(c, &b, put_now, r);
	invites_state(a, &b, put_now, r);
	buf_free(&b);
}

static void
put_gap(struct agent *a, struct ctl_req *r, uint64_t from, uint64_t to)
{
	struct buf b = BUF_INIT;

	line_put(&b, "event", "gap");
	line_put_u64(&b, "from", from);
	line_put_u64(&b, "to", to);
	put_row(r, ring_last(a->events->ring), clock_real(), buf_cstr(&b));
	buf_free(&b);
}

/* events [since=SEQ] [ring=] [state=1] [follow=0] [watch=NAME,...] */
void
events_follow(struct agent *a, struct ctl_req *r)
{
	if (!watched_begin(a, r))
		events_go(a, r);
}

void
events_go(struct agent *a, struct ctl_req *r)
{
	struct ring *ring = a->events->ring;
	const struct ring_event *e;
	uint64_t since, next, from, to, last = ring_last(ring);
	struct follower *f;
	int gap = 0, state;

	state = strcmp(line_get_or(r->line, "state", "0"), "1") == 0;
	next = last + 1;
	if (line_get_u64(r->line, "since", &since) == 0)
		gap = ring_since(ring, line_get(r->line, "ring"), since, &next,
		    &from, &to);
	if (gap)
		put_gap(a, r, from, to);
	if (gap || state)
		put_state(a, r);
	for (; next <= last; next++)
		if ((e = ring_get(ring, next)) != NULL)
			put_row(r, e->seq, e->time, e->fields);
	if (strcmp(line_get_or(r->line, "follow", "1"), "0") == 0) {
		ctl_ok(r);
		return;
	}
	f = agent_alloc(sizeof(*f));
	f->who = ctl_keep(r);
	TAILQ_INSERT_TAIL(&a->events->followers, f, entry);
}

void
events_peer_gone(struct agent *a, uint64_t peer)
{
	struct follower *f, *next;

	for (f = TAILQ_FIRST(&a->events->followers); f != NULL; f = next) {
		next = TAILQ_NEXT(f, entry);
		if (f->who.peer == peer)
			drop(a, f);
	}
}
