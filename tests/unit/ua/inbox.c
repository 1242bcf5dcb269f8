/* Incoming text (SECURITY.md 3.6): order, gaps, duplicates, what is held. */
#include "base/err.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "ua/inbox.h"
#include "../test.h"

#define CONF  0x0123456789abcdefULL
#define OWN   0x01000005u
#define EARLY 0x01000003u /* dealt before ours */
#define LATE  0x01000009u
#define ALICE "sip:alice@lab.test"
#define BOB   "sip:bob@lab.test"
#define CAROL "sip:carol@lab.test"

struct desk {
	struct secret *ke;
	struct keyring *keys;
	struct inbox *in;
	int bob_known;
	char seen[2000];
	char done[200];
};

static const char *
user(void *ctx, uint32_t q)
{
	struct desk *d = ctx;

	if (q == OWN)
		return ALICE;
	if (q == LATE || q == EARLY)
		return d->bob_known ? BOB : NULL;
	return NULL;
}

/* One word for each item: text, -N for a gap, !author for a false one. */
static void
show(void *ctx, const struct inbox_item *i)
{
	struct desk *d = ctx;
	size_t n = strlen(d->seen);
	char *p = d->seen + n;
	size_t max = sizeof(d->seen) - n;

	switch (i->kind) {
	case INBOX_TEXT:
		snprintf(p, max, "%.*s%s%s ", (int)i->m.n, i->m.text,
		    i->verified ? "" : "?", i->missed > 0 ? "*" : "");
		break;
	case INBOX_GAP:
		snprintf(p, max, "-%llu ", (unsigned long long)i->missing);
		break;
	case INBOX_FALSE: snprintf(p, max, "!%.7s ", i->author + 4); break;
	}
}

/* +N: text N was read, -N: not. */
static void
done(void *ctx, uint64_t number, int was_read)
{
	struct desk *d = ctx;
	size_t n = strlen(d->done);

	snprintf(d->done + n, sizeof(d->done) - n, "%c%llu ",
	    was_read ? '+' : '-', (unsigned long long)number);
}

static const struct inbox_ops ops = { user, show, done };

static void
desk_open(struct desk *d, uint32_t epoch)
{
	memset(d, 0, sizeof(*d));
	d->ke = crypto_random_key(32, 0);
	d->keys = keyring_new(CONF);
	T_INT(keyring_grant(d->keys, epoch, d->ke, 0), 0);
	d->in = inbox_new(OWN, d->keys, &ops, d);
	d->bob_known = 1;
}

static void
desk_close(struct desk *d)
{
	inbox_free(d->in);
	keyring_free(d->keys);
	secret_free(d->ke);
}

/* Take what was seen and forget it. */
static const char *
seen(struct desk *d)
{
	static char out[2000];
	size_t n = strlen(d->seen);

	if (n > 0)
		d->seen[n - 1] = '\0';
	memcpy(out, d->seen, sizeof(out));
	d->seen[0] = '\0';
	return out;
}

static void
body_after(struct buf *b, const struct secret *ke, uint32_t epoch, uint32_t q,
    uint64_t seq, uint32_t skipped, const char *text, int64_t now)
{
	struct secret *te = confkey_text(ke, CONF, epoch);
	struct message m = { MESSAGE_TEXT, 0, text, strlen(text), skipped };
	struct buf pt = BUF_INIT;

	T_INT(message_encode(&pt, &m), 0);
	text_seal(b, te, CONF, epoch, q, seq, buf_data(&pt), buf_len(&pt), now);
	buf_free(&pt);
	secret_free(te);
}

static void
body_of(struct buf *b, const struct secret *ke, uint32_t epoch, uint32_t q,
    uint64_t seq, const char *text, int64_t now)
{
	body_after(b, ke, epoch, q, seq, 0, text, now);
}

