#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"

#include "../test.h"

static struct loop *l;
static char trace[256];
static char tick[] = "t", hookb[] = "b", usr1[] = "u", usr2[] = "v";

static void
note(const char *s)
{
	strncat(trace, s, sizeof(trace) - strlen(trace) - 1);
}

static void
note_arg(void *arg)
{
	note(arg);
}

static int
trace_is(const char *want)
{
	int ok;

	ok = strcmp(trace, want) == 0;
	if (!ok)
		printf("# trace \"%s\", want \"%s\"\n", trace, want);
	trace[0] = '\0';
	return ok;
}

/* A pipe with an io on its reading end. */
struct end {
	struct io io;
	int fd[2];
	struct end *victim;
	int calls;
	uint32_t last;
};

static void
on_end(void *arg, uint32_t events)
{
	struct end *e = arg;
	char c;

	e->calls++;
	e->last = events;
	if (events & IO_IN)
		(void)!read(e->fd[0], &c, 1);
	if (e->victim != NULL)
		io_del(&e->victim->io);
}

static void
end_open(struct end *e)
{
	memset(e, 0, sizeof(*e));
	if (pipe(e->fd) == -1)
		exit(1);
	T_INT(io_add(l, &e->io, e->fd[0], IO_IN, on_end, e), 0);
}

static void
end_close(struct end *e)
{
	io_del(&e->io);
	close(e->fd[0]);
	if (e->fd[1] != -1)
		close(e->fd[1]);
}

static void
test_io(void)
{
	struct end a, b;

	end_open(&a);
	loop_turn(l, 0);
	T_INT(a.calls, 0);
	(void)!write(a.fd[1], "xy", 2);
	loop_turn(l, -1);
	loop_turn(l, -1);
	T_INT(a.calls, 2);
	T_INT(a.last, IO_IN);

	/* Nothing asked for, nothing reported, not even the hang-up. */
	io_set(&a.io, 0);
	(void)!write(a.fd[1], "z", 1);
	close(a.fd[1]);
	a.fd[1] = -1;
	loop_turn(l, 0);
	T_INT(a.calls, 2);
	io_set(&a.io, IO_IN);
	loop_turn(l, -1);
	loop_turn(l, -1);
	T_INT(a.calls, 4);
	T(a.last & IO_HUP);
	T(a.last & IO_IN);
	/* What the kernel refuses is an error, not the end of the program. */
	close(a.fd[0]);
	T_INT(io_set(&a.io, IO_OUT), SEC_ERR_SYS);
	io_del(&a.io);
	T_INT(io_set(&a.io, IO_OUT), 0);
	a.fd[0] = -1;
	end_close(&a);
	io_del(&a.io);

	/* Both are ready in one turn; the first to run deletes the other. */
	end_open(&a);
	end_open(&b);
	a.victim = &b;
	b.victim = &a;
	(void)!write(a.fd[1], "x", 1);
	(void)!write(b.fd[1], "x", 1);
	loop_turn(l, -1);
	loop_turn(l, 0);
	T_INT(a.calls + b.calls, 1);
	end_close(&a);
	end_close(&b);

	memset(&a, 0, sizeof(a));
	T_INT(io_add(l, &a.io, 999, IO_IN, on_end, &a), SEC_ERR_SYS);
	T_INT(errno, EBADF);
	T(a.io.loop == NULL);
}

/* An event fetched for a deleted io must not reach its next use. */
static struct end reused;

static void
on_reuse(void *arg, uint32_t events)
{
	struct end *e = arg;

	(void)events;
	io_del(&e->io);
	io_del(&reused.io);
	io_add(l, &reused.io, reused.fd[1], 0, on_end, &reused);
}

static void
test_reuse(void)
{
	struct end a;

	end_open(&a);
	io_add(l, &a.io, a.fd[0], IO_IN, on_reuse, &a);
	end_open(&reused);
	(void)!write(a.fd[1], "x", 1);
	(void)!write(reused.fd[1], "x", 1);
	loop_turn(l, -1);
	T(reused.calls == 0 || reused.io.fd == reused.fd[0]);
	loop_turn(l, 0);
	T(reused.calls <= 1);
	end_close(&a);
	end_close(&reused);
}

