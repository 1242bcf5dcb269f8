/*
 * A byte stream over one descriptor: what comes in is handed to the owner,
 * what goes out is collected during a turn and sent by one send(2) when it
 * ends. The end-of-turn hook is also the only place that says closed(), so
 * no owner is called back from inside its own stream_put().
 *
 *   dialing --connected--> open --finish--> finishing --all sent--+
 *      |                    |                                     v
 *      +------ failure -----+------------- failure ----------> closing
 *                                          hook: closed() ---> told
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/sock.h"
#include "base/stream.h"

#define READ_SIZE  16384
#define READ_LONG  131072 /* more of what did not come whole */
#define KEEP_SIZE  65536 /* larger empty buffers are freed */
#define KEEP_LONG  524288 /* but one of them, each way, goes round */
#define LAST_READS 64

/* Ordered by use, and flags are small: a server has thousands of them. */
struct stream {
	struct io io;
	struct hook hook;
	const struct stream_ops *ops;
	void *arg;
	struct buf out;
	size_t max_out;
	int fd;
	int broken; /* sending fails */
	int busy; /* our frames on the stack */
	uint8_t is_socket;
	uint8_t dialing;
	uint8_t blocked; /* the kernel took no more */
	uint8_t paused;
	uint8_t again; /* show input to the owner */
	uint8_t finishing;
	uint8_t eof; /* read while finishing */
	uint8_t closing;
	uint8_t told;
	uint8_t freed;
	uint8_t want_fd;
	uint8_t wipe; /* plaintext: leave nothing in the buffers */
	struct buf in; /* its block is lent while it is empty */
	size_t used; /* bytes of that block that are not zero */
	size_t max_in;
	struct loop *loop;
	int err; /* what closed() will say */
	int got_fd; /* by SCM_RIGHTS, -1 none */
	struct addr peer;
};

static void on_io(void *arg, uint32_t events);
static void on_turn_end(void *arg);

/*
 * Most input is whole messages that are consumed at once. So streams read
 * into one block, which goes from hand to hand, and only who is left with a
 * part of a message keeps it.
 */
static struct buf spare;

/* And long output is made in one. What stood in it was sent. */
static struct buf spent;

static void
borrow(struct stream *s)
{
	if (s->out.base != NULL || s->wipe || buf_error(&s->out) != 0)
		return;
	s->out = spent;
	buf_init(&spent);
}

/* Everything is sent. */
static void
give_back(struct stream *s)
{
	if (s->out.cap > KEEP_SIZE &&
	    (s->wipe || spent.base != NULL || s->out.cap > KEEP_LONG))
		buf_free(&s->out);
	else if (s->out.cap > KEEP_SIZE) {
		spent = s->out;
		buf_reset(&spent);
		buf_init(&s->out);
	} else if (s->wipe)
		buf_wipe(&s->out);
}

/* Callbacks may free the stream; its memory stays until we are out. */

static void
enter(struct stream *s)
{
	s->busy++;
}

static void
leave(struct stream *s)
{
	if (--s->busy > 0 || !s->freed)
		return;
	buf_free(&s->in);
	buf_free(&s->out);
	free(s);
}

static void
fail(struct stream *s, int err)
{
	if (s->closing || s->freed)
		return;
	s->closing = 1;
	s->err = err;
	io_del(&s->io);
	hook_arm(&s->hook);
}

/* Ask the loop for what the state wants. */
static void
update_events(struct stream *s)
{
	uint32_t ev;

	if (s->closing || s->freed)
		return;
	ev = 0;
	if (s->dialing || s->blocked)
		ev |= IO_OUT;
	if (!s->dialing && !s->paused && !s->eof)
		ev |= IO_IN;
	if (io_set(&s->io, ev) != 0)
		fail(s, SEC_ERR_SYS);
}

static struct stream *
stream_alloc(struct loop *l, size_t max_in, size_t max_out,
    const struct stream_ops *ops, void *arg)
{
	struct stream *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a connection");
	s->loop = l;
	s->fd = -1;
	s->got_fd = -1;
	s->max_in = max_in;
	s->max_out = max_out;
	s->ops = ops;
	s->arg = arg;
	buf_init(&s->in);
	buf_init(&s->out);
	hook_init(&s->hook, l, on_turn_end, s);
	return s;
}

struct stream *
stream_new(struct loop *l, int fd, size_t max_in, size_t max_out,
    const struct stream_ops *ops, void *arg)
{
	struct stream *s;

	s = stream_alloc(l, max_in, max_out, ops, arg);
	s->fd = fd;
	s->is_socket = sock_kind(fd) != SOCK_KIND_NONE;
	(void)sock_peer(fd, &s->peer);
	s->wipe = s->peer.ss.ss_family == AF_UNIX;
	if (sock_set_nonblock(fd, 1) != 0 ||
	    io_add(l, &s->io, fd, IO_IN, on_io, s) != 0)
		fail(s, SEC_ERR_SYS);
	return s;
}

