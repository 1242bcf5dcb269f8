/*
 * The stack: connections, and what comes in on them. A connection's end is
 * told at the end of the turn, by its hook, so that sip_conn_close() can be
 * called from everywhere:
 *
 *	new --attach--> waiting --up--> up --close, channel gone--> closing
 *	                   +------------------------------------------>
 *	hook: 503 to client transactions, server transactions dropped,
 *	      down(), freed
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/siphash.h"
#include "crypto/random.h"

#include "sip/stack_priv.h"

static void on_up(void *arg);
static void on_message(void *arg, uint8_t *p, size_t n);
static void on_closed(void *arg, int err);

const struct channel_ops sip_channel_ops = {
	.up = on_up,
	.message = on_message,
	.closed = on_closed,
};

struct sip_stack *
sip_stack_new(struct loop *l, const struct sip_method *methods,
    const struct sip_stack_ops *ops, void *ctx)
{
	struct sip_stack *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for SIP");
	s->loop = l;
	s->methods = methods;
	s->ops = ops;
	s->ctx = ctx;
	s->max_txns = SIP_OPEN;
	s->conns = map_new();
	TAILQ_INIT(&s->all);
	timer_init(&s->late, l, fan_late, s);
	crypto_random(s->secret, sizeof(s->secret));
	/* Branches must differ from those of the last run and of others. */
	crypto_random(&s->last_id, sizeof(s->last_id));
	return s;
}

void
stack_enter(struct sip_stack *s)
{
	s->busy++;
}

int
stack_leave(struct sip_stack *s)
{
	int freed = s->freed;

	if (--s->busy == 0 && freed) {
		map_free(s->conns);
		slots_free(&s->txns);
		slots_free(&s->txn_ids);
		slots_free(&s->clients);
		buf_free(&s->scratch);
		free(s);
	}
	return freed;
}

uint64_t
stack_id(struct sip_stack *s)
{
	if (++s->last_id == 0)
		++s->last_id;
	return s->last_id;
}

void
stack_hex(char *out, uint64_t v)
{
	uint64_t x;
	int i;

	/* Eight digits at a time, one in each byte: twice per copy of a
	 * fan-out. */
	for (i = 0; i < 16; i += 8, v <<= 32) {
		x = v >> 32;
		x = (x | x << 16) & 0x0000ffff0000ffff;
		x = (x | x << 8) & 0x00ff00ff00ff00ff;
		x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
		x += 0x3030303030303030 +
		    ((x + 0x0606060606060606) >> 4 & 0x0101010101010101) *
			('a' - '0' - 10);
		put_be64((uint8_t *)out + i, x);
	}
}

char *
stack_tag(struct sip_stack *s, uint64_t id, char what, char *out)
{
	uint8_t in[9];

	put_be64(in, id);
	in[8] = (uint8_t)what;
	stack_hex(out, siphash24(s->secret, in, sizeof(in)));
	out[16] = '\0';
	return out;
}

