#ifndef SIP_STACK_H
#define SIP_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "net/channel.h"
#include "sip/msg.h"

/*
 * Connections, transactions and dispatch (RFC 3261 17, on streams only: no
 * retransmission; timers B, F, H are deadlines; a lost connection is a 503
 * to its client transactions). One stack per process.
 */
struct sip_stack;
struct sip_conn;
struct sip_txn;                        /* a server transaction */

/* What a connection has proved; a method's row names what it needs. */
enum sip_need {
	NEED_NOTHING = 0,
	NEED_TICKET = 1,               /* unsealed REGISTER: proof is inside */
	NEED_SESSION = 2,              /* hello under Kc: user and instance */
	NEED_DEVICE = 4,               /* hello under H_q */
	NEED_SERVER = 8,               /* client side: the peer is a server */
};

struct sip_peer {
	unsigned	proof;         /* NEED_* bits */
	char		user[128];     /* name before @; "" if unknown */
	char		instance[33];
	uint32_t	keyid;
	uint64_t	conf;          /* device */
	uint32_t	q;
	int		server;        /* number of the server (client side) */
};

typedef void (*sip_request_h)(void *ctx, struct sip_txn *txn,
	    const struct sip_msg *req);

struct sip_method {
	const char	*method;       /* NULL ends the table */
	unsigned	 need;         /* any of these proofs; 0: none */
	sip_request_h	 on;
};

#define SIP_DEADLINE 32000             /* ms, 64 * T1 */
#define SIP_STRANGER 10000             /* ms to prove something, unsealed */
#define SIP_OPEN     1024              /* a peer's requests under way */

struct sip_stack_ops {
	/* A connection counts (sealed: first record opened). */
	void	(*up)(void *ctx, struct sip_conn *c);
	/* It is gone; freed by the stack after return. Also told of a dial
	 * that failed. */
	void	(*down)(void *ctx, struct sip_conn *c, int err);
};

/*
 * A request whose method has no row: 405; whose proof fails: 403. Strangers
 * (unsealed, and no proof but a ticket) are closed instead in both cases. One
 * more than SIP_OPEN of a connection, INVITEs without their ACK too: 503. ACK
 * of a 2xx goes to its row if there is one, with a transaction that ends
 * when the row returns. CANCEL is answered by the stack and handed to the
 * row "CANCEL" with the INVITE's transaction, which then answers 487;
 * without that row the stack does. A malformed message closes.
 */
struct sip_stack *sip_stack_new(struct loop *l,
	    const struct sip_method *methods, const struct sip_stack_ops *ops,
	    void *ctx);
void	sip_stack_free(struct sip_stack *s);

/* --- connections --- */
/* Takes over a channel made with sip_channel_ops and the value of
 * sip_conn_new() as its arg: see sip_conn_attach(). */
struct sip_conn *sip_conn_new(struct sip_stack *s,
	    const struct sip_peer *peer);
extern const struct channel_ops sip_channel_ops;
void	sip_conn_attach(struct sip_conn *c, struct channel *ch);
/* Sent as sent-by "KEYID.invalid" in Via and in Contacts; the local
 * host:port on a plain connection. */
const char *sip_conn_host(const struct sip_conn *c);
struct sip_peer *sip_conn_peer(struct sip_conn *c);
uint64_t sip_conn_id(const struct sip_conn *c);
struct sip_conn *sip_conn_find(struct sip_stack *s, uint64_t id);
struct channel *sip_conn_channel(struct sip_conn *c);
/* Whom the connection belongs to, for the daemon's own use; NULL at first.
 * Readable until down() has returned. */
void	sip_conn_set_owner(struct sip_conn *c, void *owner);
void	*sip_conn_owner(const struct sip_conn *c);
int	sip_conn_is_up(const struct sip_conn *c);
/* Close; down() is called with err at the end of the turn, after a 503 to
 * its client transactions. One that was never attached is just freed. */
