/*
 * lobby: waiting until owner or moderators of a conference let me in, and who
 * waits for those of mine whose owner or moderator I am (S132).
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/text.h"

struct lobby {
	char *waiting; /* URIs with commas; NULL: nobody */
};

void
lobby_init(struct conf_in *c)
{
	c->door = agent_alloc(sizeof(*c->door));
}

void
lobby_close(struct conf_in *c)
{
	free(c->door->waiting);
	free(c->door);
}

/* --- others --- */

/* The next of users with commas into one; what follows, NULL at the end. */
static const char *
next_user(const char *list, char one[URI_MAX])
{
	size_t n;

	for (; list != NULL && *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (n == 0 || n >= URI_MAX)
			continue;
		memcpy(one, list, n);
		one[n] = '\0';
		return list + n + (list[n] == ',');
	}
	return NULL;
}

static int
is_in(const char *list, const char *user)
{
	char one[URI_MAX];

	while ((list = next_user(list, one)) != NULL)
		if (strcmp(one, user) == 0)
			return 1;
	return 0;
}

void
lobby_take(struct conf_in *c, const struct line *l)
{
	const char *is = line_get_or(l, "waiting", ""), *p = is;
	const char *left = line_get(l, "left");
	char *was = c->door->waiting, one[URI_MAX];

	if ((c->door->waiting = strdup(is)) == NULL)
		abort();
	while ((p = next_user(p, one)) != NULL)
		if (!is_in(was, one)) {
			conf_event(c, "conf.status", one, "waiting");
			conf_notice(c, "status", one, "waiting");
		}
	if (left != NULL && is_in(was, left) && !is_in(is, left))
		conf_event(c, "conf.status", left, "left");
	free(was);
}

void
lobby_check(struct conf_in *c)
{
	if (strcmp(c->lobby, "off") != 0)
		return;
	free(c->door->waiting);
	c->door->waiting = NULL;
}

void
lobby_rows(struct conf_in *c, struct ctl_req *r)
{
	const char *p = c->door->waiting;
	char one[URI_MAX];
	struct buf *b;

	while ((p = next_user(p, one)) != NULL) {
		b = ctl_row(r);
		line_put(b, "what", "member");
		line_put(b, "user", one);
		line_put(b, "status", "waiting");
		ctl_end(r);
	}
}

void
lobby_state(struct conf_in *c, struct buf *b,
    void (*put)(struct agent *, struct ctl_req *, struct buf *),
    struct ctl_req *r)
{
	const char *p = c->in_lobby ? c->a->uri : c->door->waiting;
	char one[URI_MAX];

	while ((p = next_user(p, one)) != NULL) {
		line_put(b, "event", "conf.status");
		line_put(b, "conf", c->uri);
		line_put(b, "user", one);
		line_put(b, "status", "waiting");
		put(c->a, r, b);
	}
}

/* --- myself --- */

static void
tell_tools(struct conf_in *c)
{
	struct waiter *w;
	struct ctl_req r;

	TAILQ_FOREACH(w, &c->waiters, entry) {
		if (w->create != 0 || ctl_again(c->a->ctl, w->who, &r) != 0)
			continue;
		line_put(ctl_row(&r), "waiting", c->uri);
		ctl_end(&r);
	}
}

void
lobby_enter(struct conf_in *c)
{
	if (c->in_lobby || c->state != CONF_JOINING)
		return;
	c->in_lobby = 1;
	timer_cancel(&c->deadline);
	conf_event(c, "conf.status", c->a->uri, "waiting");
	tell_tools(c);
}

const char *
lobby_reason(const struct conf_in *c, int status)
{
	if (!c->in_lobby)
		return NULL;
	switch (status) {
	case 408: return "nobody has let you in";
	case 603: return "you were not let in";
	default: return NULL;
	}
}

void
lobby_peer_gone(struct conf_in *c, uint64_t peer)
{
	struct waiter *w, *next;

	if (!c->in_lobby)
		return;
	for (w = TAILQ_FIRST(&c->waiters); w != NULL; w = next) {
		next = TAILQ_NEXT(w, entry);
		if (w->create != 0 || w->who.peer != peer)
			continue;
		TAILQ_REMOVE(&c->waiters, w, entry);
		free(w);
	}
	/* Nobody wants to be let in any more. */
	if (TAILQ_EMPTY(&c->waiters))
		conf_fail(c, 487, NULL);
}

void
lobby_show(struct conf_in *c, struct ctl_req *r)
{
	struct buf *b = ctl_row(r);

	line_put(b, "what", "conf");
	line_put(b, "conf", c->uri);
	line_put(b, "name", c->name);
	line_put(b, "state", "waiting");
	ctl_end(r);
	b = ctl_row(r);
	line_put(b, "what", "member");
	line_put(b, "user", c->a->uri);
	line_put(b, "status", "waiting");
	ctl_end(r);
	ctl_ok(r);
}