static int
put(struct desk *d, const char *author, const struct secret *ke, uint32_t epoch,
    uint32_t q, uint64_t seq, const char *text, int64_t now)
{
	struct buf b = BUF_INIT;
	int r;

	body_of(&b, ke, epoch, q, seq, text, now);
	r = inbox_put(d->in, author, q, -1, buf_data(&b), buf_len(&b), now);
	buf_free(&b);
	return r;
}

/* S140: each once, in order, and what is missing is said. */
static void
order(void)
{
	struct desk d;

	desk_open(&d, 3);
	T_INT(put(&d, BOB, d.ke, 3, LATE, 1, "a", 0), 0);
	T_INT(put(&d, BOB, d.ke, 3, LATE, 2, "b", 0), 0);
	T_INT(put(&d, BOB, d.ke, 3, LATE, 2, "b", 0), 0);
	T_INT(put(&d, BOB, d.ke, 3, LATE, 1, "a", 0), 0);
	T_STR(seen(&d), "a b");
	T_INT(put(&d, BOB, d.ke, 3, LATE, 6, "f", 0), 0);
	T_STR(seen(&d), "-3 f");
	/* q dealt before ours: what it said before is not ours to miss. */
	T_INT(put(&d, BOB, d.ke, 3, EARLY, 40, "x", 0), 0);
	T_INT(put(&d, BOB, d.ke, 3, EARLY, 42, "z", 0), 0);
	T_STR(seen(&d), "x -1 z");
	/* The own echo, with who missed it. */
	T_INT(put(&d, ALICE, d.ke, 3, OWN, 1, "me", 0), 0);
	T_STR(seen(&d), "me");
	/* A later q begins at 1. */
	T_INT(put(&d, BOB, d.ke, 3, LATE + 1, 2, "q", 0), INBOX_WANT_ROSTER);
	T_INT(inbox_run(d.in, INBOX_HOLD_MS), 0);
	T_STR(seen(&d), "-1 q?");
	desk_close(&d);
}

static void
before_our_time(void)
{
	struct secret *old = crypto_random_key(32, 0);
	struct desk d;

	desk_open(&d, 3);
	T_INT(put(&d, BOB, old, 2, EARLY, 7, "secret", 0), 0);
	T_INT(put(&d, BOB, d.ke, 3, EARLY, 8, "now", 0), 0);
	T_STR(seen(&d), "now");
	desk_close(&d);
	secret_free(old);
}

static void
false_names(void)
{
	struct buf b = BUF_INIT;
	struct desk d;

	desk_open(&d, 3);
	T_INT(put(&d, CAROL, d.ke, 3, LATE, 1, "x", 0), 0);
	T_STR(seen(&d), "!carol@l");
	/* Outer and inner q differ. */
	body_of(&b, d.ke, 3, LATE, 1, "x", 0);
	T_INT(inbox_put(d.in, BOB, EARLY, -1, buf_data(&b), buf_len(&b), 0), 0);
	T_STR(seen(&d), "!bob@lab");
	T_INT(inbox_put(d.in, BOB, LATE, -1, buf_data(&b), 20, 0),
	    SEC_ERR_FORMAT);
	/* The number was not used up by the false ones. */
	T_INT(put(&d, BOB, d.ke, 3, LATE, 1, "x", 0), 0);
	T_STR(seen(&d), "x");
	buf_free(&b);
	desk_close(&d);
}

