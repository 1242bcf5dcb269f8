/*
 * Incoming text. One queue in order of arrival; a text of q waits behind an
 * older one of the same q. For each q the highest sequence seen; of a q
 * dealt before ours the first text seen is the beginning.
 */
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "crypto/seal.h"
#include "ua/inbox.h"
#include "wire/ids.h"

#define ROSTER_LESS (INBOX_HOLD_MS - INBOX_ROSTER_MS)

struct source { /* one q */
	uint64_t last; /* sequence seen */
	uint64_t told; /* lost ones told since then */
	int known; /* `last` is a beginning */
	unsigned round; /* of inbox_run(): one is held */
};

struct held {
	uint32_t q;
	int missed;
	uint64_t number; /* for done(), 0: none */
	int64_t until;
	char *author;
	uint8_t *body;
	size_t n;
	struct text_head head;
	TAILQ_ENTRY(held) entry;
};

struct inbox {
	uint32_t own_q;
	struct keyring *keys;
	const struct inbox_ops *ops;
	void *ctx;
	struct map *sources;
	unsigned round;
	int returned;
	size_t n;
	TAILQ_HEAD(, held) held;
};

struct inbox *
inbox_new(uint32_t own_q, struct keyring *keys, const struct inbox_ops *ops,
    void *ctx)
{
	struct inbox *in = mem_new(sizeof(*in));

	in->own_q = own_q;
	in->keys = keys;
	in->ops = ops;
	in->ctx = ctx;
	in->sources = map_new();
	TAILQ_INIT(&in->held);
	return in;
}

void
inbox_returned(struct inbox *in)
{
	in->returned = 1;
}

static void
drop(struct inbox *in, struct held *h, int was_read)
{
	TAILQ_REMOVE(&in->held, h, entry);
	in->n--;
	if (h->number != 0 && in->ops->done != NULL)
		in->ops->done(in->ctx, h->number, was_read);
	free(h->author);
	free(h->body);
	free(h);
}

void
inbox_free(struct inbox *in)
{
	struct source *s;
	size_t i = 0;

	if (in == NULL)
		return;
	while (!TAILQ_EMPTY(&in->held))
		drop(in, TAILQ_FIRST(&in->held), 0);
	while ((s = map_next(in->sources, &i)) != NULL)
		free(s);
	map_free(in->sources);
	free(in);
}

static struct source *
source(struct inbox *in, uint32_t q)
{
	struct source *s;

	if ((s = map_get_u64(in->sources, q)) != NULL)
		return s;
	s = mem_new(sizeof(*s));
	/* Numbers rise: a later q than ours has said nothing before us. */
	s->known = q_server(q) == q_server(in->own_q) && q >= in->own_q;
	(void)map_put_u64(in->sources, q, s);
	return s;
}

static void
show(struct inbox *in, const struct held *h, struct inbox_item *i)
{
	i->q = h->q;
	i->author = h->author;
	i->seq = h->head.seq;
	i->time = h->head.time;
	i->missed = h->missed;
	in->ops->show(in->ctx, i);
}

static void
show_gap(struct inbox *in, const struct held *h, uint64_t missing)
{
	show(in, h,
	    &(struct inbox_item) { .kind = INBOX_GAP,
		.missing = missing,
		.verified = 1 });
}

/* It can never be read. It was not authenticated either, so `last` stays;
 * but the later, true gap will not count it again. */
static void
give_up(struct inbox *in, const struct held *h, struct source *s)
{
	if (s->known && h->head.seq <= s->last)
		return;
	s->told++;
	show_gap(in, h, 1);
}

/* (q, sequence) is authentic. 0 or SEC_ERR_REPLAY. */
static int
advance(struct source *s, uint64_t seq, uint64_t *missing)
{
	*missing = 0;
	if (s->known && seq <= s->last)
		return SEC_ERR_REPLAY;
	if (s->known)
		*missing = seq - s->last - 1;
	*missing -= *missing < s->told ? *missing : s->told;
	s->told = 0;
	s->known = 1;
	s->last = seq;
	return 0;
}

static void
deliver(struct inbox *in, const struct held *h, struct source *s,
    const struct buf *pt, const char *user)
{
	struct inbox_item i = { .kind = INBOX_TEXT };
	uint64_t missing;
	int r;

	if (user != NULL && strcmp(user, h->author) != 0) {
		show(in, h, &(struct inbox_item) { .kind = INBOX_FALSE });
		return;
	}
	if (advance(s, h->head.seq, &missing) != 0)
		return;
	if (missing > 0)
		show_gap(in, h, missing);
	r = message_decode(&i.m, buf_data(pt), buf_len(pt));
	if (r == SEC_ERR_VERSION || (r == 0 && i.m.type != MESSAGE_TEXT))
		return; /* of a later version, not for us */
	if (r != 0) {
		show_gap(in, h, 1);
		return;
	}
	i.verified = user != NULL;
	show(in, h, &i);
}

