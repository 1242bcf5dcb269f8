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

/* What is said of people, RFC 4519 and 4524, RFC 2798 and what others have
 * added. A server may let whom it trusts see much more, among it passwords,
 * keys and recovery codes under many names: none of that goes through us,
 * unless the administrator has named it. */
static const char *const shown[] = { "businesscategory", "c", "carlicense",
	"co", "company", "department", "description", "displayname",
	"employeenumber", "employeetype", "facsimiletelephonenumber",
	"generationqualifier", "homephone", "homepostaladdress",
	"houseidentifier", "initials", "ipphone", "labeleduri", "manager",
	"mobile", "o", "organizationalstatus", "ou", "pager", "personaltitle",
	"physicaldeliveryofficename", "postaladdress", "postalcode",
	"postofficebox", "preferredlanguage", "roomnumber", "secretary", "st",
	"street", "url" };

static char named[NAMES_MAX];

void
names_show(const char *list)
{
	text_copy(named, list, sizeof(named));
}

static int
is_shown(const char *ours)
{
	return text_is_one_of(ours, shown, sizeof(shown) / sizeof(shown[0])) ||
	    text_list_has(named, ours, strlen(ours));
}

const char *
name_ldap(const char *ours)
{
	size_t i;

	for (i = 0; names[i].ours != NULL; i++)
		if (strcmp(names[i].ours, ours) == 0)
			return names[i].ldap;
	return is_shown(ours) ? ours : NULL;
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
	/* The user is said in another way, and by name only once. */
	if (i == 0)
		return NULL;
	if (names[i].ours != NULL)
		text_copy(out, names[i].ours, DIR_ATTR);
	else if (!is_shown(out) || !dir_attr_allowed(out))
		return NULL;
	return out;
}
