#ifndef SEC_PAL_ROSTER_PRIV_H
#define SEC_PAL_ROSTER_PRIV_H

#include "roster.h"

/* What the files of rosters have in common: roster.c (people, devices, the
 * document), roster_link.c (the controller), roster_watch.c (who looks on). */
struct device {
	uint32_t q;
	char medium[8];
	char via[12];
	int64_t left; /* mono ms, 0: is in */
	int seen; /* in this deal */
	TAILQ_ENTRY(device) entry;
};

/* Whoever is in a roster, with all his places. */
struct person {
	char uri[URI_MAX];
	TAILQ_HEAD(, participant) places;
};

struct participant {
	struct roster *roster;
	struct person *person;
	TAILQ_ENTRY(participant) place; /* of the person */
	char uri[URI_MAX];
	char state[16]; /* invited active busy unreachable */
	char reason[4]; /* status of an invitation that is over, or "" */
	char role[12]; /* moderator, or "" */
	char by[URI_MAX]; /* who made this of him, or removed him; "" */
	int hand, muted, floor;
	uint64_t read; /* up to this line of text, 0: he does not say */
	int64_t since;
	unsigned in; /* devices that have not left */
	int seen; /* invited, in this deal */
	int gone; /* to be told removed */
	struct entry entry; /* of the document */
	struct entry seen_entry; /* of that of who looks on */
	int talking;
	struct timer timer; /* a device that left */
	TAILQ_HEAD(, device) devices;
};

struct roster {
	struct pal *pal;
	struct document doc; /* of who takes part */
	struct document watched; /* of who looks on; has who talks */
	int is_watched; /* from the first of them on */
	int wants_talk; /* the controller knows */
	char *cid, *name, *title, *access, *creator;
	char *media, *persistent, *created;
	char *codec, *streams, *select, *level, *record, *speak;
	char *lobby, *locked, *invite;
	char *history, *history_from;
	char *directory, *watch, *parent;
	char *by; /* whose change was the last, "": nobody's */
	int seen;
	unsigned in; /* participants with a device */
	struct map *people; /* by URI */
	struct map *may; /* invited once: they may join, by URI */
	struct map *allowed; /* where it is listed, only these may */
	struct map *barred; /* for them it is not there */
	struct map *by_q; /* participant by q */
};

struct roster *roster_find(struct pal *p, const char *uri);
/* NULL: no memory. */
struct roster *roster_new(struct pal *p, const char *uri);
void	roster_free(struct roster *r);
/* Made if there is none; NULL: no memory. */
struct participant *participant_get(struct roster *r, const char *uri);
/* His entry as it is now. */
void	participant_changed(struct participant *pa);
struct device *device_find(struct participant *pa, uint32_t q);
/* A device of his, which is in from now on. NULL: no memory. */
struct device *device_enter(struct participant *pa, uint32_t q);
void	device_left(struct participant *pa, struct device *d);
/* He does not come, for this reason: it is shown for as long as a device that
 * has left. */
void	participant_refused(struct participant *pa, const char *reason);
/* Is he blocked, in it or in what it was spawned from? */
int	roster_bars(const struct roster *r, const char *user);
/* The fields of the doc line. */
void	roster_head(struct document *d, struct buf *b);
/* `entry TAB URI ...` of the document, without its LF. */
void	participant_put(struct buf *b, const struct participant *pa);
/* A round has told that the entry is removed: the participant goes with the
 * last of his entries. */
void	roster_gone(struct document *d, struct entry *e);

/* --- roster_watch.c */
void	roster_watch_init(struct roster *r);
void	roster_watch_free(struct roster *r);
/* What participant_changed() has told, to those who look on. */
void	participant_watched(struct participant *pa);
/* Without a voice device he does not talk. */
void	participant_hush(struct participant *pa);
/* Title, who may look on, who is in it: as a PAL entry shows it. */
void	roster_changed(struct roster *r);
/* Who looks on may not any more. */
void	roster_recheck(struct roster *r);
/* Dealt: sec-pal says what it wants to hear of it. */
void	roster_watch_dealt(struct roster *r);
void	on_talk(void *ctx, struct ctl_req *req);

#endif
