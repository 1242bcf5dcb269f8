/*
 * What tools ask for over the control socket (sec-control(7)): names as
 * typed come in, URIs go out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/event.h"

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
	tool_absent(a, r, &u);
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
	create_invite(ctx, r);
}

static void
on_cancel_verb(void *ctx, struct ctl_req *r)
{
	create_cancel(ctx, r);
}

/* join conf= [hold=1] */
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
	if (c->state == CONF_OPEN) {
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
		tool_absent(a, r, &u);
		return;
	}
	v = agent_alloc(sizeof(*v));
	v->a = a;
	v->who = ctl_keep(r);
	text_copy(v->conf, u.full, sizeof(v->conf));
	v->open = conf_bye(c, on_bye_answer, v, 0);
	left(v);
}

/* --- the end of a conference --- */

struct ending {
	struct agent *a;
	struct ctl_handle who;
	struct uri conf;
};

static void
on_end_answer(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct ending *e = ctx;
	struct ctl_req r;
	char why[160];

	(void)cookie;
	if (ctl_again(e->a->ctl, e->who, &r) != 0)
		goto out;
	if (answer->status / 100 == 2) {
		line_put(ctl_ok_begin(&r), "conf", e->conf.full);
		ctl_end(&r);
		goto out;
	}
	snprintf(why, sizeof(why),
	    answer->status == 403     ? "only its creator may end %s" :
		answer->status == 404 ? "%s: no such conference" :
					"%s: not ended",
	    e->conf.name);
	ctl_error(&r, answer->status, why);
out:
	free(e);
}

/* end conf= */
static void
on_end(void *ctx, struct ctl_req *r)
{
	static const char body[] = "end\n";
	struct agent *a = ctx;
	struct ending *e;
	struct sip_msg m;
	struct uri u;

	if (tool_conf(a, r, &u) != 0)
		return;
	e = agent_alloc(sizeof(*e));
	e->a = a;
	e->who = ctl_keep(r);
	e->conf = u;
	sip_msg_init(&m);
	m.method = "PUBLISH";
	m.uri = m.to = u.full;
	m.from = a->uri;
	m.event = EVENT_CONFERENCE;
	m.content_type = EVENT_LINE_TYPE;
	m.body = body;
	m.bodylen = sizeof(body) - 1;
	if (flow_request(a->session.confctl, &m, SHORT_MS, on_end_answer, e,
		0) != 0)
		return;
	ctl_error(r, 503, "controller unreachable");
	free(e);
}

/* --- list and show --- */

static void
conf_row(struct ctl_req *r, struct conf_in *c)
{
	struct buf *b = ctl_row(r);

	line_put(b, "conf", c->uri);
	line_put(b, "name", c->name);
	line_put(b, "title", c->title);
	line_put(b, "media", c->media);
	line_putf(b, "in", "%zu", conf_count_in(c));
	line_put(b, "creator", c->creator);
	line_putf(b, "since", "%lld", (long long)c->created);
	line_put(b, "access", c->access);
	line_put(b, "member", "1");
	line_putf(b, "persistent", "%d", c->persistent);
	if (strcmp(mix_focus(c->a), c->uri) == 0)
		line_put(b, "focus", "1");
	ctl_end(r);
}

static void
mine(struct agent *a, struct ctl_req *r)
{
	struct conf_in *c;
	size_t i = 0;

	while ((c = conf_next(a, &i)) != NULL)
		if (c->state == CONF_OPEN)
			conf_row(r, c);
}

/* A fetch from sec-pal for a tool: the list of conferences, page by page,
 * the roster of one, or only whether it is known. */
enum fetch_what { FETCH_LIST, FETCH_ONE, FETCH_KNOWN };

struct fetching {
	struct agent *a;
	struct ctl_handle who;
	enum fetch_what what;
	int tries;
	char to[URI_MAX], name[128];
	char after[URI_MAX]; /* the last of the page before */
	struct timer again;
};

static void fetch(struct fetching *f);

static void
fetch_free(struct fetching *f)
{
	timer_cancel(&f->again);
	free(f);
}

