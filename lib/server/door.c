/*
 * The one port: accepts, counts, and keeps every connection from accept(2)
 * to its end. What the first bytes mean is usher.c's business.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/sock.h"
#include "server/guest.h"

#define ACCEPT_PAUSE 100 /* ms, when there is no room or no descriptor */
#define ACCEPT_BATCH 32
#define DEADLINE     10000
#define GUEST_OUT    65536

struct door {
	struct service *s;
	int fd; /* -1: closed */
	struct io io;
	struct timer again;
	struct guests guests, parked;
};

static void on_input(void *, struct buf *);
static void on_closed(void *, int);

static const struct stream_ops guest_ops = { NULL, on_input, on_closed };

void
guest_known(struct guest *g)
{
	if (!g->stranger)
		return;
	g->stranger = 0;
	(void)limits_strangers(g->s->state->limits, -1);
}

void
guest_free(struct guest *g)
{
	guest_known(g);
	limits_leave(g->s->state->limits, &g->from);
	TAILQ_REMOVE(g->list, g, entry);
	timer_cancel(&g->deadline);
	keygen_answer_free(g->answer);
	stream_free(g->stream);
	if (g->conn_id != 0)
		(void)map_del_u64(g->s->state->talking, g->conn_id);
	free(g);
}

void
guest_park(struct guest *g, int on)
{
	TAILQ_REMOVE(g->list, g, entry);
	g->list = on ? &g->door->parked : &g->door->guests;
	TAILQ_INSERT_TAIL(g->list, g, entry);
}

void
guest_leave(struct guest *g)
{
	if (g->state == GUEST_PARKED)
		guest_park(g, 0);
	g->state = GUEST_LEAVING;
	stream_finish(g->stream);
}

static void
on_input(void *arg, struct buf *in)
{
	struct guest *g = arg;

	(void)in;
	if (g->state == GUEST_LOOKING)
		usher_look(g);
}

static void
on_closed(void *arg, int err)
{
	(void)err;
	guest_free(arg);
}

static void
on_deadline(void *arg)
{
	struct guest *g = arg;

	switch (g->state) {
	case GUEST_PARKED: usher_refuse(g); break;
	case GUEST_TALKING:
		/* The stack says down(), which frees the guest. */
		if (g->once || !g->was_up)
			sip_conn_close(g->conn, SEC_ERR_TIMEOUT);
		break;
	case GUEST_DEALING: break; /* it has its own */
	default:
		log_debug("door.timeout", "state=%d", g->state);
		guest_free(g);
		break;
	}
}

static void
welcome(struct door *d, int fd, const struct addr *from)
{
	struct limits *l = d->s->state->limits;
	char text[ADDR_STRLEN];
	struct guest *g;

	if (limits_enter(l, from) != 0) {
		log_noise(LOG_L_WARN, "door.full", "from=%s",
		    addr_format(from, text));
		close(fd);
		return;
	}
	if ((g = calloc(1, sizeof(*g))) == NULL) {
		limits_leave(l, from);
		close(fd);
		return;
	}
	g->s = d->s;
	g->door = d;
	g->from = *from;
	g->stranger = 1;
	(void)limits_strangers(l, 1);
	timer_init(&g->deadline, d->s->loop, on_deadline, g);
	timer_set(&g->deadline, DEADLINE);
	g->list = &d->guests;
	TAILQ_INSERT_TAIL(g->list, g, entry);
	g->stream =
	    stream_new(d->s->loop, fd, KNOCK_MAX, GUEST_OUT, &guest_ops, g);
}

static void
pause_accept(struct door *d)
{
	(void)io_set(&d->io, 0);
	timer_set(&d->again, ACCEPT_PAUSE);
}

static void
on_accept(void *arg, uint32_t events)
{
	struct door *d = arg;
	struct addr from;
	int fd, i;

	(void)events;
	for (i = 0; i < ACCEPT_BATCH; i++) {
		/* Those who wait in the kernel's queue cost us nothing. */
		if (limits_strangers(d->s->state->limits, 0) >=
		    LIMITS_STRANGERS) {
			log_warn("door.strangers", "limit=%d",
			    LIMITS_STRANGERS);
			pause_accept(d);
			return;
		}
		if ((fd = sock_accept(d->fd, &from)) < 0) {
			if (errno == EAGAIN || errno == EWOULDBLOCK)
				return;
			log_warn("door.accept", "reason=%s",
			    log_quote(strerror(errno)));
			pause_accept(d);
			return;
		}
		welcome(d, fd, &from);
	}
}

static void
on_again(void *arg)
{
	struct door *d = arg;

	if (d->fd != -1 && io_set(&d->io, IO_IN) != 0)
		timer_set(&d->again, ACCEPT_PAUSE);
}

struct door *
door_new(struct service *s, int fd)
{
	struct door *d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		die(sec_err_exit(SEC_ERR_SYS), "no memory");
	d->s = s;
	d->fd = fd;
	TAILQ_INIT(&d->guests);
	TAILQ_INIT(&d->parked);
	timer_init(&d->again, s->loop, on_again, d);
	if (io_add(s->loop, &d->io, fd, IO_IN, on_accept, d) != 0)
		die(10, "socket: %s", strerror(errno));
	return d;
}

void
door_close(struct door *d)
{
	if (d->fd == -1)
		return;
	io_del(&d->io);
	timer_cancel(&d->again);
	close(d->fd);
	d->fd = -1;
}

void
door_free(struct door *d)
{
	struct guest *g;

	if (d == NULL)
		return;
	door_close(d);
	while ((g = TAILQ_FIRST(&d->guests)) != NULL ||
	    (g = TAILQ_FIRST(&d->parked)) != NULL)
		guest_free(g);
	free(d);
}

void
door_retry(struct door *d)
{
	struct guest *g, *next;

	for (g = TAILQ_FIRST(&d->parked); g != NULL; g = next) {
		next = TAILQ_NEXT(g, entry);
		usher_retry(g);
	}
}

size_t
door_guests(const struct door *d)
{
	struct guest *g;
	size_t n = 0;

	TAILQ_FOREACH(g, &d->guests, entry)
		n++;
	TAILQ_FOREACH(g, &d->parked, entry)
		n++;
	return n;
}

/* --- connections that a door has made --- */

int
door_conn_up(struct service *s, struct sip_conn *c)
{
	struct guest *g;

	g = map_get_u64(s->state->talking, sip_conn_id(c));
	if (g == NULL)
		return 1; /* one that the daemon dialled */
	g->was_up = 1;
	if (g->once)
		return 0; /* a REGISTER proves nothing yet */
	timer_cancel(&g->deadline);
	guest_known(g);
	return 1;
}

int
door_conn_forget(struct service *s, struct sip_conn *c)
{
	struct guest *g;

	g = map_get_u64(s->state->talking, sip_conn_id(c));
	if (g == NULL || !g->was_up)
		return 0;
	g->was_up = 0;
	return 1;
}

int
door_conn_down(struct service *s, struct sip_conn *c)
{
	struct guest *g;
	int was_up;

	g = map_get_u64(s->state->talking, sip_conn_id(c));
	if (g == NULL)
		return 1;
	was_up = g->was_up && !g->once;
	guest_free(g);
	return was_up;
}
