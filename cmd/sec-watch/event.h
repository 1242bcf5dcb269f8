#ifndef SEC_WATCH_EVENT_H
#define SEC_WATCH_EVENT_H

#include <sys/queue.h>

#include "base/buf.h"
#include "wire/line.h"
#include "wire/uri.h"

/* One event: the agent's row as JSON, and as environment for a hook. */
struct event {
	struct buf		 json;         /* with its LF */
	char			**env;         /* NAME=value, NULL at the end */
	size_t			 nenv;
	TAILQ_ENTRY(event)	 entry;
};
TAILQ_HEAD(events, event);

/* hook: fill env too. Caller frees with event_free(). */
struct event *event_new(const struct line *row, int hook);
void	event_free(struct event *e);

/* What is asked for: nothing given means all. */
#define FILTER_MAX 64
struct filter {
	/* A bare word may be a conference or somebody's name. */
	char		 conf[FILTER_MAX][URI_MAX], entry[FILTER_MAX][URI_MAX];
	size_t		 nconf;
	const char	*glob[FILTER_MAX];
	size_t		 nglob;
	char		 by[URI_MAX];
};
int	filter_wants(const struct filter *f, const struct line *row);

#endif
