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
	uint32_t q;
	uint64_t last; /* sequence seen */
	uint64_t before; /* of an epoch before ours, as somebody says */
	uint64_t lost; /* that were counted since `last` */
	int known; /* `last` is a beginning */
	int heard; /* something of it was authentic */
	int stranger; /* among in->strangers */
	unsigned round; /* of inbox_run(): one is held */
	size_t held, bytes;
	uint64_t over; /* there was no room for, behind what is held */
	uint64_t untold; /* of `lost` */
	int64_t told; /* when something was told last, 0: never */
	TAILQ_ENTRY(source) entry; /* while untold > 0 */
};

struct held {
	struct source *source;
	uint32_t q;
	int missed;
	int64_t line;
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
	struct source rest; /* those that the roster does not know */
	unsigned round;
	int returned;
	int wants; /* of what is held */
	size_t n, bytes;
	unsigned strangers; /* held ones' q that the roster does not know */
	unsigned names; /* false ones shown since */
	int64_t names_since;
	TAILQ_HEAD(, held) held;
	TAILQ_HEAD(, source) untold;
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
	TAILQ_INIT(&in->untold);
	return in;
}

void
inbox_returned(struct inbox *in)
{
	in->returned = 1;
}

/* Does the roster know it, or do we know better? */
static int
is_stranger(const struct inbox *in, const struct source *s)
{
	return !s->heard && in->ops->user(in->ctx, s->q) == NULL;
}

static void
done(struct inbox *in, uint64_t number, int was_read)
{
	if (number != 0 && in->ops->done != NULL)
		in->ops->done(in->ctx, number, was_read);
}

