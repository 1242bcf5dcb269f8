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
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/hello.h"
#include "net/channel.h"
#include "wire/handshake.h"
#include "wire/line.h"
#include "wire/record.h"

#include "ctl/link.h"

#define IDLE_MS	     5000
#define SILENCE_MS   15000
#define WAKE_MS	     5000
#define BACKOFF_MIN  100
#define BACKOFF_MAX  5000
#define UP_LONG	     1000 /* ms after which a loss is redialled at once */
#define RETIRE_QUIET 1000
#define RETIRE_MAX   10000
#define DIAL_YOUNG   2000 /* ms that our dial beats a higher number's */
#define EPOCH_WAIT   300 /* ms the higher number leaves to the lower */
#define OPENING_MAX  16 /* per server; replayed hellos end up here */
#define CHANGE_MAX   3600000
#define EPOCHS_TRIED 8
#define RESOLVE_MS   60000 /* between look-ups of a name, which block */

enum link_state { LINK_OPENING, LINK_UP, LINK_RETIRED, LINK_OVER };

struct link {
	struct other *other;
	struct links *links;
	enum link_state state;
	int dialled;
	uint32_t epoch; /* 0: plain */
	int64_t since;
	struct channel *channel;
	struct ctl_peer *peer; /* while UP or RETIRED */
	struct timer timer; /* OPENING, plain: deadline; RETIRED: look */
	TAILQ_ENTRY(link) entry;
};
TAILQ_HEAD(link_list, link);

/* One other server. */
struct other {
	struct links *links;
	int number;
	int wanted;
	int idle; /* it left by --idle */
	int64_t woken; /* when it was dialled after that, 0: it was not */
	int64_t backoff; /* of the next redial, 0: at once */
	unsigned tries; /* refused for its epoch so often */
	struct timer redial;
	struct addr addr; /* of a host name, len 0: not known */
	int64_t resolved; /* when it was last looked up, 0: never */
	struct link *up;
	struct link *dial; /* ours, OPENING */
	struct link_list list;
};

struct links {
	struct links_def def;
	const struct servers *servers;
	struct other *other[SERVERS_MAX + 1];
	struct timer change; /* an epoch begins or ends */
	struct hook bury;
	struct link_list dead;
	int freeing;
};

/* A stream that is told no. */
struct refused {
	struct stream *stream;
	struct timer timer;
};

static void dial(struct other *o);

static const struct server *
server_of(const struct other *o)
{
	return servers_by_number(o->links->servers, o->number);
}

static const char *
name_of(const struct other *o)
{
	const struct server *s = server_of(o);

	return s != NULL ? s->name : "?";
}

static uint32_t
current_epoch(const struct links *k)
{
	if (k->def.plain || k->def.epochs == NULL)
		return 0;
	return epochs_current(k->def.epochs, clock_real());
}

/* --- the life of one connection --- */

static void
on_bury(void *arg)
{
	struct links *k = arg;
	struct link *l;

	while ((l = TAILQ_FIRST(&k->dead)) != NULL) {
		TAILQ_REMOVE(&k->dead, l, entry);
		free(l);
	}
}

/* Is it ours to bring up a link, or one under the epoch in force? */
static int
needs_dial(const struct other *o)
{
	if (o->links->freeing || o->dial != NULL)
		return 0;
	if (o->up == NULL)
		return o->wanted && !o->idle;
	return o->up->epoch < current_epoch(o->links) &&
	    (o->wanted || o->up->dialled);
}

static void
redial_later(struct other *o)
{
	if (!needs_dial(o) || timer_is_set(&o->redial))
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
static void
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
		log_info("link.down", "server=%s reason=%s", name_of(o),
		    log_quote(err != 0 ? sec_strerror(err) : "closed"));
		if (k->def.down != NULL)
			k->def.down(k->def.ctx, o->number);
	}
	redial_later(o);
}

/* A retired link goes when nobody waits for anything on it. */
static void
on_retired(struct link *l)
{
	int64_t age = loop_now(l->links->def.loop) - l->since;

	if (age < RETIRE_MAX &&
	    (age < RETIRE_QUIET ||
		(l->peer != NULL && ctl_peer_busy(l->peer) > 0))) {
		timer_set(&l->timer, RETIRE_QUIET / 4);
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
	timer_set(&l->timer, RETIRE_QUIET);
}

/* The only way into UP. */
static void
link_rise(struct link *l)
{
	struct other *o = l->other;
	struct links *k = l->links;
	struct link *old = o->up;
	const struct server *s;

	if (l->state != LINK_OPENING || (s = server_of(o)) == NULL)
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
static int
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
		    name_of(o), l->epoch, log_quote(sec_strerror(err)));
	link_over(l, err);
}

