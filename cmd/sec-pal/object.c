/*
 * object: things that are watched (S053-S055, S059). No history: a value
 * takes the place of the one before. It is fresh until the Expires of its
 * PUBLISH has passed, and refreshing it without a change is told to nobody.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "base/text.h"
#include "wire/line.h"

#include "object_priv.h"

/* --- attributes --- */

struct attribute *
attribute_find(const struct object *o, const char *name)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (strcmp(o->attr[i].name, name) == 0)
			return &o->attr[i];
	return NULL;
}

int
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

void
object_changed(const struct object *o)
{
	struct presentity *u = presentity_by_uri(o->pal, o->uri);

	if (u != NULL)
		presentity_changed(u);
}

void
object_watch_freshness(struct object *o)
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
	object_watch_freshness(o);
}

struct object *
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

void
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
	object_watch_freshness(o);
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

struct object *
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

void
object_put_state(const struct object *o, const struct type *t, struct buf *b)
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
	object_put_state(o, t, b);
	put_attributes(o, t, b);
}
