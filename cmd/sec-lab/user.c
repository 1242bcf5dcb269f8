/*
 * A user's side of the lab: logging in, running programs as him, his shell.
 */
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/proc.h"
#include "base/spawn.h"

#include "lab.h"

#define USERS 256

/*
 * talk(1)'s way of saying that somebody wants you, on the terminal, and that
 * he does not any more. What a standing rule answers is not asked.
 */
static const char announce[] =
    "u=${SEC_EV_USER#sip:} c=${SEC_EV_CONF#sip:}; u=${u%@*} c=${c%@*}; "
    "case $SEC_EV_EVENT:${SEC_EV_INVITE:+in}:${SEC_EV_STATUS-}:"
    "${SEC_EV_RESULT-} in "
    "invite.in:in:ringing:) m=$(printf %s \"$SEC_EV_MEDIA\" | tr -d '[]\"' | "
    "sed 's/,/, /g'); "
    "t=\"$u invites you to $c ($m).   Answer:  sec-confctl accept\";; "
    "invite.done:in::cancelled) t=\"$u's invitation to $c is withdrawn.\";; "
    "invite.done:in::timeout) t=\"$u's invitation to $c is over.\";; "
    "*) exit 0;; esac; "
    "printf '\\r\\n* %s %s\\r\\n' \"$(date +%H:%M)\" \"$t\" >/dev/tty";

struct login {
	pid_t pid;
	int err; /* its stderr */
};

/* sec-login as the user, its stdin the password file. */
static int
begin(const struct lab *l, const char *user, struct login *in)
{
	const char *argv[] = { lab_program("sec-login"), "-P", "-", user,
		NULL };
	int fd, err[2];

	fd = open(lab_path(l, "home/%s/password", user), O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pipe2(err, O_CLOEXEC) != 0) {
		complain(0, "%s: %s", user, strerror(errno));
		if (fd >= 0)
			close(fd);
		return 10;
	}
	lab_setenv(l, user);
	in->pid = spawn_start(argv, fd, -1, err[1]);
	in->err = err[0];
	close(fd);
	close(err[1]);
	if (in->pid < 0) {
		close(err[0]);
		return complain(10, "%s: %s", user, strerror(errno));
	}
	return 0;
}

static int
finish(const char *user, struct login *in)
{
	char text[1024];
	size_t n = 0;
	ssize_t k;
	int status = 0;

	/* It may be silent and its agent alive: read to the end of login. */
	while (n < sizeof(text) - 1 &&
	    (k = read(in->err, text + n, sizeof(text) - 1 - n)) != 0) {
		if (k > 0)
			n += (size_t)k;
		else if (errno != EINTR)
			break;
	}
	text[n] = '\0';
	close(in->err);
	while (waitpid(in->pid, &status, 0) < 0 && errno == EINTR)
		;
	status =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (status != 0) {
		text[strcspn(text, "\n")] = '\0';
		complain(0, "%s: %s", user,
		    *text != '\0' ? text : "sec-login failed");
	}
	return status;
}

int
user_login(const struct lab *l, char *const *users, int n)
{
	struct login in[USERS];
	int i, k, r = 0, code;

	for (i = 0; i < n; i += USERS) {
		for (k = 0; i + k < n && k < USERS; k++) {
			in[k].pid = 0;
			code = begin(l, users[i + k], &in[k]);
			if (r == 0)
				r = code;
		}
		for (k = 0; i + k < n && k < USERS; k++) {
			if (in[k].pid == 0)
				continue;
			code = finish(users[i + k], &in[k]);
			if (r == 0)
				r = code;
		}
	}
	return r;
}

/* --- one another's PALs --- */

/* Each directory in home/ is a user's. */
static int
all_users(const struct lab *l, char **users, int max)
{
	DIR *d = opendir(lab_path(l, "home"));
	struct dirent *e;
	int n = 0;

	while (d != NULL && n < max && (e = readdir(d)) != NULL)
		if (lab_has_user(l, e->d_name) &&
		    (users[n] = strdup(e->d_name)) != NULL)
			n++;
	if (d != NULL)
		closedir(d);
	return n;
}

static int
is_among(const char *user, char *const *users, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (strcmp(users[i], user) == 0)
			return 1;
	return 0;
}

/* `sec-pal add` of those as the user; nobody hears of it if he is not logged
 * in. */
