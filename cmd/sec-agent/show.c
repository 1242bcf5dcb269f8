/*
 * `list` and `show`: the conferences that I am in are known here; of others
 * sec-pal is asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/text.h"
#include "sip/event.h"

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
		"access", "creator", "parent", "persistent", "codec", "streams",
		"select", "level", "record", "speak", "lobby", "locked",
		"invite", "directory", "history", "history_from" };
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
show_absent(struct agent *a, struct ctl_req *r, const struct uri *conf)
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
	else if (c != NULL && c->in_lobby)
		lobby_show(c, r);
	else
		fetch_start(a, r, FETCH_ONE, u.full, u.name);
}

const struct ctl_verb show_verbs[] = {
	{ "list", CTL_SAME, on_list },
	{ "show", CTL_SAME, on_show },
	{ NULL, 0, NULL },
};
