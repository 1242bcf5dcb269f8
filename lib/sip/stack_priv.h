#ifndef SIP_STACK_PRIV_H
#define SIP_STACK_PRIV_H

#include <sys/queue.h>

#include "base/map.h"
#include "sip/slots.h"
#include "sip/stack.h"

/*
 * What stack.c (connections, dispatch), txn.c (server transactions), uac.c
 * (client transactions) and fan.c share. Nobody else includes it.
 */
struct sip_client;

TAILQ_HEAD(sip_txns, sip_txn);
TAILQ_HEAD(sip_clients, sip_client);
TAILQ_HEAD(sip_conns, sip_conn);

struct sip_stack {
	struct loop *loop;
	const struct sip_method *methods;
	const struct sip_stack_ops *ops;
	void *ctx;
	struct map *conns;     /* id -> conn, those not closing */
	struct sip_conns all;
	struct slots txns;     /* by connection, branch, method */
	struct slots txn_ids;  /* those that can be answered, by id */
	struct slots clients;  /* by id, which the branch carries */
	size_t max_txns;       /* of one connection */
	size_t copies;         /* of fans, unanswered */
	struct timer late;     /* copies past their deadline */
	uint64_t last_id;
	uint8_t secret[16];    /* makes ids into tags and Call-IDs */
	struct buf scratch;
	int busy;
	int freed;
};

/*
 * A copy of a fan-out, or another request of which only the status matters,
 * that waits for its answer. Thousands come and go a second, so they are
 * kept small and together: in the order in which they were sent, which is
 * also that of their ids.
 */
struct fan_copy {
	uint64_t id;
	int64_t until;         /* mono ms; 0: answered */
	sip_status_h cb;
	void *ctx;
	uint64_t cookie;
};

struct fan_copies {
	struct fan_copy *v;
	size_t first;          /* those before it are answered */
	size_t end;
	size_t cap;
};

struct sip_conn {
	struct sip_stack *stack;
	uint64_t id;
	struct channel *channel;
	void *owner;
	int up;
	int closing;
	int err;
	struct fan_copies copies;
	char host[ADDR_STRLEN];
	struct sip_peer peer;
	struct hook hook;
	struct timer stranger;
	struct sip_txns txns;
	size_t ntxns;
	struct sip_txn *last;  /* answered; kept for a repeated request */
	struct sip_clients clients;
	TAILQ_ENTRY(sip_conn) entry;
};

/* What identifies a request, in one block with its strings. */
struct sip_ids {
	const char *method, *uri;
	const char *via, *via_host, *branch;
	const char *from, *from_tag, *to, *to_tag;
	const char *call_id;
	uint32_t cseq;
};

enum client_kind { CLIENT_PLAIN, CLIENT_INVITE };

struct sip_client {
	uint64_t id;
	enum client_kind kind;
	struct sip_conn *conn;
	struct timer timer;
	sip_answer_h cb;       /* NULL: nobody waits */
	void *ctx;
	uint64_t cookie;
	int cancelled;
	struct sip_ids *ids;   /* NULL: fan */
	TAILQ_ENTRY(sip_client) entry;
};

/* --- stack.c --- */
uint64_t stack_id(struct sip_stack *s);
/* 16 hex digits, without a NUL. */
void	stack_hex(char *out, uint64_t v);
/* 16 hex digits that nobody can guess from id; out 17 bytes. */
char	*stack_tag(struct sip_stack *s, uint64_t id, char what, char *out);
/* Callbacks may free the stack; its memory stays until we are out. */
void	stack_enter(struct sip_stack *s);
int	stack_leave(struct sip_stack *s);      /* 1: it was freed */
/* Unsealed, and nobody in particular: a ticket is judged per request. */
int	conn_is_stranger(const struct sip_conn *c);
/* Print and send; 0 or SEC_ERR_*. */
int	conn_send(struct sip_conn *c, const struct sip_msg *m);
/* A copy for free(), and a message with nothing but these. */
struct sip_ids *ids_keep(const struct sip_msg *m);
struct sip_msg ids_msg(const struct sip_ids *ids);

/* --- txn.c --- */
void	txn_request(struct sip_conn *c, const struct sip_msg *req);
void	txn_drop_all(struct sip_conn *c);

/* --- uac.c --- */
struct sip_client *client_new(struct sip_conn *c, uint64_t id,
	    enum client_kind kind, int64_t deadline);
void	client_free(struct sip_client *k);
/* The number that one of our branches carries; 0: it is none of ours. */
uint64_t branch_id(const char *branch, size_t n);
struct sip_client *client_by_branch(struct sip_conn *c, const char *branch,
	    size_t n);
void	client_answer(struct sip_conn *c, const struct sip_msg *answer);
/* 503 to all. */
void	client_drop_all(struct sip_conn *c);

/* --- fan.c --- */
/* Request id was sent: who is told the status of its answer. */
void	fan_expect(struct sip_conn *c, uint64_t id, int64_t deadline,
	    sip_status_h cb, void *ctx, uint64_t cookie);
/* An answer to copy id: 1 taken, 0 there is none of that id waiting. */
int	fan_answer(struct sip_conn *c, uint64_t id, int status);
/* Timer `late`: 408 to those whose time is over. */
void	fan_late(void *arg);
/* 503 to all. */
void	fan_drop_all(struct sip_conn *c);
/* Nobody is told any more. */
void	fan_forget_all(struct sip_conn *c);

#endif
