/*
 * Kept connections. WAIT (timer) -> DIAL -> UP; any loss leads back to
 * WAIT. In plain mode a connection is up when its OPTIONS is answered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "ua/flow.h"

#define GREET_DEADLINE 5000

struct flow {
	struct loop *loop;
	const struct flow_ops *ops; /* NULL: freed */
	void *arg;
	struct sip_stack *stack;
	struct sip_conn *conn; /* NULL: none */
	int up, refused, plain, cut;
	uint32_t keyid;
	int64_t wait; /* before the next dial */
	struct timer retry;
	struct hook bury;
};

static void
retry(struct flow *f, int64_t ms)
{
	timer_set(&f->retry, ms);
	f->wait = f->wait * 2 > FLOW_RETRY_MAX ? FLOW_RETRY_MAX : f->wait * 2;
}

static void
is_up(struct flow *f)
{
	f->up = 1;
	f->refused = 0;
	f->wait = FLOW_RETRY_MIN;
	f->ops->up(f->arg);
}

static void
on_greeted(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct flow *f = ctx;

	if (f->ops == NULL || f->conn == NULL || sip_conn_id(f->conn) != cookie)
		return;
	if (answer->status == 200)
		is_up(f);
	else
		sip_conn_close(f->conn, SEC_ERR_SUBKEY);
}

static void
on_conn_up(void *ctx, struct sip_conn *c)
{
	struct flow *f = ctx;
	struct sip_msg m;

	if (f->ops == NULL || c != f->conn)
		return;
	if (!f->plain) {
		is_up(f);
		return;
	}
	sip_msg_init(&m);
	m.method = "OPTIONS";
	f->ops->greet(f->arg, &m);
	(void)sip_request(c, &m, GREET_DEADLINE, on_greeted, f, sip_conn_id(c));
}

static void
on_conn_down(void *ctx, struct sip_conn *c, int err)
{
	struct flow *f = ctx;
	int was_up = f->up;

	if (c != f->conn)
		return;
	f->conn = NULL;
	f->up = 0;
	if (f->ops == NULL || f->cut)
		return;
	f->refused = err == SEC_ERR_SUBKEY;
	if (!timer_is_set(&f->retry))
		retry(f,
		    f->refused ? FLOW_REFUSED :
			was_up ? FLOW_RETRY_MIN :
				 f->wait);
	if (was_up || f->refused)
		f->ops->down(f->arg, err);
}

static const struct sip_stack_ops stack_ops = { on_conn_up, on_conn_down };

static void
dial(struct flow *f)
{
	struct flow_target t = { .offset = 0 };
	struct sip_peer peer = { .proof = NEED_SERVER };
	struct channel *ch;

	if (f->conn != NULL || f->ops->target(f->arg, &t) != 0)
		return;
	peer.keyid = t.hello.keyid;
	peer.server = t.hello.to_number;
	f->keyid = t.hello.keyid;
	f->plain = t.plain;
	f->conn = sip_conn_new(f->stack, &peer);
	if (t.plain)
		ch = channel_dial_plain(f->loop, &t.to, sip_frame,
		    &sip_channel_ops, f->conn);
	else
		ch = channel_dial(f->loop, &t.to, &t.hello, t.offset,
		    &sip_channel_ops, f->conn);
	sip_conn_attach(f->conn, ch);
}

static void
on_retry(void *arg)
{
	dial(arg);
}

static void
on_bury(void *arg)
{
	struct flow *f = arg;

	timer_cancel(&f->retry);
	sip_stack_free(f->stack);
	free(f);
}

struct flow *
flow_new(struct loop *l, const struct sip_method *methods,
    const struct flow_ops *ops, void *arg)
{
	struct flow *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	f->loop = l;
	f->ops = ops;
	f->arg = arg;
	f->wait = FLOW_RETRY_MIN;
	f->stack = sip_stack_new(l, methods, &stack_ops, f);
	timer_init(&f->retry, l, on_retry, f);
	hook_init(&f->bury, l, on_bury, f);
	return f;
}

void
flow_free(struct flow *f)
{
	if (f == NULL)
		return;
	f->ops = NULL;
	timer_cancel(&f->retry);
	hook_arm(&f->bury);
}

void
flow_cut(struct flow *f)
{
	f->cut = 1;
	timer_cancel(&f->retry);
	if (f->conn != NULL)
		sip_conn_close(f->conn, SEC_ERR_CLOSED);
}

void
flow_kick(struct flow *f, int anew)
{
	if (f->conn != NULL && !anew)
		return;
	f->wait = FLOW_RETRY_MIN;
	timer_set(&f->retry, 0);
	if (f->conn != NULL)
		sip_conn_close(f->conn, SEC_ERR_CLOSED);
}

struct sip_conn *
flow_conn(const struct flow *f)
{
	return f != NULL && f->up && sip_conn_is_up(f->conn) ? f->conn : NULL;
}

struct sip_stack *
flow_stack(const struct flow *f)
{
	return f->stack;
}

void *
flow_arg(const struct flow *f)
{
	return f->ops != NULL ? f->arg : NULL;
}

uint32_t
flow_keyid(const struct flow *f)
{
	return f->keyid;
}

char *
flow_contact(const struct flow *f, const char *uri, char out[256])
{
	size_t n = strcspn(uri, "@");

	snprintf(out, 256, "%.*s@%s", (int)(n > 128 ? 128 : n), uri,
	    f->conn != NULL ? sip_conn_host(f->conn) : "0.invalid");
	return out;
}

uint64_t
flow_request(struct flow *f, const struct sip_msg *m, int64_t deadline,
    sip_answer_h cb, void *ctx, uint64_t cookie)
{
	if (flow_conn(f) == NULL)
		return 0;
	return sip_request(f->conn, m, deadline, cb, ctx, cookie);
}

int
flow_local(const struct flow *f, struct addr *a)
{
	if (flow_conn(f) == NULL)
		return SEC_ERR_CLOSED;
	channel_local(sip_conn_channel(f->conn), a);
	return 0;
}

int
flow_is_refused(const struct flow *f)
{
	return f->refused;
}
