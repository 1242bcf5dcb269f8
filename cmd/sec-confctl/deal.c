/*
 * deal: conferences and members as media servers and sec-pal are told them
 * (S063, S099, S100, S105, S107). A deal is idempotent; after all of it one
 * `dealt`.
 */

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "wire/ids.h"
#include "wire/line.h"

#include "focus.h"

#define MAY_LINE 16384 /* bytes of users in a line */

struct buf *
deal_call(struct focus *f, int server, const char *verb, struct ctl_peer **p)
{
	if ((*p = links_wake(f->s->links, server)) == NULL)
		return NULL;
	return ctl_call(*p, verb);
}

void
deal_conference(struct conference *c, int server, struct buf *b)
{
	char media[64], lines[HISTORY_WORDS];

	conf_media(c, media, sizeof media);
	line_put(b, "conf", c->uri);
	line_put(b, "cid", c->cid);
	line_put(b, "name", c->row.name);
	line_put(b, "title", c->row.title);
	line_put(b, "access", c->row.access);
	line_put(b, "creator", c->row.owner);
	line_put_u64(b, "created", (uint64_t)c->row.created);
	line_put(b, "media", media);
	line_put(b, "persistent", c->row.persistent ? "1" : "0");
	line_put_u64(b, "streams", (uint64_t)c->row.streams);
	line_put(b, "select", c->row.select);
	line_put(b, "codec", c->row.codec);
	if (server == c->focus->pal) {
		line_put(b, "record", c->row.record ? "yes" : "no");
		line_put(b, "speak", c->row.speak);
		line_put(b, "lobby", c->row.lobby ? "on" : "off");
		line_put(b, "locked", c->row.locked ? "yes" : "no");
		line_put(b, "invite", c->row.invite_few ? "moderators" : "all");
		line_put(b, "directory", c->row.directory ? "yes" : "no");
		line_put(b, "level", c->row.level ? "on" : "off");
		line_put(b, "history", history_words(c, lines));
		line_put(b, "history_from", c->row.history_from);
		if (c->row.parent != 0)
			line_put(b, "parent",
			    c->parent != NULL ? c->parent->uri : "");
		lists_tell(c, LIST_WATCH, "watch", b);
	} else if (server == conf_server(c, "text"))
		line_put(b, "keep", c->row.history > 0 ? "yes" : "no");
	else if (server == conf_server(c, "voice"))
		line_put(b, "talk", c->talk ? "yes" : "no");
}

void
deal_put_marks(const struct conference *c, const char *user, struct buf *b)
{
	const struct member *m = conf_member(c, user);
	unsigned bits = conf_list_bits(c, user);

	line_put(b, "role", bits & LIST_MODERATOR ? "moderator" : "");
	line_put(b, "hand", bits & LIST_HAND ? "1" : "");
	line_put(b, "muted", bits & LIST_MUTE ? "1" : "");
	line_put(b, "floor", bits & LIST_FLOOR ? "1" : "");
	if (m != NULL && m->read > 0)
		line_put_u64(b, "read", m->read);
	else
		line_put(b, "read", "");
}

void
deal_join_fields(const struct device *d, struct buf *b, enum deal_to to)
{
	char q[Q_STRLEN];

	line_put(b, "conf", d->conf->uri);
	line_put(b, "cid", d->conf->cid);
	line_put(b, "user", d->member->user);
	line_put(b, "q", q_format(d->q, q));
	line_put(b, "medium", d->medium);
	line_put(b, "via", d->via);
	line_put_u64(b, "since", (uint64_t)d->member->since);
	if (to == DEAL_ROSTER) {
		deal_put_marks(d->conf, d->member->user, b);
		return;
	}
	line_put(b, "address", d->address);
	line_put(b, "speak", d->speaks ? "yes" : "no");
	if (device_is_voice(d))
		line_put(b, "hold", d->hold ? "on" : "off");
	if (d->hop != NULL && to == DEAL_KEY) {
		line_put_bytes(b, "hopkey", secret_data(d->hop),
		    secret_size(d->hop));
		line_put_u64(b, "hopid", d->hopid);
	}
}

