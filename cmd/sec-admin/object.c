/*
 * Things that are watched: sec-pal keeps them, and what is published of
 * them.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "wire/subject.h"

#include "admin.h"

static int
is_object(const char *s)
{
	struct uri u;

	return uri_from_name(&u, s, "", 0) == 0 && u.kind == URI_OBJECT;
}

static int
add(struct cli *c, char **argv)
{
	const char *owner = cli_value(c, "owner");
	const char *fields[] = { "object", argv[0], "owner", owner, "title",
		cli_value(c, "title"), NULL };
	struct subject s;
	char why[640];
	int r;

	if (!is_object(argv[0]))
		return cli_usage(c, "%.60s: not TYPE:NAME of an object",
		    argv[0]);
	if (owner == NULL)
		return cli_usage(c, "--owner: who may publish %.60s?", argv[0]);
	if (subject_parse(&s, owner) != 0 || !subject_is_publisher(&s))
		return cli_usage(c, "--owner %.60s: not USER or group:G",
		    owner);
	r = admin_pal("object-add", fields, NULL, NULL, why, sizeof(why));
	return r == 0 ? 0 : emit_error(cli_mode(c), r, "%s", why);
}

static int
rm(struct cli *c, char **argv)
{
	const char *fields[] = { "object", argv[0], NULL };
	char why[640];
	int r;

	if (!is_object(argv[0]))
		return cli_usage(c, "%.60s: not TYPE:NAME of an object",
		    argv[0]);
	r = admin_pal("object-rm", fields, NULL, NULL, why, sizeof(why));
	return r == 0 ? 0 : emit_error(cli_mode(c), r, "%s", why);
}

struct listing {
	enum emit_mode mode;
	struct table *table;
};

static void
list_json(const struct line *l, int stale, int64_t since)
{
	const char *status = line_get(l, "status"),
		   *title = line_get(l, "title");
	struct json j;

	json_begin(&j);
	json_str(&j, "object", line_get_or(l, "object", ""));
	json_str(&j, "owner", line_get_or(l, "owner", ""));
	if (title != NULL)
		json_str(&j, "title", title);
	if (status != NULL) {
		json_str(&j, "status", status);
		json_time(&j, "since", since);
		json_bool(&j, "stale", stale);
	}
	json_end(&j, STDOUT_FILENO);
}

static void
list_row(void *arg, const struct line *l)
{
	const struct listing *t = arg;
	int stale = line_get(l, "stale") != NULL;
	const char *value = line_get_or(l, "status", "-");
	char status[80], when[32] = "";
	uint64_t since = 0;

	if (line_get(l, "object") == NULL)
		return;
	if (line_get_u64(l, "since", &since) == 0)
		clock_rfc3339((int64_t)since, when);
	switch (t->mode) {
	case EMIT_QUIET: emit_line("%s", line_get(l, "object")); break;
	case EMIT_JSON: list_json(l, stale, (int64_t)since); break;
	case EMIT_TABLE:
		snprintf(status, sizeof(status), "%.*s%s",
		    (int)text_cut(value, strlen(value), 60), value,
		    stale ? " (stale)" : "");
		table_cell(t->table, line_get(l, "object"));
		table_cell(t->table, line_get_or(l, "owner", ""));
		table_cell(t->table, status);
		table_cell(t->table, when);
		table_cell(t->table, line_get_or(l, "title", ""));
		break;
	}
}

static int
list(struct cli *c, char **argv)
{
	static const char *const columns[] = { "OBJECT", "OWNER", "STATUS",
		"SINCE", "TITLE" };
	struct listing t = { cli_mode(c), NULL };
	char why[640];
	int r;

	(void)argv;
	if (t.mode == EMIT_TABLE)
		t.table = table_new(columns, 5);
	r = admin_pal("object-list", NULL, list_row, &t, why, sizeof(why));
	if (t.table != NULL)
		table_print(t.table, STDOUT_FILENO);
	return r == 0 ? 0 : emit_error(t.mode, r, "%s", why);
}

int
verb_object(struct cli *c)
{
	static const struct admin_sub subs[] = {
		{ "add", 1, 1, add },
		{ "rm", 1, 1, rm },
		{ "list", 0, 0, list },
		{ NULL, 0, 0, NULL },
	};

	return admin_sub(c, subs, "object: add, rm or list");
}
