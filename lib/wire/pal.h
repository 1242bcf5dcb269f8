#ifndef WIRE_PAL_H
#define WIRE_PAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * application/sec-pal (ARCHITECTURE.md 10): PALs and rosters.
 *   doc   TAB uri= TAB version= TAB state=full|partial TAB part=k/n TAB ...
 *   entry TAB URI TAB attr=value ...      entry TAB URI TAB -   (removed)
 */
#define PAL_DOC_MAX 32768

struct pal_attr {
	char	*name, *value;
};

struct pal_entry {
	char		*uri;
	int		 removed;
	size_t		 n;
	struct pal_attr	*attr;
};

struct pal_doc {
	char			*uri;
	uint64_t		 version;
	int			 full;
	unsigned		 part, parts;  /* 1/1 when whole */
	size_t			 nattr;
	struct pal_attr		*attr;         /* further fields of doc */
	size_t			 n;
	struct pal_entry	*entry;
};

/* 0, SEC_ERR_FORMAT or _LIMIT; on success pal_doc_free(). */
int	pal_doc_decode(struct pal_doc *d, const char *p, size_t n);
void	pal_doc_free(struct pal_doc *d);
/* For who has taken an array of them out of a document. */
void	pal_attrs_free(struct pal_attr *attr, size_t n);
const char *pal_doc_attr(const struct pal_doc *d, const char *name);
const char *pal_entry_attr(const struct pal_entry *e, const char *name);
/* 1 if name may be an attribute: [a-z][a-z0-9_]{0,31} and no field name of
 * events (COMMANDS.md 2.2). */
int	pal_attr_allowed(const char *name);
/* Lists of attributes, "status,note"; "*" is all of them. 1 if it is one, of
 * less than PAL_ATTRS bytes. */
#define PAL_ATTRS 256
int	pal_attrs_is_list(const char *list);
/* Is the name in the list? */
int	pal_attrs_has(const char *list, const char *name);

#endif
