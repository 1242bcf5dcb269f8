/* Subscriptions (S048d: subscribe to events and be notified). */
#include "sip/event.h"

#include "../test.h"

int
main(void)
{
	char out[64];

	T_INT(event_expires(-1), EVENT_DEFAULT);
	T_INT(event_expires(0), 0);
	T_INT(event_expires(1), EVENT_MIN);
	T_INT(event_expires(60), 60);
	T_INT(event_expires(7200), 7200);
	T_INT(event_expires(4294967295), EVENT_MAX);
	T_STR(event_state(out, 600, NULL), "active;expires=600");
	T_STR(event_state(out, 0, "rejected"), "terminated;reason=rejected");
	/* Taken away before its time. */
	T_STR(event_state(out, 600, "noresource"),
	    "terminated;reason=noresource");
	T_STR(event_state(out, -5, NULL), "terminated;reason=timeout");
	T(event_is_terminated("terminated"));
	T(event_is_terminated("Terminated;reason=x"));
	T(event_is_terminated("terminated ;reason=x"));
	T(!event_is_terminated("active;expires=1;x=terminated"));
	T(!event_is_terminated("terminatedly"));
	T(!event_is_terminated(""));
	T(!event_is_terminated(NULL));
	return t_done();
}