/* Calls whose answer changes nothing. */
static void
deal_done(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	(void)ctx;
	if (reply == NULL || strcmp(reply->verb, "error") == 0)
		log_warn("deal.refused", "server=%d status=%d", (int)cookie,
		    ctl_reply_status(reply, err));
}

/* Who does this to him, unless he does so himself, or nobody. */
static const char *
deal_by(const struct focus *f, const char *user)
{
	return f->by != NULL && strcmp(f->by, user) != 0 ? f->by : NULL;
}

/* reason: a status, 0: none. */
static void
member_line(struct conference *c, const char *user, const char *status,
    int reason)
{
	struct focus *f = c->focus;
	struct ctl_peer *p;
	struct buf *b;

	if ((b = deal_call(f, f->pal, "member", &p)) == NULL)
		return; /* dealt again when it is back */
	line_put(b, "conf", c->uri);
	line_put(b, "user", user);
	line_put(b, "status", status);
	if (reason != 0)
		line_putf(b, "reason", "%d", reason);
	deal_put_marks(c, user, b);
	line_put(b, "by", deal_by(f, user));
	ctl_call_end(p, LINK_DEADLINE, deal_done, f, (uint64_t)f->pal);
}

void
deal_member(struct conference *c, const char *user, const char *status)
{
	member_line(c, user, status, 0);
}

void
deal_refused(struct conference *c, const char *user, int status)
{
	member_line(c, user, "left", status);
}

void
deal_marks(struct member *m)
{
	deal_member(m->conf, m->user, m->told);
}

void
deal_leave(struct conference *c, uint32_t q, int server)
{
	struct focus *f = c->focus;
	int to[2] = { server, f->pal }, i;
	const struct device *d;
	struct ctl_peer *p;
	char text[Q_STRLEN];
	struct buf *b;

	for (i = 0; i < 2; i++) {
		if (to[i] == 0 ||
		    (b = deal_call(f, to[i], "leave", &p)) == NULL)
			continue;
		line_put(b, "conf", c->uri);
		line_put(b, "q", q_format(q, text));
		if (to[i] == f->pal && (d = conf_device(c, q)) != NULL)
			line_put(b, "by", deal_by(f, d->member->user));
		ctl_call_end(p, LINK_DEADLINE, deal_done, f, (uint64_t)to[i]);
	}
}

void
deal_end_at(struct conference *c, int server)
{
	struct focus *f = c->focus;
	struct ctl_peer *p;
	struct buf *b;

	if (!links_is_up(f->s->links, server) ||
	    (b = deal_call(f, server, "end", &p)) == NULL)
		return;
	line_put(b, "conf", c->uri);
	ctl_call_end(p, LINK_DEADLINE, deal_done, f, (uint64_t)server);
}

void
deal_room(struct conference *c, int server)
{
	struct ctl_peer *p;
	struct buf *b;

	if ((b = deal_call(c->focus, server, "conference", &p)) == NULL)
		return;
	deal_conference(c, server, b);
	ctl_call_end(p, LINK_DEADLINE, deal_done, c->focus, (uint64_t)server);
}

void
deal_roster(struct device *d)
{
	struct focus *f = d->conf->focus;
	struct ctl_peer *p;
	struct buf *b;

	if ((b = deal_call(f, f->pal, "join", &p)) == NULL)
		return; /* dealt again when it is back */
	deal_join_fields(d, b, DEAL_ROSTER);
	ctl_call_end(p, LINK_DEADLINE, deal_done, f, (uint64_t)f->pal);
	d->member->told = "active";
}

static void
deal_policy_to(struct conference *c, int server)
{
	struct focus *f = c->focus;
	struct ctl_peer *p;
	struct buf *b;

	if (!links_is_up(f->s->links, server) ||
	    (b = deal_call(f, server, "policy", &p)) == NULL)
		return; /* dealt with the conference when it is back */
	deal_conference(c, server, b);
	if (server == f->pal)
		line_put(b, "by", f->by);
	ctl_call_end(p, LINK_DEADLINE, deal_done, f, (uint64_t)server);
}

void
deal_policy(struct conference *c)
{
	int i;

	for (i = 0; i < c->nmedia; i++)
		deal_policy_to(c, c->media[i].server);
	deal_policy_to(c, c->focus->pal);
}

