/*
 * The roster of a conference, a copy kept by a subscription at sec-pal: who
 * has which q, who came and went.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/fig9.h"
#include "crypto/suite.h"
#include "sip/event.h"
#include "voice.h"
#include "wire/ids.h"

const char *
conf_user(struct conf_in *c, uint32_t q)
{
	if (q == c->q)
		return c->a->uri;
	return map_get_u64(c->by_q, q);
}

/* What a member is besides his status. `no`: the value of one without it. */
enum { MARK_ROLE, MARK_HAND, MARK_MUTED, MARK_FLOOR };
static const struct mark {
	const char *name, *no;
} marks[] = {
	[MARK_ROLE] = { "role", "member" },
	[MARK_HAND] = { "hand", "0" },
	[MARK_MUTED] = { "muted", "0" },
	[MARK_FLOOR] = { "floor", "0" },
};
#define NMARKS (sizeof(marks) / sizeof(*marks))

static const char *
mark_of(const struct pal_entry *e, const struct mark *k)
{
	const char *s = e != NULL ? pal_entry_attr(e, k->name) : NULL;

	return s != NULL && *s != '\0' ? s : k->no;
}

/* Is that mark another one now? */
static int
is_marked(const struct mark *k, const struct pal_entry *was,
    const struct pal_entry *is)
{
	return strcmp(mark_of(was, k), mark_of(is, k)) != 0;
}

const char *
conf_silenced(struct conf_in *c)
{
	const struct pal_entry *me = mirror_find(c->roster, c->a->uri);

	if (strcmp(mark_of(me, &marks[MARK_MUTED]), "1") == 0)
		return "you are muted";
	if (c->speak[0] == '\0' || strcmp(c->speak, "all") == 0 ||
	    strcmp(c->creator, c->a->uri) == 0 ||
	    strcmp(mark_of(me, &marks[MARK_ROLE]), "moderator") == 0)
		return NULL;
	if (strcmp(c->speak, "moderators") == 0)
		return "only moderators may speak here";
	return strcmp(mark_of(me, &marks[MARK_FLOOR]), "1") == 0 ?
	    NULL :
	    "who wants to speak here raises a hand, and is given the floor";
}

/* Each attribute q holds one, or several with commas. */
static void
learn_q(struct conf_in *c, const struct pal_entry *e)
{
	const char *s;
	char one[Q_STRLEN], *old;
	uint32_t q;
	size_t i, n;

	for (i = 0; i < e->n; i++) {
		if (strcmp(e->attr[i].name, "q") != 0)
			continue;
		for (s = e->attr[i].value; *s != '\0'; s += n + (s[n] == ',')) {
			n = strcspn(s, ",");
			if (n >= sizeof(one))
				continue;
			memcpy(one, s, n);
			one[n] = '\0';
			if (q_parse(&q, one) != 0)
				continue;
			/* q is never given twice: what is known stays. */
			if (map_get_u64(c->by_q, q) != NULL)
				continue;
			if ((old = strdup(e->uri)) != NULL)
				(void)map_put_u64(c->by_q, q, old);
		}
	}
}

static const char *
status_of(const struct pal_entry *e)
{
	const char *s = e != NULL ? pal_entry_attr(e, "status") : NULL;

	return s != NULL ? s : "left";
}

static int
is_in(const char *status)
{
	return strcmp(status, "left") != 0 && strcmp(status, "invited") != 0;
}

uint32_t
conf_q_of(struct conf_in *c, const char *uri)
{
	const struct pal_entry *e = mirror_find(c->roster, uri);
	const char *s = e != NULL ? pal_entry_attr(e, "q") : NULL;
	char one[Q_STRLEN];
	uint32_t q;
	size_t n;

	if (s == NULL || !is_in(status_of(e)) ||
	    (n = strcspn(s, ",")) >= sizeof(one))
		return 0;
	memcpy(one, s, n);
	one[n] = '\0';
	return q_parse(&q, one) == 0 ? q : 0;
}

