/*
 * service_main() as a process of its own, asked from outside: sockets by
 * LISTEN_FDS and by descriptor 0, hellos, REGISTER, strangers, control
 * socket, reload, drain, ends.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../test.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/sock.h"
#include "crypto/random.h"
#include "ctl/call.h"
#include "server/service.h"

#define PRINCIPAL "alice@LAB.TEST"
#define WAIT_MS	  20000

static char dir[64];
static struct addr port;

/* --- the daemon, in the child --- */

static int has_late_key;
static struct buf history;

static struct secret *
key_of(uint32_t keyid)
{
	uint8_t k[32];

	memset(k, (int)keyid, sizeof(k));
	return secret_copy(k, sizeof(k));
}

/* Keys 1 and 2 are known, 3 comes later, 4 never. */
static int
on_hello(struct service *s, const struct hello_c1 *c1, struct hello_key *out)
{
	static struct secret *base;

	if (c1->keyid == 3 && !has_late_key)
		return SEC_ERR_NOTHING;
	if (c1->keyid == 5)
		return SEC_ERR_NOTHING;
	if (c1->keyid > 3)
		return SEC_ERR_SUBKEY;
	secret_free(base);
	base = key_of(c1->keyid);
	out->base = base;
	(void)hello_id_user(&out->from, PRINCIPAL);
	hello_id_server(&out->to, s->self->number);
	out->peer.proof = NEED_SESSION;
	out->peer.keyid = c1->keyid;
	snprintf(out->peer.user, sizeof(out->peer.user), "alice");
	snprintf(out->peer.instance, sizeof(out->peer.instance), "%032d",
	    c1->keyid == 3 ? 3 : 1);
	return 0;
}

static void
on_up(struct service *s, struct sip_conn *c)
{
	(void)s;
	buf_putf(&history, "+%u", sip_conn_peer(c)->keyid);
}

static void
on_down(struct service *s, struct sip_conn *c, int err)
{
	(void)s;
	(void)err;
	buf_putf(&history, "-%u", sip_conn_peer(c)->keyid);
}

static void
on_options(void *ctx, struct sip_txn *t, const struct sip_msg *req)
{
	(void)ctx;
	(void)req;
	sip_answer_status(t, 200);
}

static void
on_register(void *ctx, struct sip_txn *t, const struct sip_msg *req)
{
	(void)ctx;
	sip_answer_status(t, req->auth_token != NULL ? 403 : 500);
}

static void
on_key(void *ctx, struct ctl_req *r)
{
	has_late_key = 1;
	service_keys_changed(ctx);
	ctl_ok(r);
}

static void
on_history(void *ctx, struct ctl_req *r)
{
	struct buf *b = ctl_ok_begin(r);

	(void)ctx;
	line_put(b, "is", buf_cstr(&history));
	ctl_end(r);
	buf_reset(&history);
}

static int
on_health(struct service *s, struct buf *words)
{
	(void)s;
	buf_put_str(words, "7 sessions");
	return 0;
}

static const struct sip_method methods[] = {
	{ "REGISTER", NEED_TICKET, on_register },
	{ "OPTIONS", NEED_SESSION, on_options },
	{ NULL, 0, NULL },
};
static const struct ctl_verb verbs[] = {
	{ "key", CTL_SAME, on_key },
	{ "history", CTL_SAME, on_history },
	{ NULL, 0, NULL },
};
static const struct service_def def = {
	.prog = "sec-test",
	.role = "pal",
	.port = 7321,
	.methods = methods,
	.verbs = verbs,
	.hello_key = on_hello,
	.conn_up = on_up,
	.conn_down = on_down,
	.health = on_health,
	.takes_register = 1,
};

/* --- starting it --- */

static int notify = -1;

static void
write_text(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (proc_write_file(path, text, strlen(text), 0644) != 0)
		exit(1);
}

static void
make_dir(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct buf line = BUF_INIT;
	struct server v = { .number = 2,
		.name = "pal",
		.role = "pal",
		.addr = "127.0.0.1:1" };
	char why[256], path[128];

	snprintf(dir, sizeof(dir), "/tmp/sec-unit-service-XXXXXX");
	if (mkdtemp(dir) == NULL)
		exit(1);
	setenv("SEC_DIR", dir, 1);
	snprintf(path, sizeof(path), "%s/etc", dir);
	(void)proc_mkdirs(path, 0755);
	if (epochs_init("pal", v.pub, why, sizeof(why)) != 0)
		exit(1);
	buf_put_str(&line,
	    "1 confctl confctl 127.0.0.1:2 "
	    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
	servers_put_line(&line, &v);
	buf_put_str(&line, "\n");
	write_text("etc/servers", buf_cstr(&line));
	write_text("etc/sec.conf", "domain = lab.test\n");
	buf_free(&line);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/notify", dir);
	notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(notify, (struct sockaddr *)&un, sizeof(un)) != 0)
		exit(1);
	setenv("NOTIFY_SOCKET", un.sun_path, 1);
}

