/*
 * relay: MESSAGE from a device, one MESSAGE to every member (Fig. 8, steps
 * 804-808). The body is sealed end to end; only its place is looked at.
 *
 *   device -> admit (hello named q) -> relay -> fan: a copy per member,
 *   author named outside -> deliver counts -> author's copy last -> 200
 */

#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "sip/event.h"
#include "wire/ids.h"
#include "wire/message.h"
#include "wire/record.h"
#include "wire/uri.h"

#include "mtcu.h"

/* Body of a sealed text: be32 q, record, tag. */
#define BODY_MAX (4 + RECORD_HEAD + MESSAGE_HEAD + MESSAGE_MAX + RECORD_TAG)

/* 0 or the status that refuses the message. */
static int
message_refused(struct mtcu *m, const struct member *mb,
    const struct sip_msg *req)
{
	struct uri conf;

	if (uri_parse(&conf, req->uri, m->s->conf.domain) != 0 ||
	    strcmp(conf.full, mb->dealt.room->uri) != 0)
		return 404;
	if (!mb->dealt.speak)
		return 403;
	if (mb->under_way >= UNDER_WAY || keep_is_full(member_room(mb)))
		return 503;
	if (req->content_type == NULL || req->bodylen == 0)
		return 400;
	if (req->bodylen > BODY_MAX)
		return 413;
	if (text_equal_nocase(req->content_type, EVENT_TEXT_TYPE)) {
		/* The author inside must be the device that speaks. */
		if (req->bodylen < 4 || get_be32(req->body) != mb->dealt.q)
			return 400;
	} else if (!m->s->conf.plain ||
	    !text_equal_nocase(req->content_type, "text/plain"))
		return 415;
	return 0;
}

void
on_message(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct mtcu *m = ((struct service *)ctx)->priv;
	struct member *mb, *author;
	struct delivery *d;
	struct sip_fan *fan;
	struct sip_msg tmpl;
	char q[Q_STRLEN];
	int status;

	service_touch(m->s);
	if ((author = sip_conn_owner(sip_txn_conn(txn))) == NULL) {
		sip_answer_status(txn, 403);
		return;
	}
	if ((status = message_refused(m, author, req)) != 0) {
		sip_answer_status(txn, status);
		return;
	}
	if ((d = delivery_new(member_room(author), author, txn, req)) == NULL) {
		sip_answer_status(txn, 503);
		return;
	}
	delivery_set_line(d, keep_text(author, req));
	sip_msg_init(&tmpl);
	tmpl.line = delivery_line(d);
	tmpl.method = "MESSAGE";
	tmpl.uri = author->dealt.room->uri;
	tmpl.from = tmpl.author = author->dealt.person->uri;
	tmpl.author_q = q_format(author->dealt.q, q);
	tmpl.content_type = req->content_type;
	tmpl.body = req->body;
	tmpl.bodylen = req->bodylen;
	fan = delivery_fan(d, &tmpl);
	for (mb = member_first(member_room(author)); mb != NULL;
	     mb = member_next(mb))
		if (mb != author)
			copy_send(mb, fan, &tmpl, d, -1);
	delivery_started(d);
}
