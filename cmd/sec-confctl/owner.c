/*
 * owner: what the owner of a conference does to it (COMMANDS.md 2.3): its
 * end, a new key.
 */

#include <stdio.h>
#include <string.h>

#include "base/err.h"
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
	snprintf(by->room, sizeof by->room, "%s is persistent", c->row.name);
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
	if ((r = commit_begin(f)) != 0 ||
	    (r = conf_delete(f->s->db, c->row.id)) != 0)
		return r == SEC_ERR_NOTHING ? 404 : 503;
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
	line_put_u64(&by->answer, "epoch", c->row.epoch);
	line_put_u64(&by->answer, "members", map_count(c->members));
	line_end(&by->answer);
	return 200;
}
