#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "cli/args.h"

/*
 * Completion, out of the program's own table: what may stand in place of the
 * last of n words (the ones behind the program's name), one candidate per
 * line. Names of conferences, people and invitations come from the agent,
 * in 50 ms or not at all. Nothing printed: a file name may stand there.
 * common: the options of every program.
 */
int	complete_print(const struct cli_prog *p, const struct cli_opt *common,
	    char **words, int n);

#endif
