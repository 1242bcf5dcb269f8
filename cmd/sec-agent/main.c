/*
 * sec-agent(1): started by sec-login(1), which hands it what it needs over
 * one socket and waits there for the outcome.
 */
#include <sys/stat.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/sock.h"
#include "base/text.h"
#include "crypto/random.h"

#define LOGIN_MAX 65536
#define ALIVE_MS  30000

const struct sip_method agent_methods[] = {
	{ "INVITE", NEED_SERVER, on_invite },  /* invite.c */
	{ "ACK", NEED_SERVER, on_ack },
	{ "CANCEL", NEED_SERVER, on_cancel },
	{ "BYE", NEED_SERVER, on_bye },        /* confs.c */
	{ "INFO", NEED_SERVER, on_info },
	{ "NOTIFY", NEED_SERVER, on_notify },
	{ NULL, 0, NULL },
};

void *
agent_alloc(size_t n)
{
	void *p;

	if ((p = calloc(1, n)) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	return p;
}

/* --- what sec-login says --- */

static void
copy(char *out, size_t size, const struct line *l, const char *key)
{
	text_copy(out, line_get_or(l, key, ""), size);
}
#define COPY(field, l, key) copy((field), sizeof(field), (l), (key))

static int
take_login(struct agent *a, const struct line *l)
{
	struct login *g = &a->login;
	struct buf pw = BUF_INIT;

	if (strcmp(l->verb, "login") != 0)
		return SEC_ERR_FORMAT;
	COPY(a->session.principal, l, "principal");
	if (line_get(l, "realm") != NULL)
		COPY(a->conf.realm, l, "realm");
	COPY(g->source, l, "source");
	COPY(g->keytab, l, "keytab");
	COPY(g->status, l, "status");
	COPY(g->class_word, l, "class");
	COPY(g->note, l, "note");
	COPY(g->media, l, "media");
	COPY(g->tel, l, "phone");
	COPY(g->policy, l, "policy");
	if (g->media[0] == '\0')
		text_copy(g->media, "text,voice", sizeof(g->media));
	if (line_get_bytes(l, "password", &pw) == 0 && buf_len(&pw) > 0 &&
	    buf_len(&pw) < 1000) {
		buf_put_u8(&pw, 0);
		g->password = secret_copy(buf_data(&pw), buf_len(&pw));
	}
	buf_free(&pw);
	return 0;
}

static void
on_login(void *arg, uint32_t events)
{
	struct agent *a = arg;
	struct buf *in = &a->login.in;
	struct line l;
	uint8_t *p;
	ssize_t n;
	size_t i;

	(void)events;
	if ((p = buf_reserve(in, 4096)) == NULL)
		return;
	n = read(a->login.fd, p, 4096);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || buf_len(in) > LOGIN_MAX) {
		/* sec-login is gone before the session began. */
		a->exit_code = 128 + SIGTERM;
		session_end(a, "sec-login is gone");
		return;
	}
	buf_commit(in, (size_t)n);
	p = memchr(buf_data(in), '\n', buf_len(in));
	if (p == NULL || a->session.asked != 0)
		return;
	memset(&l, 0, sizeof(l));
	if (line_parse(&l, (const char *)buf_data(in),
	    (size_t)(p - buf_data(in))) != 0 || take_login(a, &l) != 0) {
		line_free(&l);
		loop_stop(a->loop, sec_err_exit(SEC_ERR_FORMAT));
		return;
	}
	/* The line's own copy held the password. */
	for (i = 0; i < l.n; i++)
		if (strcmp(l.field[i].key, "password") == 0)
			explicit_bzero((void *)(uintptr_t)l.field[i].value,
			    strlen(l.field[i].value));
	line_free(&l);
	buf_free(in);
	presence_init(a);
	if (a->login.policy[0] != '\0' &&
	    invite_set_policy(a, a->login.policy, NULL) != 0)
		log_warn("session.policy", "policy=%s",
		    log_quote(a->login.policy));
	session_login(a);
}

/* --- signals, our own socket --- */

static void
on_signal(void *arg, int signo)
{
	struct agent *a = arg;

	(void)signo;
	session_end(a, "signal");
}

/* The directory of sockets goes with the user's last login. */
static void
on_alive(void *arg)
{
	struct agent *a = arg;
	struct stat st;

	if (a->socket[0] != '\0' && lstat(a->socket, &st) == -1 &&
	    errno == ENOENT) {
		a->socket[0] = '\0';
		session_end(a, "the socket's directory is gone");
		return;
	}
	timer_set(&a->alive, ALIVE_MS);
}

