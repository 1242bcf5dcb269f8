/*
 * Verbs that every daemon has: status, health, drain; and what health
 * says about links, keys, drain and configuration.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/proc.h"
#include "server/state.h"

static void
word(struct buf *b, const char *s)
{
	if (buf_len(b) > 0)
		buf_put_str(b, ", ");
	buf_put_str(b, s);
}

/* Links that should be there, and are not. */
static int
link_words(struct service *s, struct buf *b)
{
	const struct server *o;
	char text[96];
	int warn = 0;
	size_t i;

	for (i = 0; s->links != NULL && i < s->servers.n; i++) {
		o = &s->servers.server[i];
		if (o->number == s->self->number ||
		    (s->self->number != 1 && o->number != 1) ||
		    links_is_up(s->links, o->number) ||
		    links_is_idle(s->links, o->number))
			continue;
		snprintf(text, sizeof(text), "no link to %s", o->name);
		word(b, text);
		warn = 1;
	}
	return warn;
}

int
health_words(struct service *s, struct buf *b)
{
	char text[48];
	int left, warn = 0;

	if (s->def->health != NULL)
		warn |= s->def->health(s, b) != 0;
	if (s->draining) {
		if ((left = leave_is_busy(s)) > 0)
			snprintf(text, sizeof(text), "draining, %d left", left);
		word(b, left > 0 ? text : "drained");
		warn = 1;
	}
	if (s->conf.plain) {
		word(b, "security = plain: connections are not sealed");
		warn = 1;
	} else if (s->epochs != NULL && epochs_last(s->epochs) == 0) {
		word(b, "no epoch yet (sec-keygen lead)");
		warn = 1;
	}
	if (s->conf.plain || s->epochs == NULL || epochs_last(s->epochs) > 0)
		warn |= link_words(s, b);
	if (s->state->bad_config[0] != '\0') {
		word(b, s->state->bad_config);
		warn = 1;
	}
	return warn;
}

void
health_notify(struct service *s, const char *state)
{
	struct buf words = BUF_INIT, all = BUF_INIT;

	(void)health_words(s, &words);
	buf_putf(&all, "%s%sSTATUS=%s", state, *state != '\0' ? "\n" : "",
	    buf_cstr(&words));
	(void)proc_notify(buf_cstr(&all));
	buf_free(&words);
	buf_free(&all);
}

static void
on_status(void *ctx, struct ctl_req *r)
{
	struct service *s = ctx;
	struct buf words = BUF_INIT, *b;
	char id[16];

	if (s->def->status != NULL)
		s->def->status(s, r);
	(void)health_words(s, &words);
	b = ctl_ok_begin(r);
	line_put(b, "name", s->self->name);
	line_put(b, "role", s->self->role);
	line_put_u64(b, "number", s->self->number);
	line_put(b, "prog", s->def->prog);
	line_put(b, "version", SEC_VERSION);
	line_put_u64(b, "pid", (uint64_t)getpid());
	line_put_u64(b, "since", (uint64_t)s->started);
	line_put(b, "addr", s->self->addr);
	line_put_u64(b, "ready", (uint64_t)s->state->ready);
	line_put_u64(b, "draining", (uint64_t)s->draining);
	line_put_u64(b, "connections", sip_conn_count(s->sip));
	if (s->epochs != NULL && epochs_last(s->epochs) > 0) {
		line_put_u64(b, "epoch",
		    epochs_current(s->epochs, clock_real()));
		if (epochs_id(s->epochs,
			epochs_current(s->epochs, clock_real()), id) == 0)
			line_put(b, "key", id);
	}
	line_put(b, "words", buf_cstr(&words));
	ctl_end(r);
	buf_free(&words);
}

static void
on_health(void *ctx, struct ctl_req *r)
{
	struct service *s = ctx;
	struct buf words = BUF_INIT, *b;
	int warn;

	warn = health_words(s, &words);
	b = ctl_ok_begin(r);
	line_put(b, "name", s->self->name);
	line_put(b, "state", warn ? "WARN" : "ok");
	line_put(b, "words", buf_cstr(&words));
	ctl_end(r);
	buf_free(&words);
}

static void
on_drain(void *ctx, struct ctl_req *r)
{
	struct service *s = ctx;
	uint64_t stop = 0;
	struct buf *b;

	(void)line_get_u64(r->line, "stop", &stop);
	leave_drain(s, stop == 0);
	b = ctl_ok_begin(r);
	line_put_u64(b, "draining", (uint64_t)s->draining);
	line_put_u64(b, "busy", (uint64_t)leave_is_busy(s));
	ctl_end(r);
}

const struct ctl_verb health_verbs[] = {
	{ "status", CTL_ANYONE, on_status },
	{ "health", CTL_ANYONE, on_health },
	{ "drain", CTL_ADMIN, on_drain },
	{ NULL, 0, NULL },
};
