#ifndef BASE_STREAM_H
#define BASE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/loop.h"

/*
 * A buffered non-blocking byte stream over one descriptor (TCP or Unix).
 * Output is collected and sent by one send(2) at the end of the turn. Of
 * what went through a Unix socket, which nobody seals, no copy stays.
 */
struct stream;

struct stream_ops {
	/* Connected (dialled streams only). */
	void	(*open)(void *arg);
	/* Bytes came: consume from in what is complete. */
	void	(*input)(void *arg, struct buf *in);
	/* It is over; the owner calls stream_free(). err: SEC_ERR_CLOSED on
	 * EOF, _LIMIT (too much unsent or unparsed), _UNREACHABLE, _SYS. */
	void	(*closed)(void *arg, int err);
};

/* Takes over fd. max_in: most unconsumed input, max_out: most unsent
 * output; over either the stream is closed with SEC_ERR_LIMIT. */
struct stream *stream_new(struct loop *l, int fd, size_t max_in,
	    size_t max_out, const struct stream_ops *ops, void *arg);
/* Starts a TCP connection. Errors come by closed(), never at once. */
struct stream *stream_dial(struct loop *l, const struct addr *to,
	    size_t max_in, size_t max_out, const struct stream_ops *ops,
	    void *arg);
/* Allowed inside its own callbacks. Unsent output is dropped. */
void	stream_free(struct stream *s);
/* Hand the stream to another owner (after the first bytes told whose).
 * Input that is left is shown to the new one at the end of the turn. */
void	stream_set_ops(struct stream *s, const struct stream_ops *ops,
	    void *arg);
/* Raise the limits, e.g. once authenticated. */
void	stream_set_limits(struct stream *s, size_t max_in, size_t max_out);
/* Where to append output; call stream_kick() afterwards. */
struct buf *stream_out(struct stream *s);
void	stream_kick(struct stream *s);
void	stream_put(struct stream *s, const void *p, size_t n);
/* Unconsumed input, for a new owner to look at. */
struct buf *stream_in(struct stream *s);
/* Close when everything is sent; closed() is called with 0. Input that
 * comes meanwhile is dropped. */
void	stream_finish(struct stream *s);
/* Stop and resume reading (back-pressure). Input left over is shown again
 * after resuming. */
void	stream_pause(struct stream *s, int on);
size_t	stream_unsent(const struct stream *s);
int	stream_fd(const struct stream *s);
/* From now on keep the last descriptor that comes by SCM_RIGHTS (Unix
 * sockets); without it such descriptors are closed by the kernel. */
void	stream_want_fd(struct stream *s);
/* That descriptor, the caller's from now on, or -1. */
int	stream_take_fd(struct stream *s);
const struct addr *stream_peer(const struct stream *s);
/* Send now what is queued, without waiting for the end of the turn. */
void	stream_flush(struct stream *s);

#endif
