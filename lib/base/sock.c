/*
 * Sockets: made, taken over from outside, and asked what they are.
 */
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/sock.h"

#define BACKLOG	     1024
#define PATH_MOST    100
#define UNIX_DIAL_S  10 /* a daemon that accepts nobody */
#define INHERITED_FD 3 /* sd_listen_fds(3) */
#define LOCK_TRIES   50 /* of 10 ms */

/* Close fd without touching errno; returns err. */
static int
give_up(int fd, int err)
{
	int saved;

	saved = errno;
	if (fd != -1)
		close(fd);
	errno = saved;
	return err;
}

/*
 * No delay, and an end in two minutes when the other host is gone without a
 * word. Fails on a Unix socket, which needs neither.
 */
static void
set_tcp(int fd)
{
	static const struct {
		int level, option, value;
	} set[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 60 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 15 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 4 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	};
	size_t i;

	for (i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		(void)setsockopt(fd, set[i].level, set[i].option, &set[i].value,
		    sizeof(set[i].value));
}

int
sock_listen(const struct addr *a)
{
	int fd, on;

	fd = socket(a->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return SEC_ERR_SYS;
	on = 1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (const struct sockaddr *)&a->ss, a->len) == -1 ||
	    listen(fd, BACKLOG) == -1)
		return give_up(fd, SEC_ERR_SYS);
	return fd;
}

