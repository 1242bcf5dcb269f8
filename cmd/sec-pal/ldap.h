#ifndef SEC_PAL_LDAP_H
#define SEC_PAL_LDAP_H

struct dir_person;
struct pal;

/*
 * The LDAP back end of the directory (S073): sec-ldap(8), a process of its
 * own that may wait for servers, as this one may not.
 */

/* As the configuration says, p->backend or nothing. 0, or SEC_ERR_CONFIG
 * after logging why (the file of the password is not private). */
int	ldap_open(struct pal *p);
/* The configuration may be another. */
void	ldap_reload(struct pal *p);
void	ldap_close(struct pal *p);
/* The user of this name has registered: rules read his organisation and his
 * groups in dir.db, so they are copied there (ldap_copy.h). */
void	ldap_registered(struct pal *p, const char *user);
/* A rule asks about him, be he there or not: 1 while he is looked up. */
int	ldap_needed(struct pal *p, const char *user);
/* A search has found him: 1 if that is what a rule had asked for. */
int	ldap_told(struct pal *p, const struct dir_person *who);

#endif
