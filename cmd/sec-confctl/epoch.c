/*
 * epoch: the keys of a conference (SECURITY.md 3.5, S098).
 *
 *   create            epoch 1, random
 *   first device      K_{e+1} = ratchet(K_e), shared by joins in 200 ms
 *   last device left  200 ms later random K_{e+1}, wrapped for who is left
 *   our restart       random K_{e+1}, wrapped as members come back
 *
 * News goes once into each agent's membership dialog, by INFO; a new hop key
 * or media address into the device's own. A device without a connection is
 * marked stale and gets one wrap on its return.
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "crypto/confkey.h"
#include "crypto/random.h"
#include "crypto/suite.h"
#include "crypto/wrap.h"
#include "sip/event.h"
#include "wire/base64.h"
#include "wire/line.h"

#include "focus.h"

#define RETRY_MS 5000 /* after a failed commit */

int64_t
epoch_life(const struct focus *f)
{
	return (int64_t)f->s->conf.key_life * 1000;
}

static int
epoch_advance(struct conference *c, struct secret *next)
{
	struct focus *f = c->focus;
	int r;

	if ((r = commit_begin(f)) != 0 ||
	    (r = conf_set_epoch(f->s->db, c->row.id, c->row.epoch + 1)) != 0) {
		secret_free(next);
		return r;
	}
	secret_free(c->key);
	c->key = next;
	c->row.epoch++;
	c->advanced = f->commits;
	timer_set(&c->age, epoch_life(f));
	if ((r = history_epoch(c)) != 0)
		log_error("history.key", "conf=%s why=%s",
		    log_quote(c->row.name), log_quote(sec_strerror(r)));
	log_info("conf.key", "conf=%s key_gen=%u", log_quote(c->row.name),
	    c->row.epoch);
	return 0;
}

int
epoch_ratchet(struct conference *c)
{
	int64_t now = loop_now(c->focus->s->loop);
	int r;

	if (c->key == NULL || timer_is_set(&c->rekey)) {
		/* A fresh key is due anyhow: make it now. */
		return epoch_rekey(c);
	}
	if (c->ratcheted != 0 && now - c->ratcheted < REKEY_MS)
		return 0;
	r = epoch_advance(c,
	    confkey_ratchet(c->key, c->row.id, c->row.epoch + 1));
	if (r != 0)
		return r;
	c->ratcheted = now;
	return 1;
}

void
epoch_rekey_soon(struct conference *c)
{
	if (!timer_is_set(&c->rekey) && !c->ending)
		timer_set(&c->rekey, REKEY_MS);
}

/* The number is on disk: only now may anybody use the key. */
static void
rekey_committed(struct focus *f, uint64_t id, int err)
{
	struct conference *c = conf_find_id(f, id);
	struct device *d;

	if (c == NULL || err != 0)
		return;
	TAILQ_FOREACH(d, &c->device_list, entry)
		if (d->main || (d->stale && d->joined))
			epoch_tell_wrap(d);
}

int
epoch_rekey(struct conference *c)
{
	int r;

	timer_cancel(&c->rekey);
	if ((r = epoch_advance(c, crypto_random_key(32, 0))) != 0)
		return r;
	c->ratcheted = 0;
	commit_then(c->focus, rekey_committed, c->row.id);
	return 2;
}

void
epoch_fresh(struct conference *c, int server)
{
	uint64_t up = c->focus->up_of[server & 255];

	if (c->fresh == up)
		return;
	c->fresh = up;
	if (epoch_rekey(c) < 0)
		epoch_lost(c);
}

void
epoch_lost(struct conference *c)
{
	/* Nobody was told it; what they hold is not ours any more. */
	secret_free(c->key);
	c->key = NULL;
	timer_set(&c->rekey, RETRY_MS);
}

int
epoch_wrap(struct conference *c, const struct session *s, uint32_t q,
    const struct secret *hop, uint32_t hopid, struct buf *out)
{
	const struct holder_key *k;
	struct buf blob = BUF_INIT;
	struct secret *plain;
	int64_t now = clock_real();
	struct grant g = {
		.conf = c->row.id,
		.epoch = c->row.epoch,
		.q = q,
		.media_suite = conf_suite(c),
		.text_suite = SUITE_AES256_GCM,
		.not_before = now,
		.not_after = now + epoch_life(c->focus),
		.key = c->key,
	};

	if (c->key == NULL || s == NULL ||
	    (k = holder_settled(&s->held))->secret == NULL)
		return SEC_ERR_SUBKEY;
	g.hop = secret_dup(hop);
	g.hopid = hop != NULL ? hopid : 0;
	plain = grant_encode(&g);
	secret_free(g.hop);
	wrap_seal(&blob, k->secret, k->id, s->user, c->uri, plain, now);
	secret_free(plain);
	base64_put(out, buf_data(&blob), buf_len(&blob));
	buf_free(&blob);
	return buf_error(out);
}

/* --- INFO --- */

