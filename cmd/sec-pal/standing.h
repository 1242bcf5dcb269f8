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
/* dir.db was written. */
void	standing_forget(struct standing *s);

/* "" if none is known; valid until the next question. */
const char *standing_org(struct standing *s, const char *user);
/* Is this user the subject, or in it? ANY, TYPE, THING: no. */
int	standing_is(struct standing *s, const struct subject *what,
	    const char *user);

#endif
