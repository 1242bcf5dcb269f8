/*
 * How many may search the directory at a time, each and all.
 */
#include <stdio.h>
#include <string.h>

#include "../../../cmd/sec-pal/turn.c"
#include "../test.h"

static char why[200];

static int
take(struct turns *t, const char *user, int n)
{
	int i;

	why[0] = '\0';
	for (i = 0; i < n; i++)
		if (turn_take(t, user, why, sizeof(why)) != 0)
			break;
	return i;
}

int
main(void)
{
	struct turns *t = turns_new();
	char user[16];
	int i;

	T_INT(take(t, "alice", 100), TURNS_USER);
	T(strstr(why, "you have 8 searches") != NULL);
	turn_give(t, "alice");
	T_INT(take(t, "alice", 100), 1);
	/* The controller asks for many. */
	T_INT(take(t, "", 100), TURNS_FOR);
	T(strstr(why, "try again") != NULL);
	for (i = 0; i < 3; i++) {
		snprintf(user, sizeof(user), "user%d", i);
		T_INT(take(t, user, TURNS_USER), TURNS_USER);
	}
	/* All together. */
	T_INT(take(t, "bob", 1), 0);
	T(strstr(why, "try again") != NULL);
	turn_give(t, "");
	T_INT(take(t, "bob", 2), 1);
	turns_free(t);
	turns_free(NULL);
	return t_done();
}
