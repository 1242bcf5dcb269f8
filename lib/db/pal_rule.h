#ifndef DB_PAL_RULE_H
#define DB_PAL_RULE_H

#include "db/db.h"

/*
 * Rules of who may watch whom, in pal.db (S160): those that sec-admin made,
 * in their order. What the texts mean is wire/rule's.
 */
struct pal_rule {
	char	name[65];
	int	allow;                 /* 1 allow, 0 deny */
	char	who[160];              /* user, group:G, org:O; "" any */
	char	whom[192];             /* the same, TYPE:*, TYPE:NAME */
	int	same_org;
	char	attrs[256];            /* "" all */
};

/* Before the rule of that name; NULL: after all. 0, SEC_ERR_NO: the name is
 * taken, SEC_ERR_NOTHING: there is none to be before. */
int	pal_rule_add(struct db *d, const struct pal_rule *r,
	    const char *before);
/* SEC_ERR_NOTHING: there is none. */
int	pal_rule_rm(struct db *d, const char *name);
int	pal_rule_each(struct db *d, int (*cb)(void *arg,
	    const struct pal_rule *r), void *arg);

#endif
