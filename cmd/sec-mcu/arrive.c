/*
 * arrive: datagrams in. Nothing of a datagram is believed, and nothing is
 * changed by it but a counter, before its hop tag was right (SECURITY.md
 * 3.9):
 *
 *	length, layout -> conference, q -> hop tag -> replay
 *	    -> may speak, so fast -> address -> among the loudest -> forward
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "rtp/hopkey.h"
#include "wire/hop.h"

#include "mcu.h"

#define BATCH  FIND_MOST
#define BUFFER (4 << 20)
#define TURN   4 /* batches before something is sent */

struct inbox {
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	union place from[BATCH];
	struct packet *packet[BATCH]; /* where the next ones go */
};

static void
drop(struct mcu *m, enum drop why)
{
	m->dropped[why]++;
}

/* One packet more of d: is it slow enough? */
static int
is_in_budget(struct device *d, int64_t now)
{
	d->budget += (now - d->budget_at) * FLOOD_RATE;
	d->budget_at = now;
	if (d->budget > FLOOD_HEAP * 1000)
		d->budget = FLOOD_HEAP * 1000;
	if (d->budget < 1000)
		return 0;
	d->budget -= 1000;
	return 1;
}

static void
hop_in(struct mcu *m, const uint8_t *p, size_t n, const union place *from,
    int64_t now)
{
	struct hop_packet h;
	struct device *d;

	if (hop_decode(&h, p, n) != 0)
		drop(m, DROP_FORMAT);
	else if ((d = find_device(m, h.conf, h.q)) == NULL)
		drop(m, DROP_UNKNOWN);
	else if (hopkey_check_hop(hopkey_up(d->keys), p, n) != 0)
		drop(m, DROP_TAG);
	else if (h.counter <= d->hop_in)
		drop(m, DROP_REPLAY);
	else {
		m->hops++;
		d->hop_in = h.counter;
		device_heard(m, d, now);
		device_prove(m, d, from, &h);
		if (!device_is_at(d, from) && !is_in_budget(d, now))
			drop(m, DROP_FLOOD);
		else
			report_hop(m, d, from, &h);
	}
}

static void
voice_in(struct mcu *m, struct packet *p, const union place *from, int64_t us)
{
	int64_t now = us / 1000;
	struct device *d;
	struct room *r;
	struct rtp h;
	int newest, err;

	if (rtp_decode(&h, p->bytes, p->n) != 0) {
		drop(m, DROP_FORMAT);
		return;
	}
	if ((d = find_device(m, h.conf, h.q)) == NULL) {
		drop(m, DROP_UNKNOWN);
		return;
	}
	hopkey_words(p->bytes, p->n, p->covered);
	if (hopkey_check_words(hopkey_up(d->keys), p->covered,
		p->bytes + p->n - RTP_HOP_TAG) != 0) {
		drop(m, DROP_TAG);
		return;
	}
	if ((err = replay_check(&d->replay, h.counter)) != 0) {
		drop(m, err == SEC_ERR_REPLAY ? DROP_REPLAY : DROP_LATE);
		return;
	}
	newest = h.counter >= d->replay.next;
	m->voice++;
	report_voice(d, &h, newest, us);
	replay_mark(&d->replay, h.counter);
	device_heard(m, d, now);
	if (!d->dealt.speak) {
		d->muted++;
		drop(m, DROP_MUTED);
		return;
	}
	if (!is_in_budget(d, now)) {
		drop(m, DROP_FLOOD);
		return;
	}
	if (newest && !device_is_at(d, from))
		report_say(m, d, from);
	r = device_room(d);
	if (!select_packet(&r->select, &d->talker, now, h.level, h.voice)) {
		d->unselected++;
		drop(m, DROP_UNSELECTED);
		return;
	}
	/* Its buffer goes with it: there must be one for the next. */
	if (!packet_is_spare(m)) {
		drop(m, DROP_OVERRUN);
		return;
	}
	p->q = h.q;
	forward_packet(m, r, p);
}

static void
datagram(struct mcu *m, int i, int64_t us)
{
	struct inbox *in = m->in;
	struct packet *p = in->packet[i];

	m->received++;
	in->msg[i].msg_hdr.msg_namelen = sizeof in->from[i];
	if (hop_is(p->bytes, p->n)) {
		hop_in(m, p->bytes, p->n, &in->from[i], us / 1000);
		return;
	}
	voice_in(m, p, &in->from[i], us);
	if (p->refs == 1)
		return;
	packet_drop(m, p); /* the queue has it */
	in->packet[i] = packet_take(m);
	in->iov[i].iov_base = in->packet[i]->bytes;
}

int
arrive_take(struct mcu *m, int budget)
{
	struct inbox *in = m->in;
	int64_t us;
	int i, n;

	while (budget-- > 0) {
		n = recvmmsg(m->s->udp, in->msg, BATCH, MSG_DONTWAIT, NULL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		us = clock_mono_us();
		for (i = 0; i < n; i++)
			in->packet[i]->n = (uint16_t)in->msg[i].msg_len;
		find_ahead(m, in->packet, n);
		for (i = 0; i < n; i++)
			datagram(m, i, us);
		if (n < BATCH)
			return 0;
	}
	return 1;
}

static void
on_udp(void *arg, uint32_t events)
{
	static const uint32_t wanted[] = {
		[FORWARD_DONE] = IO_IN,
		[FORWARD_MORE] = IO_IN | IO_OUT,
		/* What comes waits in the socket meanwhile. */
		[FORWARD_BLOCKED] = IO_OUT,
	};
	struct mcu *m = arg;

	if (events & IO_IN)
		(void)arrive_take(m, TURN);
	(void)io_set(&m->io, wanted[forward_run(m)]);
}

/* As much as net.core.rmem_max and wmem_max let us have; systemd may have
 * given us more. */
static void
enlarge(int fd, int option)
{
	int had = 0, size = BUFFER;
	socklen_t n = sizeof had;

	/* The kernel says twice what it was told. */
	if (getsockopt(fd, SOL_SOCKET, option, &had, &n) == 0 &&
	    had < 2 * BUFFER)
		(void)setsockopt(fd, SOL_SOCKET, option, &size, sizeof size);
}

int
arrive_open(struct mcu *m)
{
	struct inbox *in;
	int i;

	if ((in = m->in = calloc(1, sizeof *in)) == NULL)
		return SEC_ERR_SYS;
	for (i = 0; i < BATCH; i++) {
		in->packet[i] = packet_take(m);
		in->iov[i].iov_base = in->packet[i]->bytes;
		in->iov[i].iov_len = sizeof in->packet[i]->bytes;
		in->msg[i].msg_hdr.msg_iov = &in->iov[i];
		in->msg[i].msg_hdr.msg_iovlen = 1;
		in->msg[i].msg_hdr.msg_name = &in->from[i];
		in->msg[i].msg_hdr.msg_namelen = sizeof in->from[i];
	}
	enlarge(m->s->udp, SO_RCVBUF);
	enlarge(m->s->udp, SO_SNDBUF);
	return io_add(m->s->loop, &m->io, m->s->udp, IO_IN, on_udp, m);
}

void
arrive_close(struct mcu *m)
{
	int i;

	io_del(&m->io);
	for (i = 0; m->in != NULL && i < BATCH; i++)
		packet_drop(m, m->in->packet[i]);
	free(m->in);
	m->in = NULL;
}
