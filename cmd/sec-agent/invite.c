/*
 * Being invited: an INVITE rings (180) until it is answered by the user, by
 * his rule, or for him because he is busy; the controller's ACK brings the
 * key, and with it the conference.
 *
 *	RINGING -> ACCEPTED (200 sent, ACK awaited) -> a conf_in
 *
 * If the controller is lost it rings on, for as long as it was to ring: who
 * was asked may join by name, and to accept it is to do so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "sip/event.h"
#include "sip/offer.h"

#define ACK_MS	 10000
#define RING_S	 60 /* without Expires */
#define EXTRA_MS 2000 /* the controller cancels first */
#define INVITES	 64

enum invite_state { RINGING, ACCEPTED };

struct invitation {
	struct agent *a;
	char id[16];
	enum invite_state state;
	char user[URI_MAX], conf[URI_MAX];
	char name[65], media[32];
	char *words;
	int64_t at;
	uint64_t txn; /* 0: the controller was lost */
	struct dialog dialog;
	struct timer timer;
	int anyway; /* though my status is busy */
	int replied; /* who awaits the join */
	struct ctl_handle who;
	TAILQ_ENTRY(invitation) entry;
};

enum policy { ASK, ACCEPT, DECLINE, BUSY };
static const char *const policies[] = { "ask", "accept", "decline", "busy" };

struct rule {
	char user[URI_MAX];
	enum policy policy;
	TAILQ_ENTRY(rule) entry;
};

struct invites {
	enum policy policy;
	size_t n;
	char shown[1024];
	TAILQ_HEAD(, rule) rules;
	TAILQ_HEAD(, invitation) list;
};

/* --- rules --- */

static int
policy_parse(const char *s, size_t n, enum policy *out)
{
	size_t i;

	for (i = 0; i < 4; i++)
		if (strlen(policies[i]) == n &&
		    strncmp(s, policies[i], n) == 0) {
			*out = (enum policy)i;
			return 0;
		}
	return SEC_ERR_USAGE;
}

static void
rules_clear(struct invites *v)
{
	struct rule *r;

	while ((r = TAILQ_FIRST(&v->rules)) != NULL) {
		TAILQ_REMOVE(&v->rules, r, entry);
		free(r);
	}
}

static void
rule_set(struct invites *v, const char *user, enum policy p)
{
	struct rule *r;

	TAILQ_FOREACH(r, &v->rules, entry)
		if (strcmp(r->user, user) == 0)
			break;
	if (r == NULL) {
		r = agent_alloc(sizeof(*r));
		text_copy(r->user, user, sizeof(r->user));
		TAILQ_INSERT_TAIL(&v->rules, r, entry);
	}
	r->policy = p;
}

/* The next of users with commas; NULL: it is none, and stands in name. */
static const char *
next_user(struct agent *a, const char *who, struct uri *u, char name[URI_MAX])
{
	size_t n = strcspn(who, ",");

	snprintf(name, URI_MAX, "%.*s", (int)(n < URI_MAX ? n : URI_MAX), who);
	if (n >= URI_MAX || uri_from_name(u, name, a->conf.domain, 0) != 0 ||
	    u->kind != URI_USER)
		return NULL;
	return who + n + (who[n] == ',');
}

/* One word is for all and ends older rules; with names it is for those. */
int
invite_set_policy(struct agent *a, const char *what, const char *who,
    char bad[URI_MAX])
{
	size_t n = strcspn(what, ":");
	const char *s;
	struct uri u;
	enum policy p;

	if (policy_parse(what, n, &p) != 0)
		return SEC_ERR_USAGE;
	if (what[n] == ':')
		who = what + n + 1;
	if (who == NULL || *who == '\0') {
		rules_clear(a->invites);
		a->invites->policy = p;
		return 0;
	}
	/* All of them, or none. */
	for (s = who; *s != '\0';)
		if ((s = next_user(a, s, &u, bad)) == NULL)
			return SEC_ERR_NOTHING;
	while (*who != '\0') {
		who = next_user(a, who, &u, bad);
		rule_set(a->invites, u.full, p);
	}
	return 0;
}

