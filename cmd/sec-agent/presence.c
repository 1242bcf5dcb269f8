/* My PAL, kept by one subscription to it; my own status, by PUBLISH. */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/event.h"

#define TIMED_MS 200 /* after its end a status for a time has gone */

static const char *const classes[] = { "available", "busy", "away", "offline" };

const char *
presence_class(const char *status, const char *class_word)
{
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(status, classes[i]) == 0)
			return classes[i];
	for (i = 0;
	     class_word != NULL && i < sizeof(classes) / sizeof(classes[0]);
	     i++)
		if (strcmp(class_word, classes[i]) == 0)
			return classes[i];
	/* A word of one's own says that one is not at hand. */
	return "away";
}

/* a may be NULL, which has nothing. */
static int
differs(const struct pal_entry *a, const struct pal_entry *b, const char *attr)
{
	const char *x = a != NULL ? pal_entry_attr(a, attr) : NULL;
	const char *y = pal_entry_attr(b, attr);

	return strcmp(x != NULL ? x : "", y != NULL ? y : "") != 0;
}

static void
put_attr(struct buf *b, const char *name, const char *value)
{
	line_put(b, strcmp(name, "id") == 0 ? "cid" : name, value);
}

void
presence_put(struct buf *b, const struct pal_entry *e)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		put_attr(b, e->attr[i].name, e->attr[i].value);
}

/* Whether the event names it in any case, or never. */
static int
is_special(const char *attr)
{
	return strcmp(attr, "type") == 0 || strcmp(attr, "status") == 0 ||
	    strcmp(attr, "since") == 0;
}

void
presence_event(struct agent *a, const struct pal_entry *was,
    const struct pal_entry *is)
{
	const struct pal_entry *e = is != NULL ? is : was;
	const char *type = pal_entry_attr(e, "type"), *name;
	struct buf *b;
	size_t i;

	b = event_begin(a, "pal");
	line_put(b, "entry", e->uri);
	line_put(b, "type", type != NULL ? type : "user");
	if (is == NULL)
		line_put(b, "removed", "1");
	else
		line_put(b, "status", pal_entry_attr(is, "status"));
	for (i = 0; is != NULL && i < is->n; i++) {
		name = is->attr[i].name;
		if (!is_special(name) && differs(was, is, name))
			put_attr(b, name, is->attr[i].value);
	}
	/* What is no more is empty. */
	for (i = 0; is != NULL && was != NULL && i < was->n; i++) {
		name = was->attr[i].name;
		if (!is_special(name) && pal_entry_attr(is, name) == NULL)
			put_attr(b, name, "");
	}
	event_end(a);
}

static void
on_change(void *ctx, const struct pal_entry *was, const struct pal_entry *is)
{
	presence_event(ctx, was, is);
}

void
presence_doc(struct agent *a, const void *p, size_t n)
{
	struct pal_doc d;
	int r;

	if ((r = pal_doc_decode(&d, p, n)) != 0) {
		log_warn("pal.doc", "reason=%s", sec_strerror(r));
		return;
	}
	r = mirror_apply(a->presence.pal, &d);
	if (r == SEC_ERR_NOTHING && a->presence.sub != NULL)
		subscription_fetch(a->presence.sub);
	pal_doc_free(&d);
}

static void
on_doc(void *arg, const void *p, size_t n)
{
	presence_doc(arg, p, n);
}

static void
on_ended(void *arg, int status, const char *why)
{
	struct agent *a = arg;

	/* Ended by the notifier, a new one is asked for. */
	log_warn("pal.ended", "user=%s code=%d reason=%s", a->user, status,
	    log_quote(why != NULL ? why : sec_sip_reason(status)));
}

static const struct subscription_ops ops = { on_doc, on_ended };

/* A status for a time has ended: the registration tells what it is now. */
static void
on_timed(void *arg)
{
	session_register(arg, 0);
}

/* until: when sec-pal takes it back, by its clock; 0: never. */
static void
status_until(struct agent *a, int64_t until)
{
	int64_t left = until - session_now(a);

	if (until == 0)
		timer_cancel(&a->presence.timed);
	else
		timer_set(&a->presence.timed, (left > 0 ? left : 0) + TIMED_MS);
}

void
presence_init(struct agent *a)
{
	struct presence *p = &a->presence;

	timer_init(&p->timed, a->loop, on_timed, a);
	p->pal = mirror_new(on_change, a);
	text_copy(p->status,
	    a->login.status[0] != '\0' ? a->login.status : "available",
	    sizeof(p->status));
	text_copy(p->class_word, presence_class(p->status, a->login.class_word),
	    sizeof(p->class_word));
	text_copy(p->note, a->login.note, sizeof(p->note));
}

void
presence_take(struct agent *a, const struct registered *g)
{
	struct presence *p = &a->presence;

	if (g->status[0] == '\0')
		return;
	text_copy(p->status, g->status, sizeof(p->status));
	text_copy(p->class_word, presence_class(g->status, g->class_word),
	    sizeof(p->class_word));
	text_copy(p->note, g->note, sizeof(p->note));
	status_until(a, g->status_until);
}

