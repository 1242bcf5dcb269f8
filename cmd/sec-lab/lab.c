/*
 * Where a lab is, who holds it, and what its users see of it.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "base/text.h"
#include "wire/line.h"

#include "lab.h"

const struct lab_daemon lab_daemons[LAB_DAEMONS] = {
	{ "confctl", "confctl", "sec-confctl", 7320, 0 },
	{ "pal", "pal", "sec-pal", 7321, 0 },
	{ "mtcu1", "mtcu", "sec-mtcu", 7322, 0 },
	{ "mtcu2", "mtcu", "sec-mtcu", 7332, 0 },
	{ "mcu1", "mcu", "sec-mcu", 7323, 1 },
	{ "mcu2", "mcu", "sec-mcu", 7333, 1 },
};

int
complain(int code, const char *fmt, ...)
{
	va_list ap;
	char text[2048];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "sec-lab: %s\n", text);
	return code;
}

void
lab_find(struct lab *l)
{
	const char *dir = getenv("SEC_DIR"), *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	char cwd[PATH_MAX], path[PATH_MAX * 2];
	size_t n;

	if (dir != NULL && *dir == '/')
		snprintf(path, sizeof(path), "%s", dir);
	else if (dir != NULL && *dir != '\0') {
		if (getcwd(cwd, sizeof(cwd)) == NULL)
			die(10, "getcwd: %s", strerror(errno));
		snprintf(path, sizeof(path), "%s/%s", cwd, dir);
	} else if (xdg != NULL && *xdg == '/')
		snprintf(path, sizeof(path), "%s/sec-lab", xdg);
	else if (home != NULL && *home == '/')
		snprintf(path, sizeof(path), "%s/.local/state/sec-lab", home);
	else
		die(2, "neither SEC_DIR nor HOME is set");
	for (n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	if (n >= sizeof(l->dir) - 64)
		die(11, "path too long: %.60s...", path);
	text_copy(l->dir, path, sizeof(l->dir));
	n = home != NULL ? strlen(home) : 0;
	if (n > 1 && strncmp(path, home, n) == 0 && path[n] == '/')
		snprintf(l->shown, sizeof(l->shown), "~%s", l->dir + n);
	else
		text_copy(l->shown, l->dir, sizeof(l->shown));
	if (setenv("SEC_DIR", l->dir, 1) != 0)
		die(10, "no memory");
}

const char *
lab_path(const struct lab *l, const char *fmt, ...)
{
	static char out[4][PATH_LEN * 2];
	static int i;
	va_list ap;
	int n;

	i = (i + 1) % 4;
	n = snprintf(out[i], sizeof(out[i]), "%s/", l->dir);
	va_start(ap, fmt);
	vsnprintf(out[i] + n, sizeof(out[i]) - (size_t)n, fmt, ap);
	va_end(ap);
	return out[i];
}

int
lab_load(struct lab *l)
{
	struct line line;
	char *text;
	size_t n;
	int r;

	r = proc_read_file(lab_path(l, "etc/lab"), 4096, &text, &n);
	if (r != 0)
		return r;
	r = line_parse(&line, text, n);
	free(text);
	if (r != 0)
		return SEC_ERR_DATA;
	text_copy(l->address, line_get_or(&line, "address", ""),
	    sizeof(l->address));
	l->plain = strcmp(line_get_or(&line, "plain", "0"), "1") == 0;
	l->wire = strcmp(line_get_or(&line, "wire", "0"), "1") == 0;
	line_free(&line);
	return 0;
}

int
lab_save(const struct lab *l)
{
	struct buf b = BUF_INIT;
	int r;

	line_begin(&b, "lab");
	line_put(&b, "address", l->address);
	line_put_u64(&b, "plain", (uint64_t)l->plain);
	line_put_u64(&b, "wire", (uint64_t)l->wire);
	line_end(&b);
	if ((r = buf_error(&b)) == 0)
		r = proc_write_file(lab_path(l, "etc/lab"), buf_data(&b),
		    buf_len(&b), 0600);
	buf_free(&b);
	return r;
}

pid_t
lab_pid(const struct lab *l)
{
	char text[32] = "";
	pid_t pid = 0;
	int fd;

	fd = open(lab_path(l, "run/lock"), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK &&
	    read(fd, text, sizeof(text) - 1) > 0)
		pid = (pid_t)strtol(text, NULL, 10);
	close(fd);
	return pid;
}

int
lab_lock(const struct lab *l)
{
	int fd;

	fd = open(lab_path(l, "run/lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return SEC_ERR_DISK;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return SEC_ERR_NO;
	}
	lab_lock_mine(fd);
	return fd;
}

void
lab_lock_mine(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
		complain(0, "run/lock: %s", strerror(errno));
}

/* --- programs --- */