const char *
invite_policy_text(struct agent *a)
{
	struct invites *v = a->invites;
	char user[160];
	struct rule *r;
	size_t n;

	n = (size_t)snprintf(v->shown, sizeof(v->shown), "%s",
	    policies[v->policy]);
	TAILQ_FOREACH(r, &v->rules, entry)
		if (n < sizeof(v->shown) - 200)
			n += (size_t)snprintf(v->shown + n,
			    sizeof(v->shown) - n, " %s:%s", policies[r->policy],
			    uri_short(user, r->user, a->conf.domain, 0));
	return v->shown;
}

static enum policy
policy_for(struct agent *a, const char *user, int anyway)
{
	struct rule *r;

	/* The seed: whose status is busy is not rung. */
	if (!anyway && strcmp(a->presence.class_word, "busy") == 0)
		return BUSY;
	TAILQ_FOREACH(r, &a->invites->rules, entry)
		if (strcmp(r->user, user) == 0)
			return r->policy;
	return a->invites->policy;
}

static void
policy_row(struct ctl_req *r, const char *user, enum policy p)
{
	struct buf *b = ctl_row(r);

	line_put(b, "user", user);
	line_put(b, "policy", policies[p]);
	ctl_end(r);
}

/* policy [what= [who=a,b]] */
void
invite_policy(struct agent *a, struct ctl_req *r)
{
	const char *what = line_get(r->line, "what");
	char bad[URI_MAX], why[URI_MAX + 32];
	struct rule *rule;
	int e = 0;

	if (what != NULL)
		e = invite_set_policy(a, what, line_get(r->line, "who"), bad);
	if (e == SEC_ERR_NOTHING) {
		snprintf(why, sizeof(why), "%s: no user", bad);
		ctl_error(r, 404, why);
		return;
	}
	if (e != 0) {
		ctl_error(r, 400, "ask, accept, decline or busy, and users");
		return;
	}
	policy_row(r, NULL, a->invites->policy);
	TAILQ_FOREACH(rule, &a->invites->rules, entry)
		policy_row(r, rule->user, rule->policy);
	line_put(ctl_ok_begin(r), "policy", invite_policy_text(a));
	ctl_end(r);
}

/* --- events --- */

static void
put_in(const struct invitation *v, struct buf *b)
{
	line_put(b, "invite", v->id);
	line_put(b, "user", v->user);
	line_put(b, "conf", v->conf);
	line_put(b, "media", v->media);
}

static void
tell_done(struct invitation *v, const char *result)
{
	struct buf *b;

	log_info("invite.done", "invite=%s conf=%s result=%s", v->id, v->name,
	    result);
	b = event_begin(v->a, "invite.done");
	put_in(v, b);
	line_put(b, "result", result);
	event_end(v->a);
}

void
invites_state(struct agent *a, struct buf *b,
    void (*put)(struct agent *, struct ctl_req *, struct buf *),
    struct ctl_req *r)
{
	struct invitation *v;

	TAILQ_FOREACH(v, &a->invites->list, entry)
		if (v->state == RINGING) {
			line_put(b, "event", "invite.in");
			put_in(v, b);
			line_put(b, "status", "ringing");
			put(a, r, b);
		}
}

/* --- one invitation --- */

static struct sip_txn *
txn_of(const struct invitation *v)
{
	return sip_txn_find(flow_stack(v->a->session.confctl), v->txn);
}

static void
drop(struct invitation *v, const char *result, int status, const char *reason)
{
	struct ctl_req r;

	tell_done(v, result);
	if (v->replied && ctl_again(v->a->ctl, v->who, &r) == 0)
		ctl_error(&r, status, reason);
	timer_cancel(&v->timer);
	TAILQ_REMOVE(&v->a->invites->list, v, entry);
	v->a->invites->n--;
	free(v->words);
	free(v);
}

