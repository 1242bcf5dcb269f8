/*
 * Voice devices: `attach` makes one an INVITE dialog of its own (S045,
 * S103-S108), gives it its keys, and keeps it told for as long as its
 * connection is open; the end of that is its BYE.
 *
 *	ASKING  INVITE sent, or waiting for the controller
 *	ON      200 taken: row `attached`, then news
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/offer.h"
#include "voice.h"
#include "wire/grant.h"
#include "wire/ids.h"

#define PTIME 20 /* ms */

struct peer {
	uint32_t q;
	int seen;
};

struct attachment *
voice_of_peer(struct agent *a, uint64_t peer)
{
	struct attachment *v;

	TAILQ_FOREACH(v, &a->voice.list, entry)
		if (v->who.peer == peer)
			return v;
	return NULL;
}

static struct attachment *
voice_of(struct agent *a, uint64_t number)
{
	struct attachment *v;

	TAILQ_FOREACH(v, &a->voice.list, entry)
		if (v->number == number)
			return v;
	return NULL;
}

static struct attachment *
voice_of_dialog(struct agent *a, const struct sip_msg *req, int *err)
{
	struct attachment *v;

	TAILQ_FOREACH(v, &a->voice.list, entry) {
		if (v->state != ATTACH_ON)
			continue;
		*err = dialog_check(&v->dialog, req);
		if (*err != SEC_ERR_NOTHING)
			return v;
	}
	return NULL;
}

struct buf *
voice_row(struct attachment *v, const char *what, struct ctl_req *r)
{
	struct buf *b;

	if (ctl_again(v->a->ctl, v->who, r) != 0)
		return NULL;
	b = ctl_row(r);
	line_put(b, "what", what);
	return b;
}

static void
attachment_free(struct attachment *v)
{
	struct peer *p;
	size_t i = 0;

	timer_cancel(&v->deadline);
	if (v->txn != 0)
		sip_forget(flow_stack(v->a->session.confctl), v->txn);
	while ((p = map_next(v->peers, &i)) != NULL)
		free(p);
	map_free(v->peers);
	secret_free(v->hop);
	TAILQ_REMOVE(&v->a->voice.list, v, entry);
	free(v);
}

static void
attachment_fail(struct attachment *v, int status, const char *reason)
{
	struct ctl_req r;

	log_info("voice.refused", "conf=%s code=%d", log_quote(v->conf),
	    status);
	if (ctl_again(v->a->ctl, v->who, &r) == 0)
		ctl_error(&r, status, reason);
	attachment_free(v);
}

static void
attachment_over(struct attachment *v, const char *why)
{
	struct ctl_req r;
	struct buf *b;

	if (v->state == ATTACH_ASKING) {
		attachment_fail(v, 487, why);
		return;
	}
	talk_detached(v);
	if ((b = voice_row(v, "end", &r)) != NULL) {
		line_put(b, "reason", why);
		ctl_end(&r);
		ctl_ok(&r);
	}
	log_info("voice.end", "conf=%s q=%u.%u reason=%s", log_quote(v->conf),
	    (unsigned)q_server(v->q), (unsigned)(v->q & 0xffffff),
	    log_quote(why));
	attachment_free(v);
}

/* --- news for devices --- */

static void
put_key(struct buf *b, const char *name, const struct secret *s)
{
	line_put_bytes(b, name, secret_data(s), secret_size(s));
}

void
voice_epoch(struct conf_in *c, int wait)
{
	struct attachment *v;
	struct ctl_req r;
	struct buf *b;

	TAILQ_FOREACH(v, &c->a->voice.list, entry) {
		if (v->conf_number != c->number || v->state != ATTACH_ON ||
		    (b = voice_row(v, "epoch", &r)) == NULL)
			continue;
		line_putf(b, "epoch", "%u", (unsigned)keyring_epoch(c->keys));
		put_key(b, "key", keyring_key(c->keys));
		line_putf(b, "wait", "%d", wait);
		ctl_end(&r);
	}
}

