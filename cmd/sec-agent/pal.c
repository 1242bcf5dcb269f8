/*
 * Verbs on my PAL: entries added and removed, objects' attributes published,
 * who watches me, and one entry in full. Each is one request to the PAL
 * manager, in behalf of a tool that waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/text.h"
#include "sip/event.h"

#define SHORT_LEN 160 /* of uri_short() */

struct asking {
	struct agent *a;
	struct ctl_handle who;
	struct uri entry; /* that it is about; kind URI_BAD: none */
	char after[URI_MAX]; /* the last of the page before */
	/* Its 2xx; 1: it has asked for more. */
	int (*done)(struct asking *q, struct ctl_req *r,
	    const struct sip_msg *answer);
};

/* What is asked of the PAL manager. */
struct request {
	const char *method, *to;
	int64_t expires;
	struct buf body; /* a control line, or empty */
};

/* "vpfinance: not permitted by rule "same-org" (ask an administrator)" */
static void
refuse(struct asking *q, struct ctl_req *r, const struct sip_msg *answer)
{
	static const char denied[] = "not permitted";
	const char *note = answer->note, *add = "";
	char name[SHORT_LEN], why[600];

	if (note != NULL && *note == '\0')
		note = NULL;
	switch (answer->status) {
	case 403:
		if (note == NULL)
			note = denied;
		if (strncmp(note, denied, sizeof(denied) - 1) == 0)
			add = " (ask an administrator)";
		break;
	case 404:
		if (note == NULL)
			note = q->entry.kind == URI_USER ? "no such user" :
							   "no such entry";
		break;
	case 503: note = "PAL manager unreachable"; break;
	default: break;
	}
	if (note == NULL || answer->status == 503 || q->entry.kind == URI_BAD) {
		ctl_error(r, answer->status, note);
		return;
	}
	snprintf(why, sizeof(why), "%s: %.300s%s",
	    uri_short(name, q->entry.full, q->a->conf.domain, 1), note, add);
	ctl_error(r, answer->status, why);
}

static void
on_answer(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct asking *q = ctx;
	struct ctl_req r;

	(void)cookie;
	if (ctl_again(q->a->ctl, q->who, &r) == 0) {
		if (answer->status / 100 != 2)
			refuse(q, &r, answer);
		else if (q->done(q, &r, answer))
			return;
	}
	free(q);
}

/* Takes the body. */
static void
ask(struct asking *q, struct request *w)
{
	struct agent *a = q->a;
	char contact[URI_MAX];
	struct sip_msg m, lost;
	uint64_t sent;

	sip_msg_init(&m);
	m.method = w->method;
	m.uri = m.to = w->to;
	m.from = a->uri;
	m.event = EVENT_PRESENCE;
	m.expires = w->expires;
	m.contact = flow_contact(a->session.pal, a->uri, contact);
	if (buf_len(&w->body) > 0) {
		m.content_type = EVENT_LINE_TYPE;
		m.body = buf_data(&w->body);
		m.bodylen = buf_len(&w->body);
	}
	sent = flow_request(a->session.pal, &m, SHORT_MS, on_answer, q, 0);
	buf_free(&w->body);
	if (sent != 0)
		return;
	sip_msg_init(&lost);
	lost.status = 503;
	on_answer(q, 0, &lost);
}

static struct asking *
asking_new(struct agent *a, const struct ctl_req *r, const struct uri *entry,
    int (*done)(struct asking *, struct ctl_req *, const struct sip_msg *))
{
	struct asking *q = agent_alloc(sizeof(*q));

	q->a = a;
	q->who = ctl_keep(r);
	if (entry != NULL)
		q->entry = *entry;
	q->done = done;
	return q;
}

/* entry=, as people type it. 0, or answered with an error. */
static int
take_entry(struct agent *a, struct ctl_req *r, struct uri *u)
{
	const char *s = line_get_or(r->line, "entry", "");
	char why[300];

	if (uri_from_name(u, s, a->conf.domain, 0) == 0 &&
	    (u->kind == URI_USER || u->kind == URI_CONF ||
		u->kind == URI_OBJECT || u->kind == URI_PHONE))
		return 0;
	snprintf(why, sizeof(why), "%.200s: no such entry", s);
	ctl_error(r, 404, why);
	return SEC_ERR_NOTHING;
}