static void
hold_for_roster(void)
{
	struct desk d;

	desk_open(&d, 3);
	d.bob_known = 0;
	T_INT(inbox_wait(d.in, 100), -1);
	T_INT(put(&d, BOB, d.ke, 3, LATE, 1, "a", 100), INBOX_WANT_ROSTER);
	T_INT(put(&d, BOB, d.ke, 3, LATE, 2, "b", 200), INBOX_WANT_ROSTER);
	T_INT(put(&d, ALICE, d.ke, 3, OWN, 1, "me", 200), INBOX_WANT_ROSTER);
	T_STR(seen(&d), "me");
	T_INT(inbox_wait(d.in, 200), INBOX_ROSTER_MS - 100);
	d.bob_known = 1;
	T_INT(inbox_run(d.in, 300), 0);
	T_STR(seen(&d), "a b");
	T_INT(inbox_wait(d.in, 300), -1);
	/* The roster stays silent: shown as unverified. */
	d.bob_known = 0;
	T_INT(put(&d, BOB, d.ke, 3, LATE, 3, "c", 1000), INBOX_WANT_ROSTER);
	T_INT(inbox_run(d.in, 999 + INBOX_ROSTER_MS), INBOX_WANT_ROSTER);
	T_STR(seen(&d), "");
	T_INT(inbox_wait(d.in, 1000 + INBOX_ROSTER_MS), 0);
	T_INT(inbox_run(d.in, 1000 + INBOX_ROSTER_MS), 0);
	T_STR(seen(&d), "c?");
	desk_close(&d);
}

static void
hold_for_key(void)
{
	struct secret *fresh = crypto_random_key(32, 0);
	struct desk d;

	desk_open(&d, 3);
	T_INT(put(&d, BOB, d.ke, 3, LATE, 1, "a", 0), 0);
	T_INT(put(&d, BOB, fresh, 4, LATE, 2, "b", 0), INBOX_WANT_GRANT);
	/* What comes behind it waits too, though it could be read. */
	T_INT(put(&d, BOB, d.ke, 3, LATE, 3, "c", 0), INBOX_WANT_GRANT);
	T_STR(seen(&d), "a");
	T_INT(keyring_grant(d.keys, 4, fresh, 0), 0);
	T_INT(inbox_run(d.in, 10), 0);
	T_STR(seen(&d), "b c");
	/* The key never comes: a gap, told once. */
	T_INT(put(&d, BOB, d.ke, 9, LATE, 4, "d", 10), INBOX_WANT_GRANT);
	T_INT(inbox_run(d.in, 10 + INBOX_HOLD_MS), 0);
	T_STR(seen(&d), "-1");
	T_INT(put(&d, BOB, fresh, 4, LATE, 5, "e", 20), 0);
	T_STR(seen(&d), "e");
	desk_close(&d);
	secret_free(fresh);
}

static void
put_number(struct desk *d, const struct secret *ke, uint32_t epoch, uint32_t q,
    uint64_t seq, int64_t now, uint64_t number)
{
	struct buf b = BUF_INIT;

	body_of(&b, ke, epoch, q, seq, "t", now);
	T(inbox_put_letter(d->in,
	      &(struct inbox_letter) { BOB, q, -1, -1, buf_data(&b),
		  buf_len(&b), number },
	      now) >= 0);
	buf_free(&b);
}

static const char *
told(struct desk *d)
{
	static char s[sizeof(d->done)];
	size_t n = strlen(d->done);

	snprintf(s, sizeof(s), "%.*s", n > 0 ? (int)n - 1 : 0, d->done);
	d->done[0] = '\0';
	return s;
}

/* Of LATE, after so many that were refused. */
static void
put_after(struct desk *d, uint64_t seq, uint32_t skipped, const char *text)
{
	struct buf b = BUF_INIT;

	body_after(&b, d->ke, 3, LATE, seq, skipped, text, 0);
	(void)inbox_put(d->in, BOB, LATE, -1, buf_data(&b), buf_len(&b), 0);
	buf_free(&b);
}

/* Numbers of texts that their author was refused are missed by nobody. */
static void
refused(void)
{
	struct desk d;

	desk_open(&d, 3);
	put_after(&d, 1, 0, "a");
	put_after(&d, 3, 1, "b");
	T_STR(seen(&d), "a b");
	put_after(&d, 7, 2, "c"); /* 4 is missing, 5 and 6 were refused */
	T_STR(seen(&d), "-1 c");
	put_after(&d, 8, 0xffffffff, "d");
	put_after(&d, 10, 0, "e");
	T_STR(seen(&d), "d -1 e");
	desk_close(&d);
}

