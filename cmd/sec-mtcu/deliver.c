/*
 * deliver: one text on its way to everybody (S125, S127). Copies are out;
 * answers are counted by user; when all have answered, or after two
 * seconds, the author's own copy goes out, last, with SEC-Missed, and the
 * author's MESSAGE is answered.
 *
 *   OPEN --all answered | 2 s--> author's copy, 200 --> free
 */

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "sip/event.h"
#include "wire/ids.h"

#include "mtcu.h"

enum slot_state { SLOT_NONE, SLOT_PENDING, SLOT_ANSWERED, SLOT_MISSED };

struct delivery {
	struct mtcu *mtcu;
	uint64_t id;
	char *room; /* URI: looked up again */
	uint32_t author_q;
	uint64_t txn;
	char *author;
	char *type;
	uint8_t *body;
	size_t n;
	unsigned expected; /* copies without an answer */
	int started;
	uint8_t *slot; /* enum slot_state by person */
	unsigned nslots, capslots;
	struct timer timer;
	TAILQ_ENTRY(delivery) entry; /* in spare */
};

/* To be used again. */
static void
delivery_spare(struct delivery *d)
{
	free(d->room);
	free(d->author);
	free(d->type);
	free(d->body);
	d->room = d->author = d->type = NULL;
	d->body = NULL;
	TAILQ_INSERT_HEAD(&d->mtcu->spare, d, entry);
}

static void
delivery_release(struct delivery *d)
{
	timer_cancel(&d->timer);
	map_del_u64(d->mtcu->deliveries, d->id);
	if (d->mtcu->latest == d)
		d->mtcu->latest = NULL;
	delivery_spare(d);
}

void
deliveries_free(struct mtcu *m)
{
	struct delivery *d;
	size_t i;

	for (i = 0; (d = map_next(m->deliveries, &i)) != NULL;)
		delivery_release(d);
	while ((d = TAILQ_FIRST(&m->spare)) != NULL) {
		TAILQ_REMOVE(&m->spare, d, entry);
		free(d->slot);
		free(d);
	}
}

uint64_t
delivery_id(const struct delivery *d)
{
	return d->id;
}

struct delivery *
delivery_find(struct mtcu *m, uint64_t id)
{
	/* Nearly all answers are to the same one. */
	if (m->latest == NULL || m->latest->id != id)
		m->latest = map_get_u64(m->deliveries, id);
	return m->latest;
}

static void
delivery_finish(struct delivery *d)
{
	struct sip_msg tmpl, a;
	struct member *mb;
	struct sip_txn *txn;
	struct room *r;
	unsigned i;
	int missed = 0;

	for (i = 0; i < d->nslots; i++)
		if (d->slot[i] == SLOT_PENDING || d->slot[i] == SLOT_MISSED)
			missed++;
	if ((r = room_find(d->mtcu, d->room)) != NULL &&
	    (mb = room_member(r, d->author_q)) != NULL) {
		if (mb->under_way > 0)
			mb->under_way--;
		sip_msg_init(&tmpl);
		tmpl.method = "MESSAGE";
		tmpl.uri = r->uri;
		tmpl.from = tmpl.author = d->author;
		tmpl.content_type = d->type;
		tmpl.body = d->body;
		tmpl.bodylen = d->n;
		copy_send(mb, NULL, &tmpl, d, missed);
	}
	if ((txn = sip_txn_find(d->mtcu->s->sip, d->txn)) != NULL) {
		sip_msg_init(&a);
		a.status = 200;
		a.missed = missed;
		sip_answer(txn, &a);
	}
	if (missed > 0)
		log_info("text.missed", "conf=%s users=%d", log_quote(d->room),
		    missed);
	delivery_release(d);
}

static void
delivery_late(void *arg)
{
	struct delivery *d = arg;
	struct member *mb;
	struct room *r;

	if ((r = room_find(d->mtcu, d->room)) != NULL)
		TAILQ_FOREACH(mb, &r->members, entry)
			if (mb->person->slot < d->nslots &&
			    d->slot[mb->person->slot] == SLOT_PENDING)
				member_silent(mb);
	delivery_finish(d);
}