/* The document of an answer; 0, or answered with an error. */
static int
take_doc(struct ctl_req *r, const struct sip_msg *answer, struct pal_doc *d)
{
	if (pal_doc_decode(d, answer->body, answer->bodylen) == 0)
		return 0;
	ctl_error(r, 400, "the PAL manager's answer is malformed");
	return SEC_ERR_FORMAT;
}

static void
put_row(struct ctl_req *r, const struct pal_entry *e)
{
	struct buf *b = ctl_row(r);

	line_put(b, "uri", e->uri);
	presence_put(b, e);
	ctl_end(r);
}

static int
done_ok(struct asking *q, struct ctl_req *r, const struct sip_msg *answer)
{
	(void)q;
	(void)answer;
	ctl_ok(r);
	return 0;
}

/* Rows of the entries in an answer. */
static int
done_entries(struct asking *q, struct ctl_req *r, const struct sip_msg *answer)
{
	struct pal_doc d;
	size_t i;

	(void)q;
	if (take_doc(r, answer, &d) != 0)
		return 0;
	for (i = 0; i < d.n; i++)
		if (!d.entry[i].removed)
			put_row(r, &d.entry[i]);
	pal_doc_free(&d);
	ctl_ok(r);
	return 0;
}

/* --- add and rm --- */

/* My PAL has it now; the NOTIFY that comes says nothing else. */
static int
added(struct asking *q, struct ctl_req *r, const struct sip_msg *answer)
{
	struct pal_doc d;
	int more = done_entries(q, r, answer);

	if (pal_doc_decode(&d, answer->body, answer->bodylen) == 0) {
		if (d.n == 1)
			mirror_put(q->a->presence.pal, &d.entry[0]);
		pal_doc_free(&d);
	}
	return more;
}

/* pal-add entry= [attrs=] [label=] */
static void
on_add(void *ctx, struct ctl_req *r)
{
	struct request w = { "SUBSCRIBE", NULL, -1, BUF_INIT };
	struct agent *a = ctx;
	struct asking *q;
	struct uri u;

	if (take_entry(a, r, &u) != 0)
		return;
	q = asking_new(a, r, &u, added);
	w.to = q->entry.full;
	line_begin(&w.body, "entry");
	line_put(&w.body, "attrs", line_get_or(r->line, "attrs", "*"));
	line_put(&w.body, "label", line_get(r->line, "label"));
	line_end(&w.body);
	ask(q, &w);
}

/* pal-rm entry= */
static void
on_rm(void *ctx, struct ctl_req *r)
{
	struct request w = { "PUBLISH", NULL, -1, BUF_INIT };
	struct agent *a = ctx;
	struct uri u;

	if (take_entry(a, r, &u) != 0)
		return;
	w.to = a->uri;
	line_begin(&w.body, "rm");
	line_put(&w.body, "entry", u.full);
	line_end(&w.body);
	ask(asking_new(a, r, &u, done_ok), &w);
}

/* --- put --- */

/* Positional fields ATTR=VALUE as fields of the line `set`: their number,
 * or answered with an error (0). */
static int
put_values(struct ctl_req *r, struct buf *body)
{
	const char *s, *value;
	char name[40], why[400];
	size_t i, n;

	for (i = 0; (s = line_arg(r->line, i)) != NULL; i++) {
		n = strcspn(s, "=");
		text_copy(name, s, n < sizeof(name) ? n + 1 : sizeof(name));
		value = s[n] == '=' ? s + n + 1 : NULL;
		if (value == NULL || !pal_attr_allowed(name) ||
		    !text_is_utf8(value, strlen(value))) {
			snprintf(why, sizeof(why),
			    "%.100s is no ATTR=VALUE that can be published", s);
			ctl_error(r, 400, why);
			return 0;
		}
		line_put(body, name, value);
	}
	if (i == 0)
		ctl_error(r, 400, "put what?");
	return (int)i;
}

