#ifndef CTL_DBK_H
#define CTL_DBK_H

#include <stddef.h>

#include "base/secret.h"

/*
 * The storage key DBK of a server (SECURITY.md 3.5, 3.8), under which
 * crypto/blob seals the secrets in its database: 32 bytes in base64, one
 * line, in $CREDENTIALS_DIRECTORY/dbk if that is there (systemd.exec(5)),
 * else in keys/NAME/dbk, for its owner alone, which is made if missing. No
 * backup of a database has it. 0, or SEC_ERR_* and a sentence.
 */
int	dbk_open(struct secret **out, const char *name, char *why,
	    size_t whylen);

#endif
