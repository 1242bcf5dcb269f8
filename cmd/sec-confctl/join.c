/*
 * join: a device into a conference (Fig. 6 steps 614-624, Fig. 7 steps
 * 712-716; S103-S108). One explicit operation that holds ids:
 *
 *   state    on            do                                    next
 *   MEDIA    enter         q, hop key; `join` to the media server
 *            ok addr                                             ROSTER
 *            error         that status                           done
 *   ROSTER   enter         `join` to sec-pal
 *            ok            epoch, device row                     COMMIT
 *            error         `leave`, that status                  done
 *   COMMIT   committed     INFOs of a new epoch, then done(200)  done
 *            failed        `leave`, 503                          done
 *   any      5 s           `leave`, 504                          done
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "db/history_store.h"
#include "wire/ids.h"
#include "wire/line.h"

#include "crypto/fig9.h"

#include "focus.h"

#define VOICE_PTIME  20 /* ms */
#define PORT_DISCARD 9

enum join_state { JOIN_MEDIA, JOIN_ROSTER, JOIN_COMMIT };

struct join {
	struct focus *f;
	uint64_t id;
	enum join_state state;
	uint64_t conf;
	char user[URI_MAX];
	char instance[33];
	char medium[8];
	char via[12];
	char address[64]; /* of the device */
	int takes_text, hold, speaks;
	char addr[256]; /* where its media go */
	int server;
	uint32_t q;
	struct secret *hop;
	uint32_t hopid;
	int granted; /* the 302 gave the grant */
	int ratcheted; /* a new epoch by ratchet */
	struct dialog dialog;
	struct timer deadline;
	join_done_h done;
	uint64_t cookie;
};

static void
join_free(struct join *o)
{
	timer_cancel(&o->deadline);
	map_del_u64(o->f->joins, o->id);
	secret_free(o->hop);
	free(o);
}

static void
join_fail(struct join *o, int status, const char *reason)
{
	struct conference *c = conf_find_id(o->f, o->conf);
	struct device *d;

	log_debug("join.fail", "user=%s status=%d", log_quote(o->user), status);
	if (c != NULL) {
		deal_leave(c, o->q, o->server);
		if (o->state == JOIN_COMMIT &&
		    (d = conf_device(c, o->q)) != NULL) {
			if (commit_begin(o->f) == 0)
				conf_device_rm(o->f->s->db, c->row.id, o->q);
			device_free(d);
		}
	}
	o->done(o->f, o->cookie, status, reason, c, NULL, NULL);
	join_free(o);
	if (c != NULL)
		conf_check_empty(c);
}

static void
join_late(void *arg)
{
	join_fail(arg, 504, "a server did not answer");
}

/* Devices of an agent that is gone while its user comes back with another:
 * the new one takes their place (ARCHITECTURE.md 11). */
static void
join_replace(struct device *own)
{
	struct member *m = own->member;
	struct focus *f = m->conf->focus;
	struct device *d, *next;

	for (d = TAILQ_FIRST(&m->own); d != NULL; d = next) {
		next = TAILQ_NEXT(d, own);
		if (d != own && strcmp(d->instance, own->instance) != 0 &&
		    session_conn(f, session_find(f, m->user, d->instance)) ==
			NULL)
			device_leave(d, "replaced");
	}
}

static void join_media(struct join *o, struct conference *c);

