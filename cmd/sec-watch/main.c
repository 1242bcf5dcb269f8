/*
 * sec-watch: the agent's events as JSON Lines.
 */
#include <sys/stat.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/text.h"
#include "cli/agent.h"

#include "event.h"
#include "hook.h"

#define CALL_MS	   10000
#define HISTORY_MS 30000
#define QUEUE_MAX  10000 /* events that wait for the command of -x */

struct watch {
	struct cli *c;
	struct ctl_client *a;
	struct loop *loop;
	struct io io;
	struct io out; /* stdout, if it is a pipe */
	struct timer deadline;
	struct filter filter;
	struct buf names; /* of -c, as typed, commas between */
	const char *command;
	struct events queue; /* the first one's command runs if pid > 0 */
	size_t queued;
	int pid;
	int64_t line; /* the newest that --history has shown */
	long long left; /* events until the end, -1: no end */
	int ended; /* the agent has said all: exit code + 1 */
};

static void next_hook(struct watch *w);

/* The end, once no command runs or waits. */
static void
finish(struct watch *w, int code)
{
	if (w->ended == 0)
		w->ended = code + 1;
	io_del(&w->io);
	io_del(&w->out);
	timer_cancel(&w->deadline);
	if (w->queued == 0)
		loop_stop(w->loop, w->ended - 1);
}

static void
on_hook(void *arg, int pid, int status)
{
	struct watch *w = arg;
	struct event *e = TAILQ_FIRST(&w->queue);

	(void)pid;
	hook_report(w->command, status);
	TAILQ_REMOVE(&w->queue, e, entry);
	event_free(e);
	w->queued--;
	w->pid = 0;
	next_hook(w);
}

static void
next_hook(struct watch *w)
{
	struct event *e;

	if (w->pid > 0)
		return;
	while ((e = TAILQ_FIRST(&w->queue)) != NULL) {
		if ((w->pid = hook_start(w->command, e)) > 0 &&
		    loop_child(w->loop, w->pid, on_hook, w) == 0)
			break;
		emit_error(EMIT_TABLE, SEC_ERR_SYS, "cannot run %s: %s",
		    w->command, strerror(errno));
		w->pid = 0;
		TAILQ_REMOVE(&w->queue, e, entry);
		event_free(e);
		w->queued--;
	}
	if (w->ended != 0)
		finish(w, 0);
	else
		io_set(&w->io, w->queued < QUEUE_MAX ? IO_IN : 0);
}

/*
 * What is named may not be watched. A conference may be one that I am asked
 * into later; of anything else nothing will ever be told.
 */
static void
refused(struct watch *w, const struct line *row)
{
	const char *name = line_get_or(row, "name", "");
	const char *why = line_get_or(row, "reason", "");
	int status = (int)agent_int(row, "code"), err;
	struct uri u;

	err = sec_err_from_sip("SUBSCRIBE", status);
	emit_error(cli_mode(w->c), err, "%s: %s", name, why);
	if (uri_from_name(&u, name, agent_domain(w->a), 1) != 0 ||
	    (u.kind != URI_CONF && w->filter.nconf == 1))
		finish(w, sec_err_exit(err));
}

/* A text that --history has shown already. */
static int
is_shown(const struct watch *w, const struct line *row)
{
	return agent_int(row, "old") != 1 && agent_int(row, "line") > 0 &&
	    agent_int(row, "line") <= w->line;
}

static void
take(struct watch *w, const struct line *row)
{
	int gap = strcmp(line_get_or(row, "event", ""), "gap") == 0;
	int wanted = filter_wants(&w->filter, row);
	struct event *e;

	/* Whoever filters wants to know of what he may have missed, but it
	 * is not what he waits for. */
	if (!wanted && !gap)
		return;
	if (is_shown(w, row))
		return;
	e = event_new(row, w->command != NULL);
	if (w->command != NULL) {
		TAILQ_INSERT_TAIL(&w->queue, e, entry);
		w->queued++;
	} else {
		emit_write(STDOUT_FILENO, buf_data(&e->json),
		    buf_len(&e->json));
		event_free(e);
	}
	if (wanted && (!gap || w->filter.nglob > 0) && w->left > 0 &&
	    --w->left == 0)
		finish(w, 0);
}

