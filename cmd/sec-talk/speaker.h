#ifndef SEC_TALK_SPEAKER_H
#define SEC_TALK_SPEAKER_H

#include <stdint.h>
#include <sys/queue.h>

#include "audio/earcon.h"
#include "audio/level.h"
#include "audio/playout.h"
#include "rtp/sink.h"

/* One other device in a conference: who it is, and his voice. */
struct speaker {
	uint32_t		 q;
	char			 user[320];    /* URI, "": not told yet */
	int			 in;           /* the roster has it */
	struct playout		*playout;      /* NULL: he is not played */
	struct speech		 speech;
	int			 talking;
	int			 told;         /* the agent knows it */
	int64_t			 since;        /* mono ms of this utterance */
	int64_t			 came;         /* mono ms of the last packet */
	long			 levels;       /* sum of them, and */
	long			 nlevels;      /* their number, in it */
	uint64_t		 lost, packets;        /* at its beginning */
	struct earcon_player	 player;
	struct seat_stem	*stem;         /* the seat's */
	TAILQ_ENTRY(speaker)	 entry;
};
TAILQ_HEAD(speakers, speaker);

struct speaker *speaker_new(uint32_t q);
void	speaker_free(struct speaker *k);
/* A packet with this level came, or (level < 0) time has passed. Returns 1
 * when he begins to talk, -1 when he ends, 0. */
int	speaker_level(struct speaker *k, int level, int64_t now,
	    uint64_t lost);
/* Of the utterance that just ended, or goes on. */
int	speaker_db(const struct speaker *k);

#endif
