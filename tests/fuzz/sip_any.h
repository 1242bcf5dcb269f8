#ifndef TESTS_FUZZ_SIP_ANY_H
#define TESTS_FUZZ_SIP_ANY_H

#include "base/err.h"
#include "sip/msg.h"
#include "fuzz.h"

static inline int
sip_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* What is accepted can be printed, and reads the same again. */
static inline void
sip_any(const uint8_t *p, size_t n, int sealed)
{
	struct sip_msg *m, *again;
	struct buf b = BUF_INIT;
	const char *branch;
	size_t len;
	int r, status;

	r = sip_frame(p, n);
	MUST(r <= (int)n);
	r = sip_frame_stranger(p, n);
	MUST(r <= (int)n && r <= 16384);
	if (sip_peek_answer(p, n, &status, &branch, &len) == 0)
		MUST(status >= 100 && status < 700 && len > 0 &&
		    (const uint8_t *)branch > p &&
		    (const uint8_t *)branch + len < p + n);
	if (sip_msg_parse(&m, p, n, sealed) != 0)
		return;
	MUST(m->status == 0 || (m->status >= 100 && m->status < 700));
	MUST(m->from != NULL && m->to != NULL && m->call_id != NULL);
	MUST(m->branch != NULL && m->via_host != NULL && m->method != NULL);
	MUST(m->from_tag != NULL && strlen(m->from_tag) < 40);
	MUST((m->uri == NULL) == (m->status != 0));
	sip_msg_write(&b, m);
	MUST(buf_error(&b) == 0);
	r = sip_msg_parse(&again, buf_data(&b), buf_len(&b), 1);
	/* A note's escapes may make its line too long. */
	MUST(r == 0 || r == SEC_ERR_LIMIT);
	if (r == 0) {
		MUST(again->status == m->status && again->cseq == m->cseq);
		MUST(sip_same(again->uri, m->uri));
		MUST(sip_same(again->method, m->method));
		MUST(sip_same(again->from, m->from));
		MUST(sip_same(again->from_tag, m->from_tag));
		MUST(sip_same(again->to, m->to));
		MUST(sip_same(again->to_tag, m->to_tag));
		MUST(sip_same(again->call_id, m->call_id));
		MUST(sip_same(again->branch, m->branch));
		MUST(sip_same(again->contact, m->contact));
		MUST(sip_same(again->proposed, m->proposed));
		MUST(sip_same(again->author, m->author));
		MUST(sip_same(again->author_q, m->author_q));
		MUST(sip_same(again->note, m->note));
		MUST(sip_same(again->conference, m->conference));
		MUST(sip_same(again->auth_token, m->auth_token));
		MUST(again->bodylen == m->bodylen);
		sip_msg_free(again);
	}
	buf_free(&b);
	sip_msg_free(m);
}

#endif
