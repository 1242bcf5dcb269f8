/*
 * The session: a ticket fetched by a child, the registration that stands on
 * it, and the two connections that stand on the registration.
 *
 *	login line -> child: ticket -> socket bound -> REGISTER -> both
 *	connections up -> answer to sec-login
 *
 * Later: REGISTER again at 4/5 of its time, when a server refuses our key,
 * and on `renew` with a new ticket; always with the same instance.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/sock.h"
#include "base/text.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "crypto/wrap.h"
#include "wire/base64.h"

#define EXPIRES	     600 /* s, of a registration */
#define JITTER_MS    500
#define APART_MS     5000 /* between refused registrations */
#define RETRY_MIN    500
#define RETRY_MAX    30000
#define KEY_OVERLAP  30000 /* an older Kc */
#define SETTLE_MS    3000 /* login waits so for the controller */
#define END_MS	     2000 /* for the last words */
#define ALIVE_MS     10000
#define SOCKET_PEERS 256
#define SKEW_SHOWN   (5 * 60 * 1000)

int64_t
session_now(const struct agent *a)
{
	return clock_real() + a->session.offset;
}

const struct secret *
session_kc(const struct agent *a, uint32_t keyid)
{
	size_t i;

	for (i = 0; i < SESSION_KEYS; i++)
		if (a->session.key[i].kc != NULL &&
		    a->session.key[i].keyid == keyid)
			return a->session.key[i].kc;
	return NULL;
}

int
session_unwrap(const struct agent *a, const char *b64, struct wrap *w,
    struct secret **plain)
{
	struct buf blob = BUF_INIT;
	uint32_t keyid;
	int64_t time;
	int r;

	if ((r = base64_decode(&blob, b64, strlen(b64))) == 0 &&
	    (r = wrap_keyid(buf_data(&blob), buf_len(&blob), &keyid)) == 0) {
		w->kc = session_kc(a, keyid);
		r = w->kc == NULL ?
		    SEC_ERR_SUBKEY :
		    wrap_get(buf_data(&blob), buf_len(&blob), w, plain, &time);
	}
	if (r == 0 && !seal_time_allows(time, session_now(a))) {
		secret_free(*plain);
		*plain = NULL;
		r = SEC_ERR_EXPIRED;
	}
	buf_free(&blob);
	return r;
}

static void
on_settle(void *arg)
{
	struct agent *a = arg;

	if (a->session.pal_seen)
		login_ok(a);
	else
		login_fail(a, SEC_ERR_UNREACHABLE,
		    "registered, but the PAL manager does not take the "
		    "connection");
}

/* --- the connections --- */

static void
service_event(struct agent *a, int up, const char *service, const char *host)
{
	struct buf *b;

	b = event_begin(a, up ? "svc.up" : "svc.down");
	line_put(b, "service", service);
	line_put(b, "host", host);
	event_end(a);
}

static int
hello_of(struct agent *a, int to, struct flow_target *t)
{
	struct session *s = &a->session;

	if (!s->registered || s->key[0].kc == NULL || to == 0)
		return SEC_ERR_NOTHING;
	t->hello.tt = RECORD_CLIENT;
	t->hello.by = (uint16_t)s->pal_number;
	t->hello.keyid = s->key[0].keyid;
	t->hello.to_number = (uint16_t)to;
	t->hello.base = s->key[0].kc;
	if (hello_id_user(&t->hello.from, s->principal) != 0)
		return SEC_ERR_LIMIT;
	hello_id_server(&t->hello.to, (uint16_t)to);
	t->offset = s->offset;
	t->plain = a->conf.plain;
	return 0;
}

static int
pal_target(void *arg, struct flow_target *t)
{
	struct agent *a = arg;

	t->to = a->session.pal_addr;
	return hello_of(a, a->session.pal_number, t);
}

static int
confctl_target(void *arg, struct flow_target *t)
{
	struct agent *a = arg;

	t->to = a->session.controller_addr;
	return hello_of(a, a->session.controller_number, t);
}

static void
greet(void *arg, struct sip_msg *m)
{
	struct agent *a = arg;

	m->uri = m->to = a->uri;
	m->from = a->uri;
}

static void
check_login(struct agent *a)
{
	if (a->session.first && a->session.pal_seen &&
	    (a->session.confctl_seen || a->session.controller_number == 0))
		login_ok(a);
}