static void
peer_row(struct attachment *v, struct conf_in *c, uint32_t q, const char *state)
{
	char number[Q_STRLEN];
	struct ctl_req r;
	struct buf *b;

	if ((b = voice_row(v, "peer", &r)) == NULL)
		return;
	line_put(b, "q", q_format(q, number));
	line_put(b, "user", conf_user(c, q));
	line_put(b, "state", state);
	ctl_end(&r);
}

static void
peer_seen(struct attachment *v, struct conf_in *c, uint32_t q)
{
	struct peer *p;

	if (q == v->q)
		return;
	if ((p = map_get_u64(v->peers, q)) == NULL) {
		p = agent_alloc(sizeof(*p));
		p->q = q;
		(void)map_put_u64(v->peers, q, p);
		peer_row(v, c, q, "in");
	}
	p->seen = 1;
}

/* The voice devices of the roster; a row for each that came or went. */
static void
peers_tell(struct attachment *v, struct conf_in *c)
{
	const struct pal_entry *e;
	char one[Q_STRLEN];
	const char *s;
	struct peer *p;
	size_t i = 0, n;
	uint32_t q;

	while ((p = map_next(v->peers, &i)) != NULL)
		p->seen = 0;
	for (i = 0; (e = mirror_next(c->roster, &i)) != NULL;) {
		if ((s = pal_entry_attr(e, "voice")) == NULL)
			continue;
		for (; *s != '\0'; s += n + (s[n] == ',')) {
			if ((n = strcspn(s, ",")) >= sizeof(one))
				continue;
			memcpy(one, s, n);
			one[n] = '\0';
			if (q_parse(&q, one) == 0)
				peer_seen(v, c, q);
		}
	}
	for (i = 0; (p = map_next(v->peers, &i)) != NULL;) {
		if (p->seen)
			continue;
		peer_row(v, c, p->q, "left");
		(void)map_del_u64(v->peers, p->q);
		free(p);
	}
}

void
voice_roster(struct conf_in *c)
{
	struct attachment *v;

	TAILQ_FOREACH(v, &c->a->voice.list, entry)
		if (v->conf_number == c->number && v->state == ATTACH_ON)
			peers_tell(v, c);
}

/* Is my name in it, as @alice? */
static int
names_me(const struct agent *a, const char *p, size_t n)
{
	size_t len = strlen(a->user), i;

	for (i = 0; i + len < n; i++)
		if (p[i] == '@' && memcmp(p + i + 1, a->user, len) == 0 &&
		    (i + 1 + len == n ||
			strchr("abcdefghijklmnopqrstuvwxyz0123456789_-",
			    p[i + 1 + len]) == NULL))
			return 1;
	return 0;
}

void
voice_addressed(struct conf_in *c, const char *user, const char *p, size_t n,
    uint32_t to)
{
	struct agent *a = c->a;
	const char *to_user = to != 0 ? conf_user(c, to) : NULL;
	struct attachment *v;
	struct ctl_req r;
	struct buf *b;

	if (strcmp(user, a->uri) == 0 ||
	    ((to_user == NULL || strcmp(to_user, a->uri) != 0) &&
		!names_me(a, p, n)))
		return;
	TAILQ_FOREACH(v, &a->voice.list, entry)
		if (v->conf_number == c->number && v->state == ATTACH_ON &&
		    (b = voice_row(v, "addressed", &r)) != NULL) {
			line_put(b, "user", user);
			ctl_end(&r);
		}
}

/* --- attaching --- */

