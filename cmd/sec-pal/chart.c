/*
 * chart: organisations and groups, listed and removed.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

#include "chart.h"
#include "directory.h"
#include "pal.h"
#include "rule.h"

/* A change was made, or why not; what: "organisation 1256". */
static void
changed(struct pal *p, struct ctl_req *r, int e, const char *what,
    const char *name)
{
	char why[300];

	if (e == 0) {
		ctl_ok(r);
		rules_chart_changed(p);
		return;
	}
	if (e == SEC_ERR_NOTHING)
		snprintf(why, sizeof why, "no such %s %.200s", what, name);
	else if (e == SEC_ERR_NO)
		snprintf(why, sizeof why,
		    "there are people in %.200s, or others below it", name);
	else
		snprintf(why, sizeof why, "%.290s", db_why(p->dir));
	ctl_error(r, sec_err_sip(e), why);
}

static struct db *
writer(struct pal *p, struct ctl_req *r)
{
	struct db *d = directory_writer(p);

	if (d == NULL)
		ctl_error(r, 503, "an import is under way; try again");
	return d;
}

static void
on_org_rm(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;
	const char *org = line_get_or(r->line, "org", "");
	struct db *d = writer(p, r);

	if (d != NULL)
		changed(p, r, dir_org_rm(d, org), "organisation", org);
}

/* group-rm name= [user=]: the group, or one of it */
static void
on_group_rm(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;
	const char *name = line_get_or(r->line, "name", "");
	const char *user = line_get(r->line, "user");
	struct db *d = writer(p, r);

	if (d == NULL)
		return;
	if (user != NULL)
		changed(p, r, dir_member_rm(d, name, user), "member", user);
	else
		changed(p, r, dir_group_rm(d, name), "group", name);
}

static int
org_row(void *arg, const struct dir_org *o)
{
	struct ctl_req *r = arg;
	struct buf *b = ctl_row(r);

	line_put(b, "org", o->org);
	line_put(b, "name", o->name);
	line_put(b, "parent", o->parent);
	line_put_u64(b, "people", (uint64_t)o->people);
	ctl_end(r);
	return 0;
}

static int
group_row(void *arg, const struct dir_group *g)
{
	struct ctl_req *r = arg;
	struct buf *b = ctl_row(r);

	line_put(b, "name", g->name);
	line_put(b, "title", g->title);
	line_put_u64(b, "members", (uint64_t)g->members);
	ctl_end(r);
	return 0;
}

static int
member_row(void *arg, const char *user)
{
	struct ctl_req *r = arg;

	line_put(ctl_row(r), "user", user);
	ctl_end(r);
	return 0;
}

static void
listed(struct pal *p, struct ctl_req *r, int e)
{
	if (e == 0)
		ctl_ok(r);
	else
		ctl_error(r, 503, db_why(p->dir));
}

static void
on_org_list(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;

	listed(p, r, dir_org_each(p->dir, org_row, r));
}

/* group-list [name=]: the groups, or who is in one */
static void
on_group_list(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;
	const char *name = line_get(r->line, "name");
	struct dir_search q = { .n = 1 };

	if (name == NULL) {
		listed(p, r, dir_group_each(p->dir, group_row, r));
		return;
	}
	text_copy(q.term[0].attr, "groups", sizeof q.term[0].attr);
	text_copy(q.term[0].value, name, sizeof q.term[0].value);
	listed(p, r, dir_search(p->dir, &q, member_row, r));
}

const struct ctl_verb chart_verbs[] = {
	{ "org-rm", CTL_ADMIN, on_org_rm },
	{ "org-list", CTL_ADMIN, on_org_list },
	{ "group-rm", CTL_ADMIN, on_group_rm },
	{ "group-list", CTL_ADMIN, on_group_list },
	{ NULL, 0, NULL },
};
