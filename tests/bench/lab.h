#ifndef BENCH_LAB_H
#define BENCH_LAB_H

/*
 * A lab of its own for a benchmark: up in a fresh directory, gone at exit.
 * One file, since each benchmark is one program.
 */

#include <stdarg.h>
#include <string.h>

#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/secret.h"
#include "ctl/call.h"
#include "krb/ticket.h"

#include "bench.h"

#define LAB_REALM  "LAB.TEST"
#define LAB_DOMAIN "lab.test"
#define LAB_PAL    "sip/pal." LAB_DOMAIN

static char bench_dir[64];             /* of the lab */

static const char *const lab_names[] = { "confctl", "pal", "mtcu1", "mtcu2" };
#define LAB_DAEMONS (sizeof lab_names / sizeof lab_names[0])

/* A file of the lab; two may be held at a time. */
static inline const char *lab_path(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
static inline const char *
lab_path(const char *fmt, ...)
{
	static char path[2][PATH_LEN];
	static int i;
	va_list ap;
	size_t n;

	i = !i;
	n = (size_t)snprintf(path[i], sizeof path[i], "%s/", bench_dir);
	va_start(ap, fmt);
	vsnprintf(path[i] + n, sizeof path[i] - n, fmt, ap);
	va_end(ap);
	return path[i];
}

/* A program of this build. */
static inline const char *
lab_program(const char *name)
{
	static char path[PATH_LEN];
	const char *build = getenv("SEC_BUILD");

	snprintf(path, sizeof path, "%s/bin/%s", build != NULL ? build :
	    "build", name);
	return path;
}

static inline pid_t
lab_start(const char *const argv[])
{
	pid_t pid = fork();

	if (pid == 0) {
		proc_reset_signals();
		proc_close_from(3, -1);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return pid;
}

/* Run a program to its end; its exit status. */
static inline int
lab_run(const char *const argv[])
{
	int status;
	pid_t pid = lab_start(argv);

	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 127;
	return WEXITSTATUS(status);
}

static inline void
lab_down(void)
{
	const char *argv[] = { lab_program("sec-lab"), "down", "-q", "--purge",
		NULL };
	char cmd[128];

	(void)lab_run(argv);
	snprintf(cmd, sizeof cmd, "rm -rf %s", bench_dir);
	if (system(cmd) != 0)
		fprintf(stderr, "cannot remove %s\n", bench_dir);
}

/* A lab with these users, logged in by sec-agent; NULL ends. */
static inline void
lab_up(const char *const *users)
{
	const char *argv[16] = { lab_program("sec-lab"), "up", "-q" };
	size_t n = 3;

	snprintf(bench_dir, sizeof bench_dir, "/tmp/sec-bench.XXXXXX");
	if (mkdtemp(bench_dir) == NULL)
		die(1, "no temporary directory");
	setenv("SEC_DIR", bench_dir, 1);
	unsetenv("KRB5CCNAME");
	while (*users != NULL && n < 15)
		argv[n++] = *users++;
	atexit(lab_down);
	if (lab_run(argv) != 0)
		die(1, "no lab");
	setenv("KRB5_CONFIG", lab_path("etc/krb5.conf"), 1);
}

static inline pid_t
lab_daemon_pid(const char *name)
{
	struct ctl_client *c;
	struct line l;
	uint64_t pid;

	if (ctl_client_open(&c, lab_path("run/%s.sock", name)) != 0)
		die(1, "%s does not answer", name);
	ctl_client_begin(c, "status");
	ctl_client_send(c, -1);
	if (ctl_client_next(c, &l, 10000) != 0 ||
	    line_get_u64(&l, "pid", &pid) != 0)
		die(1, "%s does not know its pid", name);
	ctl_client_close(c);
	return (pid_t)pid;
}

/* HOST:PORT of a server, from the file `servers`. */
static inline void
lab_address(const char *name, struct addr *a)
{
	char line[512], who[64], role[64], where[256];
	FILE *f = fopen(lab_path("etc/servers"), "r");
	int number;

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "%d %63s %63s %255s", &number, who, role,
		    where) == 4 && strcmp(who, name) == 0 &&
		    addr_parse(a, where) == 0) {
			fclose(f);
			return;
		}
	die(1, "no address of %s", name);
}

/* The user's ticket for sec-pal, from the password that the lab gave him. */
static inline void
lab_ticket(const char *user, struct ticket *t)
{
	struct ticket_request q = { .source = TICKET_PASSWORD,
		.realm = LAB_REALM, .service = LAB_PAL };
	char *text, why[512] = "";
	struct secret *password;
	size_t n;

	if (proc_read_file(lab_path("home/%s/password", user), 256, &text,
	    &n) != 0)
		die(1, "no password of %s", user);
	text[strcspn(text, "\n")] = '\0';
	password = secret_copy(text, strlen(text) + 1);
	q.principal = user;
	q.password = password;
	if (ticket_get(&q, t, why, sizeof why) != 0)
		die(1, "%s", why);
	secret_free(password);
	free(text);
}

#endif
