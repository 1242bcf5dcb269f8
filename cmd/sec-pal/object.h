#ifndef SEC_PAL_OBJECT_H
#define SEC_PAL_OBJECT_H

#include "base/buf.h"
#include "ctl/serve.h"
#include "sip/stack.h"
#include "wire/uri.h"

struct pal;
struct presentity;

/*
 * Things that are watched, of types that the provider defines (S053-S055,
 * S059): TYPE:NAME is sip:NAME@TYPE.DOMAIN. What was last published of them
 * is kept in pal.db; a value that its publisher does not refresh in time
 * shows as stale.
 */

/* p->types, by the file `types`, and p->objects. 0, or an error with a
 * sentence in why. */
int	objects_open(struct pal *p, char *why, size_t whylen);
/* The file anew (SIGHUP); when it is bad the old types stay. */
int	objects_reload(struct pal *p, char *why, size_t whylen);
void	objects_close(struct pal *p);

/* PUBLISH to an object, by the user of that name. Answers. */
void	object_publish(struct pal *p, struct sip_txn *txn,
	    const struct sip_msg *req, const char *user);
/* Is there such an object, of a type that there is? */
int	object_known(struct pal *p, const struct uri *u);
/* All its attributes, each TAB key=value. Whatever changes them calls
 * presentity_changed(). */
void	object_line(struct pal *p, struct presentity *u, struct buf *b);
extern const struct ctl_verb object_verbs[];   /* object-* */

#endif
