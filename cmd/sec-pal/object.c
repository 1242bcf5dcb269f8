/*
 * object: things that are watched (S053-S055, S059). No history: a value
 * takes the place of the one before. It is fresh until the Expires of its
 * PUBLISH has passed, and refreshing it without a change is told to nobody.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "base/text.h"
#include "db/pal_object.h"
#include "wire/line.h"
#include "wire/types.h"

#include "object.h"
#include "pal.h"
#include "rule.h"

#define FRESH_DEFAULT 600 /* s, Expires of a PUBLISH */
#define FRESH_MIN     10
#define FRESH_MAX     (365 * 86400)

struct attribute {
	char name[33];
	char *value;
	int64_t since, until; /* ms; stale after until */
};

struct object {
	struct pal *pal;
	char uri[URI_MAX];
	struct pal_object row;
	struct subject owner;
	struct attribute *attr;
	size_t n;
	struct timer timer; /* the next attribute becomes stale */
};

/* --- attributes --- */

static struct attribute *
attribute_find(const struct object *o, const char *name)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (strcmp(o->attr[i].name, name) == 0)
			return &o->attr[i];
	return NULL;
}

/* 1 if it is another value now, or was stale; SEC_ERR_SYS. */
static int
attribute_set(struct object *o, const struct pal_attribute *row, int64_t now)
{
	struct attribute *a = attribute_find(o, row->name), *grown;
	char *value;
	int news;

	if (a != NULL && strcmp(a->value, row->value) == 0) {
		news = a->until <= now;
		a->until = row->until;
		return news;
	}
	if ((value = strdup(row->value)) == NULL)
		return SEC_ERR_SYS;
	if (a == NULL) {
		grown = reallocarray(o->attr, o->n + 1, sizeof *grown);
		if (grown == NULL) {
			free(value);
			return SEC_ERR_SYS;
		}
		o->attr = grown;
		a = &grown[o->n++];
		memset(a, 0, sizeof *a);
		text_copy(a->name, row->name, sizeof a->name);
	}
	free(a->value);
	a->value = value;
	a->since = row->since;
	a->until = row->until;
	return 1;
}

/* What of it counts is availability, if it has such: as soon as one of those
 * is out of date; else when everything is. */
static int
is_stale(const struct object *o, const struct type *t, int64_t now)
{
	const struct type_attr *ta;
	size_t i, fresh = 0, marked = 0;

	for (i = 0; i < o->n; i++) {
		if ((ta = type_attr(t, o->attr[i].name)) == NULL)
			continue;
		marked += (size_t)ta->availability;
		if (o->attr[i].until > now)
			fresh++;
		else if (ta->availability)
			return 1;
	}
	return o->n > 0 && marked == 0 && fresh == 0;
}

/* --- objects --- */

static struct presentity *
watched(const struct object *o)
{
	return presentity_by_uri(o->pal, o->uri);
}

static void
object_changed(const struct object *o)
{
	struct presentity *u = watched(o);

	if (u != NULL)
		presentity_changed(u);
}

static void
watch_freshness(struct object *o)
{
	int64_t now = clock_real(), next = INT64_MAX;
	size_t i;

	for (i = 0; i < o->n; i++)
		if (o->attr[i].until > now && o->attr[i].until < next)
			next = o->attr[i].until;
	timer_cancel(&o->timer);
	if (next != INT64_MAX)
		timer_set(&o->timer, next - now);
}

static void
on_stale(void *arg)
{
	struct object *o = arg;

	object_changed(o);
	watch_freshness(o);
}

static struct object *
object_new(struct pal *p, const struct pal_object *row)
{
	struct object *o;

	if ((o = calloc(1, sizeof *o)) == NULL)
		return NULL;
	o->pal = p;
	o->row = *row;
	if (subject_parse(&o->owner, row->owner) != 0 ||
	    (size_t)snprintf(o->uri, sizeof o->uri, "sip:%s@%s.%s", row->name,
		row->type, p->s->conf.domain) >= sizeof o->uri) {
		free(o);
		return NULL;
	}
	timer_init(&o->timer, p->s->loop, on_stale, o);
	map_put_str(p->objects, o->uri, o);
	return o;
}

static void
object_free(struct object *o)
{
	size_t i;

	timer_cancel(&o->timer);
	map_del_str(o->pal->objects, o->uri);
	for (i = 0; i < o->n; i++)
		free(o->attr[i].value);
	free(o->attr);
	free(o);
}

static int
load_attribute(void *arg, const struct pal_attribute *row)
{
	int r = attribute_set(arg, row, 0);

	return r < 0 ? r : 0;
}

