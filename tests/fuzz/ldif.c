/* Files of people as LDIF, and the DNs in them. */
#include "base/err.h"
#include "base/text.h"
#include "wire/ldif.h"
#include "fuzz.h"

static void
names(const char *dn)
{
	char name[64], value[512];
	size_t i;
	int r;

	for (i = 0; i < 64; i++) {
		r = ldif_rdn(dn, i, name, sizeof name, value, sizeof value);
		if (r == SEC_ERR_NOTHING)
			break;
		if (r == 0)
			MUST(name[0] != '\0' &&
			    text_is_utf8(value, strlen(value)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ldif l;
	size_t i;
	int r;

	ldif_init(&l, (const char *)p, n);
	while ((r = ldif_next(&l)) == 1) {
		MUST(l.dn != NULL && l.n <= LDIF_ATTRS);
		names(l.dn);
		for (i = 0; i < l.n; i++) {
			MUST(l.attr[i].name[0] != '\0');
			if (!l.attr[i].is_text)
				continue;
			MUST(text_is_utf8(l.attr[i].value,
			    strlen(l.attr[i].value)));
			names(l.attr[i].value);
		}
	}
	MUST(r == 0 || (l.why != NULL && l.line > 0));
	MUST(ldif_next(&l) == 0);
	ldif_free(&l);
	return 0;
}
