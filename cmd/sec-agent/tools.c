/*
 * What tools ask for over the control socket (sec-control(7)): names as
 * typed come in, URIs go out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "base/err.h"
#include "base/text.h"
#include "voice.h"

/* The one in focus, else the only one; or the list of them in *why. */
static struct conf_in *
only_conf(struct agent *a, char *why, size_t n)
{
	struct conf_in *c, *found = NULL;
	size_t i = 0, len;
	int many = 0;

	if ((c = conf_find(a, mix_focus(a))) != NULL && c->state == CONF_OPEN)
		return c;
	snprintf(why, n, "in several conferences; name one:");
	while ((c = conf_next(a, &i)) != NULL) {
		if (c->state != CONF_OPEN)
			continue;
		many += found != NULL;
		found = c;
		len = strlen(why);
		snprintf(why + len, n - len, " %s", c->name);
	}
	if (found == NULL)
		snprintf(why, n, "in no conference; name one");
	return many ? NULL : found;
}

/* `.`, `standup`, `conf:standup`, `sip:standup@conf.D` */
int
tool_conf(struct agent *a, struct ctl_req *r, struct uri *u)
{
	const char *s = line_get(r->line, "conf");
	struct conf_in *c;
	char why[512];

	if (s == NULL || strcmp(s, ".") == 0) {
		if ((c = only_conf(a, why, sizeof(why))) == NULL) {
			ctl_error(r, 400, why);
			return SEC_ERR_USAGE;
		}
		s = c->uri;
	}
	if (uri_from_name(u, s, a->conf.domain, 1) != 0 ||
	    u->kind != URI_CONF) {
		snprintf(why, sizeof(why), "%.200s is no conference", s);
		ctl_error(r, 404, why);
		return SEC_ERR_NOTHING;
	}
	return 0;
}

struct conf_in *
tool_my_conf(struct agent *a, struct ctl_req *r)
{
	struct conf_in *c;
	struct uri u;

	if (tool_conf(a, r, &u) != 0)
		return NULL;
	c = conf_find(a, u.full);
	if (c != NULL && c->state == CONF_OPEN)
		return c;
	show_absent(a, r, &u);
	return NULL;
}

static void
on_status(void *ctx, struct ctl_req *r)
{
	struct agent *a = ctx;
	struct buf *b;

	b = ctl_ok_begin(r);
	line_put(b, "user", a->uri);
	line_put(b, "principal", a->session.principal);
	line_put(b, "domain", a->conf.domain);
	line_put(b, "realm", a->session.realm);
	line_put(b, "status", a->presence.status);
	line_put(b, "class", a->presence.class_word);
	line_put(b, "note", a->presence.note);
	line_putf(b, "until", "%lld", (long long)a->session.until);
	line_putf(b, "confs", "%zu", confs_count(a));
	line_putf(b, "pid", "%d", (int)getpid());
	line_put(b, "pal", a->session.pal_seen ? "up" : "down");
	line_put(b, "controller", a->session.confctl_seen ? "up" : "down");
	line_put(b, "ring", events_ring(a));
	line_put_u64(b, "seq", events_last(a));
	line_put(b, "policy", invite_policy_text(a));
	ctl_end(r);
}

static void
on_set(void *ctx, struct ctl_req *r)
{
	/* `set value=` is my status, `set conf=` a conference. */
	if (line_get(r->line, "conf") != NULL)
		change_start(ctx, r);
	else
		presence_set(ctx, r);
}

static void
on_dir(void *ctx, struct ctl_req *r)
{
	dir_start(ctx, r);
}

static void
on_create(void *ctx, struct ctl_req *r)
{
	create_start(ctx, r);
}

static void
on_invite_verb(void *ctx, struct ctl_req *r)
{
	inviting_start(ctx, r);
}

static void
on_spawn(void *ctx, struct ctl_req *r)
{
	create_spawn(ctx, r);
}

static void
on_cancel_verb(void *ctx, struct ctl_req *r)
{
	inviting_cancel(ctx, r);
}

