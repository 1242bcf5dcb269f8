#ifndef SEC_PAL_LDAP_COPY_H
#define SEC_PAL_LDAP_COPY_H

struct pal;

/* Name, organisation and groups of this user, as the directory has them,
 * take the place of what dir.db has; once an hour. */
void	ldap_copy(struct pal *p, const char *user);
/* Everybody's copy is due again. */
void	ldap_copies_forget(struct pal *p);

#endif
