/*
 * ldap_copy: what rules need to know of a user, out of the LDAP directory
 * into dir.db.
 *
 *   state    on                         do                          next
 *   -        registers, a rule asks     to the end of the queue     WAITS
 *   WAITS    one of COPIES_ASKED        search                      ASKED
 *   ASKED    his attributes, nobody     dir.db; rules, who waits    KNOWN
 *            error                      who waits                   FAILED
 *   WAITS    another's error            who waits                   FAILED
 *   KNOWN    COPY_MS                    like -
 *   FAILED   COPY_AGAIN_MS, registers   to the end of the queue     WAITS
 *
 * When one fails so do those that wait: the server is away, and is not asked
 * for each of them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

#include "directory.h"
#include "ldap_copy.h"
#include "pal.h"
#include "recheck.h"
#include "rule.h"

enum copy_state { COPY_NONE, COPY_WAITS, COPY_ASKED, COPY_KNOWN, COPY_FAILED };

struct waiter {
	struct timer late;
	struct copy *copy;
	void (*cb)(void *arg, int late);
	void *arg;
	TAILQ_ENTRY(waiter) entry;
};

struct copy {
	char user[DIR_USER];
	enum copy_state state;
	int64_t at; /* mono ms; of the answer */
	TAILQ_HEAD(, waiter) waiters;
	TAILQ_ENTRY(copy) entry; /* WAITS, FAILED */
};
TAILQ_HEAD(copies, copy);

struct ldap_copies {
	struct map *by_user;
	struct copies wait, failed;
	size_t nwait, nfailed;
	unsigned asked;
	int missed; /* there was no room for somebody */
	struct timer next, again;
};

struct copying {
	struct pal *p;
	struct dir_person who; /* nobody yet: user is "" */
	char user[DIR_USER];
};

/* --- states --- */

static void
copy_enter(struct ldap_copies *k, struct copy *c, enum copy_state to)
{
	if (c->state == COPY_WAITS) {
		TAILQ_REMOVE(&k->wait, c, entry);
		k->nwait--;
	} else if (c->state == COPY_FAILED) {
		TAILQ_REMOVE(&k->failed, c, entry);
		k->nfailed--;
	}
	c->state = to;
	if (to == COPY_WAITS) {
		TAILQ_INSERT_TAIL(&k->wait, c, entry);
		k->nwait++;
		if (!timer_is_set(&k->next))
			timer_set(&k->next, 0);
	} else if (to == COPY_FAILED) {
		TAILQ_INSERT_TAIL(&k->failed, c, entry);
		k->nfailed++;
		if (!timer_is_set(&k->again))
			timer_set(&k->again, COPY_AGAIN_MS);
	} else if (to == COPY_KNOWN)
		c->at = clock_mono();
}

static int
is_under_way(const struct copy *c)
{
	return c->state == COPY_WAITS || c->state == COPY_ASKED;
}

static void
waiter_end(struct waiter *w, int late)
{
	TAILQ_REMOVE(&w->copy->waiters, w, entry);
	timer_cancel(&w->late);
	w->cb(w->arg, late);
	free(w);
}

/* They may come back here, and wait for somebody else. */
static void
waiters_end(struct copy *c, int late)
{
	struct waiter *w;

	while ((w = TAILQ_FIRST(&c->waiters)) != NULL)
		waiter_end(w, late);
}

/* --- the answer --- */

static int
copy_user(void *arg, const char *user)
{
	const struct copying *g = arg;

	/* Letters of both sizes are the same to LDAP, not to Kerberos. */
	return strcmp(user, g->user) == 0;
}

/* Of all that is known of him what rules need. */
static void
person_cut(struct dir_person *out, const struct dir_person *p)
{
	static const char *const kept[] = { "name", "org", "groups" };
	size_t i;

	dir_person_free(out);
	text_copy(out->user, p->user, sizeof(out->user));
	for (i = 0; i < p->n; i++)
		if (text_is_one_of(p->attr[i].name, kept,
			sizeof(kept) / sizeof(kept[0])))
			(void)dir_person_add(out, p->attr[i].name,
			    p->attr[i].value);
}

static void
copy_person(void *arg, const struct dir_person *p)
{
	struct copying *g = arg;

	person_cut(&g->who, p);
}

