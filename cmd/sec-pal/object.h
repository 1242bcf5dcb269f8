#ifndef SEC_PAL_OBJECT_H
#define SEC_PAL_OBJECT_H

#include "base/buf.h"
#include "sip/stack.h"
#include "wire/uri.h"

struct pal;
struct presentity;

/* Things that are watched, and types that providers define (S053-S055,
 * S059): TYPE:NAME is sip:NAME@TYPE.DOMAIN. */

/* PUBLISH to an object, by the user of that name. Answers. */
void	object_publish(struct pal *p, struct sip_txn *txn,
	    const struct sip_msg *req, const char *user);
/* Is there such an object, of a type that there is? */
int	object_known(struct pal *p, const struct uri *u);
/* All its attributes, each TAB key=value. Whatever changes them calls
 * presentity_changed(). */
void	object_line(struct pal *p, struct presentity *u, struct buf *b);

#endif
