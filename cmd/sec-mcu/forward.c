/*
 * forward: one packet in, the same bytes with another hop tag to everybody
 * else. Nothing waits, and nothing is sent twice: listeners are visited in a
 * circle, and whoever is visited gets all that has queued up for him since,
 * neighbours of equal size as one segmented send (UDP_SEGMENT).
 *
 *	arrive -> [queue of the room] -> visit -> [outbox] -> sendmmsg
 *	              ^  head                |  tag of the listener
 *	              '-- next of each listener --'
 *
 * Idle, a visit finds one packet; the more there is to do, the more it finds,
 * and the less each costs.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "mcu.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define SENDS 64 /* messages in one system call */
#define JOIN  32 /* packets in one message */
#define ROOM  (4 * JOIN * RTP_MAX) /* bytes of messages */
#define TURN  32 /* system calls in one turn of the loop */
#define AHEAD 4 /* listeners whose keys are asked for before they are read */

/* A message on its way: it needs nobody any more. */
struct send {
	union place to;
	struct iovec iov;
	unsigned n; /* packets */
	unsigned size; /* of the first; the last may be shorter */
	unsigned last;
	/* A cmsghdr and the size. */
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t))];
};

struct outbox {
	struct mmsghdr msg[SENDS];
	struct send send[SENDS];
	unsigned n, done;
	int is_blocked; /* the kernel's buffer is full */
	int is_single; /* it cannot segment */
	const struct packet *packet[JOIN]; /* of the one that is being made */
	size_t used;
	uint8_t bytes[ROOM];
};

/* --- buffers --- */

struct packet *
packet_take(struct mcu *m)
{
	struct packet *p = STAILQ_FIRST(&m->spare);

	if (p != NULL)
		STAILQ_REMOVE_HEAD(&m->spare, entry);
	else if (m->npackets < PACKETS)
		p = &m->packets[m->npackets++];
	else
		return NULL;
	p->refs = 1;
	return p;
}

int
packet_is_spare(const struct mcu *m)
{
	return !STAILQ_EMPTY(&m->spare) || m->npackets < PACKETS;
}

void
packet_drop(struct mcu *m, struct packet *p)
{
	if (--p->refs == 0)
		STAILQ_INSERT_HEAD(&m->spare, p, entry);
}

/* --- the queue of a room --- */

static struct queued *
at(struct room *r, uint32_t number)
{
	return &r->queue[number % ROOM_QUEUE];
}

static void
release_tail(struct mcu *m, struct room *r)
{
	packet_drop(m, at(r, r->tail++)->packet);
}

static void
finish(struct mcu *m, struct room *r)
{
	while (r->tail != r->head)
		release_tail(m, r);
	r->left = 0;
	if (r->is_working) {
		r->is_working = 0;
		TAILQ_REMOVE(&m->work, r, work);
	}
}

/* A whole circle from now on. */
static void
restart(struct room *r)
{
	uint32_t i;

	r->left = r->nlisteners;
	for (i = r->tail; i != r->head; i++)
		at(r, i)->due = r->visits + r->nlisteners;
}

void
forward_ahead(const struct room *r)
{
	unsigned i;

	__builtin_prefetch(&r->queue[r->head % ROOM_QUEUE], 1);
	for (i = 0; i < AHEAD && r->cursor + i < r->nlisteners; i++)
		__builtin_prefetch(&r->listener[r->cursor + i], 1);
}

/* The same for the keys of those visited first, one room before. */
static void
keys_ahead(const struct room *r)
{
	unsigned i;

	for (i = 0; i < AHEAD && r->cursor + i < r->nlisteners; i++)
		__builtin_prefetch(r->listener[r->cursor + i].key);
}

void
forward_packet(struct mcu *m, struct room *r, struct packet *p)
{
	struct queued *q;

	if (r->nlisteners == 0)
		return;
	while (r->tail != r->head && at(r, r->tail)->due <= r->visits)
		release_tail(m, r);
	if (r->head - r->tail == ROOM_QUEUE)
		release_tail(m, r); /* a visit counts who has missed it */
	q = at(r, r->head++);
	q->packet = p;
	q->due = r->visits + r->nlisteners;
	p->refs++;
	r->left = r->nlisteners;
	if (!r->is_working) {
		r->is_working = 1;
		TAILQ_INSERT_TAIL(&m->work, r, work);
	}
}

void
room_clear(struct mcu *m, struct room *r)
{
	finish(m, r);
}

