/*
 * The capture file of --wire.
 *
 * file    in our byte order, told by its magic: 24 bytes header, then per
 *         packet 16 bytes (seconds, microseconds, length kept, length) and it
 * packet  IPv4 20 | TCP 20 or UDP 8 | payload <= 16384, of UDP whole
 */
#include <sys/uio.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/proc.h"

#include "pcap.h"

#define LINKTYPE_RAW 101
#define TCP_HEAD     40
#define UDP_HEAD     28
#define SEGMENT	     16384

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10

struct pcap {
	int fd;
	int failed;
	uint16_t ident;
};

static void
put(struct pcap *p, struct iovec *iov, int n, size_t total)
{
	if (p->failed)
		return;
	if (writev(p->fd, iov, n) != (ssize_t)total) {
		log_error("lab.wire", "error=%s", log_quote(strerror(errno)));
		p->failed = 1;
	}
}

struct pcap *
pcap_new(int fd)
{
	struct pcap *p = calloc(1, sizeof(*p));
	struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, figures, snaplen, network;
	} head = { 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_RAW };
	struct iovec iov = { &head, sizeof(head) };

	if (p == NULL)
		return NULL;
	p->fd = fd;
	put(p, &iov, 1, sizeof(head));
	return p;
}

void
pcap_free(struct pcap *p)
{
	if (p == NULL)
		return;
	close(p->fd);
	free(p);
}

static uint32_t
sum(uint32_t s, const uint8_t *b, size_t n)
{
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		s += (uint32_t)b[i] << 8 | b[i + 1];
	if (n % 2 == 1)
		s += (uint32_t)b[n - 1] << 8;
	return s;
}

static uint16_t
fold(uint32_t s)
{
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* An IPv4 packet whose header of protocol `proto` is h[20..head-1], all but
 * lengths and sums there; at is where its sum goes. */
static void
packet(struct pcap *p, uint8_t *h, size_t head, int proto, size_t at,
    const uint8_t *bytes, size_t n)
{
	uint8_t pseudo[12];
	struct timespec now;
	uint32_t rec[4];
	struct iovec iov[3];
	uint16_t inner;
	uint32_t s;

	h[0] = 0x45;
	put_be16(h + 2, (uint16_t)(head + n));
	put_be16(h + 4, p->ident++);
	h[6] = 0x40; /* don't fragment */
	h[8] = 64;
	h[9] = (uint8_t)proto;
	put_be16(h + 10, fold(sum(0, h, 20)));
	memcpy(pseudo, h + 12, 8);
	pseudo[8] = 0;
	pseudo[9] = (uint8_t)proto;
	put_be16(pseudo + 10, (uint16_t)(head - 20 + n));
	s = sum(sum(0, pseudo, sizeof(pseudo)), h + 20, head - 20);
	inner = fold(n > 0 ? sum(s, bytes, n) : s);
	/* In UDP 0 says that there is none. */
	put_be16(h + at, proto == IPPROTO_UDP && inner == 0 ? 0xffff : inner);

	(void)clock_gettime(CLOCK_REALTIME, &now);
	rec[0] = (uint32_t)now.tv_sec;
	rec[1] = (uint32_t)(now.tv_nsec / 1000);
	rec[2] = rec[3] = (uint32_t)(head + n);
	iov[0] = (struct iovec) { rec, sizeof(rec) };
	iov[1] = (struct iovec) { h, head };
	/* writev(2) writes only; its struct has no const. */
	memcpy(&iov[2].iov_base, &bytes, sizeof(bytes));
	iov[2].iov_len = n;
	put(p, iov, n > 0 ? 3 : 2, sizeof(rec) + head + n);
}

static void
ends(uint8_t *h, const struct sockaddr_in *from, const struct sockaddr_in *to)
{
	memcpy(h + 12, &from->sin_addr, 4);
	memcpy(h + 16, &to->sin_addr, 4);
	memcpy(h + 20, &from->sin_port, 2);
	memcpy(h + 22, &to->sin_port, 2);
}

static void
segment(struct pcap *p, struct pcap_flow *f, int side, int flags,
    const uint8_t *bytes, size_t n)
{
	uint8_t h[TCP_HEAD] = { 0 };

	ends(h, &f->end[side], &f->end[!side]);
	put_be32(h + 24, f->seq[side]);
	put_be32(h + 28, flags & ACK ? f->seq[!side] : 0);
	h[32] = 5 << 4;
	h[33] = (uint8_t)flags;
	put_be16(h + 34, 65535);
	packet(p, h, sizeof(h), IPPROTO_TCP, 36, bytes, n);
	f->seq[side] += (uint32_t)n + (flags & (SYN | FIN) ? 1 : 0);
}

void
pcap_datagram(struct pcap *p, const struct sockaddr_in *from,
    const struct sockaddr_in *to, const void *bytes, size_t n)
{
	uint8_t h[UDP_HEAD] = { 0 };

	ends(h, from, to);
	put_be16(h + 24, (uint16_t)(UDP_HEAD - 20 + n));
	packet(p, h, sizeof(h), IPPROTO_UDP, 26, bytes, n);
}

void
pcap_begin(struct pcap *p, struct pcap_flow *f, const struct sockaddr_in *from,
    const struct sockaddr_in *to)
{
	memset(f, 0, sizeof(*f));
	f->end[0] = *from;
	f->end[1] = *to;
	f->begun = 1;
	proc_random(f->seq, sizeof(f->seq));
	segment(p, f, 0, SYN, NULL, 0);
	segment(p, f, 1, SYN | ACK, NULL, 0);
	segment(p, f, 0, ACK, NULL, 0);
}

void
pcap_data(struct pcap *p, struct pcap_flow *f, int side, const void *bytes,
    size_t n)
{
	const uint8_t *b = bytes;
	size_t k;

	for (; n > 0; n -= k, b += k) {
		k = n < SEGMENT ? n : SEGMENT;
		segment(p, f, side, PSH | ACK, b, k);
		segment(p, f, !side, ACK, NULL, 0);
	}
}

void
pcap_end(struct pcap *p, struct pcap_flow *f, int side, int reset)
{
	if (!f->begun || f->closed[side])
		return;
	f->closed[side] = 1;
	if (reset)
		f->closed[!side] = 1;
	segment(p, f, side, reset ? RST | ACK : FIN | ACK, NULL, 0);
	if (!reset)
		segment(p, f, !side, ACK, NULL, 0);
}
