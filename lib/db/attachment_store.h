#ifndef DB_ATTACHMENT_STORE_H
#define DB_ATTACHMENT_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "db/conf_store.h"
#include "db/db.h"

/*
 * Table attachment of conf.db: the files of persistent conferences, whose
 * bytes lie sealed in files/. Written in the caller's transaction, as
 * db/conf_store; they go with their conference.
 */
#define ATTACHMENT_NAME 129
#define ATTACHMENT_FILE 33
#define ATTACHMENT_KEY  128            /* at most, sealed */

struct attachment_row {
	uint64_t	conf;
	char		name[ATTACHMENT_NAME];
	char		file[ATTACHMENT_FILE]; /* id */
	uint64_t	size;                  /* in clear */
	char		sha256[65];
	char		by[CONF_USER];
	int64_t		at;                    /* ms */
	uint8_t		fk[ATTACHMENT_KEY];    /* sealed under DBK */
	size_t		fklen;
};

int	attachment_put(struct db *d, const struct attachment_row *a);
		/* SEC_ERR_NO: the name is taken */
int	attachment_get(struct db *d, uint64_t conf, const char *name,
	    struct attachment_row *out);       /* SEC_ERR_NOTHING */
int	attachment_rm(struct db *d, uint64_t conf, const char *name);
/* Those of one conference whose names come after `after` (""), by name; cb
 * returns other than 0 to end it. */
int	attachment_each(struct db *d, uint64_t conf, const char *after,
	    int (*cb)(void *arg, const struct attachment_row *a), void *arg);
/* How many it has, and their bytes. */
int	attachment_sum(struct db *d, uint64_t conf, uint64_t *count,
	    uint64_t *bytes);
/* Is there a row of this conference with this file? 0, SEC_ERR_NOTHING. */
int	attachment_has(struct db *d, uint64_t conf, const char *file);

#endif
