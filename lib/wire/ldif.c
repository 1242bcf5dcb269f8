/*
 * LDIF (RFC 2849) and the DNs in it (RFC 4514):
 *	file   = [version: 1] *(blank lines, entry)
 *	entry  = dn: NAME, lines up to a blank line
 *	line   = ATTR[;option]: value | ATTR:: base64 | "#" comment
 *	         a line that begins with a blank goes on with the one before
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/base64.h"
#include "wire/ldif.h"

void
ldif_init(struct ldif *l, const char *p, size_t n)
{
	memset(l, 0, sizeof(*l));
	l->p = p;
	l->end = p + n;
	l->at = 1;
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		l->p += 3;
}

void
ldif_free(struct ldif *l)
{
	free(l->attr);
	buf_free(&l->text);
	buf_free(&l->raw);
}

static int
fail(struct ldif *l, int r, const char *why)
{
	l->why = why;
	l->p = l->end;
	return r;
}

/* --- lines --- */

/* The physical line at p, without its end; what is left begins behind it. */
static size_t
physical(struct ldif *l, const char **from)
{
	const char *nl = memchr(l->p, '\n', (size_t)(l->end - l->p));
	size_t n;

	*from = l->p;
	n = (size_t)((nl != NULL ? nl : l->end) - l->p);
	l->p = nl != NULL ? nl + 1 : l->end;
	l->at++;
	return n > 0 && (*from)[n - 1] == '\r' ? n - 1 : n;
}

/* A logical line into raw; its number is left in l->line. Returns 1, 0 for
 * a blank one, SEC_ERR_LIMIT. */
static int
logical(struct ldif *l)
{
	const char *from;
	size_t n;

	buf_reset(&l->raw);
	l->line = l->at;
	n = physical(l, &from);
	buf_put(&l->raw, from, n);
	while (n > 0 && l->p < l->end && *l->p == ' ') {
		n = physical(l, &from);
		buf_put(&l->raw, from + 1, n > 0 ? n - 1 : 0);
		if (buf_len(&l->raw) > LDIF_ENTRY)
			return fail(l, SEC_ERR_LIMIT, "too long a line");
		n = 1; /* a blank line ends it, one blank does not */
	}
	if (buf_error(&l->raw) != 0)
		return fail(l, SEC_ERR_LIMIT, "no memory");
	return buf_len(&l->raw) > 0;
}

/* --- one line --- */

static int
is_name(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
			(s[i] >= 'A' && s[i] <= 'Z') ||
			(s[i] >= '0' && s[i] <= '9') || s[i] == '-' ||
			s[i] == '.' || s[i] == ';' || s[i] == '_'))
			return 0;
	return n > 0 && s[0] != ';';
}

static void
put_name(struct buf *b, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n && s[i] != ';'; i++)
		buf_put_u8(b,
		    (uint8_t)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 0x20 : s[i]));
	buf_put_u8(b, '\0');
}

/* Offsets for now: the text still moves. */
static int
attr_add(struct ldif *l, size_t name, size_t value, size_t n)
{
	struct ldif_attr *a;

	if (l->n == LDIF_ATTRS)
		return fail(l, SEC_ERR_LIMIT, "too many attributes");
	if (l->n == l->cap) {
		a = reallocarray(l->attr, l->cap + 64, sizeof(*a));
		if (a == NULL)
			return fail(l, SEC_ERR_LIMIT, "no memory");
		l->attr = a;
		l->cap += 64;
	}
	a = &l->attr[l->n++];
	a->name = (const char *)name;
	a->value = (const char *)value;
	a->line = l->line;
	a->is_text = text_is_utf8(l->text.base + value, n) &&
	    memchr(l->text.base + value, '\0', n) == NULL;
	return 0;
}

/* ATTR:[:|<] value */
static int
take_line(struct ldif *l)
{
	const char *s = buf_cstr(&l->raw), *colon;
	size_t len = buf_len(&l->raw), name = l->text.len, value, n;

	if ((colon = memchr(s, ':', len)) == NULL ||
	    !is_name(s, (size_t)(colon - s)))
		return fail(l, SEC_ERR_FORMAT, "not ATTRIBUTE: VALUE");
	put_name(&l->text, s, (size_t)(colon - s));
	len -= (size_t)(colon - s) + 1;
	s = colon + 1;
	if (len > 0 && *s == '<')
		return fail(l, SEC_ERR_FORMAT, "a value by URL is not fetched");
	n = len > 0 && *s == ':';
	s += n;
	len -= n;
	for (; len > 0 && *s == ' '; s++)
		len--;
	value = l->text.len;
	if (!n)
		buf_put(&l->text, s, len);
	else if (strlen(s) != len || base64_decode(&l->text, s, len) != 0)
		return fail(l, SEC_ERR_FORMAT, "not base64");
	n = l->text.len - value;
	buf_put_u8(&l->text, '\0');
	if (buf_error(&l->text) != 0 || buf_len(&l->text) > LDIF_ENTRY)
		return fail(l, SEC_ERR_LIMIT, "too long an entry");
	return attr_add(l, name, value, n);
}

/* --- entries --- */

