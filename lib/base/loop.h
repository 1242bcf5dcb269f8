#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdint.h>
#include <sys/queue.h>

/*
 * One event loop per process: epoll, a timer heap, signals by signalfd,
 * and hooks that run once at the end of a turn (to send what a turn has
 * queued in one call, to commit once). Structs are embedded in their
 * owners; a callback may free its own owner after cancelling.
 */
struct loop;

struct io {
	int		 fd;
	uint32_t	 events;       /* IO_IN | IO_OUT as asked for */
	void		(*cb)(void *arg, uint32_t events);
	void		*arg;
	struct loop	*loop;         /* NULL when not registered */
	int		 file;         /* the rest is the loop's own */
	TAILQ_ENTRY(io)	 entry;
};
#define IO_IN  1u
#define IO_OUT 2u
#define IO_HUP 4u                      /* only reported */

struct timer {
	void		(*cb)(void *arg);
	void		*arg;
	struct loop	*loop;
	int64_t		 at;           /* monotonic ms */
	int		 slot;         /* place in the heap, -1 = not set */
};

struct hook {
	void		(*cb)(void *arg);
	void		*arg;
	struct loop	*loop;
	int		 armed;
	TAILQ_ENTRY(hook) entry;
};

struct loop *loop_new(void);
void	loop_free(struct loop *l);
/* Run until loop_stop(); returns the value given to it. */
int	loop_run(struct loop *l);
/* One turn, waiting at most ms (-1: no limit). For tests and tools. */
void	loop_turn(struct loop *l, int ms);
void	loop_stop(struct loop *l, int value);
/* Monotonic ms, read once per turn. */
int64_t	loop_now(struct loop *l);

/*
 * fd stays the caller's; io_del() before it is closed. *io is all zero
 * before its first io_add(), which may be called again to change events.
 * With no events asked for nothing is reported, not even IO_HUP. Plain
 * files are always ready. 0 or SEC_ERR_SYS.
 */
int	io_add(struct loop *l, struct io *io, int fd, uint32_t events,
	    void (*cb)(void *, uint32_t), void *arg);
/* 0, or SEC_ERR_SYS: as it was (no memory, too many watched). No-op when not
 * registered. */
int	io_set(struct io *io, uint32_t events);
void	io_del(struct io *io);         /* no-op when not registered */

void	timer_init(struct timer *t, struct loop *l, void (*cb)(void *),
	    void *arg);
void	timer_set(struct timer *t, int64_t ms);   /* from now; restarts */
void	timer_cancel(struct timer *t);            /* no-op when not set */
int	timer_is_set(const struct timer *t);

/* Runs once at the end of the turn in which it was armed; hooks armed by
 * hooks run in the same end-of-turn, after the others. */
void	hook_init(struct hook *h, struct loop *l, void (*cb)(void *),
	    void *arg);
void	hook_arm(struct hook *h);
void	hook_cancel(struct hook *h);

/* cb runs in the loop, not in signal context. The signal is blocked from
 * now on; a child calls proc_reset_signals() before it execs. */
int	loop_signal(struct loop *l, int signo, void (*cb)(void *, int),
	    void *arg);

/* Called with the exit status when child pid ends (SIGCHLD by signalfd). */
int	loop_child(struct loop *l, int pid, void (*cb)(void *, int pid,
	    int status), void *arg);
/* Forget the callback; the child is still reaped. */
void	loop_child_cancel(struct loop *l, int pid);

#endif
