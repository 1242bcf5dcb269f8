/*
 * ldap_hits: people found in the LDAP directory, whose attributes are to be
 * asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

#include "ldap_hits.h"

int
hits_add(struct hits *h, const char *user, const char *dn)
{
	size_t cap = h->cap > 0 ? 2 * h->cap : 64;
	struct hit *v;

	if (user == NULL || dn == NULL || !dir_user_allowed(user))
		return SEC_ERR_FORMAT;
	if (h->n == h->cap) {
		if ((v = realloc(h->v, cap * sizeof(*v))) == NULL)
			return SEC_ERR_SYS;
		h->v = v;
		h->cap = cap;
	}
	v = &h->v[h->n];
	v->user = strdup(user);
	v->dn = strdup(dn);
	if (v->user == NULL || v->dn == NULL) {
		free(v->user);
		free(v->dn);
		return SEC_ERR_SYS;
	}
	h->n++;
	return 0;
}

void
hits_free(struct hits *h)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		free(h->v[i].user);
		free(h->v[i].dn);
	}
	free(h->v);
	h->v = NULL;
	h->n = h->cap = 0;
}

static int
is_same(const struct dir_search *a, const struct dir_search *b)
{
	size_t i;

	if (a->n != b->n)
		return 0;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->term[i].attr, b->term[i].attr) != 0 ||
		    strcmp(a->term[i].value, b->term[i].value) != 0 ||
		    a->term[i].prefix != b->term[i].prefix)
			return 0;
	return 1;
}

static void
on_drop(void *arg)
{
	struct kept_hits *k = arg;

	hits_free(&k->hits);
}

void
hits_keep_open(struct kept_hits *k, struct loop *l)
{
	timer_init(&k->drop, l, on_drop, k);
}

void
hits_keep_close(struct kept_hits *k)
{
	timer_cancel(&k->drop);
	hits_free(&k->hits);
}

void
hits_keep(struct kept_hits *k, struct hits *h)
{
	if (h->n <= HITS_LONG) {
		hits_free(h);
		return;
	}
	hits_free(&k->hits);
	k->hits = *h;
	timer_set(&k->drop, HITS_KEEP_MS);
}

int
hits_take(struct kept_hits *k, const struct dir_search *q, struct hits *h)
{
	if (k->hits.n == 0 || !is_same(&k->hits.q, q) ||
	    clock_mono() - k->hits.since > HITS_OLD_MS)
		return 0;
	*h = k->hits;
	k->hits.v = NULL;
	k->hits.n = k->hits.cap = 0;
	return 1;
}