/* It gets one wrap later, with its hop key, if that was lost as well. */
static void
device_missed(struct device *d)
{
	d->stale = 1;
	d->wants_hop = d->hop != NULL;
}

static void
info_answered(void *ctx, uint64_t cookie, int status)
{
	struct focus *f = ctx;
	struct device *d = device_of(f, cookie);
	struct conference *c;
	struct sip_conn *conn;

	if (d == NULL || status / 100 == 2)
		return;
	c = d->conf;
	device_missed(d);
	if (status == 481) {
		/* The agent does not know the dialog: not there. */
		device_leave(d, "481");
		conf_check_empty(c);
	} else if ((conn = session_conn(f,
			session_find(f, d->member->user, d->instance))) !=
		NULL &&
	    sip_conn_id(conn) != d->told_on) {
		/* It came back before the old connection was given up. */
		epoch_tell_wrap(d);
	}
}

static void
info_send(struct device *d, const char *body, size_t n)
{
	struct focus *f = d->conf->focus;
	struct sip_conn *conn =
	    session_conn(f, session_find(f, d->member->user, d->instance));
	struct sip_msg m;

	if (conn == NULL || !d->joined) {
		device_missed(d);
		return;
	}
	d->told_on = sip_conn_id(conn);
	sip_msg_init(&m);
	dialog_request(&d->dialog, &m, "INFO");
	m.info_package = "sec-grant";
	m.content_type = EVENT_GRANT_TYPE;
	m.body = body;
	m.bodylen = n;
	if (sip_tell(conn, &m, 0, info_answered, f, d->number) == 0)
		device_missed(d);
}

void
epoch_tell_ratchet(struct conference *c, uint32_t except)
{
	struct buf b = BUF_INIT;
	struct device *d;

	line_begin(&b, "grant");
	line_put_u64(&b, "epoch", c->row.epoch);
	line_put(&b, "how", "ratchet");
	line_end(&b);
	TAILQ_FOREACH(d, &c->device_list, entry) {
		if (d->q == except || d->stale || !d->main)
			continue;
		info_send(d, (const char *)buf_data(&b), buf_len(&b));
	}
	buf_free(&b);
}

/* Devices that had to wait for the commit. */
static void
stale_committed(struct focus *f, uint64_t id, int err)
{
	struct conference *c = conf_find_id(f, id);
	struct device *d;

	if (c == NULL || err != 0)
		return;
	TAILQ_FOREACH(d, &c->device_list, entry)
		if (d->stale && d->joined)
			epoch_tell_wrap(d);
}

void
epoch_tell_wrap(struct device *d)
{
	struct focus *f = d->conf->focus;
	struct session *s = session_find(f, d->member->user, d->instance);
	const struct server *sv = servers_by_number(&f->s->servers, d->server);
	struct buf b = BUF_INIT, key = BUF_INIT;
	char host[ADDR_STRLEN];
	struct addr a;

	if (f->in_commit && d->conf->advanced == f->commits) {
		/* Only a number that is on disk may be used. */
		d->stale = 1;
		if (d->conf->awaited != f->commits)
			commit_then(f, stale_committed, d->conf->row.id);
		d->conf->awaited = f->commits;
		return;
	}
	/* A voice device waits for a server that takes it. */
	if (session_conn(f, s) == NULL || (d->undealt && !d->main)) {
		d->stale = 1;
		return;
	}
	if ((d->main || d->wants_hop) &&
	    epoch_wrap(d->conf, s, d->q, d->wants_hop ? d->hop : NULL, d->hopid,
		&key) != 0) {
		d->stale = 1;
		buf_free(&key);
		return;
	}
	line_begin(&b, "grant");
	if (d->main) {
		line_put_u64(&b, "epoch", d->conf->row.epoch);
		line_put(&b, "how", "wrap");
	}
	if (buf_len(&key) > 0)
		line_put(&b, "key", buf_cstr(&key));
	/* Never a name: agents would have to look it up. */
	if (d->undealt) {
		line_put(&b, "media", "-");
	} else if (sv != NULL &&
	    links_address(f->s->links, d->server, &a) == 0) {
		line_put(&b, "media", addr_format(&a, host));
		line_put_u64(&b, "server", (uint64_t)d->server);
	} else if (sv == NULL && d->takes_text)
		line_put(&b, "media", "-");
	line_end(&b);
	d->stale = 0;
	d->wants_hop = 0;
	d->cut = d->undealt;
	info_send(d, (const char *)buf_data(&b), buf_len(&b));
	buf_free(&key);
	buf_free(&b);
}

void
epoch_tell_cut(struct device *d)
{
	static const char line[] = "grant\tmedia=-\n";

	d->cut = 1;
	info_send(d, line, sizeof line - 1);
}

void
epoch_catch_up(struct session *s)
{
	struct device *d;
	struct member *m;

	TAILQ_FOREACH(m, &s->person->places, place)
		TAILQ_FOREACH(d, &m->own, own)
			if (d->stale && strcmp(d->instance, s->instance) == 0)
				epoch_tell_wrap(d);
}
