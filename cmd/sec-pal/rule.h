#ifndef SEC_PAL_RULE_H
#define SEC_PAL_RULE_H

#include "wire/uri.h"

struct pal;

/*
 * Who may watch whom (S160). Rules alone: that a participant may watch his
 * conference is roster_why()'s word.
 */
struct verdict {
	int	allow;
	char	attrs[256];    /* names that may be seen, "" all */
	char	rule[64];      /* that matched, "" none */
	char	why[200];      /* for `rule test` */
};

/* watcher: a user's name. Oneself is always allowed. Without a rule that
 * matches people, objects and phones are allowed, conferences are not. */
void	rule_check(struct pal *p, const char *watcher,
	    const struct uri *whom, struct verdict *v);

#endif
