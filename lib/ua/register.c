/* REGISTER: build the sealed body, send it on a plain connection, open the
 * answer. The object lives until the end of the turn that finished it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/dh.h"
#include "crypto/random.h"
#include "crypto/regkey.h"
#include "krb/ticket.h"
#include "sip/event.h"
#include "sip/stack.h"
#include "ua/register.h"
#include "wire/base64.h"
#include "wire/line.h"
#include "wire/registration.h"
#include "wire/uri.h"

#define DEADLINE 10000

struct registering {
	struct loop *loop;
	struct sip_stack *stack;
	struct sip_conn *conn;
	struct apreq *ap;
	struct secret *prf, *ec;
	uint8_t ec_pub[32];
	struct buf apreq;
	struct buf rows; /* after the first */
	char domain[URI_MAX], realm[256], target[300];
	char uri[URI_MAX], instance[40];
	int64_t expires, offset;
	register_h done; /* NULL: cancelled or over */
	void *arg;
	struct timer deadline;
	struct hook bury;
};

static void
on_bury(void *arg)
{
	struct registering *r = arg;

	timer_cancel(&r->deadline);
	sip_stack_free(r->stack);
	apreq_free(r->ap);
	secret_free(r->prf);
	secret_free(r->ec);
	buf_free(&r->apreq);
	buf_free(&r->rows);
	free(r);
}

static void
finish(struct registering *r, const struct register_outcome *o)
{
	register_h done = r->done;

	if (done == NULL)
		return;
	r->done = NULL;
	hook_arm(&r->bury);
	done(r->arg, o);
}

static void
fail(struct registering *r, int err)
{
	finish(r, &(struct register_outcome) { .err = err, .retry_after = -1 });
}

/* session TAB pal=NUMBER TAB controller=NUMBER@host:port TAB until= ... */
static int
take_session(struct registered *g, const struct line *l)
{
	unsigned long long n;
	const char *s, *at;
	char number[8];
	uint64_t until;

	if ((s = line_get(l, "pal")) == NULL || text_number(s, 1, 255, &n) != 0)
		return SEC_ERR_FORMAT;
	g->pal = (int)n;
	if (line_get_u64(l, "until", &until) == 0 && until <= INT64_MAX)
		g->until = (int64_t)until;
	text_copy(g->status, line_get_or(l, "status", ""), sizeof(g->status));
	text_copy(g->class_word, line_get_or(l, "class", ""),
	    sizeof(g->class_word));
	text_copy(g->note, line_get_or(l, "note", ""), sizeof(g->note));
	if (line_get_u64(l, "status_until", &until) == 0 && until <= INT64_MAX)
		g->status_until = (int64_t)until;
	if ((s = line_get(l, "controller")) == NULL || *s == '\0')
		return 0;
	if ((at = strchr(s, '@')) == NULL || (size_t)(at - s) >= sizeof(number))
		return SEC_ERR_FORMAT;
	memcpy(number, s, (size_t)(at - s));
	number[at - s] = '\0';
	if (text_number(number, 1, 255, &n) != 0)
		return SEC_ERR_FORMAT;
	g->controller = (int)n;
	text_copy(g->controller_addr, at + 1, sizeof(g->controller_addr));
	return 0;
}

static int
take_rows(struct registered *g)
{
	const char *p = g->rows, *end = g->rows + g->rowslen, *nl;
	struct line l;
	int r, found = 0;

	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return SEC_ERR_FORMAT;
		if (strncmp(p, "session\t", 8) != 0)
			continue;
		if ((r = line_parse(&l, p, (size_t)(nl - p))) != 0)
			return r;
		r = take_session(g, &l);
		line_free(&l);
		if (r != 0)
			return r;
		found = 1;
	}
	return found ? 0 : SEC_ERR_FORMAT;
}

/* The 200: check the AP-REP, open the body. */
static int
open_answer(struct registering *r, const struct sip_msg *a, struct buf *pt,
    struct reg_session *s)
{
	struct reg_answer ra;
	struct regkey_th th;
	struct secret *prf = NULL;
	int64_t time;
	int e;

