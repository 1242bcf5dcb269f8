/*
 * Two sets of links in one process, on loopback: who dials, who wins, what
 * a loss, an epoch and a replayed hello do.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <limits.h>
#include <netdb.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sock.h"
#include "crypto/random.h"
#include "ctl/link.h"
#include "ctl/serve.h"

#include "../test.h"

#define DEADLINE 20000

/* One daemon, as far as links go. */
struct host {
	int number;
	const char *name;
	int listen;
	struct io io;
	struct addr addr;
	struct epochs *epochs;
	struct ctl *ctl;
	struct links *links;
	int accepted;
	int ups;
	int downs;
	int gone;
	struct ctl_handle held; /* a call of verb `slow` */
	int nheld;
	int nidle;
	int64_t idle_ms, silence_ms; /* as of links_def */
};

static char top[] = "/tmp/sec-link.XXXXXX";
static char why[256];
static struct loop *loop;
static struct servers servers;
static struct host host[2];
static int plain, flap;
static uint8_t last_c1[HELLO_C1];
static int answered, failed;

/* --- a door: the first bytes, then to the links --- */

struct visitor {
	struct host *host;
	struct stream *stream;
};

static void
visitor_input(void *arg, struct buf *in)
{
	struct visitor *v = arg;

	if (!plain && buf_len(in) < HELLO_C1)
		return;
	if (plain && memchr(buf_data(in), '\n', buf_len(in)) == NULL)
		return;
	if (!plain)
		memcpy(last_c1, buf_data(in), HELLO_C1);
	links_accept(v->host->links, v->stream);
	free(v);
}

static void
visitor_closed(void *arg, int err)
{
	struct visitor *v = arg;

	(void)err;
	stream_free(v->stream);
	free(v);
}

static const struct stream_ops visitor_ops = {
	.input = visitor_input,
	.closed = visitor_closed,
};

static void
on_accept(void *arg, uint32_t ev)
{
	struct host *h = arg;
	struct visitor *v;
	int fd;

	(void)ev;
	if ((fd = sock_accept(h->listen, NULL)) < 0)
		return;
	h->accepted++;
	v = calloc(1, sizeof(*v));
	v->host = h;
	v->stream = stream_new(loop, fd, 1024, 1024, &visitor_ops, v);
}

/* --- verbs --- */

static void
on_echo(void *ctx, struct ctl_req *r)
{
	struct buf *b = ctl_ok_begin(r);

	(void)ctx;
	line_put(b, "text", line_get_or(r->line, "text", ""));
	ctl_end(r);
}

static void
on_slow(void *ctx, struct ctl_req *r)
{
	struct host *h = ctx;

	h->held = ctl_keep(r);
	h->nheld++;
}

static void
on_flap(void *ctx, struct ctl_req *r)
{
	(void)ctx;
	ctl_peer_close(r->peer);
}

static const struct ctl_verb verbs[] = {
	{ "flap", CTL_SERVERS, on_flap },
	{ "echo", CTL_SERVERS, on_echo },
	{ "slow", CTL_SERVERS, on_slow },
	{ "pal", CTL_PAL, on_echo },
	{ NULL, 0, NULL },
};

static void
on_reply(void *ctx, uint64_t cookie, int err, const struct line *l)
{
	(void)ctx;
	(void)cookie;
	if (err == 0 && l != NULL && strcmp(l->verb, "ok") == 0)
		answered++;
	else
		failed++;
}

static void
call(struct host *h, const char *verb)
{
	struct ctl_peer *p = links_peer(h->links, 3 - h->number);

	if (p == NULL) {
		failed++;
		return;
	}
	line_put(ctl_call(p, verb), "text", "hello");
	ctl_call_end(p, 10000, on_reply, NULL, 0);
}

static void
on_up(void *ctx, int number, struct ctl_peer *p)
{
	struct host *h = ctx;

	T_OK(number == 3 - h->number && p == links_peer(h->links, number),
	    "%s: up", h->name);
	h->ups++;
	if (flap && h == &host[0]) {
		(void)ctl_event(p, "flap");
		ctl_event_end(p);
	}
}

static void
on_down(void *ctx, int number)
{
	struct host *h = ctx;

	(void)number;
	h->downs++;
}

static void
on_gone(void *ctx, uint64_t peer)
{
	struct host *h = ctx;

	(void)peer;
	h->gone++;
}

/* --- setting up --- */

