/*
 * A peer of control lines: one Unix connection or one server link, its
 * lines in and out, and who it is.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/sock.h"
#include "ctl/peer.h"
#include "ctl/trace.h"
#include "wire/record.h"

#define UNSENT_ANYONE 1048576
#define UNSENT_OURS   16777216 /* long lists, to people we trust */
#define MAX_GROUPS    256
#define KEEP_SIZE     65536 /* larger empty buffers are freed */

static void on_stream_input(void *, struct buf *);
static void on_stream_closed(void *, int);
static void on_flush(void *);

static const struct stream_ops unix_ops = {
	NULL,
	on_stream_input,
	on_stream_closed,
};

static struct ctl_peer *
peer_new(struct ctl *c)
{
	struct ctl_peer *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory for a peer");
	p->ctl = c;
	p->id = ++c->last_id;
	p->uid = (uid_t)-1;
	buf_init(&p->out);
	buf_init(&p->answer);
	buf_init(&p->call);
	TAILQ_INIT(&p->calls);
	hook_init(&p->flush, c->loop, on_flush, p);
	map_put_u64(c->peers, p->id, p);
	return p;
}

void
ctl_peer_free(struct ctl_peer *p)
{
	hook_cancel(&p->flush);
	stream_free(p->stream);
	buf_free(&p->out);
	buf_free(&p->answer);
	buf_free(&p->call);
	free(p);
}

static int
in_group(int fd, gid_t own, gid_t wanted)
{
	gid_t list[MAX_GROUPS];
	socklen_t len;
	size_t i;

	if (wanted == (gid_t)-1)
		return 0;
	if (own == wanted)
		return 1;
	len = sizeof(list);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, list, &len) == -1)
		return 0;
	for (i = 0; i < len / sizeof(list[0]); i++)
		if (list[i] == wanted)
			return 1;
	return 0;
}

struct ctl_peer *
ctl_peer_unix(struct ctl *c, int fd)
{
	struct ctl_peer *p;
	gid_t gid;
	uid_t uid;

	p = peer_new(c);
	p->from = CTL_ANYONE;
	if (sock_unix_peer(fd, &uid, &gid, NULL) == 0) {
		p->uid = uid;
		if (uid == geteuid())
			p->from |= CTL_SAME | CTL_ADMIN;
		if (uid == 0 || in_group(fd, gid, c->group))
			p->from |= CTL_ADMIN;
	}
	p->stream = stream_new(c->loop, fd, LINE_MAX_BYTES,
	    p->from & CTL_ADMIN ? UNSENT_OURS : UNSENT_ANYONE, &unix_ops, p);
	/* Nobody else has files to pass, and may make us hold them open. */
	if (p->from & CTL_SAME)
		stream_want_fd(p->stream);
	c->nunix++;
	c->nothers += !(p->from & CTL_ADMIN);
	return p;
}

struct ctl_peer *
ctl_peer_link(struct ctl *c, struct channel *ch, int number, unsigned from)
{
	struct ctl_peer *p;

	p = peer_new(c);
	p->channel = ch;
	p->number = number;
	p->from = from;
	return p;
}

void
ctl_peer_close(struct ctl_peer *p)
{
	struct ctl *c = p->ctl;
	size_t i;

	if (p->closed)
		return;
	p->closed = 1;
	map_del_u64(c->peers, p->id);
	if (p->channel == NULL) {
		c->nunix--;
		c->nothers -= !(p->from & CTL_ADMIN);
	}
	/* Lines of this turn go with the channel. */
	p->channel = NULL;
	if (c->silent)
		ctl_call_drop_all(p);
	else
		ctl_call_fail_all(p, SEC_ERR_CLOSED);
	for (i = 0; i < c->ngone && !c->silent; i++)
		c->gone[i].cb(c->gone[i].ctx, p->id);
	stream_free(p->stream);
	p->stream = NULL;
	TAILQ_INSERT_TAIL(&c->dead, p, entry);
	hook_arm(&c->bury);
}

/* Someone who sends what is no line loses his connection. */
static void
refuse(struct ctl_peer *p, const char *why)
{
	log_noise(LOG_L_WARN, "ctl.garbage", "peer=%llu server=%d reason=%s",
	    (unsigned long long)p->id, p->number, log_quote(why));
	ctl_peer_close(p);
}

