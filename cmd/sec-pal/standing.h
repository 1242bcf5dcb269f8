#ifndef SEC_PAL_STANDING_H
#define SEC_PAL_STANDING_H

#include "db/db.h"
#include "wire/subject.h"

/*
 * Where people stand in the organisation chart of dir.db, as rules ask for
 * it: the answers are remembered, since a change of rules asks again for
 * everybody's whole list.
 */
struct standing;

/* dir may be NULL: nobody is in anything. NULL: no memory. */
struct standing *standing_new(struct db *dir);
void	standing_free(struct standing *s);
/* Called for everybody who is asked about: 1 while he is being looked up
 * elsewhere, so that dir.db may soon say more of him. It answers at once, and
 * asks nothing here. */
void	standing_on_need(struct standing *s,
	    int (*need)(void *arg, const char *user), void *arg);
/* dir.db was written; about this user alone. */
void	standing_forget(struct standing *s);
void	standing_forget_user(struct standing *s, const char *user);

/* "" if none is known; valid until the next question. */
const char *standing_org(struct standing *s, const char *user);
/* Is this user the subject, or in it? ANY, TYPE, THING: no. */
int	standing_is(struct standing *s, const struct subject *what,
	    const char *user);
/* One whom dir.db did not know, and who is being looked up, if there was one
 * since it was last asked this; else "". */
void	standing_awaited(struct standing *s, char out[128]);

#endif