void	sip_conn_close(struct sip_conn *c, int err);
void	sip_conn_finish(struct sip_conn *c);   /* after output is sent */
/* Iterate over connections that are up. */
struct sip_conn *sip_conn_next(struct sip_stack *s, size_t *i);
size_t	sip_conn_count(const struct sip_stack *s);

/* --- server transactions --- */
uint64_t sip_txn_id(const struct sip_txn *t);
struct sip_txn *sip_txn_find(struct sip_stack *s, uint64_t id);
struct sip_conn *sip_txn_conn(struct sip_txn *t);
const char *sip_txn_to_tag(const struct sip_txn *t);  /* ours, for dialogs */
/* The caller's own number, e.g. of an operation; 0 at first. */
void	sip_txn_set_cookie(struct sip_txn *t, uint64_t cookie);
uint64_t sip_txn_cookie(const struct sip_txn *t);
/*
 * Answer: a->status and whatever else is set (contact, headers, body) are
 * sent with the request's Via, From, To, Call-ID, CSeq. After a final
 * answer t is gone, except INVITE, which waits for its ACK by itself. A
 * connection on which no more than a ticket was proved is closed behind it.
 */
void	sip_answer(struct sip_txn *t, const struct sip_msg *a);
void	sip_answer_status(struct sip_txn *t, int status);

/* --- client transactions --- */
/* answer: 1xx (INVITE only) and the final one; made here: 408 (deadline),
 * 503 (connection lost). */
typedef void (*sip_answer_h)(void *ctx, uint64_t cookie,
	    const struct sip_msg *answer);
/*
 * Send a request. Missing fields are made: Via, branch, Call-ID, From tag,
 * CSeq 1, To (= uri). deadline: ms to the final answer, ringing included,
 * 0 = 32 s. Returns the transaction's id, 0 when the connection is not up
 * or a value cannot be written (no callback then). The ACK of a non-2xx is
 * sent by the stack, that of a 2xx by sip_ack(). An INVITE that nobody
 * waits for any more (deadline, sip_forget()) is cancelled, and if its 2xx
 * still comes, ended by ACK and BYE.
 */
uint64_t sip_request(struct sip_conn *c, const struct sip_msg *req,
	    int64_t deadline, sip_answer_h cb, void *ctx, uint64_t cookie);
/*
 * The same for who asks only how it ended: no INVITE, the answer is matched
 * without a full parse, the deadline is kept within 100 ms, and there is
 * nothing to forget. cb may be NULL.
 */
#define SIP_LOST 0                     /* its connection, before an answer */
typedef void (*sip_status_h)(void *ctx, uint64_t cookie, int status);
uint64_t sip_tell(struct sip_conn *c, const struct sip_msg *req,
	    int64_t deadline, sip_status_h cb, void *ctx, uint64_t cookie);
/* CANCEL an INVITE; its answer (487 or a 2xx that crossed) still comes. */
void	sip_cancel(struct sip_stack *s, uint64_t id);
/* Forget: no callback any more. */
void	sip_forget(struct sip_stack *s, uint64_t id);
/* Send an ACK (no transaction). */
void	sip_ack(struct sip_conn *c, const struct sip_msg *ack);

/* --- fan-out: one request to many, printed once (PERFORMANCE.md 2) --- */
struct sip_fan;
/* tmpl: uri, from, from_tag (made if NULL), author, body ... are the same in
 * all copies. */
struct sip_fan *sip_fan_new(const struct sip_msg *tmpl);
void	sip_fan_free(struct sip_fan *f);
/* One copy: patches To, branch, Call-ID; missed >= 0 adds SEC-Missed. The
 * answer is matched without a full parse. The deadline is kept within
 * 100 ms. Returns the transaction's number or 0. */
uint64_t sip_fan_send(struct sip_fan *f, struct sip_conn *c, const char *to,
	    int missed, int64_t deadline, sip_status_h cb, void *ctx,
	    uint64_t cookie);
/* The connection is lost: tell of its copies now, not at the turn's end. */
void	sip_fan_drop(struct sip_conn *c);

/* Open transactions, for health and tests. */
size_t	sip_open_count(const struct sip_stack *s);

#endif