static void
host_start(struct host *h)
{
	struct links_def d;

	h->ctl = ctl_new(loop);
	ctl_add_verbs(h->ctl, verbs, h);
	ctl_on_gone(h->ctl, on_gone, h);
	memset(&d, 0, sizeof(d));
	d.loop = loop;
	d.ctl = h->ctl;
	d.servers = &servers;
	d.epochs = plain ? NULL : h->epochs;
	d.own = h->number;
	d.plain = plain;
	d.idle_ms = h->idle_ms;
	d.silence_ms = h->silence_ms;
	d.up = on_up;
	d.down = on_down;
	d.ctx = h;
	h->links = links_new(&d);
	h->accepted = h->ups = h->downs = h->gone = h->nheld = 0;
}

static void
host_stop(struct host *h)
{
	if (h->links == NULL)
		return;
	ctl_stop(h->ctl);
	links_free(h->links);
	ctl_free(h->ctl);
	h->links = NULL;
	h->ctl = NULL;
}

static void
host_listen(struct host *h, int number, const char *name, const char *role)
{
	struct server *s = &servers.server[servers.n++];
	struct addr any;

	h->number = number;
	h->name = name;
	addr_parse(&any, "127.0.0.1:0");
	h->listen = sock_listen(&any);
	sock_local(h->listen, &h->addr);
	s->number = (uint8_t)number;
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->role, sizeof(s->role), "%s", role);
	addr_format(&h->addr, s->addr);
	io_add(loop, &h->io, h->listen, IO_IN, on_accept, h);
	if (epochs_init(name, s->pub, why, sizeof(why)) != 0 ||
	    epochs_open(&h->epochs, name, why, sizeof(why)) != 0) {
		printf("Bail out! %s\n", why);
		exit(1);
	}
}

/* What sec-keygen does between the two, without the wire. */
static void
deal(int64_t delay)
{
	struct hs_deal d;
	uint32_t epoch;

	T_INT(epochs_begin(host[0].epochs, &servers, clock_real(), delay, 0,
		  &epoch),
	    0);
	T_INT(epochs_deal(host[0].epochs, &servers, 2, epoch, clock_real(), &d),
	    0);
	T_INT(epochs_store(host[1].epochs, &d), 0);
	explicit_bzero(&d, sizeof(d));
}

