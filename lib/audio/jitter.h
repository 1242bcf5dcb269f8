#ifndef AUDIO_JITTER_H
#define AUDIO_JITTER_H

#include <stddef.h>
#include <stdint.h>

/*
 * How long a packet has to wait so that nearly all of its kind are there in
 * time: the delay of the fastest of late, plus what 97 of 100 need, plus the
 * floor. Times in microseconds; `sent` is in the sender's clock, whose zero
 * does not matter and whose rate may be wrong.
 */
#define JITTER_MEMORY 256              /* packets */
#define JITTER_MAX_US 400000

struct jitter {
	int64_t		floor;         /* us */
	int64_t		transit[JITTER_MEMORY];
	size_t		n, at;
	int64_t		least;         /* of transit */
	int64_t		wait;          /* floor included */
	unsigned	fresh;         /* packets since they were computed */
};

void	jitter_init(struct jitter *j, int64_t floor_us);
void	jitter_put(struct jitter *j, int64_t sent, int64_t now);
/* When a packet sent then is to be played, in our clock. */
int64_t	jitter_due(const struct jitter *j, int64_t sent);
/* What is waited beyond the fastest packet. */
int64_t	jitter_wait(const struct jitter *j);

#endif
