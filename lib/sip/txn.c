/*
 * Server transactions (RFC 3261 17.2 on a reliable transport).
 *
 *	request --> PROCEEDING --2xx, or final to a non-INVITE--> ended
 *	                |                                           |
 *	            INVITE: 3xx-6xx                     kept as the connection's
 *	                v                               last, for a repetition
 *	            COMPLETED --ACK, timer H--> ended
 *
 * A request with the key of one that is known gets its last answer again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

#include "sip/stack_priv.h"
#include "sip/txn.h"

#define KEEP_ANSWER 4096
#define NO_ANSWER   40000 /* ms; the client gave up at 32 s */

enum txn_state { PROCEEDING, COMPLETED, ENDED, TRANSIENT };

struct sip_txn {
	uint64_t id;
	struct sip_conn *conn;
	enum txn_state state;
	struct txn_key key;
	struct timer timer;
	uint64_t cookie;
	int invite;
	int had_to_tag;
	char own_tag[17];
	struct sip_msg req; /* ids only, strings in mem */
	char *mem;
	struct buf answer; /* the last one, as sent */
	TAILQ_ENTRY(sip_txn) entry;
};

void
txn_key(struct txn_key *k, uint64_t conn, const char *branch,
    const char *method)
{
	size_t m = strlen(method), b = strlen(branch);

	/* Parsed messages fit: method <= 31, branch <= 127. */
	if (8 + m + 1 + b > sizeof(k->b))
		b = sizeof(k->b) - 9 - m;
	memcpy(k->b, &conn, 8);
	memcpy(k->b + 8, method, m + 1);
	memcpy(k->b + 9 + m, branch, b);
	k->n = 9 + m + b;
}

/* Not to be found or answered any more. */
static void
txn_unlist(struct sip_txn *t)
{
	struct sip_stack *s = t->conn->stack;

	timer_cancel(&t->timer);
	if (map_get_u64(s->txn_ids, t->id) == t)
		map_del_u64(s->txn_ids, t->id);
}

static void
txn_free(struct sip_txn *t)
{
	struct sip_stack *s = t->conn->stack;

	txn_unlist(t);
	if (t->state != TRANSIENT) {
		if (map_get(s->txns, t->key.b, t->key.n) == t)
			map_del(s->txns, t->key.b, t->key.n);
		TAILQ_REMOVE(&t->conn->txns, t, entry);
		if (t->conn->last == t)
			t->conn->last = NULL;
	}
	buf_free(&t->answer);
	free(t->mem);
	free(t);
}

void
txn_drop_all(struct sip_conn *c)
{
	struct sip_txn *t;

	while ((t = TAILQ_FIRST(&c->txns)) != NULL)
		txn_free(t);
}

/* Timer H, or a handler that never answered. */
static void
on_timer(void *arg)
{
	struct sip_txn *t = arg;

	if (t->state == PROCEEDING)
		sip_answer_status(t, 504);
	else
		txn_free(t);
}

static struct sip_txn *
txn_alloc(struct sip_conn *c, const struct sip_msg *req)
{
	struct sip_txn *t;
	const char **keep[9];
	size_t n = 0;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for SIP");
	t->id = stack_id(c->stack);
	t->conn = c;
	t->state = TRANSIENT;
	timer_init(&t->timer, c->stack->loop, on_timer, t);
	stack_tag(c->stack, t->id, 't', t->own_tag);
	sip_msg_init(&t->req);
	t->req.method = req->method;
	t->req.via = req->via;
	t->req.branch = req->branch;
	t->req.from = req->from;
	t->req.from_tag = req->from_tag;
	t->req.to = req->to;
	t->req.to_tag = req->to_tag;
	t->req.call_id = req->call_id;
	t->req.cseq = req->cseq;
	keep[n++] = &t->req.method;
	keep[n++] = &t->req.via;
	keep[n++] = &t->req.branch;
	keep[n++] = &t->req.from;
	keep[n++] = &t->req.from_tag;
	keep[n++] = &t->req.to;
	keep[n++] = &t->req.to_tag;
	keep[n++] = &t->req.call_id;
	strings_keep(keep, n, &t->mem);
	t->had_to_tag = req->to_tag != NULL;
	t->invite = strcmp(req->method, "INVITE") == 0;
	return t;
}

