/* Rows of a registration (ARCHITECTURE.md 9): what a reader of them asks. */
#include "base/clock.h"
#include "base/text.h"
#include "wire/line.h"
#include "fuzz.h"

static const char *const fields[] = { "instance", "expires", "via", "contact",
	"time", "media", "by", "tel", "order", "value", "class", "note",
	"until", "pal", "controller", "conf" };

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *nl, *v;
	uint8_t instance[16];
	struct line l;
	uint64_t number;
	size_t i, len;

	for (; n > 0; p += len, n -= len) {
		nl = memchr(p, '\n', n);
		len = nl != NULL ? (size_t)(nl - (const char *)p) + 1 : n;
		if (line_parse(&l, (const char *)p, len) != 0)
			continue;
		for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
			if ((v = line_get(&l, fields[i])) == NULL)
				continue;
			MUST(strlen(v) <= len);
			text_is_utf8(v, strlen(v));
			text_is_name(v);
			clock_parse_span(v);
			line_get_u64(&l, fields[i], &number);
		}
		line_get_exact(&l, "instance", instance, sizeof(instance));
		line_free(&l);
	}
	return 0;
}