	if (a->body == NULL ||
	    (e = reg_answer_decode(&ra, a->body, a->bodylen)) != 0)
		return SEC_ERR_FORMAT;
	if ((e = apreq_finish(r->ap, ra.aprep, ra.apreplen, &prf)) != 0)
		return e;
	th = (struct regkey_th) { .apreq = buf_data(&r->apreq),
		.apreqlen = buf_len(&r->apreq),
		.aprep = ra.aprep,
		.apreplen = ra.apreplen,
		.ec = r->ec_pub,
		.ep = ra.ep };
	e = regkey_answer_open(a->body, a->bodylen, prf, &th, r->ec, pt, &time);
	secret_free(prf);
	if (e != 0)
		return e;
	return reg_session_decode(s, buf_data(pt), buf_len(pt));
}

static void
accepted(struct registering *r, const struct sip_msg *a)
{
	struct registered g = { .until = 0 };
	struct reg_session s = { .kc = NULL };
	struct buf pt = BUF_INIT;
	int e;

	if ((e = open_answer(r, a, &pt, &s)) == 0) {
		g.kc = s.kc;
		g.keyid = s.keyid;
		g.not_after = g.until = s.not_after;
		g.offset = s.time - clock_real();
		g.rows = s.rows;
		g.rowslen = s.rowslen;
		e = r->expires > 0 ? take_rows(&g) : 0;
	}
	finish(r,
	    &(struct register_outcome) { .err = e,
		.status = 200,
		.retry_after = -1,
		.r = e == 0 ? &g : NULL });
	secret_free(g.kc);
	buf_free(&pt);
}

static void
on_answer(void *ctx, uint64_t cookie, const struct sip_msg *a)
{
	struct registering *r = ctx;
	struct register_outcome o = { .status = a->status,
		.retry_after = a->retry_after };
	int64_t date;

	(void)cookie;
	if (a->status / 100 == 1 || r->done == NULL)
		return;
	if (a->status == 200) {
		accepted(r, a);
		return;
	}
	o.err = sec_err_from_sip("REGISTER", a->status);
	/* Another success than 200 brings nothing that we could take. */
	if (o.err == 0)
		o.err = SEC_ERR_DATA;
	o.draining = a->status == 503 && a->note != NULL &&
	    strcmp(a->note, NOTE_DRAINING) == 0;
	if (a->date != NULL && (date = clock_parse_sip_date(a->date)) > 0)
		o.behind = date - clock_real();
	finish(r, &o);
}

/* register TAB instance= ... contact= : the address is known by now. */
static void
put_rows(const struct registering *r, const char *at, struct buf *out)
{
	line_begin(out, "register");
	line_put(out, "instance", r->instance);
	line_putf(out, "expires", "%lld", (long long)r->expires);
	line_put(out, "via", "voip");
	line_put(out, "contact", at);
	line_putf(out, "time", "%lld", (long long)(clock_real() + r->offset));
	line_end(out);
	buf_put(out, buf_data(&r->rows), buf_len(&r->rows));
}

static int
send_request(struct registering *r, const struct buf *body)
{
	char at[ADDR_STRLEN], contact[URI_MAX + ADDR_STRLEN];
	char uri[URI_MAX + 8];
	struct buf token = BUF_INIT;
	struct addr local;
	struct sip_msg m;
	int e;

	channel_local(sip_conn_channel(r->conn), &local);
	snprintf(contact, sizeof(contact), "%.*s@%s", (int)strcspn(r->uri, "@"),
	    r->uri, addr_format(&local, at));
	snprintf(uri, sizeof(uri), "sip:%s", r->domain);
	base64_put(&token, buf_data(&r->apreq), buf_len(&r->apreq));
	sip_msg_init(&m);
	m.method = "REGISTER";
	m.uri = uri;
	m.from = m.to = r->uri;
	m.contact = contact;
	m.expires = r->expires;
	m.auth_realm = r->realm;
	m.auth_target = r->target;
	m.auth_token = buf_cstr(&token);
	m.auth_version = "sec1";
	m.content_type = EVENT_REG_TYPE;
	m.body = buf_data(body);
	m.bodylen = buf_len(body);
	e = buf_error(&token);
	if (e == 0 && sip_request(r->conn, &m, DEADLINE, on_answer, r, 0) == 0)
		e = SEC_ERR_CLOSED;
	buf_free(&token);
	return e;
}

