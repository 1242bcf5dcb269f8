#ifndef SEC_TALK_METER_H
#define SEC_TALK_METER_H

#include "seat.h"

/*
 * The terminal of a voice device: one line at the bottom of stderr with the
 * mic and who talks, and keys from stdin.
 *
 *	[mic OFF ........]  standup: alice bob* carol
 */
struct meter;

struct meter_view {
	struct seat	*const *seats;
	size_t		 n;
	int		 mic;          /* seat whose mic is on, or -1 */
	int		 latched;      /* it stays on */
	int		 level;        /* of what is captured, -dBov */
	int64_t		 now;          /* mono ms */
};

/* NULL: no terminal. first: the line above, which explains the keys. */
struct meter *meter_open(const char *first);
/* The terminal is as it was; NULL is allowed. */
void	meter_close(struct meter *m);
/* The same for a while (ctrl-z). */
void	meter_suspend(struct meter *m);
void	meter_resume(struct meter *m);
/* Draw what has changed. */
void	meter_draw(struct meter *m, const struct meter_view *v);
/* A line above it. */
void	meter_print(struct meter *m, const char *line);
/* The width is another one. */
void	meter_resize(struct meter *m);
/*
 * stdin is readable: keys into out, at most n; their number, -1: it ended.
 * Terminals that speak kitty's keyboard protocol also tell when the space
 * bar is let go: METER_UP.
 */
#define METER_UP '\177'
int	meter_keys(struct meter *m, char *out, int n);

#endif
