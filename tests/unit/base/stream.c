#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/sock.h"
#include "base/stream.h"

#include "../test.h"

#define NOT_CLOSED 1000

static struct loop *l;

/* An owner that notes what it is told. */
struct owner {
	struct stream *s;
	struct buf got;
	size_t line; /* consume only in units of this many bytes */
	int opened;
	int inputs;
	int closed; /* NOT_CLOSED or what closed() said */
	int free_in_input;
	int free_in_open;
	int keep_on_close; /* do not free yet */
	int in_put; /* inside stream_put() */
	int echo;
	const uint8_t *seen; /* where the input stood */
};

static void
on_open(void *arg)
{
	struct owner *o = arg;

	o->opened++;
	if (o->free_in_open) {
		stream_free(o->s);
		o->s = NULL;
	}
}

static void
on_input(void *arg, struct buf *in)
{
	struct owner *o = arg;
	size_t n;

	o->inputs++;
	o->seen = buf_data(in);
	n = buf_len(in);
	if (o->line > 0)
		n -= n % o->line;
	buf_put(&o->got, buf_data(in), n);
	if (o->echo)
		stream_put(o->s, buf_data(in), n);
	if (o->free_in_input) {
		stream_free(o->s);
		/* The input is still there until we return. */
		stream_put(o->s, "x", 1);
		o->s = NULL;
	}
	buf_consume(in, n);
}

static void
on_closed(void *arg, int err)
{
	struct owner *o = arg;

	T_OK(o->closed == NOT_CLOSED, "closed() once");
	T_OK(!o->in_put, "closed() comes from the loop");
	o->closed = err;
	if (!o->keep_on_close) {
		stream_free(o->s);
		o->s = NULL;
	}
}

static const struct stream_ops ops = { on_open, on_input, on_closed };

static void
owner_init(struct owner *o)
{
	memset(o, 0, sizeof(*o));
	o->closed = NOT_CLOSED;
}

/* A stream on one end of a socket pair; the other end is returned. */
static int
owner_open(struct owner *o, size_t max_in, size_t max_out)
{
	int sv[2];

	owner_init(o);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
		exit(1);
	sock_set_nonblock(sv[1], 1);
	o->s = stream_new(l, sv[0], max_in, max_out, &ops, o);
	return sv[1];
}

static void
owner_close(struct owner *o, int fd)
{
	stream_free(o->s);
	buf_free(&o->got);
	if (fd >= 0)
		close(fd);
}

static void
put(struct owner *o, const void *p, size_t n)
{
	o->in_put = 1;
	stream_put(o->s, p, n);
	o->in_put = 0;
}

/* Turns until the owner has n bytes or is closed. */
static void
turns_for(struct owner *o, size_t n)
{
	while (o->closed == NOT_CLOSED && buf_len(&o->got) < n)
		loop_turn(l, -1);
}

static void
turns_to_close(struct owner *o)
{
	while (o->closed == NOT_CLOSED)
		loop_turn(l, -1);
}

static void
test_both_ways(void)
{
	struct owner o;
	char b[64];
	int fd;

	fd = owner_open(&o, 100, 100);
	T_INT(stream_fd(o.s) >= 0, 1);
	(void)!write(fd, "hello", 5);
	turns_for(&o, 5);
	T_MEM(buf_data(&o.got), buf_len(&o.got), "68656c6c6f");

	/* Three puts of one turn are one send, at the end of the turn. */
	put(&o, "ab", 2);
	buf_put_str(stream_out(o.s), "cd");
	stream_kick(o.s);
	put(&o, "ef", 2);
	T_INT(stream_unsent(o.s), 6);
	T_INT(read(fd, b, sizeof(b)), -1);
	loop_turn(l, -1);
	T_INT(stream_unsent(o.s), 0);
	T_INT(read(fd, b, sizeof(b)), 6);
	T(memcmp(b, "abcdef", 6) == 0);

	put(&o, "now", 3);
	stream_flush(o.s);
	T_INT(read(fd, b, sizeof(b)), 3);

	close(fd);
	turns_to_close(&o);
	T_INT(o.closed, SEC_ERR_CLOSED);
	owner_close(&o, -1);
	stream_free(NULL);
}

/* Keys pass through Unix sockets: the agent's answer to `attach`, a login. */
static void
test_wiped(void)
{
	const uint8_t zero[6] = { 0 };
	struct owner o;
	int fd;

	fd = owner_open(&o, 100, 100);
	(void)!write(fd, "secret", 6);
	turns_for(&o, 6);
	/* The block waits for the next stream that has input. */
	T(buf_len(stream_in(o.s)) == 0 && stream_in(o.s)->base == NULL);
	T(o.seen != NULL && memcmp(o.seen, zero, 6) == 0);
	put(&o, "secret", 6);
	stream_flush(o.s);
	T(stream_unsent(o.s) == 0 && stream_out(o.s)->cap >= 6);
	T(memcmp(stream_out(o.s)->base, zero, 6) == 0);
	owner_close(&o, fd);
}

