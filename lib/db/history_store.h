#ifndef DB_HISTORY_STORE_H
#define DB_HISTORY_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "db/conf_store.h"

/*
 * conf.db: the text that persistent conferences keep, as its authors sealed
 * it, the sealed text keys of its epochs, and how far its members have read
 * (SECURITY.md 3.5). Written by sec-confctl only, inside the transaction that
 * the caller has begun.
 */
struct history_line {
	uint64_t	 conf;
	uint64_t	 line;         /* ascending, by the text router */
	int64_t		 at;           /* ms */
	uint32_t	 q;            /* of its device */
	char		 user[CONF_USER];
	uint32_t	 epoch;
	const uint8_t	*body;         /* sealed; borrowed */
	size_t		 n;
};

/* One that is there already stays as it is: SEC_ERR_NO if it is another one
 * of this number. 0 or SEC_ERR_*. */
int	history_put(struct db *d, const struct history_line *l);
/* At most n of the lines before `before` (0: the newest) of epochs from
 * `from` on, newest first; cb returns 0 to go on. 0, SEC_ERR_* or cb's. */
int	history_page(struct db *d, uint64_t conf, uint64_t before,
	    uint32_t from, int n, int (*cb)(void *arg,
	    const struct history_line *l), void *arg);
/* The newest `keep` lines stay, and the keys of epochs that have lines or
 * come from `epoch` on. */
int	history_trim(struct db *d, uint64_t conf, int keep, uint32_t epoch);
/* All lines, keys, and marks of who has read. */
int	history_drop(struct db *d, uint64_t conf);
/* The number of the newest line, 0: there is none. */
int	history_newest(struct db *d, uint64_t conf, uint64_t *line);

/* T_e as it was sealed for the disk. A second one for an epoch is not
 * stored. _get: appended to out; SEC_ERR_NOTHING: there is none. */
int	history_key_put(struct db *d, uint64_t conf, uint32_t epoch,
	    const void *sealed, size_t n);
int	history_key_get(struct db *d, uint64_t conf, uint32_t epoch,
	    struct buf *out);

/* The first epoch that a user had, who may read from his joining on. It is
 * set once, until it is cleared. _get: 0: none. */
int	history_from_put(struct db *d, uint64_t conf, const char *user,
	    uint32_t epoch);
int	history_from_get(struct db *d, uint64_t conf, const char *user,
	    uint32_t *epoch);
int	history_from_clear(struct db *d, uint64_t conf, const char *user);

/* A member has read up to this line; it never goes back. 0 or SEC_ERR_*. */
int	receipt_put(struct db *d, uint64_t conf, const char *user,
	    uint64_t line);
int	receipt_rm(struct db *d, uint64_t conf, const char *user);
/* cb returns 0 to go on. 0, SEC_ERR_* or cb's. */
int	receipt_each(struct db *d, int (*cb)(void *arg, uint64_t conf,
	    const char *user, uint64_t line), void *arg);

#endif
