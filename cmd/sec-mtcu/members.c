/*
 * members: the rooms and members that the controller deals (S063, S065). A
 * deal is idempotent: `conference`, its `join` lines, `dealt conf=`; after
 * all of them one `dealt`; what was not in it is dropped.
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/ids.h"

#include "mtcu.h"

struct room *
room_find(struct mtcu *m, const char *uri)
{
	return map_get_str(m->rooms, uri);
}

struct member *
room_member(struct room *r, uint32_t q)
{
	return map_get_u64(r->by_q, q);
}

struct member *
member_of_conn(struct mtcu *m, struct sip_conn *c)
{
	const struct sip_peer *p = sip_conn_peer(c);

	return holders_find_key(m->hops,
	    holder_key_name(q_server(p->q), p->keyid), NULL);
}

/* --- persons: one slot for all devices of a user --- */

static struct person *
person_take(struct room *r, const char *uri)
{
	struct person *p, **grown;
	size_t n = strlen(uri) + 1;
	unsigned i = 0;

	if ((p = map_get_str(r->persons, uri)) != NULL) {
		p->devices++;
		return p;
	}
	if (map_count(r->persons) == r->nslots)
		i = r->nslots; /* no hole to look for */
	while (i < r->nslots && r->slot[i] != NULL)
		i++;
	if (i > SLOT_MAX)
		return NULL;
	if (i == r->capslots) {
		grown = reallocarray(r->slot, r->capslots ? r->capslots * 2 : 8,
		    sizeof *grown);
		if (grown == NULL)
			return NULL;
		r->slot = grown;
		r->capslots = r->capslots ? r->capslots * 2 : 8;
	}
	if ((p = malloc(sizeof *p + n)) == NULL)
		return NULL;
	memcpy(p->uri, uri, n);
	p->slot = i;
	p->devices = 1;
	r->slot[i] = p;
	if (i == r->nslots)
		r->nslots++;
	map_put_str(r->persons, uri, p);
	return p;
}

static void
person_drop(struct room *r, struct person *p)
{
	if (--p->devices > 0)
		return;
	map_del_str(r->persons, p->uri);
	r->slot[p->slot] = NULL;
	while (r->nslots > 0 && r->slot[r->nslots - 1] == NULL)
		r->nslots--;
	free(p);
}

/* --- members --- */

static void
event_lost(struct member *mb, const char *verb)
{
	struct service *s = mb->room->mtcu->s;
	struct ctl_peer *p;
	struct buf *b;
	char q[Q_STRLEN];

	if ((p = links_peer(s->links, 1)) == NULL)
		return;
	b = ctl_event(p, verb);
	line_put(b, "conf", mb->room->uri);
	line_put(b, "q", q_format(mb->q, q));
	ctl_event_end(p);
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
		if (id != 0 && (d = delivery_find(mb->room->mtcu, id)) != NULL)
			delivery_answer(d, mb->person->slot, 408);
	}
}

