/*
 * Events: which ones are wanted, and how a row of the agent reads as JSON
 * (sec-events(7)) and as environment.
 */
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/agent.h"

#include "event.h"

enum kind {
	KIND_TEXT,
	KIND_NUMBER,
	KIND_DECIMAL,
	KIND_TIME,
	KIND_LIST,
	KIND_BOOL,
};

/* Fields that are no strings. `to` is a number in gap, a user in text. */
static const struct {
	const char *name;
	enum kind kind;
} kinds[] = {
	{ "seq", KIND_NUMBER },
	{ "time", KIND_TIME },
	{ "until", KIND_TIME },
	{ "since", KIND_TIME },
	{ "media", KIND_LIST },
	{ "now", KIND_BOOL },
	{ "old", KIND_BOOL },
	{ "line", KIND_NUMBER },
	{ "removed", KIND_BOOL },
	{ "stale", KIND_BOOL },
	{ "count", KIND_NUMBER },
	{ "reach", KIND_LIST },
	{ "talking", KIND_LIST },
	{ "verified", KIND_BOOL },
	{ "clear", KIND_BOOL },
	{ "from", KIND_NUMBER },
	{ "to", KIND_NUMBER },
	{ "code", KIND_NUMBER },
	{ "key_gen", KIND_NUMBER },
	{ "seconds", KIND_DECIMAL },
	{ "level_db", KIND_DECIMAL },
	{ "lost", KIND_DECIMAL },
	{ "jitter_ms", KIND_DECIMAL },
	{ "streams", KIND_NUMBER },
	{ "on", KIND_BOOL },
	{ "hand", KIND_BOOL },
	{ "muted", KIND_BOOL },
	{ "floor", KIND_BOOL },
	{ "size", KIND_NUMBER },
};

static int
is_number(const char *s)
{
	return *s != '\0' && strlen(s) < 19 &&
	    strspn(s, "0123456789") == strlen(s);
}

/* -12.5 as JSON has it too: no sign but -, no leading zeros. */
static int
is_decimal(const char *s)
{
	size_t n, i = *s == '-';

	n = strspn(s + i, "0123456789");
	if (n == 0 || n > 15 || (n > 1 && s[i] == '0'))
		return 0;
	i += n;
	if (s[i] != '.')
		return s[i] == '\0';
	n = strspn(s + i + 1, "0123456789");
	return n > 0 && n < 10 && s[i + 1 + n] == '\0';
}

static int
is_bool(const char *s)
{
	return strcmp(s, "0") == 0 || strcmp(s, "1") == 0;
}

static enum kind
kind_of(const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			break;
	if (i == sizeof(kinds) / sizeof(*kinds))
		return KIND_TEXT;
	if ((kinds[i].kind == KIND_NUMBER || kinds[i].kind == KIND_TIME) &&
	    !is_number(value))
		return KIND_TEXT;
	if (kinds[i].kind == KIND_DECIMAL && !is_decimal(value))
		return KIND_TEXT;
	/* A thing may be on a floor, too. */
	if (kinds[i].kind == KIND_BOOL && !is_bool(value))
		return KIND_TEXT;
	return kinds[i].kind;
}

static void
put_env(struct event *e, const char *name, const char *value)
{
	struct buf b = BUF_INIT;

	buf_put_str(&b, "SEC_EV_");
	for (; *name != '\0'; name++)
		buf_put_u8(&b,
		    (uint8_t)(isalnum((unsigned char)*name) ?
			    toupper((unsigned char)*name) :
			    '_'));
	buf_putf(&b, "=%s", value);
	e->env = reallocarray(e->env, e->nenv + 2, sizeof(char *));
	if (e->env == NULL ||
	    (e->env[e->nenv++] = strdup(buf_cstr(&b))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	e->env[e->nenv] = NULL;
	buf_free(&b);
}

/* One field, in both forms. */
static void
put_field(struct event *e, struct json *j, const char *name, const char *value,
    int hook)
{
	const char *word = value;
	char at[32];

	switch (kind_of(name, value)) {
	case KIND_NUMBER: json_int(j, name, atoll(value)); break;
	case KIND_DECIMAL: json_number(j, name, value); break;
	case KIND_TIME:
		word = clock_rfc3339(atoll(value), at);
		json_str(j, name, word);
		break;
	case KIND_LIST: json_list(j, name, value); break;
	case KIND_BOOL:
		word = strcmp(value, "1") == 0 ? "true" : "false";
		json_bool(j, name, *word == 't');
		break;
	case KIND_TEXT: json_str(j, name, value); break;
	}
	if (hook)
		put_env(e, name, word);
}

static int
is_in(const char *const *names, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return 1;
	return 0;
}

struct event *
event_new(const struct line *row, int hook)
{
	static const char *const first[] = { "seq", "time", "event", "conf" };
	struct event *e;
	const char *v, *key;
	struct json j;
	size_t i;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	json_begin(&j);
	for (i = 0; i < 4; i++)
		if ((v = line_get(row, first[i])) != NULL)
			put_field(e, &j, first[i], v, hook);
	for (i = 0; i < row->n; i++) {
		key = row->field[i].key;
		if (*key != '\0' && strcmp(key, "id") != 0 &&
		    strcmp(key, "v") != 0 && !is_in(first, 4, key))
			put_field(e, &j, key, row->field[i].value, hook);
	}
	json_line(&j, &e->json);
	return e;
}

void
event_free(struct event *e)
{
	size_t i;

	for (i = 0; i < e->nenv; i++)
		free(e->env[i]);
	free(e->env);
	buf_free(&e->json);
	free(e);
}

static int
wants_event(const struct filter *f, const char *event)
{
	size_t i;

	for (i = 0; i < f->nglob; i++)
		if (fnmatch(f->glob[i], event, 0) == 0)
			return 1;
	return f->nglob == 0;
}

static int
wants_conf(const struct filter *f, const struct line *row)
{
	const char *conf = line_get(row, "conf");
	const char *entry = line_get(row, "entry");
	size_t i;

	for (i = 0; i < f->nconf; i++)
		if ((conf != NULL && strcmp(conf, f->conf[i]) == 0) ||
		    (entry != NULL &&
			(strcmp(entry, f->entry[i]) == 0 ||
			    strcmp(entry, f->conf[i]) == 0)))
			return 1;
	return f->nconf == 0;
}

int
filter_wants(const struct filter *f, const struct line *row)
{
	const char *user = line_get(row, "user");

	return wants_event(f, line_get_or(row, "event", "")) &&
	    wants_conf(f, row) &&
	    (f->by[0] == '\0' || (user != NULL && strcmp(user, f->by) == 0));
}