static void
others(struct fetching *f, struct ctl_req *r, const struct pal_doc *d)
{
	static const char *const names[] = { "title", "media", "in", "creator",
		"since", "access", "persistent" };
	const struct pal_entry *e;
	struct uri u;
	struct buf *b;
	size_t i, k;

	for (i = 0; i < d->n; i++) {
		e = &d->entry[i];
		if (conf_find(f->a, e->uri) != NULL ||
		    uri_parse(&u, e->uri, f->a->conf.domain) != 0)
			continue;
		b = ctl_row(r);
		line_put(b, "conf", e->uri);
		line_put(b, "name", u.name);
		for (k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			line_put(b, names[k], pal_entry_attr(e, names[k]));
		line_put(b, "member", "0");
		ctl_end(r);
	}
}

static void
one(struct fetching *f, struct ctl_req *r, const struct pal_doc *d)
{
	static const char *const names[] = { "name", "cid", "title", "media",
		"access", "creator", "persistent", "codec", "streams", "select",
		"level" };
	const char *since = pal_doc_attr(d, "since");
	const struct pal_entry **e;
	struct buf *b;
	size_t i;

	b = ctl_row(r);
	line_put(b, "what", "conf");
	line_put(b, "conf", f->to);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		line_put(b, names[i], pal_doc_attr(d, names[i]));
	line_put(b, "created", since);
	line_put(b, "state", "open");
	ctl_end(r);
	e = agent_alloc((d->n + 1) * sizeof(*e));
	for (i = 0; i < d->n; i++)
		e[i] = &d->entry[i];
	conf_member_rows(r, e, d->n);
	free(e);
}

static void
fetch_refused(struct fetching *f, struct ctl_req *r,
    const struct sip_msg *answer)
{
	int status = answer->status;
	char why[400];

	if (f->what == FETCH_KNOWN && status != 404)
		status = 403;
	snprintf(why, sizeof(why), "%s: no such conference", f->name);
	if (status == 403 && f->what == FETCH_ONE && answer->note != NULL)
		snprintf(why, sizeof(why), "%s: %.200s", f->name, answer->note);
	else if (status == 403)
		snprintf(why, sizeof(why), "you are not in %s", f->name);
	ctl_error(r, status, status == 403 || status == 404 ? why : NULL);
}

/* A page of the list: 1 if another follows. */
static int
page(struct fetching *f, struct ctl_req *r, const struct pal_doc *d)
{
	const char *next = pal_doc_attr(d, "next");

	others(f, r, d);
	if (next == NULL || strcmp(next, f->after) <= 0)
		return 0;
	text_copy(f->after, next, sizeof(f->after));
	return 1;
}

static void
on_fetched(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct fetching *f = ctx;
	struct ctl_req r;
	struct pal_doc d;

	(void)cookie;
	if (answer->status == 503 && answer->retry_after >= 0 &&
	    f->tries++ < 50) {
		timer_set(&f->again, 100);
		return;
	}
	if (ctl_again(f->a->ctl, f->who, &r) != 0)
		goto out;
	if (answer->status / 100 != 2 || f->what == FETCH_KNOWN) {
		fetch_refused(f, &r, answer);
		goto out;
	}
	if (pal_doc_decode(&d, answer->body, answer->bodylen) != 0) {
		ctl_error(&r, 400, "the PAL manager's answer is malformed");
		goto out;
	}
	if (f->what == FETCH_LIST && page(f, &r, &d)) {
		pal_doc_free(&d);
		f->tries = 0;
		fetch(f);
		return;
	}
	if (f->what == FETCH_ONE)
		one(f, &r, &d);
	pal_doc_free(&d);
	ctl_ok(&r);
out:
	fetch_free(f);
}

static void
fetch(struct fetching *f)
{
	struct agent *a = f->a;
	struct buf body = BUF_INIT;
	char contact[URI_MAX];
	struct sip_msg m;
	struct ctl_req r;
	uint64_t sent;

	sip_msg_init(&m);
	m.method = "SUBSCRIBE";
	m.uri = m.to = f->to;
	m.from = a->uri;
	m.event = EVENT_CONFERENCE;
	m.expires = 0;
	m.contact = flow_contact(a->session.pal, a->uri, contact);
	if (f->after[0] != '\0') {
		line_begin(&body, "list");
		line_put(&body, "after", f->after);
		line_end(&body);
		m.content_type = EVENT_LINE_TYPE;
		m.body = buf_data(&body);
		m.bodylen = buf_len(&body);
	}
	sent = flow_request(a->session.pal, &m, SHORT_MS, on_fetched, f, 0);
	buf_free(&body);
	if (sent != 0)
		return;
	if (ctl_again(a->ctl, f->who, &r) == 0)
		ctl_error(&r, 503, "PAL manager unreachable");
	fetch_free(f);
}

static void
on_fetch_again(void *arg)
{
	fetch(arg);
}

static void
fetch_start(struct agent *a, struct ctl_req *r, enum fetch_what what,
    const char *to, const char *name)
{
	struct fetching *f = agent_alloc(sizeof(*f));

	f->a = a;
	f->who = ctl_keep(r);
	f->what = what;
	text_copy(f->to, to, sizeof(f->to));
	text_copy(f->name, name, sizeof(f->name));
	timer_init(&f->again, a->loop, on_fetch_again, f);
	fetch(f);
}

void
tool_absent(struct agent *a, struct ctl_req *r, const struct uri *conf)
{
	fetch_start(a, r, FETCH_KNOWN, conf->full, conf->name);
}

/* list [all=1] */
static void
on_list(void *ctx, struct ctl_req *r)
{
	struct agent *a = ctx;
	char factory[URI_MAX];

	mine(a, r);
	if (strcmp(line_get_or(r->line, "all", "0"), "1") != 0) {
		ctl_ok(r);
		return;
	}
	fetch_start(a, r, FETCH_LIST, uri_factory(factory, a->conf.domain), "");
}

static void
on_show(void *ctx, struct ctl_req *r)
{
	struct agent *a = ctx;
	struct conf_in *c;
	struct uri u;

	if (tool_conf(a, r, &u) != 0)
		return;
	c = conf_find(a, u.full);
	if (c != NULL && c->state == CONF_OPEN)
		fresh_show(c, r);
	else
		fetch_start(a, r, FETCH_ONE, u.full, u.name);
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
	{ "cancel", CTL_SAME, on_cancel_verb },
	{ "join", CTL_SAME, on_join },
	{ "leave", CTL_SAME, on_leave },
	{ "end", CTL_SAME, on_end },
	{ "list", CTL_SAME, on_list },
	{ "show", CTL_SAME, on_show },
	{ "invites", CTL_SAME, on_invites },
	{ "reply", CTL_SAME, on_reply },
	{ "policy", CTL_SAME, on_policy },
	{ "say", CTL_SAME, on_say },
	{ "listen", CTL_SAME, on_listen },
	{ "attach", CTL_SAME, on_attach },
	{ "events", CTL_SAME, on_events },
	{ "last", CTL_SAME, on_last },
	{ "renew", CTL_SAME, on_renew },
	{ "bye", CTL_SAME, on_verb_bye },
	{ NULL, 0, NULL },
};
