/*
 * import: rows of people, organisations and groups into dir.db.
 *
 *	person TAB user= TAB ATTR= TAB ATTR.2= ...
 *	org    TAB org= TAB name= TAB parent=
 *	group  TAB name= TAB title= TAB m= TAB m.2= ...    members
 *
 * `at` of a row is where it stands in the administrator's file: it begins
 * the sentence about what is wrong with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "server/person.h"

#include "directory.h"
#include "import.h"
#include "pal.h"
#include "rule.h"

struct import {
	struct db *db;
	uint64_t peer; /* whose it is */
	int dry;
	int64_t now;
	uint64_t added, changed, orgs, groups;
	char why[200];
};

static void
import_free(struct pal *p)
{
	if (p->import == NULL)
		return;
	db_close(p->import->db); /* rolls back what was not committed */
	free(p->import);
	p->import = NULL;
}

/* --- rows --- */

static int
refuse(struct import *im, int r, const char *why)
{
	text_copy(im->why, why, sizeof im->why);
	return r;
}

static int
take_person(struct import *im, const struct line *l)
{
	struct dir_person who;
	int r, made;

	if ((r = person_take(&who, l)) != 0)
		return refuse(im, r, "not a person of the directory");
	r = dir_person_put(im->db, &who, im->now, &made);
	dir_person_free(&who);
	if (r == SEC_ERR_FORMAT)
		return refuse(im, r, "not a user's name");
	if (r == SEC_ERR_LIMIT)
		return refuse(im, r, "too much is known of this person");
	if (r == 0)
		*(made ? &im->added : &im->changed) += 1;
	return r;
}

static int
take_org(struct import *im, const struct line *l)
{
	struct dir_org o;
	int r;

	memset(&o, 0, sizeof o);
	if (text_copy(o.org, line_get_or(l, "org", ""), sizeof o.org) >=
		sizeof o.org ||
	    text_copy(o.name, line_get_or(l, "name", ""), sizeof o.name) >=
		sizeof o.name ||
	    text_copy(o.parent, line_get_or(l, "parent", ""),
		sizeof o.parent) >= sizeof o.parent ||
	    (r = dir_org_put(im->db, &o)) == SEC_ERR_FORMAT)
		return refuse(im, SEC_ERR_FORMAT, "not an organisation");
	if (r == SEC_ERR_NO)
		return refuse(im, r, "the organisation would be above itself");
	if (r == 0)
		im->orgs++;
	return r;
}

static int
take_group(struct import *im, const struct line *l)
{
	struct dir_group g;
	size_t i;
	int r;

	memset(&g, 0, sizeof g);
	if (text_copy(g.name, line_get_or(l, "name", ""), sizeof g.name) >=
		sizeof g.name ||
	    text_copy(g.title, line_get_or(l, "title", ""), sizeof g.title) >=
		sizeof g.title ||
	    (r = dir_group_put(im->db, &g)) == SEC_ERR_FORMAT)
		return refuse(im, SEC_ERR_FORMAT, "not a group");
	for (i = 0; i < l->n && r == 0; i++)
		if (l->field[i].key[0] == 'm')
			r = dir_member_put(im->db, g.name, l->field[i].value,
			    im->now);
	if (r == SEC_ERR_FORMAT)
		return refuse(im, r, "a member is not a user's name");
	if (r == 0)
		im->groups++;
	return r;
}

static int
take_row(struct import *im, const char *p, size_t n)
{
	static const struct {
		const char *verb;
		int (*take)(struct import *im, const struct line *l);
	} rows[] = {
		{ "person", take_person },
		{ "org", take_org },
		{ "group", take_group },
	};
	char said[sizeof im->why];
	const char *at;
	struct line l;
	size_t i;
	int r;

	if (line_parse(&l, p, n) != 0)
		return refuse(im, SEC_ERR_FORMAT, "a row is malformed");
	r = refuse(im, SEC_ERR_FORMAT, "no such row");
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(l.verb, rows[i].verb) == 0) {
			im->why[0] = '\0';
			r = rows[i].take(im, &l);
		}
	if (r != 0 && im->why[0] == '\0')
		text_copy(im->why, db_why(im->db), sizeof im->why);
	if (r != 0 && (at = line_get(&l, "at")) != NULL) {
		text_copy(said, im->why, sizeof said);
		snprintf(im->why, sizeof im->why, "%.80s: %.110s", at, said);
	}
	line_free(&l);
	return r;
}

