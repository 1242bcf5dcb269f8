/*
 * Filters, out of what is searched for.
 */
#include <string.h>
#include <strings.h>

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
put_one(struct buf *out, const char *attr, const char *value, int prefix)
{
	buf_putf(out, "(%s=", attr);
	filter_value(out, value);
	buf_put_str(out, prefix ? "*)" : ")");
}

/* Bytes of a sharp s at p, small or capital; 0: it is none. */
static size_t
sharp_s(const char *p)
{
	return strncmp(p, "\xc3\x9f", 2) == 0  ? 2 :
	    strncmp(p, "\xe1\xba\x9e", 3) == 0 ? 3 :
						 0;
}

static void
put_ss(struct buf *out, const char *value)
{
	size_t n;

	for (; *value != '\0'; value += n > 0 ? n : 1)
		if ((n = sharp_s(value)) > 0)
			buf_put_str(out, "ss");
		else
			buf_put_u8(out, (uint8_t)*value);
}

/* At the end of a prefix one s may be the half of it. */
static void
put_sharp(struct buf *out, const char *value, int prefix)
{
	for (; *value != '\0'; value++)
		if (strncasecmp(value, "ss", 2) == 0) {
			buf_put_str(out, "\xc3\x9f");
			value++;
		} else if (prefix && strcasecmp(value, "s") == 0)
			buf_put_str(out, "\xc3\x9f");
		else
			buf_put_u8(out, (uint8_t)*value);
}

/*
 * "STRASSE" is "straße" (base/fold), but servers fold letter by letter: so
 * they are asked for it in both ways.
 */
static void
put_match(struct buf *out, const char *attr, const char *value, int prefix)
{
	struct buf ss = BUF_INIT, sharp = BUF_INIT;

	put_ss(&ss, value);
	put_sharp(&sharp, buf_cstr(&ss), prefix);
	if (strcmp(buf_cstr(&ss), buf_cstr(&sharp)) == 0)
		put_one(out, attr, value, prefix);
	else {
		buf_put_str(out, "(|");
		put_one(out, attr, buf_cstr(&ss), prefix);
		put_one(out, attr, buf_cstr(&sharp), prefix);
		buf_put_str(out, ")");
	}
	buf_free(&ss);
	buf_free(&sharp);
}

void
filter_equal(struct buf *out, const char *attr, const char *value)
{
	put_one(out, attr, value, 0);
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

/* Classes of groups, and how their members are named: servers have an index
 * of classes, but not often one of every attribute of members. */
static const struct {
	const char *class_, *attr;
	int by_dn; /* else by user name */
} kinds[] = {
	{ "groupOfNames", "member", 1 },
	{ "group", "member", 1 },
	{ "groupOfUniqueNames", "uniqueMember", 1 },
	{ "posixGroup", "memberUid", 0 },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* A group "Help Desk" is called help-desk with us. */
void
filter_groups(struct buf *out, const struct dir_term *t)
{
	char blanks[DIR_VALUE];
	size_t i;
	char *s;

	text_copy(blanks, t->value, sizeof(blanks));
	for (s = blanks; *s != '\0'; s++)
		if (*s == '-')
			*s = ' ';
	buf_put_str(out, "(&(|");
	for (i = 0; i < KINDS; i++)
		put_one(out, "objectClass", kinds[i].class_, 0);
	buf_put_str(out, ")(|");
	put_match(out, "cn", t->value, t->prefix);
	put_match(out, "cn", blanks, t->prefix);
	buf_put_str(out, "))");
}

void
filter_member(struct buf *out, const char *dn, const char *user)
{
	size_t i;

	buf_put_str(out, "(|");
	for (i = 0; i < KINDS; i++) {
		buf_put_str(out, "(&");
		put_one(out, "objectClass", kinds[i].class_, 0);
		put_one(out, kinds[i].attr, kinds[i].by_dn ? dn : user, 0);
		buf_put_str(out, ")");
	}
	buf_put_str(out, ")");
}
