#ifndef SEC_TALK_RECEIPT_H
#define SEC_TALK_RECEIPT_H

#include <stdint.h>

#include "cli/agent.h"

/*
 * --receipts: the others are told which line of a conference that keeps its
 * text was shown here last; of many lines at most one a second.
 */
struct receipts;

/* NULL in out without --receipts. 0 or an exit code (message printed). */
int	receipts_open(struct receipts **out, struct cli *c,
	    const char *conf);
/* Tells what it has not told yet. NULL allowed, as below. */
void	receipts_close(struct receipts *r);
/* The line of this number stands on the output; 0: it has none. */
void	receipts_shown(struct receipts *r, int64_t line);
int	receipts_fd(const struct receipts *r);  /* -1: nothing to read */
/* When receipts_turn() has something to do: mono ms, 0: never. */
int64_t	receipts_due(const struct receipts *r);
void	receipts_turn(struct receipts *r);

#endif
