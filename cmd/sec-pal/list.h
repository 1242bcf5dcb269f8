#ifndef SEC_PAL_LIST_H
#define SEC_PAL_LIST_H

#include "db/pal_entry.h"

#include "pal.h"
#include "rule.h"

/*
 * PALs (S050-S052, S060, S061): one document per user, of the entries that
 * he added, or, for a dialog on somebody else, of that one entry. In memory
 * as long as its owner is registered or subscribed.
 *
 * A presentity's line is rendered once for all who may see and have selected
 * the same of it, a view; whoever sees nothing new is not told (S052).
 */

/* What of a presentity some of its watchers are shown. key: "*" everything,
 * or names with commas, "-" none, "!RULE" denied, "." an ended conference,
 * "+TEXT" a phone's label. */
struct view {
	struct presentity	*of;
	char			*key;
	struct buf		 line;         /* entry TAB URI TAB ... */
	TAILQ_HEAD(, buddy)	 buddies;
	TAILQ_ENTRY(view)	 entry;
};

struct buddy {                         /* an entry of a PAL */
	struct list		*list;
	struct view		*view;         /* NULL: it has gone */
	uint64_t		 round;        /* of the list: its last news */
	char			*attrs;        /* selected; NULL: all */
	char			*label;        /* TAB label=...; NULL: none */
	char			*id;           /* of a conference */
	char			*gone;         /* its URI, when it has */
	TAILQ_ENTRY(buddy)	 entry;        /* as added */
	TAILQ_ENTRY(buddy)	 recent;       /* the newest first */
	TAILQ_ENTRY(buddy)	 same;         /* of the view */
};

struct list {
	TAILQ_HEAD(buddies, buddy) recent;
	uint64_t		 round;
	int64_t			 flushed;      /* mono ms */
	TAILQ_ENTRY(list)	 due;
	int			 is_due;
	int			 loaded;
	uint64_t		 decided;      /* as in struct pal */
	unsigned		 n;            /* without those that went */
	unsigned		 ngone;
	struct document		 doc;
	struct timer		 timer;
	struct buddies		 buddies;
	struct presentity	*owner;
	struct presentity	*whom;         /* a dialog on it; NULL: PAL */
};

/* --- list.c --- */
#define LIST_MAX 4096                  /* entries */

/* May he (a user's name) see it, and what? Rules, and for conferences who
 * takes part or is on its list. Returns v->allow. */
int	watch_check(struct pal *p, const char *watcher,
	    const struct uri *whom, struct verdict *v);
/* His PAL, read if it was not; NULL: pal.db cannot be read. */
struct list *list_open(struct presentity *owner);
/* The same, not read before somebody asks. */
struct list *list_unread(struct presentity *owner);
/* For dialogs of his on one presentity: the one that there is, or a new one,
 * which goes with the last subscription to it. */
struct list *list_watch(struct presentity *owner, struct presentity *whom);
/* Stored and told. 0, SEC_ERR_LIMIT, or db's. */
int	list_add(struct list *l, const struct pal_entry_row *row);
/* SEC_ERR_NOTHING: not in it. */
int	list_rm(struct list *l, const char *uri);
/* The list that a document is of, or NULL. */
struct list *list_of(const struct document *d);
struct buddy *list_find(const struct list *l, const struct presentity *u);
/* Its row in documents. */
void	buddy_put(const struct buddy *b, struct buf *out);
/* What it may show, if that was not decided by the rules of now. */
void	list_current(struct list *l);
void	list_free(struct list *l);
/* Hook: lists with news are told. */
void	lists_tell(void *arg);

/* --- view.c --- */
/* Into the view that b is to have of u now. */
void	view_enter(struct buddy *b, struct presentity *u);
void	view_leave(struct buddy *b);
/* Into another, if rules or rosters say so: 1 if that is a change. */
int	view_again(struct buddy *b);
/* Render; those who see a difference have news. */
void	views_update(struct presentity *u);
static inline int
view_is_denied(const struct view *v)
{
	return v->key[0] == '!';
}
/* b's line is another one. */
void	buddy_news(struct buddy *b);

#endif
