/* Signals as flags. */
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"
#include "terminal.h"

volatile sig_atomic_t signal_end, signal_resized, signal_mic, signal_stopping,
    signal_going_on;

/* Those that end us: a second one does so at once. The last three only where
 * a terminal is to be put in order. */
static const struct {
	int signo;
	int ends;
} signals[] = {
	{ SIGINT, 1 },
	{ SIGTERM, 1 },
	{ SIGHUP, 1 },
	{ SIGWINCH, 0 },
	{ SIGUSR1, 0 },
	{ SIGTSTP, 0 },
	{ SIGCONT, 0 },
	{ SIGQUIT, 1 },
};
#define NPIPE	 5
#define NSIGNALS 8

static void
on_signal(int signo)
{
	switch (signo) {
	case SIGWINCH: signal_resized = 1; break;
	case SIGUSR1: signal_mic = 1; break;
	case SIGTSTP: signal_stopping = 1; break;
	case SIGCONT: signal_going_on = 1; break;
	default:
		if (signal_end) {
			/* At once, whatever we are stuck in. */
			terminal_put_back();
			_exit(128 + signo);
		}
		signal_end = signo;
	}
}

static sigset_t ending, waiting;

static void
catch_signal(int signo)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sa.sa_flags = SA_RESTART;
	sigaction(signo, &sa, NULL);
}

void
signals_catch(int terminal)
{
	struct sigaction old;
	sigset_t set;
	size_t i, n = terminal ? NSIGNALS : NPIPE;

	/* A reader that goes, or a file too long, is an error of write(2), so
	 * that the terminal can be put in order. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&set);
	sigemptyset(&ending);
	for (i = 0; i < n; i++) {
		if (sigaction(signals[i].signo, NULL, &old) != 0 ||
		    old.sa_handler == SIG_IGN)
			continue;
		catch_signal(signals[i].signo);
		sigaddset(signals[i].ends ? &ending : &set, signals[i].signo);
	}
	sigprocmask(SIG_BLOCK, &set, &waiting);
	for (i = 0; i < n; i++)
		sigdelset(&waiting, signals[i].signo);
}

int
signals_poll(struct pollfd *p, size_t n, const struct timespec *ts)
{
	static const struct timespec now;
	int r;

	/* One that came since is not slept through. */
	sigprocmask(SIG_BLOCK, &ending, NULL);
	r = ppoll(p, n, signal_end ? &now : ts, &waiting);
	if (r < 0)
		for (; n > 0; n--)
			p[n - 1].revents = 0;
	sigprocmask(SIG_UNBLOCK, &ending, NULL);
	return r;
}

void
signals_stop(void)
{
	struct timespec now = { 0, 0 };
	sigset_t set, old;

	signal(SIGTSTP, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	/* Here it goes on; the signal for it waits, blocked. */
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCONT);
	(void)sigtimedwait(&set, NULL, &now);
	catch_signal(SIGTSTP);
}
