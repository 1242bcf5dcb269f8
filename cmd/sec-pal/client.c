/*
 * The client half of sec-pal: my PAL from the agent's copy, what is added to
 * it and taken from it, what I publish, and who watches me.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "cli/typed.h"
#include "client.h"
#include "client_verbs.h"

#define NOTE_COLUMNS 40 /* of a note in the table; show has it all */

/* --- list --- */

int
list_fetch(struct cli *c, struct entries *l)
{
	struct buf who = BUF_INIT, *b;
	char **name;
	int r;

	for (name = cli_argv(c); *name != NULL; name++)
		buf_putf(&who, "%s%s", buf_len(&who) > 0 ? "," : "", *name);
	b = ctl_client_begin(l->a, "pal");
	if (buf_len(&who) > 0)
		line_put(b, "who", buf_cstr(&who));
	line_put(b, "status", cli_value(c, "status"));
	buf_free(&who);
	r = agent_rows(l->a, cli_timeout(c, CALL_MS), entries_take, l, NULL);
	if (r != 0)
		return agent_fail(c, l->a, r);
	entries_sort(l);
	return 0;
}

/* NAME STATUS SINCE NOTE, or, of entries just added, without SINCE. */
static void
print_table(const struct entries *l, int since)
{
	static const char *const all[] = { "NAME", "STATUS", "SINCE", "NOTE" };
	static const char *const few[] = { "NAME", "STATUS", "NOTE" };
	struct table *t = table_new(since ? all : few, since ? 4 : 3);
	struct buf note = BUF_INIT;
	const struct entry *e;
	const char *s;
	char at[16];

	for (e = l->e; e < l->e + l->n; e++) {
		table_cell(t, e->name);
		s = entry_get(e, "status");
		table_cell(t, *s != '\0' ? s : "-");
		s = entry_get(e, "since");
		if (since)
			table_cell(t,
			    *s != '\0' ? clock_hhmm(atoll(s), at) : "-");
		buf_reset(&note);
		entry_note(l, e, &note);
		table_cell_short(t, buf_cstr(&note), NOTE_COLUMNS);
	}
	buf_free(&note);
	table_print(t, STDOUT_FILENO);
}

void
list_print(struct cli *c, const struct entries *l, int since)
{
	const struct entry *e;
	struct json j;

	if (cli_mode(c) == EMIT_TABLE)
		print_table(l, since);
	for (e = l->e; e < l->e + l->n; e++)
		if (cli_mode(c) == EMIT_JSON) {
			json_begin(&j);
			entry_json(&j, e);
			json_end(&j, STDOUT_FILENO);
		} else if (cli_mode(c) == EMIT_QUIET)
			entry_line(e->name);
}

int
run_list(struct cli *c)
{
	struct entries l = { .a = NULL };
	int r;

	if ((r = agent_open(c, &l.a)) != 0)
		return r;
	r = list_fetch(c, &l);
	/* Without a verb it may have been meant as one. */
	if (r == 0 && l.n == 0 && cli_argc(c) > 0 && *cli_verb(c) == '\0')
		r = cli_usage(c, "%s: no such verb, and nobody of that name",
		    cli_argv(c)[0]);
	if (r == 0 && l.n == 0 && cli_argc(c) == 0 &&
	    cli_value(c, "status") == NULL)
		emit_note(cli_mode(c),
		    "nobody is in your list yet; add people with: "
		    "sec-pal add NAME");
	if (r == 0)
		list_print(c, &l, 1);
	entries_free(&l);
	ctl_client_close(l.a);
	return r;
}

/* --- add, rm, watchers --- */

/* May the next operand be tried after this error, or is nobody there? */
static int
is_answer(int err)
{
	return err != SEC_ERR_CLOSED && err != SEC_ERR_TIMEOUT &&
	    err != SEC_ERR_SYS;
}

/* One call per operand; the exit code is that of the first that failed. */
static int
each(struct cli *c, struct ctl_client *a, const char *verb,
    int (*cb)(void *arg, const struct line *row), void *arg)
{
	int r, first = 0, code;
	struct buf *b;
	char **name;

	for (name = cli_argv(c); *name != NULL; name++) {
		b = ctl_client_begin(a, verb);
		line_put(b, "entry", *name);
		line_put(b, "attrs", cli_value(c, "attrs"));
		line_put(b, "label", cli_value(c, "note"));
		r = agent_rows(a, cli_timeout(c, CALL_MS), cb, arg, NULL);
		if (r == 0)
			continue;
		code = agent_fail(c, a, r);
		if (first == 0)
			first = code;
		if (!is_answer(r))
			break;
	}
	return first;
}

static int
typed_entries(struct cli *c)
{
	char **name;
	int r;

	for (name = cli_argv(c); *name != NULL; name++)
		if ((r = typed_entry(c, *name)) != 0)
			return r;
	return 0;
}

