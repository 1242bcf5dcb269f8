/* Files of people, comma-separated. */
#include "base/text.h"
#include "wire/csv.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	unsigned line = 0;
	struct csv c;
	size_t i;
	int r;

	csv_init(&c, (const char *)p, n);
	while ((r = csv_next(&c)) == 1) {
		MUST(c.n > 0 && c.n <= CSV_FIELDS);
		MUST(c.line > line);
		line = c.line;
		for (i = 0; i < c.n; i++)
			MUST(text_is_utf8(c.field[i], strlen(c.field[i])));
	}
	MUST(r == 0 || (c.why != NULL && c.line > 0));
	MUST(csv_next(&c) == 0);
	csv_free(&c);
	return 0;
}