static const struct channel_ops channel_ops = {
	.up = on_up,
	.message = on_message,
	.closed = on_closed,
};

/* A line with its LF. */
static int
frame_line(const uint8_t *p, size_t n)
{
	const uint8_t *end = memchr(p, '\n', n);

	if (end != NULL)
		return (int)(end - p) + 1;
	return n > LINE_MAX_BYTES ? SEC_ERR_LIMIT : 0;
}

static struct link *
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
static void
link_discard(struct link *l)
{
	timer_cancel(&l->timer);
	TAILQ_REMOVE(&l->other->list, l, entry);
	free(l);
}

/* --- dialling --- */

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
	const struct server *s = server_of(o);
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
	l->channel = channel_dial_plain(o->links->def.loop, to, frame_line,
	    &channel_ops, l);
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
		log_debug("link.nokey", "server=%s epoch=%u", name_of(o),
		    h.keyid);
		o->tries++;
		redial_later(o);
		return;
	}
	h.base = base;
	l = link_new(o, 1, h.keyid);
	o->dial = l;
	l->channel = channel_dial(k->def.loop, to, &h, 0, &channel_ops, l);
	secret_free(base);
}

static void
dial(struct other *o)
{
	struct links *k = o->links;
	struct addr to;

	timer_cancel(&o->redial);
	if (o->dial != NULL || k->freeing)
		return;
	if (o->up != NULL && o->up->epoch >= current_epoch(k))
		return;
	if (!k->def.plain && k->def.epochs == NULL)
		return;
	if (address_of(o, &to) != 0) {
		redial_later(o);
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
	dial(arg);
}

static struct other *
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

static void on_change(void *arg);

static void
set_change_timer(struct links *k)
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
		if (needs_dial(o))
			dial(o);
		return;
	}
	if (!epochs_accepts(k->def.epochs, l->epoch, clock_real())) {
		link_over(l, SEC_ERR_EXPIRED);
		return;
	}
	if (!needs_dial(o))
		return;
	o->tries = 0;
	if (k->def.own < o->number)
		dial(o);
	else if (!timer_is_set(&o->redial))
		timer_set(&o->redial, EPOCH_WAIT);
}

static void
follow_epochs(struct links *k)
{
	int i;

	if (!k->def.plain && k->def.epochs != NULL)
		for (i = 1; i <= SERVERS_MAX; i++)
			if (k->other[i] != NULL)
				follow_epoch(k->other[i]);
	set_change_timer(k);
}

static void
on_change(void *arg)
{
	struct links *k = arg;

	epochs_prune(k->def.epochs, clock_real());
	follow_epochs(k);
}

/* --- answering --- */

static void
refused_free(struct refused *r)
{
	timer_cancel(&r->timer);
	stream_free(r->stream);
	free(r);
}

static void
on_refused_input(void *arg, struct buf *in)
{
	(void)arg;
	buf_reset(in);
}

static void
on_refused_closed(void *arg, int err)
{
	(void)err;
	refused_free(arg);
}

static void
on_refused_timer(void *arg)
{
	refused_free(arg);
}

static const struct stream_ops refused_ops = {
	.input = on_refused_input,
	.closed = on_refused_closed,
};

static void
refuse(struct links *k, struct stream *s, uint32_t keyid, const char *why)
{
	struct refused *r = mem_new(sizeof(*r));
	uint8_t no[HELLO_NO];
	char from[ADDR_STRLEN];

	log_noise(LOG_L_INFO, "link.refused", "from=%s epoch=%u reason=%s",
	    addr_format(stream_peer(s), from), keyid, log_quote(why));
	r->stream = s;
	timer_init(&r->timer, k->def.loop, on_refused_timer, r);
	timer_set(&r->timer, RETIRE_QUIET);
	hello_no_encode(keyid, no);
	stream_set_ops(s, &refused_ops, r);
	stream_put(s, no, sizeof(no));
	stream_finish(s);
}

/*
 * Our own dial is under way, and the lower number's counts. A plain link is
 * up for who accepts it at its first line, so one that crossed ours on the
 * way and was dropped there would still displace ours here.
 */
static int
is_ours(const struct other *o)
{
	int64_t now = loop_now(o->links->def.loop);

	if (o->number < o->links->def.own)
		return 0;
	if (o->dial != NULL && now - o->dial->since < DIAL_YOUNG)
		return 1;
	return o->links->def.plain && o->up != NULL && o->up->dialled &&
	    now - o->up->since < DIAL_YOUNG / 2;
}

