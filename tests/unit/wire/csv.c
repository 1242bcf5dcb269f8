/*
 * CSV of RFC 4180, and of people who never read it (S031: files of people).
 */
#include "../test.h"

#include "base/err.h"
#include "wire/csv.h"

/* "a|b|" per record; "!" and the error with its line at the end. */
static const char *
records(const char *text, size_t n)
{
	static char seen[4096];
	struct csv c;
	size_t i, len = 0;
	int r;

	csv_init(&c, text, n);
	seen[0] = '\0';
	while ((r = csv_next(&c)) == 1) {
		len += (size_t)snprintf(seen + len, sizeof(seen) - len,
		    "%u:", c.line);
		for (i = 0; i < c.n; i++)
			len += (size_t)snprintf(seen + len, sizeof(seen) - len,
			    "%s|", c.field[i]);
	}
	if (r < 0)
		snprintf(seen + len, sizeof(seen) - len, "!%u %s", c.line,
		    c.why);
	/* At the end, and after an error, there is nothing more. */
	T_INT(csv_next(&c), 0);
	csv_free(&c);
	return seen;
}

static void
limits(void)
{
	static char big[CSV_RECORD + 16];
	struct csv c;

	memset(big, ',', CSV_FIELDS);
	csv_init(&c, big, CSV_FIELDS - 1);
	T_INT(csv_next(&c), 1);
	T_INT(c.n, CSV_FIELDS);
	csv_free(&c);
	csv_init(&c, big, CSV_FIELDS);
	T_INT(csv_next(&c), SEC_ERR_LIMIT);
	csv_free(&c);
	memset(big, 'x', sizeof(big));
	csv_init(&c, big, sizeof(big));
	T_INT(csv_next(&c), SEC_ERR_LIMIT);
	csv_free(&c);
}

int
main(void)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" },
		{ "\n\r\n\n", "" },
		{ "a", "1:a|" },
		{ "a,b\nc,d\n", "1:a|b|2:c|d|" },
		{ "a,b\r\nc,d\r\n", "1:a|b|2:c|d|" },
		{ "\xef\xbb\xbf"
		  "a,b",
		    "1:a|b|" },
		{ ",\n", "1:||" },
		{ "a,\n,b", "1:a||2:|b|" },
		{ "\"a,b\",c", "1:a,b|c|" },
		{ "\"a\nb\",c\nd,e", "1:a\nb|c|3:d|e|" },
		{ "\"say \"\"hi\"\"\",\"\"", "1:say \"hi\"||" },
		{ " a , b ", "1: a | b |" },
		{ "a\rb,c", "1:a\rb|c|" },
		{ "\n\na", "3:a|" },
		/* Mistakes. */
		{ "ok\n\"a", "1:ok|!2 a quote is not closed" },
		{ "a\"b\"", "!1 a quote inside a field without quotes" },
		{ "\"a\"b", "!1 something stands behind a closing quote" },
		{ "a\xff", "!1 not UTF-8" },
		{ "x\n\"\xc3\"", "1:x|!2 not UTF-8" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		T_STR(records(rows[i].in, strlen(rows[i].in)), rows[i].out);
	T_STR(records("a\0b", 3), "!1 not UTF-8");
	limits();
	return t_done();
}