void
roster_event(struct agent *a, const char *conf, const char *event,
    const char *user, const char *status)
{
	struct buf *b;

	b = event_begin(a, event);
	line_put(b, "conf", conf);
	line_put(b, "user", user);
	line_put(b, "status", status);
	event_end(a);
}

void
conf_event(struct conf_in *c, const char *event, const char *user,
    const char *status)
{
	roster_event(c->a, c->uri, event, user, status);
}

/* How far he has read the text, as who lets the others know has it; NULL. */
static const char *
read_of(const struct pal_entry *e)
{
	return e != NULL && is_in(status_of(e)) ? pal_entry_attr(e, "read") :
						  NULL;
}

/* He has read on. */
static void
read_change(struct conf_in *c, const struct pal_entry *was,
    const struct pal_entry *is)
{
	const char *from = read_of(was), *to = read_of(is);
	struct buf *b;

	if (to == NULL || (from != NULL && strcmp(from, to) == 0))
		return;
	b = event_begin(c->a, "read");
	line_put(b, "conf", c->uri);
	line_put(b, "user", is->uri);
	line_put(b, "line", to);
	event_end(c->a);
	conf_notice(c, "read", is->uri, to);
}

/* Who removed him or made this of him, if it was not himself; NULL. */
static const char *
by_of(const struct pal_entry *is)
{
	return is != NULL ? pal_entry_attr(is, "by") : NULL;
}

/* The same of one mark. His hand is his own. */
static const char *
marked_by(size_t mark, const struct pal_entry *is)
{
	return mark != MARK_HAND ? by_of(is) : NULL;
}

const char *
roster_change(struct agent *a, const char *conf, const struct pal_entry *was,
    const struct pal_entry *is)
{
	const char *from = status_of(was), *to = status_of(is);
	const char *event, *by = NULL;
	struct buf *b;
	size_t i, n = 0;

	for (i = 0; is_in(to) && i < NMARKS; i++)
		n += (size_t)is_marked(&marks[i], was, is);
	if (strcmp(from, to) == 0 && n == 0)
		return NULL;
	event = !is_in(from) && is_in(to) ? "conf.join" :
	    is_in(from) && !is_in(to)	  ? "conf.leave" :
					    "conf.status";
	b = event_begin(a, event);
	line_put(b, "conf", conf);
	line_put(b, "user", is != NULL ? is->uri : was->uri);
	if (strcmp(event, "conf.leave") != 0)
		line_put(b, "status", to);
	if (strcmp(event, "conf.leave") == 0)
		by = by_of(is);
	for (i = 0; n > 0 && i < NMARKS; i++)
		if (is_marked(&marks[i], was, is)) {
			line_put(b, marks[i].name, mark_of(is, &marks[i]));
			by = i == MARK_HAND ? by : by_of(is);
		}
	line_put(b, "by", by);
	event_end(a);
	return event;
}

void
roster_state(struct agent *a, const char *conf, const struct mirror *roster,
    struct buf *b, void (*put)(struct agent *, struct ctl_req *, struct buf *),
    struct ctl_req *r)
{
	const struct pal_entry *e;
	const char *status;
	size_t i = 0, k;

	while ((e = mirror_next(roster, &i)) != NULL) {
		status = status_of(e);
		if (strcmp(status, "left") == 0)
			continue;
		line_put(b, "event",
		    is_in(status) ? "conf.join" : "conf.status");
		line_put(b, "conf", conf);
		line_put(b, "user", e->uri);
		line_put(b, "status", status);
		for (k = 0; k < NMARKS; k++)
			if (is_marked(&marks[k], NULL, e))
				line_put(b, marks[k].name,
				    mark_of(e, &marks[k]));
		put(a, r, b);
		if (read_of(e) == NULL)
			continue;
		line_put(b, "event", "read");
		line_put(b, "conf", conf);
		line_put(b, "user", e->uri);
		line_put(b, "line", read_of(e));
		put(a, r, b);
	}
}