static void
on_input(void *arg, uint32_t events)
{
	struct watch *w = arg;
	struct line l;
	int r;

	(void)events;
	do {
		r = ctl_client_next(w->a, &l, 0);
		if (r == 1 && line_get(&l, "what") != NULL)
			refused(w, &l);
		else if (r == 1)
			take(w, &l);
		else if (r == 0)
			finish(w, 0);
		else if (r != SEC_ERR_TIMEOUT &&
		    !(r == SEC_ERR_SYS && errno == EINTR))
			finish(w, agent_fail(w->c, w->a, r));
	} while (
	    w->ended == 0 && w->queued < QUEUE_MAX && ctl_client_pending(w->a));
	if (w->command != NULL)
		next_hook(w);
}

static void
on_deadline(void *arg)
{
	struct watch *w = arg;

	finish(w, sec_err_exit(SEC_ERR_TIMEOUT));
	if (w->command != NULL)
		next_hook(w);
}

/* "SEQ" or "RING:SEQ" into the call; 0 or an exit code. */
static int
put_since(struct watch *w, struct buf *b, const char *mark)
{
	const char *colon = strrchr(mark, ':');
	const char *seq = colon != NULL ? colon + 1 : mark;
	unsigned long long v;

	if (text_number(seq, 0, INT64_MAX, &v) != 0)
		return cli_usage(w->c,
		    "--since %s: not a mark of "
		    "sec-watch --last",
		    mark);
	line_put(b, "since", seq);
	if (colon != NULL)
		line_putf(b, "ring", "%.*s", (int)(colon - mark), mark);
	return 0;
}

static int
add_conf(struct watch *w, const char *name)
{
	struct filter *f = &w->filter;
	char conf[AGENT_CONF_MAX];
	struct uri u;
	int r;

	/* A name may be an entry's as well. */
	if (strcmp(name, ".") == 0) {
		if ((r = agent_conf(w->c, w->a, name, conf)) != 0)
			return r;
		name = conf;
	}
	if (uri_from_name(&u, name, agent_domain(w->a), 1) == 0)
		text_copy(f->conf[f->nconf], u.full, URI_MAX);
	if (uri_from_name(&u, name, agent_domain(w->a), 0) == 0)
		text_copy(f->entry[f->nconf], u.full, URI_MAX);
	if (f->conf[f->nconf][0] == '\0' && f->entry[f->nconf][0] == '\0')
		return cli_usage(w->c, "-c %s: not a name", name);
	f->nconf++;
	buf_putf(&w->names, "%s%s", buf_len(&w->names) > 0 ? "," : "", name);
	return 0;
}

static int
fill_filter(struct watch *w)
{
	const char *names[FILTER_MAX], *by = cli_value(w->c, "by");
	struct filter *f = &w->filter;
	struct uri u;
	size_t n, i;
	int r;

	f->nglob = cli_values(w->c, "e", f->glob, FILTER_MAX);
	n = cli_values(w->c, "c", names, FILTER_MAX);
	for (i = 0; i < n; i++)
		if ((r = add_conf(w, names[i])) != 0)
			return r;
	if (by == NULL)
		return 0;
	if (uri_from_name(&u, by, agent_domain(w->a), 0) != 0)
		return cli_usage(w->c, "--by %s: not a name", by);
	text_copy(f->by, u.full, sizeof(f->by));
	return 0;
}

static int
fill_count(struct watch *w)
{
	const char *n = cli_value(w->c, "n");
	unsigned long long v;

	w->left = cli_flag(w->c, "1") > 0 ? 1 : -1;
	if (n == NULL)
		return 0;
	if (text_number(n, 1, INT64_MAX, &v) != 0)
		return cli_usage(w->c, "-n %s: not a number of events", n);
	w->left = (long long)v;
	return 0;
}

static int
print_last(struct watch *w)
{
	struct line ok;
	int r;

	(void)ctl_client_begin(w->a, "last");
	r = agent_rows(w->a, cli_timeout(w->c, CALL_MS), NULL, NULL, &ok);
	if (r != 0)
		return agent_fail(w->c, w->a, r);
	emit_line("%s:%s", line_get_or(&ok, "ring", ""),
	    line_get_or(&ok, "seq", "0"));
	return 0;
}