void
room_add_listener(struct room *r, struct device *d)
{
	struct listener *l, *grown;
	unsigned n;

	if (r->nlisteners == r->caplisteners) {
		n = r->caplisteners > 0 ? 2 * r->caplisteners : 4;
		grown = reallocarray(r->listener, n, sizeof *grown);
		if (grown == NULL)
			return; /* its next packet asks again */
		r->listener = grown;
		r->caplisteners = n;
	}
	l = &r->listener[r->nlisteners++];
	memset(l, 0, sizeof *l);
	l->device = d;
	l->q = d->dealt.q;
	l->key = hopkey_down(d->keys);
	l->to = d->from;
	l->next = r->head; /* from now on */
	l->copies = d->copies;
	d->listener = r->nlisteners;
	if (r->is_working)
		restart(r);
}

void
room_drop_listener(struct mcu *m, struct room *r, struct device *d)
{
	struct listener *l;

	if (d->listener == 0)
		return;
	l = &r->listener[d->listener - 1];
	d->copies = l->copies;
	*l = r->listener[--r->nlisteners];
	if (l->device != d)
		l->device->listener = d->listener;
	d->listener = 0;
	if (r->cursor >= r->nlisteners)
		r->cursor = 0;
	/* The last one, moved, may have been passed over. */
	if (r->nlisteners == 0)
		finish(m, r);
	else if (r->is_working)
		restart(r);
}

/* --- the outbox --- */

static socklen_t
place_size(const union place *to)
{
	return to->sa.sa_family == AF_INET ? sizeof to->in : sizeof to->in6;
}

/* One by one what could not be sent as one. */
static void
send_single(struct mcu *m, const struct send *s)
{
	const uint8_t *p = s->iov.iov_base;
	size_t n, left = s->iov.iov_len;

	for (; left > 0; p += n, left -= n) {
		n = left < s->size ? left : s->size;
		if (sendto(m->s->udp, p, n, MSG_DONTWAIT, &s->to.sa,
			place_size(&s->to)) < 0)
			m->dropped[DROP_SEND]++;
	}
}

/* The first message was refused; what becomes of it? 0: try again later. */
static int
refused(struct mcu *m, struct outbox *o, int error)
{
	struct send *s = &o->send[o->done];

	switch (error) {
	case EAGAIN:
	case ENOBUFS: o->is_blocked = 1; return 0;
	case EINTR: return 1;
	case EINVAL:
	case EIO:
	case EOPNOTSUPP:
		if (s->n > 1) {
			/* Such a device, or such a way to it. */
			o->is_single = error != EINVAL;
			send_single(m, s);
			break;
		}
		/* FALLTHROUGH */
	default: m->dropped[DROP_SEND] += s->n;
	}
	o->done++;
	return 1;
}

/* 1: empty. */
static int
flush(struct mcu *m)
{
	struct outbox *o = m->out;
	int n;

	o->is_blocked = 0;
	while (o->done < o->n) {
		n = sendmmsg(m->s->udp, o->msg + o->done, o->n - o->done,
		    MSG_DONTWAIT);
		if (n < 0 && !refused(m, o, errno))
			return 0;
		if (n > 0)
			o->done += (unsigned)n;
	}
	o->n = o->done = 0;
	o->used = 0;
	return 1;
}

static int
is_full(const struct outbox *o)
{
	return o->n == SENDS || o->used + (size_t)JOIN * RTP_MAX > ROOM;
}

static struct send *
begin(struct outbox *o, const union place *to)
{
	struct send *s = &o->send[o->n];

	s->n = 0;
	s->to = *to;
	s->iov.iov_base = o->bytes + o->used;
	s->iov.iov_len = 0;
	return s;
}

static void
add(struct outbox *o, struct send *s, const struct packet *p)
{
	memcpy(o->bytes + o->used, p->bytes, p->n - (size_t)RTP_HOP_TAG);
	if (s->n == 0)
		s->size = p->n;
	o->packet[s->n++] = p;
	s->last = p->n;
	s->iov.iov_len += p->n;
	o->used += p->n;
}

/* The tag of each, two at a time. */
static void
tag(const struct outbox *o, struct send *s, const uint8_t *key)
{
	uint8_t *p = s->iov.iov_base, *last = p + s->iov.iov_len;
	unsigned i;

	p += s->size - RTP_HOP_TAG;
	for (i = 0; i + 2 < s->n; i += 2, p += 2 * s->size)
		hopkey_tag_words2(key, o->packet[i]->covered,
		    o->packet[i + 1]->covered, p, p + s->size);
	/* The last one may be shorter. */
	last -= RTP_HOP_TAG;
	if (i + 2 == s->n)
		hopkey_tag_words2(key, o->packet[i]->covered,
		    o->packet[i + 1]->covered, p, last);
	else
		hopkey_tag_words(key, o->packet[i]->covered, last);
}

