#ifndef SEC_PAL_ROSTER_H
#define SEC_PAL_ROSTER_H

#include "pal.h"

/*
 * Rosters: conferences as the controller deals them, in memory only.
 */

/* --- roster.c: as documents, and who is in which */
struct document *roster_document(struct pal *p, const char *uri);
/* One that the controller will deal, for a subscription of before our
 * restart; NULL: no memory. */
struct document *roster_awaited(struct pal *p, const char *uri);
int	roster_participant(struct pal *p, const char *uri,
	    const char *user);
/* Rows `conf TAB conf=` of those in which the user is unreachable. */
void	rosters_put_unreachable(struct pal *p, const char *user,
	    struct buf *out);
/* A page of the conferences that he is in or may join, in the order of their
 * URIs, from behind `after` on. */
void	rosters_put_list(struct pal *p, const char *user,
	    const char *after, struct buf *out);
/* Anybody of the domain may join it, and so may see who is in it. */
int	roster_is_open(struct pal *p, const char *uri);
void	rosters_user_changed(struct pal *p, const char *user);
void	rosters_free(struct pal *p);

/* --- roster_link.c: what the controller says */
extern const struct ctl_verb roster_verbs[];
void	rosters_link_up(struct pal *p);

#endif
