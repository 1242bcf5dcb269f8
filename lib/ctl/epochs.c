/*
 * The epochs of one server: which is in force, which is accepted, keys out
 * of them. They are kept in the order of their numbers. One is over 120 s
 * after the next has begun; not_after only says when the next is due, since
 * a network whose controller is down must not lose its links.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "crypto/dh.h"
#include "crypto/digest.h"
#include "crypto/hello.h"
#include "crypto/kdf.h"
#include "crypto/random.h"

#include "ctl/keydir.h"

struct epochs {
	char dir[PATH_LEN];
	struct held held;
};

int
epochs_open(struct epochs **e, const char *name, char *why, size_t whylen)
{
	struct epochs *n;
	int r;

	n = mem_new(sizeof(*n));
	path_keys(n->dir, name);
	TAILQ_INIT(&n->held.list);
	if ((r = epochs_reload(n, why, whylen)) != 0) {
		epochs_close(n);
		return r;
	}
	*e = n;
	return 0;
}

int
epochs_reload(struct epochs *e, char *why, size_t whylen)
{
	struct held fresh;
	struct epoch *ep;
	int r;

	memset(&fresh, 0, sizeof(fresh));
	TAILQ_INIT(&fresh.list);
	if ((r = held_read(&fresh, e->dir, why, whylen)) != 0) {
		held_free(&fresh);
		return r;
	}
	held_free(&e->held);
	e->held = fresh;
	/* The list's head has moved with the struct. */
	TAILQ_INIT(&e->held.list);
	while ((ep = TAILQ_FIRST(&fresh.list)) != NULL) {
		TAILQ_REMOVE(&fresh.list, ep, entry);
		TAILQ_INSERT_TAIL(&e->held.list, ep, entry);
	}
	epochs_prune(e, clock_real());
	return 0;
}

void
epochs_close(struct epochs *e)
{
	if (e == NULL)
		return;
	held_free(&e->held);
	free(e);
}

const struct secret *
epochs_identity(const struct epochs *e)
{
	return e->held.identity;
}

int
epochs_check_line(const struct epochs *e, const struct server *s, char *why,
    size_t whylen)
{
	char path[PATH_LEN], keys[PATH_LEN];
	uint8_t pub[32];

	dh_public(e->held.identity, pub);
	if (memcmp(pub, s->pub, sizeof(pub)) == 0)
		return 0;
	return sec_refuse(SEC_ERR_AUTH, why, whylen,
	    "%s: line %u: the key is not that of %s/identity; sec-keygen init "
	    "%s %s %s prints the right line",
	    path_servers(path), s->line, path_keys(keys, s->name), s->name,
	    s->role, s->addr);
}

const struct secret *
epochs_psk(const struct epochs *e, int number)
{
	return number >= 1 && number <= SERVERS_MAX ? e->held.psk[number] :
						      NULL;
}

uint32_t
epochs_last(const struct epochs *e)
{
	const struct epoch *ep = TAILQ_LAST(&e->held.list, epoch_list);

	return ep != NULL ? ep->number : 0;
}

uint32_t
epochs_current(const struct epochs *e, int64_t now)
{
	const struct epoch *ep;

	TAILQ_FOREACH_REVERSE(ep, &e->held.list, epoch_list, entry)
	if (ep->not_before <= now)
		return ep->number;
	ep = TAILQ_FIRST(&e->held.list);
	return ep != NULL ? ep->number : 0;
}

/* When it is over, or INT64_MAX. */
static int64_t
epoch_end(const struct epoch *ep)
{
	const struct epoch *next = TAILQ_NEXT(ep, entry);

	return next != NULL ? next->not_before + EPOCHS_OVERLAP : INT64_MAX;
}

int
epochs_accepts(const struct epochs *e, uint32_t epoch, int64_t now)
{
	const struct epoch *ep = held_find(&e->held, epoch);

	return ep != NULL && now < epoch_end(ep);
}

static struct secret *
pair_key(const struct secret *dealer, int a, int b)
{
	uint8_t ctx[4];

	put_be16(ctx, (uint16_t)(a < b ? a : b));
	put_be16(ctx + 2, (uint16_t)(a < b ? b : a));
	return kdf(dealer, NULL, 0, KDF_PAIR, ctx, sizeof(ctx), KEYDIR_KEY);
}

