#ifndef CTL_TRACE_H
#define CTL_TRACE_H

#include <stddef.h>

/*
 * With -v -v (LOG_L_TRACE): a line that goes or comes, as `event server=
 * verb=` and those of its fields that name and count things. Never what may
 * be a key, a text or a note. Without it, nothing.
 */
void	ctl_trace(const char *event, int server, const void *line, size_t n);

#endif
