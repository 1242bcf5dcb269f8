/*
 * The eavesdropper: a relay in front of one daemon.
 *
 *   client ---- side[0] | relay | side[1] ---- daemon
 *
 * Each side holds what was read from it and waits to be written to the
 * other; while that buffer is full nothing more is read. One side's end is
 * passed on as an end; an error or a daemon that is not there as a reset.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sock.h"

#include "wire.h"

#define ROOM 65536

struct side {
	struct pair *pair;
	int which;
	int fd;
	struct io io;
	int eof; /* it has said all */
	int shut; /* the other's end was passed on */
	size_t n, done; /* of buf: filled, passed on */
	uint8_t buf[ROOM];
};

struct pair {
	struct wire *wire;
	struct side side[2];
	int dialing;
	struct pcap_flow flow;
	TAILQ_ENTRY(pair) entry;
};

struct wire {
	struct loop *loop;
	struct pcap *pcap;
	struct addr front, back;
	int fd;
	struct io io;
	TAILQ_HEAD(, pair) pairs;
};

static void
pair_free(struct pair *p, int reset)
{
	struct linger hard = { 1, 0 };
	int i;

	pcap_end(p->wire->pcap, &p->flow, 1, reset);
	pcap_end(p->wire->pcap, &p->flow, 0, reset);
	for (i = 0; i < 2; i++) {
		io_del(&p->side[i].io);
		if (p->side[i].fd < 0)
			continue;
		if (reset)
			(void)setsockopt(p->side[i].fd, SOL_SOCKET, SO_LINGER,
			    &hard, sizeof(hard));
		close(p->side[i].fd);
	}
	TAILQ_REMOVE(&p->wire->pairs, p, entry);
	free(p);
}

static void
rearm(struct pair *p)
{
	struct side *s, *o;
	uint32_t events;
	int i;

	for (i = 0; i < 2; i++) {
		s = &p->side[i];
		o = &p->side[!i];
		events = 0;
		if (!s->eof && s->n == 0 && !p->dialing)
			events |= IO_IN;
		if (o->n > 0 || (i == 1 && p->dialing))
			events |= IO_OUT;
		io_set(&s->io, events);
	}
}

/* Write what s has said to the other side. 0, or -1: that is gone. */
static int
pass_on(struct pair *p, struct side *s)
{
	struct side *to = &p->side[!s->which];
	ssize_t n;

	while (s->done < s->n) {
		n = send(to->fd, s->buf + s->done, s->n - s->done,
		    MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		s->done += (size_t)n;
	}
	s->n = s->done = 0;
	if (s->eof && !to->shut) {
		to->shut = 1;
		pcap_end(p->wire->pcap, &p->flow, s->which, 0);
		(void)shutdown(to->fd, SHUT_WR);
	}
	return 0;
}

static int
take_in(struct pair *p, struct side *s)
{
	ssize_t n;

	do
		n = recv(s->fd, s->buf, sizeof(s->buf), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0)
		s->eof = 1;
	else {
		s->n = (size_t)n;
		s->done = 0;
		pcap_data(p->wire->pcap, &p->flow, s->which, s->buf, s->n);
	}
	return pass_on(p, s);
}

static void
on_side(void *arg, uint32_t events)
{
	struct side *s = arg, *o = &s->pair->side[!s->which];
	struct pair *p = s->pair;

	if (p->dialing && s->which == 1) {
		if (sock_dial_result(s->fd) != 0) {
			pair_free(p, 1);
			return;
		}
		p->dialing = 0;
	}
	if (((events & (IO_IN | IO_HUP)) && !s->eof && s->n == 0 &&
		!p->dialing && take_in(p, s) != 0) ||
	    ((events & (IO_OUT | IO_HUP)) && o->n > 0 && pass_on(p, o) != 0)) {
		pair_free(p, 1);
		return;
	}
	if (s->eof && o->eof && s->n == 0 && o->n == 0) {
		pair_free(p, 0);
		return;
	}
	rearm(p);
}

static void
on_accept(void *arg, uint32_t events)
{
	struct wire *w = arg;
	struct addr peer;
	struct pair *p;
	int fd, back, i;

	(void)events;
	if ((fd = sock_accept(w->fd, &peer)) < 0)
		return;
	if ((back = sock_dial(&w->back)) < 0 ||
	    (p = calloc(1, sizeof(*p))) == NULL) {
		close(fd);
		if (back >= 0)
			close(back);
		return;
	}
	p->wire = w;
	p->dialing = 1;
	TAILQ_INSERT_TAIL(&w->pairs, p, entry);
	for (i = 0; i < 2; i++) {
		p->side[i].pair = p;
		p->side[i].which = i;
		p->side[i].fd = i == 0 ? fd : back;
	}
	pcap_begin(w->pcap, &p->flow, (struct sockaddr_in *)&peer.ss,
	    (struct sockaddr_in *)&w->front.ss);
	if (io_add(w->loop, &p->side[0].io, fd, 0, on_side, &p->side[0]) != 0 ||
	    io_add(w->loop, &p->side[1].io, back, IO_OUT, on_side,
		&p->side[1]) != 0)
		pair_free(p, 1);
}

int
wire_new(struct wire **out, struct loop *l, struct pcap *pcap,
    const char *address, int port, int behind)
{
	struct wire *w = calloc(1, sizeof(*w));
	char text[ADDR_STRLEN];

	if (w == NULL)
		return SEC_ERR_SYS;
	w->loop = l;
	w->pcap = pcap;
	TAILQ_INIT(&w->pairs);
	snprintf(text, sizeof(text), "%s:%d", address, port);
	if (addr_parse(&w->front, text) != 0) {
		free(w);
		return SEC_ERR_SYS;
	}
	w->back = w->front;
	addr_set_port(&w->back, port + behind);
	if ((w->fd = sock_listen(&w->front)) < 0 ||
	    io_add(l, &w->io, w->fd, IO_IN, on_accept, w) != 0) {
		if (w->fd >= 0)
			close(w->fd);
		free(w);
		return SEC_ERR_SYS;
	}
	*out = w;
	return 0;
}

void
wire_free(struct wire *w)
{
	struct pair *p;

	if (w == NULL)
		return;
	while ((p = TAILQ_FIRST(&w->pairs)) != NULL)
		pair_free(p, 0);
	io_del(&w->io);
	close(w->fd);
	free(w);
}