static void
point(struct ldif *l)
{
	const char *base = (const char *)l->text.base;
	size_t i;

	for (i = 0; i < l->n; i++) {
		l->attr[i].name = base + (size_t)l->attr[i].name;
		l->attr[i].value = base + (size_t)l->attr[i].value;
	}
}

/* The lines up to a blank one; 1 if there were any. */
static int
take_entry(struct ldif *l)
{
	unsigned first = 0;
	int r;

	l->n = 0;
	buf_reset(&l->text);
	while (l->p < l->end) {
		if ((r = logical(l)) < 0)
			return r;
		if (r == 0 && l->n > 0)
			break;
		if (r == 0 || *buf_cstr(&l->raw) == '#')
			continue;
		if (l->n == 0)
			first = l->line;
		if ((r = take_line(l)) != 0)
			return r;
	}
	if (l->n == 0)
		return 0;
	l->line = first;
	point(l);
	return 1;
}

static void
drop_first(struct ldif *l)
{
	memmove(l->attr, l->attr + 1, --l->n * sizeof(*l->attr));
}

/* Of changes only a new entry is one. */
static int
check_change(struct ldif *l)
{
	const char *type = ldif_get(l, "changetype");

	if (type != NULL && !text_equal_nocase(type, "add"))
		return fail(l, SEC_ERR_FORMAT, "a change that is not `add'");
	return 1;
}

int
ldif_next(struct ldif *l)
{
	int r;

	l->dn = NULL;
	do {
		if ((r = take_entry(l)) != 1)
			return r;
		if (strcmp(l->attr[0].name, "version") == 0)
			drop_first(l);
	} while (l->n == 0);
	if (strcmp(l->attr[0].name, "dn") != 0 || !l->attr[0].is_text)
		return fail(l, SEC_ERR_FORMAT, "an entry begins with dn:");
	l->dn = l->attr[0].value;
	drop_first(l);
	return check_change(l);
}

const char *
ldif_get(const struct ldif *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->attr[i].name, name) == 0 && l->attr[i].is_text)
			return l->attr[i].value;
	return NULL;
}

int
ldif_has(const struct ldif *l, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->attr[i].name, name) == 0 &&
		    text_equal_nocase(l->attr[i].value, value))
			return 1;
	return 0;
}

/* --- distinguished names --- */

static int
hex(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *d = c != '\0' ? strchr(digits, c) : NULL;

	return d != NULL ? (int)(d - digits) & 15 : -1;
}

/* The character at *s, behind a backslash or not; 0 or SEC_ERR_FORMAT. */
static int
dn_char(const char **s, char *c)
{
	const char *p = *s;

	*c = *p++;
	if (*c == '\\') {
		if (hex(p[0]) >= 0 && hex(p[1]) >= 0) {
			*c = (char)(hex(p[0]) << 4 | hex(p[1]));
			p += 2;
		} else
			*c = *p++;
		if (*c == '\0')
			return SEC_ERR_FORMAT;
	}
	*s = p;
	return 0;
}

/* Behind the RDN that begins at s, at its comma or the end. */
static const char *
rdn_end(const char *s)
{
	for (; *s != '\0' && *s != ',' && *s != ';'; s++)
		if (*s == '\\' && s[1] != '\0')
			s++;
	return s;
}

static int
rdn_name(const char **s, char *name, size_t size)
{
	size_t n, i;

	*s += strspn(*s, " ");
	n = strcspn(*s, "=");
	if ((*s)[n] != '=')
		return SEC_ERR_FORMAT;
	for (i = n; i > 0 && (*s)[i - 1] == ' ';)
		i--;
	if (!is_name(*s, i))
		return SEC_ERR_FORMAT;
	if (i >= size)
		return SEC_ERR_LIMIT;
	memcpy(name, *s, i);
	name[i] = '\0';
	for (; *name != '\0'; name++)
		if (*name >= 'A' && *name <= 'Z')
			*name = (char)(*name | 0x20);
	*s += n + 1;
	return 0;
}

static int
rdn_value(const char *s, char *value, size_t size)
{
	size_t n = 0, keep = 0;
	char c;

	s += strspn(s, " ");
	while (*s != '\0' && *s != ',' && *s != ';' && *s != '+') {
		if (n + 1 >= size)
			return SEC_ERR_LIMIT;
		/* Blanks at the end count only behind a backslash. */
		if (*s != ' ')
			keep = n + 1;
		if (dn_char(&s, &c) != 0)
			return SEC_ERR_FORMAT;
		value[n++] = c;
	}
	value[keep] = '\0';
	return text_is_utf8(value, keep) ? 0 : SEC_ERR_FORMAT;
}

int
ldif_rdn(const char *dn, size_t n, char *name, size_t namelen, char *value,
    size_t valuelen)
{
	int r;

	if (dn[strspn(dn, " ")] == '\0')
		return SEC_ERR_NOTHING;
	for (; n > 0; n--) {
		dn = rdn_end(dn);
		if (*dn == '\0')
			return SEC_ERR_NOTHING;
		dn++;
	}
	if ((r = rdn_name(&dn, name, namelen)) != 0)
		return r;
	return rdn_value(dn, value, valuelen);
}