const char *
lab_program(const char *name)
{
	static char out[8][PATH_LEN];
	static int i;

	i = (i + 1) % 8;
	return strncmp(name, "sec-", 4) == 0 ? spawn_find_own(name, out[i]) :
					       spawn_find(name, out[i]);
}

int
lab_programs_missing(int users)
{
	static const struct {
		const char *name, *package;
	} kerberos[] = {
		{ "krb5kdc", "krb5-kdc" },
		{ "kdb5_util", "krb5-kdc" },
		{ "kadmin.local", "krb5-admin-server" },
	};
	/* The last two only for users. */
	static const char *const ours[] = { "sec-confctl", "sec-pal",
		"sec-mtcu", "sec-mcu", "sec-keygen", "sec-login", "sec-agent" };
	size_t i, n = sizeof(ours) / sizeof(ours[0]);

	for (i = 0; i < sizeof(kerberos) / sizeof(kerberos[0]); i++)
		if (lab_program(kerberos[i].name) == NULL)
			return complain(10,
			    "%s not found; on Debian: apt "
			    "install %s",
			    kerberos[i].name, kerberos[i].package);
	for (i = 0; i < (users ? n : n - 2); i++)
		if (lab_program(ours[i]) == NULL)
			return complain(10,
			    "%s not found beside sec-lab; "
			    "build it: make",
			    ours[i]);
	return 0;
}

/* --- users --- */

int
lab_has_user(const struct lab *l, const char *user)
{
	return text_is_name(user) &&
	    access(lab_path(l, "home/%s/password", user), F_OK) == 0;
}

/* The directory that one of our programs is in; "" when it is missing. */
static void
directory_of(const char *program, char out[PATH_MAX])
{
	const char *path = lab_program(program);
	char *slash;

	if (path == NULL || realpath(path, out) == NULL)
		out[0] = '\0';
	if ((slash = strrchr(out, '/')) != NULL)
		*slash = '\0';
}

/* The directories of our programs go first in a user's PATH: one, or,
 * installed, bin and sbin. */
static void
user_path(char *out, size_t n)
{
	const char *old = getenv("PATH");
	char ours[PATH_MAX * 2], bin[PATH_MAX], sbin[PATH_MAX];
	size_t k;

	directory_of("sec-lab", bin);
	directory_of("sec-keygen", sbin);
	snprintf(ours, sizeof(ours), "%s%s%s", bin,
	    sbin[0] != '\0' && strcmp(bin, sbin) != 0 ? ":" : "",
	    strcmp(bin, sbin) != 0 ? sbin : "");
	if (old == NULL)
		old = "/usr/bin:/bin";
	k = strlen(ours);
	/* `run` inside `run` must not let it grow. */
	if (strncmp(old, ours, k) == 0 && (old[k] == ':' || old[k] == '\0'))
		snprintf(out, n, "%s", old);
	else
		snprintf(out, n, "%s:%s", ours, old);
}

static void
each_variable(const struct lab *l, const char *user,
    void (*cb)(const char *name, const char *value))
{
	char text[PATH_MAX * 3];

	cb("SEC_DIR", l->dir);
	cb("SEC_USER", user);
	cb("KRB5_CONFIG", lab_path(l, "etc/krb5.conf"));
	snprintf(text, sizeof(text), "FILE:%s",
	    lab_path(l, "home/%s/cc", user));
	cb("KRB5CCNAME", text);
	cb("HOME", lab_path(l, "home/%s", user));
	user_path(text, sizeof(text));
	cb("PATH", text);
}

static void
put_variable(const char *name, const char *value)
{
	if (setenv(name, value, 1) != 0)
		die(10, "no memory");
}

static void
print_variable(const char *name, const char *value)
{
	printf("export %s='", name);
	for (; *value != '\0'; value++)
		if (*value == '\'')
			printf("'\\''");
		else
			putchar(*value);
	printf("'\n");
}

void
lab_setenv(const struct lab *l, const char *user)
{
	each_variable(l, user, put_variable);
	unsetenv("KRB5_KDC_PROFILE");
	unsetenv("KRB5_CLIENT_KTNAME");
	unsetenv("KRB5_KTNAME");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_STATE_HOME");
}

void
lab_print_env(const struct lab *l, const char *user)
{
	each_variable(l, user, print_variable);
}

void
lab_setenv_kdc(const struct lab *l)
{
	put_variable("KRB5_CONFIG", lab_path(l, "etc/krb5.conf"));
	put_variable("KRB5_KDC_PROFILE", lab_path(l, "kdc/kdc.conf"));
}
