/*
 * The ticket: fetched by a child, so that the loop never waits for a KDC;
 * renewed in time; its end foretold.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/sock.h"
#include "krb/ticket.h"

#define TICK_MS	 10000
#define APART_MS 60000 /* between two renewals */

static const int warnings[] = { 15, 5, 1 }; /* minutes, descending */

void
ticket_renewed(struct agent *a, int status, const char *reason)
{
	struct session *s = &a->session;
	struct ctl_req r;

	if (!s->renewing)
		return;
	s->renewing = 0;
	if (s->renew.peer == 0 || ctl_again(a->ctl, s->renew, &r) != 0)
		return;
	if (status != 200) {
		ctl_error(&r, status, reason);
		return;
	}
	line_putf(ctl_ok_begin(&r), "until", "%lld", (long long)s->until);
	ctl_end(&r);
}

static void
put_ticket(struct buf *b, int err, const char *why, const struct ticket *t)
{
	line_begin(b, "ticket");
	line_putf(b, "err", "%d", -err);
	if (err != 0) {
		line_put(b, "why", why);
	} else {
		line_put(b, "principal", t->principal);
		line_putf(b, "until", "%lld", (long long)t->until);
		line_putf(b, "renew", "%lld", (long long)t->renew_till);
		line_put_bytes(b, "tgt", buf_data(&t->tgt), buf_len(&t->tgt));
		line_put_bytes(b, "service", buf_data(&t->service),
		    buf_len(&t->service));
	}
	line_end(b);
}

/* In the child: everything that may talk to a KDC. */
static void
fetch(const struct ticket_request *q, int fd)
{
	struct buf b = BUF_INIT;
	struct ticket t;
	char why[512] = "";
	ssize_t n;
	int err;

	proc_reset_signals();
	(void)proc_close_from(3, fd);
	if (sock_set_nonblock(fd, 0) != 0)
		_exit(1);
	err = ticket_get(q, &t, why, sizeof(why));
	put_ticket(&b, err, why[0] != '\0' ? why : sec_strerror(err), &t);
	while (buf_len(&b) > 0) {
		if ((n = write(fd, buf_data(&b), buf_len(&b))) == -1 &&
		    errno != EINTR)
			break;
		if (n > 0)
			buf_consume(&b, (size_t)n);
	}
	close(fd);
	buf_free(&b);
	if (err == 0)
		ticket_free(&t);
	_exit(0);
}

static int
take_bytes(const struct line *l, const char *key, struct buf *out)
{
	struct buf b = BUF_INIT;
	int r;

	if ((r = line_get_bytes(l, key, &b)) != 0) {
		buf_free(&b);
		return r;
	}
	buf_free(out);
	*out = b;
	return 0;
}

/* When to look again: at the next warning, renewal, or the end. */
static void
schedule(struct agent *a)
{
	struct session *s = &a->session;
	int64_t left = s->until - clock_real(), wait = TICK_MS, to;
	size_t i;

	for (i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++) {
		to = left - warnings[i] * 60000;
		if (to > 0 && to < wait)
			wait = to;
	}
	if (left < wait)
		wait = left;
	timer_set(&s->warn, wait > 0 ? wait + 1 : 1);
}

static void
take_ticket(struct agent *a, const struct line *l)
{
	struct session *s = &a->session;
	uint64_t err, until, renew;
	const char *who;

	if (line_get_u64(l, "err", &err) != 0)
		err = (uint64_t)-SEC_ERR_SYS;
	if (err != 0) {
		if (s->first)
			login_fail(a, -(int)err,
			    line_get_or(l, "why", "no ticket"));
		else {
			log_warn("session.renew", "reason=%s",
			    log_quote(line_get_or(l, "why", "")));
			ticket_renewed(a, sec_err_sip(-(int)err),
			    line_get_or(l, "why", "no ticket"));
		}
		return;
	}
	if ((who = line_get(l, "principal")) == NULL ||
	    line_get_u64(l, "until", &until) != 0 ||
	    line_get_u64(l, "renew", &renew) != 0 ||
	    take_bytes(l, "service", &s->service) != 0 ||
	    take_bytes(l, "tgt", &s->tgt) != 0) {
		if (s->first)
			login_fail(a, SEC_ERR_SYS, "no ticket");
		return;
	}
	s->got = clock_real();
	s->until = (int64_t)until;
	s->renew_till = (int64_t)renew;
	s->warned = 0;
	login_forget(a);
	schedule(a);
	if (s->first)
		session_begin(a, who);
	else
		session_register(a, 0);
}

