/*
 * Control lines, the answering side: who listens, which verb goes where,
 * rows and last words.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/sock.h"
#include "ctl/peer.h"

#define ACCEPT_PAUSE 100 /* ms, when descriptors have run out */
#define ADMIN_GROUP  "sec"

static const struct {
	const char *role;
	unsigned from;
} roles[] = {
	{ "confctl", CTL_CONFCTL },
	{ "pal", CTL_PAL },
	{ "mtcu", CTL_MTCU },
	{ "mcu", CTL_MCU },
	{ "share", CTL_SHARE },
	{ "gw", CTL_GW },
	{ "web", CTL_WEB },
};

unsigned
ctl_from_role(const char *role)
{
	size_t i;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(roles[i].role, role) == 0)
			return roles[i].from;
	return 0;
}

static void
on_bury(void *arg)
{
	struct ctl *c = arg;
	struct ctl_peer *p;

	while ((p = TAILQ_FIRST(&c->dead)) != NULL) {
		TAILQ_REMOVE(&c->dead, p, entry);
		/* Calls begun after its close have their timers still. */
		ctl_call_fail_all(p, SEC_ERR_CLOSED);
		ctl_call_drop_all(p);
		ctl_peer_free(p);
	}
}

struct ctl *
ctl_new(struct loop *l)
{
	struct group *g;
	struct ctl *c;
	size_t i;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	c->loop = l;
	c->peers = map_new();
	TAILQ_INIT(&c->dead);
	hook_init(&c->bury, l, on_bury, c);
	for (i = 0; i < CTL_LISTEN; i++)
		c->listener[i].fd = -1;
	g = getgrnam(ADMIN_GROUP);
	c->group = g != NULL ? g->gr_gid : (gid_t)-1;
	return c;
}

void
ctl_stop(struct ctl *c)
{
	c->silent = 1;
}

void
ctl_free(struct ctl *c)
{
	struct ctl_peer *p;
	size_t i;

	if (c == NULL)
		return;
	c->silent = 1;
	for (i = 0; i < CTL_LISTEN; i++) {
		if (c->listener[i].fd == -1)
			continue;
		io_del(&c->listener[i].io);
		timer_cancel(&c->listener[i].again);
		close(c->listener[i].fd);
	}
	i = 0;
	while ((p = map_next(c->peers, &i)) != NULL)
		ctl_peer_close(p);
	while ((p = TAILQ_FIRST(&c->dead)) != NULL) {
		TAILQ_REMOVE(&c->dead, p, entry);
		ctl_call_drop_all(p);
		ctl_peer_free(p);
	}
	hook_cancel(&c->bury);
	map_free(c->peers);
	free(c);
}

void
ctl_add_verbs(struct ctl *c, const struct ctl_verb *v, void *ctx)
{
	if (v == NULL)
		return;
	if (c->ntables == CTL_TABLES)
		die(1, "too many tables of verbs");
	c->table[c->ntables].verbs = v;
	c->table[c->ntables].ctx = ctx;
	c->ntables++;
}

void
ctl_on_gone(struct ctl *c, void (*cb)(void *, uint64_t), void *ctx)
{
	if (c->ngone == CTL_GONE)
		die(1, "too many watchers of peers");
	c->gone[c->ngone].cb = cb;
	c->gone[c->ngone].ctx = ctx;
	c->ngone++;
}

/* --- listening --- */

static void
on_again(void *arg)
{
	struct ctl_listener *l = arg;

	if (io_set(&l->io, IO_IN) != 0)
		timer_set(&l->again, ACCEPT_PAUSE);
}

static void
on_accept(void *arg, uint32_t events)
{
	struct ctl_listener *l = arg;
	struct ctl_peer *p;
	int fd;

	(void)events;
	if ((fd = sock_accept(l->fd, NULL)) < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		/* EMFILE and its like do not pass by asking again at once. */
		log_warn("ctl.accept", "reason=%s", log_quote(strerror(errno)));
		(void)io_set(&l->io, 0);
		timer_set(&l->again, ACCEPT_PAUSE);
		return;
	}
	if (l->ctl->nunix >= l->max) {
		log_noise(LOG_L_WARN, "ctl.full", "connections=%d",
		    l->ctl->nunix);
		close(fd);
		return;
	}
	p = ctl_peer_unix(l->ctl, fd);
	/* Other people of this machine must not keep its admins out. */
	if (!(p->from & CTL_ADMIN) && l->ctl->nothers > l->max / 2) {
		log_noise(LOG_L_WARN, "ctl.full", "uid=%u connections=%d",
		    (unsigned)p->uid, l->ctl->nothers);
		ctl_peer_close(p);
	}
}

