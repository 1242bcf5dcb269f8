/*
 * report: how it goes. Hop packets and their answers, who is lost and found,
 * who talks, and counters for `status` and `streams`.
 */
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "rtp/hopkey.h"
#include "wire/hop.h"
#include "wire/ids.h"

#include "mcu.h"

#define TALK_MS 1000 /* between two `talk` of a conference */

static const char *const drop_names[DROPS] = {
	[DROP_FORMAT] = "format",
	[DROP_UNKNOWN] = "unknown",
	[DROP_TAG] = "tag",
	[DROP_REPLAY] = "replay",
	[DROP_LATE] = "late",
	[DROP_MUTED] = "muted",
	[DROP_FLOOD] = "flood",
	[DROP_UNSELECTED] = "unselected",
	[DROP_OVERRUN] = "overrun",
	[DROP_SEND] = "send",
};

/* --- what comes from a device --- */

void
report_voice(struct device *d, const struct rtp *r, int newest, int64_t us)
{
	uint32_t rate = r->pt == 0 ? 8000 : 48000;
	uint32_t transit, delta;

	if (d->packets++ == 0)
		d->first = r->counter;
	if (!newest) {
		d->misordered++;
		if (r->counter < d->first)
			d->first = r->counter;
	}
	/* RFC 3550 A.8, in microseconds. */
	transit = (uint32_t)us - (uint32_t)((uint64_t)r->ts * 1000000 / rate);
	delta = transit - d->transit;
	if ((int32_t)delta < 0)
		delta = -delta;
	d->transit = transit;
	/* A mic that was closed, a clock of 32 bits that came around. */
	if (d->packets > 1 && delta < 1000000)
		d->jitter += delta - ((d->jitter + 8) >> 4);
}

static uint64_t
lost_of(const struct device *d)
{
	uint64_t expected;

	if (d->packets == 0)
		return 0;
	expected = d->replay.next - d->first;
	return expected > d->packets ? expected - d->packets : 0;
}

static uint16_t
jitter_ms(const struct device *d)
{
	uint32_t ms = (d->jitter >> 4) / 1000;

	return ms < UINT16_MAX ? (uint16_t)ms : UINT16_MAX;
}

void
report_say(struct mcu *m, struct device *d, const union place *to)
{
	struct hop_packet answer; /* large: only its first rows are set */
	uint8_t out[HOP_MAX];
	size_t n;

	answer.q = d->dealt.q;
	answer.conf = d->dealt.room->cid;
	answer.counter = ++d->hop_out;
	answer.n = 1;
	answer.row[0] = (struct hop_row) {
		.q = d->dealt.q,
		.packets = d->packets,
		.misordered = d->misordered < UINT16_MAX ?
		    (uint16_t)d->misordered :
		    UINT16_MAX,
		.jitter_ms = jitter_ms(d),
	};
	if (!device_is_at(d, to))
		hop_put_token(&answer.row[answer.n++], device_ask(d, to));
	n = hop_encode(&answer, out) + HOP_TAG;
	hopkey_seal_hop(hopkey_down(d->keys), out, n);
	forward_bytes(m, to, out, n);
}

void
report_hop(struct mcu *m, struct device *d, const union place *from,
    const struct hop_packet *h)
{
	unsigned i;

	d->reported = 0;
	d->reported_jitter_ms = 0;
	for (i = 0; i < h->n; i++) {
		if (h->row[i].q == 0)
			continue;
		d->reported += h->row[i].packets;
		if (h->row[i].jitter_ms > d->reported_jitter_ms)
			d->reported_jitter_ms = h->row[i].jitter_ms;
	}
	report_say(m, d, from);
}

/* --- lost, found, talking --- */

static void
tell_talk(struct room *r, const struct device *d, int on)
{
	struct ctl_peer *p;
	struct buf *b;

	p = links_peer(dealt_service(r->dealt.dealt)->links, 1);
	if (p == NULL)
		return;
	b = ctl_event(p, "talk");
	line_put(b, "conf", r->dealt.uri);
	line_put(b, "user", d->dealt.person->uri);
	line_put(b, "on", on ? "on" : "off");
	ctl_event_end(p);
}

static int
is_told(const struct room *r, const struct device *d)
{
	unsigned i;

	for (i = 0; i < r->ntalking; i++)
		if (r->talking[i] == d)
			return 1;
	return 0;
}

static struct device *
device_of(struct talker *t)
{
	return (struct device *)((char *)t - offsetof(struct device, talker));
}

