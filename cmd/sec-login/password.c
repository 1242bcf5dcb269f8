/* Passwords: from a file or the terminal, never from argv or environment. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "login.h"

#define PASSWORD_MAX 900

/* One line of fd, byte by byte: what follows is not ours. */
static int
read_line(int fd, struct secret **out)
{
	char line[PASSWORD_MAX + 1], c;
	size_t n = 0;
	ssize_t r;

	while ((r = read(fd, &c, 1)) == 1 && c != '\n' && n < PASSWORD_MAX)
		line[n++] = c;
	if (n > 0 && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	if (r != -1 && n > 0)
		*out = secret_copy(line, n + 1);
	explicit_bzero(line, sizeof(line));
	if (r == -1)
		return SEC_ERR_SYS;
	return n > 0 ? 0 : SEC_ERR_NOTHING;
}

int
password_read(const char *file, struct secret **out, char *why, size_t n)
{
	int fd = STDIN_FILENO, r;

	if (strcmp(file, "-") != 0 &&
	    (fd = open(file, O_RDONLY | O_CLOEXEC)) == -1) {
		snprintf(why, n, "%s: %s", file, strerror(errno));
		return SEC_ERR_NOTHING;
	}
	if ((r = read_line(fd, out)) != 0)
		snprintf(why, n, "no password in %s",
		    strcmp(file, "-") == 0 ? "the standard input" : file);
	if (fd != STDIN_FILENO)
		close(fd);
	return r == 0 ? 0 : SEC_ERR_LOGIN;
}

static volatile sig_atomic_t interrupted;

static void
on_signal(int signo)
{
	interrupted = signo;
}

int
password_ask(const char *principal, struct secret **out)
{
	struct sigaction sa, old_int, old_term;
	struct termios quiet, old;
	int fd, r;

	if ((fd = open("/dev/tty", O_RDWR | O_CLOEXEC)) == -1)
		return SEC_ERR_NOTHING;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal; /* no SA_RESTART: read() ends */
	(void)sigaction(SIGINT, &sa, &old_int);
	(void)sigaction(SIGTERM, &sa, &old_term);
	dprintf(fd, "Password for %s: ", principal);
	r = SEC_ERR_NOTHING;
	if (tcgetattr(fd, &old) == 0) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
		(void)tcsetattr(fd, TCSAFLUSH, &quiet);
		r = read_line(fd, out);
		(void)tcsetattr(fd, TCSAFLUSH, &old);
		dprintf(fd, "\n");
	}
	close(fd);
	(void)sigaction(SIGINT, &old_int, NULL);
	(void)sigaction(SIGTERM, &old_term, NULL);
	if (interrupted) {
		/* As the shell expects it of whom ^C ends. */
		(void)signal(interrupted, SIG_DFL);
		(void)raise(interrupted);
	}
	return r == SEC_ERR_NOTHING ? SEC_ERR_LOGIN : r;
}
