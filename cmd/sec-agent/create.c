/*
 * Creating a conference: INVITE to the factory, 302, then the join (Fig. 6).
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

#define AGAIN_MS    100 /* a server is being started */
#define AGAIN_TRIES 50

/* A `create` until its conference is open. */
struct creating {
	struct agent *a;
	uint64_t number;
	struct ctl_handle who;
	char *words; /* SEC-Conference of the INVITE */
	char *invitees;
	int timeout, wait, anyway;
	int spawn; /* the controller invites */
	uint64_t txn; /* to the factory */
	struct timer patience; /* controller is away */
	struct timer again;
	int tries;
	char note[160]; /* of the 302 */
	TAILQ_ENTRY(creating) entry;
};

struct creates {
	TAILQ_HEAD(, creating) creating;
};

static void
creating_free(struct creating *k)
{
	timer_cancel(&k->patience);
	timer_cancel(&k->again);
	TAILQ_REMOVE(&k->a->creates->creating, k, entry);
	free(k->words);
	free(k->invitees);
	free(k);
}

static void
creating_fail(struct creating *k, int status, const char *reason)
{
	struct ctl_req r;

	if (ctl_again(k->a->ctl, k->who, &r) == 0)
		ctl_error(&r, status, reason);
	creating_free(k);
}

static struct creating *
creating_of(struct agent *a, uint64_t number)
{
	struct creating *k;

	TAILQ_FOREACH(k, &a->creates->creating, entry)
		if (k->number == number)
			return k;
	return NULL;
}

/* Steps 612, 614: the 302 names the conference; now join it. */
static void
on_created(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct agent *a = ctx;
	struct creating *k = creating_of(a, cookie);
	struct conf_in *c;
	struct waiter w;
	struct uri u;

	if (k == NULL || answer->status / 100 == 1)
		return;
	k->txn = 0;
	if (answer->status == 503 && answer->retry_after == 0 &&
	    k->tries++ < AGAIN_TRIES) {
		timer_set(&k->again, AGAIN_MS);
		return;
	}
	if (answer->status != 302) {
		creating_fail(k,
		    answer->status / 100 == 2 ? 500 : answer->status,
		    answer->status == 409     ? "the name is taken" :
			answer->status == 503 ? conf_unavailable_by(a, answer) :
						answer->note);
		return;
	}
	if (answer->contact == NULL ||
	    uri_parse(&u, answer->contact, a->conf.domain) != 0 ||
	    u.kind != URI_CONF || conf_find(a, u.full) != NULL) {
		creating_fail(k, 500, "the controller's answer is malformed");
		return;
	}
	c = conf_new(a, u.full);
	text_copy(k->note, answer->note != NULL ? answer->note : "",
	    sizeof(k->note));
	memset(&w, 0, sizeof(w));
	w.create = k->number;
	conf_wait(c, &w);
	if (conf_take(c,
		&(struct conf_news) { answer->conference_key,
		    answer->conference, NULL, 0 }) != 0)
		conf_fail(c, 400, "the controller's key cannot be opened");
	else
		conf_invite(c);
}

static void
creating_send(struct creating *k)
{
	struct agent *a = k->a;
	char factory[URI_MAX], contact[URI_MAX];
	struct sip_msg m;

	if (k->txn != 0)
		return;
	sip_msg_init(&m);
	m.method = "INVITE";
	m.uri = m.to = uri_factory(factory, a->conf.domain);
	m.from = a->uri;
	m.contact = flow_contact(a->session.confctl, a->uri, contact);
	m.conference = k->words;
	m.expires = k->spawn ? k->timeout : -1;
	k->txn = flow_request(a->session.confctl, &m, ANSWER_MS, on_created, a,
	    k->number);
	if (k->txn != 0)
		timer_cancel(&k->patience);
}

static void
on_again(void *arg)
{
	struct creating *k = arg;

	creating_send(k);
	if (k->txn == 0)
		timer_set(&k->patience, WAIT_MS);
}

static void
on_patience(void *arg)
{
	creating_fail(arg, 503, "controller unreachable");
}

