/*
 * deliver: one text on its way to everybody (S125, S127). Copies are out;
 * answers are counted by user; when of each a device has answered, or after
 * two seconds, the author's own copy goes out, last, with SEC-Missed, and
 * the author's MESSAGE is answered.
 *
 *   OPEN --all answered | 2 s--> author's copy, 200 --> free
 *
 * A copy whose connection is lost before its answer came waits for the next
 * one, like those that came later: nobody knows whether it was read.
 */

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "sip/event.h"
#include "wire/ids.h"

#include "mtcu.h"

/* What a delivery knows of one person. */
struct seat {
	uint32_t out; /* copies without an answer */
	uint8_t answered; /* by one of his devices */
	uint8_t missed; /* by one of them */
};

struct delivery {
	struct mtcu *mtcu;
	uint64_t id;
	char *room; /* URI: looked up again */
	uint32_t author_q;
	uint64_t txn;
	int64_t line; /* SEC-Line, or -1 */
	char *author;
	char *type;
	uint8_t *body;
	size_t n;
	struct sip_fan *fan; /* all of that, printed */
	unsigned waiting; /* persons who may still answer */
	int started;
	struct seat *seat; /* by slot */
	unsigned nslots, capslots;
	struct timer timer;
	TAILQ_ENTRY(delivery) entry; /* in spare */
};

static void
template_of(struct sip_msg *t, const struct room *r, const char *author,
    const char *type, int64_t line, const void *body, size_t n)
{
	sip_msg_init(t);
	t->method = "MESSAGE";
	t->uri = r->dealt.uri;
	t->from = t->author = author;
	t->content_type = type;
	t->line = line;
	t->body = body;
	t->bodylen = n;
}

/* To be used again. */
static void
delivery_spare(struct delivery *d)
{
	free(d->room);
	free(d->author);
	free(d->type);
	free(d->body);
	sip_fan_free(d->fan);
	d->room = d->author = d->type = NULL;
	d->body = NULL;
	d->fan = NULL;
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
		free(d->seat);
		free(d);
	}
}

uint64_t
delivery_id(const struct delivery *d)
{
	return d->id;
}

void
delivery_set_line(struct delivery *d, int64_t line)
{
	d->line = line;
}

int64_t
delivery_line(const struct delivery *d)
{
	return d->line;
}

