/* The waiting side of control lines, against a scripted daemon. */
#include "../../../lib/ctl/call.c"

#include <sys/wait.h>

#include <string.h>
#include <unistd.h>

#include "../test.h"
#include "base/err.h"
#include "base/sock.h"
#include "ctl/call.h"

static char path[64];

/* A child that takes one connection: after each line it reads it writes the
 * next text of the script, and goes at its end. */
static pid_t
daemon_of(const char *const *script)
{
	char c;
	pid_t pid;
	int fd, listener;

	if ((listener = sock_unix_listen(path, 0600)) < 0)
		exit(1);
	if ((pid = fork()) != 0) {
		close(listener);
		return pid;
	}
	(void)sock_set_nonblock(listener, 0);
	if ((fd = accept(listener, NULL, NULL)) < 0)
		_exit(1);
	for (; *script != NULL; script++) {
		do {
			if (read(fd, &c, 1) != 1)
				_exit(1);
		} while (c != '\n');
		if (write(fd, *script, strlen(*script)) < 0)
			_exit(1);
	}
	_exit(0);
}

static void
call(struct ctl_client *c, const char *verb)
{
	line_put(ctl_client_begin(c, verb), "what", "a\tb");
	T_INT(ctl_client_send(c, -1), 0);
}

/* One word for each line: its n, or its verb. */
static void
on_line(void *arg, const struct line *l)
{
	buf_putf(arg, "%s ", line_get_or(l, "n", l->verb));
}

static void
test_run(void)
{
	static const char *const script[] = {
		"row\tid=1\tn=1\nrow\tid=1\tn=2\nok\tid=1\n",
		"row\tid=2\tn=3\nerror\tid=2\tcode=486\treason=no\n",
		"row\tid=3\n",
		NULL,
	};
	struct buf seen = BUF_INIT;
	struct ctl_client *c;
	pid_t pid = daemon_of(script);
	int status;

	T_INT(ctl_client_open(&c, path), 0);
	(void)ctl_client_begin(c, "list");
	T_INT(ctl_client_run(c, 5000, on_line, &seen), 0);
	T_STR(buf_cstr(&seen), "1 2 ok ");
	(void)ctl_client_begin(c, "invite");
	T_INT(ctl_client_run(c, 5000, on_line, &seen), SEC_ERR_BUSY);
	T_STR(buf_cstr(&seen), "1 2 ok 3 ");
	T_STR(ctl_client_why(c), "no");
	/* It goes without a word. */
	(void)ctl_client_begin(c, "last");
	T_INT(ctl_client_run(c, 5000, NULL, NULL), SEC_ERR_CLOSED);
	T_STR(ctl_client_why(c), sec_strerror(SEC_ERR_CLOSED));
	ctl_client_close(c);
	T(waitpid(pid, &status, 0) == pid && status == 0);
	unlink(path);
	buf_free(&seen);
}

int
main(void)
{
	static const char *const script[] = {
		"news\tx=1\nrow\tid=1\tn=1\nrow\tid=77\tn=2\nrow\tid=1\tn=3\n"
		"ok\tid=1\tend=yes\n",
		"error\tid=2\tcode=486\treason=in%09review\n",
		"error\tid=3\n",
		"", /* says nothing */
		"ok\tid=4\nok\tid=5\tlate=no\n",
		"row\tid=6\tn=1\n",
		NULL,
	};
	static const char *const garbage[] = { "what is this?\n", NULL };
	struct ctl_client *c;
	struct line l;
	pid_t pid;
	int status;

	snprintf(path, sizeof(path), "/tmp/sec-unit-call-%d.sock",
	    (int)getpid());
	T_INT(ctl_client_open(&c, path), SEC_ERR_UNREACHABLE);
	pid = daemon_of(script);
	T_INT(ctl_client_open(&c, path), 0);
	T(ctl_client_fd(c) >= 0);

	/* Rows and ok; events and others' lines are passed over. */
	call(c, "list");
	T_INT(ctl_client_next(c, &l, 5000), 1);
	T_STR(line_get(&l, "n"), "1");
	T_INT(ctl_client_next(c, &l, 5000), 1);
	T_STR(line_get(&l, "n"), "3");
	T_INT(ctl_client_next(c, &l, 5000), 0);
	T_STR(line_get(&l, "end"), "yes");
	T_INT(ctl_client_pending(c), 0);
	/* Keys come in such lines: nothing of them stays behind. */
	T(memmem(c->in.base, c->in.cap, "row", 3) == NULL);

	/* Errors have a code, a reason and a place in the table. */
	call(c, "invite");
	T_INT(ctl_client_next(c, &l, 5000), SEC_ERR_BUSY);
	T_INT(ctl_client_code(c), 486);
	T_STR(ctl_client_why(c), "in\treview");
	call(c, "invite");
	T_INT(ctl_client_next(c, &l, -1), SEC_ERR_UNREACHABLE);
	T_INT(ctl_client_code(c), 500);

	/* Silence; the late answer is passed over. */
	call(c, "slow");
	T_STR(ctl_client_why(c), "");
	T_INT(ctl_client_next(c, &l, 0), SEC_ERR_TIMEOUT);
	call(c, "next");
	T_INT(ctl_client_next(c, &l, 5000), 0);
	T_STR(line_get(&l, "late"), "no");

	/* The daemon goes in the middle. */
	call(c, "last");
	T_INT(ctl_client_next(c, &l, 5000), 1);
	T_INT(ctl_client_next(c, &l, 5000), SEC_ERR_CLOSED);
	ctl_client_close(c);
	T(waitpid(pid, &status, 0) == pid && status == 0);
	unlink(path);

	pid = daemon_of(garbage);
	T_INT(ctl_client_open(&c, path), 0);
	call(c, "list");
	T_INT(ctl_client_next(c, &l, 5000), SEC_ERR_FORMAT);
	ctl_client_close(c);
	T(waitpid(pid, &status, 0) == pid && status == 0);
	unlink(path);
	test_run();
	return t_done();
}
