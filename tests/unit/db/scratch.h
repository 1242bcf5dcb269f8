#ifndef TESTS_UNIT_DB_SCRATCH_H
#define TESTS_UNIT_DB_SCRATCH_H

/* A state directory of its own for a test, removed at its end. */
#include <stdio.h>
#include <stdlib.h>
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

#endif