struct stream *
stream_dial(struct loop *l, const struct addr *to, size_t max_in,
    size_t max_out, const struct stream_ops *ops, void *arg)
{
	struct stream *s;
	int fd;

	s = stream_alloc(l, max_in, max_out, ops, arg);
	s->is_socket = 1;
	s->dialing = 1;
	s->peer = *to;
	if ((fd = sock_dial(to)) < 0) {
		fail(s, SEC_ERR_UNREACHABLE);
		return s;
	}
	s->fd = fd;
	if (io_add(l, &s->io, fd, IO_OUT, on_io, s) != 0)
		fail(s, SEC_ERR_SYS);
	return s;
}

void
stream_free(struct stream *s)
{
	if (s == NULL || s->freed)
		return;
	io_del(&s->io);
	hook_cancel(&s->hook);
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
	if (s->got_fd != -1)
		close(s->got_fd);
	s->got_fd = -1;
	s->freed = 1;
	enter(s);
	leave(s);
}

static int
error_of_errno(void)
{
	switch (errno) {
	case EPIPE:
	case ECONNRESET: return SEC_ERR_CLOSED;
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN: return SEC_ERR_UNREACHABLE;
	default: return SEC_ERR_SYS;
	}
}

static void
send_now(struct stream *s)
{
	ssize_t n;

	while (buf_len(&s->out) > 0) {
		if (s->is_socket)
			n = send(s->fd, buf_data(&s->out), buf_len(&s->out),
			    MSG_NOSIGNAL);
		else
			n = write(s->fd, buf_data(&s->out), buf_len(&s->out));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			s->blocked = 1;
			update_events(s);
			return;
		}
		if (n == -1) {
			s->broken = error_of_errno();
			buf_reset(&s->out);
			hook_arm(&s->hook);
			return;
		}
		buf_consume(&s->out, (size_t)n);
	}
	give_back(s);
	s->blocked = 0;
	update_events(s);
}

/*
 * Everything is sent. Closing a TCP socket with unread input would send a
 * reset, which may overtake our last bytes: read away what is there.
 */
static void
finish_now(struct stream *s)
{
	char junk[4096];
	int i;

	if (s->is_socket)
		(void)shutdown(s->fd, SHUT_WR);
	for (i = 0; i < 64; i++)
		if (read(s->fd, junk, sizeof(junk)) <= 0)
			break;
	fail(s, 0);
}

/* The block is for others when all input is consumed; they must not find
 * what stood in it. */
static void
pass_on(struct stream *s)
{
	if (s->freed || s->in.base == NULL || buf_len(&s->in) > 0)
		return;
	if (spare.base != NULL || s->in.cap > KEEP_LONG)
		buf_free(&s->in);
	else {
		explicit_bzero(s->in.base, s->used);
		spare = s->in;
		buf_init(&s->in);
	}
	s->used = 0;
}

/* Show the owner what is there; it may free or hand over the stream. */
static void
deliver(struct stream *s)
{
	s->again = 0;
	if (buf_len(&s->in) == 0 || s->finishing)
		return;
	if (s->in.len > s->used)
		s->used = s->in.len;
	s->ops->input(s->arg, &s->in);
	if (!s->freed && buf_len(&s->in) > s->max_in && !s->paused)
		fail(s, SEC_ERR_LIMIT);
	pass_on(s);
}

static void
read_eof(struct stream *s)
{
	/* Who has shut down only his side may still read our last bytes. */
	if (!s->finishing) {
		fail(s, SEC_ERR_CLOSED);
		return;
	}
	s->eof = 1;
	update_events(s);
}

/* Keep the last descriptor that came along, close the others. */
static void
keep_fd(struct stream *s, struct msghdr *m)
{
	struct cmsghdr *c;
	size_t i, n;
	int fd;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (s->got_fd != -1)
				close(s->got_fd);
			s->got_fd = fd;
		}
	}
}

static ssize_t
read_with_fd(struct stream *s, void *p, size_t room)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec iov = { p, room };
	struct msghdr m;
	ssize_t n;

	memset(&m, 0, sizeof(m));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = &control;
	m.msg_controllen = sizeof(control);
	if ((n = recvmsg(s->fd, &m, MSG_CMSG_CLOEXEC)) >= 0)
		keep_fd(s, &m);
	return n;
}