static void
answer(struct invitation *v, int status, const char *note)
{
	struct sip_txn *txn = txn_of(v);
	struct sip_msg m;

	if (txn == NULL)
		return;
	sip_msg_init(&m);
	m.status = status;
	m.note = note != NULL && *note != '\0' ? note : NULL;
	sip_answer(txn, &m);
}

/* Nobody waits for the 200 any more. */
static void
join_by_name(struct invitation *v)
{
	struct conf_in *c = conf_find(v->a, v->conf);
	struct waiter w = { .who = v->who, .children = 1 };
	int fresh = c == NULL;

	if (fresh)
		c = conf_new(v->a, v->conf);
	text_copy(w.invite, v->id, sizeof(w.invite));
	if (v->replied && c->state == CONF_OPEN)
		conf_answer_waiter(c, &w);
	else if (v->replied)
		conf_wait(c, &w);
	v->replied = 0;
	drop(v, "accepted", 0, NULL);
	if (fresh)
		conf_invite(c);
}

static void
accept_now(struct invitation *v)
{
	struct sip_txn *txn = txn_of(v);
	struct buf sdp = BUF_INIT;
	struct sip_msg m;

	if (v->txn == 0) {
		join_by_name(v);
		return;
	}
	if (txn == NULL) {
		drop(v, "cancelled", 487, "the invitation was withdrawn");
		return;
	}
	agent_offer(v->a, &sdp);
	sip_msg_init(&m);
	m.status = 200;
	m.contact = v->a->uri;
	m.content_type = OFFER_TYPE;
	m.body = buf_data(&sdp);
	m.bodylen = buf_len(&sdp);
	v->state = ACCEPTED;
	timer_set(&v->timer, ACK_MS);
	sip_answer(txn, &m);
	buf_free(&sdp);
}

static void
on_timer(void *arg)
{
	struct invitation *v = arg;

	if (v->state == RINGING) {
		answer(v, 408, NULL);
		drop(v, "timeout", 408, NULL);
		return;
	}
	(void)bye_send(v->a, &v->dialog, NULL, NULL, 0);
	drop(v, "failed", 504, "the controller did not complete the join");
}

static void
make_id(struct invites *list, char out[16])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	struct invitation *v;
	uint8_t r[4];
	int i;

	do {
		proc_random(r, sizeof(r));
		memcpy(out, "i-", 2);
		for (i = 0; i < 4; i++)
			out[2 + i] = letters[r[i] % 32];
		out[6] = '\0';
		TAILQ_FOREACH(v, &list->list, entry)
			if (strcmp(v->id, out) == 0)
				break;
	} while (v != NULL);
}

/* Does it ring, or what will the rule say? In the words of `result`. */
static const char *
outlook(const struct invitation *v)
{
	switch (policy_for(v->a, v->user, v->anyway)) {
	case ACCEPT: return "accepted";
	case DECLINE: return "declined";
	case BUSY: return "busy";
	case ASK:
	default: return "ringing";
	}
}

static void
decide(struct invitation *v)
{
	struct agent *a = v->a;

	switch (policy_for(a, v->user, v->anyway)) {
	case ASK: break;
	case ACCEPT: accept_now(v); break;
	case DECLINE:
		answer(v, 603, NULL);
		drop(v, "declined", 603, NULL);
		break;
	case BUSY:
		answer(v, 486, a->presence.note);
		drop(v, "busy", 486, NULL);
		break;
	}
}

