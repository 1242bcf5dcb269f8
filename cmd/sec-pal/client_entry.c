/*
 * Entries of a PAL in the client: kept until all are there to be sorted, and
 * how each of their kinds reads for people and for programs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "client_verbs.h"
#include "wire/uri.h"

static void *
need(void *p)
{
	if (p == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	return p;
}

int
entries_take(void *arg, const struct line *row)
{
	struct entries *l = arg;
	struct entry *e;
	struct field *f;
	size_t i;

	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? 2 * l->cap : 64;
		l->e = need(reallocarray(l->e, l->cap, sizeof(*l->e)));
	}
	e = &l->e[l->n++];
	memset(e, 0, sizeof(*e));
	e->uri = need(strdup(line_get_or(row, "uri", "")));
	agent_short(l->a, e->name, e->uri, 1);
	e->field = need(calloc(row->n + 1, sizeof(*e->field)));
	for (i = 0; i < row->n; i++) {
		if (row->field[i].key[0] == '\0' ||
		    strcmp(row->field[i].key, "id") == 0 ||
		    strcmp(row->field[i].key, "uri") == 0)
			continue;
		f = &e->field[e->n++];
		f->name = need(strdup(row->field[i].key));
		f->value = need(strdup(row->field[i].value));
	}
	return 0;
}

/* Where its kind stands in the list. */
static int
rank(const struct entry *e)
{
	const char *type = entry_get(e, "type");

	return strcmp(type, "user") == 0    ? 0 :
	    strcmp(type, "phone") == 0	    ? 1 :
	    strcmp(type, "conference") == 0 ? 3 :
					      2;
}

static int
compare(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int r = rank(a) - rank(b);

	if (r == 0)
		r = strcmp(entry_get(a, "type"), entry_get(b, "type"));
	return r != 0 ? r : strcmp(a->name, b->name);
}

void
entries_sort(struct entries *l)
{
	if (l->n > 0)
		qsort(l->e, l->n, sizeof(*l->e), compare);
}

void
entries_free(struct entries *l)
{
	struct entry *e;
	size_t i;

	for (e = l->e; e < l->e + l->n; e++) {
		for (i = 0; i < e->n; i++) {
			free(e->field[i].name);
			free(e->field[i].value);
		}
		free(e->field);
		free(e->uri);
	}
	free(l->e);
	l->e = NULL;
	l->n = l->cap = 0;
}

const char *
entry_get(const struct entry *e, const char *attr)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		if (strcmp(e->field[i].name, attr) == 0)
			return e->field[i].value;
	return "";
}

/* "3 in, bob talking" */
static void
conference_note(const struct entries *l, const struct entry *e, struct buf *b)
{
	const char *count = entry_get(e, "count");
	const char *s = entry_get(e, "talking");
	char uri[URI_MAX], name[AGENT_SHORT_MAX];
	size_t n;

	if (*count == '\0' || strcmp(entry_get(e, "status"), "open") != 0)
		return;
	buf_putf(b, "%s in", count);
	for (; *s != '\0'; s += n + (s[n] == ',')) {
		n = strcspn(s, ",");
		text_copy(uri, s, n < sizeof(uri) ? n + 1 : sizeof(uri));
		buf_putf(b, ", %s", agent_short(l->a, name, uri, 0));
		if (s[n] == '\0')
			buf_put_str(b, " talking");
	}
}

void
entry_note(const struct entries *l, const struct entry *e, struct buf *b)
{
	const char *label = entry_get(e, "label"), *note = entry_get(e, "note");
	const char *rule = entry_get(e, "rule");

	if (strcmp(entry_get(e, "status"), "denied") == 0 && *rule != '\0')
		buf_putf(b, "by rule \"%s\"", rule);
	else if (strcmp(entry_get(e, "type"), "conference") == 0)
		conference_note(l, e, b);
	else if (strcmp(entry_get(e, "stale"), "1") == 0)
		buf_put_str(b, "stale");
	else
		buf_put_str(b, note);
	/* A phone's note is the label, if it has one. */
	if (*label == '\0' || strcmp(label, note) == 0)
		return;
	if (buf_len(b) == 0)
		buf_put_str(b, label);
	else
		buf_putf(b, " (%s)", label);
}

void
entry_line(const char *s)
{
	struct buf b = BUF_INIT;

	emit_put_visible(&b, s);
	emit_line("%s", buf_cstr(&b));
	buf_free(&b);
}

/* --- JSON --- */

enum kind { KIND_TEXT, KIND_TIME, KIND_LIST, KIND_COUNT, KIND_BOOL };

