/*
 * Counters per address: connections that are open, and two token buckets
 * that hold one second's worth.
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "server/limits.h"

struct bucket {
	int64_t micro; /* tokens * 1000 */
	int64_t at; /* ms, 0: never used */
};

struct place {
	unsigned char key[8];
	size_t keylen;
	int conns;
	int64_t used;
	struct bucket reg, noise;
};

struct limits {
	struct map *places;
	int strangers;
};

struct limits *
limits_new(void)
{
	struct limits *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	l->places = map_new();
	return l;
}

void
limits_free(struct limits *l)
{
	struct place *p;
	size_t i = 0;

	if (l == NULL)
		return;
	while ((p = map_next(l->places, &i)) != NULL)
		free(p);
	map_free(l->places);
	free(l);
}

static struct place *
place_of(struct limits *l, const struct addr *a, int make)
{
	unsigned char key[8];
	struct place *p;
	size_t i, n;

	n = addr_limit_key(a, key);
	if ((p = map_get(l->places, key, n)) != NULL || !make)
		return p;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	for (i = 0; i < n; i++)
		p->key[i] = key[i];
	p->keylen = n;
	map_put(l->places, p->key, n, p);
	return p;
}

int
limits_enter(struct limits *l, const struct addr *a)
{
	struct place *p;

	if (addr_is_loopback(a))
		return 0;
	p = place_of(l, a, 1);
	if (p->conns >= LIMITS_CONNS)
		return SEC_ERR_LIMIT;
	p->conns++;
	return 0;
}

void
limits_leave(struct limits *l, const struct addr *a)
{
	struct place *p;

	if (addr_is_loopback(a) || (p = place_of(l, a, 0)) == NULL)
		return;
	if (p->conns > 0)
		p->conns--;
}

static int
take(struct bucket *b, int rate, int64_t now)
{
	int64_t full = (int64_t)rate * 1000;

	if (b->at == 0)
		b->micro = full;
	else if (now > b->at)
		b->micro += (now - b->at) * rate;
	if (b->micro > full)
		b->micro = full;
	b->at = now > 0 ? now : 1;
	if (b->micro < 1000)
		return SEC_ERR_LIMIT;
	b->micro -= 1000;
	return 0;
}

int
limits_register(struct limits *l, const struct addr *a, int rate, int64_t now)
{
	struct place *p;

	if (addr_is_loopback(a))
		return 0;
	p = place_of(l, a, 1);
	p->used = now;
	return take(&p->reg, rate, now);
}

int
limits_noise(struct limits *l, const struct addr *a, int64_t now)
{
	struct place *p;

	p = place_of(l, a, 1);
	p->used = now;
	return take(&p->noise, LIMITS_NOISE, now);
}

void
limits_sweep(struct limits *l, int64_t now)
{
	struct place *p;
	size_t i = 0;

	while ((p = map_next(l->places, &i)) != NULL) {
		if (p->conns > 0 || now - p->used < 1000)
			continue;
		map_del(l->places, p->key, p->keylen);
		free(p);
	}
}

size_t
limits_count(const struct limits *l)
{
	return map_count(l->places);
}

int
limits_strangers(struct limits *l, int change)
{
	l->strangers += change;
	return l->strangers;
}
