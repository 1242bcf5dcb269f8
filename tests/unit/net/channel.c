/*
 * Channels: S096 (after registration everything between client and control
 * server is sealed under the client session key), S081 (plain).
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/sock.h"
#include "crypto/random.h"
#include "net/channel.h"

#include "../test.h"

#define KEYID 0x1234abcd
#define OURS  7

struct end {
	struct channel *c;
	struct stream *s; /* the door's, until the hello is there */
	int ups;
	int messages;
	size_t bytes;
	char last[64];
	int closed;
	int err;
	int answer_err;
	int free_in; /* 1: in up, 2: in message, 3: in closed */
	const uint8_t *at; /* of the last message */
	int echo;
};

static struct loop *l;
static struct secret *base;
static struct hello_id user, server;

static void
end_up(void *arg)
{
	struct end *e = arg;

	e->ups++;
	if (e->free_in == 1) {
		channel_free(e->c);
		e->c = NULL;
	}
}

static void
end_message(void *arg, uint8_t *p, size_t n)
{
	struct end *e = arg;

	e->messages++;
	e->bytes += n;
	e->at = p;
	memset(e->last, 0, sizeof(e->last));
	memcpy(e->last, p, n < sizeof(e->last) ? n : sizeof(e->last) - 1);
	memset(p, 'x', n);
	if (e->free_in == 2) {
		channel_free(e->c);
		e->c = NULL;
	} else if (e->echo)
		channel_send(e->c, e->last, strlen(e->last));
}

static void
end_closed(void *arg, int err)
{
	struct end *e = arg;

	e->closed++;
	e->err = err;
	if (e->free_in == 3) {
		channel_free(e->c);
		e->c = NULL;
	}
}

static const struct channel_ops ops = { end_up, end_message, end_closed };

/* --- a door with one key --- */

static void
door_input(void *arg, struct buf *in)
{
	struct end *e = arg;

	if (buf_len(in) < HELLO_C1 || e->c != NULL || e->answer_err != 0)
		return;
	e->c = channel_answer(l, e->s, &user, &server, OURS, base, &ops, e,
	    &e->answer_err);
	if (e->c != NULL)
		e->s = NULL;
}

static void
door_closed(void *arg, int err)
{
	struct end *e = arg;

	e->closed++;
	e->err = err;
}

static const struct stream_ops door_ops = { NULL, door_input, door_closed };

static void
end_free(struct end *e)
{
	channel_free(e->c);
	stream_free(e->s);
	memset(e, 0, sizeof(*e));
}

static struct hello
hello_of(const struct secret *key)
{
	struct hello h;

	memset(&h, 0, sizeof(h));
	h.tt = RECORD_CLIENT;
	h.by = 3;
	h.keyid = KEYID;
	h.to_number = OURS;
	h.from = user;
	h.to = server;
	h.base = key;
	return h;
}

static int listener;
static struct addr where;

static void
turns(int n)
{
	while (n-- > 0)
		loop_turn(l, 1);
}

#define UNTIL(cond)                                                            \
	do {                                                                   \
		int64_t end_ = clock_mono() + 5000;                            \
		while (!(cond) && clock_mono() < end_)                         \
			loop_turn(l, 5);                                       \
		T(cond);                                                       \
	} while (0)

/* Accept what was dialled; blocking, with a deadline by the kernel. */
static int
accept_one(void)
{
	struct addr peer;
	int fd, i;

	for (i = 0; i < 1000; i++) {
		if ((fd = sock_accept(listener, &peer)) >= 0)
			return fd;
		loop_turn(l, 5);
	}
	return -1;
}

/* a dials, b answers through the door. */
static void
connect_ends(struct end *a, struct end *b, const struct secret *key,
    int64_t offset)
{
	struct hello h = hello_of(key);
	int fd;

	a->c = channel_dial(l, &where, &h, offset, &ops, a);
	fd = accept_one();
	b->s = stream_new(l, fd, 1024, 1024, &door_ops, b);
}

