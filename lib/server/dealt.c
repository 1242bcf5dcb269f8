/*
 * Rooms and devices as the controller deals them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "wire/ids.h"

#include "server/dealt.h"

struct dealt {
	struct service *s;
	const struct dealt_ops *ops;
	struct map *rooms; /* by URI */
	struct map *by_cid;
	unsigned devices;
	struct timer load;
};

struct service *
dealt_service(const struct dealt *d)
{
	return d->s;
}

struct dealt_room *
dealt_room(const struct dealt *d, const char *uri)
{
	return map_get_str(d->rooms, uri);
}

struct dealt_room *
dealt_room_cid(const struct dealt *d, uint64_t cid)
{
	return map_get_u64(d->by_cid, cid);
}

struct dealt_room *
dealt_room_next(const struct dealt *d, size_t *i)
{
	return map_next(d->rooms, i);
}

struct dealt_device *
dealt_device(const struct dealt_room *r, uint32_t q)
{
	return map_get_u64(r->by_q, q);
}

size_t
dealt_rooms(const struct dealt *d)
{
	return map_count(d->rooms);
}

unsigned
dealt_devices(const struct dealt *d)
{
	return d->devices;
}

/* --- persons: one slot for all devices of a user --- */

static struct dealt_person *
person_take(struct dealt_room *r, const char *uri)
{
	struct dealt_person *p, **grown;
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
	if (i == DEALT_PERSONS)
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
person_drop(struct dealt_room *r, struct dealt_person *p)
{
	if (--p->devices > 0)
		return;
	map_del_str(r->persons, p->uri);
	r->slot[p->slot] = NULL;
	while (r->nslots > 0 && r->slot[r->nslots - 1] == NULL)
		r->nslots--;
	free(p);
}

/* --- devices and rooms --- */

static void
device_free(struct dealt_device *dev)
{
	struct dealt_room *r = dev->room;
	const struct dealt_ops *ops = r->dealt->ops;

	/* Not found any more by what the daemon does now. */
	map_del_u64(r->by_q, dev->q);
	if (ops->device_free != NULL)
		ops->device_free(dev);
	TAILQ_REMOVE(&r->devices, dev, entry);
	r->ndevices--;
	r->dealt->devices--;
	person_drop(r, dev->person);
	free(dev);
}

static struct dealt_device *
device_new(struct dealt_room *r, uint32_t q, const char *user)
{
	const struct dealt_ops *ops = r->dealt->ops;
	struct dealt_device *dev;

	if ((dev = calloc(1, ops->device_size)) == NULL)
		return NULL;
	dev->q = q;
	dev->room = r;
	dev->speak = 1;
	if ((dev->person = person_take(r, user)) == NULL) {
		free(dev);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&r->devices, dev, entry);
	map_put_u64(r->by_q, q, dev);
	r->ndevices++;
	r->dealt->devices++;
	if (ops->device_new != NULL && ops->device_new(dev) != 0) {
		device_free(dev);
		return NULL;
	}
	return dev;
}

static void
room_free(struct dealt_room *r)
{
	const struct dealt_ops *ops = r->dealt->ops;
	struct dealt_device *dev;

	while ((dev = TAILQ_FIRST(&r->devices)) != NULL)
		device_free(dev);
	if (ops->room_free != NULL)
		ops->room_free(r);
	map_del_str(r->dealt->rooms, r->uri);
	map_del_u64(r->dealt->by_cid, r->cid);
	map_free(r->persons);
	map_free(r->by_q);
	free(r->slot);
	free(r->uri);
	free(r);
}

static struct dealt_room *
room_new(struct dealt *d, const char *uri, uint64_t cid)
{
	struct dealt_room *r = calloc(1, d->ops->room_size);

	if (r == NULL || (r->uri = strdup(uri)) == NULL) {
		free(r);
		return NULL;
	}
	r->dealt = d;
	r->cid = cid;
	r->streams = DEALT_STREAMS;
	r->persons = map_new();
	r->by_q = map_new();
	TAILQ_INIT(&r->devices);
	map_put_str(d->rooms, r->uri, r);
	map_put_u64(d->by_cid, cid, r);
	if (d->ops->room_new != NULL && d->ops->room_new(r) != 0) {
		room_free(r);
		return NULL;
	}
	return r;
}

/* --- what the controller hears --- */

static void
device_event(const struct dealt_device *dev, const char *verb)
{
	struct ctl_peer *p;
	struct buf *b;
	char q[Q_STRLEN];

	if ((p = links_peer(dev->room->dealt->s->links, 1)) == NULL)
		return;
	b = ctl_event(p, verb);
	line_put(b, "conf", dev->room->uri);
	line_put(b, "q", q_format(dev->q, q));
	ctl_event_end(p);
}

void
dealt_lost(struct dealt_device *dev)
{
	if (dev->lost)
		return;
	dev->lost = 1;
	device_event(dev, "lost");
}

void
dealt_found(struct dealt_device *dev)
{
	if (!dev->lost)
		return;
	dev->lost = 0;
	device_event(dev, "found");
}

/* 0 means that it drains. */
static unsigned
capacity(const struct dealt *d)
{
	unsigned most = d->s->max > 0 ? d->s->max : d->ops->capacity;

	if (d->s->draining)
		return 0;
	return d->devices < most ? most - d->devices : 1;
}

void
dealt_load(struct dealt *d)
{
	struct ctl_peer *p;
	struct buf *b;

	if ((p = links_peer(d->s->links, 1)) == NULL)
		return;
	b = ctl_event(p, "load");
	line_put_u64(b, "members", d->devices);
	line_put_u64(b, "packets",
	    d->ops->packets != NULL ? d->ops->packets(d->s) : 0);
	line_put_u64(b, "capacity", capacity(d));
	ctl_event_end(p);
}

void
dealt_load_changed(struct dealt *d)
{
	if (!timer_is_set(&d->load))
		timer_set(&d->load, 1000);
	service_touch(d->s);
}

void
dealt_link_up(struct dealt *d)
{
	struct dealt_device *dev;
	struct dealt_room *r;
	size_t i;

	/* Whom we miss, the controller has forgotten with the old link. */
	for (i = 0; (r = map_next(d->rooms, &i)) != NULL;) {
		r->seen = 0;
		TAILQ_FOREACH(dev, &r->devices, entry)
			if (dev->lost)
				device_event(dev, "lost");
	}
	dealt_load(d);
}

/* --- what the controller says --- */

static struct dealt *
req_dealt(void *ctx)
{
	return ((struct service *)ctx)->dealt;
}

static struct dealt_room *
req_room(struct dealt *d, struct ctl_req *req)
{
	const char *uri = line_get(req->line, "conf");
	struct dealt_room *r;

	if (uri == NULL) {
		ctl_error(req, 400, "conf= is missing");
		return NULL;
	}
	if ((r = dealt_room(d, uri)) == NULL)
		ctl_error(req, 404, "no such conference here");
	return r;
}

/* streams=, select=, talk= and keep= of a line; 0 or -1: answered. */
static int
take_policy(struct dealt_room *r, struct ctl_req *req)
{
	const char *how = line_get(req->line, "select");
	uint64_t n = r->streams;
	enum dealt_select select = r->select;
	int talk, keep;

	if (line_get_u64(req->line, "streams", &n) == SEC_ERR_FORMAT || n < 1 ||
	    n > DEALT_STREAMS_MAX) {
		ctl_error(req, 400, "streams= is 1 to 16");
		return -1;
	}
	if (how != NULL && strcmp(how, "loudest") == 0)
		select = DEALT_LOUDEST;
	else if (how != NULL && strcmp(how, "first") == 0)
		select = DEALT_FIRST;
	else if (how != NULL && *how != '\0') {
		ctl_error(req, 400, "select= is loudest or first");
		return -1;
	}
	talk = strcmp(line_get_or(req->line, "talk", r->talk ? "yes" : "no"),
		   "yes") == 0;
	keep = strcmp(line_get_or(req->line, "keep", r->keep ? "yes" : "no"),
		   "yes") == 0;
	if (r->streams == n && r->select == select && r->talk == talk &&
	    r->keep == keep)
		return 0;
	r->streams = (unsigned)n;
	r->select = select;
	r->talk = talk;
	r->keep = keep;
	if (r->dealt->ops->room_policy != NULL)
		r->dealt->ops->room_policy(r);
	return 0;
}

static void
on_conference(void *ctx, struct ctl_req *req)
{
	struct dealt *d = req_dealt(ctx);
	const char *uri = line_get(req->line, "conf");
	const char *cid = line_get(req->line, "cid");
	struct dealt_device *dev;
	struct dealt_room *r;
	uint64_t id;

	if (uri == NULL || cid == NULL || confid_parse(&id, cid) != 0) {
		ctl_error(req, 400, "conf= or cid= is missing");
		return;
	}
	r = dealt_room(d, uri);
	if (r != NULL && r->cid != id) {
		room_free(r); /* the name was used again */
		r = NULL;
	}
	if (r == NULL) {
		if (d->s->draining) {
			ctl_error(req, 503, "draining");
			return;
		}
		/* An id has one name; the controller knows which. */
		if ((r = dealt_room_cid(d, id)) != NULL)
			room_free(r);
		if ((r = room_new(d, uri, id)) == NULL) {
			ctl_error(req, 503, "out of memory");
			return;
		}
		log_info("conf.new", "conf=%s", log_quote(uri));
	}
	if (take_policy(r, req) != 0)
		return;
	r->seen = 1;
	TAILQ_FOREACH(dev, &r->devices, entry)
		dev->seen = 0;
	dealt_load_changed(d);
	ctl_ok(req);
}

/* Take the hop key of a join; 0 or a SIP status. */
static int
join_hop(const struct dealt_ops *ops, struct dealt_device *dev,
    const struct line *l)
{
	uint8_t key[32];
	uint64_t id;

	if (line_get(l, "hopkey") == NULL)
		return dev->hopid != 0 ? 0 : 404;
	if (line_get_exact(l, "hopkey", key, sizeof key) != 0 ||
	    line_get_u64(l, "hopid", &id) != 0 || id == 0 || id > UINT32_MAX) {
		explicit_bzero(key, sizeof key);
		return 400;
	}
	if (ops->hop_key != NULL)
		ops->hop_key(dev, (uint32_t)id, key);
	dev->hopid = (uint32_t)id;
	explicit_bzero(key, sizeof key);
	return 0;
}

/* A device of that room that is new; NULL: answered. */
static struct dealt_device *
join_new(struct dealt *d, struct dealt_room *r, uint32_t q, struct ctl_req *req)
{
	struct dealt_device *dev;

	if (d->s->max > 0 && d->devices >= d->s->max) {
		ctl_error(req, 503, "no room for another device");
		return NULL;
	}
	if ((dev = device_new(r, q, line_get(req->line, "user"))) == NULL)
		ctl_error(req, 503, "out of memory");
	return dev;
}

static void
on_join(void *ctx, struct ctl_req *req)
{
	struct dealt *d = req_dealt(ctx);
	const struct line *l = req->line;
	const char *user = line_get(l, "user");
	struct dealt_device *dev;
	struct dealt_room *r;
	struct buf *b;
	uint32_t q;
	int fresh, status;

	if ((r = req_room(d, req)) == NULL)
		return;
	if (user == NULL || q_parse(&q, line_get_or(l, "q", "")) != 0) {
		ctl_error(req, 400, "user= or q= is missing");
		return;
	}
	if (strcmp(line_get_or(l, "medium", d->ops->medium), d->ops->medium) !=
	    0) {
		ctl_error(req, 400, "another server's medium");
		return;
	}
	dev = dealt_device(r, q);
	fresh = dev == NULL;
	if (fresh && (dev = join_new(d, r, q, req)) == NULL)
		return;
	if ((status = join_hop(d->ops, dev, l)) != 0) {
		/* Without a key it cannot come, but it is a member, and to
		 * be counted: the controller will make a key. */
		if (fresh && status != 404)
			device_free(dev);
		else
			dev->seen = 1;
		ctl_error(req, status, "no hop key for this device");
		return;
	}
	dev->seen = 1;
	if (line_get(l, "speak") != NULL)
		dev->speak = strcmp(line_get(l, "speak"), "no") != 0;
	if (line_get(l, "hold") != NULL)
		dev->hold = strcmp(line_get(l, "hold"), "on") == 0;
	text_copy(dev->address, line_get_or(l, "address", dev->address),
	    sizeof dev->address);
	if (d->ops->device_changed != NULL)
		d->ops->device_changed(dev);
	if (fresh)
		log_info("conf.join", "conf=%s user=%s q=%u.%u",
		    log_quote(r->uri), log_quote(user), q_server(q),
		    q & 0xffffff);
	dealt_load_changed(d);
	b = ctl_ok_begin(req);
	line_put(b, "addr", d->s->self->addr);
	line_put_u64(b, "server", d->s->self->number);
	ctl_end(req);
}

static void
on_leave(void *ctx, struct ctl_req *req)
{
	struct dealt *d = req_dealt(ctx);
	struct dealt_device *dev;
	struct dealt_room *r;
	uint32_t q;

	if ((r = req_room(d, req)) == NULL)
		return;
	if (q_parse(&q, line_get_or(req->line, "q", "")) != 0) {
		ctl_error(req, 400, "q= is missing");
		return;
	}
	if ((dev = dealt_device(r, q)) != NULL) {
		log_info("conf.leave", "conf=%s user=%s q=%u.%u",
		    log_quote(r->uri), log_quote(dev->person->uri), q_server(q),
		    q & 0xffffff);
		device_free(dev);
	}
	dealt_load_changed(d);
	ctl_ok(req);
}

/* What a switch of a device turns. */
typedef void (*turn_h)(struct dealt_device *dev, int on);

static void
turn_hold(struct dealt_device *dev, int on)
{
	dev->hold = on != 0;
}

static void
turn_speak(struct dealt_device *dev, int on)
{
	dev->speak = on != 0;
}

static void
on_switch(void *ctx, struct ctl_req *req, turn_h turn)
{
	struct dealt *d = req_dealt(ctx);
	const char *on = line_get_or(req->line, "on", "");
	struct dealt_device *dev;
	struct dealt_room *r;
	uint32_t q;

	if ((r = req_room(d, req)) == NULL)
		return;
	if (q_parse(&q, line_get_or(req->line, "q", "")) != 0 ||
	    (strcmp(on, "on") != 0 && strcmp(on, "off") != 0)) {
		ctl_error(req, 400, "q= or on=on|off is missing");
		return;
	}
	if ((dev = dealt_device(r, q)) == NULL) {
		ctl_error(req, 404, "no such device here");
		return;
	}
	turn(dev, strcmp(on, "on") == 0);
	if (d->ops->device_changed != NULL)
		d->ops->device_changed(dev);
	ctl_ok(req);
}

static void
on_hold(void *ctx, struct ctl_req *req)
{
	on_switch(ctx, req, turn_hold);
}

static void
on_speak(void *ctx, struct ctl_req *req)
{
	on_switch(ctx, req, turn_speak);
}

static void
on_end(void *ctx, struct ctl_req *req)
{
	struct dealt *d = req_dealt(ctx);
	struct dealt_room *r;

	r = dealt_room(d, line_get_or(req->line, "conf", ""));
	if (r != NULL) {
		log_info("conf.end", "conf=%s", log_quote(r->uri));
		room_free(r);
	}
	dealt_load_changed(d);
	ctl_ok(req);
}

static void
on_dealt(void *ctx, struct ctl_req *req)
{
	struct dealt *d = req_dealt(ctx);
	const char *uri = line_get(req->line, "conf");
	struct dealt_device *dev, *next;
	struct dealt_room *r;
	size_t i;

	if (uri != NULL) {
		if ((r = dealt_room(d, uri)) == NULL)
			return;
		r->is_dealt = 1;
		if (d->ops->room_dealt != NULL)
			d->ops->room_dealt(r);
		for (dev = TAILQ_FIRST(&r->devices); dev != NULL; dev = next) {
			next = TAILQ_NEXT(dev, entry);
			if (!dev->seen)
				device_free(dev);
		}
		return;
	}
	for (i = 0; (r = map_next(d->rooms, &i)) != NULL;)
		if (!r->seen)
			room_free(r);
	dealt_load_changed(d);
}

static void
on_policy(void *ctx, struct ctl_req *req)
{
	struct dealt_room *r;

	if ((r = req_room(req_dealt(ctx), req)) != NULL &&
	    take_policy(r, req) == 0)
		ctl_ok(req);
}

static void
on_conferences(void *ctx, struct ctl_req *req)
{
	struct dealt *d = req_dealt(ctx);
	struct dealt_room *r;
	struct buf *b;
	size_t i;

	for (i = 0; (r = map_next(d->rooms, &i)) != NULL;) {
		b = ctl_row(req);
		line_put(b, "conf", r->uri);
		line_put_u64(b, "members", r->ndevices);
		if (d->ops->room_words != NULL)
			d->ops->room_words(r, b);
		ctl_end(req);
	}
	ctl_ok(req);
}

static const struct ctl_verb verbs[] = {
	{ "conference", CTL_CONFCTL, on_conference },
	{ "join", CTL_CONFCTL, on_join },
	{ "leave", CTL_CONFCTL, on_leave },
	{ "hold", CTL_CONFCTL, on_hold },
	{ "speak", CTL_CONFCTL, on_speak },
	{ "policy", CTL_CONFCTL, on_policy },
	{ "end", CTL_CONFCTL, on_end },
	{ "dealt", CTL_CONFCTL, on_dealt },
	{ "conferences", CTL_ADMIN, on_conferences },
	{ NULL, 0, NULL },
};

static void
on_load(void *arg)
{
	dealt_load(arg);
}

struct dealt *
dealt_new(struct service *s, const struct dealt_ops *ops)
{
	struct dealt *d = mem_new(sizeof *d);

	d->s = s;
	d->ops = ops;
	d->rooms = map_new();
	d->by_cid = map_new();
	timer_init(&d->load, s->loop, on_load, d);
	ctl_add_verbs(s->ctl, verbs, s);
	s->dealt = d;
	return d;
}

void
dealt_free(struct dealt *d)
{
	struct dealt_room *r;
	size_t i;

	if (d == NULL)
		return;
	timer_cancel(&d->load);
	for (i = 0; (r = map_next(d->rooms, &i)) != NULL;)
		room_free(r);
	map_free(d->rooms);
	map_free(d->by_cid);
	d->s->dealt = NULL;
	free(d);
}
