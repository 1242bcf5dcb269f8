#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * Other programs. They get descriptors 0-2 and nothing else, and signals as
 * by default. argv[0] is a path.
 */

/* Start with 0-2 as given (-1: /dev/null). Pid, or -1 (errno). */
pid_t	spawn_start(const char *const argv[], int in, int out, int err);
/* Run to its end with inlen bytes of input; what it writes is appended to
 * out and err. Exit status, 128+n for a signal, 127: could not run. */
int	spawn_run(const char *const argv[], const void *input, size_t inlen,
	    struct buf *out, struct buf *err);
/* Path of a program in $PATH or the sbin directories that a user's PATH
 * lacks, into out (PATH_LEN bytes); NULL when there is none. */
const char *spawn_find(const char *name, char *out);
/* Path of a program of ours: beside this one or, installed, next door. */
const char *spawn_find_own(const char *name, char *out);

#endif
