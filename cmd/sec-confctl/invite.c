/*
 * invite: INVITE with `Proposed:` asks another user in (Fig. 7; S112-S121).
 *
 *   state    on                     do                            next
 *   FIND     not registered         find at sec-pal: 404 or 480   done
 *            plain, not connected   dial his Contact              DIAL
 *   DIAL     connected              INVITE                        ALERT
 *            2 s                    480                           done
 *   ALERT    enter                  INVITE to each of his agents
 *            180                    180 to the inviter
 *            first 2xx              CANCEL the others, join       JOIN
 *            all refused            the gravest status, note      done
 *            CANCEL, deadline       CANCEL all; 487 / 408         done
 *   JOIN     joined                 ACK with answer and grant;
 *                                   200 to the inviter            done
 *            failed                 ACK without key; the status   done
 *
 * One of those whom group.c invites together has no inviter's transaction:
 * what becomes of it is told to the group. Nor has one that comes with a
 * conference which was spawned: its roster tells.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "wire/line.h"

#include "focus.h"

#define LEGS	       8 /* agents of one user that ring */
#define INVITE_DEFAULT 60 /* seconds, without Expires */
#define INVITE_LONGEST 600
#define DIAL_MS	       2000 /* plain mode: his Contact answers */

enum invite_state { INVITE_FIND, INVITE_DIAL, INVITE_ALERT, INVITE_JOIN };

struct leg {
	uint64_t txn; /* client transaction, 0: over */
	char instance[33];
	char call_id[40];
	char tag[24];
};

struct invite {
	struct focus *f;
	uint64_t id;
	enum invite_state state;
	uint64_t conf;
	uint64_t txn; /* the inviter's; 0: of a group */
	uint64_t group;
	int spawned;
	char by[URI_MAX];
	char who[URI_MAX];
	struct leg leg[LEGS];
	int nlegs, open;
	int winner; /* leg, -1 */
	struct dialog dialog;
	int anyway; /* ring him even if his status is busy */
	int status; /* gravest so far */
	char note[256];
	int64_t expires; /* seconds */
	struct timer deadline;
};

/* Nobody waits for the legs that are open: the stack cancels them, and ends
 * the dialog of a 2xx that crosses. */
static void
legs_forget(struct invite *o)
{
	int i;

	for (i = 0; i < o->nlegs; i++)
		if (o->leg[i].txn != 0)
			sip_forget(o->f->s->sip, o->leg[i].txn);
}

static void
invite_free(struct invite *o)
{
	timer_cancel(&o->deadline);
	legs_forget(o);
	map_del_u64(o->f->invites, o->id);
	if (o->txn != 0)
		map_del_u64(o->f->invite_txn, o->txn);
	free(o);
}

static void
invite_tell(struct invite *o, int status)
{
	struct sip_txn *txn = sip_txn_find(o->f->s->sip, o->txn);
	const char *note = o->note[0] != '\0' ? o->note : NULL;
	struct sip_msg a;

	if (o->group != 0) {
		group_told(o->f, o->group, o->who, status, note);
		return;
	}
	if (txn == NULL)
		return;
	sip_msg_init(&a);
	a.status = status;
	a.proposed = o->who;
	a.note = note;
	sip_answer(txn, &a);
}

/* Answer the inviter and be done. */
static void
invite_finish(struct invite *o, int status)
{
	struct conference *c = conf_find_id(o->f, o->conf);

	if (status >= 300 && c != NULL && conf_member(c, o->who) == NULL &&
	    o->state != INVITE_FIND) {
		if (o->spawned)
			deal_refused(c, o->who, status);
		else
			deal_member(c, o->who, "left");
	}
	log_info("invite.done", "conf=%s user=%s by=%s status=%d",
	    c != NULL ? log_quote(c->row.name) : "-", log_quote(o->who),
	    log_quote(o->by), status);
	invite_tell(o, status);
	invite_free(o);
}

static void
legs_cancel(struct invite *o, int except)
{
	int i;

	for (i = 0; i < o->nlegs; i++)
		if (i != except && o->leg[i].txn != 0)
			sip_cancel(o->f->s->sip, o->leg[i].txn);
}

static void
invite_late(void *arg)
{
	struct invite *o = arg;

	if (o->state == INVITE_JOIN)
		return; /* join has its own */
	o->note[0] = '\0';
	invite_finish(o, o->state == INVITE_DIAL ? 480 : 408);
}

