/* SDP: what is accepted can be written and reads the same. */
#include "base/err.h"
#include "sip/offer.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf b = BUF_INIT;
	struct offer o, again;
	struct addr a;
	size_t i;

	if (offer_parse(&o, p, n) != 0)
		return 0;
	MUST(o.n <= OFFER_MEDIA);
	for (i = 0; i < o.n; i++) {
		MUST(o.m[i].port >= 0 && o.m[i].port <= 65535);
		MUST(o.m[i].server >= 0 && o.m[i].server <= 65535);
		if (o.m[i].port > 0 && offer_find(&o, o.m[i].medium) == &o.m[i])
			MUST(offer_addr(&o, o.m[i].medium, &a) == 0);
	}
	offer_write(&b, &o);
	MUST(buf_error(&b) == 0);
	MUST(offer_parse(&again, buf_data(&b), buf_len(&b)) == 0);
	MUST(again.n == o.n);
	for (i = 0; i < o.n; i++) {
		MUST(again.m[i].port == o.m[i].port);
		MUST(again.m[i].server == o.m[i].server);
		MUST(again.m[i].ptime == o.m[i].ptime);
		MUST(strcmp(again.m[i].codec, o.m[i].codec) == 0);
		MUST(strcmp(again.m[i].proto, o.m[i].proto) == 0 ||
		    o.m[i].proto[0] == '\0');
	}
	buf_free(&b);
	return 0;
}
