/*
 * Other programs: run to their end with input and output in memory, or
 * started and left alone. They get 0-2 and nothing else.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/proc.h"
#include "base/spawn.h"

static void
set_fd(int from, int to)
{
	if (from < 0)
		from = open("/dev/null", O_RDWR);
	if (from != to)
		(void)dup2(from, to);
	else
		(void)fcntl(to, F_SETFD, 0);
}

pid_t
spawn_start(const char *const argv[], int in, int out, int err)
{
	char *const *args;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	proc_reset_signals();
	set_fd(in, STDIN_FILENO);
	set_fd(out, STDOUT_FILENO);
	set_fd(err, STDERR_FILENO);
	proc_close_from(3, -1);
	memcpy(&args, &argv, sizeof(args));
	execv(argv[0], args);
	_exit(127);
}

/* Take what is there; 0 at its end. */
static int
drain(int fd, struct buf *b)
{
	uint8_t *p = buf_reserve(b, 4096);
	ssize_t n;

	if (p == NULL)
		return 0;
	do
		n = read(fd, p, 4096);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	buf_commit(b, (size_t)n);
	return 1;
}

static void
close_pair(const int fd[2])
{
	int i;

	for (i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

int
spawn_run(const char *const argv[], const void *input, size_t inlen,
    struct buf *out, struct buf *err)
{
	int in[2] = { -1, -1 }, o[2] = { -1, -1 }, e[2] = { -1, -1 };
	void (*old)(int);
	struct pollfd p[3];
	size_t sent = 0;
	ssize_t n;
	pid_t pid;
	int status = 0;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(o, O_CLOEXEC) != 0 ||
	    pipe2(e, O_CLOEXEC) != 0 ||
	    (pid = spawn_start(argv, in[0], o[1], e[1])) < 0) {
		buf_putf(err, "%s: %s\n", argv[0], strerror(errno));
		close_pair(in);
		close_pair(o);
		close_pair(e);
		return 127;
	}
	close(in[0]);
	close(o[1]);
	close(e[1]);
	/* Else a program that writes while we do would wait for us. */
	(void)fcntl(in[1], F_SETFL, O_NONBLOCK);
	old = signal(SIGPIPE, SIG_IGN);
	p[0] = (struct pollfd) { in[1], POLLOUT, 0 };
	p[1] = (struct pollfd) { o[0], POLLIN, 0 };
	p[2] = (struct pollfd) { e[0], POLLIN, 0 };
	if (inlen == 0) {
		close(in[1]);
		p[0].fd = -1;
	}
	while (p[1].fd >= 0 || p[2].fd >= 0) {
		if (poll(p, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (p[0].fd >= 0 && p[0].revents != 0) {
			n = write(in[1], (const char *)input + sent,
			    inlen - sent);
			if (n > 0)
				sent += (size_t)n;
			if ((n < 0 && errno != EINTR && errno != EAGAIN) ||
			    sent == inlen) {
				close(in[1]);
				p[0].fd = -1;
			}
		}
		if (p[1].fd >= 0 && p[1].revents != 0 && !drain(o[0], out))
			p[1].fd = -1;
		if (p[2].fd >= 0 && p[2].revents != 0 && !drain(e[0], err))
			p[2].fd = -1;
	}
	if (p[0].fd >= 0)
		close(in[1]);
	close(o[0]);
	close(e[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	(void)signal(SIGPIPE, old);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const char *
usable(char *out, const char *dir, size_t n, const char *sub, const char *name)
{
	int k;

	k = snprintf(out, PATH_LEN, "%.*s%s/%s", (int)n, dir, sub, name);
	return k > 0 && k < PATH_LEN && access(out, X_OK) == 0 ? out : NULL;
}

const char *
spawn_find(const char *name, char *out)
{
	static const char *const sbin[] = { "/usr/sbin", "/usr/local/sbin",
		"/sbin" };
	const char *path = getenv("PATH"), *end;
	size_t i;

	for (; path != NULL && *path != '\0'; path = *end ? end + 1 : end) {
		end = path + strcspn(path, ":");
		if (usable(out, path, (size_t)(end - path), "", name) != NULL)
			return out;
	}
	for (i = 0; i < sizeof(sbin) / sizeof(sbin[0]); i++)
		if (usable(out, sbin[i], strlen(sbin[i]), "", name) != NULL)
			return out;
	return NULL;
}

const char *
spawn_find_own(const char *name, char *out)
{
	static const char *const near[] = { ".", "../sbin", "../bin" };
	char self[PATH_LEN];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	while (n > 0 && self[n - 1] != '/')
		n--;
	for (i = 0; n > 0 && i < sizeof(near) / sizeof(near[0]); i++)
		if (usable(out, self, (size_t)n, near[i], name) != NULL)
			return out;
	return NULL;
}
