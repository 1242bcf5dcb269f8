#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define OPTIONS_LISTEN 8

/* The command line of every daemon (COMMANDS.md 2.4). */
struct service_options {
	const char	*verb;         /* serve status health drain */
	const char	*name;         /* --name, or NULL */
	const char	*config;
	const char	*listen[OPTIONS_LISTEN];
	size_t		 nlisten;
	int		 inetd;        /* -i */
	int64_t		 idle;         /* ms, 0: never */
	int		 check;
	int		 stop;         /* drain --stop */
	int		 verbose;
	unsigned	 max;          /* 0: not given */
	int64_t		 timeout;      /* ms */
};

struct service_def;

/* -1: go on; else an exit code, everything was said. argv is permuted. */
int	options_parse(struct service_options *o,
	    const struct service_def *def, int argc, char **argv);
/* The verb of service_main() among the arguments, or NULL. */
const char *options_verb(int argc, char **argv);

#endif
