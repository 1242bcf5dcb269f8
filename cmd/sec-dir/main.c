/*
 * sec-dir: people and conferences of the enterprise directory, by the
 * user's agent.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/agent.h"
#include "cli/typed.h"
#include "wire/uri.h"

#define CALL_MS	  30000 /* -T when not given: a back end has 5 s a page */
#define HITS	  200 /* without -a */
#define TERM_SIZE 1200

struct listing {
	struct cli *c;
	struct ctl_client *a;
	struct table *table;
	const char *only; /* show: the URI */
	uint64_t n;
};

/* --- the question --- */

/* A word of the command line as a term, "ATTR:VALUE" or ":WORD"; 0 or a
 * usage error. */
static int
typed_term(struct cli *c, const char *word, char out[TERM_SIZE])
{
	size_t n = strcspn(word, "="), i;

	if (!text_is_utf8(word, strlen(word)) || strlen(word) > 1024)
		return cli_usage(c, "words are UTF-8, and at most 1024 bytes");
	if (word[n] == '\0') {
		snprintf(out, TERM_SIZE, ":%s", word);
		return strspn(word, " ") < n ? 0 :
					       cli_usage(c, "an empty word");
	}
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)word[i]) &&
		    strchr("_-", word[i]) == NULL)
			break;
	if (n == 0 || n > 32 || i < n || !isalpha((unsigned char)word[0]) ||
	    word[n + 1] == '\0')
		return cli_usage(c,
		    "%.40s: an attribute is NAME=VALUE or NAME=VALUE*", word);
	snprintf(out, TERM_SIZE, "%.*s:%s", (int)n, word, word + n + 1);
	for (i = 0; i < n; i++)
		out[i] = (char)tolower((unsigned char)out[i]);
	return 0;
}

static int
ask(struct listing *l, const char *what, char terms[][TERM_SIZE], int n,
    uint64_t limit, int (*cb)(void *arg, const struct line *row))
{
	struct buf *b = ctl_client_begin(l->a, "dir");
	uint64_t total = 0;
	struct line ok;
	char key[16];
	int i, r;

	line_put(b, "what", what);
	line_put(b, "status", cli_value(l->c, "status"));
	if (limit > 0)
		line_put_u64(b, "limit", limit);
	for (i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "m%d", i + 1);
		line_put(b, key, terms[i]);
	}
	r = agent_rows(l->a, cli_timeout(l->c, CALL_MS), cb, l, &ok);
	if (r != 0)
		return agent_fail(l->c, l->a, r);
	if (line_get(&ok, "more") == NULL)
		return 0;
	if (line_get_u64(&ok, "total", &total) == 0)
		fprintf(stderr, "sec-dir: the first %llu of %llu; -a for all\n",
		    (unsigned long long)limit, (unsigned long long)total);
	else
		fprintf(stderr, "sec-dir: the first %llu; -a for all\n",
		    (unsigned long long)limit);
	return 0;
}

/* --- people --- */

/* "mail.2" is another `mail`: the length of the name. */
static size_t
base_of(const char *key)
{
	return strcspn(key, ".");
}

static int
is_attr(const char *key, const char *name)
{
	return base_of(key) == strlen(name) &&
	    strncmp(key, name, strlen(name)) == 0;
}

static int
is_ours(const char *key)
{
	static const char *const ours[] = { "id", "uri", "user", "status",
		"class", "since", "groups" };
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (is_attr(key, ours[i]))
			return 1;
	return 0;
}

/* All groups with `between` between them. */
static void
put_groups(struct buf *b, const struct line *row, const char *between)
{
	size_t i;

	for (i = 0; i < row->n; i++)
		if (is_attr(row->field[i].key, "groups"))
			buf_putf(b, "%s%s", buf_len(b) > 0 ? between : "",
			    row->field[i].value);
}

static void
person_json(const struct line *row)
{
	struct buf groups = BUF_INIT;
	int64_t since = agent_int(row, "since");
	struct json j;
	size_t i;

	json_begin(&j);
	json_str(&j, "user", line_get_or(row, "uri", ""));
	for (i = 0; i < row->n; i++)
		if (!is_ours(row->field[i].key))
			json_str(&j, row->field[i].key, row->field[i].value);
	put_groups(&groups, row, ",");
	if (buf_len(&groups) > 0)
		json_list(&j, "groups", buf_cstr(&groups));
	buf_free(&groups);
	json_str(&j, "status", line_get_or(row, "status", ""));
	if (line_get(row, "class") != NULL)
		json_str(&j, "class", line_get(row, "class"));
	if (since > 0)
		json_time(&j, "since", since);
	json_end(&j, STDOUT_FILENO);
}

static void
print_name(const char *name)
{
	struct buf b = BUF_INIT;

	emit_put_visible(&b, name);
	emit_line("%s", buf_cstr(&b));
	buf_free(&b);
}

