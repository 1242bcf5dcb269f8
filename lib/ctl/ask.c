/*
 * Calls and events that we send: a call waits for its rows and the `ok` or
 * `error` that ends it, for its deadline, or for the loss of the peer.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "ctl/peer.h"

static void
call_free(struct ctl_call *k)
{
	timer_cancel(&k->deadline);
	TAILQ_REMOVE(&k->peer->calls, k, entry);
	free(k);
}

/* The last word to a call: it is gone before its owner hears. */
static void
call_end(struct ctl_call *k, int err, const struct line *l)
{
	struct ctl_call end = *k;

	call_free(k);
	end.cb(end.ctx, end.cookie, err, l);
}

static void
on_deadline(void *arg)
{
	call_end(arg, SEC_ERR_TIMEOUT, NULL);
}

/* The line could not go out; said from the loop, as all other ends are. */
static void
on_unsent(void *arg)
{
	struct ctl_call *k = arg;

	call_end(k, k->peer->closed ? SEC_ERR_CLOSED : SEC_ERR_LIMIT, NULL);
}

void
ctl_call_fail_all(struct ctl_peer *p, int err)
{
	const uint64_t last = p->ctl->last_id;
	struct ctl_call *k;

	/* Not those that are begun meanwhile, by who tries again at once. */
	while ((k = TAILQ_FIRST(&p->calls)) != NULL && k->id <= last)
		call_end(k, err, NULL);
}

void
ctl_call_drop_all(struct ctl_peer *p)
{
	struct ctl_call *k;

	while ((k = TAILQ_FIRST(&p->calls)) != NULL)
		call_free(k);
}

static void
ignore_reply(void *ctx, uint64_t cookie, int err, const struct line *l)
{
	(void)ctx;
	(void)cookie;
	(void)err;
	(void)l;
}

void
ctl_call_reply(struct ctl_peer *p, const struct line *l)
{
	struct ctl_call *k;
	uint64_t id, code;
	int err;

	if (line_get_u64(l, "id", &id) != 0)
		return;
	TAILQ_FOREACH(k, &p->calls, entry)
		if (k->id == id)
			break;
	if (k == NULL)
		return; /* its deadline was faster */
	if (strcmp(l->verb, "row") == 0) {
		k->cb(k->ctx, k->cookie, 0, l);
		return;
	}
	if (strcmp(l->verb, "ok") == 0) {
		call_end(k, 0, l);
		return;
	}
	if (line_get_u64(l, "code", &code) != 0 || code < 300 || code > 699)
		code = 500;
	err = sec_err_from_sip(NULL, (int)code);
	call_end(k, err != 0 ? err : SEC_ERR_UNREACHABLE, l);
}

struct buf *
ctl_call(struct ctl_peer *p, const char *verb)
{
	p->call_id = ++p->ctl->last_id;
	buf_reset(&p->call);
	line_begin(&p->call, verb);
	line_put_u64(&p->call, "id", p->call_id);
	return &p->call;
}

uint64_t
ctl_call_end(struct ctl_peer *p, int64_t deadline_ms, ctl_reply_h cb, void *ctx,
    uint64_t cookie)
{
	struct ctl_call *k;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a call");
	k->peer = p;
	k->id = p->call_id;
	k->cb = cb != NULL ? cb : ignore_reply;
	k->ctx = ctx;
	k->cookie = cookie;
	TAILQ_INSERT_TAIL(&p->calls, k, entry);
	if (ctl_peer_send(p, &p->call) != 0) {
		timer_init(&k->deadline, p->ctl->loop, on_unsent, k);
		timer_set(&k->deadline, 0);
	} else {
		timer_init(&k->deadline, p->ctl->loop, on_deadline, k);
		if (deadline_ms >= 0)
			timer_set(&k->deadline, deadline_ms);
	}
	return k->id;
}

struct buf *
ctl_event(struct ctl_peer *p, const char *verb)
{
	p->call_id = 0;
	buf_reset(&p->call);
	line_begin(&p->call, verb);
	return &p->call;
}

void
ctl_event_end(struct ctl_peer *p)
{
	if (ctl_peer_send(p, &p->call) == SEC_ERR_LIMIT)
		log_error("ctl.event", "server=%d reason=\"line too long\"",
		    p->number);
}

int
ctl_reply_status(const struct line *reply, int err)
{
	uint64_t code;

	if (reply == NULL)
		return err == SEC_ERR_TIMEOUT ? 504 : 503;
	if (strcmp(reply->verb, "error") != 0)
		return 200;
	if (line_get_u64(reply, "code", &code) != 0 || code < 300 || code > 699)
		return 500;
	return (int)code;
}
