#ifndef UA_SUBSCRIBE_H
#define UA_SUBSCRIBE_H

#include <stddef.h>

#include "base/loop.h"
#include "sip/msg.h"
#include "ua/flow.h"

/*
 * One subscription at sec-pal (RFC 6665): made, refreshed in its dialog, made
 * again on 481 and when the notifier ends it; documents come from the 200 and
 * from NOTIFYs.
 */
struct subscription;

struct subscription_ops {
	/* A document, of SUBSCRIBE's answer or of a NOTIFY. */
	void	(*doc)(void *arg, const void *p, size_t n);
	/* Refused (status of the answer; why: its sentence if it has one),
	 * or ended by the notifier (0): then
	 * a new one is asked for in two seconds. */
	void	(*ended)(void *arg, int status, const char *why);
};

/* flow is borrowed; event, from and to are copied. Starts at once if the
 * flow is up. */
struct subscription *subscription_new(struct loop *l, struct flow *flow,
	    const char *event, const char *from, const char *to,
	    const struct subscription_ops *ops, void *arg);
/* Ends it at the notifier if the flow is up. Not inside its callbacks. */
void	subscription_free(struct subscription *s);
/* The flow is up (again): refresh, or begin. */
void	subscription_up(struct subscription *s);
/* The present document, by a SUBSCRIBE with Expires 0 of its own; while one
 * is under way a second does nothing. */
void	subscription_fetch(struct subscription *s);
/* Is this NOTIFY ours? 1: taken, answer 200; 0: no; SEC_ERR_REPLAY: answer
 * 500. */
int	subscription_notify(struct subscription *s,
	    const struct sip_msg *req);

#endif
