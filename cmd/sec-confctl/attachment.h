#ifndef SEC_CONFCTL_ATTACHMENT_H
#define SEC_CONFCTL_ATTACHMENT_H

#include "base/path.h"
#include "db/attachment_store.h"

#include "focus.h"
#include "policy.h"

/*
 * Files attached to persistent conferences (SECURITY.md 3.5). Their bytes
 * are sealed by who attaches them and lie in files/CONFERENCE/FILE, and in
 * FILE.part while they come; their keys lie sealed in conf.db.
 */
#define FILE_PATH (PATH_LEN + 64)

/* files/CONFERENCE/FILE and what follows it. */
/* To all who are in it: `what` (attached, detached) became of this file. */
void	attachment_tell(struct focus *f, const char *what,
	    const struct attachment_row *a, const char *by);
char	*attachment_path(char out[FILE_PATH], uint64_t conf, const char *file,
	    const char *suffix);
/* The file key as the row has it, and the other way. 0 or SEC_ERR_*. */
int	attachment_seal_key(struct focus *f, struct attachment_row *a,
	    const struct secret *fk);
int	attachment_open_key(struct focus *f, const struct attachment_row *a,
	    struct secret **fk);
/* The same on its way to and from an agent, in base64. */
int	attachment_wrap(const struct conference *c, const struct asker *by,
	    const char *file, const struct secret *fk, struct buf *out);
int	attachment_unwrap(const struct conference *c, const struct asker *by,
	    const char *file, const char *b64, struct secret **fk);

#endif
