/*
 * Inviting others (Fig. 7): one INVITE with Proposed for each of them, side
 * by side. Whoever is named by an attribute, as org:1256, is found by the
 * controller: one INVITE for all of these, whose 183s name the people.
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/event.h"

#define TIMEOUT_S   60
#define TIMEOUT_MAX 3600
#define LATE_MS	    5000 /* for the 487 after a CANCEL */
#define ROSTER_MS   500 /* until the roster shows who came */

struct invitee {
	char uri[URI_MAX];
	uint64_t txn;
	int group; /* an attribute; people who have it follow */
	int done, cancelled, came;
};

/* The invitations of one command. */
struct inviting {
	struct agent *a;
	uint64_t number;
	struct ctl_handle who;
	int answered; /* `ok` was said already */
	int late; /* cancelled because the time is over */
	char conf[URI_MAX];
	size_t n, open;
	struct invitee *invitee;
	int told; /* people of the groups */
	struct timer timeout; /* then: for the roster */
	TAILQ_ENTRY(inviting) entry;
};

struct invitings {
	TAILQ_HEAD(, inviting) list;
};

void
invite_event(struct agent *a, const char *conf, const char *event,
    const char *user, const char *result, int code, const char *note)
{
	struct buf *b;

	b = event_begin(a, event);
	line_put(b, "user", user);
	line_put(b, "conf", conf);
	line_put(b, "result", result);
	if (code != 0)
		line_putf(b, "code", "%d", code);
	line_put(b, "note", note);
	event_end(a);
}

static void
invitee_row(struct inviting *v, const char *user, const char *state, int code,
    const char *note)
{
	struct ctl_req r;
	struct buf *b;

	if (v->answered || ctl_again(v->a->ctl, v->who, &r) != 0)
		return;
	b = ctl_row(&r);
	line_put(b, "what", "invitee");
	line_put(b, "conf", v->conf);
	line_put(b, "user", user);
	line_put(b, "state", state);
	if (code != 0)
		line_putf(b, "code", "%d", code);
	line_put(b, "note", note);
	ctl_end(&r);
}

const char *
invite_state(int status)
{
	switch (status) {
	case 603: return "declined";
	case 486: return "busy";
	case 480: return "offline";
	case 403: return "denied";
	case 404: return "nothing";
	case 408:
	case 504: return "timeout";
	case 487: return "cancelled";
	default: return status / 100 == 2 ? "accepted" : "failed";
	}
}

static void
say_ok(struct inviting *v)
{
	struct ctl_req r;

	if (!v->answered && ctl_again(v->a->ctl, v->who, &r) == 0) {
		line_put(ctl_ok_begin(&r), "conf", v->conf);
		ctl_end(&r);
	}
	v->answered = 1;
}

static void
inviting_free(struct inviting *v)
{
	timer_cancel(&v->timeout);
	TAILQ_REMOVE(&v->a->invitings->list, v, entry);
	free(v->invitee);
	free(v);
}

static void
invitee_done(struct inviting *v, struct invitee *i, int status,
    const char *note)
{
	i->done = 1;
	i->came = status / 100 == 2;
	i->txn = 0;
	v->open--;
	invite_event(v->a, v->conf, "invite.done", i->uri, invite_state(status),
	    status, note);
	invitee_row(v, i->uri, invite_state(status), status, note);
}

static struct inviting *
inviting_of(struct agent *a, uint64_t number)
{
	struct inviting *v;

	TAILQ_FOREACH(v, &a->invitings->list, entry)
		if (v->number == number)
			return v;
	return NULL;
}

/* Whom the roster does not show yet, though he came. */
static int
is_behind(struct inviting *v, struct conf_in *c)
{
	const struct pal_entry *e;
	const char *s;
	size_t k;

	for (k = 0; k < v->n; k++) {
		if (!v->invitee[k].came)
			continue;
		e = mirror_find(c->roster, v->invitee[k].uri);
		s = e != NULL ? pal_entry_attr(e, "status") : NULL;
		if (s == NULL || strcmp(s, "invited") == 0 ||
		    strcmp(s, "left") == 0)
			return 1;
	}
	return 0;
}

