#ifndef WIRE_CSV_H
#define WIRE_CSV_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Comma-separated values, RFC 4180: records end with LF or CRLF; a field in
 * quotes may hold commas, line ends and doubled quotes. A byte order mark at
 * the beginning and empty lines are passed over. Fields are UTF-8 without
 * NUL.
 */
#define CSV_FIELDS 64
#define CSV_RECORD 65536               /* bytes */

struct csv {
	const char	*p, *end;      /* what is left */
	unsigned	 at;           /* line that it begins in */
	unsigned	 line;         /* of the record */
	size_t		 n;
	const char	*field[CSV_FIELDS];    /* until the next csv_next() */
	struct buf	 text;
	const char	*why;          /* after an error */
};

/* p is borrowed until csv_free(). */
void	csv_init(struct csv *c, const char *p, size_t n);
void	csv_free(struct csv *c);
/* The next record: 1, 0 at the end, or SEC_ERR_FORMAT or _LIMIT with a
 * sentence in c->why and c->line set; then nothing more can be read. */
int	csv_next(struct csv *c);

#endif