static char *
make_copy(const char *s)
{
	char *out = strdup(s);

	if (out == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	return out;
}

static char *
make_words(const struct line *l)
{
	static const char *const names[] = { "name", "title", "access",
		"persistent", "media", "codec" };
	struct buf b = BUF_INIT;
	const char *s;
	char *out;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		s = line_get(l, names[i]);
		if (s == NULL && strcmp(names[i], "media") == 0)
			s = "text";
		if (s != NULL && *s != '\0')
			line_put_word(&b, names[i], s);
	}
	out = make_copy(buf_cstr(&b));
	buf_free(&b);
	return out;
}

/* With these fields for the factory. */
static struct creating *
creating_new(struct agent *a, struct ctl_req *r, char *words)
{
	struct creating *k = agent_alloc(sizeof(*k));
	struct invite_wish w;

	invite_wish_take(&w, r->line);
	k->a = a;
	k->number = ++a->next_number;
	k->who = ctl_keep(r);
	k->words = words;
	k->invitees = make_copy(w.who);
	k->timeout = w.timeout;
	k->wait = w.wait;
	k->anyway = w.anyway;
	timer_init(&k->again, a->loop, on_again, k);
	timer_init(&k->patience, a->loop, on_patience, k);
	timer_set(&k->patience, WAIT_MS);
	TAILQ_INSERT_TAIL(&a->creates->creating, k, entry);
	return k;
}

/* create [name=] [title=] [media=] [access=] [persistent=1] [codec=]
 * [who=a,b,c] [timeout=SEC] [wait=0] */
void
create_start(struct agent *a, struct ctl_req *r)
{
	const char *name = line_get(r->line, "name");

	if (name != NULL && *name != '\0' && !text_is_name(name)) {
		ctl_error(r, 400, "a name is letters, digits, . _ -");
		return;
	}
	creating_send(creating_new(a, r, make_words(r->line)));
}

/* spawn conf= media= [who=a,b,c] [timeout=SEC] [wait=0] */
void
create_spawn(struct agent *a, struct ctl_req *r)
{
	const char *who = line_get(r->line, "who");
	struct conf_in *c = tool_my_conf(a, r);
	struct buf words = BUF_INIT;
	struct creating *k;

	if (c == NULL)
		return;
	line_put_word(&words, "parent", c->uri);
	line_put_word(&words, "media", line_get_or(r->line, "media", ""));
	if (who != NULL)
		line_put_word(&words, "who", who);
	k = creating_new(a, r, make_copy(buf_cstr(&words)));
	k->spawn = 1;
	creating_send(k);
	buf_free(&words);
}

void
create_joined(struct agent *a, uint64_t number, struct conf_in *c, int status,
    const char *reason)
{
	struct creating *k = creating_of(a, number);
	struct invite_wish w;
	struct ctl_req r;
	struct buf *b;

	if (k == NULL)
		return;
	if (status != 200) {
		creating_fail(k, status, reason);
		return;
	}
	if (ctl_again(a->ctl, k->who, &r) == 0) {
		b = ctl_row(&r);
		line_put(b, "what", "created");
		line_put(b, "conf", c->uri);
		line_put(b, "name", c->name);
		line_put(b, "note", k->note[0] != '\0' ? k->note : NULL);
		ctl_end(&r);
	} else
		k->invitees[0] = '\0'; /* nobody waits: nobody is called */
	if (k->spawn) {
		spawn_follow(a, k->who, c, k->wait ? k->timeout : 0);
		creating_free(k);
		return;
	}
	w = (struct invite_wish) { c->uri, k->invitees, k->timeout, k->wait,
		k->anyway };
	inviting_all(a, k->who, &w);
	creating_free(k);
}

void
create_confctl_up(struct agent *a)
{
	struct creating *k, *next;

	for (k = TAILQ_FIRST(&a->creates->creating); k != NULL; k = next) {
		next = TAILQ_NEXT(k, entry);
		if (timer_is_set(&k->patience))
			creating_send(k);
	}
}

void
create_init(struct agent *a)
{
	a->creates = agent_alloc(sizeof(*a->creates));
	TAILQ_INIT(&a->creates->creating);
}

void
create_close(struct agent *a)
{
	while (!TAILQ_EMPTY(&a->creates->creating))
		creating_free(TAILQ_FIRST(&a->creates->creating));
	free(a->creates);
}