/*
 * All have answered. `ok` waits until the roster here says the same, so
 * that the next command sees who came.
 */
static void
all_done(struct inviting *v)
{
	struct conf_in *c = conf_find(v->a, v->conf);

	if (v->answered || c == NULL || c->sub == NULL || !is_behind(v, c)) {
		say_ok(v);
		inviting_free(v);
		return;
	}
	subscription_fetch(c->sub);
	timer_set(&v->timeout, ROSTER_MS);
}

void
inviting_roster(struct agent *a, struct conf_in *c)
{
	struct inviting *v, *next;

	for (v = TAILQ_FIRST(&a->invitings->list); v != NULL; v = next) {
		next = TAILQ_NEXT(v, entry);
		if (v->open == 0 && strcmp(v->conf, c->uri) == 0 &&
		    !is_behind(v, c)) {
			say_ok(v);
			inviting_free(v);
		}
	}
}

/* Its dialog ends with the ACK (ARCHITECTURE.md 7). */
static void
ack(struct agent *a, const struct sip_msg *answer)
{
	struct dialog d;
	struct sip_msg m;

	sip_msg_init(&m);
	if (flow_conn(a->session.confctl) == NULL ||
	    dialog_from_answer(&d, &m, answer) != 0)
		return;
	dialog_ack(&d, &m, answer->cseq);
	sip_ack(flow_conn(a->session.confctl), &m);
}

static struct invitee *
invitee_find(struct inviting *v, const char *uri)
{
	size_t k;

	for (k = 0; k < v->n; k++)
		if (strcmp(v->invitee[k].uri, uri) == 0)
			return &v->invitee[k];
	return NULL;
}

