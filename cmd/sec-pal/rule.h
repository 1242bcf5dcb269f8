#ifndef SEC_PAL_RULE_H
#define SEC_PAL_RULE_H

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
	struct rules	added;         /* in pal.db */
	struct rules	given;         /* by the file */
};

/* p->rules is made of both. 0, or an error with a sentence in why. */
int	rules_open(struct pal *p, char *why, size_t whylen);
/* The file anew (SIGHUP); when it is bad the old ones stay. */
int	rules_reload(struct pal *p, char *why, size_t whylen);
void	rules_close(struct pal *p);

/* watcher: a user's name. It asks dir.db: who asks often keeps the verdict
 * until pals_recheck(). */
void	rule_check(struct pal *p, const char *watcher,
	    const struct uri *whom, struct verdict *v);
extern const struct ctl_verb rule_verbs[];     /* rule-* */

#endif