static void
test_partial(void)
{
	struct owner o;
	int fd;

	fd = owner_open(&o, 8, 8);
	o.line = 4;
	(void)!write(fd, "12345", 5);
	turns_for(&o, 4);
	T_INT(buf_len(&o.got), 4);
	T_INT(buf_len(stream_in(o.s)), 1);
	(void)!write(fd, "678", 3);
	turns_for(&o, 8);
	T_MEM(buf_data(&o.got), buf_len(&o.got), "3132333435363738");

	/* Much more than max_in at once is fine while it is consumed. */
	(void)!write(fd, "abcdabcdabcdabcdabcdabcdabcdabcd", 32);
	turns_for(&o, 40);
	T_INT(buf_len(&o.got), 40);

	/* Left lying it is not. */
	o.line = 1000;
	(void)!write(fd, "abcdabcdabcd", 12);
	turns_to_close(&o);
	T_INT(o.closed, SEC_ERR_LIMIT);
	owner_close(&o, fd);
}

static void
test_limits(void)
{
	static char big[1 << 20];
	struct owner o;
	size_t n;
	char b[4096];
	ssize_t r;
	int fd;

	/* Nobody reads: the kernel takes some, then the limit is passed. */
	fd = owner_open(&o, 10, 1 << 16);
	for (n = 0; n < 100 && o.closed == NOT_CLOSED; n++) {
		put(&o, big, 1 << 15);
		loop_turn(l, 0);
	}
	T_INT(o.closed, SEC_ERR_LIMIT);
	owner_close(&o, fd);

	/* A higher limit lets all of it through, in pieces. */
	fd = owner_open(&o, 10, 10);
	stream_set_limits(o.s, 10, sizeof(big));
	put(&o, big, sizeof(big));
	for (n = 0; n < sizeof(big);) {
		loop_turn(l, 0);
		while ((r = read(fd, b, sizeof(b))) > 0)
			n += (size_t)r;
	}
	T_INT(n, sizeof(big));
	T_INT(o.closed, NOT_CLOSED);
	T_INT(stream_unsent(o.s), 0);
	owner_close(&o, fd);

	/* A turn may queue more than the limit if the kernel takes it. */
	fd = owner_open(&o, 10, 10);
	for (n = 0; n < 10; n++)
		put(&o, "12345678", 8);
	loop_turn(l, 0);
	T_INT(o.closed, NOT_CLOSED);
	T_INT(read(fd, b, sizeof(b)), 80);
	owner_close(&o, fd);
}

static void
test_free_inside(void)
{
	struct owner o;
	int fd;

	fd = owner_open(&o, 100, 100);
	o.free_in_input = 1;
	(void)!write(fd, "x", 1);
	turns_for(&o, 1);
	T(o.s == NULL);
	loop_turn(l, 0);
	T_INT(o.closed, NOT_CLOSED);
	owner_close(&o, fd);

	/* Input and a failed limit in one turn. */
	fd = owner_open(&o, 100, 2);
	o.free_in_input = 1;
	(void)!write(fd, "x", 1);
	put(&o, "abc", 3);
	turns_for(&o, 1);
	owner_close(&o, fd);
}

static void
test_finish(void)
{
	static char big[1 << 20];
	struct owner o;
	size_t n;
	ssize_t r;
	char b[4096];
	int fd;

	fd = owner_open(&o, 100, sizeof(big));
	put(&o, "bye", 3);
	stream_finish(o.s);
	(void)!write(fd, "dropped", 7);
	turns_to_close(&o);
	T_INT(o.closed, 0);
	T_INT(read(fd, b, sizeof(b)), 3);
	T_INT(read(fd, b, sizeof(b)), 0);
	T_INT(o.inputs, 0);
	owner_close(&o, fd);

	/* A peer that has shut down its side still gets everything. */
	fd = owner_open(&o, 100, sizeof(big));
	put(&o, big, sizeof(big));
	stream_finish(o.s);
	shutdown(fd, SHUT_WR);
	loop_turn(l, 0);
	loop_turn(l, 0);
	T_INT(o.closed, NOT_CLOSED);
	for (n = 0; o.closed == NOT_CLOSED;) {
		loop_turn(l, 0);
		while ((r = read(fd, b, sizeof(b))) > 0)
			n += (size_t)r;
	}
	while ((r = read(fd, b, sizeof(b))) > 0)
		n += (size_t)r;
	T_INT(o.closed, 0);
	T_INT(n, sizeof(big));
	owner_close(&o, fd);
}

/* What the peer said before he went is shown before closed(). */
static void
test_last_words(void)
{
	struct owner o;
	int fd;

	fd = owner_open(&o, 100, 100);
	(void)!write(fd, "last words", 10);
	close(fd);
	put(&o, "too late", 8);
	stream_flush(o.s);
	turns_to_close(&o);
	T_INT(o.closed, SEC_ERR_CLOSED);
	T_INT(buf_len(&o.got), 10);
	owner_close(&o, -1);
}

