/*
 * rights: who may do what in a conference (COMMANDS.md 2.3). What each verb
 * and each setting wants stands beside it, in its table.
 */

#include <stdio.h>
#include <string.h>

#include "focus.h"

int
is_owner(const struct conference *c, const char *user)
{
	return strcmp(c->row.owner, user) == 0;
}

/* Who is blocked in what it was spawned from may not come into the child, and
 * has no say in it: the owner of the parent has. */
static const char *
ruler_of(const struct conference *c)
{
	while (conf_blocks(c, c->row.owner) && c->parent != NULL)
		c = c->parent;
	return c->row.owner;
}

enum rank
rank_of(struct conference *c, const char *user)
{
	if (strcmp(ruler_of(c), user) == 0)
		return RANK_OWNER;
	/* Who may not come in has no say from outside either. */
	if ((conf_list_bits(c, user) & LIST_MODERATOR) && !conf_blocks(c, user))
		return RANK_MODERATOR;
	return conf_member(c, user) != NULL ? RANK_MEMBER : RANK_ANYBODY;
}

const char *
rank_refusal(const struct conference *c, enum rank wanted, char *out, size_t n)
{
	struct uri u;

	if (wanted == RANK_MEMBER)
		return "only who is in it may do that";
	if (uri_parse(&u, ruler_of(c), c->focus->s->conf.domain) != 0)
		return NULL;
	snprintf(out, n, "only %s (%s)%s may do that", u.name,
	    c->row.persistent ? "owner" : "creator",
	    wanted == RANK_MODERATOR ? " and moderators" : "");
	return out;
}
