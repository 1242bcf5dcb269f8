#ifndef SEC_TALK_SIGNALS_H
#define SEC_TALK_SIGNALS_H

#include <signal.h>

/*
 * INT, TERM and HUP end politely, a second one at once; USR1 is the mic;
 * WINCH redraws, and where a terminal is in our hands TSTP, CONT and QUIT are
 * caught, too. All stay blocked but in ppoll(2), so none gets lost. PIPE and
 * XFSZ are ignored.
 */
extern volatile sig_atomic_t signal_end;       /* its number */
extern volatile sig_atomic_t signal_resized, signal_mic;
extern volatile sig_atomic_t signal_stopping, signal_going_on;

/* *waiting: the mask for ppoll(2). */
void	signals_catch(sigset_t *waiting, int terminal);
/* ctrl-z: as if we had not caught it; returns when it goes on. */
void	signals_stop(void);

#endif
