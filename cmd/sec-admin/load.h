#ifndef SEC_ADMIN_LOAD_H
#define SEC_ADMIN_LOAD_H

#include <stdint.h>

#include "base/buf.h"
#include "cli/args.h"
#include "db/dir_store.h"

/*
 * What goes into the directory, sent to sec-pal in pieces; all of it is there
 * after load_end(), or nothing.
 */
struct load;

struct loaded {
	uint64_t added, changed, orgs, groups;
};

/* dry: sec-pal only tries. 0, or SEC_ERR_* and a sentence in load_why(). */
int	load_open(struct load **out, int dry, char *why, size_t whylen);
/* One more; at: "staff.csv:12", NULL: from the command line. 0, or
 * SEC_ERR_* and a sentence in why. */
int	load_person(struct load *l, const struct dir_person *p,
	    const char *at);
int	load_org(struct load *l, const struct dir_org *o, const char *at);
/* members: NULL-terminated, may be NULL. */
int	load_group(struct load *l, const char *name, const char *title,
	    char *const *members, const char *at);
int	load_end(struct load *l, struct loaded *out);
const char *load_why(const struct load *l);
/* Without load_end(): nothing was done. NULL allowed. */
void	load_close(struct load *l);

/*
 * The attribute that LDAP calls so: givenname is first, cn is name; any
 * other keeps its name.
 */
const char *load_attr(const char *name);
/* The names that are missing out of those that are there: `name` of `first`
 * and `last`, or the other way. */
void	load_names(struct dir_person *p);

#endif
