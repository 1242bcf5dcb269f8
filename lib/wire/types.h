#ifndef WIRE_TYPES_H
#define WIRE_TYPES_H

#include <stddef.h>

#include "base/buf.h"
#include "wire/subject.h"

/*
 * The file `types` (S053, S054, sec.conf(5)): kinds of objects, one per
 * line, beside the built-in `lamp state!`.
 *   TYPE [publish=owner|USER|group:G] ATTR[!] ...
 * `!`: it is availability; the first such is the object's status.
 */
#define TYPES_MAX  64
#define TYPE_ATTRS 32

struct type_attr {
	char	name[33];
	int	availability;
};

struct type {
	char		 name[33];
	struct subject	 publish;      /* ANY: the owner alone */
	size_t		 n;
	struct type_attr attr[TYPE_ATTRS];
};

struct types {
	size_t		n;
	struct type	type[TYPES_MAX];
};

/* What is built in, and nothing else. */
void	types_default(struct types *t);
/* With what is built in; a line may redefine it. On an error, with line and
 * reason in why, only that is left. */
int	types_parse(struct types *t, const char *text, size_t n, char *why,
	    size_t whylen);
/* SEC_ERR_NOTHING: there is no such file. */
int	types_read(struct types *t, const char *path, char *why,
	    size_t whylen);
/* One line per type, without comments. */
void	types_put(struct buf *b, const struct types *t);
const struct type *types_find(const struct types *t, const char *name);
const struct type_attr *type_attr(const struct type *t, const char *name);
/* The attribute that is its status, or NULL. */
const struct type_attr *type_status(const struct type *t);
/* "unknown type "lmap" (did you mean "lamp"?)", and the same of attributes;
 * at most 160 bytes. */
void	types_unknown(const struct types *t, const char *name, char *why,
	    size_t whylen);
void	type_attr_unknown(const struct type *t, const char *name, char *why,
	    size_t whylen);

#endif
