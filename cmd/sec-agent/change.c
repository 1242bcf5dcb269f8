/*
 * change: what a conference's creator may set while it runs (S008, S132), by
 * PUBLISH of a line `set`. The tool's `ok` waits until new media are here, so
 * that the next command can use them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/text.h"
#include "voice.h"

#define SEEN_MS 5000 /* until the roster says so too */

struct change {
	struct agent *a;
	struct ctl_handle who;
	struct uri conf;
	char media[64]; /* "": none given */
	int taken; /* the controller has said 200 */
	struct timer patience;
	TAILQ_ENTRY(change) entry;
};

struct changes {
	TAILQ_HEAD(, change) list;
};

static void
change_free(struct change *g)
{
	timer_cancel(&g->patience);
	TAILQ_REMOVE(&g->a->changes->list, g, entry);
	free(g);
}

static void
change_ok(struct change *g)
{
	struct ctl_req r;

	if (ctl_again(g->a->ctl, g->who, &r) == 0) {
		line_put(ctl_ok_begin(&r), "conf", g->conf.full);
		ctl_end(&r);
	}
	change_free(g);
}

static void
on_patience(void *arg)
{
	change_ok(arg);
}

static int
has(const char *list, const char *word)
{
	return strstr(list, word) != NULL;
}

/* What it says about media is so here: roster and text device. */
static int
is_seen(const struct change *g)
{
	const struct conf_in *c = conf_find(g->a, g->conf.full);

	if (c == NULL || g->media[0] == '\0')
		return 1;
	return has(c->media, "voice") == has(g->media, "voice") &&
	    has(c->media, "text") == has(g->media, "text") &&
	    (has(g->media, "text") ? c->text != NULL && text_is_up(c->text) :
				     c->text == NULL);
}

void
change_check(struct conf_in *c)
{
	struct change *g, *next;

	for (g = TAILQ_FIRST(&c->a->changes->list); g != NULL; g = next) {
		next = TAILQ_NEXT(g, entry);
		if (g->taken && strcmp(g->conf.full, c->uri) == 0 && is_seen(g))
			change_ok(g);
	}
}

static void
on_changed(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct change *g = ctx;
	struct ctl_req r;
	char why[160];

	(void)cookie;
	if (answer->status / 100 != 2) {
		if (ctl_again(g->a->ctl, g->who, &r) == 0)
			ctl_error(&r, answer->status,
			    order_refusal(g->a, &g->conf, answer, why,
				sizeof(why)));
		change_free(g);
		return;
	}
	g->taken = 1;
	timer_set(&g->patience, SEEN_MS);
	if (is_seen(g))
		change_ok(g);
}

/* set conf= NAME=VALUE ... */
void
change_start(struct agent *a, struct ctl_req *r)
{
	struct buf body = BUF_INIT;
	struct change *g;
	struct uri u;

	if (tool_conf(a, r, &u) != 0)
		return;
	order_line(r->line, &body);
	g = agent_alloc(sizeof(*g));
	g->a = a;
	g->who = ctl_keep(r);
	g->conf = u;
	text_copy(g->media, line_get_or(r->line, "media", ""),
	    sizeof(g->media));
	timer_init(&g->patience, a->loop, on_patience, g);
	TAILQ_INSERT_TAIL(&a->changes->list, g, entry);
	if (conf_publish(a, u.full, &body, on_changed, g, 0) != 0) {
		ctl_error(r, 503, "controller unreachable");
		change_free(g);
	}
	buf_free(&body);
}

void
change_init(struct agent *a)
{
	a->changes = agent_alloc(sizeof(*a->changes));
	TAILQ_INIT(&a->changes->list);
}

void
change_close(struct agent *a)
{
	while (!TAILQ_EMPTY(&a->changes->list))
		change_free(TAILQ_FIRST(&a->changes->list));
	free(a->changes);
}
