#ifndef SIP_EVENT_H
#define SIP_EVENT_H

#include <stdint.h>

#include "sip/msg.h"

/* Event packages and subscriptions (RFC 6665; ARCHITECTURE.md 2). */
#define EVENT_PRESENCE   "presence"
#define EVENT_CONFERENCE "conference"
#define EVENT_DIRECTORY  "directory"
#define EVENT_MIN 60
#define EVENT_MAX 86400
#define EVENT_DEFAULT 3600
#define EVENT_PAL_TYPE "application/sec-pal"
#define EVENT_GRANT_TYPE "application/sec-grant"
#define EVENT_LINE_TYPE "application/sec-control"
#define EVENT_TEXT_TYPE "application/sec-text"
#define EVENT_REG_TYPE "application/sec-register"

/* Expires to grant for what was asked: -1 default, 0 stays 0 (fetch or
 * end), else clamped. */
int64_t	event_expires(int64_t asked);
/* "active;expires=N", or, with a reason or without time left,
 * "terminated;reason=R", into out (64 bytes). */
char	*event_state(char *out, int64_t expires_left, const char *reason);
/* 1 if the Subscription-State value says terminated. */
int	event_is_terminated(const char *sub_state);

#endif
