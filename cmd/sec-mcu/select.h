#ifndef SEC_MCU_SELECT_H
#define SEC_MCU_SELECT_H

#include <stdint.h>

/*
 * Who is heard in a room (RFC 7667 3.7): at most `streams` talkers, by the
 * level in the clear. Only arriving packets cost anything, each as much as
 * there are slots; who sends nothing costs nothing. Time is the caller's, ms.
 *
 * While there is a free slot, whoever sends has it. Else, by `loudest`, a
 * talker takes the slot of the weakest when he has been clearly louder for
 * some packets; at once, as by `first`, when the one in it has stopped or
 * paused for long. So two of like loudness do not take turns.
 */
#define SELECT_MAX     16
#define SELECT_GONE    300             /* ms without a packet */
#define SELECT_PAUSE   1000            /* ms of silence */
#define SELECT_STAY    500             /* ms that a slot is kept at least */
#define SELECT_BIDS    3               /* packets in a row */
#define SELECT_MARGIN  8               /* dB: more than a step of 6 */
#define SELECT_SILENT  60              /* -dBov and below: no speech */
#define SELECT_DECAY   12              /* dB that a peak loses in a second */

enum select_how {
	SELECT_LOUDEST,
	SELECT_FIRST,
};

struct talker {                        /* all zero: never heard */
	int64_t		 heard;        /* last packet */
	int64_t		 voiced;       /* last one that was not silent */
	int64_t		 since;        /* in its slot */
	int32_t		 power;        /* 1/256 dB above silence */
	uint8_t		 slot;         /* 1.., 0: none */
	uint8_t		 bids;         /* packets clearly louder */
};

struct select {
	enum select_how	 how;
	unsigned	 streams;      /* 1..SELECT_MAX */
	unsigned	 used;
	struct talker	*slot[SELECT_MAX];     /* the first `used` */
};

void	select_set(struct select *s, unsigned streams, enum select_how how);
/* A packet of t. 1: forward it. */
int	select_packet(struct select *s, struct talker *t, int64_t now,
	    uint8_t level, int voice);
void	select_leave(struct select *s, struct talker *t);
/* Is he speaking? */
int	select_is_talking(const struct talker *t, int64_t now);

#endif