#define WAIT(cond)                                                             \
	do {                                                                   \
		int64_t end_ = clock_mono() + DEADLINE;                        \
		while (!(cond) && clock_mono() < end_)                         \
			loop_turn(loop, 1000);                                 \
		T_OK(cond, "%s", #cond);                                       \
	} while (0)

static int
both_up(void)
{
	return links_is_up(host[0].links, 2) && links_is_up(host[1].links, 1);
}

/* Until nothing happens any more. */
static void
settle(void)
{
	int i;

	for (i = 0; i < 20; i++)
		loop_turn(loop, 5);
}

static void
start_both(void)
{
	host_start(&host[0]);
	host_start(&host[1]);
}

/* And the first dials the second. */
static void
link_both(void)
{
	start_both();
	links_want(host[0].links, 2);
	WAIT(both_up());
}

static void
stop_both(void)
{
	host_stop(&host[0]);
	host_stop(&host[1]);
	settle();
}

static void
test_no_epoch(void)
{
	start_both();
	links_want(host[0].links, 2);
	links_want(host[1].links, 1);
	settle();
	T(!both_up() && host[0].accepted == 0 && host[1].accepted == 0);
	T(links_peer(host[0].links, 2) == NULL);
	T(links_peer(host[0].links, 1) == NULL); /* itself */
	T(links_peer(host[0].links, 0) == NULL);
	T(links_peer(host[0].links, 256) == NULL);
	/* The keys come to one first, which is refused; then to both. */
	deal(0);
	links_reload(host[0].links, &servers);
	links_reload(host[1].links, &servers);
	WAIT(both_up());
	stop_both();
}

/* Both dial at the same time: one link at the end, at both the same. */
static void
test_simultaneous(void)
{
	int i, bad = 0;

	for (i = 0; i < 20; i++) {
		start_both();
		links_want(host[i % 2].links, 2 - i % 2);
		links_want(host[1 - i % 2].links, 1 + i % 2);
		WAIT(both_up());
		settle();
		bad += host[0].ups != 1 || host[1].ups != 1 ||
		    host[0].downs != 0 || host[1].downs != 0;
		/* And calls go both ways on it. */
		answered = failed = 0;
		call(&host[0], "echo");
		call(&host[1], "echo");
		call(&host[1], "pal"); /* its role is on the row */
		WAIT(answered == 3);
		call(&host[0], "pal"); /* a controller is no PAL manager */
		call(&host[0], "none");
		WAIT(failed == 2);
		stop_both();
	}
	T_INT(bad, 0);
}

/* A loss, and the other back again. */
static void
test_loss(void)
{
	link_both();
	answered = failed = 0;
	call(&host[0], "slow");
	WAIT(host[1].nheld == 1);
	T(links_busy(host[0].links) && links_busy(host[1].links));
	host_stop(&host[1]);
	WAIT(host[0].downs == 1);
	T_INT(failed, 1); /* the open call has heard of it */
	T(!links_is_up(host[0].links, 2));
	host_start(&host[1]);
	WAIT(both_up());
	T_INT(host[0].ups, 2);
	T(!links_busy(host[0].links));
	stop_both();
}

/* --idle: nobody dials until there is something to say. */
static void
test_idle(void)
{
	link_both();
	links_say_idle(host[1].links);
	settle();
	host_stop(&host[1]);
	WAIT(host[0].downs == 1);
	host_start(&host[1]);
	settle();
	T(links_peer(host[0].links, 2) == NULL);
	settle();
	T(host[1].accepted == 0 && !both_up());
	T(links_wake(host[0].links, 2) == NULL);
	WAIT(both_up());
	T(links_wake(host[0].links, 2) == links_peer(host[0].links, 2));
	stop_both();
}

static void
pass(int64_t ms)
{
	int64_t end = clock_mono() + ms;

	while (clock_mono() < end)
		loop_turn(loop, (int)(end - clock_mono()));
}

/* Signs of life keep a link with nothing to say; one that is silent is
 * dialled anew. (Real ones: 5 s and 15 s.) */
static void
test_silence(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		host[i].idle_ms = 20;
		host[i].silence_ms = 200;
	}
	link_both();
	pass(600);
	T(both_up() && host[0].downs == 0 && host[1].downs == 0);
	stop_both();
	/* This one says nothing by itself. */
	host[1].idle_ms = 60000;
	link_both();
	WAIT(host[0].downs >= 1);
	WAIT(host[0].ups >= 2 && both_up());
	stop_both();
	for (i = 0; i < 2; i++)
		host[i].idle_ms = host[i].silence_ms = 0;
}

static int
connect_to(const struct host *h)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&h->addr.ss, h->addr.len))
		exit(1);
	return fd;
}

/* What the other side says to these bytes, at most n of it. */
static ssize_t
say(const struct host *h, const uint8_t *p, size_t len, uint8_t *out, size_t n,
    int *keep)
{
	int fd = connect_to(h), i;
	ssize_t r = -1;

	if (write(fd, p, len) != (ssize_t)len)
		exit(1);
	for (i = 0; i < 1000 && r == -1; i++) {
		loop_turn(loop, 5);
		r = recv(fd, out, n, MSG_DONTWAIT);
	}
	if (keep != NULL)
		*keep = fd;
	else
		close(fd);
	return r;
}

