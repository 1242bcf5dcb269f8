#ifndef SEC_LOGIN_LOGIN_H
#define SEC_LOGIN_LOGIN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/secret.h"
#include "cli/args.h"

/* --- password.c --- */
/* The first line of FILE ("-": standard input, read no further), with NUL.
 * 0 or SEC_ERR_*; why: a sentence. */
int	password_read(const char *file, struct secret **out, char *why,
	    size_t n);
/* Ask on the terminal, without echo. 0; SEC_ERR_NOTHING: no terminal;
 * SEC_ERR_SYS: interrupted. */
int	password_ask(const char *principal, struct secret **out);

/* --- start.c --- */
/* Start sec-agent with one end of a socket as its descriptor 3; returns the
 * other, or SEC_ERR_*. foreground: this process becomes the agent, and the
 * function returns in a child that says the rest. */
int	agent_start(int foreground, int verbose);
/* Hand over the line, take the answer's line (NUL-terminated) into out. 0,
 * SEC_ERR_TIMEOUT or SEC_ERR_CLOSED. */
int	agent_login(int fd, struct buf *line, int64_t ms, char *out,
	    size_t n);
/* Run argv with SEC_USER set and wait; its exit status. */
int	command_run(char **argv, const char *user);

#endif
