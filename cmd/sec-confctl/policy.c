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
#include "policy.h"

/* A member's agent missed key news: the INFO again (SECURITY.md 3.5). */
static int
policy_grant(struct conference *c, struct asker *by, const struct line *l)
{
	struct member *m = conf_member(c, by->user);
	struct device *d;
	int n = 0;

	(void)l;
	TAILQ_FOREACH(d, &m->own, own) {
		if (strcmp(d->instance, by->instance) != 0 || !d->joined)
			continue;
		d->wants_hop |= device_is_voice(d) && d->hop != NULL;
		epoch_tell_wrap(d);
		n++;
	}
	return n > 0 ? 200 : 403;
}

static void
end_committed(struct focus *f, uint64_t conf, int err)
{
	struct conference *c = conf_find_id(f, conf);

	if (c != NULL && err == 0)
		conf_end(c, "owner");
}

static int
policy_end(struct conference *c, struct asker *by, const struct line *l)
{
	struct focus *f = c->focus;

	(void)by;
	(void)l;
	/* What is not gone from the disk would be back after a restart. */
	if (commit_begin(f) != 0 || conf_delete(f->s->db, c->row.id) != 0)
		return 503;
	commit_then(f, end_committed, c->row.id);
	return 200;
}

/* The user of this agent listens elsewhere, or here again (S177, S180). */
static int
policy_hold(struct conference *c, struct asker *by, const struct line *l)
{
	const char *on = line_get_or(l, "on", "");
	struct member *m = conf_member(c, by->user);
	struct device *d;
	int n = 0;

	if (strcmp(on, "on") != 0 && strcmp(on, "off") != 0) {
		by->why = "hold is on or off";
		return 400;
	}
	TAILQ_FOREACH(d, &m->own, own) {
		if (strcmp(d->instance, by->instance) != 0)
			continue;
		n++;
		if (d->hold == (strcmp(on, "on") == 0))
			continue;
		d->hold = !d->hold;
		if (device_is_voice(d))
			deal_hold(d);
	}
	member_tell(m);
	return n > 0 ? 200 : 403;
}

/* A line's verb, and what one must be to say it. */
static const struct policy {
	const char *verb;
	enum rank wants;
	int (*on)(struct conference *c, struct asker *by, const struct line *l);
} policies[] = {
	{ "grant", RANK_MEMBER, policy_grant },
	{ "hold", RANK_MEMBER, policy_hold },
	{ "set", RANK_ANYBODY, policy_set }, /* each setting has its own */
	{ "end", RANK_OWNER, policy_end },
};

int
policy_forbids(struct conference *c, struct asker *by, enum rank wants)
{
	by->why = rank_refusal(c, wants, by->room, sizeof by->room);
	return 403;
}

static int
policy_do(struct conference *c, struct asker *by, const struct line *l)
{
	size_t i;

	for (i = 0; i < sizeof policies / sizeof policies[0]; i++) {
		if (strcmp(policies[i].verb, l->verb) != 0)
			continue;
		/* A member may have left, or been removed, while it asks. */
		if (policies[i].wants == RANK_MEMBER ?
			conf_member(c, by->user) == NULL :
			rank_of(c, by->user) < policies[i].wants)
			return policy_forbids(c, by, policies[i].wants);
		return policies[i].on(c, by, l);
	}
	return 400;
}

/* Refused, with the reason in SEC-Note. */
static void
policy_refuse(struct sip_txn *txn, int status, const char *why)
{
	struct sip_msg a;

	sip_msg_init(&a);
	a.status = status;
	a.note = why;
	sip_answer(txn, &a);
}

void
on_publish(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct focus *f = ((struct service *)ctx)->priv;
	const struct sip_peer *peer = sip_conn_peer(sip_txn_conn(txn));
	struct asker by = { .instance = peer->instance };
	char user[URI_MAX];
	struct conference *c;
	struct line l;
	struct uri u;
	int status = 400;

	service_touch(f->s);
	by.user = uri_user(user, peer->user, f->s->conf.domain);
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
		status = policy_do(c, &by, &l);
		line_free(&l);
	}
	if (status == 200)
		commit_then(f, commit_answer, sip_txn_id(txn));
	else
		policy_refuse(txn, status, by.why);
}
