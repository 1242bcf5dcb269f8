/* join: a server's side of Fig. 4 where its daemon is not running yet. */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/sock.h"
#include "ctl/epochs.h"
#include "ctl/keygen.h"

#include "verbs.h"

#define ANSWERS_MAX 8

struct join {
	struct loop *loop;
	struct servers servers;
	const struct server *own;
	struct epochs *epochs;
	struct keygen_answer *answer[ANSWERS_MAX];
	struct io io;
	struct timer timer;
	int listen;
	int on_pipe;
	const struct options *options;
	int done;
	int exit;
};

static void
join_end(struct join *j, int code)
{
	j->done = 1;
	j->exit = code;
}

static void
print_result(struct join *j, const char *check, uint32_t epoch)
{
	char id[10] = "?";

	(void)epochs_id(j->epochs, epoch, id);
	/* On a pipe standard output is the wire. */
	print_check(j->options, j->on_pipe ? 2 : 1, j->own->name, check);
	print_joint_key(j->options, j->on_pipe ? 2 : 1, id, epoch, 0, 0);
}

static void
on_done(void *ctx, int number, int err, const char *check, uint32_t epoch)
{
	struct join *j = ctx;

	(void)number;
	if (err == 0) {
		print_result(j, check, epoch);
		join_end(j, 0);
		return;
	}
	/* A port is open to everybody: only who is server 1, or seems to
	 * have other files, ends this. */
	if (j->on_pipe || err == SEC_ERR_DATA || err == SEC_ERR_EXPIRED ||
	    err == SEC_ERR_DISK || err == SEC_ERR_SYS || err == SEC_ERR_AUTH)
		join_end(j, explain(err, &j->servers.server[0]));
}

static void
begin(struct join *j, int fd)
{
	static const struct stream_ops none;
	static size_t next;

	keygen_answer_free(j->answer[next]);
	j->answer[next] = keygen_answer_new(j->loop,
	    stream_new(j->loop, fd, NOISE_MAX, NOISE_MAX, &none, NULL),
	    j->own->number, &j->servers, j->epochs, on_done, j);
	next = (next + 1) % ANSWERS_MAX;
}

static void
on_accept(void *arg, uint32_t ev)
{
	struct join *j = arg;
	int fd;

	(void)ev;
	if ((fd = sock_accept(j->listen, NULL)) >= 0)
		begin(j, fd);
}

static void
on_timeout(void *arg)
{
	struct join *j = arg;

	join_end(j, explain(SEC_ERR_TIMEOUT, &j->servers.server[0]));
}

static int
listen_on(struct join *j)
{
	struct addr a;

	if (addr_parse(&a, j->own->addr) != 0 &&
	    addr_resolve(&a, j->own->addr) != 0)
		return fail(SEC_ERR_UNREACHABLE, "%s: no such address",
		    j->own->addr);
	if ((j->listen = sock_listen(&a)) < 0)
		return fail(SEC_ERR_UNREACHABLE, "%s: %s%s", j->own->addr,
		    strerror(errno),
		    errno == EADDRINUSE ? " (a running daemon answers by "
					  "itself)" :
					  "");
	if (io_add(j->loop, &j->io, j->listen, IO_IN, on_accept, j) != 0)
		return fail(SEC_ERR_SYS, "%s", strerror(errno));
	return 0;
}

static int
join_run(struct join *j, const struct options *o)
{
	int fd, r;
	size_t i;

	if (j->on_pipe) {
		if ((fd = pump_start(j->loop)) < 0)
			return fail(fd, "%s", strerror(errno));
		begin(j, fd);
	} else if ((r = listen_on(j)) != 0)
		return r;
	timer_init(&j->timer, j->loop, on_timeout, j);
	if (o->timeout >= 0)
		timer_set(&j->timer, o->timeout);
	while (!j->done)
		loop_turn(j->loop, -1);
	timer_cancel(&j->timer);
	for (i = 0; i < ANSWERS_MAX; i++)
		keygen_answer_free(j->answer[i]);
	if (j->on_pipe)
		pump_wait(j->loop);
	io_del(&j->io);
	if (j->listen >= 0)
		close(j->listen);
	return j->exit;
}

static int
open_epochs(struct join *j, const char *name)
{
	char why[400];
	int r;

	if ((j->own = servers_by_name(&j->servers, name)) == NULL)
		return fail(SEC_ERR_NOTHING, "%s is not in servers", name);
	if (j->own == &j->servers.server[0])
		return usage_error("%s is server 1, which leads", name);
	r = epochs_open(&j->epochs, name, why, sizeof(why));
	if (r == SEC_ERR_NOTHING)
		return fail(r,
		    "no identity of %s here; sec-keygen init makes "
		    "one",
		    name);
	return r != 0 ? fail(r, "%s", why) : 0;
}

int
verb_join(const struct options *o)
{
	struct join *j;
	int r;

	if (o->argc == 2 && strcmp(o->argv[1], "-") != 0)
		return usage_error("join NAME, or join NAME -");
	if ((j = calloc(1, sizeof(*j))) == NULL)
		return fail(SEC_ERR_SYS, "no memory");
	j->listen = -1;
	j->on_pipe = o->argc == 2;
	j->options = o;
	if ((r = read_servers(&j->servers)) == 0 &&
	    (r = open_epochs(j, o->argv[0])) == 0) {
		j->loop = loop_new();
		r = join_run(j, o);
		loop_free(j->loop);
		epochs_close(j->epochs);
		if (r == 0)
			tell_daemon(o->argv[0]);
	}
	free(j);
	return r;
}
