/* The REGISTER gate: unsealed SIP, as strangers may send it. */
#include "sip_any.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	sip_any(p, n, 0);
	return 0;
}
