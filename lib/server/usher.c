/*
 * Hands a connection whose first message is complete to whom it belongs:
 * sealed or plain SIP, the links, a key exchange.
 */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "server/guest.h"

#define PARK_MS 500

static const char *
whence(const struct guest *g)
{
	static char text[ADDR_STRLEN];

	return addr_format(&g->from, text);
}

/* --- the guest stands between its channel and the SIP stack --- */

static void
on_up(void *arg)
{
	struct guest *g = arg;

	sip_channel_ops.up(g->conn);
}

static void
on_message(void *arg, uint8_t *p, size_t n)
{
	struct guest *g = arg;

	/* One REGISTER per connection: the rate limit counts connections. */
	if (g->once && g->seen > 0)
		return;
	g->seen++;
	sip_channel_ops.message(g->conn, p, n);
}

static void
on_closed(void *arg, int err)
{
	struct guest *g = arg;

	sip_channel_ops.closed(g->conn, err);
}

static const struct channel_ops talk_ops = { on_up, on_message, on_closed };

static void
talk(struct guest *g, const struct sip_peer *peer, struct channel *ch)
{
	if (g->state == GUEST_PARKED)
		guest_park(g, 0);
	g->state = GUEST_TALKING;
	g->stream = NULL;
	g->conn = sip_conn_new(g->s->sip, peer);
	g->conn_id = sip_conn_id(g->conn);
	(void)map_put_u64(g->s->state->talking, g->conn_id, g);
	sip_conn_attach(g->conn, ch);
}

/* --- a client's hello --- */

void
usher_refuse(struct guest *g)
{
	uint8_t no[HELLO_NO];
	struct hello_c1 c1;

	if (hello_c1_decode(&c1, buf_data(stream_in(g->stream))) != 0) {
		guest_free(g);
		return;
	}
	log_noise(LOG_L_INFO, "door.refused", "from=%s by=%u keyid=%08x",
	    whence(g), c1.by, c1.keyid);
	hello_no_encode(c1.keyid, no);
	stream_put(g->stream, no, sizeof(no));
	guest_leave(g);
}

static void
answer_hello(struct guest *g, const struct hello_key *k)
{
	struct channel *ch;
	int r = 0;

	ch = channel_answer(g->s->loop, g->stream, &k->from, &k->to,
	    g->s->self->number, k->base, &talk_ops, g, &r);
	if (ch == NULL) {
		log_noise(LOG_L_WARN, "door.hello",
		    "from=%s keyid=%08x reason=%s", whence(g), k->peer.keyid,
		    log_quote(sec_strerror(r)));
		usher_refuse(g);
		return;
	}
	/* The channel has its own deadline until it counts. */
	timer_cancel(&g->deadline);
	talk(g, &k->peer, ch);
}

/* Ask the daemon for the key; 0 if the guest is served or gone. */
static int
try_hello(struct guest *g)
{
	struct service *s = g->s;
	struct hello_key k;
	struct hello_c1 c1;
	int r = SEC_ERR_SUBKEY;

	memset(&k, 0, sizeof(k));
	if (hello_c1_decode(&c1, buf_data(stream_in(g->stream))) != 0) {
		guest_free(g);
		return 0;
	}
	if (s->def->hello_key != NULL && c1.to == s->self->number)
		r = s->def->hello_key(s, &c1, &k);
	if (r == SEC_ERR_NOTHING)
		return r;
	if (r == 0)
		answer_hello(g, &k);
	else
		usher_refuse(g);
	explicit_bzero(&k, sizeof(k));
	return 0;
}

void
usher_retry(struct guest *g)
{
	(void)try_hello(g);
}

static void
client(struct guest *g)
{
	if (try_hello(g) == 0)
		return;
	g->state = GUEST_PARKED;
	guest_park(g, 1);
	timer_set(&g->deadline, PARK_MS);
}

/* --- servers --- */

static void
server(struct guest *g)
{
	struct stream *st = g->stream;
	struct service *s = g->s;

	g->stream = NULL;
	guest_free(g);
	links_accept(s->links, st);
}