void
deal_talk(struct conference *c, int wanted)
{
	if (c->talk == wanted)
		return;
	c->talk = wanted;
	if (conf_server(c, "voice") != 0)
		deal_policy_to(c, conf_server(c, "voice"));
}

/* Something of a device is on or off now, at its media server: 1 if that is
 * told. */
static int
deal_switch(const struct device *d, const char *verb, int on, ctl_reply_h cb,
    uint64_t cookie)
{
	struct focus *f = d->conf->focus;
	struct ctl_peer *p;
	char q[Q_STRLEN];
	struct buf *b;

	if (!links_is_up(f->s->links, d->server) ||
	    (b = deal_call(f, d->server, verb, &p)) == NULL)
		return 0; /* dealt with the device when it is back */
	line_put(b, "conf", d->conf->uri);
	line_put(b, "q", q_format(d->q, q));
	line_put(b, "on", on ? "on" : "off");
	return ctl_call_end(p, LINK_DEADLINE, cb, f, cookie) != 0;
}

void
deal_hold(const struct device *d)
{
	(void)deal_switch(d, "hold", d->hold, deal_done, (uint64_t)d->server);
}

static void
speak_dealt(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	if (reply == NULL || strcmp(reply->verb, "error") == 0)
		log_warn("deal.refused", "verb=speak status=%d",
		    ctl_reply_status(reply, err));
	policy_dealt(ctx, cookie, reply == NULL ? err : 0);
}

void
deal_speak(const struct device *d)
{
	struct focus *f = d->conf->focus;

	if (deal_switch(d, "speak", d->speaks, speak_dealt, f->answering.id) &&
	    f->answering.id != 0)
		f->answering.open++;
}

void
deal_end(struct conference *c)
{
	int i;

	for (i = 0; i < c->nmedia; i++)
		deal_end_at(c, c->media[i].server);
	deal_end_at(c, c->focus->pal);
}

/* --- a media server is back, or new --- */

/* Its server has no place for it, or does not answer: its device knows that it
 * hears nothing, and it is tried again. */
static void
device_refused(struct device *d, int status)
{
	log_warn("deal.refused", "conf=%s user=%s q=%u.%u server=%d status=%d",
	    log_quote(d->conf->row.name), log_quote(d->member->user),
	    q_server(d->q), d->q & 0xffffff, d->server, status);
	d->undealt = 1;
	if (!d->cut)
		epoch_tell_cut(d);
	if (!timer_is_set(&d->conf->again))
		timer_set(&d->conf->again, AGAIN_MS);
}

static void
joined_again(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	struct device *d = device_of(ctx, cookie);

	if (d == NULL || (reply != NULL && strcmp(reply->verb, "row") == 0))
		return;
	if (reply != NULL && strcmp(reply->verb, "ok") == 0) {
		d->undealt = 0;
		if (d->cut || d->stale)
			epoch_tell_wrap(d);
	} else if (links_is_up(d->conf->focus->s->links, d->server))
		device_refused(d, ctl_reply_status(reply, err));
}

static void
rejoin_answered(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	struct focus *f = ctx;
	struct ctl_peer *p;
	struct device *d;
	struct buf *b;

	if ((d = device_of(f, cookie)) == NULL)
		return;
	if (reply == NULL || strcmp(reply->verb, "error") != 0 ||
	    ctl_reply_status(reply, err) != 404) {
		joined_again(ctx, cookie, err, reply);
		return;
	}
	/* Neither we nor the server hold its hop key: a new one, which the
	 * device learns by a wrap (SECURITY.md 3.5). An MCU that has none was
	 * restarted: it has no replay windows either, so it never gets the
	 * one of before. */
	if (d->hop != NULL && !device_is_voice(d))
		return;
	device_new_hop(d);
	if ((b = deal_call(f, d->server, "join", &p)) != NULL) {
		deal_join_fields(d, b, DEAL_KEY);
		d->undealt = 1; /* until it says ok */
		ctl_call_end(p, LINK_DEADLINE, joined_again, f, d->number);
	}
	if (device_is_voice(d))
		epoch_fresh(d->conf, d->server);
	epoch_tell_wrap(d);
}

