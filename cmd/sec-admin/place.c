/*
 * What this host has in its places, and whose it is.
 */
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"

const struct place_db place_dbs[PLACE_DBS] = {
	{ "pal.db", "sec-pal" },
	{ "conf.db", "sec-confctl" },
	{ "dir.db", "sec-pal" },
};

int
place_is_system(void)
{
	const char *dir = getenv("SEC_DIR");

	return geteuid() == 0 && (dir == NULL || *dir == '\0');
}

void
place_give(const char *path, const char *user, const char *group, mode_t mode)
{
	const struct passwd *pw = place_is_system() ? getpwnam(user) : NULL;
	const struct group *gr = place_is_system() ? getgrnam(group) : NULL;

	if (pw != NULL && gr != NULL &&
	    chown(path, pw->pw_uid, gr->gr_gid) != 0)
		fprintf(stderr, "sec-admin: %s: %s\n", path, strerror(errno));
	/* chown(2) takes set-group-ID away, umask may have taken more. */
	(void)chmod(path, mode);
}
