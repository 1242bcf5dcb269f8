/*
 * Control lines (ARCHITECTURE.md 2, sec-control(7)):
 *   line  = verb *( TAB field ) LF              at most 64 KiB, 128 fields
 *   field = key "=" value | value               the latter is positional
 *   verb, key = [a-z] *[a-z0-9_.+-]
 *   value = any bytes; TAB LF CR % (and = in a positional field) as %XX
 * Words, for a SIP header: fields parted by spaces, space is %20, no verb.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/base64.h"
#include "wire/line.h"

static int
is_key(const char *s)
{
	if (*s < 'a' || *s > 'z')
		return 0;
	for (; *s != '\0'; s++)
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= '0' && *s <= '9') &&
		    strchr("_.+-", *s) == NULL)
			return 0;
	return 1;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int
line_unescape(char *s)
{
	char *o = s;
	int hi, lo;

	if ((s = strchr(s, '%')) == NULL)
		return 0;
	for (o = s; *s != '\0'; s++) {
		if (*s != '%') {
			*o++ = *s;
			continue;
		}
		if ((hi = hex_digit(s[1])) < 0 || (lo = hex_digit(s[2])) < 0 ||
		    (hi | lo) == 0)
			return SEC_ERR_FORMAT;
		*o++ = (char)(hi << 4 | lo);
		s += 2;
	}
	*o = '\0';
	return 0;
}

static int
add_field(struct line *l, char *s)
{
	char *value = strchr(s, '=');
	const char *key = "";

	if (l->n == LINE_FIELDS)
		return SEC_ERR_LIMIT;
	if (value == NULL) {
		value = s;
	} else {
		*value++ = '\0';
		key = s;
		if (!is_key(key) || line_get(l, key) != NULL)
			return SEC_ERR_FORMAT;
	}
	if (line_unescape(value) != 0)
		return SEC_ERR_FORMAT;
	l->field[l->n].key = key;
	l->field[l->n].value = value;
	l->n++;
	return 0;
}

/* One NUL-terminated copy of the line, which the pointers point into. */
static int
take_text(struct line *l, const char *p, size_t n)
{
	memset(l, 0, sizeof(*l));
	l->verb = "";
	if (n > LINE_MAX_BYTES)
		return SEC_ERR_LIMIT;
	if (n > 0 && p[n - 1] == '\n')
		n--;
	if (n == 0 || memchr(p, '\0', n) != NULL ||
	    memchr(p, '\n', n) != NULL || memchr(p, '\r', n) != NULL)
		return SEC_ERR_FORMAT;
	if ((l->mem = malloc(n + 1)) == NULL)
		return SEC_ERR_LIMIT;
	memcpy(l->mem, p, n);
	l->mem[n] = '\0';
	l->memlen = n;
	return 0;
}

int
line_parse(struct line *l, const char *p, size_t n)
{
	char *s, *next;
	int r;

	if ((r = take_text(l, p, n)) != 0)
		return r;
	next = l->mem;
	s = strsep(&next, "\t");
	if (!is_key(s))
		r = SEC_ERR_FORMAT;
	while (r == 0 && (s = strsep(&next, "\t")) != NULL)
		r = add_field(l, s);
	if (r != 0)
		line_free(l);
	else
		l->verb = l->mem;
	return r;
}

void
line_free(struct line *l)
{
	/* Values may be keys. */
	if (l->mem != NULL)
		explicit_bzero(l->mem, l->memlen);
	free(l->mem);
	l->mem = NULL;
	l->memlen = 0;
	l->verb = "";
	l->n = 0;
}

int
line_parse_bytes(struct line *l, const void *p, size_t n, const uint8_t **bytes,
    size_t *nbytes)
{
	const uint8_t *lf;
	size_t len = n;

	if (n > 0 && (lf = memchr(p, '\n', n)) != NULL)
		len = (size_t)(lf - (const uint8_t *)p) + 1;
	*bytes = len > 0 ? (const uint8_t *)p + len : NULL;
	*nbytes = n - len;
	return len > 0 ? line_parse(l, p, len) : SEC_ERR_FORMAT;
}

int
line_next(struct line *l, const char **p, const char *end)
{
	const char *from, *nl;

	while ((from = *p) < end) {
		if ((nl = memchr(from, '\n', (size_t)(end - from))) == NULL)
			nl = end;
		*p = nl < end ? nl + 1 : end;
		if (line_parse(l, from, (size_t)(nl - from)) == 0)
			return 1;
	}
	return 0;
}

const char *
line_get(const struct line *l, const char *key)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->field[i].key, key) == 0)
			return l->field[i].value;
	return NULL;
}

