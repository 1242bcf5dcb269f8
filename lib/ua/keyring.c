/* Epoch keys of one conference. K_e is kept for the running epoch alone;
 * of older ones only the text key, for KEYRING_OLD_MS. */
#include <sys/queue.h>

#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "ua/keyring.h"

struct epoch_key {
	uint32_t epoch;
	struct secret *ke; /* NULL for old ones */
	struct secret *te;
	int64_t until; /* old: when it is wiped */
	TAILQ_ENTRY(epoch_key) entry;
};

struct keyring {
	uint64_t conf;
	uint32_t first;
	struct epoch_key *now, *ahead;
	TAILQ_HEAD(, epoch_key) old;
};

static struct epoch_key *
key_new(uint64_t conf, uint32_t epoch, struct secret *ke)
{
	struct epoch_key *e;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	e->epoch = epoch;
	e->ke = ke;
	e->te = confkey_text(ke, conf, epoch);
	return e;
}

static void
key_free(struct epoch_key *e)
{
	if (e == NULL)
		return;
	secret_free(e->ke);
	secret_free(e->te);
	free(e);
}

struct keyring *
keyring_new(uint64_t conf)
{
	struct keyring *k;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	k->conf = conf;
	TAILQ_INIT(&k->old);
	return k;
}

void
keyring_free(struct keyring *k)
{
	struct epoch_key *e;

	if (k == NULL)
		return;
	while ((e = TAILQ_FIRST(&k->old)) != NULL) {
		TAILQ_REMOVE(&k->old, e, entry);
		key_free(e);
	}
	key_free(k->now);
	key_free(k->ahead);
	free(k);
}

void
keyring_expire(struct keyring *k, int64_t now)
{
	struct epoch_key *e, *next;

	for (e = TAILQ_FIRST(&k->old); e != NULL; e = next) {
		next = TAILQ_NEXT(e, entry);
		if (e->until > now)
			continue;
		TAILQ_REMOVE(&k->old, e, entry);
		key_free(e);
	}
}

int64_t
keyring_wait(const struct keyring *k, int64_t now)
{
	const struct epoch_key *e;
	int64_t wait = -1, left;

	TAILQ_FOREACH(e, &k->old, entry) {
		left = e->until > now ? e->until - now : 0;
		if (wait < 0 || left < wait)
			wait = left;
	}
	return wait;
}

/* The running epoch becomes an old one, e the running one. */
static void
advance(struct keyring *k, struct epoch_key *e, int64_t now)
{
	keyring_expire(k, now);
	if (k->now != NULL) {
		secret_free(k->now->ke);
		k->now->ke = NULL;
		k->now->until = now + KEYRING_OLD_MS;
		TAILQ_INSERT_TAIL(&k->old, k->now, entry);
	}
	k->now = e;
	if (k->first == 0)
		k->first = e->epoch;
	if (k->ahead != NULL && k->ahead->epoch <= e->epoch) {
		key_free(k->ahead);
		k->ahead = NULL;
	}
}

int
keyring_grant(struct keyring *k, uint32_t epoch, const struct secret *ke,
    int64_t now)
{
	if (k->now != NULL && epoch < k->now->epoch)
		return SEC_ERR_REPLAY;
	if (k->now != NULL && epoch == k->now->epoch)
		return secret_equal(k->now->ke, ke) ? 0 : SEC_ERR_AUTH;
	advance(k, key_new(k->conf, epoch, secret_dup(ke)), now);
	return 0;
}

int
keyring_ratchet(struct keyring *k, uint32_t epoch, int64_t now)
{
	struct secret *next;

	if (k->now == NULL)
		return SEC_ERR_NOTHING;
	if (epoch < k->now->epoch)
		return SEC_ERR_REPLAY;
	if (epoch == k->now->epoch)
		return 0;
	/* An epoch between may have been a random one. */
	if (epoch != k->now->epoch + 1)
		return SEC_ERR_NOTHING;
	next = confkey_ratchet(k->now->ke, k->conf, epoch);
	advance(k, key_new(k->conf, epoch, next), now);
	return 0;
}

uint32_t
keyring_epoch(const struct keyring *k)
{
	return k->now != NULL ? k->now->epoch : 0;
}

uint32_t
keyring_first(const struct keyring *k)
{
	return k->first;
}

const struct secret *
keyring_text(const struct keyring *k)
{
	return k->now != NULL ? k->now->te : NULL;
}

const struct secret *
keyring_key(const struct keyring *k)
{
	return k->now != NULL ? k->now->ke : NULL;
}

int
keyring_is_behind(const struct keyring *k)
{
	return k->ahead != NULL;
}

static struct epoch_key *
find(struct keyring *k, uint32_t epoch)
{
	struct epoch_key *e;

	if (k->now != NULL && k->now->epoch == epoch)
		return k->now;
	if (k->ahead != NULL && k->ahead->epoch == epoch)
		return k->ahead;
	TAILQ_FOREACH(e, &k->old, entry)
		if (e->epoch == epoch)
			return e;
	return NULL;
}

/*
 * An epoch not told yet: ratchet copies as far as it, and keep the last one
 * if it opens this text. What is sent stays in the running epoch, since a
 * member could ratchet further than the controller.
 */
static int
try_ahead(struct keyring *k, uint32_t epoch, const uint8_t *body, size_t n,
    struct buf *out)
{
	struct secret *ke, *next;
	struct epoch_key *e;
	uint32_t i;
	int r;

	if (k->now == NULL || epoch - k->now->epoch > KEYRING_TRIALS)
		return SEC_ERR_NOTHING;
	ke = secret_dup(k->now->ke);
	for (i = k->now->epoch; i != epoch; i++) {
		next = confkey_ratchet(ke, k->conf, i + 1);
		secret_free(ke);
		ke = next;
	}
	e = key_new(k->conf, epoch, ke);
	if ((r = text_open(e->te, k->conf, body, n, out)) != 0) {
		key_free(e);
		return r == SEC_ERR_AUTH ? SEC_ERR_NOTHING : r;
	}
	key_free(k->ahead);
	k->ahead = e;
	return 0;
}

int
keyring_open(struct keyring *k, const uint8_t *body, size_t n, int64_t now,
    struct buf *out)
{
	struct text_head h;
	struct epoch_key *e;
	int r;

	keyring_expire(k, now);
	if ((r = text_peek(&h, body, n)) != 0)
		return r;
	if (k->now != NULL && h.epoch < k->first)
		return SEC_ERR_EXPIRED;
	if ((e = find(k, h.epoch)) != NULL)
		return text_open(e->te, k->conf, body, n, out);
	if (k->now == NULL || h.epoch > k->now->epoch)
		return try_ahead(k, h.epoch, body, n, out);
	return SEC_ERR_EXPIRED;
}
