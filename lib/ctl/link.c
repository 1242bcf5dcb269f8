/*
 * Server links: for each other server at most one connection that takes
 * new calls, and those that lead to it or away from it.
 *
 *	           c1, c2, first record            newer one is up
 *	OPENING ------------------------> UP ----------------------> RETIRED
 *	   |                               |                            |
 *	   +-- refused, deadline ----------+-- lost, silent 15 s -------+
 *	                                   v                quiet 1 s or 10 s
 *	                                 OVER (freed at the end of the turn)
 *
 * Both ends may dial at once. While our dial is open we refuse the hello of
 * a higher number; and when a link is up our dial under no later epoch is
 * dropped. So both ends keep the same one. A hello that was only replayed
 * never gets past OPENING and displaces nothing.
 *
 * A retired link must be quiet for a second before it is closed: the end
 * that dialled learns of the new link half a round trip later than the
 * other, and may have put a call on the old one meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/line.h"

#include "ctl/link_priv.h"

#define BACKOFF_MIN 100
#define BACKOFF_MAX 5000
#define UP_LONG	    1000 /* ms after which a loss is redialled at once */
#define RETIRE_MAX  10000

const struct server *
other_server(const struct other *o)
{
	return servers_by_number(o->links->servers, o->number);
}

const char *
other_name(const struct other *o)
{
	const struct server *s = other_server(o);

	return s != NULL ? s->name : "?";
}

uint32_t
links_epoch(const struct links *k)
{
	if (k->def.plain || k->def.epochs == NULL)
		return 0;
	return epochs_current(k->def.epochs, clock_real());
}

/* --- the life of one connection --- */

void
links_bury(void *arg)
{
	struct links *k = arg;
	struct link *l;

	while ((l = TAILQ_FIRST(&k->dead)) != NULL) {
		TAILQ_REMOVE(&k->dead, l, entry);
		free(l);
	}
}

/* Is it ours to bring up a link, or one under the epoch in force? */
int
other_needs_dial(const struct other *o)
{
	if (o->links->freeing || o->dial != NULL)
		return 0;
	if (o->up == NULL)
		return o->wanted && !o->idle;
	return o->up->epoch < links_epoch(o->links) &&
	    (o->wanted || o->up->dialled);
}

void
other_redial_later(struct other *o)
{
	if (!other_needs_dial(o) || timer_is_set(&o->redial))
		return;
	timer_set(&o->redial, o->backoff);
	o->backoff = o->backoff == 0 ? BACKOFF_MIN : o->backoff * 2;
	if (o->backoff > BACKOFF_MAX)
		o->backoff = BACKOFF_MAX;
}

/*
 * The end of a connection, however it came. Its struct stays until the end
 * of the turn, since we may be inside one of its callbacks.
 */
void
link_over(struct link *l, int err)
{
	struct other *o = l->other;
	struct links *k = l->links;
	struct ctl_peer *peer = l->peer;
	int was_up = o->up == l;

	if (l->state == LINK_OVER)
		return;
	l->state = LINK_OVER;
	l->peer = NULL;
	timer_cancel(&l->timer);
	if (was_up)
		o->up = NULL;
	/* At once, but not for ever: it may drop us as soon as we are there. */
	if (was_up && loop_now(k->def.loop) - l->since >= UP_LONG)
		o->backoff = 0;
	if (o->dial == l)
		o->dial = NULL;
	TAILQ_REMOVE(&o->list, l, entry);
	if (peer != NULL)
		ctl_peer_close(peer);
	channel_free(l->channel);
	l->channel = NULL;
	TAILQ_INSERT_TAIL(&k->dead, l, entry);
	hook_arm(&k->bury);
	if (was_up && !k->freeing) {
		log_info("link.down", "server=%s reason=%s", other_name(o),
		    log_quote(err != 0 ? sec_strerror(err) : "closed"));
		if (k->def.down != NULL)
			k->def.down(k->def.ctx, o->number);
	}
	other_redial_later(o);
}

/* A retired link goes when nobody waits for anything on it. */
static void
on_retired(struct link *l)
{
	int64_t age = loop_now(l->links->def.loop) - l->since;

	if (age < RETIRE_MAX &&
	    (age < LINK_RETIRE_QUIET ||
		(l->peer != NULL && ctl_peer_busy(l->peer) > 0))) {
		timer_set(&l->timer, LINK_RETIRE_QUIET / 4);
		return;
	}
	link_over(l, 0);
}

static void
on_link_timer(void *arg)
{
	struct link *l = arg;

	if (l->state == LINK_RETIRED)
		on_retired(l);
	else if (l->state == LINK_OPENING)
		link_over(l, SEC_ERR_TIMEOUT);
}

static void
retire(struct link *l)
{
	l->state = LINK_RETIRED;
	l->since = loop_now(l->links->def.loop);
	timer_set(&l->timer, LINK_RETIRE_QUIET);
}

