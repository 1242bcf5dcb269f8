/*
 * Control lines over Unix sockets: a daemon's side (ctl) against bytes, and
 * against another ctl that calls it.
 */
#include <sys/socket.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../test.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/proc.h"
#include "base/sock.h"
#include "ctl/serve.h"

static struct loop *loop;
static struct ctl *server, *client;
static struct ctl_handle kept;
static uint64_t gone_peer;
static char event_value[64];
static int got_fd = -1;
static int events;

static void
on_echo(void *ctx, struct ctl_req *r)
{
	struct buf *b;

	(void)ctx;
	b = ctl_row(r);
	line_put(b, "said", line_get_or(r->line, "say", "-"));
	ctl_end(r);
	b = ctl_row(r);
	line_put_u64(b, "n", 2);
	ctl_end(r);
	b = ctl_ok_begin(r);
	line_put(b, "who", "echo");
	ctl_end(r);
}

static void
on_later(void *ctx, struct ctl_req *r)
{
	(void)ctx;
	kept = ctl_keep(r);
}

static void
on_no(void *ctx, struct ctl_req *r)
{
	(void)ctx;
	ctl_error(r, 486, "in\treview");
}

static void
on_news(void *ctx, struct ctl_req *r)
{
	(void)ctx;
	events++;
	snprintf(event_value, sizeof(event_value), "%s",
	    line_get_or(r->line, "what", "-"));
	ctl_ok(r); /* an event has no answer: nothing may go out */
}

static void
on_huge(void *ctx, struct ctl_req *r)
{
	char big[LINE_MAX_BYTES];
	struct buf *b;

	(void)ctx;
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	b = ctl_ok_begin(r);
	line_put(b, "big", big);
	ctl_end(r);
}

static void
on_close(void *ctx, struct ctl_req *r)
{
	(void)ctx;
	ctl_peer_close(r->peer);
	ctl_ok(r); /* allowed, goes nowhere */
}

static void
on_file(void *ctx, struct ctl_req *r)
{
	(void)ctx;
	got_fd = ctl_peer_take_fd(r->peer);
	ctl_ok(r);
}

static const struct ctl_verb verbs[] = {
	{ "echo", CTL_SAME | CTL_ADMIN, on_echo },
	{ "later", CTL_ANYONE, on_later },
	{ "no", CTL_ANYONE, on_no },
	{ "news", CTL_ANYONE, on_news },
	{ "huge", CTL_ANYONE, on_huge },
	{ "close", CTL_ANYONE, on_close },
	{ "file", CTL_SAME, on_file },
	{ "join", CTL_CONFCTL, on_echo },
	{ NULL, 0, NULL },
};
static const struct ctl_verb more[] = {
	{ "join", CTL_PAL, on_echo },
	{ "more", CTL_ANYONE, on_echo },
	{ NULL, 0, NULL },
};

static void
on_gone(void *ctx, uint64_t peer)
{
	(void)ctx;
	gone_peer = peer;
}

static void
turns(void)
{
	int i;

	for (i = 0; i < 6; i++)
		loop_turn(loop, 0);
}

/* A raw connection: our end, non-blocking. */
static int
raw(struct ctl_peer **p)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		fd) != 0)
		exit(1);
	*p = ctl_peer_unix(server, fd[1]);
	return fd[0];
}

/* What came back, "" for nothing, "EOF". */
static const char *
talk(int fd, const char *bytes)
{
	static char in[LINE_MAX_BYTES * 2];
	ssize_t n;

	if (bytes != NULL && write(fd, bytes, strlen(bytes)) < 0)
		return "write failed";
	turns();
	n = read(fd, in, sizeof(in) - 1);
	if (n == 0)
		return "EOF";
	in[n < 0 ? 0 : n] = '\0';
	return in;
}

static void
test_bytes(void)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "echo\tid=7\tsay=hi%09x\n",
		    "row\tid=7\tsaid=hi%09x\nrow\tid=7\tn=2\n"
		    "ok\tid=7\twho=echo\n" },
		{ "no\tid=8\n", "error\tid=8\tcode=486\treason=in%09review\n" },
		{ "nonsense\tid=9\n",
		    "error\tid=9\tcode=405\treason=unknown verb\n" },
		{ "join\tid=10\n",
		    "error\tid=10\tcode=403\treason=not for you\n" },
		{ "more\tid=11\n",
		    "row\tid=11\tsaid=-\nrow\tid=11\tn=2\n"
		    "ok\tid=11\twho=echo\n" },
		{ "news\twhat=1\n", "" },
		{ "nonsense\n", "" },
		{ "ok\tid=77\n", "" }, /* no such call */
		{ "row\n", "" },
		{ "news\tid=x\n", "" }, /* no number: no answer */
		{ "huge\tid=12\n",
		    "error\tid=12\tcode=500\treason=answer too long\n" },
		{ "no\tid=1\nno\tid=2\n",
		    "error\tid=1\tcode=486\treason=in%09review\n"
		    "error\tid=2\tcode=486\treason=in%09review\n" },
		{ "no\tid=", "" }, /* half a line waits */
		{ "3\n", "error\tid=3\tcode=486\treason=in%09review\n" },
	};
	struct ctl_peer *p;
	size_t i;
	int fd;

	fd = raw(&p);
	T(ctl_peer_from(p) & CTL_SAME);
	T_INT(ctl_peer_uid(p), geteuid());
	T_INT(ctl_peer_number(p), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		T_STR(talk(fd, rows[i].in), rows[i].out);
	T_INT(events, 1);
	T_STR(event_value, "1");
	close(fd);
	turns();
}