/* A router hears of a text when it is shown, or never can be. */
static void
answers(void)
{
	struct secret *fresh = crypto_random_key(32, 0);
	struct secret *old = crypto_random_key(32, 0);
	struct buf b = BUF_INIT;
	struct desk d;

	desk_open(&d, 3);
	d.done[0] = '\0';
	put_number(&d, d.ke, 3, LATE, 1, 0, 1);
	put_number(&d, d.ke, 3, LATE, 1, 0, 2); /* seen already */
	T_STR(told(&d), "+1 +2");
	/* Waiting for the roster: answered when it is shown. */
	d.bob_known = 0;
	put_number(&d, d.ke, 3, LATE, 2, 0, 3);
	T_STR(told(&d), "");
	(void)inbox_run(d.in, INBOX_ROSTER_MS);
	T_STR(told(&d), "+3");
	d.bob_known = 1;
	/* For a key: that comes, and that does not. */
	put_number(&d, fresh, 4, LATE, 3, 0, 4);
	T_STR(told(&d), "");
	T_INT(keyring_grant(d.keys, 4, fresh, 0), 0);
	(void)inbox_run(d.in, 10);
	T_STR(told(&d), "+4");
	put_number(&d, old, 9, LATE, 4, 10, 5);
	(void)inbox_run(d.in, 10 + INBOX_ROSTER_MS);
	T_STR(told(&d), "");
	(void)inbox_run(d.in, 10 + INBOX_HOLD_MS);
	T_STR(told(&d), "-5");
	/* Before our time: not for us, unless we were here before. */
	put_number(&d, old, 2, EARLY, 1, 0, 6);
	T_STR(told(&d), "+6");
	inbox_returned(d.in);
	put_number(&d, old, 2, EARLY, 2, 0, 7);
	T_STR(told(&d), "-7");
	/* Tampered with. */
	body_of(&b, fresh, 4, LATE, 6, "t", 0);
	buf_data(&b)[buf_len(&b) - 1] ^= 1;
	T_INT(inbox_put_letter(d.in,
		  &(struct inbox_letter) { BOB, LATE, -1, -1, buf_data(&b),
		      buf_len(&b), 8 },
		  0),
	    0);
	T_STR(told(&d), "-8");
	/* What is held when all ends. */
	d.bob_known = 0;
	put_number(&d, fresh, 4, LATE, 5, 0, 9);
	T_STR(told(&d), "");
	buf_free(&b);
	secret_free(old);
	secret_free(fresh);
	desk_close(&d);
	T_STR(told(&d), "-9");
}

/* A router that floods one q: held up to a bound, counted beyond, told
 * once behind them; the others' texts come through. */
static void
flood_of_one(void)
{
	struct secret *fresh = crypto_random_key(32, 0);
	struct desk d;
	uint64_t i;
	int bad = 0;

	desk_open(&d, 3);
	T_INT(put(&d, BOB, d.ke, 3, LATE, 1, "a", 1), 0);
	for (i = 0; i < INBOX_HELD_Q; i++)
		bad += put(&d, BOB, fresh, 4, LATE, 2 + i, i == 0 ? "b" : "",
			   1) != INBOX_WANT_GRANT;
	T_INT(bad, 0);
	for (i = 0; i < 10; i++)
		bad += put(&d, BOB, fresh, 4, LATE, 2 + INBOX_HELD_Q + i, "c",
			   1) != SEC_ERR_LIMIT;
	T_INT(bad, 0);
	/* One that is seen already is no loss. */
	T_INT(put(&d, BOB, d.ke, 3, LATE, 1, "a", 1), SEC_ERR_LIMIT);
	T_INT(put(&d, BOB, d.ke, 3, EARLY, 1, "x", 1), INBOX_WANT_GRANT);
	T_STR(seen(&d), "a x");
	T_INT(keyring_grant(d.keys, 4, fresh, 1), 0);
	T_INT(inbox_run(d.in, 2), 0);
	T(strncmp(d.seen, "b ", 2) == 0);
	T_STR(d.seen + strlen(d.seen) - 4, "-10 ");
	seen(&d);
	/* Told once: the true gap does not count them again. */
	T_INT(put(&d, BOB, fresh, 4, LATE, 2 + INBOX_HELD_Q + 11, "d", 3), 0);
	T_STR(seen(&d), "-1 d");
	desk_close(&d);
	secret_free(fresh);
}

