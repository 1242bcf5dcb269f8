#ifndef SEC_PAL_DIRECTORY_H
#define SEC_PAL_DIRECTORY_H

#include <stddef.h>

#include "sip/stack.h"

struct pal;

/* The enterprise directory (S073, S074, S167-S169). */

/* SUBSCRIBE event directory, Expires 0, by the user of that name: a query in
 * the body. Answers, now or later. */
void	directory_subscribe(struct pal *p, struct sip_txn *txn,
	    const struct sip_msg *req, const char *user);
/* Whose telephone it is, or "". */
void	directory_phone_name(struct pal *p, const char *number, char *out,
	    size_t n);

#endif
