/*
 * Keys and addresses of a conference: what came with the 302, 200 or ACK,
 * what comes by INFO, and asking for what was missed (SECURITY.md 3.5).
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/wrap.h"
#include "sip/offer.h"
#include "wire/grant.h"
#include "wire/ids.h"

#define ASK_MS	  1000 /* between two PUBLISHs of `grant` */
#define RANDOM_MS 300 /* voice waits so for the others to have it */

int
conf_open_wrap(struct conf_in *c, const char *b64, struct grant *g)
{
	struct wrap w = { KDF_CONF_WRAP, 1, NULL, c->a->uri, c->uri };
	struct secret *plain = NULL;
	int r;

	if ((r = session_unwrap(c->a, b64, &w, &plain)) == 0)
		r = grant_decode(g, plain);
	if (r == 0 && c->id != 0 && g->conf != c->id) {
		r = SEC_ERR_AUTH;
		grant_wipe(g);
	}
	secret_free(plain);
	if (r != 0)
		log_warn("conf.wrap", "conf=%s reason=%s", c->name,
		    log_quote(sec_strerror(r)));
	return r;
}

int
conf_take_epoch(struct conf_in *c, const struct grant *g)
{
	struct keyring *keys = c->keys;
	uint32_t before = keys != NULL ? keyring_epoch(keys) : 0;
	int r;

	if (keys == NULL)
		keys = keyring_new(g->conf);
	r = keyring_grant(keys, g->epoch, g->key, session_now(c->a));
	if (r != 0 && c->keys == NULL)
		keyring_free(keys);
	if (r != 0)
		return r;
	c->keys = keys;
	if (before == g->epoch || c->state == CONF_JOINING)
		return 0;
	conf_key_event(c);
	voice_epoch(c, RANDOM_MS);
	text_news(c->text);
	return 0;
}

static int
take_wrap(struct conf_in *c, const char *b64, int *new_hop)
{
	struct grant g;
	int r;

	if ((r = conf_open_wrap(c, b64, &g)) != 0)
		return r;
	/* The q of a 302 may be gone with a restart of the controller. */
	r = SEC_ERR_AUTH;
	if (c->q != 0 && g.q != c->q && c->state != CONF_JOINING)
		goto wipe;
	/* Nothing of it is taken unless the key is. */
	if ((r = conf_take_epoch(c, &g)) != 0)
		goto wipe;
	c->id = g.conf;
	c->q = g.q;
	c->suite = g.text_suite;
	c->voice_suite = g.media_suite;
	if (g.hop != NULL &&
	    (c->hop == NULL || c->hopid != g.hopid ||
		!secret_equal(c->hop, g.hop))) {
		secret_free(c->hop);
		c->hop = secret_dup(g.hop);
		c->hopid = g.hopid;
		*new_hop = 1;
	}
wipe:
	grant_wipe(&g);
	if (r != 0)
		log_warn("conf.wrap", "conf=%s reason=%s", c->name,
		    log_quote(sec_strerror(r)));
	return r;
}

