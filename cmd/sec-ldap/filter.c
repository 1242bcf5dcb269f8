/*
 * Filters, out of what is searched for.
 */
#include <string.h>

#include "base/err.h"
#include "base/text.h"

#include "filter.h"
#include "names.h"

/* RFC 4515 wants five bytes escaped; the others that might mean something
 * to somebody, and whatever is not ASCII, may be, and are. */
void
filter_value(struct buf *out, const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789 .,:@+=_-";
	const char *s;

	for (s = value; *s != '\0'; s++)
		if (strchr(plain, *s) != NULL)
			buf_put_u8(out, (uint8_t)*s);
		else
			buf_putf(out, "\\%02x", (unsigned)(uint8_t)*s);
}

static void
put_match(struct buf *out, const char *attr, const char *value, int prefix)
{
	buf_putf(out, "(%s=", attr);
	filter_value(out, value);
	buf_put_str(out, prefix ? "*)" : ")");
}

void
filter_equal(struct buf *out, const char *attr, const char *value)
{
	put_match(out, attr, value, 0);
}

int
filter_term(struct buf *out, const struct dir_term *t)
{
	const char *attr;
	size_t i;

	if (t->attr[0] != '\0') {
		if ((attr = name_ldap(t->attr)) == NULL)
			return SEC_ERR_FORMAT;
		put_match(out, attr, t->value, t->prefix);
		return 0;
	}
	buf_put_str(out, "(|");
	for (i = 0; names[i].ours != NULL; i++)
		put_match(out, names[i].ldap, t->value, 1);
	buf_put_str(out, ")");
	return 0;
}

/* A group "Help Desk" is called help-desk with us. */
void
filter_groups(struct buf *out, const struct dir_term *t)
{
	char blanks[DIR_VALUE];
	char *s;

	text_copy(blanks, t->value, sizeof(blanks));
	for (s = blanks; *s != '\0'; s++)
		if (*s == '-')
			*s = ' ';
	buf_put_str(out, "(&(|(member=*)(uniqueMember=*)(memberUid=*))(|");
	put_match(out, "cn", t->value, t->prefix);
	put_match(out, "cn", blanks, t->prefix);
	buf_put_str(out, "))");
}

void
filter_member(struct buf *out, const char *dn, const char *user)
{
	buf_put_str(out, "(|");
	filter_equal(out, "member", dn);
	filter_equal(out, "uniqueMember", dn);
	filter_equal(out, "memberUid", user);
	buf_put_str(out, ")");
}
