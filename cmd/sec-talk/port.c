/* The one UDP socket of a voice device. */
#include <sys/socket.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/sock.h"

#include "port.h"

#define RECV_BUFFER (1 << 20)

static int
open_for(int family, const char *any)
{
	struct addr a;
	int fd, off = 0;

	fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if ((family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) !=
		    0) ||
	    addr_parse(&a, any) != 0 ||
	    bind(fd, (struct sockaddr *)&a.ss, a.len) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int
port_open(struct port *p, char at[ADDR_STRLEN])
{
	int on = 1, size = RECV_BUFFER;
	struct addr a;

	p->six = 1;
	if ((p->fd = open_for(AF_INET6, "[::]:0")) == -1) {
		p->six = 0;
		if ((p->fd = open_for(AF_INET, "0.0.0.0:0")) == -1)
			return SEC_ERR_SYS;
	}
	(void)setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	if (sock_local(p->fd, &a) != 0)
		return SEC_ERR_SYS;
	addr_format(&a, at);
	return 0;
}

void
port_close(struct port *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

/* An IPv4 address as an IPv6 socket wants it. */
static void
map_address(const struct addr *from, struct sockaddr_in6 *to)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&from->ss;

	memset(to, 0, sizeof(*to));
	to->sin6_family = AF_INET6;
	to->sin6_port = four->sin_port;
	to->sin6_addr.s6_addr[10] = to->sin6_addr.s6_addr[11] = 0xff;
	memcpy(to->sin6_addr.s6_addr + 12, &four->sin_addr, 4);
}

void
port_send(const struct port *p, const struct addr *to, const uint8_t *d,
    size_t n)
{
	struct sockaddr_in6 six;

	if (p->six && to->ss.ss_family == AF_INET) {
		map_address(to, &six);
		(void)!sendto(p->fd, d, n, 0, (struct sockaddr *)&six,
		    sizeof(six));
	} else
		(void)!sendto(p->fd, d, n, 0, (const struct sockaddr *)&to->ss,
		    to->len);
}

static int64_t
arrival(struct msghdr *m)
{
	int64_t now = clock_mono_us(), ago;
	struct timespec at, real;
	struct cmsghdr *h;

	for (h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET ||
		    h->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&at, CMSG_DATA(h), sizeof(at));
		clock_gettime(CLOCK_REALTIME, &real);
		ago = (int64_t)(real.tv_sec - at.tv_sec) * 1000000 +
		    (real.tv_nsec - at.tv_nsec) / 1000;
		if (ago > 0 && ago < 1000000)
			return now - ago;
	}
	return now;
}

size_t
port_receive(const struct port *p, uint8_t *d, size_t size, int64_t *came)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct iovec iov = { d, size };
	struct msghdr m;
	ssize_t n;

	do {
		memset(&m, 0, sizeof(m));
		m.msg_iov = &iov;
		m.msg_iovlen = 1;
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		/* An empty one is none. */
		n = recvmsg(p->fd, &m, 0);
	} while (n == 0);
	if (n < 0)
		return 0;
	*came = arrival(&m);
	return (size_t)n;
}