static void
pal_up(void *arg)
{
	struct agent *a = arg;

	log_info("svc.up", "service=pal host=%s", a->session.pal_host);
	service_event(a, 1, "pal", a->session.pal_host);
	a->session.pal_seen = 1;
	presence_up(a);
	confs_pal_up(a);
	watched_pal_up(a);
	check_login(a);
}

static void
pal_down(void *arg, int err)
{
	struct agent *a = arg;

	if (a->session.pal_seen) {
		log_info("svc.down", "service=pal reason=%s",
		    log_quote(sec_strerror(err)));
		service_event(a, 0, "pal", a->session.pal_host);
	}
	a->session.pal_seen = 0;
	if (err == SEC_ERR_SUBKEY)
		session_register(a, 1);
}

static void
confctl_up(void *arg)
{
	struct agent *a = arg;
	struct session *s = &a->session;

	log_info("svc.up", "service=confctl host=%s", s->controller);
	service_event(a, 1, "confctl", s->controller);
	s->confctl_seen = 1;
	confs_confctl_up(a,
	    s->confctl_lost == 0 ? 0 : clock_mono() - s->confctl_lost);
	create_confctl_up(a);
	voice_confctl_up(a);
	mix_confctl_up(a);
	check_login(a);
}

static void
confctl_down(void *arg, int err)
{
	struct agent *a = arg;

	if (a->session.confctl_seen) {
		a->session.confctl_lost = clock_mono();
		log_info("svc.down", "service=confctl reason=%s",
		    log_quote(sec_strerror(err)));
		service_event(a, 0, "confctl", a->session.controller);
	}
	a->session.confctl_seen = 0;
	confs_confctl_down(a);
	invites_lost(a);
	if (err == SEC_ERR_SUBKEY)
		session_register(a, 1);
}

static const struct flow_ops pal_ops = { pal_target, greet, pal_up, pal_down };
static const struct flow_ops confctl_ops = { confctl_target, greet, confctl_up,
	confctl_down };

/* --- registration --- */

static void
keep_key(struct agent *a, uint32_t keyid, struct secret *kc)
{
	struct session *s = &a->session;
	struct session_key *k;
	int64_t now = clock_mono();
	size_t i, n = 0;

	s->key[0].until = now + KEY_OVERLAP;
	/* Wraps come under the key of the connection that carries them. */
	for (i = 0; i < SESSION_KEYS; i++) {
		k = &s->key[i];
		if (k->kc == NULL)
			continue;
		if ((k->until > now || k->keyid == flow_keyid(s->confctl)) &&
		    n < SESSION_KEYS - 1) {
			s->key[n++] = *k;
			continue;
		}
		secret_free(k->kc);
	}
	memmove(&s->key[1], &s->key[0], n * sizeof(s->key[0]));
	memset(&s->key[n + 1], 0, (SESSION_KEYS - n - 1) * sizeof(s->key[0]));
	s->key[0] = (struct session_key) { .keyid = keyid, .kc = kc };
}

/* Rows `conf`: where this user is cut off; then his PAL. */
static void
take_rows(struct agent *a, const struct registered *g, int first)
{
	const char *p = g->rows, *end = g->rows + g->rowslen, *nl;
	const char *conf;
	struct line l;

	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return;
		if (strncmp(p, "doc\t", 4) == 0) {
			presence_doc(a, p, (size_t)(end - p));
			return;
		}
		if (strncmp(p, "conf\t", 5) != 0 ||
		    line_parse(&l, p, (size_t)(nl - p)) != 0)
			continue;
		conf = line_get(&l, "conf");
		if (first && conf != NULL)
			confs_rejoin(a, conf);
		line_free(&l);
	}
}

/* The controller's address; numeric as a rule. */
static int
take_controller(struct agent *a, const struct registered *g)
{
	struct session *s = &a->session;
	int moved;

	moved = s->controller_number != g->controller ||
	    strcmp(s->controller, g->controller_addr) != 0;
	if (!moved)
		return 0;
	s->controller_number = 0;
	text_copy(s->controller, g->controller_addr, sizeof(s->controller));
	if (g->controller == 0)
		return 1;
	if (addr_parse(&s->controller_addr, s->controller) != 0 &&
	    addr_resolve(&s->controller_addr, s->controller) != 0) {
		log_warn("session.controller",
		    "host=%s reason=\"no such "
		    "address\"",
		    log_quote(s->controller));
		return 1;
	}
	s->controller_number = g->controller;
	return 1;
}

