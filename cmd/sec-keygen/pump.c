/*
 * Standard input and output as the one descriptor that a stream wants: a
 * socket pair, and bytes carried between it and 0 and 1. What is carried is
 * a few hundred bytes, so writes may block.
 */
#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

#include "base/err.h"

#include "verbs.h"

static struct {
	int fd; /* our end of the pair */
	int out_open;
	struct io in, pair;
} pump = { -1, 0, { .fd = -1 }, { .fd = -1 } };

static ssize_t
carry(int from, int to)
{
	char b[4096], *p;
	ssize_t n, w;

	if ((n = read(from, b, sizeof(b))) <= 0)
		return n == -1 && (errno == EINTR || errno == EAGAIN) ? 1 : n;
	for (p = b; p < b + n; p += w)
		if ((w = write(to, p, (size_t)(b + n - p))) == -1) {
			if (errno != EINTR)
				return -1;
			w = 0;
		}
	return n;
}

static void
on_stdin(void *arg, uint32_t ev)
{
	(void)arg;
	(void)ev;
	if (carry(0, pump.fd) > 0)
		return;
	io_del(&pump.in);
	(void)shutdown(pump.fd, SHUT_WR);
}

static void
on_pair(void *arg, uint32_t ev)
{
	(void)arg;
	(void)ev;
	if (carry(pump.fd, 1) > 0)
		return;
	io_del(&pump.pair);
	pump.out_open = 0;
}

int
pump_start(struct loop *l)
{
	int sp[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sp) == -1)
		return SEC_ERR_SYS;
	pump.fd = sp[0];
	pump.out_open = 1;
	if (io_add(l, &pump.in, 0, IO_IN, on_stdin, NULL) != 0 ||
	    io_add(l, &pump.pair, sp[0], IO_IN, on_pair, NULL) != 0) {
		close(sp[0]);
		close(sp[1]);
		return SEC_ERR_SYS;
	}
	return sp[1];
}

void
pump_wait(struct loop *l)
{
	while (pump.out_open)
		loop_turn(l, -1);
	io_del(&pump.in);
	close(pump.fd);
	pump.fd = -1;
}
