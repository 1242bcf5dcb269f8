/*
 * A device attaches: its INVITE, and what the controller's answer gives it.
 *
 *	ASKING  INVITE sent, or waiting for the controller
 *	ON      200 taken: row `attached`, then news
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "sip/offer.h"
#include "voice_priv.h"
#include "wire/grant.h"
#include "wire/ids.h"

#define PTIME 20 /* ms */

static struct attachment *
voice_of(struct agent *a, uint64_t number)
{
	struct attachment *v;

	TAILQ_FOREACH(v, &a->voice.list, entry)
		if (v->number == number)
			return v;
	return NULL;
}

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
	voice_put_key(b, "key", keyring_key(c->keys));
	voice_put_key(b, "hop", v->hop);
	line_putf(b, "hopid", "%u", (unsigned)v->hopid);
	line_putf(b, "offset", "%lld", (long long)a->session.offset);
	line_put(b, "mode", mix_mode(a, c->uri));
	line_putf(b, "vol", "%d", mix_volume(a, c->uri));
	line_put(b, "me", a->uri);
	line_put(b, "level", c->level[0] != '\0' ? c->level : "on");
	ctl_end(&r);
}

int
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
