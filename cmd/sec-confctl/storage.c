/*
 * storage: the key DBK under which secrets lie in conf.db: of attached files
 * and of kept text (SECURITY.md 3.5).
 */

#include "base/log.h"
#include "ctl/dbk.h"

#include "focus.h"

int
dbk_need(struct focus *f)
{
	char why[256] = "";
	int r;

	if (f->dbk != NULL)
		return 0;
	if ((r = dbk_open(&f->dbk, f->s->self->name, why, sizeof why)) != 0)
		log_error("keys.dbk", "reason=%s", log_quote(why));
	return r;
}
