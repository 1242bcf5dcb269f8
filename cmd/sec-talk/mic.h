#ifndef SEC_TALK_MIC_H
#define SEC_TALK_MIC_H

#include <stdint.h>

/*
 * Which seat's mic is on, and until when. One that was opened and forgotten
 * closes by itself; one that was latched, and a file's, do not.
 */
#define MIC_LIMIT_MS 120000            /* that nobody speaks into it */

struct mic {
	int	at;                    /* seat that hears us, -1 */
	int	last;                  /* where it was last */
	int	latched;               /* on, whether anybody speaks or not */
	int	agents;                /* a tool has opened it, not a key */
	int64_t	until;                 /* mono ms: off then; 0: no bound */
	int64_t	spoke;                 /* mono ms: anything was said */
};

void	mic_init(struct mic *m, int64_t now);
/* On at this seat, for ms at most (0: no bound), or off (-1); neither
 * latched nor a tool's. 1 if that is another seat than before. */
int	mic_set(struct mic *m, int at, int64_t ms, int64_t now);
/* Time passes. talking: somebody speaks into it; card: it is a sound card's.
 * 1: it is to be closed. */
int	mic_is_over(struct mic *m, int talking, int card, int64_t now);
/* Seat i has gone, n are left. 1: its mic was on. */
int	mic_drop(struct mic *m, int i, int n);

#endif
