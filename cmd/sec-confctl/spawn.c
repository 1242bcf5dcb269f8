/*
 * spawn: a conference out of another one, for another medium and the same
 * people, or some of them (S134-S138, S193, S194; ARCHITECTURE.md 7).
 *
 *   INVITE to the factory,       create.c: the row, its medium, and who is
 *   parent= media= [who=]        to be asked, in one commit; 302
 *   302 has gone out             each of them is invited, as by the spawner:
 *                                left with reason= in its roster if he does
 *                                not come
 *   an invitee joins the parent  he is invited to its children
 *   the parent ends              the children stay, without a parent
 */

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"

#include "focus.h"

#define CHILDREN_MAX 16 /* of a conference */

/* --- families --- */

void
spawn_link(struct conference *c)
{
	struct conference *parent;

	if (c->row.parent == 0 ||
	    (parent = conf_find_id(c->focus, c->row.parent)) == NULL)
		return;
	c->parent = parent;
	parent->nchildren++;
	TAILQ_INSERT_TAIL(&parent->children, c, sibling);
}

void
spawns_load(struct focus *f)
{
	struct conference *c;
	size_t i;

	for (i = 0; (c = map_next(f->confs, &i)) != NULL;)
		spawn_link(c);
}

static void
leave_parent(struct conference *c)
{
	TAILQ_REMOVE(&c->parent->children, c, sibling);
	c->parent->nchildren--;
	c->parent = NULL;
}

void
spawn_unlink(struct conference *c)
{
	struct conference *child;

	if (c->parent != NULL)
		leave_parent(c);
	while ((child = TAILQ_FIRST(&c->children)) != NULL)
		leave_parent(child);
}

/* Those on the block list of c to that of one of its children. */
static int
bequeath_to(struct conference *child, const struct conference *c)
{
	const char *user;
	unsigned bits;
	size_t i = 0;
	int r;

	conf_changed(child, &child->row);
	while ((user = conf_list_next(c, &i, &bits)) != NULL) {
		if (!(bits & LIST_BLOCK) || is_owner(child, user) ||
		    (conf_list_bits(child, user) & LIST_BLOCK))
			continue;
		if ((r = lists_put(child, user, LIST_BLOCK, 1)) != 0)
			return r;
	}
	return 0;
}

int
spawn_bequeath(struct conference *c)
{
	struct conference *child;
	int r;

	TAILQ_FOREACH(child, &c->children, sibling)
		if (!conf_is_deleted(child) && (r = bequeath_to(child, c)) != 0)
			return r;
	return 0;
}

/* sec-pal had them from the parent. */
static void
tell_barred(struct conference *child, const struct conference *c)
{
	const char *user;
	unsigned bits;
	size_t i = 0;

	while ((user = conf_list_next(c, &i, &bits)) != NULL)
		if ((bits & LIST_BLOCK) && conf_blocks(child, user))
			deal_member(child, user, "barred");
}

void
spawn_orphan(struct conference *c)
{
	struct conference *child;

	while ((child = TAILQ_FIRST(&c->children)) != NULL) {
		leave_parent(child);
		deal_policy(child);
		tell_barred(child, c);
	}
}

int
spawn_is_open(const struct conference *c)
{
	return c->parent != NULL && strcmp(c->row.access, "parent") == 0;
}

void
spawn_words(struct conference *c, const struct session *s, struct buf *words)
{
	struct conference *child;
	struct buf list = BUF_INIT;

	TAILQ_FOREACH(child, &c->children, sibling)
		if (s != NULL && conf_may_join(child, s->user) &&
		    session_refuses(s, child) == 0 &&
		    device_main(child, s->user, s->instance) == NULL)
			buf_putf(&list, "%s%s", buf_len(&list) > 0 ? "," : "",
			    child->uri);
	if (buf_len(&list) > 0)
		line_put_word(words, "children", buf_cstr(&list));
	buf_free(&list);
}

/* --- making one --- */

/* PARENT.MEDIUM, or with the first number from 2 on that nobody has; a name
 * of its own if that is no name. */
static void
spawn_name(const struct conference *parent, const char *medium,
    struct conf_row *row)
{
	struct focus *f = parent->focus;
	char name[CONF_NAME + 80], uri[URI_MAX], owner[CONF_USER];
	char number[12];
	int n;

