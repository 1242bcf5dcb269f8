/*
 * A connection of whole messages (SECURITY.md 3.3).
 *
 *	opening side                          answering side
 *	DIALING  -- c1 ------------------->   (the door looks the key up)
 *	HELLO    <------------------- c2 --   FIRST
 *	FIRST    -- empty record ---------->  UP
 *	UP       <--------- empty record --
 *
 *	DIALING --connected--> HELLO --c2--> FIRST --record opens--> UP
 *	   |  plain: up at once  |             |                      |
 *	   +---------------------+-- any failure, deadline -----------+--> OVER
 *
 * Every end goes through the hook at the end of the turn, so that closed()
 * is never called from inside the owner's own channel_send().
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sock.h"

#include "net/channel.h"

#define IN_MAX	 (RECORD_HEAD + RECORD_MAX + RECORD_TAG)
#define IN_PLAIN (RECORD_MAX + 16384)
#define IN_HELLO 1024 /* before the peer has proved anything */
#define PING_MAX 16

enum channel_state { DIALING, HELLO, FIRST, UP, OVER };

/* What each message needs stands first: with a thousand connections every
 * line of the cache that one touches counts. */
struct channel {
	struct loop *loop;
	struct stream *stream; /* NULL when OVER */
	const struct channel_ops *ops;
	void *arg;
	struct seal *tx;
	struct seal *rx;
	enum channel_state state;
	int plain;
	int busy; /* our frames on the stack */
	int freed;
	int err; /* what closed() will say */
	int told;
	int64_t offset;
	int64_t last_in;
	int64_t last_out;
	int64_t idle_ms;
	int64_t silence_ms;
	channel_frame_h frame;
	struct timer deadline;
	struct timer alive;
	struct hook hook;
	uint8_t ping[PING_MAX];
	size_t pinglen;
	struct addr peer;
	int opener;
	struct secret *base;
	struct hello hello;
};

static void on_open(void *arg);
static void on_input(void *arg, struct buf *in);
static void on_closed(void *arg, int err);

static const struct stream_ops stream_ops = {
	.open = on_open,
	.input = on_input,
	.closed = on_closed,
};

/* Callbacks may free the channel; its memory stays until we are out. */

static void
enter(struct channel *c)
{
	c->busy++;
}

static void
leave(struct channel *c)
{
	if (--c->busy == 0 && c->freed)
		free(c);
}

static int64_t
channel_clock(const struct channel *c)
{
	return clock_real() + c->offset;
}

/* Keys go as soon as they have served, not when the owner gets to it. */
static void
shut(struct channel *c)
{
	timer_cancel(&c->deadline);
	timer_cancel(&c->alive);
	stream_free(c->stream);
	c->stream = NULL;
	seal_free(c->tx);
	seal_free(c->rx);
	c->tx = c->rx = NULL;
	secret_free(c->base);
	c->base = NULL;
}

static void
fail(struct channel *c, int err)
{
	if (c->state == OVER)
		return;
	c->state = OVER;
	c->err = err;
	shut(c);
	hook_arm(&c->hook);
}

static void
on_deadline(void *arg)
{
	fail(arg, SEC_ERR_TIMEOUT);
}

static void
set_alive_timer(struct channel *c)
{
	int64_t at = INT64_MAX;

	if (c->state != UP)
		return;
	if (c->idle_ms > 0)
		at = c->last_out + c->idle_ms;
	if (c->silence_ms > 0 && c->last_in + c->silence_ms < at)
		at = c->last_in + c->silence_ms;
	if (at == INT64_MAX)
		timer_cancel(&c->alive);
	else
		timer_set(&c->alive, at - clock_mono());
}

static void
put_record(struct channel *c, const void *p, size_t n)
{
	int r;

	r = seal_put(c->tx, stream_out(c->stream), p, n, channel_clock(c));
	if (r != 0) {
		fail(c, r);
		return;
	}
	stream_kick(c->stream);
	c->last_out = loop_now(c->loop);
}

static void
on_alive(void *arg)
{
	struct channel *c = arg;
	int64_t now = clock_mono();

	if (c->silence_ms > 0 && now - c->last_in >= c->silence_ms) {
		fail(c, SEC_ERR_TIMEOUT);
		return;
	}
	if (c->idle_ms > 0 && now - c->last_out >= c->idle_ms) {
		if (!c->plain)
			put_record(c, NULL, 0);
		else if (c->pinglen > 0)
			stream_put(c->stream, c->ping, c->pinglen);
		c->last_out = now;
	}
	set_alive_timer(c);
}

