/*
 * What sec-lab does, verb by verb: bringing a lab up and down, and talking
 * to its supervisor.
 */
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "ctl/call.h"
#include "wire/line.h"

#include "lab.h"

#define CALL_MS 20000
#define POLL_MS 10
#define DOWN_MS 40000 /* the stages of supervise.c, and some */

static int quiet;

__attribute__((format(printf, 1, 2))) static void
say(const char *fmt, ...)
{
	va_list ap;

	if (quiet)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* --- calls --- */

/*
 * One call with at most one field; rows go to cb. 0, or SEC_ERR_* with a
 * sentence in why.
 */
static int
ask(const char *socket, const char *verb, const char *key, const char *value,
    int64_t ms, void (*cb)(void *arg, const struct line *l), void *arg,
    char *why, size_t whylen)
{
	struct ctl_client *c;
	char path[PATH_LEN];
	struct buf *b;
	int r;

	if ((r = ctl_client_open(&c, path_run(path, socket))) != 0) {
		snprintf(why, whylen, "nobody answers at %s", path);
		return r;
	}
	b = ctl_client_begin(c, verb);
	if (key != NULL)
		line_put(b, key, value);
	if ((r = ctl_client_run(c, ms, cb, arg)) != 0)
		text_copy(why, ctl_client_why(c), whylen);
	ctl_client_close(c);
	return r;
}

struct health {
	char state[16];
	char words[512];
};

static void
take_health(void *arg, const struct line *l)
{
	struct health *h = arg;

	text_copy(h->state, line_get_or(l, "state", ""), sizeof(h->state));
	text_copy(h->words, line_get_or(l, "words", ""), sizeof(h->words));
}

static int
health_of(const char *name, struct health *h)
{
	char socket[64], why[256];

	memset(h, 0, sizeof(*h));
	snprintf(socket, sizeof(socket), "%s.sock", name);
	return ask(socket, "health", NULL, NULL, 2000, take_health, h, why,
	    sizeof(why));
}

/* Ok, links included; plain mode is a warning of its own for ever. */
static int
is_healthy(const struct lab *l, const struct health *h)
{
	if (strcmp(h->state, "ok") == 0)
		return 1;
	return l->plain && strstr(h->words, "security = plain") != NULL &&
	    strstr(h->words, "no link") == NULL;
}

/* --- up --- */

struct crash { /* a service that does not stay up */
	char name[32];
	int exit;
};

static void
take_crash(void *arg, const struct line *l)
{
	struct crash *c = arg;
	uint64_t restarts = 0, code = 0;

	(void)line_get_u64(l, "restarts", &restarts);
	(void)line_get_u64(l, "exit", &code);
	if (restarts >= 2 && c->name[0] == '\0') {
		text_copy(c->name, line_get_or(l, "service", "?"),
		    sizeof(c->name));
		c->exit = (int)code;
	}
}

/* The end of a log, for people who wonder why. */
static void
show_end(const struct lab *l, const char *name)
{
	char *text, *p;
	size_t n;
	int lines = 0;

	if (proc_read_file(lab_path(l, "log/%s", name), 1 << 20, &text, &n) !=
	    0)
		return;
	for (p = text + n; p > text && lines < 6; p--)
		lines += p[-1] == '\n';
	if (p > text && *p == '\n')
		p++;
	fputs(p, stderr);
	free(text);
}

static int
gave_up(const struct lab *l, int code, const char *name, const char *what)
{
	complain(0, "%s %s; the end of %s/log/%s:", name, what, l->shown, name);
	show_end(l, name);
	return code;
}

/* Until every daemon's health passes `good`, or nothing is to be hoped. */
static int
wait_daemons(const struct lab *l, int64_t ms,
    int (*good)(const struct lab *l, const struct health *h))
{
	int64_t until = clock_mono() + ms;
	struct crash crash = { "", 0 };
	struct health h;
	char why[PATH_LEN + 64], text[640];
	int i, r;

	for (i = 0; i < LAB_DAEMONS; i++) {
		while ((r = health_of(lab_daemons[i].name, &h)) != 0 ||
		    !good(l, &h)) {
			(void)ask("lab.sock", "status", NULL, NULL, 2000,
			    take_crash, &crash, why, sizeof(why));
			if (crash.name[0] != '\0') {
				snprintf(text, sizeof(text),
				    "does not start "
				    "(exit %d)",
				    crash.exit);
				return gave_up(l, 10, crash.name, text);
			}
			if (clock_mono() > until) {
				snprintf(text, sizeof(text),
				    r != 0 ? "does not answer" :
					     "is not ready: %s",
				    h.words);
				return gave_up(l, 9, lab_daemons[i].name, text);
			}
			(void)poll(NULL, 0, POLL_MS);
		}
	}
	return 0;
}

static int
is_there(const struct lab *l, const struct health *h)
{
	(void)l;
	return h->state[0] != '\0';
}

/* The supervisor has gone or never came: wait for its end. 1 if it ended
 * within ms. */
static int
wait_gone(pid_t pid, int ms)
{
	struct pollfd p = { -1, POLLIN, 0 };
	int r;

	if ((p.fd = (int)syscall(SYS_pidfd_open, pid, 0)) < 0)
		return 1;
	do
		r = poll(&p, 1, ms);
	while (r < 0 && errno == EINTR);
	close(p.fd);
	return r != 0;
}

static int
bring_down(pid_t pid)
{
	if (kill(pid, SIGTERM) != 0)
		return 0;
	if (wait_gone(pid, DOWN_MS))
		return 0;
	/* Its children have PDEATHSIG. */
	(void)kill(pid, SIGKILL);
	return wait_gone(pid, DOWN_MS) ? 0 : SEC_ERR_TIMEOUT;
}

static int
check_names(char *const *users, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (!text_is_name(users[i]))
			return complain(2,
			    "%.40s: a user's name begins with a-z or 0-9, goes "
			    "on with those or . _ -, and has at most 64 "
			    "characters",
			    users[i]);
	return 0;
}

static void
join_names(char *out, size_t n, char *const *users, int k)
{
	size_t len = 0;
	int i;

	out[0] = '\0';
	for (i = 0; i < k && len < n; i++)
		len += (size_t)snprintf(out + len, n - len, "%s%s",
		    i ? " " : "", users[i]);
}

static void
empty_logs(const struct lab *l)
{
	int i;

	(void)unlink(lab_path(l, "log/kdc"));
	(void)unlink(lab_path(l, "log/lab"));
	for (i = 0; i < LAB_DAEMONS; i++)
		(void)unlink(lab_path(l, "log/%s", lab_daemons[i].name));
}

struct holding { /* what goes on to the supervisor */
	int lock, reserved, capture;
};

static int
prepare(struct lab *l, const struct lab_options *o, char **users, int n,
    struct holding *h)
{
	int r;

	if (lab_load(l) == SEC_ERR_DATA)
		return complain(11, "%s/etc/lab cannot be read", l->shown);
	l->plain = o->plain;
	l->wire = o->wire != NULL;
	if ((r = tree_make(l)) != 0)
		return sec_err_exit(r);
	if ((h->lock = lab_lock(l)) < 0)
		return h->lock == SEC_ERR_NO ?
		    complain(1,
			"already up (pid "
			"%d); more users: sec-lab user NAME",
			(int)lab_pid(l)) :
		    complain(10, "%s/run/lock: %s", l->shown, strerror(errno));
	if ((h->reserved = tree_take_address(l)) < 0)
		return complain(10, "no free address in 127.0.0.0/8");
	if (l->wire &&
	    (h->capture = open(o->wire,
		 O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600)) <
		0)
		return complain(10, "%s: %s", o->wire, strerror(errno));
	empty_logs(l);
	if (lab_save(l) != 0 || tree_write_config(l) != 0)
		return complain(10, "cannot write in %s/etc", l->shown);
	if ((r = kdc_make(l)) != 0 || (r = kdc_add_users(l, users, n)) != 0 ||
	    (r = keys_make(l)) != 0)
		return sec_err_exit(r);
	return 0;
}

/* Everything after the supervisor is there. */
static int
get_ready(struct lab *l, const struct lab_options *o, char **users, int n,
    int64_t began)
{
	char text[1024], id[32];
	int r;

	say("%-10s %s   (sec-lab down --purge removes it)", "state", l->shown);
	if (kdc_wait(l, (int)o->timeout) != 0)
		return gave_up(l, 9, "kdc", "does not answer");
	snprintf(text, sizeof(text), LAB_REALM "  %s:%d", l->address,
	    LAB_KDC_PORT);
	say("%-10s %-33s ok", "kdc", text);
	if ((r = wait_daemons(l, o->timeout, is_there)) != 0)
		return r;
	if (!l->plain) {
		if ((r = keys_lead(l, id, sizeof(id))) != 0)
			return sec_err_exit(r);
		snprintf(text, sizeof(text), "joint key %s, %d servers", id,
		    LAB_DAEMONS);
		say("%-10s %-33s ok", "key", text);
	}
	if ((r = wait_daemons(l, o->timeout, is_healthy)) != 0)
		return r;
	say("%-44s ok", strchr(LAB_SERVICES, ' ') + 1);
	if (n > 0) {
		if ((r = user_login(l, users, n)) != 0)
			return r;
		user_introduce(l, users, n);
		join_names(text, sizeof(text), users, n);
		say("%-10s %-33s ok", "users", text);
	}
	r = (int)(clock_mono() - began);
	say("ready in %d.%d s.  Next:  sec-lab %s %s", r / 1000, r % 1000 / 100,
	    n > 0 ? "shell" : "user", n > 0 ? users[0] : "alice");
	return 0;
}

/* ctrl-c while it comes up: down with all of it. */
static pid_t started;

static void
on_interrupt(int signo)
{
	(void)kill(started, SIGTERM);
	_exit(128 + signo);
}

int
verb_up(struct lab *l, const struct lab_options *o, char **users, int n)
{
	struct holding h = { -1, -1, -1 };
	int64_t began = clock_mono();
	pid_t pid;
	int r;

	quiet = o->quiet;
	if ((r = check_names(users, n)) != 0 ||
	    (r = lab_programs_missing(n > 0)) != 0 ||
	    (r = prepare(l, o, users, n, &h)) != 0)
		return r;
	if ((pid = fork()) < 0)
		return complain(10, "fork: %s", strerror(errno));
	if (pid == 0)
		supervise(l, h.lock, h.reserved, h.capture);
	started = pid;
	(void)signal(SIGINT, on_interrupt);
	(void)signal(SIGTERM, on_interrupt);
	close(h.lock);
	close(h.reserved);
	if (h.capture >= 0)
		close(h.capture);
	if ((r = get_ready(l, o, users, n, began)) != 0 && !o->keep)
		(void)bring_down(pid);
	return r;
}

/* --- down --- */

int
verb_down(struct lab *l, const struct lab_options *o, char **argv, int n)
{
	pid_t pid;
	int r;

	(void)argv;
	(void)n;
	quiet = o->quiet;
	if ((pid = lab_pid(l)) == 0)
		say("sec-lab: not up");
	else if (bring_down(pid) != 0)
		return complain(9, "the supervisor (pid %d) does not end",
		    (int)pid);
	if (!o->purge)
		return 0;
	/* Somebody may have been quicker and brought it up again. */
	if (lab_pid(l) != 0)
		return complain(10, "up again (pid %d); nothing removed",
		    (int)lab_pid(l));
	if ((r = tree_purge(l)) != 0)
		return sec_err_exit(r);
	return 0;
}

/* --- the rest --- */

static int
not_up(void)
{
	return complain(10, "not up; sec-lab up");
}

struct rows {
	enum emit_mode mode;
	struct table *table;
	int down;
};

static void
show_row(void *arg, const struct line *l)
{
	struct rows *t = arg;
	const char *name = line_get(l, "service");
	const char *state = line_get_or(l, "state", "");
	struct health h = { "", "" };
	uint64_t since = 0, pid = 0;
	char text[640];
	struct json j;

	if (name == NULL)
		return;
	(void)line_get_u64(l, "since", &since);
	(void)line_get_u64(l, "pid", &pid);
	if (strcmp(state, "up") == 0 && strcmp(name, "kdc") == 0)
		text_copy(h.state, "ok", sizeof(h.state));
	else if (strcmp(state, "up") == 0 && health_of(name, &h) != 0)
		text_copy(h.state, "silent", sizeof(h.state));
	if (h.state[0] == '\0' || strcmp(h.state, "silent") == 0)
		t->down = 1;
	if (t->mode == EMIT_QUIET)
		emit_line("%s", name);
	else if (t->mode == EMIT_JSON) {
		json_begin(&j);
		json_str(&j, "service", name);
		json_str(&j, "state", state);
		json_int(&j, "pid", (int64_t)pid);
		json_time(&j, "since", (int64_t)since);
		json_str(&j, "address", line_get_or(l, "addr", ""));
		json_str(&j, "health", h.state);
		json_str(&j, "message", h.words);
		json_end(&j, STDOUT_FILENO);
	} else {
		table_cell(t->table, name);
		table_cell(t->table, state);
		table_cell(t->table, pid != 0 ? line_get(l, "pid") : "-");
		table_cell(t->table, clock_hhmm((int64_t)since, text));
		table_cell(t->table, line_get_or(l, "addr", ""));
		snprintf(text, sizeof(text), "%s%s%s", h.state,
		    h.words[0] != '\0' ? "  " : "", h.words);
		table_cell(t->table, text);
	}
}

int
verb_status(struct lab *l, const struct lab_options *o, char **argv, int n)
{
	static const char *const columns[] = { "SERVICE", "STATE", "PID",
		"SINCE", "ADDRESS", "HEALTH" };
	struct rows t = { o->mode, NULL, 0 };
	char why[PATH_LEN + 64];
	int r;

	(void)argv;
	(void)n;
	if (lab_load(l) != 0 || lab_pid(l) == 0)
		return complain(1, "not up; sec-lab up");
	if (o->mode == EMIT_TABLE)
		t.table = table_new(columns, 6);
	r = ask("lab.sock", "status", NULL, NULL, CALL_MS, show_row, &t, why,
	    sizeof(why));
	if (t.table != NULL)
		table_print(t.table, STDOUT_FILENO);
	if (r != 0)
		return complain(sec_err_exit(r), "%s", why);
	return t.down;
}

int
verb_user(struct lab *l, const struct lab_options *o, char **users, int n)
{
	int r;

	(void)o;
	if ((r = check_names(users, n)) != 0)
		return r;
	if (lab_load(l) != 0 || lab_pid(l) == 0)
		return not_up();
	if ((r = kdc_add_users(l, users, n)) != 0)
		return sec_err_exit(r);
	if ((r = user_login(l, users, n)) == 0)
		user_introduce(l, users, n);
	return r;
}

static int
tell(struct lab *l, const char *verb, const char *service)
{
	char why[PATH_LEN + 64];
	int r;

	if (lab_load(l) != 0 || lab_pid(l) == 0)
		return not_up();
	r = ask("lab.sock", verb, "service", service, CALL_MS, NULL, NULL, why,
	    sizeof(why));
	return r == 0 ? 0 : complain(sec_err_exit(r), "%s: %s", service, why);
}

int
verb_kill(struct lab *l, const struct lab_options *o, char **argv, int n)
{
	(void)o;
	(void)n;
	return tell(l, "kill", argv[0]);
}

int
verb_stop(struct lab *l, const struct lab_options *o, char **argv, int n)
{
	(void)o;
	(void)n;
	return tell(l, "stop", argv[0]);
}

/* Back when it answers, so that what comes next in a script works. */
int
verb_start(struct lab *l, const struct lab_options *o, char **argv, int n)
{
	int64_t until = clock_mono() + o->timeout;
	struct health h;
	int r;

	(void)n;
	if ((r = tell(l, "start", argv[0])) != 0)
		return r;
	if (strcmp(argv[0], "kdc") == 0)
		return kdc_wait(l, (int)o->timeout) == 0 ?
		    0 :
		    gave_up(l, 9, "kdc", "does not answer");
	while (health_of(argv[0], &h) != 0) {
		if (clock_mono() > until)
			return gave_up(l, 9, argv[0], "does not answer");
		(void)poll(NULL, 0, POLL_MS);
	}
	return 0;
}

static int
print_log(const struct lab *l, const char *name, int header)
{
	char buf[65536];
	size_t n;
	FILE *f = fopen(lab_path(l, "log/%s", name), "r");

	if (f == NULL)
		return header ?
		    0 :
		    complain(5, "no log of %s; there are: lab " LAB_SERVICES,
			name);
	if (header)
		printf("==> %s <==\n", name);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		(void)fwrite(buf, 1, n, stdout);
	fclose(f);
	return 0;
}

int
verb_log(struct lab *l, const struct lab_options *o, char **argv, int n)
{
	int i;

	(void)o;
	if (lab_load(l) != 0)
		return not_up();
	if (n > 0)
		return text_is_name(argv[0]) ?
		    print_log(l, argv[0], 0) :
		    complain(5, "no log of %s", argv[0]);
	(void)print_log(l, "lab", 1);
	(void)print_log(l, "kdc", 1);
	for (i = 0; i < LAB_DAEMONS; i++)
		(void)print_log(l, lab_daemons[i].name, 1);
	return 0;
}