static void
attached_row(struct attachment *v, struct conf_in *c)
{
	struct agent *a = v->a;
	char cid[CONFID_STRLEN], q[Q_STRLEN];
	struct ctl_req r;
	struct buf *b;

	if ((b = voice_row(v, "attached", &r)) == NULL)
		return;
	line_put(b, "conf", c->uri);
	line_put(b, "name", c->name);
	line_put(b, "cid", confid_format(c->id, cid));
	line_put(b, "q", q_format(v->q, q));
	line_put(b, "media", v->media);
	line_putf(b, "server", "%d", v->server);
	line_putf(b, "suite", "0x%04x", (unsigned)v->suite);
	line_put(b, "codec", c->codec);
	line_putf(b, "ptime", "%d", PTIME);
	line_putf(b, "epoch", "%u", (unsigned)keyring_epoch(c->keys));
	put_key(b, "key", keyring_key(c->keys));
	put_key(b, "hop", v->hop);
	line_putf(b, "hopid", "%u", (unsigned)v->hopid);
	line_putf(b, "offset", "%lld", (long long)a->session.offset);
	line_put(b, "mode", mix_mode(a, c->uri));
	line_putf(b, "vol", "%d", mix_volume(a, c->uri));
	line_put(b, "me", a->uri);
	line_put(b, "level", c->level[0] != '\0' ? c->level : "on");
	ctl_end(&r);
}

void
voice_policy(struct conf_in *c)
{
	struct attachment *v;
	struct ctl_req r;
	struct buf *b;

	TAILQ_FOREACH(v, &c->a->voice.list, entry)
		if (v->conf_number == c->number && v->state == ATTACH_ON &&
		    (b = voice_row(v, "policy", &r)) != NULL) {
			line_put(b, "level", c->level);
			ctl_end(&r);
		}
}

/* A wrap for this device; 1: its hop key is new, 0, or an error. */
static int
attachment_take_key(struct attachment *v, struct conf_in *c, const char *b64)
{
	struct grant g;
	int r, new_hop = 0;

	if ((r = conf_open_wrap(c, b64, &g)) != 0)
		return r;
	r = SEC_ERR_AUTH;
	if (v->q != 0 && g.q != v->q)
		goto out;
	if ((r = conf_take_epoch(c, &g)) != 0 && r != SEC_ERR_REPLAY)
		goto out;
	r = 0;
	v->q = g.q;
	v->suite = g.media_suite;
	if (g.hop != NULL &&
	    (v->hop == NULL || v->hopid != g.hopid ||
		!secret_equal(v->hop, g.hop))) {
		secret_free(v->hop);
		v->hop = secret_dup(g.hop);
		v->hopid = g.hopid;
		new_hop = 1;
	}
out:
	grant_wipe(&g);
	return r != 0 ? r : new_hop;
}

static int
attachment_take(struct attachment *v, struct conf_in *c,
    const struct sip_msg *answer)
{
	const struct offer_medium *m;
	struct offer o;
	struct addr to;
	int r;

	if (answer->conference_key == NULL)
		return SEC_ERR_AUTH;
	if ((r = attachment_take_key(v, c, answer->conference_key)) < 0)
		return r;
	if (v->hop == NULL)
		return SEC_ERR_AUTH;
	if ((r = offer_parse(&o, answer->body, answer->bodylen)) != 0)
		return r;
	if ((m = offer_find(&o, "voice")) == NULL ||
	    offer_addr(&o, "voice", &to) != 0)
		return SEC_ERR_FORMAT;
	addr_format(&to, v->media);
	v->server = m->server;
	return 0;
}

static const char *
why_refused(struct attachment *v, int status)
{
	switch (status) {
	case 403:
		return v->recorder ? "recording is not allowed here" :
				     "not allowed into this conference";
	case 404: return "no such conference";
	case 488: return "no voice in this conference";
	case 503: return conf_unavailable(v->a);
	case 408:
	case 504: return "the controller does not answer";
	default: return sec_sip_reason(status);
	}
}

