#ifndef DB_DIR_STORE_H
#define DB_DIR_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

/*
 * dir.db: people with attributes, organisations with parents, groups (S031,
 * S073, S074); written by sec-pal only. Every change is one transaction of
 * its own unless the caller has begun one. Words are compared folded
 * (base/fold), `phone` without blanks and hyphens.
 */
#define DIR_USER   128
#define DIR_ATTR   33                  /* [a-z][a-z0-9_-]{0,31} */
#define DIR_VALUE  1025                /* of any attribute */
#define DIR_ATTRS  64                  /* of one person */
#define DIR_BYTES  16384               /* all his values */
#define DIR_TERMS  16                  /* of one search */
#define DIR_ORG    128
#define DIR_GROUP  65

struct dir_attr {
	char	*name, *value;
};

/* Zero-initialised is nobody; dir_person_free(). */
struct dir_person {
	char		 user[DIR_USER];
	size_t		 n;
	struct dir_attr	*attr;         /* in the order of their writing,
	                                * without `user`; a name stands
	                                * there once per value */
};

/* May an attribute have that name? 0: it is none, or one that answers use
 * for something else (uri, status, ...). */
int	dir_attr_allowed(const char *name);
/* May a value be so: 1 to DIR_VALUE - 1 bytes of UTF-8, no control
 * characters, not blanks alone. */
int	dir_value_allowed(const char *value);
/* May a user be called so: [a-z0-9A-Z][a-zA-Z0-9._-]{0,62}. */
int	dir_user_allowed(const char *user);

/* One more value. 0, SEC_ERR_FORMAT (not allowed), _LIMIT or _SYS. */
int	dir_person_add(struct dir_person *p, const char *name,
	    const char *value);
/* The first value of an attribute, or NULL; `user` too. */
const char *dir_person_attr(const struct dir_person *p, const char *name);
void	dir_person_free(struct dir_person *p);

/* 0, SEC_ERR_NOTHING, _DISK, _DATA; on success dir_person_free(). */
int	dir_person_get(struct db *d, const char *user,
	    struct dir_person *out);
/*
 * Make or change a person: of the attributes that p has, its values take
 * the place of those there were, the others stay. Without a name he is
 * called as his user name. His organisation and groups are made if they are
 * missing. *made (may be NULL): he was not there. 0, SEC_ERR_FORMAT, _LIMIT,
 * _DISK, _DATA.
 */
int	dir_person_put(struct db *d, const struct dir_person *p, int64_t now,
	    int *made);
int	dir_person_rm(struct db *d, const char *user);  /* or _NOTHING */

/* --- for rules: quick answers about one user --- */
/* His (first) organisation, "" if none. 0, SEC_ERR_NOTHING, _DISK, _DATA. */
int	dir_org_get(struct db *d, const char *user, char *out, size_t size);
/* 1 or 0; 0 also for an error. */
int	dir_is_member(struct db *d, const char *user, const char *group);
/* Is it `above` itself, or below it in the chart? 1 or 0. */
int	dir_org_is_under(struct db *d, const char *org, const char *above);

/* --- search --- */
struct dir_term {
	char	attr[DIR_ATTR];        /* "": name first last user org phone
	                                * mail location title, by prefix */
	char	value[DIR_VALUE];
	int	prefix;                /* else the whole value */
};
struct dir_search {
	size_t		n;             /* 0: everybody */
	struct dir_term	term[DIR_TERMS];       /* ANDed */
};
/*
 * Users who match, each once, in the order of their folded names, then of
 * user names; until cb returns other than 0, which is returned then. cb may
 * read dir.db (dir_person_get()), not change it. 0, SEC_ERR_*.
 */
int	dir_search(struct db *d, const struct dir_search *q,
	    int (*cb)(void *arg, const char *user), void *arg);

/* --- organisations --- */
struct dir_org {
	char		org[DIR_ORG];
	char		name[256];
	char		parent[DIR_ORG];       /* "": none */
	int64_t		people;                /* filled by each */
};
/* Make or change; what is "" of an existing one stays. SEC_ERR_NO: it would be above itself; _FORMAT. */
int	dir_org_put(struct db *d, const struct dir_org *o);
/* SEC_ERR_NOTHING; SEC_ERR_NO: there are some below it, or people in it. */
int	dir_org_rm(struct db *d, const char *org);
int	dir_org_each(struct db *d, int (*cb)(void *arg,
	    const struct dir_org *o), void *arg);

/* --- groups --- */
struct dir_group {
	char		name[DIR_GROUP];       /* [a-z0-9][a-z0-9._-]* */
	char		title[256];
	int64_t		members;               /* filled by each */
};
/* Make; an existing one gets the title unless that is "". _FORMAT. */
int	dir_group_put(struct db *d, const struct dir_group *g);
/* The group, and everybody's membership. _NOTHING. */
int	dir_group_rm(struct db *d, const char *group);
int	dir_group_each(struct db *d, int (*cb)(void *arg,
	    const struct dir_group *g), void *arg);
/* Group and person are made if missing; to be in it already is 0. */
int	dir_member_put(struct db *d, const char *group, const char *user,
	    int64_t now);
int	dir_member_rm(struct db *d, const char *group, const char *user);

#endif