const char *
line_get_or(const struct line *l, const char *key, const char *def)
{
	const char *v = line_get(l, key);

	return v != NULL ? v : def;
}

const char *
line_arg(const struct line *l, size_t i)
{
	size_t k;

	for (k = 0; k < l->n; k++)
		if (l->field[k].key[0] == '\0' && i-- == 0)
			return l->field[k].value;
	return NULL;
}

int
line_get_u64(const struct line *l, const char *key, uint64_t *out)
{
	const char *v = line_get(l, key);
	unsigned long long n;

	if (v == NULL)
		return SEC_ERR_NOTHING;
	if (text_number(v, 0, ULLONG_MAX, &n) != 0)
		return SEC_ERR_FORMAT;
	*out = n;
	return 0;
}

int
line_get_exact(const struct line *l, const char *key, void *out, size_t n)
{
	const char *v = line_get(l, key);

	return v == NULL ? SEC_ERR_NOTHING : base64_exact(out, n, v);
}

int
line_get_bytes(const struct line *l, const char *key, struct buf *out)
{
	const char *v = line_get(l, key);

	return v == NULL ? SEC_ERR_NOTHING : base64_decode(out, v, strlen(v));
}

#define SPECIAL "\t\n\r%"

static void
escape(struct buf *b, const char *s, const char *special)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t plain;

	while (*s != '\0') {
		plain = strcspn(s, special);
		buf_put(b, s, plain);
		s += plain;
		if (*s == '\0')
			break;
		buf_put_u8(b, '%');
		buf_put_u8(b, (uint8_t)hex[(uint8_t)*s >> 4]);
		buf_put_u8(b, (uint8_t)hex[(uint8_t)*s & 15]);
		s++;
	}
}

static void
put_key(struct buf *b, const char *key)
{
	buf_put_u8(b, '\t');
	buf_put_str(b, key);
	buf_put_u8(b, '=');
}

void
line_begin(struct buf *b, const char *verb)
{
	buf_put_str(b, verb);
}

void
line_put(struct buf *b, const char *key, const char *value)
{
	if (value == NULL)
		return;
	put_key(b, key);
	escape(b, value, SPECIAL);
}

void
line_putf(struct buf *b, const char *key, const char *fmt, ...)
{
	struct buf v = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vputf(&v, fmt, ap);
	va_end(ap);
	if (buf_error(&v) != 0)
		b->err = buf_error(&v);
	line_put(b, key, buf_cstr(&v));
	buf_free(&v);
}

void
line_put_u64(struct buf *b, const char *key, uint64_t v)
{
	put_key(b, key);
	buf_put_decimal(b, v);
}

void
line_put_nth(struct buf *b, const char *key, unsigned nth, const char *value)
{
	char name[64];

	snprintf(name, sizeof(name), nth > 1 ? "%s.%u" : "%s", key, nth);
	line_put(b, name, value);
}

void
line_put_bytes(struct buf *b, const char *key, const void *p, size_t n)
{
	put_key(b, key);
	base64_put(b, p, n);
}

void
line_put_arg(struct buf *b, const char *value)
{
	if (value == NULL)
		return;
	buf_put_u8(b, '\t');
	escape(b, value, SPECIAL "=");
}

void
line_put_field(struct buf *b, const struct line_field *f)
{
	if (f->key[0] == '\0')
		line_put_arg(b, f->value);
	else
		line_put(b, f->key, f->value);
}

void
line_end(struct buf *b)
{
	buf_put_u8(b, '\n');
}

void
line_escape(struct buf *b, const char *s)
{
	escape(b, s, SPECIAL);
}

int
line_parse_words(struct line *l, const char *p, size_t n)
{
	char *s, *next;
	int r;

	if (n == 0) {
		memset(l, 0, sizeof(*l));
		l->verb = "";
		return 0;
	}
	if ((r = take_text(l, p, n)) != 0)
		return r;
	if (strchr(l->mem, '\t') != NULL)
		r = SEC_ERR_FORMAT;
	next = l->mem;
	while (r == 0 && (s = strsep(&next, " ")) != NULL)
		if (*s != '\0')
			r = add_field(l, s);
	if (r != 0)
		line_free(l);
	return r;
}

void
line_put_word(struct buf *b, const char *key, const char *value)
{
	if (value == NULL)
		return;
	if (buf_len(b) > 0 && buf_data(b)[buf_len(b) - 1] != ' ')
		buf_put_u8(b, ' ');
	buf_put_str(b, key);
	buf_put_u8(b, '=');
	escape(b, value, SPECIAL " ");
}
