#ifndef SEC_CONFCTL_DOWNLOAD_H
#define SEC_CONFCTL_DOWNLOAD_H

#include "focus.h"

/*
 * Files on their way out.
 */
void	downloads_init(struct focus *f);
void	downloads_free(struct focus *f);
/* It is detached: who asks for it has to look it up. */
void	downloads_forget(struct focus *f, uint64_t conf, const char *file);

#endif
