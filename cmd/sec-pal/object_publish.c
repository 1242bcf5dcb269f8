/*
 * object_publish: PUBLISH to an object (S055): by its owner, or by whom its
 * type names. Saying the same again keeps it fresh, and is told to nobody.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"

#include "object_priv.h"
#include "rule.h"

#define FRESH_DEFAULT 600 /* s, Expires */
#define FRESH_MIN     10
#define FRESH_MAX     (365 * 86400)
/* Three times that, all escaped, is a line that goes into a document. */
#define VALUES_MAX 8192

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

/* Bytes of all that the object would show then. */
static size_t
values_size(const struct publication *pub)
{
	const struct object *o = pub->object;
	const struct attribute *a;
	size_t i, size = 0;

	for (i = 0; i < pub->line->n; i++)
		size += strlen(pub->line->field[i].value);
	for (a = o->attr; a < o->attr + o->n; a++)
		if (line_get(pub->line, a->name) == NULL &&
		    type_attr(pub->type, a->name) != NULL)
			size += strlen(a->value);
	return size;
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
	if (values_size(pub) > VALUES_MAX)
		return refuse(pub, 400,
		    "all values of %s:%.100s are at most %d bytes",
		    pub->object->row.type, pub->object->row.name, VALUES_MAX);
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
write_values(const struct publication *pub, struct db *d)
{
	struct pal_attribute row;
	size_t i;
	int r;

	for (i = 0; i < pub->line->n; i++) {
		value_row(pub, &pub->line->field[i], &row);
		if ((r = pal_attribute_put(d, pub->object->uri, &row)) != 0)
			return r;
	}
	return 0;
}

/* All of them or none. */
static int
store_values(struct publication *pub)
{
	struct db *d = pub->object->pal->s->db;
	int r;

	if ((r = db_begin(d)) == 0 && (r = write_values(pub, d)) != 0)
		db_rollback(d);
	else if (r == 0)
		r = db_commit(d);
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
	object_watch_freshness(pub->object);
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
