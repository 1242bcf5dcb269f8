/* Local copy of a document: an array in order of arrival. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "ua/mirror.h"

struct place {
	struct pal_entry e;
	unsigned full; /* last full document with it */
};

struct mirror {
	mirror_h changed;
	void *ctx;
	uint64_t version;
	unsigned full; /* number of the full document */
	int complete, taking;
	struct place **place;
	size_t n, cap;
	struct map *by_uri;
	struct pal_attr *attr;
	size_t nattr;
};

struct mirror *
mirror_new(mirror_h changed, void *ctx)
{
	struct mirror *m = mem_new(sizeof(*m));

	m->changed = changed;
	m->ctx = ctx;
	m->by_uri = map_new();
	return m;
}

static void
entry_clear(struct pal_entry *e)
{
	free(e->uri);
	pal_attrs_free(e->attr, e->n);
	memset(e, 0, sizeof(*e));
}

void
mirror_free(struct mirror *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->n; i++) {
		entry_clear(&m->place[i]->e);
		free(m->place[i]);
	}
	free(m->place);
	map_free(m->by_uri);
	pal_attrs_free(m->attr, m->nattr);
	free(m);
}

static void
tell(struct mirror *m, const struct pal_entry *was, const struct pal_entry *is)
{
	if (m->changed != NULL)
		m->changed(m->ctx, was, is);
}

static void
take_out(struct mirror *m, size_t i)
{
	struct place *p = m->place[i];

	memmove(&m->place[i], &m->place[i + 1],
	    (m->n - i - 1) * sizeof(*m->place));
	m->n--;
	(void)map_del_str(m->by_uri, p->e.uri);
	tell(m, &p->e, NULL);
	entry_clear(&p->e);
	free(p);
}

static int
same(const struct pal_entry *a, const struct pal_entry *b)
{
	size_t i;

	if (a->n != b->n)
		return 0;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->attr[i].name, b->attr[i].name) != 0 ||
		    strcmp(a->attr[i].value, b->attr[i].value) != 0)
			return 0;
	return 1;
}

static void
put(struct mirror *m, struct pal_entry *e)
{
	struct pal_entry was;
	struct place *p;
	size_t i;

	p = map_get_str(m->by_uri, e->uri);
	if (e->removed) {
		for (i = 0; p != NULL && i < m->n; i++)
			if (m->place[i] == p) {
				take_out(m, i);
				break;
			}
		return;
	}
	if (p == NULL) {
		if (m->n == m->cap) {
			m->cap = m->cap ? 2 * m->cap : 16;
			m->place = mem_need(
			    reallocarray(m->place, m->cap, sizeof(*m->place)));
		}
		p = mem_new(sizeof(*p));
		p->e = *e;
		memset(e, 0, sizeof(*e));
		m->place[m->n++] = p;
		(void)map_put_str(m->by_uri, p->e.uri, p);
		p->full = m->full;
		tell(m, NULL, &p->e);
		return;
	}
	p->full = m->full;
	if (same(&p->e, e))
		return;
	was = p->e;
	p->e = *e;
	memset(e, 0, sizeof(*e));
	tell(m, &was, &p->e);
	entry_clear(&was);
}

static void
take_attrs(struct mirror *m, struct pal_doc *d)
{
	pal_attrs_free(m->attr, m->nattr);
	m->attr = d->attr;
	m->nattr = d->nattr;
	d->attr = NULL;
	d->nattr = 0;
}

static int
fits(const struct mirror *m, const struct pal_doc *d)
{
	if (d->full && d->part == 1)
		return m->version != 0 && d->version < m->version ?
		    SEC_ERR_REPLAY :
		    0;
	if (d->part > 1)
		return d->version == m->version && m->taking ? 0 :
							       SEC_ERR_NOTHING;
	if (!m->complete || m->version == 0)
		return SEC_ERR_NOTHING;
	if (d->version <= m->version)
		return SEC_ERR_REPLAY;
	return d->version == m->version + 1 ? 0 : SEC_ERR_NOTHING;
}

int
mirror_apply(struct mirror *m, struct pal_doc *d)
{
	size_t i;
	int r;

	if ((r = fits(m, d)) != 0)
		return r;
	if (d->part == 1) {
		m->version = d->version;
		m->taking = 1;
		if (d->full)
			m->full++;
		if (d->full || d->nattr > 0)
			take_attrs(m, d);
	}
	for (i = 0; i < d->n; i++)
		put(m, &d->entry[i]);
	if (d->part < d->parts)
		return 1;
	m->taking = 0;
	m->complete = 1;
	for (i = 0; d->full && i < m->n;)
		if (m->place[i]->full != m->full)
			take_out(m, i);
		else
			i++;
	return 0;
}

void
mirror_put(struct mirror *m, struct pal_entry *e)
{
	if (m->complete)
		put(m, e);
}

void
mirror_renew(struct mirror *m)
{
	m->version = 0;
	m->taking = 0;
}

int
mirror_is_complete(const struct mirror *m)
{
	return m->complete;
}

const struct pal_entry *
mirror_find(const struct mirror *m, const char *uri)
{
	const struct place *p = map_get_str(m->by_uri, uri);

	return p != NULL ? &p->e : NULL;
}

const struct pal_entry *
mirror_next(const struct mirror *m, size_t *i)
{
	return *i < m->n ? &m->place[(*i)++]->e : NULL;
}

const char *
mirror_attr(const struct mirror *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->nattr; i++)
		if (strcmp(m->attr[i].name, name) == 0)
			return m->attr[i].value;
	return NULL;
}
