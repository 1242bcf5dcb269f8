#ifndef CLI_AGENT_H
#define CLI_AGENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/path.h"
#include "cli/args.h"
#include "ctl/call.h"

/*
 * Calls to the user's agent. Which session: -u, else SEC_USER, else the
 * only one; otherwise exit 2 with the list. No agent: exit 3 naming
 * sec-login.
 */
/* 0 or an exit code (message already printed). */
int	agent_open(struct cli *c, struct ctl_client **out);
/* My sessions whose agents answer; their number, at most max. */
struct agent_session {
	char	user[128], domain[256];
	char	path[PATH_LEN];
};
size_t	agent_sessions(struct agent_session *out, size_t max);
/* Those that `who` means: alice, alice@domain, her URI; NULL: SEC_USER, and
 * without it all. Their number. */
#define AGENT_SESSIONS 32
size_t	agent_meant(const char *who, struct agent_session out[AGENT_SESSIONS]);
/* Send the call begun with ctl_client_begin() and take rows: each row goes
 * to cb (may be NULL) until ok. 0 or SEC_ERR_*; prints nothing. last: the
 * ok line's fields stay readable until the next call, may be NULL. A cb
 * that returns other than 0 ends the wait with that; the connection is then
 * good for nothing but ctl_client_close(). */
int	agent_rows(struct ctl_client *a, int64_t deadline_ms,
	    int (*cb)(void *arg, const struct line *row), void *arg,
	    struct line *last);
/* The same for `join`: while I wait to be let in a note says so (cb gets a row
 * with waiting=CONF), and without -T I wait as long as that may take. */
int	agent_join(struct cli *c, struct ctl_client *a,
	    int (*cb)(void *arg, const struct line *row), void *arg,
	    struct line *ok);
/* Print the error of a failed call: `PROG: reason`, returns exit code. */
int	agent_fail(struct cli *c, struct ctl_client *a, int err);
/* Own domain and user as the agent said at agent_open(). */
const char *agent_domain(const struct ctl_client *a);
const char *agent_user(const struct ctl_client *a);
/*
 * A conference as typed: `.` is $SEC_CONF, else the focused one, else
 * the only one I am in,
 * otherwise exit 2 with the list; the rest is left for the agent. out has
 * AGENT_CONF_MAX bytes. 0 or an exit code (message already printed).
 */
#define AGENT_CONF_MAX 320
int	agent_conf(struct cli *c, struct ctl_client *a, const char *name,
	    char *out);
/* A field of a row as the whole number that it is, or 0. */
int64_t	agent_int(const struct line *row, const char *key);
/* Shortest typable form of a URI, "-" for none. out has AGENT_SHORT_MAX
 * bytes. */
#define AGENT_SHORT_MAX 160
char	*agent_short(const struct ctl_client *a, char *out, const char *uri,
	    int mixed);

#endif
