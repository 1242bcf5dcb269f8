/*
 * order: what a tool asks of a conference by one line (`rekey`, `end` and
 * the like): verb and fields go as they are to the controller, by PUBLISH,
 * and what it answers comes back. It knows who may, and what they mean.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"

struct order {
	struct agent *a;
	struct ctl_handle who;
	struct uri conf;
};

const char *
order_refusal(struct agent *a, const struct uri *conf,
    const struct sip_msg *answer, char *out, size_t n)
{
	if (answer->status == 503)
		return conf_unavailable_by(a, answer);
	if (answer->note != NULL && answer->note[0] != '\0')
		return answer->note;
	if (answer->status != 404)
		return sec_sip_reason(answer->status);
	snprintf(out, n, "%s: no such conference", conf->name);
	return out;
}

static void
put_fields(struct buf *b, const struct line *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->field[i].key, "id") != 0)
			line_put_field(b, &l->field[i]);
}

/* Its lines are rows and then `ok`, or nothing. */
static void
order_done(struct order *o, struct ctl_req *r, const struct sip_msg *answer)
{
	const char *p = answer->body, *end = p + answer->bodylen;
	struct buf ok = BUF_INIT, *b;
	struct line l;

	while (answer->bodylen > 0 && line_next(&l, &p, end)) {
		if (strcmp(l.verb, "row") == 0) {
			put_fields(ctl_row(r), &l);
			ctl_end(r);
		} else if (strcmp(l.verb, "ok") == 0)
			put_fields(&ok, &l);
		line_free(&l);
	}
	b = ctl_ok_begin(r);
	line_put(b, "conf", o->conf.full);
	buf_put(b, buf_data(&ok), buf_len(&ok));
	ctl_end(r);
	buf_free(&ok);
}

static void
on_answer(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct order *o = ctx;
	struct ctl_req r;
	char why[160];

	(void)cookie;
	if (ctl_again(o->a->ctl, o->who, &r) == 0) {
		if (answer->status / 100 == 2)
			order_done(o, &r, answer);
		else
			ctl_error(&r, answer->status,
			    order_refusal(o->a, &o->conf, answer, why,
				sizeof(why)));
	}
	free(o);
}

void
order_line(const struct line *l, struct buf *out)
{
	size_t i;

	line_begin(out, l->verb);
	for (i = 0; i < l->n; i++)
		if (strcmp(l->field[i].key, "conf") != 0 &&
		    strcmp(l->field[i].key, "id") != 0)
			line_put_field(out, &l->field[i]);
	line_end(out);
}

void
order_start(struct agent *a, struct ctl_req *r)
{
	struct buf body = BUF_INIT;
	struct order *o;
	struct uri u;

	if (tool_conf(a, r, &u) != 0)
		return;
	o = agent_alloc(sizeof(*o));
	o->a = a;
	o->who = ctl_keep(r);
	o->conf = u;
	order_line(r->line, &body);
	if (conf_publish(a, u.full, &body, on_answer, o, 0) != 0) {
		ctl_error(r, 503, "controller unreachable");
		free(o);
	}
	buf_free(&body);
}
