#ifndef SIP_NOTIFIER_H
#define SIP_NOTIFIER_H

#include "sip/dialog.h"
#include "sip/stack.h"

/*
 * The NOTIFYs of one active subscription (RFC 6665), of which only the
 * number, the time left and the body differ: the rest is printed once
 * (PERFORMANCE.md 2).
 */
struct notifier;

/* NULL: a value of the dialog cannot be written. */
struct notifier *notifier_new(const struct dialog *d, const char *event,
	    const char *content_type);
void	notifier_free(struct notifier *n);
/* One more in the dialog, which has expires s left, as sip_tell() would.
 * Returns the transaction's number or 0. */
uint64_t notifier_send(const struct notifier *n, struct dialog *d,
	    struct sip_conn *c, int64_t expires, const struct buf *body,
	    sip_status_h cb, void *ctx, uint64_t cookie);

#endif
