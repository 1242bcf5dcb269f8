/*
 * What a process does to itself and to its files: hardening, readiness,
 * the background, small files read and written whole.
 */
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define KEPT_MEMORY (8 << 20)

void
proc_harden(void)
{
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	/* The leak checker attaches to its own process. */
	if (!SANITIZED)
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a write may fail instead */
	umask(007);
}

void
proc_reuse_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY);
	(void)mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
}

void
proc_reset_signals(void)
{
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		if (i != SIGKILL && i != SIGSTOP)
			(void)signal(i, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int
proc_notify(const char *state)
{
	struct sockaddr_un un;
	const char *path;
	size_t n;
	int fd, sent;

	path = getenv("NOTIFY_SOCKET");
	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return 0;
	memset(&un, 0, sizeof(un));
	un.sun_family = AF_UNIX;
	if ((n = strlen(path)) < 2 || n >= sizeof(un.sun_path))
		return 0;
	memcpy(un.sun_path, path, n);
	if (path[0] == '@')
		un.sun_path[0] = '\0'; /* the abstract name space */
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return 0;
	sent =
	    sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(const struct sockaddr *)&un,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) != -1;
	close(fd);
	return sent;
}

pid_t
proc_background(int keep)
{
	pid_t pid;
	int fd, i;

	if ((pid = fork()) == -1)
		return SEC_ERR_SYS;
	if (pid > 0)
		return pid;
	(void)setsid();
	if ((fd = open("/dev/null", O_RDWR)) == -1)
		_exit(sec_err_exit(SEC_ERR_SYS));
	for (i = 0; i <= 2; i++)
		if (i != keep && dup2(fd, i) == -1)
			_exit(sec_err_exit(SEC_ERR_SYS));
	proc_close_from(3, keep);
	return 0;
}

/* Where a filter forbids close_range(2). */
static void
close_each(int from, int to)
{
	long max;
	int fd;

	if ((max = sysconf(_SC_OPEN_MAX)) < 0 || max > INT_MAX)
		max = 65536;
	for (fd = from; fd < max && fd <= to; fd++)
		close(fd);
}

static void
close_span(int from, int to)
{
	if (from <= to && close_range((unsigned)from, (unsigned)to, 0) == -1)
		close_each(from, to);
}

void
proc_close_from(int from, int keep)
{
	if (keep < from) {
		close_span(from, INT_MAX);
		return;
	}
	close_span(from, keep - 1);
	close_span(keep + 1, INT_MAX);
}

/* Read fd to its end into out, which has room for max + 1 bytes. */
static int
read_all(int fd, char *out, size_t max, size_t *n)
{
	ssize_t r;
	size_t len;

	for (len = 0; len <= max; len += (size_t)r) {
		r = read(fd, out + len, max + 1 - len);
		if (r == -1 && errno == EINTR)
			r = 0;
		else if (r == -1)
			return SEC_ERR_SYS;
		else if (r == 0)
			break;
	}
	if (len > max)
		return SEC_ERR_LIMIT;
	out[len] = '\0';
	*n = len;
	return 0;
}

int
proc_read_file(const char *path, size_t max, char **out, size_t *n)
{
	struct stat st;
	char *p;
	size_t len, most;
	int fd, r, saved;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return errno == ENOENT || errno == ENOTDIR ? SEC_ERR_NOTHING :
							     SEC_ERR_SYS;
	/* Files of /proc say size 0: those get all the room allowed. */
	most = max;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (uintmax_t)st.st_size < max)
		most = (size_t)st.st_size;
	p = NULL;
	r = SEC_ERR_SYS;
	if ((p = malloc(most + 1)) != NULL)
		r = read_all(fd, p, most, &len);
	saved = errno;
	close(fd);
	if (r == SEC_ERR_LIMIT && most < max) {
		/* It has grown since fstat(). */
		explicit_bzero(p, most + 1);
		free(p);
		return proc_read_file(path, max, out, n);
	}
	if (r != 0) {
		if (p != NULL)
			explicit_bzero(p, most + 1);
		free(p);
		errno = saved;
		return r;
	}
	*out = p;
	if (n != NULL)
		*n = len;
	return 0;
}

