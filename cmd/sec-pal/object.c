/*
 * object: things that are watched (S053-S055, S059).
 */

#include "object.h"
#include "pal.h"

void
object_publish(struct pal *p, struct sip_txn *txn, const struct sip_msg *req,
    const char *user)
{
	(void)p;
	(void)req;
	(void)user;
	sip_answer_status(txn, 404);
}

int
object_known(struct pal *p, const struct uri *u)
{
	(void)p;
	(void)u;
	return 0;
}

void
object_line(struct pal *p, struct presentity *u, struct buf *b)
{
	(void)p;
	(void)u;
	(void)b;
}