static pid_t
add_all(const struct lab *l, const char *user, char *const *others, int n)
{
	const char *argv[USERS + 5];
	int i, k = 0, null;
	pid_t pid;

	argv[k++] = lab_program("sec-pal");
	argv[k++] = "add";
	argv[k++] = "-qT";
	argv[k++] = "60"; /* as slow as they may be */
	for (i = 0; i < n; i++)
		if (strcmp(others[i], user) != 0)
			argv[k++] = others[i];
	argv[k] = NULL;
	if (k == 4 || argv[0] == NULL ||
	    (null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
		return 0;
	lab_setenv(l, user);
	pid = spawn_start(argv, null, null, null);
	close(null);
	return pid;
}

void
user_introduce(const struct lab *l, char *const *users, int n)
{
	char *all[USERS];
	pid_t pid[USERS];
	int i, k = all_users(l, all, USERS), is_new;

	for (i = 0; i < k; i++) {
		is_new = is_among(all[i], users, n);
		pid[i] = add_all(l, all[i], is_new ? all : users,
		    is_new	  ? k :
			n < USERS ? n :
				    USERS);
	}
	for (i = 0; i < k; i++) {
		while (pid[i] > 0 && waitpid(pid[i], NULL, 0) < 0 &&
		    errno == EINTR)
			;
		free(all[i]);
	}
}

/* A lab that is up and has that user: 0 or an exit code. */
static int
check_user(struct lab *l, const char *user, int must_be_up)
{
	if (lab_load(l) != 0 || (must_be_up && lab_pid(l) == 0))
		return complain(10, "not up; sec-lab up %s", user);
	if (!lab_has_user(l, user))
		return complain(5, "no user %s in this lab; sec-lab user %s",
		    user, user);
	return 0;
}

int
verb_run(struct lab *l, const struct lab_options *o, char **argv, int n)
{
	int r;

	(void)o;
	(void)n;
	if ((r = check_user(l, argv[0], 0)) != 0)
		return r;
	lab_setenv(l, argv[0]);
	execvp(argv[1], argv + 1);
	return complain(errno == ENOENT ? 127 : 126, "%s: %s", argv[1],
	    strerror(errno));
}

int
verb_env(struct lab *l, const struct lab_options *o, char **argv, int n)
{
	int r;

	(void)o;
	(void)n;
	if ((r = check_user(l, argv[0], 0)) != 0)
		return r;
	lab_print_env(l, argv[0]);
	return 0;
}

/* Background of the user's shell: each invitation as a line. */
static pid_t
watch_invitations(void)
{
	const char *argv[] = { lab_program("sec-watch"), "-e", "invite.in",
		"-e", "invite.done", "-x", announce, NULL };
	pid_t pid;

	if (argv[0] == NULL || !isatty(STDIN_FILENO))
		return 0;
	if ((pid = spawn_start(argv, -1, -1, -1)) > 0)
		(void)setpgid(pid, pid); /* not hit by our ctrl-c */
	return pid;
}

/* How each shell is told its prompt, over what the system's files say. */
static void
exec_shell(const struct lab *l, const char *user)
{
	const char *shell = getenv("SHELL"), *name;
	struct buf rc = BUF_INIT;
	char file[PATH_LEN * 2], prompt[128];

	if (shell == NULL || *shell == '\0')
		shell = "/bin/sh";
	name = strrchr(shell, '/') != NULL ? strrchr(shell, '/') + 1 : shell;
	snprintf(prompt, sizeof(prompt), "[%s] $ ", user);
	snprintf(file, sizeof(file), "%s",
	    lab_path(l, "home/%s/%s", user,
		strcmp(name, "zsh") == 0 ? ".zshrc" : ".shrc"));
	buf_putf(&rc, "PS1='%s'\n", prompt);
	if (buf_error(&rc) != 0 ||
	    proc_write_file(file, buf_data(&rc), buf_len(&rc), 0600) != 0)
		complain(0, "%s: %s", file, strerror(errno));
	buf_free(&rc);
	(void)setenv("PS1", prompt, 1);
	(void)setenv("ENV", file, 1);
	(void)setenv("ZDOTDIR", lab_path(l, "home/%s", user), 1);
	if (strcmp(name, "bash") == 0 && isatty(STDIN_FILENO))
		execl(shell, name, "--rcfile", file, "-i", (char *)NULL);
	execl(shell, name, (char *)NULL);
	complain(0, "%s: %s", shell, strerror(errno));
	_exit(127);
}

int
verb_shell(struct lab *l, const struct lab_options *o, char **argv, int n)
{
	int r, status = 0;
	pid_t watch, pid;

	(void)o;
	(void)n;
	if ((r = check_user(l, argv[0], 1)) != 0)
		return r;
	lab_setenv(l, argv[0]);
	watch = watch_invitations();
	if ((pid = fork()) < 0)
		return complain(10, "fork: %s", strerror(errno));
	if (pid == 0)
		exec_shell(l, argv[0]);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (watch > 0) {
		(void)kill(watch, SIGTERM);
		(void)waitpid(watch, NULL, 0);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
