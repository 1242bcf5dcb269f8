/*
 * binding: user <-> contact (RFC 3261 10), one per running agent, with the
 * client session key that goes with it (S086, S087). Keys live in memory
 * only; the controller is told them over the link (step 70).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/random.h"
#include "wire/line.h"

#include "pal.h"

static char *
binding_id(char *out, size_t n, const char *user, const char *instance)
{
	snprintf(out, n, "%s\n%s", user, instance);
	return out;
}

struct binding *
binding_find(struct pal *p, const char *user, const char *instance)
{
	char id[URI_MAX + 40];

	return map_get_str(p->bindings,
	    binding_id(id, sizeof id, user, instance));
}

struct binding *
binding_of_conn(struct pal *p, struct sip_conn *c)
{
	const struct sip_peer *peer = sip_conn_peer(c);
	char user[URI_MAX];

	uri_user(user, peer->user, p->s->conf.domain);
	return binding_find(p, user, peer->instance);
}

static void
key_drop(struct pal *p, struct binding_key *k)
{
	if (k->kc == NULL)
		return;
	map_del_u64(p->keys, k->keyid);
	secret_free(k->kc);
	memset(k, 0, sizeof *k);
}

static void
binding_free(struct binding *b)
{
	struct pal *p = b->user->pal;
	char id[URI_MAX + 40];

	timer_cancel(&b->timer);
	key_drop(p, &b->key);
	key_drop(p, &b->old);
	map_del_str(p->bindings,
	    binding_id(id, sizeof id, b->user->uri, b->row.instance));
	TAILQ_REMOVE(&b->user->bindings, b, entry);
	free(b->rows);
	free(b);
}

void
binding_forget(struct presentity *u, const char *instance, uint32_t keyid,
    const char *why)
{
	struct service *s = u->pal->s;
	struct ctl_peer *peer = links_peer(s->links, 1);
	struct buf *l;
	int r;

	log_info("gone", "user=%s instance=%.8s why=%s", log_quote(u->uri),
	    instance, why);
	if ((r = pal_unregister(s->db, u->name, instance)) != 0 &&
	    r != SEC_ERR_NOTHING)
		log_error("db.write", "file=pal.db why=%s",
		    log_quote(db_why(s->db)));
	/* One that has only expired may come back to its dialogs. */
	if (strcmp(why, "expired") != 0)
		subscriptions_forget(u->pal, u->uri, instance);
	if (peer == NULL)
		return; /* its time ends there as well */
	l = ctl_event(peer, "gone");
	line_put(l, "user", u->uri);
	line_put(l, "instance", instance);
	line_put_u64(l, "keyid", keyid);
	line_put(l, "why", why);
	ctl_event_end(peer);
}

void
binding_drop(struct binding *b, const char *why)
{
	struct presentity *u = b->user;
	struct pal *p = u->pal;
	struct sip_conn *c;

	binding_forget(u, b->row.instance, b->key.keyid, why);
	if (b->conn != 0 && (c = sip_conn_find(p->s->sip, b->conn)) != NULL) {
		b->conn = 0;
		sip_conn_finish(c);
	}
	binding_free(b);
	presentity_changed(u);
}

static void
binding_expired(void *arg)
{
	binding_drop(arg, "expired");
}

struct binding *
binding_put(struct pal *p, struct presentity *u, const char *principal,
    const struct pal_binding *row, const char *rows)
{
	struct binding *b = binding_find(p, u->uri, row->instance);
	char id[URI_MAX + 40], *copy;

	if ((copy = strdup(rows)) == NULL)
		return NULL;
	if (b == NULL) {
		if ((b = calloc(1, sizeof *b)) == NULL) {
			free(copy);
			return NULL;
		}
		b->user = u;
		text_copy(b->row.instance, row->instance,
		    sizeof b->row.instance);
		timer_init(&b->timer, p->s->loop, binding_expired, b);
		TAILQ_INSERT_TAIL(&u->bindings, b, entry);
		map_put_str(p->bindings,
		    binding_id(id, sizeof id, u->uri, b->row.instance), b);
	}
	b->row = *row;
	text_copy(b->principal, principal, sizeof b->principal);
	free(b->rows);
	b->rows = copy;
	key_drop(p, &b->old);
	b->old = b->key;
	if (b->old.until > clock_real() + KEY_OVERLAP)
		b->old.until = clock_real() + KEY_OVERLAP;
	memset(&b->key, 0, sizeof b->key);
	do
		crypto_random(&b->key.keyid, sizeof b->key.keyid);
	while (b->key.keyid == 0 || map_get_u64(p->keys, b->key.keyid) != NULL);
	b->key.kc = crypto_random_key(32, 0);
	b->key.until = row->until;
	map_put_u64(p->keys, b->key.keyid, b);
	timer_set(&b->timer, row->until - clock_real());
	return b;
}

