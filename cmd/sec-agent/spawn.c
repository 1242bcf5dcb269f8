/*
 * Conferences out of others. `spawn`: the controller asks the members, and
 * their answers are read in the child's roster: invited, then active, or
 * left with a reason. `join`: the children are joined with their parent.
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

#define LATE_MS 5000 /* until the roster must have said so */

/* A `spawn` until all have answered. */
struct spawning {
	struct agent *a;
	struct ctl_handle who;
	char conf[URI_MAX];
	struct map *asked; /* struct asked by URI */
	size_t open;
	int timeout_s; /* 0: nobody waits for the answers */
	struct timer timeout;
	TAILQ_ENTRY(spawning) entry;
};

struct asked {
	char uri[URI_MAX];
	int done;
};

/* A `join` until the children have been joined, or not. */
struct family {
	struct agent *a;
	uint64_t number;
	struct waiter who; /* of the parent */
	char conf[URI_MAX];
	size_t open;
	TAILQ_ENTRY(family) entry;
};

struct spawns {
	TAILQ_HEAD(, spawning) spawning;
	TAILQ_HEAD(, family) families;
};

/* --- what the members say --- */

static void
spawning_free(struct spawning *s)
{
	struct asked *k;
	size_t i = 0;

	timer_cancel(&s->timeout);
	TAILQ_REMOVE(&s->a->spawns->spawning, s, entry);
	while ((k = map_next(s->asked, &i)) != NULL)
		free(k);
	map_free(s->asked);
	free(s);
}

static void
spawning_done(struct spawning *s)
{
	struct ctl_req r;

	if (ctl_again(s->a->ctl, s->who, &r) == 0) {
		line_put(ctl_ok_begin(&r), "conf", s->conf);
		ctl_end(&r);
	}
	spawning_free(s);
}

static void
on_timeout(void *arg)
{
	spawning_done(arg);
}

static void
asked_row(struct spawning *s, const struct asked *k, const char *state,
    int code)
{
	struct ctl_req r;
	struct buf *b;

	if (ctl_again(s->a->ctl, s->who, &r) != 0)
		return;
	b = ctl_row(&r);
	line_put(b, "what", "invitee");
	line_put(b, "conf", s->conf);
	line_put(b, "user", k->uri);
	line_put(b, "state", state);
	if (code != 0)
		line_putf(b, "code", "%d", code);
	ctl_end(&r);
}

static struct asked *
asked_take(struct spawning *s, const char *uri)
{
	struct asked *k = map_get_str(s->asked, uri);

	if (k != NULL)
		return k;
	k = agent_alloc(sizeof(*k));
	text_copy(k->uri, uri, sizeof(k->uri));
	(void)map_put_str(s->asked, k->uri, k);
	s->open++;
	invite_event(s->a, s->conf, "invite.out", k->uri, NULL, 0, NULL);
	asked_row(s, k, "asked", 0);
	return k;
}

static void
asked_done(struct spawning *s, struct asked *k, int code)
{
	const char *state = invite_state(code);

	if (k->done)
		return;
	k->done = 1;
	s->open--;
	invite_event(s->a, s->conf, "invite.done", k->uri, state, code, NULL);
	asked_row(s, k, state, code);
}

/* What became of who is asked, by his row: -1 if nothing yet. */
static int
answer_of(const struct pal_entry *e)
{
	const char *status = pal_entry_attr(e, "status");
	const char *reason = pal_entry_attr(e, "reason");
	unsigned long long code;

	if (status == NULL || strcmp(status, "invited") == 0)
		return -1;
	if (reason == NULL)
		return 200;
	return text_number(reason, 300, 699, &code) == 0 ? (int)code : 503;
}

static void
take_roster(struct spawning *s, struct conf_in *c)
{
	const struct pal_entry *e;
	struct asked *k;
	size_t i = 0;
	int code;

	/* All of them before the first answer. */
	while ((e = mirror_next(c->roster, &i)) != NULL)
		if (strcmp(e->uri, s->a->uri) != 0)
			(void)asked_take(s, e->uri);
	for (i = 0; (k = map_next(s->asked, &i)) != NULL;) {
		e = mirror_find(c->roster, k->uri);
		/* Nobody asks any more: the controller was restarted. */
		code = e == NULL ? 503 : answer_of(e);
		if (code >= 0)
			asked_done(s, k, code);
	}
	if (s->open == 0 || s->timeout_s == 0)
		spawning_done(s);
}

