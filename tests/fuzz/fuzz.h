#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

/*
 * Fuzz targets, one per decoder: besides not crashing, what was accepted
 * must hold what the header promises. Build with `make FUZZ=1 fuzzers`.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define MUST(cond)                                                         \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__,   \
			    __LINE__, #cond);                              \
			abort();                                           \
		}                                                          \
	} while (0)

#endif