/* Fields that stand first, and those that are no strings. */
static const struct {
	const char *name;
	enum kind kind;
} fields[] = {
	{ "type", KIND_TEXT },
	{ "status", KIND_TEXT },
	{ "class", KIND_TEXT },
	{ "note", KIND_TEXT },
	{ "since", KIND_TIME },
	{ "media", KIND_LIST },
	{ "reach", KIND_LIST },
	{ "count", KIND_COUNT },
	{ "talking", KIND_LIST },
	{ "stale", KIND_BOOL },
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static void
json_field(struct json *j, const char *name, const char *value, enum kind kind)
{
	unsigned long long n;
	int number = text_number(value, 0, INT64_MAX, &n) == 0;

	if (*value == '\0')
		return;
	if (kind == KIND_TIME && number)
		json_time(j, name, (int64_t)n);
	else if (kind == KIND_COUNT && number)
		json_int(j, name, (int64_t)n);
	else if (kind == KIND_LIST)
		json_list(j, name, value);
	else if (kind == KIND_BOOL)
		json_bool(j, name, strcmp(value, "1") == 0);
	else
		json_str(j, name, value);
}

void
entry_json(struct json *j, const struct entry *e)
{
	size_t i, k;

	json_str(j, "entry", e->uri);
	for (k = 0; k < FIELDS; k++)
		json_field(j, fields[k].name, entry_get(e, fields[k].name),
		    fields[k].kind);
	for (i = 0; i < e->n; i++) {
		for (k = 0; k < FIELDS; k++)
			if (strcmp(e->field[i].name, fields[k].name) == 0)
				break;
		if (k == FIELDS)
			json_field(j, e->field[i].name, e->field[i].value,
			    KIND_TEXT);
	}
}

/* --- all of one --- */

static void
print_field(struct buf *b, const char *name, const char *value)
{
	if (*value == '\0')
		return;
	buf_putf(b, "\n%-10s ", name);
	emit_put_visible(b, value);
}

/* What stands between the items of a list; of the ways to reach one, the
 * first is the preferred one. */
static void
print_list(struct buf *b, const char *name, const char *list,
    const char *between, const char *first)
{
	struct buf words = BUF_INIT;
	size_t n = strcspn(list, ",");

	buf_put(&words, list, n);
	if (list[n] == ',')
		buf_put_str(&words, first);
	while (list[n] == ',') {
		list += n + 1;
		n = strcspn(list, ",");
		buf_put_str(&words, between);
		buf_put(&words, list, n);
	}
	print_field(b, name, buf_cstr(&words));
	buf_free(&words);
}

/* "busy      since 13:40   note "in review"" */
static void
print_status(struct buf *b, const struct entries *l, const struct entry *e)
{
	const char *status = entry_get(e, "status"), *s;
	struct buf note = BUF_INIT;
	char at[16];

	print_field(b, "status", *status != '\0' ? status : "-");
	s = entry_get(e, "class");
	if (*s != '\0' && strcmp(s, status) != 0) {
		buf_put_str(b, " (");
		emit_put_visible(b, s);
		buf_put_u8(b, ')');
	}
	s = entry_get(e, "since");
	if (*s != '\0')
		buf_putf(b, "      since %s", clock_hhmm(atoll(s), at));
	s = entry_get(e, "note");
	if (*s != '\0') {
		buf_put_str(b, "   note \"");
		emit_put_visible(b, s);
		buf_put_u8(b, '"');
		return;
	}
	entry_note(l, e, &note);
	if (buf_len(&note) > 0) {
		buf_put_str(b, "   ");
		emit_put_visible(b, buf_cstr(&note));
	}
	buf_free(&note);
}

void
entry_print(const struct entries *l, const struct entry *e)
{
	static const char *const told[] = { "type", "status", "class", "since",
		"note", "media", "reach", "rule", "stale", "count", "talking" };
	const char *type = entry_get(e, "type");
	struct buf b = BUF_INIT;
	size_t i, k;

	buf_put_str(&b, "entry      ");
	emit_put_visible(&b, e->uri);
	print_field(&b, "type", *type != '\0' ? type : "user");
	print_status(&b, l, e);
	print_list(&b, "media", entry_get(e, "media"), " ", "");
	print_list(&b, "reach", entry_get(e, "reach"), ", ", " (preferred)");
	for (i = 0; i < e->n; i++) {
		for (k = 0; k < sizeof(told) / sizeof(told[0]); k++)
			if (strcmp(e->field[i].name, told[k]) == 0)
				break;
		if (k == sizeof(told) / sizeof(told[0]))
			print_field(&b, e->field[i].name, e->field[i].value);
	}
	emit_line("%s", buf_cstr(&b));
	buf_free(&b);
}
