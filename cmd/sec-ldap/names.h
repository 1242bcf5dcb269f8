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

/* "phone" -> "telephoneNumber"; others as they are. NULL: not to be asked
 * for (no attribute, or somebody's password). */
const char *name_ldap(const char *ours);
/* "telephoneNumber" -> "phone", "roomNumber;lang-en" -> "roomnumber". NULL:
 * not to be shown. */
const char *name_ours(const char *ldap, char out[DIR_ATTR]);

#endif
