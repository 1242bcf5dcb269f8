/*
 * talk: who talks, from the voice router to sec-pal, for those who watch a
 * conference from outside. Nothing is said while nobody asks.
 */

#include <string.h>

#include "wire/line.h"

#include "focus.h"

void
talk_tell(struct conference *c, const char *user, const char *on)
{
	struct ctl_peer *p = links_peer(c->focus->s->links, c->focus->pal);
	struct buf *b;

	if (!c->talk || p == NULL)
		return;
	b = ctl_event(p, "talk");
	line_put(b, "conf", c->uri);
	line_put(b, "user", user);
	line_put(b, "on", on);
	ctl_event_end(p);
}

/* The router keeps them a second apart. */
static void
on_talk(void *ctx, struct ctl_req *r)
{
	struct focus *f = ((struct service *)ctx)->priv;
	const char *user = line_get(r->line, "user");
	const char *on = line_get_or(r->line, "on", "");
	struct conference *c = conf_find(f, line_get_or(r->line, "conf", ""));

	if (c != NULL && user != NULL && conf_member(c, user) != NULL &&
	    ctl_peer_number(r->peer) == conf_server(c, "voice") &&
	    (strcmp(on, "on") == 0 || strcmp(on, "off") == 0))
		talk_tell(c, user, on);
}

static void
on_want(void *ctx, struct ctl_req *r)
{
	struct focus *f = ((struct service *)ctx)->priv;
	struct conference *c = conf_find(f, line_get_or(r->line, "conf", ""));

	if (c != NULL)
		deal_talk(c,
		    strcmp(line_get_or(r->line, "talk", ""), "on") == 0);
}

const struct ctl_verb talk_verbs[] = {
	{ "talk", CTL_MCU, on_talk },
	{ "want", CTL_PAL, on_want },
	{ NULL, 0, NULL },
};
