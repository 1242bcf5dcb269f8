#ifndef SEC_TALK_TERMINAL_H
#define SEC_TALK_TERMINAL_H

/*
 * While the terminal of stdin is in our hands: however we end by exit(3), as
 * die() does, it is as it was at terminal_hold().
 */
void	terminal_hold(void);
/* For signal handlers, too. */
void	terminal_put_back(void);
/* It has been put in order. */
void	terminal_release(void);

#endif