static int
is_same(const struct dir_person *a, const struct dir_person *b)
{
	size_t i;

	if (a->n != b->n)
		return 0;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->attr[i].name, b->attr[i].name) != 0 ||
		    strcmp(a->attr[i].value, b->attr[i].value) != 0)
			return 0;
	return 1;
}

/* Instead of what was there: who has left a group is not in it any more.
 * *changed is set if that makes a difference. 0 or SEC_ERR_*. */
static int
person_store(struct db *d, const char *user, const struct dir_person *who,
    int *changed)
{
	struct dir_person old;
	int r, is_here = who->user[0] != '\0';

	if ((r = dir_person_get(d, user, &old)) == 0) {
		*changed = !is_here || !is_same(&old, who);
		dir_person_free(&old);
	} else if (r == SEC_ERR_NOTHING)
		*changed = is_here;
	else
		return r;
	if (!*changed || (r = db_begin(d)) != 0)
		return *changed ? r : 0;
	r = dir_person_rm(d, user);
	if ((r == 0 || r == SEC_ERR_NOTHING) && is_here)
		r = dir_person_put(d, who, clock_real(), NULL);
	if (r != 0 && r != SEC_ERR_NOTHING) {
		db_rollback(d);
		return r;
	}
	return db_commit(d);
}

/* 0: dir.db has him as he is now; rules decide by that. */
static int
copy_store(struct pal *p, const char *user, const struct dir_person *who)
{
	struct db *d = directory_writer(p);
	int changed = 0, r = SEC_ERR_UNREACHABLE;

	if (d == NULL || (r = person_store(d, user, who, &changed)) != 0) {
		log_warn("ldap.copy", "user=%s why=%s", log_quote(user),
		    d == NULL ? "import" : log_quote(sec_strerror(r)));
		return r;
	}
	if (changed)
		rules_moved(p, user);
	return 0;
}

static void
all_failed(struct ldap_copies *k)
{
	struct copy *c;

	while ((c = TAILQ_FIRST(&k->wait)) != NULL) {
		copy_enter(k, c, COPY_FAILED);
		waiters_end(c, 0);
	}
}

static void
copy_done(void *arg, int err, const char *why)
{
	struct copying *g = arg;
	struct ldap_copies *k = g->p->ldap_copies;
	struct copy *c = map_get_str(k->by_user, g->user);
	int stored = err == 0 ? copy_store(g->p, g->user, &g->who) : err;

	(void)why;
	k->asked--;
	/* It may have been forgotten, and asked for anew, since then. */
	if (c != NULL && c->state == COPY_ASKED) {
		copy_enter(k, c, stored == 0 ? COPY_KNOWN : COPY_FAILED);
		waiters_end(c, 0);
	}
	if (err != 0)
		all_failed(k);
	timer_set(&k->next, 0);
	dir_person_free(&g->who);
	free(g);
}

int
ldap_copy_take(struct pal *p, const struct dir_person *who)
{
	struct dir_person cut = { .n = 0 };
	struct ldap_copies *k = p->ldap_copies;
	struct copy *c = map_get_str(k->by_user, who->user);
	int r;

	if (c == NULL || !is_under_way(c))
		return 0;
	person_cut(&cut, who);
	if ((r = copy_store(p, who->user, &cut)) == 0) {
		copy_enter(k, c, COPY_KNOWN);
		waiters_end(c, 0);
	}
	dir_person_free(&cut);
	return r == 0;
}

/* --- asking --- */