static void
join_committed(struct focus *f, uint64_t id, int err)
{
	struct join *o = map_get_u64(f->joins, id);
	const struct server *sv;
	struct conference *c;
	struct device *d;

	if (o == NULL)
		return;
	c = conf_find_id(f, o->conf);
	d = c != NULL ? conf_device(c, o->q) : NULL;
	/* News of the epoch first, on each connection before any answer. */
	if (o->ratcheted && err == 0 && c != NULL)
		epoch_tell_ratchet(c, o->q);
	if (err != 0 || d == NULL) {
		join_fail(o, err != 0 ? sec_err_sip(err) : 404,
		    err != 0 ? "cannot store the join" : "it has ended");
		return;
	}
	if (d->server != o->server &&
	    (sv = servers_by_number(&f->s->servers, d->server)) != NULL)
		text_copy(o->addr, sv->addr, sizeof o->addr); /* just moved */
	d->joined = 1;
	/* News of this turn that it was too young for; its answer has all. */
	d->stale = 0;
	d->wants_hop = 0;
	device_index(d);
	timer_cancel(&c->first);
	if (d->member->state != MEMBER_ACTIVE) {
		member_back(d->member);
		join_replace(d);
	}
	log_info("conf.join",
	    "conf=%s user=%s q=%u.%u media=%s via=%s "
	    "server=%d key_gen=%u",
	    log_quote(c->row.name), log_quote(o->user), q_server(o->q),
	    o->q & 0xffffff, o->medium[0] != '\0' ? o->medium : "-", o->via,
	    o->server, c->row.epoch);
	o->done(f, o->cookie, 200, NULL, c, d, o->addr);
	/* done() may have let it go again. */
	if ((c = conf_find_id(f, o->conf)) != NULL &&
	    (d = conf_device(c, o->q)) != NULL) {
		/* What sec-pal made of its `join`. */
		d->member->told = "active";
		member_tell(d->member);
		media_joined(d);
		speak_tell(d->member); /* it may be another since */
		if (rank_of(c, d->member->user) >= RANK_MODERATOR)
			lobby_tell(d->member);
		else
			lobby_drop(c, d->member->user, 0);
	}
	join_free(o);
}

/* Its medium has moved meanwhile, without this device; or has gone: text
 * from a membership, which stays, but voice is all that a voice device is. */
static void
join_again(struct join *o, struct conference *c)
{
	int server = conf_server(c, o->medium);

	if (server == 0 && strcmp(o->medium, "voice") == 0) {
		join_fail(o, 488, "it has no voice any more");
		return;
	}
	o->server = server;
	if (server == 0)
		o->medium[0] = '\0';
	join_media(o, c);
}

/* sec-pal has it: epoch and device row, in this turn's commit. */
static void
join_store(struct join *o, struct conference *c)
{
	struct focus *f = o->f;
	struct device *d;
	int r, first = conf_member(c, o->user) == NULL;

	if (o->server != 0 && conf_server(c, o->medium) != o->server) {
		join_again(o, c);
		return;
	}
	/* Since he asked: */
	if (conf_blocks(c, o->user) ||
	    (strcmp(o->via, "recorder") == 0 && !c->row.record)) {
		join_fail(o, 403, NULL);
		return;
	}
	o->state = JOIN_COMMIT;
	if ((r = commit_begin(f)) != 0)
		goto fail;
	if (c->key == NULL || (first && !o->granted)) {
		if ((r = epoch_ratchet(c)) < 0)
			goto fail;
		o->ratcheted = r == 1;
	}
	d = device_new(c, o->q, o->user, o->instance, o->medium);
	if (d == NULL) {
		r = SEC_ERR_LIMIT;
		goto fail;
	}
	d->server = o->server;
	text_copy(d->via, o->via, sizeof d->via);
	d->takes_text = o->takes_text;
	d->hold = o->hold;
	d->speaks = o->speaks;
	d->dialog = o->dialog;
	d->returned = !first;
	d->hop = o->hop;
	o->hop = NULL;
	d->hopid = o->hopid;
	text_copy(d->address, o->address, sizeof d->address);
	if ((r = device_store(d)) != 0 ||
	    (r = conf_user_put(f->s->db, c->row.id, o->user, "invited")) != 0)
		goto fail;
	if (first && c->row.persistent &&
	    (r = history_from_put(f->s->db, c->row.id, o->user,
		 c->row.epoch)) != 0)
		goto fail;
	conf_list_set(c, o->user, LIST_INVITED);
	commit_then(f, join_committed, o->id);
	return;

fail:
	join_fail(o, sec_err_sip(r), "cannot store the join");
}

static void
join_rostered(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	struct focus *f = ctx;
	struct join *o = map_get_u64(f->joins, cookie);
	struct conference *c;

	if (o == NULL || (reply != NULL && strcmp(reply->verb, "row") == 0))
		return;
	if (reply == NULL || strcmp(reply->verb, "ok") != 0)
		join_fail(o, ctl_reply_status(reply, err),
		    "the PAL manager is unreachable");
	else if ((c = conf_find_id(f, o->conf)) == NULL)
		join_fail(o, 404, "it has ended");
	else
		join_store(o, c);
}

