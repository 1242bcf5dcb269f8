/*
 * NOTIFYs of one subscription, printed once and patched per copy:
 *
 *	NOTIFY uri SIP/2.0 Via: SIP/2.0/TCP | host ;branch= branch |
 *	From ... To ... Call-ID ... fields CSeq: | n NOTIFY
 *	Subscription-State: active;expires= s Content-Length: n, body
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "sip/notifier.h"
#include "sip/print.h"
#include "sip/stack_priv.h"

struct notifier {
	size_t via; /* here the host of the Via comes */
	size_t n;
	char text[];
};

static void
print_all(struct buf *b, const struct sip_msg *m, size_t *via)
{
	print_start(b, m);
	buf_put_str(b, "Via: SIP/2.0/TCP ");
	*via = buf_len(b);
	buf_put_str(b, "\r\n");
	print_from(b, m);
	print_to(b, m);
	print_call_id(b, m->call_id);
	print_notify(b, m);
	buf_put_str(b, "CSeq: ");
}

struct notifier *
notifier_new(const struct dialog *d, const char *event,
    const char *content_type)
{
	struct notifier *n = NULL;
	struct dialog copy = *d;
	struct buf b = BUF_INIT;
	struct sip_msg m;
	size_t via;

	sip_msg_init(&m);
	dialog_request(&copy, &m, "NOTIFY");
	m.event = event;
	m.content_type = content_type;
	print_all(&b, &m, &via);
	if (buf_error(&b) == 0 &&
	    (n = malloc(sizeof(*n) + buf_len(&b))) != NULL) {
		n->via = via;
		n->n = buf_len(&b);
		memcpy(n->text, buf_data(&b), n->n);
	}
	buf_free(&b);
	return n;
}

void
notifier_free(struct notifier *n)
{
	free(n);
}

static void
print_copy(struct buf *b, const struct notifier *n, const struct sip_conn *c,
    uint64_t id, uint32_t cseq, int64_t expires, const struct buf *body)
{
	char hex[16];

	buf_put(b, n->text, n->via);
	buf_put_str(b, c->host);
	buf_put_str(b, ";branch=z9hG4bK");
	stack_hex(hex, id);
	buf_put(b, hex, sizeof(hex));
	buf_put(b, n->text + n->via, n->n - n->via);
	buf_put_decimal(b, cseq);
	buf_put_str(b, " NOTIFY\r\nSubscription-State: active;expires=");
	buf_put_decimal(b, expires > 0 ? (uint64_t)expires : 0);
	buf_put_str(b, "\r\nContent-Length: ");
	buf_put_decimal(b, buf_len(body));
	buf_put_str(b, "\r\n\r\n");
	buf_put(b, buf_data(body), buf_len(body));
}

uint64_t
notifier_send(const struct notifier *n, struct dialog *d, struct sip_conn *c,
    int64_t expires, const struct buf *body, sip_status_h cb, void *ctx,
    uint64_t cookie)
{
	struct buf *b = &c->stack->scratch;
	uint64_t id;

	if (!sip_conn_is_up(c))
		return 0;
	id = stack_id(c->stack);
	buf_reset(b);
	print_copy(b, n, c, id, ++d->local_cseq, expires, body);
	if (buf_error(b) != 0 ||
	    channel_send(c->channel, buf_data(b), buf_len(b)) != 0)
		return 0;
	if (log_level() >= LOG_L_TRACE)
		log_trace("sip.sent",
		    "conn=%llx peer=%s method=NOTIFY call=%s cseq=%u",
		    (unsigned long long)c->id, log_quote(c->peer.user),
		    log_quote(d->call_id), d->local_cseq);
	fan_expect(c, id, 0, cb, ctx, cookie);
	return id;
}
