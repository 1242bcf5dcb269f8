/*
 * user: who there is, as the administrator says (S021).
 */

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "wire/line.h"

#include "directory.h"
#include "list.h"
#include "rule.h"
#include "watcher.h"

static void
on_user_add(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;
	struct pal_user row;
	struct uri u;

	memset(&row, 0, sizeof row);
	if (uri_from_name(&u, line_get_or(r->line, "user", ""),
		p->s->conf.domain, 0) != 0 ||
	    u.kind != URI_USER || strlen(u.name) >= sizeof row.user) {
		ctl_error(r, 400, "not a user's name");
		return;
	}
	if (pal_user_get(p->s->db, u.name, &row) != 0) {
		text_copy(row.user, u.name, sizeof row.user);
		row.created = clock_real();
	}
	row.known = 1;
	row.disabled = 0;
	text_copy(row.title, line_get_or(r->line, "title", row.title),
	    sizeof row.title);
	if (pal_user_put(p->s->db, &row) != 0)
		ctl_error(r, 503, db_why(p->s->db));
	else
		ctl_ok(r);
}

/*
 * A ticket outlives its principal by hours, and agents register again by
 * themselves: of who was removed stays a row that refuses him, until
 * user-add.
 */
static int
user_remove(struct db *d, const char *name)
{
	struct pal_user row;
	int r;

	memset(&row, 0, sizeof row);
	text_copy(row.user, name, sizeof row.user);
	row.created = clock_real();
	row.disabled = 1;
	if ((r = db_begin(d)) != 0)
		return r;
	if ((r = pal_user_rm(d, name)) != 0 ||
	    (r = pal_user_put(d, &row)) != 0) {
		db_rollback(d);
		return r;
	}
	return db_commit(d);
}

/* His PAL is gone with his row, and so he watches nobody. */
static void
user_forget(struct presentity *u)
{
	struct presentity *other;
	struct pal *p = u->pal;
	struct binding *b;
	size_t i;

	while ((b = TAILQ_FIRST(&u->bindings)) != NULL)
		binding_drop(b, "removed");
	list_free(u->list);
	memset(&u->status, 0, sizeof u->status);
	timer_cancel(&u->revert);
	u->said = 0;
	presentity_changed(u);
	for (i = 0; (other = map_next(p->presentities, &i)) != NULL;)
		watcher_entry(other, u, 0);
}

static void
on_user_rm(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;
	struct presentity *u;
	struct pal_user row;
	struct db *dir = directory_writer(p);
	struct uri uri;
	int e;

	if (dir == NULL) {
		ctl_error(r, 503, "an import is under way; try again");
		return;
	}
	if (uri_from_name(&uri, line_get_or(r->line, "user", ""),
		p->s->conf.domain, 0) != 0 ||
	    uri.kind != URI_USER) {
		ctl_error(r, 404, "no such user");
		return;
	}
	e = dir_person_rm(dir, uri.name);
	if (e != 0 && e != SEC_ERR_NOTHING) {
		ctl_error(r, 503, db_why(dir));
		return;
	}
	rules_chart_changed(p);
	if (pal_user_get(p->s->db, uri.name, &row) != 0 || row.disabled) {
		/* Some are only in the directory. */
		if (e == 0)
			ctl_ok(r);
		else
			ctl_error(r, 404, "no such user");
		return;
	}
	if (user_remove(p->s->db, uri.name) != 0) {
		ctl_error(r, 503, db_why(p->s->db));
		return;
	}
	if ((u = presentity_find(p, uri.name)) != NULL)
		user_forget(u);
	ctl_ok(r);
}

static int
user_row(void *arg, const struct pal_user *row)
{
	struct ctl_req *r = arg;
	struct buf *b;

	if (row->disabled)
		return 0;
	b = ctl_row(r);
	line_put(b, "user", row->user);
	line_put(b, "title", row->title);
	line_put(b, "known", row->known ? "1" : "0");
	line_put_u64(b, "created", (uint64_t)row->created);
	line_put_u64(b, "seen", (uint64_t)row->seen);
	ctl_end(r);
	return 0;
}

static void
on_user_list(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;

	if (pal_user_each(p->s->db, user_row, r) != 0)
		ctl_error(r, 503, db_why(p->s->db));
	else
		ctl_ok(r);
}

const struct ctl_verb user_verbs[] = {
	{ "user-add", CTL_ADMIN, on_user_add },
	{ "user-rm", CTL_ADMIN, on_user_rm },
	{ "user-list", CTL_ADMIN, on_user_list },
	{ NULL, 0, NULL },
};