static void
test_both_ways(void)
{
	struct end a = { 0 }, b = { 0 };
	struct addr local;
	char big[RECORD_MAX + 1];

	memset(big, 'b', sizeof(big));
	connect_ends(&a, &b, base, 0);
	T_INT(channel_send(a.c, "early", 5), SEC_ERR_CLOSED);
	UNTIL(a.ups == 1 && b.ups == 1);
	T(channel_is_up(a.c) && channel_is_up(b.c));
	T(channel_is_dialled(a.c) && !channel_is_dialled(b.c));
	T(!channel_is_plain(a.c));
	T_INT(a.messages + b.messages, 0);
	T_INT(channel_send(a.c, "hello", 5), 0);
	T_INT(channel_send(b.c, "there", 5), 0);
	UNTIL(a.messages == 1 && b.messages == 1);
	T_STR(b.last, "hello");
	T_STR(a.last, "there");
	/* Input buffers outlive what they held, which may be keys. */
	T_MEM(b.at, 5, "0000000000");
	/* Empty records carry nothing. */
	T_INT(channel_send(a.c, "", 0), 0);
	T_INT(channel_send(a.c, "next", 4), 0);
	UNTIL(b.messages == 2);
	T_STR(b.last, "next");
	/* The longest, and one over. */
	b.bytes = 0;
	T_INT(channel_send(a.c, big, RECORD_MAX), 0);
	UNTIL(b.messages == 3);
	T_INT(b.bytes, RECORD_MAX);
	T_INT(channel_send(a.c, big, sizeof(big)), SEC_ERR_LIMIT);
	channel_local(a.c, &local);
	T(addr_equal(&local, channel_peer(b.c)));
	/* What was queued goes out before the end. */
	T_INT(channel_send(a.c, "last", 4), 0);
	channel_finish(a.c);
	UNTIL(a.closed == 1 && b.closed == 1);
	T_STR(b.last, "last");
	T_INT(a.err, 0);
	T_INT(b.err, SEC_ERR_CLOSED);
	T_INT(channel_send(b.c, "x", 1), SEC_ERR_CLOSED);
	end_free(&a);
	end_free(&b);
}

static void
test_freed_inside(void)
{
	struct end a = { 0 }, b = { 0 };

	b.free_in = 1;
	connect_ends(&a, &b, base, 0);
	UNTIL(b.ups == 1);
	a.free_in = 3;
	UNTIL(a.closed == 1);
	T(a.c == NULL);
	end_free(&b);
	memset(&a, 0, sizeof(a));
	connect_ends(&a, &b, base, 0);
	UNTIL(a.ups == 1 && b.ups == 1);
	b.free_in = 2;
	channel_send(a.c, "1", 1);
	channel_send(a.c, "2", 1);
	UNTIL(a.closed == 1);
	T_INT(b.messages, 1);
	end_free(&a);
	end_free(&b);
}

static void
test_offset(void)
{
	struct end a = { 0 }, b = { 0 };

	/* A client whose clock is wrong by an hour would be refused ... */
	connect_ends(&a, &b, base, 3600000);
	UNTIL(b.answer_err != 0);
	T_INT(b.answer_err, SEC_ERR_EXPIRED);
	end_free(&b);
	UNTIL(a.closed == 1);
	end_free(&a);
	/* ... and is not within the two minutes allowed. */
	connect_ends(&a, &b, base, 60000);
	UNTIL(a.ups == 1 && b.ups == 1);
	channel_send(a.c, "slow clock", 10);
	UNTIL(b.messages == 1);
	end_free(&a);
	end_free(&b);
}

static void
test_wrong_key(void)
{
	struct secret *other = crypto_random_key(32, 0);
	struct end a = { 0 }, b = { 0 };

	connect_ends(&a, &b, other, 0);
	UNTIL(b.answer_err != 0);
	T_INT(b.answer_err, SEC_ERR_AUTH);
	/* The stream stayed the caller's, who says no. */
	T(b.s != NULL && b.c == NULL);
	{
		uint8_t no[HELLO_NO];

		hello_no_encode(KEYID, no);
		stream_put(b.s, no, sizeof(no));
	}
	UNTIL(a.closed == 1);
	T_INT(a.err, SEC_ERR_SUBKEY);
	T_INT(a.ups, 0);
	end_free(&a);
	end_free(&b);
	secret_free(other);
}

