#ifndef DB_PAL_ENTRY_H
#define DB_PAL_ENTRY_H

#include <stdint.h>

#include "db/db.h"
#include "db/pal_store.h"

/*
 * pal.db: whom or what each user watches (S050, S060, S061), without expiry,
 * whether or not the watched one was ever there.
 */
#define PAL_ENTRY_ATTRS 256
#define PAL_LABEL 128

struct pal_entry_row {
	char	owner[PAL_NAME];
	char	uri[256];
	char	id[17];                /* of a conference, else "" */
	char	attrs[PAL_ENTRY_ATTRS];      /* "status,note" or "*" */
	char	label[PAL_LABEL];
	int64_t	added;                 /* ms */
};

/* Add, or replace attrs, label and id (added stays). SEC_ERR_NO: no such
 * owner. */
int	pal_entry_put(struct db *d, const struct pal_entry_row *e);
/* SEC_ERR_NOTHING: there was none. */
int	pal_entry_rm(struct db *d, const char *owner, const char *uri);
/* A user's, in the order in which they were added. */
int	pal_entry_each(struct db *d, const char *owner, int (*cb)(void *arg,
	    const struct pal_entry_row *e), void *arg);
/* Owners of the entries on uri, by name, from behind `after` on; until cb
 * returns other than 0, which is returned then. */
int	pal_entry_watchers(struct db *d, const char *uri, const char *after,
	    int (*cb)(void *arg, const char *owner, int64_t added), void *arg);

#endif
