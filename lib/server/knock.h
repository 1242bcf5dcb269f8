#ifndef SERVER_KNOCK_H
#define SERVER_KNOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * What the first bytes of a connection are (SECURITY.md 3.9). Nothing is
 * parsed here beyond what tells the kinds apart and where the first
 * message ends.
 */
enum knock {
	KNOCK_MORE,                    /* too few bytes to tell */
	KNOCK_CLIENT,                  /* a whole c1 of a client */
	KNOCK_SERVER,                  /* a whole c1 of a server */
	KNOCK_NOISE,                   /* a whole m1 */
	KNOCK_LINK,                    /* plain: `link TAB ...` LF */
	KNOCK_REGISTER,                /* a whole unsealed REGISTER */
	KNOCK_SIP,                     /* plain: another whole request */
	KNOCK_NO,                      /* nothing for us: closed silently */
};

#define KNOCK_MAX 16384                /* most bytes of a stranger */

/* size: of the first message, for REGISTER and SIP. */
enum knock knock_look(const uint8_t *p, size_t n, int plain,
	    int takes_register, size_t *size);
/*
 * Answer the request of n bytes with status, its Via, From, To, Call-ID and
 * CSeq copied as they stand: for callers who are not worth a parse.
 * retry_after: -1 none.
 */
void	knock_answer(struct buf *out, const uint8_t *p, size_t n, int status,
	    int retry_after);

#endif