/* S076: who has no key is refused, and a recorded hello moves nothing. */
static void
test_strangers(void)
{
	uint8_t c1[HELLO_C1], bad[HELLO_C1], out[128];
	struct ctl_peer *before;
	int fd[3], i, bit, refused = 0;

	link_both();
	memcpy(c1, last_c1, sizeof(c1));
	before = links_peer(host[1].links, 1);
	/* The same c1 again, thrice: an answer, but no link. */
	for (i = 0; i < 3; i++)
		T_INT(say(&host[1], c1, sizeof(c1), out, sizeof(out), &fd[i]),
		    HELLO_C2);
	settle();
	T(links_peer(host[1].links, 1) == before);
	T(host[1].ups == 1 && host[1].downs == 0);
	/* A record of somebody who cannot have the key. */
	memset(out, 0, sizeof(out));
	memcpy(out, "\xc5\x01\x02\x00\x00\x00\x00\x01", 8);
	out[15] = 1;
	T_INT(write(fd[0], out, 44), 44);
	settle();
	T(links_peer(host[1].links, 1) == before);
	for (i = 0; i < 3; i++)
		close(fd[i]);
	settle();
	T(links_peer(host[1].links, 1) == before);
	T(host[1].ups == 1 && host[1].downs == 0);
	answered = 0;
	call(&host[0], "echo");
	call(&host[1], "echo");
	WAIT(answered == 2);
	/* Every bit of it counts. */
	for (i = 0; i < HELLO_C1; i++) {
		for (bit = 0; bit < 8; bit++) {
			memcpy(bad, c1, sizeof(bad));
			bad[i] ^= (uint8_t)(1 << bit);
			refused += say(&host[1], bad, sizeof(bad), out,
				       sizeof(out), NULL) == HELLO_NO;
		}
	}
	T_INT(refused, HELLO_C1 * 8);
	/* To another server. */
	T_INT(say(&host[0], c1, sizeof(c1), out, sizeof(out), NULL), HELLO_NO);
	T(links_peer(host[1].links, 1) == before);
	/* Many replays leave room for the one that counts. */
	for (i = 0; i < 40; i++)
		say(&host[1], c1, sizeof(c1), out, sizeof(out), NULL);
	host_stop(&host[0]);
	WAIT(host[1].downs == 1);
	host_start(&host[0]);
	links_want(host[0].links, 2);
	WAIT(both_up());
	stop_both();
}

/* A rotation under calls: no call is lost, and the old link goes. */
static void
test_rotation(int both)
{
	struct ctl_peer *before;
	struct ctl_req r;
	int64_t begin;
	int i, sent;

	start_both();
	links_want(host[0].links, 2);
	if (both)
		links_want(host[1].links, 1);
	WAIT(both_up());
	settle();
	before = links_peer(host[0].links, 2);
	answered = failed = 0;
	call(&host[0], "slow"); /* under way during all of it */
	WAIT(host[1].nheld == 1);
	begin = clock_real() + 200;
	deal(200);
	links_reload(host[0].links, &servers);
	links_reload(host[1].links, &servers);
	settle();
	/* Not before its time. */
	T(links_peer(host[0].links, 2) == before || clock_real() >= begin);
	for (sent = 0; sent < 100000 && (host[0].ups < 2 || host[1].ups < 2);
	     sent += 2) {
		call(&host[0], "echo");
		call(&host[1], "echo");
		loop_turn(loop, 1);
	}
	T(host[0].ups == 2 && host[1].ups == 2);
	T(links_peer(host[0].links, 2) != before);
	WAIT(answered == sent);
	T_INT(failed, 0);
	/* The call that was open is answered on the old link. */
	T_INT(ctl_again(host[1].ctl, host[1].held, &r), 0);
	ctl_ok(&r);
	WAIT(answered == sent + 1);
	T_INT(failed, 0);
	WAIT(host[0].gone == 1 && host[1].gone == 1);
	T(both_up());
	for (i = 0; i < 2; i++)
		T(host[i].ups == 2 && host[i].downs == 1);
	stop_both();
}

/* One has a later epoch than the other: they meet in what both hold. */
static void
test_behind(void)
{
	uint32_t epoch;

	T_INT(epochs_begin(host[0].epochs, &servers, clock_real(), 0, 0,
		  &epoch),
	    0);
	link_both();
	stop_both();
}

/* A server is taken out of the file. */
static void
test_removed(void)
{
	struct servers fewer = servers;

	link_both();
	fewer.n = 1;
	links_reload(host[0].links, &fewer);
	T(host[0].downs == 1 && !links_is_up(host[0].links, 2));
	settle();
	T(!both_up());
	links_reload(host[0].links, &servers);
	WAIT(both_up());
	stop_both();
}

/* A peer that sends what is no line loses its link, and only that. */
static void
test_garbage(void)
{
	link_both();
	buf_put_str(ctl_event(links_peer(host[1].links, 1), "x"), "\t=\t=");
	ctl_event_end(links_peer(host[1].links, 1));
	WAIT(host[0].downs == 1);
	WAIT(host[0].ups == 2 && both_up());
	stop_both();
}