static void
on_gone(void *ctx, uint64_t peer)
{
	struct agent *a = ctx;

	events_peer_gone(a, peer);
	create_peer_gone(a, peer);
	confs_peer_gone(a, peer);
}

void
on_notify(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	int r = 0;

	if (a != NULL && a->presence.sub != NULL)
		r = subscription_notify(a->presence.sub, req);
	if (a != NULL && r == 0)
		r = confs_notify(a, req);
	sip_answer_status(txn, r == 1 ? 200 : r == 0 ? 481 : 500);
}

/* --- life --- */

static void
usage(void)
{
	fprintf(stderr, "usage: sec-agent [-F] [--socket PATH] "
	    "--login-fd FD\nsec-agent is started by sec-login(1); nobody "
	    "types it.\nSee sec-agent(1).\n");
	exit(2);
}

static const struct option options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "login-fd", required_argument, NULL, 'l' },
	{ "config", required_argument, NULL, 'c' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char *
take_options(struct agent *a, int argc, char **argv, int *verbose)
{
	unsigned long long fd;
	const char *config = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "FvVh", options, NULL)) != -1)
		switch (c) {
		case 'F': a->foreground = 1; break;
		case 'v': (*verbose)++; break;
		case 's': text_copy(a->socket, optarg, sizeof(a->socket));
			break;
		case 'c': config = optarg; break;
		case 'l':
			if (text_number(optarg, 3, 65535, &fd) != 0)
				usage();
			a->login.fd = (int)fd;
			break;
		case 'V':
			printf("sec-agent %s (protocol 1)\n", SEC_VERSION);
			exit(0);
		case 'h':
			printf("usage: sec-agent [-F] [--socket PATH] "
			    "--login-fd FD\nStarted by sec-login(1).\n");
			exit(0);
		default: usage();
		}
	if (argc != optind || a->login.fd == -1)
		usage();
	return config;
}

static void
open_all(struct agent *a)
{
	if ((a->loop = loop_new()) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no event loop");
	a->ctl = ctl_new(a->loop);
	ctl_add_verbs(a->ctl, tool_verbs, a);
	ctl_on_gone(a->ctl, on_gone, a);
	events_init(a);
	session_init(a);
	confs_init(a);
	invites_init(a);
	create_init(a);
	timer_init(&a->alive, a->loop, on_alive, a);
	(void)loop_signal(a->loop, SIGTERM, on_signal, a);
	(void)loop_signal(a->loop, SIGINT, on_signal, a);
	(void)loop_signal(a->loop, SIGHUP, on_signal, a);
	(void)sock_set_nonblock(a->login.fd, 1);
	(void)io_add(a->loop, &a->login.io, a->login.fd, IO_IN, on_login, a);
}

static void
close_all(struct agent *a)
{
	ctl_stop(a->ctl);
	timer_cancel(&a->alive);
	flow_cut(a->session.pal);
	flow_cut(a->session.confctl);
	loop_turn(a->loop, 0);         /* what waits for answers is told */
	create_close(a);
	invites_close(a);
	confs_close(a);
	presence_close(a);
	session_close(a);
	loop_turn(a->loop, 0);         /* what is freed at the end of turns */
	events_close(a);
	ctl_free(a->ctl);
	loop_free(a->loop);
	if (a->socket[0] != '\0')
		(void)unlink(a->socket);
}

int
main(int argc, char **argv)
{
	struct agent agent = { .login.fd = -1 }, *a = &agent;
	char why[512];
	const char *config;
	int verbose = 0, code;
	pid_t pid;

	proc_harden();
	config = take_options(a, argc, argv, &verbose);
	log_open("sec-agent", verbose > 0 ? LOG_L_DEBUG :
	    a->foreground ? LOG_L_INFO : LOG_L_WARN);
	if (!a->foreground) {
		if ((pid = proc_background(a->login.fd)) < 0)
			die(sec_err_exit(SEC_ERR_SYS), "cannot fork: %s",
			    strerror(errno));
		if (pid > 0)
			_exit(0);
	}
	(void)fcntl(a->login.fd, F_SETFD, FD_CLOEXEC);
	if ((code = conf_load(&a->conf, config, why, sizeof(why))) != 0)
		die(sec_err_exit(code), "%s", why);
	if (a->conf.domain[0] == '\0')
		text_copy(a->conf.domain, "localhost", sizeof(a->conf.domain));
	crypto_init();
	open_all(a);
	code = loop_run(a->loop);
	close_all(a);
	return code;
}