static void
test_unreachable(void)
{
	struct hello h = hello_of(base);
	struct end a = { 0 };
	struct addr to = where;
	int fd;

	addr_parse(&to, "127.0.0.1:0");
	fd = sock_listen(&to);
	sock_local(fd, &to);
	close(fd);
	a.c = channel_dial(l, &to, &h, 0, &ops, &a);
	T_INT(a.closed, 0); /* never at once */
	UNTIL(a.closed == 1);
	T_INT(a.err, SEC_ERR_UNREACHABLE);
	end_free(&a);
}

/* --- raw peers --- */

static int
read_exactly(int fd, uint8_t *p, size_t n)
{
	size_t got = 0;
	ssize_t r;
	int i;

	for (i = 0; i < 2000 && got < n; i++) {
		r = read(fd, p + got, n - got);
		if (r > 0)
			got += (size_t)r;
		else if (r == 0)
			return -1;
		else
			loop_turn(l, 1);
	}
	return got == n ? 0 : -1;
}

/* A raw client of the answering side over a socketpair. */
struct raw {
	int fd;
	struct hello h;
	struct seal *tx, *rx;
	uint8_t c1[HELLO_C1];
};

static void
raw_open(struct raw *r, struct end *b)
{
	int sv[2];

	T(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) == 0);
	r->fd = sv[0];
	b->s = stream_new(l, sv[1], 1024, 1024, &door_ops, b);
	r->h = hello_of(base);
	r->tx = r->rx = NULL;
	hello_start(&r->h, clock_real(), r->c1);
}

static void
raw_hello(struct raw *r)
{
	uint8_t c2[HELLO_C2];

	T(write(r->fd, r->c1, HELLO_C1) == HELLO_C1);
	T(read_exactly(r->fd, c2, HELLO_C2) == 0);
	T_INT(hello_finish(&r->h, c2, clock_real(), &r->tx, &r->rx), 0);
}

