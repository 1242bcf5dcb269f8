/*
 * Server i in Fig. 4: it answers server 1.
 *
 *   M1 --m1 good--> M3 --m3 stored--> END      any --bad--> END
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include "ctl/keygen_priv.h"

enum answer_state { ANSWER_M1, ANSWER_M3, ANSWER_END };

struct keygen_answer {
	enum answer_state state;
	struct loop *loop;
	struct stream *stream;
	struct timer timer;
	int own;
	const struct servers *servers;
	struct epochs *epochs;
	struct noise *noise;
	uint8_t hash[SHA512_SIZE];
	char check[KEYGEN_CHECK_LEN];
	uint32_t epoch;
	int err;
	keygen_done_h done;
	void *ctx;
};

static void answer_input(void *arg, struct buf *in);
static void answer_closed(void *arg, int err);

static const struct stream_ops answer_ops = {
	.input = answer_input,
	.closed = answer_closed,
};

/* Over: what is queued still goes out, then done(). */
static void
answer_end(struct keygen_answer *a, int err)
{
	a->state = ANSWER_END;
	a->err = err;
	stream_finish(a->stream);
}

static void
answer_refuse(struct keygen_answer *a, int err)
{
	uint8_t no[HELLO_NO];

	hello_no_encode(get_be32(a->hash), no);
	stream_put(a->stream, no, sizeof(no));
	answer_end(a, err);
}

static void
answer_put(struct keygen_answer *a, uint8_t kind, const void *body, size_t n)
{
	hs_noise_encode(stream_out(a->stream), kind, (uint16_t)a->own,
	    (uint16_t)keygen_leader(a->servers), body, n);
	stream_kick(a->stream);
}

static void
on_m1(struct keygen_answer *a, const struct hs_noise *m)
{
	uint8_t t[KEYGEN_M1_PAYLOAD], p[KEYGEN_M2_PAYLOAD];
	uint8_t body[KEYGEN_M2_PAYLOAD + NOISE_OVERHEAD];
	int64_t now = clock_real();
	int r, one = keygen_leader(a->servers);

	if (m->kind != HS_M1 ||
	    m->bodylen !=
		KEYGEN_HASH_SHOWN + KEYGEN_M1_PAYLOAD + NOISE_OVERHEAD) {
		answer_end(a, SEC_ERR_FORMAT);
		return;
	}
	if (!secret_memequal(m->body, a->hash, KEYGEN_HASH_SHOWN)) {
		answer_refuse(a, SEC_ERR_DATA);
		return;
	}
	if (m->from != one || m->to != a->own || a->own == one ||
	    (a->noise = keygen_noise(0, a->servers, a->epochs, a->own,
		 a->hash)) == NULL ||
	    noise_read(a->noise, m->body + KEYGEN_HASH_SHOWN,
		m->bodylen - KEYGEN_HASH_SHOWN, t) != 0) {
		answer_refuse(a, SEC_ERR_AUTH);
		return;
	}
	put_be64(p, (uint64_t)now);
	put_be32(p + 8, epochs_last(a->epochs));
	if ((r = noise_write(a->noise, p, sizeof(p), body)) != 0) {
		answer_refuse(a, r);
		return;
	}
	noise_check(a->noise, a->check);
	answer_put(a, HS_M2, body, sizeof(body));
	/* Our time is in m2, so both sides can name the clocks. */
	if (!keygen_time_allows(get_be64(t), now)) {
		answer_end(a, SEC_ERR_EXPIRED);
		return;
	}
	a->state = ANSWER_M3;
	timer_set(&a->timer, KEYGEN_ANSWER);
}

