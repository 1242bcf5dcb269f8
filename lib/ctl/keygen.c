/*
 * Fig. 4 of the seed on streams: server 1 (keygen_lead) with every other
 * server (keygen_answer). The ladder stands in the header.
 *
 *   answer   M1 --m1 good--> M3 --m3 stored--> END      any --bad--> END
 *   lead     each server: M2 -> READY -> M4 -> DONE     any --bad--> DONE
 *            together: phase 1 until nobody is in M2, phase 2 until nobody
 *            is in M4; phase 2 only if all are READY
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/noise.h"
#include "wire/handshake.h"

#include "ctl/keygen.h"

#define PROLOGUE   (11 + 2 + 2 + SHA512_SIZE)
#define HASH_SHOWN 8
#define M1_PAYLOAD 8
#define M2_PAYLOAD 12
#define TAG	   16
#define CHECK_LEN  15

static const uint8_t *
servers_hash(const struct servers *s, uint8_t out[SHA512_SIZE])
{
	struct buf b = BUF_INIT;

	servers_canonical(s, &b);
	sha512(buf_data(&b), buf_len(&b), out);
	buf_free(&b);
	return out;
}

static int
leader_of(const struct servers *s)
{
	return s->n > 0 ? s->server[0].number : 0;
}

static struct noise *
noise_between(int initiator, const struct servers *s, const struct epochs *e,
    int i, const uint8_t hash[SHA512_SIZE])
{
	const struct server *peer;
	uint8_t prologue[PROLOGUE];
	int one = leader_of(s);

	peer = servers_by_number(s, initiator ? i : one);
	if (peer == NULL)
		return NULL;
	memcpy(prologue, "SEC1 keygen", 11);
	put_be16(prologue + 11, (uint16_t)one);
	put_be16(prologue + 13, (uint16_t)i);
	memcpy(prologue + 15, hash, SHA512_SIZE);
	return noise_new(initiator, epochs_identity(e), peer->pub,
	    epochs_psk(e, peer->number), prologue, sizeof(prologue), NULL);
}

static int
time_allows(uint64_t t, int64_t now)
{
	uint64_t n = (uint64_t)now;

	return (t > n ? t - n : n - t) <= KEYGEN_SKEW;
}

/* First half of the SHA-512 of a whole m3. */
static void
m3_hash(const uint8_t *p, size_t n, uint8_t out[HS_ACK_HASH])
{
	uint8_t full[SHA512_SIZE];

	sha512(p, n, full);
	memcpy(out, full, HS_ACK_HASH);
}

/* --- server i --- */

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
	char check[CHECK_LEN];
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
	    (uint16_t)leader_of(a->servers), body, n);
	stream_kick(a->stream);
}

