/*
 * members: what the deal (S063, S065) means here, and who of them is
 * connected.
 */

#include "base/err.h"
#include "base/text.h"
#include "wire/ids.h"

#include "mtcu.h"

struct room *
room_find(struct mtcu *m, const char *uri)
{
	return (struct room *)dealt_room(m->s->dealt, uri);
}

struct member *
room_member(struct room *r, uint32_t q)
{
	return (struct member *)dealt_device(&r->dealt, q);
}

struct member *
member_of_conn(struct mtcu *m, struct sip_conn *c)
{
	const struct sip_peer *p = sip_conn_peer(c);

	return holders_find_key(m->hops,
	    holder_key_name(q_server(p->q), p->keyid), NULL);
}

/* Copies that wait are counted as missed. */
static void
copies_give_up(struct member *mb)
{
	struct delivery *d;
	struct copy *c;
	uint64_t id;

	while ((c = TAILQ_FIRST(&mb->copies)) != NULL) {
		id = c->delivery;
		copy_free(mb, c);
		if (id != 0 && (d = delivery_find(member_mtcu(mb), id)) != NULL)
			delivery_answer(d, mb->dealt.person->slot, 408);
	}
}

/* The grace is over. */
static void
member_away(void *arg)
{
	struct member *mb = arg;

	dealt_lost(&mb->dealt);
	copies_give_up(mb);
}

void
member_connected(struct member *mb, struct sip_conn *c)
{
	struct sip_conn *old = mb->conn;

	mb->conn = c;
	sip_conn_set_owner(c, mb);
	mb->away = 0;
	timer_cancel(&mb->timer);
	text_copy(sip_conn_peer(c)->user, mb->dealt.person->uri,
	    sizeof sip_conn_peer(c)->user);
	dealt_found(&mb->dealt);
	/* A device that dials again takes the place of its lost self; what
	 * was out there comes first. */
	if (old != NULL) {
		sip_conn_set_owner(old, NULL);
		if (!member_mtcu(mb)->s->conf.plain) {
			sip_conn_close(old, SEC_ERR_CLOSED);
			sip_fan_drop(old);
		}
	}
	copies_flush(mb);
}

void
member_disconnected(struct member *mb)
{
	mb->conn = NULL;
	mb->away = loop_now(member_mtcu(mb)->s->loop);
	timer_set(&mb->timer, GRACE_MS);
}

static void
probe_answered(void *ctx, uint64_t cookie, int status)
{
	struct mtcu *m = ctx;
	struct member *mb = holders_find_key(m->hops, cookie, NULL);

	if (mb == NULL || !mb->dealt.lost || mb->conn == NULL)
		return;
	if (status == 408) {
		mb->dealt.lost = 0;
		member_silent(mb);
	} else if (status != 503 && status != SIP_LOST)
		dealt_found(&mb->dealt);
}

void
member_silent(struct member *mb)
{
	struct mtcu *m = member_mtcu(mb);
	struct sip_msg ask;

	if (mb->dealt.lost || mb->held.key.secret == NULL || mb->conn == NULL)
		return;
	sip_msg_init(&ask);
	ask.method = "OPTIONS";
	ask.uri = mb->dealt.person->uri;
	ask.from = mb->dealt.room->uri;
	if (sip_tell(mb->conn, &ask, PROBE_MS, probe_answered, m,
		holder_key_name(mb->held.by, mb->held.key.id)) == 0)
		return;
	dealt_lost(&mb->dealt);
}

/* --- what the deal means here --- */

static int
on_member(struct dealt_device *d)
{
	struct member *mb = (struct member *)d;
	struct mtcu *m = member_mtcu(mb);

	holder_init(&mb->held, m->hops, q_server(d->q), mb);
	TAILQ_INIT(&mb->copies);
	timer_init(&mb->timer, m->s->loop, member_away, mb);
	/* Dealt just now counts as connected for the grace. */
	member_disconnected(mb);
	return 0;
}

/* He is out of the room already: an author's echo does not go to him. */
static void
on_member_gone(struct dealt_device *d)
{
	struct member *mb = (struct member *)d;

	timer_cancel(&mb->timer);
	copies_give_up(mb);
	holder_leave(&mb->held);
	if (mb->conn != NULL) {
		sip_conn_set_owner(mb->conn, NULL);
		sip_conn_finish(mb->conn);
	}
}

static void
on_hop_key(struct dealt_device *d, uint32_t hopid, const uint8_t key[32])
{
	struct member *mb = (struct member *)d;

	/* What stands on an older key is over. */
	if (mb->conn != NULL && d->hopid != hopid &&
	    !member_mtcu(mb)->s->conf.plain) {
		sip_conn_set_owner(mb->conn, NULL);
		sip_conn_close(mb->conn, SEC_ERR_CLOSED);
		member_disconnected(mb);
	}
	holder_replace(&mb->held, hopid, key, INT64_MAX);
}

static int
on_room(struct dealt_room *r)
{
	return keep_open((struct room *)r);
}

static void
on_room_gone(struct dealt_room *r)
{
	keep_close((struct room *)r);
}

static void
on_room_dealt(struct dealt_room *r)
{
	keep_dealt((struct room *)r);
	service_keys_changed(dealt_service(r->dealt));
}

static uint64_t
copies(struct service *s)
{
	return ((struct mtcu *)s->priv)->copies;
}

static const struct dealt_ops ops = {
	.room_size = sizeof(struct room),
	.device_size = sizeof(struct member),
	.capacity = 100000,
	.medium = "text",
	.room_new = on_room,
	.room_free = on_room_gone,
	.room_dealt = on_room_dealt,
	.device_new = on_member,
	.device_free = on_member_gone,
	.hop_key = on_hop_key,
	.packets = copies,
};

void
members_open(struct mtcu *m)
{
	(void)dealt_new(m->s, &ops);
}
