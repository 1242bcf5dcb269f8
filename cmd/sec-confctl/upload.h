#ifndef SEC_CONFCTL_UPLOAD_H
#define SEC_CONFCTL_UPLOAD_H

#include "focus.h"

/*
 * Files on their way in. One that has not been whole for an hour is
 * forgotten, and so are all by a restart.
 */
#define UPLOADS_MAX  256               /* on their way */
#define UPLOADS_USER 16                /* of one user */
#define UPLOAD_IDLE  3600000           /* ms */

void	uploads_init(struct focus *f);
void	uploads_free(struct focus *f);
/* The conference is over, or, with a user, he was removed from it. */
void	uploads_end(struct conference *c, const char *user);

#endif