enum verdict { WAITS, WAS_READ, NOT_READ };

/* Judge one text; wants: why it must wait. */
static enum verdict
judge(struct inbox *in, const struct held *h, int64_t now, int *wants)
{
	struct source *s = source(in, h->q);
	struct buf pt = BUF_INIT;
	const char *user;
	enum verdict v = NOT_READ;
	int r;

	if (s->round == in->round)
		return WAITS; /* behind an older one of its q */
	r = keyring_open(in->keys, h->body, h->n, now, &pt);
	if (r == SEC_ERR_EXPIRED) {
		/* Before our time: the beginning of what we may read. */
		if (h->head.epoch < keyring_first(in->keys)) {
			if (!s->known || h->head.seq > s->last)
				s->last = h->head.seq;
			s->known = 1;
			if (!in->returned)
				v = WAS_READ;
		} else
			give_up(in, h, s);
		goto done;
	}
	if (r == SEC_ERR_NOTHING && now < h->until) {
		*wants |= INBOX_WANT_GRANT;
		goto wait;
	}
	if (r != 0) {
		give_up(in, h, s);
		goto done;
	}
	user = in->ops->user(in->ctx, h->q);
	if (user == NULL && now < h->until - ROSTER_LESS) {
		*wants |= INBOX_WANT_ROSTER;
		goto wait;
	}
	deliver(in, h, s, &pt, user);
	v = WAS_READ;
done:
	buf_free(&pt);
	return v;
wait:
	s->round = in->round;
	buf_free(&pt);
	return WAITS;
}

int
inbox_run(struct inbox *in, int64_t now)
{
	struct held *h, *next;
	enum verdict v;
	int wants = 0;

	keyring_expire(in->keys, now);
	if (++in->round == 0)
		in->round = 1;
	for (h = TAILQ_FIRST(&in->held); h != NULL; h = next) {
		next = TAILQ_NEXT(h, entry);
		if ((v = judge(in, h, now, &wants)) != WAITS)
			drop(in, h, v == WAS_READ);
	}
	return wants;
}

int
inbox_put(struct inbox *in, const char *author, uint32_t q, int missed,
    const uint8_t *body, size_t n, int64_t now)
{
	return inbox_put_number(in, author, q, missed, body, n, now, 0);
}

int
inbox_put_number(struct inbox *in, const char *author, uint32_t q, int missed,
    const uint8_t *body, size_t n, int64_t now, uint64_t number)
{
	struct text_head head;
	struct held *h;

	if (text_peek(&head, body, n) != 0)
		return SEC_ERR_FORMAT;
	/* The q of a text that nobody has judged yet costs its sender nothing.
	 */
	if (in->n >= INBOX_HELD ||
	    (map_count(in->sources) >= INBOX_SOURCES &&
		map_get_u64(in->sources, head.q) == NULL))
		return SEC_ERR_LIMIT;
	h = mem_new(sizeof(*h));
	h->q = head.q;
	h->missed = missed;
	h->number = number;
	h->until = now + INBOX_HOLD_MS;
	h->author = mem_need(strdup(author));
	h->body = mem_need(malloc(n));
	memcpy(h->body, body, n);
	h->n = n;
	h->head = head;
	TAILQ_INSERT_TAIL(&in->held, h, entry);
	in->n++;
	if (head.q != q) {
		show(in, h, &(struct inbox_item) { .kind = INBOX_FALSE });
		drop(in, h, 0);
		return 0;
	}
	if (!seal_time_allows(head.time, now)) {
		give_up(in, h, source(in, q));
		drop(in, h, 0);
		return 0;
	}
	return inbox_run(in, now);
}

int64_t
inbox_wait(const struct inbox *in, int64_t now)
{
	const struct held *h = TAILQ_FIRST(&in->held);
	int64_t wait = keyring_wait(in->keys, now), left;

	if (h == NULL)
		return wait;
	left = h->until - now;
	if (left >= ROSTER_LESS)
		left -= ROSTER_LESS;
	else if (left < 0)
		left = 0;
	return wait < 0 || left < wait ? left : wait;
}