/* join conf= [hold=1 | alone=1] */
static void
on_join(void *ctx, struct ctl_req *r)
{
	struct agent *a = ctx;
	struct conf_in *c;
	struct waiter w;
	struct uri u;
	struct buf *b;
	int hold, fresh;

	if (tool_conf(a, r, &u) != 0)
		return;
	hold = strcmp(line_get_or(r->line, "hold", "0"), "1") == 0;
	c = conf_find(a, u.full);
	fresh = c == NULL;
	if (fresh) {
		c = conf_new(a, u.full);
		c->temporary = hold;
	}
	if (hold)
		conf_hold(c, ctl_peer_id(r->peer));
	else
		c->temporary = 0; /* joined by name: it stays */
	if (c->state == CONF_OPEN && !conf_ask_sure(c)) {
		b = ctl_ok_begin(r);
		line_put(b, "conf", c->uri);
		line_put(b, "name", c->name);
		line_put(b, "media", c->media);
		line_put(b, "joined", "0");
		ctl_end(r);
		return;
	}
	memset(&w, 0, sizeof(w));
	w.who = ctl_keep(r);
	w.joined = fresh;
	w.children = c->state != CONF_OPEN && !hold &&
	    strcmp(line_get_or(r->line, "alone", "0"), "1") != 0;
	conf_wait(c, &w);
	if (fresh)
		conf_invite(c);
}

/* --- leave --- */

struct leaving {
	struct agent *a;
	struct ctl_handle who;
	char conf[URI_MAX]; /* "": all */
	int open;
};

static void
left(struct leaving *v)
{
	struct ctl_req r;

	if (v->open > 0)
		return;
	if (ctl_again(v->a->ctl, v->who, &r) == 0) {
		line_put(ctl_ok_begin(&r), "conf",
		    v->conf[0] != '\0' ? v->conf : NULL);
		ctl_end(&r);
	}
	free(v);
}

static void
on_bye_answer(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct leaving *v = ctx;

	(void)cookie;
	(void)answer;
	v->open--;
	left(v);
}

/* leave conf= | all=1 */
static void
on_leave(void *ctx, struct ctl_req *r)
{
	struct agent *a = ctx;
	struct leaving *v;
	struct conf_in *c;
	struct uri u;
	size_t i = 0;

	if (strcmp(line_get_or(r->line, "all", "0"), "1") == 0) {
		v = agent_alloc(sizeof(*v));
		v->a = a;
		v->who = ctl_keep(r);
		while ((c = conf_next(a, &i)) != NULL) {
			line_put(ctl_row(r), "conf", c->uri);
			ctl_end(r);
			v->open += conf_bye(c, on_bye_answer, v, 0);
		}
		left(v);
		return;
	}
	if (tool_conf(a, r, &u) != 0)
		return;
	if ((c = conf_find(a, u.full)) == NULL) {
		show_absent(a, r, &u);
		return;
	}
	v = agent_alloc(sizeof(*v));
	v->a = a;
	v->who = ctl_keep(r);
	text_copy(v->conf, u.full, sizeof(v->conf));
	v->open = conf_bye(c, on_bye_answer, v, 0);
	left(v);
}

/* What the controller does: the line goes to it. */
static void
on_order(void *ctx, struct ctl_req *r)
{
	order_start(ctx, r);
}

static void
on_mute(void *ctx, struct ctl_req *r)
{
	/* `mute who=` is for who is in it, `mute what=` for my own ears. */
	if (line_get(r->line, "who") != NULL)
		order_start(ctx, r);
	else
		mix_mute(ctx, r);
}

/* --- invitations --- */

static void
on_invites(void *ctx, struct ctl_req *r)
{
	invites_rows(ctx, r);
}

static void
on_reply(void *ctx, struct ctl_req *r)
{
	invite_reply(ctx, r);
}

static void
on_policy(void *ctx, struct ctl_req *r)
{
	invite_policy(ctx, r);
}

/* --- text --- */