static int
load_object(void *arg, const struct pal_object *row)
{
	struct pal *p = arg;
	struct object *o = object_new(p, row);
	int r;

	if (o == NULL)
		return SEC_ERR_DATA;
	r = pal_attribute_each(p->s->db, o->uri, load_attribute, o);
	watch_freshness(o);
	return r;
}

static int
read_types(struct types *t, char *why, size_t whylen)
{
	char path[PATH_LEN];
	int r = types_read(t, path_types(path), why, whylen);

	return r == SEC_ERR_NOTHING ? 0 : r;
}

int
objects_open(struct pal *p, char *why, size_t whylen)
{
	int r;

	p->objects = map_new();
	if ((p->types = calloc(1, sizeof *p->types)) == NULL)
		return SEC_ERR_SYS;
	if ((r = read_types(p->types, why, whylen)) != 0)
		return r;
	if ((r = pal_object_each(p->s->db, load_object, p)) != 0)
		snprintf(why, whylen, "objects of pal.db: %s",
		    r == SEC_ERR_DATA ? sec_strerror(r) : db_why(p->s->db));
	return r;
}

int
objects_reload(struct pal *p, char *why, size_t whylen)
{
	struct object *o;
	struct types *new;
	size_t i;
	int r;

	if ((new = malloc(sizeof *new)) == NULL)
		return SEC_ERR_SYS;
	if ((r = read_types(new, why, whylen)) == 0) {
		*p->types = *new;
		for (i = 0; (o = map_next(p->objects, &i)) != NULL;)
			object_changed(o);
	}
	free(new);
	return r;
}

void
objects_close(struct pal *p)
{
	struct object *o;
	size_t i;

	if (p->objects != NULL)
		for (i = 0; (o = map_next(p->objects, &i)) != NULL;)
			object_free(o);
	map_free(p->objects);
	free(p->types);
	p->objects = NULL;
	p->types = NULL;
}

/* One whose type there is still, with it. */
static struct object *
object_find(struct pal *p, const char *uri, const struct type **type)
{
	struct object *o = map_get_str(p->objects, uri);

	if (o != NULL && (*type = types_find(p->types, o->row.type)) == NULL)
		o = NULL;
	return o;
}

int
object_known(struct pal *p, const struct uri *u)
{
	const struct type *t;

	return object_find(p, u->full, &t) != NULL;
}

/* What everybody may read, whatever the type's attributes are. */
static void
put_state(const struct object *o, const struct type *t, struct buf *b)
{
	const struct type_attr *status = type_status(t);
	const struct attribute *a =
	    status != NULL ? attribute_find(o, status->name) : NULL;

	if (a != NULL) {
		line_put(b, "status", a->value);
		line_put_u64(b, "since", (uint64_t)a->since);
	}
	if (o->row.title[0] != '\0')
		line_put(b, "title", o->row.title);
	if (is_stale(o, t, clock_real()))
		line_put(b, "stale", "1");
}

static void
put_attributes(const struct object *o, const struct type *t, struct buf *b)
{
	const struct attribute *a;
	size_t i;

	for (i = 0; i < t->n; i++)
		if ((a = attribute_find(o, t->attr[i].name)) != NULL)
			line_put(b, a->name, a->value);
}

void
object_line(struct pal *p, struct presentity *u, struct buf *b)
{
	const struct type *t;
	struct object *o = object_find(p, u->uri, &t);
	struct uri uri;

	if (uri_parse(&uri, u->uri, p->s->conf.domain) != 0)
		return;
	line_put(b, "type", uri.type);
	if (o == NULL) {
		line_put(b, "status", "none");
		return;
	}
	put_state(o, t, b);
	put_attributes(o, t, b);
}

/* --- PUBLISH --- */

struct publication {
	struct object *object;
	const struct type *type;
	const char *user;
	const struct line *line;
	int64_t now, until;
	int status; /* of the answer */
	char why[200];
};

__attribute__((format(printf, 3, 4))) static int
refuse(struct publication *pub, int status, const char *fmt, ...)
{
	va_list ap;

	pub->status = status;
	va_start(ap, fmt);
	vsnprintf(pub->why, sizeof pub->why, fmt, ap);
	va_end(ap);
	return SEC_ERR_NO;
}

static int
may_publish(struct publication *pub)
{
	const struct object *o = pub->object;
	struct standing *standing = o->pal->rules->standing;

	if (standing_is(standing, &o->owner, pub->user) ||
	    standing_is(standing, &pub->type->publish, pub->user))
		return 0;
	return refuse(pub, 403, "%s:%.100s is published by others", o->row.type,
	    o->row.name);
}