static void
copy_ask(struct pal *p, struct copy *c)
{
	static const struct directory_reader reader = { copy_user, copy_person,
		copy_done };
	struct dir_search q = { .n = 1 };
	struct copying *g;

	if ((g = calloc(1, sizeof(*g))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	g->p = p;
	text_copy(g->user, c->user, sizeof(g->user));
	text_copy(q.term[0].attr, "user", sizeof(q.term[0].attr));
	text_copy(q.term[0].value, c->user, sizeof(q.term[0].value));
	copy_enter(p->ldap_copies, c, COPY_ASKED);
	p->ldap_copies->asked++;
	directory_search(p, &q, &reader, g);
}

static void
on_next(void *arg)
{
	struct pal *p = arg;
	struct ldap_copies *k = p->ldap_copies;
	struct copy *c;

	while (k->asked < COPIES_ASKED && (c = TAILQ_FIRST(&k->wait)) != NULL)
		copy_ask(p, c);
	/* There is room for those now for whom there was none. */
	if (k->missed && k->nwait + k->nfailed == 0) {
		k->missed = 0;
		pals_recheck(p);
	}
}

static void
on_again(void *arg)
{
	struct ldap_copies *k = arg;
	struct copy *c;

	while ((c = TAILQ_FIRST(&k->failed)) != NULL)
		copy_enter(k, c, COPY_WAITS);
}

/* Those who are known are due again. */
static void
make_room(struct ldap_copies *k)
{
	struct copy *c;
	size_t i;

	for (i = 0; (c = map_next(k->by_user, &i)) != NULL;)
		if (c->state == COPY_KNOWN) {
			map_del_str(k->by_user, c->user);
			free(c);
		}
}

static struct copy *
copy_new(struct ldap_copies *k, const char *user)
{
	struct copy *c;

	if (k->nwait + k->nfailed >= COPIES_WAIT) {
		k->missed = 1;
		return NULL;
	}
	if (map_count(k->by_user) >= COPIES_KNOWN)
		make_room(k);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	text_copy(c->user, user, sizeof(c->user));
	TAILQ_INIT(&c->waiters);
	map_put_str(k->by_user, c->user, c);
	return c;
}

/* NULL: it is no user's name, or there is no room. */
static struct copy *
copy_get(struct pal *p, const char *user)
{
	struct ldap_copies *k = p->ldap_copies;
	struct copy *c;

	if (!dir_user_allowed(user))
		return NULL;
	if ((c = map_get_str(k->by_user, user)) == NULL &&
	    (c = copy_new(k, user)) == NULL)
		return NULL;
	if (c->state == COPY_NONE ||
	    (c->state == COPY_KNOWN && clock_mono() - c->at >= COPY_MS))
		copy_enter(k, c, COPY_WAITS);
	return c;
}

int
ldap_copy_needed(struct pal *p, const char *user)
{
	const struct copy *c = copy_get(p, user);

	return c != NULL && is_under_way(c);
}

void
ldap_copy(struct pal *p, const char *user)
{
	struct copy *c = copy_get(p, user);

	if (c != NULL && c->state == COPY_FAILED)
		copy_enter(p->ldap_copies, c, COPY_WAITS);
}

static void
on_late(void *arg)
{
	waiter_end(arg, 1);
}

void
ldap_copy_await(struct pal *p, const char *user,
    void (*cb)(void *arg, int late), void *arg)
{
	struct ldap_copies *k = p->ldap_copies;
	struct copy *c = map_get_str(k->by_user, user);
	struct waiter *w;

	if (c == NULL || !is_under_way(c) ||
	    (w = calloc(1, sizeof(*w))) == NULL) {
		cb(arg, 1);
		return;
	}
	w->copy = c;
	w->cb = cb;
	w->arg = arg;
	timer_init(&w->late, p->s->loop, on_late, w);
	timer_set(&w->late, COPY_AWAIT_MS);
	TAILQ_INSERT_TAIL(&c->waiters, w, entry);
	if (c->state == COPY_WAITS) { /* before those whom nobody awaits */
		TAILQ_REMOVE(&k->wait, c, entry);
		TAILQ_INSERT_HEAD(&k->wait, c, entry);
	}
}

/* --- opening --- */

void
ldap_copies_open(struct pal *p)
{
	struct ldap_copies *k;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	k->by_user = map_new();
	TAILQ_INIT(&k->wait);
	TAILQ_INIT(&k->failed);
	timer_init(&k->next, p->s->loop, on_next, p);
	timer_init(&k->again, p->s->loop, on_again, k);
	p->ldap_copies = k;
}

void
ldap_copies_forget(struct pal *p)
{
	struct ldap_copies *k = p->ldap_copies;
	struct map *old = k->by_user;
	struct copy *c;
	size_t i;

	/* Who waits may ask for somebody right away. */
	k->by_user = map_new();
	for (i = 0; (c = map_next(old, &i)) != NULL;) {
		copy_enter(k, c, COPY_NONE);
		waiters_end(c, 1);
		free(c);
	}
	map_free(old);
}

void
ldap_copies_close(struct pal *p)
{
	struct ldap_copies *k = p->ldap_copies;

	if (k == NULL)
		return;
	ldap_copies_forget(p);
	timer_cancel(&k->next);
	timer_cancel(&k->again);
	map_free(k->by_user);
	free(k);
	p->ldap_copies = NULL;
}
