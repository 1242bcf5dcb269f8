/*
 * lobby: who comes while it is locked, or while moderators let people in one
 * by one (S132).
 *
 *   state    on                     do                            next
 *   -        INVITE of who is new,  182; owner and moderators     LOBBY
 *            lobby=on               in it are told
 *   LOBBY    admit, lobby=off       goes on as join.c             done
 *            refuse                 603                           done
 *            CANCEL                 487                           done
 *            600 s                  408                           done
 *            it ends                404                           done
 *            his connection is lost -                             done
 *
 * Members with further devices and members that return are not new; owner
 * and moderators, who could open the door, pass it, and whom they invite.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"

#include "focus.h"
#include "policy.h"

#define WAIT_MS	    600000
#define LOBBY_MAX   100 /* who wait for one conference */
#define LOBBY_USER  8 /* of them, agents of one user */
#define NOTE_LOCKED "it is locked"
#define NOTE_FULL   "too many wait to be let in"

struct waiting {
	struct focus *f;
	uint64_t id;
	uint64_t conf;
	uint64_t txn;
	char user[URI_MAX];
	char instance[33];
	char via[12];
	struct offer offer;
	struct join_def def; /* points at what is above */
	struct timer deadline;
};

static void
waiting_free(struct waiting *w)
{
	timer_cancel(&w->deadline);
	map_del_u64(w->f->waitings, w->id);
	free(w);
}

/* The first of that user, or of anybody (NULL), who waits for c. */
static struct waiting *
waiting_of(const struct conference *c, const char *user)
{
	struct waiting *w;
	size_t i;

	for (i = 0; (w = map_next(c->focus->waitings, &i)) != NULL;)
		if (w->conf == c->row.id &&
		    (user == NULL || strcmp(w->user, user) == 0))
			return w;
	return NULL;
}

/* --- who waits, to the agents of owner and moderators --- */

/* All of them, each time: a line that was lost does not matter then. left:
 * who waits no longer, and does not come in; or NULL. */
static void
put_waiting(const struct conference *c, const char *left, struct buf *b)
{
	struct buf list = BUF_INIT;
	struct waiting *w;
	size_t i;

	for (i = 0; (w = map_next(c->focus->waitings, &i)) != NULL;)
		if (w->conf == c->row.id)
			buf_putf(&list, "%s%s", buf_len(&list) > 0 ? "," : "",
			    w->user);
	line_begin(b, "lobby");
	line_put(b, "waiting", buf_cstr(&list));
	line_put(b, "left", left);
	line_end(b);
	buf_free(&list);
}

static void
tell(struct member *m, const char *left)
{
	struct buf line = BUF_INIT;
	struct device *d;

	if (rank_of(m->conf, m->user) >= RANK_MODERATOR)
		put_waiting(m->conf, left, &line);
	else
		buf_put_str(&line, "lobby\twaiting=\n"); /* he was one */
	TAILQ_FOREACH(d, &m->own, own)
		device_tell(d, "sec-lobby", &line);
	buf_free(&line);
}

void
lobby_tell(struct member *m)
{
	if (m->conf->row.lobby)
		tell(m, NULL);
}

void
lobby_tell_all(struct conference *c)
{
	struct member *m;

	TAILQ_FOREACH(m, &c->member_list, entry)
		lobby_tell(m);
}

static void
tell_all(struct conference *c, const char *left)
{
	struct member *m;

	TAILQ_FOREACH(m, &c->member_list, entry)
		if (rank_of(c, m->user) >= RANK_MODERATOR)
			tell(m, left);
}

/* --- the end of waiting --- */

static void
answer(struct waiting *w, int status, const char *note)
{
	struct sip_txn *txn = sip_txn_find(w->f->s->sip, w->txn);
	struct sip_msg a;

	log_info("lobby.done", "user=%s status=%d", log_quote(w->user), status);
	if (txn == NULL)
		return;
	sip_msg_init(&a);
	a.status = status;
	a.note = note;
	sip_answer(txn, &a);
}