/* Every field of `set` must be an attribute of the type. */
static int
check_values(struct publication *pub)
{
	const struct line_field *f = pub->line->field;
	size_t i, n;

	if (strcmp(pub->line->verb, "set") != 0 || pub->line->n == 0)
		return refuse(pub, 400, "nothing is set");
	for (i = 0; i < pub->line->n; i++) {
		n = strlen(f[i].value);
		if (type_attr(pub->type, f[i].key) == NULL) {
			pub->status = 400;
			type_attr_unknown(pub->type, f[i].key, pub->why,
			    sizeof pub->why);
			return SEC_ERR_NO;
		}
		if (n >= PAL_VALUE || !text_is_utf8(f[i].value, n))
			return refuse(pub, 400,
			    "%.32s: a value is at most %d bytes of UTF-8",
			    f[i].key, PAL_VALUE - 1);
	}
	return 0;
}

static void
value_row(const struct publication *pub, const struct line_field *f,
    struct pal_attribute *row)
{
	const struct attribute *a = attribute_find(pub->object, f->key);

	memset(row, 0, sizeof *row);
	text_copy(row->name, f->key, sizeof row->name);
	text_copy(row->value, f->value, sizeof row->value);
	text_copy(row->by, pub->user, sizeof row->by);
	row->since =
	    a != NULL && strcmp(a->value, f->value) == 0 ? a->since : pub->now;
	row->until = pub->until;
}

static int
store_values(struct publication *pub)
{
	struct db *d = pub->object->pal->s->db;
	struct pal_attribute row;
	size_t i;
	int r;

	if ((r = db_begin(d)) == 0) {
		for (i = 0; i < pub->line->n && r == 0; i++) {
			value_row(pub, &pub->line->field[i], &row);
			r = pal_attribute_put(d, pub->object->uri, &row);
		}
		r = r == 0 ? db_commit(d) : (db_rollback(d), r);
	}
	if (r == 0)
		return 0;
	log_error("db.write", "file=pal.db why=%s", log_quote(db_why(d)));
	return refuse(pub, 503, "the database cannot be written");
}

static int
keep_values(struct publication *pub)
{
	struct pal_attribute row;
	size_t i;
	int r, news = 0;

	for (i = 0; i < pub->line->n; i++) {
		value_row(pub, &pub->line->field[i], &row);
		if ((r = attribute_set(pub->object, &row, pub->now)) < 0)
			return refuse(pub, 503, "no memory");
		news |= r;
	}
	watch_freshness(pub->object);
	if (news)
		object_changed(pub->object);
	return 0;
}

/* Seconds granted for what was asked. */
static int64_t
publish_expires(int64_t asked)
{
	if (asked < 0)
		return FRESH_DEFAULT;
	return asked < FRESH_MIN ? FRESH_MIN :
	    asked > FRESH_MAX	 ? FRESH_MAX :
				   asked;
}

void
object_publish(struct pal *p, struct sip_txn *txn, const struct sip_msg *req,
    const char *user)
{
	struct publication pub = { .user = user, .status = 200 };
	int64_t expires = publish_expires(req->expires);
	struct sip_msg a;
	struct line l;
	struct uri to;

	pub.now = clock_real();
	pub.until = pub.now + expires * 1000;
	if (uri_parse(&to, req->uri, p->s->conf.domain) == 0)
		pub.object = object_find(p, to.full, &pub.type);
	pub.line = &l;
	if (pub.object == NULL)
		(void)refuse(&pub, 404, "no such object");
	else if (may_publish(&pub) != 0)
		; /* said */
	else if (req->bodylen == 0 ||
	    line_parse(&l, req->body, req->bodylen) != 0)
		(void)refuse(&pub, 400, "nothing is set");
	else {
		(void)(check_values(&pub) != 0 || store_values(&pub) != 0 ||
		    keep_values(&pub) != 0);
		line_free(&l);
	}
	sip_msg_init(&a);
	a.status = pub.status;
	if (pub.status == 200)
		a.expires = expires;
	else
		a.note = pub.why;
	sip_answer(txn, &a);
}

/* --- control lines --- */

/* `object=` of a request; 0, or answered. */
static int
object_arg(struct pal *p, struct ctl_req *req, struct uri *u)
{
	if (uri_from_name(u, line_get_or(req->line, "object", ""),
		p->s->conf.domain, 0) == 0 &&
	    u->kind == URI_OBJECT)
		return 0;
	ctl_error(req, 400, "not TYPE:NAME of an object");
	return SEC_ERR_FORMAT;
}

