/*
 * One entry: all of it, one attribute of it, or, of a conference, who takes
 * part.
 */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "cli/typed.h"
#include "wire/uri.h"
#include "client_verbs.h"

/* --- the roster of a conference --- */

struct roster {
	struct cli *c;
	struct ctl_client *a;
	struct table *table;
	struct json j;
	int head;
};

/* conf:helpdesk-3  voice  open 14:02 */
static void
roster_head(struct roster *l, const struct line *row)
{
	const char *uri = line_get(row, "conf"), *s;
	char name[AGENT_SHORT_MAX], at[16];
	struct buf b = BUF_INIT, line = BUF_INIT;

	buf_putf(&b, "%s  ", agent_short(l->a, name, uri, 1));
	for (s = line_get_or(row, "media", "-"); *s != '\0'; s++)
		buf_put_u8(&b, *s == ',' ? ' ' : (uint8_t)*s);
	buf_putf(&b, "  %s", line_get_or(row, "state", "open"));
	if (agent_int(row, "created") > 0)
		buf_putf(&b, " %s", clock_hhmm(agent_int(row, "created"), at));
	if (*line_get_or(row, "title", "") != '\0')
		buf_putf(&b, "  \"%s\"", line_get(row, "title"));
	emit_put_visible(&line, buf_cstr(&b));
	emit_line("%s", buf_cstr(&line));
	buf_free(&b);
	buf_free(&line);
}

static void
json_head(struct roster *l, const struct line *row)
{
	json_begin(&l->j);
	json_str(&l->j, "entry", line_get(row, "conf"));
	json_str(&l->j, "type", "conference");
	json_str(&l->j, "status", line_get_or(row, "state", "open"));
	if (agent_int(row, "created") > 0)
		json_time(&l->j, "since", agent_int(row, "created"));
	json_list(&l->j, "media", line_get(row, "media"));
	if (line_get(row, "title") != NULL)
		json_str(&l->j, "title", line_get(row, "title"));
	json_array(&l->j, "members");
}

static void
json_member(struct roster *l, const struct line *row, int talks)
{
	json_object(&l->j);
	json_str(&l->j, "user", line_get(row, "user"));
	json_str(&l->j, "status", line_get(row, "status"));
	json_list(&l->j, "media", line_get(row, "media"));
	if (line_get(row, "via") != NULL)
		json_str(&l->j, "via", line_get(row, "via"));
	if (talks)
		json_bool(&l->j, "talking", 1);
	json_close(&l->j, '}');
}

static void
table_member(struct roster *l, const struct line *row, int talks)
{
	const char *media = line_get_or(row, "media", ""), *s;
	const char *via = line_get_or(row, "via", "");
	char name[AGENT_SHORT_MAX];
	struct buf b = BUF_INIT;

	/* A telephone is what it is reached by. */
	for (s = strcmp(via, "phone") == 0 ? via : media; *s != '\0'; s++)
		buf_put_u8(&b, *s == ',' ? ' ' : (uint8_t)*s);
	table_cell(l->table, agent_short(l->a, name, line_get(row, "user"), 0));
	table_cell(l->table, line_get_or(row, "status", "-"));
	table_cell(l->table, buf_cstr(&b));
	table_cell(l->table, talks ? "talking" : "");
	buf_free(&b);
}

static int
on_roster(void *arg, const struct line *row)
{
	const char *what = line_get_or(row, "what", "");
	const char *user = line_get_or(row, "user", "");
	struct roster *l = arg;
	enum emit_mode mode = cli_mode(l->c);
	char name[AGENT_SHORT_MAX];
	int talks;

	if (strcmp(what, "conf") == 0 && !l->head) {
		l->head = 1;
		if (mode == EMIT_JSON)
			json_head(l, row);
		else if (mode == EMIT_TABLE)
			roster_head(l, row);
	}
	if (strcmp(what, "member") != 0 || !l->head ||
	    strcmp(line_get_or(row, "status", ""), "left") == 0)
		return 0;
	talks = strcmp(line_get_or(row, "talking", "0"), "1") == 0;
	if (mode == EMIT_JSON)
		json_member(l, row, talks);
	else if (mode == EMIT_TABLE)
		table_member(l, row, talks);
	else
		entry_line(agent_short(l->a, name, user, 0));
	return 0;
}

