/*
 * session: the users whom sec-pal has registered (step 70) with their keys,
 * and the connections that their agents keep with us.
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/line.h"

#include "focus.h"

struct session *
session_find(struct focus *f, const char *user, const char *instance)
{
	return holders_find(f->sessions, user, instance);
}

struct session_list *
session_of_user(struct focus *f, const char *user)
{
	struct person *p = person_find(f, user);

	return p != NULL && !TAILQ_EMPTY(&p->sessions) ? &p->sessions : NULL;
}

struct session *
session_of_conn(struct focus *f, struct sip_conn *c)
{
	return holders_of_conn(f->sessions, f->s, c);
}

struct sip_conn *
session_conn(struct focus *f, const struct session *s)
{
	return s != NULL ? holder_conn(&s->held, f->s) : NULL;
}

/* "127.0.0.1:5070" of "sip:bob@127.0.0.1:5070;..." or of itself. */
static int
contact_addr(const char *contact, struct addr *a)
{
	const char *at = strchr(contact, '@');
	char host[128];

	text_copy(host, at != NULL ? at + 1 : contact, sizeof host);
	host[strcspn(host, ";>")] = '\0';
	return addr_parse(a, host);
}

int
session_dial(struct focus *f, struct session *s)
{
	struct sip_peer peer;
	struct sip_conn *c;
	struct addr a;

	memset(&peer, 0, sizeof peer);
	if (!f->s->conf.plain || contact_addr(s->contact, &a) != 0 ||
	    !addr_is_loopback(&a) || addr_port(&a) < 1024 ||
	    holder_peer(&s->held, f->s, &peer) != 0)
		return 0;
	c = sip_conn_new(f->s->sip, &peer);
	sip_conn_attach(c,
	    channel_dial_plain(f->s->loop, &a, sip_frame, &sip_channel_ops, c));
	return 1;
}

int
session_refuses(const struct session *s, const struct conference *c)
{
	int i, status = 488;
	const char *medium;

	for (i = 0; i < c->nmedia; i++) {
		medium = c->media[i].medium;
		if (!text_list_has(s->media, medium, strlen(medium)))
			continue;
		if (strcmp(medium, "voice") != 0 ||
		    strcmp(s->voice_by, "phone") != 0)
			return 0;
		status = 503;
	}
	return status;
}

/* --- registrations --- */

static void
session_free(struct focus *f, struct session *s)
{
	timer_cancel(&s->expiry);
	holder_leave(&s->held);
	TAILQ_REMOVE(&s->person->sessions, s, entry);
	person_done(s->person);
	holder_hang_up(&s->held, f->s);
	free(s);
}

void
sessions_free(struct focus *f)
{
	struct session *s;
	size_t i;

	for (i = 0; (s = holders_next(f->sessions, &i)) != NULL;)
		session_free(f, s);
}

/* The registration is over: the user's devices of this instance leave. */
static void
session_gone(struct session *s, const char *why)
{
	struct focus *f = s->focus;
	struct device *d, *dnext;
	struct member *m, *mnext;
	struct conference *c;

	log_info("gone", "user=%s instance=%.8s why=%s", log_quote(s->user),
	    s->instance, log_quote(why));
	for (m = TAILQ_FIRST(&s->person->places); m != NULL; m = mnext) {
		mnext = TAILQ_NEXT(m, place);
		c = m->conf;
		/* m is freed with its last device. */
		for (d = TAILQ_FIRST(&m->own); d != NULL; d = dnext) {
			dnext = TAILQ_NEXT(d, own);
			if (strcmp(d->instance, s->instance) == 0)
				device_leave(d, "gone");
		}
		conf_check_empty(c);
	}
	session_free(f, s);
}

/* sec-pal said no more of it (it was restarted since). */
static void
session_expired(void *arg)
{
	session_gone(arg, "expired");
}

static struct session *
session_new(struct focus *f, const char *user, const char *instance)
{
	struct session *s;

	if ((s = calloc(1, sizeof *s)) == NULL)
		return NULL;
	s->focus = f;
	timer_init(&s->expiry, f->s->loop, session_expired, s);
	text_copy(s->user, user, sizeof s->user);
	text_copy(s->instance, instance, sizeof s->instance);
	if ((s->person = person_take(f, user)) == NULL) {
		free(s);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&s->person->sessions, s, entry);
	holder_init(&s->held, f->sessions, (unsigned)f->pal, s);
	holder_name(&s->held, s->user, s->instance, s->principal);
	return s;
}

/* The rows of the registration: what its devices take, and by what. */
static void
session_rows(struct session *s, const char *rows)
{
	const char *end = rows + strlen(rows), *media;
	struct line l;

	text_copy(s->media, "text,voice", sizeof s->media);
	text_copy(s->text_by, "voip", sizeof s->text_by);
	text_copy(s->voice_by, "voip", sizeof s->voice_by);
	s->tel[0] = '\0';
	while (line_next(&l, &rows, end)) {
		media = line_get_or(&l, "media", "");
		if (strcmp(l.verb, "register") == 0)
			text_copy(s->contact, line_get_or(&l, "contact", ""),
			    sizeof s->contact);
		else if (strcmp(l.verb, "device") == 0)
			text_copy(s->media, media, sizeof s->media);
		else if (strcmp(l.verb, "reach") == 0 &&
		    strcmp(media, "text") == 0)
			text_copy(s->text_by, line_get_or(&l, "by", "voip"),
			    sizeof s->text_by);
		else if (strcmp(l.verb, "reach") == 0 &&
		    strcmp(media, "voice") == 0) {
			text_copy(s->voice_by, line_get_or(&l, "by", "voip"),
			    sizeof s->voice_by);
			text_copy(s->tel, line_get_or(&l, "tel", ""),
			    sizeof s->tel);
		}
		line_free(&l);
	}
}

