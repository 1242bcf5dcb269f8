/*
 * The client half of sec-pal: my PAL from the agent's copy, and my status.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/agent.h"
#include "cli/typed.h"
#include "client.h"

#define CALL_MS	     10000 /* -T when not given */
#define NOTE_COLUMNS 40 /* of a note in the table; show has it all */

/* One row, kept until all are there to be sorted. */
struct entry {
	char name[AGENT_SHORT_MAX];
	char *uri, *type, *status, *status_class, *note, *media;
	int64_t since;
};

struct entries {
	struct cli *c;
	struct ctl_client *a;
	struct entry *e;
	size_t n, cap;
};

static char *
copy(const struct line *row, const char *key)
{
	char *s = strdup(line_get_or(row, key, ""));

	if (s == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	return s;
}

static int
on_entry(void *arg, const struct line *row)
{
	struct entries *l = arg;
	struct entry *e;

	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? 2 * l->cap : 64;
		l->e = reallocarray(l->e, l->cap, sizeof(*l->e));
		if (l->e == NULL)
			die(sec_err_exit(SEC_ERR_SYS), "no memory");
	}
	e = &l->e[l->n++];
	agent_short(l->a, e->name, line_get(row, "uri"), 1);
	e->uri = copy(row, "uri");
	e->type = copy(row, "type");
	e->status = copy(row, "status");
	e->status_class = copy(row, "class");
	e->note = copy(row, "note");
	e->media = copy(row, "media");
	e->since = agent_int(row, "since");
	return 0;
}

/* People first, then by name. */
static int
compare(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int r;

	r = (strcmp(b->type, "user") == 0) - (strcmp(a->type, "user") == 0);
	if (r == 0)
		r = strcmp(a->type, b->type);
	return r != 0 ? r : strcmp(a->name, b->name);
}

static void
forget(struct entries *l)
{
	struct entry *e;
	size_t i;

	for (i = 0; i < l->n; i++) {
		e = &l->e[i];
		free(e->uri);
		free(e->type);
		free(e->status);
		free(e->status_class);
		free(e->note);
		free(e->media);
	}
	free(l->e);
	ctl_client_close(l->a);
}

/* The rows for the operands and -s; 0 or an exit code. */
static int
fetch(struct entries *l)
{
	struct buf who = BUF_INIT, *b;
	char **name;
	int r;

	if ((r = agent_open(l->c, &l->a)) != 0)
		return r;
	for (name = cli_argv(l->c); *name != NULL; name++)
		buf_putf(&who, "%s%s", buf_len(&who) > 0 ? "," : "", *name);
	b = ctl_client_begin(l->a, "pal");
	if (buf_len(&who) > 0)
		line_put(b, "who", buf_cstr(&who));
	line_put(b, "status", cli_value(l->c, "status"));
	buf_free(&who);
	r = agent_rows(l->a, cli_timeout(l->c, CALL_MS), on_entry, l, NULL);
	if (r != 0)
		return agent_fail(l->c, l->a, r);
	if (l->n > 0)
		qsort(l->e, l->n, sizeof(*l->e), compare);
	return 0;
}