static void
join_fields(const struct join *o, const struct conference *c, struct buf *b,
    int key)
{
	const struct member *m = map_get_str(c->members, o->user);
	char q[Q_STRLEN];

	line_put(b, "conf", c->uri);
	line_put(b, "cid", c->cid);
	line_put(b, "user", o->user);
	line_put(b, "q", q_format(o->q, q));
	line_put(b, "medium", o->medium);
	line_put(b, "via", o->via);
	line_put_u64(b, "since",
	    (uint64_t)(m != NULL ? m->since : clock_real()));
	if (key) {
		line_put(b, "speak", o->speaks ? "yes" : "no");
		if (strcmp(o->medium, "voice") == 0)
			line_put(b, "hold", o->hold ? "on" : "off");
		line_put(b, "address", o->address);
		line_put_bytes(b, "hopkey", secret_data(o->hop),
		    secret_size(o->hop));
		line_put_u64(b, "hopid", o->hopid);
	} else
		deal_put_marks(c, o->user, b);
}

static void
join_roster(struct join *o, struct conference *c)
{
	struct ctl_peer *p;
	struct buf *b;

	o->state = JOIN_ROSTER;
	if ((b = deal_call(o->f, o->f->pal, "join", &p)) == NULL) {
		join_fail(o, 503, "the PAL manager is unreachable");
		return;
	}
	join_fields(o, c, b, 0);
	ctl_call_end(p, LINK_DEADLINE, join_rostered, o->f, o->id);
}

static void
join_routed(void *ctx, uint64_t cookie, int err, const struct line *reply)
{
	struct focus *f = ctx;
	struct join *o = map_get_u64(f->joins, cookie);
	struct conference *c;

	if (o == NULL || (reply != NULL && strcmp(reply->verb, "row") == 0))
		return;
	if (reply == NULL || strcmp(reply->verb, "ok") != 0) {
		join_fail(o, ctl_reply_status(reply, err),
		    "the media server is unreachable");
		return;
	}
	if ((c = conf_find_id(f, o->conf)) == NULL) {
		join_fail(o, 404, "it has ended");
		return;
	}
	text_copy(o->addr, line_get_or(reply, "addr", ""), sizeof o->addr);
	join_roster(o, c);
}

static void
join_media(struct join *o, struct conference *c)
{
	struct ctl_peer *p;
	struct buf *b;

	o->state = JOIN_MEDIA;
	o->speaks = may_speak(c, o->user);
	if (o->server == 0) { /* membership only */
		join_roster(o, c);
		return;
	}
	if ((b = deal_call(o->f, o->server, "join", &p)) == NULL) {
		join_fail(o, 503, "the media server is unreachable");
		return;
	}
	join_fields(o, c, b, 1);
	ctl_call_end(p, LINK_DEADLINE, join_routed, o->f, o->id);
}

/* The device's medium, if the conference has it. */
static void
join_medium(struct join *o, struct conference *c, const struct offer *offer,
    const char *medium)
{
	char s[ADDR_STRLEN];
	struct addr a;

	if ((o->server = conf_server(c, medium)) == 0)
		return;
	text_copy(o->medium, medium, sizeof o->medium);
	if (offer_addr(offer, medium, &a) == 0)
		text_copy(o->address, addr_format(&a, s), sizeof o->address);
}

/* m=audio with a port, and no m=message beside it. */
static int
offer_wants_voice(const struct offer *offer)
{
	const struct offer_medium *m;

	if (offer == NULL ||
	    ((m = offer_find(offer, "text")) != NULL && m->port != 0))
		return 0;
	return (m = offer_find(offer, "voice")) != NULL && m->port != 0;
}

