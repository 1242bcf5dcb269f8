#ifndef TESTS_UNIT_WIRE_EXACT_H
#define TESTS_UNIT_WIRE_EXACT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * For decoders that take exactly one length: decode() must accept the n
 * bytes at p and refuse every prefix and 1..16 bytes more. Each try has a
 * block of its own, so that the sanitizer sees a read past the end.
 * Returns 1 if all is so.
 */
static inline int
is_exact(const void *p, size_t n, int (*decode)(const uint8_t *, size_t))
{
	uint8_t *copy;
	size_t len;
	int r, ok = 1;

	for (len = 0; len <= n + 16; len++) {
		if ((copy = malloc(len > 0 ? len : 1)) == NULL)
			return 0;
		memset(copy, 0, len);
		memcpy(copy, p, len < n ? len : n);
		r = decode(copy, len);
		free(copy);
		if ((r == 0) != (len == n)) {
			printf("# %zu of %zu bytes: %d\n", len, n, r);
			ok = 0;
		}
	}
	return ok;
}

#endif
