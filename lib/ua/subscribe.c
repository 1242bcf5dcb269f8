/*
 * Subscriptions of the agent. A SUBSCRIBE is under way (asking), or its
 * dialog is there (active), or the timer will ask; a lost connection leads
 * to a refresh when the flow is up again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "sip/dialog.h"
#include "sip/event.h"
#include "ua/subscribe.h"
#include "wire/uri.h"

#define DEADLINE 10000 /* ms for an answer */
#define AGAIN	 100 /* ms after a 503 */
#define LATER	 2000 /* ms after other failures */

struct subscription {
	struct flow *flow;
	char event[32];
	char from[URI_MAX], to[URI_MAX];
	char call_id[40], tag[20];
	const struct subscription_ops *ops;
	void *arg;
	struct dialog dialog;
	int active;
	uint64_t asking, fetching; /* txns */
	struct timer timer;
};

static void
fresh_ids(struct subscription *s)
{
	uint64_t r[2];

	proc_random(r, sizeof(r));
	snprintf(s->call_id, sizeof(s->call_id), "%016llx",
	    (unsigned long long)r[0]);
	snprintf(s->tag, sizeof(s->tag), "%08x", (unsigned)r[1]);
}

static void
fill(struct subscription *s, struct sip_msg *m, char contact[256])
{
	sip_msg_init(m);
	m->method = "SUBSCRIBE";
	m->uri = m->to = s->to;
	m->from = s->from;
	m->event = s->event;
	m->contact = flow_contact(s->flow, s->from, contact);
}

static void
take_body(struct subscription *s, const struct sip_msg *m)
{
	if (m->bodylen > 0 && m->content_type != NULL &&
	    text_equal_nocase(m->content_type, EVENT_PAL_TYPE))
		s->ops->doc(s->arg, m->body, m->bodylen);
}

static void ask(struct subscription *s);

static void
on_answer(void *ctx, uint64_t cookie, const struct sip_msg *a)
{
	struct subscription *s = ctx;
	struct sip_msg m;
	char contact[256];
	int64_t left;

	(void)cookie;
	s->asking = 0;
	if (a->status / 100 == 2) {
		if (!s->active) {
			fill(s, &m, contact);
			if (dialog_from_answer(&s->dialog, &m, a) != 0)
				return;
			s->active = 1;
		}
		left = a->expires > 0 ? a->expires : EVENT_DEFAULT;
		timer_set(&s->timer, left * 800);
		take_body(s, a);
		return;
	}
	if (a->status == 481 && s->active) {
		s->active = 0;
		ask(s);
	} else if (a->status == 503) {
		timer_set(&s->timer, AGAIN);
	} else if (a->status == 408 || a->status >= 500) {
		timer_set(&s->timer, LATER);
	} else {
		s->active = 0;
		s->ops->ended(s->arg, a->status, a->note);
	}
}

static void
ask(struct subscription *s)
{
	struct sip_msg m;
	char contact[256];

	timer_cancel(&s->timer);
	if (s->asking != 0 || flow_conn(s->flow) == NULL)
		return;
	fill(s, &m, contact);
	m.expires = EVENT_DEFAULT;
	if (s->active) {
		dialog_request(&s->dialog, &m, "SUBSCRIBE");
	} else {
		fresh_ids(s);
		m.call_id = s->call_id;
		m.from_tag = s->tag;
		m.cseq = 1;
	}
	s->asking = flow_request(s->flow, &m, DEADLINE, on_answer, s, 0);
}

static void
on_timer(void *arg)
{
	ask(arg);
}

struct subscription *
subscription_new(struct loop *l, struct flow *flow, const char *event,
    const char *from, const char *to, const struct subscription_ops *ops,
    void *arg)
{
	struct subscription *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	s->flow = flow;
	text_copy(s->event, event, sizeof(s->event));
	text_copy(s->from, from, sizeof(s->from));
	text_copy(s->to, to, sizeof(s->to));
	s->ops = ops;
	s->arg = arg;
	timer_init(&s->timer, l, on_timer, s);
	ask(s);
	return s;
}

static void
on_ended(void *ctx, uint64_t cookie, const struct sip_msg *a)
{
	(void)ctx;
	(void)cookie;
	(void)a;
}

void
subscription_free(struct subscription *s)
{
	struct sip_msg m;
	char contact[256];

	if (s == NULL)
		return;
	if (s->asking != 0)
		sip_forget(flow_stack(s->flow), s->asking);
	if (s->fetching != 0)
		sip_forget(flow_stack(s->flow), s->fetching);
	timer_cancel(&s->timer);
	if (s->active && flow_conn(s->flow) != NULL) {
		fill(s, &m, contact);
		m.expires = 0;
		dialog_request(&s->dialog, &m, "SUBSCRIBE");
		(void)flow_request(s->flow, &m, DEADLINE, on_ended, NULL, 0);
	}
	free(s);
}

void
subscription_up(struct subscription *s)
{
	ask(s);
}

static void
on_fetched(void *ctx, uint64_t cookie, const struct sip_msg *a)
{
	struct subscription *s = ctx;

	(void)cookie;
	s->fetching = 0;
	if (a->status / 100 == 2)
		take_body(s, a);
}

void
subscription_fetch(struct subscription *s)
{
	struct sip_msg m;
	char contact[256];

	if (s->fetching != 0)
		return;
	fill(s, &m, contact);
	m.expires = 0;
	s->fetching = flow_request(s->flow, &m, DEADLINE, on_fetched, s, 0);
}

int
subscription_notify(struct subscription *s, const struct sip_msg *req)
{
	int r;

	if (!s->active ||
	    (r = dialog_check(&s->dialog, req)) == SEC_ERR_NOTHING)
		return 0;
	if (r != 0)
		return r;
	take_body(s, req);
	if (event_is_terminated(req->sub_state)) {
		/* Over for good? The answer to a new one says so. */
		s->active = 0;
		timer_set(&s->timer, LATER);
		s->ops->ended(s->arg, 0, NULL);
	}
	return 1;
}