static void
on_dealt(void *ctx, int number, int err, const char *check, uint32_t epoch)
{
	struct guest *g = ctx;
	struct service *s = g->s;
	char why[400];

	if (err == 0) {
		log_info("keys.epoch", "epoch=%u by=%d check=%s", epoch, number,
		    log_quote(check != NULL ? check : ""));
		if (epochs_reload(s->epochs, why, sizeof(why)) != 0)
			log_error("keys.read", "reason=%s", log_quote(why));
		if (s->links != NULL)
			links_reload(s->links, &s->servers);
	} else
		log_noise(LOG_L_WARN, "keys.refused",
		    "from=%s server=%d reason=%s", whence(g), number,
		    log_quote(sec_strerror(err)));
	guest_free(g);
}

static void
noise(struct guest *g)
{
	struct service *s = g->s;
	struct stream *st = g->stream;

	if (s->epochs == NULL ||
	    limits_noise(s->state->limits, &g->from, loop_now(s->loop)) != 0) {
		guest_free(g);
		return;
	}
	g->state = GUEST_DEALING;
	g->stream = NULL;
	timer_cancel(&g->deadline);
	g->answer = keygen_answer_new(s->loop, st, s->self->number, &s->servers,
	    s->epochs, on_dealt, g);
}

/* --- unsealed SIP --- */

static void
turn_away(struct guest *g, size_t size, int status, int retry_after)
{
	struct buf *in = stream_in(g->stream);

	knock_answer(stream_out(g->stream), buf_data(in), size, status,
	    retry_after);
	stream_kick(g->stream);
	guest_leave(g);
}

static void
enroll(struct guest *g, size_t size)
{
	struct service *s = g->s;
	struct sip_peer peer;

	if (limits_register(s->state->limits, &g->from, s->conf.register_rate,
		loop_now(s->loop)) != 0) {
		log_noise(LOG_L_WARN, "door.rate", "from=%s", whence(g));
		turn_away(g, size, 503, 1);
		return;
	}
	memset(&peer, 0, sizeof(peer));
	/* Without a ticket inside, the stack lets it pass in plain mode only.
	 */
	peer.proof = s->conf.plain ? NEED_TICKET : NEED_NOTHING;
	g->once = 1;
	talk(g, &peer,
	    channel_plain(s->loop, g->stream, sip_frame_stranger, &talk_ops,
		g));
}

static void
plain(struct guest *g, size_t size)
{
	struct service *s = g->s;
	struct buf *in = stream_in(g->stream);
	struct sip_peer peer;
	struct sip_msg *m;
	int r;

	if (sip_msg_parse(&m, buf_data(in), size, 1) != 0) {
		turn_away(g, size, 400, -1);
		return;
	}
	memset(&peer, 0, sizeof(peer));
	r = SEC_ERR_DENIED;
	if (m->status == 0 && s->def->plain_peer != NULL)
		r = s->def->plain_peer(s, m, &peer);
	sip_msg_free(m);
	if (r != 0) {
		turn_away(g, size, sec_err_sip(r), -1);
		return;
	}
	talk(g, &peer,
	    channel_plain(s->loop, g->stream, sip_frame, &talk_ops, g));
}

void
usher_look(struct guest *g)
{
	struct buf *in = stream_in(g->stream);
	const int is_plain = g->s->conf.plain;
	size_t size = 0;

	/* Keep-alives of foreign SIP tools. */
	while (is_plain && buf_len(in) > 0 &&
	    (*buf_data(in) == '\r' || *buf_data(in) == '\n'))
		buf_consume(in, 1);
	switch (knock_look(buf_data(in), buf_len(in), is_plain,
	    g->s->def->takes_register, &size)) {
	case KNOCK_MORE: break;
	case KNOCK_CLIENT: client(g); break;
	case KNOCK_SERVER:
	case KNOCK_LINK: server(g); break;
	case KNOCK_NOISE: noise(g); break;
	case KNOCK_REGISTER: enroll(g, size); break;
	case KNOCK_SIP: plain(g, size); break;
	case KNOCK_NO:
		log_debug("door.no", "from=%s", whence(g));
		guest_free(g);
		break;
	}
}
