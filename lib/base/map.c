/*
 * Open addressing with linear probing over a table of a power of two.
 * Entries never move except when a put grows the table, so that an entry
 * can be deleted while iterating.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/siphash.h"

#include "base/map.h"

#define MAP_MIN ((size_t)16)

/* Numbers stand in the table itself, so that finding one costs one line of
 * the cache. */
#define KEY_HERE 8

struct slot {
	uint64_t hash;
	void *value; /* NULL: never used; gone: deleted */
	size_t n;
	union {
		unsigned char here[KEY_HERE];
		unsigned char *there; /* n > KEY_HERE */
	} key;
};

struct map {
	struct slot *slots;
	size_t cap;
	size_t count; /* live entries */
	size_t used; /* the same and deleted ones */
};

static char deleted;
static void *const gone = &deleted;

static int
is_live(const struct slot *s)
{
	return s->value != NULL && s->value != gone;
}

static const unsigned char *
key_of(const struct slot *s)
{
	return s->n <= KEY_HERE ? s->key.here : s->key.there;
}

static void
key_free(struct slot *s)
{
	if (is_live(s) && s->n > KEY_HERE)
		free(s->key.there);
}

static uint64_t
hash(const void *key, size_t n)
{
	static uint8_t secret[16];
	static int have;

	while (!have) {
		if (getrandom(secret, sizeof(secret), 0) == sizeof(secret))
			have = 1;
		else if (errno != EINTR)
			die(sec_err_exit(SEC_ERR_SYS), "getrandom: %s",
			    strerror(errno));
	}
	return siphash24(secret, key, n);
}

struct map *
map_new(void)
{
	struct map *m = mem_new(sizeof(*m));

	m->cap = MAP_MIN;
	m->slots = mem_need(calloc(m->cap, sizeof(*m->slots)));
	return m;
}

void
map_free(struct map *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->cap; i++)
		key_free(&m->slots[i]);
	free(m->slots);
	free(m);
}

static struct slot *
find(const struct map *m, uint64_t h, const void *key, size_t n)
{
	size_t i = h & (m->cap - 1);
	struct slot *s;

	for (; (s = &m->slots[i])->value != NULL; i = (i + 1) & (m->cap - 1))
		if (s->hash == h && s->value != gone && s->n == n &&
		    (n == 0 || memcmp(key_of(s), key, n) == 0))
			return s;
	return NULL;
}

/* Where a key that is not there goes. */
static struct slot *
vacancy(struct map *m, uint64_t h)
{
	size_t i = h & (m->cap - 1);

	while (is_live(&m->slots[i]))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

/* A table that fits what is alive; forgets the deleted. */
static void
rehash(struct map *m)
{
	struct slot *old = m->slots;
	size_t i, oldcap = m->cap;

	m->cap = MAP_MIN;
	while (m->cap < (m->count + 1) * 2)
		m->cap *= 2;
	m->slots = mem_need(calloc(m->cap, sizeof(*m->slots)));
	m->used = m->count;
	for (i = 0; i < oldcap; i++)
		if (is_live(&old[i]))
			*vacancy(m, old[i].hash) = old[i];
	free(old);
}

void *
map_get(const struct map *m, const void *key, size_t n)
{
	const struct slot *s = find(m, hash(key, n), key, n);

	return s != NULL ? s->value : NULL;
}

void *
map_put(struct map *m, const void *key, size_t n, void *value)
{
	uint64_t h = hash(key, n);
	struct slot *s = find(m, h, key, n);
	void *old;

	if (value == NULL)
		return map_del(m, key, n);
	if (s != NULL) {
		old = s->value;
		s->value = value;
		return old;
	}
	if ((m->used + 1) * 4 > m->cap * 3)
		rehash(m);
	s = vacancy(m, h);
	if (s->value == NULL)
		m->used++;
	s->hash = h;
	s->value = value;
	s->n = n;
	if (n > KEY_HERE)
		memcpy(s->key.there = mem_need(malloc(n)), key, n);
	else if (n > 0)
		memcpy(s->key.here, key, n);
	m->count++;
	return NULL;
}

void *
map_del(struct map *m, const void *key, size_t n)
{
	struct slot *s = find(m, hash(key, n), key, n);
	size_t i;
	void *value;

	if (s == NULL)
		return NULL;
	value = s->value;
	key_free(s);
	s->value = gone;
	m->count--;
	/* At the end of a run of slots nobody probes further: clean up. */
	i = (size_t)(s - m->slots);
	if (m->slots[(i + 1) & (m->cap - 1)].value == NULL)
		for (; m->slots[i].value == gone; i = (i - 1) & (m->cap - 1)) {
			m->slots[i].value = NULL;
			m->used--;
		}
	return value;
}

size_t
map_count(const struct map *m)
{
	return m->count;
}

void *
map_get_str(const struct map *m, const char *key)
{
	return map_get(m, key, strlen(key));
}

void *
map_put_str(struct map *m, const char *key, void *value)
{
	return map_put(m, key, strlen(key), value);
}

void *
map_del_str(struct map *m, const char *key)
{
	return map_del(m, key, strlen(key));
}

void *
map_get_u64(const struct map *m, uint64_t key)
{
	return map_get(m, &key, sizeof(key));
}

void *
map_put_u64(struct map *m, uint64_t key, void *value)
{
	return map_put(m, &key, sizeof(key), value);
}

void *
map_del_u64(struct map *m, uint64_t key)
{
	return map_del(m, &key, sizeof(key));
}

void *
map_next(const struct map *m, size_t *i)
{
	const struct slot *s;

	while (*i < m->cap) {
		s = &m->slots[(*i)++];
		if (is_live(s))
			return s->value;
	}
	return NULL;
}