static void
on_attached(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct agent *a = ctx;
	struct attachment *v = voice_of(a, cookie);
	struct conf_in *c;
	struct sip_msg m;

	if (v == NULL || answer->status / 100 == 1)
		return;
	v->txn = 0;
	if (answer->status == 503 && flow_conn(a->session.confctl) == NULL) {
		timer_set(&v->deadline, WAIT_MS); /* once more */
		return;
	}
	if (answer->status / 100 != 2) {
		attachment_fail(v, answer->status,
		    why_refused(v, answer->status));
		return;
	}
	sip_msg_init(&m);
	m.uri = v->conf;
	if (flow_conn(a->session.confctl) == NULL ||
	    dialog_from_answer(&v->dialog, &m, answer) != 0) {
		attachment_fail(v, 500, "the controller's answer is malformed");
		return;
	}
	sip_msg_init(&m);
	dialog_ack(&v->dialog, &m, answer->cseq);
	sip_ack(flow_conn(a->session.confctl), &m);
	if ((c = conf_of(a, v->conf_number)) == NULL ||
	    attachment_take(v, c, answer) != 0) {
		(void)bye_send(v->a, &v->dialog, NULL, NULL, 0);
		attachment_fail(v, 400,
		    "the controller's key cannot be opened");
		return;
	}
	v->state = ATTACH_ON;
	log_info("voice.on", "conf=%s q=%u.%u server=%d", log_quote(c->name),
	    (unsigned)q_server(v->q), (unsigned)(v->q & 0xffffff), v->server);
	attached_row(v, c);
	mix_tell(v);
	talk_attached(v);
	peers_tell(v, c);
}

/* 0.0.0.0 and :: stand for the address that the controller sees. */
static void
attachment_addr(struct attachment *v)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&v->at.ss;
	struct sockaddr_in *four = (struct sockaddr_in *)&v->at.ss;
	struct addr local;
	int port = addr_port(&v->at);

	if (v->at.ss.ss_family == AF_INET6 ?
		!IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr) :
		four->sin_addr.s_addr != htonl(INADDR_ANY))
		return;
	if (flow_local(v->a->session.confctl, &local) != 0)
		return;
	v->at = local;
	addr_set_port(&v->at, port);
}

static void
attachment_invite(struct attachment *v)
{
	struct agent *a = v->a;
	struct conf_in *c = conf_of(a, v->conf_number);
	struct buf sdp = BUF_INIT;
	char contact[URI_MAX];
	struct sip_msg m;
	struct offer o;

	if (c == NULL || v->txn != 0 || flow_conn(a->session.confctl) == NULL)
		return;
	timer_cancel(&v->deadline);
	attachment_addr(v);
	memset(&o, 0, sizeof(o));
	addr_format_host(&v->at, o.host);
	o.n = 1;
	text_copy(o.m[0].medium, "voice", sizeof(o.m[0].medium));
	o.m[0].port = addr_port(&v->at);
	text_copy(o.m[0].proto, "RTP/SEC", sizeof(o.m[0].proto));
	text_copy(o.m[0].codec, c->codec, sizeof(o.m[0].codec));
	o.m[0].ptime = PTIME;
	offer_write(&sdp, &o);
	sip_msg_init(&m);
	m.method = "INVITE";
	m.uri = m.to = c->uri;
	m.from = a->uri;
	m.contact = flow_contact(a->session.confctl, a->uri, contact);
	m.conference = v->recorder ? "via=recorder" : "via=voip";
	m.content_type = OFFER_TYPE;
	m.body = buf_data(&sdp);
	m.bodylen = buf_len(&sdp);
	v->txn = flow_request(a->session.confctl, &m, ANSWER_MS, on_attached, a,
	    v->number);
	buf_free(&sdp);
	if (v->txn == 0)
		timer_set(&v->deadline, WAIT_MS);
}

static void
on_deadline(void *arg)
{
	attachment_fail(arg, 503, "controller unreachable");
}

static int
is_word(struct ctl_req *r, const char *key, const char *def,
    const char *const *words)
{
	const char *v = line_get_or(r->line, key, def);
	char why[160];
	size_t i;

	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], v) == 0)
			return 1;
	snprintf(why, sizeof(why), "%s=%.64s is not known", key, v);
	ctl_error(r, 400, why);
	return 0;
}