/* At most one change, and that not too soon after another. */
static void
look_who_talks(struct room *r, int64_t now)
{
	struct device *d;
	unsigned i;

	if (!r->dealt.talk || now - r->told < TALK_MS)
		return;
	for (i = 0; i < r->ntalking; i++) {
		d = r->talking[i];
		if (select_is_talking(&d->talker, now))
			continue;
		r->talking[i] = r->talking[--r->ntalking];
		r->told = now;
		tell_talk(r, d, 0);
		return;
	}
	for (i = 0; i < r->select.used && r->ntalking < SELECT_MAX; i++) {
		d = device_of(r->select.slot[i]);
		if (!select_is_talking(&d->talker, now) || is_told(r, d))
			continue;
		r->talking[r->ntalking++] = d;
		r->told = now;
		tell_talk(r, d, 1);
		return;
	}
}

void
report_anew(struct room *r)
{
	r->ntalking = 0;
}

void
report_leave(struct room *r, const struct device *d)
{
	unsigned i;

	for (i = 0; i < r->ntalking; i++)
		if (r->talking[i] == d) {
			r->talking[i] = r->talking[--r->ntalking];
			tell_talk(r, d, 0);
			return;
		}
}

void
report_sweep(void *arg)
{
	struct mcu *m = arg;
	struct dealt_room *r;
	struct device *d;
	int64_t now = clock_mono();
	size_t i;

	while (
	    (d = TAILQ_FIRST(&m->quiet)) != NULL && now - d->heard >= LOST_MS) {
		TAILQ_REMOVE(&m->quiet, d, quiet);
		dealt_lost(&d->dealt);
		device_tune(m, d);
	}
	for (i = 0; (r = dealt_room_next(m->s->dealt, &i)) != NULL;)
		look_who_talks((struct room *)r, now);
	timer_set(&m->sweep, SWEEP_MS);
}

/* --- counters --- */

static void
row_count(struct ctl_req *req, const char *what, uint64_t n)
{
	struct buf *b = ctl_row(req);

	line_put(b, "what", what);
	line_put_u64(b, "n", n);
	ctl_end(req);
}

/* What did not fit into the socket's buffer. */
static uint64_t
kernel_drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t n = sizeof info;

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &n) != 0)
		return 0;
	return info[SK_MEMINFO_DROPS];
}

void
report_status(struct service *s, struct ctl_req *req)
{
	struct mcu *m = s->priv;
	int i;

	row_count(req, "received", m->received);
	row_count(req, "voice", m->voice);
	row_count(req, "hops", m->hops);
	row_count(req, "copies", m->copies);
	row_count(req, "joined", m->joined);
	for (i = 0; i < DROPS; i++)
		row_count(req, drop_names[i], m->dropped[i]);
	row_count(req, "unread", kernel_drops(s->udp));
}

static const char *
state_of(const struct device *d, int64_t now)
{
	return d->dealt.lost		       ? "lost" :
	    d->from.sa.sa_family == 0	       ? "new" :
	    d->dealt.hold		       ? "held" :
	    select_is_talking(&d->talker, now) ? "talking" :
	    d->packets > 0 && now - d->talker.heard < SELECT_PAUSE ?
						 "sending" :
						 "listening";
}

static void
row_stream(struct ctl_req *req, const struct room *r, const struct device *d,
    int64_t now)
{
	struct buf *b = ctl_row(req);
	uint32_t copies = d->copies;
	char q[Q_STRLEN];

	if (d->listener != 0)
		copies = r->listener[d->listener - 1].copies;
	line_put(b, "conf", r->dealt.uri);
	line_put(b, "q", q_format(d->dealt.q, q));
	line_put(b, "user", d->dealt.person->uri);
	line_put(b, "state", state_of(d, now));
	line_put_u64(b, "in", d->packets);
	line_put_u64(b, "lost", lost_of(d));
	line_put_u64(b, "misordered", d->misordered);
	line_put_u64(b, "jitter_ms", jitter_ms(d));
	line_put_u64(b, "muted", d->muted);
	line_put_u64(b, "unselected", d->unselected);
	line_put_u64(b, "out", copies);
	line_put_u64(b, "got", d->reported);
	line_put_u64(b, "got_jitter_ms", d->reported_jitter_ms);
	ctl_end(req);
}

static void
on_streams(void *ctx, struct ctl_req *req)
{
	struct mcu *m = ((struct service *)ctx)->priv;
	const char *conf = line_get(req->line, "conf");
	int64_t now = clock_mono();
	struct dealt_device *d;
	struct dealt_room *r;
	size_t i;

	for (i = 0; (r = dealt_room_next(m->s->dealt, &i)) != NULL;) {
		if (conf != NULL && strcmp(conf, r->uri) != 0)
			continue;
		TAILQ_FOREACH(d, &r->devices, entry)
			row_stream(req, (struct room *)r, (struct device *)d,
			    now);
	}
	ctl_ok(req);
}

const struct ctl_verb report_verbs[] = {
	{ "streams", CTL_ADMIN, on_streams },
	{ NULL, 0, NULL },
};
