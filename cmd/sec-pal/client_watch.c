/*
 * watch: my list as it is, and then as it changes. Events say what changed;
 * how the entry is now comes on a connection of its own.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "client_verbs.h"

struct watching {
	struct cli *c;
	struct ctl_client *events;
	struct entries list; /* whom it is about */
};

static int
is_watched(const struct watching *w, const char *uri)
{
	size_t i;

	if (cli_argc(w->c) == 0)
		return 1;
	for (i = 0; i < w->list.n; i++)
		if (strcmp(w->list.e[i].uri, uri) == 0)
			return 1;
	return 0;
}

/* bob  busy  14:10  in a meeting */
static void
print_line(const struct entries *l, const struct entry *e)
{
	const char *since = entry_get(e, "since");
	struct buf b = BUF_INIT;
	char at[16];

	buf_putf(&b, "%s  %s  %s  ", e->name, entry_get(e, "status"),
	    *since != '\0' ? clock_hhmm(atoll(since), at) : "-");
	entry_note(l, e, &b);
	entry_line(buf_cstr(&b));
	buf_free(&b);
}

static void
print_removed(struct watching *w, const char *uri)
{
	char name[AGENT_SHORT_MAX];
	struct json j;

	agent_short(w->list.a, name, uri, 0);
	if (cli_mode(w->c) == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "entry", uri);
		json_bool(&j, "removed", 1);
		json_end(&j, STDOUT_FILENO);
	} else if (cli_mode(w->c) == EMIT_QUIET)
		entry_line(name);
	else
		emit_line("%s  removed", name);
}

/* How it is now. 0 or an exit code. */
static int
print_now(struct watching *w, const char *uri)
{
	struct entries l = { .a = w->list.a };
	int r;

	line_put(ctl_client_begin(l.a, "pal"), "who", uri);
	r = agent_rows(l.a, CALL_MS, entries_take, &l, NULL);
	if (r != 0 && ctl_client_code(l.a) != 404)
		r = agent_fail(w->c, l.a, r);
	else if (r != 0 || l.n == 0)
		r = 0; /* gone again: its removal is on its way */
	else if (cli_mode(w->c) == EMIT_TABLE)
		print_line(&l, &l.e[0]);
	else
		list_print(w->c, &l, 1);
	entries_free(&l);
	return r;
}

static int
on_event(void *arg, const struct line *row)
{
	const char *uri = line_get(row, "entry");
	struct watching *w = arg;

	if (strcmp(line_get_or(row, "event", ""), "pal") != 0 || uri == NULL ||
	    !is_watched(w, uri))
		return 0;
	if (line_get(row, "removed") != NULL) {
		print_removed(w, uri);
		return 0;
	}
	return print_now(w, uri);
}

/* Events until -T, or for ever. 0 or an exit code. */
static int
follow(struct watching *w)
{
	int64_t limit = cli_timeout(w->c, -1);
	int64_t until = limit < 0 ? -1 : clock_mono() + limit, left;
	struct line l;
	int r, code = 0;

	while (code == 0) {
		left = until < 0 ? -1 : until - clock_mono();
		if (until >= 0 && left < 0)
			left = 0;
		r = ctl_client_next(w->events, &l, left);
		if (r == SEC_ERR_TIMEOUT)
			return sec_err_exit(r);
		if (r <= 0)
			return r == 0 ? 0 : agent_fail(w->c, w->events, r);
		code = on_event(w, &l);
	}
	return code;
}

int
run_watch(struct cli *c)
{
	struct watching w = { .c = c };
	int r;

	if ((r = agent_open(c, &w.events)) != 0)
		return r;
	(void)ctl_client_begin(w.events, "events");
	if ((r = ctl_client_send(w.events, -1)) != 0) {
		r = agent_fail(c, w.events, r);
		ctl_client_close(w.events);
		return r;
	}
	/* What changes from here on is in one of the two. */
	if ((r = agent_open(c, &w.list.a)) == 0) {
		if ((r = list_fetch(c, &w.list)) == 0 && w.list.n == 0 &&
		    cli_argc(c) > 0)
			r = emit_error(cli_mode(c), SEC_ERR_NOTHING,
			    "%s: not in my list", cli_argv(c)[0]);
		else if (r == 0) {
			list_print(c, &w.list, 1);
			r = follow(&w);
		}
		entries_free(&w.list);
		ctl_client_close(w.list.a);
	}
	ctl_client_close(w.events);
	return r;
}