static int
show_conference(struct cli *c, struct ctl_client *a, const char *uri)
{
	/* No header: the first line is about the conference. */
	static const char *const columns[] = { "", "", "", "" };
	struct roster l = { .c = c, .a = a };
	int r;

	l.table = table_new(columns, 4);
	line_put(ctl_client_begin(a, "show"), "conf", uri);
	r = agent_rows(a, cli_timeout(c, CALL_MS), on_roster, &l, NULL);
	table_print(l.table, STDOUT_FILENO);
	if (cli_mode(c) == EMIT_JSON && l.head) {
		json_close(&l.j, ']');
		json_end(&l.j, STDOUT_FILENO);
	}
	return r != 0 ? agent_fail(c, a, r) : 0;
}

/* --- any other entry --- */

/* The one row of pal-show; 0 or an exit code. attr: wanted, may be NULL. */
static int
fetch(struct cli *c, struct entries *l, const char *attr)
{
	struct buf *b = ctl_client_begin(l->a, "pal-show");
	int r;

	line_put(b, "entry", cli_argv(c)[0]);
	line_put(b, "attr", attr);
	r = agent_rows(l->a, cli_timeout(c, CALL_MS), entries_take, l, NULL);
	if (r != 0)
		return agent_fail(c, l->a, r);
	if (l->n == 0)
		return emit_error(cli_mode(c), SEC_ERR_NOTHING,
		    "%s: no such entry", cli_argv(c)[0]);
	return 0;
}

static int
show_entry(struct cli *c, struct ctl_client *a)
{
	struct entries l = { .a = a };
	struct json j;
	int r;

	if ((r = fetch(c, &l, NULL)) == 0)
		switch (cli_mode(c)) {
		case EMIT_JSON:
			json_begin(&j);
			entry_json(&j, &l.e[0]);
			json_end(&j, STDOUT_FILENO);
			break;
		case EMIT_QUIET: entry_line(l.e[0].name); break;
		case EMIT_TABLE: entry_print(&l, &l.e[0]); break;
		}
	entries_free(&l);
	return r;
}

int
run_show(struct cli *c)
{
	const char *name = cli_argv(c)[0];
	struct ctl_client *a;
	struct uri u;
	int r;

	if ((r = typed_entry(c, name)) != 0 || (r = agent_open(c, &a)) != 0)
		return r;
	if (uri_from_name(&u, name, agent_domain(a), 0) == 0 &&
	    u.kind == URI_CONF)
		r = show_conference(c, a, u.full);
	else
		r = show_entry(c, a);
	ctl_client_close(a);
	return r;
}

int
run_get(struct cli *c)
{
	const char *name = cli_argv(c)[0], *attr = cli_argv(c)[1], *value;
	struct entries l = { .a = NULL };
	struct json j;
	int r;

	if ((r = typed_entry(c, name)) != 0 || (r = agent_open(c, &l.a)) != 0)
		return r;
	if ((r = fetch(c, &l, attr)) == 0) {
		value = entry_get(&l.e[0], attr);
		if (*value == '\0')
			r = emit_error(cli_mode(c), SEC_ERR_NOTHING,
			    "%s has no %s", name, attr);
		else if (cli_mode(c) == EMIT_JSON) {
			json_begin(&j);
			json_str(&j, "entry", l.e[0].uri);
			json_str(&j, attr, value);
			json_end(&j, STDOUT_FILENO);
		} else
			entry_line(value);
	}
	entries_free(&l);
	ctl_client_close(l.a);
	return r;
}
