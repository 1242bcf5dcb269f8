/* The file `types`. */
#include "wire/pal.h"
#include "wire/types.h"
#include "fuzz.h"

static struct types t, again;

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf b = BUF_INIT, c = BUF_INIT;
	char why[64] = "";
	size_t i, k;

	if (types_parse(&t, (const char *)p, n, why, sizeof(why)) == 0) {
		types_put(&b, &t);
		MUST(types_parse(&again, (char *)buf_data(&b), buf_len(&b), why,
			 sizeof(why)) == 0);
		types_put(&c, &again);
		MUST(strcmp(buf_cstr(&b), buf_cstr(&c)) == 0);
	} else
		MUST(why[0] != '\0' && t.n == 1);
	MUST(types_find(&t, "lamp") != NULL && t.n <= TYPES_MAX);
	for (i = 0; i < t.n; i++) {
		MUST(t.type[i].n > 0 && t.type[i].n <= TYPE_ATTRS);
		for (k = 0; k < t.type[i].n; k++)
			MUST(pal_attr_allowed(t.type[i].attr[k].name));
	}
	buf_free(&b);
	buf_free(&c);
	return 0;
}
