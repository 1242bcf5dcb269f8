#ifndef SEC_PAL_RULE_H
#define SEC_PAL_RULE_H

#include "base/loop.h"
#include "ctl/serve.h"
#include "wire/uri.h"

#include "verdict.h"

struct pal;

/*
 * The rules in force (S160): those of sec-admin, in pal.db, and behind them
 * those of the file `rules`. That a participant may watch his conference is
 * roster_why()'s word.
 */
struct rulebook {
	struct rules	 added;        /* in pal.db */
	struct rules	 given;        /* by the file */
	struct standing	*standing;     /* of dir.db */
	struct timer	 timer;        /* the chart has changed */
	int64_t		 rechecked;    /* for it, mono ms */
};

/* p->rules is made of both; p->dir is there. 0, or an error with a sentence
 * in why. */
int	rules_open(struct pal *p, char *why, size_t whylen);
/* The file anew (SIGHUP); when it is bad the old ones stay. */
int	rules_reload(struct pal *p, char *why, size_t whylen);
void	rules_close(struct pal *p);

/* Whoever has written dir.db says so: what was decided by it is decided anew,
 * at once, but once in CHART_MS at most. */
#define CHART_MS 1000
void	rules_chart_changed(struct pal *p);
/* The same when it was only about this user, each time at once. */
void	rules_moved(struct pal *p, const char *user);

/* watcher: a user's name. v->awaits: ldap_copy_await(). */
void	rule_check(struct pal *p, const char *watcher,
	    const struct uri *whom, struct verdict *v);
extern const struct ctl_verb rule_verbs[];     /* rule-* */

#endif