/* S081: no joint key, messages in clear. */
static void
test_plain(void)
{
	uint8_t out[128];
	int i;

	plain = 1;
	for (i = 0; i < 4; i++) {
		start_both();
		links_want(host[0].links, 2);
		if (i > 0)
			links_want(host[1].links, 1);
		WAIT(both_up());
		settle();
		T(host[0].ups == 1 && host[1].ups == 1);
		answered = 0;
		call(&host[0], "echo");
		call(&host[1], "pal");
		WAIT(answered == 2);
		T(say(&host[1], (const uint8_t *)"link\tfrom=1\tto=1\n", 17,
		      out, sizeof(out), NULL) == 0);
		T(say(&host[1], (const uint8_t *)"link\tfrom=9\tto=2\n", 17,
		      out, sizeof(out), NULL) == 0);
		T(say(&host[1], (const uint8_t *)"status\tid=1\n", 12, out,
		      sizeof(out), NULL) == 0);
		T(both_up() && host[1].downs == 0);
		stop_both();
	}
	plain = 0;
}

/* A peer that takes the link and drops it is not asked again at once. */
static void
test_flapping(void)
{
	int64_t begun = clock_mono();

	plain = 1;
	start_both();
	flap = 1;
	links_want(host[0].links, 2);
	WAIT(host[0].ups == 4);
	/* 0, 100 and 200 ms */
	T(clock_mono() - begun >= 300);
	flap = 0;
	WAIT(both_up());
	stop_both();
	plain = 0;
}

/* The system's, for names: every look-up holds up the daemon. */
static int asked;

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **out)
{
	static struct sockaddr_in loopback;
	static struct addrinfo one;

	(void)service;
	(void)hints;
	asked++;
	if (strcmp(node, "here.test") != 0)
		return EAI_AGAIN;
	loopback.sin_family = AF_INET;
	loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	one.ai_family = AF_INET;
	one.ai_addr = (struct sockaddr *)&loopback;
	one.ai_addrlen = sizeof(loopback);
	*out = &one;
	return 0;
}

void
freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

static void
test_names(void)
{
	struct servers more = servers;
	struct server *s = &more.server[more.n++];
	struct addr a;
	int i;

	plain = 1;
	start_both();
	*s = (struct server) { .number = 3, .name = "mtcu", .role = "mtcu" };
	snprintf(s->addr, sizeof(s->addr), "gone.test:7320");
	links_reload(host[0].links, &more);
	for (i = 0; i < 10; i++)
		T(links_wake(host[0].links, 3) == NULL);
	T_INT(asked, 1);
	/* SIGHUP looks anew. */
	snprintf(more.server[1].addr, sizeof(more.server[1].addr),
	    "here.test:%d", addr_port(&host[1].addr));
	links_reload(host[0].links, &more);
	T(links_wake(host[0].links, 3) == NULL);
	T_INT(asked, 2);
	(void)links_wake(host[0].links, 2);
	WAIT(links_is_up(host[0].links, 2));
	T_INT(asked, 3);
	host_stop(&host[1]);
	host_start(&host[1]);
	WAIT(!links_is_up(host[0].links, 2));
	(void)links_wake(host[0].links, 2);
	WAIT(links_is_up(host[0].links, 2));
	T_INT(asked, 3);
	/* What is known is told, and nothing looked up for it. */
	T_INT(links_address(host[0].links, 2, &a), 0);
	T(addr_equal(&a, &host[1].addr));
	T_INT(links_address(host[0].links, 3, &a), SEC_ERR_NOTHING);
	T_INT(links_address(host[1].links, 1, &a), 0);
	T(addr_equal(&a, &host[0].addr));
	T_INT(asked, 3);
	stop_both();
	plain = 0;
}

int
main(void)
{
	char cmd[PATH_MAX];
	int i;

	log_open("link", getenv("SEC_DEBUG") ? LOG_L_DEBUG : LOG_L_ERROR);
	crypto_init();
	if (mkdtemp(top) == NULL)
		return 1;
	setenv("SEC_DIR", top, 1);
	loop = loop_new();
	host_listen(&host[0], 1, "confctl", "confctl");
	host_listen(&host[1], 2, "pal", "pal");
	test_no_epoch();
	test_simultaneous();
	test_loss();
	test_idle();
	test_silence();
	test_strangers();
	test_rotation(0);
	test_rotation(1);
	test_behind();
	test_removed();
	test_garbage();
	test_flapping();
	test_plain();
	test_names();
	for (i = 0; i < 2; i++) {
		io_del(&host[i].io);
		close(host[i].listen);
		epochs_close(host[i].epochs);
	}
	loop_free(loop);
	T_INT(secret_count(), 0);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	if (system(cmd) != 0)
		printf("# %s stays\n", top);
	return t_done();
}