/* `owner=`, who must be somebody where that is known. 0, or answered. */
static int
owner_arg(struct pal *p, struct ctl_req *req, struct subject *owner)
{
	struct pal_user row;

	if (subject_parse(owner, line_get_or(req->line, "owner", "")) != 0 ||
	    !subject_is_publisher(owner)) {
		ctl_error(req, 400, "the owner is not a USER or group:G");
		return SEC_ERR_FORMAT;
	}
	if (owner->kind == SUBJECT_GROUP || !p->s->conf.users_known ||
	    (pal_user_get(p->s->db, owner->name, &row) == 0 && !row.disabled))
		return 0;
	ctl_error(req, 404, "the owner is no user");
	return SEC_ERR_NOTHING;
}

/* 0, or answered. */
static int
object_of_line(struct pal *p, struct ctl_req *req, const struct uri *u,
    struct pal_object *row)
{
	const char *title = line_get_or(req->line, "title", "");
	struct subject owner;
	struct buf b = BUF_INIT;
	char why[200];

	memset(row, 0, sizeof *row);
	if (types_find(p->types, u->type) == NULL) {
		types_unknown(p->types, u->type, why, sizeof why);
		ctl_error(req, 404, why);
		return SEC_ERR_NOTHING;
	}
	if (owner_arg(p, req, &owner) != 0)
		return SEC_ERR_NO;
	if (strlen(title) >= sizeof row->title ||
	    !text_is_utf8(title, strlen(title))) {
		ctl_error(req, 400, "a title is at most 255 bytes of UTF-8");
		return SEC_ERR_FORMAT;
	}
	subject_put(&b, &owner);
	text_copy(row->type, u->type, sizeof row->type);
	text_copy(row->name, u->name, sizeof row->name);
	text_copy(row->owner, buf_cstr(&b), sizeof row->owner);
	text_copy(row->title, title, sizeof row->title);
	row->created = clock_real();
	buf_free(&b);
	return 0;
}

static void
on_object_add(void *ctx, struct ctl_req *req)
{
	struct pal *p = ((struct service *)ctx)->priv;
	struct pal_object row;
	struct object *o;
	struct uri u;

	if (object_arg(p, req, &u) != 0 ||
	    object_of_line(p, req, &u, &row) != 0)
		return;
	if (map_get_str(p->objects, u.full) != NULL) {
		ctl_error(req, 409, "there is an object of that name");
		return;
	}
	if (pal_object_add(p->s->db, &row) != 0) {
		ctl_error(req, 503, db_why(p->s->db));
		return;
	}
	if ((o = object_new(p, &row)) == NULL) {
		(void)pal_object_rm(p->s->db, &row, u.full);
		ctl_error(req, 503, "no memory");
		return;
	}
	object_changed(o);
	ctl_ok(req);
}

static void
on_object_rm(void *ctx, struct ctl_req *req)
{
	struct pal *p = ((struct service *)ctx)->priv;
	struct presentity *watched_by;
	struct object *o;
	struct uri u;

	if (object_arg(p, req, &u) != 0)
		return;
	if ((o = map_get_str(p->objects, u.full)) == NULL) {
		ctl_error(req, 404, "no such object");
		return;
	}
	if (pal_object_rm(p->s->db, &o->row, o->uri) != 0) {
		ctl_error(req, 503, db_why(p->s->db));
		return;
	}
	watched_by = watched(o);
	object_free(o);
	if (watched_by != NULL)
		presentity_changed(watched_by);
	ctl_ok(req);
}

struct listing {
	struct pal *pal;
	struct ctl_req *req;
};

/* The rows come in order from the store; what they are now, from memory. */
static int
put_object(void *arg, const struct pal_object *row)
{
	const struct listing *l = arg;
	char name[sizeof row->type + sizeof row->name];
	const struct type *t;
	struct object *o;
	struct uri u;
	struct buf *b;

	snprintf(name, sizeof name, "%s:%s", row->type, row->name);
	b = ctl_row(l->req);
	line_put(b, "object", name);
	line_put(b, "owner", row->owner);
	line_put_u64(b, "created", (uint64_t)row->created);
	if (uri_from_name(&u, name, l->pal->s->conf.domain, 0) == 0 &&
	    (o = object_find(l->pal, u.full, &t)) != NULL)
		put_state(o, t, b);
	ctl_end(l->req);
	return 0;
}

static void
on_object_list(void *ctx, struct ctl_req *req)
{
	struct listing l = { ((struct service *)ctx)->priv, req };

	if (pal_object_each(l.pal->s->db, put_object, &l) != 0)
		ctl_error(req, 503, db_why(l.pal->s->db));
	else
		ctl_ok(req);
}

const struct ctl_verb object_verbs[] = {
	{ "object-add", CTL_ADMIN, on_object_add },
	{ "object-rm", CTL_ADMIN, on_object_rm },
	{ "object-list", CTL_ADMIN, on_object_list },
	{ NULL, 0, NULL },
};
