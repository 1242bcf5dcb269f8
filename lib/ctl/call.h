#ifndef CTL_CALL_H
#define CTL_CALL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/line.h"

/* The blocking side for tools: one Unix socket, one call at a time. */
struct ctl_client;

/* 0, SEC_ERR_UNREACHABLE (nobody listens), SEC_ERR_LIMIT. */
int	ctl_client_open(struct ctl_client **c, const char *path);
void	ctl_client_close(struct ctl_client *c);
int	ctl_client_fd(const struct ctl_client *c);
/* Begin: add fields to the buffer, then ctl_client_send(). */
struct buf *ctl_client_begin(struct ctl_client *c, const char *verb);
int	ctl_client_send(struct ctl_client *c, int fd_to_pass /* -1 */);
/*
 * Next line that belongs to the call, within deadline ms (-1: none).
 * Returns 1 for a row, 0 for ok, or SEC_ERR_*: an error reply becomes the
 * code by (method NULL, code=), with its reason in ctl_client_why(). `l`
 * is filled for rows and ok and freed by the next call. A signal handler
 * that ran ends the wait: SEC_ERR_SYS with errno EINTR.
 */
int	ctl_client_next(struct ctl_client *c, struct line *l,
	    int64_t deadline_ms);
/* Send; give each row, and at last the `ok`, to cb (NULL: nobody), deadline
 * ms for each. Returns 0 or SEC_ERR_*, and then ctl_client_why() is a
 * sentence in any case. */
int	ctl_client_run(struct ctl_client *c, int64_t deadline_ms,
	    void (*cb)(void *arg, const struct line *l), void *arg);
/* Is a whole line buffered already (for poll loops)? */
int	ctl_client_pending(const struct ctl_client *c);
const char *ctl_client_why(const struct ctl_client *c);
int	ctl_client_code(const struct ctl_client *c);   /* SIP status */

#endif