static int
listener(void)
{
	int fd;

	if (addr_parse(&port, "127.0.0.1:0") != 0 ||
	    (fd = sock_listen(&port)) < 0 || sock_local(fd, &port) != 0)
		exit(1);
	return fd;
}

enum how { AS_SYSTEMD, AS_INETD, BY_ITSELF };

/* args: parted by spaces. */
static pid_t
start(enum how how, int fd, const char *args)
{
	static char prog[] = "sec-test";
	char words[128], *next = words, *argv[9] = { prog };
	char pid[16];
	pid_t child;
	int null, argc = 1;

	fflush(stdout);
	if ((child = fork()) != 0)
		return child;
	snprintf(words, sizeof(words), "%s", args);
	while (argc < 8 && (argv[argc] = strsep(&next, " ")) != NULL)
		argc++;
	/* Nothing of the daemon's may reach our TAP. */
	if ((null = open("/dev/null", O_RDWR)) < 0)
		_exit(99);
	(void)dup2(null, 1);
	if (how == AS_SYSTEMD) {
		snprintf(pid, sizeof(pid), "%d", (int)getpid());
		setenv("LISTEN_PID", pid, 1);
		setenv("LISTEN_FDS", "1", 1);
		(void)dup2(fd, 3);
		proc_close_from(4, -1);
	} else if (how == AS_INETD) {
		(void)dup2(fd, 0);
		(void)dup2(fd, 1);
		(void)dup2(fd, 2);
		proc_close_from(3, -1);
	} else
		proc_close_from(3, -1);
	_exit(service_main(&def, argc, argv));
}

/* Until systemd would have heard it. */
static void
wait_notice(const char *what)
{
	struct pollfd p = { notify, POLLIN, 0 };
	char in[1024];
	ssize_t n;

	while (poll(&p, 1, WAIT_MS) == 1) {
		n = recv(notify, in, sizeof(in) - 1, 0);
		in[n < 0 ? 0 : n] = '\0';
		if (strstr(in, what) != NULL)
			return;
	}
	printf("Bail out! never said %s\n", what);
	exit(1);
}

static void
wait_ready(void)
{
	wait_notice("READY=1");
}

static int
exit_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* --- asking it --- */

/* Value of a field of verb's ok, or of reason when it was an error. */
static const char *
ask(const char *verb, const char *key)
{
	static char out[512];
	struct ctl_client *c;
	char path[PATH_LEN];
	struct line l;

	snprintf(out, sizeof(out), "unreachable");
	if (ctl_client_open(&c, path_run(path, "pal.sock")) != 0)
		return out;
	(void)ctl_client_begin(c, verb);
	if (ctl_client_send(c, -1) == 0 && ctl_client_next(c, &l, WAIT_MS) == 0)
		snprintf(out, sizeof(out), "%s", line_get_or(&l, key, ""));
	else
		snprintf(out, sizeof(out), "%s", ctl_client_why(c));
	ctl_client_close(c);
	return out;
}

static struct loop *loop;
static struct sip_stack *stack;
static int answer, ended;
static struct sip_conn *up;

static void
on_client_up(void *ctx, struct sip_conn *c)
{
	(void)ctx;
	up = c;
}

static void
on_client_down(void *ctx, struct sip_conn *c, int err)
{
	(void)ctx;
	(void)c;
	ended = err;
	up = NULL;
}

static const struct sip_stack_ops client_ops = {
	.up = on_client_up,
	.down = on_client_down,
};

static void
on_answer(void *ctx, uint64_t cookie, const struct sip_msg *a)
{
	(void)ctx;
	(void)cookie;
	answer = a->status;
}

static void
dial(uint32_t keyid)
{
	struct secret *base = key_of(keyid);
	struct sip_peer peer = { .proof = NEED_SERVER, .keyid = keyid };
	struct hello h = { .tt = 1, .by = 2, .keyid = keyid, .to_number = 2 };
	struct sip_conn *c;

	up = NULL;
	ended = 1;
	(void)hello_id_user(&h.from, PRINCIPAL);
	hello_id_server(&h.to, 2);
	h.base = base;
	c = sip_conn_new(stack, &peer);
	sip_conn_attach(c,
	    channel_dial(loop, &port, &h, 0, &sip_channel_ops, c));
	secret_free(base);
}