/* Read once and show it. 1 if there was something. */
static int
read_some(struct stream *s)
{
	uint8_t *p;
	size_t room, most;
	ssize_t n;

	/* One byte over the limit is enough to know that it was passed. */
	room =
	    buf_len(&s->in) > s->max_in ? 1 : s->max_in - buf_len(&s->in) + 1;
	most = buf_len(&s->in) > 0 ? READ_LONG : READ_SIZE;
	if (room > most)
		room = most;
	if (s->in.base == NULL) {
		s->in = spare;
		buf_init(&spare);
	}
	if ((p = buf_reserve(&s->in, room)) == NULL) {
		fail(s, SEC_ERR_LIMIT);
		return 0;
	}
	do {
		n = s->want_fd ? read_with_fd(s, p, room) :
				 read(s->fd, p, room);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno != EAGAIN && errno != EWOULDBLOCK)
		fail(s, error_of_errno());
	if (n == 0)
		read_eof(s);
	if (n <= 0 || s->finishing) {
		/* Not committed: dropped, but it stands there. */
		if (n > 0 && s->in.len + (size_t)n > s->used)
			s->used = s->in.len + (size_t)n;
		pass_on(s);
		return n > 0;
	}
	buf_commit(&s->in, (size_t)n);
	deliver(s);
	return 1;
}

/* The peer takes no more; what he sent before is still worth reading. He may
 * have shut one side only, and send for ever. */
static void
read_last(struct stream *s)
{
	int i;

	for (i = 0; i < LAST_READS && !s->freed && !s->closing &&
	     !s->finishing && !s->paused;
	     i++)
		if (!read_some(s))
			break;
	fail(s, s->broken);
}

static void
connected(struct stream *s)
{
	if (sock_dial_result(s->fd) != 0) {
		fail(s, SEC_ERR_UNREACHABLE);
		return;
	}
	s->dialing = 0;
	update_events(s);
	hook_arm(&s->hook);
	if (s->ops->open != NULL)
		s->ops->open(s->arg);
}

static void
on_io(void *arg, uint32_t events)
{
	struct stream *s = arg;

	enter(s);
	if (s->dialing) {
		connected(s);
		leave(s);
		return;
	}
	if (events & IO_IN)
		read_some(s);
	if ((events & IO_OUT) && !s->closing && !s->freed) {
		if (s->broken == 0)
			send_now(s);
		if (s->finishing)
			hook_arm(&s->hook);
	}
	leave(s);
}

static void
on_turn_end(void *arg)
{
	struct stream *s = arg;

	enter(s);
	if (s->again && !s->paused && !s->closing)
		deliver(s);
	if (!s->freed && !s->closing && !s->dialing) {
		if (!s->blocked && s->broken == 0)
			send_now(s);
		if (s->broken != 0)
			read_last(s);
		else if (s->finishing && buf_len(&s->out) == 0)
			finish_now(s);
	}
	if (!s->freed && s->closing && !s->told) {
		s->told = 1;
		hook_cancel(&s->hook);
		s->ops->closed(s->arg, s->err);
	}
	leave(s);
}

void
stream_set_ops(struct stream *s, const struct stream_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
	if (buf_len(&s->in) > 0) {
		s->again = 1;
		hook_arm(&s->hook);
	}
}

void
stream_set_limits(struct stream *s, size_t max_in, size_t max_out)
{
	s->max_in = max_in;
	s->max_out = max_out;
}

struct buf *
stream_out(struct stream *s)
{
	borrow(s);
	return &s->out;
}

void
stream_kick(struct stream *s)
{
	if (s->closing || s->freed || s->broken != 0) {
		buf_reset(&s->out);
		return;
	}
	if (buf_error(&s->out) != 0) {
		fail(s, buf_error(&s->out));
		return;
	}
	/* A long turn may queue more than the limit though the peer reads. */
	if (buf_len(&s->out) > s->max_out)
		stream_flush(s);
	if (buf_len(&s->out) > s->max_out)
		fail(s, SEC_ERR_LIMIT);
	else
		hook_arm(&s->hook);
}

void
stream_put(struct stream *s, const void *p, size_t n)
{
	if (s->closing || s->freed || s->broken != 0)
		return;
	buf_put(stream_out(s), p, n);
	stream_kick(s);
}

struct buf *
stream_in(struct stream *s)
{
	return &s->in;
}

void
stream_finish(struct stream *s)
{
	s->finishing = 1;
	s->paused = 0;
	buf_reset(&s->in);
	update_events(s);
	hook_arm(&s->hook);
}

void
stream_pause(struct stream *s, int on)
{
	if (s->finishing || s->paused == (on != 0))
		return;
	s->paused = on != 0;
	update_events(s);
	if (!s->paused && buf_len(&s->in) > 0) {
		s->again = 1;
		hook_arm(&s->hook);
	}
}

size_t
stream_unsent(const struct stream *s)
{
	return buf_len(&s->out);
}

int
stream_fd(const struct stream *s)
{
	return s->fd;
}

const struct addr *
stream_peer(const struct stream *s)
{
	return &s->peer;
}

void
stream_flush(struct stream *s)
{
	if (s->closing || s->freed || s->dialing || s->blocked ||
	    s->broken != 0)
		return;
	send_now(s);
}

void
stream_want_fd(struct stream *s)
{
	s->want_fd = 1;
}

int
stream_take_fd(struct stream *s)
{
	int fd;

	fd = s->got_fd;
	s->got_fd = -1;
	return fd;
}