static void
on_up(void *ctx, struct sip_conn *c)
{
	struct registering *r = ctx;
	struct buf rows = BUF_INIT, body = BUF_INIT;
	char at[ADDR_STRLEN];
	struct addr local;
	int e;

	if (r->done == NULL || c != r->conn)
		return;
	channel_local(sip_conn_channel(c), &local);
	put_rows(r, addr_format(&local, at), &rows);
	e = regkey_request_seal(&body, r->prf, buf_data(&r->apreq),
	    buf_len(&r->apreq), r->ec_pub, buf_data(&rows), buf_len(&rows),
	    clock_real() + r->offset);
	if (e == 0)
		e = buf_error(&body);
	if (e == 0)
		e = send_request(r, &body);
	if (e != 0)
		fail(r, e);
	buf_free(&rows);
	buf_free(&body);
}

static void
on_down(void *ctx, struct sip_conn *c, int err)
{
	struct registering *r = ctx;

	if (c != r->conn)
		return;
	r->conn = NULL;
	fail(r, err != 0 ? err : SEC_ERR_CLOSED);
}

static void
on_deadline(void *arg)
{
	fail(arg, SEC_ERR_TIMEOUT);
}

static const struct sip_method no_methods[] = { { .method = NULL } };
static const struct sip_stack_ops stack_ops = { on_up, on_down };

/* device, reach, status. */
static void
put_wishes(struct buf *out, const struct register_request *q)
{
	line_begin(out, "device");
	line_put(out, "media", q->media);
	line_end(out);
	line_begin(out, "reach");
	line_put(out, "media", "text");
	line_put(out, "by", "voip");
	line_put(out, "order", "1");
	line_end(out);
	if (q->tel != NULL && *q->tel != '\0') {
		line_begin(out, "reach");
		line_put(out, "media", "voice");
		line_put(out, "by", "phone");
		line_put(out, "tel", q->tel);
		line_put(out, "order", "1");
		line_end(out);
	}
	if (q->status == NULL || *q->status == '\0')
		return;
	line_begin(out, "status");
	line_put(out, "value", q->status);
	line_put(out, "class", q->class_word);
	line_put(out, "note", q->note);
	line_put(out, "until", q->until);
	line_end(out);
}

int
register_start(struct registering **out, struct loop *l,
    const struct register_request *q, register_h done, void *arg)
{
	struct sip_peer peer = { .proof = NEED_SERVER };
	struct registering *r;
	int e;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	e = apreq_new(&r->ap, q->service, q->servicelen, &r->apreq, &r->prf);
	if (e != 0) {
		buf_free(&r->apreq);
		free(r);
		return e;
	}
	r->loop = l;
	r->ec = crypto_random_key(32, 0);
	dh_public(r->ec, r->ec_pub);
	text_copy(r->domain, q->domain, sizeof(r->domain));
	text_copy(r->realm, q->realm, sizeof(r->realm));
	text_copy(r->target, q->target, sizeof(r->target));
	text_copy(r->uri, q->uri, sizeof(r->uri));
	text_copy(r->instance, q->instance, sizeof(r->instance));
	r->expires = q->expires;
	r->offset = q->offset;
	put_wishes(&r->rows, q);
	r->done = done;
	r->arg = arg;
	timer_init(&r->deadline, l, on_deadline, r);
	timer_set(&r->deadline, DEADLINE);
	hook_init(&r->bury, l, on_bury, r);
	r->stack = sip_stack_new(l, no_methods, &stack_ops, r);
	r->conn = sip_conn_new(r->stack, &peer);
	sip_conn_attach(r->conn,
	    channel_dial_plain(l, &q->to, sip_frame, &sip_channel_ops,
		r->conn));
	*out = r;
	return 0;
}

void
register_cancel(struct registering *r)
{
	if (r == NULL || r->done == NULL)
		return;
	r->done = NULL;
	hook_arm(&r->bury);
}