static void
announce(struct agent *a)
{
	struct buf *b;

	b = event_begin(a, "session.up");
	line_put(b, "user", a->uri);
	line_putf(b, "until", "%lld", (long long)a->session.until);
	line_put(b, "ring", events_ring(a));
	event_end(a);
}

static void
registered(struct agent *a, struct registered *g)
{
	struct session *s = &a->session;
	int first = !s->registered, moved;
	int64_t left;

	keep_key(a, g->keyid, g->kc);
	g->kc = NULL;
	s->pal_number = g->pal;
	s->offset = g->offset;
	s->registered = 1;
	s->refusals = 0;
	s->retry = RETRY_MIN;
	presence_take(a, g);
	moved = take_controller(a, g);
	left = g->until - session_now(a);
	if (left <= 0 || left > EXPIRES * 1000)
		left = EXPIRES * 1000;
	/* One that ends with the ticket is as long as it can be. */
	if (g->until < s->until)
		timer_set(&s->refresh, left * 4 / 5);
	else
		timer_cancel(&s->refresh);
	log_info("session.up", "user=%s keyid=%u offset=%lld", a->user,
	    (unsigned)g->keyid, (long long)s->offset);
	if (first) {
		announce(a);
		ticket_look(a);
		if (s->first)
			timer_set(&s->settle, SETTLE_MS);
	}
	take_rows(a, g, first);
	ticket_renewed(a, 200, NULL);
	flow_kick(s->pal, 0);
	flow_kick(s->confctl, moved && !first);
}

/* "7 min 12 s" */
static char *
span(char *out, size_t n, int64_t ms)
{
	long long s = (ms < 0 ? -ms : ms) / 1000;

	if (s < 3600)
		snprintf(out, n, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, n, "%lld h %lld min", s / 3600, s / 60 % 60);
	else
		snprintf(out, n, "%lld day%s", s / 86400,
		    text_plural((size_t)(s / 86400)));
	return out;
}

/*
 * A registration that stood is refused now. It may be the ticket, of which
 * the server has another key by now; refused with a fresh one, or with none
 * to be had, it is the user who is not wanted any more.
 */
static int
is_final(struct agent *a, const struct register_outcome *o)
{
	struct session *s = &a->session;

	if (o->status != 403 || o->behind > SKEW_SHOWN ||
	    o->behind < -SKEW_SHOWN) {
		s->refusals = 0;
		return 0;
	}
	if (s->refusals++ == 0)
		(void)ticket_fetch(a);
	else if (!ticket_is_awaited(a))
		return 1;
	return 0;
}

/* What a refused registration means, for people; its error. */
static int
explain(struct agent *a, const struct register_outcome *o, char *why, size_t n)
{
	const char *host = a->session.pal_host;
	char how[40];

	if (o->behind > SKEW_SHOWN || o->behind < -SKEW_SHOWN) {
		snprintf(why, n,
		    "this machine's clock is %s %s %.*s (limit 5 "
		    "min); fix: timedatectl set-ntp true",
		    span(how, sizeof(how), o->behind),
		    o->behind > 0 ? "behind" : "ahead of",
		    (int)strcspn(host, ":"), host);
		return SEC_ERR_CLOCK;
	}
	switch (o->err) {
	case SEC_ERR_LOGIN:
	case SEC_ERR_DENIED:
		snprintf(why, n, "%s refuses the registration of %s", host,
		    a->session.principal);
		return SEC_ERR_LOGIN;
	case SEC_ERR_AUTH:
	case SEC_ERR_FORMAT:
		snprintf(why, n, "the answer of %s is not authentic", host);
		return SEC_ERR_AUTH;
	case SEC_ERR_TIMEOUT:
		snprintf(why, n, "the PAL manager %s does not answer", host);
		return SEC_ERR_UNREACHABLE;
	default:
		if (o->draining)
			snprintf(why, n,
			    "the server %s is shutting down, try again", host);
		else if (o->status == 503)
			snprintf(why, n,
			    "too many registrations at %s; try "
			    "again later",
			    host);
		else
			snprintf(why, n, "cannot reach the PAL manager at %s",
			    host);
		return SEC_ERR_UNREACHABLE;
	}
}