static void
raw_close(struct raw *r)
{
	seal_free(r->tx);
	seal_free(r->rx);
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

/* A replayed c1 gets its c2 and nothing more: it never counts. */
static void
test_replay(void)
{
	struct end b = { 0 }, again = { 0 };
	struct raw r, r2;
	struct buf rec = BUF_INIT;

	raw_open(&r, &b);
	raw_hello(&r);
	T_INT(seal_put(r.tx, &rec, "", 0, clock_real()), 0);
	T(write(r.fd, buf_data(&rec), buf_len(&rec)) == (ssize_t)buf_len(&rec));
	UNTIL(b.ups == 1);
	raw_open(&r2, &again);
	T(write(r2.fd, r.c1, HELLO_C1) == HELLO_C1);
	T(write(r2.fd, buf_data(&rec), buf_len(&rec)) ==
	    (ssize_t)buf_len(&rec));
	UNTIL(again.closed == 1);
	T_INT(again.ups, 0);
	T_INT(again.err, SEC_ERR_AUTH);
	T(channel_is_up(b.c));
	T_INT(b.closed, 0);
	buf_free(&rec);
	raw_close(&r);
	raw_close(&r2);
	end_free(&b);
	end_free(&again);
}

/* Every bit of c1 and of the first record. */
static void
test_flips(void)
{
	struct buf rec = BUF_INIT;
	struct end b = { 0 };
	struct raw r;
	int i, bit, bad = 0, n;

	for (i = 0; i < HELLO_C1 * 8; i++) {
		raw_open(&r, &b);
		r.c1[i / 8] ^= (uint8_t)(1 << i % 8);
		if (write(r.fd, r.c1, HELLO_C1) != HELLO_C1)
			bad++;
		for (n = 0; n < 100 && b.c == NULL && b.answer_err == 0; n++)
			turns(1);
		/* by and key id are for the door's look-up; here both keys
		 * are the same, so the tag refuses. */
		if (b.answer_err == 0 || b.c != NULL)
			bad++;
		raw_close(&r);
		end_free(&b);
	}
	T_OK(bad == 0, "each bit of c1 refused");
	n = RECORD_HEAD + 5 + RECORD_TAG;
	for (i = 0, bad = 0; i < n * 8; i++) {
		raw_open(&r, &b);
		if (write(r.fd, r.c1, HELLO_C1) != HELLO_C1)
			bad++;
		{
			uint8_t c2[HELLO_C2];

			if (read_exactly(r.fd, c2, HELLO_C2) != 0 ||
			    hello_finish(&r.h, c2, clock_real(), &r.tx,
				&r.rx) != 0)
				bad++;
		}
		buf_reset(&rec);
		seal_put(r.tx, &rec, "hello", 5, clock_real());
		bit = i;
		buf_data(&rec)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (write(r.fd, buf_data(&rec), buf_len(&rec)) < 0)
			bad++;
		/* A larger length is waited for: end the input. */
		shutdown(r.fd, SHUT_WR);
		for (n = 0; n < 200 && b.closed == 0; n++)
			turns(1);
		n = RECORD_HEAD + 5 + RECORD_TAG;
		if (b.closed != 1 || b.ups != 0 || b.messages != 0)
			bad++;
		raw_close(&r);
		end_free(&b);
	}
	T_OK(bad == 0, "each bit of a record closes");
	buf_free(&rec);
}

static void
send_record(struct raw *r, const char *s, int64_t now)
{
	struct buf rec = BUF_INIT;

	seal_put(r->tx, &rec, s, strlen(s), now);
	T(write(r->fd, buf_data(&rec), buf_len(&rec)) ==
	    (ssize_t)buf_len(&rec));
	buf_free(&rec);
}

static void
test_records(void)
{
	struct buf rec = BUF_INIT;
	struct end b = { 0 };
	struct raw r;

	/* A gap in the sequence, a repetition, an old one. */
	raw_open(&r, &b);
	raw_hello(&r);
	send_record(&r, "", clock_real());
	UNTIL(b.ups == 1);
	seal_put(r.tx, &rec, "lost", 4, clock_real());
	send_record(&r, "after", clock_real());
	UNTIL(b.closed == 1);
	T_INT(b.err, SEC_ERR_REPLAY);
	T_INT(b.messages, 0);
	raw_close(&r);
	end_free(&b);

	raw_open(&r, &b);
	raw_hello(&r);
	buf_reset(&rec);
	seal_put(r.tx, &rec, "once", 4, clock_real());
	T(write(r.fd, buf_data(&rec), buf_len(&rec)) > 0);
	T(write(r.fd, buf_data(&rec), buf_len(&rec)) > 0);
	UNTIL(b.closed == 1);
	T_INT(b.err, SEC_ERR_REPLAY);
	T_INT(b.messages, 1);
	raw_close(&r);
	end_free(&b);

	raw_open(&r, &b);
	raw_hello(&r);
	send_record(&r, "old", clock_real() - SEAL_SKEW - 5000);
	UNTIL(b.closed == 1);
	T_INT(b.err, SEC_ERR_EXPIRED);
	T_INT(b.ups, 0);
	raw_close(&r);
	end_free(&b);

	/* Bytes in single steps come to the same. */
	raw_open(&r, &b);
	raw_hello(&r);
	buf_reset(&rec);
	seal_put(r.tx, &rec, "slowly", 6, clock_real());
	while (buf_len(&rec) > 0) {
		if (write(r.fd, buf_data(&rec), 1) != 1)
			break;
		buf_consume(&rec, 1);
		turns(1);
	}
	UNTIL(b.messages == 1);
	T_STR(b.last, "slowly");
	raw_close(&r);
	end_free(&b);
	buf_free(&rec);
}

/* What a dialled side is told by raw servers. */
static void
test_bad_servers(void)
{
	static const struct {
		const char *what;
		const char *hex;
		int err;
	} t[] = {
		{ "refusal",
		    "c5017f00 1234abcd 0000000000000000000000000000"
		    "000000000000",
		    SEC_ERR_SUBKEY },
		{ "a web server", "485454502f312e31203430302042616420526571",
		    SEC_ERR_FORMAT },
		{ "a record before c2",
		    "c5010101 00000000 0000000000000001"
		    "0000000000000000 00000000 00000000"
		    "0000000000000000 0000000000000000"
		    "0000000000000000 0000000000000000"
		    "0000000000000000",
		    SEC_ERR_FORMAT },
		{ "nothing", "", SEC_ERR_CLOSED },
	};
	struct hello h = hello_of(base);
	uint8_t bytes[128], c1[HELLO_C1];
	struct end a = { 0 };
	size_t i, n;
	int fd;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		a.c = channel_dial(l, &where, &h, 0, &ops, &a);
		fd = accept_one();
		T(read_exactly(fd, c1, sizeof(c1)) == 0);
		n = t_hex(t[i].hex, bytes, sizeof(bytes));
		T(write(fd, bytes, n) == (ssize_t)n);
		shutdown(fd, SHUT_WR);
		UNTIL(a.closed == 1);
		T_OK(a.err == t[i].err && a.ups == 0, "%s: %s", t[i].what,
		    sec_strerror(a.err));
		close(fd);
		end_free(&a);
	}
}