void
spawn_roster(struct agent *a, struct conf_in *c)
{
	struct spawning *s, *next;

	for (s = TAILQ_FIRST(&a->spawns->spawning); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (strcmp(s->conf, c->uri) == 0)
			take_roster(s, c);
	}
}

void
spawn_follow(struct agent *a, struct ctl_handle who, struct conf_in *c,
    int timeout)
{
	struct spawning *s = agent_alloc(sizeof(*s));

	s->a = a;
	s->who = who;
	text_copy(s->conf, c->uri, sizeof(s->conf));
	s->asked = map_new();
	s->timeout_s = timeout;
	timer_init(&s->timeout, a->loop, on_timeout, s);
	TAILQ_INSERT_TAIL(&a->spawns->spawning, s, entry);
	timer_set(&s->timeout, (int64_t)s->timeout_s * 1000 + LATE_MS);
	take_roster(s, c);
}

void
spawn_conf_gone(struct conf_in *c)
{
	struct agent *a = c->a;
	struct spawning *s, *next;

	for (s = TAILQ_FIRST(&a->spawns->spawning); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (strcmp(s->conf, c->uri) == 0)
			spawning_done(s);
	}
}

void
spawn_peer_gone(struct agent *a, uint64_t peer)
{
	struct spawning *s, *next;

	for (s = TAILQ_FIRST(&a->spawns->spawning); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->who.peer == peer)
			spawning_free(s);
	}
}

/* --- joining the children --- */

static void
family_done(struct family *f)
{
	struct conf_in *c = conf_find(f->a, f->conf);

	if (c != NULL)
		conf_answer_waiter(c, &f->who);
	else
		conf_refuse_waiter(f->a, f->conf, &f->who, 487, NULL);
	TAILQ_REMOVE(&f->a->spawns->families, f, entry);
	free(f);
}

void
family_told(struct agent *a, uint64_t number, const char *conf, int status,
    const char *reason)
{
	struct family *f;
	struct ctl_req r;
	struct buf *b;

	TAILQ_FOREACH(f, &a->spawns->families, entry)
		if (f->number == number)
			break;
	if (f == NULL)
		return;
	if (ctl_again(a->ctl, f->who.who, &r) == 0) {
		b = ctl_row(&r);
		line_put(b, "what", "child");
		line_put(b, "conf", conf);
		line_put(b, "state", status == 200 ? "joined" : "failed");
		if (status != 200)
			line_put(b, "reason", reason);
		ctl_end(&r);
	}
	if (--f->open == 0)
		family_done(f);
}

/* One of the URIs with commas; NULL: it is no conference. */
static const char *
next_child(struct agent *a, const char *list, struct uri *u)
{
	char name[URI_MAX];
	size_t n = strcspn(list, ",");

	if (n >= sizeof(name))
		return NULL;
	memcpy(name, list, n);
	name[n] = '\0';
	if (uri_parse(u, name, a->conf.domain) != 0 || u->kind != URI_CONF)
		return NULL;
	return list + n + (list[n] == ',');
}

int
family_join(struct conf_in *parent, const struct waiter *w)
{
	struct agent *a = parent->a;
	struct waiter child = { 0 };
	const char *list = parent->children;
	struct family *f;
	struct conf_in *c;
	struct uri u;

	if (list == NULL || *list == '\0')
		return 0;
	f = agent_alloc(sizeof(*f));
	f->a = a;
	f->number = child.family = ++a->next_number;
	f->who = *w;
	f->who.children = 0;
	f->open = 1; /* until all have been begun */
	text_copy(f->conf, parent->uri, sizeof(f->conf));
	TAILQ_INSERT_TAIL(&a->spawns->families, f, entry);
	while (list != NULL && *list != '\0') {
		if ((list = next_child(a, list, &u)) == NULL ||
		    conf_find(a, u.full) != NULL)
			continue;
		f->open++;
		c = conf_new(a, u.full);
		conf_wait(c, &child);
		conf_invite(c);
	}
	if (--f->open == 0)
		family_done(f);
	return 1;
}

void
spawns_init(struct agent *a)
{
	a->spawns = agent_alloc(sizeof(*a->spawns));
	TAILQ_INIT(&a->spawns->spawning);
	TAILQ_INIT(&a->spawns->families);
}

void
spawns_close(struct agent *a)
{
	struct family *f;

	while (!TAILQ_EMPTY(&a->spawns->spawning))
		spawning_free(TAILQ_FIRST(&a->spawns->spawning));
	while ((f = TAILQ_FIRST(&a->spawns->families)) != NULL) {
		TAILQ_REMOVE(&a->spawns->families, f, entry);
		free(f);
	}
	free(a->spawns);
}