/* Turn until up or ended; 1, or the error. */
static int
outcome(void)
{
	while (up == NULL && ended == 1)
		loop_turn(loop, WAIT_MS);
	return up != NULL ? 1 : ended;
}

static void
test_hellos(void)
{
	struct sip_msg m;
	struct sip_conn *first;

	dial(1);
	T_INT(outcome(), 1);
	sip_msg_init(&m);
	m.method = "OPTIONS";
	m.uri = m.to = "sip:pal.lab.test";
	m.from = "sip:alice@lab.test";
	answer = 0;
	T(sip_request(up, &m, 0, on_answer, NULL, 0) != 0);
	while (answer == 0 && ended == 1)
		loop_turn(loop, WAIT_MS);
	T_INT(answer, 200);
	T_STR(ask("history", "is"), "+1");

	/* A newer connection of the instance replaces the older. */
	first = up;
	dial(2);
	while (ended == 1 || up == first)
		loop_turn(loop, WAIT_MS);
	T_STR(ask("history", "is"), "-1+2");
	T_STR(ask("status", "connections"), "1");

	/* Unknown: refused at once, or after 500 ms, or let in when the
	 * key comes within them. */
	dial(4);
	T_INT(outcome(), SEC_ERR_SUBKEY);
	dial(5);
	T_INT(outcome(), SEC_ERR_SUBKEY);
	dial(3);
	T_STR(ask("key", "none"), "");
	T_INT(outcome(), 1);
	T_STR(ask("history", "is"), "+3");
	sip_conn_close(up, 0);
	while (up != NULL)
		loop_turn(loop, WAIT_MS);
}

/* What a stranger hears before he is closed. */
static const char *
say(const char *text)
{
	static char in[4096];
	struct pollfd p;
	size_t n = 0;
	ssize_t r;
	int fd;

	if ((fd = sock_dial(&port)) < 0)
		return "no connection";
	p.fd = fd;
	p.events = POLLOUT;
	if (poll(&p, 1, WAIT_MS) != 1 || write(fd, text, strlen(text)) < 0)
		return "no write";
	p.events = POLLIN;
	while (n < sizeof(in) - 1 && poll(&p, 1, WAIT_MS) == 1 &&
	    (r = read(fd, in + n, sizeof(in) - 1 - n)) > 0)
		n += (size_t)r;
	close(fd);
	in[n] = '\0';
	return in;
}

#define HEAD                                                                   \
	"Via: SIP/2.0/TCP x.invalid;branch=z9hG4bK1\r\n"                       \
	"Max-Forwards: 70\r\n"                                                 \
	"From: <sip:alice@lab.test>;tag=1\r\nTo: <sip:alice@lab.test>\r\n"     \
	"Call-ID: 1@x\r\n"