void
join_start(struct focus *f, const struct join_def *def)
{
	struct conference *c = def->conf;
	const struct offer_medium *m;
	const struct device *own;
	struct join *o;
	int r = 0;

	if ((o = calloc(1, sizeof *o)) == NULL) {
		def->done(f, def->cookie, 503, "out of memory", c, NULL, NULL);
		return;
	}
	o->f = f;
	o->id = ++f->next_op;
	o->conf = c->row.id;
	o->done = def->done;
	o->cookie = def->cookie;
	o->dialog = def->dialog;
	text_copy(o->user, def->user, sizeof o->user);
	text_copy(o->instance, def->instance, sizeof o->instance);
	timer_init(&o->deadline, f->s->loop, join_late, o);
	timer_set(&o->deadline, LINK_DEADLINE);
	map_put_u64(f->joins, o->id, o);
	text_copy(o->via, def->via != NULL ? def->via : "voip", sizeof o->via);
	/* Text is the device of the membership itself (ARCHITECTURE.md 7). */
	m = def->offer != NULL ? offer_find(def->offer, "text") : NULL;
	o->takes_text = m != NULL && m->port != 0;
	if (o->takes_text)
		join_medium(o, c, def->offer, "text");
	else if (offer_wants_voice(def->offer)) {
		join_medium(o, c, def->offer, "voice");
		own = device_main(c, o->user, o->instance);
		o->hold = own != NULL && own->hold;
	}
	/* Another agent of his would seal under the same q. */
	if (c->creator_q != 0 && strcmp(c->row.owner, o->user) == 0 &&
	    strcmp(c->creator, o->instance) == 0) {
		o->q = c->creator_q;
		o->hop = c->creator_hop;
		o->hopid = c->creator_hopid;
		o->granted = c->row.epoch == 1;
		c->creator_q = 0;
		c->creator_hop = NULL;
	} else if ((r = conf_next_q(c, &o->q)) == 0)
		o->hopid = hop_new(f, &o->hop);
	/* Fig. 9 has no more numbers than these (SECURITY.md 3.7). */
	if (r == 0 && strcmp(o->medium, "voice") == 0 &&
	    (o->q & 0xffffff) > FIG9_DEVICES &&
	    fig9_suite_by_id(conf_suite(c)) != NULL)
		r = SEC_ERR_LIMIT;
	if (r != 0)
		join_fail(o, sec_err_sip(r), "cannot number the device");
	else
		join_media(o, c);
}

void
joins_free(struct focus *f)
{
	struct join *o;
	size_t i;

	for (i = 0; (o = map_next(f->joins, &i)) != NULL;)
		join_free(o);
}

/* --- joining by oneself: INVITE to the conference --- */

int
conf_admits(const struct conference *c, const char *user)
{
	unsigned bits = conf_list_bits(c, user);

	if (strcmp(c->row.owner, user) == 0)
		return 1;
	if (strcmp(c->row.access, "domain") == 0)
		return 1;
	if (strcmp(c->row.access, "listed") == 0)
		return (bits & LIST_ALLOW) != 0;
	return (bits & (LIST_INVITED | LIST_ALLOW)) != 0;
}

int
conf_blocks(const struct conference *c, const char *user)
{
	for (; c != NULL; c = c->parent)
		if (conf_list_bits(c, user) & LIST_BLOCK)
			return 1;
	return 0;
}

int
conf_may_join(const struct conference *c, const char *user)
{
	if (conf_blocks(c, user))
		return 0;
	while (!conf_admits(c, user)) {
		if (!spawn_is_open(c))
			return 0;
		c = c->parent;
	}
	return 1;
}

void
join_answer_sdp(struct conference *c, const struct device *d, const char *addr,
    struct buf *b)
{
	struct offer o;
	struct addr a;
	int voice = device_is_voice(d);

	memset(&o, 0, sizeof o);
	text_copy(o.host, "127.0.0.1", sizeof o.host);
	/* A name from a server is not looked up: all would wait for that. */
	if (d->server != 0 &&
	    (addr_parse(&a, addr) == 0 ||
		links_address(c->focus->s->links, d->server, &a) == 0)) {
		addr_format_host(&a, o.host);
		text_copy(o.m[0].medium, d->medium, sizeof o.m[0].medium);
		text_copy(o.m[0].proto, voice ? "RTP/SEC" : "TCP/SEC",
		    sizeof o.m[0].proto);
		if (voice) {
			text_copy(o.m[0].codec, c->row.codec,
			    sizeof o.m[0].codec);
			o.m[0].ptime = VOICE_PTIME;
		}
		o.m[0].port = addr_port(&a);
		o.m[0].server = d->server;
		o.n = 1;
	}
	offer_write(b, &o);
}

static void
own_done(struct focus *f, uint64_t cookie, int status, const char *reason,
    struct conference *c, struct device *d, const char *addr)
{
	struct sip_txn *txn = sip_txn_find(f->s->sip, cookie);
	struct buf sdp = BUF_INIT, key = BUF_INIT, words = BUF_INIT;
	struct session *s;
	struct sip_msg a;