int
ctl_listen(struct ctl *c, int fd, int max)
{
	struct ctl_listener *l;
	size_t i;
	int r;

	for (i = 0; i < CTL_LISTEN; i++)
		if (c->listener[i].fd == -1)
			break;
	if (i == CTL_LISTEN)
		return SEC_ERR_LIMIT;
	l = &c->listener[i];
	if ((r = io_add(c->loop, &l->io, fd, IO_IN, on_accept, l)) != 0)
		return r;
	timer_init(&l->again, c->loop, on_again, l);
	l->ctl = c;
	l->fd = fd;
	l->max = max;
	return 0;
}

/* --- dispatch --- */

static int
find_verb(const struct ctl_peer *p, const char *verb,
    const struct ctl_verb **out, void **ctx)
{
	const struct ctl_table *t;
	const struct ctl_verb *v;
	int status = 405;
	size_t i;

	for (i = 0; i < p->ctl->ntables; i++) {
		t = &p->ctl->table[i];
		for (v = t->verbs; v->verb != NULL; v++) {
			if (strcmp(v->verb, verb) != 0)
				continue;
			if ((v->from & p->from) != 0) {
				*out = v;
				*ctx = t->ctx;
				return 200;
			}
			status = 403;
		}
	}
	return status;
}

void
ctl_dispatch(struct ctl_peer *p, const struct line *l)
{
	const struct ctl_verb *v = NULL;
	struct ctl_req r = { p->ctl, p, l, 0 };
	void *ctx = NULL;
	int status, e;

	if (p->ctl->silent)
		return; /* who would answer is being freed */
	e = line_get_u64(l, "id", &r.id);
	if (e == SEC_ERR_FORMAT || (e == 0 && r.id == 0)) {
		r.id = 0;
		log_noise(LOG_L_WARN, "ctl.id", "peer=%llu server=%d verb=%s",
		    (unsigned long long)p->id, p->number, log_quote(l->verb));
		return;
	}
	log_debug("ctl.in", "peer=%llu server=%d verb=%s",
	    (unsigned long long)p->id, p->number, log_quote(l->verb));
	if (r.id != 0)
		p->owed++;
	if ((status = find_verb(p, l->verb, &v, &ctx)) == 200) {
		v->on(ctx, &r);
		return;
	}
	log_noise(LOG_L_INFO, "ctl.refused",
	    "peer=%llu server=%d verb=%s code=%d", (unsigned long long)p->id,
	    p->number, log_quote(l->verb), status);
	ctl_error(&r, status, status == 403 ? "not for you" : "unknown verb");
}

/* --- answering --- */

static struct buf *
answer_begin(struct ctl_req *r, const char *verb)
{
	struct ctl_peer *p = r->peer;

	buf_reset(&p->answer);
	line_begin(&p->answer, verb);
	line_put_u64(&p->answer, "id", r->id);
	return &p->answer;
}

struct buf *
ctl_row(struct ctl_req *r)
{
	return answer_begin(r, "row");
}

struct buf *
ctl_ok_begin(struct ctl_req *r)
{
	return answer_begin(r, "ok");
}

void
ctl_end(struct ctl_req *r)
{
	struct ctl_peer *p = r->peer;
	int last;

	if (r->id == 0) {
		buf_reset(&p->answer); /* nobody answers an event */
		return;
	}
	last = buf_len(&p->answer) > 0 && buf_data(&p->answer)[0] != 'r';
	if (ctl_peer_send(p, &p->answer) != SEC_ERR_LIMIT) {
		if (last && p->owed > 0)
			p->owed--;
		return;
	}
	log_error("ctl.answer", "peer=%llu server=%d reason=\"line too long\"",
	    (unsigned long long)p->id, p->number);
	if (last)
		ctl_error(r, 500, "answer too long");
}

void
ctl_ok(struct ctl_req *r)
{
	(void)ctl_ok_begin(r);
	ctl_end(r);
}

void
ctl_error(struct ctl_req *r, int status, const char *reason)
{
	struct buf *b;

	b = answer_begin(r, "error");
	line_putf(b, "code", "%d", status);
	line_put(b, "reason", reason != NULL ? reason : sec_sip_reason(status));
	ctl_end(r);
}

struct ctl_handle
ctl_keep(const struct ctl_req *r)
{
	struct ctl_handle h = { r->peer->id, r->id };

	return h;
}

int
ctl_again(struct ctl *c, struct ctl_handle h, struct ctl_req *r)
{
	struct ctl_peer *p;

	if ((p = ctl_peer_find(c, h.peer)) == NULL)
		return SEC_ERR_CLOSED;
	r->ctl = c;
	r->peer = p;
	r->line = NULL;
	r->id = h.id;
	return 0;
}
