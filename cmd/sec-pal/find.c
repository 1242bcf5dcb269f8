/*
 * find: what the controller asks about people: one by his URI (S114), or
 * whoever has an attribute in the directory (S123, S167, S168), which may
 * take the directory a while.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"

#include "directory.h"
#include "pal.h"
#include "turn.h"

#define FIND_MAX 10000 /* people of one answer */

/* by: the name of whoever asks the controller for him, whom rules may keep
 * from seeing how he is; "": the controller asks for itself. */
static void
put_status(struct buf *b, struct presentity *u, const char *by)
{
	struct pal *p = u->pal;
	struct pal_status st = u->status;
	struct uri uri;

	if (*by != '\0' &&
	    (uri_parse(&uri, u->uri, p->s->conf.domain) != 0 ||
		presence_shown(p, by, &uri, &st) != 0))
		return;
	line_put(b, "status", st.value);
	if (st.class_[0] != '\0')
		line_put(b, "class", st.class_);
	if (st.note[0] != '\0')
		line_put(b, "note", st.note);
}

static void
put_found(struct ctl_req *r, struct pal *p, const char *name, const char *by)
{
	struct presentity *u = presentity_find(p, name);
	const struct binding *bi = u != NULL ? TAILQ_FIRST(&u->bindings) : NULL;
	struct buf *b = ctl_row(r);
	char uri[URI_MAX];

	line_put(b, "user", uri_user(uri, name, p->s->conf.domain));
	line_put(b, "bound", bi != NULL ? "1" : "0");
	if (bi != NULL) {
		put_status(b, u, by);
		line_put(b, "media", bi->row.media);
		if (u->reach[0] != '\0')
			line_put(b, "reach", u->reach);
	}
	ctl_end(r);
}

static void
find_one(struct pal *p, struct ctl_req *r, const char *who, const char *by)
{
	struct pal_user row;
	struct uri u;

	if (uri_parse(&u, who, p->s->conf.domain) != 0 || u.kind != URI_USER ||
	    (presentity_find(p, u.name) == NULL &&
		(pal_user_get(p->s->db, u.name, &row) != 0 || row.disabled))) {
		ctl_error(r, 404, "no such user");
		return;
	}
	put_found(r, p, u.name, by);
	ctl_ok(r);
}

/* --- by an attribute --- */

struct finding {
	struct pal *p;
	struct ctl_handle who;
	char by[PAL_NAME];
	size_t limit, n;
	struct buf users; /* names, each with its NUL */
};

static int
on_user(void *arg, const char *user)
{
	struct finding *g = arg;

	buf_put(&g->users, user, strlen(user) + 1);
	return ++g->n < g->limit ? 0 : -1;
}

static void
on_person(void *arg, const struct dir_person *who)
{
	(void)arg;
	(void)who;
}

static void
on_done(void *arg, int err, const char *why)
{
	struct finding *g = arg;
	const char *user = buf_cstr(&g->users);
	struct ctl_req r;
	size_t i;

	turn_give(g->p->turns, "");
	if (ctl_again(g->p->s->ctl, g->who, &r) != 0)
		goto out;
	if (err != 0)
		ctl_error(&r, sec_err_sip(err), why);
	else if (g->n == 0)
		ctl_error(&r, 404, "the directory knows nobody who has that");
	else {
		for (i = 0; i < g->n; i++) {
			put_found(&r, g->p, user, g->by);
			user += strlen(user) + 1;
		}
		ctl_ok(&r);
	}
out:
	buf_free(&g->users);
	free(g);
}

static const struct directory_reader reader = { on_user, on_person, on_done };

/* query=ATTR:VALUE. People write group:helpdesk, who are in `groups`. */
static int
take_query(struct dir_search *q, const char *query)
{
	char term[DIR_ATTR + DIR_VALUE + 8];

	q->n = 0;
	if (strncmp(query, "group:", 6) != 0)
		return directory_term(q, query);
	if ((size_t)snprintf(term, sizeof term, "groups:%s", query + 6) >=
	    sizeof term)
		return SEC_ERR_LIMIT;
	return directory_term(q, term);
}

static void
find_those(struct pal *p, struct ctl_req *r, const char *query, const char *by)
{
	uint64_t limit = FIND_MAX;
	struct dir_search q;
	struct finding *g;
	char why[100];

	if (take_query(&q, query) != 0) {
		ctl_error(r, 404, "no such attribute");
		return;
	}
	if (line_get_u64(r->line, "limit", &limit) == SEC_ERR_FORMAT ||
	    limit == 0 || limit > FIND_MAX) {
		ctl_error(r, 400, "limit= is 1 to 10000");
		return;
	}
	if (turn_take(p->turns, "", why, sizeof why) != 0) {
		ctl_error(r, 503, why);
		return;
	}
	if ((g = calloc(1, sizeof *g)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	g->p = p;
	g->who = ctl_keep(r);
	g->limit = (size_t)limit;
	text_copy(g->by, by, sizeof g->by);
	directory_search(p, &q, &reader, g);
}

/* find who=URI | query=ATTR:VALUE [limit=] [by=URI] */
static void
on_find(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;
	const char *query = line_get(r->line, "query");
	const char *by = line_get(r->line, "by");
	struct uri u = { .kind = URI_BAD };

	if (by != NULL &&
	    (uri_parse(&u, by, p->s->conf.domain) != 0 || u.kind != URI_USER))
		ctl_error(r, 400, "by is not a user");
	else if (query != NULL)
		find_those(p, r, query, u.name);
	else
		find_one(p, r, line_get_or(r->line, "who", ""), u.name);
}

const struct ctl_verb find_verbs[] = {
	{ "find", CTL_CONFCTL, on_find },
	{ NULL, 0, NULL },
};
