#ifndef SEC_PAL_ROSTER_H
#define SEC_PAL_ROSTER_H

#include "pal.h"

/*
 * Rosters: conferences as the controller deals them, in memory only.
 */

/* --- roster.c: as documents, and who is in which */
struct document *roster_document(struct pal *p, const char *uri);
/* One that the controller will deal, for a subscription of before our
 * restart that had this permission; NULL: no memory. */
struct document *roster_awaited(struct pal *p, const char *uri,
	    const char *why);
/* Its id, or NULL. */
const char *roster_id(struct pal *p, const char *uri);
int	roster_participant(struct pal *p, const char *uri,
	    const char *user);
/* Rows `conf TAB conf=` of those in which the user is unreachable. */
void	rosters_put_unreachable(struct pal *p, const char *user,
	    struct buf *out);
/* A page of the conferences that he is in or may join, in the order of their
 * URIs, from behind `after` on. */
void	rosters_put_list(struct pal *p, const char *user,
	    const char *after, struct buf *out);
void	rosters_user_changed(struct pal *p, const char *user);
void	rosters_free(struct pal *p);

/* --- roster_watch.c: who looks on (S170) */
/* What lets this user (a URI) see it: `participant`, `owner` (it is open, his
 * own, or he is on its watch list), `rule`; NULL: nothing. */
const char *roster_why(struct pal *p, const char *uri, const char *user);
/* The same for its roster: a rule that shows a few attributes of the
 * conference does not show who is in it. */
const char *roster_whole_why(struct pal *p, const char *uri,
	    const char *user);
/* The document for who has this permission; NULL: no such conference.
 * Who talks moves only the version of that of who takes no part. */
struct document *roster_document_for(struct pal *p, const char *uri,
	    const char *why);
/* Does this subscription look on without leave? */
int	roster_refuses(const struct subscription *s);
/* Rules are new: who looks on by one may not any more. */
void	rosters_recheck(struct pal *p);
/* The attributes of a PAL entry: `TAB key=value`..., without LF. While the
 * first deal has not come just the type. */
void	roster_line(struct pal *p, const char *uri, struct buf *b);
/* One more (1) or one less (-1) PAL entry asks who talks there, be there such
 * a conference or not. */
void	roster_talk_wanted(struct pal *p, const char *uri, int by);

/* Those that their owners have put into the directory (S171), in the order of
 * their names; cb != 0 ends it and is returned. */
struct roster_listed {
	const char	*uri, *name, *title, *owner;
	unsigned	 count;        /* in it */
};
int	rosters_listed(struct pal *p,
	    int (*cb)(void *arg, const struct roster_listed *l), void *arg);

/* --- roster_link.c: what the controller says */
extern const struct ctl_verb roster_verbs[];
void	rosters_link_up(struct pal *p);

#endif
