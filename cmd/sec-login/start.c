/* Processes: the agent that we start, the command that we run. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/proc.h"
#include "login.h"

#define LOGIN_FD 3

/* sec-agent beside our own program, else by PATH. Does not return. */
static void
become_agent(int fd, int foreground, int verbose)
{
	char path[4200];
	const char *argv[7];
	ssize_t n;
	char *s;
	int i = 0;

	argv[i++] = "sec-agent";
	if (foreground)
		argv[i++] = "-F";
	for (; verbose > 0 && i < 4; verbose--)
		argv[i++] = "-v";
	argv[i++] = "--login-fd";
	argv[i++] = "3";
	argv[i] = NULL;
	if (fd == LOGIN_FD)
		(void)fcntl(fd, F_SETFD, 0);
	else if (dup2(fd, LOGIN_FD) == -1)
		_exit(10);
	proc_reset_signals();
	n = readlink("/proc/self/exe", path, 4096);
	if (n > 0) {
		path[n] = '\0';
		if ((s = strrchr(path, '/')) != NULL) {
			memcpy(s + 1, "sec-agent", sizeof("sec-agent"));
			(void)execv(path, (char *const *)(uintptr_t)argv);
		}
	}
	(void)execvp("sec-agent", (char *const *)(uintptr_t)argv);
	fprintf(stderr, "sec-login: sec-agent: %s\n", strerror(errno));
	_exit(10);
}

int
agent_start(int foreground, int verbose)
{
	int fd[2], status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
		return SEC_ERR_SYS;
	/* Neither end may stand where the agent wants its own. */
	while (fd[0] == LOGIN_FD)
		if ((fd[0] = fcntl(LOGIN_FD, F_DUPFD_CLOEXEC, 4)) == -1)
			return SEC_ERR_SYS;
		else
			close(LOGIN_FD);
	if ((pid = fork()) == -1)
		return SEC_ERR_SYS;
	if ((pid == 0) != (foreground != 0)) {
		close(fd[0]);
		become_agent(fd[1], foreground, verbose);
	}
	close(fd[1]);
	/* In the background it leaves its first process at once. */
	if (!foreground)
		while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
			;
	return fd[0];
}

static int
put_all(int fd, struct buf *b)
{
	ssize_t n;

	while (buf_len(b) > 0) {
		n = send(fd, buf_data(b), buf_len(b), MSG_NOSIGNAL);
		if (n > 0)
			buf_consume(b, (size_t)n);
		else if (errno != EINTR)
			return SEC_ERR_CLOSED;
	}
	return 0;
}

int
agent_login(int fd, struct buf *line, int64_t ms, char *out, size_t n)
{
	int64_t until = clock_mono() + ms, left;
	struct pollfd p = { fd, POLLIN, 0 };
	size_t len = 0;
	ssize_t r;

	if (put_all(fd, line) != 0)
		return SEC_ERR_CLOSED;
	while (len + 1 < n) {
		if ((left = until - clock_mono()) <= 0)
			return SEC_ERR_TIMEOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		r = read(fd, out + len, n - 1 - len);
		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return SEC_ERR_CLOSED;
		len += (size_t)r;
		out[len] = '\0';
		if (strchr(out, '\n') != NULL)
			return 0;
	}
	return SEC_ERR_LIMIT;
}

int
command_run(char **argv, const char *user)
{
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	if ((pid = fork()) == -1)
		return 10;
	if (pid == 0) {
		proc_reset_signals();
		(void)setenv("SEC_USER", user, 1);
		(void)execvp(argv[0], argv);
		fprintf(stderr, "sec-login: %s: %s\n", argv[0],
		    strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	/* The terminal's signals are for the command; we must live to log
	 * out. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
