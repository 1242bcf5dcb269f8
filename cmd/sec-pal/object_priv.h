#ifndef SEC_PAL_OBJECT_PRIV_H
#define SEC_PAL_OBJECT_PRIV_H

#include "db/pal_object.h"
#include "wire/types.h"

#include "object.h"
#include "pal.h"

/* What the files of objects have in common: object.c (what they are),
 * object_publish.c (their publishers), object_admin.c (the administrator). */
struct attribute {
	char name[33];
	char *value;
	int64_t since, until; /* ms; stale after until */
};

struct object {
	struct pal *pal;
	char uri[URI_MAX];
	struct pal_object row;
	struct subject owner;
	struct attribute *attr;
	size_t n;
	struct timer timer; /* the next attribute becomes stale */
};

/* One whose type there is still, with it; or NULL. */
struct object *object_find(struct pal *p, const char *uri,
	    const struct type **type);
/* NULL: its row is none, or no memory. */
struct object *object_new(struct pal *p, const struct pal_object *row);
void	object_free(struct object *o);
/* Who watches it is told, if he sees a difference. */
void	object_changed(const struct object *o);
/* Told when an attribute becomes stale. */
void	object_watch_freshness(struct object *o);
/* status since title stale, which every type has. */
void	object_put_state(const struct object *o, const struct type *t,
	    struct buf *b);

struct attribute *attribute_find(const struct object *o, const char *name);
/* 1 if it is another value now, or was stale; SEC_ERR_SYS. */
int	attribute_set(struct object *o, const struct pal_attribute *row,
	    int64_t now);

#endif