void
voice_attach(struct agent *a, struct ctl_req *r)
{
	static const char *const vias[] = { "voip", "recorder", NULL };
	static const char *const captures[] = { "card", "file", "none", NULL };
	static const char *const onoff[] = { "on", "off", NULL };
	static const char *const media[] = { "voice", NULL };
	struct attachment *v;
	struct conf_in *c;
	struct addr at;

	if (!is_word(r, "media", "voice", media) ||
	    !is_word(r, "via", "voip", vias) ||
	    !is_word(r, "capture", "none", captures) ||
	    !is_word(r, "mic", "off", onoff))
		return;
	if (addr_parse(&at, line_get_or(r->line, "at", "")) != 0) {
		ctl_error(r, 400, "at= is no IP:port");
		return;
	}
	if (voice_of_peer(a, ctl_peer_id(r->peer)) != NULL) {
		ctl_error(r, 400, "one device for each connection");
		return;
	}
	if ((c = tool_my_conf(a, r)) == NULL)
		return;
	if (strstr(c->media, "voice") == NULL) {
		ctl_error(r, 488, "no voice in this conference");
		return;
	}
	v = agent_alloc(sizeof(*v));
	v->a = a;
	v->number = ++a->next_number;
	v->who = ctl_keep(r);
	text_copy(v->conf, c->uri, sizeof(v->conf));
	v->conf_number = c->number;
	v->at = at;
	v->recorder =
	    strcmp(line_get_or(r->line, "via", "voip"), "recorder") == 0;
	v->card = strcmp(line_get_or(r->line, "capture", "none"), "card") == 0;
	v->mic = strcmp(line_get_or(r->line, "mic", "off"), "on") == 0;
	v->peers = map_new();
	timer_init(&v->deadline, a->loop, on_deadline, v);
	timer_set(&v->deadline, WAIT_MS);
	TAILQ_INSERT_TAIL(&a->voice.list, v, entry);
	attachment_invite(v);
}

/* --- the end of it --- */

void
voice_peer_gone(struct agent *a, uint64_t peer)
{
	struct attachment *v;

	if ((v = voice_of_peer(a, peer)) == NULL)
		return;
	if (v->state == ATTACH_ON) {
		log_info("voice.off", "conf=%s q=%u.%u", log_quote(v->conf),
		    (unsigned)q_server(v->q), (unsigned)(v->q & 0xffffff));
		talk_detached(v);
		(void)bye_send(v->a, &v->dialog, NULL, NULL, 0);
	}
	attachment_free(v);
}

void
voice_conf_gone(struct conf_in *c, const char *why, int bye)
{
	struct attachment *v, *next;

	for (v = TAILQ_FIRST(&c->a->voice.list); v != NULL; v = next) {
		next = TAILQ_NEXT(v, entry);
		if (v->conf_number != c->number)
			continue;
		if (bye && v->state == ATTACH_ON)
			(void)bye_send(v->a, &v->dialog, NULL, NULL, 0);
		attachment_over(v, why);
	}
}

void
voice_confctl_up(struct agent *a)
{
	struct attachment *v, *next;

	for (v = TAILQ_FIRST(&a->voice.list); v != NULL; v = next) {
		next = TAILQ_NEXT(v, entry);
		if (v->state == ATTACH_ASKING)
			attachment_invite(v);
	}
}

/* --- requests in a device's dialog --- */

int
voice_bye(const void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	const struct conf_in *c;
	struct attachment *v;
	int err = 0;

	if (a == NULL || ctx != a->session.confctl ||
	    (v = voice_of_dialog(a, req, &err)) == NULL)
		return 0;
	sip_answer_status(txn, err != 0 ? 500 : 200);
	c = conf_find(a, v->conf);
	if (err == 0)
		attachment_over(v,
		    v->recorder && c != NULL &&
			    strstr(c->media, "voice") != NULL ?
			"recording is not allowed here any more" :
			"no voice in this conference any more");
	return 1;
}