/* From now on it is a transaction: found again by key and id. */
static void
txn_begin(struct sip_txn *t, const struct txn_key *key)
{
	struct sip_stack *s = t->conn->stack;

	t->state = PROCEEDING;
	t->key = *key;
	TAILQ_INSERT_TAIL(&t->conn->txns, t, entry);
	map_put(s->txns, key->b, key->n, t);
	map_put_u64(s->txn_ids, t->id, t);
	if (!t->invite)
		timer_set(&t->timer, NO_ANSWER);
}

/* What was sent, for a repeated request. */
static void
keep_answer(struct sip_txn *t)
{
	const struct buf *sent = &t->conn->stack->scratch;

	buf_reset(&t->answer);
	if (buf_len(sent) <= KEEP_ANSWER)
		buf_put(&t->answer, buf_data(sent), buf_len(sent));
}

/* After a final answer that needs no ACK of ours to wait for. */
static void
txn_end(struct sip_txn *t)
{
	struct sip_conn *c = t->conn;

	t->state = ENDED;
	txn_unlist(t);
	if (c->last != NULL)
		txn_free(c->last);
	c->last = t;
}

/* Whoever has proved no more than his ticket gets one final answer. */
static int
is_brief(const struct sip_conn *c)
{
	return (c->peer.proof & ~(unsigned)NEED_TICKET) == 0 &&
	    channel_is_plain(c->channel) && !channel_is_dialled(c->channel);
}

void
sip_answer(struct sip_txn *t, const struct sip_msg *a)
{
	struct sip_conn *c = t->conn;
	struct sip_msg m = *a;
	int r;

	if (t->state != PROCEEDING)
		return;
	if (m.status < 100 || m.status > 699)
		m.status = sec_err_sip(SEC_ERR_UNREACHABLE);
	m.method = t->req.method;
	m.uri = NULL;
	m.via = t->req.via;
	m.from = t->req.from;
	m.from_tag = t->req.from_tag;
	m.to = t->req.to;
	m.to_tag = m.status == 100 && !t->had_to_tag ? NULL : sip_txn_to_tag(t);
	m.call_id = t->req.call_id;
	m.cseq = t->req.cseq;
	r = conn_send(t->conn, &m);
	/* A value of the caller's; the client must hear something. */
	if (r == SEC_ERR_FORMAT && m.status != 500) {
		if (m.status >= 200)
			sip_answer_status(t, 500);
		return;
	}
	if (r == 0)
		keep_answer(t);
	if (m.status < 200)
		return;
	if (t->invite && m.status >= 300) {
		t->state = COMPLETED;
		txn_unlist(t);
		timer_set(&t->timer, SIP_DEADLINE);
	} else
		txn_end(t);
	if (is_brief(c))
		sip_conn_finish(c);
}

void
sip_answer_status(struct sip_txn *t, int status)
{
	struct sip_msg a;

	sip_msg_init(&a);
	a.status = status;
	sip_answer(t, &a);
}

uint64_t
sip_txn_id(const struct sip_txn *t)
{
	return t->id;
}

struct sip_txn *
sip_txn_find(struct sip_stack *s, uint64_t id)
{
	return map_get_u64(s->txn_ids, id);
}

struct sip_conn *
sip_txn_conn(struct sip_txn *t)
{
	return t->conn;
}

const char *
sip_txn_to_tag(const struct sip_txn *t)
{
	return t->had_to_tag ? t->req.to_tag : t->own_tag;
}

void
sip_txn_set_cookie(struct sip_txn *t, uint64_t cookie)
{
	t->cookie = cookie;
}

uint64_t
sip_txn_cookie(const struct sip_txn *t)
{
	return t->cookie;
}

/* --- requests --- */

static const struct sip_method *
method_find(const struct sip_stack *s, const char *method)
{
	const struct sip_method *m;

	for (m = s->methods; m != NULL && m->method != NULL; m++)
		if (strcmp(m->method, method) == 0)
			return m;
	return NULL;
}