static void
test_file(void)
{
	struct end a, b;
	char name[] = "/tmp/loop.XXXXXX";

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.fd[0] = b.fd[0] = mkstemp(name);
	a.fd[1] = b.fd[1] = -1;
	unlink(name);
	T_INT(io_add(l, &a.io, a.fd[0], IO_IN, on_end, &a), 0);
	T_INT(io_add(l, &b.io, b.fd[0], 0, on_end, &b), 0);
	loop_turn(l, -1);
	T_INT(a.calls, 1);
	T_INT(b.calls, 0);
	io_set(&b.io, IO_IN);
	a.victim = &b;
	loop_turn(l, -1);
	T_INT(a.calls, 2);
	T_INT(b.calls, 0);
	io_set(&a.io, 0);
	loop_turn(l, 0);
	T_INT(a.calls, 2);
	io_del(&a.io);
	close(a.fd[0]);
}

/* Timers. */

static int64_t fired_at[300];
static int fired;

static void
on_timer(void *arg)
{
	struct timer *t = arg;

	fired_at[fired++ % 300] = t->at;
}

static void
test_order(void)
{
	static struct timer t[200];
	unsigned r;
	int i, kept, sorted;

	r = 1;
	kept = 0;
	for (i = 0; i < 200; i++) {
		timer_init(&t[i], l, on_timer, &t[i]);
		r = r * 1103515245 + 12345;
		timer_set(&t[i], (r >> 16) % 20);
	}
	/* Cancel from the middle, restart others. */
	for (i = 0; i < 200; i += 3)
		timer_cancel(&t[i]);
	for (i = 1; i < 200; i += 3)
		timer_set(&t[i], i % 7);
	for (i = 0; i < 200; i++)
		kept += timer_is_set(&t[i]);
	T_INT(kept, 133);
	fired = 0;
	while (fired < kept)
		loop_turn(l, -1);
	sorted = 1;
	for (i = 1; i < fired; i++)
		if (fired_at[i] < fired_at[i - 1] &&
		    fired_at[i - 1] - fired_at[i] > 0)
			sorted = 0;
	T(sorted);
	T_INT(fired, kept);
	for (i = 0, kept = 0; i < 200; i++)
		kept += timer_is_set(&t[i]);
	T_INT(kept, 0);
}

static struct timer again;
static int rounds;

static void
on_again(void *arg)
{
	(void)arg;
	rounds++;
	timer_set(&again, 0);
}

static void
test_timer(void)
{
	struct timer t, zero;
	int64_t from;

	memset(&zero, 0, sizeof(zero));
	T(!timer_is_set(&zero));
	timer_cancel(&zero);
	timer_init(&t, l, note_arg, tick);
	from = clock_mono();
	timer_set(&t, 3);
	T(timer_is_set(&t));
	while (timer_is_set(&t))
		loop_turn(l, -1);
	T(clock_mono() - from >= 3);
	T(trace_is("t"));
	T(loop_now(l) >= from);

	/* A timer that sets itself does not hold up the turn. */
	timer_init(&again, l, on_again, NULL);
	timer_set(&again, 0);
	loop_turn(l, -1);
	T_INT(rounds, 1);
	timer_cancel(&again);
	loop_turn(l, 0);
	T_INT(rounds, 1);
}

/* The owner frees itself in its callback. */
struct owner {
	struct timer t;
	struct hook h;
	struct io io;
	int fd[2];
};

static void
owner_free(void *arg)
{
	struct owner *o = arg;

	timer_cancel(&o->t);
	hook_cancel(&o->h);
	io_del(&o->io);
	close(o->fd[0]);
	close(o->fd[1]);
	free(o);
	note("f");
}

static void
on_owner_io(void *arg, uint32_t events)
{
	(void)events;
	owner_free(arg);
}

static void
test_free(void)
{
	struct owner *o;
	int i;

	for (i = 0; i < 3; i++) {
		if ((o = calloc(1, sizeof(*o))) == NULL || pipe(o->fd) == -1)
			exit(1);
		timer_init(&o->t, l, owner_free, o);
		hook_init(&o->h, l, owner_free, o);
		io_add(l, &o->io, o->fd[1], i == 0 ? IO_OUT : 0, on_owner_io,
		    o);
		timer_set(&o->t, i == 1 ? 0 : 1000);
		if (i != 1)
			hook_arm(&o->h);
		loop_turn(l, -1);
		T(trace_is("f"));
	}
}

/* Hooks. */

static struct hook ha, hb, hc;

