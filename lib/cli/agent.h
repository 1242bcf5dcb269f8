#ifndef CLI_AGENT_H
#define CLI_AGENT_H

#include "cli/args.h"
#include "ctl/call.h"

/*
 * Calls to the user's agent. Which session: -u, else SEC_USER, else the
 * only one; otherwise exit 2 with the list. No agent: exit 3 naming
 * sec-login.
 */
/* 0 or an exit code (message already printed). */
int	agent_open(struct cli *c, struct ctl_client **out);
/* Send the call begun with ctl_client_begin() and take rows: each row goes
 * to cb (may be NULL) until ok. 0 or SEC_ERR_*; prints nothing. last: the
 * ok line's fields stay readable until the next call, may be NULL. */
int	agent_rows(struct ctl_client *a, int64_t deadline_ms,
	    int (*cb)(void *arg, const struct line *row), void *arg,
	    struct line *last);
/* Print the error of a failed call: `PROG: reason`, returns exit code. */
int	agent_fail(struct cli *c, struct ctl_client *a, int err);
/* Own domain and user as the agent said at agent_open(). */
const char *agent_domain(const struct ctl_client *a);
const char *agent_user(const struct ctl_client *a);
/* Shortest typable form of a URI. */
char	*agent_short(const struct ctl_client *a, char *out, const char *uri,
	    int mixed);

#endif
