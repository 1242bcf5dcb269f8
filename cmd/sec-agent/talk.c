/*
 * Who speaks, as the devices say: events voice.start and voice.stop, once for
 * a user in a conference however many devices hear him; whose mic is on; the
 * meters, while somebody looks at them.
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "voice.h"
#include "wire/ids.h"

/* A device that hears him (or is his, and sends). */
struct hearing {
	uint64_t attachment;
	uint32_t q;
	TAILQ_ENTRY(hearing) entry;
};

struct talk {
	char conf[URI_MAX], user[URI_MAX];
	int64_t since; /* mono ms */
	TAILQ_HEAD(, hearing) by;
	TAILQ_ENTRY(talk) entry;
};

struct heard {
	char conf[URI_MAX];
	int64_t at; /* real ms */
	TAILQ_ENTRY(heard) entry;
};

struct looker {
	struct ctl_handle who;
	TAILQ_ENTRY(looker) entry;
};

#define HEARD_MAX 256 /* conferences that are remembered */

struct talks {
	TAILQ_HEAD(, talk) list;
	TAILQ_HEAD(, heard) heard; /* the newest at the end */
	unsigned nheard;
	TAILQ_HEAD(, looker) lookers;
};

/* --- talking --- */

static struct talk *
talk_of(struct agent *a, const char *conf, const char *user)
{
	struct talk *t;

	TAILQ_FOREACH(t, &a->voice.talks->list, entry)
		if (strcmp(t->conf, conf) == 0 && strcmp(t->user, user) == 0)
			return t;
	return NULL;
}

static void
heard_now(struct agent *a, const char *conf)
{
	struct talks *k = a->voice.talks;
	struct heard *h;

	TAILQ_FOREACH(h, &k->heard, entry)
		if (strcmp(h->conf, conf) == 0)
			break;
	if (h != NULL)
		TAILQ_REMOVE(&k->heard, h, entry);
	else if (k->nheard < HEARD_MAX) {
		h = agent_alloc(sizeof(*h));
		k->nheard++;
	} else {
		h = TAILQ_FIRST(&k->heard);
		TAILQ_REMOVE(&k->heard, h, entry);
	}
	text_copy(h->conf, conf, sizeof(h->conf));
	h->at = clock_real();
	TAILQ_INSERT_TAIL(&k->heard, h, entry);
}

static struct hearing *
hearing_of(struct talk *t, uint64_t attachment, uint32_t q)
{
	struct hearing *h;

	TAILQ_FOREACH(h, &t->by, entry)
		if (h->attachment == attachment && h->q == q)
			return h;
	return NULL;
}

static void
talk_start(struct attachment *v, const char *user, uint32_t q)
{
	struct agent *a = v->a;
	struct talk *t = talk_of(a, v->conf, user);
	struct hearing *h;
	struct buf *b;

	if (t == NULL) {
		t = agent_alloc(sizeof(*t));
		text_copy(t->conf, v->conf, sizeof(t->conf));
		text_copy(t->user, user, sizeof(t->user));
		t->since = clock_mono();
		TAILQ_INIT(&t->by);
		TAILQ_INSERT_TAIL(&a->voice.talks->list, t, entry);
		b = event_begin(a, "voice.start");
		line_put(b, "conf", t->conf);
		line_put(b, "user", t->user);
		event_end(a);
	}
	if (strcmp(user, a->uri) != 0)
		heard_now(a, v->conf);
	if (hearing_of(t, v->number, q) != NULL)
		return;
	h = agent_alloc(sizeof(*h));
	h->attachment = v->number;
	h->q = q;
	TAILQ_INSERT_TAIL(&t->by, h, entry);
}

/* A decimal as devices write it, or NULL. */
static const char *
decimal(const struct line *l, const char *key)
{
	const char *s = l != NULL ? line_get(l, key) : NULL;
	size_t n;

	if (s == NULL || strlen(s) > 15)
		return NULL;
	n = strspn(s + (*s == '-'), "0123456789.");
	return n > 0 && s[(*s == '-') + n] == '\0' ? s : NULL;
}

/* One that heard him does no more; the last one's figures are told. */
static void
talk_stop(struct agent *a, struct talk *t, struct hearing *h,
    const struct line *l)
{
	const char *seconds = decimal(l, "seconds");
	struct buf *b;

	TAILQ_REMOVE(&t->by, h, entry);
	free(h);
	if (strcmp(t->user, a->uri) != 0)
		heard_now(a, t->conf);
	if (!TAILQ_EMPTY(&t->by))
		return;
	b = event_begin(a, "voice.stop");
	line_put(b, "conf", t->conf);
	line_put(b, "user", t->user);
	if (seconds != NULL)
		line_put(b, "seconds", seconds);
	else
		line_putf(b, "seconds", "%.1f",
		    (double)(clock_mono() - t->since) / 1000);
	line_put(b, "level_db", decimal(l, "level"));
	line_put(b, "lost", decimal(l, "lost"));
	line_put(b, "jitter_ms", decimal(l, "jitter"));
	event_end(a);
	TAILQ_REMOVE(&a->voice.talks->list, t, entry);
	free(t);
}

