/*
 * CSV (RFC 4180):
 *	record = field *(COMMA field) (LF | CRLF | end)
 *	field  = DQUOTE *(any but DQUOTE | 2DQUOTE) DQUOTE
 *	       | *(any but COMMA DQUOTE LF)
 */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/csv.h"

void
csv_init(struct csv *c, const char *p, size_t n)
{
	memset(c, 0, sizeof(*c));
	c->p = p;
	c->end = p + n;
	c->at = 1;
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		c->p += 3;
}

void
csv_free(struct csv *c)
{
	buf_free(&c->text);
}

static int
fail(struct csv *c, int r, const char *why)
{
	c->why = why;
	c->p = c->end;
	return r;
}

static int
at_end_of_record(const struct csv *c)
{
	return c->p == c->end || *c->p == '\n' ||
	    (*c->p == '\r' && c->p + 1 < c->end && c->p[1] == '\n');
}

/* Behind the line's end. */
static void
skip_end(struct csv *c)
{
	if (c->p < c->end && *c->p == '\r')
		c->p++;
	if (c->p < c->end)
		c->p++;
	c->at++;
}

static int
quoted(struct csv *c)
{
	for (c->p++; c->p < c->end; c->p++) {
		if (*c->p == '\n')
			c->at++;
		if (*c->p != '"') {
			buf_put_u8(&c->text, (uint8_t)*c->p);
			continue;
		}
		if (c->p + 1 == c->end || c->p[1] != '"') {
			c->p++;
			return 0;
		}
		buf_put_u8(&c->text, '"');
		c->p++;
	}
	return fail(c, SEC_ERR_FORMAT, "a quote is not closed");
}

static int
bare(struct csv *c)
{
	for (; !at_end_of_record(c) && *c->p != ','; c->p++) {
		if (*c->p == '"')
			return fail(c, SEC_ERR_FORMAT,
			    "a quote inside a field without quotes");
		buf_put_u8(&c->text, (uint8_t)*c->p);
	}
	return 0;
}

static int
one_field(struct csv *c)
{
	const char *from = c->p;
	int r;

	if (c->p < c->end && *c->p == '"') {
		if ((r = quoted(c)) == 0 && !at_end_of_record(c) &&
		    *c->p != ',')
			r = fail(c, SEC_ERR_FORMAT,
			    "something stands behind a closing quote");
	} else
		r = bare(c);
	if (r != 0)
		return r;
	if (!text_is_utf8(from, (size_t)(c->p - from)) ||
	    memchr(from, '\0', (size_t)(c->p - from)) != NULL)
		return fail(c, SEC_ERR_FORMAT, "not UTF-8");
	buf_put_u8(&c->text, '\0');
	return 0;
}

/* The text does not move any more: where the fields are. */
static void
point(struct csv *c)
{
	const char *s = (const char *)buf_data(&c->text);
	size_t i;

	for (i = 0; i < c->n; i++, s += strlen(s) + 1)
		c->field[i] = s;
}

int
csv_next(struct csv *c)
{
	int r;

	while (c->p < c->end && at_end_of_record(c))
		skip_end(c);
	c->line = c->at;
	c->n = 0;
	buf_reset(&c->text);
	if (c->p == c->end)
		return 0;
	for (;;) {
		if (c->n == CSV_FIELDS)
			return fail(c, SEC_ERR_LIMIT, "too many fields");
		if ((r = one_field(c)) != 0)
			return r;
		c->n++;
		if (buf_len(&c->text) > CSV_RECORD || buf_error(&c->text) != 0)
			return fail(c, SEC_ERR_LIMIT, "too long a record");
		if (at_end_of_record(c))
			break;
		c->p++; /* the comma */
	}
	skip_end(c);
	point(c);
	return 1;
}
