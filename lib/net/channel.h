#ifndef NET_CHANNEL_H
#define NET_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/loop.h"
#include "base/stream.h"
#include "crypto/hello.h"

/*
 * One connection of whole messages: sealed (hello, then records; SECURITY.md
 * 3.3), or plain (S081, S096) with messages cut by a framing function. SIP
 * and server links both stand on it.
 */
struct channel;

struct channel_ops {
	/* It counts from now on: the peer's first record opened (sealed), or
	 * it is connected (plain). */
	void	(*up)(void *arg);
	/* One whole message; p may be written to and is valid until return:
	 * what was sealed is wiped then. */
	void	(*message)(void *arg, uint8_t *p, size_t n);
	/* Over; the owner calls channel_free(). SEC_ERR_SUBKEY: the peer
	 * refused our key id; SEC_ERR_AUTH: it failed to prove itself. */
	void	(*closed)(void *arg, int err);
};

#define CHANNEL_DEADLINE 10000         /* ms for hello and first record, and
					* for the last bytes */
#define CHANNEL_UNSENT   1048576
#define CHANNEL_DEAL     67108864      /* of a server that deals all it has */

/* Size of the first whole message at p, 0: incomplete, SEC_ERR_*. */
typedef int (*channel_frame_h)(const uint8_t *p, size_t n);

/* Dial and say hello. h is copied, h->base is duplicated. offset: ms to add
 * to the clock (learnt at registration). */
struct channel *channel_dial(struct loop *l, const struct addr *to,
	    const struct hello *h, int64_t offset,
	    const struct channel_ops *ops, void *arg);
/*
 * Answer a hello whose c1 (HELLO_C1 bytes) stands unconsumed at the front
 * of the stream; takes the stream over. NULL with *err set (the stream
 * stays the caller's) when the tag or time is bad.
 */
struct channel *channel_answer(struct loop *l, struct stream *s,
	    const struct hello_id *from, const struct hello_id *to,
	    uint16_t own_number, const struct secret *base,
	    const struct channel_ops *ops, void *arg, int *err);
struct channel *channel_dial_plain(struct loop *l, const struct addr *to,
	    channel_frame_h frame, const struct channel_ops *ops, void *arg);
struct channel *channel_plain(struct loop *l, struct stream *s,
	    channel_frame_h frame, const struct channel_ops *ops, void *arg);
/* Allowed inside its own callbacks. Unsent output is dropped. */
void	channel_free(struct channel *c);

/* Queue one message; sent at the end of the turn. Dropped when not up
 * (dialled channels queue nothing before up). 0 or SEC_ERR_*. */
int	channel_send(struct channel *c, const void *p, size_t n);
/* Close after what is queued has gone out; closed() is called with 0, or
 * with SEC_ERR_TIMEOUT when it takes CHANNEL_DEADLINE. */
void	channel_finish(struct channel *c);
/* Send an empty record after idle_ms without another; close after
 * silence_ms without input. 0: off. Plain: a frame of `ping` bytes. */
void	channel_keepalive(struct channel *c, int64_t idle_ms,
	    int64_t silence_ms, const void *ping, size_t pinglen);
/* It is a server: up to CHANNEL_DEAL may wait for it. When it is up. */
void	channel_deals(struct channel *c);
int	channel_is_up(const struct channel *c);
int	channel_is_plain(const struct channel *c);
int	channel_is_dialled(const struct channel *c);   /* by us */
size_t	channel_unsent(const struct channel *c);
const struct addr *channel_peer(const struct channel *c);
void	channel_local(const struct channel *c, struct addr *out);

#endif
