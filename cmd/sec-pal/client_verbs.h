#ifndef SEC_PAL_CLIENT_VERBS_H
#define SEC_PAL_CLIENT_VERBS_H

#include "cli/agent.h"

/* The verbs of the client half, by file; each returns the exit code. */

#define CALL_MS 10000                  /* -T when not given */

/* client.c */
int	run_list(struct cli *c);
int	run_add(struct cli *c);
int	run_rm(struct cli *c);
int	run_watchers(struct cli *c);
int	run_set(struct cli *c);
int	run_put(struct cli *c);
int	run_serve(struct cli *c);
/* The rows for the operands and -s; 0 or an exit code. */
struct entries;
int	list_fetch(struct cli *c, struct entries *l);
/* As -q or -j want it, or a table; since: with the time. */
void	list_print(struct cli *c, const struct entries *l, int since);
/* client_watch.c */
int	run_watch(struct cli *c);
/* client_show.c */
int	run_show(struct cli *c);
int	run_get(struct cli *c);

/* --- client_entry.c: an entry of a PAL as the agent tells it --- */
struct field {
	char	*name, *value;
};

struct entry {
	char		 name[AGENT_SHORT_MAX];
	char		*uri;
	size_t		 n;
	struct field	*field;
};

struct entries {
	struct ctl_client	*a;
	struct entry		*e;
	size_t			 n, cap;
};

/* For agent_rows(): the row as one entry more; arg is a struct entries. */
int	entries_take(void *arg, const struct line *row);
/* People first, conferences last, each by name. */
void	entries_sort(struct entries *l);
void	entries_free(struct entries *l);

/* "" for one that it does not have. */
const char *entry_get(const struct entry *e, const char *attr);
/* What is to be said beside its status, in a few words. */
void	entry_note(const struct entries *l, const struct entry *e,
	    struct buf *b);
/* A word from others as a line. */
void	entry_line(const char *s);
/* All that it has, with the fixed fields first. */
void	entry_json(struct json *j, const struct entry *e);
/* All that it has, an attribute in a line. */
void	entry_print(const struct entries *l, const struct entry *e);

#endif
