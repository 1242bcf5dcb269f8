/*
 * recheck: what everybody is shown, decided anew when rules, groups or the
 * organisation chart are new (S160). There may be 10,000 PALs: each turn of
 * the loop does a slice, those first that were decided longest ago. Whatever
 * is asked or told in between is decided by the new rules before it
 * (list_current()), so that nothing goes out by the old ones.
 */

#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include "list.h"
#include "recheck.h"
#include "roster.h"
#include "watcher.h"

#define SLICE_MS 5

/* What he watches by a dialog of its own ends; an entry of his PAL stays, and
 * says that it is denied. */
static void
dialogs_recheck(struct presentity *u)
{
	struct subscription *s, *next;
	struct list *l;

	for (s = TAILQ_FIRST(&u->subs); s != NULL; s = next) {
		next = TAILQ_NEXT(s, own);
		if (roster_refuses(s)) {
			subscription_end(s, "rejected");
			continue;
		}
		if ((l = list_of(s->doc)) == NULL || l->whom == NULL)
			continue;
		list_current(l);
		if (view_is_denied(TAILQ_FIRST(&l->buddies)->view))
			subscription_end(s, "rejected");
	}
}

/* 1: he has so many watchers that there is more to do. */
static int
recheck_one(struct presentity *u)
{
	if (u->list != NULL)
		list_current(u->list);
	dialogs_recheck(u);
	return watchers_recheck(u);
}

static void
on_slice(void *arg)
{
	struct pal *p = arg;
	int64_t end = clock_mono() + SLICE_MS;
	struct presentity *u;

	while (
	    (u = TAILQ_FIRST(&p->by_age)) != NULL && u->decided != p->decided) {
		if (!recheck_one(u)) {
			u->decided = p->decided;
			TAILQ_REMOVE(&p->by_age, u, age);
			TAILQ_INSERT_TAIL(&p->by_age, u, age);
		}
		if (clock_mono() >= end) {
			timer_set(&p->rechecker, 1);
			return;
		}
	}
	log_debug("pal.rechecked", "presentities=%zu",
	    map_count(p->presentities));
}

void
recheck_open(struct pal *p)
{
	p->decided = 1; /* 0: undecided */
	TAILQ_INIT(&p->by_age);
	timer_init(&p->rechecker, p->s->loop, on_slice, p);
}

void
recheck_close(struct pal *p)
{
	timer_cancel(&p->rechecker);
}

void
recheck_enter(struct presentity *u)
{
	u->decided = u->pal->decided;
	TAILQ_INSERT_TAIL(&u->pal->by_age, u, age);
}

void
recheck_leave(struct presentity *u)
{
	TAILQ_REMOVE(&u->pal->by_age, u, age);
}

void
pals_recheck(struct pal *p)
{
	p->decided++;
	rosters_recheck(p);
	if (!timer_is_set(&p->rechecker))
		timer_set(&p->rechecker, 0);
}

/* --- one person has moved in the chart --- */

/* All that he sees, and who sees him, is decided anew in the next slice. */
static void
recheck_soon(struct presentity *u)
{
	struct pal *p = u->pal;
	struct subscription *s;
	struct list *l;

	if (u->list != NULL)
		u->list->decided = 0;
	TAILQ_FOREACH(s, &u->subs, own)
		if ((l = list_of(s->doc)) != NULL)
			l->decided = 0;
	watchers_undecided(u);
	u->decided = 0;
	TAILQ_REMOVE(&p->by_age, u, age);
	TAILQ_INSERT_HEAD(&p->by_age, u, age);
	if (!timer_is_set(&p->rechecker))
		timer_set(&p->rechecker, 0);
}

/* Everybody's entry of u, into the view that is right now. */
static void
views_recheck(struct presentity *u)
{
	struct buddy **all, *b;
	struct view *v;
	size_t n = 0, i;

	if ((all = calloc(u->nbuddies + 1, sizeof(*all))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a PAL");
	/* Views go with the last who is in them. */
	TAILQ_FOREACH(v, &u->views, entry)
		TAILQ_FOREACH(b, &v->buddies, same)
			all[n++] = b;
	for (i = 0; i < n; i++) {
		if (!view_again(all[i]))
			continue;
		buddy_news(all[i]);
		if (all[i]->list->whom != NULL)
			recheck_soon(all[i]->list->owner);
	}
	free(all);
}

static int
watched_by(void *arg, const struct pal_entry_row *row)
{
	struct pal *p = arg;
	struct presentity *u = presentity_by_uri(p, row->uri);

	if (u != NULL)
		watcher_recheck(u, row->owner);
	return 0;
}

void
pals_recheck_user(struct pal *p, const char *user)
{
	struct presentity *u = presentity_find(p, user);

	if (pal_entry_each(p->s->db, user, watched_by, p) != 0)
		log_error("db.read", "file=pal.db why=%s",
		    log_quote(db_why(p->s->db)));
	if (u == NULL)
		return;
	views_recheck(u);
	recheck_soon(u);
}