static void
on_register(void *arg, const struct register_outcome *o)
{
	struct agent *a = arg;
	struct session *s = &a->session;
	char why[700];
	int err;

	s->registering = NULL;
	if (s->ending) {
		loop_stop(a->loop, a->exit_code);
		return;
	}
	if (o->err == 0) {
		registered(a, o->r);
		return;
	}
	err = explain(a, o, why, sizeof(why));
	if (!s->registered) {
		login_fail(a, err, why);
		return;
	}
	log_warn("session.register", "code=%d reason=%s", o->status,
	    log_quote(why));
	ticket_renewed(a, sec_err_sip(err), why);
	if (is_final(a, o)) {
		a->exit_code = sec_err_exit(err);
		session_end(a, why);
		return;
	}
	timer_set(&s->again,
	    o->retry_after > 0 ? o->retry_after * 1000 : s->retry);
	s->retry = s->retry * 2 > RETRY_MAX ? RETRY_MAX : s->retry * 2;
}

static void
start_register(struct agent *a, int expires)
{
	struct session *s = &a->session;
	struct login *l = &a->login;
	struct register_request q = { .to = s->pal_addr,
		.service = buf_data(&s->service),
		.servicelen = buf_len(&s->service),
		.domain = a->conf.domain,
		.realm = s->realm,
		.target = s->service_name,
		.uri = a->uri,
		.instance = s->instance,
		.expires = expires,
		.offset = s->offset,
		.media = l->media,
		.tel = l->tel };
	int r;

	timer_cancel(&s->again);
	s->last_try = clock_mono();
	if (!s->registered && l->status[0] != '\0') {
		q.status = l->status;
		q.class_word = presence_class(l->status, l->class_word);
		q.note = l->note[0] != '\0' ? l->note : NULL;
	}
	r = register_start(&s->registering, a->loop, &q, on_register, a);
	if (r == 0)
		return;
	s->registering = NULL;
	if (s->ending)
		loop_stop(a->loop, a->exit_code);
	else if (!s->registered)
		login_fail(a, r, "the ticket cannot be used");
	else
		session_end(a, "the ticket has ended");
}

static void
on_again(void *arg)
{
	struct agent *a = arg;

	if (a->session.registering == NULL && !a->session.ending)
		start_register(a, EXPIRES);
}

void
session_register(struct agent *a, int refused)
{
	struct session *s = &a->session;
	int64_t wait = 0, since;
	uint16_t jitter;

	if (s->registering != NULL || s->ending ||
	    (refused && timer_is_set(&s->again)))
		return;
	if (refused) {
		proc_random(&jitter, sizeof(jitter));
		wait = jitter % JITTER_MS;
		since = clock_mono() - s->last_try;
		if (since < APART_MS)
			wait += s->refused_once ? APART_MS - since : 0;
		s->refused_once = 1;
	}
	timer_set(&s->again, wait);
}

/* --- the first registration --- */

static void
name_user(struct agent *a, const char *principal)
{
	struct session *s = &a->session;
	size_t n = strcspn(principal, "@");

	text_copy(s->principal, principal, sizeof(s->principal));
	text_copy(s->realm,
	    principal[n] == '@' ? principal + n + 1 : a->conf.realm,
	    sizeof(s->realm));
	if (n >= sizeof(a->user))
		n = sizeof(a->user) - 1;
	memcpy(a->user, principal, n);
	a->user[n] = '\0';
	uri_user(a->uri, a->user, a->conf.domain);
}

/* The first ticket is there: our socket, then the registration. */
void
session_begin(struct agent *a, const char *principal)
{
	char why[600];
	int fd;

	name_user(a, principal);
	if (strchr(a->user, '/') != NULL) {
		login_fail(a, SEC_ERR_LOGIN, "principals with / are not users");
		return;
	}
	if (a->socket[0] == '\0')
		path_agent(a->socket, a->user, a->conf.domain);
	mix_load(a);
	if ((fd = sock_unix_listen(a->socket, 0600)) < 0) {
		if (fd == SEC_ERR_NO)
			snprintf(why, sizeof(why), "%s is logged in already",
			    a->user);
		else
			snprintf(why, sizeof(why), "%s: %s", a->socket,
			    fd == SEC_ERR_LIMIT ? "the path is too long" :
						  strerror(errno));
		a->socket[0] = '\0';
		login_fail(a, fd, why);
		return;
	}
	(void)ctl_listen(a->ctl, fd, SOCKET_PEERS);
	timer_set(&a->alive, ALIVE_MS);
	session_register(a, 0);
}

