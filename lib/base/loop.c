/*
 * The event loop: one epoll, a binary heap of timers, a signalfd, and the
 * list of armed hooks.
 *
 *   turn:  wait -> descriptors -> timers that are due -> hooks, until no
 *          hook is armed
 *
 * A callback may delete or free any io, timer or hook. Events that were
 * fetched for an io deleted since are blanked out in the turn's array, so
 * that nothing is delivered to memory that is gone.
 */
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"

#define TURN_EVENTS 256
#define AHEAD	    4 /* events whose memory is fetched before their turn */

/* The events fetched by one epoll_wait(). */
struct turn {
	struct epoll_event ev[TURN_EVENTS];
	int next;
	int n;
};

struct sig {
	void (*cb)(void *arg, int signo);
	void *arg;
};

struct child {
	pid_t pid;
	void (*cb)(void *arg, int pid, int status);
	void *arg;
	TAILQ_ENTRY(child) entry;
};

struct loop {
	int ep;
	int running;
	int value;
	int64_t now;
	struct turn *turn;
	int in_timers;
	struct timer **heap;
	int ntimer;
	int captimer;
	TAILQ_HEAD(, hook) hooks;
	TAILQ_HEAD(, io) files; /* descriptors epoll refuses */
	struct io *next_file;
	sigset_t mask;
	struct io sigio;
	struct sig sig[NSIG];
	TAILQ_HEAD(, child) children;
	struct hook reap;
};

static void reap_children(void *arg);

struct loop *
loop_new(void)
{
	struct loop *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for the event loop");
	if ((l->ep = epoll_create1(EPOLL_CLOEXEC)) == -1)
		die(sec_err_exit(SEC_ERR_SYS), "epoll: %s", strerror(errno));
	TAILQ_INIT(&l->hooks);
	TAILQ_INIT(&l->files);
	TAILQ_INIT(&l->children);
	sigemptyset(&l->mask);
	hook_init(&l->reap, l, reap_children, l);
	l->now = clock_mono();
	return l;
}

void
loop_free(struct loop *l)
{
	struct child *c;
	struct hook *h;
	struct io *io;
	int fd, i;

	if (l == NULL)
		return;
	if (l->sigio.loop != NULL) {
		fd = l->sigio.fd;
		io_del(&l->sigio);
		close(fd);
	}
	while ((c = TAILQ_FIRST(&l->children)) != NULL) {
		TAILQ_REMOVE(&l->children, c, entry);
		free(c);
	}
	while ((h = TAILQ_FIRST(&l->hooks)) != NULL)
		hook_cancel(h);
	while ((io = TAILQ_FIRST(&l->files)) != NULL)
		io_del(io);
	for (i = 0; i < l->ntimer; i++)
		l->heap[i]->slot = -1;
	free(l->heap);
	close(l->ep);
	free(l);
}

/* Timers: a binary heap by `at`; each timer knows its slot. */

static void
heap_place(struct loop *l, int slot, struct timer *t)
{
	l->heap[slot] = t;
	t->slot = slot;
}

static void
heap_up(struct loop *l, int slot, struct timer *t)
{
	int up;

	for (; slot > 0; slot = up) {
		up = (slot - 1) / 2;
		if (l->heap[up]->at <= t->at)
			break;
		heap_place(l, slot, l->heap[up]);
	}
	heap_place(l, slot, t);
}

static void
heap_down(struct loop *l, int slot, struct timer *t)
{
	int kid;

	for (; (kid = 2 * slot + 1) < l->ntimer; slot = kid) {
		if (kid + 1 < l->ntimer &&
		    l->heap[kid + 1]->at < l->heap[kid]->at)
			kid++;
		if (t->at <= l->heap[kid]->at)
			break;
		heap_place(l, slot, l->heap[kid]);
	}
	heap_place(l, slot, t);
}

