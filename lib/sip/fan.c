/*
 * One request to many (PERFORMANCE.md 2): printed once, patched per copy.
 *
 *	METHOD uri SIP/2.0 Via: SIP/2.0/TCP | host | ;branch= | branch |
 *	From ... To: < | to | > Call-ID: | id | CSeq ... fields |
 *	SEC-Missed: n | Content-Type ... body
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "crypto/random.h"

#include "sip/print.h"
#include "sip/stack_priv.h"

enum { AT_HOST, AT_BRANCH, AT_TO, AT_CALL_ID, AT_MISSED, AT_END, PIECES };

struct sip_fan {
	struct buf text;
	size_t end[PIECES]; /* where in text the patch comes */
	struct buf copy;
};

static void
hex16(char out[17], uint64_t v)
{
	static const char digits[] = "0123456789abcdef";
	int i;

	for (i = 15; i >= 0; i--, v >>= 4)
		out[i] = digits[v & 15];
	out[16] = '\0';
}

struct sip_fan *
sip_fan_new(const struct sip_msg *tmpl)
{
	struct sip_msg m = *tmpl;
	struct sip_fan *f;
	struct buf *b;
	uint64_t random;
	char tag[17];

	if ((f = calloc(1, sizeof(*f))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for SIP");
	b = &f->text;
	crypto_random(&random, sizeof(random));
	hex16(tag, random);
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

static void
put_piece(struct sip_fan *f, int piece)
{
	size_t from = piece == 0 ? 0 : f->end[piece - 1];

	buf_put(&f->copy, buf_data(&f->text) + from, f->end[piece] - from);
}

uint64_t
sip_fan_send(struct sip_fan *f, struct sip_conn *c, const char *to, int missed,
    int64_t deadline, sip_status_h cb, void *ctx, uint64_t cookie)
{
	struct buf *b = &f->copy;
	struct sip_client *k;
	char number[17], call_id[17];
	uint64_t id;

	if (!sip_conn_is_up(c) || buf_error(&f->text) != 0 || !print_is_uri(to))
		return 0;
	id = stack_id(c->stack);
	hex16(number, id);
	stack_tag(c->stack, id, 'c', call_id);
	buf_reset(b);
	put_piece(f, AT_HOST);
	buf_put_str(b, c->host);
	put_piece(f, AT_BRANCH);
	buf_put(b, number, 16);
	put_piece(f, AT_TO);
	buf_put_str(b, to);
	put_piece(f, AT_CALL_ID);
	buf_put(b, call_id, 16);
	put_piece(f, AT_MISSED);
	print_missed(b, missed);
	put_piece(f, AT_END);
	if (buf_error(b) != 0 ||
	    channel_send(c->channel, buf_data(b), buf_len(b)) != 0)
		return 0;
	k = client_new(c, id, CLIENT_FAN, deadline);
	k->cb.status = cb;
	k->ctx = ctx;
	k->cookie = cookie;
	return id;
}