/* pal-put entry= [expires=SECONDS] ATTR=VALUE ... */
static void
on_put(void *ctx, struct ctl_req *r)
{
	struct request w = { "PUBLISH", NULL, -1, BUF_INIT };
	struct agent *a = ctx;
	struct asking *q;
	uint64_t expires;
	struct uri u;

	if (take_entry(a, r, &u) != 0)
		return;
	if (line_get_u64(r->line, "expires", &expires) == 0)
		w.expires = expires < INT32_MAX ? (int64_t)expires : INT32_MAX;
	line_begin(&w.body, "set");
	if (put_values(r, &w.body) == 0) {
		buf_free(&w.body);
		return;
	}
	line_end(&w.body);
	q = asking_new(a, r, &u, done_ok);
	w.to = q->entry.full;
	ask(q, &w);
}

/* --- watchers --- */

static void watchers_page(struct asking *q);

static int
watchers_done(struct asking *q, struct ctl_req *r, const struct sip_msg *answer)
{
	const char *next;
	struct pal_doc d;
	size_t i;
	int more;

	if (take_doc(r, answer, &d) != 0)
		return 0;
	for (i = 0; i < d.n; i++)
		put_row(r, &d.entry[i]);
	next = pal_doc_attr(&d, "next");
	more = next != NULL && strcmp(next, q->after) > 0;
	if (more)
		text_copy(q->after, next, sizeof(q->after));
	pal_doc_free(&d);
	if (more)
		watchers_page(q);
	else
		ctl_ok(r);
	return more;
}

static void
watchers_page(struct asking *q)
{
	struct request w = { "SUBSCRIBE", NULL, 0, BUF_INIT };
	char pal[URI_MAX];

	w.to = uri_palmgr(pal, q->a->conf.domain);
	if (q->after[0] != '\0') {
		line_begin(&w.body, "list");
		line_put(&w.body, "after", q->after);
		line_end(&w.body);
	}
	ask(q, &w);
}

/* pal-watchers */
static void
on_watchers(void *ctx, struct ctl_req *r)
{
	watchers_page(asking_new(ctx, r, NULL, watchers_done));
}

/* --- show --- */

/* Out of my PAL, which is fresh; what it does not have is fetched. */
static void
show(struct agent *a, struct ctl_req *r)
{
	struct request w = { "SUBSCRIBE", NULL, 0, BUF_INIT };
	const char *attr = line_get(r->line, "attr");
	const struct pal_entry *e;
	struct asking *q;
	struct uri u;

	if (take_entry(a, r, &u) != 0)
		return;
	e = mirror_find(a->presence.pal, u.full);
	if (e != NULL && (attr == NULL || pal_entry_attr(e, attr) != NULL)) {
		put_row(r, e);
		ctl_ok(r);
		return;
	}
	q = asking_new(a, r, &u, done_entries);
	w.to = q->entry.full;
	ask(q, &w);
}

/* pal-show entry= [attr=] */
static void
on_show(void *ctx, struct ctl_req *r)
{
	fresh_pal(ctx, r, show);
}

/* pal [who=a,b] [status=S] [copy=1] */
static void
on_pal(void *ctx, struct ctl_req *r)
{
	if (strcmp(line_get_or(r->line, "copy", "0"), "1") == 0)
		presence_rows(ctx, r);
	else
		fresh_pal(ctx, r, presence_rows);
}

const struct ctl_verb pal_verbs[] = {
	{ "pal", CTL_SAME, on_pal },
	{ "pal-add", CTL_SAME, on_add },
	{ "pal-rm", CTL_SAME, on_rm },
	{ "pal-put", CTL_SAME, on_put },
	{ "pal-watchers", CTL_SAME, on_watchers },
	{ "pal-show", CTL_SAME, on_show },
	{ NULL, 0, NULL },
};