static void
heap_remove(struct loop *l, struct timer *t)
{
	struct timer *last;
	int slot;

	slot = t->slot;
	t->slot = -1;
	last = l->heap[--l->ntimer];
	if (last == t)
		return;
	if (slot > 0 && last->at < l->heap[(slot - 1) / 2]->at)
		heap_up(l, slot, last);
	else
		heap_down(l, slot, last);
}

static void
heap_insert(struct loop *l, struct timer *t)
{
	struct timer **heap;
	int cap;

	if (l->ntimer == l->captimer) {
		cap = l->captimer == 0 ? 64 : 2 * l->captimer;
		heap = reallocarray(l->heap, (size_t)cap, sizeof(*heap));
		if (heap == NULL)
			die(sec_err_exit(SEC_ERR_SYS), "no memory for timers");
		l->heap = heap;
		l->captimer = cap;
	}
	heap_up(l, l->ntimer++, t);
}

static void
run_timers(struct loop *l)
{
	struct timer *t;

	l->in_timers++;
	while (l->ntimer > 0 && l->heap[0]->at <= l->now) {
		t = l->heap[0];
		heap_remove(l, t);
		t->cb(t->arg);
	}
	l->in_timers--;
}

static void
run_hooks(struct loop *l)
{
	struct hook *h;

	while ((h = TAILQ_FIRST(&l->hooks)) != NULL) {
		hook_cancel(h);
		h->cb(h->arg);
	}
}

/* How long the wait may take, with a caller's limit of ms. */
static int
turn_timeout(struct loop *l, int ms)
{
	struct io *io;
	int64_t left;

	if (!TAILQ_EMPTY(&l->hooks))
		return 0;
	TAILQ_FOREACH(io, &l->files, entry)
		if (io->events != 0)
			return 0;
	if (l->ntimer == 0)
		return ms;
	if ((left = l->heap[0]->at - clock_mono()) <= 0)
		return 0;
	if (ms >= 0 && left > ms)
		return ms;
	return left > 3600000 ? 3600000 : (int)left;
}

static uint32_t
events_from_epoll(const struct io *io, uint32_t ev)
{
	uint32_t r;

	r = 0;
	if (ev & EPOLLIN)
		r |= IO_IN;
	if (ev & EPOLLOUT)
		r |= IO_OUT;
	/* The next read or write then tells what has happened. */
	if (ev & (EPOLLHUP | EPOLLERR))
		r |= IO_HUP | io->events;
	return r;
}

/* With a thousand connections no event finds its owner in the cache: that of
 * a later one is fetched meanwhile. */
static void
fetch_ahead(const struct turn *t)
{
	const struct io *io;

	if (t->next + AHEAD < t->n &&
	    (io = t->ev[t->next + AHEAD].data.ptr) != NULL) {
		__builtin_prefetch(io);
		__builtin_prefetch(io + 1); /* its owner is around it */
	}
}

static void
run_descriptors(struct turn *t)
{
	struct epoll_event *ev;
	struct io *io;

	while (t->next < t->n) {
		fetch_ahead(t);
		ev = &t->ev[t->next++];
		if ((io = ev->data.ptr) != NULL)
			io->cb(io->arg, events_from_epoll(io, ev->events));
	}
}

static void
run_files(struct loop *l)
{
	struct io *io;

	for (io = TAILQ_FIRST(&l->files); io != NULL; io = l->next_file) {
		l->next_file = TAILQ_NEXT(io, entry);
		if (io->events != 0)
			io->cb(io->arg, io->events);
	}
	l->next_file = NULL;
}

void
loop_turn(struct loop *l, int ms)
{
	struct turn t, *outer;

	/* Run by a callback: the rest of the outer turn's events may be stale
	 * when it goes on. What is still true is reported again. */
	if ((outer = l->turn) != NULL)
		outer->n = outer->next;
	t.next = 0;
	t.n = epoll_wait(l->ep, t.ev, TURN_EVENTS, turn_timeout(l, ms));
	if (t.n == -1) {
		if (errno != EINTR)
			die(sec_err_exit(SEC_ERR_SYS), "epoll_wait: %s",
			    strerror(errno));
		t.n = 0;
	}
	l->turn = &t;
	l->now = clock_mono();
	run_descriptors(&t);
	run_files(l);
	l->turn = outer;
	run_timers(l);
	run_hooks(l);
}