static struct invitation *
invitation_new(struct agent *a, const struct uri *who, const struct uri *conf,
    const struct sip_msg *req, struct sip_txn *txn)
{
	struct invitation *v = agent_alloc(sizeof(*v));
	struct line l;

	v->a = a;
	if (dialog_from_request(&v->dialog, req, sip_txn_to_tag(txn)) != 0) {
		free(v);
		return NULL;
	}
	text_copy(v->user, who->full, sizeof(v->user));
	text_copy(v->conf, conf->full, sizeof(v->conf));
	text_copy(v->name, conf->name, sizeof(v->name));
	text_copy(v->media, "text", sizeof(v->media));
	if (req->conference != NULL &&
	    (v->words = strdup(req->conference)) != NULL &&
	    line_parse_words(&l, v->words, strlen(v->words)) == 0) {
		text_copy(v->media, line_get_or(&l, "media", "text"),
		    sizeof(v->media));
		v->anyway = strcmp(line_get_or(&l, "anyway", "0"), "1") == 0;
		line_free(&l);
	}
	v->at = clock_real();
	v->txn = sip_txn_id(txn);
	make_id(a->invites, v->id);
	timer_init(&v->timer, a->loop, on_timer, v);
	timer_set(&v->timer,
	    (req->expires > 0 && req->expires < 86400 ? req->expires : RING_S) *
		    1000 +
		EXTRA_MS);
	TAILQ_INSERT_TAIL(&a->invites->list, v, entry);
	a->invites->n++;
	return v;
}

/* He is asked again. */
static void
lost_drop(struct agent *a, const char *conf)
{
	struct invitation *v;

	TAILQ_FOREACH(v, &a->invites->list, entry)
		if (v->txn == 0 && strcmp(v->conf, conf) == 0) {
			drop(v, "cancelled", 487, NULL);
			return;
		}
}

void
on_invite(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	struct invitation *v;
	struct uri who, conf;
	struct buf *b;

	if (a == NULL || ctx != a->session.confctl) {
		sip_answer_status(txn, 403);
		return;
	}
	if (req->to_tag != NULL) {
		sip_answer_status(txn, 488); /* no re-INVITE */
		return;
	}
	if (req->contact == NULL || req->from == NULL ||
	    uri_parse(&conf, req->contact, a->conf.domain) != 0 ||
	    conf.kind != URI_CONF ||
	    uri_parse(&who, req->from, a->conf.domain) != 0) {
		sip_answer_status(txn, 400);
		return;
	}
	lost_drop(a, conf.full);
	if (a->invites->n >= INVITES || conf_find(a, conf.full) != NULL) {
		sip_answer_status(txn, 486);
		return;
	}
	if ((v = invitation_new(a, &who, &conf, req, txn)) == NULL) {
		sip_answer_status(txn, 400);
		return;
	}
	log_info("invite.in", "invite=%s user=%s conf=%s", v->id,
	    log_quote(who.name), v->name);
	sip_answer_status(txn, 180);
	b = event_begin(a, "invite.in");
	put_in(v, b);
	line_put(b, "status", outlook(v));
	event_end(a);
	decide(v);
}

void
on_ack(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	struct invitation *v;
	struct conf_in *c;
	struct waiter w;
	int r;

	(void)txn;
	if (a == NULL)
		return;
	TAILQ_FOREACH(v, &a->invites->list, entry)
		if (v->state == ACCEPTED && dialog_check(&v->dialog, req) == 0)
			break;
	if (v == NULL)
		return;
	if (req->conference_key == NULL || conf_find(a, v->conf) != NULL) {
		(void)bye_send(v->a, &v->dialog, NULL, NULL, 0);
		drop(v, "failed", 503,
		    "the controller could not complete the "
		    "join");
		return;
	}
	c = conf_new(a, v->conf);
	c->dialog = v->dialog;
	r = conf_take(c, &(struct conf_news) { NULL, v->words, NULL, 0 });
	if (r == 0)
		r = conf_take(c,
		    &(struct conf_news) { req->conference_key, req->conference,
			req->body, req->bodylen });
	if (r != 0) {
		(void)bye_send(v->a, &v->dialog, NULL, NULL, 0);
		conf_fail(c, 400, NULL);
		drop(v, "failed", 400,
		    "the controller's key cannot be "
		    "opened");
		return;
	}
	if (v->replied) {
		memset(&w, 0, sizeof(w));
		w.who = v->who;
		text_copy(w.invite, v->id, sizeof(w.invite));
		conf_wait(c, &w);
		v->replied = 0;
	}
	drop(v, "accepted", 0, NULL);
	conf_opening(c);
}

