/*
 * Rules of who may watch whom; sec-pal keeps them, and does as they say.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/rule.h"

#include "admin.h"

/* A rule's words, whether or not the shell was told that they are one. */
static void
join(struct buf *b, char **argv)
{
	for (; *argv != NULL; argv++)
		buf_putf(b, "%s%s", buf_len(b) > 0 ? " " : "", *argv);
}

static int
add(struct cli *c, char **argv)
{
	struct buf text = BUF_INIT;
	const char *fields[] = { "name", argv[0], "text", NULL, "before",
		cli_value(c, "before"), NULL };
	char why[640];
	struct rule rule;
	int r;

	if (!text_is_name(argv[0]))
		return cli_usage(c, "%.40s: not a rule's name", argv[0]);
	join(&text, argv + 1);
	fields[3] = buf_cstr(&text);
	memset(&rule, 0, sizeof(rule));
	if (rule_parse(&rule, buf_cstr(&text), why, sizeof(why)) != 0)
		r = cli_usage(c, "%s", why);
	else if ((r = admin_pal("rule-add", fields, NULL, NULL, why,
		      sizeof(why))) != 0)
		r = emit_error(cli_mode(c), r, "%s", why);
	buf_free(&text);
	return r;
}

static int
rm(struct cli *c, char **argv)
{
	const char *fields[] = { "name", argv[0], NULL };
	char why[640];
	int r;

	r = admin_pal("rule-rm", fields, NULL, NULL, why, sizeof(why));
	return r == 0 ? 0 : emit_error(cli_mode(c), r, "%s", why);
}

struct listing {
	enum emit_mode mode;
	struct table *table;
};

static void
list_row(void *arg, const struct line *l)
{
	const struct listing *t = arg;
	const char *name = line_get(l, "name");
	const char *text = line_get_or(l, "text", "");
	const char *from = line_get_or(l, "from", "");
	struct json j;

	if (name == NULL)
		return;
	switch (t->mode) {
	case EMIT_QUIET: emit_line("%s", name); break;
	case EMIT_JSON:
		json_begin(&j);
		json_str(&j, "rule", name);
		json_str(&j, "text", text);
		json_str(&j, "from", from);
		json_end(&j, STDOUT_FILENO);
		break;
	case EMIT_TABLE:
		table_cell(t->table, name);
		table_cell(t->table, text);
		table_cell(t->table, from);
		break;
	}
}

static int
list(struct cli *c, char **argv)
{
	static const char *const columns[] = { "NAME", "RULE", "FROM" };
	struct listing t = { cli_mode(c), NULL };
	char why[640];
	int r;

	(void)argv;
	if (t.mode == EMIT_TABLE)
		t.table = table_new(columns, 3);
	r = admin_pal("rule-list", NULL, list_row, &t, why, sizeof(why));
	if (t.table != NULL)
		table_print(t.table, STDOUT_FILENO);
	return r == 0 ? 0 : emit_error(t.mode, r, "%s", why);
}

struct tested {
	enum emit_mode mode;
	int allow;
};

static void
tested_json(const struct tested *t, const struct line *l)
{
	const char *rule = line_get(l, "rule"), *why = line_get(l, "why");
	const char *attrs = line_get(l, "attrs");
	struct json j;

	json_begin(&j);
	json_str(&j, "result", t->allow ? "allow" : "deny");
	if (rule != NULL)
		json_str(&j, "rule", rule);
	if (why != NULL)
		json_str(&j, "message", why);
	if (attrs != NULL)
		json_list(&j, "attrs", attrs);
	json_end(&j, STDOUT_FILENO);
}

/* deny  rule same-org: 1256 is not 0001 */
static void
on_tested(void *arg, const struct line *l)
{
	struct tested *t = arg;
	const char *rule = line_get(l, "rule"), *why = line_get(l, "why");
	const char *attrs = line_get(l, "attrs");
	struct buf b = BUF_INIT;

	t->allow = strcmp(line_get_or(l, "result", "deny"), "allow") == 0;
	if (t->mode == EMIT_JSON) {
		tested_json(t, l);
		return;
	}
	buf_put_str(&b, t->allow ? "allow" : "deny");
	if (t->mode == EMIT_TABLE) {
		buf_putf(&b, "  %s%s", rule != NULL ? "rule " : "no rule",
		    rule != NULL ? rule : "");
		if (why != NULL)
			buf_putf(&b, ": %s", why);
		if (attrs != NULL)
			buf_putf(&b, ": %s only", attrs);
	}
	emit_line("%s", buf_cstr(&b));
	buf_free(&b);
}

static int
test(struct cli *c, char **argv)
{
	const char *fields[] = { "who", argv[0], "whom", argv[1], NULL };
	struct tested t = { cli_mode(c), 0 };
	char why[640];
	int r;

	r = admin_pal("rule-test", fields, on_tested, &t, why, sizeof(why));
	if (r != 0)
		return emit_error(t.mode, r, "%s", why);
	return t.allow ? 0 : sec_err_exit(SEC_ERR_NO);
}

int
verb_rule(struct cli *c)
{
	static const struct admin_sub subs[] = {
		{ "add", 2, -1, add },
		{ "rm", 1, 1, rm },
		{ "list", 0, 0, list },
		{ "test", 2, 2, test },
		{ NULL, 0, 0, NULL },
	};

	return admin_sub(c, subs, "rule: add, rm, list or test");
}