static void
on_m1(struct keygen_answer *a, const struct hs_noise *m)
{
	uint8_t t[M1_PAYLOAD], p[M2_PAYLOAD];
	uint8_t body[M2_PAYLOAD + NOISE_OVERHEAD];
	int64_t now = clock_real();
	int r, one = leader_of(a->servers);

	if (m->kind != HS_M1 ||
	    m->bodylen != HASH_SHOWN + M1_PAYLOAD + NOISE_OVERHEAD) {
		answer_end(a, SEC_ERR_FORMAT);
		return;
	}
	if (!secret_memequal(m->body, a->hash, HASH_SHOWN)) {
		answer_refuse(a, SEC_ERR_DATA);
		return;
	}
	if (m->from != one || m->to != a->own || a->own == one ||
	    (a->noise = noise_between(0, a->servers, a->epochs, a->own,
		 a->hash)) == NULL ||
	    noise_read(a->noise, m->body + HASH_SHOWN, m->bodylen - HASH_SHOWN,
		t) != 0) {
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
	if (!time_allows(get_be64(t), now)) {
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
	uint8_t pt[HS_DEAL_MAX + TAG];
	struct hs_deal d;
	int r;

	if (m->kind != HS_M3 || m->bodylen < TAG || m->bodylen > sizeof(pt))
		return SEC_ERR_FORMAT;
	if (m->from != leader_of(a->servers) || m->to != a->own)
		return SEC_ERR_AUTH;
	memset(&d, 0, sizeof(d));
	if ((r = noise_recv(a->noise, m->body, m->bodylen, pt)) == 0 &&
	    (r = hs_deal_decode(&d, pt, m->bodylen - TAG)) == 0) {
		if (!time_allows((uint64_t)d.time, clock_real()))
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
	uint8_t hash[HS_ACK_HASH], ack[HS_ACK], body[HS_ACK + TAG];
	int r;

	if ((r = take_deal(a, m)) != 0) {
		answer_end(a, r);
		return;
	}
	m3_hash(p, n, hash);
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
	a->done(a->ctx, leader_of(a->servers), a->err, a->check, a->epoch);
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
	servers_hash(servers, a->hash);
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

/* --- server 1 --- */

enum led_state { LED_M2, LED_READY, LED_M4, LED_DONE };

/* One server being led. */
struct led {
	struct keygen_lead *lead;
	enum led_state state;
	int number;
	int err;
	struct stream *stream;
	struct noise *noise;
	uint32_t last_epoch;
	uint8_t m3hash[HS_ACK_HASH];
	char check[CHECK_LEN];
};

struct keygen_lead {
	struct loop *loop;
	struct keygen_lead_def def;
	uint8_t hash[SHA512_SIZE];
	struct timer timer;
	struct hook hook;
	int phase;
	int err; /* the first */
	uint32_t epoch;
	size_t n;
	struct led led[SERVERS_MAX];
};

static void led_input(void *arg, struct buf *in);
static void led_closed(void *arg, int err);

static const struct stream_ops led_ops = {
	.input = led_input,
	.closed = led_closed,
};

static void
led_end(struct led *s, int err)
{
	if (s->state == LED_DONE)
		return;
	s->state = LED_DONE;
	s->err = err;
	if (err != 0 && s->lead->err == 0)
		s->lead->err = err;
	stream_free(s->stream);
	s->stream = NULL;
	hook_arm(&s->lead->hook);
}

static void
led_put(struct led *s, uint8_t kind, const void *body, size_t n)
{
	hs_noise_encode(stream_out(s->stream), kind,
	    (uint16_t)leader_of(s->lead->def.servers), (uint16_t)s->number,
	    body, n);
	stream_kick(s->stream);
}

static int
put_m1(struct led *s)
{
	uint8_t t[M1_PAYLOAD], body[HASH_SHOWN + M1_PAYLOAD + NOISE_OVERHEAD];
	int r;

	put_be64(t, (uint64_t)clock_real());
	memcpy(body, s->lead->hash, HASH_SHOWN);
	if ((r = noise_write(s->noise, t, sizeof(t), body + HASH_SHOWN)) == 0)
		led_put(s, HS_M1, body, sizeof(body));
	return r;
}

/* Step 43: the joint key, sealed and time-stamped (S079). */
static int
put_m3(struct led *s)
{
	const struct keygen_lead_def *def = &s->lead->def;
	uint8_t body[HS_DEAL_MAX + TAG];
	struct buf *out = stream_out(s->stream), pt = BUF_INIT;
	struct hs_deal d;
	int64_t now = clock_real();
	size_t before;
	int r;

	if ((r = epochs_deal(def->epochs, def->servers, s->number,
		 s->lead->epoch, now, &d)) != 0)
		return r;
	/* Who has nothing yet cannot wait for the others' switch. */
	if (s->last_epoch == 0 && d.not_before > now)
		d.not_before = now;
	hs_deal_encode(&pt, &d);
	explicit_bzero(&d, sizeof(d));
	if ((r = buf_error(&pt)) == 0) {
		noise_send(s->noise, buf_data(&pt), buf_len(&pt), body);
		before = buf_len(out);
		hs_noise_encode(out, HS_M3, (uint16_t)leader_of(def->servers),
		    (uint16_t)s->number, body, buf_len(&pt) + TAG);
		m3_hash(buf_data(out) + before, buf_len(out) - before,
		    s->m3hash);
		stream_kick(s->stream);
	}
	buf_free(&pt);
	return r;
}

static int
on_m2(struct led *s, const struct hs_noise *m)
{
	uint8_t p[M2_PAYLOAD];
	int r;

	if (m->kind != HS_M2 || m->bodylen != sizeof(p) + NOISE_OVERHEAD)
		return SEC_ERR_FORMAT;
	if (m->from != s->number || m->to != leader_of(s->lead->def.servers))
		return SEC_ERR_AUTH;
	if ((r = noise_read(s->noise, m->body, m->bodylen, p)) != 0)
		return r;
	if (!time_allows(get_be64(p), clock_real()))
		return SEC_ERR_EXPIRED;
	s->last_epoch = get_be32(p + 8);
	noise_check(s->noise, s->check);
	s->state = LED_READY;
	return 0;
}

static int
on_m4(struct led *s, const struct hs_noise *m)
{
	uint8_t ack[HS_ACK], hash[HS_ACK_HASH];
	uint32_t epoch;
	int r;

	if (m->kind != HS_M4 || m->bodylen != sizeof(ack) + TAG)
		return SEC_ERR_FORMAT;
	if (m->from != s->number || m->to != leader_of(s->lead->def.servers))
		return SEC_ERR_AUTH;
	if ((r = noise_recv(s->noise, m->body, m->bodylen, ack)) != 0 ||
	    (r = hs_ack_decode(&epoch, hash, ack, sizeof(ack))) != 0)
		return r;
	if (epoch != s->lead->epoch ||
	    !secret_memequal(hash, s->m3hash, sizeof(hash)))
		return SEC_ERR_AUTH;
	led_end(s, 0);
	return 0;
}

/* A refusal says which servers file it has; 0 if it is none. */
static int
refusal(const struct led *s, const struct buf *in)
{
	uint32_t theirs;

	if (buf_len(in) < 3 || buf_data(in)[2] != HS_NO)
		return 0;
	if (buf_len(in) < HELLO_NO)
		return 1;
	if (hello_no_decode(&theirs, buf_data(in)) != 0)
		return SEC_ERR_FORMAT;
	return theirs != get_be32(s->lead->hash) ? SEC_ERR_DATA : SEC_ERR_AUTH;
}

static void
led_input(void *arg, struct buf *in)
{
	struct led *s = arg;
	struct hs_noise m;
	int r, size;

	if (s->state == LED_M2 && (r = refusal(s, in)) != 0) {
		if (r < 0)
			led_end(s, r);
		return;
	}
	if ((size = hs_noise_size(buf_data(in), buf_len(in))) == 0)
		return;
	r = SEC_ERR_FORMAT;
	if (size > 0 && hs_noise_decode(&m, buf_data(in), (size_t)size) == 0) {
		if (s->state == LED_M2)
			r = on_m2(s, &m);
		else if (s->state == LED_M4)
			r = on_m4(s, &m);
	}
	if (r != 0)
		led_end(s, r);
	if (s->state == LED_DONE)
		return;
	buf_consume(in, (size_t)size);
	hook_arm(&s->lead->hook);
}

static void
led_closed(void *arg, int err)
{
	struct led *s = arg;

	/* Not a word from it: it is silent, however the network says so. */
	if (s->state == LED_M2)
		err = SEC_ERR_TIMEOUT;
	led_end(s, err != 0 ? err : SEC_ERR_CLOSED);
}

static struct stream *
dial(struct keygen_lead *k, int number)
{
	const struct server *sv;
	struct addr to;

	if (k->def.connect != NULL)
		return k->def.connect(k->def.ctx, k->loop, number);
	sv = servers_by_number(k->def.servers, number);
	if (sv == NULL ||
	    (addr_parse(&to, sv->addr) != 0 &&
		addr_resolve(&to, sv->addr) != 0))
		return NULL;
	return stream_dial(k->loop, &to, NOISE_MAX, NOISE_MAX, &led_ops, NULL);
}

static void
led_begin(struct keygen_lead *k, int number)
{
	struct led *s = &k->led[k->n++];
	int r;

	s->lead = k;
	s->number = number;
	s->state = LED_M2;
	s->noise =
	    noise_between(1, k->def.servers, k->def.epochs, number, k->hash);
	if (s->noise == NULL || (s->stream = dial(k, number)) == NULL) {
		led_end(s, SEC_ERR_TIMEOUT);
		return;
	}
	stream_set_limits(s->stream, NOISE_MAX, NOISE_MAX);
	stream_set_ops(s->stream, &led_ops, s);
	if ((r = put_m1(s)) != 0)
		led_end(s, r);
}

static int
anyone_in(const struct keygen_lead *k, enum led_state state)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->led[i].state == state)
			return 1;
	return 0;
}

/* Which epoch phase 2 deals. The first thing that is written anywhere. */
static int
choose_epoch(struct keygen_lead *k)
{
	const struct keygen_lead_def *def = &k->def;
	uint32_t floor = 0, last = epochs_last(def->epochs);
	int64_t delay = def->delay;
	size_t i;

	for (i = 0; i < k->n; i++) {
		if (k->led[i].last_epoch > floor)
			floor = k->led[i].last_epoch;
		/* One bad server must not use the numbers up for all. */
		if ((!def->fresh && k->led[i].last_epoch > last) ||
		    (k->led[i].last_epoch > last &&
			k->led[i].last_epoch - last > KEYGEN_LEAP)) {
			led_end(&k->led[i], SEC_ERR_REPLAY);
			return SEC_ERR_REPLAY;
		}
	}
	if (def->fresh) {
		delay = delay == 0 ? KEYGEN_DELAY : delay < 0 ? 0 : delay;
		return epochs_begin(def->epochs, def->servers, clock_real(),
		    delay, floor, &k->epoch);
	}
	k->epoch = last;
	return last != 0 ? 0 : SEC_ERR_NOTHING;
}

/* Phase 1 went well: nobody is silent, all are who they should be. */
static int
begin_phase2(struct keygen_lead *k)
{
	size_t i;
	int r;

	if ((r = choose_epoch(k)) != 0)
		return r;
	k->phase = 2;
	timer_set(&k->timer, k->def.deadline);
	for (i = 0; i < k->n; i++) {
		k->led[i].state = LED_M4;
		if ((r = put_m3(&k->led[i])) != 0)
			led_end(&k->led[i], r);
	}
	return 0;
}

static void
lead_done(struct keygen_lead *k)
{
	struct led *s;
	size_t i;

	timer_cancel(&k->timer);
	hook_cancel(&k->hook);
	for (i = 0; i < k->n; i++) {
		s = &k->led[i];
		stream_free(s->stream);
		s->stream = NULL;
		if (k->def.one != NULL)
			k->def.one(k->def.ctx, s->number, s->err, s->check,
			    s->err == 0 && k->phase == 2 ? k->epoch : 0);
	}
	k->def.all(k->def.ctx, k->err, k->phase == 2 ? k->epoch : 0);
}

static void
lead_turn(void *arg)
{
	struct keygen_lead *k = arg;
	int r;

	if (k->phase == 1 && !anyone_in(k, LED_M2)) {
		if (k->err == 0 && (r = begin_phase2(k)) != 0)
			k->err = r;
		if (k->err != 0 && k->phase == 1) {
			lead_done(k);
			return;
		}
	}
	if (k->phase == 2 && !anyone_in(k, LED_M4))
		lead_done(k);
}

static void
lead_timeout(void *arg)
{
	struct keygen_lead *k = arg;
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->led[i].state == LED_M2 || k->led[i].state == LED_M4)
			led_end(&k->led[i], SEC_ERR_TIMEOUT);
}

struct keygen_lead *
keygen_lead_new(struct loop *l, const struct keygen_lead_def *def)
{
	struct keygen_lead *k;
	size_t i;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a handshake");
	k->loop = l;
	k->def = *def;
	k->phase = 1;
	servers_hash(def->servers, k->hash);
	timer_init(&k->timer, l, lead_timeout, k);
	hook_init(&k->hook, l, lead_turn, k);
	for (i = 0; i < def->n; i++)
		if (def->numbers[i] != leader_of(def->servers))
			led_begin(k, def->numbers[i]);
	timer_set(&k->timer, def->deadline);
	hook_arm(&k->hook);
	return k;
}

void
keygen_lead_free(struct keygen_lead *k)
{
	size_t i;

	if (k == NULL)
		return;
	timer_cancel(&k->timer);
	hook_cancel(&k->hook);
	for (i = 0; i < k->n; i++) {
		stream_free(k->led[i].stream);
		noise_free(k->led[i].noise);
	}
	free(k);
}