static int
take_rows(struct import *im, const char *rows)
{
	size_t n;
	int r = 0;

	for (; *rows != '\0' && r == 0; rows += n + (rows[n] == '\n'))
		if ((n = strcspn(rows, "\n")) > 0)
			r = take_row(im, rows, n);
	return r;
}

/* --- verbs --- */

static struct import *
import_of(struct pal *p, struct ctl_req *r)
{
	struct import *im = p->import;

	if (im == NULL || im->peer != ctl_peer_id(r->peer)) {
		ctl_error(r, 400, "import-begin comes first");
		return NULL;
	}
	return im;
}

static void
on_begin(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;
	struct import *im;
	char why[512];
	int e;

	if (p->import != NULL) {
		ctl_error(r, 503, "another import is under way; try again");
		return;
	}
	if ((im = calloc(1, sizeof *im)) == NULL) {
		ctl_error(r, 503, "no memory");
		return;
	}
	e = db_open(&im->db, "dir.db", DB_WRITER, why, sizeof why);
	if (e == 0 && (e = db_begin(im->db)) != 0)
		text_copy(why, db_why(im->db), sizeof why);
	im->peer = ctl_peer_id(r->peer);
	im->dry = strcmp(line_get_or(r->line, "dry", "0"), "1") == 0;
	im->now = clock_real();
	p->import = im;
	if (e != 0) {
		import_free(p);
		ctl_error(r, 503, why);
	} else
		ctl_ok(r);
}

static void
on_rows(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;
	struct import *im = import_of(p, r);
	char why[sizeof im->why];
	int e;

	service_touch(p->s);
	if (im == NULL)
		return;
	if ((e = take_rows(im, line_get_or(r->line, "rows", ""))) == 0) {
		ctl_ok(r);
		return;
	}
	text_copy(why, im->why, sizeof why);
	import_free(p);
	ctl_error(r, sec_err_sip(e), why);
}

static void
on_end(void *ctx, struct ctl_req *r)
{
	struct pal *p = ((struct service *)ctx)->priv;
	struct import *im = import_of(p, r);
	char why[512];
	struct buf *b;
	int dry;

	if (im == NULL)
		return;
	dry = im->dry;
	if (!dry && db_commit(im->db) != 0) {
		text_copy(why, db_why(im->db), sizeof why);
		import_free(p);
		ctl_error(r, 503, why);
		return;
	}
	b = ctl_ok_begin(r);
	line_put_u64(b, "added", im->added);
	line_put_u64(b, "changed", im->changed);
	line_put_u64(b, "orgs", im->orgs);
	line_put_u64(b, "groups", im->groups);
	ctl_end(r);
	if (!dry)
		log_info("dir.import", "added=%llu changed=%llu",
		    (unsigned long long)im->added,
		    (unsigned long long)im->changed);
	import_free(p);
	if (!dry)
		rules_chart_changed(p);
}

/* Who began it is gone: nothing was done. */
static void
on_gone(void *ctx, uint64_t peer)
{
	struct pal *p = ctx;

	if (p->import != NULL && p->import->peer == peer)
		import_free(p);
}

void
import_open(struct pal *p)
{
	ctl_add_verbs(p->s->ctl, import_verbs, p->s);
	ctl_on_gone(p->s->ctl, on_gone, p);
}

void
import_close(struct pal *p)
{
	import_free(p);
}

const struct ctl_verb import_verbs[] = {
	{ "import-begin", CTL_ADMIN, on_begin },
	{ "import", CTL_ADMIN, on_rows },
	{ "import-end", CTL_ADMIN, on_end },
	{ NULL, 0, NULL },
};
