#ifndef AUDIO_PLAYOUT_H
#define AUDIO_PLAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "audio/codec.h"

/*
 * One speaker's voice: packets in as they come, samples out at an even pace.
 * It waits as long as the network's jitter demands and no longer: after a
 * burst the delay goes back to its floor, and the difference between the
 * speaker's clock and ours is absorbed, by taking out or putting in single
 * periods of the sound. What is lost is restored from the packet behind it
 * (FEC) or concealed.
 *
 * Times are monotonic microseconds and only come as arguments.
 */
#define PLAYOUT_FLOOR_US 12000         /* a piece of 10 ms, and 2 ms */
#define PLAYOUT_PACKETS	 64            /* that wait */

struct playout;

struct playout_stats {
	uint64_t	packets;       /* played */
	uint64_t	concealed;     /* lost and made up */
	uint64_t	restored;      /* lost and restored by FEC */
	uint64_t	late;          /* came too late, or twice */
	uint64_t	starved;       /* samples made up for want of any */
	uint64_t	shrunk, grown; /* samples taken out and put in */
	uint64_t	dropped;       /* packets, since too many waited */
};

struct playout *playout_new(enum codec c, int64_t floor_us);
void	playout_free(struct playout *p);
/* ts: of the RTP clock. Returns 0 or SEC_ERR_FORMAT. */
int	playout_put(struct playout *p, uint32_t ts, int marker,
	    const uint8_t *payload, size_t n, int64_t now);
/* n <= AUDIO_FRAME samples for now. Returns 1 if there is a voice in them,
 * 0: silence. */
int	playout_get(struct playout *p, int16_t *out, size_t n, int64_t now);
/* Is nothing left to play? */
int	playout_is_idle(const struct playout *p);
/* What lay between a packet's arrival, were it the fastest, and its playing
 * at the last playout_get(), in us; 0 when idle. */
int64_t	playout_delay(const struct playout *p);
const struct playout_stats *playout_stats(const struct playout *p);

#endif