static void
test_closing(void)
{
	static const char *const bad[] = {
		"\n",
		"Echo\tid=1\n",
		"echo\tid=1\tid=1\n",
		"echo\tsay=%zz\n",
		"GET / HTTP/1.1\r\n",
		"\x16\x03\x01\n",
	};
	static char big[LINE_MAX_BYTES + 2];
	struct ctl_peer *p;
	uint64_t id;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fd = raw(&p);
		T_STR(talk(fd, bad[i]), "EOF");
		close(fd);
	}
	/* 64 KiB without a line end, and one byte more with it. */
	memset(big, 'a', sizeof(big) - 1);
	fd = raw(&p);
	id = ctl_peer_id(p);
	T_STR(talk(fd, big), "EOF");
	T_INT(gone_peer, id);
	close(fd);
	/* The handler closes the peer that it serves. */
	fd = raw(&p);
	id = ctl_peer_id(p);
	T_STR(talk(fd, "close\tid=1\nno\tid=2\n"), "EOF");
	T_INT(gone_peer, id);
	T(ctl_peer_find(server, id) == NULL);
	close(fd);
}

static void
test_later(void)
{
	struct ctl_peer *p;
	struct ctl_req r;
	int fd;

	fd = raw(&p);
	T_STR(talk(fd, "later\tid=5\n"), "");
	T_INT(ctl_again(server, kept, &r), 0);
	T(r.line == NULL && r.id == 5);
	ctl_ok(&r);
	T_STR(talk(fd, NULL), "ok\tid=5\n");
	T_STR(talk(fd, "later\tid=6\n"), "");
	close(fd);
	turns();
	T_INT(gone_peer, kept.peer);
	T_INT(ctl_again(server, kept, &r), SEC_ERR_CLOSED);
}

static void
test_file(void)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char text[] = "file\tid=1\n";
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr m = { 0 };
	struct cmsghdr *h;
	struct ctl_peer *p;
	int fd, null;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	fd = raw(&p);
	T_STR(talk(fd, text), "ok\tid=1\n");
	T_INT(got_fd, -1);
	memset(&control, 0, sizeof(control));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = &control;
	m.msg_controllen = sizeof(control);
	h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &null, sizeof(int));
	T(sendmsg(fd, &m, 0) > 0);
	T_STR(talk(fd, NULL), "ok\tid=1\n");
	T(got_fd >= 0 && got_fd != null);
	T(write(got_fd, "x", 1) == 1);
	T(fcntl(got_fd, F_GETFD) & FD_CLOEXEC);
	close(got_fd);
	close(null);
	close(fd);
	turns();
}

/* --- calling --- */
static char replies[512];

static void
on_reply(void *ctx, uint64_t cookie, int err, const struct line *l)
{
	size_t n = strlen(replies);

	(void)ctx;
	snprintf(replies + n, sizeof(replies) - n, "%llu:%s:%d:%d ",
	    (unsigned long long)cookie, l != NULL ? l->verb : "-", err,
	    ctl_reply_status(l, err));
}

static void
call(struct ctl_peer *p, const char *verb, int64_t deadline, uint64_t cookie)
{
	struct buf *b;

	b = ctl_call(p, verb);
	line_put(b, "say", "x");
	ctl_call_end(p, deadline, on_reply, NULL, cookie);
}

static const char *
came(void)
{
	static char last[sizeof(replies)];

	turns();
	memcpy(last, replies, sizeof(last));
	replies[0] = '\0';
	return last;
}

