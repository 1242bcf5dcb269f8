/*
 * holder: who may say hello to this daemon, with which key. Keys live in
 * memory only.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/random.h"
#include "wire/uri.h"

#include "server/holder.h"

struct holders {
	struct map *keys; /* holder by holder_key_name() */
	struct map *names; /* owner by user \n instance */
};

#define FULL_NAME (URI_MAX + 40) /* user \n instance */

static char *
full_name(char *out, const char *user, const char *instance)
{
	snprintf(out, FULL_NAME, "%s\n%s", user, instance);
	return out;
}

struct holders *
holders_new(void)
{
	struct holders *t = mem_new(sizeof *t);

	t->keys = map_new();
	t->names = map_new();
	return t;
}

void
holders_free(struct holders *t)
{
	if (t == NULL)
		return;
	map_free(t->keys);
	map_free(t->names);
	free(t);
}

size_t
holders_count(const struct holders *t)
{
	return map_count(t->names);
}

void *
holders_next(const struct holders *t, size_t *i)
{
	return map_next(t->names, i);
}

/* --- one holder --- */

static void
key_drop(struct holder *h, struct holder_key *k)
{
	uint64_t name = holder_key_name(h->by, k->id);

	if (k->secret == NULL)
		return;
	/* Another may have been dealt the same id since. */
	if (map_get_u64(h->in->keys, name) == h)
		map_del_u64(h->in->keys, name);
	secret_free(k->secret);
	memset(k, 0, sizeof *k);
}

/* A new present key; the caller has put the one before aside. */
static void
key_take(struct holder *h, uint32_t id, struct secret *secret, int64_t until)
{
	h->key.id = id;
	h->key.secret = secret;
	h->key.since = clock_real();
	h->key.until = until;
	map_put_u64(h->in->keys, holder_key_name(h->by, id), h);
}

static void
key_age(struct holder *h)
{
	int64_t last = clock_real() + HOLDER_OVERLAP;

	key_drop(h, &h->old);
	h->old = h->key;
	if (h->old.until > last)
		h->old.until = last;
	memset(&h->key, 0, sizeof h->key);
}

void
holder_init(struct holder *h, struct holders *t, unsigned by, void *owner)
{
	h->in = t;
	h->by = by;
	h->owner = owner;
}

void
holder_name(struct holder *h, const char *user, const char *instance,
    const char *principal)
{
	char name[FULL_NAME];

	h->user = user;
	h->instance = instance;
	h->principal = principal;
	map_put_str(h->in->names, full_name(name, user, instance), h->owner);
}

void
holder_leave(struct holder *h)
{
	char name[FULL_NAME];

	if (h->in == NULL)
		return;
	key_drop(h, &h->key);
	key_drop(h, &h->old);
	if (h->user != NULL)
		map_del_str(h->in->names,
		    full_name(name, h->user, h->instance));
	h->in = NULL;
}

void
holder_fresh(struct holder *h, int64_t until)
{
	uint32_t id;

	key_age(h);
	do
		crypto_random(&id, sizeof id);
	while (id == 0 ||
	    map_get_u64(h->in->keys, holder_key_name(h->by, id)) != NULL);
	key_take(h, id, crypto_random_key(32, 0), until);
}

void
holder_renew(struct holder *h, uint32_t id, const uint8_t key[32],
    int64_t until)
{
	if (h->key.secret != NULL && h->key.id == id) {
		h->key.until = until;
		return;
	}
	key_age(h);
	key_take(h, id, secret_copy(key, 32), until);
}

void
holder_replace(struct holder *h, uint32_t id, const uint8_t key[32],
    int64_t until)
{
	key_drop(h, &h->key);
	key_drop(h, &h->old);
	key_take(h, id, secret_copy(key, 32), until);
}

const struct holder_key *
holder_settled(const struct holder *h)
{
	int64_t now = clock_real();

	if (h->old.secret != NULL && h->old.until > now &&
	    now < h->key.since + HOLDER_SETTLE)
		return &h->old;
	return &h->key;
}

/* --- look-up --- */

void *
holders_find(const struct holders *t, const char *user, const char *instance)
{
	char name[FULL_NAME];

	return map_get_str(t->names, full_name(name, user, instance));
}

static const struct holder *
find_key(const struct holders *t, uint64_t name, const struct holder_key **k)
{
	const struct holder *h = map_get_u64(t->keys, name);

	if (h != NULL && k != NULL)
		*k = h->key.secret != NULL &&
			holder_key_name(h->by, h->key.id) == name ?
		    &h->key :
		    &h->old;
	return h;
}

void *
holders_find_key(const struct holders *t, uint64_t name,
    const struct holder_key **k)
{
	const struct holder *h = find_key(t, name, k);

	return h != NULL ? h->owner : NULL;
}

/* --- hellos and connections --- */

int
holder_peer(const struct holder *h, const struct service *s,
    struct sip_peer *peer)
{
	struct uri u;
	int r;

	if ((r = uri_parse(&u, h->user, s->conf.domain)) != 0)
		return r;
	peer->proof = NEED_SESSION;
	peer->keyid = h->key.id;
	text_copy(peer->user, u.name, sizeof peer->user);
	text_copy(peer->instance, h->instance, sizeof peer->instance);
	return 0;
}

int
holders_hello(const struct holders *t, const struct service *s,
    const struct hello_c1 *c1, struct hello_key *out)
{
	const struct holder_key *k;
	const struct holder *h;

	if ((h = find_key(t, holder_key_name(c1->by, c1->keyid), &k)) == NULL)
		return SEC_ERR_NOTHING;
	if (h->user == NULL || k->until < clock_real() ||
	    hello_id_user(&out->from, h->principal) != 0 ||
	    holder_peer(h, s, &out->peer) != 0)
		return SEC_ERR_SUBKEY;
	hello_id_server(&out->to, s->self->number);
	out->base = k->secret;
	out->peer.keyid = c1->keyid;
	return 0;
}

void *
holders_of_conn(const struct holders *t, const struct service *s,
    struct sip_conn *c)
{
	const struct sip_peer *peer = sip_conn_peer(c);
	char user[URI_MAX];

	uri_user(user, peer->user, s->conf.domain);
	return holders_find(t, user, peer->instance);
}

struct sip_conn *
holder_conn(const struct holder *h, const struct service *s)
{
	struct sip_conn *c;

	if (h->conn == 0 || (c = sip_conn_find(s->sip, h->conn)) == NULL ||
	    !sip_conn_is_up(c))
		return NULL;
	return c;
}

void
holder_connected(struct holder *h, const struct service *s, struct sip_conn *c)
{
	struct sip_conn *old;

	if (!s->conf.plain && h->conn != 0 &&
	    (old = sip_conn_find(s->sip, h->conn)) != NULL)
		sip_conn_close(old, SEC_ERR_CLOSED);
	h->conn = sip_conn_id(c);
}

int
holder_disconnected(struct holder *h, const struct sip_conn *c)
{
	if (h->conn != sip_conn_id(c))
		return 0;
	h->conn = 0;
	return 1;
}

void
holder_hang_up(struct holder *h, const struct service *s)
{
	struct sip_conn *c = holder_conn(h, s);

	h->conn = 0;
	if (c != NULL)
		sip_conn_finish(c);
}