void
deal_dealt(struct conference *c, int server)
{
	struct ctl_peer *p = links_peer(c->focus->s->links, server);
	struct buf *b;

	if (p == NULL)
		return;
	b = ctl_event(p, "dealt");
	line_put(b, "conf", c->uri);
	ctl_event_end(p);
}

/* A line of them; none: nothing. */
static void
deal_may(struct conference *c, const char *field, struct buf *users)
{
	struct ctl_peer *p = links_peer(c->focus->s->links, c->focus->pal);
	struct buf *b;

	if (buf_len(users) > 0 && p != NULL) {
		b = ctl_event(p, "may");
		line_put(b, "conf", c->uri);
		line_put(b, field, buf_cstr(users));
		ctl_event_end(p);
	}
	buf_reset(users);
}

/* Who may join by name, as sec-pal shows it to them: those invited once and
 * those allowed; and who is blocked. Many in a line: there may be thousands.
 * Who is asked now is dealt after that. */
static void
deal_lists(struct conference *c)
{
	static const struct {
		enum list_bit bit;
		const char *field;
	} lists[] = {
		{ LIST_INVITED, "users" },
		{ LIST_ALLOW, "allowed" },
		{ LIST_BLOCK, "barred" },
	};
	struct buf users = BUF_INIT;
	const char *user;
	unsigned bits;
	size_t i, k;

	for (k = 0; k < sizeof lists / sizeof lists[0]; k++) {
		for (i = 0; (user = conf_list_next(c, &i, &bits)) != NULL;) {
			if (!(bits & lists[k].bit))
				continue;
			buf_putf(&users, "%s%s", buf_len(&users) > 0 ? "," : "",
			    user);
			if (buf_len(&users) > MAY_LINE)
				deal_may(c, lists[k].field, &users);
		}
		deal_may(c, lists[k].field, &users);
	}
	buf_free(&users);
}

void
deal_all(struct conference *c, int number, int moved)
{
	struct focus *f = c->focus;
	struct member *m;
	struct device *d;
	struct ctl_peer *p;
	struct buf *b;

	if ((b = deal_call(f, number, "conference", &p)) == NULL)
		return;
	deal_conference(c, number, b);
	ctl_call_end(p, LINK_DEADLINE, deal_done, f, (uint64_t)number);
	TAILQ_FOREACH(d, &c->device_list, entry) {
		if (number != f->pal && d->server != number)
			continue;
		b = ctl_call(p, "join");
		deal_join_fields(d, b,
		    number == f->pal		     ? DEAL_ROSTER :
			device_is_voice(d) && !moved ? DEAL_HELD :
						       DEAL_KEY);
		if (number == f->pal)
			ctl_call_end(p, LINK_DEADLINE, deal_done, f,
			    (uint64_t)number);
		else
			ctl_call_end(p, LINK_DEADLINE, rejoin_answered, f,
			    d->number);
	}
	if (number == f->pal) {
		TAILQ_FOREACH(m, &c->member_list, entry) {
			m->told = "active";
			member_tell(m);
		}
		deal_lists(c);
		invites_deal(c);
	}
	deal_dealt(c, number);
}

int
conf_is_at(const struct conference *c, int number)
{
	int i;

	for (i = 0; i < c->nmedia; i++)
		if (c->media[i].server == number)
			return 1;
	return 0;
}

void
deal_link_up(struct focus *f, int number)
{
	struct ctl_peer *p = links_peer(f->s->links, number);
	struct conference *c;
	size_t i;

	move_off(f, number);
	if (p == NULL)
		return;
	if (f->capacity[number & 255] < 0)
		f->capacity[number & 255] = 1;
	f->up_of[number & 255] = ++f->ups;
	for (i = 0; (c = map_next(f->confs, &i)) != NULL;) {
		/* It says again what it wants, and the router whatever is
		 * wanted anew. */
		if (number == f->pal)
			deal_talk(c, 0);
		if (number == f->pal || conf_is_at(c, number))
			deal_all(c, number, 0);
	}
	ctl_event(p, "dealt");
	ctl_event_end(p);
}