	for (n = 1; n <= 2 * CHILDREN_MAX; n++) {
		snprintf(number, sizeof number, "%d", n);
		snprintf(name, sizeof name, "%s.%s%s", parent->row.name, medium,
		    n > 1 ? number : "");
		if (!text_is_name(name))
			break;
		uri_conf(uri, name, f->s->conf.domain);
		if (conf_find(f, uri) != NULL ||
		    conf_tombstone(f->s->db, name, owner, sizeof owner) !=
			SEC_ERR_NOTHING)
			continue;
		text_copy(row->name, name, sizeof row->name);
		return;
	}
	create_name(f, row);
}

/* Only people who are in it: 0 or a status. */
static int
who_refused(struct conference *parent, const char *who, char *why, size_t n)
{
	struct uri u;

	while (who != NULL && *who != '\0') {
		if ((who = lists_next_user(parent->focus, who, &u)) == NULL) {
			snprintf(why, n, "whom? users who are in %s",
			    parent->row.name);
			return 400;
		}
		if (conf_member(parent, u.full) == NULL) {
			snprintf(why, n, "%s is not in %s", u.name,
			    parent->row.name);
			return 404;
		}
	}
	return 0;
}

int
spawn_row(struct focus *f, const struct line *l, const char *user,
    struct conf_row *row, char *why, size_t n)
{
	const char *medium = line_get_or(l, "media", "");
	const char *who = line_get(l, "who");
	struct conference *parent = NULL;
	char media[64];
	struct uri u;

	if (uri_parse(&u, line_get_or(l, "parent", ""), f->s->conf.domain) != 0)
		return 400;
	if (u.kind != URI_CONF || (parent = conf_find(f, u.full)) == NULL)
		return 404;
	if (conf_member(parent, user) == NULL) {
		text_copy(why, rank_refusal(parent, RANK_MEMBER, why, n), n);
		return 403;
	}
	if (parent->nchildren >= CHILDREN_MAX) {
		snprintf(why, n, "%s has %d of its kind, and no more",
		    parent->row.name, CHILDREN_MAX);
		return 403;
	}
	if (media_parse(medium, media, sizeof media) != 0 ||
	    strchr(media, ',') != NULL)
		return 488;
	create_row_begin(f, user, row);
	row->parent = parent->row.id;
	row->persistent = parent->row.persistent;
	text_copy(row->access, who != NULL ? "invited" : "parent",
	    sizeof row->access);
	text_copy(row->codec, parent->row.codec, sizeof row->codec);
	text_copy(row->select, parent->row.select, sizeof row->select);
	text_copy(row->history_from, parent->row.history_from,
	    sizeof row->history_from);
	row->streams = parent->row.streams;
	row->record = parent->row.record;
	row->level = parent->row.level;
	spawn_name(parent, media, row);
	return who_refused(parent, who, why, n);
}

int
spawn_store(struct conference *c, const char *who)
{
	struct db *db = c->focus->s->db;
	struct member *m;
	int r;

	if (who != NULL)
		return lists_change(c, who, LIST_INVITED, 1);
	TAILQ_FOREACH(m, &c->parent->member_list, entry) {
		if ((r = conf_user_put(db, c->row.id, m->user, "invited")) != 0)
			return r;
		conf_list_set(c, m->user, LIST_INVITED);
	}
	return 0;
}

/* --- asking --- */

static void
ask(struct conference *c, const char *by, const char *who, int64_t expires)
{
	struct invite_def def = { .conf = c,
		.by = by,
		.who = who,
		.expires = expires,
		.spawned = 1 };

	if (!conf_blocks(c, who))
		invite_begin(c->focus, &def);
}

void
spawn_ask(struct conference *c, int64_t expires)
{
	const char *who;
	unsigned bits;
	size_t i = 0;

	while ((who = conf_list_next(c, &i, &bits)) != NULL)
		if ((bits & LIST_INVITED) && !is_owner(c, who) &&
		    conf_member(c->parent, who) != NULL)
			ask(c, c->row.owner, who, expires);
}

void
spawn_invited(struct conference *c, const char *by, const char *who,
    int64_t expires)
{
	struct conference *child;

	TAILQ_FOREACH(child, &c->children, sibling)
		if (spawn_is_open(child))
			ask(child, by, who, expires);
}
