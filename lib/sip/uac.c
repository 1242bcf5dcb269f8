/*
 * Client transactions (RFC 3261 17.1 on a reliable transport). Timers B and
 * F are one deadline; timers D and K are 0.
 *
 *	CALLING --1xx--> (INVITE only, told) --final--> told, ended
 *	   +--deadline--> 408   +--connection lost--> 503
 *
 * The branch carries the transaction's number: z9hG4bK and 16 hex digits.
 * An INVITE that nobody waits for any more stays until its end is known, so
 * that no dialog is left behind at the other side.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

#include "sip/stack_priv.h"

#define COOKIE	   "z9hG4bK"
#define COOKIE_LEN 7

static void on_deadline(void *arg);

struct sip_client *
client_new(struct sip_conn *c, uint64_t id, enum client_kind kind,
    int64_t deadline)
{
	struct sip_client *k;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for SIP");
	k->id = id;
	k->kind = kind;
	k->conn = c;
	timer_init(&k->timer, c->stack->loop, on_deadline, k);
	timer_set(&k->timer, deadline > 0 ? deadline : SIP_DEADLINE);
	TAILQ_INSERT_TAIL(&c->clients, k, entry);
	slots_put(&c->stack->clients, id, k);
	return k;
}

void
client_free(struct sip_client *k)
{
	timer_cancel(&k->timer);
	TAILQ_REMOVE(&k->conn->clients, k, entry);
	slots_del(&k->conn->stack->clients, k->id, k);
	free(k->ids);
	free(k);
}

/* Value of a digit as we write them, plus 1; 0: none. */
static const uint8_t digit[256] = {
	['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16,
};

uint64_t
branch_id(const char *branch, size_t n)
{
	uint64_t id = 0;
	uint8_t d;
	size_t i;

	if (n != COOKIE_LEN + 16 || memcmp(branch, COOKIE, COOKIE_LEN) != 0)
		return 0;
	for (i = COOKIE_LEN; i < n; i++) {
		if ((d = digit[(uint8_t)branch[i]]) == 0)
			return 0;
		id = id << 4 | (d - 1u);
	}
	return id;
}

struct sip_client *
client_by_branch(struct sip_conn *c, const char *branch, size_t n)
{
	struct sip_client *k =
	    slots_get(&c->stack->clients, branch_id(branch, n));

	/* Numbers of other connections are none of its business. */
	return k != NULL && k->conn == c ? k : NULL;
}

/* What the caller left out. The buffers are borrowed by m. */
struct made {
	char branch[COOKIE_LEN + 17];
	char tag[17];
	char call_id[17];
	char from[ADDR_STRLEN + 8];
};

static void
complete(struct sip_conn *c, struct sip_msg *m, uint64_t id, struct made *b)
{
	snprintf(b->branch, sizeof(b->branch), COOKIE "%016llx",
	    (unsigned long long)id);
	m->status = 0;
	m->via = NULL;
	m->via_host = c->host;
	m->branch = b->branch;
	if (m->call_id == NULL)
		m->call_id = stack_tag(c->stack, id, 'c', b->call_id);
	if (m->from_tag == NULL)
		m->from_tag = stack_tag(c->stack, id, 'f', b->tag);
	if (m->from == NULL) {
		snprintf(b->from, sizeof(b->from), "sip:%s", c->host);
		m->from = b->from;
	}
	if (m->to == NULL)
		m->to = m->uri;
	if (m->cseq == 0)
		m->cseq = 1;
}

/* On its way as *m, with what was left out: its transaction's number, or 0. */
static uint64_t
send_request(struct sip_conn *c, struct sip_msg *m, struct made *made)
{
	uint64_t id;

	if (!sip_conn_is_up(c) || m->method == NULL)
		return 0;
	id = stack_id(c->stack);
	complete(c, m, id, made);
	return conn_send(c, m) == 0 ? id : 0;
}

uint64_t
sip_request(struct sip_conn *c, const struct sip_msg *req, int64_t deadline,
    sip_answer_h cb, void *ctx, uint64_t cookie)
{
	struct sip_msg m = *req;
	struct sip_client *k;
	struct made made;
	uint64_t id;

	if ((id = send_request(c, &m, &made)) == 0)
		return 0;
	k = client_new(c, id,
	    strcmp(m.method, "INVITE") == 0 ? CLIENT_INVITE : CLIENT_PLAIN,
	    deadline);
	k->cb = cb;
	k->ctx = ctx;
	k->cookie = cookie;
	k->ids = ids_keep(&m);
	return id;
}

uint64_t
sip_tell(struct sip_conn *c, const struct sip_msg *req, int64_t deadline,
    sip_status_h cb, void *ctx, uint64_t cookie)
{
	struct sip_msg m = *req;
	struct made made;
	uint64_t id;

	if ((id = send_request(c, &m, &made)) != 0)
		fan_expect(c, id, deadline, cb, ctx, cookie);
	return id;
}

void
sip_ack(struct sip_conn *c, const struct sip_msg *ack)
{
	struct sip_msg m = *ack;
	struct made made;

	m.method = "ACK";
	complete(c, &m, stack_id(c->stack), &made);
	conn_send(c, &m);
}

/* ACK of a non-2xx: part of the INVITE's transaction (RFC 3261 17.1.1.3). */
static void
send_ack(struct sip_client *k, const struct sip_msg *answer)
{
	struct sip_msg m = ids_msg(k->ids);

	m.method = "ACK";
	m.to_tag = answer->to_tag;
	conn_send(k->conn, &m);
}

/* Streams keep the order, so CANCEL need not wait for a 1xx. */
static void
send_cancel(struct sip_client *k)
{
	struct sip_msg m = ids_msg(k->ids);

	if (k->cancelled)
		return;
	k->cancelled = 1;
	m.method = "CANCEL";
	conn_send(k->conn, &m);
}

/* A 2xx that nobody waits for: end the dialog that it has made. */
static void
end_orphan(struct sip_client *k, const struct sip_msg *answer)
{
	struct sip_conn *c = k->conn;
	struct sip_msg m = ids_msg(k->ids);

	m.branch = NULL;
	m.to_tag = answer->to_tag;
	if (answer->contact != NULL && strcmp(answer->contact, "*") != 0)
		m.uri = answer->contact;
	sip_ack(c, &m);
	m.method = "BYE";
	m.cseq++;
	sip_request(c, &m, 0, NULL, NULL, 0);
}

/* Tell the end, once; k is gone before its owner hears of it. */
static void
client_finish(struct sip_client *k, const struct sip_msg *answer)
{
	sip_answer_h cb = k->cb;
	void *ctx = k->ctx;
	uint64_t cookie = k->cookie;

	client_free(k);
	if (cb != NULL)
		cb(ctx, cookie, answer);
}

/* An answer made here: 408, 503. */
static void
client_make_answer(struct sip_client *k, int status)
{
	struct sip_msg m = ids_msg(k->ids);
	struct sip_ids *ids = k->ids;

	k->ids = NULL;
	m.status = status;
	m.reason = sec_sip_reason(status);
	client_finish(k, &m);
	free(ids);
}

/* Nobody waits for this INVITE any more, but its end must be seen. */
static void
client_orphan(struct sip_client *k)
{
	k->cb = NULL;
	send_cancel(k);
	timer_set(&k->timer, SIP_DEADLINE);
}

static void
on_deadline(void *arg)
{
	struct sip_client *k = arg;
	struct sip_stack *s = k->conn->stack;
	sip_answer_h cb = k->cb;
	struct sip_ids *ids;
	struct sip_msg m;

	stack_enter(s);
	if (k->kind == CLIENT_INVITE && cb != NULL) {
		client_orphan(k);
		/* A copy: the owner may give up k too. */
		m = ids_msg(k->ids);
		ids = ids_keep(&m);
		m = ids_msg(ids);
		m.status = 408;
		m.reason = sec_sip_reason(m.status);
		cb(k->ctx, k->cookie, &m);
		free(ids);
	} else
		client_make_answer(k, 408);
	stack_leave(s);
}

void
client_drop_all(struct sip_conn *c)
{
	struct sip_stack *s = c->stack;
	struct sip_client *k;

	while (!s->freed && (k = TAILQ_FIRST(&c->clients)) != NULL)
		client_make_answer(k, 503);
}

void
client_answer(struct sip_conn *c, const struct sip_msg *answer)
{
	struct sip_client *k;
	int invite;

	k = client_by_branch(c, answer->branch, strlen(answer->branch));
	/* Another method's: the answer to our CANCEL. */
	if (k == NULL || strcmp(answer->method, k->ids->method) != 0 ||
	    answer->cseq != k->ids->cseq)
		return;
	invite = k->kind == CLIENT_INVITE;
	if (answer->status < 200) {
		/* 100 says nothing that the stream did not say. */
		if (invite && answer->status > 100 && k->cb != NULL)
			k->cb(k->ctx, k->cookie, answer);
		return;
	}
	if (invite && answer->status >= 300)
		send_ack(k, answer);
	else if (invite && k->cb == NULL)
		end_orphan(k, answer);
	client_finish(k, answer);
}

void
sip_cancel(struct sip_stack *s, uint64_t id)
{
	struct sip_client *k = slots_get(&s->clients, id);

	if (k != NULL && k->kind == CLIENT_INVITE)
		send_cancel(k);
}

void
sip_forget(struct sip_stack *s, uint64_t id)
{
	struct sip_client *k = slots_get(&s->clients, id);

	if (k == NULL)
		return;
	if (k->kind != CLIENT_INVITE || !sip_conn_is_up(k->conn))
		client_free(k);
	else if (k->cb != NULL)
		client_orphan(k);
}