static void
end(struct mcu *m, struct send *s)
{
	struct outbox *o = m->out;
	struct msghdr *h = &o->msg[o->n++].msg_hdr;
	uint16_t size = (uint16_t)s->size;

	h->msg_namelen = place_size(&s->to);
	h->msg_controllen = 0;
	if (s->n == 1)
		return;
	memcpy(CMSG_DATA((struct cmsghdr *)s->control), &size, sizeof size);
	h->msg_controllen = sizeof s->control;
	m->joined += s->n;
}

/* May p go behind what is there already? Only the last of a segmented send
 * may be shorter. */
static int
fits(const struct outbox *o, const struct send *s, const struct packet *p)
{
	return s->n < JOIN && !o->is_single && p->n <= s->size &&
	    s->last == s->size;
}

static void
finish_copies(struct mcu *m, struct send *s, struct listener *l)
{
	tag(m->out, s, l->key);
	end(m, s);
	l->copies += s->n;
	m->copies += s->n;
}

/* Give a listener what he has not got. 0: the outbox is full before that. */
static int
visit(struct mcu *m, struct room *r, struct listener *l)
{
	struct outbox *o = m->out;
	struct send *s = NULL;
	struct packet *p;

	if ((int32_t)(r->tail - l->next) > 0) {
		m->dropped[DROP_OVERRUN] += r->tail - l->next;
		l->next = r->tail;
	}
	for (; l->next != r->head; l->next++) {
		p = at(r, l->next)->packet;
		if (p->q == l->q)
			continue;
		if (s != NULL && !fits(o, s, p)) {
			finish_copies(m, s, l);
			s = NULL;
		}
		if (s == NULL && is_full(o))
			return 0;
		if (s == NULL)
			s = begin(o, &l->to);
		add(o, s, p);
	}
	if (s != NULL)
		finish_copies(m, s, l);
	return 1;
}

void
forward_bytes(struct mcu *m, const union place *to, const void *p, size_t n)
{
	struct outbox *o = m->out;
	struct send *s;

	if (is_full(o)) {
		/* It is one that may be lost. */
		(void)sendto(m->s->udp, p, n, MSG_DONTWAIT, &to->sa,
		    place_size(to));
		return;
	}
	s = begin(o, to);
	memcpy(s->iov.iov_base, p, n);
	s->n = 1;
	s->iov.iov_len = n;
	o->used += n;
	end(m, s);
}

/* Fill the outbox from one room; 1: everybody has everything. */
static int
walk(struct mcu *m, struct room *r)
{
	struct outbox *o = m->out;
	unsigned ahead;

	if (TAILQ_NEXT(r, work) != NULL)
		keys_ahead(TAILQ_NEXT(r, work));
	while (r->left > 0) {
		if (is_full(o))
			return 0;
		ahead = r->cursor + AHEAD;
		if (ahead < r->nlisteners)
			__builtin_prefetch(r->listener[ahead].key);
		if (!visit(m, r, &r->listener[r->cursor]))
			return 0;
		if (++r->cursor == r->nlisteners)
			r->cursor = 0;
		r->visits++;
		r->left--;
	}
	finish(m, r);
	return 1;
}

enum forward
forward_run(struct mcu *m)
{
	struct outbox *o = m->out;
	struct room *r;
	int calls = TURN;

	while (flush(m) && (r = TAILQ_FIRST(&m->work)) != NULL) {
		if (calls-- == 0)
			return FORWARD_MORE;
		if (calls < TURN - 1)
			(void)arrive_take(m, 1);
		while (!is_full(o) && (r = TAILQ_FIRST(&m->work)) != NULL &&
		    walk(m, r))
			continue;
		/* The next one's turn. */
		if (r != NULL && r->is_working) {
			TAILQ_REMOVE(&m->work, r, work);
			TAILQ_INSERT_TAIL(&m->work, r, work);
		}
	}
	return o->is_blocked ? FORWARD_BLOCKED : FORWARD_DONE;
}

int
forward_open(struct mcu *m)
{
	struct outbox *o;
	struct cmsghdr *c;
	struct msghdr *h;
	struct send *s;
	int i;

	TAILQ_INIT(&m->work);
	STAILQ_INIT(&m->spare);
	/* Pages of buffers never used cost nothing. */
	m->packets = calloc(PACKETS, sizeof *m->packets);
	o = m->out = calloc(1, sizeof *o);
	if (m->packets == NULL || o == NULL)
		return SEC_ERR_SYS;
	for (i = 0; i < SENDS; i++) {
		s = &o->send[i];
		h = &o->msg[i].msg_hdr;
		h->msg_name = &s->to;
		h->msg_iov = &s->iov;
		h->msg_iovlen = 1;
		h->msg_control = c = (struct cmsghdr *)s->control;
		c->cmsg_level = IPPROTO_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
	}
	return 0;
}

void
forward_close(struct mcu *m)
{
	free(m->packets);
	free(m->out);
	m->out = NULL;
}