/* The only way into UP. The owner may free the channel in up(). */
static void
channel_rise(struct channel *c)
{
	if (c->state == UP || c->state == OVER)
		return;
	c->state = UP;
	timer_cancel(&c->deadline);
	secret_free(c->base);
	c->base = NULL;
	c->last_in = c->last_out = clock_mono();
	if (!c->plain) {
		stream_set_limits(c->stream, IN_MAX, CHANNEL_UNSENT);
		if (!c->opener)
			put_record(c, NULL, 0);
	}
	set_alive_timer(c);
	if (c->state == UP && !c->freed && c->ops->up != NULL)
		c->ops->up(c->arg);
}

static void
on_hook(void *arg)
{
	struct channel *c = arg;

	enter(c);
	if (c->plain && c->state == HELLO)
		channel_rise(c);
	if (!c->freed && c->state == OVER && !c->told) {
		c->told = 1;
		c->ops->closed(c->arg, c->err);
	}
	leave(c);
}

static struct channel *
channel_alloc(struct loop *l, const struct channel_ops *ops, void *arg)
{
	struct channel *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a connection");
	c->loop = l;
	c->ops = ops;
	c->arg = arg;
	timer_init(&c->deadline, l, on_deadline, c);
	timer_init(&c->alive, l, on_alive, c);
	hook_init(&c->hook, l, on_hook, c);
	timer_set(&c->deadline, CHANNEL_DEADLINE);
	return c;
}

static struct channel *
dial(struct loop *l, const struct addr *to, size_t max_in,
    const struct channel_ops *ops, void *arg)
{
	struct channel *c = channel_alloc(l, ops, arg);

	c->opener = 1;
	c->state = DIALING;
	c->peer = *to;
	c->stream = stream_dial(l, to, max_in, CHANNEL_UNSENT, &stream_ops, c);
	return c;
}

struct channel *
channel_dial(struct loop *l, const struct addr *to, const struct hello *h,
    int64_t offset, const struct channel_ops *ops, void *arg)
{
	struct channel *c = dial(l, to, IN_HELLO, ops, arg);

	c->hello = *h;
	c->base = secret_dup(h->base);
	c->hello.base = c->base;
	c->offset = offset;
	return c;
}

struct channel *
channel_dial_plain(struct loop *l, const struct addr *to, channel_frame_h frame,
    const struct channel_ops *ops, void *arg)
{
	struct channel *c = dial(l, to, IN_PLAIN, ops, arg);

	c->plain = 1;
	c->frame = frame;
	return c;
}

struct channel *
channel_answer(struct loop *l, struct stream *s, const struct hello_id *from,
    const struct hello_id *to, uint16_t own_number, const struct secret *base,
    const struct channel_ops *ops, void *arg, int *err)
{
	struct seal *tx, *rx;
	uint8_t c2[HELLO_C2];
	struct channel *c;
	struct buf *in;
	int r;

	in = stream_in(s);
	if (buf_len(in) < HELLO_C1)
		r = SEC_ERR_FORMAT;
	else
		r = hello_answer(buf_data(in), from, to, own_number, base,
		    clock_real(), c2, &tx, &rx);
	if (r != 0) {
		*err = r;
		return NULL;
	}
	c = channel_alloc(l, ops, arg);
	c->state = FIRST;
	c->peer = *stream_peer(s);
	c->tx = tx;
	c->rx = rx;
	c->stream = s;
	buf_consume(in, HELLO_C1);
	stream_set_limits(s, IN_HELLO, CHANNEL_UNSENT);
	stream_set_ops(s, &stream_ops, c);
	stream_put(s, c2, sizeof(c2));
	return c;
}

struct channel *
channel_plain(struct loop *l, struct stream *s, channel_frame_h frame,
    const struct channel_ops *ops, void *arg)
{
	struct channel *c = channel_alloc(l, ops, arg);

	c->plain = 1;
	c->frame = frame;
	c->state = HELLO;
	c->peer = *stream_peer(s);
	c->stream = s;
	stream_set_limits(s, IN_PLAIN, CHANNEL_UNSENT);
	stream_set_ops(s, &stream_ops, c);
	hook_arm(&c->hook);
	return c;
}

void
channel_free(struct channel *c)
{
	if (c == NULL || c->freed)
		return;
	c->state = OVER;
	shut(c);
	hook_cancel(&c->hook);
	c->freed = 1;
	enter(c);
	leave(c);
}

static void
on_open(void *arg)
{
	struct channel *c = arg;
	uint8_t c1[HELLO_C1];

	if (c->state != DIALING)
		return;
	enter(c);
	c->state = HELLO;
	if (c->plain)
		channel_rise(c);
	else {
		hello_start(&c->hello, channel_clock(c), c1);
		stream_put(c->stream, c1, sizeof(c1));
	}
	leave(c);
}

