/*
 * Server 1 in Fig. 4: it leads all others.
 *
 *   each server: M2 -> READY -> M4 -> DONE     any --bad--> DONE
 *   together: phase 1 until nobody is in M2, phase 2 until nobody is in M4;
 *   phase 2 only if all are READY
 */
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include "ctl/keygen_priv.h"

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
	char check[KEYGEN_CHECK_LEN];
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
	    (uint16_t)keygen_leader(s->lead->def.servers), (uint16_t)s->number,
	    body, n);
	stream_kick(s->stream);
}

static int
put_m1(struct led *s)
{
	uint8_t t[KEYGEN_M1_PAYLOAD],
	    body[KEYGEN_HASH_SHOWN + KEYGEN_M1_PAYLOAD + NOISE_OVERHEAD];
	int r;

	put_be64(t, (uint64_t)clock_real());
	memcpy(body, s->lead->hash, KEYGEN_HASH_SHOWN);
	if ((r = noise_write(s->noise, t, sizeof(t),
		 body + KEYGEN_HASH_SHOWN)) == 0)
		led_put(s, HS_M1, body, sizeof(body));
	return r;
}

/* Step 43: the joint key, sealed and time-stamped (S079). */
static int
put_m3(struct led *s)
{
	const struct keygen_lead_def *def = &s->lead->def;
	uint8_t body[HS_DEAL_MAX + KEYGEN_TAG];
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
		hs_noise_encode(out, HS_M3,
		    (uint16_t)keygen_leader(def->servers), (uint16_t)s->number,
		    body, buf_len(&pt) + KEYGEN_TAG);
		keygen_m3_hash(buf_data(out) + before, buf_len(out) - before,
		    s->m3hash);
		stream_kick(s->stream);
	}
	buf_free(&pt);
	return r;
}

static int
on_m2(struct led *s, const struct hs_noise *m)
{
	uint8_t p[KEYGEN_M2_PAYLOAD];
	int r;

	if (m->kind != HS_M2 || m->bodylen != sizeof(p) + NOISE_OVERHEAD)
		return SEC_ERR_FORMAT;
	if (m->from != s->number ||
	    m->to != keygen_leader(s->lead->def.servers))
		return SEC_ERR_AUTH;
	if ((r = noise_read(s->noise, m->body, m->bodylen, p)) != 0)
		return r;
	if (!keygen_time_allows(get_be64(p), clock_real()))
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

	if (m->kind != HS_M4 || m->bodylen != sizeof(ack) + KEYGEN_TAG)
		return SEC_ERR_FORMAT;
	if (m->from != s->number ||
	    m->to != keygen_leader(s->lead->def.servers))
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
	    keygen_noise(1, k->def.servers, k->def.epochs, number, k->hash);
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
	keygen_hash(def->servers, k->hash);
	timer_init(&k->timer, l, lead_timeout, k);
	hook_init(&k->hook, l, lead_turn, k);
	for (i = 0; i < def->n; i++)
		if (def->numbers[i] != keygen_leader(def->servers))
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
