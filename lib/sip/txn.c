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
#include "base/siphash.h"
#include "base/text.h"

#include "sip/stack_priv.h"
#include "sip/txn.h"

#define KEEP_ANSWER 4096
#define NO_ANSWER   40000 /* ms; the client gave up at 32 s */
#define LINE	    64

enum txn_state { PROCEEDING, COMPLETED, ENDED, TRANSIENT };

struct sip_txn {
	uint64_t id;
	struct sip_conn *conn;
	struct timer timer;
	enum txn_state state;
	int invite;
	uint64_t hash;
	uint64_t cookie;
	char own_tag[17];
	struct sip_ids *ids;
	struct buf answer; /* the last one, as sent */
	TAILQ_ENTRY(sip_txn) entry;
	/* What a look-up reads, side by side and as a rule in one line of the
	 * cache. */
	_Alignas(LINE) uint64_t conn_id;
	char key[]; /* method NUL branch NUL */
};

/* Branches are strangers' choice, connection ids are not; methods are few. */
static uint64_t
txn_hash(const struct sip_stack *s, uint64_t conn, const char *branch)
{
	return siphash24(s->secret, branch, strlen(branch)) +
	    conn * 0x9e3779b97f4a7c15;
}

struct sip_txn *
txn_find(const struct sip_stack *s, uint64_t conn, const char *branch,
    const char *method)
{
	uint64_t hash = txn_hash(s, conn, branch);
	size_t at = (size_t)hash;
	struct sip_txn *t;

	while ((t = slots_next(&s->txns, hash, &at)) != NULL)
		if (t->conn_id == conn && strcmp(t->key, method) == 0 &&
		    strcmp(t->key + strlen(method) + 1, branch) == 0)
			return t;
	return NULL;
}

/* Not to be found or answered any more. */
static void
txn_unlist(struct sip_txn *t)
{
	struct sip_stack *s = t->conn->stack;

	timer_cancel(&t->timer);
	slots_del(&s->txn_ids, t->id, t);
}

static void
txn_free(struct sip_txn *t)
{
	struct sip_stack *s = t->conn->stack;

	txn_unlist(t);
	if (t->state != TRANSIENT) {
		slots_del(&s->txns, t->hash, t);
		TAILQ_REMOVE(&t->conn->txns, t, entry);
		t->conn->ntxns--;
		if (t->conn->last == t)
			t->conn->last = NULL;
	}
	buf_free(&t->answer);
	free(t->ids);
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
	size_t m = strlen(req->method) + 1, b = strlen(req->branch) + 1;
	size_t size = (sizeof(struct sip_txn) + m + b + LINE - 1) / LINE * LINE;
	struct sip_txn *t;

	if ((t = aligned_alloc(LINE, size)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for SIP");
	memset(t, 0, sizeof(*t));
	memcpy(t->key, req->method, m);
	memcpy(t->key + m, req->branch, b);
	t->id = stack_id(c->stack);
	t->conn = c;
	t->conn_id = c->id;
	t->state = TRANSIENT;
	t->invite = strcmp(req->method, "INVITE") == 0;
	t->ids = ids_keep(req);
	timer_init(&t->timer, c->stack->loop, on_timer, t);
	stack_tag(c->stack, t->id, 't', t->own_tag);
	return t;
}

/* From now on it is a transaction: found again by key and id. */
static void
txn_begin(struct sip_txn *t)
{
	struct sip_stack *s = t->conn->stack;

	t->state = PROCEEDING;
	t->hash = txn_hash(s, t->conn_id, t->key + strlen(t->key) + 1);
	TAILQ_INSERT_TAIL(&t->conn->txns, t, entry);
	t->conn->ntxns++;
	slots_put(&s->txns, t->hash, t);
	slots_put(&s->txn_ids, t->id, t);
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
	return conn_is_stranger(c) && !channel_is_dialled(c->channel);
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
	m.method = t->ids->method;
	m.uri = NULL;
	m.via = t->ids->via;
	m.from = t->ids->from;
	m.from_tag = t->ids->from_tag;
	m.to = t->ids->to;
	/* 100 is not yet of a dialog. */
	m.to_tag = m.status == 100 ? t->ids->to_tag : sip_txn_to_tag(t);
	m.call_id = t->ids->call_id;
	m.cseq = t->ids->cseq;
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
	return slots_get(&s->txn_ids, id);
}

struct sip_conn *
sip_txn_conn(struct sip_txn *t)
{
	return t->conn;
}

const char *
sip_txn_to_tag(const struct sip_txn *t)
{
	return t->ids->to_tag != NULL ? t->ids->to_tag : t->own_tag;
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

/* No row, not enough proved, or too many at once. */
static void
refuse(struct sip_conn *c, const struct sip_msg *req, int status)
{
	log_noise(LOG_L_INFO, "sip.refused", "method=%s user=%s status=%d",
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
	free(t->ids);
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
	int ack = strcmp(req->method, "ACK") == 0;
	int cancel = strcmp(req->method, "CANCEL") == 0;

	t = txn_find(c->stack, c->id, req->branch,
	    ack || cancel ? "INVITE" : req->method);
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
		else if (c->ntxns >= c->stack->max_txns)
			refuse(c, req, 503);
		else {
			t = txn_alloc(c, req);
			txn_begin(t);
			row->on(c->stack->ctx, t, req);
		}
	}
}