static void
on_child_out(void *arg, uint32_t events)
{
	struct agent *a = arg;
	struct session *s = &a->session;
	struct line l;
	uint8_t *p;
	ssize_t n;

	(void)events;
	if ((p = buf_reserve(&s->child_in, 16384)) == NULL)
		return;
	if ((n = read(s->child_fd, p, 16384)) > 0) {
		buf_commit(&s->child_in, (size_t)n);
		return;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	io_del(&s->child_io);
	close(s->child_fd);
	s->child_fd = -1;
	memset(&l, 0, sizeof(l));
	if (line_parse(&l, (const char *)buf_data(&s->child_in),
		buf_len(&s->child_in)) == 0) {
		take_ticket(a, &l);
		line_free(&l);
	} else if (s->first)
		login_fail(a, SEC_ERR_SYS,
		    "the process that fetches the "
		    "ticket has died");
	else
		ticket_renewed(a, 500, "no ticket");
	buf_free(&s->child_in);
}

static void
on_child(void *arg, int pid, int status)
{
	struct agent *a = arg;

	(void)status;
	if (a->session.child == pid)
		a->session.child = 0;
}

/* Where a ticket comes from: the first time as asked, then from what is
 * kept or lies in the cache. */
static void
ask_for(struct agent *a, struct ticket_request *q)
{
	struct session *s = &a->session;
	struct login *l = &a->login;

	q->principal = s->principal[0] != '\0' ? s->principal : NULL;
	q->realm = a->conf.realm[0] != '\0' ? a->conf.realm : NULL;
	q->service = s->service_name;
	q->keytab = l->keytab;
	q->password = l->password;
	q->source = TICKET_CCACHE;
	if (strcmp(l->source, "keytab") == 0) {
		q->source = TICKET_KEYTAB;
	} else if (!s->first && buf_len(&s->tgt) > 0) {
		q->source = TICKET_TGT;
		q->tgt = buf_data(&s->tgt);
		q->tgtlen = buf_len(&s->tgt);
	} else if (l->password != NULL)
		q->source = TICKET_PASSWORD;
}

/* 0, or SEC_ERR_SYS. */
int
ticket_fetch(struct agent *a)
{
	struct session *s = &a->session;
	struct ticket_request q;
	int fd[2], pid;

	if (s->child != 0 || s->child_fd != -1)
		return 0;
	memset(&q, 0, sizeof(q));
	ask_for(a, &q);
	s->asked = clock_real();
	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) == -1)
		return SEC_ERR_SYS;
	if ((pid = fork()) == -1) {
		close(fd[0]);
		close(fd[1]);
		return SEC_ERR_SYS;
	}
	if (pid == 0) {
		close(fd[0]);
		fetch(&q, fd[1]);
	}
	close(fd[1]);
	s->child = pid;
	s->child_fd = fd[0];
	(void)loop_child(a->loop, pid, on_child, a);
	return io_add(a->loop, &s->child_io, fd[0], IO_IN, on_child_out, a);
}

int
ticket_is_awaited(const struct agent *a)
{
	return a->session.child != 0 || a->session.child_fd != -1;
}

void
ticket_renew(struct agent *a, const struct ctl_handle *who)
{
	struct session *s = &a->session;

	if (who != NULL) {
		ticket_renewed(a, 503, "another renewal came between");
		s->renew = *who;
		s->renewing = 1;
	} else if (!s->renewing) {
		s->renew = (struct ctl_handle) { 0, 0 };
		s->renewing = 1;
	}
	if (ticket_fetch(a) != 0)
		ticket_renewed(a, 503,
		    "cannot start the process that fetches "
		    "tickets");
}

/* One event, of however many warnings it is time. */
static void
warn(struct agent *a, int64_t left)
{
	struct session *s = &a->session;
	int i = (int)(sizeof(warnings) / sizeof(warnings[0]));
	struct buf *b;

	while (i > s->warned && left > warnings[i - 1] * 60000)
		i--;
	if (i == s->warned)
		return;
	s->warned = i;
	b = event_begin(a, "session.warn");
	line_putf(b, "until", "%lld", (long long)s->until);
	event_end(a);
}

void
ticket_look(struct agent *a)
{
	struct session *s = &a->session;
	int64_t now = clock_real(), left = s->until - now;

	if (left <= 0) {
		a->exit_code = sec_err_exit(SEC_ERR_TICKET);
		session_end(a, "the ticket has ended");
		return;
	}
	if (s->registered)
		warn(a, left);
	/* Renew when four fifths are over, then once a minute. */
	if (left < (s->until - s->got) / 5 && now - s->asked > APART_MS)
		ticket_renew(a, NULL);
	schedule(a);
}

static void
on_tick(void *arg)
{
	ticket_look(arg);
}

void
ticket_open(struct agent *a)
{
	a->session.child_fd = -1;
	timer_init(&a->session.warn, a->loop, on_tick, a);
}

void
ticket_close(struct agent *a)
{
	struct session *s = &a->session;

	timer_cancel(&s->warn);
	if (s->child != 0) {
		kill(s->child, SIGTERM);
		loop_child_cancel(a->loop, s->child);
	}
	if (s->child_fd != -1) {
		io_del(&s->child_io);
		close(s->child_fd);
	}
	buf_free(&s->tgt);
	buf_free(&s->service);
	buf_free(&s->child_in);
}