/* --- beginning and end --- */

static void
on_refresh(void *arg)
{
	session_register(arg, 0);
}

static void
on_end(void *arg)
{
	struct agent *a = arg;

	loop_stop(a->loop, a->exit_code);
}

void
session_end(struct agent *a, const char *why)
{
	struct session *s = &a->session;
	struct conf_in *c;
	struct buf *b;
	size_t i = 0;

	if (s->ending)
		return;
	s->ending = 1;
	log_info("session.down", "user=%s reason=%s", log_quote(a->user),
	    log_quote(why));
	if (!s->registered) {
		loop_stop(a->loop, a->exit_code);
		return;
	}
	b = event_begin(a, "session.down");
	line_put(b, "user", a->uri);
	line_putf(b, "until", "%lld", (long long)s->until);
	line_put(b, "message", why);
	event_end(a);
	while ((c = conf_next(a, &i)) != NULL)
		conf_leave(c, why);
	register_cancel(s->registering);
	s->registering = NULL;
	timer_set(&s->end, END_MS);
	start_register(a, 0);
}

/* sip/NAME.DOMAIN, NAME from `pal = [NAME@]HOST:PORT`. */
static int
name_service(struct agent *a, char *why, size_t whylen)
{
	struct session *s = &a->session;
	const char *pal = a->conf.pal, *at;
	char name[65] = "pal";

	if (pal[0] == '\0')
		pal = "127.0.0.1:7321";
	if ((at = strchr(pal, '@')) != NULL) {
		if ((size_t)(at - pal) >= sizeof(name))
			return SEC_ERR_CONFIG;
		memcpy(name, pal, (size_t)(at - pal));
		name[at - pal] = '\0';
		pal = at + 1;
	}
	text_copy(s->pal_host, pal, sizeof(s->pal_host));
	snprintf(s->service_name, sizeof(s->service_name), "sip/%s.%s", name,
	    a->conf.domain);
	if (addr_parse(&s->pal_addr, pal) == 0 ||
	    addr_resolve(&s->pal_addr, pal) == 0)
		return 0;
	snprintf(why, whylen, "cannot find the PAL manager's address %s", pal);
	return SEC_ERR_UNREACHABLE;
}

void
session_login(struct agent *a)
{
	char why[600] = "the name of the PAL manager is too long";
	int r;

	if ((r = name_service(a, why, sizeof(why))) != 0)
		login_fail(a, r, why);
	else if ((r = ticket_fetch(a)) != 0)
		login_fail(a, r,
		    "cannot start the process that fetches the "
		    "ticket");
}

void
session_init(struct agent *a)
{
	struct session *s = &a->session;
	uint8_t id[16];
	size_t i;

	crypto_random(id, sizeof(id));
	for (i = 0; i < sizeof(id); i++)
		snprintf(s->instance + 2 * i, 3, "%02x", id[i]);
	s->first = 1;
	s->retry = RETRY_MIN;
	timer_init(&s->refresh, a->loop, on_refresh, a);
	timer_init(&s->again, a->loop, on_again, a);
	ticket_open(a);
	timer_init(&s->settle, a->loop, on_settle, a);
	timer_init(&s->end, a->loop, on_end, a);
	s->pal = flow_new(a->loop, agent_methods, &pal_ops, a);
	s->confctl = flow_new(a->loop, agent_methods, &confctl_ops, a);
}

void
session_close(struct agent *a)
{
	struct session *s = &a->session;
	size_t i;

	login_close(a);
	ticket_close(a);
	timer_cancel(&s->refresh);
	timer_cancel(&s->again);
	timer_cancel(&s->settle);
	timer_cancel(&s->end);
	register_cancel(s->registering);
	flow_free(s->pal);
	flow_free(s->confctl);
	for (i = 0; i < SESSION_KEYS; i++)
		secret_free(s->key[i].kc);
}