/* 6xx is final for all; then what says most about the person. */
static int
graver(int a, int b)
{
	static const int rank[] = { 603, 486, 480, 408, 487 };
	size_t i;

	for (i = 0; i < sizeof rank / sizeof rank[0]; i++)
		if (a == rank[i] || b == rank[i])
			return rank[i];
	return a != 0 ? a : b;
}

/* --- joined, or not --- */

static void
invite_ack(struct invite *o, struct conference *c, struct device *d,
    const char *addr, const char *key)
{
	struct buf sdp = BUF_INIT, words = BUF_INIT;
	struct sip_conn *conn;
	struct sip_msg m;

	conn = session_conn(o->f,
	    session_find(o->f, o->who, o->leg[o->winner].instance));
	if (conn == NULL)
		return;
	sip_msg_init(&m);
	dialog_ack(&o->dialog, &m, 1);
	if (d != NULL && c != NULL) {
		conf_words(c, &words);
		join_answer_sdp(c, d, addr, &sdp);
		m.conference = buf_cstr(&words);
		m.conference_key = key;
		m.content_type = OFFER_TYPE;
		m.body = buf_data(&sdp);
		m.bodylen = buf_len(&sdp);
	}
	sip_ack(conn, &m);
	buf_free(&sdp);
	buf_free(&words);
}

static void
invite_joined(struct focus *f, uint64_t cookie, int status, const char *reason,
    struct conference *c, struct device *d, const char *addr)
{
	struct invite *o = map_get_u64(f->invites, cookie);
	struct buf key = BUF_INIT;
	struct session *s;

	(void)reason;
	if (o == NULL) {
		if (d != NULL) {
			device_leave(d, "lost");
			conf_check_empty(c);
		}
		return;
	}
	s = session_find(f, o->who, o->leg[o->winner].instance);
	if (d != NULL &&
	    (session_conn(f, s) == NULL ||
		epoch_wrap(c, s, d->q, d->hop, d->hopid, &key) != 0)) {
		device_leave(d, "lost");
		conf_check_empty(c);
		d = NULL;
		status = 480;
	}
	invite_ack(o, c, d, addr, buf_cstr(&key));
	buf_free(&key);
	if (d != NULL)
		spawn_invited(c, o->by, o->who, o->expires);
	/* It has ended with him on the threshold, as with who still rang. */
	invite_finish(o, c == NULL ? 487 : status);
}

static void
invite_accepted(struct invite *o, int leg, const struct sip_msg *answer)
{
	struct focus *f = o->f;
	struct conference *c = conf_find_id(f, o->conf);
	struct join_def def;
	struct offer offer;
	struct dialog *dg = &o->dialog;

	o->winner = leg;
	o->state = INVITE_JOIN;
	legs_cancel(o, leg);
	memset(dg, 0, sizeof *dg);
	text_copy(dg->call_id, o->leg[leg].call_id, sizeof dg->call_id);
	text_copy(dg->local_tag, o->leg[leg].tag, sizeof dg->local_tag);
	text_copy(dg->remote_tag, answer->to_tag != NULL ? answer->to_tag : "",
	    sizeof dg->remote_tag);
	text_copy(dg->local_uri, o->by, sizeof dg->local_uri);
	text_copy(dg->remote_uri, o->who, sizeof dg->remote_uri);
	text_copy(dg->target,
	    answer->contact != NULL ? answer->contact : o->who,
	    sizeof dg->target);
	dg->local_cseq = 1;
	if (c == NULL ||
	    offer_parse(&offer, answer->body, answer->bodylen) != 0) {
		invite_ack(o, NULL, NULL, NULL, NULL);
		invite_finish(o, c == NULL ? 487 : 400);
		return;
	}
	memset(&def, 0, sizeof def);
	def.conf = c;
	def.user = o->who;
	def.instance = o->leg[leg].instance;
	def.offer = &offer;
	def.dialog = o->dialog;
	def.done = invite_joined;
	def.cookie = o->id;
	join_start(f, &def);
}

/* A 2xx that crossed our CANCEL: acknowledge without a key, so that his
 * agent ends the dialog by BYE. */
static void
leg_too_late(struct invite *o, int leg, const struct sip_msg *answer)
{
	struct sip_conn *conn = session_conn(o->f,
	    session_find(o->f, o->who, o->leg[leg].instance));
	struct sip_msg m;

	if (conn == NULL)
		return;
	sip_msg_init(&m);
	m.method = "ACK";
	m.uri = o->who;
	m.from = o->by;
	m.from_tag = o->leg[leg].tag;
	m.to = o->who;
	m.to_tag = answer->to_tag;
	m.call_id = o->leg[leg].call_id;
	m.cseq = 1;
	sip_ack(conn, &m);
}