static void
drop(struct inbox *in, struct held *h, int was_read)
{
	struct source *s = h->source;

	TAILQ_REMOVE(&in->held, h, entry);
	in->n--;
	in->bytes -= h->n;
	s->bytes -= h->n;
	if (--s->held == 0 && s->stranger) {
		s->stranger = 0;
		in->strangers--;
	}
	done(in, h->number, was_read);
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

/* NULL: there are too many. */
static struct source *
source(struct inbox *in, uint32_t q)
{
	struct source *s;

	if ((s = map_get_u64(in->sources, q)) != NULL)
		return s;
	if (map_count(in->sources) >= INBOX_SOURCES)
		return NULL;
	s = mem_new(sizeof(*s));
	s->q = q;
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
	i->line = h->line;
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

/* n of s cannot be read. To be told by tell(). */
static void
count(struct inbox *in, struct source *s, uint64_t n)
{
	if (s != NULL)
		s->lost += n;
	if (s == NULL || is_stranger(in, s))
		s = &in->rest;
	if (s->untold == 0)
		TAILQ_INSERT_TAIL(&in->untold, s, entry);
	s->untold += n;
}

/* Nothing of s is held: those behind it are counted, and what made-up texts
 * have left goes with them. s is gone, perhaps. */
static void
settle(struct inbox *in, struct source *s)
{
	if (s->held > 0)
		return;
	if (s->over > 0)
		count(in, s, s->over);
	s->over = 0;
	if (s->untold > 0 || !is_stranger(in, s))
		return;
	(void)map_del_u64(in->sources, s->q);
	free(s);
}

static int64_t
tell_wait(const struct source *s, int64_t now)
{
	/* The clock may have been set back. */
	return s->told == 0 || now < s->told ? 0 :
	    s->told + INBOX_TELL_MS > now    ? s->told + INBOX_TELL_MS - now :
					       0;
}

/* What is to be told of s, which the caller does. */
static uint64_t
take_untold(struct inbox *in, struct source *s, int64_t now)
{
	uint64_t n = s->untold;

	if (n > 0) {
		TAILQ_REMOVE(&in->untold, s, entry);
		s->untold = 0;
		s->told = now;
	}
	return n;
}

static void
tell(struct inbox *in, int64_t now)
{
	struct source *s, *next;
	struct inbox_item i;

	for (s = TAILQ_FIRST(&in->untold); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (tell_wait(s, now) > 0)
			continue;
		i = (struct inbox_item) { .kind = INBOX_GAP,
			.q = s->q,
			.missing = take_untold(in, s, now),
			.missed = -1,
			.line = -1,
			.time = now,
			.verified = 1 };
		if (s != &in->rest)
			i.author = in->ops->user(in->ctx, s->q);
		in->ops->show(in->ctx, &i);
		if (s != &in->rest)
			settle(in, s);
	}
}

/* It can never be read. It was not authenticated either, so `last` stays;
 * but the later, true gap will not count it again. s may be NULL. */
static void
give_up(struct inbox *in, struct source *s, uint64_t seq)
{
	if (s == NULL || !s->known || seq > s->last)
		count(in, s, 1);
}

/* It is not even held: behind what is. */
static void
turn_away(struct inbox *in, struct source *s, uint64_t seq)
{
	if (s == NULL || s->held == 0)
		give_up(in, s, seq);
	else if (!s->known || seq > s->last)
		s->over++;
}

/* The router says that it is somebody else's. */
static void
show_false(struct inbox *in, const char *author, uint32_t q, int64_t now)
{
	if (now < in->names_since || now >= in->names_since + INBOX_TELL_MS) {
		in->names_since = now;
		in->names = 0;
	}
	if (in->names++ >= INBOX_FALSE_MAX)
		count(in, NULL, 1);
	else
		in->ops->show(in->ctx,
		    &(struct inbox_item) { .kind = INBOX_FALSE,
			.q = q,
			.author = author,
			.missed = -1,
			.line = -1,
			.time = now });
}

/* (q, sequence) is authentic. 0 or SEC_ERR_REPLAY. */
static int
advance(struct source *s, uint64_t seq, uint64_t *missing)
{
	uint64_t from = s->last;

	*missing = 0;
	if (s->known && seq <= s->last)
		return SEC_ERR_REPLAY;
	/* Nobody vouches for the number of one before our time: it may
	 * be where we begin, but nothing true is dropped for it. */
	if (!s->heard && s->before > from && s->before < seq) {
		from = s->before;
		s->known = 1;
	}
	if (s->known)
		*missing = seq - from - 1;
	*missing -= *missing < s->lost ? *missing : s->lost;
	s->lost = 0;
	s->known = s->heard = 1;
	s->last = seq;
	return 0;
}

static void
deliver(struct inbox *in, const struct held *h, const struct buf *pt,
    const char *user, int64_t now)
{
	struct inbox_item i = { .kind = INBOX_TEXT };
	uint64_t missing;
	int r;

	if (user != NULL && strcmp(user, h->author) != 0) {
		show_false(in, h->author, h->q, now);
		return;
	}
	if (advance(h->source, h->head.seq, &missing) != 0)
		return;
	r = message_decode(&i.m, buf_data(pt), buf_len(pt));
	if (r == 0)
		missing -= missing < i.m.skipped ? missing : i.m.skipped;
	missing += take_untold(in, h->source, now);
	if (missing > 0)
		show_gap(in, h, missing);
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
	struct source *s = h->source;
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
			if (h->head.seq > s->before)
				s->before = h->head.seq;
			if (!in->returned)
				v = WAS_READ;
		} else
			give_up(in, s, h->head.seq);
		goto done;
	}
	if (r == SEC_ERR_NOTHING && now < h->until) {
		*wants |= INBOX_WANT_GRANT;
		goto wait;
	}
	if (r != 0) {
		give_up(in, s, h->head.seq);
		goto done;
	}
	user = in->ops->user(in->ctx, h->q);
	if (user == NULL && now < h->until - ROSTER_LESS) {
		*wants |= INBOX_WANT_ROSTER;
		goto wait;
	}
	deliver(in, h, &pt, user, now);
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
	struct source *s;
	enum verdict v;

	keyring_expire(in->keys, now);
	in->wants = 0;
	if (++in->round == 0)
		in->round = 1;
	for (h = TAILQ_FIRST(&in->held); h != NULL; h = next) {
		next = TAILQ_NEXT(h, entry);
		if ((v = judge(in, h, now, &in->wants)) == WAITS)
			continue;
		s = h->source;
		drop(in, h, v == WAS_READ);
		settle(in, s);
	}
	tell(in, now);
	return in->wants;
}

