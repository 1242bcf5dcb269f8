#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>

/*
 * Keys from birth to wipe (SECURITY.md 3.8). Memory comes from a slab of
 * pages that are locked (if RLIMIT_MEMLOCK lets us) and not dumped, with
 * free lists of fixed sizes (32, 64, 128, 256, 1024 bytes). There is no
 * print function.
 */
struct secret;

/* A new secret of n bytes (1..1024), all zero. Never NULL: dies when there
 * is no memory, since no daemon can go on without keys. */
struct secret *secret_new(size_t n);
/* A copy of n bytes at p. */
struct secret *secret_copy(const void *p, size_t n);
/* A copy of another secret; NULL gives NULL. */
struct secret *secret_dup(const struct secret *s);
/* Part of s. */
struct secret *secret_slice(const struct secret *s, size_t off, size_t n);
/* Wipe and free; NULL allowed. */
void	secret_free(struct secret *s);

const void *secret_data(const struct secret *s);
void	*secret_fill(struct secret *s);   /* to write the bytes once */
size_t	secret_size(const struct secret *s);

/* Constant time; different sizes are not equal. */
int	secret_equal(const struct secret *a, const struct secret *b);
/* Constant-time compare of n public or secret bytes: 1 if equal. */
int	secret_memequal(const void *a, const void *b, size_t n);

/* Number of live secrets: tests show that nothing was left. */
size_t	secret_count(void);

#endif