static void
leg_answered(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct focus *f = ctx;
	struct invite *o = map_get_u64(f->invites, cookie >> 3);
	int leg = (int)(cookie & 7);

	if (o == NULL)
		return;
	if (answer->status < 200) {
		if (answer->status == 180 && o->state == INVITE_ALERT)
			invite_tell(o, 180);
		return;
	}
	o->leg[leg].txn = 0;
	o->open--;
	if (answer->status < 300) {
		if (o->state == INVITE_ALERT)
			invite_accepted(o, leg, answer);
		else
			leg_too_late(o, leg, answer);
		return;
	}
	if (o->state != INVITE_ALERT)
		return;
	if (graver(answer->status, o->status) == answer->status) {
		o->status = answer->status;
		text_copy(o->note, answer->note != NULL ? answer->note : "",
		    sizeof o->note);
	}
	if (o->status == 603)
		legs_cancel(o, -1);
	if (o->open == 0)
		invite_finish(o, o->status == 503 ? 480 : o->status);
}

/* --- ringing --- */

static void
leg_ring(struct invite *o, struct conference *c, struct session *s,
    int64_t expires)
{
	struct sip_conn *conn = session_conn(o->f, s);
	struct buf words = BUF_INIT;
	unsigned char r[16];
	struct sip_msg m;
	struct leg *l;

	if (conn == NULL || o->nlegs == LEGS)
		return;
	l = &o->leg[o->nlegs];
	proc_random(r, sizeof r);
	snprintf(l->call_id, sizeof l->call_id,
	    "%02x%02x%02x%02x%02x%02x%02x%02x%02x%02x", r[0], r[1], r[2], r[3],
	    r[4], r[5], r[6], r[7], r[8], r[9]);
	snprintf(l->tag, sizeof l->tag, "%02x%02x%02x%02x%02x%02x", r[10],
	    r[11], r[12], r[13], r[14], r[15]);
	text_copy(l->instance, s->instance, sizeof l->instance);
	conf_words(c, &words);
	if (o->anyway)
		line_put_word(&words, "anyway", "1");
	sip_msg_init(&m);
	m.method = "INVITE";
	m.uri = m.to = o->who;
	m.from = o->by;
	m.from_tag = l->tag;
	m.call_id = l->call_id;
	m.cseq = 1;
	m.contact = c->uri;
	m.conference = buf_cstr(&words);
	m.expires = expires;
	l->txn = sip_request(conn, &m, expires * 1000 + 5000, leg_answered,
	    o->f, o->id << 3 | (uint64_t)o->nlegs);
	buf_free(&words);
	if (l->txn != 0) {
		o->nlegs++;
		o->open++;
	}
}

static void
invite_found(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	struct focus *f = ctx;
	struct invite *o = map_get_u64(f->invites, cookie);

	if (o == NULL || (reply != NULL && strcmp(reply->verb, "row") == 0))
		return;
	invite_finish(o,
	    reply != NULL && strcmp(reply->verb, "ok") == 0 ?
		480 :
		ctl_reply_status(reply, err));
}

/* Nobody of that name is connected: unknown, or only offline? (S114) */
static void
invite_ask(struct invite *o)
{
	struct ctl_peer *p;
	struct buf *b;

	o->state = INVITE_FIND;
	if ((b = deal_call(o->f, o->f->pal, "find", &p)) == NULL) {
		invite_finish(o, 480);
		return;
	}
	line_put(b, "who", o->who);
	ctl_call_end(p, LINK_DEADLINE, invite_found, o->f, o->id);
}

/* 0 or the status that refuses an invitation. */
static int
invite_refused(struct focus *f, const struct sip_msg *req, struct conference *c,
    const char *user, struct uri *who)
{
	if (conf_member(c, user) == NULL)
		return 403;
	if (uri_parse(who, req->proposed, f->s->conf.domain) != 0)
		return 400;
	if (who->kind == URI_PHONE)
		return conf_server(c, "voice") != 0 ? 503 : 488;
	if (who->kind == URI_OBJECT)
		return 0; /* whomever the directory finds */
	if (who->kind != URI_USER)
		return 404;
	if (conf_blocks(c, who->full))
		return 403;
	return 0;
}

