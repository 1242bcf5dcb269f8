#ifndef SEC_CONFCTL_POLICY_H
#define SEC_CONFCTL_POLICY_H

#include "focus.h"

struct line;

/*
 * One control line in a PUBLISH to a conference, each verb a function
 *
 *	int policy_VERB(conference, asker, line)
 *
 * which returns 200, and what it did is answered when it is committed, or a
 * status and in by->why a sentence for who asked (in room, if it is made).
 */
struct asker {
	const char	*user, *instance;
	const char	*why;
	char		 room[160];
};

/* 403, with a sentence who may do what wants this rank. */
int	policy_forbids(struct conference *c, struct asker *by,
	    enum rank wants);

int	policy_set(struct conference *c, struct asker *by,
	    const struct line *l);         /* setting.c */

#endif