/* A row of my roster has changed: its event, and a line for listeners. */
static void
on_member(void *ctx, const struct pal_entry *was, const struct pal_entry *is)
{
	struct conf_in *c = ctx;
	const char *from = status_of(was), *to = status_of(is);
	const char *user = is != NULL ? is->uri : was->uri, *event;
	size_t i;

	if (is != NULL)
		learn_q(c, is);
	read_change(c, was, is);
	if ((event = roster_change(c->a, c->uri, was, is)) == NULL)
		return;
	if (was != NULL && is_in(from) && is_in(to))
		for (i = 0; i < NMARKS; i++)
			if (is_marked(&marks[i], was, is))
				conf_notice_by(c, marks[i].name, user,
				    mark_of(is, &marks[i]), marked_by(i, is));
	if (strcmp(from, to) == 0)
		return;
	if (strcmp(event, "conf.leave") == 0)
		conf_notice_by(c, "leave", user, NULL, by_of(is));
	else if (strcmp(event, "conf.join") == 0)
		conf_notice(c, "join", user, NULL);
	/* Nobody wants to read that he could not be reached himself: a
	 * controller that was restarted finds all its members so. */
	else if (is_in(to) &&
	    (strcmp(user, c->a->uri) != 0 ||
		(strcmp(from, "unreachable") != 0 &&
		    strcmp(to, "unreachable") != 0)))
		conf_notice(c, "status", user, to);
}

/* Whose it is now; the field has the name of when it was made. */
static void
take_owner(struct conf_in *c)
{
	const char *s = mirror_attr(c->roster, "creator");
	struct buf *b;

	if (s == NULL || strcmp(s, c->creator) == 0)
		return;
	text_copy(c->creator, s, sizeof(c->creator));
	if (c->state != CONF_OPEN)
		return;
	b = event_begin(c->a, "conf.owner");
	line_put(b, "conf", c->uri);
	line_put(b, "user", s);
	line_put(b, "by", mirror_attr(c->roster, "by"));
	event_end(c->a);
}

/* Fields of the document's first row that its owner may change. */
static void
take_policy(struct conf_in *c)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} fields[] = {
		{ "title", c->title, sizeof(c->title) },
		{ "media", c->media, sizeof(c->media) },
		{ "access", c->access, sizeof(c->access) },
		{ "streams", c->streams, sizeof(c->streams) },
		{ "select", c->select, sizeof(c->select) },
		{ "level", c->level, sizeof(c->level) },
		{ "history", c->history, sizeof(c->history) },
		{ "history_from", c->history_from, sizeof(c->history_from) },
		{ "parent", c->parent, sizeof(c->parent) },
		{ "record", c->record, sizeof(c->record) },
		{ "speak", c->speak, sizeof(c->speak) },
		{ "lobby", c->lobby, sizeof(c->lobby) },
		{ "locked", c->locked, sizeof(c->locked) },
		{ "invite", c->inviters, sizeof(c->inviters) },
		{ "directory", c->directory, sizeof(c->directory) },
	};
	struct buf *b = NULL;
	const char *s;
	char what[320];
	int media = 0, level = 0;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if ((s = mirror_attr(c->roster, fields[i].name)) == NULL ||
		    strcmp(s, fields[i].to) == 0)
			continue;
		text_copy(fields[i].to, s, fields[i].size);
		level |= fields[i].to == c->level;
		if (c->state != CONF_OPEN)
			continue;
		if (b == NULL) {
			b = event_begin(c->a, "conf.policy");
			line_put(b, "conf", c->uri);
		}
		line_put(b, fields[i].name, s);
		media |= fields[i].to == c->media;
		if (fields[i].to == c->media)
			continue;
		snprintf(what, sizeof(what), "%s=%s", fields[i].name, s);
		conf_notice_by(c, "policy", NULL, what,
		    mirror_attr(c->roster, "by"));
	}
	if (b != NULL) {
		line_put(b, "by", mirror_attr(c->roster, "by"));
		event_end(c->a);
	}
	take_owner(c);
	if (level)
		voice_policy(c);
	lobby_check(c);
	if (media)
		conf_notice(c, "media", NULL, c->media);
	if (media && strstr(c->media, "voice") == NULL)
		mix_conf_gone(c);
}

