/*
 * fresh: a tool that asks who is there gets the answer of this moment, not
 * that of up to 100 ms ago: sec-pal is asked once (SUBSCRIBE, Expires 0)
 * before the rows of the copy are given. Without sec-pal the copy has to do.
 */

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sip/event.h"

#include "agent.h"

#define FRESH_MS 2000 /* then the copy has to do */

struct fresh {
	struct agent *a;
	struct ctl_handle who;
	uint64_t conf; /* number; 0: my PAL */
	fresh_h rows; /* of my PAL */
	char *line; /* the tool's */
};

static void
fresh_rows(struct fresh *f)
{
	struct conf_in *c;
	struct ctl_req r;
	struct line l;

	if (ctl_again(f->a->ctl, f->who, &r) == 0 &&
	    line_parse(&l, f->line, strlen(f->line)) == 0) {
		r.line = &l;
		if (f->conf == 0)
			f->rows(f->a, &r);
		else if ((c = conf_of(f->a, f->conf)) != NULL)
			conf_show(c, &r);
		else
			ctl_error(&r, 404, "the conference is over");
		line_free(&l);
	}
	free(f->line);
	free(f);
}

static void
on_fresh(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct fresh *f = ctx;
	struct conf_in *c;
	struct pal_doc d;
	int whole;

	(void)cookie;
	if (answer->status / 100 == 2 && answer->bodylen > 0 &&
	    pal_doc_decode(&d, answer->body, answer->bodylen) == 0) {
		/* The further parts of a long one come to its subscription
		 * only. */
		whole = d.parts == 1;
		pal_doc_free(&d);
		if (whole && f->conf == 0)
			presence_doc(f->a, answer->body, answer->bodylen);
		else if (whole && (c = conf_of(f->a, f->conf)) != NULL)
			conf_doc(c, answer->body, answer->bodylen);
	}
	fresh_rows(f);
}

static void
start(struct agent *a, struct ctl_req *r, struct conf_in *c, fresh_h rows)
{
	struct fresh *f = agent_alloc(sizeof(*f));
	struct buf line = BUF_INIT;
	char contact[URI_MAX];
	struct sip_msg m;
	size_t i;

	line_begin(&line, r->line->verb);
	for (i = 0; i < r->line->n; i++)
		line_put_field(&line, &r->line->field[i]);
	f->a = a;
	f->who = ctl_keep(r);
	f->conf = c != NULL ? c->number : 0;
	f->rows = rows;
	if ((f->line = strdup(buf_cstr(&line))) == NULL)
		abort();
	buf_free(&line);
	sip_msg_init(&m);
	m.method = "SUBSCRIBE";
	m.uri = m.to = c != NULL ? c->uri : a->uri;
	m.from = a->uri;
	m.event = c != NULL ? EVENT_CONFERENCE : EVENT_PRESENCE;
	m.expires = 0;
	m.contact = flow_contact(a->session.pal, a->uri, contact);
	if (flow_request(a->session.pal, &m, FRESH_MS, on_fresh, f, 0) == 0)
		fresh_rows(f);
}

void
fresh_pal(struct agent *a, struct ctl_req *r, fresh_h rows)
{
	start(a, r, NULL, rows);
}

void
fresh_show(struct conf_in *c, struct ctl_req *r)
{
	start(c->a, r, c, NULL);
}
