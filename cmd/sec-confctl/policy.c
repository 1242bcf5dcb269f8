/*
 * policy: PUBLISH to a conference, one control line in the body: what its
 * members and owner ask of it.
 */

#include <stdlib.h>
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
	{ "history", RANK_MEMBER, policy_history },
	{ "read", RANK_MEMBER, policy_read },
	{ "set", RANK_ANYBODY, policy_set }, /* each setting has its own */
	{ "mute", RANK_MODERATOR, policy_mute },
	{ "unmute", RANK_MODERATOR, policy_unmute },
	{ "raise", RANK_MEMBER, policy_raise },
	{ "lower", RANK_MEMBER, policy_lower },
	{ "lock", RANK_MODERATOR, policy_lock },
	{ "unlock", RANK_MODERATOR, policy_unlock },
	{ "admit", RANK_MODERATOR, policy_admit },
	{ "refuse", RANK_MODERATOR, policy_refuse_entry },
	{ "end", RANK_OWNER, policy_end },
	{ "rekey", RANK_OWNER, policy_rekey },
	{ "lists", RANK_OWNER, policy_lists }, { "to", RANK_OWNER, policy_to },
	{ "allow", RANK_OWNER, policy_allow },
	{ "unallow", RANK_OWNER, policy_unallow },
	{ "block", RANK_OWNER, policy_block },
	{ "unblock", RANK_OWNER, policy_unblock },
	{ "kick", RANK_MODERATOR, policy_kick },
	{ "files", RANK_MEMBER, policy_files },
	{ "upload", RANK_MEMBER, policy_upload },
	{ "chunk", RANK_MEMBER, policy_chunk }, /* and its bytes */
	{ "commit", RANK_MEMBER, policy_commit },
	{ "drop", RANK_MEMBER, policy_drop },
	{ "download", RANK_MEMBER, policy_download },
	{ "detach", RANK_ANYBODY, policy_detach }, /* also his own */
};

void
policy_put_key(const struct conference *c, struct asker *by)
{
	line_put_u64(&by->answer, "epoch", c->row.epoch);
	line_put_u64(&by->answer, "members", map_count(c->members));
}

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
		if (by->nbytes > 0 && policies[i].on != policy_chunk)
			return 400;
		return policies[i].on(c, by, l);
	}
	return 400;
}

/* A 200, perhaps with a body, that waits for its commit and for the media
 * servers: what it says is so. */
struct answer {
	uint64_t txn;
	struct buf body;
	unsigned open;
	int err;
};

static void
answer_one(struct focus *f, uint64_t id, int err)
{
	struct answer *w = map_get_u64(f->answers, id);
	struct sip_txn *txn;
	struct sip_msg a;

	if (w == NULL)
		return;
	if (w->err == 0)
		w->err = err;
	if (--w->open > 0)
		return;
	map_del_u64(f->answers, id);
	sip_msg_init(&a);
	a.status = w->err != 0 ? sec_err_sip(w->err) : 200;
	if (w->err == 0 && buf_len(&w->body) > 0) {
		a.content_type = EVENT_LINE_TYPE;
		a.body = buf_data(&w->body);
		a.bodylen = buf_len(&w->body);
	}
	if ((txn = sip_txn_find(f->s->sip, w->txn)) != NULL)
		sip_answer(txn, &a);
	buf_free(&w->body);
	free(w);
}

void
answers_free(struct focus *f)
{
	struct answer *w;
	size_t i;

	for (i = 0; (w = map_next(f->answers, &i)) != NULL;) {
		buf_free(&w->body);
		free(w);
	}
	map_free(f->answers);
}

/* A server whose link is lost routes nothing new to learn. */
void
policy_dealt(struct focus *f, uint64_t id, int err)
{
	answer_one(f, id, err == SEC_ERR_TIMEOUT ? err : 0);
}

/* 200 when this turn's commit is done, and what it has dealt. */
static void
policy_answer(struct focus *f, struct asker *by)
{
	struct answer *w;

	if ((w = calloc(1, sizeof *w)) == NULL) {
		sip_answer_status(by->txn, 503);
		return;
	}
	w->txn = sip_txn_id(by->txn);
	w->body = by->answer;
	by->answer = (struct buf)BUF_INIT;
	w->open = 1 + f->answering.open;
	map_put_u64(f->answers, f->answering.id, w);
	commit_then(f, answer_one, f->answering.id);
}

void
policy_refuse(struct sip_txn *txn, int status, const char *why)
{
	struct sip_msg a;

	sip_msg_init(&a);
	a.status = status;
	a.note = why;
	sip_answer(txn, &a);
}

static void
policy_work(struct focus *f, struct conference *c, struct asker *by)
{
	const struct sip_peer *peer = sip_conn_peer(sip_txn_conn(by->txn));
	char user[URI_MAX];
	struct line l;
	int status = 400;

	by->instance = peer->instance;
	by->user = uri_user(user, peer->user, f->s->conf.domain);
	if (line_parse_bytes(&l, by->body, by->bodylen, &by->bytes,
		&by->nbytes) == 0) {
		f->answering.id = ++f->next_op;
		f->answering.open = 0;
		f->by = by->user;
		status = policy_do(c, by, &l);
		f->by = NULL;
		line_free(&l);
	}
	if (status == 200)
		policy_answer(f, by);
	else if (status != 0)
		policy_refuse(by->txn, status, by->why);
	f->answering.id = 0;
	buf_free(&by->answer);
}

void
policy_again(struct focus *f, struct sip_txn *txn, uint64_t conf,
    struct buf *line)
{
	struct asker by = { .txn = txn,
		.body = buf_cstr(line),
		.bodylen = buf_len(line),
		.known = 1 };
	struct conference *c = conf_find_id(f, conf);

	if (c != NULL && !conf_is_deleted(c))
		policy_work(f, c, &by);
	else
		sip_answer_status(txn, 404);
}

void
on_publish(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct focus *f = ((struct service *)ctx)->priv;
	struct asker by = { .txn = txn,
		.body = req->body,
		.bodylen = req->bodylen };
	struct conference *c;
	struct uri u;

	service_touch(f->s);
	if (req->event == NULL ||
	    !text_equal_nocase(req->event, EVENT_CONFERENCE))
		sip_answer_status(txn, 489);
	else if (uri_parse(&u, req->uri, f->s->conf.domain) != 0 ||
	    u.kind != URI_CONF || (c = conf_find(f, u.full)) == NULL ||
	    conf_is_deleted(c))
		sip_answer_status(txn, 404);
	else
		policy_work(f, c, &by);
}