static int
on_person(void *arg, const struct line *row)
{
	static const char *const cells[] = { "org", "phone", "status" };
	struct listing *l = arg;
	char name[AGENT_SHORT_MAX];
	size_t i;

	l->n++;
	agent_short(l->a, name, line_get(row, "uri"), 0);
	switch (cli_mode(l->c)) {
	case EMIT_JSON: person_json(row); break;
	case EMIT_QUIET: print_name(name); break;
	case EMIT_TABLE:
		table_cell(l->table, line_get_or(row, "name", "-"));
		table_cell(l->table, name);
		for (i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
			table_cell(l->table, line_get_or(row, cells[i], "-"));
		break;
	}
	return 0;
}

static int
run_find(struct cli *c)
{
	static const char *const columns[] = { "NAME", "USER", "ORG", "PHONE",
		"STATUS" };
	static char terms[16][TERM_SIZE];
	struct listing l = { .c = c };
	int i, r = 0;

	if ((r = typed_status(c, cli_value(c, "status"))) != 0)
		return r;
	for (i = 0; i < cli_argc(c) && r == 0; i++)
		r = typed_term(c, cli_argv(c)[i], terms[i]);
	if (r != 0 || (r = agent_open(c, &l.a)) != 0)
		return r;
	if (cli_mode(c) == EMIT_TABLE)
		l.table = table_new(columns, 5);
	r = ask(&l, "people", terms, cli_argc(c), cli_flag(c, "all") ? 0 : HITS,
	    on_person);
	if (l.table != NULL)
		table_print(l.table, STDOUT_FILENO);
	ctl_client_close(l.a);
	return r;
}

/* --- show --- */

/* "phone      +15550101" */
static void
print_field(const char *name, size_t n, const char *value)
{
	struct buf b = BUF_INIT;

	buf_putf(&b, "%-10.*s ", (int)n, name);
	emit_put_visible(&b, value);
	emit_line("%s", buf_cstr(&b));
	buf_free(&b);
}

static void
person_print(const struct line *row)
{
	struct buf b = BUF_INIT;
	int64_t since = agent_int(row, "since");
	char at[16];
	size_t i;

	print_field("user", 4, line_get_or(row, "uri", "-"));
	for (i = 0; i < row->n; i++)
		if (!is_ours(row->field[i].key))
			print_field(row->field[i].key,
			    base_of(row->field[i].key), row->field[i].value);
	put_groups(&b, row, " ");
	if (buf_len(&b) > 0)
		print_field("groups", 6, buf_cstr(&b));
	buf_reset(&b);
	buf_put_str(&b, line_get_or(row, "status", "-"));
	if (since > 0)
		buf_putf(&b, "      since %s", clock_hhmm(since, at));
	print_field("status", 6, buf_cstr(&b));
	buf_free(&b);
}

/* Case does not count when people are looked for, but it does here. */
static int
on_shown(void *arg, const struct line *row)
{
	struct listing *l = arg;
	const char *uri = line_get_or(row, "uri", "");
	char name[AGENT_SHORT_MAX];

	if (strcmp(uri, l->only) != 0)
		return 0;
	l->n++;
	switch (cli_mode(l->c)) {
	case EMIT_JSON: person_json(row); break;
	case EMIT_QUIET: print_name(agent_short(l->a, name, uri, 0)); break;
	case EMIT_TABLE: person_print(row); break;
	}
	return 0;
}

static int
run_show(struct cli *c)
{
	static char term[1][TERM_SIZE];
	const char *who = cli_argv(c)[0];
	struct listing l = { .c = c };
	struct uri u;
	int r;

	if ((r = typed_who(c, who)) != 0 || (r = agent_open(c, &l.a)) != 0)
		return r;
	if (uri_from_name(&u, who, agent_domain(l.a), 0) != 0 ||
	    u.kind != URI_USER)
		r = cli_usage(c, "%.200s is no user", who);
	if (r == 0) {
		l.only = u.full;
		snprintf(term[0], TERM_SIZE, "user:%s", u.name);
		r = ask(&l, "people", term, 1, 0, on_shown);
	}
	if (r == 0 && l.n == 0)
		r = emit_error(cli_mode(c), SEC_ERR_NOTHING,
		    "%s: not in the directory", who);
	ctl_client_close(l.a);
	return r;
}

/* --- conferences --- */

static void
conf_json(const struct line *row)
{
	struct json j;

	json_begin(&j);
	json_str(&j, "conf", line_get_or(row, "uri", ""));
	json_str(&j, "name", line_get_or(row, "name", ""));
	json_str(&j, "title", line_get_or(row, "title", ""));
	json_str(&j, "owner", line_get_or(row, "owner", ""));
	json_int(&j, "count", agent_int(row, "count"));
	json_end(&j, STDOUT_FILENO);
}

static int
on_conf(void *arg, const struct line *row)
{
	struct listing *l = arg;
	char owner[AGENT_SHORT_MAX], words[AGENT_SHORT_MAX + 8];

	switch (cli_mode(l->c)) {
	case EMIT_JSON: conf_json(row); break;
	case EMIT_QUIET: print_name(line_get_or(row, "name", "-")); break;
	case EMIT_TABLE:
		agent_short(l->a, owner, line_get(row, "owner"), 0);
		snprintf(words, sizeof(words), "owner %s", owner);
		table_cell(l->table, line_get_or(row, "name", "-"));
		table_cell(l->table, line_get_or(row, "title", ""));
		table_cell(l->table, words);
		break;
	}
	return 0;
}

static int
run_conf(struct cli *c)
{
	static const char *const columns[] = { "NAME", "TITLE", "OWNER" };
	static char term[1][TERM_SIZE];
	struct listing l = { .c = c };
	int n = cli_argc(c), r = 0;

	if (n > 0)
		r = typed_term(c, cli_argv(c)[0], term[0]);
	if (r == 0 && n > 0 && term[0][0] != ':')
		r = cli_usage(c, "conf: one word of its name or title");
	if (r != 0 || (r = agent_open(c, &l.a)) != 0)
		return r;
	if (cli_mode(c) == EMIT_TABLE)
		l.table = table_new(columns, 3);
	r = ask(&l, "conferences", term, n, cli_flag(c, "all") ? 0 : HITS,
	    on_conf);
	if (l.table != NULL)
		table_print(l.table, STDOUT_FILENO);
	ctl_client_close(l.a);
	return r;
}

#include "sec-dir.def"

int
main(int argc, char **argv)
{
	return cli_main(&prog, argc, argv);
}