static void
waiting_refuse(struct waiting *w, int status)
{
	struct conference *c = conf_find_id(w->f, w->conf);

	char user[URI_MAX];

	text_copy(user, w->user, sizeof user);
	answer(w, status, NULL);
	waiting_free(w);
	if (c != NULL)
		tell_all(c, user);
}

static void
waiting_late(void *arg)
{
	waiting_refuse(arg, 408);
}

/* He comes in, unless he may not any more. */
static void
waiting_admit(struct waiting *w, struct conference *c)
{
	struct focus *f = w->f;

	map_del_u64(f->waitings, w->id); /* the join may end it all at once */
	if (!conf_may_join(c, w->user)) {
		answer(w, 403, NULL);
	} else {
		log_info("lobby.done", "user=%s status=200",
		    log_quote(w->user));
		w->def.conf = c;
		join_start(f, &w->def);
	}
	waiting_free(w);
}

/* All of that user, or (NULL) all: 1 if there was one. status 0: they come
 * in. */
static int
waitings_end(struct conference *c, const char *user, int status)
{
	struct focus *f = c->focus;
	uint64_t id = c->row.id;
	struct waiting *w;
	int n = 0;

	for (; (c = conf_find_id(f, id)) != NULL &&
	     (w = waiting_of(c, user)) != NULL;
	     n = 1)
		if (status == 0) {
			waiting_admit(w, c);
		} else {
			answer(w, status, NULL);
			waiting_free(w);
		}
	return n;
}

void
lobby_drop(struct conference *c, const char *user, int status)
{
	if (waitings_end(c, user, status) && !c->ending)
		tell_all(c, status != 0 ? user : NULL);
}

void
lobby_open(struct conference *c)
{
	if (!c->row.lobby)
		(void)waitings_end(c, NULL, 0);
}

void
lobby_cancelled(struct focus *f, struct sip_txn *txn)
{
	struct waiting *w = map_get_u64(f->waitings, sip_txn_cookie(txn));

	if (w != NULL && w->txn == sip_txn_id(txn))
		waiting_refuse(w, 487);
}

void
lobby_conn_down(struct focus *f, struct sip_conn *conn)
{
	struct sip_txn *txn;
	struct waiting *w;
	size_t i;

	for (i = 0; (w = map_next(f->waitings, &i)) != NULL;) {
		txn = sip_txn_find(f->s->sip, w->txn);
		if (txn != NULL && sip_txn_conn(txn) != conn)
			continue;
		waiting_refuse(w, 480);
	}
}

void
lobby_free(struct focus *f)
{
	struct waiting *w;
	size_t i;

	for (i = 0; (w = map_next(f->waitings, &i)) != NULL;)
		waiting_free(w);
	map_free(f->waitings);
}

/* --- at the door --- */

/* Have as many as may come to wait for c, or as one user may? */
static int
is_full(const struct conference *c, const char *user)
{
	unsigned all = 0, own = 0;
	struct waiting *w;
	size_t i;

	for (i = 0; (w = map_next(c->focus->waitings, &i)) != NULL;) {
		if (w->conf != c->row.id)
			continue;
		all++;
		own += strcmp(w->user, user) == 0;
	}
	return all >= LOBBY_MAX || own >= LOBBY_USER;
}

static void
wait_in(struct focus *f, struct sip_txn *txn, const struct join_def *def)
{
	struct conference *c = def->conf;
	struct waiting *w;

	if (is_full(c, def->user) || (w = calloc(1, sizeof *w)) == NULL) {
		policy_refuse(txn, 503, NOTE_FULL);
		return;
	}
	w->f = f;
	w->id = ++f->next_op;
	w->conf = c->row.id;
	w->txn = sip_txn_id(txn);
	w->def = *def;
	text_copy(w->user, def->user, sizeof w->user);
	text_copy(w->instance, def->instance, sizeof w->instance);
	text_copy(w->via, def->via, sizeof w->via);
	w->def.user = w->user;
	w->def.instance = w->instance;
	w->def.via = w->via;
	if (def->offer != NULL) {
		w->offer = *def->offer;
		w->def.offer = &w->offer;
	}
	timer_init(&w->deadline, f->s->loop, waiting_late, w);
	timer_set(&w->deadline, WAIT_MS);
	map_put_u64(f->waitings, w->id, w);
	sip_txn_set_cookie(txn, w->id);
	log_info("lobby", "conf=%s user=%s", log_quote(c->row.name),
	    log_quote(w->user));
	sip_answer_status(txn, 182);
	tell_all(c, NULL);
}