static void
take_words(struct conf_in *c, const char *words)
{
	struct line l;
	const char *s;
	uint64_t v;

	if (words == NULL || line_parse_words(&l, words, strlen(words)) != 0)
		return;
	if ((s = line_get(&l, "id")) != NULL && confid_parse(&v, s) == 0 &&
	    c->id == 0) {
		c->id = v;
		text_copy(c->cid, s, sizeof(c->cid));
	}
	if ((s = line_get(&l, "name")) != NULL && *s != '\0')
		text_copy(c->name, s, sizeof(c->name));
	if ((s = line_get(&l, "title")) != NULL)
		text_copy(c->title, s, sizeof(c->title));
	if ((s = line_get(&l, "media")) != NULL && *s != '\0')
		text_copy(c->media, s, sizeof(c->media));
	if ((s = line_get(&l, "access")) != NULL)
		text_copy(c->access, s, sizeof(c->access));
	if ((s = line_get(&l, "creator")) != NULL)
		text_copy(c->creator, s, sizeof(c->creator));
	if ((s = line_get(&l, "parent")) != NULL)
		text_copy(c->parent, s, sizeof(c->parent));
	if ((s = line_get(&l, "children")) != NULL) {
		free(c->children);
		c->children = strdup(s);
	}
	if (line_get_u64(&l, "created", &v) == 0)
		c->created = (int64_t)v;
	if ((s = line_get(&l, "persistent")) != NULL)
		c->persistent = strcmp(s, "1") == 0;
	if ((s = line_get(&l, "returned")) != NULL)
		c->returned = strcmp(s, "1") == 0;
	if ((s = line_get(&l, "codec")) != NULL && *s != '\0')
		text_copy(c->codec, s, sizeof(c->codec));
	if ((s = line_get(&l, "streams")) != NULL)
		text_copy(c->streams, s, sizeof(c->streams));
	if ((s = line_get(&l, "select")) != NULL)
		text_copy(c->select, s, sizeof(c->select));
	if ((s = line_get(&l, "level")) != NULL)
		text_copy(c->level, s, sizeof(c->level));
	if ((s = line_get(&l, "history")) != NULL)
		text_copy(c->history, s, sizeof(c->history));
	if ((s = line_get(&l, "history_from")) != NULL)
		text_copy(c->history_from, s, sizeof(c->history_from));
	line_free(&l);
}

int
conf_take(struct conf_in *c, const struct conf_news *n)
{
	const struct offer_medium *m;
	struct offer o;
	struct addr to;
	int r, new_hop = 0;

	take_words(c, n->words);
	if (n->key != NULL && (r = take_wrap(c, n->key, &new_hop)) != 0)
		return r;
	if (n->sdp == NULL || n->sdplen == 0)
		return 0;
	if (c->keys == NULL)
		return SEC_ERR_AUTH;
	if ((r = offer_parse(&o, n->sdp, n->sdplen)) != 0)
		return r;
	if ((m = offer_find(&o, "text")) == NULL || m->port == 0 ||
	    offer_addr(&o, "text", &to) != 0)
		return 0; /* membership only */
	if (c->text == NULL)
		c->text = text_new(c, &to, m->server);
	else
		text_move(c->text, &to, m->server);
	return 0;
}

void
conf_key_event(struct conf_in *c)
{
	struct buf *b;

	b = event_begin(c->a, "conf.key");
	line_put(b, "conf", c->uri);
	line_putf(b, "key_gen", "%u", (unsigned)keyring_epoch(c->keys));
	event_end(c->a);
}

/* media=host:port server=N; media=-: the conference has no text any more. */
static void
take_media(struct conf_in *c, const struct line *l)
{
	const char *s = line_get(l, "media");
	struct addr to;
	uint64_t server;

	if (s != NULL && strcmp(s, "-") == 0) {
		text_free(c->text);
		c->text = NULL;
		change_check(c);
		return;
	}
	if (s == NULL || addr_parse(&to, s) != 0 ||
	    line_get_u64(l, "server", &server) != 0 || server == 0 ||
	    server > 255)
		return;
	if (c->text == NULL)
		c->text = text_new(c, &to, (int)server);
	else
		text_move(c->text, &to, (int)server);
}

