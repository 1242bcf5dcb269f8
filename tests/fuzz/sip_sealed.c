/* SIP from inside a record: authenticated insiders, larger limits. */
#include "sip_any.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	sip_any(p, n, 1);
	return 0;
}
