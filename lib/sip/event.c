/* Subscriptions' times and states (RFC 6665). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sip/event.h"

#define STATE_MAX 64

int64_t
event_expires(int64_t asked)
{
	if (asked < 0)
		return EVENT_DEFAULT;
	if (asked == 0)
		return 0;
	if (asked < EVENT_MIN)
		return EVENT_MIN;
	return asked > EVENT_MAX ? EVENT_MAX : asked;
}

char *
event_state(char *out, int64_t expires_left, const char *reason)
{
	if (reason == NULL && expires_left > 0)
		snprintf(out, STATE_MAX, "active;expires=%" PRId64,
		    expires_left);
	else
		snprintf(out, STATE_MAX, "terminated;reason=%s",
		    reason != NULL ? reason : "timeout");
	return out;
}

int
event_is_terminated(const char *sub_state)
{
	size_t n;

	if (sub_state == NULL)
		return 0;
	n = strcspn(sub_state, "; \t");
	return n == strlen("terminated") &&
	    strncasecmp(sub_state, "terminated", n) == 0;
}
