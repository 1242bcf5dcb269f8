#ifndef SEC_TALK_SIGNALS_H
#define SEC_TALK_SIGNALS_H

#include <signal.h>
#include <stddef.h>

/*
 * INT, TERM and HUP end politely, a second one at once; USR1 is the mic;
 * WINCH redraws, and where a terminal is in our hands TSTP, CONT and QUIT are
 * caught, too. None gets lost; those that end us come through at any time,
 * the others stay blocked but in signals_poll(). PIPE and XFSZ are ignored.
 */
extern volatile sig_atomic_t signal_end;       /* its number */
extern volatile sig_atomic_t signal_resized, signal_mic;
extern volatile sig_atomic_t signal_stopping, signal_going_on;

void	signals_catch(int terminal);
/* ppoll(2) with signals; all revents are 0 if it failed. */
struct pollfd;
struct timespec;
int	signals_poll(struct pollfd *p, size_t n, const struct timespec *ts);
/* ctrl-z: as if we had not caught it; returns when it goes on. */
void	signals_stop(void);

#endif
