#ifndef UA_MIRROR_H
#define UA_MIRROR_H

#include <stddef.h>
#include <stdint.h>

#include "wire/pal.h"

/*
 * A local copy of a PAL or a roster, kept up by full and partial documents
 * (ARCHITECTURE.md 10).
 */
struct mirror;

/* was NULL: new; is NULL: removed. Both borrowed until return. */
typedef void (*mirror_h)(void *ctx, const struct pal_entry *was,
	    const struct pal_entry *is);

struct mirror *mirror_new(mirror_h changed, void *ctx);
void	mirror_free(struct mirror *m);
/*
 * Take a document; entries may be moved out of it. 0: taken (all parts, if
 * it has several); 1: taken, further parts follow; SEC_ERR_REPLAY: older
 * than what is held; SEC_ERR_NOTHING: partial, but of another version than
 * the next: fetch the whole.
 */
int	mirror_apply(struct mirror *m, struct pal_doc *d);
/* An entry that was told apart from the documents, in order with them; it may
 * be moved out. Nothing, as long as the copy is not complete. */
void	mirror_put(struct mirror *m, struct pal_entry *e);
/* The next document is another's, with versions of its own: it is taken if
 * it is full. */
void	mirror_renew(struct mirror *m);
int	mirror_is_complete(const struct mirror *m);
const struct pal_entry *mirror_find(const struct mirror *m,
	    const char *uri);
/* Iterate in the order of the documents: i = 0 at first. */
const struct pal_entry *mirror_next(const struct mirror *m, size_t *i);
/* Field of the last full document's first row, or NULL. */
const char *mirror_attr(const struct mirror *m, const char *name);

#endif