struct sip_fan *
delivery_fan(struct delivery *d, const struct sip_msg *tmpl)
{
	if (d->fan == NULL)
		d->fan = sip_fan_new(tmpl);
	return d->fan;
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

	/* What breaks down while the author's copy goes out must not end it
	 * once more. */
	d->started = 0;
	for (i = 0; i < d->nslots; i++)
		missed += !d->seat[i].answered &&
		    (d->seat[i].missed || d->seat[i].out > 0);
	if ((r = room_find(d->mtcu, d->room)) != NULL &&
	    (mb = room_member(r, d->author_q)) != NULL) {
		if (mb->under_way > 0)
			mb->under_way--;
		template_of(&tmpl, r, d->author, d->type, d->line, d->body,
		    d->n);
		copy_send(mb, d->fan, &tmpl, d, missed);
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
	const struct seat *seat;
	struct member *mb;
	struct room *r;

	if ((r = room_find(d->mtcu, d->room)) != NULL)
		for (mb = member_first(r); mb != NULL; mb = member_next(mb)) {
			if (mb->dealt.person->slot >= d->nslots)
				continue;
			seat = &d->seat[mb->dealt.person->slot];
			if (seat->out > 0 && !seat->answered)
				member_silent(mb);
		}
	delivery_finish(d);
}

/* Its number goes into the cookies of its copies, beside slot and device. */
static uint64_t
next_id(struct mtcu *m)
{
	do
		m->next_delivery = (m->next_delivery + 1) & ID_MASK;
	while (m->next_delivery == 0 ||
	    map_get_u64(m->deliveries, m->next_delivery) != NULL);
	return m->next_delivery;
}

struct delivery *
delivery_new(struct room *r, struct member *author, struct sip_txn *txn,
    const struct sip_msg *req)
{
	struct mtcu *m = member_mtcu(author);
	struct delivery *d;
	struct seat *grown;

	if (map_count(m->deliveries) >= ID_MASK / 2)
		return NULL;
	if ((d = TAILQ_FIRST(&m->spare)) != NULL)
		TAILQ_REMOVE(&m->spare, d, entry);
	else {
		if ((d = calloc(1, sizeof *d)) == NULL)
			return NULL;
		d->mtcu = m;
		timer_init(&d->timer, m->s->loop, delivery_late, d);
	}
	if (d->capslots < r->dealt.nslots) {
		grown = reallocarray(d->seat, r->dealt.nslots, sizeof *grown);
		if (grown == NULL)
			goto fail;
		d->seat = grown;
		d->capslots = r->dealt.nslots;
	}
	if (r->dealt.nslots > 0)
		memset(d->seat, 0, r->dealt.nslots * sizeof *d->seat);
	/* He has it himself, whatever his other devices do. */
	d->seat[author->dealt.person->slot].answered = 1;
	d->nslots = r->dealt.nslots;
	d->author_q = author->dealt.q;
	d->txn = sip_txn_id(txn);
	d->waiting = 0;
	d->started = 0;
	d->line = -1;
	d->n = req->bodylen;
	d->room = strdup(r->dealt.uri);
	d->author = strdup(author->dealt.person->uri);
	d->type = strdup(req->content_type);
	d->body = malloc(req->bodylen);
	if (d->room == NULL || d->author == NULL || d->type == NULL ||
	    d->body == NULL)
		goto fail;
	memcpy(d->body, req->body, req->bodylen);
	d->id = next_id(m);
	map_put_u64(m->deliveries, d->id, d);
	timer_set(&d->timer, GRACE_MS);
	author->under_way++;
	return d;

fail:
	delivery_spare(d);
	return NULL;
}

static void
delivery_check(struct delivery *d)
{
	if (d->started && d->waiting == 0)
		delivery_finish(d);
}

void
delivery_expect(struct delivery *d, unsigned slot)
{
	struct seat *seat;

	if (slot >= d->nslots)
		return;
	seat = &d->seat[slot];
	if (seat->out++ == 0 && !seat->answered)
		d->waiting++;
}

void
delivery_miss(struct delivery *d, unsigned slot)
{
	if (slot < d->nslots)
		d->seat[slot].missed = 1;
}

void
delivery_answer(struct delivery *d, unsigned slot, int status)
{
	struct seat *seat;
	int waited;

	if (slot >= d->nslots)
		return;
	seat = &d->seat[slot];
	waited = seat->out > 0 && !seat->answered;
	/* None is out if nobody waits for this device. */
	if (seat->out > 0)
		seat->out--;
	if (status >= 200 && status < 300)
		seat->answered = 1;
	else
		seat->missed = 1;
	if (waited && (seat->answered || seat->out == 0)) {
		d->waiting--;
		delivery_check(d);
	}
}

void
delivery_started(struct delivery *d)
{
	d->started = 1;
	delivery_check(d);
}

/* --- copies --- */

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

/* Until the device connects; 0 if there was room. */
static int
copy_keep(struct member *mb, const struct sip_msg *tmpl, uint64_t delivery,
    uint32_t author_q, int missed)
{
	struct copy *c;

	if (mb->queued + tmpl->bodylen > MEMBER_QUEUE ||
	    (c = calloc(1, sizeof *c)) == NULL)
		return SEC_ERR_LIMIT;
	c->author = strdup(tmpl->author);
	c->type = strdup(tmpl->content_type);
	c->body = malloc(tmpl->bodylen);
	if (c->author == NULL || c->type == NULL || c->body == NULL) {
		free(c->author);
		free(c->type);
		free(c->body);
		free(c);
		return SEC_ERR_LIMIT;
	}
	memcpy(c->body, tmpl->body, tmpl->bodylen);
	c->n = tmpl->bodylen;
	c->missed = missed;
	c->author_q = author_q;
	c->line = tmpl->line;
	c->delivery = delivery;
	TAILQ_INSERT_TAIL(&mb->copies, c, entry);
	mb->queued += c->n;
	return 0;
}

/* delivery number (20 bits) || person's slot (20) || client number (24) */
static uint64_t
cookie_of(const struct member *mb, uint64_t delivery)
{
	return delivery << 44 | (uint64_t)mb->dealt.person->slot << 24 |
	    (mb->dealt.q & 0xffffff);
}

static void copy_answered(void *ctx, uint64_t cookie, int status);

/* Send on an open connection; 0 if it went. */
static int
copy_put(struct member *mb, struct sip_fan *fan, const struct sip_msg *tmpl,
    uint64_t delivery, uint32_t author_q, int missed)
{
	struct mtcu *m = member_mtcu(mb);
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
	id = sip_fan_send(fan, mb->conn, mb->dealt.person->uri, missed, COPY_MS,
	    copy_answered, m, cookie_of(mb, delivery));
	sip_fan_free(own);
	if (id == 0)
		return SEC_ERR_CLOSED;
	m->copies++;
	return 0;
}

/* The connection was lost before he answered: it waits for the next. 1 if
 * it does. */
static int
copy_lost(struct delivery *d, uint64_t cookie)
{
	struct sip_msg tmpl;
	struct member *mb;
	struct room *r;

	if ((r = room_find(d->mtcu, d->room)) == NULL)
		return 0;
	for (mb = member_first(r); mb != NULL; mb = member_next(mb))
		if (cookie_of(mb, d->id) == cookie)
			break;
	if (mb == NULL)
		return 0;
	template_of(&tmpl, r, d->author, d->type, d->line, d->body, d->n);
	return copy_put(mb, d->fan, &tmpl, d->id, d->author_q, -1) == 0 ||
	    copy_keep(mb, &tmpl, d->id, d->author_q, -1) == 0;
}

static void
copy_answered(void *ctx, uint64_t cookie, int status)
{
	struct mtcu *m = ctx;
	struct delivery *d;

	if ((d = delivery_find(m, cookie >> 44)) == NULL ||
	    (status == SIP_LOST && copy_lost(d, cookie)))
		return;
	delivery_answer(d, (unsigned)(cookie >> 24) & (DEALT_PERSONS - 1),
	    status);
}

/* Plain mode: dial the address of the device's SDP (loopback only). */
static void
copy_dial(struct member *mb)
{
	struct service *s = member_mtcu(mb)->s;
	struct sip_peer peer;
	struct sip_conn *c;
	struct addr a;

	if (!s->conf.plain || mb->dealt.address[0] == '\0' ||
	    mb->conn != NULL || addr_parse(&a, mb->dealt.address) != 0 ||
	    !addr_is_loopback(&a) || addr_port(&a) < 1024)
		return;
	memset(&peer, 0, sizeof peer);
	peer.proof = NEED_DEVICE;
	peer.keyid = mb->held.key.id;
	peer.conf = mb->dealt.room->cid;
	peer.q = mb->dealt.q;
	c = sip_conn_new(s->sip, &peer);
	sip_conn_attach(c,
	    channel_dial_plain(s->loop, &a, sip_frame, &sip_channel_ops, c));
}

/* It is sent, or waits for the connection; 0 if so. */
static int
copy_go(struct member *mb, struct sip_fan *fan, const struct sip_msg *tmpl,
    uint64_t delivery, uint32_t author_q, int missed)
{
	struct service *s = member_mtcu(mb)->s;

	if (copy_put(mb, fan, tmpl, delivery, author_q, missed) == 0)
		return 0;
	/* It breaks down in this turn: what is out on it waits first. */
	if (mb->conn != NULL)
		sip_fan_drop(mb->conn);
	copy_dial(mb);
	if (mb->conn == NULL && loop_now(s->loop) - mb->away >= GRACE_MS)
		return SEC_ERR_CLOSED;
	return copy_keep(mb, tmpl, delivery, author_q, missed);
}

void
copy_send(struct member *mb, struct sip_fan *fan, const struct sip_msg *tmpl,
    struct delivery *d, int missed)
{
	unsigned slot = mb->dealt.person->slot;
	int r;

	if (missed >= 0) {
		(void)copy_go(mb, fan, tmpl, 0, d->author_q, missed);
		return;
	}
	r = copy_go(mb, fan, tmpl, d->id, d->author_q, -1);
	/* Nobody waits twice for one who does not answer. */
	if (r == 0 && !mb->dealt.lost)
		delivery_expect(d, slot);
	else
		delivery_miss(d, slot);
}

void
copies_flush(struct member *mb)
{
	struct sip_msg tmpl;
	struct copy *c;

	while ((c = TAILQ_FIRST(&mb->copies)) != NULL) {
		template_of(&tmpl, member_room(mb), c->author, c->type, c->line,
		    c->body, c->n);
		if (copy_put(mb, NULL, &tmpl, c->delivery, c->author_q,
			c->missed) != 0)
			return; /* lost again: they wait on */
		copy_free(mb, c);
	}
}