static void
on_line(struct ctl_peer *p, const char *s, size_t n)
{
	struct line l;
	int r;

	ctl_trace("ctl.received", p->number, s, n);
	if ((r = line_parse(&l, s, n)) != 0) {
		refuse(p, sec_strerror(r));
		return;
	}
	if (strcmp(l.verb, "row") == 0 || strcmp(l.verb, "ok") == 0 ||
	    strcmp(l.verb, "error") == 0)
		ctl_call_reply(p, &l);
	else
		ctl_dispatch(p, &l);
	line_free(&l);
}

static void
on_stream_input(void *arg, struct buf *in)
{
	struct ctl_peer *p = arg;
	const uint8_t *end;
	size_t n;

	while (!p->closed && buf_len(in) > 0) {
		end = memchr(buf_data(in), '\n', buf_len(in));
		if (end == NULL)
			return;
		n = (size_t)(end - buf_data(in)) + 1;
		/* The stream, and in with it, is gone if p gets closed. */
		on_line(p, (const char *)buf_data(in), n);
		if (!p->closed)
			buf_consume(in, n);
	}
}

static void
on_stream_closed(void *arg, int err)
{
	struct ctl_peer *p = arg;

	if (err == SEC_ERR_LIMIT)
		log_warn("ctl.limit", "peer=%llu", (unsigned long long)p->id);
	ctl_peer_close(p);
}

void
ctl_peer_input(struct ctl_peer *p, const uint8_t *b, size_t n)
{
	const uint8_t *end;
	size_t len;

	while (!p->closed && n > 0) {
		if ((end = memchr(b, '\n', n)) == NULL) {
			refuse(p, "record without whole lines");
			return;
		}
		len = (size_t)(end - b) + 1;
		on_line(p, (const char *)b, len);
		b += len;
		n -= len;
	}
}

/* Send the lines of this turn, as many to a record as fit. */
static void
on_flush(void *arg)
{
	struct ctl_peer *p = arg;
	const uint8_t *d;
	size_t n;

	while (p->channel != NULL && buf_len(&p->out) > 0) {
		d = buf_data(&p->out);
		n = buf_len(&p->out);
		if (n > RECORD_MAX)
			for (n = RECORD_MAX; n > 0 && d[n - 1] != '\n'; n--)
				;
		if (n == 0 || channel_send(p->channel, d, n) != 0) {
			log_warn("ctl.unsent", "server=%d bytes=%zu", p->number,
			    buf_len(&p->out));
			break;
		}
		buf_consume(&p->out, n);
	}
	if (p->out.cap > KEEP_SIZE)
		buf_free(&p->out);
	else
		buf_wipe(&p->out);
}

int
ctl_peer_send(struct ctl_peer *p, struct buf *b)
{
	int r = 0;

	line_end(b);
	if (buf_error(b) != 0 || buf_len(b) > LINE_MAX_BYTES)
		r = SEC_ERR_LIMIT;
	else if (p->closed)
		r = SEC_ERR_CLOSED;
	else {
		ctl_trace("ctl.sent", p->number, buf_data(b), buf_len(b));
		if (p->stream != NULL)
			stream_put(p->stream, buf_data(b), buf_len(b));
		else {
			buf_put(&p->out, buf_data(b), buf_len(b));
			hook_arm(&p->flush);
		}
	}
	/* Lines may carry keys: wiped, not only forgotten. */
	buf_wipe(b);
	return r;
}

uint64_t
ctl_peer_id(const struct ctl_peer *p)
{
	return p->id;
}

struct ctl_peer *
ctl_peer_find(struct ctl *c, uint64_t id)
{
	return map_get_u64(c->peers, id);
}

int
ctl_peer_number(const struct ctl_peer *p)
{
	return p->number;
}

unsigned
ctl_peer_from(const struct ctl_peer *p)
{
	return p->from;
}

uid_t
ctl_peer_uid(const struct ctl_peer *p)
{
	return p->uid;
}

size_t
ctl_peer_unsent(const struct ctl_peer *p)
{
	if (p->stream != NULL)
		return stream_unsent(p->stream);
	return buf_len(&p->out) +
	    (p->channel != NULL ? channel_unsent(p->channel) : 0);
}

size_t
ctl_peer_busy(const struct ctl_peer *p)
{
	const struct ctl_call *k;
	size_t n = p->owed;

	TAILQ_FOREACH(k, &p->calls, entry)
		n++;
	return n;
}

int
ctl_peer_take_fd(struct ctl_peer *p)
{
	return p->stream != NULL ? stream_take_fd(p->stream) : -1;
}