struct sip_ids *
ids_keep(const struct sip_msg *m)
{
	struct sip_ids ids = { m->method, m->uri, m->via, m->via_host,
		m->branch, m->from, m->from_tag, m->to, m->to_tag, m->call_id,
		m->cseq };
	const char **s[] = { &ids.method, &ids.uri, &ids.via, &ids.via_host,
		&ids.branch, &ids.from, &ids.from_tag, &ids.to, &ids.to_tag,
		&ids.call_id };
	const size_t n = sizeof(s) / sizeof(s[0]);
	size_t i, len, total = sizeof(ids);
	struct sip_ids *kept;
	char *p;

	for (i = 0; i < n; i++)
		if (*s[i] != NULL)
			total += strlen(*s[i]) + 1;
	if ((kept = malloc(total)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for SIP");
	p = (char *)(kept + 1);
	for (i = 0; i < n; i++) {
		if (*s[i] == NULL)
			continue;
		len = strlen(*s[i]) + 1;
		memcpy(p, *s[i], len);
		*s[i] = p;
		p += len;
	}
	*kept = ids;
	return kept;
}

struct sip_msg
ids_msg(const struct sip_ids *ids)
{
	struct sip_msg m;

	sip_msg_init(&m);
	m.method = ids->method;
	m.uri = ids->uri;
	m.via = ids->via;
	m.via_host = ids->via_host;
	m.branch = ids->branch;
	m.from = ids->from;
	m.from_tag = ids->from_tag;
	m.to = ids->to;
	m.to_tag = ids->to_tag;
	m.call_id = ids->call_id;
	m.cseq = ids->cseq;
	return m;
}

/* --- connections --- */

static void
conn_free(struct sip_conn *c)
{
	struct sip_client *k;

	while ((k = TAILQ_FIRST(&c->clients)) != NULL)
		client_free(k);
	fan_forget_all(c);
	txn_drop_all(c);
	channel_free(c->channel);
	hook_cancel(&c->hook);
	timer_cancel(&c->stranger);
	map_del_u64(c->stack->conns, c->id);
	TAILQ_REMOVE(&c->stack->all, c, entry);
	free(c);
}

void
sip_stack_free(struct sip_stack *s)
{
	struct sip_conn *c;

	if (s == NULL || s->freed)
		return;
	while ((c = TAILQ_FIRST(&s->all)) != NULL)
		conn_free(c);
	timer_cancel(&s->late);
	s->freed = 1;
	stack_enter(s);
	stack_leave(s);
}

/* The end of a connection, at the end of the turn. */
static void
on_hook(void *arg)
{
	struct sip_conn *c = arg;
	struct sip_stack *s = c->stack;

	stack_enter(s);
	client_drop_all(c);
	if (!s->freed)
		fan_drop_all(c);
	if (!s->freed) {
		txn_drop_all(c);
		if (s->ops != NULL && s->ops->down != NULL)
			s->ops->down(s->ctx, c, c->err);
	}
	if (!s->freed)
		conn_free(c);
	stack_leave(s);
}

static void
on_stranger(void *arg)
{
	struct sip_conn *c = arg;

	if (conn_is_stranger(c))
		sip_conn_close(c, SEC_ERR_TIMEOUT);
}

int
conn_is_stranger(const struct sip_conn *c)
{
	return channel_is_plain(c->channel) &&
	    (c->peer.proof & ~(unsigned)NEED_TICKET) == 0;
}

struct sip_conn *
sip_conn_new(struct sip_stack *s, const struct sip_peer *peer)
{
	struct sip_conn *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a connection");
	c->stack = s;
	c->id = stack_id(s);
	if (peer != NULL)
		c->peer = *peer;
	snprintf(c->host, sizeof(c->host), "%08x.invalid", c->peer.keyid);
	TAILQ_INIT(&c->txns);
	TAILQ_INIT(&c->clients);
	hook_init(&c->hook, s->loop, on_hook, c);
	timer_init(&c->stranger, s->loop, on_stranger, c);
	TAILQ_INSERT_TAIL(&s->all, c, entry);
	map_put_u64(s->conns, c->id, c);
	return c;
}

void
sip_conn_attach(struct sip_conn *c, struct channel *ch)
{
	c->channel = ch;
}

const char *
sip_conn_host(const struct sip_conn *c)
{
	return c->host;
}

struct sip_peer *
sip_conn_peer(struct sip_conn *c)
{
	return &c->peer;
}

uint64_t
sip_conn_id(const struct sip_conn *c)
{
	return c->id;
}

struct sip_conn *
sip_conn_find(struct sip_stack *s, uint64_t id)
{
	return map_get_u64(s->conns, id);
}

struct channel *
sip_conn_channel(struct sip_conn *c)
{
	return c->channel;
}

void
sip_conn_set_owner(struct sip_conn *c, void *owner)
{
	c->owner = owner;
}

void *
sip_conn_owner(const struct sip_conn *c)
{
	return c->owner;
}

int
sip_conn_is_up(const struct sip_conn *c)
{
	return c->up && !c->closing;
}

void
sip_conn_close(struct sip_conn *c, int err)
{
	if (c->closing)
		return;
	if (c->channel == NULL) {
		conn_free(c);
		return;
	}
	c->closing = 1;
	c->err = err;
	map_del_u64(c->stack->conns, c->id);
	timer_cancel(&c->stranger);
	hook_arm(&c->hook);
}

void
sip_conn_finish(struct sip_conn *c)
{
	if (c->closing)
		return;
	if (c->channel == NULL || !c->up)
		sip_conn_close(c, 0);
	else
		channel_finish(c->channel);
}

struct sip_conn *
sip_conn_next(struct sip_stack *s, size_t *i)
{
	struct sip_conn *c;

	while ((c = map_next(s->conns, i)) != NULL)
		if (c->up)
			return c;
	return NULL;
}

size_t
sip_conn_count(const struct sip_stack *s)
{
	const struct sip_conn *c;
	size_t i = 0, n = 0;

	while ((c = map_next(s->conns, &i)) != NULL)
		n += c->up != 0;
	return n;
}

size_t
sip_open_count(const struct sip_stack *s)
{
	return s->txn_ids.count + s->clients.count + s->copies;
}

/* What goes or comes, without its body and notes (-v -v). */
static void
trace(const struct sip_conn *c, const char *event, const struct sip_msg *m)
{
	if (log_level() < LOG_L_TRACE)
		return;
	log_trace(event, "conn=%llx peer=%s method=%s status=%d to=%s call=%s",
	    (unsigned long long)c->id, log_quote(c->peer.user),
	    log_quote(m->method), m->status, log_quote(m->to),
	    log_quote(m->call_id));
}

int
conn_send(struct sip_conn *c, const struct sip_msg *m)
{
	struct buf *b = &c->stack->scratch;
	int r;

	if (!sip_conn_is_up(c))
		return SEC_ERR_CLOSED;
	buf_reset(b);
	sip_msg_write(b, m);
	if ((r = buf_error(b)) != 0) {
		log_warn("sip.unwritable", "method=%s status=%d",
		    log_quote(m->method != NULL ? m->method : "-"), m->status);
		buf_free(b);
		return r;
	}
	trace(c, "sip.sent", m);
	return channel_send(c->channel, buf_data(b), buf_len(b));
}

/* --- what channels say --- */

static void
on_up(void *arg)
{
	struct sip_conn *c = arg;
	struct sip_stack *s = c->stack;
	struct addr local;

	if (c->closing)
		return;
	c->up = 1;
	if (channel_is_plain(c->channel)) {
		channel_local(c->channel, &local);
		addr_format(&local, c->host);
		if (conn_is_stranger(c) && !channel_is_dialled(c->channel))
			timer_set(&c->stranger, SIP_STRANGER);
	}
	if (s->ops != NULL && s->ops->up != NULL)
		s->ops->up(s->ctx, c);
}

static void
on_closed(void *arg, int err)
{
	sip_conn_close(arg, err);
}

/* The answer to a copy of a fan-out: by status and branch alone. */
static int
take_fan_answer(struct sip_conn *c, const uint8_t *p, size_t n)
{
	const char *branch;
	size_t len;
	int status;

	if (sip_peek_answer(p, n, &status, &branch, &len) != 0 ||
	    !fan_answer(c, branch_id(branch, len), status))
		return 0;
	if (log_level() >= LOG_L_TRACE)
		log_trace("sip.received",
		    "conn=%llx peer=%s method=MESSAGE status=%d copy=1",
		    (unsigned long long)c->id, log_quote(c->peer.user), status);
	return 1;
}

static void
on_message(void *arg, uint8_t *p, size_t n)
{
	struct sip_conn *c = arg;
	struct sip_stack *s = c->stack;
	struct sip_msg *m;
	int large, r;

	if (c->closing)
		return;
	if (p[0] == '\r' && channel_is_plain(c->channel))
		return; /* keep-alive */
	stack_enter(s);
	if (!take_fan_answer(c, p, n)) {
		/* Whom we dialled for REGISTER may answer with a PAL, but
		 * has proved nothing (txn.c). */
		large = !conn_is_stranger(c) || channel_is_dialled(c->channel);
		if ((r = sip_msg_parse(&m, p, n, large)) != 0) {
			log_debug("sip.malformed", "conn=%llx user=%s why=%s",
			    (unsigned long long)c->id, log_quote(c->peer.user),
			    log_quote(sec_strerror(r)));
			sip_conn_close(c, r);
		} else {
			trace(c, "sip.received", m);
			if (m->status != 0)
				client_answer(c, m);
			else
				txn_request(c, m);
			sip_msg_free(m);
		}
	}
	stack_leave(s);
}
