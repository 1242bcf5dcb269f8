#ifndef SEC_PAL_TURN_H
#define SEC_PAL_TURN_H

#include <stddef.h>

/*
 * Searches that are under way, of each user and in all: a directory that
 * takes its time is not asked without end.
 */
#define TURNS_MAX  64
#define TURNS_USER 8
#define TURNS_FOR  32                  /* of the controller, for all users */

struct turns;

struct turns *turns_new(void);
void	turns_free(struct turns *t);
/* One more, of this user; "" is the controller. 0, or SEC_ERR_LIMIT and a
 * sentence in why. */
int	turn_take(struct turns *t, const char *user, char *why, size_t n);
/* It has ended. */
void	turn_give(struct turns *t, const char *user);

#endif
