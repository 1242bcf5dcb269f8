/*
 * Two stacks in one process, connections over socketpairs: S049 (SIP is the
 * protocol), S048e (data in bodies).
 */
#include <sys/socket.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/sock.h"
#include "crypto/random.h"
#include "sip/dialog.h"
#include "sip/stack.h"

#include "../test.h"

static struct loop *l;
static struct sip_stack *cli, *srv;

/* What the server side has seen. */
static struct {
	char log[512];
	uint64_t invite;
	char to_tag[40];
	int ups, downs, err;
	struct sip_conn *conn;
} s;

/* What the client side has seen. */
static struct {
	char log[512];
	char to_tag[40], call_id[128], note[64], body[64];
	int ups, downs, err;
	int free_stack, close_others;
} c;

static void note(char *log, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
note(char *log, const char *fmt, ...)
{
	size_t n = strlen(log);
	va_list ap;

	if (n > 0 && n < 500)
		log[n++] = ' ';
	va_start(ap, fmt);
	vsnprintf(log + n, 512 - n, fmt, ap);
	va_end(ap);
}

/* --- server handlers --- */

static void
on_message(void *ctx, struct sip_txn *t, const struct sip_msg *req)
{
	struct sip_msg a;

	(void)ctx;
	note(s.log, "MESSAGE:%.*s", (int)req->bodylen,
	    req->body != NULL ? (const char *)req->body : "");
	if (req->bodylen == 5 && memcmp(req->body, "later", 5) == 0) {
		s.invite = sip_txn_id(t);
		return;
	}
	sip_msg_init(&a);
	a.status = 200;
	a.note = "done, really";
	a.content_type = "text/plain";
	a.body = req->body;
	a.bodylen = req->bodylen;
	if (req->bodylen == 3 && memcmp(req->body, "bad", 3) == 0)
		a.content_type = "text/plain\r\nX: y";
	sip_answer(t, &a);
}

static void
on_invite(void *ctx, struct sip_txn *t, const struct sip_msg *req)
{
	(void)ctx;
	note(s.log, "INVITE");
	s.invite = sip_txn_id(t);
	sip_txn_set_cookie(t, 77);
	snprintf(s.to_tag, sizeof(s.to_tag), "%s", sip_txn_to_tag(t));
	(void)req;
}

static void
on_ack(void *ctx, struct sip_txn *t, const struct sip_msg *req)
{
	(void)ctx;
	note(s.log, "ACK:%s",
	    req->to_tag != NULL && strcmp(req->to_tag, s.to_tag) == 0 ?
		"same" :
		"other");
	sip_answer_status(t, 200); /* is ignored */
}

static void
on_cancel(void *ctx, struct sip_txn *t, const struct sip_msg *req)
{
	(void)ctx;
	(void)req;
	note(s.log, "CANCEL:%d", (int)sip_txn_cookie(t));
	sip_answer_status(t, 487);
}

static void
on_bye(void *ctx, struct sip_txn *t, const struct sip_msg *req)
{
	(void)ctx;
	note(s.log, "BYE:%u", req->cseq);
	sip_answer_status(t, 200);
}

static void
on_publish(void *ctx, struct sip_txn *t, const struct sip_msg *req)
{
	(void)ctx;
	(void)req;
	note(s.log, "PUBLISH");
	sip_answer_status(t, 200);
}

static void
on_register(void *ctx, struct sip_txn *t, const struct sip_msg *req)
{
	(void)ctx;
	note(s.log, "REGISTER:%s", req->auth_token);
	sip_answer_status(t, 200);
}

static const struct sip_method methods[] = {
	{ "MESSAGE", NEED_SESSION | NEED_DEVICE, on_message },
	{ "INVITE", NEED_SESSION, on_invite },
	{ "ACK", NEED_SESSION, on_ack },
	{ "CANCEL", NEED_SESSION, on_cancel },
	{ "BYE", NEED_SESSION, on_bye },
	{ "PUBLISH", NEED_DEVICE, on_publish },
	{ "REGISTER", NEED_TICKET, on_register },
	{ NULL, 0, NULL },
};

static const struct sip_method without_cancel[] = {
	{ "INVITE", NEED_SESSION, on_invite },
	{ NULL, 0, NULL },
};

static void
srv_up(void *ctx, struct sip_conn *conn)
{
	(void)ctx;
	s.ups++;
	s.conn = conn;
}

static void
srv_down(void *ctx, struct sip_conn *conn, int err)
{
	(void)ctx;
	(void)conn;
	s.downs++;
	s.err = err;
	if (s.conn == conn)
		s.conn = NULL;
}

static void
cli_up(void *ctx, struct sip_conn *conn)
{
	(void)ctx;
	(void)conn;
	c.ups++;
}

static void
cli_down(void *ctx, struct sip_conn *conn, int err)
{
	(void)ctx;
	(void)conn;
	c.downs++;
	c.err = err;
}

static const struct sip_stack_ops srv_ops = { srv_up, srv_down };
static const struct sip_stack_ops cli_ops = { cli_up, cli_down };

/* --- connections --- */

#define UNTIL(cond)                                                            \
	do {                                                                   \
		int64_t end_ = clock_mono() + 60000;                           \
		while (!(cond) && clock_mono() < end_)                         \
			loop_turn(l, 5);                                       \
		T(cond);                                                       \
	} while (0)

static const struct stream_ops no_ops = { NULL, NULL, NULL };

static struct sip_conn *
conn_on(struct sip_stack *st, int fd, unsigned proof, uint32_t keyid)
{
	struct sip_peer peer;
	struct sip_conn *conn;
	struct stream *str;

	memset(&peer, 0, sizeof(peer));
	peer.proof = proof;
	peer.keyid = keyid;
	snprintf(peer.user, sizeof(peer.user), "alice");
	str = stream_new(l, fd, 65536, 65536, &no_ops, NULL);
	conn = sip_conn_new(st, &peer);
	sip_conn_attach(conn,
	    channel_plain(l, str, sip_frame, &sip_channel_ops, conn));
	return conn;
}

/* A connected pair; returns the client's, s.conn is the server's. */
static struct sip_conn *
join(unsigned proof)
{
	struct sip_conn *a;
	int sv[2], ups = s.ups, cups = c.ups;

	T(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	conn_on(srv, sv[0], proof, 1);
	a = conn_on(cli, sv[1], NEED_SERVER, 2);
	UNTIL(s.ups == ups + 1 && c.ups == cups + 1);
	return a;
}

static void
begin(void)
{
	memset(&s, 0, sizeof(s));
	memset(&c, 0, sizeof(c));
	srv = sip_stack_new(l, methods, &srv_ops, NULL);
	cli = sip_stack_new(l, NULL, &cli_ops, NULL);
}

static void
finish(void)
{
	sip_stack_free(srv);
	sip_stack_free(cli);
	srv = cli = NULL;
	loop_turn(l, 0);
}

static void
on_answer(void *ctx, uint64_t cookie, const struct sip_msg *a)
{
	(void)ctx;
	note(c.log, "%d/%d", (int)cookie, a->status);
	snprintf(c.to_tag, sizeof(c.to_tag), "%s",
	    a->to_tag != NULL ? a->to_tag : "");
	snprintf(c.call_id, sizeof(c.call_id), "%s",
	    a->call_id != NULL ? a->call_id : "");
	snprintf(c.note, sizeof(c.note), "%s", a->note ? a->note : "");
	snprintf(c.body, sizeof(c.body), "%.*s", (int)a->bodylen,
	    a->body != NULL ? (const char *)a->body : "");
	if (c.free_stack) {
		sip_stack_free(cli);
		cli = NULL;
	}
}

static struct sip_msg
request_of(const char *method, const char *body)
{
	struct sip_msg m;

	sip_msg_init(&m);
	m.method = method;
	m.uri = "sip:bob@example.org";
	m.from = "sip:alice@example.org";
	if (body != NULL) {
		m.content_type = "text/plain";
		m.body = body;
		m.bodylen = strlen(body);
	}
	return m;
}

static uint64_t
ask(struct sip_conn *conn, const char *method, const char *body, int cookie)
{
	struct sip_msg m = request_of(method, body);

	return sip_request(conn, &m, 0, on_answer, NULL, (uint64_t)cookie);
}

static void
answer(int status)
{
	struct sip_txn *t = sip_txn_find(srv, s.invite);
	struct sip_msg a;

	T(t != NULL);
	if (t == NULL)
		return;
	sip_msg_init(&a);
	a.status = status;
	a.contact = "sip:bob@host";
	sip_answer(t, &a);
}

static struct sip_conn *late_conn;
static uint64_t late_id;

/* Told that nobody answered in time: gives all of it up, then looks. */
static void
on_late(void *ctx, uint64_t cookie, const struct sip_msg *a)
{
	sip_conn_close(late_conn, 0);
	sip_forget(cli, late_id);
	on_answer(ctx, cookie, a);
}

static void
test_late(void)
{
	struct sip_msg m = request_of("INVITE", NULL);

	begin();
	late_conn = join(NEED_SESSION);
	m.call_id = "late";
	late_id = sip_request(late_conn, &m, 1, on_late, NULL, 1);
	UNTIL(strcmp(c.log, "1/408") == 0);
	T_STR(c.call_id, "late");
	finish();
}

/* Whoever has proved himself may still send without end. */
static void
test_too_many(void)
{
	struct sip_conn *conn;
	int i;

	begin();
	conn = join(NEED_SESSION);
	for (i = 0; i < SIP_OPEN - 1; i++)
		if (ask(conn, "MESSAGE", "later", 1) == 0)
			break;
	T_INT(i, SIP_OPEN - 1);
	UNTIL(sip_open_count(srv) == SIP_OPEN - 1);
	/* One that was answered is kept, for a repetition. */
	ask(conn, "MESSAGE", "hi", 2);
	UNTIL(strcmp(c.log, "2/200") == 0);
	ask(conn, "MESSAGE", "late", 3);
	UNTIL(strcmp(c.log, "2/200 3/503") == 0);
	T_INT(sip_open_count(srv), SIP_OPEN - 1);
	answer(200);
	ask(conn, "MESSAGE", "again", 4);
	UNTIL(strcmp(c.log, "2/200 3/503 1/200 4/200") == 0);
	finish();
}

static void
test_request(void)
{
	struct sip_conn *conn;
	struct sip_msg m;

	begin();
	conn = join(NEED_SESSION);
	T(sip_conn_is_up(conn));
	T_INT(sip_conn_count(srv), 1);
	T(ask(conn, "MESSAGE", "hi", 1) != 0);
	T_INT(sip_open_count(cli), 1);
	UNTIL(strcmp(c.log, "1/200") == 0);
	T_STR(s.log, "MESSAGE:hi");
	T_STR(c.note, "done, really");
	T_STR(c.body, "hi");
	T(strlen(c.to_tag) > 0 && strlen(c.call_id) > 0);
	T_INT(sip_open_count(cli) + sip_open_count(srv), 0);
	/* Answered later, by id. */
	ask(conn, "MESSAGE", "later", 2);
	UNTIL(s.invite != 0);
	T_INT(sip_open_count(srv), 1);
	answer(202);
	T(sip_txn_find(srv, s.invite) == NULL);
	UNTIL(strcmp(c.log, "1/200 2/202") == 0);
	/* A value that cannot be written is our fault: 500. */
	ask(conn, "MESSAGE", "bad", 3);
	UNTIL(strcmp(c.log, "1/200 2/202 3/500") == 0);
	/* ... and a request with one is not sent. */
	m = request_of("MESSAGE", NULL);
	m.conference = "a\nb";
	T_INT(sip_request(conn, &m, 0, on_answer, NULL, 4), 0);
	/* Forgotten: no callback. */
	sip_forget(cli, ask(conn, "MESSAGE", "x", 5));
	T_INT(sip_open_count(cli), 0);
	/* The server asks too: the same connection, the other way. */
	m = request_of("NOTIFY", NULL);
	T(sip_request(s.conn, &m, 0, on_answer, NULL, 6) != 0);
	UNTIL(strcmp(c.log, "1/200 2/202 3/500 6/405") == 0);
	finish();
}

static void
test_invite(void)
{
	struct sip_msg req, ack;
	struct sip_conn *conn;
	struct dialog d;
	uint64_t id;

	begin();
	conn = join(NEED_SESSION);
	/* INVITE 180 200 ACK */
	id = ask(conn, "INVITE", NULL, 1);
	UNTIL(s.invite != 0);
	answer(100);
	answer(180);
	UNTIL(strcmp(c.log, "1/180") == 0);
	T_STR(c.to_tag, s.to_tag);
	answer(200);
	UNTIL(strcmp(c.log, "1/180 1/200") == 0);
	T_STR(c.to_tag, s.to_tag);
	T_INT(sip_open_count(cli) + sip_open_count(srv), 0);
	sip_cancel(cli, id); /* too late: nothing */
	memset(&d, 0, sizeof(d));
	strcpy(d.call_id, c.call_id);
	strcpy(d.local_uri, "sip:alice@example.org");
	strcpy(d.remote_uri, "sip:bob@example.org");
	strcpy(d.local_tag, "x");
	strcpy(d.remote_tag, c.to_tag);
	strcpy(d.target, "sip:bob@host");
	d.local_cseq = 1;
	sip_msg_init(&ack);
	dialog_ack(&d, &ack, 1);
	ack.conference_key = "AAAA";
	sip_ack(conn, &ack);
	UNTIL(strcmp(s.log, "INVITE ACK:same") == 0);
	sip_msg_init(&req);
	dialog_request(&d, &req, "BYE");
	sip_request(conn, &req, 0, on_answer, NULL, 2);
	UNTIL(strcmp(c.log, "1/180 1/200 2/200") == 0);
	T_STR(s.log, "INVITE ACK:same BYE:2");

	/* INVITE 486, whose ACK is the stack's own. */
	s.log[0] = c.log[0] = '\0';
	s.invite = 0;
	ask(conn, "INVITE", NULL, 3);
	UNTIL(s.invite != 0);
	answer(486);
	T(sip_txn_find(srv, s.invite) == NULL);
	UNTIL(strcmp(c.log, "3/486") == 0);
	ask(conn, "MESSAGE", "after", 4);
	UNTIL(strcmp(c.log, "3/486 4/200") == 0);
	T_STR(s.log, "INVITE MESSAGE:after");
	finish();
}

static void
test_cancel(void)
{
	struct sip_conn *conn;
	uint64_t id;

	begin();
	conn = join(NEED_SESSION);
	id = ask(conn, "INVITE", NULL, 1);
	sip_cancel(cli, id);
	sip_cancel(cli, id);
	UNTIL(strcmp(c.log, "1/487") == 0);
	T_STR(s.log, "INVITE CANCEL:77");
	/* It crosses the 200: the caller gets that. */
	s.log[0] = c.log[0] = '\0';
	s.invite = 0;
	id = ask(conn, "INVITE", NULL, 2);
	UNTIL(s.invite != 0);
	answer(200);
	sip_cancel(cli, id);
	UNTIL(strcmp(c.log, "2/200") == 0);
	ask(conn, "MESSAGE", "x", 3);
	UNTIL(strcmp(c.log, "2/200 3/200") == 0);
	T_STR(s.log, "INVITE MESSAGE:x");
	/* Forgotten while it rings: cancelled. */
	s.log[0] = c.log[0] = '\0';
	s.invite = 0;
	id = ask(conn, "INVITE", NULL, 4);
	UNTIL(s.invite != 0);
	sip_forget(cli, id);
	UNTIL(strcmp(s.log, "INVITE CANCEL:77") == 0);
	UNTIL(sip_open_count(cli) == 0);
	T_STR(c.log, "");
	/* Forgotten, but answered 200 all the same: ended by BYE. */
	s.log[0] = '\0';
	s.invite = 0;
	id = ask(conn, "INVITE", NULL, 5);
	UNTIL(s.invite != 0);
	answer(200);
	sip_forget(cli, id);
	UNTIL(strcmp(s.log, "INVITE ACK:same BYE:2") == 0);
	UNTIL(sip_open_count(cli) == 0);
	T_STR(c.log, "");
	finish();

	/* Without a row the stack answers 487. */
	memset(&s, 0, sizeof(s));
	memset(&c, 0, sizeof(c));
	srv = sip_stack_new(l, without_cancel, &srv_ops, NULL);
	cli = sip_stack_new(l, NULL, &cli_ops, NULL);
	conn = join(NEED_SESSION);
	sip_cancel(cli, ask(conn, "INVITE", NULL, 1));
	UNTIL(strcmp(c.log, "1/487") == 0);
	finish();
}

static void
test_deadline(void)
{
	struct sip_conn *conn;
	struct sip_msg m;

	begin();
	conn = join(NEED_SESSION);
	m = request_of("MESSAGE", "later");
	sip_request(conn, &m, 20, on_answer, NULL, 1);
	UNTIL(strcmp(c.log, "1/408") == 0);
	T_INT(sip_open_count(cli), 0);
	/* Its late answer is nobody's. */
	answer(200);
	m = request_of("INVITE", NULL);
	sip_request(conn, &m, 20, on_answer, NULL, 2);
	UNTIL(strcmp(c.log, "1/408 2/408") == 0);
	UNTIL(strcmp(s.log, "MESSAGE:later INVITE CANCEL:77") == 0);
	UNTIL(sip_open_count(cli) == 0);
	T_STR(c.log, "1/408 2/408");
	finish();
}

static void
on_loss(void *ctx, uint64_t cookie, const struct sip_msg *a)
{
	uint64_t *ids = ctx;

	note(c.log, "%d/%d", (int)cookie, a->status);
	T_STR(a->method, "MESSAGE");
	/* The first takes the third with it. */
	if (cookie == 1)
		sip_forget(cli, ids[3]);
	if (c.free_stack) {
		sip_stack_free(cli);
		cli = NULL;
	}
}

static void
test_loss(void)
{
	struct sip_conn *conn;
	struct sip_msg m;
	uint64_t ids[5], connid;
	int i;

	begin();
	conn = join(NEED_SESSION);
	m = request_of("MESSAGE", "later");
	for (i = 1; i <= 4; i++)
		ids[i] = sip_request(conn, &m, 0, on_loss, ids, (uint64_t)i);
	UNTIL(s.invite != 0);
	connid = sip_conn_id(conn);
	T(sip_conn_find(cli, connid) == conn);
	sip_conn_close(s.conn, SEC_ERR_NO);
	T(s.downs == 0); /* told at the end of the turn */
	UNTIL(c.downs == 1);
	T_INT(s.err, SEC_ERR_NO);
	T_INT(s.downs, 1);
	T_INT(c.err, SEC_ERR_CLOSED);
	T_STR(c.log, "1/503 2/503 4/503");
	T(sip_conn_find(cli, connid) == NULL);
	T(sip_txn_find(srv, s.invite) == NULL);
	T_INT(sip_open_count(cli) + sip_open_count(srv), 0);
	finish();

	/* The stack is freed by the first callback. */
	begin();
	conn = join(NEED_SESSION);
	for (i = 1; i <= 3; i++)
		ids[i] = sip_request(conn, &m, 0, on_loss, ids, (uint64_t)i);
	c.free_stack = 1;
	sip_conn_close(s.conn, 0);
	UNTIL(cli == NULL);
	T_STR(c.log, "1/503");
	finish();
	begin();
	conn = join(NEED_SESSION);
	c.free_stack = 1;
	ask(conn, "MESSAGE", "hi", 1);
	UNTIL(cli == NULL);
	T_STR(c.log, "1/200");
	finish();
	/* Closing twice, requests on what is closing, one not attached. */
	begin();
	conn = join(NEED_SESSION);
	sip_conn_close(conn, SEC_ERR_NO);
	sip_conn_close(conn, SEC_ERR_BUSY);
	T(!sip_conn_is_up(conn));
	T_INT(ask(conn, "MESSAGE", "hi", 1), 0);
	UNTIL(c.downs == 1);
	T_INT(c.err, SEC_ERR_NO);
	sip_conn_close(sip_conn_new(cli, NULL), 0);
	T_INT(sip_conn_count(cli), 0);
	/* What is queued goes out before finish. */
	conn = join(NEED_SESSION);
	ask(conn, "MESSAGE", "later", 1);
	sip_conn_finish(conn);
	UNTIL(c.downs == 2 && s.invite != 0);
	T_STR(c.log, "1/503");
	finish();
}

static void
test_proof(void)
{
	struct sip_conn *conn;
	struct sip_msg m;

	begin();
	conn = join(NEED_SESSION);
	ask(conn, "PUBLISH", NULL, 1);
	ask(conn, "UNHEARD", NULL, 2);
	UNTIL(strcmp(c.log, "1/403 2/405") == 0);
	T_STR(s.log, "");
	T_INT(s.downs, 0);
	/* Proof may come later. */
	sip_conn_peer(s.conn)->proof |= NEED_DEVICE;
	ask(conn, "PUBLISH", NULL, 3);
	UNTIL(strcmp(c.log, "1/403 2/405 3/200") == 0);
	finish();

	/* Strangers: REGISTER with a ticket, or closed without a word. */
	begin();
	conn = join(0);
	m = request_of("REGISTER", NULL);
	m.uri = "sip:example.org";
	m.auth_realm = "EXAMPLE.ORG";
	m.auth_target = "sip/pal1.example.org";
	m.auth_token = "YII";
	sip_request(conn, &m, 0, on_answer, NULL, 1);
	UNTIL(strcmp(c.log, "1/200") == 0);
	T_STR(s.log, "REGISTER:YII");
	ask(conn, "OPTIONS", NULL, 2);
	UNTIL(strcmp(c.log, "1/200 2/503") == 0);
	T_INT(s.downs, 1);
	finish();
	begin();
	conn = join(0);
	ask(conn, "REGISTER", NULL, 1);
	UNTIL(strcmp(c.log, "1/503") == 0);
	T_STR(s.log, "");
	finish();
	begin();
	conn = join(0);
	ask(conn, "MESSAGE", "hi", 1);
	UNTIL(strcmp(c.log, "1/503") == 0);
	T_STR(s.log, "");
	finish();
}

/* --- a raw peer, for what our own client never does --- */

static int
raw_join(unsigned proof)
{
	int sv[2], ups = s.ups;

	T(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	conn_on(srv, sv[0], proof, 1);
	fcntl(sv[1], F_SETFL, O_NONBLOCK);
	UNTIL(s.ups == ups + 1);
	return sv[1];
}

static void
raw_say(int fd, const char *text)
{
	T(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* What came, as status lines: "200 487 ". */
static const char *
raw_hear(int fd, int want)
{
	static char out[256];
	static char in[16384];
	size_t n = 0;
	int i, got = 0, size, status;
	const char *b;
	size_t blen;
	ssize_t r;

	out[0] = '\0';
	for (i = 0; i < 1000 && got < want; i++) {
		loop_turn(l, 1);
		r = read(fd, in + n, sizeof(in) - n);
		if (r <= 0)
			continue;
		n += (size_t)r;
		while ((size = sip_frame((uint8_t *)in, n)) > 0) {
			if (sip_peek_answer(in, (size_t)size, &status, &b,
				&blen) == 0)
				snprintf(out + strlen(out),
				    sizeof(out) - strlen(out), "%d ", status);
			else
				strcat(out, "? ");
			n -= (size_t)size;
			memmove(in, in + size, n);
			got++;
		}
	}
	return out;
}

#define RAW(method, branch, num)                                               \
	method " sip:bob@example.org SIP/2.0\r\n"                              \
	       "Via: SIP/2.0/TCP h;rport;branch=z9hG4bK" branch "\r\n"         \
	       "From: <sip:alice@example.org>;tag=1\r\n"                       \
	       "To: <sip:bob@example.org>\r\nCall-ID: 1\r\n"                   \
	       "CSeq: " num " " method "\r\nContent-Length: "

static void
test_repeated(void)
{
	int fd;

	begin();
	fd = raw_join(NEED_SESSION);
	/* A request with the same branch gets the last answer again. */
	raw_say(fd, "\r\n\r\n" RAW("MESSAGE", "1", "1") "2\r\n\r\nhi");
	T_STR(raw_hear(fd, 1), "200 ");
	raw_say(fd, RAW("MESSAGE", "1", "1") "2\r\n\r\nhi");
	T_STR(raw_hear(fd, 1), "200 ");
	T_STR(s.log, "MESSAGE:hi");
	/* Another method or branch is another transaction. */
	raw_say(fd, RAW("MESSAGE", "2", "2") "1\r\n\r\nx");
	raw_say(fd, RAW("BYE", "2", "3") "0\r\n\r\n");
	T_STR(raw_hear(fd, 2), "200 200 ");
	T_STR(s.log, "MESSAGE:hi MESSAGE:x BYE:3");
	s.log[0] = '\0';
	raw_say(fd, RAW("INVITE", "3", "4") "0\r\n\r\n");
	UNTIL(s.invite != 0);
	answer(180);
	T_STR(raw_hear(fd, 1), "180 ");
	raw_say(fd, RAW("INVITE", "3", "4") "0\r\n\r\n");
	T_STR(raw_hear(fd, 1), "180 ");
	answer(603);
	raw_say(fd, RAW("INVITE", "3", "4") "0\r\n\r\n");
	T_STR(raw_hear(fd, 2), "603 603 ");
	/* CANCEL that came too late; ACK ends it; CANCEL of nothing. */
	raw_say(fd, RAW("CANCEL", "3", "4") "0\r\n\r\n");
	T_STR(raw_hear(fd, 1), "200 ");
	raw_say(fd, RAW("ACK", "3", "4") "0\r\n\r\n");
	raw_say(fd, RAW("CANCEL", "3", "4") "0\r\n\r\n");
	T_STR(raw_hear(fd, 1), "481 ");
	T_STR(s.log, "INVITE");
	/* An answer to nothing is ignored, nonsense closes. */
	raw_say(fd,
	    "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
	    "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\n"
	    "CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n");
	raw_say(fd, RAW("MESSAGE", "5", "5") "1\r\n\r\ny");
	T_STR(raw_hear(fd, 1), "200 ");
	T_INT(s.downs, 0);
	raw_say(fd, "MESSAGE sip:b@c SIP/2.0\r\nContent-Length: 0\r\n\r\n");
	UNTIL(s.downs == 1);
	T_INT(s.err, SEC_ERR_FORMAT);
	close(fd);
	/* The size that strangers may send. */
	fd = raw_join(0);
	raw_say(fd, RAW("REGISTER", "1", "1") "20000\r\n\r\n");
	{
		static char zeros[20001];

		memset(zeros, 'z', 20000);
		raw_say(fd, zeros);
	}
	UNTIL(s.downs == 2);
	T_INT(s.err, SEC_ERR_LIMIT);
	close(fd);
	finish();
}

/* --- fan-out --- */

static void
on_status(void *ctx, uint64_t cookie, int status)
{
	(void)ctx;
	note(c.log, "%d/%d", (int)cookie, status);
}

static void
test_fan(void)
{
	struct sip_conn *conn[3];
	struct sip_fan *f;
	struct sip_msg m;
	char first[32];
	int i;

	begin();
	for (i = 0; i < 3; i++)
		conn[i] = join(NEED_DEVICE);
	m = request_of("MESSAGE", "to all");
	m.author = "sip:alice@example.org";
	m.author_q = "1.7";
	f = sip_fan_new(&m);
	for (i = 0; i < 3; i++)
		T(sip_fan_send(f, conn[i], "sip:bob@example.org;q=1.8",
		      i == 2 ? 1 : -1, 0, on_status, NULL, (uint64_t)i) != 0);
	T_INT(sip_open_count(cli), 3);
	UNTIL(strlen(c.log) == 17);
	for (i = 0; i < 3; i++) {
		snprintf(first, sizeof(first), "%d/200", i);
		T(strstr(c.log, first) != NULL);
	}
	T_STR(s.log, "MESSAGE:to all MESSAGE:to all MESSAGE:to all");
	T_INT(sip_open_count(cli), 0);
	/* Bad receivers, deadlines, loss. */
	T_INT(sip_fan_send(f, conn[0], "sip:x>\r\n", -1, 0, on_status, NULL, 9),
	    0);
	sip_fan_free(f);
	m = request_of("MESSAGE", "later");
	f = sip_fan_new(&m);
	c.log[0] = '\0';
	sip_fan_send(f, conn[0], "sip:b@c", 0, 20, on_status, NULL, 1);
	UNTIL(strcmp(c.log, "1/408") == 0);
	c.log[0] = '\0';
	sip_fan_send(f, conn[1], "sip:b@c", 0, 0, on_status, NULL, 2);
	sip_fan_send(f, conn[2], "sip:b@c", 0, 0, on_status, NULL, 3);
	sip_conn_close(conn[1], 0);
	UNTIL(strcmp(c.log, "2/0") == 0); /* SIP_LOST */
	sip_fan_free(f);
	sip_fan_free(NULL);
	/* A template that cannot be printed sends nothing. */
	m.author = "x\r\ny";
	f = sip_fan_new(&m);
	T_INT(sip_fan_send(f, conn[2], "sip:b@c", 0, 0, on_status, NULL, 4), 0);
	sip_fan_free(f);
	finish();
}

/* A request of which only the status matters. */
static void
test_tell(void)
{
	struct sip_conn *conn;
	struct sip_msg m;

	begin();
	conn = join(NEED_SESSION);
	m = request_of("MESSAGE", "hi");
	T(sip_tell(conn, &m, 0, on_status, NULL, 1) != 0);
	T(sip_tell(conn, &m, 0, NULL, NULL, 2) != 0);
	T_INT(sip_open_count(cli), 2);
	UNTIL(strcmp(c.log, "1/200") == 0 && sip_open_count(cli) == 0);
	T_STR(s.log, "MESSAGE:hi MESSAGE:hi");
	c.log[0] = '\0';
	m = request_of("MESSAGE", "later");
	sip_tell(conn, &m, 20, on_status, NULL, 3);
	UNTIL(strcmp(c.log, "3/408") == 0);
	c.log[0] = '\0';
	sip_tell(conn, &m, 0, on_status, NULL, 4);
	sip_conn_close(conn, 0);
	T_INT(sip_tell(conn, &m, 0, on_status, NULL, 5), 0);
	UNTIL(strcmp(c.log, "4/0") == 0);
	finish();
}

/* --- sealed: 403 and not closed; answers from other connections --- */

static struct hello_id alice, number;
static struct secret *base;

static void
door_input(void *arg, struct buf *in)
{
	struct stream **st = arg;
	struct sip_peer peer;
	struct sip_conn *conn;
	struct channel *ch;
	int err;

	if (buf_len(in) < HELLO_C1)
		return;
	memset(&peer, 0, sizeof(peer));
	peer.proof = NEED_DEVICE;
	conn = sip_conn_new(srv, &peer);
	ch = channel_answer(l, *st, &alice, &number, 7, base, &sip_channel_ops,
	    conn, &err);
	T(ch != NULL);
	sip_conn_attach(conn, ch);
}

static void
door_closed(void *arg, int err)
{
	(void)arg;
	(void)err;
}

static const struct stream_ops door_ops = { NULL, door_input, door_closed };

static void
test_sealed(void)
{
	struct sip_conn *conn;
	struct sip_peer peer;
	struct stream *st;
	struct addr where, from;
	struct hello h;
	int fd, listener;

	begin();
	base = crypto_random_key(32, 0);
	hello_id_user(&alice, "alice@EXAMPLE.ORG");
	hello_id_server(&number, 7);
	addr_parse(&where, "127.0.0.1:0");
	listener = sock_listen(&where);
	sock_local(listener, &where);
	memset(&h, 0, sizeof(h));
	h.tt = RECORD_CLIENT;
	h.by = 7;
	h.keyid = 0xabcd;
	h.to_number = 7;
	h.from = alice;
	h.to = number;
	h.base = base;
	memset(&peer, 0, sizeof(peer));
	peer.proof = NEED_SERVER;
	peer.keyid = 0xabcd;
	conn = sip_conn_new(cli, &peer);
	T_STR(sip_conn_host(conn), "0000abcd.invalid");
	sip_conn_attach(conn,
	    channel_dial(l, &where, &h, 0, &sip_channel_ops, conn));
	T_INT(ask(conn, "MESSAGE", "early", 9), 0);
	do
		loop_turn(l, 1);
	while ((fd = sock_accept(listener, &from)) < 0);
	st = stream_new(l, fd, 4096, 4096, &door_ops, &st);
	UNTIL(s.ups == 1 && c.ups == 1);
	ask(conn, "INVITE", NULL, 1); /* needs a session */
	ask(conn, "MESSAGE", "hi", 2);
	UNTIL(strcmp(c.log, "1/403 2/200") == 0);
	T_STR(s.log, "MESSAGE:hi");
	T_INT(s.downs, 0);
	finish();
	secret_free(base);
	close(listener);
}

int
main(void)
{
	crypto_init();
	l = loop_new();
	test_request();
	test_too_many();
	test_late();
	test_invite();
	test_cancel();
	test_deadline();
	test_loss();
	test_proof();
	test_repeated();
	test_fan();
	test_tell();
	test_sealed();
	loop_free(l);
	return t_done();
}