static void
take_grant(struct conf_in *c, const struct line *l)
{
	const char *how = line_get_or(l, "how", "");
	const char *key = line_get(l, "key");
	int64_t now = session_now(c->a);
	uint32_t before = keyring_epoch(c->keys);
	int r = 0, new_hop = 0;
	uint64_t epoch;

	if (strcmp(how, "ratchet") == 0 &&
	    line_get_u64(l, "epoch", &epoch) == 0 && epoch <= UINT32_MAX) {
		r = keyring_ratchet(c->keys, (uint32_t)epoch, now);
		if (r == 0 && keyring_epoch(c->keys) != before) {
			conf_key_event(c);
			voice_epoch(c, 0);
		}
		if (r == SEC_ERR_NOTHING)
			conf_want(c, INBOX_WANT_GRANT);
	}
	if (key != NULL && (r = take_wrap(c, key, &new_hop)) == SEC_ERR_SUBKEY)
		conf_ask_grant(c); /* it was sent under a key of before */
	take_media(c, l);
	if (new_hop && c->text != NULL)
		text_rekey(c->text);
	log_debug("conf.grant", "conf=%s how=%s epoch=%u result=%d", c->name,
	    log_quote(how), (unsigned)keyring_epoch(c->keys), r);
	c->unsure = 0;
	text_news(c->text);
}

void
on_info(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	const char *p, *end;
	struct conf_in *c;
	struct line l;

	if (voice_info(ctx, txn, req) ||
	    (c = conf_of_request(ctx, txn, req)) == NULL)
		return;
	sip_answer_status(txn, 200);
	if (c->keys == NULL || req->body == NULL)
		return;
	p = req->body;
	end = p + req->bodylen;
	while (line_next(&l, &p, end)) {
		if (strcmp(l.verb, "grant") == 0)
			take_grant(c, &l);
		else if (strcmp(l.verb, "lobby") == 0)
			lobby_take(c, &l);
		else if (strcmp(l.verb, "file") == 0)
			file_news(c, &l);
		line_free(&l);
	}
}

static void
on_granted(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct conf_in *c = conf_of(ctx, cookie);

	if (c != NULL && (answer->status == 403 || answer->status == 404))
		timer_set(&c->over, 0);
	else if (c != NULL && answer->status == 200)
		c->unsure = 0;
}

void
conf_ask_grant(struct conf_in *c)
{
	int64_t now = clock_mono();
	struct buf body = BUF_INIT;

	if (c->asked != 0 && now - c->asked < ASK_MS)
		return;
	line_begin(&body, "grant");
	line_end(&body);
	if (conf_publish(c->a, c->uri, &body, on_granted, c->a, c->number) == 0)
		c->asked = now;
	buf_free(&body);
}

static void
on_sure(void *ctx, uint64_t cookie, const struct sip_msg *answer)
{
	struct conf_in *c = conf_of(ctx, cookie);

	if (c == NULL)
		return;
	c->asking = 0;
	on_granted(ctx, cookie, answer);
	if (!timer_is_set(&c->over))
		conf_answer_all(c);
}

int
conf_ask_sure(struct conf_in *c)
{
	struct buf body = BUF_INIT;

	if (!c->unsure || c->asking)
		return c->asking;
	line_begin(&body, "grant");
	line_end(&body);
	c->asking = flow_conn(c->a->session.confctl) != NULL &&
	    conf_publish(c->a, c->uri, &body, on_sure, c->a, c->number) == 0;
	buf_free(&body);
	return c->asking;
}

void
conf_want(struct conf_in *c, int wants)
{
	if (wants < 0)
		return;
	if ((wants & INBOX_WANT_ROSTER) && c->sub != NULL)
		subscription_fetch(c->sub);
	if (wants & INBOX_WANT_GRANT)
		conf_ask_grant(c);
	if (keyring_is_behind(c->keys) && !timer_is_set(&c->behind))
		timer_set(&c->behind, ASK_MS);
}

/* A text of a later epoch came, and no INFO with it. */
static void
on_behind(void *arg)
{
	struct conf_in *c = arg;

	if (keyring_is_behind(c->keys))
		conf_ask_grant(c);
}

void
grants_open(struct conf_in *c)
{
	timer_init(&c->behind, c->a->loop, on_behind, c);
}

void
grants_close(struct conf_in *c)
{
	timer_cancel(&c->behind);
	keyring_free(c->keys);
	secret_free(c->hop);
}
