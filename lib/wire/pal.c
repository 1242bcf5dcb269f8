/*
 * application/sec-pal (ARCHITECTURE.md 10): PALs and rosters, control lines
 * (wire/line), each ended by LF, at most 32 KiB in all:
 *   doc   TAB uri= TAB version= TAB state=full|partial [TAB part=k/n]
 *         *( TAB attr=value )
 *   entry TAB URI *( TAB attr=value )         attr = [a-z][a-z0-9_]{0,31}
 *   entry TAB URI TAB -                       removed
 * doc comes first and once. A member's devices stand in one q=1.7,1.9.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/line.h"
#include "wire/pal.h"

/* Names that events use themselves (COMMANDS.md 2.2, 2.3). */
static const char *const event_fields[] = { "app", "by", "code", "command",
	"conf", "entry", "error", "event", "file", "from", "host", "invite",
	"jitter_ms", "key_gen", "level_db", "lost", "media", "message", "note",
	"now", "on", "path", "result", "ring", "seconds", "seq", "service",
	"sha256", "size", "status", "text", "time", "to", "type", "until",
	"user", "v" };

static int
is_attr(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 0 && n <= 32 && s[n] == '\0' && s[0] >= 'a' && s[0] <= 'z';
}

int
pal_attr_allowed(const char *name)
{
	return is_attr(name) &&
	    !text_is_one_of(name, event_fields,
		sizeof(event_fields) / sizeof(event_fields[0]));
}

int
pal_attrs_is_list(const char *list)
{
	char copy[PAL_ATTRS], *rest = copy, *name;

	if (text_copy(copy, list, sizeof(copy)) >= sizeof(copy))
		return 0;
	if (strcmp(copy, "*") == 0)
		return 1;
	while ((name = strsep(&rest, ",")) != NULL)
		if (!is_attr(name))
			return 0;
	return 1;
}

int
pal_attrs_has(const char *list, const char *name)
{
	return strcmp(list, "*") == 0 ||
	    text_list_has(list, name, strlen(name));
}

static const char *
find_attr(const struct pal_attr *attr, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(attr[i].name, name) == 0)
			return attr[i].value;
	return NULL;
}

void
pal_attrs_free(struct pal_attr *attr, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(attr[i].name);
		free(attr[i].value);
	}
	free(attr);
}

/* The keyed fields of l other than skip[]. */
static int
take_attrs(const struct line *l, const char *const *skip, size_t nskip,
    struct pal_attr **attr, size_t *n)
{
	const struct line_field *f;
	struct pal_attr *a;
	size_t i;

	for (i = 0; i < l->n; i++) {
		f = &l->field[i];
		if (f->key[0] == '\0' || text_is_one_of(f->key, skip, nskip))
			continue;
		if (!is_attr(f->key))
			return SEC_ERR_FORMAT;
		if (*attr == NULL &&
		    (*attr = calloc(l->n, sizeof(**attr))) == NULL)
			return SEC_ERR_LIMIT;
		a = &(*attr)[(*n)++];
		a->name = strdup(f->key);
		a->value = strdup(f->value);
		if (a->name == NULL || a->value == NULL)
			return SEC_ERR_LIMIT;
	}
	return 0;
}

/* "2/3" */
static int
take_part(struct pal_doc *d, const char *s)
{
	char k[8];
	unsigned long long part, parts;
	size_t n = strcspn(s, "/");

	if (s[n] != '/' || n >= sizeof(k))
		return SEC_ERR_FORMAT;
	memcpy(k, s, n);
	k[n] = '\0';
	if (text_number(s + n + 1, 1, 9999, &parts) != 0 ||
	    text_number(k, 1, parts, &part) != 0)
		return SEC_ERR_FORMAT;
	d->part = (unsigned)part;
	d->parts = (unsigned)parts;
	return 0;
}