void
presence_close(struct agent *a)
{
	timer_cancel(&a->presence.timed);
	subscription_free(a->presence.sub);
	mirror_free(a->presence.pal);
}

void
presence_up(struct agent *a)
{
	if (a->presence.sub != NULL)
		subscription_up(a->presence.sub);
	else
		a->presence.sub = subscription_new(a->loop, a->session.pal,
		    EVENT_PRESENCE, a->uri, a->uri, &ops, a);
}

/* --- set --- */

struct setting {
	struct agent *a;
	struct ctl_handle who;
	char status[64], class_word[16], note[256];
	int64_t until; /* by sec-pal's clock, 0: for ever */
};

static void
on_set(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct setting *s = ctx;
	struct presence *p = &s->a->presence;
	struct ctl_req r;
	struct buf *b;

	(void)cookie;
	if (answer->status / 100 == 2) {
		text_copy(p->status, s->status, sizeof(p->status));
		text_copy(p->class_word, s->class_word, sizeof(p->class_word));
		text_copy(p->note, s->note, sizeof(p->note));
		status_until(s->a, s->until);
	}
	if (ctl_again(s->a->ctl, s->who, &r) == 0) {
		if (answer->status / 100 == 2) {
			b = ctl_ok_begin(&r);
			line_put(b, "status", s->status);
			line_put(b, "class", s->class_word);
			line_put(b, "note", s->note);
			if (s->until != 0)
				line_putf(b, "until", "%lld",
				    (long long)(s->until -
					s->a->session.offset));
			ctl_end(&r);
		} else
			ctl_error(&r, answer->status, answer->reason);
	}
	free(s);
}

/* set value= [class=] [note=] [until=] */
void
presence_set(struct agent *a, struct ctl_req *r)
{
	const char *value = line_get(r->line, "value");
	const char *note = line_get_or(r->line, "note", "");
	struct buf body = BUF_INIT;
	struct setting *s;
	struct sip_msg m;
	uint64_t until;

	if (value == NULL || !text_is_word(value)) {
		ctl_error(r, 400,
		    "a status is available, busy, away, offline or a word of "
		    "a-z 0-9 - _, at most 31");
		return;
	}
	if (strlen(note) >= sizeof(s->note) ||
	    !text_is_utf8(note, strlen(note))) {
		ctl_error(r, 400, "a note has at most 255 bytes of UTF-8");
		return;
	}
	s = agent_alloc(sizeof(*s));
	s->a = a;
	s->who = ctl_keep(r);
	text_copy(s->status, value, sizeof(s->status));
	text_copy(s->class_word,
	    presence_class(value, line_get(r->line, "class")),
	    sizeof(s->class_word));
	text_copy(s->note, note, sizeof(s->note));
	if (line_get_u64(r->line, "until", &until) == 0 && until <= INT64_MAX)
		s->until = (int64_t)until + a->session.offset;
	line_begin(&body, "status");
	line_put(&body, "value", s->status);
	line_put(&body, "class", s->class_word);
	line_put(&body, "note", s->note);
	if (s->until > 0)
		line_put_u64(&body, "until", (uint64_t)s->until);
	line_end(&body);
	sip_msg_init(&m);
	m.method = "PUBLISH";
	m.uri = m.to = m.from = a->uri;
	m.event = EVENT_PRESENCE;
	m.content_type = EVENT_LINE_TYPE;
	m.body = buf_data(&body);
	m.bodylen = buf_len(&body);
	if (flow_request(a->session.pal, &m, SHORT_MS, on_set, s, 0) == 0) {
		ctl_error(r, 503, "PAL manager unreachable");
		free(s);
	}
	buf_free(&body);
}

/* --- rows of `pal` --- */

static int
is_wanted(struct agent *a, const struct pal_entry *e, const char *who)
{
	char name[URI_MAX];
	struct uri u;
	size_t n;

	if (who == NULL || *who == '\0')
		return 1;
	for (; *who != '\0'; who += n + (who[n] == ',')) {
		n = strcspn(who, ",");
		if (n >= sizeof(name))
			continue;
		memcpy(name, who, n);
		name[n] = '\0';
		if (uri_from_name(&u, name, a->conf.domain, 0) == 0 &&
		    strcmp(u.full, e->uri) == 0)
			return 1;
	}
	return 0;
}

void
presence_rows(struct agent *a, struct ctl_req *r)
{
	const char *status = line_get(r->line, "status"), *s, *class_word;
	const struct pal_entry *e;
	struct buf *b;
	size_t i = 0;

	if (!mirror_is_complete(a->presence.pal)) {
		ctl_error(r, 503, "PAL manager unreachable");
		return;
	}
	while ((e = mirror_next(a->presence.pal, &i)) != NULL) {
		s = pal_entry_attr(e, "status");
		class_word = pal_entry_attr(e, "class");
		if (!is_wanted(a, e, line_get(r->line, "who")) ||
		    (status != NULL && *status != '\0' &&
			strcmp(status, s != NULL ? s : "") != 0 &&
			strcmp(status, class_word != NULL ? class_word : "") !=
			    0))
			continue;
		b = ctl_row(r);
		line_put(b, "uri", e->uri);
		presence_put(b, e);
		ctl_end(r);
	}
	ctl_ok(r);
}
