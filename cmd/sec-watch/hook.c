/* The command of -x. */
#include <sys/mman.h>
#include <sys/wait.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/proc.h"
#include "cli/emit.h"

#include "hook.h"

extern char **environ;

#define PREFIX "SEC_EV_"

/* The object as a file: a command that does not read it stops nobody. */
static int
object(const struct event *e)
{
	size_t n = buf_len(&e->json);
	int fd;

	if ((fd = memfd_create("event", MFD_CLOEXEC)) == -1)
		return -1;
	if (write(fd, buf_data(&e->json), n) != (ssize_t)n ||
	    lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
set_environment(const struct event *e)
{
	char name[256];
	const char *s;
	size_t i, n;

	for (i = 0; environ != NULL && environ[i] != NULL;) {
		n = strcspn(environ[i], "=");
		if (strncmp(environ[i], PREFIX, strlen(PREFIX)) != 0 ||
		    n >= sizeof(name)) {
			i++;
			continue;
		}
		memcpy(name, environ[i], n);
		name[n] = '\0';
		unsetenv(name);
	}
	for (i = 0; i < e->nenv; i++) {
		s = e->env[i];
		(void)putenv(e->env[i]);
		if (strncmp(s, PREFIX "CONF=", strlen(PREFIX) + 5) == 0)
			setenv("SEC_CONF", s + strlen(PREFIX) + 5, 1);
	}
}

int
hook_start(const char *command, const struct event *e)
{
	pid_t pid;
	int fd;

	if ((fd = object(e)) == -1)
		return SEC_ERR_SYS;
	if ((pid = fork()) == 0) {
		proc_reset_signals();
		set_environment(e);
		if (dup2(fd, STDIN_FILENO) == -1)
			_exit(127);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(fd);
	return pid == -1 ? SEC_ERR_SYS : pid;
}

void
hook_report(const char *command, int status)
{
	if (WIFSIGNALED(status))
		emit_note(EMIT_TABLE, "sec-watch: %s: ended by signal %d",
		    command, WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		emit_note(EMIT_TABLE, "sec-watch: %s: exit status %d", command,
		    WEXITSTATUS(status));
}
