/*
 * The one process that `up` leaves: it holds the lock, starts the KDC and
 * the daemons, starts them again when they die, and answers on
 * run/lab.sock. SIGTERM is its end, and theirs:
 *
 *   RUNNING --SIGTERM--> AGENTS (logged out) --> DAEMONS --> KDC --> exit
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/proc.h"
#include "base/sock.h"
#include "base/text.h"
#include "ctl/serve.h"

#include "lab.h"
#include "datagrams.h"
#include "wire.h"

#define AGAIN_MS                                                               \
	1000 /* before a second restart in a row, and what                     \
	      * counts as one */
#define AGENTS_MS  5000 /* for agents to log out */
#define DAEMONS_MS 11000 /* daemons have 10 s by themselves */
#define CHILDREN   (LAB_DAEMONS + 1)
#define AGENTS	   64

struct child {
	const char *name;
	const struct lab_daemon *daemon; /* NULL: the KDC */
	pid_t pid; /* 0: not running */
	int wanted;
	int64_t since; /* real ms */
	int64_t started; /* monotonic ms */
	int restarts;
	int hasty; /* restarted at once, not a
		    * second ago */
	int status; /* as the last one ended */
	struct timer again;
	struct ctl_handle asked; /* who waits for its end */
	int is_asked;
};

struct agent { /* one that must log out */
	int pidfd, sock;
	pid_t pid;
	struct io io;
};

static struct lab *lab;
static struct loop *loop;
static struct ctl *ctl;
static struct pcap *pcap;
static struct wire *wires[LAB_DAEMONS];
static struct datagrams *udp_wires[LAB_DAEMONS];
static struct child children[CHILDREN];
static struct agent agents[AGENTS];
static int nagents;
static int held[2]; /* run/lock and the address, ours as long as we live */
static enum { RUNNING, STOP_AGENTS, STOP_DAEMONS, STOP_KDC } state;
static struct timer deadline;

static void on_end(void *arg, int pid, int status);
static void stop_next(void);

/* --- children --- */