void
on_cancel(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	struct invitation *v;

	(void)req;
	if (a != NULL)
		TAILQ_FOREACH(v, &a->invites->list, entry)
			if (v->state == RINGING && v->txn == sip_txn_id(txn)) {
				drop(v, "cancelled", 487, NULL);
				break;
			}
	sip_answer_status(txn, 487);
}

void
invites_lost(struct agent *a)
{
	struct invitation *v;

	TAILQ_FOREACH(v, &a->invites->list, entry)
		if (v->state == RINGING)
			v->txn = 0;
}

/* --- for tools --- */

void
invites_rows(struct agent *a, struct ctl_req *r)
{
	struct invitation *v;
	struct buf *b;

	TAILQ_FOREACH(v, &a->invites->list, entry) {
		if (v->state != RINGING)
			continue;
		b = ctl_row(r);
		put_in(v, b);
		line_put(b, "name", v->name);
		line_putf(b, "at", "%lld", (long long)v->at);
		ctl_end(r);
	}
	ctl_ok(r);
}

/* The one named, or the only one; otherwise NULL, and r is answered. */
static struct invitation *
pick(struct agent *a, struct ctl_req *r)
{
	const char *id = line_get(r->line, "invite");
	struct invitation *v, *found = NULL;
	char why[300] = "several invitations; name one:";
	int n = 0;

	TAILQ_FOREACH(v, &a->invites->list, entry) {
		if (v->state != RINGING ||
		    (id != NULL && *id != '\0' && strcmp(id, v->id) != 0 &&
			strcmp(id, v->name) != 0 && strcmp(id, v->conf) != 0))
			continue;
		n++;
		found = v;
		if (strlen(why) < sizeof(why) - 20) {
			strcat(why, " ");
			strcat(why, v->id);
		}
	}
	if (n == 0)
		ctl_error(r, 404,
		    id != NULL && *id != '\0' ? "no such invitation" :
						"no invitation");
	else if (n > 1)
		ctl_error(r, 400, why);
	return n == 1 ? found : NULL;
}

/* reply what=accept|decline|busy [invite=] [note=] */
void
invite_reply(struct agent *a, struct ctl_req *r)
{
	const char *what = line_get_or(r->line, "what", "");
	const char *note = line_get(r->line, "note");
	struct invitation *v;
	enum policy p;
	struct buf *b;

	if (policy_parse(what, strlen(what), &p) != 0 || p == ASK) {
		ctl_error(r, 400, "accept, decline or busy");
		return;
	}
	if ((v = pick(a, r)) == NULL)
		return;
	if (p == ACCEPT) {
		v->who = ctl_keep(r);
		v->replied = 1;
		accept_now(v);
		return;
	}
	answer(v, p == BUSY ? 486 : 603, note);
	b = ctl_ok_begin(r);
	line_put(b, "conf", v->conf);
	line_put(b, "invite", v->id);
	ctl_end(r);
	drop(v, p == BUSY ? "busy" : "declined", 0, NULL);
}

void
invites_init(struct agent *a)
{
	a->invites = agent_alloc(sizeof(*a->invites));
	TAILQ_INIT(&a->invites->rules);
	TAILQ_INIT(&a->invites->list);
}

void
invites_close(struct agent *a)
{
	struct invitation *v;

	while ((v = TAILQ_FIRST(&a->invites->list)) != NULL) {
		timer_cancel(&v->timer);
		TAILQ_REMOVE(&a->invites->list, v, entry);
		free(v->words);
		free(v);
	}
	rules_clear(a->invites);
	free(a->invites);
}