/* What cannot be read is told at most every INBOX_TELL_MS. */
static void
told_together(void)
{
	struct buf b = BUF_INIT;
	struct desk d;
	int i;

	desk_open(&d, 3);
	body_of(&b, d.ke, 3, LATE, 5, "t", 1);
	buf_data(&b)[buf_len(&b) - 1] ^= 1;
	for (i = 0; i < 100; i++)
		T_INT(inbox_put(d.in, BOB, LATE, -1, buf_data(&b), buf_len(&b),
			  1),
		    0);
	T_STR(seen(&d), "-1");
	T_INT(inbox_wait(d.in, 1), INBOX_TELL_MS);
	T_INT(inbox_run(d.in, INBOX_TELL_MS), 0);
	T_STR(seen(&d), "");
	T_INT(inbox_run(d.in, 1 + INBOX_TELL_MS), 0);
	T_STR(seen(&d), "-99");
	T_INT(inbox_wait(d.in, 1 + INBOX_TELL_MS), -1);
	/* A clock that was set back delays nothing. */
	T_INT(inbox_put(d.in, BOB, LATE, -1, buf_data(&b), buf_len(&b), 1), 0);
	T_STR(seen(&d), "-1");
	/* Before a true text they are told at once. */
	T_INT(inbox_put(d.in, BOB, LATE, -1, buf_data(&b), buf_len(&b), 1), 0);
	T_INT(put(&d, BOB, d.ke, 3, LATE, 1, "a", 1), 0);
	T_STR(seen(&d), "-1 a");
	/* False names, too. */
	for (i = 0; i < INBOX_FALSE_MAX + 5; i++)
		T_INT(inbox_put(d.in, CAROL, EARLY, -1, buf_data(&b),
			  buf_len(&b), 1),
		    0);
	T_INT(strlen(seen(&d)), INBOX_FALSE_MAX * 9 + 2);
	T_INT(inbox_run(d.in, 1 + INBOX_TELL_MS), 0);
	T_STR(seen(&d), "-4");
	buf_free(&b);
	desk_close(&d);
}

/* A router that makes up many q: so many are held, and none remembered. */
static void
flood_of_many(void)
{
	struct secret *fake = crypto_random_key(32, 0);
	struct desk d;
	uint32_t q;
	int bad = 0;

	desk_open(&d, 3);
	for (q = 0; q < INBOX_STRANGERS; q++)
		bad += put(&d, BOB, fake, 9, 0x02000001u + q, 1, "?", 1) !=
		    INBOX_WANT_GRANT;
	T_INT(bad, 0);
	for (; q < INBOX_STRANGERS + 50; q++)
		bad += put(&d, BOB, fake, 9, 0x02000001u + q, 1, "?", 1) !=
		    SEC_ERR_LIMIT;
	T_INT(bad, 0);
	T_STR(seen(&d), "-1");
	/* Whom the roster knows is heard. */
	T_INT(put(&d, BOB, d.ke, 3, LATE, 1, "a", 1), INBOX_WANT_GRANT);
	T_STR(seen(&d), "a");
	T_INT(inbox_run(d.in, 1 + INBOX_HOLD_MS), 0);
	T_STR(seen(&d), "-177");
	T_INT(inbox_wait(d.in, 1 + INBOX_HOLD_MS), -1);
	/* There is room again. */
	T_INT(put(&d, BOB, fake, 9, 0x02000001u, 2, "?", 10000),
	    INBOX_WANT_GRANT);
	T_INT(inbox_run(d.in, 10000 + INBOX_HOLD_MS), 0);
	T_STR(seen(&d), "-1");
	secret_free(fake);
	desk_close(&d);
}

