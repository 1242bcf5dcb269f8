#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * Hash table from byte strings to pointers, keyed with SipHash under a
 * random key per process, so strangers' keys cannot make it slow. The
 * table copies keys; values are borrowed.
 */
struct map;

struct map *map_new(void);
void	map_free(struct map *m);               /* values are not touched */
void	*map_get(const struct map *m, const void *key, size_t n);
/* Insert or replace, with value NULL remove; returns the value that was
 * there, or NULL. */
void	*map_put(struct map *m, const void *key, size_t n, void *value);
/* Remove; returns the value, or NULL. */
void	*map_del(struct map *m, const void *key, size_t n);
size_t	map_count(const struct map *m);

void	*map_get_str(const struct map *m, const char *key);
void	*map_put_str(struct map *m, const char *key, void *value);
void	*map_del_str(struct map *m, const char *key);
void	*map_get_u64(const struct map *m, uint64_t key);
void	*map_put_u64(struct map *m, uint64_t key, void *value);
void	*map_del_u64(struct map *m, uint64_t key);

/*
 * Iterate: size_t i = 0; while ((v = map_next(m, &i)) != NULL) ...
 * Deleting the entry just returned is allowed while iterating; inserting
 * is not.
 */
void	*map_next(const struct map *m, size_t *i);

#endif