/* Who is opening longest makes room. */
static void
limit_opening(struct other *o)
{
	struct link *l, *oldest = NULL;
	int n = 0;

	TAILQ_FOREACH(l, &o->list, entry) {
		if (l->state != LINK_OPENING || l->dialled)
			continue;
		if (oldest == NULL)
			oldest = l;
		n++;
	}
	if (n >= OPENING_MAX)
		link_over(oldest, SEC_ERR_LIMIT);
}

/* Base key for the hello, or NULL and why not. */
static struct secret *
base_for(const struct links *k, const struct hello_c1 *c1, const char **why)
{
	struct secret *base;

	*why = "not a server's hello to us";
	if (c1->tt != RECORD_SERVER || c1->to != k->def.own ||
	    c1->by == k->def.own || k->def.plain || k->def.epochs == NULL)
		return NULL;
	*why = "no such server";
	if (servers_by_number(k->servers, c1->by) == NULL)
		return NULL;
	*why = "no such epoch";
	if (!epochs_accepts(k->def.epochs, c1->keyid, clock_real()))
		return NULL;
	base = epochs_link_base(k->def.epochs, c1->keyid, k->def.own, c1->by);
	*why = "no key for this pair";
	return base;
}

static void
accept_sealed(struct links *k, struct stream *s)
{
	struct buf *in = stream_in(s);
	struct hello_id from, to;
	struct hello_c1 c1;
	struct secret *base;
	struct other *o;
	struct link *l;
	const char *why;
	int err = 0;

	if (buf_len(in) < HELLO_C1 || hello_c1_decode(&c1, buf_data(in)) != 0) {
		refuse(k, s, 0, "no hello");
		return;
	}
	if ((base = base_for(k, &c1, &why)) == NULL) {
		refuse(k, s, c1.keyid, why);
		return;
	}
	o = other_get(k, c1.by);
	if (is_ours(o)) {
		log_debug("link.crossed", "server=%s", name_of(o));
		stream_free(s);
		secret_free(base);
		return;
	}
	limit_opening(o);
	hello_id_server(&from, c1.by);
	hello_id_server(&to, c1.to);
	l = link_new(o, 0, c1.keyid);
	l->channel = channel_answer(k->def.loop, s, &from, &to,
	    (uint16_t)k->def.own, base, &channel_ops, l, &err);
	secret_free(base);
	if (l->channel == NULL) {
		link_discard(l);
		refuse(k, s, c1.keyid, sec_strerror(err));
	}
}

static void
accept_plain(struct links *k, struct stream *s)
{
	struct buf *in = stream_in(s);
	struct other *o = NULL;
	struct link *l;
	int n, from;

	n = frame_line(buf_data(in), buf_len(in));
	from = n > 0 ? link_line_from(k, buf_data(in), (size_t)n) : 0;
	if (from != 0 && servers_by_number(k->servers, from) != NULL)
		o = other_get(k, from);
	if (o == NULL || is_ours(o)) {
		log_noise(LOG_L_INFO, "link.refused", "server=%d reason=%s",
		    from, o == NULL ? "\"no link line to us\"" : "crossed");
		stream_free(s);
		return;
	}
	buf_consume(in, (size_t)n);
	l = link_new(o, 0, 0);
	timer_set(&l->timer, CHANNEL_DEADLINE);
	l->channel = channel_plain(k->def.loop, s, frame_line, &channel_ops, l);
}

void
links_accept(struct links *k, struct stream *s)
{
	if (k->def.plain)
		accept_plain(k, s);
	else
		accept_sealed(k, s);
}

/* --- everything else --- */

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
	hook_init(&k->bury, d->loop, on_bury, k);
	timer_init(&k->change, d->loop, on_change, k);
	ctl_add_verbs(d->ctl, link_verbs, k);
	ctl_on_gone(d->ctl, on_gone, k);
	set_change_timer(k);
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
	on_bury(k);
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
		dial(o);
}

struct ctl_peer *
links_peer(struct links *k, int number)
{
	struct other *o;

	if ((o = other_get(k, number)) == NULL)
		return NULL;
	if (o->up == NULL)
		redial_later(o);
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
		dial(o);
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
		if (server_of(o) == NULL) {
			drop_all(o);
			continue;
		}
		o->backoff = 0;
		o->tries = 0;
		o->resolved = 0;
		if (o->up == NULL && needs_dial(o))
			dial(o);
	}
	follow_epochs(k);
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