static int
is_allowed(const struct sip_conn *c, const struct sip_method *row,
    const struct sip_msg *req)
{
	if (row->need == NEED_NOTHING || (row->need & c->peer.proof) != 0)
		return 1;
	/* The proof is in the request; its handler checks it. */
	return (row->need & NEED_TICKET) != 0 && req->auth_token != NULL &&
	    channel_is_plain(c->channel);
}

/* An answer without a transaction. */
static void
answer_once(struct sip_conn *c, const struct sip_msg *req, int status,
    const char *to_tag)
{
	struct sip_msg a;
	char tag[17];

	sip_msg_init(&a);
	a.status = status;
	a.method = req->method;
	a.via = req->via;
	a.from = req->from;
	a.from_tag = req->from_tag;
	a.to = req->to;
	a.to_tag = req->to_tag != NULL ? req->to_tag :
	    to_tag != NULL	       ? to_tag :
			     stack_tag(c->stack, stack_id(c->stack), 't', tag);
	a.call_id = req->call_id;
	a.cseq = req->cseq;
	conn_send(c, &a);
}

/* No row, or not enough proved. */
static void
refuse(struct sip_conn *c, const struct sip_msg *req, int status)
{
	log_info("sip.refused", "method=%s user=%s status=%d",
	    log_quote(req->method), log_quote(c->peer.user), status);
	if (conn_is_stranger(c))
		sip_conn_close(c, SEC_ERR_DENIED);
	else if (strcmp(req->method, "ACK") != 0)
		answer_once(c, req, status, NULL);
}

static void
on_ack(struct sip_conn *c, struct sip_txn *invite, const struct sip_msg *req)
{
	const struct sip_method *row;
	struct sip_txn *t;

	if (invite != NULL && invite->state == COMPLETED) {
		txn_free(invite);
		return;
	}
	if ((row = method_find(c->stack, "ACK")) == NULL)
		return;
	if (!is_allowed(c, row, req)) {
		refuse(c, req, 403);
		return;
	}
	t = txn_alloc(c, req);
	row->on(c->stack->ctx, t, req);
	free(t->mem);
	free(t);
}

static void
on_cancel(struct sip_conn *c, struct sip_txn *invite, const struct sip_msg *req)
{
	const struct sip_method *row;

	if (invite == NULL) {
		if (conn_is_stranger(c))
			sip_conn_close(c, SEC_ERR_DENIED);
		else
			answer_once(c, req, 481, NULL);
		return;
	}
	answer_once(c, req, 200, sip_txn_to_tag(invite));
	if (invite->state != PROCEEDING)
		return; /* it crossed the final answer */
	if ((row = method_find(c->stack, "CANCEL")) != NULL)
		row->on(c->stack->ctx, invite, req);
	else
		sip_answer_status(invite, 487);
}

static void
repeat_answer(struct sip_txn *t)
{
	if (buf_len(&t->answer) > 0 && sip_conn_is_up(t->conn))
		channel_send(t->conn->channel, buf_data(&t->answer),
		    buf_len(&t->answer));
}

void
txn_request(struct sip_conn *c, const struct sip_msg *req)
{
	const struct sip_method *row;
	struct sip_txn *t;
	struct txn_key key;
	int ack = strcmp(req->method, "ACK") == 0;
	int cancel = strcmp(req->method, "CANCEL") == 0;

	txn_key(&key, c->id, req->branch,
	    ack || cancel ? "INVITE" : req->method);
	t = map_get(c->stack->txns, key.b, key.n);
	if (ack)
		on_ack(c, t, req);
	else if (cancel)
		on_cancel(c, t, req);
	else if (t != NULL)
		repeat_answer(t);
	else {
		row = method_find(c->stack, req->method);
		if (row == NULL)
			refuse(c, req, 405);
		else if (!is_allowed(c, row, req))
			refuse(c, req, 403);
		else {
			t = txn_alloc(c, req);
			txn_begin(t, &key);
			row->on(c->stack->ctx, t, req);
		}
	}
}
