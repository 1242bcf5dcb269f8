#ifndef SEC_WATCH_HOOK_H
#define SEC_WATCH_HOOK_H

#include "event.h"

/*
 * -x: a command per event, one at a time and in order, the object on its
 * stdin, each field as SEC_EV_NAME.
 */
/* Start `sh -c command`; its pid, or SEC_ERR_SYS. */
int	hook_start(const char *command, const struct event *e);
/* Say on stderr how it failed, if it did. */
void	hook_report(const char *command, int status);

#endif
