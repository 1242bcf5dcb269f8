/* sec.conf. */
#include "base/conf.h"
#include "base/err.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct conf c;
	char why[128] = "";
	int r;

	conf_defaults(&c);
	r = conf_parse(&c, "fuzz.conf", (const char *)p, n, why, sizeof(why));
	MUST(r == 0 || (r == SEC_ERR_CONFIG && why[0] != '\0'));
	MUST(strnlen(c.domain, sizeof(c.domain)) < sizeof(c.domain));
	MUST(strnlen(c.realm, sizeof(c.realm)) < sizeof(c.realm));
	return 0;
}
