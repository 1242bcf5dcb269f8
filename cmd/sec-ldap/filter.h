#ifndef SEC_LDAP_FILTER_H
#define SEC_LDAP_FILTER_H

#include "base/buf.h"
#include "db/dir_store.h"

/*
 * Search filters (RFC 4515). What people type is a value and never syntax:
 * every byte that is not a letter, a digit or harmless is escaped.
 */
void	filter_value(struct buf *out, const char *value);
/* One term, but for `groups`. 0, or SEC_ERR_FORMAT: no such attribute. */
int	filter_term(struct buf *out, const struct dir_term *t);
/* (ATTR=VALUE) */
void	filter_equal(struct buf *out, const char *attr, const char *value);
/* Groups whose name is that of the term. */
void	filter_groups(struct buf *out, const struct dir_term *t);
/* Groups that this person is in. */
void	filter_member(struct buf *out, const char *dn, const char *user);

#endif