void
binding_tell(struct binding *b)
{
	struct ctl_peer *peer = links_wake(b->user->pal->s->links, 1);
	struct buf *l;

	if (peer == NULL)
		return; /* all of them when the link is up */
	l = ctl_event(peer, "registered");
	line_put(l, "user", b->user->uri);
	line_put(l, "principal", b->principal);
	line_put(l, "instance", b->row.instance);
	line_put_u64(l, "keyid", b->key.keyid);
	line_put_bytes(l, "key", secret_data(b->key.kc),
	    secret_size(b->key.kc));
	line_put_u64(l, "until", (uint64_t)b->row.until);
	line_put(l, "rows", b->rows);
	ctl_event_end(peer);
}

void
bindings_tell_all(struct pal *p)
{
	struct binding *b;
	size_t i;

	for (i = 0; (b = map_next(p->bindings, &i)) != NULL;)
		binding_tell(b);
}

void
bindings_free(struct pal *p)
{
	struct binding *b;
	size_t i;

	for (i = 0; (b = map_next(p->bindings, &i)) != NULL;)
		binding_free(b);
}

/* --- connections --- */

int
binding_hello_key(struct service *s, const struct hello_c1 *c1,
    struct hello_key *out)
{
	struct pal *p = s->priv;
	struct binding *b;
	struct binding_key *k;

	if (c1->by != s->self->number ||
	    (b = map_get_u64(p->keys, c1->keyid)) == NULL)
		return SEC_ERR_SUBKEY;
	k = b->key.keyid == c1->keyid ? &b->key : &b->old;
	if (k->until < clock_real() ||
	    hello_id_user(&out->from, b->principal) != 0)
		return SEC_ERR_SUBKEY;
	hello_id_server(&out->to, s->self->number);
	out->base = k->kc;
	out->peer.proof = NEED_SESSION;
	out->peer.keyid = c1->keyid;
	text_copy(out->peer.user, b->user->name, sizeof out->peer.user);
	text_copy(out->peer.instance, b->row.instance,
	    sizeof out->peer.instance);
	return 0;
}

int
binding_plain_peer(struct service *s, const struct sip_msg *req,
    struct sip_peer *peer)
{
	struct pal *p = s->priv;
	struct presentity *pr;
	struct binding *b;
	struct uri u;

	if (uri_parse(&u, req->from, s->conf.domain) != 0 || u.kind != URI_USER)
		return SEC_ERR_DATA;
	if (strcmp(req->method, "REGISTER") == 0) {
		peer->proof = NEED_TICKET;
		text_copy(peer->user, u.name, sizeof peer->user);
		return 0;
	}
	if ((pr = presentity_find(p, u.name)) == NULL ||
	    (b = TAILQ_FIRST(&pr->bindings)) == NULL)
		return SEC_ERR_DENIED;
	TAILQ_FOREACH(b, &pr->bindings, entry)
		if (b->conn == 0)
			break;
	if (b == NULL)
		b = TAILQ_FIRST(&pr->bindings);
	peer->proof = NEED_SESSION;
	peer->keyid = b->key.keyid;
	text_copy(peer->user, pr->name, sizeof peer->user);
	text_copy(peer->instance, b->row.instance, sizeof peer->instance);
	return 0;
}

void
binding_conn_up(struct service *s, struct sip_conn *c)
{
	struct pal *p = s->priv;
	struct sip_conn *old;
	struct binding *b;

	if ((sip_conn_peer(c)->proof & NEED_SESSION) == 0)
		return; /* a REGISTER */
	if ((b = binding_of_conn(p, c)) == NULL) {
		sip_conn_finish(c);
		return;
	}
	/* It takes the place of an older one (SECURITY.md 3.3). */
	if (!s->conf.plain && (old = sip_conn_find(s->sip, b->conn)) != NULL)
		sip_conn_close(old, SEC_ERR_CLOSED);
	b->conn = sip_conn_id(c);
	subscriptions_catch_up(p, b);
	service_touch(s);
}

void
binding_conn_down(struct service *s, struct sip_conn *c, int err)
{
	struct binding *b = binding_of_conn(s->priv, c);

	(void)err;
	if (b != NULL && b->conn == sip_conn_id(c))
		b->conn = 0;
}
