#include <inttypes.h>

#include "base/map.h"
#include "../test.h"

#define MANY 20000

static void
test_small(void)
{
	struct map *m = map_new();
	char a = 'a', b = 'b';

	T_INT(map_count(m), 0);
	T(map_get_str(m, "alice") == NULL);
	T(map_put_str(m, "alice", &a) == NULL);
	T(map_get_str(m, "alice") == &a);
	T(map_put_str(m, "alice", &b) == &a);
	T(map_get_str(m, "alice") == &b);
	T_INT(map_count(m), 1);
	T(map_put(m, "al\0ice", 6, &a) == NULL);
	T(map_get(m, "al\0ice", 6) == &a);
	T(map_get(m, "al\0ic", 5) == NULL);
	T(map_put(m, NULL, 0, &a) == NULL);
	T(map_get(m, NULL, 0) == &a);
	T(map_get_str(m, "") == &a);
	T(map_put_u64(m, 7, &b) == NULL);
	T(map_get_u64(m, 7) == &b);
	T(map_get_u64(m, 8) == NULL);
	T(map_del_u64(m, 7) == &b);
	T(map_del_u64(m, 7) == NULL);
	T(map_del_str(m, "alice") == &b);
	T(map_del_str(m, "bob") == NULL);
	T_INT(map_count(m), 2);
	map_free(m);
	map_free(NULL);
}

static void
test_many(void)
{
	static int values[MANY];
	struct map *m = map_new();
	size_t i, n, seen;
	int *v, right = 1;

	for (i = 0; i < MANY; i++)
		right = right && map_put_u64(m, i * i, &values[i]) == NULL;
	T_INT(map_count(m), MANY);
	for (i = 0; i < MANY; i++)
		right = right && map_get_u64(m, i * i) == &values[i];
	T(right);

	/* Each value once; delete every second while iterating. */
	for (i = seen = 0; (v = map_next(m, &i)) != NULL; seen++) {
		n = (size_t)(v - values);
		right = right && *v == 0;
		*v = 1;
		if (n % 2 == 0)
			right = right && map_del_u64(m, n * n) == v;
	}
	T(right);
	T_INT(seen, MANY);
	T_INT(map_count(m), MANY / 2);
	for (i = 0; i < MANY; i++)
		right = right &&
		    map_get_u64(m, i * i) == (i % 2 ? &values[i] : NULL);
	T(right);
	map_free(m);
}

/* Comings and goings do not fill the table with what was deleted. */
static void
test_churn(void)
{
	struct map *m = map_new();
	char key[32];
	int x, right = 1;
	uint64_t i;

	for (i = 0; i < 200000; i++) {
		snprintf(key, sizeof(key), "c-%" PRIu64, i);
		right = right && map_put_str(m, key, &x) == NULL;
		if (i >= 10) {
			snprintf(key, sizeof(key), "c-%" PRIu64, i - 10);
			right = right && map_del_str(m, key) == &x;
		}
	}
	T(right);
	T_INT(map_count(m), 10);
	map_free(m);
}

int
main(void)
{
	test_small();
	test_many();
	test_churn();
	return t_done();
}