static int
frame_lines(const uint8_t *p, size_t n)
{
	const uint8_t *lf = memchr(p, '\n', n);

	if (p[0] == '!')
		return SEC_ERR_FORMAT;
	return lf != NULL ? (int)(lf + 1 - p) : 0;
}

static void
test_plain(void)
{
	struct end a = { 0 }, b = { 0 };
	int fd;

	a.c = channel_dial_plain(l, &where, frame_lines, &ops, &a);
	fd = accept_one();
	b.s = stream_new(l, fd, 1024, 1024, &door_ops, &b);
	b.c = channel_plain(l, b.s, frame_lines, &ops, &b);
	b.s = NULL;
	T_INT(b.ups, 0);
	UNTIL(a.ups == 1 && b.ups == 1);
	T(channel_is_plain(a.c) && channel_is_plain(b.c));
	b.echo = 1;
	channel_send(a.c, "one\ntwo\nthr", 11);
	UNTIL(b.messages == 2);
	channel_send(a.c, "ee\n", 3);
	UNTIL(b.messages == 3 && a.messages == 3);
	T_STR(b.last, "three\n");
	T_STR(a.last, "three\n");
	/* Keep-alive bytes, and silence. */
	channel_keepalive(a.c, 20, 0, "\n", 1);
	b.echo = 0;
	UNTIL(b.messages >= 5);
	T_STR(b.last, "\n");
	channel_keepalive(a.c, 0, 0, NULL, 0);
	channel_keepalive(b.c, 0, 30, NULL, 0);
	UNTIL(b.closed == 1);
	T_INT(b.err, SEC_ERR_TIMEOUT);
	UNTIL(a.closed == 1);
	end_free(&a);
	end_free(&b);

	/* Nonsense closes. */
	a.c = channel_dial_plain(l, &where, frame_lines, &ops, &a);
	b.s = stream_new(l, accept_one(), 1024, 1024, &door_ops, &b);
	b.c = channel_plain(l, b.s, frame_lines, &ops, &b);
	b.s = NULL;
	UNTIL(a.ups == 1 && b.ups == 1);
	channel_send(a.c, "!!", 2);
	UNTIL(b.closed == 1);
	T_INT(b.err, SEC_ERR_FORMAT);
	end_free(&a);
	end_free(&b);
}

static void
test_keepalive(void)
{
	struct end a = { 0 }, b = { 0 };
	int64_t begun;

	connect_ends(&a, &b, base, 0);
	UNTIL(a.ups == 1 && b.ups == 1);
	channel_keepalive(a.c, 10, 0, NULL, 0);
	channel_keepalive(b.c, 0, 2000, NULL, 0);
	begun = clock_mono();
	while (clock_mono() - begun < 100)
		loop_turn(l, 5);
	T_INT(b.closed, 0);
	T_INT(b.messages, 0);
	/* Without them the other gives up. */
	channel_keepalive(a.c, 0, 0, NULL, 0);
	channel_keepalive(b.c, 0, 20, NULL, 0);
	UNTIL(b.closed == 1);
	T_INT(b.err, SEC_ERR_TIMEOUT);
	end_free(&a);
	end_free(&b);
}

int
main(void)
{
	size_t secrets;

	crypto_init();
	l = loop_new();
	base = crypto_random_key(32, 0);
	secrets = secret_count();
	T_INT(hello_id_user(&user, "alice@EXAMPLE.ORG"), 0);
	hello_id_server(&server, OURS);
	addr_parse(&where, "127.0.0.1:0");
	listener = sock_listen(&where);
	T(listener >= 0);
	sock_local(listener, &where);
	test_both_ways();
	test_freed_inside();
	test_offset();
	test_wrong_key();
	test_unreachable();
	test_replay();
	test_flips();
	test_records();
	test_bad_servers();
	test_plain();
	test_keepalive();
	T_INT(secret_count(), secrets); /* no key was left behind */
	secret_free(base);
	close(listener);
	loop_free(l);
	return t_done();
}
