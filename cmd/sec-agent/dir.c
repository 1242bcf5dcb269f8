/*
 * The enterprise directory, asked of the PAL manager page by page: what is
 * found goes to the tool as it comes (S074, S169).
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/text.h"
#include "sip/event.h"

#define UNSENT	65536 /* that a tool may have to read yet */
#define SLOW_MS 20

struct search {
	struct agent *a;
	struct ctl_handle who;
	struct buf terms; /* fields of the question, as they came */
	uint64_t left; /* rows that are still wanted */
	uint64_t after;
	int is_counted, is_cut; /* there are `total`; there are more */
	uint64_t total;
	struct timer slow; /* the tool has not read what it has */
};

static void ask(struct search *s);

static void
search_free(struct search *s)
{
	timer_cancel(&s->slow);
	buf_free(&s->terms);
	free(s);
}

static void
search_end(struct search *s, struct ctl_req *r)
{
	struct buf *b = ctl_ok_begin(r);

	if (s->is_counted)
		line_put_u64(b, "total", s->total);
	line_put(b, "more", s->is_cut ? "1" : NULL);
	ctl_end(r);
	search_free(s);
}

static void
pass_on(struct search *s, struct ctl_req *r, const struct line *l)
{
	struct buf *b = ctl_row(r);
	size_t i;

	for (i = 0; i < l->n; i++)
		line_put_field(b, &l->field[i]);
	ctl_end(r);
	s->left--;
}

/* A page: 1 if another one is wanted, 0 if not, else SEC_ERR_FORMAT. */
static int
page(struct search *s, struct ctl_req *r, const struct sip_msg *answer)
{
	const char *p = answer->body, *end = p + answer->bodylen;
	uint64_t more = 0;
	struct line l;

	if (answer->bodylen == 0 || !line_next(&l, &p, end))
		return SEC_ERR_FORMAT;
	s->is_counted |= line_get_u64(&l, "total", &s->total) == 0;
	(void)line_get_u64(&l, "more", &more);
	line_free(&l);
	while (s->left > 0 && line_next(&l, &p, end)) {
		pass_on(s, r, &l);
		line_free(&l);
	}
	s->is_cut = s->left == 0 && more > 0;
	/* It goes forward, or it would go on for ever. */
	if (s->left == 0 || more <= s->after)
		return 0;
	s->after = more;
	return 1;
}

/* The next page, when the tool has room for it. */
static void
go_on(void *arg)
{
	struct search *s = arg;
	struct ctl_req r;

	if (ctl_again(s->a->ctl, s->who, &r) != 0)
		search_free(s);
	else if (ctl_peer_unsent(r.peer) > UNSENT)
		timer_set(&s->slow, SLOW_MS);
	else
		ask(s);
}

static void
on_answer(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct search *s = ctx;
	struct ctl_req r;
	int more;

	(void)cookie;
	if (ctl_again(s->a->ctl, s->who, &r) != 0) {
		search_free(s);
		return;
	}
	if (answer->status / 100 != 2) {
		ctl_error(&r, answer->status, answer->note);
		search_free(s);
	} else if ((more = page(s, &r, answer)) < 0) {
		ctl_error(&r, 400, "the PAL manager's answer is malformed");
		search_free(s);
	} else if (more)
		go_on(s);
	else
		search_end(s, &r);
}

static void
ask(struct search *s)
{
	struct agent *a = s->a;
	struct buf body = BUF_INIT;
	char pal[URI_MAX], contact[URI_MAX];
	struct sip_msg m;
	struct ctl_req r;
	uint64_t sent;

	line_begin(&body, "find");
	buf_put(&body, buf_data(&s->terms), buf_len(&s->terms));
	line_put_u64(&body, "after", s->after);
	line_put_u64(&body, "limit", s->left);
	line_end(&body);
	sip_msg_init(&m);
	m.method = "SUBSCRIBE";
	m.uri = m.to = uri_palmgr(pal, a->conf.domain);
	m.from = a->uri;
	m.event = EVENT_DIRECTORY;
	m.expires = 0;
	m.contact = flow_contact(a->session.pal, a->uri, contact);
	m.content_type = EVENT_LINE_TYPE;
	m.body = buf_data(&body);
	m.bodylen = buf_len(&body);
	sent = flow_request(a->session.pal, &m, SHORT_MS, on_answer, s, 0);
	buf_free(&body);
	if (sent != 0)
		return;
	if (ctl_again(a->ctl, s->who, &r) == 0)
		ctl_error(&r, 503, "PAL manager unreachable");
	search_free(s);
}

void
dir_start(struct agent *a, struct ctl_req *r)
{
	static const char *const ours[] = { "id", "limit" };
	const struct line *l = r->line;
	struct search *s = agent_alloc(sizeof(*s));
	size_t i;

	s->a = a;
	s->who = ctl_keep(r);
	timer_init(&s->slow, a->loop, go_on, s);
	if (line_get_u64(l, "limit", &s->left) != 0 || s->left == 0)
		s->left = UINT64_MAX;
	for (i = 0; i < l->n; i++)
		if (strcmp(l->field[i].key, ours[0]) != 0 &&
		    strcmp(l->field[i].key, ours[1]) != 0)
			line_put_field(&s->terms, &l->field[i]);
	ask(s);
}
