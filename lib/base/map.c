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
#include "base/siphash.h"

#include "base/map.h"

#define MAP_MIN ((size_t)16)

struct entry {
	void *value;
	size_t n;
	unsigned char key[];
};

struct slot {
	uint64_t hash;
	struct entry *entry; /* NULL: never used; gone: deleted */
};

struct map {
	struct slot *slots;
	size_t cap;
	size_t count; /* live entries */
	size_t used; /* the same and deleted ones */
};

static struct entry deleted;
static struct entry *const gone = &deleted;

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

static void *
need(void *p)
{
	if (p == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "out of memory");
	return p;
}

struct map *
map_new(void)
{
	struct map *m = need(calloc(1, sizeof(*m)));

	m->cap = MAP_MIN;
	m->slots = need(calloc(m->cap, sizeof(*m->slots)));
	return m;
}

void
map_free(struct map *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->cap; i++)
		if (m->slots[i].entry != gone)
			free(m->slots[i].entry);
	free(m->slots);
	free(m);
}

static struct slot *
find(const struct map *m, uint64_t h, const void *key, size_t n)
{
	size_t i = h & (m->cap - 1);
	struct slot *s;

	for (; (s = &m->slots[i])->entry != NULL; i = (i + 1) & (m->cap - 1))
		if (s->hash == h && s->entry != gone && s->entry->n == n &&
		    (n == 0 || memcmp(s->entry->key, key, n) == 0))
			return s;
	return NULL;
}

/* Where a key that is not there goes. */
static struct slot *
vacancy(struct map *m, uint64_t h)
{
	size_t i = h & (m->cap - 1);

	while (m->slots[i].entry != NULL && m->slots[i].entry != gone)
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
	m->slots = need(calloc(m->cap, sizeof(*m->slots)));
	m->used = m->count;
	for (i = 0; i < oldcap; i++)
		if (old[i].entry != NULL && old[i].entry != gone)
			*vacancy(m, old[i].hash) = old[i];
	free(old);
}

void *
map_get(const struct map *m, const void *key, size_t n)
{
	const struct slot *s = find(m, hash(key, n), key, n);

	return s != NULL ? s->entry->value : NULL;
}

void *
map_put(struct map *m, const void *key, size_t n, void *value)
{
	uint64_t h = hash(key, n);
	struct slot *s = find(m, h, key, n);
	struct entry *e;
	void *old;

	if (value == NULL)
		return map_del(m, key, n);
	if (s != NULL) {
		old = s->entry->value;
		s->entry->value = value;
		return old;
	}
	if ((m->used + 1) * 4 > m->cap * 3)
		rehash(m);
	e = need(malloc(sizeof(*e) + n));
	e->value = value;
	e->n = n;
	if (n > 0)
		memcpy(e->key, key, n);
	s = vacancy(m, h);
	if (s->entry == NULL)
		m->used++;
	s->hash = h;
	s->entry = e;
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
	value = s->entry->value;
	free(s->entry);
	s->entry = gone;
	m->count--;
	/* At the end of a run of slots nobody probes further: clean up. */
	i = (size_t)(s - m->slots);
	if (m->slots[(i + 1) & (m->cap - 1)].entry == NULL)
		for (; m->slots[i].entry == gone; i = (i - 1) & (m->cap - 1)) {
			m->slots[i].entry = NULL;
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
	const struct entry *e;

	while (*i < m->cap) {
		e = m->slots[(*i)++].entry;
		if (e != NULL && e != gone)
			return e->value;
	}
	return NULL;
}
