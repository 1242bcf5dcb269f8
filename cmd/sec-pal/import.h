#ifndef SEC_PAL_IMPORT_H
#define SEC_PAL_IMPORT_H

#include "ctl/serve.h"

struct pal;
struct import;

/*
 * People, organisations and groups as sec-admin sends them (S031), in one
 * transaction over many control lines:
 *	import-begin [dry=1]
 *	import rows=...         lines `person`, `org`, `group`, %-escaped
 *	import-end              what was done
 * A second database connection does it, so that searches see the old state
 * until the end, and nothing at all if the caller goes away.
 */
extern const struct ctl_verb import_verbs[];
void	import_open(struct pal *p);
void	import_close(struct pal *p);

#endif
