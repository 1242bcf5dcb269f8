#ifndef BASE_SOCK_H
#define BASE_SOCK_H

#include <stddef.h>
#include <sys/types.h>

#include "base/addr.h"

/* All sockets made here are non-blocking and close-on-exec. Functions that
 * return int give a descriptor >= 0, or SEC_ERR_* (errno kept). */

int	sock_listen(const struct addr *a);             /* TCP, REUSEADDR */
int	sock_udp(const struct addr *a);                /* bound */
int	sock_accept(int fd, struct addr *peer);        /* NODELAY, KEEPALIVE */
/* Start a TCP connect; the descriptor is writable when it is decided. */
int	sock_dial(const struct addr *a);
/* Outcome of a dial: 0 or SEC_ERR_UNREACHABLE (errno set). */
int	sock_dial_result(int fd);
int	sock_local(int fd, struct addr *a);
int	sock_peer(int fd, struct addr *a);

/*
 * Unix stream sockets. A path over 100 bytes is refused (SEC_ERR_LIMIT):
 * callers get their paths from base/path, which falls back before that.
 * sock_unix_listen() replaces a stale socket, and returns SEC_ERR_NO if a
 * live one answers there.
 */
int	sock_unix_listen(const char *path, mode_t mode);
int	sock_unix_dial(const char *path);              /* blocking connect */
/* Credentials of the peer; 0 or SEC_ERR_SYS. */
int	sock_unix_peer(int fd, uid_t *uid, gid_t *gid, pid_t *pid);

/*
 * Sockets from outside. sock_inherited() takes LISTEN_FDS (LISTEN_PID must
 * be ours), marks them CLOEXEC and non-blocking, unsets the variables and
 * writes at most max descriptors and their names (64 bytes each, "" if
 * unnamed). Returns their number, 0 if none.
 */
int	sock_inherited(int *fds, char (*names)[64], int max);

enum sock_kind { SOCK_KIND_NONE, SOCK_KIND_LISTEN, SOCK_KIND_CONNECTED,
	SOCK_KIND_DGRAM };
/* What fd is, asked of the kernel (SO_TYPE, SO_ACCEPTCONN). */
enum sock_kind sock_kind(int fd);

int	sock_set_nonblock(int fd, int on);

#endif