	sip_msg_init(&a);
	a.status = status;
	a.reason = reason;
	if (d == NULL) {
		if (txn != NULL)
			sip_answer(txn, &a);
		return;
	}
	s = session_find(f, d->member->user, d->instance);
	if (txn == NULL ||
	    epoch_wrap(c, s, d->q, d->hop, d->hopid, &key) != 0) {
		/* The agent went away meanwhile: so does the device. */
		if (txn != NULL)
			sip_answer_status(txn, 503);
		device_leave(d, "lost");
		conf_check_empty(c);
		goto out;
	}
	conf_words(c, &words);
	if (d->returned)
		line_put_word(&words, "returned", "1");
	if (!device_is_voice(d))
		spawn_words(c, s, &words);
	join_answer_sdp(c, d, addr, &sdp);
	a.contact = c->uri;
	a.conference = buf_cstr(&words);
	a.conference_key = buf_cstr(&key);
	a.content_type = OFFER_TYPE;
	a.body = buf_data(&sdp);
	a.bodylen = buf_len(&sdp);
	sip_answer(txn, &a);
out:
	buf_free(&sdp);
	buf_free(&key);
	buf_free(&words);
}

/* `via=` of SEC-Conference into out; "voip" if there is none. */
static void
join_via(const struct sip_msg *req, char *out, size_t n)
{
	struct line l;

	text_copy(out, "voip", n);
	if (req->conference == NULL ||
	    line_parse_words(&l, req->conference, strlen(req->conference)) != 0)
		return;
	text_copy(out, line_get_or(&l, "via", "voip"), n);
	line_free(&l);
}

/* An offer with the port `discard` leaves it to the user's preference how
 * voice reaches him (S104, step 616). */
static int
is_by_preference(const struct offer *offer)
{
	const struct offer_medium *m = offer_find(offer, "voice");

	return m != NULL && m->port == PORT_DISCARD;
}

/* 0, or the status that refuses this voice device. */
static int
voice_refused(const struct conference *c, const struct session *s,
    const struct offer *offer, const char *via)
{
	if (conf_server(c, "voice") == 0)
		return 488;
	/* By telephone only a gateway reaches him; by IP only an address. */
	if (is_by_preference(offer))
		return s != NULL && strcmp(s->voice_by, "phone") == 0 ? 503 :
									488;
	return strcmp(via, "recorder") != 0 || c->row.record ? 0 : 403;
}

/* Nobody fills the media servers alone. */
static int
has_his_share(struct conference *c, const char *user)
{
	const struct member *m = conf_member(c, user);

	return m != NULL && m->devices >= DEVICES_MAX;
}

void
join_own(struct focus *f, struct sip_txn *txn, const struct sip_msg *req,
    struct conference *c, const char *user)
{
	struct join_def def;
	struct offer offer;
	char via[12];
	int status;

	if (!conf_may_join(c, user) || has_his_share(c, user)) {
		sip_answer_status(txn, 403);
		return;
	}
	memset(&def, 0, sizeof def);
	if (req->bodylen > 0) {
		if (offer_parse(&offer, req->body, req->bodylen) != 0) {
			sip_answer_status(txn, 400);
			return;
		}
		def.offer = &offer;
	}
	join_via(req, via, sizeof via);
	/* It goes into everybody's roster. */
	if (strcmp(via, "voip") != 0 && strcmp(via, "recorder") != 0) {
		sip_answer_status(txn, 400);
		return;
	}
	if (offer_wants_voice(def.offer) &&
	    (status = voice_refused(c, session_of_conn(f, sip_txn_conn(txn)),
		 def.offer, via)) != 0) {
		sip_answer_status(txn, status);
		return;
	}
	def.via = via;
	if (dialog_from_request(&def.dialog, req, sip_txn_to_tag(txn)) != 0) {
		sip_answer_status(txn, 400);
		return;
	}
	def.conf = c;
	def.user = user;
	def.instance = sip_conn_peer(sip_txn_conn(txn))->instance;
	def.done = own_done;
	def.cookie = sip_txn_id(txn);
	if (!lobby_holds(f, txn, &def))
		join_start(f, &def);
}
