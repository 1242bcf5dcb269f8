#ifndef TESTS_UNIT_CLI_CAPTURE_H
#define TESTS_UNIT_CLI_CAPTURE_H

/*
 * What a function writes to stdout and stderr: capture_begin(), the call,
 * capture_end(). The texts are valid until the next capture.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static char capture_out[65536], capture_err[65536];
static int capture_fd[2], capture_saved[2];

__attribute__((unused)) static void
capture_begin(void)
{
	int i;

	fflush(stdout);
	for (i = 0; i < 2; i++) {
		capture_saved[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, 10);
		capture_fd[i] = memfd_create("capture", MFD_CLOEXEC);
		if (capture_fd[i] < 0 || dup2(capture_fd[i], i + 1) < 0)
			exit(1);
	}
}

__attribute__((unused)) static void
capture_end(void)
{
	char *to[2] = { capture_out, capture_err };
	ssize_t n;
	int i;

	fflush(stdout);
	for (i = 0; i < 2; i++) {
		dup2(capture_saved[i], i + 1);
		n = pread(capture_fd[i], to[i], sizeof(capture_out) - 1, 0);
		to[i][n < 0 ? 0 : n] = '\0';
		close(capture_fd[i]);
		close(capture_saved[i]);
	}
}

#endif
