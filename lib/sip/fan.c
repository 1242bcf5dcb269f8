/*
 * One request to many (PERFORMANCE.md 2): printed once, patched per copy.
 *
 *	METHOD uri SIP/2.0 Via: SIP/2.0/TCP | host | ;branch= | branch |
 *	From ... To: < | to | > Call-ID: | id | CSeq ... fields |
 *	SEC-Missed: n | Content-Type ... body
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/siphash.h"
#include "crypto/random.h"

#include "sip/print.h"
#include "sip/stack_priv.h"

#define COPIES_MIN 4
#define LATE_APART 100 /* ms between two looks for late answers */

enum { AT_HOST, AT_BRANCH, AT_TO, AT_CALL_ID, AT_MISSED, AT_END, PIECES };

struct sip_fan {
	struct buf text;
	size_t end[PIECES]; /* where in text the patch comes */
	struct buf copy;
	uint64_t number; /* nobody can guess it; makes tag and Call-IDs */
};

/* Drawing random bytes anew for each would cost more than ten copies. */
static uint64_t
next_number(void)
{
	static uint8_t secret[16];
	static uint64_t last;

	if (last == 0)
		crypto_random(secret, sizeof(secret));
	last++;
	return siphash24(secret, &last, sizeof(last));
}

struct sip_fan *
sip_fan_new(const struct sip_msg *tmpl)
{
	struct sip_msg m = *tmpl;
	struct sip_fan *f;
	struct buf *b;
	char tag[17];

	if ((f = calloc(1, sizeof(*f))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for SIP");
	b = &f->text;
	f->number = next_number();
	stack_hex(tag, f->number);
	tag[16] = '\0';
	m.status = 0;
	m.missed = -1;
	if (m.from_tag == NULL)
		m.from_tag = tag;
	if (m.cseq == 0)
		m.cseq = 1;
	print_start(b, &m);
	buf_put_str(b, "Via: SIP/2.0/TCP ");
	f->end[AT_HOST] = buf_len(b);
	buf_put_str(b, ";branch=z9hG4bK");
	f->end[AT_BRANCH] = buf_len(b);
	buf_put_str(b, "\r\n");
	print_from(b, &m);
	buf_put_str(b, "To: <");
	f->end[AT_TO] = buf_len(b);
	buf_put_str(b, ">\r\nCall-ID: ");
	f->end[AT_CALL_ID] = buf_len(b);
	buf_put_str(b, "\r\n");
	print_fields(b, &m);
	f->end[AT_MISSED] = buf_len(b);
	print_body(b, &m);
	f->end[AT_END] = buf_len(b);
	return f;
}

void
sip_fan_free(struct sip_fan *f)
{
	if (f == NULL)
		return;
	buf_free(&f->text);
	buf_free(&f->copy);
	free(f);
}

/* --- copies that wait for an answer --- */

/* A place at the end. */
void
fan_expect(struct sip_conn *c, uint64_t id, int64_t deadline, sip_status_h cb,
    void *ctx, uint64_t cookie)
{
	struct sip_stack *s = c->stack;
	struct fan_copies *a = &c->copies;
	struct fan_copy *k;

	if (a->end == a->cap && a->first > a->cap / 2) {
		memmove(a->v, a->v + a->first,
		    (a->end - a->first) * sizeof(*a->v));
		a->end -= a->first;
		a->first = 0;
	} else if (a->end == a->cap) {
		a->cap = a->cap == 0 ? COPIES_MIN : 2 * a->cap;
		a->v = reallocarray(a->v, a->cap, sizeof(*a->v));
		if (a->v == NULL)
			die(sec_err_exit(SEC_ERR_SYS), "no memory for SIP");
	}
	k = &a->v[a->end++];
	k->id = id;
	if (deadline <= 0)
		deadline = SIP_DEADLINE;
	k->until = loop_now(s->loop) + deadline;
	k->cb = cb;
	k->ctx = ctx;
	k->cookie = cookie;
	s->copies++;
	if (!timer_is_set(&s->late) || k->until < s->late.at)
		timer_set(&s->late, deadline);
}

static struct fan_copy *
copy_find(const struct fan_copies *a, uint64_t id)
{
	size_t from = a->first, to = a->end, mid;

	while (from < to) {
		mid = from + (to - from) / 2;
		if (a->v[mid].id == id)
			return a->v[mid].until != 0 ? &a->v[mid] : NULL;
		if (a->v[mid].id < id)
			from = mid + 1;
		else
			to = mid;
	}
	return NULL;
}

/* It is over; its owner hears of it last. */
static void
copy_end(struct sip_conn *c, struct fan_copy *k, int status)
{
	struct fan_copies *a = &c->copies;
	struct fan_copy was = *k;

	k->until = 0;
	c->stack->copies--;
	while (a->first < a->end && a->v[a->first].until == 0)
		a->first++;
	if (a->first == a->end)
		a->first = a->end = 0;
	if (was.cb != NULL)
		was.cb(was.ctx, was.cookie, status);
}

int
fan_answer(struct sip_conn *c, uint64_t id, int status)
{
	struct fan_copy *k = copy_find(&c->copies, id);

	if (k == NULL)
		return 0;
	if (status >= 200)
		copy_end(c, k, status);
	return 1;
}

void
fan_drop_all(struct sip_conn *c)
{
	struct sip_stack *s = c->stack;

	while (!s->freed && c->copies.first < c->copies.end)
		copy_end(c, &c->copies.v[c->copies.first], SIP_LOST);
}

void
sip_fan_drop(struct sip_conn *c)
{
	struct sip_stack *s = c->stack;

	stack_enter(s);
	fan_drop_all(c);
	stack_leave(s);
}

void
fan_forget_all(struct sip_conn *c)
{
	size_t i;

	for (i = c->copies.first; i < c->copies.end; i++)
		c->stack->copies -= c->copies.v[i].until != 0;
	free(c->copies.v);
	memset(&c->copies, 0, sizeof(c->copies));
}

struct late {
	uint64_t conn;
	uint64_t copy;
};

/* Copies past their deadline: how many, and, if list is not NULL, which;
 * *next is the deadline of the others. */
static size_t
copies_late(const struct sip_stack *s, struct late *list, int64_t *next)
{
	int64_t now = loop_now(s->loop);
	const struct sip_conn *c;
	const struct fan_copy *k;
	size_t i, n = 0;

	TAILQ_FOREACH(c, &s->all, entry)
		for (i = c->copies.first; i < c->copies.end; i++) {
			k = &c->copies.v[i];
			if (k->until == 0)
				continue;
			if (k->until > now) {
				if (k->until - now < *next)
					*next = k->until - now;
				continue;
			}
			if (list != NULL)
				list[n] = (struct late) { c->id, k->id };
			n++;
		}
	return n;
}

void
fan_late(void *arg)
{
	struct sip_stack *s = arg;
	int64_t next = SIP_DEADLINE;
	struct fan_copy *k;
	struct sip_conn *c;
	struct late *late;
	size_t i, n;

	n = copies_late(s, NULL, &next);
	if ((late = calloc(n + 1, sizeof(*late))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for SIP");
	(void)copies_late(s, late, &next);
	if (s->copies > n)
		timer_set(&s->late, next < LATE_APART ? LATE_APART : next);
	/* Who is told may end others and close connections: by id. */
	stack_enter(s);
	for (i = 0; i < n && !s->freed; i++)
		if ((c = sip_conn_find(s, late[i].conn)) != NULL &&
		    (k = copy_find(&c->copies, late[i].copy)) != NULL)
			copy_end(c, k, 408);
	stack_leave(s);
	free(late);
}

static uint8_t *
put_bytes(uint8_t *to, const void *p, size_t n)
{
	memcpy(to, p, n);
	return to + n;
}

static uint8_t *
put_piece(uint8_t *to, const struct sip_fan *f, int piece)
{
	size_t from = piece == 0 ? 0 : f->end[piece - 1];

	return put_bytes(to, buf_data(&f->text) + from, f->end[piece] - from);
}

/* The copy of transaction id for c, into f->copy. */
static int
copy_print(struct sip_fan *f, const struct sip_conn *c, uint64_t id,
    const char *to, int missed)
{
	size_t host = strlen(c->host), tolen = strlen(to);
	struct buf *b = &f->copy;
	uint8_t *start, *p;
	char hex[16];

	buf_reset(b);
	start = p = buf_reserve(b, buf_len(&f->text) + host + tolen + 32);
	if (p == NULL)
		return buf_error(b);
	p = put_piece(p, f, AT_HOST);
	p = put_bytes(p, c->host, host);
	p = put_piece(p, f, AT_BRANCH);
	stack_hex(hex, id);
	p = put_bytes(p, hex, sizeof(hex));
	p = put_piece(p, f, AT_TO);
	p = put_bytes(p, to, tolen);
	p = put_piece(p, f, AT_CALL_ID);
	stack_hex(hex, f->number ^ id);
	p = put_bytes(p, hex, sizeof(hex));
	p = put_piece(p, f, AT_MISSED);
	buf_commit(b, (size_t)(p - start));
	print_missed(b, missed);
	buf_put(b, buf_data(&f->text) + f->end[AT_MISSED],
	    f->end[AT_END] - f->end[AT_MISSED]);
	return buf_error(b);
}

uint64_t
sip_fan_send(struct sip_fan *f, struct sip_conn *c, const char *to, int missed,
    int64_t deadline, sip_status_h cb, void *ctx, uint64_t cookie)
{
	uint64_t id;

	if (!sip_conn_is_up(c) || buf_error(&f->text) != 0 || !print_is_uri(to))
		return 0;
	id = stack_id(c->stack);
	if (copy_print(f, c, id, to, missed) != 0 ||
	    channel_send(c->channel, buf_data(&f->copy), buf_len(&f->copy)) !=
		0)
		return 0;
	if (log_level() >= LOG_L_TRACE)
		log_trace("sip.sent",
		    "conn=%llx peer=%s method=MESSAGE to=%s copy=1",
		    (unsigned long long)c->id, log_quote(c->peer.user),
		    log_quote(to));
	fan_expect(c, id, deadline, cb, ctx, cookie);
	return id;
}
