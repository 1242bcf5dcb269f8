/*
 * Other programs: run to their end with input and output in memory, or
 * started and left alone. They get 0-2 and nothing else.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/proc.h"

#include "lab.h"

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

int
spawn_run(const char *const argv[], const char *input, size_t inlen,
    struct buf *out, struct buf *err)
{
	int in[2] = { -1, -1 }, o[2] = { -1, -1 }, e[2] = { -1, -1 };
	struct pollfd p[3];
	size_t sent = 0;
	ssize_t n;
	pid_t pid;
	int status = 0;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(o, O_CLOEXEC) != 0 ||
	    pipe2(e, O_CLOEXEC) != 0 ||
	    (pid = spawn_start(argv, in[0], o[1], e[1])) < 0) {
		complain(0, "cannot run %s: %s", argv[0], strerror(errno));
		return 127;
	}
	close(in[0]);
	close(o[1]);
	close(e[1]);
	p[0] = (struct pollfd) { in[1], POLLOUT, 0 };
	p[1] = (struct pollfd) { o[0], POLLIN, 0 };
	p[2] = (struct pollfd) { e[0], POLLIN, 0 };
	if (inlen == 0) {
		close(in[1]);
		p[0].fd = -1;
	}
	while (p[1].fd >= 0 || p[2].fd >= 0) {
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			break;
		if (p[0].fd >= 0 && p[0].revents != 0) {
			n = write(in[1], input + sent, inlen - sent);
			if (n > 0)
				sent += (size_t)n;
			if ((n < 0 && errno != EINTR) || sent == inlen) {
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
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
