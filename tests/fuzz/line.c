/* Control lines and the words of SEC-Conference. */
#include "base/buf.h"
#include "wire/line.h"
#include "fuzz.h"

/* Written again and parsed again it is the same line. */
static void
again(const struct line *l)
{
	struct buf b = BUF_INIT;
	struct line m;
	size_t i;

	line_begin(&b, l->verb);
	for (i = 0; i < l->n; i++)
		line_put_field(&b, &l->field[i]);
	line_end(&b);
	/* Escapes in place of raw bytes may make it too long. */
	if (buf_len(&b) <= LINE_MAX_BYTES) {
		MUST(line_parse(&m, buf_cstr(&b), buf_len(&b)) == 0);
		MUST(m.n == l->n && strcmp(m.verb, l->verb) == 0);
		for (i = 0; i < l->n; i++)
			MUST(strcmp(m.field[i].key, l->field[i].key) == 0 &&
			    strcmp(m.field[i].value, l->field[i].value) == 0);
		line_free(&m);
	}
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf b = BUF_INIT;
	struct line l;
	uint8_t exact[32];
	uint64_t v;
	size_t i;

	if (line_parse(&l, (const char *)p, n) == 0) {
		MUST(n <= LINE_MAX_BYTES && l.n <= LINE_FIELDS);
		for (i = 0; i < l.n; i++) {
			if (l.field[i].key[0] == '\0')
				continue;
			MUST(line_get(&l, l.field[i].key) == l.field[i].value);
			line_get_u64(&l, l.field[i].key, &v);
			line_get_exact(&l, l.field[i].key, exact, 32);
			line_get_bytes(&l, l.field[i].key, &b);
		}
		again(&l);
		line_free(&l);
	}
	if (line_parse_words(&l, (const char *)p, n) == 0)
		line_free(&l);
	buf_free(&b);
	return 0;
}