/* Send the call; 0 or an exit code. */
static int
subscribe(struct watch *w)
{
	const char *mark = cli_value(w->c, "since");
	struct buf *b = ctl_client_begin(w->a, "events");
	int r;

	if (mark != NULL && (r = put_since(w, b, mark)) != 0)
		return r;
	if (cli_flag(w->c, "state") > 0)
		line_put(b, "state", "1");
	if (cli_timeout(w->c, -1) == 0)
		line_put(b, "follow", "0");
	/* What has been needs no watching. */
	if (buf_len(&w->names) > 0 &&
	    (cli_timeout(w->c, -1) != 0 || cli_flag(w->c, "state") > 0))
		line_put(b, "watch", buf_cstr(&w->names));
	if ((r = ctl_client_send(w->a, -1)) != 0)
		return agent_fail(w->c, w->a, r);
	return 0;
}

static int
on_old(void *arg, const struct line *row)
{
	struct watch *w = arg;

	w->line = agent_int(row, "line");
	take(w, row);
	return w->ended;
}

/* --history N, once events are followed: nothing passes between the two. 0 or
 * an exit code. */
static int
show_history(struct watch *w, const char *n)
{
	int64_t wait = cli_timeout(w->c, HISTORY_MS);
	struct ctl_client *a;
	struct line ok;
	struct buf *b;
	int r;

	if (w->filter.nconf != 1 || w->filter.conf[0][0] == '\0')
		return cli_usage(w->c, "--history wants one -c CONF");
	if ((r = agent_open(w->c, &a)) != 0)
		return r;
	b = ctl_client_begin(a, "history");
	line_put(b, "conf", w->filter.conf[0]);
	line_put(b, "n", n);
	line_put(b, "form", "event");
	r = agent_rows(a, wait > 0 ? wait : HISTORY_MS, on_old, w, &ok);
	if (r != 0)
		r = w->ended != 0 ? 0 : agent_fail(w->c, a, r);
	else if (agent_int(&ok, "unread") > 0)
		emit_note(EMIT_TABLE, "%lld of its lines cannot be read",
		    (long long)agent_int(&ok, "unread"));
	ctl_client_close(a);
	if (w->command != NULL)
		next_hook(w);
	return r;
}

/* `sec-watch | head -1`: head has gone, which the next event would tell, if
 * it ever came. */
static void
on_no_reader(void *arg, uint32_t events)
{
	struct watch *w = arg;

	if (events & IO_HUP)
		finish(w, 128 + SIGPIPE);
}

/* Nothing is to be read where a pipe is written: only its end is told. */
static void
watch_reader(struct watch *w)
{
	struct stat st;

	if (w->command == NULL && fstat(STDOUT_FILENO, &st) == 0 &&
	    S_ISFIFO(st.st_mode))
		(void)io_add(w->loop, &w->out, STDOUT_FILENO, IO_IN,
		    on_no_reader, w);
}

static int
follow(struct watch *w)
{
	const char *n = cli_value(w->c, "history");
	int64_t wait = cli_timeout(w->c, -1);
	int r;

	if ((r = subscribe(w)) != 0)
		return r;
	w->loop = loop_new();
	timer_init(&w->deadline, w->loop, on_deadline, w);
	if (wait > 0)
		timer_set(&w->deadline, wait);
	if (n != NULL && (r = show_history(w, n)) != 0)
		;
	else if (w->ended != 0 && w->queued == 0)
		r = w->ended - 1;
	else if (io_add(w->loop, &w->io, ctl_client_fd(w->a), IO_IN, on_input,
		     w) != 0)
		r = agent_fail(w->c, w->a, SEC_ERR_SYS);
	else {
		watch_reader(w);
		r = loop_run(w->loop);
	}
	io_del(&w->io);
	io_del(&w->out);
	loop_free(w->loop);
	return r;
}

static int
run(struct cli *c)
{
	struct watch *w;
	int r;

	if (cli_flag(c, "last") > 0 && cli_flag(c, "since") > 0)
		return cli_usage(c, "--last or --since, not both");
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return emit_error(cli_mode(c), SEC_ERR_SYS, "no memory");
	w->c = c;
	w->command = cli_value(c, "x");
	TAILQ_INIT(&w->queue);
	if ((r = fill_count(w)) == 0 && (r = agent_open(c, &w->a)) == 0) {
		if (cli_flag(c, "last") > 0)
			r = print_last(w);
		else if ((r = fill_filter(w)) == 0)
			r = follow(w);
		ctl_client_close(w->a);
	}
	buf_free(&w->names);
	free(w);
	return r;
}

#include "sec-watch.def"

int
main(int argc, char **argv)
{
	return cli_main(&prog, argc, argv);
}