static void
test_calling(void)
{
	static char big[LINE_MAX_BYTES];
	struct ctl_peer *here, *there;
	struct ctl_req r;
	struct buf *b;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		exit(1);
	client = ctl_new(loop);
	here = ctl_peer_unix(client, fd[0]);
	there = ctl_peer_unix(server, fd[1]);
	call(here, "echo", 1000, 1);
	call(here, "no", -1, 2);
	T_STR(came(), "1:row:0:200 1:row:0:200 1:ok:0:200 2:error:-7:486 ");
	b = ctl_event(here, "news");
	line_put(b, "what", "event");
	ctl_event_end(here);
	T_STR(came(), "");
	T_STR(event_value, "event");

	/* The deadline; the late answer is nobody's. */
	call(here, "later", 0, 3);
	loop_turn(loop, 100);
	T_STR(came(), "3:-:-9:504 ");
	turns();
	if (ctl_again(server, kept, &r) == 0)
		ctl_ok(&r);
	T_STR(came(), "");

	/* Too long to be sent. */
	memset(big, 'y', sizeof(big) - 1);
	b = ctl_call(here, "echo");
	line_put(b, "say", big);
	ctl_call_end(here, 1000, on_reply, NULL, 4);
	loop_turn(loop, 100);
	T_STR(came(), "4:-:-24:503 ");

	/* The peer goes while a call is open; so do calls after that. */
	call(here, "later", 5000, 5);
	T_STR(came(), "");
	ctl_peer_close(there);
	T_STR(came(), "5:-:-25:503 ");

	/* ctl_free() calls nobody. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		exit(1);
	here = ctl_peer_unix(client, fd[0]);
	(void)ctl_peer_unix(server, fd[1]);
	call(here, "later", 5000, 6);
	ctl_peer_close(here);
	T_STR(came(), "6:-:-25:503 ");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		exit(1);
	here = ctl_peer_unix(client, fd[0]);
	(void)ctl_peer_unix(server, fd[1]);
	call(here, "later", 5000, 7);
	ctl_stop(client);
	ctl_free(client);
	T_STR(came(), "");
}

/* Who answers is freed behind ctl_stop(): nothing reaches him any more. */
static void
test_stopped(void)
{
	static const char line[] = "news\twhat=late\n";
	struct ctl *c = ctl_new(loop);
	int fd[2], before = events;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		exit(1);
	ctl_add_verbs(c, verbs, NULL);
	(void)ctl_peer_unix(c, fd[0]);
	T(write(fd[1], line, sizeof(line) - 1) > 0);
	loop_turn(loop, 100);
	T_INT(events, before + 1);
	ctl_stop(c);
	T(write(fd[1], line, sizeof(line) - 1) > 0);
	loop_turn(loop, 100);
	T_INT(events, before + 1);
	ctl_free(c);
	close(fd[1]);
}

/* Who is told of a loss may try again at once, and is told again. */
static struct ctl_peer *again_on;
static int again_times;

static void
on_lost(void *ctx, uint64_t cookie, int err, const struct line *l)
{
	(void)l;
	T_INT(err, SEC_ERR_CLOSED);
	if (++again_times > 20)
		return;
	(void)ctl_call(again_on, "later");
	ctl_call_end(again_on, 5000, on_lost, ctx, cookie);
}

static void
test_again(void)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		exit(1);
	client = ctl_new(loop);
	again_on = ctl_peer_unix(client, fd[0]);
	again_times = 0;
	(void)ctl_call(again_on, "later");
	ctl_call_end(again_on, 5000, on_lost, NULL, 1);
	ctl_peer_close(again_on);
	T_INT(again_times, 1);
	turns();
	T(again_times <= 3);
	ctl_free(client);
	close(fd[1]);
}

static void
test_listen(void)
{
	char path[64];
	char in[256];
	int a, b, fd;

	snprintf(path, sizeof(path), "/tmp/sec-unit-serve-%d.sock",
	    (int)getpid());
	fd = sock_unix_listen(path, 0666);
	T(fd >= 0);
	T_INT(ctl_listen(server, fd, 1), 0);
	a = sock_unix_dial(path);
	T(a >= 0);
	T_STR(talk(a, "no\tid=1\n"),
	    "error\tid=1\tcode=486\treason=in%09review\n");
	/* The second is one too many. */
	b = sock_unix_dial(path);
	turns();
	T_INT(read(b, in, sizeof(in)), 0);
	close(b);
	close(a);
	turns();
	a = sock_unix_dial(path);
	T_STR(talk(a, "no\tid=1\n"),
	    "error\tid=1\tcode=486\treason=in%09review\n");
	close(a);
	turns();
	unlink(path);
}

int
main(void)
{
	proc_harden();
	loop = loop_new();
	server = ctl_new(loop);
	ctl_add_verbs(server, verbs, NULL);
	ctl_add_verbs(server, more, NULL);
	ctl_on_gone(server, on_gone, NULL);
	T_INT(ctl_from_role("mtcu"), CTL_MTCU);
	T_INT(ctl_from_role("nobody"), 0);
	test_bytes();
	test_closing();
	test_later();
	test_file();
	test_calling();
	test_again();
	test_stopped();
	test_listen();
	ctl_free(server);
	loop_free(loop);
	return t_done();
}
