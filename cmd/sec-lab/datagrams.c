/*
 * datagrams: a UDP relay.
 *
 *	sender a ---+                   +--- back of a ---+
 *	            |--- front (port) --|                 |--- port + behind
 *	sender b ---+                   +--- back of b ---+
 *
 * A sender who was silent for long gives his port to a new one when there
 * are many.
 */
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/map.h"
#include "base/sock.h"

#include "datagrams.h"

#define SENDERS 1000
#define MOST	65536
#define TURN	256 /* datagrams in a row */

struct sender {
	struct datagrams *in;
	struct sockaddr_in from;
	int fd;
	struct io io;
	TAILQ_ENTRY(sender) entry; /* longest silent first */
};

struct datagrams {
	struct loop *loop;
	struct pcap *pcap;
	struct addr front, back;
	int fd;
	struct io io;
	struct map *senders; /* by address and port */
	TAILQ_HEAD(, sender) list;
};

static void
sender_free(struct sender *s)
{
	struct datagrams *d = s->in;

	(void)map_del(d->senders, &s->from, sizeof(s->from));
	TAILQ_REMOVE(&d->list, s, entry);
	io_del(&s->io);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

/* From the daemon, back to the sender. */
static void
on_back(void *arg, uint32_t events)
{
	struct sender *s = arg;
	struct datagrams *d = s->in;
	uint8_t b[MOST];
	ssize_t n;
	int i;

	(void)events;
	for (i = 0; i < TURN; i++) {
		/* A daemon that is down refuses: its peer finds out. */
		if ((n = recv(s->fd, b, sizeof(b), 0)) < 0)
			return;
		pcap_datagram(d->pcap, (struct sockaddr_in *)&d->front.ss,
		    &s->from, b, (size_t)n);
		(void)sendto(d->fd, b, (size_t)n, 0,
		    (struct sockaddr *)&s->from, sizeof(s->from));
	}
}

static struct sender *
sender_new(struct datagrams *d, const struct sockaddr_in *from)
{
	struct addr any = d->back;
	struct sender *s;

	if (map_count(d->senders) >= SENDERS)
		sender_free(TAILQ_FIRST(&d->list));
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->in = d;
	s->from = *from;
	addr_set_port(&any, 0);
	(void)map_put(d->senders, &s->from, sizeof(s->from), s);
	TAILQ_INSERT_TAIL(&d->list, s, entry);
	if ((s->fd = sock_udp(&any)) < 0 ||
	    connect(s->fd, (struct sockaddr *)&d->back.ss, d->back.len) != 0 ||
	    io_add(d->loop, &s->io, s->fd, IO_IN, on_back, s) != 0) {
		sender_free(s);
		return NULL;
	}
	return s;
}

static void
on_front(void *arg, uint32_t events)
{
	struct datagrams *d = arg;
	struct sockaddr_in from;
	struct sender *s;
	socklen_t len;
	uint8_t b[MOST];
	ssize_t n;
	int i;

	(void)events;
	for (i = 0; i < TURN; i++) {
		memset(&from, 0, sizeof(from));
		len = sizeof(from);
		n = recvfrom(d->fd, b, sizeof(b), 0, (struct sockaddr *)&from,
		    &len);
		if (n < 0)
			return;
		pcap_datagram(d->pcap, &from,
		    (struct sockaddr_in *)&d->front.ss, b, (size_t)n);
		s = map_get(d->senders, &from, sizeof(from));
		if (s == NULL && (s = sender_new(d, &from)) == NULL)
			continue;
		TAILQ_REMOVE(&d->list, s, entry);
		TAILQ_INSERT_TAIL(&d->list, s, entry);
		(void)send(s->fd, b, (size_t)n, 0);
	}
}

int
datagrams_new(struct datagrams **out, struct loop *l, struct pcap *pcap,
    const char *address, int port, int behind)
{
	struct datagrams *d = calloc(1, sizeof(*d));
	char text[ADDR_STRLEN];

	if (d == NULL)
		return SEC_ERR_SYS;
	d->loop = l;
	d->pcap = pcap;
	d->fd = -1;
	d->senders = map_new();
	TAILQ_INIT(&d->list);
	snprintf(text, sizeof(text), "%s:%d", address, port);
	if (addr_parse(&d->front, text) != 0) {
		datagrams_free(d);
		return SEC_ERR_SYS;
	}
	d->back = d->front;
	addr_set_port(&d->back, port + behind);
	if ((d->fd = sock_udp(&d->front)) < 0 ||
	    io_add(l, &d->io, d->fd, IO_IN, on_front, d) != 0) {
		datagrams_free(d);
		return SEC_ERR_SYS;
	}
	*out = d;
	return 0;
}

void
datagrams_free(struct datagrams *d)
{
	struct sender *s;

	if (d == NULL)
		return;
	while ((s = TAILQ_FIRST(&d->list)) != NULL)
		sender_free(s);
	io_del(&d->io);
	if (d->fd >= 0)
		close(d->fd);
	map_free(d->senders);
	free(d);
}
