#ifndef SEC_PAL_VERDICT_H
#define SEC_PAL_VERDICT_H

#include "wire/rule.h"
#include "wire/uri.h"

#include "standing.h"

/* What rules say about a watcher and what he wants to watch (S160). */
struct verdict {
	int	allow;
	char	attrs[PAL_ATTRS];      /* names that may be seen, "" all */
	char	rule[RULE_NAME];       /* that decided, "" none */
	char	why[200];              /* of a deny: "1256 is not 0001" */
	char	awaits[128];           /* a user who is being looked up, who
					* may make it another; "" none */
};

/*
 * The first rule that matches decides, of nsets sets one after the other.
 * None matches: allowed while no allow rule is about the type of whom, else
 * denied by the last such one. Conferences are denied where no rule is, and
 * an allow rule is about them only if its whom= names them. watcher: a
 * user's name; oneself is always allowed.
 */
void	verdict_find(struct verdict *v, const struct rules *const *set,
	    size_t nsets, struct standing *standing, const char *watcher,
	    const struct uri *whom);

#endif
