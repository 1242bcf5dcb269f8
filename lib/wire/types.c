/*
 * The file `types`, one line per kind of object:
 *   TYPE [publish=owner|USER|group:G] ATTR[!] ...
 * Names of attributes are those of pal_attr_allowed().
 */
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/text.h"
#include "wire/pal.h"
#include "wire/types.h"
#include "wire/wordfile.h"

/* Kinds that are no objects, and words that mean something else in a rule
 * or a call. */
static const char *const reserved[] = { "user", "conference", "conf", "phone",
	"tel", "sip", "pal", "group", "org" };

/* What the entry of an object says besides its attributes. */
static const char *const entry_fields[] = { "class", "id", "label", "reach",
	"rule", "since", "stale", "title" };

static int
is_type(const char *s)
{
	char thing[64];
	struct uri u;

	if (text_is_one_of(s, reserved, sizeof(reserved) / sizeof(reserved[0])))
		return 0;
	snprintf(thing, sizeof(thing), "%.40s:x", s);
	return uri_from_name(&u, thing, "", 0) == 0 && u.kind == URI_OBJECT;
}

static int
take_publish(struct type *t, const char *v, char *why, size_t whylen)
{
	struct subject s = { .kind = SUBJECT_ANY };

	if (strcmp(v, "owner") != 0 &&
	    (subject_parse(&s, v) != 0 || !subject_is_publisher(&s)))
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "publish=%.64s is not owner, USER or group:G", v);
	t->publish = s;
	return 0;
}

static int
take_attr(struct type *t, char *name, char *why, size_t whylen)
{
	size_t n = strlen(name);
	struct type_attr *a;
	int mark = n > 0 && name[n - 1] == '!';

	if (mark)
		name[n - 1] = '\0';
	if (!pal_attr_allowed(name) ||
	    text_is_one_of(name, entry_fields,
		sizeof(entry_fields) / sizeof(entry_fields[0])))
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "\"%.64s\" cannot be an attribute", name);
	if (type_attr(t, name) != NULL)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "attribute %s is there twice", name);
	if (t->n == TYPE_ATTRS)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "more than %d attributes", TYPE_ATTRS);
	a = &t->attr[t->n++];
	text_copy(a->name, name, sizeof(a->name));
	a->availability = mark;
	return 0;
}

static int
take_field(struct type *t, char *word, char *why, size_t whylen)
{
	static const char *const publish[] = { "publish" };
	char *eq = strchr(word, '=');

	if (eq == NULL)
		return take_attr(t, word, why, whylen);
	*eq = '\0';
	if (strcmp(word, "publish") == 0)
		return take_publish(t, eq + 1, why, whylen);
	return sec_refuse(SEC_ERR_FORMAT, why, whylen,
	    "unknown word \"%.64s=\"%s", word,
	    conf_suggest(word, publish, 1) != NULL ?
		" (did you mean \"publish=\"?)" :
		"");
}

static int
take_type(struct type *t, const struct wordfile_line *l, char *why,
    size_t whylen)
{
	int i, r;

	memset(t, 0, sizeof(*t));
	if (!is_type(l->word[0]))
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "\"%.64s\" cannot be a type of objects", l->word[0]);
	text_copy(t->name, l->word[0], sizeof(t->name));
	for (i = 1; i < l->n; i++)
		if ((r = take_field(t, l->word[i], why, whylen)) != 0)
			return r;
	if (t->n == 0)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "%s has no attribute", t->name);
	return 0;
}

/* While a file is read. */
struct reading {
	struct types *types;
	size_t own; /* those of the file stand first */
};

static int
take_line(void *arg, const struct wordfile_line *l, char *why, size_t whylen)
{
	struct reading *rd = arg;
	struct types *t = rd->types;
	struct type one;
	size_t i;
	int r;

	if ((r = take_type(&one, l, why, whylen)) != 0)
		return r;
	for (i = 0; i < t->n && strcmp(t->type[i].name, one.name) != 0;)
		i++;
	if (i < rd->own)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "type %s is there twice", one.name);
	if (i == TYPES_MAX)
		return sec_refuse(SEC_ERR_FORMAT, why, whylen,
		    "more than %d types", TYPES_MAX);
	/* A built-in one makes room. */
	if (i == t->n)
		t->n++;
	memmove(&t->type[rd->own + 1], &t->type[rd->own],
	    (i - rd->own) * sizeof(one));
	t->type[rd->own++] = one;
	return 0;
}

void
types_default(struct types *t)
{
	memset(t, 0, sizeof(*t));
	t->n = 1;
	text_copy(t->type[0].name, "lamp", sizeof(t->type[0].name));
	t->type[0].n = 1;
	t->type[0].attr[0] = (struct type_attr) { "state", 1 };
}

int
types_parse(struct types *t, const char *text, size_t n, char *why,
    size_t whylen)
{
	struct reading rd = { t, 0 };
	int r;

	types_default(t);
	if ((r = wordfile_parse(text, n, take_line, &rd, why, whylen)) != 0)
		types_default(t);
	return r;
}

int
types_read(struct types *t, const char *path, char *why, size_t whylen)
{
	struct reading rd = { t, 0 };
	int r;

	types_default(t);
	if ((r = wordfile_read(path, take_line, &rd, why, whylen)) != 0)
		types_default(t);
	return r;
}

static void
put_type(struct buf *b, const struct type *t)
{
	size_t i;

	buf_putf(b, "%s publish=", t->name);
	if (t->publish.kind == SUBJECT_ANY)
		buf_put_str(b, "owner");
	else
		subject_put(b, &t->publish);
	for (i = 0; i < t->n; i++)
		buf_putf(b, " %s%s", t->attr[i].name,
		    t->attr[i].availability ? "!" : "");
	buf_put_u8(b, '\n');
}

void
types_put(struct buf *b, const struct types *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		put_type(b, &t->type[i]);
}

const struct type *
types_find(const struct types *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->type[i].name, name) == 0)
			return &t->type[i];
	return NULL;
}

const struct type_attr *
type_attr(const struct type *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->attr[i].name, name) == 0)
			return &t->attr[i];
	return NULL;
}

const struct type_attr *
type_status(const struct type *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->attr[i].availability)
			return &t->attr[i];
	return NULL;
}

static void
unknown(const char *what, const char *name, const char *const *known, size_t n,
    char *why, size_t whylen)
{
	const char *near = conf_suggest(name, known, n);

	if (near != NULL)
		snprintf(why, whylen, "%s \"%.40s\" (did you mean \"%s\"?)",
		    what, name, near);
	else
		snprintf(why, whylen, "%s \"%.40s\"", what, name);
}

void
types_unknown(const struct types *t, const char *name, char *why, size_t whylen)
{
	const char *known[TYPES_MAX];
	size_t i;

	for (i = 0; i < t->n; i++)
		known[i] = t->type[i].name;
	unknown("unknown type", name, known, t->n, why, whylen);
}

void
type_attr_unknown(const struct type *t, const char *name, char *why,
    size_t whylen)
{
	const char *known[TYPE_ATTRS];
	char what[64];
	size_t i;

	for (i = 0; i < t->n; i++)
		known[i] = t->attr[i].name;
	snprintf(what, sizeof(what), "%s has no attribute", t->name);
	unknown(what, name, known, t->n, why, whylen);
}
