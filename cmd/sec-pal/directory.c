/*
 * directory: people, organisations and groups (S073, S074, S167-S169).
 */

#include "directory.h"
#include "pal.h"

void
directory_subscribe(struct pal *p, struct sip_txn *txn,
    const struct sip_msg *req, const char *user)
{
	(void)p;
	(void)req;
	(void)user;
	sip_answer_status(txn, 404);
}

void
directory_phone_name(struct pal *p, const char *number, char *out, size_t n)
{
	(void)p;
	(void)number;
	if (n > 0)
		out[0] = '\0';
}