void
conf_doc(struct conf_in *c, const void *p, size_t n)
{
	struct pal_doc d;
	int r;

	if ((r = pal_doc_decode(&d, p, n)) != 0) {
		log_warn("conf.roster", "conf=%s reason=%s", c->name,
		    log_quote(sec_strerror(r)));
		return;
	}
	r = mirror_apply(c->roster, &d);
	pal_doc_free(&d);
	if (r == SEC_ERR_NOTHING) {
		subscription_fetch(c->sub);
		return;
	}
	if (r != 0)
		return;
	take_policy(c);
	voice_roster(c);
	change_check(c);
	text_news(c->text);
	conf_check_open(c);
	inviting_roster(c->a, c);
	spawn_roster(c->a, c);
}

static void
on_roster(void *arg, const void *p, size_t n)
{
	conf_doc(arg, p, n);
}

static void
on_roster_ended(void *arg, int status, const char *why)
{
	struct conf_in *c = arg;

	log_info("conf.roster", "conf=%s code=%d", c->name, status);
	if (status != 403 && status != 404)
		return;
	text_copy(c->refused, why != NULL ? why : "", sizeof(c->refused));
	timer_set(&c->over, 0);
}

size_t
conf_count_in(struct conf_in *c)
{
	const struct pal_entry *e;
	size_t i = 0, n = 0;

	while ((e = mirror_next(c->roster, &i)) != NULL)
		n += (size_t)is_in(status_of(e));
	return n;
}

/* By the time when they came. */
static int
by_since(const void *a, const void *b)
{
	const struct pal_entry *x = *(const struct pal_entry *const *)a;
	const struct pal_entry *y = *(const struct pal_entry *const *)b;
	const char *s = pal_entry_attr(x, "since");
	const char *t = pal_entry_attr(y, "since");
	size_t n = s != NULL ? strlen(s) : 0, m = t != NULL ? strlen(t) : 0;
	int d = n != m ? (n < m ? -1 : 1) : n > 0 ? memcmp(s, t, n) : 0;

	return d != 0 ? d : strcmp(x->uri, y->uri);
}

/* The rows in the order to be shown; NULL without memory. */
static const struct pal_entry **
in_order(const struct mirror *m, size_t *n)
{
	const struct pal_entry *e, **v;
	size_t i = 0;

	for (*n = 0; mirror_next(m, &i) != NULL;)
		(*n)++;
	if ((v = calloc(*n + 1, sizeof(*v))) == NULL)
		return NULL;
	for (i = *n = 0; (e = mirror_next(m, &i)) != NULL;)
		v[(*n)++] = e;
	qsort(v, *n, sizeof(*v), by_since);
	return v;
}

void
conf_list(struct conf_in *c, const char *status, struct buf *out)
{
	const struct pal_entry *e, **v;
	size_t i, n;

	if ((v = in_order(c->roster, &n)) == NULL)
		return;
	for (i = 0; i < n; i++) {
		e = v[i];
		if (status != NULL ? strcmp(status_of(e), status) != 0 :
				     !is_in(status_of(e)))
			continue;
		if (buf_len(out) > 0)
			buf_put_u8(out, ',');
		buf_put_str(out, e->uri);
	}
	free(v);
}

/* Several attributes of one name (one per device) as a,b. */
static void
put_all(struct buf *b, const struct pal_entry *e, const char *name)
{
	struct buf v = BUF_INIT;
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (strcmp(e->attr[i].name, name) != 0)
			continue;
		if (buf_len(&v) > 0)
			buf_put_u8(&v, ',');
		buf_put_str(&v, e->attr[i].value);
	}
	if (buf_len(&v) > 0)
		line_put(b, name, buf_cstr(&v));
	buf_free(&v);
}