static void
on_ha(void *arg)
{
	(void)arg;
	note("a");
	hook_arm(&hc);
	hook_arm(&hc);
}

static void
on_hc(void *arg)
{
	static int n;

	(void)arg;
	note("c");
	if (n++ == 0)
		hook_arm(&ha);
}

static void
test_hooks(void)
{
	hook_init(&ha, l, on_ha, NULL);
	hook_init(&hb, l, note_arg, hookb);
	hook_init(&hc, l, on_hc, NULL);
	hook_arm(&ha);
	hook_arm(&hb);
	hook_arm(&ha);
	loop_turn(l, -1);
	T(trace_is("abcac"));
	loop_turn(l, 0);
	T(trace_is(""));
	hook_arm(&hb);
	hook_cancel(&hb);
	hook_cancel(&hb);
	loop_turn(l, 0);
	T(trace_is(""));
}

static void
on_stop(void *arg)
{
	(void)arg;
	hook_arm(&hb);
	loop_stop(l, 42);
}

static void
test_run(void)
{
	struct timer t;

	timer_init(&t, l, on_stop, NULL);
	timer_set(&t, 0);
	T_INT(loop_run(l), 42);
	/* The turn that stops is ended as any other. */
	T(trace_is("b"));
}

static void
on_usr(void *arg, int signo)
{
	note(arg);
	note(signo == SIGUSR1 ? "1" : "2");
}

static void
test_signals(void)
{
	T_INT(loop_signal(l, SIGUSR1, on_usr, usr1), 0);
	T_INT(loop_signal(l, SIGUSR2, on_usr, usr2), 0);
	raise(SIGUSR1);
	loop_turn(l, -1);
	T(trace_is("u1"));
	raise(SIGUSR2);
	loop_turn(l, -1);
	T(trace_is("v2"));
	T_INT(loop_signal(l, 0, on_usr, NULL), SEC_ERR_SYS);
}

static int child_status;

static void
on_child(void *arg, int pid, int status)
{
	*(int *)arg = pid;
	child_status = status;
}

static pid_t
child_new(int code)
{
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0)
		_exit(code);
	return pid;
}

static void
test_children(void)
{
	siginfo_t si;
	pid_t pid, other;
	int got;

	/* Ended before anybody watched for it. */
	got = 0;
	pid = child_new(7);
	waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT);
	T_INT(loop_child(l, pid, on_child, &got), 0);
	loop_turn(l, -1);
	T_INT(got, pid);
	T(WIFEXITED(child_status) && WEXITSTATUS(child_status) == 7);

	got = 0;
	pid = child_new(3);
	T_INT(loop_child(l, pid, on_child, &got), 0);
	while (got == 0)
		loop_turn(l, -1);
	T_INT(got, pid);
	T_INT(WEXITSTATUS(child_status), 3);

	/* Children that are not ours to reap stay. */
	got = 0;
	other = child_new(4);
	pid = child_new(5);
	loop_child(l, pid, on_child, &got);
	loop_child_cancel(l, pid);
	waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT);
	loop_turn(l, -1);
	T_INT(got, 0);
	T_INT(waitpid(pid, NULL, 0), -1);
	T_INT(waitpid(other, NULL, 0), other);
}

static void
nested_turn(void *arg, uint32_t events)
{
	struct end *e = arg;

	(void)events;
	io_del(&e->io);
	loop_turn(l, 0);
	note("n");
}

static void
test_nested(void)
{
	struct end a, b;

	end_open(&a);
	io_add(l, &a.io, a.fd[0], IO_IN, nested_turn, &a);
	(void)!write(a.fd[1], "x", 1);
	end_open(&b);
	(void)!write(b.fd[1], "x", 1);
	loop_turn(l, -1);
	T(trace_is("n"));
	T(b.calls >= 1);
	end_close(&a);
	end_close(&b);
}

int
main(void)
{
	l = loop_new();
	test_io();
	test_reuse();
	test_file();
	test_order();
	test_timer();
	test_free();
	test_hooks();
	test_run();
	test_signals();
	test_children();
	test_nested();
	hook_arm(&hb);
	timer_init(&again, l, on_again, NULL);
	timer_set(&again, 1000);
	loop_free(l);
	T(!timer_is_set(&again));
	T(!hb.armed);
	loop_free(NULL);
	return t_done();
}
