/*
 * What sec-login says and hears: one line with who logs in and how, one
 * answer when the session can be used or could not be begun.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sock.h"
#include "base/text.h"

#define LOGIN_MAX 65536

static void
login_write(struct agent *a, struct buf *line)
{
	ssize_t n;
	size_t len = buf_len(line);

	if (a->login.fd == -1)
		return;
	/* A socket with nothing in it takes a line at once. */
	n = write(a->login.fd, buf_data(line), len);
	if (n == -1 || (size_t)n != len)
		log_warn("login.answer", "reason=%s",
		    log_quote(strerror(errno)));
	io_del(&a->login.io);
	close(a->login.fd);
	a->login.fd = -1;
}

void
login_forget(struct agent *a)
{
	secret_free(a->login.password);
	a->login.password = NULL;
	buf_free(&a->login.in);
}

/* The login has failed: say why and end. */
void
login_fail(struct agent *a, int err, const char *reason)
{
	struct buf b = BUF_INIT;

	log_info("session.refused", "user=%s reason=%s", log_quote(a->user),
	    log_quote(reason));
	line_begin(&b, "error");
	line_putf(&b, "code", "%d", sec_err_sip(err));
	line_put(&b, "reason", reason);
	line_putf(&b, "exit", "%d", sec_err_exit(err));
	line_end(&b);
	login_write(a, &b);
	buf_free(&b);
	login_forget(a);
	loop_stop(a->loop, sec_err_exit(err));
}

void
login_ok(struct agent *a)
{
	struct buf b = BUF_INIT;

	if (!a->session.first)
		return;
	a->session.first = 0;
	timer_cancel(&a->session.settle);
	line_begin(&b, "ok");
	line_put(&b, "user", a->uri);
	line_put(&b, "principal", a->session.principal);
	line_put(&b, "status", a->presence.status);
	line_putf(&b, "until", "%lld", (long long)a->session.until);
	line_putf(&b, "pid", "%d", (int)getpid());
	line_end(&b);
	login_write(a, &b);
	buf_free(&b);
}

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
	char bad[URI_MAX];
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
		(size_t)(p - buf_data(in))) != 0 ||
	    take_login(a, &l) != 0) {
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
	    invite_set_policy(a, a->login.policy, NULL, bad) != 0)
		log_warn("session.policy", "policy=%s",
		    log_quote(a->login.policy));
	session_login(a);
}

#define COPY(field, l, key) copy((field), sizeof(field), (l), (key))

void
login_open(struct agent *a)
{
	(void)sock_set_nonblock(a->login.fd, 1);
	(void)io_add(a->loop, &a->login.io, a->login.fd, IO_IN, on_login, a);
}

void
login_close(struct agent *a)
{
	login_forget(a);
	if (a->login.fd == -1)
		return;
	io_del(&a->login.io);
	close(a->login.fd);
	a->login.fd = -1;
}
