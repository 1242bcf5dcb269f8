/*
 * guests: who may come, who may not, and who must go (COMMANDS.md 2.3,
 * SECURITY.md 3.5): allow, block and kick. Whoever must go is out at once:
 * the media servers drop his devices first, then there is a random key for
 * those who stay, all in one commit with the list.
 */

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "wire/line.h"

#include "focus.h"
#include "policy.h"
#include "upload.h"

/* A list is changed in this turn's commit; 0 or a status. */
static int
guests_store(struct conference *c, struct asker *by, const struct line *l,
    enum list_bit bit, int on)
{
	const char *users = line_get_or(l, "who", "");
	const struct conf_row before = c->row;

	if (lists_check(c, users, bit, on, &by->why) != 0)
		return 400;
	if (commit_begin(c->focus) != 0)
		return 503;
	conf_changed(c, &before);
	if (lists_change(c, users, bit, on) != 0)
		return 503;
	log_info("conf.policy", "conf=%s user=%s verb=%s",
	    log_quote(c->row.name), log_quote(by->user), l->verb);
	return 0;
}

/* sec-pal shows it to those who may see it. */
static void
guests_tell(struct conference *c, const char *users, const char *status)
{
	struct uri u;

	while (*users != '\0') {
		users = lists_next_user(c->focus, users, &u);
		deal_member(c, u.full, status);
	}
}

/* --- allow --- */

/* From the first one on, only who is on the list may come. */
int
policy_allow(struct conference *c, struct asker *by, const struct line *l)
{
	struct focus *f = c->focus;
	int r, status;

	if ((status = guests_store(c, by, l, LIST_ALLOW, 1)) != 0)
		return status;
	if (strcmp(c->row.access, "listed") != 0) {
		snprintf(c->row.access, sizeof c->row.access, "listed");
		if ((r = conf_update(f->s->db, &c->row)) != 0) {
			(void)commit_fail(f, r);
			return 503;
		}
		deal_policy(c);
	}
	guests_tell(c, line_get(l, "who"), "allowed");
	return 200;
}

int
policy_unallow(struct conference *c, struct asker *by, const struct line *l)
{
	int status;

	if ((status = guests_store(c, by, l, LIST_ALLOW, 0)) != 0)
		return status;
	guests_tell(c, line_get(l, "who"), "unallowed");
	return 200;
}

/* --- block and kick --- */

/* The owner stays, whoever says otherwise. */
static int
guests_spare(const struct conference *c, struct asker *by, const char *users)
{
	struct uri u;

	while (users != NULL && *users != '\0') {
		users = lists_next_user(c->focus, users, &u);
		if (users == NULL || !is_owner(c, u.full))
			continue;
		snprintf(by->room, sizeof by->room, "%s is the %s", u.name,
		    c->row.persistent ? "owner" : "creator");
		by->why = by->room;
		return 403;
	}
	return 0;
}

/* Those of them who are in it go, and those who stay get another key; who
 * went, into the buffer. A conference may end with its last member. */
static void
guests_out(struct conference *c, struct asker *by, const char *users,
    struct buf *out)
{
	struct member *m;
	struct uri u;
	char why[80];
	int n = 0;

	why[0] = '\0';
	if (uri_parse(&u, by->user, c->focus->s->conf.domain) == 0)
		snprintf(why, sizeof why, "%.60s removed you", u.name);
	while (*users != '\0') {
		users = lists_next_user(c->focus, users, &u);
		m = conf_member(c, u.full);
		if (m != NULL || conf_blocks(c, u.full))
			history_forgets(c, u.full);
		if (m == NULL)
			continue;
		member_expel(m, why);
		/* Room for files that he would have filled. */
		uploads_end(c, u.full);
		n++;
		buf_putf(out, "%s%s", buf_len(out) > 0 ? "," : "", u.full);
	}
	if (n > 0 && TAILQ_EMPTY(&c->member_list))
		conf_check_empty(c);
	else if (n > 0 && epoch_rekey(c) < 0)
		epoch_lost(c);
}

static void
guests_answer(struct focus *f, uint64_t conf, struct asker *by,
    struct buf *removed)
{
	const struct conference *c = conf_find_id(f, conf);

	if (buf_len(removed) == 0)
		return;
	line_begin(&by->answer, "ok");
	line_put(&by->answer, "removed", buf_cstr(removed));
	if (c != NULL)
		policy_put_key(c, by);
	line_end(&by->answer);
}

/* Nobody asks them in any more, and they wait no longer. */
static void
guests_unask(struct conference *c, const char *users)
{
	struct uri u;

	while (*users != '\0') {
		users = lists_next_user(c->focus, users, &u);
		invites_withdraw(c, u.full);
		lobby_drop(c, u.full, 403);
	}
}

/* Out of what was spawned out of it as well. */
static void
guests_out_of_children(struct conference *c, struct asker *by,
    const char *users)
{
	struct conference *child, *next;
	struct buf removed = BUF_INIT;

	for (child = TAILQ_FIRST(&c->children); child != NULL; child = next) {
		next = TAILQ_NEXT(child, sibling);
		guests_out_of_children(child, by, users);
		guests_unask(child, users);
		guests_out(child, by, users, &removed);
	}
	buf_free(&removed);
}

int
policy_block(struct conference *c, struct asker *by, const struct line *l)
{
	const char *users = line_get(l, "who");
	struct buf removed = BUF_INIT;
	struct focus *f = c->focus;
	uint64_t id = c->row.id;
	int status;

	if ((status = guests_spare(c, by, users)) != 0 ||
	    (status = guests_store(c, by, l, LIST_BLOCK, 1)) != 0)
		return status;
	guests_tell(c, users, "barred");
	guests_unask(c, users);
	guests_out_of_children(c, by, users);
	guests_out(c, by, users, &removed);
	guests_answer(f, id, by, &removed);
	buf_free(&removed);
	return 200;
}

int
policy_unblock(struct conference *c, struct asker *by, const struct line *l)
{
	int status;

	if ((status = guests_store(c, by, l, LIST_BLOCK, 0)) != 0)
		return status;
	guests_tell(c, line_get(l, "who"), "unbarred");
	return 200;
}

/* Out, but he may come again. */
int
policy_kick(struct conference *c, struct asker *by, const struct line *l)
{
	const char *users = line_get_or(l, "who", "");
	struct buf removed = BUF_INIT;
	struct focus *f = c->focus;
	uint64_t id = c->row.id;
	int status;

	if ((status = guests_spare(c, by, users)) != 0)
		return status;
	if (*users == '\0' ||
	    lists_check(c, users, LIST_BLOCK, 0, &by->why) != 0)
		return 400;
	guests_out(c, by, users, &removed);
	guests_answer(f, id, by, &removed);
	if (buf_len(&removed) == 0)
		by->why = "nobody of them is in it";
	status = buf_len(&removed) == 0 ? 404 : 200;
	buf_free(&removed);
	return status;
}
