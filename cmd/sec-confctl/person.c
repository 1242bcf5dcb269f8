/*
 * person: a user with his agents' sessions, the conferences that he is in
 * and those that he owns. There is one as long as he has any of these, so
 * that what concerns him is found without a look at all conferences.
 */

#include <stdlib.h>

#include "base/text.h"

#include "focus.h"

struct person *
person_find(struct focus *f, const char *user)
{
	return map_get_str(f->persons, user);
}

struct person *
person_take(struct focus *f, const char *user)
{
	struct person *p = person_find(f, user);

	if (p == NULL && (p = calloc(1, sizeof *p)) != NULL) {
		p->focus = f;
		text_copy(p->user, user, sizeof p->user);
		TAILQ_INIT(&p->sessions);
		TAILQ_INIT(&p->places);
		map_put_str(f->persons, p->user, p);
	}
	return p;
}

void
person_done(struct person *p)
{
	if (!TAILQ_EMPTY(&p->sessions) || !TAILQ_EMPTY(&p->places) ||
	    p->owns > 0)
		return;
	map_del_str(p->focus->persons, p->user);
	free(p);
}
