/* The storage key of a server. */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/path.h"
#include "crypto/random.h"
#include "ctl/keydir.h"

#include "ctl/dbk.h"

#define DBK_FILE "dbk"

static int
dbk_make(struct secret **out, const char *dir, char *why, size_t whylen)
{
	struct secret *dbk = crypto_random_key(KEYDIR_KEY, 1);
	int r;

	r = keydir_write(dir, DBK_FILE, secret_data(dbk), secret_size(dbk));
	if (r == 0)
		*out = secret_dup(dbk);
	else
		(void)sec_refuse(r, why, whylen, "%s/" DBK_FILE ": %s", dir,
		    sec_strerror(r));
	secret_free(dbk);
	return r;
}

int
dbk_open(struct secret **out, const char *name, char *why, size_t whylen)
{
	const char *given = getenv("CREDENTIALS_DIRECTORY");
	char dir[PATH_LEN];
	int r;

	if (given != NULL && *given != '\0') {
		r = keydir_read_key(given, DBK_FILE, out, why, whylen);
		if (r != SEC_ERR_NOTHING)
			return r;
	}
	path_keys(dir, name);
	r = keydir_read_key(dir, DBK_FILE, out, why, whylen);
	return r == SEC_ERR_NOTHING ? dbk_make(out, dir, why, whylen) : r;
}
