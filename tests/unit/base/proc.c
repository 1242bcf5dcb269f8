#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/proc.h"

#include "../test.h"

static char dir[] = "/tmp/proc.XXXXXX";

static const char *
in_dir(const char *name)
{
	static char path[4][128];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void
test_files(void)
{
	struct stat st;
	char f[128], why[256];
	char *p;
	size_t n;

	snprintf(f, sizeof(f), "%s", in_dir("f"));
	T_INT(proc_read_file(f, 100, &p, &n), SEC_ERR_NOTHING);
	T_INT(proc_write_file(f, "one\0two", 7, 0640), 0);
	T(stat(f, &st) == 0 && (st.st_mode & 07777) == 0640);
	T_INT(proc_read_file(f, 7, &p, &n), 0);
	T_INT(n, 7);
	T(memcmp(p, "one\0two", 8) == 0);
	free(p);
	T_INT(proc_read_file(f, 6, &p, &n), SEC_ERR_LIMIT);
	T_INT(proc_write_file(f, "", 0, 0600), 0);
	T_INT(proc_read_file(f, 6, &p, &n), 0);
	T_STR(p, "");
	free(p);
	T_INT(proc_read_file(dir, 6, &p, &n), SEC_ERR_SYS);
	T_INT(proc_read_file(in_dir("f/g"), 6, &p, &n), SEC_ERR_NOTHING);
	T_INT(proc_read_file("/proc/self/comm", 64, &p, NULL), 0);
	T(strchr(p, '\n') != NULL);
	free(p);

	T_INT(proc_is_private(f, why, sizeof(why)), 0);
	T_INT(chmod(f, 0640), 0);
	T_INT(proc_is_private(f, why, sizeof(why)), SEC_ERR_CONFIG);
	T(strstr(why, "mode 0640 lets others in; chmod go= it") != NULL);
	T_INT(proc_is_private(in_dir("f/g"), why, sizeof(why)),
	    SEC_ERR_NOTHING);

	/* A failed write leaves what was there, and nothing else. */
	T_INT(proc_write_file(in_dir("none/f"), "x", 1, 0600), SEC_ERR_SYS);
	T_INT(errno, ENOENT);
	T_INT(mkdir(in_dir("d"), 0700), 0);
	T_INT(proc_write_file(in_dir("d"), "x", 1, 0600), SEC_ERR_SYS);
	T_INT(errno, EISDIR);
	T_INT(rmdir(in_dir("d")), 0);
	T_INT(unlink(f), 0);
	T_INT(rmdir(dir), 0);
	T_INT(mkdir(dir, 0700), 0);
}

/* A write into a file system without room; the child limits itself. */
static void
test_full(void)
{
	struct rlimit small = { 4096, 4096 };
	char big[8192] = "";
	int status;
	pid_t pid;

	T_INT(proc_write_file(in_dir("f"), "old", 3, 0600), 0);
	fflush(stdout);
	if ((pid = fork()) == 0) {
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &small);
		_exit(proc_write_file(in_dir("f"), big, sizeof(big), 0600) !=
			SEC_ERR_SYS ||
		    errno != EFBIG);
	}
	waitpid(pid, &status, 0);
	T_INT(status, 0);
	T_INT(unlink(in_dir("f")), 0);
	T_INT(rmdir(dir), 0);
	T_INT(mkdir(dir, 0700), 0);
}

static void
test_mkdirs(void)
{
	struct stat st;

	T_INT(proc_mkdirs(in_dir("a/b//c"), 0700), 0);
	T(stat(in_dir("a/b/c"), &st) == 0 && S_ISDIR(st.st_mode));
	T_INT(proc_mkdirs(in_dir("a/b/c/"), 0700), 0);
	T_INT(proc_mkdirs("/", 0700), 0);
	T_INT(proc_write_file(in_dir("a/f"), "", 0, 0600), 0);
	T_INT(proc_mkdirs(in_dir("a/f"), 0700), SEC_ERR_SYS);
	T_INT(errno, ENOTDIR);
	T_INT(proc_mkdirs(in_dir("a/f/g"), 0700), SEC_ERR_SYS);
	unlink(in_dir("a/f"));
	rmdir(in_dir("a/b/c"));
	rmdir(in_dir("a/b"));
	T_INT(rmdir(in_dir("a")), 0);
}

static void
notify_over(const char *path, int abstract)
{
	struct sockaddr_un un;
	char b[64];
	ssize_t n;
	int fd;

	memset(&un, 0, sizeof(un));
	un.sun_family = AF_UNIX;
	strncpy(un.sun_path, path, sizeof(un.sun_path) - 1);
	if (abstract)
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	T_INT(bind(fd, (struct sockaddr *)&un,
		  (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
		      strlen(path))),
	    0);
	setenv("NOTIFY_SOCKET", path, 1);
	T_INT(proc_notify("READY=1\nSTATUS=hello"), 1);
	n = recv(fd, b, sizeof(b), 0);
	T(n == 20 && memcmp(b, "READY=1\nSTATUS=hello", 20) == 0);
	close(fd);
	T_INT(proc_notify("READY=1"), 0);
	unsetenv("NOTIFY_SOCKET");
}

static void
test_notify(void)
{
	char name[64];

	unsetenv("NOTIFY_SOCKET");
	T_INT(proc_notify("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "relative", 1);
	T_INT(proc_notify("READY=1"), 0);
	notify_over(in_dir("n"), 0);
	unlink(in_dir("n"));
	snprintf(name, sizeof(name), "@sec-test-%d", (int)getpid());
	notify_over(name, 1);
}

static int
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static void
test_background(void)
{
	int p[2], status, other;
	char b[8];
	pid_t pid;

	if (pipe(p) == -1)
		exit(1);
	other = open("/dev/null", O_RDONLY);
	fflush(stdout);
	if ((pid = proc_background(p[1])) == 0) {
		b[0] = getsid(0) == getpid() ? 's' : '-';
		b[1] = is_open(p[0]) || is_open(other) ? '-' : 'c';
		b[2] = is_open(0) && is_open(1) && is_open(2) ? 'o' : '-';
		b[3] = read(0, b + 4, 1) == 0 ? 'n' : '-';
		_exit(write(p[1], b, 4) != 4);
	}
	T(pid > 0);
	T_INT(read(p[0], b, 4), 4);
	T(memcmp(b, "scon", 4) == 0);
	T_INT(waitpid(pid, &status, 0), pid);
	T_INT(status, 0);

	dup2(other, 20);
	dup2(other, 21);
	dup2(other, 22);
	proc_close_from(20, 21);
	T(!is_open(20) && is_open(21) && !is_open(22));
	proc_close_from(20, -1);
	T(!is_open(21));
	close(other);
	close(p[0]);
	close(p[1]);
}

static void
test_self(void)
{
	struct sigaction sa;
	struct rlimit r;
	unsigned char a[32], b[32];
	sigset_t set;

	proc_harden();
	T(getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_cur == 0);
	T(sigaction(SIGPIPE, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN);
	T_INT(umask(077), 007);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	proc_reset_signals();
	T(sigaction(SIGPIPE, NULL, &sa) == 0 && sa.sa_handler == SIG_DFL);
	sigprocmask(SIG_SETMASK, NULL, &set);
	T(!sigismember(&set, SIGTERM));

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	proc_random(a, sizeof(a));
	proc_random(b, sizeof(b));
	T(memcmp(a, b, sizeof(a)) != 0);
	proc_random(a, 0);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	test_files();
	test_full();
	test_mkdirs();
	test_notify();
	test_background();
	test_self();
	T_INT(rmdir(dir), 0);
	return t_done();
}