struct delivery *
delivery_new(struct room *r, struct member *author, struct sip_txn *txn,
    const struct sip_msg *req)
{
	struct mtcu *m = r->mtcu;
	struct delivery *d;
	uint8_t *grown;

	if ((d = TAILQ_FIRST(&m->spare)) != NULL)
		TAILQ_REMOVE(&m->spare, d, entry);
	else {
		if ((d = calloc(1, sizeof *d)) == NULL)
			return NULL;
		d->mtcu = m;
		timer_init(&d->timer, m->s->loop, delivery_late, d);
	}
	if (d->capslots < r->nslots) {
		if ((grown = realloc(d->slot, r->nslots)) == NULL)
			goto fail;
		d->slot = grown;
		d->capslots = r->nslots;
	}
	if (r->nslots > 0)
		memset(d->slot, SLOT_NONE, r->nslots);
	/* He has it himself, whatever his other devices do. */
	d->slot[author->person->slot] = SLOT_ANSWERED;
	d->nslots = r->nslots;
	d->author_q = author->q;
	d->txn = sip_txn_id(txn);
	d->expected = 0;
	d->started = 0;
	d->n = req->bodylen;
	d->room = strdup(r->uri);
	d->author = strdup(author->person->uri);
	d->type = strdup(req->content_type);
	d->body = malloc(req->bodylen);
	if (d->room == NULL || d->author == NULL || d->type == NULL ||
	    d->body == NULL)
		goto fail;
	memcpy(d->body, req->body, req->bodylen);
	d->id = ++m->next_delivery;
	map_put_u64(m->deliveries, d->id, d);
	timer_set(&d->timer, GRACE_MS);
	author->under_way++;
	return d;

fail:
	delivery_spare(d);
	return NULL;
}

void
delivery_expect(struct delivery *d, unsigned slot)
{
	d->expected++;
	if (slot < d->nslots && d->slot[slot] != SLOT_ANSWERED)
		d->slot[slot] = SLOT_PENDING;
}

void
delivery_miss(struct delivery *d, unsigned slot)
{
	if (slot < d->nslots && d->slot[slot] == SLOT_NONE)
		d->slot[slot] = SLOT_MISSED;
}

void
delivery_answer(struct delivery *d, unsigned slot, int status)
{
	if (slot < d->nslots) {
		if (status >= 200 && status < 300)
			d->slot[slot] = SLOT_ANSWERED;
		else if (d->slot[slot] != SLOT_ANSWERED)
			d->slot[slot] = SLOT_MISSED;
	}
	if (d->expected > 0)
		d->expected--;
	if (d->expected == 0 && d->started)
		delivery_finish(d);
}

void
delivery_started(struct delivery *d)
{
	d->started = 1;
	if (d->expected == 0)
		delivery_finish(d);
}

/* --- copies --- */

static void
copy_answered(void *ctx, uint64_t cookie, int status)
{
	struct mtcu *m = ctx;
	struct delivery *d;

	/* cookie: delivery number (40 bits) || person's slot (24). */
	if ((d = delivery_find(m, cookie >> 24)) != NULL)
		delivery_answer(d, (unsigned)(cookie & 0xffffff), status);
}

void
copy_free(struct member *mb, struct copy *c)
{
	TAILQ_REMOVE(&mb->copies, c, entry);
	mb->queued -= c->n;
	free(c->author);
	free(c->type);
	free(c->body);
	free(c);
}