static void
on_closed(void *arg, int err)
{
	struct channel *c = arg;

	enter(c);
	fail(c, err);
	leave(c);
}

/* What the answering side says to c1: c2 or a refusal. Returns the bytes
 * used, 0 if more are needed, or an error. */
static int
read_hello(struct channel *c, uint8_t *p, size_t n)
{
	uint32_t keyid;
	int r;

	if (p[0] != RECORD_MAGIC)
		return SEC_ERR_FORMAT;
	if (n < 3)
		return 0;
	if (p[2] == HS_NO) {
		if (n < HELLO_NO)
			return 0;
		return hello_no_decode(&keyid, p) == 0 ? SEC_ERR_SUBKEY :
							 SEC_ERR_FORMAT;
	}
	if (n < HELLO_C2)
		return 0;
	r = hello_finish(&c->hello, p, channel_clock(c), &c->tx, &c->rx);
	if (r != 0)
		return r;
	c->state = FIRST;
	put_record(c, NULL, 0);
	return HELLO_C2;
}

static int
read_record(struct channel *c, uint8_t *p, size_t n)
{
	size_t len;
	int size, r;

	if ((size = seal_size(p, n)) <= 0)
		return size;
	r = seal_get(c->rx, p, (size_t)size, channel_clock(c), &len);
	if (r != 0)
		return r;
	c->last_in = loop_now(c->loop);
	channel_rise(c);
	if (len > 0 && c->state == UP)
		c->ops->message(c->arg, p + RECORD_HEAD, len);
	/* What was sealed may be keys, and input buffers live long. */
	explicit_bzero(p + RECORD_HEAD, len);
	return size;
}

static int
read_plain(struct channel *c, uint8_t *p, size_t n)
{
	int size;

	channel_rise(c);
	if (c->state != UP || (size = c->frame(p, n)) == 0)
		return 0;
	if (size < 0 || (size_t)size > n)
		return size < 0 ? size : SEC_ERR_FORMAT;
	c->last_in = loop_now(c->loop);
	c->ops->message(c->arg, p, (size_t)size);
	return size;
}

static int
read_one(struct channel *c, uint8_t *p, size_t n)
{
	if (c->plain)
		return read_plain(c, p, n);
	if (c->state == HELLO)
		return read_hello(c, p, n);
	return read_record(c, p, n);
}

static void
on_input(void *arg, struct buf *in)
{
	struct channel *c = arg;
	int r;

	/* The buffer is the stream's, which outlives us in here. */
	enter(c);
	while (c->state != OVER && buf_len(in) > 0) {
		if ((r = read_one(c, buf_data(in), buf_len(in))) == 0)
			break;
		if (r < 0)
			fail(c, r);
		else if (c->state != OVER)
			buf_consume(in, (size_t)r);
	}
	leave(c);
}

int
channel_send(struct channel *c, const void *p, size_t n)
{
	if (c->state != UP)
		return SEC_ERR_CLOSED;
	if (n > RECORD_MAX)
		return SEC_ERR_LIMIT;
	if (!c->plain)
		put_record(c, p, n);
	else {
		stream_put(c->stream, p, n);
		c->last_out = loop_now(c->loop);
	}
	return c->state == UP ? 0 : c->err;
}

void
channel_finish(struct channel *c)
{
	if (c->state == OVER)
		return;
	stream_finish(c->stream);
	/* The peer need not read. */
	if (!timer_is_set(&c->deadline))
		timer_set(&c->deadline, CHANNEL_DEADLINE);
}

void
channel_keepalive(struct channel *c, int64_t idle_ms, int64_t silence_ms,
    const void *ping, size_t pinglen)
{
	c->idle_ms = idle_ms;
	c->silence_ms = silence_ms;
	c->pinglen = pinglen <= PING_MAX ? pinglen : 0;
	if (c->pinglen > 0)
		memcpy(c->ping, ping, c->pinglen);
	set_alive_timer(c);
}

void
channel_deals(struct channel *c)
{
	stream_set_limits(c->stream, c->plain ? IN_PLAIN : IN_MAX,
	    CHANNEL_DEAL);
}

int
channel_is_up(const struct channel *c)
{
	return c->state == UP;
}

int
channel_is_plain(const struct channel *c)
{
	return c->plain;
}

int
channel_is_dialled(const struct channel *c)
{
	return c->opener;
}

size_t
channel_unsent(const struct channel *c)
{
	return c->stream != NULL ? stream_unsent(c->stream) : 0;
}

const struct addr *
channel_peer(const struct channel *c)
{
	return &c->peer;
}

void
channel_local(const struct channel *c, struct addr *out)
{
	memset(out, 0, sizeof(*out));
	if (c->stream != NULL)
		(void)sock_local(stream_fd(c->stream), out);
}
