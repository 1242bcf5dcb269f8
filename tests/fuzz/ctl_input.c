/*
 * A daemon's control socket: lines of anybody to verbs that answer, keep
 * and refuse; replies that nobody asked for.
 */
#include <sys/socket.h>

#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "ctl/serve.h"
#include "fuzz.h"

static struct loop *loop;
static struct ctl *ctl;
static struct ctl_handle kept;
static int replies;

static void
on_echo(void *ctx, struct ctl_req *r)
{
	struct buf *b;
	size_t i;

	(void)ctx;
	b = ctl_row(r);
	for (i = 0; i < r->line->n; i++)
		if (strcmp(r->line->field[i].key, "id") != 0)
			line_put_field(b, &r->line->field[i]);
	ctl_end(r);
	ctl_ok(r);
}

static void
on_keep(void *ctx, struct ctl_req *r)
{
	(void)ctx;
	kept = ctl_keep(r);
}

static void
on_again(void *ctx, struct ctl_req *r)
{
	struct ctl_req k;

	(void)ctx;
	if (ctl_again(r->ctl, kept, &k) == 0)
		ctl_error(&k, 486, line_get_or(r->line, "why", "busy"));
	ctl_ok(r);
}

static void
on_reply(void *ctx, uint64_t cookie, int err, const struct line *l)
{
	(void)ctx;
	(void)cookie;
	MUST(l != NULL || err != 0);
	MUST(ctl_reply_status(l, err) >= 200);
	replies++;
}

static const struct ctl_verb verbs[] = {
	{ "echo", CTL_ANYONE, on_echo },
	{ "keep", CTL_ANYONE, on_keep },
	{ "again", CTL_ANYONE, on_again },
	{ "join", CTL_CONFCTL, on_echo },
	{ NULL, 0, NULL },
};

/* A new one each time: ids begin at 1, where inputs can hit them. */
static void
begin(void)
{
	if (loop == NULL) {
		log_open("fuzz", 0);
		loop = loop_new();
	}
	ctl = ctl_new(loop);
	ctl_add_verbs(ctl, verbs, NULL);
}

/* What comes back is whole lines that parse. */
static void
read_answers(int fd)
{
	static char in[262144];
	struct line l;
	char *p, *end;
	ssize_t n;

	if ((n = read(fd, in, sizeof(in))) <= 0)
		return;
	for (p = in; p < in + n; p = end + 1) {
		if ((end = memchr(p, '\n', (size_t)(in + n - p))) == NULL) {
			MUST(n == sizeof(in));
			return;
		}
		MUST(line_parse(&l, p, (size_t)(end - p) + 1) == 0);
		line_free(&l);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ctl_peer *peer;
	uint64_t id;
	int fd[2], i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) != 0)
		return 0;
	begin();
	peer = ctl_peer_unix(ctl, fd[1]);
	id = ctl_peer_id(peer);
	/* Two open calls, whose ids the input may well guess. */
	replies = 0;
	(void)ctl_call(peer, "ask");
	(void)ctl_call_end(peer, -1, on_reply, NULL, 1);
	(void)ctl_call(peer, "ask");
	(void)ctl_call_end(peer, 60000, on_reply, NULL, 2);
	if (n > 0 && write(fd[0], p, n) < 0)
		n = 0;
	for (i = 0; i < 4; i++)
		loop_turn(loop, 0);
	read_answers(fd[0]);
	close(fd[0]);
	while (ctl_peer_find(ctl, id) != NULL)
		loop_turn(loop, 0);
	MUST(replies >= 2);
	ctl_free(ctl);
	return 0;
}
