#ifndef SEC_LDAP_NAMES_H
#define SEC_LDAP_NAMES_H

#include "db/dir_store.h"

/* The attributes of our directory, as LDAP calls them. */
struct name {
	const char	*ours, *ldap;
	int		 word;         /* a word without ATTR= may be its */
};

/* user first; ends with ours NULL. */
extern const struct name names[];

/* Beside those of the table and of a standard set, these names (small
 * letters, with commas) are searched for and shown. */
#define NAMES_MAX 512
void	names_show(const char *list);
/* "phone" -> "telephoneNumber"; others as they are. NULL: not to be asked
 * for. */
const char *name_ldap(const char *ours);
/* "telephoneNumber" -> "phone", "roomNumber;lang-en" -> "roomnumber". NULL:
 * not to be shown. */
const char *name_ours(const char *ldap, char out[DIR_ATTR]);

#endif
