/*
 * org, group: the organisation chart and the groups of the directory.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"

#include "admin.h"
#include "load.h"

static int
call_pal(struct cli *c, const char *verb, const char *const *fields,
    void (*cb)(void *arg, const struct line *l), void *arg)
{
	char why[640];
	int r = admin_pal(verb, fields, cb, arg, why, sizeof(why));

	return r == 0 ? 0 : emit_error(cli_mode(c), r, "%s", why);
}

/* The one row that was begun goes out. */
static int
load_one(struct cli *c, struct load *l, int r)
{
	struct loaded n;

	if (r == 0)
		r = load_end(l, &n);
	if (r != 0)
		r = emit_error(cli_mode(c), r, "%s", load_why(l));
	load_close(l);
	return r;
}

/* --- tables --- */

struct listing {
	enum emit_mode mode;
	struct table *table;
	const char *const *keys; /* of a row; the first is its name */
	size_t n;
};

static void
list_row(void *arg, const struct line *l)
{
	struct listing *t = arg;
	struct json j;
	size_t i;

	if (line_get(l, t->keys[0]) == NULL)
		return; /* the ok behind them */
	switch (t->mode) {
	case EMIT_QUIET: emit_line("%s", line_get(l, t->keys[0])); break;
	case EMIT_JSON:
		json_begin(&j);
		for (i = 0; i < t->n; i++)
			json_str(&j, t->keys[i],
			    line_get_or(l, t->keys[i], ""));
		json_end(&j, STDOUT_FILENO);
		break;
	case EMIT_TABLE:
		for (i = 0; i < t->n; i++)
			table_cell(t->table, line_get_or(l, t->keys[i], ""));
		break;
	}
}

static int
list(struct cli *c, const char *verb, const char *const *fields,
    const char *const *keys, const char *const *columns, size_t n)
{
	struct listing t = { cli_mode(c), NULL, keys, n };
	int r;

	if (t.mode == EMIT_TABLE)
		t.table = table_new(columns, (int)n);
	r = call_pal(c, verb, fields, list_row, &t);
	if (t.table != NULL)
		table_print(t.table, STDOUT_FILENO);
	return r;
}

/* --- org --- */

static int
org_add(struct cli *c, char **argv)
{
	const char *name = cli_value(c, "name"), *up = cli_value(c, "parent");
	struct dir_org o;
	struct load *l;
	char why[640];
	int r;

	memset(&o, 0, sizeof(o));
	if (text_copy(o.org, argv[0], sizeof(o.org)) >= sizeof(o.org) ||
	    text_copy(o.name, name != NULL ? name : "", sizeof(o.name)) >=
		sizeof(o.name) ||
	    text_copy(o.parent, up != NULL ? up : "", sizeof(o.parent)) >=
		sizeof(o.parent))
		return cli_usage(c, "too long a name");
	if ((r = load_open(&l, 0, why, sizeof(why))) != 0)
		return emit_error(cli_mode(c), r, "%s", why);
	return load_one(c, l, load_org(l, &o, NULL));
}

static int
org_rm(struct cli *c, char **argv)
{
	const char *fields[] = { "org", argv[0], NULL };

	return call_pal(c, "org-rm", fields, NULL, NULL);
}

static int
org_list(struct cli *c, char **argv)
{
	static const char *const columns[] = { "ORG", "NAME", "BELOW",
		"PEOPLE" };
	static const char *const keys[] = { "org", "name", "parent", "people" };

	(void)argv;
	return list(c, "org-list", NULL, keys, columns, 4);
}

/* --- group --- */

static int
group_add(struct cli *c, char **argv)
{
	const char *title = cli_value(c, "title");
	struct load *l;
	char why[640];
	int r;

	if ((r = load_open(&l, 0, why, sizeof(why))) != 0)
		return emit_error(cli_mode(c), r, "%s", why);
	return load_one(c, l,
	    load_group(l, argv[0], title != NULL ? title : "", argv + 1, NULL));
}

static int
group_rm(struct cli *c, char **argv)
{
	const char *fields[] = { "name", argv[0], "user", argv[1], NULL };
	int r;

	/* Without users: the group itself. */
	do {
		fields[3] = argv[1];
		r = call_pal(c, "group-rm", fields, NULL, NULL);
	} while (r == 0 && argv[1] != NULL && (++argv)[1] != NULL);
	return r;
}

static int
group_list(struct cli *c, char **argv)
{
	static const char *const columns[] = { "GROUP", "TITLE", "MEMBERS" };
	static const char *const keys[] = { "name", "title", "members" };
	static const char *const user[] = { "user" };
	static const char *const of[] = { "MEMBER" };
	const char *fields[] = { "name", argv[0], NULL };

	return argv[0] == NULL ? list(c, "group-list", NULL, keys, columns, 3) :
				 list(c, "group-list", fields, user, of, 1);
}

/* --- which --- */

struct change {
	const char *what;
	int min, max; /* operands behind it; max -1: any */
	int (*run)(struct cli *c, char **argv);
};

static int
run_change(struct cli *c, const struct change *v, size_t n)
{
	char **argv = cli_argv(c);
	int argc = cli_argc(c) - 1, r;
	struct conf conf;
	size_t i;

	for (i = 0; i < n && strcmp(argv[0], v[i].what) != 0;)
		i++;
	if (i == n)
		return cli_usage(c, "%s: add, rm or list", cli_verb(c));
	if (argc < v[i].min || (v[i].max >= 0 && argc > v[i].max))
		return cli_usage(c, "%s %s: too %s", cli_verb(c), v[i].what,
		    argc < v[i].min ? "few words" : "many words");
	if ((r = admin_conf(c, &conf)) != 0)
		return r;
	return v[i].run(c, argv + 1);
}

int
verb_org(struct cli *c)
{
	static const struct change verbs[] = {
		{ "add", 1, 1, org_add },
		{ "rm", 1, 1, org_rm },
		{ "list", 0, 0, org_list },
	};

	return run_change(c, verbs, sizeof(verbs) / sizeof(verbs[0]));
}

int
verb_group(struct cli *c)
{
	static const struct change verbs[] = {
		{ "add", 1, -1, group_add },
		{ "rm", 1, -1, group_rm },
		{ "list", 0, 1, group_list },
	};

	return run_change(c, verbs, sizeof(verbs) / sizeof(verbs[0]));
}
