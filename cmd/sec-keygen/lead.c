/*
 * lead and rotate: server 1's side of Fig. 4, by this process with the
 * identity of server 1, or by the running controller.
 */
#include <sys/socket.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "ctl/call.h"
#include "ctl/epochs.h"
#include "ctl/keygen.h"

#include "verbs.h"

#define PHASE_MS   10000
#define OVERLAP	   (EPOCHS_OVERLAP / 1000)
#define CHILD_LAST 2000 /* ms for the command to end by itself */

struct lead {
	struct loop *loop;
	struct servers servers;
	struct epochs *epochs;
	struct keygen_lead *keygen;
	const char *via;
	pid_t child;
	int width; /* of the longest name */
	int exit; /* of the first failure that was explained */
	int good;
	int done;
	int err;
	uint32_t epoch;
	size_t nchecks;
	struct {
		const char *name;
		char digits[15];
	} checks[SERVERS_MAX];
};

static void
on_child(void *ctx, int pid, int status)
{
	struct lead *d = ctx;

	(void)pid;
	(void)status;
	d->child = 0;
}

static int
run_command(const char *command, int fd)
{
	int pid;

	if ((pid = fork()) != 0)
		return pid;
	proc_reset_signals();
	if (dup2(fd, 0) == -1 || dup2(fd, 1) == -1)
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static struct stream *
connect_via(void *ctx, struct loop *l, int number)
{
	static const struct stream_ops none;
	struct lead *d = ctx;
	int sp[2], pid;

	(void)number;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sp) == -1)
		return NULL;
	pid = run_command(d->via, sp[1]);
	close(sp[1]);
	if (pid < 0) {
		close(sp[0]);
		return NULL;
	}
	d->child = pid;
	(void)loop_child(l, pid, on_child, d);
	return stream_new(l, sp[0], NOISE_MAX, NOISE_MAX, &none, NULL);
}

/* Our command has nobody to talk to any more. */
static void
end_child(struct lead *d)
{
	int64_t end = clock_mono() + CHILD_LAST;
	int pid = d->child;

	while (d->child != 0 && clock_mono() < end)
		loop_turn(d->loop, 100);
	if (d->child != 0)
		(void)kill(pid, SIGTERM);
}

static void
on_one(void *ctx, int number, int err, const char *check, uint32_t epoch)
{
	struct lead *d = ctx;
	const struct server *s = servers_by_number(&d->servers, number);
	int r;

	if (err != 0) {
		r = explain(err, s);
		if (d->exit == 0)
			d->exit = r;
		return;
	}
	if (epoch == 0)
		return; /* it answered, others did not */
	d->good++;
	d->checks[d->nchecks].name = s->name;
	text_copy(d->checks[d->nchecks++].digits, check, 15);
}

static void
on_all(void *ctx, int err, uint32_t epoch)
{
	struct lead *d = ctx;

	d->done = 1;
	d->err = err;
	d->epoch = epoch;
	keygen_lead_free(d->keygen);
	d->keygen = NULL;
}

/* Numbers of the servers named, or of all but the first. */
static int
choose(struct lead *d, const struct options *o, struct keygen_lead_def *def)
{
	const struct server *s;
	int i;

	for (i = 0; i < o->argc; i++) {
		s = servers_by_name(&d->servers, o->argv[i]);
		if (s == NULL)
			return fail(SEC_ERR_NOTHING, "%s is not in servers",
			    o->argv[i]);
		if (s == &d->servers.server[0])
			return usage_error("%s is server 1 itself", s->name);
		if (def->n < SERVERS_MAX)
			def->numbers[def->n++] = s->number;
	}
	for (i = 1; o->argc == 0 && i < (int)d->servers.n; i++)
		def->numbers[def->n++] = d->servers.server[i].number;
	for (i = 0; i < (int)def->n; i++) {
		s = servers_by_number(&d->servers, def->numbers[i]);
		if ((int)strlen(s->name) > d->width)
			d->width = (int)strlen(s->name);
	}
	return 0;
}

static int
open_epochs(struct lead *d)
{
	const struct server *one = &d->servers.server[0];
	char why[400];
	int r;

	r = epochs_open(&d->epochs, one->name, why, sizeof(why));
	if (r == SEC_ERR_NOTHING)
		return fail(r, "no identity of %s here: lead runs on its host",
		    one->name);
	return r != 0 ? fail(r, "%s", why) : 0;
}

/* The check numbers, aligned for people. */
static void
print_checks(const struct lead *d, const struct options *o)
{
	size_t i;

	for (i = 0; i < d->nchecks; i++)
		if (o->mode == EMIT_TABLE)
			emit_line("%-*s  check %s  ok", d->width,
			    d->checks[i].name, d->checks[i].digits);
		else
			print_check(o, 1, d->checks[i].name,
			    d->checks[i].digits);
}

