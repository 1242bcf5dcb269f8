#ifndef UA_RING_H
#define UA_RING_H

#include <stddef.h>
#include <stdint.h>

/*
 * The last events of an agent, numbered from 1 (COMMANDS.md D5). A ring has
 * a random name, so that a mark taken before a restart is known as one of
 * another ring.
 */
struct ring;

#define RING_EVENTS  4096
#define RING_NAMELEN 17

struct ring_event {
	uint64_t	 seq;
	int64_t		 time;         /* ms since 1970 */
	const char	*fields;       /* "TAB key=value ..." */
};

struct ring *ring_new(size_t max);
void	ring_free(struct ring *r);
const char *ring_name(const struct ring *r);
/* Copies fields; returns the event's number. */
uint64_t ring_add(struct ring *r, int64_t time, const char *fields);
uint64_t ring_last(const struct ring *r);      /* 0: none yet */
/* Borrowed until the next ring_add(); NULL: not (any more) there. */
const struct ring_event *ring_get(const struct ring *r, uint64_t seq);

/*
 * Where a reader that saw `since` (of the ring `name`, NULL: this one) goes
 * on: the first number to show. When events between were lost, or the mark
 * is of another ring, returns 1 with the gap in *from and *to, else 0.
 */
int	ring_since(const struct ring *r, const char *name, uint64_t since,
	    uint64_t *next, uint64_t *from, uint64_t *to);

#endif
