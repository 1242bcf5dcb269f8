/*
 * Names of attributes (sec-ldap(8)). `groups` is none in LDAP: who is a
 * member stands in the groups' own entries.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#include "names.h"

const struct name names[] = {
	{ "user", "uid", 1 },
	{ "name", "cn", 1 },
	{ "first", "givenName", 1 },
	{ "last", "sn", 1 },
	{ "org", "departmentNumber", 1 },
	{ "phone", "telephoneNumber", 1 },
	{ "mail", "mail", 1 },
	{ "location", "l", 1 },
	{ "title", "title", 1 },
	{ NULL, NULL, 0 },
};

/* A server may let whom it trusts see these, but not through us. */
static const char *const secret[] = { "userPassword", "authPassword",
	"unicodePwd", "sambaNTPassword", "sambaLMPassword", "krbPrincipalKey",
	"userPKCS12", NULL };

/* Of the server's own business, or said in another way. */
static const char *const unshown[] = { "objectClass", "uid", "userid",
	"memberOf", NULL };

static int
is_one_of(const char *name, const char *const list[])
{
	for (; *list != NULL; list++)
		if (strcasecmp(*list, name) == 0)
			return 1;
	return 0;
}

const char *
name_ldap(const char *ours)
{
	size_t i;

	for (i = 0; names[i].ours != NULL; i++)
		if (strcmp(names[i].ours, ours) == 0)
			return names[i].ldap;
	if (*ours < 'a' || *ours > 'z' || is_one_of(ours, secret) ||
	    strspn(ours, "abcdefghijklmnopqrstuvwxyz0123456789-") !=
		strlen(ours))
		return NULL;
	return ours;
}

const char *
name_ours(const char *ldap, char out[DIR_ATTR])
{
	size_t n = strcspn(ldap, ";"), i;

	if (n >= DIR_ATTR)
		return NULL;
	for (i = 0; i < n; i++)
		out[i] = (char)tolower((unsigned char)ldap[i]);
	out[n] = '\0';
	for (i = 0; names[i].ours != NULL; i++)
		if (strcasecmp(names[i].ldap, out) == 0)
			break;
	if (names[i].ours != NULL)
		text_copy(out, names[i].ours, DIR_ATTR);
	return is_one_of(out, unshown) || is_one_of(out, secret) ||
		!dir_attr_allowed(out) ?
	    NULL :
	    out;
}