int
run_add(struct cli *c)
{
	struct entries l = { .a = NULL };
	int r;

	if ((r = typed_entries(c)) != 0 ||
	    (r = typed_attrs(c, cli_value(c, "attrs"))) != 0 ||
	    (r = typed_note(c, cli_value(c, "note"))) != 0 ||
	    (r = agent_open(c, &l.a)) != 0)
		return r;
	r = each(c, l.a, "pal-add", entries_take, &l);
	list_print(c, &l, 0);
	entries_free(&l);
	ctl_client_close(l.a);
	return r;
}

int
run_rm(struct cli *c)
{
	struct ctl_client *a;
	int r;

	if ((r = typed_entries(c)) != 0 || (r = agent_open(c, &a)) != 0)
		return r;
	r = each(c, a, "pal-rm", NULL, NULL);
	ctl_client_close(a);
	return r;
}

int
run_watchers(struct cli *c)
{
	struct entries l = { .a = NULL };
	size_t i;
	int r;

	if ((r = agent_open(c, &l.a)) != 0)
		return r;
	(void)ctl_client_begin(l.a, "pal-watchers");
	r = agent_rows(l.a, cli_timeout(c, CALL_MS), entries_take, &l, NULL);
	if (r != 0)
		r = agent_fail(c, l.a, r);
	entries_sort(&l);
	if (cli_mode(c) == EMIT_JSON)
		list_print(c, &l, 0);
	else
		for (i = 0; i < l.n; i++)
			entry_line(l.e[i].name);
	entries_free(&l);
	ctl_client_close(l.a);
	return r;
}

/* --- what I publish --- */

/* What was set, where there is more to it than the word. */
static void
print_set(struct cli *c, const struct line *ok)
{
	const char *note = line_get_or(ok, "note", "");
	const char *status = line_get_or(ok, "status", cli_argv(c)[0]);
	const char *class_word = line_get(ok, "class");
	int64_t until = agent_int(ok, "until");
	struct buf b = BUF_INIT;
	struct json j;
	char at[16];

	if (cli_mode(c) == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "status", status);
		if (class_word != NULL && strcmp(class_word, status) != 0)
			json_str(&j, "class", class_word);
		if (*note != '\0')
			json_str(&j, "note", note);
		if (until > 0)
			json_time(&j, "until", until);
		json_end(&j, STDOUT_FILENO);
		return;
	}
	if (cli_mode(c) == EMIT_QUIET || (*note == '\0' && until == 0))
		return;
	emit_put_visible(&b, status);
	if (until > 0)
		buf_putf(&b, "  until %s", clock_hhmm(until, at));
	if (*note != '\0')
		buf_put_str(&b, "  ");
	emit_put_visible(&b, note);
	emit_line("%s", buf_cstr(&b));
	buf_free(&b);
}

int
run_set(struct cli *c)
{
	const char *time = cli_value(c, "time");
	struct ctl_client *a;
	struct line ok;
	struct buf *b;
	int r;

	if ((r = typed_status(c, cli_argv(c)[0])) != 0 ||
	    (r = typed_class(c, cli_argv(c)[0], cli_value(c, "as"))) != 0 ||
	    (r = typed_note(c, cli_value(c, "note"))) != 0 ||
	    (r = typed_time(c, time)) != 0 || (r = agent_open(c, &a)) != 0)
		return r;
	b = ctl_client_begin(a, "set");
	line_put(b, "value", cli_argv(c)[0]);
	line_put(b, "class", cli_value(c, "as"));
	line_put(b, "note", cli_value(c, "note"));
	if (time != NULL)
		line_put_u64(b, "until",
		    (uint64_t)(clock_real() + clock_parse_span(time) * 1000));
	r = agent_rows(a, cli_timeout(c, CALL_MS), NULL, NULL, &ok);
	if (r == 0)
		print_set(c, &ok);
	else
		r = agent_fail(c, a, r);
	ctl_client_close(a);
	return r;
}

int
run_put(struct cli *c)
{
	const char *time = cli_value(c, "time");
	struct ctl_client *a;
	struct buf *b;
	int i, r;

	if ((r = typed_object(c, cli_argv(c)[0])) != 0 ||
	    (r = typed_time(c, time)) != 0)
		return r;
	for (i = 1; i < cli_argc(c); i++)
		if ((r = typed_value(c, cli_argv(c)[i])) != 0)
			return r;
	if ((r = agent_open(c, &a)) != 0)
		return r;
	b = ctl_client_begin(a, "pal-put");
	line_put(b, "entry", cli_argv(c)[0]);
	if (time != NULL)
		line_put_u64(b, "expires", (uint64_t)clock_parse_span(time));
	for (i = 1; i < cli_argc(c); i++)
		line_put_arg(b, cli_argv(c)[i]);
	r = agent_rows(a, cli_timeout(c, CALL_MS), NULL, NULL, NULL);
	if (r != 0)
		r = agent_fail(c, a, r);
	ctl_client_close(a);
	return r;
}

/* main() has taken it unless options stand before it. */
int
run_serve(struct cli *c)
{
	return cli_usage(c, "serve comes first: sec-pal serve ...");
}

#include "sec-pal.def"

int
client_main(int argc, char **argv)
{
	return cli_main(&prog, argc, argv);
}