int
sock_udp(const struct addr *a)
{
	int fd;

	fd = socket(a->ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return SEC_ERR_SYS;
	if (bind(fd, (const struct sockaddr *)&a->ss, a->len) == -1)
		return give_up(fd, SEC_ERR_SYS);
	return fd;
}

int
sock_accept(int fd, struct addr *peer)
{
	struct addr a;
	int c;

	do {
		memset(&a, 0, sizeof(a));
		a.len = sizeof(a.ss);
		c = accept4(fd, (struct sockaddr *)&a.ss, &a.len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (c == -1 && (errno == EINTR || errno == ECONNABORTED));
	if (c == -1)
		return SEC_ERR_SYS;
	set_tcp(c);
	if (peer != NULL)
		*peer = a;
	return c;
}

int
sock_dial(const struct addr *a)
{
	int fd;

	fd = socket(a->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return SEC_ERR_SYS;
	set_tcp(fd);
	if (connect(fd, (const struct sockaddr *)&a->ss, a->len) == -1 &&
	    errno != EINPROGRESS && errno != EINTR)
		return give_up(fd, SEC_ERR_UNREACHABLE);
	return fd;
}

int
sock_dial_result(int fd)
{
	socklen_t len;
	int err;

	len = sizeof(err);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
		return SEC_ERR_UNREACHABLE;
	if (err == 0)
		return 0;
	errno = err;
	return SEC_ERR_UNREACHABLE;
}

int
sock_local(int fd, struct addr *a)
{
	struct addr r;

	memset(&r, 0, sizeof(r));
	r.len = sizeof(r.ss);
	if (getsockname(fd, (struct sockaddr *)&r.ss, &r.len) == -1)
		return SEC_ERR_SYS;
	*a = r;
	return 0;
}

int
sock_peer(int fd, struct addr *a)
{
	struct addr r;

	memset(&r, 0, sizeof(r));
	r.len = sizeof(r.ss);
	if (getpeername(fd, (struct sockaddr *)&r.ss, &r.len) == -1)
		return SEC_ERR_SYS;
	*a = r;
	return 0;
}

static int
unix_addr(struct sockaddr_un *un, const char *path)
{
	size_t n;

	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	n = strlen(path);
	if (n == 0 || n > PATH_MOST) {
		errno = ENAMETOOLONG;
		return SEC_ERR_LIMIT;
	}
	memcpy(un->sun_path, path, n);
	return 0;
}

/*
 * Remove the socket at un if nobody answers there. 0: the name is free;
 * SEC_ERR_NO: somebody lives there; SEC_ERR_SYS: it cannot be told, or it
 * is not a socket.
 */
static int
remove_stale(const struct sockaddr_un *un)
{
	struct stat st;
	int fd, r;

	if (lstat(un->sun_path, &st) == -1)
		return errno == ENOENT ? 0 : SEC_ERR_SYS;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return SEC_ERR_SYS;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return SEC_ERR_SYS;
	r = connect(fd, (const struct sockaddr *)un, sizeof(*un));
	give_up(fd, 0);
	/* EAGAIN: alive, with a full backlog. */
	if (r == 0 || errno == EAGAIN)
		return SEC_ERR_NO;
	if (errno == ENOENT)
		return 0;
	if (errno != ECONNREFUSED)
		return SEC_ERR_SYS;
	return unlink(un->sun_path) == -1 && errno != ENOENT ? SEC_ERR_SYS : 0;
}

/*
 * The directory of path, locked, so that two who start at once do not each
 * take the other's fresh socket for a stale one. -1 if it cannot be. Anybody
 * who may read the directory can hold its lock: not waited for long.
 */
static int
lock_directory(const char *path)
{
	char dir[PATH_MOST + 1];
	const struct timespec pause = { 0, 10000000 };
	char *slash;
	int fd, i;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		strcpy(dir, ".");
	else if (slash == dir)
		slash[1] = '\0';
	else
		*slash = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < LOCK_TRIES && fd != -1; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			break;
		(void)nanosleep(&pause, NULL);
	}
	return fd;
}

int
sock_unix_listen(const char *path, mode_t mode)
{
	struct sockaddr_un un;
	mode_t old;
	int fd, lock, r;

	if ((r = unix_addr(&un, path)) != 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return SEC_ERR_SYS;
	lock = lock_directory(path);
	if ((r = remove_stale(&un)) == 0) {
		/* Never wider than mode, not even for a moment. */
		old = umask(0777 & ~mode);
		if (bind(fd, (const struct sockaddr *)&un, sizeof(un)) == -1)
			r = SEC_ERR_SYS;
		umask(old);
		if (r == 0 && listen(fd, BACKLOG) == -1)
			r = SEC_ERR_SYS;
	}
	give_up(lock, 0);
	return r == 0 ? fd : give_up(fd, r);
}

int
sock_unix_dial(const char *path)
{
	struct sockaddr_un un;
	struct timeval tv = { UNIX_DIAL_S, 0 };
	int fd, r;

	if ((r = unix_addr(&un, path)) != 0)
		return r;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return SEC_ERR_SYS;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	do {
		r = connect(fd, (const struct sockaddr *)&un, sizeof(un));
	} while (r == -1 && errno == EINTR);
	if (r == -1)
		return give_up(fd, SEC_ERR_UNREACHABLE);
	if ((r = sock_set_nonblock(fd, 1)) != 0)
		return give_up(fd, r);
	return fd;
}

int
sock_unix_peer(int fd, uid_t *uid, gid_t *gid, pid_t *pid)
{
	struct ucred c;
	socklen_t len;

	len = sizeof(c);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) == -1)
		return SEC_ERR_SYS;
	if (uid != NULL)
		*uid = c.uid;
	if (gid != NULL)
		*gid = c.gid;
	if (pid != NULL)
		*pid = c.pid;
	return 0;
}

/* An environment variable as a number in 0..INT_MAX; -1 if it is not one. */
static int
env_number(const char *name)
{
	const char *s;
	char *end;
	long v;

	if ((s = getenv(name)) == NULL || *s == '\0')
		return -1;
	errno = 0;
	v = strtol(s, &end, 10);
	if (errno != 0 || *end != '\0' || v < 0 || v > INT_MAX)
		return -1;
	return (int)v;
}

/* The i-th of colon-separated names. */
static void
inherited_name(const char *names, int i, char out[64])
{
	size_t n;

	for (; names != NULL && i > 0; i--)
		if ((names = strchr(names, ':')) != NULL)
			names++;
	out[0] = '\0';
	if (names == NULL)
		return;
	if ((n = strcspn(names, ":")) > 63)
		n = 63;
	memcpy(out, names, n);
	out[n] = '\0';
}

int
sock_inherited(int *fds, char (*names)[64], int max)
{
	int fd, i, n;

	n = 0;
	if (env_number("LISTEN_PID") == (int)getpid() &&
	    (n = env_number("LISTEN_FDS")) < 0)
		n = 0;
	if (n > max)
		n = max;
	for (i = 0; i < n; i++) {
		fd = INHERITED_FD + i;
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
		    sock_set_nonblock(fd, 1) != 0)
			break;
		fds[i] = fd;
		if (names != NULL)
			inherited_name(getenv("LISTEN_FDNAMES"), i, names[i]);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return i;
}

enum sock_kind
sock_kind(int fd)
{
	socklen_t len;
	int listening, type;

	len = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1)
		return SOCK_KIND_NONE;
	if (type == SOCK_DGRAM)
		return SOCK_KIND_DGRAM;
	if (type != SOCK_STREAM)
		return SOCK_KIND_NONE;
	len = sizeof(listening);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == -1)
		return SOCK_KIND_NONE;
	return listening ? SOCK_KIND_LISTEN : SOCK_KIND_CONNECTED;
}

int
sock_set_nonblock(int fd, int on)
{
	int fl;

	if ((fl = fcntl(fd, F_GETFL)) == -1)
		return SEC_ERR_SYS;
	fl = on ? fl | O_NONBLOCK : fl & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, fl) == -1 ? SEC_ERR_SYS : 0;
}
