/*
 * Names of attributes (sec-ldap(8)). `groups` is none in LDAP: who is a
 * member stands in the groups' own entries.
 */
#include <stddef.h>
#include <string.h>
#include <strings.h>

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

const char *
name_ldap(const char *ours)
{
	size_t i;

	for (i = 0; names[i].ours != NULL; i++)
		if (strcmp(names[i].ours, ours) == 0)
			return names[i].ldap;
	for (i = 0; secret[i] != NULL; i++)
		if (strcasecmp(secret[i], ours) == 0)
			return NULL;
	if (*ours < 'a' || *ours > 'z' ||
	    strspn(ours, "abcdefghijklmnopqrstuvwxyz0123456789-") !=
		strlen(ours))
		return NULL;
	return ours;
}
