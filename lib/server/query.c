/*
 * PROG status | health | drain: asks the running daemon by its control
 * socket.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "base/text.h"
#include "ctl/call.h"
#include "server/state.h"

int
query_name(const struct service_def *def, const struct service_options *o,
    char *out, char *why, size_t whylen)
{
	static struct servers all; /* 100 KB, too much for a stack */
	const struct server *v;
	char path[PATH_LEN];

	if (o->name != NULL) {
		text_copy(out, o->name, 65);
		return 0;
	}
	if (servers_read(&all, path_servers(path), why, whylen) != 0) {
		text_copy(out, def->role, 65);
		return 0;
	}
	if ((v = servers_by_role(&all, def->role, 0)) == NULL) {
		snprintf(why, whylen, "%s has no line with role %s", path,
		    def->role);
		return SEC_ERR_CONFIG;
	}
	if (servers_by_role(&all, def->role, 1) != NULL) {
		snprintf(why, whylen,
		    "%s has several lines with role %s; "
		    "say --name",
		    path, def->role);
		return SEC_ERR_USAGE;
	}
	text_copy(out, v->name, 65);
	return 0;
}

/* A name that somebody typed: is there such a server, and of this role? */
static int
check_name(const struct service_def *def, const char *name, char *why,
    size_t whylen)
{
	static struct servers all;
	const struct server *v;
	char path[PATH_LEN];

	if (servers_read(&all, path_servers(path), why, whylen) != 0)
		return 0; /* its socket will tell */
	if ((v = servers_by_name(&all, name)) == NULL) {
		snprintf(why, whylen, "%s has no line named %s", path, name);
		return SEC_ERR_NOTHING;
	}
	if (strcmp(v->role, def->role) == 0)
		return 0;
	snprintf(why, whylen, "%s is no %s: %s says that its role is %s", name,
	    def->role, path, v->role);
	return SEC_ERR_USAGE;
}

/* A line; what daemons repeat from others is shown, not obeyed. */
static void
say_line(FILE *to, struct buf *line)
{
	struct buf seen = BUF_INIT;

	text_put_visible(&seen, buf_data(line), buf_len(line), 0, 0);
	fprintf(to, "%s\n", buf_cstr(&seen));
	buf_free(&seen);
	buf_free(line);
}

__attribute__((format(printf, 2, 3))) static void
say(FILE *to, const char *fmt, ...)
{
	struct buf line = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vputf(&line, fmt, ap);
	va_end(ap);
	say_line(to, &line);
}

static void
print_status(const char *prog, const struct line *l)
{
	char since[32];
	uint64_t at = 0;

	(void)line_get_u64(l, "since", &at);
	say(stdout, "%s  %s %s  server %s at %s  pid %s since %s%s",
	    line_get_or(l, "name", "?"), prog, line_get_or(l, "version", "?"),
	    line_get_or(l, "number", "?"), line_get_or(l, "addr", "?"),
	    line_get_or(l, "pid", "?"), clock_hhmm((int64_t)at, since),
	    strcmp(line_get_or(l, "draining", "0"), "0") != 0 ? "  draining" :
								"");
	if (line_get(l, "key") != NULL)
		say(stdout, "%s  joint key %s  epoch %s",
		    line_get_or(l, "name", "?"), line_get(l, "key"),
		    line_get_or(l, "epoch", "?"));
	say(stdout, "%s  %s connections  %s", line_get_or(l, "name", "?"),
	    line_get_or(l, "connections", "0"), line_get_or(l, "words", ""));
}

/* A row of a daemon's own verb: its values. */
static void
print_row(const struct line *l)
{
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->field[i].key, "id") != 0)
			buf_putf(&b, "%s%s", buf_len(&b) > 0 ? "  " : "",
			    l->field[i].value);
	say_line(stdout, &b);
}

/* The ok line of verb: prints it, gives the exit code. */
static int
print_answer(const char *prog, const char *verb, const struct line *l)
{
	const char *state;

	if (strcmp(verb, "status") == 0) {
		print_status(prog, l);
		return 0;
	}
	if (strcmp(verb, "drain") == 0) {
		printf("%s\n",
		    strcmp(line_get_or(l, "draining", "0"), "0") == 0 ?
			"not draining" :
			strcmp(line_get_or(l, "busy", "0"), "0") == 0 ?
			"drained" :
			"draining");
		return 0;
	}
	if (strcmp(verb, "health") != 0)
		return 0;
	state = line_get_or(l, "state", "WARN");
	say(stdout, "%-8s %-6s %s", line_get_or(l, "name", "?"), state,
	    line_get_or(l, "words", ""));
	return strcmp(state, "ok") == 0 ? 0 : 1;
}

int
query_main(const struct service_def *def, const struct service_options *o)
{
	char name[65], file[80], path[PATH_LEN], why[PATH_LEN + 256];
	struct ctl_client *c;
	struct line l;
	struct buf *b;
	int r;

	if ((r = query_name(def, o, name, why, sizeof(why))) != 0 ||
	    (r = check_name(def, name, why, sizeof(why))) != 0) {
		fprintf(stderr, "%s: %s\n", def->prog, why);
		return sec_err_exit(r);
	}
	snprintf(file, sizeof(file), "%s.sock", name);
	if (ctl_client_open(&c, path_run(path, file)) != 0) {
		fprintf(stderr, "%s: %s is not running\n", def->prog, name);
		return 10;
	}
	b = ctl_client_begin(c, o->verb);
	if (o->stop)
		line_put_u64(b, "stop", 1);
	if ((r = ctl_client_send(c, -1)) == 0)
		while ((r = ctl_client_next(c, &l, o->timeout)) == 1)
			print_row(&l);
	if (r == 0)
		r = print_answer(def->prog, o->verb, &l);
	else {
		say(stderr, "%s: %s: %s", def->prog, name,
		    *ctl_client_why(c) != '\0' ? ctl_client_why(c) :
						 sec_strerror(r));
		r = sec_err_exit(r);
	}
	ctl_client_close(c);
	return fflush(stdout) == 0 ? r : 10;
}