/* talk q= on=on|off level= lost= jitter= seconds= */
static void
on_talk(void *ctx, struct ctl_req *r)
{
	struct agent *a = ctx;
	struct attachment *v = voice_of_peer(a, ctl_peer_id(r->peer));
	struct talk *t, *next;
	struct hearing *h;
	struct conf_in *c;
	const char *user;
	uint32_t q;

	if (v == NULL || v->state != ATTACH_ON ||
	    (c = conf_of(a, v->conf_number)) == NULL ||
	    q_parse(&q, line_get_or(r->line, "q", "")) != 0)
		return;
	if (strcmp(line_get_or(r->line, "on", ""), "on") == 0) {
		/* A row `peer` has told the device who it is. */
		user = q == v->q ? a->uri : conf_user(c, q);
		if (user != NULL)
			talk_start(v, user, q);
		return;
	}
	/* Whoever it is by now: what began ends. */
	for (t = TAILQ_FIRST(&a->voice.talks->list); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (strcmp(t->conf, v->conf) == 0 &&
		    (h = hearing_of(t, v->number, q)) != NULL)
			talk_stop(a, t, h, r->line);
	}
}

void
talk_list(struct agent *a, const char *conf, struct buf *out)
{
	struct talk *t;

	TAILQ_FOREACH(t, &a->voice.talks->list, entry)
		if (strcmp(t->conf, conf) == 0)
			buf_putf(out, "%s%s", buf_len(out) > 0 ? "," : "",
			    t->user);
}

int64_t
talk_heard(struct agent *a, const char *conf)
{
	struct heard *h;

	TAILQ_FOREACH(h, &a->voice.talks->heard, entry)
		if (strcmp(h->conf, conf) == 0)
			return h->at;
	return 0;
}

/* --- mics --- */

int
mic_is_on(struct agent *a, const char *conf)
{
	struct attachment *v;

	TAILQ_FOREACH(v, &a->voice.list, entry)
		if (v->mic && strcmp(v->conf, conf) == 0)
			return 1;
	return 0;
}

static void
mic_row(struct attachment *v, int on, const char *t)
{
	struct ctl_req r;
	struct buf *b;

	if (v->state != ATTACH_ON || (b = voice_row(v, "mic", &r)) == NULL)
		return;
	line_put(b, "on", on ? "on" : "off");
	line_put(b, "t", t);
	line_put(b, "by", "tool");
	ctl_end(&r);
}

/* There is one sound card: another mic on it goes off. */
static void
mic_others_off(struct attachment *on)
{
	struct attachment *v;

	TAILQ_FOREACH(v, &on->a->voice.list, entry)
		if (v != on && v->card && v->mic)
			mic_row(v, 0, NULL);
}

static void
mic_event(struct attachment *v, int on, const char *by)
{
	struct buf *b;

	v->mic = on;
	if (on && v->card)
		mic_others_off(v);
	b = event_begin(v->a, "mic");
	line_put(b, "conf", v->conf);
	line_put(b, "user", v->a->uri);
	line_put(b, "on", on ? "1" : "0");
	line_put(b, "by", by);
	event_end(v->a);
}

/* Fields of a device's event: mic on=on|off by=key|agent|limit */
static void
mic_said(struct agent *a, struct ctl_req *r)
{
	struct attachment *v = voice_of_peer(a, ctl_peer_id(r->peer));
	int on = strcmp(line_get_or(r->line, "on", ""), "on") == 0;

	if (v != NULL && v->state == ATTACH_ON && v->mic != on)
		mic_event(v, on, line_get(r->line, "by"));
}

/* The youngest device there that captures from a sound card. */
static struct attachment *
mic_youngest(struct agent *a, const char *conf)
{
	struct attachment *v;

	TAILQ_FOREACH_REVERSE(v, &a->voice.list, attachments, entry)
	if (v->card && v->state == ATTACH_ON && strcmp(v->conf, conf) == 0)
		return v;
	return NULL;
}

/* mic conf= what=on|off|toggle [t=SEC]; from a device: what it did */
static void
on_mic(void *ctx, struct ctl_req *r)
{
	const char *what = line_get_or(r->line, "what", "toggle");
	const char *t = line_get(r->line, "t");
	unsigned long long seconds;
	struct agent *a = ctx;
	struct attachment *v;
	struct conf_in *c;
	int on;

	if (r->id == 0) {
		mic_said(a, r);
		return;
	}
	if ((c = tool_my_conf(a, r)) == NULL)
		return;
	if (strcmp(what, "on") != 0 && strcmp(what, "off") != 0 &&
	    strcmp(what, "toggle") != 0) {
		ctl_error(r, 400, "on, off or toggle");
		return;
	}
	if (t != NULL && text_number(t, 1, 86400, &seconds) != 0) {
		ctl_error(r, 400, "t= is a number of seconds");
		return;
	}
	on = strcmp(what, "on") == 0 ||
	    (strcmp(what, "toggle") == 0 && !mic_is_on(a, c->uri));
	if (on && (v = mic_youngest(a, c->uri)) == NULL) {
		ctl_error(r, 480, "no device with a microphone there");
		return;
	}
	if (on) {
		mic_others_off(v);
		mic_row(v, 1, t);
	} else
		TAILQ_FOREACH(v, &a->voice.list, entry)
			if (strcmp(v->conf, c->uri) == 0)
				mic_row(v, 0, NULL);
	line_put(ctl_ok_begin(r), "on", on ? "on" : "off");
	ctl_end(r);
}