/* say conf= text= [to=USER] */
static void
on_say(void *ctx, struct ctl_req *r)
{
	struct agent *a = ctx;
	const char *text = line_get(r->line, "text");
	const char *to = line_get(r->line, "to");
	char why[400], name[160];
	struct conf_in *c;
	struct uri u;
	uint32_t q = 0;

	if ((c = tool_my_conf(a, r)) == NULL)
		return;
	if (text == NULL) {
		ctl_error(r, 400, "say what?");
		return;
	}
	if (c->text == NULL) {
		ctl_error(r, 488, "no text in this conference");
		return;
	}
	if (to != NULL && *to != '\0') {
		if (uri_from_name(&u, to, a->conf.domain, 0) == 0) {
			q = conf_q_of(c, u.full);
			to = uri_short(name, u.full, a->conf.domain, 0);
		}
		if (q == 0) {
			snprintf(why, sizeof(why), "%.200s is not in %s", to,
			    c->name);
			ctl_error(r, 404, why);
			return;
		}
	}
	text_say(c->text, r, text, q);
}

static void
on_history(void *ctx, struct ctl_req *r)
{
	history_start(ctx, r);
}

static void
on_listen(void *ctx, struct ctl_req *r)
{
	struct conf_in *c;

	if ((c = tool_my_conf(ctx, r)) != NULL)
		conf_listen(c, r);
}

/* --- events and the session --- */

static void
on_attach(void *ctx, struct ctl_req *r)
{
	voice_attach(ctx, r);
}

static void
on_events(void *ctx, struct ctl_req *r)
{
	events_follow(ctx, r);
}

static void
on_last(void *ctx, struct ctl_req *r)
{
	struct agent *a = ctx;
	struct buf *b = ctl_ok_begin(r);

	line_put(b, "ring", events_ring(a));
	line_put_u64(b, "seq", events_last(a));
	ctl_end(r);
}

static void
on_verb_bye(void *ctx, struct ctl_req *r)
{
	ctl_ok(r);
	session_end(ctx, "logged out");
}

static void
on_renew(void *ctx, struct ctl_req *r)
{
	struct ctl_handle who = ctl_keep(r);

	ticket_renew(ctx, &who);
}

const struct ctl_verb tool_verbs[] = {
	{ "status", CTL_SAME, on_status },
	{ "set", CTL_SAME, on_set },
	{ "dir", CTL_SAME, on_dir },
	{ "create", CTL_SAME, on_create },
	{ "invite", CTL_SAME, on_invite_verb },
	{ "spawn", CTL_SAME, on_spawn },
	{ "cancel", CTL_SAME, on_cancel_verb },
	{ "join", CTL_SAME, on_join },
	{ "leave", CTL_SAME, on_leave },
	{ "end", CTL_SAME, on_order },
	{ "rekey", CTL_SAME, on_order },
	{ "lists", CTL_SAME, on_order },
	{ "to", CTL_SAME, on_order },
	{ "allow", CTL_SAME, on_order },
	{ "unallow", CTL_SAME, on_order },
	{ "block", CTL_SAME, on_order },
	{ "unblock", CTL_SAME, on_order },
	{ "kick", CTL_SAME, on_order },
	{ "mute", CTL_SAME, on_mute },
	{ "unmute", CTL_SAME, on_order },
	{ "raise", CTL_SAME, on_order },
	{ "lower", CTL_SAME, on_order },
	{ "lock", CTL_SAME, on_order },
	{ "unlock", CTL_SAME, on_order },
	{ "admit", CTL_SAME, on_order },
	{ "refuse", CTL_SAME, on_order },
	{ "files", CTL_SAME, on_order },
	{ "detach", CTL_SAME, on_order },
	{ "invites", CTL_SAME, on_invites },
	{ "reply", CTL_SAME, on_reply },
	{ "policy", CTL_SAME, on_policy },
	{ "say", CTL_SAME, on_say },
	{ "listen", CTL_SAME, on_listen },
	{ "history", CTL_SAME, on_history },
	{ "read", CTL_SAME, on_order },
	{ "attach", CTL_SAME, on_attach },
	{ "events", CTL_SAME, on_events },
	{ "last", CTL_SAME, on_last },
	{ "renew", CTL_SAME, on_renew },
	{ "bye", CTL_SAME, on_verb_bye },
	{ NULL, 0, NULL },
};
