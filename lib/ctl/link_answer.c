/* Server links: whoever dials us is answered, or told no. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/hello.h"
#include "wire/handshake.h"
#include "wire/record.h"

#include "ctl/link_priv.h"

#define DIAL_YOUNG  2000 /* ms that our dial beats a higher number's */
#define OPENING_MAX 16 /* per server; replayed hellos end up here */

/* A stream that is told no. */
struct refused {
	struct stream *stream;
	struct timer timer;
};

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
	timer_set(&r->timer, LINK_RETIRE_QUIET);
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
		log_debug("link.crossed", "server=%s", other_name(o));
		stream_free(s);
		secret_free(base);
		return;
	}
	limit_opening(o);
	hello_id_server(&from, c1.by);
	hello_id_server(&to, c1.to);
	l = link_new(o, 0, c1.keyid);
	l->channel = channel_answer(k->def.loop, s, &from, &to,
	    (uint16_t)k->def.own, base, &link_ops, l, &err);
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

	n = link_frame(buf_data(in), buf_len(in));
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
	l->channel = channel_plain(k->def.loop, s, link_frame, &link_ops, l);
}

void
links_accept(struct links *k, struct stream *s)
{
	if (k->def.plain)
		accept_plain(k, s);
	else
		accept_sealed(k, s);
}
