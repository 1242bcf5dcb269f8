#ifndef WIRE_LDIF_H
#define WIRE_LDIF_H

#include <stddef.h>

#include "base/buf.h"

/*
 * LDIF, RFC 2849: entries of a directory, `dn:` and attributes, with folded
 * lines, comments and base64. Of changes only `add`. Values by URL (`:<`)
 * are refused.
 */
#define LDIF_ATTRS 4096                /* of one entry */
#define LDIF_ENTRY 1048576             /* bytes of one entry */

struct ldif_attr {
	const char	*name;         /* lower case, without ;options */
	const char	*value;        /* NUL-terminated */
	unsigned	 line;
	int		 is_text;       /* UTF-8 without NUL */
};

struct ldif {
	const char	*p, *end;      /* what is left */
	unsigned	 at;           /* line that it begins in */
	unsigned	 line;         /* of the entry, or of an error */
	const char	*dn;           /* until the next ldif_next() */
	size_t		 n;
	struct ldif_attr *attr;
	size_t		 cap;
	struct buf	 text, raw;
	const char	*why;          /* after an error */
};

/* p is borrowed until ldif_free(). */
void	ldif_init(struct ldif *l, const char *p, size_t n);
void	ldif_free(struct ldif *l);
/* The next entry: 1, 0 at the end, or SEC_ERR_FORMAT or _LIMIT with a
 * sentence in l->why and l->line set; then nothing more can be read. */
int	ldif_next(struct ldif *l);
/* First value of an attribute of the entry, or NULL. */
const char *ldif_get(const struct ldif *l, const char *name);
/* 1 if a value of it is that, without regard to case (ASCII). */
int	ldif_has(const struct ldif *l, const char *name, const char *value);

/*
 * The n-th RDN of a DN (RFC 4514), from the left: its (first) attribute's
 * name in lower case and its value, unescaped. 0, SEC_ERR_NOTHING behind the
 * last one, SEC_ERR_FORMAT, _LIMIT.
 */
int	ldif_rdn(const char *dn, size_t n, char *name, size_t namelen,
	    char *value, size_t valuelen);

#endif