static int
asks_anyway(const struct sip_msg *req)
{
	struct line l;
	int anyway;

	if (req->conference == NULL ||
	    line_parse_words(&l, req->conference, strlen(req->conference)) != 0)
		return 0;
	anyway = strcmp(line_get_or(&l, "anyway", "0"), "1") == 0;
	line_free(&l);
	return anyway;
}

/* Ring all his agents that have a device for the conference, or dial one;
 * 0, or what is to be said at once. */
static int
invite_ring(struct invite *o, struct conference *c)
{
	struct session_list *l = session_of_user(o->f, o->who);
	struct session *s;
	int refused = 0;

	if (l == NULL)
		return 480;
	TAILQ_FOREACH(s, l, entry)
		if ((refused = session_refuses(s, c)) == 0)
			leg_ring(o, c, s, o->expires);
	if (o->nlegs > 0)
		return 0;
	TAILQ_FOREACH(s, l, entry)
		if (session_dial(o->f, s))
			o->state = INVITE_DIAL;
	return o->state == INVITE_DIAL ? 0 : refused != 0 ? refused : 480;
}

void
invite_begin(struct focus *f, const struct invite_def *def)
{
	struct conference *c = def->conf;
	struct invite *o;
	int status;

	if ((o = calloc(1, sizeof *o)) == NULL) {
		if (def->group != 0)
			group_told(f, def->group, def->who, 503, NULL);
		else if (!def->spawned)
			sip_answer_status(sip_txn_find(f->s->sip, def->txn),
			    503);
		return;
	}
	o->f = f;
	o->id = ++f->next_op;
	o->conf = c->row.id;
	o->txn = def->txn;
	o->group = def->group;
	o->spawned = def->spawned;
	o->winner = -1;
	o->anyway = def->anyway;
	o->expires = def->expires;
	o->state = INVITE_ALERT;
	text_copy(o->by, def->by, sizeof o->by);
	text_copy(o->who, def->who, sizeof o->who);
	timer_init(&o->deadline, f->s->loop, invite_late, o);
	map_put_u64(f->invites, o->id, o);
	if (o->txn != 0)
		map_put_u64(f->invite_txn, o->txn, o);
	if (conf_member(c, o->who) != NULL) {
		invite_finish(o, 200); /* he is in already */
		return;
	}
	status = invite_ring(o, c);
	if (status == 480 && o->group == 0 && !o->spawned) {
		invite_ask(o);
		return;
	}
	if (status != 0) {
		invite_finish(o, status);
		return;
	}
	/* Whoever was asked may come later by himself. */
	if (commit_begin(f) == 0)
		conf_user_put(f->s->db, c->row.id, o->who, "invited");
	conf_list_set(c, o->who, LIST_INVITED);
	deal_member(c, o->who, "invited");
	timer_set(&o->deadline,
	    o->state == INVITE_DIAL ? DIAL_MS : o->expires * 1000);
	log_info("invite.out", "conf=%s user=%s by=%s agents=%d",
	    log_quote(c->row.name), log_quote(o->who), log_quote(o->by),
	    o->nlegs);
}

int64_t
invite_expires(const struct sip_msg *req)
{
	return req->expires < 1		  ? INVITE_DEFAULT :
	    req->expires > INVITE_LONGEST ? INVITE_LONGEST :
					    req->expires;
}

/* 403 of all who would be asked. */
static void
invite_refuse(struct sip_txn *txn, const char *why)
{
	struct sip_msg a;

	sip_msg_init(&a);
	a.status = 403;
	a.note = why;
	sip_answer(txn, &a);
}

void
invite_start(struct focus *f, struct sip_txn *txn, const struct sip_msg *req,
    struct conference *c, const char *user)
{
	struct invite_def def = { .conf = c,
		.by = user,
		.expires = invite_expires(req),
		.anyway = asks_anyway(req),
		.txn = sip_txn_id(txn) };
	struct uri who;
	const char *why;
	int status;

	if ((status = invite_refused(f, req, c, user, &who)) != 0) {
		sip_answer_status(txn, status);
		return;
	}
	if ((why = lobby_no_invite(c, user)) != NULL) {
		invite_refuse(txn, why);
		return;
	}
	def.who = who.full;
	if (who.kind == URI_OBJECT)
		group_start(f, txn, req, &def);
	else
		invite_begin(f, &def);
}