/* The grace is over. */
static void
member_away(void *arg)
{
	struct member *mb = arg;

	mb->reported = 1;
	event_lost(mb, "lost");
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
	text_copy(sip_conn_peer(c)->user, mb->person->uri,
	    sizeof sip_conn_peer(c)->user);
	if (mb->reported) {
		mb->reported = 0;
		event_lost(mb, "found");
	}
	/* A device that dials again takes the place of its lost self; what
	 * was out there comes first. */
	if (old != NULL) {
		sip_conn_set_owner(old, NULL);
		if (!mb->room->mtcu->s->conf.plain) {
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
	mb->away = loop_now(mb->room->mtcu->s->loop);
	timer_set(&mb->timer, GRACE_MS);
}

static void
probe_answered(void *ctx, uint64_t cookie, int status)
{
	struct mtcu *m = ctx;
	struct member *mb = holders_find_key(m->hops, cookie, NULL);

	if (mb == NULL || !mb->reported || mb->conn == NULL)
		return;
	if (status == 408) {
		mb->reported = 0;
		member_silent(mb);
	} else if (status != 503 && status != SIP_LOST) {
		mb->reported = 0;
		event_lost(mb, "found");
	}
}

void
member_silent(struct member *mb)
{
	struct mtcu *m = mb->room->mtcu;
	struct sip_msg ask;

	if (mb->reported || mb->held.key.secret == NULL || mb->conn == NULL)
		return;
	sip_msg_init(&ask);
	ask.method = "OPTIONS";
	ask.uri = mb->person->uri;
	ask.from = mb->room->uri;
	if (sip_tell(mb->conn, &ask, PROBE_MS, probe_answered, m,
		holder_key_name(mb->held.by, mb->held.key.id)) == 0)
		return;
	mb->reported = 1;
	event_lost(mb, "lost");
}

static struct member *
member_new(struct room *r, uint32_t q, const char *user)
{
	struct mtcu *m = r->mtcu;
	struct member *mb;

	if ((mb = calloc(1, sizeof *mb)) == NULL)
		return NULL;
	mb->q = q;
	mb->room = r;
	mb->may_speak = 1;
	holder_init(&mb->held, m->hops, q_server(q), mb);
	TAILQ_INIT(&mb->copies);
	timer_init(&mb->timer, m->s->loop, member_away, mb);
	if ((mb->person = person_take(r, user)) == NULL) {
		free(mb);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&r->members, mb, entry);
	map_put_u64(r->by_q, q, mb);
	r->nmembers++;
	m->members++;
	/* Dealt just now counts as connected for the grace. */
	member_disconnected(mb);
	return mb;
}

static void
member_free(struct member *mb)
{
	struct room *r = mb->room;

	timer_cancel(&mb->timer);
	/* First out of the room: an author's echo does not go to him. */
	map_del_u64(r->by_q, mb->q);
	copies_give_up(mb);
	holder_leave(&mb->held);
	if (mb->conn != NULL) {
		sip_conn_set_owner(mb->conn, NULL);
		sip_conn_finish(mb->conn);
	}
	TAILQ_REMOVE(&r->members, mb, entry);
	r->nmembers--;
	r->mtcu->members--;
	person_drop(r, mb->person);
	free(mb);
}

static void
room_free(struct room *r)
{
	struct member *mb;

	while ((mb = TAILQ_FIRST(&r->members)) != NULL)
		member_free(mb);
	map_del_str(r->mtcu->rooms, r->uri);
	map_free(r->persons);
	map_free(r->by_q);
	free(r->slot);
	free(r->uri);
	free(r);
}

void
members_free(struct mtcu *m)
{
	struct room *r;
	size_t i;

	for (i = 0; (r = map_next(m->rooms, &i)) != NULL;)
		room_free(r);
}

/* --- what the controller says --- */

void
load_send(struct mtcu *m)
{
	struct ctl_peer *p;
	struct buf *b;

	if ((p = links_peer(m->s->links, 1)) == NULL)
		return;
	b = ctl_event(p, "load");
	line_put_u64(b, "members", m->members);
	line_put_u64(b, "packets", m->copies);
	line_put_u64(b, "capacity",
	    m->s->draining	    ? 0 :
		m->members < 100000 ? 100000 - m->members :
				      1);
	ctl_event_end(p);
}

void
load_changed(struct mtcu *m)
{
	if (!timer_is_set(&m->load))
		timer_set(&m->load, 1000);
	service_touch(m->s);
}

void
members_link_up(struct mtcu *m)
{
	struct member *mb;
	struct room *r;
	size_t i;

	for (i = 0; (r = map_next(m->rooms, &i)) != NULL;) {
		r->seen = 0;
		TAILQ_FOREACH(mb, &r->members, entry)
			if (mb->reported)
				event_lost(mb, "lost");
	}
	load_send(m);
}

static struct room *
req_room(struct mtcu *m, struct ctl_req *r)
{
	const char *uri = line_get(r->line, "conf");
	struct room *room;

	if (uri == NULL) {
		ctl_error(r, 400, "conf= is missing");
		return NULL;
	}
	if ((room = room_find(m, uri)) == NULL)
		ctl_error(r, 404, "no such conference here");
	return room;
}

static void
on_conference(void *ctx, struct ctl_req *r)
{
	struct mtcu *m = ((struct service *)ctx)->priv;
	const char *uri = line_get(r->line, "conf");
	const char *cid = line_get(r->line, "cid");
	struct member *mb;
	struct room *room;
	uint64_t id;

	if (uri == NULL || cid == NULL || confid_parse(&id, cid) != 0) {
		ctl_error(r, 400, "conf= or cid= is missing");
		return;
	}
	room = room_find(m, uri);
	if (room != NULL && room->cid != id) {
		room_free(room); /* the name was used again */
		room = NULL;
	}
	if (room == NULL) {
		if (m->s->draining) {
			ctl_error(r, 503, "draining");
			return;
		}
		room = calloc(1, sizeof *room);
		if (room == NULL || (room->uri = strdup(uri)) == NULL) {
			free(room);
			ctl_error(r, 503, "out of memory");
			return;
		}
		room->mtcu = m;
		room->cid = id;
		room->persons = map_new();
		room->by_q = map_new();
		TAILQ_INIT(&room->members);
		map_put_str(m->rooms, room->uri, room);
		log_info("conf.new", "conf=%s", log_quote(uri));
	}
	room->seen = 1;
	TAILQ_FOREACH(mb, &room->members, entry)
		mb->seen = 0;
	load_changed(m);
	ctl_ok(r);
}

/* Take the hop key of a join; 0 or a SIP status. */
static int
join_hop(struct mtcu *m, struct member *mb, const struct line *l)
{
	uint8_t key[32];
	uint64_t id;

	if (line_get(l, "hopkey") == NULL)
		return mb->held.key.secret != NULL ? 0 : 404;
	if (line_get_exact(l, "hopkey", key, sizeof key) != 0 ||
	    line_get_u64(l, "hopid", &id) != 0 || id == 0 || id > UINT32_MAX) {
		explicit_bzero(key, sizeof key);
		return 400;
	}
	/* What stands on an older key is over. */
	if (mb->conn != NULL && mb->held.key.id != id && !m->s->conf.plain) {
		sip_conn_set_owner(mb->conn, NULL);
		sip_conn_close(mb->conn, SEC_ERR_CLOSED);
		member_disconnected(mb);
	}
	holder_replace(&mb->held, (uint32_t)id, key, INT64_MAX);
	explicit_bzero(key, sizeof key);
	return 0;
}

static void
on_join(void *ctx, struct ctl_req *r)
{
	struct mtcu *m = ((struct service *)ctx)->priv;
	const char *user = line_get(r->line, "user");
	const char *speak = line_get(r->line, "speak");
	struct member *mb;
	struct room *room;
	struct buf *b;
	uint32_t q;
	int fresh, status;

	if ((room = req_room(m, r)) == NULL)
		return;
	if (user == NULL || q_parse(&q, line_get_or(r->line, "q", "")) != 0) {
		ctl_error(r, 400, "user= or q= is missing");
		return;
	}
	mb = room_member(room, q);
	fresh = mb == NULL;
	if (fresh && (mb = member_new(room, q, user)) == NULL) {
		ctl_error(r, 503, "out of memory");
		return;
	}
	if ((status = join_hop(m, mb, r->line)) != 0) {
		/* Without a key he cannot come, but he is a member, and to
		 * be counted: the controller will make a key. */
		if (fresh && status != 404)
			member_free(mb);
		else
			mb->seen = 1;
		ctl_error(r, status, "no hop key for this device");
		return;
	}
	mb->seen = 1;
	if (speak != NULL)
		mb->may_speak = strcmp(speak, "no") != 0;
	text_copy(mb->address, line_get_or(r->line, "address", mb->address),
	    sizeof mb->address);
	if (fresh)
		log_info("conf.join", "conf=%s user=%s q=%u.%u",
		    log_quote(room->uri), log_quote(user), q_server(q),
		    q & 0xffffff);
	load_changed(m);
	b = ctl_ok_begin(r);
	line_put(b, "addr", m->s->self->addr);
	line_put_u64(b, "server", m->s->self->number);
	ctl_end(r);
}

static void
on_leave(void *ctx, struct ctl_req *r)
{
	struct mtcu *m = ((struct service *)ctx)->priv;
	struct member *mb;
	struct room *room;
	uint32_t q;

	if ((room = req_room(m, r)) == NULL)
		return;
	if (q_parse(&q, line_get_or(r->line, "q", "")) != 0) {
		ctl_error(r, 400, "q= is missing");
		return;
	}
	if ((mb = room_member(room, q)) != NULL) {
		log_info("conf.leave", "conf=%s user=%s q=%u.%u",
		    log_quote(room->uri), log_quote(mb->person->uri),
		    q_server(q), q & 0xffffff);
		member_free(mb);
	}
	load_changed(m);
	ctl_ok(r);
}

static void
on_end(void *ctx, struct ctl_req *r)
{
	struct mtcu *m = ((struct service *)ctx)->priv;
	struct room *room;

	if ((room = room_find(m, line_get_or(r->line, "conf", ""))) != NULL) {
		log_info("conf.end", "conf=%s", log_quote(room->uri));
		room_free(room);
	}
	load_changed(m);
	ctl_ok(r);
}

static void
on_dealt(void *ctx, struct ctl_req *r)
{
	struct mtcu *m = ((struct service *)ctx)->priv;
	const char *uri = line_get(r->line, "conf");
	struct member *mb, *next;
	struct room *room;
	size_t i;

	if (uri != NULL) {
		if ((room = room_find(m, uri)) == NULL)
			return;
		room->dealt = 1;
		service_keys_changed(m->s);
		for (mb = TAILQ_FIRST(&room->members); mb != NULL; mb = next) {
			next = TAILQ_NEXT(mb, entry);
			if (!mb->seen)
				member_free(mb);
		}
		return;
	}
	for (i = 0; (room = map_next(m->rooms, &i)) != NULL;)
		if (!room->seen)
			room_free(room);
	load_changed(m);
}

static void
on_policy(void *ctx, struct ctl_req *r)
{
	/* Nothing of a policy concerns text routing yet but that the
	 * conference is here. */
	if (req_room(((struct service *)ctx)->priv, r) != NULL)
		ctl_ok(r);
}

static void
on_conferences(void *ctx, struct ctl_req *r)
{
	struct mtcu *m = ((struct service *)ctx)->priv;
	struct room *room;
	struct buf *b;
	size_t i;

	for (i = 0; (room = map_next(m->rooms, &i)) != NULL;) {
		b = ctl_row(r);
		line_put(b, "conf", room->uri);
		line_put_u64(b, "members", room->nmembers);
		ctl_end(r);
	}
	ctl_ok(r);
}

const struct ctl_verb member_verbs[] = {
	{ "conference", CTL_CONFCTL, on_conference },
	{ "join", CTL_CONFCTL, on_join },
	{ "leave", CTL_CONFCTL, on_leave },
	{ "end", CTL_CONFCTL, on_end },
	{ "dealt", CTL_CONFCTL, on_dealt },
	{ "policy", CTL_CONFCTL, on_policy },
	{ "conferences", CTL_ADMIN, on_conferences },
	{ NULL, 0, NULL },
};