static void
test_pause(void)
{
	struct owner o;
	int fd, i;

	fd = owner_open(&o, 100, 100);
	stream_pause(o.s, 1);
	(void)!write(fd, "abc", 3);
	for (i = 0; i < 3; i++)
		loop_turn(l, 0);
	T_INT(o.inputs, 0);
	stream_pause(o.s, 0);
	turns_for(&o, 3);
	T_INT(buf_len(&o.got), 3);

	/* What was left in the buffer is shown again. */
	o.line = 10;
	(void)!write(fd, "def", 3);
	while (o.inputs < 2)
		loop_turn(l, -1);
	stream_pause(o.s, 1);
	o.line = 1;
	stream_pause(o.s, 0);
	loop_turn(l, 0);
	T_INT(buf_len(&o.got), 6);
	owner_close(&o, fd);
}

static void
test_hand_over(void)
{
	struct owner o, heir;
	int fd;

	owner_init(&heir);
	fd = owner_open(&o, 100, 100);
	o.line = 4;
	(void)!write(fd, "whoserest", 7);
	turns_for(&o, 4);
	heir.s = o.s;
	stream_set_ops(o.s, &ops, &heir);
	loop_turn(l, 0);
	T_MEM(buf_data(&heir.got), buf_len(&heir.got), "657265");
	close(fd);
	turns_to_close(&heir);
	T_INT(o.closed, NOT_CLOSED);
	buf_free(&o.got);
	owner_close(&heir, -1);
}

static void
test_dial(void)
{
	struct owner o, srv;
	struct addr a;
	int lfd;

	addr_parse(&a, "127.0.0.1:0");
	lfd = sock_listen(&a);
	sock_local(lfd, &a);

	/* Output may be queued before the connection stands. */
	owner_init(&o);
	owner_init(&srv);
	o.s = stream_dial(l, &a, 100, 100, &ops, &o);
	T(addr_equal(stream_peer(o.s), &a));
	put(&o, "early", 5);
	while (!o.opened)
		loop_turn(l, -1);
	srv.echo = 1;
	srv.s = stream_new(l, sock_accept(lfd, NULL), 100, 100, &ops, &srv);
	turns_for(&o, 5);
	T_INT(buf_len(&o.got), 5);
	T_INT(buf_len(&srv.got), 5);
	stream_finish(srv.s);
	turns_to_close(&o);
	T_INT(srv.closed, 0);
	T_INT(o.closed, SEC_ERR_CLOSED);
	owner_close(&o, -1);
	owner_close(&srv, -1);

	owner_init(&o);
	o.free_in_open = 1;
	o.s = stream_dial(l, &a, 100, 100, &ops, &o);
	put(&o, "x", 1);
	while (!o.opened)
		loop_turn(l, -1);
	T(o.s == NULL);
	owner_close(&o, -1);
	close(lfd);

	owner_init(&o);
	o.s = stream_dial(l, &a, 100, 100, &ops, &o);
	T_INT(o.closed, NOT_CLOSED);
	put(&o, "x", 1);
	turns_to_close(&o);
	T_INT(o.closed, SEC_ERR_UNREACHABLE);
	T_INT(o.opened, 0);
	owner_close(&o, -1);

	/* Refused by the kernel at once: still told by the loop. */
	owner_init(&o);
	addr_parse(&a, "255.255.255.255:9");
	o.s = stream_dial(l, &a, 100, 100, &ops, &o);
	T_INT(o.closed, NOT_CLOSED);
	turns_to_close(&o);
	T_INT(o.closed, SEC_ERR_UNREACHABLE);
	owner_close(&o, -1);
}

/* A pipe is a stream of one direction. */
static void
test_pipe(void)
{
	struct owner in, out;
	int p[2];

	if (pipe(p) == -1)
		exit(1);
	owner_init(&in);
	owner_init(&out);
	in.s = stream_new(l, p[0], 100, 100, &ops, &in);
	out.s = stream_new(l, p[1], 100, 100, &ops, &out);
	stream_pause(out.s, 1);
	put(&out, "piped", 5);
	turns_for(&in, 5);
	T_INT(buf_len(&in.got), 5);
	stream_finish(out.s);
	turns_to_close(&in);
	T_INT(out.closed, 0);
	T_INT(in.closed, SEC_ERR_CLOSED);
	owner_close(&in, -1);
	owner_close(&out, -1);
}

static void
test_after_close(void)
{
	struct owner o;
	int fd;

	fd = owner_open(&o, 10, 10);
	o.keep_on_close = 1;
	close(fd);
	turns_to_close(&o);
	put(&o, "x", 1);
	buf_put_str(stream_out(o.s), "abc");
	stream_kick(o.s);
	stream_flush(o.s);
	stream_pause(o.s, 1);
	stream_pause(o.s, 0);
	stream_finish(o.s);
	loop_turn(l, 0);
	T_INT(stream_unsent(o.s), 0);
	owner_close(&o, -1);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	l = loop_new();
	test_both_ways();
	test_wiped();
	test_partial();
	test_limits();
	test_free_inside();
	test_finish();
	test_last_words();
	test_pause();
	test_hand_over();
	test_dial();
	test_pipe();
	test_after_close();
	loop_free(l);
	return t_done();
}