int
loop_run(struct loop *l)
{
	l->running = 1;
	while (l->running)
		loop_turn(l, -1);
	return l->value;
}

void
loop_stop(struct loop *l, int value)
{
	l->running = 0;
	l->value = value;
}

int64_t
loop_now(struct loop *l)
{
	return l->now;
}

static uint32_t
events_to_epoll(uint32_t events)
{
	return (events & IO_IN ? (uint32_t)EPOLLIN : 0) |
	    (events & IO_OUT ? (uint32_t)EPOLLOUT : 0);
}

/*
 * Bring epoll's idea of io to `events`. Without events the descriptor is
 * taken out altogether, since epoll reports a hang-up even to those who
 * ask for nothing, and the loop would spin.
 */
static int
io_update(struct io *io, uint32_t events)
{
	struct epoll_event ev;
	int op;

	if (io->file || io->events == events) {
		io->events = events;
		return 0;
	}
	memset(&ev, 0, sizeof(ev));
	ev.events = events_to_epoll(events);
	ev.data.ptr = io;
	if (events == 0)
		op = EPOLL_CTL_DEL;
	else
		op = io->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	if (epoll_ctl(io->loop->ep, op, io->fd, &ev) == -1) {
		if (op != EPOLL_CTL_ADD || errno != EPERM)
			return -1;
		/* A plain file or /dev/null: always ready. */
		io->file = 1;
		TAILQ_INSERT_TAIL(&io->loop->files, io, entry);
	}
	io->events = events;
	return 0;
}

int
io_add(struct loop *l, struct io *io, int fd, uint32_t events,
    void (*cb)(void *, uint32_t), void *arg)
{
	events &= IO_IN | IO_OUT;
	if (io->loop != NULL && (io->loop != l || io->fd != fd))
		io_del(io);
	io->cb = cb;
	io->arg = arg;
	if (io->loop == NULL) {
		io->loop = l;
		io->fd = fd;
		io->events = 0;
		io->file = 0;
	}
	if (io_update(io, events) == 0)
		return 0;
	io_del(io);
	return SEC_ERR_SYS;
}

int
io_set(struct io *io, uint32_t events)
{
	if (io->loop == NULL || io_update(io, events & (IO_IN | IO_OUT)) == 0)
		return 0;
	return SEC_ERR_SYS;
}

void
io_del(struct io *io)
{
	struct loop *l;
	struct turn *t;
	int i;

	if ((l = io->loop) == NULL)
		return;
	if (io->file) {
		if (l->next_file == io)
			l->next_file = TAILQ_NEXT(io, entry);
		TAILQ_REMOVE(&l->files, io, entry);
		io->file = 0;
	} else if (io->events != 0) {
		/* Fails if the owner has closed fd: then it is out already. */
		epoll_ctl(l->ep, EPOLL_CTL_DEL, io->fd, NULL);
	}
	if ((t = l->turn) != NULL)
		for (i = t->next; i < t->n; i++)
			if (t->ev[i].data.ptr == io)
				t->ev[i].data.ptr = NULL;
	io->loop = NULL;
	io->events = 0;
}

void
timer_init(struct timer *t, struct loop *l, void (*cb)(void *), void *arg)
{
	t->cb = cb;
	t->arg = arg;
	t->loop = l;
	t->at = 0;
	t->slot = -1;
}

void
timer_set(struct timer *t, int64_t ms)
{
	timer_cancel(t);
	/* Not loop_now(): a turn, or start-up, may have taken long. */
	t->at = clock_mono() + (ms < 0 ? 0 : ms);
	/* A timer that sets itself must not hold up the turn for ever. */
	if (t->loop->in_timers > 0 && t->at <= t->loop->now)
		t->at = t->loop->now + 1;
	heap_insert(t->loop, t);
}

