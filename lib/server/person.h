#ifndef SERVER_PERSON_H
#define SERVER_PERSON_H

#include "base/buf.h"
#include "db/dir_store.h"
#include "wire/line.h"

/*
 * A person of the directory as fields of a control line:
 *	user= TAB name= TAB mail= TAB mail.2= TAB groups= TAB groups.2= ...
 */
void	person_put(struct buf *b, const struct dir_person *p);
/* The other way; `at` and `id` are passed over. 0, or what dir_person_add()
 * said; on success dir_person_free(). */
int	person_take(struct dir_person *out, const struct line *l);

#endif
