/*
 * turn: how many search at a time.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/map.h"

#include "turn.h"

struct turns {
	struct map *by_user; /* a count in the place of a pointer */
	unsigned n;
};

struct turns *
turns_new(void)
{
	struct turns *t = calloc(1, sizeof(*t));

	if (t == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	t->by_user = map_new();
	return t;
}

void
turns_free(struct turns *t)
{
	if (t == NULL)
		return;
	map_free(t->by_user);
	free(t);
}

int
turn_take(struct turns *t, const char *user, char *why, size_t n)
{
	intptr_t his = (intptr_t)map_get_str(t->by_user, user);
	int most = *user != '\0' ? TURNS_USER : TURNS_FOR;

	if (his >= most && *user != '\0')
		return sec_refuse(SEC_ERR_LIMIT, why, n,
		    "you have %d searches under way; wait for them", most);
	if (his >= most || t->n >= TURNS_MAX)
		return sec_refuse(SEC_ERR_LIMIT, why, n,
		    "too many search the directory at this moment; try again");
	map_put_str(t->by_user, user, (void *)(his + 1));
	t->n++;
	return 0;
}

void
turn_give(struct turns *t, const char *user)
{
	intptr_t his = (intptr_t)map_get_str(t->by_user, user);

	map_put_str(t->by_user, user, (void *)(his - 1));
	t->n--;
}
