/*
 * speak: whose texts and voices are sent on (S132). The media servers keep
 * to it, whatever a client does.
 *
 *   muted               never
 *   speak=all           everybody else
 *   speak=moderators    owner and moderators
 *   speak=asked         they, and who has the floor: who has raised a hand
 *                       and whom one of them has unmuted then
 *
 * A hand and the floor are a member's until his last device leaves; that he
 * is muted stays.
 */

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "wire/line.h"

#include "focus.h"
#include "policy.h"

int
may_speak(const struct conference *c, const char *user)
{
	unsigned bits = conf_list_bits(c, user);

	if (bits & LIST_MUTE)
		return 0;
	if (strcmp(c->row.speak, "all") == 0 || is_owner(c, user) ||
	    (bits & LIST_MODERATOR))
		return 1;
	return strcmp(c->row.speak, "asked") == 0 && (bits & LIST_FLOOR);
}

void
speak_tell(struct member *m)
{
	struct conference *c = m->conf;
	unsigned marks = conf_list_bits(c, m->user) & LIST_MARKS;
	int may = may_speak(c, m->user);
	struct device *d;

	TAILQ_FOREACH(d, &m->own, own) {
		if (d->speaks == may)
			continue;
		d->speaks = may;
		if (d->server != 0)
			deal_speak(d);
	}
	if (m->marks == marks)
		return;
	if ((m->marks ^ marks) & LIST_MODERATOR)
		lobby_tell(m);
	m->marks = marks;
	deal_marks(m);
}

void
speak_deal(struct conference *c)
{
	struct member *m;

	TAILQ_FOREACH(m, &c->member_list, entry)
		speak_tell(m);
}

int
speak_over(struct conference *c)
{
	const char *user;
	unsigned bits;
	size_t i = 0;
	int r;

	while ((user = conf_list_next(c, &i, &bits)) != NULL)
		if ((bits & LIST_FLOOR) &&
		    (r = lists_put(c, user, LIST_FLOOR, 0)) != 0)
			return r;
	return 0;
}

void
speak_left(struct conference *c, const char *user)
{
	unsigned bits = conf_list_bits(c, user);

	if (bits & LIST_HAND)
		(void)lists_put(c, user, LIST_HAND, 0);
	if (bits & LIST_FLOOR)
		(void)lists_put(c, user, LIST_FLOOR, 0);
}

/* --- the verbs --- */

/* These bits of a user, on and off. 0 or SEC_ERR_*. */
static int
change(struct conference *c, const char *user, unsigned on, unsigned off)
{
	static const enum list_bit bits[] = { LIST_MUTE, LIST_HAND,
		LIST_FLOOR };
	unsigned has = conf_list_bits(c, user);
	size_t i;
	int r;

	for (i = 0; i < sizeof bits / sizeof bits[0]; i++) {
		if (!((on | off) & bits[i]) ||
		    !(has & bits[i]) == !(on & bits[i]))
			continue;
		if ((r = lists_put(c, user, bits[i], (on & bits[i]) != 0)) != 0)
			return r;
	}
	return 0;
}

/* Changed: tell whom it is about, and say 200. */
static int
changed(struct conference *c, const struct asker *by, const struct line *l)
{
	speak_deal(c);
	log_info("conf.speak", "conf=%s user=%s what=%s by=%s",
	    log_quote(c->row.name), log_quote(line_get_or(l, "who", by->user)),
	    l->verb, log_quote(by->user));
	return 200;
}

/* Moderators are seen to by the owner alone: whom he has muted could unmute
 * himself else. */
static int
rank_refuses(struct conference *c, struct asker *by, const char *user)
{
	if (rank_of(c, by->user) == RANK_OWNER ||
	    rank_of(c, user) < rank_of(c, by->user))
		return 0;
	return policy_forbids(c, by, RANK_OWNER);
}

/* 0, or the status that refuses it. */
static int
mute_refused(struct conference *c, struct asker *by, const struct uri *who)
{
	if (conf_member(c, who->full) == NULL) {
		snprintf(by->room, sizeof by->room, "%.64s is not in it",
		    who->name);
		by->why = by->room;
		return 404;
	}
	return rank_refuses(c, by, who->full);
}

/* 0, or the status: who neither is muted nor asks need not be unmuted. */
static int
unmute_refused(struct conference *c, struct asker *by, const struct uri *who)
{
	if (conf_list_bits(c, who->full) & LIST_MUTE)
		return rank_refuses(c, by, who->full);
	if (strcmp(c->row.speak, "asked") != 0 || may_speak(c, who->full) ||
	    (conf_list_bits(c, who->full) & LIST_HAND))
		return 0;
	snprintf(by->room, sizeof by->room, "%.64s has not raised a hand",
	    who->name);
	by->why = by->room;
	return 409;
}

static int
mute_one(struct conference *c, const char *user)
{
	return change(c, user, LIST_MUTE, LIST_HAND | LIST_FLOOR);
}

/* Who asked has the floor; his hand is down then. */
static int
unmute_one(struct conference *c, const char *user)
{
	unsigned hand = conf_list_bits(c, user) & LIST_HAND;

	if (strcmp(c->row.speak, "asked") == 0 && hand)
		return change(c, user, LIST_FLOOR, LIST_MUTE | LIST_HAND);
	return change(c, user, 0, LIST_MUTE);
}

/* Each of who=, if none of them is refused. */
static int
each_of(struct conference *c, struct asker *by, const struct line *l,
    int (*refused)(struct conference *c, struct asker *by,
	const struct uri *who),
    int (*one)(struct conference *c, const char *user))
{
	const char *who = line_get_or(l, "who", ""), *p = who;
	struct uri u;
	int status;

	do {
		if ((p = lists_next_user(c->focus, p, &u)) == NULL) {
			by->why = "who? a user, or several with commas";
			return 400;
		}
		if ((status = refused(c, by, &u)) != 0)
			return status;
	} while (*p != '\0');
	conf_changed(c, &c->row);
	for (p = who; *p != '\0';) {
		p = lists_next_user(c->focus, p, &u);
		if (one(c, u.full) != 0)
			return 503;
	}
	return changed(c, by, l);
}

int
policy_mute(struct conference *c, struct asker *by, const struct line *l)
{
	return each_of(c, by, l, mute_refused, mute_one);
}

int
policy_unmute(struct conference *c, struct asker *by, const struct line *l)
{
	return each_of(c, by, l, unmute_refused, unmute_one);
}

int
policy_raise(struct conference *c, struct asker *by, const struct line *l)
{
	/* Who has the floor need not ask for it. */
	if (conf_list_bits(c, by->user) & LIST_FLOOR)
		return 200;
	conf_changed(c, &c->row);
	return change(c, by->user, LIST_HAND, 0) != 0 ? 503 : changed(c, by, l);
}

int
policy_lower(struct conference *c, struct asker *by, const struct line *l)
{
	conf_changed(c, &c->row);
	return change(c, by->user, 0, LIST_HAND | LIST_FLOOR) != 0 ?
	    503 :
	    changed(c, by, l);
}
