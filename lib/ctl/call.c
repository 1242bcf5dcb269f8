/*
 * Control lines from a tool: one Unix socket, one call at a time, waiting.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sock.h"
#include "base/text.h"
#include "ctl/call.h"
#include "ctl/trace.h"

#define READ_SIZE 16384

struct ctl_client {
	int fd;
	uint64_t id; /* of the call that runs */
	struct buf out, in;
	struct line line; /* what next() gave last */
	char why[512];
	int code;
};

int
ctl_client_open(struct ctl_client **out, const char *path)
{
	struct ctl_client *c;
	int fd;

	if ((fd = sock_unix_dial(path)) < 0)
		return fd == SEC_ERR_LIMIT ? fd : SEC_ERR_UNREACHABLE;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	c->fd = fd;
	buf_init(&c->out);
	buf_init(&c->in);
	*out = c;
	return 0;
}

void
ctl_client_close(struct ctl_client *c)
{
	if (c == NULL)
		return;
	close(c->fd);
	line_free(&c->line);
	buf_free(&c->out);
	buf_free(&c->in);
	free(c);
}

int
ctl_client_fd(const struct ctl_client *c)
{
	return c->fd;
}

struct buf *
ctl_client_begin(struct ctl_client *c, const char *verb)
{
	buf_reset(&c->out);
	c->id++;
	c->code = 0;
	c->why[0] = '\0';
	line_begin(&c->out, verb);
	line_put_u64(&c->out, "id", c->id);
	return &c->out;
}

/* Wait for the socket; 0, SEC_ERR_TIMEOUT, or SEC_ERR_SYS (EINTR too). */
static int
wait_for(struct ctl_client *c, short events, int64_t until)
{
	struct pollfd p = { c->fd, events, 0 };
	int64_t left = -1;
	int n;

	if (until >= 0 && (left = until - clock_mono()) < 0)
		left = 0;
	if (left > 3600000)
		left = 3600000;
	if ((n = poll(&p, 1, (int)left)) == -1)
		return SEC_ERR_SYS;
	if (n == 0 && until >= 0 && clock_mono() >= until)
		return SEC_ERR_TIMEOUT;
	return 0;
}

static ssize_t
send_some(struct ctl_client *c, int fd_to_pass)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { buf_data(&c->out), buf_len(&c->out) };
	struct cmsghdr *h;
	struct msghdr m;

	memset(&m, 0, sizeof(m));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	if (fd_to_pass >= 0) {
		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd_to_pass, sizeof(int));
	}
	return sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

int
ctl_client_send(struct ctl_client *c, int fd_to_pass)
{
	ssize_t n;

	line_end(&c->out);
	if (buf_error(&c->out) != 0 || buf_len(&c->out) > LINE_MAX_BYTES)
		return SEC_ERR_LIMIT;
	ctl_trace("ctl.sent", 0, buf_data(&c->out), buf_len(&c->out));
	while (buf_len(&c->out) > 0) {
		if ((n = send_some(c, fd_to_pass)) >= 0) {
			buf_consume(&c->out, (size_t)n);
			fd_to_pass = -1;
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			(void)wait_for(c, POLLOUT, -1);
		else if (errno != EINTR)
			return SEC_ERR_CLOSED;
	}
	buf_wipe(&c->out);
	return 0;
}

int
ctl_client_pending(const struct ctl_client *c)
{
	return buf_len(&c->in) > 0 &&
	    memchr(buf_data(&c->in), '\n', buf_len(&c->in)) != NULL;
}

/* One read: 0, SEC_ERR_CLOSED, SEC_ERR_LIMIT. */
static int
read_some(struct ctl_client *c)
{
	uint8_t *p;
	ssize_t n;

	if (buf_len(&c->in) > LINE_MAX_BYTES)
		return SEC_ERR_LIMIT;
	if ((p = buf_reserve(&c->in, READ_SIZE)) == NULL)
		return SEC_ERR_LIMIT;
	if ((n = read(c->fd, p, READ_SIZE)) > 0) {
		buf_commit(&c->in, (size_t)n);
		return 0;
	}
	if (n == -1 &&
	    (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return 0;
	return SEC_ERR_CLOSED;
}

/* Take the first line: 1 if it belongs to the call, 0 if not. */
static int
take_line(struct ctl_client *c)
{
	const uint8_t *end;
	uint64_t id;
	size_t n;
	int r;

	end = memchr(buf_data(&c->in), '\n', buf_len(&c->in));
	n = (size_t)(end - buf_data(&c->in)) + 1;
	r = line_parse(&c->line, (const char *)buf_data(&c->in), n);
	ctl_trace("ctl.received", 0, buf_data(&c->in), n);
	buf_consume(&c->in, n);
	/* Lines may carry keys, and this buffer lives as long as a device. */
	if (buf_len(&c->in) == 0)
		buf_wipe(&c->in);
	if (r != 0) {
		memset(&c->line, 0, sizeof(c->line));
		return SEC_ERR_FORMAT;
	}
	if (line_get_u64(&c->line, "id", &id) == 0 && id == c->id)
		return 1;
	line_free(&c->line);
	return 0;
}

static int
outcome(struct ctl_client *c)
{
	const char *verb = c->line.verb;
	uint64_t code;
	int r;

	if (strcmp(verb, "row") == 0)
		return 1;
	if (strcmp(verb, "ok") == 0)
		return 0;
	if (strcmp(verb, "error") != 0)
		return SEC_ERR_FORMAT;
	if (line_get_u64(&c->line, "code", &code) != 0 || code < 300 ||
	    code > 699)
		code = 500;
	c->code = (int)code;
	text_copy(c->why,
	    line_get_or(&c->line, "reason", sec_sip_reason(c->code)),
	    sizeof(c->why));
	r = sec_err_from_sip(NULL, c->code);
	return r != 0 ? r : SEC_ERR_UNREACHABLE;
}

int
ctl_client_next(struct ctl_client *c, struct line *l, int64_t deadline_ms)
{
	int64_t until = -1;
	int r;

	line_free(&c->line);
	if (deadline_ms >= 0)
		until = clock_mono() + deadline_ms;
	for (;;) {
		while (ctl_client_pending(c)) {
			if ((r = take_line(c)) < 0)
				return r;
			if (r == 0)
				continue;
			if ((r = outcome(c)) >= 0)
				*l = c->line;
			return r;
		}
		if ((r = wait_for(c, POLLIN, until)) != 0 ||
		    (r = read_some(c)) != 0)
			return r;
	}
}

int
ctl_client_run(struct ctl_client *c, int64_t deadline_ms,
    void (*cb)(void *arg, const struct line *l), void *arg)
{
	struct line l;
	int r;

	if ((r = ctl_client_send(c, -1)) == 0)
		do {
			if ((r = ctl_client_next(c, &l, deadline_ms)) >= 0 &&
			    cb != NULL)
				cb(arg, &l);
		} while (r == 1);
	if (r != 0 && c->why[0] == '\0')
		text_copy(c->why, sec_strerror(r), sizeof(c->why));
	return r;
}

const char *
ctl_client_why(const struct ctl_client *c)
{
	return c->why;
}

int
ctl_client_code(const struct ctl_client *c)
{
	return c->code;
}
