/*
 * usage: killat PID N [PORT]
 *	Kills (-9) the daemon PID at the N-th step that it makes on its disk
 *	from now on, and prints what it was; "armed" says that it watches. A
 *	step is where it is about to write to the log of its database or to an
 *	attachment, has forced it to the disk, has given a file another name,
 *	removed one, or made a directory; its children's steps count as well.
 *	With PORT a step is where it is about to send on a connection that
 *	somebody has made to this port of it.
 *	Exit 1 if PID ends otherwise. SIGTERM before N: it leaves PID alone.
 */
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <linux/ptrace.h>

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define TASKS 16
#define OPTIONS                                                                \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |    \
	    PTRACE_O_TRACECLONE)

enum kind { WRITE, FORCE, NAME, SEND };

static const struct call {
	uint64_t nr;
	const char *name;
	enum kind kind;
} calls[] = {
	{ SYS_write, "write", WRITE },
	{ SYS_pwrite64, "pwrite", WRITE },
	{ SYS_fsync, "fsync", FORCE },
	{ SYS_fdatasync, "fdatasync", FORCE },
#ifdef SYS_rename
	{ SYS_rename, "rename", NAME },
	{ SYS_unlink, "unlink", NAME },
	{ SYS_mkdir, "mkdir", NAME },
#endif
	{ SYS_renameat, "rename", NAME },
	{ SYS_renameat2, "rename", NAME },
	{ SYS_unlinkat, "unlink", NAME },
	{ SYS_mkdirat, "mkdir", NAME },
	{ SYS_sendto, "send", SEND },
};

struct task {
	pid_t tid;
	const struct call *in; /* the call that it is in, or NULL */
	char file[256]; /* of in */
};

static struct task tasks[TASKS];
static int ntasks;
static char writing[256]; /* a row of writes to one file is one step */
static unsigned port; /* not 0: steps are what is sent there */
static long steps;

static struct task *
task_of(pid_t tid)
{
	int i;

	for (i = 0; i < ntasks; i++)
		if (tasks[i].tid == tid)
			return &tasks[i];
	if (ntasks == TASKS)
		die(1, "more than %d tasks", TASKS);
	tasks[ntasks].tid = tid;
	tasks[ntasks].in = NULL;
	return &tasks[ntasks++];
}

static void
task_gone(pid_t tid)
{
	*task_of(tid) = tasks[ntasks - 1];
	ntasks--;
}

static const struct call *
call_of(uint64_t nr)
{
	size_t i;

	for (i = 0; i < sizeof calls / sizeof calls[0]; i++)
		if (calls[i].nr == nr)
			return &calls[i];
	return NULL;
}

/* Is t->file, `socket:[INODE]`, a connection to that port? */
static int
is_at_port(const struct task *t)
{
	unsigned long inode, row_inode;
	unsigned row_port;
	char path[64], row[512];
	int found = 0;
	FILE *f;

	if (sscanf(t->file, "socket:[%lu]", &inode) != 1)
		return 0;
	snprintf(path, sizeof path, "/proc/%d/net/tcp", (int)t->tid);
	if ((f = fopen(path, "r")) == NULL)
		die(1, "%s: %s", path, strerror(errno));
	while (!found && fgets(row, sizeof row, f) != NULL)
		found = sscanf(row,
			    " %*u: %*x:%x %*x:%*x %*x %*x:%*x %*x:%*x %*x %*u "
			    "%*u %lu",
			    &row_port, &row_inode) == 2 &&
		    row_inode == inode && row_port == port;
	fclose(f);
	return found;
}

/* Sockets, the log and the rest are no disk. */
static int
is_kept(const char *file)
{
	size_t n = strlen(file);

	return strstr(file, "/files/") != NULL ||
	    (n > 4 && strcmp(file + n - 4, "-wal") == 0);
}

static void
file_of(struct task *t, uint64_t fd)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/%d/fd/%d", t->tid, (int)fd);
	n = readlink(link, t->file, sizeof t->file - 1);
	t->file[n > 0 ? n : 0] = '\0';
}

/* It goes into a call, or comes out of one: is that a step? */
static int
is_step(struct task *t)
{
	struct ptrace_syscall_info s;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof s, &s) <= 0)
		return 0;
	if (s.op == PTRACE_SYSCALL_INFO_EXIT) {
		const struct call *had = t->in;

		t->in = NULL;
		if (had == NULL || s.exit.is_error)
			return 0;
		return port == 0 &&
		    (had->kind == NAME ||
			(had->kind == FORCE && is_kept(t->file)));
	}
	if (s.op != PTRACE_SYSCALL_INFO_ENTRY ||
	    (t->in = call_of(s.entry.nr)) == NULL)
		return 0;
	t->file[0] = '\0';
	if (t->in->kind != NAME)
		file_of(t, s.entry.args[0]);
	if (t->in->kind == SEND)
		return port != 0 && is_at_port(t);
	if (t->in->kind != WRITE)
		writing[0] = '\0';
	else if (!is_kept(t->file) || strcmp(writing, t->file) == 0)
		return 0;
	else
		memcpy(writing, t->file, sizeof writing);
	return port == 0 && t->in->kind == WRITE;
}

static void
go_on(pid_t tid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_STOP && sig != SIGTRAP)
		(void)ptrace(PTRACE_LISTEN, tid, 0, 0);
	else
		(void)ptrace(PTRACE_SYSCALL, tid, 0,
		    event != 0 || sig == (SIGTRAP | 0x80) ? 0 : sig);
}

static void
kill_there(pid_t pid, const struct task *t, const struct call *c)
{
	int status;

	/* Who sees it gone may want to end this. */
	(void)signal(SIGTERM, SIG_IGN);
	(void)kill(pid, SIGKILL);
	do
		if (waitpid(pid, &status, __WALL) == -1)
			break;
	while (!WIFSIGNALED(status));
	printf("%ld %s%s %s\n", steps, t->tid != pid ? "child " : "", c->name,
	    strrchr(t->file, '/') != NULL ? strrchr(t->file, '/') + 1 : "");
	exit(0);
}

int
main(int argc, char **argv)
{
	const struct call *was;
	struct task *t;
	pid_t pid, tid;
	int status;
	long at;

	if (argc != 3 && argc != 4)
		die(2, "usage: killat PID N [PORT]");
	pid = (pid_t)strtol(argv[1], NULL, 10);
	at = strtol(argv[2], NULL, 10);
	if (argc == 4)
		port = (unsigned)strtoul(argv[3], NULL, 10);
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0)
		die(1, "cannot watch %d: %s", (int)pid, strerror(errno));
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (tid == pid)
				die(1, "%d has ended", (int)pid);
			task_gone(tid);
			continue;
		}
		if (ntasks == 0) {
			puts("armed");
			fflush(stdout);
		}
		t = task_of(tid);
		was = t->in;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && is_step(t) &&
		    ++steps == at)
			kill_there(pid, t, t->in != NULL ? t->in : was);
		go_on(tid, status);
	}
	die(1, "nothing to watch");
}