static int
open_log(const char *name)
{
	return open(lab_path(lab, "log/%s", name),
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void
make_argv(const struct child *c, const char *argv[12], char listen[64])
{
	const struct lab_daemon *d = c->daemon;

	if (d == NULL) {
		kdc_argv(lab, argv);
		return;
	}
	snprintf(listen, 64, "%s:%d", lab->address,
	    d->port + (lab->wire ? LAB_BEHIND : 0));
	argv[0] = lab_program(d->prog);
	argv[1] = "serve";
	argv[2] = "--name";
	argv[3] = d->name;
	argv[4] = "-l";
	argv[5] = listen;
	argv[6] = NULL;
}

static void
start(struct child *c)
{
	const char *argv[12], *const *list = argv;
	char *const *args;
	char listen[64];
	pid_t us = getpid();
	int fd = open_log(c->name);

	timer_cancel(&c->again);
	make_argv(c, argv, listen);
	c->started = clock_mono();
	c->since = clock_real();
	c->pid = argv[0] == NULL ? -1 : fork();
	if (c->pid == 0) {
		proc_reset_signals();
		/* No daemon outlives its lab, not even by kill -9. */
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
		if (getppid() != us)
			_exit(127);
		if (fd >= 0) {
			(void)dup2(fd, STDOUT_FILENO);
			(void)dup2(fd, STDERR_FILENO);
		}
		proc_close_from(3, -1);
		memcpy(&args, &list, sizeof(args));
		execv(argv[0], args);
		fprintf(stderr, "sec-lab: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	if (fd >= 0)
		close(fd);
	if (c->pid < 0) {
		log_error("lab.start", "service=%s error=%s", c->name,
		    log_quote(strerror(errno)));
		c->pid = 0;
		timer_set(&c->again, AGAIN_MS);
		return;
	}
	log_info("lab.start", "service=%s pid=%d", c->name, (int)c->pid);
	loop_child(loop, c->pid, on_end, c);
}

static void
on_again(void *arg)
{
	struct child *c = arg;

	if (c->wanted && c->pid == 0 && state == RUNNING)
		start(c);
}

static void
answer_asked(struct child *c)
{
	struct ctl_req r;
	struct buf *b;

	if (!c->is_asked)
		return;
	c->is_asked = 0;
	if (ctl_again(ctl, c->asked, &r) != 0)
		return;
	b = ctl_ok_begin(&r);
	line_put(b, "service", c->name);
	line_put_u64(b, "pid", (uint64_t)c->pid);
	ctl_end(&r);
}

static void
on_end(void *arg, int pid, int status)
{
	struct child *c = arg;

	log_info("lab.end", "service=%s pid=%d %s=%d", c->name, pid,
	    WIFEXITED(status) ? "exit" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	c->pid = 0;
	c->status = status;
	if (state != RUNNING) {
		stop_next();
		return;
	}
	if (c->wanted) {
		c->restarts++;
		if (clock_mono() - c->started >= AGAIN_MS)
			c->hasty = 0;
		if (c->hasty)
			timer_set(&c->again, AGAIN_MS);
		else
			start(c);
		c->hasty = 1;
	}
	answer_asked(c);
}

/* --- what tools ask --- */

static struct child *
named(struct ctl_req *r)
{
	const char *name = line_get_or(r->line, "service", "");
	int i;

	for (i = 0; i < CHILDREN; i++)
		if (strcmp(children[i].name, name) == 0)
			return &children[i];
	ctl_error(r, 404, "no such service");
	return NULL;
}

static void
on_status(void *ctx, struct ctl_req *r)
{
	struct child *c;
	struct buf *b;
	int i;

	(void)ctx;
	for (i = 0; i < CHILDREN; i++) {
		c = &children[i];
		b = ctl_row(r);
		line_put(b, "service", c->name);
		line_put(b, "state",
		    c->pid != 0	  ? "up" :
			c->wanted ? "restarting" :
				    "stopped");
		line_put_u64(b, "pid", (uint64_t)c->pid);
		line_put_u64(b, "since", (uint64_t)c->since);
		line_put_u64(b, "restarts", (uint64_t)c->restarts);
		if (c->restarts > 0)
			line_putf(b, "exit", "%d",
			    WIFEXITED(c->status) ? WEXITSTATUS(c->status) :
						   128 + WTERMSIG(c->status));
		line_putf(b, "addr", "%s:%d", lab->address,
		    c->daemon != NULL ? c->daemon->port : LAB_KDC_PORT);
		ctl_end(r);
	}
	ctl_ok(r);
}

static void
signal_child(struct ctl_req *r, struct child *c, int sig)
{
	if (c->pid == 0) {
		ctl_ok(r);
		return;
	}
	c->asked = ctl_keep(r);
	c->is_asked = 1;
	(void)kill(c->pid, sig);
}

static void
on_kill(void *ctx, struct ctl_req *r)
{
	struct child *c = named(r);

	(void)ctx;
	if (c != NULL)
		signal_child(r, c, SIGKILL);
}

static void
on_stop(void *ctx, struct ctl_req *r)
{
	struct child *c = named(r);

	(void)ctx;
	if (c == NULL)
		return;
	c->wanted = 0;
	timer_cancel(&c->again);
	signal_child(r, c, SIGTERM);
}

static void
on_start(void *ctx, struct ctl_req *r)
{
	struct child *c = named(r);
	struct buf *b;

	(void)ctx;
	if (c == NULL)
		return;
	c->wanted = 1;
	if (c->pid == 0)
		start(c);
	b = ctl_ok_begin(r);
	line_put_u64(b, "pid", (uint64_t)c->pid);
	ctl_end(r);
}

static const struct ctl_verb verbs[] = {
	{ "status", CTL_SAME, on_status },
	{ "kill", CTL_SAME, on_kill },
	{ "stop", CTL_SAME, on_stop },
	{ "start", CTL_SAME, on_start },
	{ NULL, 0, NULL },
};

/* --- the end --- */

static void
agent_over(struct agent *a)
{
	io_del(&a->io);
	if (a->pidfd >= 0)
		close(a->pidfd);
	close(a->sock);
	a->sock = a->pidfd = -1;
}

static void
on_agent(void *arg, uint32_t events)
{
	(void)events;
	agent_over(arg);
	stop_next();
}

/* A pid may be another's by now: is it still an agent? */
static int
is_agent(pid_t pid)
{
	char path[64], *text;
	size_t n;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (proc_read_file(path, 64, &text, &n) != 0)
		return 0;
	r = strcmp(text, "sec-agent\n") == 0;
	free(text);
	return r;
}

/* `bye` to every agent of this lab; its process is watched, as it is no
 * child of ours. */
static void
dismiss_agents(void)
{
	static const char bye[] = "bye\tid=1\n";
	char dir[PATH_LEN], path[PATH_LEN * 2];
	struct dirent *e;
	struct agent *a;
	const char *at;
	DIR *d;

	if ((d = opendir(path_agent_dir(dir))) == NULL)
		return;
	while ((e = readdir(d)) != NULL && nagents < AGENTS) {
		if ((at = strchr(e->d_name, '@')) == NULL ||
		    strcmp(at, "@" LAB_DOMAIN ".sock") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		a = &agents[nagents];
		if ((a->sock = sock_unix_dial(path)) < 0)
			continue;
		a->pidfd = -1;
		if (sock_unix_peer(a->sock, NULL, NULL, &a->pid) == 0)
			a->pidfd = (int)syscall(SYS_pidfd_open, a->pid, 0);
		if (a->pidfd >= 0 && !is_agent(a->pid)) {
			close(a->pidfd);
			a->pidfd = -1;
		}
		if (send(a->sock, bye, sizeof(bye) - 1, MSG_NOSIGNAL) < 0 ||
		    io_add(loop, &a->io, a->pidfd >= 0 ? a->pidfd : a->sock,
			IO_IN, on_agent, a) != 0) {
			agent_over(a);
			continue;
		}
		nagents++;
	}
	closedir(d);
}

static int
agents_left(void)
{
	int i, n = 0;

	for (i = 0; i < nagents; i++)
		n += agents[i].sock >= 0;
	return n;
}

static int
daemons_left(void)
{
	int i, n = 0;

	for (i = 1; i < CHILDREN; i++)
		n += children[i].pid != 0;
	return n;
}

static void
leave(void)
{
	char path[PATH_LEN];
	int i;

	for (i = 0; i < LAB_DAEMONS; i++) {
		wire_free(wires[i]);
		datagrams_free(udp_wires[i]);
	}
	pcap_free(pcap);
	(void)unlink(path_run(path, "lab.sock"));
	ctl_free(ctl);
	loop_free(loop);
	log_info("lab.down", "pid=%d", (int)getpid());
	for (i = 0; i < 2; i++)
		close(held[i]);
	exit(0);
}

/* Whoever a stage waited for may have gone: on to the next. */
static void
stop_next(void)
{
	int i;

	if (state == STOP_AGENTS && agents_left() == 0) {
		state = STOP_DAEMONS;
		timer_set(&deadline, DAEMONS_MS);
		for (i = 1; i < CHILDREN; i++)
			if (children[i].pid != 0)
				(void)kill(children[i].pid, SIGTERM);
	}
	if (state == STOP_DAEMONS && daemons_left() == 0) {
		state = STOP_KDC;
		timer_set(&deadline, DAEMONS_MS);
		if (children[0].pid != 0)
			(void)kill(children[0].pid, SIGTERM);
	}
	if (state == STOP_KDC && children[0].pid == 0)
		leave();
}

static void
on_deadline(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; state == STOP_AGENTS && i < nagents; i++)
		if (agents[i].sock >= 0) {
			log_warn("lab.kill", "agent=%d", (int)agents[i].pid);
			if (agents[i].pidfd < 0) {
				agent_over(&agents[i]);
				continue;
			}
			(void)syscall(SYS_pidfd_send_signal, agents[i].pidfd,
			    SIGKILL, NULL, 0);
		}
	for (i = 0; state != STOP_AGENTS && i < CHILDREN; i++)
		if (children[i].pid != 0 && (i > 0 || state == STOP_KDC)) {
			log_warn("lab.kill", "service=%s", children[i].name);
			(void)kill(children[i].pid, SIGKILL);
		}
	stop_next();
}

static void
on_term(void *arg, int signo)
{
	int i;

	(void)arg;
	(void)signo;
	if (state != RUNNING)
		return;
	state = STOP_AGENTS;
	for (i = 0; i < CHILDREN; i++)
		timer_cancel(&children[i].again);
	dismiss_agents();
	timer_set(&deadline, AGENTS_MS);
	stop_next();
}

/* --- the beginning --- */

static void
detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd = open_log("lab");

	(void)setsid();
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(fd >= 0 ? fd : null, STDOUT_FILENO);
	(void)dup2(fd >= 0 ? fd : null, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
	if (null > STDERR_FILENO)
		close(null);
	if (chdir("/") != 0)
		log_warn("lab.chdir", "error=%s", log_quote(strerror(errno)));
	umask(077);
}

static int
listen_control(void)
{
	char path[PATH_LEN];
	int fd = sock_unix_listen(path_run(path, "lab.sock"), 0600);

	return fd < 0 ? fd : ctl_listen(ctl, fd, 32);
}

void
supervise(struct lab *l, int lock, int reserved, int capture)
{
	struct child *c;
	int i;

	lab = l;
	detach();
	lab_lock_mine(lock);
	held[0] = lock;
	held[1] = reserved;
	log_open("sec-lab", LOG_L_INFO);
	lab_setenv_kdc(l);
	loop = loop_new();
	ctl = ctl_new(loop);
	ctl_add_verbs(ctl, verbs, NULL);
	timer_init(&deadline, loop, on_deadline, NULL);
	if (loop_signal(loop, SIGTERM, on_term, NULL) != 0 ||
	    listen_control() != 0)
		die(10, "run/lab.sock: %s", strerror(errno));
	if (capture >= 0 && (pcap = pcap_new(capture)) == NULL)
		die(10, "no memory");
	for (i = 0; capture >= 0 && i < LAB_DAEMONS; i++)
		if (wire_new(&wires[i], loop, pcap, l->address,
			lab_daemons[i].port, LAB_BEHIND) != 0 ||
		    (lab_daemons[i].udp &&
			datagrams_new(&udp_wires[i], loop, pcap, l->address,
			    lab_daemons[i].port, LAB_BEHIND) != 0))
			die(10, "%s:%d: %s", l->address, lab_daemons[i].port,
			    strerror(errno));
	for (i = 0; i < CHILDREN; i++) {
		c = &children[i];
		c->daemon = i == 0 ? NULL : &lab_daemons[i - 1];
		c->name = i == 0 ? "kdc" : c->daemon->name;
		c->wanted = 1;
		timer_init(&c->again, loop, on_again, c);
		start(c);
	}
	exit(loop_run(loop));
}