void
timer_cancel(struct timer *t)
{
	if (timer_is_set(t))
		heap_remove(t->loop, t);
}

int
timer_is_set(const struct timer *t)
{
	/* All zero is a timer that was never initialised. */
	return t->loop != NULL && t->slot >= 0;
}

void
hook_init(struct hook *h, struct loop *l, void (*cb)(void *), void *arg)
{
	memset(h, 0, sizeof(*h));
	h->cb = cb;
	h->arg = arg;
	h->loop = l;
}

void
hook_arm(struct hook *h)
{
	if (h->armed)
		return;
	h->armed = 1;
	TAILQ_INSERT_TAIL(&h->loop->hooks, h, entry);
}

void
hook_cancel(struct hook *h)
{
	if (!h->armed)
		return;
	h->armed = 0;
	TAILQ_REMOVE(&h->loop->hooks, h, entry);
}

static void
on_signal(void *arg, uint32_t events)
{
	struct loop *l = arg;
	struct signalfd_siginfo si;
	struct sig *s;

	(void)events;
	while (l->sigio.loop != NULL &&
	    read(l->sigio.fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo >= NSIG)
			continue;
		if (si.ssi_signo == SIGCHLD)
			reap_children(l);
		s = &l->sig[si.ssi_signo];
		if (s->cb != NULL)
			s->cb(s->arg, (int)si.ssi_signo);
	}
}

static int
watch_signal(struct loop *l, int signo)
{
	int fd;

	if (signo < 1 || signo >= NSIG) {
		errno = EINVAL;
		return SEC_ERR_SYS;
	}
	if (sigismember(&l->mask, signo))
		return 0;
	sigaddset(&l->mask, signo);
	if (sigprocmask(SIG_BLOCK, &l->mask, NULL) == -1)
		return SEC_ERR_SYS;
	fd = signalfd(l->sigio.loop != NULL ? l->sigio.fd : -1, &l->mask,
	    SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd == -1)
		return SEC_ERR_SYS;
	return io_add(l, &l->sigio, fd, IO_IN, on_signal, l);
}

int
loop_signal(struct loop *l, int signo, void (*cb)(void *, int), void *arg)
{
	int r;

	if ((r = watch_signal(l, signo)) != 0)
		return r;
	l->sig[signo].cb = cb;
	l->sig[signo].arg = arg;
	return 0;
}

/* One child that has ended, taken off the list; NULL if none has. */
static struct child *
ended_child(struct loop *l, int *status)
{
	struct child *c;
	pid_t r;

	TAILQ_FOREACH(c, &l->children, entry) {
		do {
			r = waitpid(c->pid, status, WNOHANG);
		} while (r == -1 && errno == EINTR);
		if (r == 0)
			continue;
		if (r == -1)
			*status = 0; /* reaped by somebody else */
		TAILQ_REMOVE(&l->children, c, entry);
		return c;
	}
	return NULL;
}

static void
reap_children(void *arg)
{
	struct loop *l = arg;
	struct child *c;
	int status;

	while ((c = ended_child(l, &status)) != NULL) {
		if (c->cb != NULL)
			c->cb(c->arg, (int)c->pid, status);
		free(c);
	}
}

int
loop_child(struct loop *l, int pid, void (*cb)(void *, int, int), void *arg)
{
	struct child *c;
	int r;

	if ((r = watch_signal(l, SIGCHLD)) != 0)
		return r;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return SEC_ERR_SYS;
	c->pid = pid;
	c->cb = cb;
	c->arg = arg;
	TAILQ_INSERT_TAIL(&l->children, c, entry);
	/* It may have ended before SIGCHLD was watched. */
	hook_arm(&l->reap);
	return 0;
}

void
loop_child_cancel(struct loop *l, int pid)
{
	struct child *c;

	TAILQ_FOREACH(c, &l->children, entry)
		if (c->pid == pid)
			c->cb = NULL;
}