static void
print_json(const struct entry *e)
{
	struct json j;

	json_begin(&j);
	json_str(&j, "entry", e->uri);
	if (e->type[0] != '\0')
		json_str(&j, "type", e->type);
	json_str(&j, "status", e->status);
	if (e->status_class[0] != '\0')
		json_str(&j, "class", e->status_class);
	if (e->note[0] != '\0')
		json_str(&j, "note", e->note);
	if (e->since > 0)
		json_time(&j, "since", e->since);
	if (e->media[0] != '\0')
		json_list(&j, "media", e->media);
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

static void
print_table(const struct entries *l)
{
	static const char *const columns[] = { "NAME", "STATUS", "SINCE",
		"NOTE" };
	struct table *t = table_new(columns, 4);
	char at[16];
	size_t i;

	for (i = 0; i < l->n; i++) {
		table_cell(t, l->e[i].name);
		table_cell(t, l->e[i].status[0] ? l->e[i].status : "-");
		table_cell(t,
		    l->e[i].since > 0 ? clock_hhmm(l->e[i].since, at) : "-");
		table_cell_short(t, l->e[i].note, NOTE_COLUMNS);
	}
	table_print(t, STDOUT_FILENO);
}

static int
run_list(struct cli *c)
{
	struct entries l = { .c = c };
	size_t i;
	int r;

	r = fetch(&l);
	/* Without a verb it may have been meant as one. */
	if (r == 0 && l.n == 0 && cli_argc(c) > 0 && *cli_verb(c) == '\0')
		r = cli_usage(c, "%s: no such verb, and nobody of that name",
		    cli_argv(c)[0]);
	if (r == 0 && cli_mode(c) == EMIT_TABLE)
		print_table(&l);
	for (i = 0; i < l.n && r == 0; i++)
		if (cli_mode(c) == EMIT_JSON)
			print_json(&l.e[i]);
		else if (cli_mode(c) == EMIT_QUIET)
			print_name(l.e[i].name);
	forget(&l);
	return r;
}

/* "status     busy  since 13:40  note ..." */
static void
print_entry(const struct entry *e)
{
	struct buf b = BUF_INIT;
	char at[16], *s;

	buf_put_str(&b, "entry      ");
	emit_put_visible(&b, e->uri);
	buf_put_str(&b, "\ntype       ");
	emit_put_visible(&b, e->type[0] != '\0' ? e->type : "user");
	buf_put_str(&b, "\nstatus     ");
	emit_put_visible(&b, e->status[0] != '\0' ? e->status : "-");
	if (e->since > 0)
		buf_putf(&b, "      since %s", clock_hhmm(e->since, at));
	if (e->note[0] != '\0') {
		buf_put_str(&b, "   note \"");
		emit_put_visible(&b, e->note);
		buf_put_u8(&b, '"');
	}
	for (s = e->media; *s != '\0'; s++)
		if (*s == ',')
			*s = ' ';
	if (e->media[0] != '\0') {
		buf_put_str(&b, "\nmedia      ");
		emit_put_visible(&b, e->media);
	}
	emit_line("%s", buf_cstr(&b));
	buf_free(&b);
}

static int
run_show(struct cli *c)
{
	struct entries l = { .c = c };
	int r;

	if ((r = fetch(&l)) == 0 && l.n == 0)
		r = emit_error(cli_mode(c), SEC_ERR_NOTHING,
		    "%s: no such entry, or not logged in", cli_argv(c)[0]);
	else if (r == 0)
		switch (cli_mode(c)) {
		case EMIT_JSON: print_json(&l.e[0]); break;
		case EMIT_QUIET: print_name(l.e[0].name); break;
		case EMIT_TABLE: print_entry(&l.e[0]); break;
		}
	forget(&l);
	return r;
}

/* What was set, where there is more to it than the word. */
static void
print_set(struct cli *c, const struct line *ok)
{
	const char *note = line_get_or(ok, "note", "");
	const char *status = line_get_or(ok, "status", cli_argv(c)[0]);
	int64_t until = agent_int(ok, "until");
	struct buf b = BUF_INIT;
	struct json j;
	char at[16];

	if (cli_mode(c) == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "status", status);
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

static int
run_set(struct cli *c)
{
	struct ctl_client *a;
	struct line ok;
	struct buf *b;
	int r;

	if ((r = typed_status(c, cli_argv(c)[0])) != 0 ||
	    (r = typed_note(c, cli_value(c, "note"))) != 0 ||
	    (r = agent_open(c, &a)) != 0)
		return r;
	b = ctl_client_begin(a, "set");
	line_put(b, "value", cli_argv(c)[0]);
	line_put(b, "note", cli_value(c, "note"));
	r = agent_rows(a, cli_timeout(c, CALL_MS), NULL, NULL, &ok);
	if (r == 0)
		print_set(c, &ok);
	else
		r = agent_fail(c, a, r);
	ctl_client_close(a);
	return r;
}

/* main() has taken it unless options stand before it. */
static int
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