static void
test_strangers(void)
{
	static const char *const silent[] = {
		"GET / HTTP/1.0\r\n\r\n",
		"\x16\x03\x01\x02",
		"\xC5\x02\x20\x01",
		"\xC5\x01\x7F\x01",
		"link\tfrom=1\tto=2\n", /* in plain mode only */
		"OPTIONS sip:pal SIP/2.0\r\n" HEAD
		"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		"REGISTER sip:lab.test SIP/2.0\r\n" HEAD
		"CSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n",
		("REGISTER sip:lab.test SIP/2.0\r\n"
		 "Content-Length: 99999\r\n\r\n"),
	};
	static const char ticket[] =
	    "REGISTER sip:lab.test SIP/2.0\r\n" HEAD "CSeq: 1 REGISTER\r\n"
	    "Authorization: Kerberos realm=\"LAB.TEST\","
	    " targetname=\"sip/pal.lab.test\", gssapi-data=\"bm8=\","
	    " version=sec1\r\nContent-Length: 0\r\n\r\n";
	const char *got;
	size_t i;

	for (i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		T_STR(say(silent[i]), "");
	/* One answer, then the connection is closed. */
	got = say(ticket);
	T_OK(strncmp(got, "SIP/2.0 403 ", 12) == 0, "a ticket is looked at");
	T_STR(ask("history", "is"), "-3");
}

static void
test_control(pid_t pid)
{
	char want[16];

	snprintf(want, sizeof(want), "%d", (int)pid);
	T_STR(ask("status", "pid"), want);
	T_STR(ask("status", "name"), "pal");
	T_STR(ask("health", "state"), "WARN");
	T_STR(ask("health", "words"),
	    "7 sessions, no epoch yet (sec-keygen lead)");
	T_STR(ask("rotate", "epoch"), "only server 1 deals keys");
	T_STR(ask("nonsense", "epoch"), "unknown verb");
	T_INT(exit_of(start(BY_ITSELF, -1, "serve")), 10);
	T_INT(exit_of(start(BY_ITSELF, -1, "health")), 1);
	T_INT(exit_of(start(BY_ITSELF, -1, "health --name pal2")), 5);
	T_STR(ask("drain", "draining"), "1");
	T_STR(ask("health", "words"),
	    "7 sessions, drained, no epoch yet (sec-keygen lead)");

	write_text("etc/sec.conf", "domain = lab.test\nrelam = X\n");
	kill(pid, SIGHUP);
	wait_notice("RELOADING=1\nMONOTONIC_USEC=");
	wait_ready();
	T(strstr(ask("health", "words"), "did you mean \"realm\"") != NULL);
	T_STR(ask("history", "is"), "");
	write_text("etc/sec.conf", "domain = lab.test\nstreams = 5\n");
	kill(pid, SIGHUP);
	wait_ready();
	T_STR(ask("health", "words"),
	    "7 sessions, drained, no epoch yet (sec-keygen lead)");
}

static void
test_inetd(void)
{
	static const char args[] = "serve -i --idle 1";
	int fd = listener(), pair[2];
	pid_t pid = start(AS_INETD, fd, args);
	char c;

	wait_ready();
	T_STR(ask("status", "name"), "pal");
	T_STR(say("GET / HTTP/1.0\r\n\r\n"), "");
	/* Nobody comes any more; a connection would wait in our socket. */
	T_INT(exit_of(pid), 0);
	close(fd);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		exit(1);
	T_INT(exit_of(start(AS_INETD, pair[0], args)), 2);
	close(pair[0]);
	/* Nothing was said to the peer. */
	T_INT(read(pair[1], &c, 1), 0);
	close(pair[1]);
}

static void
test_arguments(void)
{
	static const struct {
		const char *args;
		int want;
	} rows[] = {
		{ "frob", 2 },
		{ "serve --frob", 2 },
		{ "serve --idle x", 2 },
		{ "serve --idle", 2 },
		{ "serve -i -l 127.0.0.1:0", 2 },
		{ "serve extra", 2 },
		{ "serve serve", 2 },
		{ "health --check", 2 },
		{ "serve --stop", 2 },
		{ "--help", 0 },
		{ "--version", 0 },
		{ "serve --check", 0 },
		{ "--check serve", 0 },
		{ "serve --name other", 11 },
		{ "serve -l nowhere:1:2", 11 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		T_OK(exit_of(start(BY_ITSELF, -1, rows[i].args)) ==
			rows[i].want,
		    "%s: exit %d", rows[i].args, rows[i].want);
	/* No domain: loopback only; plain: loopback only with one, too. */
	write_text("etc/sec.conf", "streams = 3\n");
	T_INT(exit_of(start(BY_ITSELF, -1, "serve -l 0.0.0.0:0")), 11);
	write_text("etc/sec.conf", "domain = lab.test\nsecurity = plain\n");
	T_INT(exit_of(start(BY_ITSELF, -1, "serve -l 0.0.0.0:0")), 11);
	write_text("etc/sec.conf", "domain lab.test\n");
	T_INT(exit_of(start(BY_ITSELF, -1, "serve --check")), 11);
}

static void
remove_dir(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	T_INT(system(command), 0);
}

int
main(void)
{
	pid_t pid;
	int fd;

	proc_harden();
	crypto_init();
	make_dir();
	fd = listener();
	pid = start(AS_SYSTEMD, fd, "serve");
	close(fd);
	wait_ready();
	loop = loop_new();
	stack = sip_stack_new(loop, methods, &client_ops, NULL);
	test_hellos();
	test_strangers();
	test_control(pid);
	sip_stack_free(stack);
	loop_free(loop);
	kill(pid, SIGTERM);
	wait_notice("STOPPING=1");
	T_INT(exit_of(pid), 0);
	T_STR(ask("status", "pid"), "unreachable");
	test_inetd();
	test_arguments();
	close(notify);
	remove_dir();
	return t_done();
}
