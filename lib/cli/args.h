#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "cli/emit.h"

struct cli;

/*
 * Options and verbs from one table per program (its .def file), from which
 * help, usage and completion (cli/complete) come as well (COMMANDS.md 2.2,
 * 5).
 */
struct cli_opt {
	char		 c;            /* short letter, 0 = none */
	const char	*name;         /* long name */
	const char	*arg;          /* "SEC", NULL = flag */
	const char	*help;
};

struct cli_verb {
	const char	*verb;         /* "" = the program without a verb */
	const char	*args;         /* "[-n NAME] [WHO ...]" */
	const char	*help;         /* one line */
	/* Options that it takes besides the common ones: letters and long
	 * names, with commas between ("nmwW,title,open"). A word is a long
	 * name if it is one. A "+" among the letters: options end at its
	 * first operand (`run USER COMMAND -x`). */
	const char	*opts;
	int		 min, max;     /* operands; max -1: any */
	int		(*run)(struct cli *c);
};

struct cli_prog {
	const char		*name;         /* "sec-pal" */
	const char		*about;
	const char *const	*examples;     /* NULL-terminated */
	const struct cli_opt	*opts;         /* beyond the common ones */
	const struct cli_verb	*verbs;        /* ends with verb NULL */
	/* Options end at the first operand of any verb. */
	int			 stop_at_operand;
};

/* Parse, run the verb, return the exit code. Handles -h -V and the common
 * options -j -q -v -u -T -y; PROG_NAME is set for messages. */
int	cli_main(const struct cli_prog *p, int argc, char **argv);

/* NULL: there is none. An option is `-x` or `--name`, common ones too. */
const struct cli_verb *cli_find_verb(const struct cli_prog *p,
	    const char *word);
const struct cli_opt *cli_find_option(const struct cli_prog *p,
	    const char *word);
/* Is o among the verb's own options? */
int	cli_verb_takes(const struct cli_prog *p, const struct cli_verb *v,
	    const struct cli_opt *o);

/* For verbs. */
const char *cli_verb(const struct cli *c);
int	cli_argc(const struct cli *c);
char	**cli_argv(const struct cli *c);       /* operands, NULL at the end */
int	cli_flag(const struct cli *c, const char *opt);   /* times given */
/* Last value, or NULL; cli_values: all. opt: "n" or long name. */
const char *cli_value(const struct cli *c, const char *opt);
size_t	cli_values(const struct cli *c, const char *opt,
	    const char **out, size_t max);
enum emit_mode cli_mode(const struct cli *c);
/* -T in ms, or def. */
int64_t	cli_timeout(const struct cli *c, int64_t def);
/* Index among the operands of the first one behind `--`, or -1. */
int	cli_command(const struct cli *c);
/* Does the program have a terminal to ask on and no -y? Without either, a
 * question is a usage error. */
int	cli_may_ask(const struct cli *c);
/* Usage error: three lines on stderr, returns 2. */
int	cli_usage(const struct cli *c, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
extern const char *cli_prog_name;

#endif
