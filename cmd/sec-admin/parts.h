#ifndef SEC_ADMIN_PARTS_H
#define SEC_ADMIN_PARTS_H

#include "admin.h"

/* Lines that several verbs report. */

/* The PAL manager's keytab: is there our key? */
void	part_keytab(struct report *r, const struct conf *conf);
/* The same, asked of the KDC. */
void	part_kerberos(struct report *r, const struct conf *conf);
/* Each database of this host: schema and integrity. sum: one line. */
void	part_databases(struct report *r, int sum);

#endif