static int
lead_run(struct lead *d, const struct options *o, struct keygen_lead_def *def)
{
	char id[10];

	def->servers = &d->servers;
	def->epochs = d->epochs;
	/* Without an epoch there is none to deal on: the first begins. */
	def->fresh = o->argc == 0 || epochs_last(d->epochs) == 0;
	def->deadline = o->timeout >= 0 ? o->timeout : PHASE_MS;
	def->delay = o->delay;
	def->connect = d->via != NULL ? connect_via : NULL;
	def->one = on_one;
	def->all = on_all;
	def->ctx = d;
	d->keygen = keygen_lead_new(d->loop, def);
	while (!d->done)
		loop_turn(d->loop, -1);
	end_child(d);
	if (d->err != 0 && d->good == 0)
		return d->exit != 0 ? d->exit :
				      fail(d->err, "%s", sec_strerror(d->err));
	print_checks(d, o);
	if (epochs_id(d->epochs, d->epoch, id) == 0)
		print_joint_key(o, 1, id, d->epoch, d->good + 1,
		    def->fresh ? d->epoch - 1 : 0);
	return d->exit;
}

/* Daemons of this host learn at once what their files say now. */
static void
tell_daemons(const struct lead *d, const struct keygen_lead_def *def)
{
	size_t i;

	tell_daemon(d->servers.server[0].name);
	for (i = 0; i < def->n; i++)
		tell_daemon(
		    servers_by_number(&d->servers, def->numbers[i])->name);
}

int
verb_lead(const struct options *o)
{
	struct keygen_lead_def *def;
	struct lead *d;
	int r;

	if (o->via != NULL && o->argc != 1)
		return usage_error("--via leads one NAME");
	d = calloc(1, sizeof(*d));
	def = calloc(1, sizeof(*def));
	if (d == NULL || def == NULL) {
		free(d);
		free(def);
		return fail(SEC_ERR_SYS, "no memory");
	}
	d->via = o->via;
	if ((r = read_servers(&d->servers)) == 0 &&
	    (r = choose(d, o, def)) == 0 && (r = open_epochs(d)) == 0) {
		d->loop = loop_new();
		r = lead_run(d, o, def);
		if (d->good > 0 || d->err == 0)
			tell_daemons(d, def);
		loop_free(d->loop);
		epochs_close(d->epochs);
	}
	free(d);
	free(def);
	return r;
}

/* --- rotate --- */

/* A row of the controller's answer: 1 if that server took part. */
static int
explain_row(const struct line *l, int *failed)
{
	if (strcmp(line_get_or(l, "result", ""), "error") != 0)
		return strcmp(line_get_or(l, "result", ""), "ok") == 0;
	(*failed)++;
	(void)fail(SEC_ERR_NO, "%s: %s", line_get_or(l, "server", "?"),
	    line_get_or(l, "reason", "failed"));
	return 0;
}

static int
rotate_call(struct ctl_client *c, const struct options *o,
    const struct servers *s)
{
	struct buf *b = ctl_client_begin(c, "rotate");
	struct line l;
	uint64_t epoch = 0;
	int64_t phase = o->timeout >= 0 ? o->timeout : PHASE_MS;
	int r, good = 0, failed = 0;

	if (o->delay != 0)
		line_put_u64(b, "in",
		    o->delay > 0 ? (uint64_t)o->delay / 1000 : 0);
	if ((r = ctl_client_send(c, -1)) == 0)
		while ((r = ctl_client_next(c, &l, 2 * phase + 1000)) == 1)
			good += explain_row(&l, &failed);
	/* The servers' rows have said it better already. */
	if (r != 0 && failed > 0)
		return sec_err_exit(r);
	if (r != 0)
		return fail(r, "%s: %s", s->server[0].name,
		    *ctl_client_why(c) != '\0' ? ctl_client_why(c) :
						 sec_strerror(r));
	(void)line_get_u64(&l, "epoch", &epoch);
	print_joint_key(o, 1, line_get_or(&l, "key", "?"), (uint32_t)epoch,
	    good + 1, (uint32_t)epoch - 1);
	return 0;
}

int
verb_rotate(const struct options *o)
{
	char sock[80], path[PATH_LEN];
	struct ctl_client *c;
	struct servers *s;
	int r;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return fail(SEC_ERR_SYS, "no memory");
	if ((r = read_servers(s)) == 0) {
		snprintf(sock, sizeof(sock), "%s.sock", s->server[0].name);
		path_run(path, sock);
		if (ctl_client_open(&c, path) != 0)
			r = fail(SEC_ERR_UNREACHABLE,
			    "%s does not answer on %s; without it: "
			    "sec-keygen lead",
			    s->server[0].name, path);
		else {
			r = rotate_call(c, o, s);
			ctl_client_close(c);
		}
	}
	free(s);
	return r;
}