static int
take_doc(struct pal_doc *d, const struct line *l)
{
	static const char *const own[] = { "uri", "version", "state", "part" };
	const char *uri = line_get(l, "uri");
	const char *state = line_get(l, "state");
	uint64_t version;

	if (line_arg(l, 0) != NULL || uri == NULL || *uri == '\0' ||
	    state == NULL || line_get_u64(l, "version", &version) != 0)
		return SEC_ERR_FORMAT;
	if (strcmp(state, "full") != 0 && strcmp(state, "partial") != 0)
		return SEC_ERR_FORMAT;
	if (take_part(d, line_get_or(l, "part", "1/1")) != 0)
		return SEC_ERR_FORMAT;
	d->full = strcmp(state, "full") == 0;
	d->version = version;
	if ((d->uri = strdup(uri)) == NULL)
		return SEC_ERR_LIMIT;
	return take_attrs(l, own, sizeof(own) / sizeof(own[0]), &d->attr,
	    &d->nattr);
}

static struct pal_entry *
add_entry(struct pal_doc *d)
{
	struct pal_entry *e;

	/* Full whenever the count is a power of two. */
	if ((d->n & (d->n - 1)) == 0) {
		e = reallocarray(d->entry, d->n == 0 ? 1 : 2 * d->n,
		    sizeof(*e));
		if (e == NULL)
			return NULL;
		d->entry = e;
	}
	e = &d->entry[d->n++];
	memset(e, 0, sizeof(*e));
	return e;
}

static int
take_entry(struct pal_doc *d, const struct line *l)
{
	const char *uri = line_arg(l, 0), *gone = line_arg(l, 1);
	struct pal_entry *e;

	if (uri == NULL || *uri == '\0' || line_arg(l, 2) != NULL ||
	    (gone != NULL && (strcmp(gone, "-") != 0 || l->n != 2)) ||
	    l->field[0].key[0] != '\0')
		return SEC_ERR_FORMAT;
	if ((e = add_entry(d)) == NULL || (e->uri = strdup(uri)) == NULL)
		return SEC_ERR_LIMIT;
	e->removed = gone != NULL;
	return take_attrs(l, NULL, 0, &e->attr, &e->n);
}

static int
take_line(struct pal_doc *d, const char *p, size_t n)
{
	struct line l;
	int r;

	if ((r = line_parse(&l, p, n)) != 0)
		return r;
	if (strcmp(l.verb, d->uri == NULL ? "doc" : "entry") != 0)
		r = SEC_ERR_FORMAT;
	else
		r = d->uri == NULL ? take_doc(d, &l) : take_entry(d, &l);
	line_free(&l);
	return r;
}

int
pal_doc_decode(struct pal_doc *d, const char *p, size_t n)
{
	const char *nl;
	size_t len;
	int r = 0;

	memset(d, 0, sizeof(*d));
	if (n > PAL_DOC_MAX)
		return SEC_ERR_LIMIT;
	while (n > 0 && r == 0) {
		if ((nl = memchr(p, '\n', n)) == NULL) {
			r = SEC_ERR_FORMAT;
			break;
		}
		len = (size_t)(nl - p) + 1;
		r = take_line(d, p, len);
		p += len;
		n -= len;
	}
	if (r == 0 && d->uri == NULL)
		r = SEC_ERR_FORMAT;
	if (r != 0)
		pal_doc_free(d);
	return r;
}

void
pal_doc_free(struct pal_doc *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		free(d->entry[i].uri);
		pal_attrs_free(d->entry[i].attr, d->entry[i].n);
	}
	free(d->entry);
	pal_attrs_free(d->attr, d->nattr);
	free(d->uri);
	memset(d, 0, sizeof(*d));
}

const char *
pal_doc_attr(const struct pal_doc *d, const char *name)
{
	return find_attr(d->attr, d->nattr, name);
}

const char *
pal_entry_attr(const struct pal_entry *e, const char *name)
{
	return find_attr(e->attr, e->n, name);
}