static void
copy_keep(struct member *mb, const struct sip_msg *tmpl, struct delivery *d,
    int missed)
{
	struct copy *c;

	if (mb->queued + tmpl->bodylen > MEMBER_QUEUE ||
	    (c = calloc(1, sizeof *c)) == NULL) {
		if (missed < 0)
			delivery_miss(d, mb->person->slot);
		return;
	}
	c->author = strdup(tmpl->author);
	c->type = strdup(tmpl->content_type);
	c->body = malloc(tmpl->bodylen);
	if (c->author == NULL || c->type == NULL || c->body == NULL) {
		free(c->author);
		free(c->type);
		free(c->body);
		free(c);
		return;
	}
	memcpy(c->body, tmpl->body, tmpl->bodylen);
	c->n = tmpl->bodylen;
	c->missed = missed;
	c->author_q = d->author_q;
	if (missed < 0) {
		c->delivery = d->id;
		delivery_expect(d, mb->person->slot);
	}
	TAILQ_INSERT_TAIL(&mb->copies, c, entry);
	mb->queued += c->n;
}

/* Send on an open connection; 0 if it went. */
static int
copy_put(struct member *mb, struct sip_fan *fan, const struct sip_msg *tmpl,
    uint64_t delivery, uint32_t author_q, int missed)
{
	struct mtcu *m = mb->room->mtcu;
	struct sip_fan *own = NULL;
	struct sip_msg t;
	char q[Q_STRLEN];
	uint64_t id;

	if (mb->conn == NULL)
		return SEC_ERR_CLOSED;
	if (fan == NULL) {
		t = *tmpl;
		t.author_q = q_format(author_q, q);
		fan = own = sip_fan_new(&t);
	}
	id = sip_fan_send(fan, mb->conn, mb->person->uri, missed, COPY_MS,
	    copy_answered, m, delivery << 24 | mb->person->slot);
	sip_fan_free(own);
	if (id == 0)
		return SEC_ERR_CLOSED;
	m->copies++;
	return 0;
}

/* Plain mode: dial the address of the device's SDP (loopback only). */
static void
copy_dial(struct member *mb)
{
	struct service *s = mb->room->mtcu->s;
	struct sip_peer peer;
	struct sip_conn *c;
	struct addr a;

	if (!s->conf.plain || mb->address[0] == '\0' || mb->conn != NULL ||
	    addr_parse(&a, mb->address) != 0 || !addr_is_loopback(&a) ||
	    addr_port(&a) < 1024)
		return;
	memset(&peer, 0, sizeof peer);
	peer.proof = NEED_DEVICE;
	peer.keyid = mb->held.key.id;
	peer.conf = mb->room->cid;
	peer.q = mb->q;
	c = sip_conn_new(s->sip, &peer);
	sip_conn_attach(c,
	    channel_dial_plain(s->loop, &a, sip_frame, &sip_channel_ops, c));
}

void
copy_send(struct member *mb, struct sip_fan *fan, const struct sip_msg *tmpl,
    struct delivery *d, int missed)
{
	struct service *s = mb->room->mtcu->s;

	if (mb->conn != NULL) {
		if (missed < 0)
			delivery_expect(d, mb->person->slot);
		if (copy_put(mb, fan, tmpl, missed < 0 ? d->id : 0, d->author_q,
			missed) == 0)
			return;
		if (missed < 0)
			delivery_answer(d, mb->person->slot, 503);
		return;
	}
	copy_dial(mb);
	if (loop_now(s->loop) - mb->away < GRACE_MS)
		copy_keep(mb, tmpl, d, missed);
	else if (missed < 0)
		delivery_miss(d, mb->person->slot);
}

void
copies_flush(struct member *mb)
{
	struct delivery *d;
	struct sip_msg tmpl;
	struct copy *c;
	uint64_t id;

	while ((c = TAILQ_FIRST(&mb->copies)) != NULL) {
		sip_msg_init(&tmpl);
		tmpl.method = "MESSAGE";
		tmpl.uri = mb->room->uri;
		tmpl.from = tmpl.author = c->author;
		tmpl.content_type = c->type;
		tmpl.body = c->body;
		tmpl.bodylen = c->n;
		id = c->delivery;
		if (copy_put(mb, NULL, &tmpl, id, c->author_q, c->missed) !=
			0 &&
		    id != 0 && (d = delivery_find(mb->room->mtcu, id)) != NULL)
			delivery_answer(d, mb->person->slot, 503);
		copy_free(mb, c);
	}
}