void
invites_connected(struct focus *f, const struct session *s)
{
	struct session *se = session_find(f, s->user, s->instance);
	struct conference *c;
	struct invite *o;
	size_t i;

	for (i = 0; (o = map_next(f->invites, &i)) != NULL;) {
		if (o->state != INVITE_DIAL || strcmp(o->who, s->user) != 0 ||
		    (c = conf_find_id(f, o->conf)) == NULL)
			continue;
		o->state = INVITE_ALERT;
		timer_set(&o->deadline, o->expires * 1000);
		leg_ring(o, c, se, o->expires);
	}
}

void
invite_cancelled(struct focus *f, uint64_t txn_id)
{
	struct invite *o = map_get_u64(f->invite_txn, txn_id);

	if (o == NULL || o->state == INVITE_JOIN)
		return;
	o->note[0] = '\0';
	invite_finish(o, 487);
}

void
invites_cancel(struct focus *f, uint64_t group)
{
	struct invite *o;
	size_t i;

	for (i = 0; (o = map_next(f->invites, &i)) != NULL;)
		if (o->group == group && o->state != INVITE_JOIN) {
			o->note[0] = '\0';
			invite_finish(o, 487);
		}
}

void
invites_deal(struct conference *c)
{
	struct invite *o;
	size_t i;

	for (i = 0; (o = map_next(c->focus->invites, &i)) != NULL;)
		if (o->conf == c->row.id && o->state != INVITE_FIND &&
		    conf_member(c, o->who) == NULL)
			deal_member(c, o->who, "invited");
}

void
invites_end(struct conference *c)
{
	struct invite *o;
	size_t i;

	for (i = 0; (o = map_next(c->focus->invites, &i)) != NULL;) {
		if (o->conf != c->row.id ||
		    (o->state != INVITE_DIAL && o->state != INVITE_ALERT))
			continue;
		o->note[0] = '\0';
		invite_finish(o, 487);
	}
}

void
invites_withdraw(struct conference *c, const char *user)
{
	struct invite *o;
	size_t i;

	for (i = 0; (o = map_next(c->focus->invites, &i)) != NULL;) {
		if (o->conf != c->row.id || strcmp(o->who, user) != 0 ||
		    (o->state != INVITE_DIAL && o->state != INVITE_ALERT))
			continue;
		o->note[0] = '\0';
		invite_finish(o, 403);
	}
}

void
invites_free(struct focus *f)
{
	struct invite *o;
	size_t i;

	for (i = 0; (o = map_next(f->invites, &i)) != NULL;)
		invite_free(o);
}

/* --- the row INVITE: create, join or invite --- */

/* The From of a request must be the user of its connection. */
static int
from_is(struct focus *f, struct sip_txn *txn, const struct sip_msg *req,
    char *user)
{
	struct uri u;

	uri_user(user, sip_conn_peer(sip_txn_conn(txn))->user,
	    f->s->conf.domain);
	return uri_parse(&u, req->from, f->s->conf.domain) == 0 &&
	    strcmp(u.full, user) == 0;
}

void
on_invite(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct focus *f = ((struct service *)ctx)->priv;
	char user[URI_MAX];
	struct conference *c;
	struct uri u;

	service_touch(f->s);
	if (!from_is(f, txn, req, user)) {
		sip_answer_status(txn, 403);
		return;
	}
	if (uri_parse(&u, req->uri, f->s->conf.domain) != 0) {
		sip_answer_status(txn, 400);
		return;
	}
	if (u.kind == URI_FACTORY) {
		create_start(f, txn, req, user);
		return;
	}
	if (u.kind != URI_CONF || (c = conf_find(f, u.full)) == NULL) {
		sip_answer_status(txn, 404);
		return;
	}
	if (req->to_tag != NULL)
		sip_answer_status(txn, 488); /* no re-INVITE */
	else if (req->proposed != NULL)
		invite_start(f, txn, req, c, user);
	else
		join_own(f, txn, req, c, user);
}

void
on_ack(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	/* The dialog stands with our 2xx already. */
	(void)txn;
	(void)req;
	service_touch(ctx);
}

void
on_cancel(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct focus *f = ((struct service *)ctx)->priv;

	(void)req;
	invite_cancelled(f, sip_txn_id(txn));
	lobby_cancelled(f, txn);
	group_cancelled(f, txn);
}

void
on_options(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	(void)ctx;
	(void)req;
	sip_answer_status(txn, 200);
}