/* --- levels --- */

int
levels_wanted(const struct agent *a)
{
	return !TAILQ_EMPTY(&a->voice.talks->lookers);
}

static void
levels_ask(struct agent *a, int on)
{
	struct attachment *v;
	struct ctl_req r;
	struct buf *b;

	TAILQ_FOREACH(v, &a->voice.list, entry)
		if (v->state == ATTACH_ON &&
		    (b = voice_row(v, "levels", &r)) != NULL) {
			line_put(b, "on", on ? "on" : "off");
			ctl_end(&r);
		}
}

static void
looker_drop(struct agent *a, struct looker *l)
{
	TAILQ_REMOVE(&a->voice.talks->lookers, l, entry);
	free(l);
	if (!levels_wanted(a))
		levels_ask(a, 0);
}

void
levels_peer_gone(struct agent *a, uint64_t peer)
{
	struct looker *l, *next;

	for (l = TAILQ_FIRST(&a->voice.talks->lookers); l != NULL; l = next) {
		next = TAILQ_NEXT(l, entry);
		if (l->who.peer == peer)
			looker_drop(a, l);
	}
}

static void
on_levels(void *ctx, struct ctl_req *r)
{
	struct agent *a = ctx;
	struct looker *l = agent_alloc(sizeof(*l));
	int first = !levels_wanted(a);

	l->who = ctl_keep(r);
	TAILQ_INSERT_TAIL(&a->voice.talks->lookers, l, entry);
	if (first)
		levels_ask(a, 1);
}

/* level in=DB out=DB */
static void
on_level(void *ctx, struct ctl_req *r)
{
	struct agent *a = ctx;
	struct attachment *v = voice_of_peer(a, ctl_peer_id(r->peer));
	struct looker *l, *next;
	struct ctl_req to;
	struct buf *b;

	if (v == NULL)
		return;
	for (l = TAILQ_FIRST(&a->voice.talks->lookers); l != NULL; l = next) {
		next = TAILQ_NEXT(l, entry);
		if (ctl_again(a->ctl, l->who, &to) != 0) {
			looker_drop(a, l);
			continue;
		}
		b = ctl_row(&to);
		line_put(b, "conf", v->conf);
		line_put(b, "user", a->uri);
		line_put(b, "level_db", decimal(r->line, "in"));
		line_put(b, "out_db", decimal(r->line, "out"));
		line_put(b, "mic", v->mic ? "on" : "off");
		ctl_end(&to);
	}
}

/* --- */

void
talk_detached(struct attachment *v)
{
	struct agent *a = v->a;
	struct talk *t, *next;
	struct hearing *h, *hnext;
	int last;

	for (t = TAILQ_FIRST(&a->voice.talks->list); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		for (h = TAILQ_FIRST(&t->by); h != NULL; h = hnext) {
			hnext = TAILQ_NEXT(h, entry);
			if (h->attachment != v->number)
				continue;
			last = TAILQ_FIRST(&t->by) == h && hnext == NULL;
			talk_stop(a, t, h, NULL);
			if (last)
				break; /* t is gone */
		}
	}
	if (v->mic)
		mic_event(v, 0, "end");
}

void
talk_attached(struct attachment *v)
{
	if (v->mic)
		mic_event(v, 1, "start");
}

void
talk_init(struct agent *a)
{
	a->voice.talks = agent_alloc(sizeof(*a->voice.talks));
	TAILQ_INIT(&a->voice.talks->list);
	TAILQ_INIT(&a->voice.talks->heard);
	TAILQ_INIT(&a->voice.talks->lookers);
}

void
talk_close(struct agent *a)
{
	struct talks *k = a->voice.talks;
	struct hearing *h;
	struct looker *l;
	struct heard *d;
	struct talk *t;

	while ((t = TAILQ_FIRST(&k->list)) != NULL) {
		while ((h = TAILQ_FIRST(&t->by)) != NULL) {
			TAILQ_REMOVE(&t->by, h, entry);
			free(h);
		}
		TAILQ_REMOVE(&k->list, t, entry);
		free(t);
	}
	while ((d = TAILQ_FIRST(&k->heard)) != NULL) {
		TAILQ_REMOVE(&k->heard, d, entry);
		free(d);
	}
	while ((l = TAILQ_FIRST(&k->lookers)) != NULL) {
		TAILQ_REMOVE(&k->lookers, l, entry);
		free(l);
	}
	free(k);
}

const struct ctl_verb talk_verbs[] = {
	{ "talk", CTL_SAME, on_talk },
	{ "level", CTL_SAME, on_level },
	{ "mic", CTL_SAME, on_mic },
	{ "levels", CTL_SAME, on_levels },
	{ NULL, 0, NULL },
};
