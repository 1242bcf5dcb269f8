#ifndef SEC_PAL_RECHECK_H
#define SEC_PAL_RECHECK_H

#include "pal.h"

void	recheck_open(struct pal *p);
void	recheck_close(struct pal *p);
/* There is one more, decided by the rules of now; one less. */
void	recheck_enter(struct presentity *u);
void	recheck_leave(struct presentity *u);

/* Rules, groups or the organisation chart are new: who may not watch any
 * more does not see, and the other way. */
void	pals_recheck(struct pal *p);
/* The same when only this user has moved in the chart. */
void	pals_recheck_user(struct pal *p, const char *user);

#endif
