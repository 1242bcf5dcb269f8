#ifndef RTP_REPLAY_H
#define RTP_REPLAY_H

#include <stdint.h>

/*
 * Which counters of one q were there (SECURITY.md 3.6): everything below the
 * newest by REPLAY_WINDOW or more counts as seen. All zero is a new one.
 * Check, verify the tags, then mark, then use.
 */
#define REPLAY_WINDOW 128

struct replay {
	uint64_t	next;          /* newest + 1; 0: nothing yet */
	uint64_t	seen[2];       /* bit i: newest - i */
};

/* 0, SEC_ERR_REPLAY (seen) or SEC_ERR_EXPIRED (too far behind). */
int	replay_check(const struct replay *r, uint64_t counter);
/* Of a counter that passed the check. */
void	replay_mark(struct replay *r, uint64_t counter);

#endif
