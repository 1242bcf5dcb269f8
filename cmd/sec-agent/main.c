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
#include "base/text.h"
#include "crypto/random.h"

#define ALIVE_MS 30000
#define USAGE                                                                  \
	"usage: sec-agent [-F] [-v] [--socket PATH] [--config FILE] "          \
	"--login-fd FD\n"

const struct sip_method agent_methods[] = {
	{ "INVITE", NEED_SERVER, on_invite }, /* invite.c */
	{ "ACK", NEED_SERVER, on_ack },
	{ "CANCEL", NEED_SERVER, on_cancel },
	{ "BYE", NEED_SERVER, on_bye }, /* confs.c */
	{ "INFO", NEED_SERVER, on_info },
	{ "NOTIFY", NEED_SERVER, on_notify },
	{ "SUBSCRIBE", NEED_SERVER, on_subscribe }, /* watcher.c */
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

/* --- signals, our own socket --- */

static void
on_signal(void *arg, int signo)
{
	struct agent *a = arg;

	(void)signo;
	session_end(a, "ended by a signal");
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
	watched_peer_gone(a, peer);
	levels_peer_gone(a, peer);
	voice_peer_gone(a, peer);
	inviting_peer_gone(a, peer);
	spawn_peer_gone(a, peer);
	files_peer_gone(a, peer);
	confs_peer_gone(a, peer);
}

void
on_notify(void *ctx, struct sip_txn *txn, const struct sip_msg *req)
{
	struct agent *a = flow_arg(ctx);
	int r = 0;

	if (a == NULL || ctx != a->session.pal) {
		sip_answer_status(txn, 481);
		return;
	}
	if (a->presence.sub != NULL)
		r = subscription_notify(a->presence.sub, req);
	if (r == 0)
		r = confs_notify(a, req);
	if (r == 0)
		r = watched_notify(a, req);
	sip_answer_status(txn, r == 1 ? 200 : r == 0 ? 481 : 500);
}

/* --- life --- */

static void
usage(void)
{
	fprintf(stderr,
	    USAGE "sec-agent is started by sec-login(1); nobody types it.\n"
		  "See sec-agent(1).\n");
	exit(2);
}

static void __attribute__((noreturn)) help(void)
{
	printf("  sec-login alice                  # starts it\n"
	       "\n" USAGE "\n"
	       "  -F               stay in the foreground\n"
	       "  -v --verbose     log more on standard error\n"
	       "  --socket PATH    serve tools there\n"
	       "  --config FILE    read FILE, not the usual sec.conf\n"
	       "  --login-fd FD    where sec-login says who logs in\n"
	       "  -h --help        this\n"
	       "  -V --version     version\n");
	exit(fflush(stdout) == 0 ? 0 : 10);
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
		case 's':
			text_copy(a->socket, optarg, sizeof(a->socket));
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
		case 'h': help();
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
	ctl_add_verbs(a->ctl, show_verbs, a);
	ctl_add_verbs(a->ctl, pal_verbs, a);
	ctl_add_verbs(a->ctl, talk_verbs, a);
	ctl_add_verbs(a->ctl, mix_verbs, a);
	ctl_add_verbs(a->ctl, file_verbs, a);
	ctl_on_gone(a->ctl, on_gone, a);
	events_init(a);
	watchers_init(a);
	watched_init(a);
	session_init(a);
	confs_init(a);
	invites_init(a);
	create_init(a);
	invitings_init(a);
	spawns_init(a);
	voice_init(a);
	mix_init(a);
	change_init(a);
	history_init(a);
	files_init(a);
	timer_init(&a->alive, a->loop, on_alive, a);
	(void)loop_signal(a->loop, SIGTERM, on_signal, a);
	(void)loop_signal(a->loop, SIGINT, on_signal, a);
	(void)loop_signal(a->loop, SIGHUP, on_signal, a);
	login_open(a);
}

static void
close_all(struct agent *a)
{
	ctl_stop(a->ctl);
	timer_cancel(&a->alive);
	flow_cut(a->session.pal);
	flow_cut(a->session.confctl);
	loop_turn(a->loop, 0); /* what waits for answers is told */
	files_close(a);
	change_close(a);
	history_close(a);
	voice_close(a);
	spawns_close(a);
	invitings_close(a);
	create_close(a);
	invites_close(a);
	confs_close(a);
	presence_close(a);
	watched_close(a);
	session_close(a);
	watchers_close(a);
	loop_turn(a->loop, 0); /* what is freed at the end of turns */
	mix_close(a);
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
	proc_reuse_memory();
	config = take_options(a, argc, argv, &verbose);
	log_open("sec-agent",
	    verbose > 1	      ? LOG_L_TRACE :
		verbose > 0   ? LOG_L_DEBUG :
		a->foreground ? LOG_L_INFO :
				LOG_L_WARN);
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