/* A number that a router made up for a time before ours hides no text. */
static void
made_up_past(void)
{
	struct secret *old = crypto_random_key(32, 0);
	struct desk d;

	desk_open(&d, 3);
	T_INT(put(&d, BOB, old, 2, LATE, 1000, "?", 1), 0);
	T_INT(put(&d, BOB, d.ke, 3, LATE, 1, "a", 1), 0);
	T_INT(put(&d, BOB, old, 2, LATE, 1000, "?", 1), 0);
	T_INT(put(&d, BOB, d.ke, 3, LATE, 2, "b", 1), 0);
	T_STR(seen(&d), "a b");
	/* A true one is where it begins. */
	T_INT(put(&d, BOB, old, 2, EARLY, 7, "?", 1), 0);
	T_INT(put(&d, BOB, d.ke, 3, EARLY, 9, "z", 1), 0);
	T_STR(seen(&d), "-1 z");
	secret_free(old);
	desk_close(&d);
}

static void
tampered(void)
{
	struct buf b = BUF_INIT;
	struct desk d;

	desk_open(&d, 3);
	/* Too old by its T; the number is not used up. */
	body_of(&b, d.ke, 3, LATE, 1, "a", 0);
	T_INT(inbox_put(d.in, BOB, LATE, -1, buf_data(&b), buf_len(&b),
		  SEAL_SKEW + 1),
	    0);
	T_STR(seen(&d), "-1");
	/* One bit; a sequence far ahead is not believed either. */
	buf_reset(&b);
	body_of(&b, d.ke, 3, LATE, 1000, "a", 0);
	buf_data(&b)[buf_len(&b) - 1] ^= 1;
	T_INT(inbox_put(d.in, BOB, LATE, -1, buf_data(&b), buf_len(&b), 0), 0);
	T_STR(seen(&d), "-1");
	T_INT(put(&d, BOB, d.ke, 3, LATE, 3, "c", 0), 0);
	T_STR(seen(&d), "c");
	T_INT(put(&d, BOB, d.ke, 3, LATE, 4, "d", 0), 0);
	T_STR(seen(&d), "d");
	buf_free(&b);
	desk_close(&d);
}

/* Nobody says anything, and still the old epoch's key goes (SECURITY.md 3.5).
 */
static void
old_keys(void)
{
	struct desk d;
	struct secret *k;
	size_t live;

	desk_open(&d, 3);
	T_INT(inbox_wait(d.in, 0), -1);
	live = secret_count();
	k = crypto_random_key(32, 0);
	T_INT(keyring_grant(d.keys, 4, k, 1000), 0);
	secret_free(k);
	T_INT(secret_count(), live + 1);
	T_INT(inbox_wait(d.in, 1000), KEYRING_OLD_MS);
	T_INT(inbox_run(d.in, 1000 + KEYRING_OLD_MS - 1), 0);
	T_INT(secret_count(), live + 1);
	T_INT(inbox_run(d.in, 1000 + KEYRING_OLD_MS), 0);
	T_INT(secret_count(), live);
	T_INT(inbox_wait(d.in, 1000 + KEYRING_OLD_MS), -1);
	desk_close(&d);
}

int
main(void)
{
	crypto_init();
	order();
	before_our_time();
	false_names();
	hold_for_roster();
	hold_for_key();
	answers();
	refused();
	flood_of_one();
	told_together();
	flood_of_many();
	made_up_past();
	tampered();
	old_keys();
	T_INT(secret_count(), 0);
	return t_done();
}