static int
error_of_errno(void)
{
	return errno == ENOSPC || errno == EDQUOT || errno == EROFS ?
	    SEC_ERR_DISK :
	    SEC_ERR_SYS;
}

static int
write_all(int fd, const char *p, size_t n)
{
	ssize_t r;

	for (; n > 0; p += r, n -= (size_t)r) {
		r = write(fd, p, n);
		if (r == -1 && errno == EINTR)
			r = 0;
		else if (r == -1)
			return -1;
	}
	return 0;
}

int
proc_is_private(const char *path, char *why, size_t n)
{
	struct stat st;

	if (stat(path, &st) == -1) {
		snprintf(why, n, "%s: %s", path, strerror(errno));
		return errno == ENOENT || errno == ENOTDIR ? SEC_ERR_NOTHING :
							     SEC_ERR_SYS;
	}
	if ((st.st_mode & 077) != 0) {
		snprintf(why, n, "%s: mode %04o lets others in; chmod go= it",
		    path, (unsigned)st.st_mode & 07777);
		return SEC_ERR_CONFIG;
	}
	return 0;
}

int
proc_sync_parent(const char *path)
{
	char dir[PATH_MAX];
	char *slash;
	int fd, r;

	snprintf(dir, sizeof(dir), "%s", path);
	if ((slash = strrchr(dir, '/')) == NULL)
		strcpy(dir, ".");
	else
		slash[slash == dir] = '\0';
	if ((fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return error_of_errno();
	r = fsync(fd);
	/* Some file systems have nothing to sync in a directory. */
	if (r == -1 && errno == EINVAL)
		r = 0;
	r = r == -1 ? error_of_errno() : 0;
	close(fd);
	return r;
}

int
proc_write_file(const char *path, const void *p, size_t n, mode_t mode)
{
	char tmp[PATH_MAX];
	int fd, r, saved;

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path) >=
	    sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return SEC_ERR_SYS;
	}
	if ((fd = mkostemp(tmp, O_CLOEXEC)) == -1)
		return error_of_errno();
	r = 0;
	if (fchmod(fd, mode) == -1 || write_all(fd, p, n) == -1 ||
	    fsync(fd) == -1)
		r = error_of_errno();
	saved = errno;
	if (close(fd) == -1 && r == 0) {
		r = error_of_errno();
		saved = errno;
	}
	if (r == 0 && rename(tmp, path) == -1) {
		r = error_of_errno();
		saved = errno;
	}
	if (r != 0) {
		unlink(tmp);
		errno = saved;
		return r;
	}
	return proc_sync_parent(path);
}

int
proc_mkdirs(const char *path, mode_t mode)
{
	char dir[PATH_MAX];
	struct stat st;
	char *p;
	int last;

	if ((size_t)snprintf(dir, sizeof(dir), "%s", path) >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return SEC_ERR_SYS;
	}
	for (p = dir; *p == '/'; p++)
		;
	for (last = *p == '\0'; !last; *p++ = '/') {
		p += strcspn(p, "/");
		last = p[strspn(p, "/")] == '\0';
		*p = '\0';
		if (mkdir(dir, mode) == -1 && errno != EEXIST)
			return SEC_ERR_SYS;
	}
	if (stat(path, &st) == -1)
		return SEC_ERR_SYS;
	if (S_ISDIR(st.st_mode))
		return 0;
	errno = ENOTDIR;
	return SEC_ERR_SYS;
}

void
proc_random(void *p, size_t n)
{
	char *out = p;
	ssize_t r;

	for (; n > 0; out += r, n -= (size_t)r) {
		r = getrandom(out, n, 0);
		if (r == -1 && errno == EINTR)
			r = 0;
		else if (r == -1)
			die(sec_err_exit(SEC_ERR_SYS), "getrandom: %s",
			    strerror(errno));
	}
}
