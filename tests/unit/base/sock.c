#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/sock.h"

#include "../test.h"

static char dir[] = "/tmp/sock.XXXXXX";

static int
is_nonblock_cloexec(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) &&
	    (fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static int
ready(int fd, short events)
{
	struct pollfd p = { fd, events, 0 };

	return poll(&p, 1, 10000) == 1;
}

static void
test_tcp(const char *where)
{
	struct addr a, peer, mine;
	int l, c, s;

	T_INT(addr_parse(&a, where), 0);
	l = sock_listen(&a);
	if (l < 0 && errno == EADDRNOTAVAIL) {
		printf("# no IPv6 here\n");
		return;
	}
	T(l >= 0);
	T(is_nonblock_cloexec(l));
	T_INT(sock_kind(l), SOCK_KIND_LISTEN);
	T_INT(sock_accept(l, NULL), SEC_ERR_SYS);
	T_INT(errno, EAGAIN);
	T_INT(sock_local(l, &a), 0);
	T(addr_port(&a) > 0);
	T_INT(sock_listen(&a), SEC_ERR_SYS);
	T_INT(errno, EADDRINUSE);

	c = sock_dial(&a);
	T(c >= 0);
	T(is_nonblock_cloexec(c));
	T(ready(c, POLLOUT));
	T_INT(sock_dial_result(c), 0);
	T(ready(l, POLLIN));
	s = sock_accept(l, &peer);
	T(s >= 0);
	T(is_nonblock_cloexec(s));
	T_INT(sock_kind(s), SOCK_KIND_CONNECTED);
	T_INT(sock_local(c, &mine), 0);
	T(addr_equal(&mine, &peer));
	T_INT(sock_peer(c, &peer), 0);
	T(addr_equal(&peer, &a));
	T_INT(sock_set_nonblock(s, 0), 0);
	T(!(fcntl(s, F_GETFL) & O_NONBLOCK));
	close(s);
	close(c);
	close(l);

	/* Nobody listens there any more. */
	if ((c = sock_dial(&a)) >= 0) {
		T(ready(c, POLLOUT));
		T_INT(sock_dial_result(c), SEC_ERR_UNREACHABLE);
		close(c);
	} else
		T_INT(c, SEC_ERR_UNREACHABLE);
	T_INT(errno, ECONNREFUSED);
}

static void
test_unix(void)
{
	char path[256], longest[256];
	struct stat st;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	int l, c, s;

	snprintf(path, sizeof(path), "%s/a.sock", dir);
	T_INT(sock_unix_dial(path), SEC_ERR_UNREACHABLE);
	T_INT(errno, ENOENT);
	l = sock_unix_listen(path, 0600);
	T(l >= 0);
	T(is_nonblock_cloexec(l));
	T(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	T_INT(sock_unix_listen(path, 0600), SEC_ERR_NO);

	c = sock_unix_dial(path);
	T(c >= 0);
	T(is_nonblock_cloexec(c));
	s = sock_accept(l, NULL); /* the one that asked if it lives */
	close(s);
	s = sock_accept(l, NULL);
	T(s >= 0);
	T_INT(sock_unix_peer(s, &uid, &gid, &pid), 0);
	T(uid == getuid() && gid == getgid() && pid == getpid());
	T_INT(sock_unix_peer(0, NULL, NULL, NULL), SEC_ERR_SYS);
	close(s);
	close(c);

	/* A stale socket is replaced, though a stranger holds the lock. */
	close(l);
	s = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	T_INT(flock(s, LOCK_EX), 0);
	T_INT(access(path, F_OK), 0);
	T_INT(sock_unix_dial(path), SEC_ERR_UNREACHABLE);
	l = sock_unix_listen(path, 0660);
	T(l >= 0);
	T(stat(path, &st) == 0 && (st.st_mode & 0777) == 0660);
	close(s);
	close(l);
	unlink(path);

	/* A file that is not a socket is left alone. */
	fclose(fopen(path, "w"));
	T_INT(sock_unix_listen(path, 0600), SEC_ERR_SYS);
	T_INT(errno, EEXIST);
	T_INT(access(path, F_OK), 0);
	unlink(path);

	snprintf(longest, sizeof(longest), "%s/%0*d", dir,
	    100 - (int)strlen(dir) - 1, 7);
	T_INT(strlen(longest), 100);
	l = sock_unix_listen(longest, 0600);
	T(l >= 0);
	close(l);
	unlink(longest);
	snprintf(longest, sizeof(longest), "%s/%0*d", dir,
	    101 - (int)strlen(dir) - 1, 7);
	T_INT(sock_unix_listen(longest, 0600), SEC_ERR_LIMIT);
	T_INT(sock_unix_dial(longest), SEC_ERR_LIMIT);
	T_INT(sock_unix_dial(""), SEC_ERR_LIMIT);
}

static void
set_env(pid_t pid, const char *n, const char *names)
{
	char s[32];

	snprintf(s, sizeof(s), "%d", (int)pid);
	setenv("LISTEN_PID", s, 1);
	setenv("LISTEN_FDS", n, 1);
	if (names != NULL)
		setenv("LISTEN_FDNAMES", names, 1);
}

static void
test_inherited(void)
{
	char names[4][64];
	int fds[4], fd, a, b;

	/* Descriptors 3 and 4 must be free for this, as after an exec. */
	for (fd = 3; fd < 10; fd++)
		close(fd);
	T_INT(sock_inherited(fds, names, 4), 0);

	a = open("/dev/null", O_RDWR);
	b = open("/dev/null", O_RDWR);
	T(a == 3 && b == 4);
	set_env(getpid() + 1, "2", NULL);
	T_INT(sock_inherited(fds, names, 4), 0);
	T(getenv("LISTEN_FDS") == NULL);
	T(getenv("LISTEN_PID") == NULL);

	set_env(getpid(), "2", "sip:link");
	T_INT(sock_inherited(fds, names, 4), 2);
	T(fds[0] == 3 && fds[1] == 4);
	T_STR(names[0], "sip");
	T_STR(names[1], "link");
	T(is_nonblock_cloexec(3) && is_nonblock_cloexec(4));
	T(getenv("LISTEN_FDNAMES") == NULL);

	set_env(getpid(), "2", "sip");
	T_INT(sock_inherited(fds, names, 4), 2);
	T_STR(names[1], "");
	set_env(getpid(), "2", NULL);
	T_INT(sock_inherited(fds, names, 1), 1);
	T_STR(names[0], "");
	T_INT(sock_inherited(fds, NULL, 4), 0);
	set_env(getpid(), "2x", NULL);
	T_INT(sock_inherited(fds, names, 4), 0);
	set_env(getpid(), "-1", NULL);
	T_INT(sock_inherited(fds, names, 4), 0);
	set_env(getpid(), "4", NULL); /* more than there are */
	T_INT(sock_inherited(fds, names, 4), 2);

	T_INT(sock_kind(3), SOCK_KIND_NONE);
	T_INT(sock_kind(77), SOCK_KIND_NONE);
	close(3);
	close(4);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	T_INT(sock_kind(fd), SOCK_KIND_DGRAM);
	close(fd);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	test_tcp("127.0.0.1:0");
	test_tcp("[::1]:0");
	test_unix();
	test_inherited();
	T_INT(rmdir(dir), 0);
	return t_done();
}