struct secret *
epochs_link_base(const struct epochs *e, uint32_t epoch, int own, int peer)
{
	const struct epoch *ep;
	struct secret *pair = NULL, *base;
	size_t i;

	if ((ep = held_find(&e->held, epoch)) == NULL)
		return NULL;
	for (i = 0; i < ep->npairs && pair == NULL; i++)
		if (ep->pair[i].number == peer)
			pair = secret_dup(ep->pair[i].key);
	/* A server added since: whoever deals can tell its key. */
	if (pair == NULL && ep->dealer != NULL)
		pair = pair_key(ep->dealer, own, peer);
	if (pair == NULL)
		return NULL;
	base =
	    hello_link_base(ep->k, pair, epoch, (uint16_t)own, (uint16_t)peer);
	secret_free(pair);
	return base;
}

int
epochs_store(struct epochs *e, const struct hs_deal *d)
{
	const struct epoch *old;
	char path[KEYDIR_PATH];
	int r;

	old = held_find(&e->held, d->epoch);
	if (d->epoch == 0 || d->epoch < epochs_last(e) ||
	    (old != NULL &&
		!secret_memequal(secret_data(old->k), d->k, KEYDIR_KEY)))
		return SEC_ERR_REPLAY;
	if ((r = keydir_write_deal(e->dir, d)) != 0) {
		/* It may be there, and only not be safe there. */
		snprintf(path, sizeof(path), "%s/epoch.%u", e->dir, d->epoch);
		if (old == NULL)
			(void)unlink(path);
		return r;
	}
	held_insert(&e->held, epoch_of_deal(d));
	epochs_prune(e, clock_real());
	return 0;
}

int64_t
epochs_next_change(const struct epochs *e, int64_t now)
{
	const struct epoch *ep;
	int64_t at = INT64_MAX;

	TAILQ_FOREACH(ep, &e->held.list, entry) {
		if (ep->not_before > now && ep->not_before < at)
			at = ep->not_before;
		if (epoch_end(ep) > now && epoch_end(ep) < at)
			at = epoch_end(ep);
	}
	return at != INT64_MAX ? at : 0;
}

void
epochs_prune(struct epochs *e, int64_t now)
{
	struct epoch *ep, *next;
	char path[KEYDIR_PATH];

	for (ep = TAILQ_FIRST(&e->held.list); ep != NULL; ep = next) {
		next = TAILQ_NEXT(ep, entry);
		if (now < epoch_end(ep))
			continue;
		snprintf(path, sizeof(path), "%s/epoch.%u", e->dir, ep->number);
		(void)unlink(path);
		snprintf(path, sizeof(path), "%s/dealer.%u", e->dir,
		    ep->number);
		(void)unlink(path);
		TAILQ_REMOVE(&e->held.list, ep, entry);
		epoch_free(ep);
	}
}

int
epochs_id(const struct epochs *e, uint32_t epoch, char out[10])
{
	static const char label[] = "SEC1 joint key id";
	const struct digest_part part = { label, sizeof(label) - 1 };
	const struct epoch *ep;
	uint8_t mac[SHA256_SIZE];

	if ((ep = held_find(&e->held, epoch)) == NULL)
		return SEC_ERR_NOTHING;
	hmac(DIGEST_SHA256, secret_data(ep->k), secret_size(ep->k), &part, 1,
	    mac);
	snprintf(out, 10, "%02x%02x-%02x%02x", mac[0], mac[1], mac[2], mac[3]);
	return 0;
}

int
epochs_info(const struct epochs *e, uint32_t epoch, struct epochs_info *out)
{
	const struct epoch *ep;
	size_t i;

	if ((ep = held_find(&e->held, epoch)) == NULL)
		return SEC_ERR_NOTHING;
	out->not_before = ep->not_before;
	out->not_after = ep->not_after;
	out->time = ep->time;
	out->npairs = ep->npairs;
	for (i = 0; i < ep->npairs; i++)
		out->number[i] = ep->pair[i].number;
	return 0;
}

/* The directory keys/NAME, 0700; its parents are for everybody's x. */
static int
make_dir(const char *dir)
{
	char parent[PATH_LEN];
	char *slash;

	text_copy(parent, dir, sizeof(parent));
	if ((slash = strrchr(parent, '/')) != NULL && slash != parent) {
		*slash = '\0';
		if (proc_mkdirs(parent, 0771) != 0)
			return SEC_ERR_SYS;
	}
	return mkdir(dir, 0700) == -1 && errno != EEXIST ? SEC_ERR_SYS : 0;
}

