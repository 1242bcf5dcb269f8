/*
 * Who watches me (S163-S165): sec-pal subscribes to me while somebody does,
 * and its SUBSCRIBEs carry who is new among the watchers and who has gone.
 * The answer is my own row; no NOTIFY ever runs in that dialog.
 *
 *	sec-pal                                   agent
 *	SUBSCRIBE  watcher user= state=new   -->  event pal.watcher
 *	           doc, entry of mine        <--  200
 *	SUBSCRIBE in the dialog, state=gone  -->  event pal.watcher
 *	SUBSCRIBE, Expires 0                 -->  nobody any more
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/event.h"

struct watcher {
	char uri[URI_MAX];
	int seen; /* in the rows just read */
};

struct watchers {
	struct dialog dialog;
	int open; /* the dialog */
	struct map *by_uri;
};

void
watchers_init(struct agent *a)
{
	a->watchers = agent_alloc(sizeof(*a->watchers));
	a->watchers->by_uri = map_new();
}

void
watchers_close(struct agent *a)
{
	struct watcher *w;
	size_t i = 0;

	while ((w = map_next(a->watchers->by_uri, &i)) != NULL)
		free(w);
	map_free(a->watchers->by_uri);
	free(a->watchers);
}

static void
put_event(struct buf *b, const struct watcher *w, const char *state)
{
	line_put(b, "user", w->uri);
	line_put(b, "state", state);
}

static void
gone(struct agent *a, struct watcher *w)
{
	put_event(event_begin(a, "pal.watcher"), w, "gone");
	event_end(a);
	(void)map_del_str(a->watchers->by_uri, w->uri);
	free(w);
}

static void
is_new(struct agent *a, const char *uri)
{
	struct watcher *w = map_get_str(a->watchers->by_uri, uri);

	if (w == NULL) {
		w = agent_alloc(sizeof(*w));
		text_copy(w->uri, uri, sizeof(w->uri));
		(void)map_put_str(a->watchers->by_uri, w->uri, w);
		put_event(event_begin(a, "pal.watcher"), w, "new");
		event_end(a);
	}
	w->seen = 1;
}

/* Rows `watcher user= state=new|gone`. */
static void
take_rows(struct agent *a, const struct sip_msg *req)
{
	const char *p = req->body, *end = p + req->bodylen;
	const char *user, *state;
	struct watcher *w;
	struct uri u;
	struct line l;

	while (p != NULL && line_next(&l, &p, end)) {
		user = line_get_or(&l, "user", "");
		state = line_get_or(&l, "state", "");
		if (strcmp(l.verb, "watcher") == 0 &&
		    uri_parse(&u, user, a->conf.domain) == 0) {
			if (strcmp(state, "new") == 0)
				is_new(a, u.full);
			else if (strcmp(state, "gone") == 0 &&
			    (w = map_get_str(a->watchers->by_uri, u.full)) !=
				NULL)
				gone(a, w);
		}
		line_free(&l);
	}
}

/* A new dialog begins with all of them: who is not told of has gone. */
static void
take_all(struct agent *a, const struct sip_msg *req)
{
	struct watcher *w;
	size_t i = 0;

	while ((w = map_next(a->watchers->by_uri, &i)) != NULL)
		w->seen = 0;
	take_rows(a, req);
	for (i = 0; (w = map_next(a->watchers->by_uri, &i)) != NULL;)
		if (!w->seen)
			gone(a, w);
}

/* My own row, which is what a PAL shows of me. */
static void
put_own(struct agent *a, struct buf *b)
{
	const struct presence *p = &a->presence;

	line_begin(b, "doc");
	line_put(b, "uri", a->uri);
	line_putf(b, "version", "%lld", (long long)session_now(a));
	line_put(b, "state", "full");
	line_put(b, "part", "1/1");
	line_end(b);
	line_begin(b, "entry");
	line_put_arg(b, a->uri);
	line_put(b, "type", "user");
	line_put(b, "status", p->status);
	line_put(b, "class", p->class_word);
	if (p->note[0] != '\0')
		line_put(b, "note", p->note);
	line_put(b, "media",
	    a->login.media[0] != '\0' ? a->login.media : "text,voice");
	line_end(b);
}

static void
answer(struct agent *a, struct sip_txn *txn, int64_t expires)
{
	struct buf body = BUF_INIT;
	char contact[URI_MAX];
	struct sip_msg m;

	put_own(a, &body);
	sip_msg_init(&m);
	m.status = 200;
	m.expires = expires;
	m.event = EVENT_PRESENCE;
	m.contact = flow_contact(a->session.pal, a->uri, contact);
	m.content_type = EVENT_PAL_TYPE;
	m.body = buf_data(&body);
	m.bodylen = buf_len(&body);
	sip_answer(txn, &m);
	buf_free(&body);
}

/* In the dialog, or the beginning of one: 0, or the status to refuse it. */
static int
take_dialog(struct agent *a, struct sip_txn *txn, const struct sip_msg *req)
{
	struct watchers *w = a->watchers;
	int r;

	if (req->to_tag == NULL) {
		if (dialog_from_request(&w->dialog, req, sip_txn_to_tag(txn)) !=
		    0)
			return 400;
		w->open = 1;
		return 0;
	}
	if (!w->open || (r = dialog_check(&w->dialog, req)) == SEC_ERR_NOTHING)
		return 481;
	return r != 0 ? 500 : 0;
}

void
on_subscribe(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	int64_t expires = event_expires(req->expires);
	struct watcher *w;
	size_t i = 0;
	int status;

	if (a == NULL || ctx != a->session.pal) {
		sip_answer_status(txn, 403);
		return;
	}
	if (req->event == NULL ||
	    !text_equal_nocase(req->event, EVENT_PRESENCE)) {
		sip_answer_status(txn, 489);
		return;
	}
	if ((status = take_dialog(a, txn, req)) != 0) {
		sip_answer_status(txn, status);
		return;
	}
	answer(a, txn, expires);
	if (expires == 0) {
		a->watchers->open = 0;
		while ((w = map_next(a->watchers->by_uri, &i)) != NULL)
			gone(a, w);
	} else if (req->to_tag == NULL)
		take_all(a, req);
	else
		take_rows(a, req);
}

void
watchers_state(struct agent *a, struct buf *b,
    void (*put)(struct agent *, struct ctl_req *, struct buf *),
    struct ctl_req *r)
{
	struct watcher *w;
	size_t i = 0;

	while ((w = map_next(a->watchers->by_uri, &i)) != NULL) {
		line_put(b, "event", "pal.watcher");
		put_event(b, w, "new");
		put(a, r, b);
	}
}
