#ifndef SEC_PAL_ROSTER_PRIV_H
#define SEC_PAL_ROSTER_PRIV_H

#include "roster.h"

/* What the files of rosters have in common: roster.c (people, devices, the
 * document), roster_link.c (the controller). */
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
	int64_t since;
	unsigned in; /* devices that have not left */
	int seen; /* invited, in this deal */
	int gone; /* to be told removed */
	struct entry entry; /* of the document */
	struct timer timer; /* a device that left */
	TAILQ_HEAD(, device) devices;
};

struct roster {
	struct pal *pal;
	struct document doc;
	char *cid, *name, *title, *access, *creator;
	char *media, *persistent, *created;
	char *codec, *streams, *select;
	int seen;
	unsigned in; /* participants with a device */
	struct map *people; /* by URI */
	struct map *may; /* invited once: they may join, by URI */
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

#endif