static void
on_registered(void *ctx, struct ctl_req *r)
{
	struct service *svc = ctx;
	struct focus *f = svc->priv;
	const char *user = line_get(r->line, "user");
	const char *instance = line_get(r->line, "instance");
	uint64_t keyid, until;
	struct session *s;
	uint8_t key[32];

	if (user == NULL || instance == NULL || strlen(instance) != 32 ||
	    line_get_u64(r->line, "keyid", &keyid) != 0 ||
	    line_get_u64(r->line, "until", &until) != 0 ||
	    line_get_exact(r->line, "key", key, sizeof key) != 0) {
		explicit_bzero(key, sizeof key);
		log_warn("registered.bad", "server=%d",
		    ctl_peer_number(r->peer));
		return;
	}
	if ((s = session_find(f, user, instance)) == NULL &&
	    (s = session_new(f, user, instance)) == NULL) {
		explicit_bzero(key, sizeof key);
		return;
	}
	holder_renew(&s->held, (uint32_t)keyid, key, (int64_t)until);
	explicit_bzero(key, sizeof key);
	s->until = (int64_t)until;
	timer_set(&s->expiry, s->until - clock_real());
	text_copy(s->principal, line_get_or(r->line, "principal", ""),
	    sizeof s->principal);
	session_rows(s, line_get_or(r->line, "rows", ""));
	log_debug("registered", "user=%s instance=%.8s", log_quote(user),
	    instance);
	service_keys_changed(svc);
}

static void
on_gone(void *ctx, struct ctl_req *r)
{
	struct focus *f = ((struct service *)ctx)->priv;
	struct session *s = session_find(f, line_get_or(r->line, "user", ""),
	    line_get_or(r->line, "instance", ""));

	if (s != NULL)
		session_gone(s, line_get_or(r->line, "why", "-"));
}

/* --- connections --- */

int
session_hello_key(struct service *s, const struct hello_c1 *c1,
    struct hello_key *out)
{
	struct focus *f = s->priv;

	/* An unknown one of his: the event may be on its way. */
	return c1->by == f->pal ? holders_hello(f->sessions, s, c1, out) :
				  SEC_ERR_SUBKEY;
}

/* Plain mode: the From URI is believed if it is registered. */
int
session_plain_peer(struct service *s, const struct sip_msg *req,
    struct sip_peer *peer)
{
	struct focus *f = s->priv;
	struct session_list *l;
	struct session *se;
	struct uri u;

	if (uri_parse(&u, req->from, s->conf.domain) != 0 || u.kind != URI_USER)
		return SEC_ERR_DATA;
	if ((l = session_of_user(f, u.full)) == NULL)
		return SEC_ERR_DENIED;
	/* An instance without a connection first. */
	TAILQ_FOREACH(se, l, entry)
		if (session_conn(f, se) == NULL)
			break;
	if (se == NULL)
		se = TAILQ_FIRST(l);
	return holder_peer(&se->held, s, peer);
}

void
session_conn_up(struct service *s, struct sip_conn *c)
{
	struct focus *f = s->priv;
	struct session *se = session_of_conn(f, c);
	struct member *m;
	struct device *d;

	if (se == NULL) {
		sip_conn_finish(c);
		return;
	}
	holder_connected(&se->held, s, c);
	TAILQ_FOREACH(m, &se->person->places, place)
		TAILQ_FOREACH(d, &m->own, own)
			if (strcmp(d->instance, se->instance) == 0) {
				member_back(m);
				lobby_tell(m);
				break;
			}
	epoch_catch_up(se);
	invites_connected(f, se);
	service_touch(s);
}

/* His agent is gone; is another of his devices in it within reach? Those of
 * this agent get one wrap when it is back. */
static int
member_is_near(struct member *m, const struct session *se)
{
	struct focus *f = se->focus;
	struct device *d;
	int near = 0;

	TAILQ_FOREACH(d, &m->own, own) {
		if (strcmp(d->instance, se->instance) == 0 && d->main)
			d->stale = 1;
		near |= session_conn(f,
			    session_find(f, m->user, d->instance)) != NULL;
	}
	return near;
}

void
session_conn_down(struct service *s, struct sip_conn *c, int err)
{
	struct session *se = session_of_conn(s->priv, c);
	struct member *m;

	(void)err;
	lobby_conn_down(s->priv, c);
	if (se == NULL || !holder_disconnected(&se->held, c))
		return;
	TAILQ_FOREACH(m, &se->person->places, place)
		if (!member_is_near(m, se))
			member_unreachable(m);
}

const struct ctl_verb session_verbs[] = {
	{ "registered", CTL_PAL, on_registered },
	{ "gone", CTL_PAL, on_gone },
	{ NULL, 0, NULL },
};
