/* Dialogs as data (RFC 3261 12). */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

#include "sip/dialog.h"

#define KEY_MAX 176

static int
set(char *out, size_t size, const char *s)
{
	if (s == NULL)
		return SEC_ERR_FORMAT;
	return text_copy(out, s, size) < size ? 0 : SEC_ERR_LIMIT;
}

#define SET(field, s) set((field), sizeof(field), (s))

int
dialog_from_request(struct dialog *d, const struct sip_msg *req,
    const char *local_tag)
{
	struct dialog n;
	int r;

	memset(&n, 0, sizeof(n));
	n.remote_cseq = req->cseq;
	if ((r = SET(n.call_id, req->call_id)) != 0 ||
	    (r = SET(n.local_tag, local_tag)) != 0 ||
	    (r = SET(n.remote_tag, req->from_tag)) != 0 ||
	    (r = SET(n.local_uri, req->to)) != 0 ||
	    (r = SET(n.remote_uri, req->from)) != 0 ||
	    (r = SET(n.target,
		 req->contact != NULL ? req->contact : req->from)) != 0)
		return r;
	*d = n;
	return 0;
}

int
dialog_from_answer(struct dialog *d, const struct sip_msg *req,
    const struct sip_msg *answer)
{
	struct dialog n;
	int r;

	memset(&n, 0, sizeof(n));
	n.local_cseq = answer->cseq;
	if ((r = SET(n.call_id, answer->call_id)) != 0 ||
	    (r = SET(n.local_tag, answer->from_tag)) != 0 ||
	    (r = SET(n.remote_tag, answer->to_tag)) != 0 ||
	    (r = SET(n.local_uri, answer->from)) != 0 ||
	    (r = SET(n.remote_uri, answer->to)) != 0 ||
	    (r = SET(n.target,
		 answer->contact != NULL ? answer->contact :
		     req->uri != NULL	 ? req->uri :
					   answer->to)) != 0)
		return r;
	*d = n;
	return 0;
}

static void
fill(const struct dialog *d, struct sip_msg *m, const char *method,
    uint32_t cseq)
{
	m->status = 0;
	m->method = method;
	m->uri = d->target;
	m->from = d->local_uri;
	m->from_tag = d->local_tag;
	m->to = d->remote_uri;
	m->to_tag = d->remote_tag;
	m->call_id = d->call_id;
	m->cseq = cseq;
}

void
dialog_request(struct dialog *d, struct sip_msg *m, const char *method)
{
	fill(d, m, method, ++d->local_cseq);
}

void
dialog_ack(const struct dialog *d, struct sip_msg *m, uint32_t invite_cseq)
{
	fill(d, m, "ACK", invite_cseq);
}

int
dialog_check(struct dialog *d, const struct sip_msg *req)
{
	if (req->call_id == NULL || strcmp(req->call_id, d->call_id) != 0 ||
	    req->to_tag == NULL || strcmp(req->to_tag, d->local_tag) != 0 ||
	    req->from_tag == NULL || strcmp(req->from_tag, d->remote_tag) != 0)
		return SEC_ERR_NOTHING;
	/* RFC 3261 12.2.2: ACK and CANCEL carry their INVITE's number. */
	if (strcmp(req->method, "ACK") == 0 ||
	    strcmp(req->method, "CANCEL") == 0)
		return 0;
	if (d->remote_cseq != 0 && req->cseq <= d->remote_cseq)
		return SEC_ERR_REPLAY;
	d->remote_cseq = req->cseq;
	return 0;
}

char *
dialog_key(char *out, const char *call_id, const char *local_tag)
{
	snprintf(out, KEY_MAX, "%s\n%s", call_id, local_tag);
	return out;
}