static void
member_row(struct ctl_req *r, const struct pal_entry *e)
{
	struct buf *b = ctl_row(r);
	size_t i;

	line_put(b, "what", "member");
	line_put(b, "user", e->uri);
	line_put(b, "status", status_of(e));
	line_put(b, "reason", pal_entry_attr(e, "reason"));
	put_all(b, e, "media");
	put_all(b, e, "via");
	put_all(b, e, "q");
	line_put(b, "voice", pal_entry_attr(e, "voice"));
	line_put(b, "since", pal_entry_attr(e, "since"));
	for (i = 0; i < NMARKS; i++)
		if (is_marked(&marks[i], NULL, e))
			line_put(b, marks[i].name, mark_of(e, &marks[i]));
	line_put(b, "talking", pal_entry_attr(e, "talking"));
	line_put(b, "read", read_of(e));
	ctl_end(r);
}

void
conf_member_rows(struct ctl_req *r, const struct pal_entry **e, size_t n)
{
	size_t i;

	qsort(e, n, sizeof(*e), by_since);
	for (i = 0; i < n; i++)
		member_row(r, e[i]);
}

/* Of voice: one of the two kinds. */
static const char *
voice_suite(const struct conf_in *c)
{
	const struct fig9_suite *f = fig9_suite_by_id(c->voice_suite);
	const struct suite *s = suite_by_id(c->voice_suite);

	return f != NULL ? f->name : s != NULL ? s->name : NULL;
}

void
conf_show(struct conf_in *c, struct ctl_req *r)
{
	const struct suite *s = suite_by_id(c->suite);
	const struct pal_entry **v;
	struct buf *b;
	size_t i, n;

	b = ctl_row(r);
	line_put(b, "what", "conf");
	line_put(b, "conf", c->uri);
	line_put(b, "name", c->name);
	line_put(b, "cid", c->cid);
	line_put(b, "title", c->title);
	line_put(b, "media", c->media);
	line_put(b, "access", c->access);
	line_putf(b, "created", "%lld", (long long)c->created);
	line_put(b, "creator", c->creator);
	line_put(b, "parent", c->parent);
	line_putf(b, "persistent", "%d", c->persistent);
	line_putf(b, "epoch", "%u", (unsigned)keyring_epoch(c->keys));
	line_put(b, "suite", s != NULL ? s->name : NULL);
	if (strstr(c->media, "voice") != NULL)
		line_put(b, "voice_suite", voice_suite(c));
	line_put(b, "codec", c->codec);
	line_put(b, "streams", c->streams);
	line_put(b, "select", c->select);
	line_put(b, "level", c->level);
	line_put(b, "record", c->record);
	line_put(b, "speak", c->speak);
	line_put(b, "lobby", c->lobby);
	line_put(b, "locked", c->locked);
	line_put(b, "invite", c->inviters);
	line_put(b, "directory", c->directory);
	line_put(b, "history", c->history);
	line_put(b, "history_from", c->history_from);
	line_put(b, "state", "open");
	ctl_end(r);
	if ((v = in_order(c->roster, &n)) != NULL)
		for (i = 0; i < n; i++)
			member_row(r, v[i]);
	free(v);
	lobby_rows(c, r);
	ctl_ok(r);
}

static const struct subscription_ops ops = { on_roster, on_roster_ended };

void
roster_open(struct conf_in *c)
{
	c->roster = mirror_new(on_member, c);
	c->by_q = map_new();
}

void
roster_subscribe(struct conf_in *c)
{
	watched_member(c->a, c->uri, 1);
	c->sub = subscription_new(c->a->loop, c->a->session.pal,
	    EVENT_CONFERENCE, c->a->uri, c->uri, &ops, c);
}

void
roster_close(struct conf_in *c)
{
	size_t i = 0;
	char *s;

	subscription_free(c->sub);
	mirror_free(c->roster);
	while ((s = map_next(c->by_q, &i)) != NULL)
		free(s);
	map_free(c->by_q);
}
