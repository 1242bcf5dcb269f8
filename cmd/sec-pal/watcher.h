#ifndef SEC_PAL_WATCHER_H
#define SEC_PAL_WATCHER_H

#include "pal.h"

/*
 * Who watches a user, and the back-subscription by which his agents hear of
 * it (Fig. 10, 1006-1012; S162-S166): one to each connected instance,
 * however many watch.
 */

/* The instance is connected; its connection has gone. */
void	watcher_up(struct binding *b);
void	watcher_down(struct binding *b);
/* by has u in his PAL from now on, or not any more. */
void	watcher_entry(struct presentity *u, const struct presentity *by,
	    int is);
/* A dialog of by's on u has begun (1) or ended (-1). */
void	watcher_dialog(struct presentity *u, const struct presentity *by,
	    int n);
/* Who may watch u by the rules of now, some of them at a time: 1 if there are
 * more to do. */
int	watchers_recheck(struct presentity *u);
/* It is all to do again. */
void	watchers_undecided(struct presentity *u);
/* The same for the one of that name, who has an entry of u. */
void	watcher_recheck(struct presentity *u, const char *by);
/* A document of his watchers, from behind the URI `after` on. */
void	watchers_put(struct presentity *u, const char *after,
	    struct buf *out);

#endif
