/* URIs and names: canonical forms stay as they are, short forms can be
 * typed back. */
#include "wire/uri.h"
#include "fuzz.h"

#define D "example.org"

static void
check(const struct uri *u)
{
	struct uri again;
	char s[160];

	MUST(u->kind != URI_BAD && strlen(u->full) > 4);
	MUST(strpbrk(u->full, "\r\n\t <>\";?") == NULL);
	MUST(uri_parse(&again, u->full, D) == 0);
	MUST(again.kind == u->kind && strcmp(again.full, u->full) == 0);
	MUST(strcmp(again.name, u->name) == 0);
	uri_short(s, u->full, D, 1);
	if (strlen(s) < sizeof(s) - 1) {
		MUST(uri_from_name(&again, s, D, 0) == 0);
		MUST(strcmp(again.full, u->full) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char s[512];
	struct uri u;

	if (n >= sizeof(s))
		return 0;
	memcpy(s, p, n);
	s[n] = '\0';
	if (uri_parse(&u, s, D) == 0)
		check(&u);
	if (uri_from_name(&u, s, D, 0) == 0)
		check(&u);
	if (uri_from_name(&u, s, D, 1) == 0)
		check(&u);
	return 0;
}
