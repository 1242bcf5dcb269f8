/*
 * owner: what the owner of a conference does to it (COMMANDS.md 2.3): its
 * end, a new key, another owner.
 */

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "db/attachment_store.h"
#include "wire/line.h"

#include "focus.h"
#include "policy.h"

/* --- end --- */

static void
end_committed(struct focus *f, uint64_t conf, int err)
{
	struct conference *c = conf_find_id(f, conf);

	if (c != NULL && err == 0)
		conf_end(c, "owner");
}

/* What people are told before they delete for ever what they may have meant
 * only to leave. */
static int
end_unsure(const struct conference *c, struct asker *by)
{
	uint64_t files = 0, bytes = 0;
	char size[16], has[64] = "";

	(void)attachment_sum(c->focus->s->db, c->row.id, &files, &bytes);
	if (files > 0)
		snprintf(has, sizeof has, " and has %llu file%s (%s)",
		    (unsigned long long)files, text_plural(files),
		    text_bytes(size, bytes));
	snprintf(by->room, sizeof by->room, "%s is persistent%s", c->row.name,
	    has);
	by->why = by->room;
	return 412;
}

int
policy_end(struct conference *c, struct asker *by, const struct line *l)
{
	struct focus *f = c->focus;
	int r;

	if (c->row.persistent && strcmp(line_get_or(l, "sure", ""), "yes") != 0)
		return end_unsure(c, by);
	/* What is not gone from the disk would be back after a restart. */
	if ((r = commit_begin(f)) != 0 || (r = spawn_bequeath(c)) != 0 ||
	    (r = conf_delete(f->s->db, c->row.id)) != 0)
		return r == SEC_ERR_NOTHING ? 404 : 503;
	c->deleted = f->commits;
	commit_then(f, end_committed, c->row.id);
	return 200;
}

/* --- rekey --- */

/* Nobody in it has no key: the next to come gets a fresh one. */
int
policy_rekey(struct conference *c, struct asker *by, const struct line *l)
{
	(void)l;
	if (!TAILQ_EMPTY(&c->member_list) && epoch_rekey(c) < 0) {
		epoch_lost(c);
		return 503;
	}
	line_begin(&by->answer, "ok");
	policy_put_key(c, by);
	line_end(&by->answer);
	return 200;
}

/* --- to --- */

void
owner_follow(struct conference *c)
{
	struct person *p;

	if (strcmp(c->owner->user, c->row.owner) == 0 ||
	    (p = person_take(c->focus, c->row.owner)) == NULL)
		return;
	p->owns++;
	c->owner->owns--;
	person_done(c->owner);
	c->owner = p;
}

/* 0, or why he cannot have it. */
static int
to_refused(struct conference *c, struct asker *by, const struct uri *u)
{
	const struct focus *f = c->focus;
	const struct person *p = person_find(c->focus, u->full);
	const char *why = NULL;

	if (conf_blocks(c, u->full))
		why = "is blocked";
	else if (!is_owner(c, u->full) && p != NULL &&
	    p->owns >= (unsigned)f->s->conf.user_conferences)
		why = "has as many conferences as one may have";
	if (why == NULL)
		return 0;
	snprintf(by->room, sizeof by->room, "%.64s %s", u->name, why);
	by->why = by->room;
	return 403;
}

/* Who was its owner may still come. */
static int
to_store(struct conference *c, const char *owner)
{
	struct focus *f = c->focus;
	struct conf_row before = c->row;
	int r;

	text_copy(c->row.owner, owner, sizeof c->row.owner);
	if ((r = commit_begin(f)) != 0 ||
	    (r = conf_update(f->s->db, &c->row)) != 0) {
		c->row = before;
		return r;
	}
	conf_changed(c, &before);
	r = lists_change(c, before.owner, LIST_INVITED, 1);
	if (r == 0)
		deal_member(c, before.owner, "left");
	if (r == 0 && strcmp(c->row.access, "listed") == 0 &&
	    (r = lists_change(c, before.owner, LIST_ALLOW, 1)) == 0)
		deal_member(c, before.owner, "allowed");
	owner_follow(c);
	return r;
}

int
policy_to(struct conference *c, struct asker *by, const struct line *l)
{
	const char *rest;
	struct uri u;
	int status;

	rest = lists_next_user(c->focus, line_get_or(l, "who", ""), &u);
	if (rest == NULL || *rest != '\0') {
		by->why = "to whom? one user";
		return 400;
	}
	if ((status = to_refused(c, by, &u)) != 0)
		return status;
	if (to_store(c, u.full) != 0)
		return 503;
	deal_policy(c);
	speak_deal(c);
	lobby_tell_all(c);
	log_info("conf.owner", "conf=%s user=%s owner=%s",
	    log_quote(c->row.name), log_quote(by->user), log_quote(u.full));
	return 200;
}
