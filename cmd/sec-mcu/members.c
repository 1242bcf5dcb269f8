/*
 * members: what the deal means here. A device is known by its hop keys; it
 * listens from its first valid packet on, unless it is held or lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "crypto/random.h"
#include "rtp/hopkey.h"
#include "wire/hop.h"

#include "mcu.h"

static void
policy(struct dealt_room *r)
{
	select_set(&((struct room *)r)->select, r->streams,
	    r->select == DEALT_FIRST ? SELECT_FIRST : SELECT_LOUDEST);
	if (!r->talk)
		report_anew((struct room *)r);
}

static int
on_room_new(struct dealt_room *r)
{
	policy(r);
	return 0;
}

static void
on_room_free(struct dealt_room *dr)
{
	struct room *r = (struct room *)dr;

	room_clear(room_mcu(r), r);
	free(r->listener);
}

static int
on_device_new(struct dealt_device *dd)
{
	struct device *d = (struct device *)dd;
	struct mcu *m = room_mcu(device_room(d));

	/* Dealt just now counts as heard. */
	d->heard = loop_now(m->s->loop);
	TAILQ_INSERT_TAIL(&m->quiet, d, quiet);
	return 0;
}

static void
forget(struct device *d)
{
	struct room *r = device_room(d);

	room_drop_listener(room_mcu(r), r, d);
	select_leave(&r->select, &d->talker);
	secret_free(d->keys);
	d->keys = NULL;
}

static void
on_device_free(struct dealt_device *dd)
{
	struct device *d = (struct device *)dd;
	struct mcu *m = room_mcu(device_room(d));

	forget(d);
	find_forget(m, d);
	report_leave(device_room(d), d);
	if (!dd->lost)
		TAILQ_REMOVE(&m->quiet, d, quiet);
}

/* With a new key the hop packets count anew; the counter of voice packets
 * lives as long as q. The key that it has, dealt again, changes nothing: or
 * old hop packets were good again, and its own next ones were not. */
static void
on_hop_key(struct dealt_device *dd, uint32_t hopid, const uint8_t key[32])
{
	struct device *d = (struct device *)dd;
	struct secret *hq, *keys;

	(void)hopid;
	hq = secret_copy(key, 32);
	keys = hopkey_derive(hq);
	secret_free(hq);
	if (d->keys != NULL && secret_equal(d->keys, keys)) {
		secret_free(keys);
		return;
	}
	forget(d);
	d->keys = keys;
	d->hop_in = d->hop_out = 0;
	memset(&d->from, 0, sizeof d->from);
	memset(&d->asked, 0, sizeof d->asked);
}

static void
on_device_changed(struct dealt_device *dd)
{
	struct device *d = (struct device *)dd;

	if (!dd->speak)
		select_leave(&device_room(d)->select, &d->talker);
	device_tune(room_mcu(device_room(d)), d);
}

static uint64_t
packets(struct service *s)
{
	return ((struct mcu *)s->priv)->copies;
}

static void
room_words(const struct dealt_room *dr, struct buf *b)
{
	const struct room *r = (const struct room *)dr;

	line_put_u64(b, "listeners", r->nlisteners);
	line_put_u64(b, "heard", r->select.used);
	line_put_u64(b, "streams", r->select.streams);
	line_put(b, "select",
	    r->select.how == SELECT_FIRST ? "first" : "loudest");
	line_put(b, "talk", dr->talk ? "yes" : "no");
}

static const struct dealt_ops ops = {
	.room_size = sizeof(struct room),
	.device_size = sizeof(struct device),
	.capacity = MCU_DEVICES,
	.medium = "voice",
	.room_new = on_room_new,
	.room_free = on_room_free,
	.room_policy = policy,
	.device_new = on_device_new,
	.device_free = on_device_free,
	.hop_key = on_hop_key,
	.device_changed = on_device_changed,
	.packets = packets,
	.room_words = room_words,
};

void
members_open(struct mcu *m)
{
	TAILQ_INIT(&m->quiet);
	(void)dealt_new(m->s, &ops);
}

void
device_tune(struct mcu *m, struct device *d)
{
	struct room *r = device_room(d);
	int listens = d->from.sa.sa_family != 0 && !d->dealt.hold &&
	    !d->dealt.lost && d->keys != NULL;

	if (listens && d->listener == 0)
		room_add_listener(r, d);
	else if (!listens && d->listener != 0)
		room_drop_listener(m, r, d);
	else if (listens)
		r->listener[d->listener - 1].to = d->from;
}

void
device_heard(struct mcu *m, struct device *d, int64_t now)
{
	int64_t before = d->heard;

	d->heard = now;
	/* Between two looks at them their order does not matter. */
	if (!d->dealt.lost && before / SWEEP_MS == now / SWEEP_MS)
		return;
	if (!d->dealt.lost)
		TAILQ_REMOVE(&m->quiet, d, quiet);
	TAILQ_INSERT_TAIL(&m->quiet, d, quiet);
	if (!d->dealt.lost)
		return;
	dealt_found(&d->dealt);
	device_tune(m, d);
}

static int
is_same(const union place *a, const union place *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

int
device_is_at(const struct device *d, const union place *from)
{
	return is_same(&d->from, from);
}

uint64_t
device_ask(struct device *d, const union place *from)
{
	if (!is_same(&d->asked, from)) {
		d->asked = *from;
		crypto_random(&d->token, sizeof d->token);
	}
	return d->token;
}

void
device_prove(struct mcu *m, struct device *d, const union place *from,
    const struct hop_packet *h)
{
	uint64_t token;

	if (!is_same(&d->asked, from) || !hop_token(h, &token) ||
	    token != d->token)
		return;
	d->from = *from;
	memset(&d->asked, 0, sizeof d->asked);
	device_tune(m, d);
}