int
inbox_put(struct inbox *in, const char *author, uint32_t q, int missed,
    const uint8_t *body, size_t n, int64_t now)
{
	return inbox_put_letter(in,
	    &(struct inbox_letter) { .author = author,
		.q = q,
		.missed = missed,
		.line = -1,
		.body = body,
		.n = n },
	    now);
}

/* Is there room for another of n bytes? */
static int
has_room(const struct inbox *in, const struct source *s, size_t n)
{
	return in->n < INBOX_HELD && in->bytes + n <= INBOX_BYTES &&
	    s->held < INBOX_HELD_Q && s->bytes + n <= INBOX_BYTES_Q &&
	    (s->held > 0 || in->strangers < INBOX_STRANGERS ||
		!is_stranger(in, s));
}

static struct held *
hold(struct inbox *in, struct source *s, const char *author,
    const uint8_t *body, size_t n)
{
	struct held *h = mem_new(sizeof(*h));

	h->source = s;
	h->q = s->q;
	h->author = mem_need(strdup(author));
	h->body = mem_need(malloc(n));
	memcpy(h->body, body, n);
	h->n = n;
	TAILQ_INSERT_TAIL(&in->held, h, entry);
	in->n++;
	in->bytes += n;
	s->bytes += n;
	if (s->held++ == 0 && is_stranger(in, s)) {
		s->stranger = 1;
		in->strangers++;
	}
	return h;
}

/* Judge what has just come; what was held before waits for inbox_run(). */
static void
judge_new(struct inbox *in, struct held *h, int64_t now)
{
	enum verdict v;

	if (h->source->held > 1)
		return; /* behind an older one of its q */
	if (++in->round == 0)
		in->round = 1;
	if ((v = judge(in, h, now, &in->wants)) != WAITS)
		drop(in, h, v == WAS_READ);
}

int
inbox_put_letter(struct inbox *in, const struct inbox_letter *l, int64_t now)
{
	struct text_head head;
	struct source *s;
	struct held *h;
	int r = 0;

	if (text_peek(&head, l->body, l->n) != 0)
		return SEC_ERR_FORMAT;
	keyring_expire(in->keys, now);
	s = source(in, head.q);
	if (head.q != l->q) {
		show_false(in, l->author, head.q, now);
		done(in, l->number, 0);
	} else if (s == NULL || !has_room(in, s, l->n)) {
		turn_away(in, s, head.seq);
		r = SEC_ERR_LIMIT;
	} else if (!seal_time_allows(head.time, now)) {
		turn_away(in, s, head.seq);
		done(in, l->number, 0);
	} else {
		h = hold(in, s, l->author, l->body, l->n);
		h->missed = l->missed;
		h->line = l->line;
		h->number = l->number;
		h->until = now + INBOX_HOLD_MS;
		h->head = head;
		judge_new(in, h, now);
	}
	if (s != NULL)
		settle(in, s);
	tell(in, now);
	return r != 0 ? r : in->wants;
}

int64_t
inbox_wait(const struct inbox *in, int64_t now)
{
	const struct held *h = TAILQ_FIRST(&in->held);
	int64_t wait = keyring_wait(in->keys, now), left;
	const struct source *s;

	TAILQ_FOREACH(s, &in->untold, entry) {
		left = tell_wait(s, now);
		if (wait < 0 || left < wait)
			wait = left;
	}
	if (h == NULL)
		return wait;
	left = h->until - now;
	if (left >= ROSTER_LESS)
		left -= ROSTER_LESS;
	else if (left < 0)
		left = 0;
	return wait < 0 || left < wait ? left : wait;
}
