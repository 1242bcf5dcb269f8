#ifndef TESTS_UNIT_DB_SCRATCH_H
#define TESTS_UNIT_DB_SCRATCH_H

/*
 * A state directory of its own for a test, removed at its end, and notes of
 * the rows that a question was answered with.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch[64] = "/tmp/sec-db-XXXXXX";

static void
scratch_remove(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", scratch);
	if (system(cmd) != 0)
		fprintf(stderr, "cannot remove %s\n", scratch);
}

static void
scratch_make(void)
{
	if (mkdtemp(scratch) == NULL)
		exit(1);
	setenv("SEC_DIR", scratch, 1);
	atexit(scratch_remove);
}

/* Appended by note(); the test empties it. */
static char seen[4096];

__attribute__((format(printf, 1, 2), unused)) static void
note(const char *fmt, ...)
{
	size_t n = strlen(seen);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen + n, sizeof(seen) - n, fmt, ap);
	va_end(ap);
}

#endif