static struct invitee *
invitee_add(struct inviting *v, const char *uri)
{
	struct invitee *i;

	v->invitee = reallocarray(v->invitee, v->n + 1, sizeof(*v->invitee));
	if (v->invitee == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	i = &v->invitee[v->n++];
	memset(i, 0, sizeof(*i));
	text_copy(i->uri, uri, sizeof(i->uri));
	return i;
}

/* 183: one whom the controller has found rings, or what became of him. */
static void
group_news(struct inviting *v, const struct sip_msg *answer)
{
	const char *words = answer->conference, *uri = answer->proposed;
	struct invitee *i;
	uint64_t code = 0;
	struct line l;

	if (uri == NULL || words == NULL ||
	    line_parse_words(&l, words, strlen(words)) != 0)
		return;
	(void)line_get_u64(&l, "code", &code);
	line_free(&l);
	if (code < 200) {
		if (code == 180)
			invitee_row(v, uri, "ringing", 180, NULL);
		return;
	}
	if (v->late && code == 487)
		code = 408;
	v->told = 1;
	if ((i = invitee_find(v, uri)) == NULL) {
		i = invitee_add(v, uri);
		v->open++; /* until the next line */
	}
	if (!i->done)
		invitee_done(v, i, (int)code, answer->note);
}

/* The final answer is about those attributes of which nothing was said: all
 * or none of them. */
static void
groups_done(struct inviting *v, int status, const char *note)
{
	size_t k;

	for (k = 0; k < v->n; k++) {
		if (!v->invitee[k].group || v->invitee[k].done)
			continue;
		if (!v->told && status / 100 != 2) {
			invitee_done(v, &v->invitee[k], status, note);
			continue;
		}
		v->invitee[k].done = 1;
		v->invitee[k].txn = 0;
		v->open--;
	}
}

/* cookie: number of the command << 16 | place of the invitee. */
static void
on_answer(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct agent *a = ctx;
	struct inviting *v = inviting_of(a, cookie >> 16);
	struct invitee *i;
	int status = answer->status;

	if (status / 100 == 2)
		ack(a, answer);
	if (v == NULL || (cookie & 0xffff) >= v->n)
		return;
	i = &v->invitee[cookie & 0xffff];
	if (status == 183 && i->group)
		group_news(v, answer);
	if (status == 180 && !i->done)
		invitee_row(v, i->uri, "ringing", 180, NULL);
	if (status / 100 == 1)
		return;
	if (i->cancelled && v->late && status == 487)
		status = 408;
	if (i->group)
		groups_done(v, status, answer->note);
	else if (i->done)
		return;
	else
		invitee_done(v, i, status, answer->note);
	if (v->open == 0)
		all_done(v);
}

static void
cancel_all(struct inviting *v)
{
	size_t k;

	timer_cancel(&v->timeout);
	for (k = 0; k < v->n; k++)
		if (!v->invitee[k].done && !v->invitee[k].cancelled) {
			v->invitee[k].cancelled = 1;
			sip_cancel(flow_stack(v->a->session.confctl),
			    v->invitee[k].txn);
		}
}

static void
on_timeout(void *arg)
{
	struct inviting *v = arg;

	if (v->open > 0) {
		v->late = 1;
		cancel_all(v);
		return;
	}
	say_ok(v);
	inviting_free(v);
}

/* What my PAL says of him, so that he need not be asked: a status, or 0. */
static int
known_answer(struct agent *a, const char *uri, const char **note)
{
	const struct pal_entry *e = mirror_find(a->presence.pal, uri);
	const char *status, *word;

	if (e == NULL || (status = pal_entry_attr(e, "status")) == NULL)
		return 0;
	if ((word = pal_entry_attr(e, "class")) == NULL)
		word = status;
	*note = pal_entry_attr(e, "note");
	if (*note != NULL && **note == '\0')
		*note = NULL;
	if (strcmp(word, "busy") == 0)
		return 486;
	return strcmp(word, "offline") == 0 ? 480 : 0;
}

static int
invite_send(struct inviting *v, size_t k, const struct invite_wish *w,
    const struct buf *body)
{
	struct invitee *i = &v->invitee[k];
	struct agent *a = v->a;
	char contact[URI_MAX];
	struct sip_msg m;

	sip_msg_init(&m);
	m.method = "INVITE";
	m.uri = m.to = v->conf;
	m.from = a->uri;
	m.contact = flow_contact(a->session.confctl, a->uri, contact);
	m.proposed = i->uri;
	m.conference = w->anyway ? "anyway=1" : NULL;
	m.expires = w->timeout;
	if (body != NULL && buf_len(body) > 0) {
		m.content_type = EVENT_LINE_TYPE;
		m.body = buf_data(body);
		m.bodylen = buf_len(body);
	}
	i->txn = flow_request(a->session.confctl, &m,
	    (int64_t)w->timeout * 1000 + LATE_MS, on_answer, a,
	    v->number << 16 | k);
	return i->txn != 0 ? 0 : SEC_ERR_UNREACHABLE;
}

static void
invite_one(struct inviting *v, size_t k, const struct invite_wish *w)
{
	struct invitee *i = &v->invitee[k];
	const char *note = NULL;
	int status;

	invite_event(v->a, v->conf, "invite.out", i->uri, NULL, 0, NULL);
	if (!w->anyway && (status = known_answer(v->a, i->uri, &note)) != 0)
		invitee_done(v, i, status, note);
	else if (invite_send(v, k, w, NULL) != 0)
		invitee_done(v, i, 503, "controller unreachable");
}

/* All attributes in one, so that nobody is asked twice; nor is who is named
 * himself. */
static void
invite_groups(struct inviting *v, const struct invite_wish *w)
{
	struct buf body = BUF_INIT;
	size_t k, first = v->n;

	for (k = 0; k < v->n; k++) {
		if (v->invitee[k].group) {
			invite_event(v->a, v->conf, "invite.out",
			    v->invitee[k].uri, NULL, 0, NULL);
			if (first == v->n) {
				first = k;
				continue;
			}
		}
		line_begin(&body, v->invitee[k].group ? "also" : "but");
		line_put(&body, "who", v->invitee[k].uri);
		line_end(&body);
	}
	if (first < v->n && invite_send(v, first, w, &body) != 0)
		groups_done(v, 503, "controller unreachable");
	buf_free(&body);
}

/* Split at commas; each a user, a phone or an attribute that people have,
 * once. The bad ones are told. */
static void
take_names(struct inviting *v, const char *who)
{
	char name[URI_MAX];
	struct uri u;
	size_t n;

	for (; *who != '\0'; who += n + (who[n] == ',')) {
		n = strcspn(who, ",");
		if (n == 0 || n >= sizeof(name) || v->n >= 0xffff)
			continue;
		memcpy(name, who, n);
		name[n] = '\0';
		if (uri_from_name(&u, name, v->a->conf.domain, 0) != 0 ||
		    (u.kind != URI_USER && u.kind != URI_PHONE &&
			u.kind != URI_FOREIGN && u.kind != URI_OBJECT)) {
			invitee_row(v, name, "nothing", 404, NULL);
			continue;
		}
		if (invitee_find(v, u.full) == NULL)
			invitee_add(v, u.full)->group = u.kind == URI_OBJECT;
	}
}

void
inviting_all(struct agent *a, struct ctl_handle who,
    const struct invite_wish *w)
{
	struct inviting *v = agent_alloc(sizeof(*v));
	size_t k;

	v->a = a;
	v->number = ++a->next_number;
	v->who = who;
	text_copy(v->conf, w->conf, sizeof(v->conf));
	timer_init(&v->timeout, a->loop, on_timeout, v);
	TAILQ_INSERT_TAIL(&a->invitings->list, v, entry);
	take_names(v, w->who);
	v->open = v->n;
	for (k = 0; k < v->n; k++)
		if (!v->invitee[k].group)
			invite_one(v, k, w);
	invite_groups(v, w);
	if (!w->wait || v->open == 0)
		say_ok(v);
	if (v->open == 0)
		inviting_free(v);
	else
		timer_set(&v->timeout, (int64_t)w->timeout * 1000);
}

void
invite_wish_take(struct invite_wish *w, const struct line *l)
{
	unsigned long long t;
	const char *s;

	w->who = line_get_or(l, "who", "");
	w->timeout = TIMEOUT_S;
	if ((s = line_get(l, "timeout")) != NULL &&
	    text_number(s, 1, TIMEOUT_MAX, &t) == 0)
		w->timeout = (int)t;
	w->wait = strcmp(line_get_or(l, "wait", "1"), "0") != 0;
	w->anyway = strcmp(line_get_or(l, "anyway", "0"), "1") == 0;
}

/* invite conf= who=a,b [timeout=] [wait=0] [anyway=1] */
void
inviting_start(struct agent *a, struct ctl_req *r)
{
	struct conf_in *c;
	struct invite_wish w;
	struct uri u;

	if (tool_conf(a, r, &u) != 0)
		return;
	invite_wish_take(&w, r->line);
	if (*w.who == '\0') {
		ctl_error(r, 400, "whom?");
		return;
	}
	if ((c = conf_find(a, u.full)) == NULL || c->state != CONF_OPEN) {
		show_absent(a, r, &u);
		return;
	}
	w.conf = c->uri;
	inviting_all(a, ctl_keep(r), &w);
}

/* `cancel id=<call>`, or all of this connection. */
void
inviting_cancel(struct agent *a, struct ctl_req *r)
{
	struct inviting *v;
	uint64_t call = 0;

	(void)line_get_u64(r->line, "call", &call);
	TAILQ_FOREACH(v, &a->invitings->list, entry)
		if (v->who.peer == ctl_peer_id(r->peer) &&
		    (v->who.id == r->id || call == 0 || v->who.id == call))
			cancel_all(v);
	/* Sent with the call's own id, that call's `ok` is the answer. */
	TAILQ_FOREACH(v, &a->invitings->list, entry)
		if (v->who.peer == ctl_peer_id(r->peer) && v->who.id == r->id &&
		    !v->answered)
			return;
	ctl_ok(r);
}

void
inviting_peer_gone(struct agent *a, uint64_t peer)
{
	struct inviting *v;

	TAILQ_FOREACH(v, &a->invitings->list, entry)
		if (v->who.peer == peer && !v->answered)
			cancel_all(v);
}

void
invitings_init(struct agent *a)
{
	a->invitings = agent_alloc(sizeof(*a->invitings));
	TAILQ_INIT(&a->invitings->list);
}

void
invitings_close(struct agent *a)
{
	while (!TAILQ_EMPTY(&a->invitings->list))
		inviting_free(TAILQ_FIRST(&a->invitings->list));
	free(a->invitings);
}
