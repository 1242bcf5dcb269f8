/*
 * usage: badnet LISTEN TARGET LOSS JITTER SEED    (ADDR:PORT, per cent, ms)
 *
 * A bad network for UDP: datagrams between anybody and TARGET are lost with
 * LOSS per cent and each is delayed by up to JITTER ms by itself, so that
 * they overtake each other; the same SEED loses the same ones. SIGUSR1: from
 * now on it is a good network; SIGUSR2: a bad one again; SIGHUP: one that is
 * bad on the way to TARGET only. Prints `ready`, and at the end (SIGTERM) what
 * it did.
 */
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"

#define CLIENTS 64
#define HELD	4096
#define SIZE	2048

struct client {
	struct addr addr;
	int fd; /* towards the target */
};

struct held {
	int64_t at; /* us */
	int fd;
	struct addr to; /* of nobody: fd is connected */
	int connected;
	size_t n;
	uint8_t data[SIZE];
};

static struct client clients[CLIENTS];
static size_t nclients;
static struct held held[HELD];
static size_t nheld;
static unsigned loss, jitter;
static int bad_to = 1, bad_from = 1;
static uint64_t state;
static unsigned long passed, lost;

static unsigned
chance(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below == 0 ? 0 : (unsigned)(state % below);
}

static void
later(int fd, const struct addr *to, const uint8_t *p, size_t n)
{
	int bad = to == NULL ? bad_to : bad_from;
	struct held *h;

	if ((bad && chance(100) < loss) || nheld == HELD) {
		lost++;
		return;
	}
	h = &held[nheld++];
	h->at =
	    clock_mono_us() + (bad ? 1000 * (int64_t)chance(jitter + 1) : 0);
	h->fd = fd;
	h->connected = to == NULL;
	if (to != NULL)
		h->to = *to;
	h->n = n;
	memcpy(h->data, p, n);
	passed++;
}

/* What is due; how long until the next, ms. */
static int
release(void)
{
	int64_t now = clock_mono_us(), next = -1;
	size_t i = 0;

	while (i < nheld) {
		struct held *h = &held[i];

		if (h->at > now) {
			if (next < 0 || h->at - now < next)
				next = h->at - now;
			i++;
			continue;
		}
		(void)sendto(h->fd, h->data, h->n, 0,
		    h->connected ? NULL : (const struct sockaddr *)&h->to.ss,
		    h->connected ? 0 : h->to.len);
		*h = held[--nheld];
	}
	return next < 0 ? -1 : (int)(next / 1000 + 1);
}

static struct client *
client_of(int ep, const struct addr *from, const struct addr *target)
{
	struct epoll_event ev = { .events = EPOLLIN };
	size_t i;

	for (i = 0; i < nclients; i++)
		if (addr_equal(&clients[i].addr, from))
			return &clients[i];
	if (nclients == CLIENTS)
		return NULL;
	clients[i].addr = *from;
	clients[i].fd =
	    socket(target->ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ev.data.u64 = i + 2;
	if (clients[i].fd == -1 ||
	    connect(clients[i].fd, (const struct sockaddr *)&target->ss,
		target->len) != 0 ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, clients[i].fd, &ev) != 0)
		return NULL;
	nclients++;
	return &clients[i];
}

static void
from_client(int ep, int fd, const struct addr *target)
{
	uint8_t p[SIZE];
	struct addr from;
	struct client *c;
	ssize_t n;

	for (;;) {
		memset(&from, 0, sizeof from);
		from.len = sizeof from.ss;
		n = recvfrom(fd, p, sizeof p, 0, (struct sockaddr *)&from.ss,
		    &from.len);
		if (n < 0)
			return;
		if ((c = client_of(ep, &from, target)) != NULL)
			later(c->fd, NULL, p, (size_t)n);
	}
}

static void
from_target(int fd, const struct client *c)
{
	uint8_t p[SIZE];
	ssize_t n;

	while ((n = recv(c->fd, p, sizeof p, 0)) >= 0)
		later(fd, &c->addr, p, (size_t)n);
}

int
main(int argc, char **argv)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct signalfd_siginfo si;
	struct addr listen, target;
	int ep, fd, sig, over = 0;
	sigset_t set;

	if (argc != 6 || addr_parse(&listen, argv[1]) != 0 ||
	    addr_parse(&target, argv[2]) != 0) {
		fprintf(stderr,
		    "usage: badnet LISTEN TARGET LOSS JITTER SEED\n");
		return 2;
	}
	loss = (unsigned)atoi(argv[3]);
	jitter = (unsigned)atoi(argv[4]);
	state = (uint64_t)atoll(argv[5]) * 0x9e3779b97f4a7c15u + 1;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ep = epoll_create1(0);
	sig = signalfd(-1, &set, 0);
	fd = socket(listen.ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ev.data.u64 = 0;
	(void)epoll_ctl(ep, EPOLL_CTL_ADD, sig, &ev);
	ev.data.u64 = 1;
	(void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	if (fd == -1 ||
	    bind(fd, (const struct sockaddr *)&listen.ss, listen.len) != 0) {
		fprintf(stderr, "badnet: %s: %s\n", argv[1], strerror(errno));
		return 10;
	}
	puts("ready");
	fflush(stdout);
	while (!over) {
		if (epoll_wait(ep, &ev, 1, release()) != 1)
			continue;
		if (ev.data.u64 >= 2) {
			from_target(fd, &clients[ev.data.u64 - 2]);
		} else if (ev.data.u64 == 1) {
			from_client(ep, fd, &target);
		} else if (read(sig, &si, sizeof si) == sizeof si) {
			over =
			    si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT;
			bad_to = si.ssi_signo != SIGUSR1;
			bad_from = si.ssi_signo == SIGUSR2;
		}
	}
	printf("passed %lu lost %lu\n", passed, lost);
	return 0;
}
