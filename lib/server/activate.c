/*
 * Where a daemon's listening sockets come from: LISTEN_FDS, descriptor 0
 * (inetd), or its own bind(2) to -l or to its line of `servers`. Its UDP
 * socket: LISTEN_FDS, or the address and port of the first of those.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sock.h"
#include "ctl/call.h"
#include "server/state.h"

#define INHERIT_MAX 16
#define ASK_MS	    1000

/* Is descriptor fd the very socket that inetd put on 0? */
static int
is_same(int fd)
{
	struct stat a, b;

	return fstat(0, &a) == 0 && fstat(fd, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Nothing that we print may reach the peer. */
static void
hide_output(int null)
{
	int fd;

	for (fd = 1; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) != -1 && !is_same(fd))
			continue;
		if (fd == 2)
			log_use_syslog();
		if (dup2(null, fd) == -1)
			die(10, "/dev/null: %s", strerror(errno));
	}
}

void
activate_inetd(struct service *s)
{
	const char *prog = s->def->prog;
	enum sock_kind kind;
	int fd, null;

	if (!s->state->opt.inetd)
		return;
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		die(10, "/dev/null: %s", strerror(errno));
	kind = sock_kind(0);
	hide_output(null);
	if (kind == SOCK_KIND_CONNECTED)
		die(2, "fd 0 is a connection; write \"wait\" in inetd.conf");
	if (kind != SOCK_KIND_LISTEN)
		die(2, "fd 0 is no listening socket; %s serve -i is for inetd",
		    prog);
	if ((fd = fcntl(0, F_DUPFD_CLOEXEC, 3)) == -1 ||
	    sock_set_nonblock(fd, 1) != 0 || dup2(null, 0) == -1)
		die(10, "fd 0: %s", strerror(errno));
	close(null);
	s->state->fd[s->state->nfd++] = fd;
}

/* What a unit or systemd-socket-activate may call our socket. */
static int
is_ours(const struct service *s, const char *name)
{
	const char *own[2] = { s->self->name, s->def->prog };
	size_t i, n;

	for (i = 0; i < 2; i++) {
		n = strlen(own[i]);
		if (strncmp(name, own[i], n) == 0 &&
		    (name[n] == '\0' || strcmp(name + n, ".socket") == 0))
			return 1;
	}
	return 0;
}

/* Is descriptor fd for us, as what it is? */
static int
take_one(struct service *s, int fd, int is_named)
{
	struct service_state *st = s->state;

	switch (sock_kind(fd)) {
	case SOCK_KIND_LISTEN:
		if (st->nfd == SERVICE_LISTEN || (!is_named && st->nfd > 0))
			return 0;
		st->fd[st->nfd++] = fd;
		return 1;
	case SOCK_KIND_DGRAM:
		if (!s->def->takes_udp || s->udp != -1)
			return 0;
		s->udp = fd;
		return 1;
	default: return 0;
	}
}

static void
take_inherited(struct service *s)
{
	struct service_state *st = s->state;
	char names[INHERIT_MAX][64];
	int fds[INHERIT_MAX];
	int i, n, named = 0;

	n = sock_inherited(fds, names, INHERIT_MAX);
	for (i = 0; i < n; i++)
		named |= is_ours(s, names[i]);
	for (i = 0; i < n; i++)
		if ((named && !is_ours(s, names[i])) ||
		    !take_one(s, fds[i], named))
			close(fds[i]);
	if (n > 0 && st->nfd == 0)
		die(2, "LISTEN_FDS has no listening stream socket");
}

/* Without domain, or in plain mode, nobody from outside. */
static void
check_addr(const struct service *s, const struct addr *a)
{
	char text[ADDR_STRLEN];

	if (addr_is_loopback(a))
		return;
	addr_format(a, text);
	if (s->conf.plain)
		die(11, "security = plain is for loopback only, not for %s",
		    text);
	if (s->conf.domain[0] == '\0')
		die(11,
		    "without domain in sec.conf only loopback is served, "
		    "not %s",
		    text);
}

static void
bind_one(struct service *s, const char *where)
{
	struct service_state *st = s->state;
	char with_port[320];
	struct addr a;
	int fd;

	snprintf(with_port, sizeof(with_port), "%s:%d", where, s->def->port);
	if (addr_resolve(&a, where) != 0 && addr_resolve(&a, with_port) != 0)
		die(11, "%s is no address", where);
	check_addr(s, &a);
	if ((fd = sock_listen(&a)) < 0)
		die(10, "%s: %s", where, strerror(errno));
	st->fd[st->nfd++] = fd;
}

/* Where the first listener is: one number for both. */
static void
bind_udp(struct service *s)
{
	char text[ADDR_STRLEN];
	struct addr a;

	if (sock_local(s->udp != -1 ? s->udp : s->state->fd[0], &a) != 0)
		die(10, "cannot find the own address: %s", strerror(errno));
	check_addr(s, &a);
	if (s->udp == -1 && (s->udp = sock_udp(&a)) < 0)
		die(10, "%s udp: %s", addr_format(&a, text), strerror(errno));
}

void
activate_sockets(struct service *s)
{
	struct service_state *st = s->state;
	struct addr a;
	size_t i;

	if (st->nfd == 0)
		take_inherited(s);
	for (i = 0; i < st->nfd; i++)
		if (sock_local(st->fd[i], &a) == 0)
			check_addr(s, &a);
	if (st->nfd == 0 && st->opt.nlisten == 0)
		bind_one(s, s->self->addr);
	else if (st->nfd == 0)
		for (i = 0; i < st->opt.nlisten; i++)
			bind_one(s, st->opt.listen[i]);
	if (s->def->takes_udp)
		bind_udp(s);
}

void
activate_check_running(const struct service *s)
{
	struct ctl_client *c;
	char since[32];
	struct line l;
	uint64_t at = 0;

	if (ctl_client_open(&c, s->state->sock) != 0)
		return;
	(void)ctl_client_begin(c, "status");
	if (ctl_client_send(c, -1) == 0 &&
	    ctl_client_next(c, &l, ASK_MS) == 0 &&
	    line_get_u64(&l, "since", &at) == 0)
		die(10, "already running (pid %s, since %s)",
		    line_get_or(&l, "pid", "?"),
		    clock_hhmm((int64_t)at, since));
	die(10, "already running");
}