static void
service(struct attachment *v, const char *event)
{
	struct buf *b;

	b = event_begin(v->a, event);
	line_put(b, "service", "mcu");
	line_put(b, "host", v->media);
	line_put(b, "conf", v->conf);
	event_end(v->a);
}

static void
attachment_cut(struct attachment *v)
{
	struct ctl_req r;
	struct buf *b;

	if (v->cut != 0)
		return;
	v->cut = clock_mono();
	if ((b = voice_row(v, "interrupted", &r)) != NULL) {
		line_putf(b, "server", "%d", v->server);
		ctl_end(&r);
	}
	service(v, "svc.down");
}

/* media=host:port server=, and the hop key if that is new. */
static void
attachment_move(struct attachment *v, const char *media, int server,
    int new_hop)
{
	char seconds[24];
	struct ctl_req r;
	struct buf *b;

	if (!new_hop && v->cut == 0 && v->server == server &&
	    strcmp(v->media, media) == 0)
		return;
	if (new_hop || v->server != server)
		attachment_cut(v);
	text_copy(v->media, media, sizeof(v->media));
	v->server = server;
	if ((b = voice_row(v, "media", &r)) != NULL) {
		line_put(b, "media", v->media);
		line_putf(b, "server", "%d", v->server);
		if (new_hop) {
			put_key(b, "hop", v->hop);
			line_putf(b, "hopid", "%u", (unsigned)v->hopid);
		}
		ctl_end(&r);
	}
	if (v->cut == 0)
		return;
	snprintf(seconds, sizeof(seconds), "%.1f",
	    (double)(clock_mono() - v->cut) / 1000);
	v->cut = 0;
	if ((b = voice_row(v, "back", &r)) != NULL) {
		line_putf(b, "server", "%d", v->server);
		line_put(b, "seconds", seconds);
		ctl_end(&r);
	}
	service(v, "svc.up");
}

static void
attachment_grant(struct attachment *v, struct conf_in *c, const struct line *l)
{
	const char *key = line_get(l, "key"), *media = line_get(l, "media");
	struct addr to;
	uint64_t server;
	int r = 0;

	if (key != NULL && (r = attachment_take_key(v, c, key)) < 0) {
		if (r == SEC_ERR_SUBKEY)
			conf_ask_grant(c); /* sent under a key of before */
		return;
	}
	if (media != NULL && strcmp(media, "-") == 0)
		attachment_cut(v);
	else if (media != NULL && addr_parse(&to, media) == 0 &&
	    line_get_u64(l, "server", &server) == 0 && server > 0 &&
	    server < 256)
		attachment_move(v, media, (int)server, r == 1);
}

int
voice_info(const void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	const char *p, *end;
	struct attachment *v;
	struct conf_in *c;
	struct line l;
	int err = 0;

	if (a == NULL || ctx != a->session.confctl ||
	    (v = voice_of_dialog(a, req, &err)) == NULL)
		return 0;
	sip_answer_status(txn, err != 0 ? 500 : 200);
	c = conf_of(a, v->conf_number);
	if (err != 0 || c == NULL || req->body == NULL)
		return 1;
	p = req->body;
	end = p + req->bodylen;
	while (line_next(&l, &p, end)) {
		if (strcmp(l.verb, "grant") == 0)
			attachment_grant(v, c, &l);
		line_free(&l);
	}
	return 1;
}

void
voice_init(struct agent *a)
{
	TAILQ_INIT(&a->voice.list);
	talk_init(a);
}

void
voice_close(struct agent *a)
{
	while (!TAILQ_EMPTY(&a->voice.list))
		attachment_free(TAILQ_FIRST(&a->voice.list));
	talk_close(a);
}