/* The only way into UP. */
static void
link_rise(struct link *l)
{
	struct other *o = l->other;
	struct links *k = l->links;
	struct link *old = o->up;
	const struct server *s;

	if (l->state != LINK_OPENING || (s = other_server(o)) == NULL)
		return;
	timer_cancel(&l->timer);
	l->state = LINK_UP;
	l->since = loop_now(k->def.loop);
	o->up = l;
	if (o->dial == l)
		o->dial = NULL;
	if (o->dial != NULL && o->dial->epoch <= l->epoch)
		link_over(o->dial, 0);
	timer_cancel(&o->redial);
	o->tries = 0;
	o->idle = 0;
	o->woken = 0;
	l->peer = ctl_peer_link(k->def.ctl, l->channel, o->number,
	    ctl_from_role(s->role));
	channel_deals(l->channel);
	channel_keepalive(l->channel, k->def.idle_ms, k->def.silence_ms, "\n",
	    1);
	log_info("link.up", "server=%s epoch=%u dialled=%d", s->name, l->epoch,
	    l->dialled);
	if (old != NULL) {
		retire(old);
		if (k->def.down != NULL)
			k->def.down(k->def.ctx, o->number);
	}
	if (o->up == l && k->def.up != NULL)
		k->def.up(k->def.ctx, o->number, l->peer);
}

/* --- channel callbacks --- */

static void
put_link_line(struct link *l)
{
	struct buf b = BUF_INIT;

	line_begin(&b, "link");
	line_put_u64(&b, "from", (uint64_t)l->links->def.own);
	line_put_u64(&b, "to", (uint64_t)l->other->number);
	line_end(&b);
	(void)channel_send(l->channel, buf_data(&b), buf_len(&b));
	buf_free(&b);
}

static void
on_up(void *arg)
{
	struct link *l = arg;

	if (channel_is_plain(l->channel))
		put_link_line(l);
	/* Who dials a plain link waits for the line in kind. */
	if (!channel_is_plain(l->channel) || !l->dialled)
		link_rise(l);
}

/* from= of a link line that is for us, or 0. */
int
link_line_from(const struct links *k, const uint8_t *p, size_t n)
{
	struct line line;
	uint64_t from = 0, to = 0;

	if (line_parse(&line, (const char *)p, n) != 0)
		return 0;
	if (strcmp(line.verb, "link") != 0 ||
	    line_get_u64(&line, "from", &from) != 0 ||
	    line_get_u64(&line, "to", &to) != 0 || to != (uint64_t)k->def.own ||
	    from > SERVERS_MAX)
		from = 0;
	line_free(&line);
	return (int)from;
}

/* The first line of a plain link that we have dialled: the answer. */
static void
on_plain_first(struct link *l, const uint8_t *p, size_t n)
{
	if (link_line_from(l->links, p, n) != l->other->number)
		link_over(l, SEC_ERR_FORMAT);
	else
		link_rise(l);
}

static void
on_message(void *arg, uint8_t *p, size_t n)
{
	struct link *l = arg;

	if (channel_is_plain(l->channel)) {
		if (n == 1)
			return; /* an empty line: it is alive */
		if (l->state == LINK_OPENING) {
			on_plain_first(l, p, n);
			return;
		}
	}
	if (l->peer != NULL)
		ctl_peer_input(l->peer, p, n);
}

static void
on_closed(void *arg, int err)
{
	struct link *l = arg;
	struct other *o = l->other;

	/* It does not hold that epoch: try another that we both may. */
	if (l->state == LINK_OPENING && l->dialled && err == SEC_ERR_SUBKEY)
		o->tries++;
	if (l->state == LINK_OPENING)
		log_debug("link.failed", "server=%s epoch=%u reason=%s",
		    other_name(o), l->epoch, log_quote(sec_strerror(err)));
	link_over(l, err);
}

const struct channel_ops link_ops = {
	.up = on_up,
	.message = on_message,
	.closed = on_closed,
};

/* A line with its LF. */
int
link_frame(const uint8_t *p, size_t n)
{
	const uint8_t *end = memchr(p, '\n', n);

	if (end != NULL)
		return (int)(end - p) + 1;
	return n > LINE_MAX_BYTES ? SEC_ERR_LIMIT : 0;
}

struct link *
link_new(struct other *o, int dialled, uint32_t epoch)
{
	struct link *l = mem_new(sizeof(*l));

	l->other = o;
	l->links = o->links;
	l->state = LINK_OPENING;
	l->dialled = dialled;
	l->epoch = epoch;
	l->since = loop_now(o->links->def.loop);
	timer_init(&l->timer, o->links->def.loop, on_link_timer, l);
	TAILQ_INSERT_TAIL(&o->list, l, entry);
	return l;
}

/* Never became a connection: nobody hears of its end. */
void
link_discard(struct link *l)
{
	timer_cancel(&l->timer);
	TAILQ_REMOVE(&l->other->list, l, entry);
	free(l);
}
