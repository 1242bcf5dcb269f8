/* object_admin: the administrator's verbs about objects. */

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "wire/line.h"

#include "object_priv.h"

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
	struct presentity *watched;
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
	object_free(o);
	if ((watched = presentity_by_uri(p, u.full)) != NULL)
		presentity_changed(watched);
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
		object_put_state(o, t, b);
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