/* Open m3 and store what it deals. */
static int
take_deal(struct keygen_answer *a, const struct hs_noise *m)
{
	uint8_t pt[HS_DEAL_MAX + KEYGEN_TAG];
	struct hs_deal d;
	int r;

	if (m->kind != HS_M3 || m->bodylen < KEYGEN_TAG ||
	    m->bodylen > sizeof(pt))
		return SEC_ERR_FORMAT;
	if (m->from != keygen_leader(a->servers) || m->to != a->own)
		return SEC_ERR_AUTH;
	memset(&d, 0, sizeof(d));
	if ((r = noise_recv(a->noise, m->body, m->bodylen, pt)) == 0 &&
	    (r = hs_deal_decode(&d, pt, m->bodylen - KEYGEN_TAG)) == 0) {
		if (!keygen_time_allows((uint64_t)d.time, clock_real()))
			r = SEC_ERR_EXPIRED;
		else
			r = epochs_store(a->epochs, &d);
		a->epoch = d.epoch;
	}
	explicit_bzero(pt, sizeof(pt));
	explicit_bzero(&d, sizeof(d));
	return r;
}

static void
on_m3(struct keygen_answer *a, const struct hs_noise *m, const uint8_t *p,
    size_t n)
{
	uint8_t hash[HS_ACK_HASH], ack[HS_ACK], body[HS_ACK + KEYGEN_TAG];
	int r;

	if ((r = take_deal(a, m)) != 0) {
		answer_end(a, r);
		return;
	}
	keygen_m3_hash(p, n, hash);
	hs_ack_encode(a->epoch, hash, ack);
	noise_send(a->noise, ack, sizeof(ack), body);
	answer_put(a, HS_M4, body, sizeof(body));
	answer_end(a, 0);
}

static void
answer_input(void *arg, struct buf *in)
{
	struct keygen_answer *a = arg;
	struct hs_noise m;
	int size;

	while (a->state != ANSWER_END && buf_len(in) > 0) {
		size = hs_noise_size(buf_data(in), buf_len(in));
		if (size == 0)
			return;
		if (size < 0 ||
		    hs_noise_decode(&m, buf_data(in), (size_t)size) != 0) {
			answer_end(a, SEC_ERR_FORMAT);
			return;
		}
		if (a->state == ANSWER_M1)
			on_m1(a, &m);
		else
			on_m3(a, &m, buf_data(in), (size_t)size);
		if (a->state != ANSWER_END)
			buf_consume(in, (size_t)size);
	}
}

/* The last call into a: done() may free it. */
static void
answer_done(struct keygen_answer *a)
{
	stream_free(a->stream);
	a->stream = NULL;
	timer_cancel(&a->timer);
	a->done(a->ctx, keygen_leader(a->servers), a->err, a->check, a->epoch);
}

static void
answer_closed(void *arg, int err)
{
	struct keygen_answer *a = arg;

	if (a->state != ANSWER_END) {
		a->state = ANSWER_END;
		a->err = err != 0 ? err : SEC_ERR_CLOSED;
	}
	answer_done(a);
}

static void
answer_timeout(void *arg)
{
	struct keygen_answer *a = arg;

	if (a->state != ANSWER_END) {
		a->state = ANSWER_END;
		a->err = SEC_ERR_TIMEOUT;
	}
	answer_done(a);
}

struct keygen_answer *
keygen_answer_new(struct loop *l, struct stream *s, int own,
    const struct servers *servers, struct epochs *e, keygen_done_h done,
    void *ctx)
{
	struct keygen_answer *a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a handshake");
	a->loop = l;
	a->stream = s;
	a->own = own;
	a->servers = servers;
	a->epochs = e;
	a->done = done;
	a->ctx = ctx;
	keygen_hash(servers, a->hash);
	timer_init(&a->timer, l, answer_timeout, a);
	timer_set(&a->timer, KEYGEN_ANSWER);
	stream_set_limits(s, NOISE_MAX, NOISE_MAX);
	stream_set_ops(s, &answer_ops, a);
	return a;
}

void
keygen_answer_free(struct keygen_answer *a)
{
	if (a == NULL)
		return;
	timer_cancel(&a->timer);
	stream_free(a->stream);
	noise_free(a->noise);
	free(a);
}