int
epochs_init(const char *name, uint8_t pub[32], char *why, size_t whylen)
{
	char dir[PATH_LEN];
	struct secret *key = NULL;
	int r;

	path_keys(dir, name);
	if (make_dir(dir) != 0)
		return sec_refuse(SEC_ERR_SYS, why, whylen, "%s: %s", dir,
		    strerror(errno));
	if ((r = proc_is_private(dir, why, whylen)) != 0)
		return r;
	r = keydir_read_key(dir, "identity", &key, why, whylen);
	if (r == SEC_ERR_NOTHING) {
		key = crypto_random_key(KEYDIR_KEY, 1);
		r = keydir_write(dir, "identity", secret_data(key), KEYDIR_KEY);
		if (r != 0)
			sec_refuse(r, why, whylen, "%s/identity: %s", dir,
			    sec_strerror(r));
	}
	if (r == 0)
		dh_public(key, pub);
	secret_free(key);
	return r;
}

/* The row of server `number` under a dealer secret. */
static void
deal_row(struct hs_deal *d, const struct servers *s, int number,
    const struct secret *dealer)
{
	struct secret *key;
	size_t i;

	d->npairs = 0;
	for (i = 0; i < s->n; i++) {
		if (s->server[i].number == number)
			continue;
		key = pair_key(dealer, number, s->server[i].number);
		d->pair[d->npairs].number = s->server[i].number;
		memcpy(d->pair[d->npairs].p, secret_data(key), KEYDIR_KEY);
		d->npairs++;
		secret_free(key);
	}
}

int
epochs_deal(struct epochs *e, const struct servers *s, int number,
    uint32_t epoch, int64_t now, struct hs_deal *out)
{
	const struct epoch *ep;

	if ((ep = held_find(&e->held, epoch)) == NULL || ep->dealer == NULL)
		return SEC_ERR_NOTHING;
	memset(out, 0, sizeof(*out));
	out->epoch = epoch;
	out->not_before = ep->not_before;
	out->not_after = ep->not_after;
	out->time = now;
	memcpy(out->k, secret_data(ep->k), KEYDIR_KEY);
	deal_row(out, s, number, ep->dealer);
	return 0;
}

/* Store dealer.N and our own row; on an error neither stays. */
static int
begin_store(struct epochs *e, const struct hs_deal *d,
    const struct secret *dealer)
{
	char file[32], path[KEYDIR_PATH];
	int r;

	snprintf(file, sizeof(file), "dealer.%u", d->epoch);
	if ((r = keydir_write(e->dir, file, secret_data(dealer), KEYDIR_KEY)) !=
	    0)
		return r;
	if ((r = epochs_store(e, d)) == 0) {
		held_find(&e->held, d->epoch)->dealer = secret_dup(dealer);
		return 0;
	}
	snprintf(path, sizeof(path), "%s/%s", e->dir, file);
	(void)unlink(path);
	return r;
}

int
epochs_begin(struct epochs *e, const struct servers *s, int64_t now,
    int64_t delay, uint32_t floor, uint32_t *epoch)
{
	struct hs_deal d;
	struct secret *dealer, *k;
	uint32_t highest;
	int r;

	highest = e->held.highest > floor ? e->held.highest : floor;
	if (s->n == 0 || highest == UINT32_MAX)
		return SEC_ERR_LIMIT;
	memset(&d, 0, sizeof(d));
	dealer = crypto_random_key(KEYDIR_KEY, 0);
	k = crypto_random_key(KEYDIR_KEY, 0); /* S078 */
	d.epoch = highest + 1;
	d.not_before = epochs_last(e) == 0 ? now : now + delay;
	d.not_after = d.not_before + EPOCHS_LIFE;
	d.time = now;
	memcpy(d.k, secret_data(k), KEYDIR_KEY);
	deal_row(&d, s, s->server[0].number, dealer);
	if ((r = begin_store(e, &d, dealer)) == 0)
		*epoch = d.epoch;
	secret_free(dealer);
	secret_free(k);
	explicit_bzero(&d, sizeof(d));
	return r;
}