/* Is he new to it, and it takes nobody new, or not at once? */
static int
is_shut(struct conference *c, const char *user)
{
	return (c->row.locked || c->row.lobby) &&
	    conf_member(c, user) == NULL && rank_of(c, user) < RANK_MODERATOR;
}

/* Through what was spawned nobody comes past the door of that through which
 * he may: it, or NULL. */
static struct conference *
shut_parent(struct conference *c, const char *user)
{
	while (!conf_admits(c, user) && (c = c->parent) != NULL)
		if (is_shut(c, user))
			return c;
	return NULL;
}

int
lobby_holds(struct focus *f, struct sip_txn *txn, const struct join_def *def)
{
	struct conference *c = def->conf, *parent;
	char why[CONF_NAME + 32];

	if (conf_member(c, def->user) != NULL)
		return 0;
	if ((parent = shut_parent(c, def->user)) != NULL) {
		snprintf(why, sizeof why, "%s has to let you in first",
		    parent->row.name);
		policy_refuse(txn, 403, why);
		return 1;
	}
	if (!is_shut(c, def->user))
		return 0;
	if (c->row.locked)
		policy_refuse(txn, 403, NOTE_LOCKED);
	else
		wait_in(f, txn, def);
	return 1;
}

const char *
lobby_no_invite(struct conference *c, const char *by)
{
	if (c->row.locked)
		return NOTE_LOCKED;
	if (rank_of(c, by) >= RANK_MODERATOR)
		return NULL;
	if (c->row.lobby)
		return "only who lets people in may invite now";
	return c->row.invite_few ? "only moderators may invite now" : NULL;
}

/* --- the verbs --- */

/* Each of who=, who must be waiting: in (0), or away with a status. */
static int
let(struct conference *c, struct asker *by, const struct line *l, int status)
{
	const char *who = line_get_or(l, "who", ""), *p = who;
	struct uri u;

	do {
		if ((p = lists_next_user(c->focus, p, &u)) == NULL) {
			by->why = "who? a user, or several with commas";
			return 400;
		}
		if (waiting_of(c, u.full) == NULL) {
			snprintf(by->room, sizeof by->room,
			    "%.64s is not waiting", u.name);
			by->why = by->room;
			return 404;
		}
	} while (*p != '\0');
	for (p = who; *p != '\0';) {
		p = lists_next_user(c->focus, p, &u);
		lobby_drop(c, u.full, status);
	}
	return 200;
}

int
policy_admit(struct conference *c, struct asker *by, const struct line *l)
{
	return let(c, by, l, 0);
}

int
policy_refuse_entry(struct conference *c, struct asker *by,
    const struct line *l)
{
	return let(c, by, l, 603);
}

/* Nobody new, or whoever may again. */
static int
lock_set(struct conference *c, struct asker *by, int locked)
{
	struct focus *f = c->focus;
	struct conf_row before = c->row;

	if (c->row.locked == locked)
		return 200;
	c->row.locked = locked;
	if (commit_begin(f) != 0 || conf_update(f->s->db, &c->row) != 0) {
		c->row = before;
		return 503;
	}
	conf_changed(c, &before);
	if (locked)
		invites_end(c); /* who has not answered yet is new */
	deal_policy(c);
	log_info("conf.policy", "conf=%s user=%s locked=%d",
	    log_quote(c->row.name), log_quote(by->user), locked);
	return 200;
}

int
policy_lock(struct conference *c, struct asker *by, const struct line *l)
{
	(void)l;
	return lock_set(c, by, 1);
}

int
policy_unlock(struct conference *c, struct asker *by, const struct line *l)
{
	(void)l;
	return lock_set(c, by, 0);
}
