/*
 * policy: PUBLISH to a conference, one control line in the body: what its
 * members and owner ask of it.
 */

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/event.h"
#include "wire/line.h"

#include "focus.h"

/* A member's agent missed key news: the INFO again (SECURITY.md 3.5). */
static int
policy_grant(struct conference *c, const char *user, const char *instance,
    const struct line *l)
{
	struct device *d;
	int n = 0;

	(void)l;
	TAILQ_FOREACH(d, &c->device_list, entry) {
		if (strcmp(d->member->user, user) != 0 ||
		    strcmp(d->instance, instance) != 0 || !d->joined)
			continue;
		epoch_tell_wrap(d);
		n++;
	}
	return n > 0 ? 200 : 403;
}

static int
policy_end(struct conference *c, const char *user, const char *instance,
    const struct line *l)
{
	(void)instance;
	(void)l;
	if (strcmp(c->row.owner, user) != 0)
		return 403;
	conf_end(c, "owner");
	return 200;
}

static const struct {
	const char *verb;
	int (*on)(struct conference *c, const char *user, const char *instance,
	    const struct line *l);
} policies[] = {
	{ "grant", policy_grant },
	{ "end", policy_end },
};

void
on_publish(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct focus *f = ((struct service *)ctx)->priv;
	const struct sip_peer *peer = sip_conn_peer(sip_txn_conn(txn));
	char user[URI_MAX];
	struct conference *c;
	struct line l;
	struct uri u;
	size_t i;
	int status = 400;

	service_touch(f->s);
	uri_user(user, peer->user, f->s->conf.domain);
	if (req->event == NULL ||
	    !text_equal_nocase(req->event, EVENT_CONFERENCE)) {
		sip_answer_status(txn, 489);
		return;
	}
	if (uri_parse(&u, req->uri, f->s->conf.domain) != 0 ||
	    u.kind != URI_CONF || (c = conf_find(f, u.full)) == NULL) {
		sip_answer_status(txn, 404);
		return;
	}
	if (req->bodylen > 0 && line_parse(&l, req->body, req->bodylen) == 0) {
		for (i = 0; i < sizeof policies / sizeof policies[0]; i++)
			if (strcmp(policies[i].verb, l.verb) == 0)
				status =
				    policies[i].on(c, user, peer->instance, &l);
		line_free(&l);
	}
	if (status == 200)
		commit_then(f, commit_answer, sip_txn_id(txn));
	else
		sip_answer_status(txn, status);
}
