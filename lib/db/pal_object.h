#ifndef DB_PAL_OBJECT_H
#define DB_PAL_OBJECT_H

#include <stdint.h>

#include "db/db.h"

/*
 * Objects other than people, and what was last published of them (S055,
 * S059), in pal.db. There is no history: a value replaces the one before.
 */
#define PAL_VALUE 1025                 /* 1 KiB and its NUL */

struct pal_object {
	char	type[33];
	char	name[128];
	char	owner[160];            /* user, or group:G */
	char	title[256];
	int64_t	created;               /* ms */
};

struct pal_attribute {
	char	name[33];
	char	value[PAL_VALUE];
	char	by[128];               /* user who published it */
	int64_t	since, until;          /* ms; stale after until */
};

/* SEC_ERR_NO: there is one of that name. */
int	pal_object_add(struct db *d, const struct pal_object *o);
/* With its attributes, which lie under uri. SEC_ERR_NOTHING: there is
 * none. */
int	pal_object_rm(struct db *d, const struct pal_object *o,
	    const char *uri);
int	pal_object_each(struct db *d, int (*cb)(void *arg,
	    const struct pal_object *o), void *arg);

int	pal_attribute_put(struct db *d, const char *uri,
	    const struct pal_attribute *a);
int	pal_attribute_each(struct db *d, const char *uri, int (*cb)(void *arg,
	    const struct pal_attribute *a), void *arg);

#endif
