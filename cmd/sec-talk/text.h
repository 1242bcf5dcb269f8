#ifndef SEC_TALK_TEXT_H
#define SEC_TALK_TEXT_H

#include <stdint.h>

#include "voice.h"

/*
 * Text of one conference: stdin and stdout on one side, the user's agent on
 * the other; a voice device beside it if there is one.
 */
struct talk;

/* Join the first operand; 0 or an exit code (message printed). seconds: -t,
 * or -1. */
int	text_open(struct talk **out, struct cli *c, int64_t seconds);
/* Has the conference this medium? */
int	text_has(const struct talk *t, const char *medium);
/* Until it ends; v (its owner from now on) may be NULL. The exit code. */
int	text_run(struct talk *t, struct voice *v);
void	text_close(struct talk *t);
/* A line for people: arg is the struct talk. */
void	text_notice(void *arg, const char *line);

#endif
