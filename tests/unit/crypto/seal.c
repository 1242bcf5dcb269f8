/*
 * Records of a connection: sequence, time, limits (S156: the time is inside
 * what the tag covers, and neither is believed before the tag). seal.c is
 * included to move the counter near its end.
 */
#include "../../../lib/crypto/seal.c"

#include "../test.h"
#include "crypto/random.h"

#define NOW 1795442400000

static struct secret *key;
static uint8_t salt[12];

static struct seal *
new_seal(uint8_t dir)
{
	return seal_new(RECORD_CLIENT, dir, 7, key, salt);
}

/* One record with this plaintext and time. */
static struct buf
put(struct seal *s, const char *text, int64_t now)
{
	struct buf b = BUF_INIT;

	T_INT(seal_put(s, &b, text, strlen(text), now), 0);
	return b;
}

/* Get from a copy, so that a record can be tried again. */
static int
get(struct seal *s, const struct buf *b, int64_t now)
{
	uint8_t *p = malloc(buf_len(b));
	size_t n = 0;
	int r;

	memcpy(p, buf_data(b), buf_len(b));
	r = seal_get(s, p, buf_len(b), now, &n);
	if (r == 0 && n + 44 != buf_len(b))
		r = SEC_ERR_NO;
	if (r != 0 && memmem(p, buf_len(b), "text", 4) != NULL)
		r = SEC_ERR_NO; /* refused, and yet released */
	free(p);
	return r;
}

static void
sequence(void)
{
	struct seal *tx = new_seal(0), *rx = new_seal(0), *other = new_seal(1);
	struct buf b[4];
	int i;

	for (i = 0; i < 4; i++)
		b[i] = put(tx, i == 1 ? "" : "some text", NOW);
	T_INT(get(rx, &b[1], NOW), SEC_ERR_REPLAY);
	T_INT(get(rx, &b[0], NOW), 0);
	T_INT(get(rx, &b[0], NOW), SEC_ERR_REPLAY);
	T_INT(get(rx, &b[2], NOW), SEC_ERR_REPLAY);
	T_INT(get(rx, &b[1], NOW), 0);
	T_INT(get(rx, &b[2], NOW), 0);
	T_INT(get(rx, &b[0], NOW), SEC_ERR_REPLAY);
	T_INT(get(rx, &b[3], NOW), 0);
	/* In the opposite direction, even under one key. */
	T_INT(get(other, &b[0], NOW), SEC_ERR_FORMAT);
	for (i = 0; i < 4; i++)
		buf_free(&b[i]);
	seal_free(tx);
	seal_free(rx);
	seal_free(other);
}

/* What came once comes never again, however long ago it was. */
static void
old_ones(void)
{
	static const uint64_t after[] = { 1, 64, 1023, 1024, 1000000 };
	struct seal *tx = new_seal(0), *rx = new_seal(0);
	struct buf first, next;
	size_t i;

	first = put(tx, "text", NOW);
	T_INT(get(rx, &first, NOW), 0);
	for (i = 0; i < sizeof after / sizeof after[0]; i++) {
		tx->last = rx->last = after[i];
		next = put(tx, "next text", NOW);
		T_INT(get(rx, &next, NOW), 0);
		T_OK(get(rx, &first, NOW) == SEC_ERR_REPLAY &&
			get(rx, &next, NOW) == SEC_ERR_REPLAY &&
			rx->last == after[i] + 1,
		    "after %llu records", (unsigned long long)after[i]);
		buf_free(&next);
	}
	buf_free(&first);
	seal_free(tx);
	seal_free(rx);
}

static void
times(void)
{
	static const struct {
		int64_t off;
		int r;
	} row[] = { { 120001, SEC_ERR_EXPIRED }, { -120001, SEC_ERR_EXPIRED },
		{ -NOW, SEC_ERR_EXPIRED }, { 120000, 0 }, { -120000, 0 },
		{ 0, 0 } };
	struct seal *tx = new_seal(0), *rx = new_seal(0);
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof row / sizeof row[0]; i++) {
		if (i == 0 || row[i].r == 0) {
			buf_free(&b);
			b = put(tx, "text", NOW);
		}
		T_OK(get(rx, &b, NOW + row[i].off) == row[i].r, "%lld ms off",
		    (long long)row[i].off);
		if (i < 3) /* refused: the record is still the next one */
			T_INT(rx->last, 0);
		if (i == 2)
			T_INT(get(rx, &b, NOW), 0);
	}
	/* As far away as 64 bits go. */
	buf_free(&b);
	b = put(tx, "text", INT64_MAX);
	T_INT(get(rx, &b, NOW), SEC_ERR_EXPIRED);
	/* The tag comes first: stale and forged is forged. */
	buf_free(&b);
	b = put(tx, "text", NOW - 200000);
	buf_data(&b)[buf_len(&b) - 1] ^= 1;
	T_INT(get(rx, &b, NOW), SEC_ERR_AUTH);
	buf_free(&b);
	seal_free(tx);
	seal_free(rx);
}

static void
limits(void)
{
	struct seal *tx = new_seal(0), *rx = new_seal(0);
	struct seal_once once = { .type = RECORD_CLIENT,
		.keyid = 7,
		.seq = SEQ_MAX + 1,
		.time = NOW,
		.key = key,
		.salt = salt };
	static uint8_t big[RECORD_MAX + 1];
	struct buf b = BUF_INIT, c = BUF_INIT;
	size_t n;

	tx->last = rx->last = SEQ_MAX - 1;
	b = put(tx, "last text", NOW);
	T_INT(get(rx, &b, NOW), 0);
	T_INT(seal_put(tx, &b, "one more", 8, NOW), SEC_ERR_LIMIT);
	T_INT(seal_once(&once, &c, "text", 4), 0);
	T_INT(get(rx, &c, NOW), SEC_ERR_LIMIT);
	buf_free(&c);
	tx->last = rx->last = 100;
	T_INT(seal_put(tx, &b, big, sizeof big, NOW), SEC_ERR_LIMIT);
	buf_reset(&b);
	T_INT(seal_put(tx, &b, big, RECORD_MAX, NOW), 0);
	T_INT(seal_size(buf_data(&b), buf_len(&b) - 1), 0);
	T_INT(seal_size(buf_data(&b), buf_len(&b)), RECORD_MAX + 44);
	T_INT(seal_get(rx, buf_data(&b), buf_len(&b), NOW, &n), 0);
	T_INT(n, RECORD_MAX);
	buf_free(&b);
	seal_free(tx);
	seal_free(rx);
}

static void
sizes(void)
{
	struct seal *tx = new_seal(0);
	struct buf b = put(tx, "text", NOW);
	size_t i, bad = 0;

	/* Two records back to back: the first one's size. */
	T_INT(seal_put(tx, &b, "more", 4, NOW), 0);
	for (i = 0; i < 48; i++)
		bad += seal_size(buf_data(&b), i) != 0;
	T_INT(bad, 0);
	T_INT(seal_size(buf_data(&b), 48), 48);
	T_INT(seal_size(buf_data(&b), buf_len(&b)), 48);
	T_INT(seal_size((const uint8_t *)"REGISTER", 8), SEC_ERR_FORMAT);
	T_INT(seal_size((const uint8_t *)"R", 1), SEC_ERR_FORMAT);
	buf_data(&b)[24] = 0xff;
	T_INT(seal_size(buf_data(&b), 27), 0);
	T_INT(seal_size(buf_data(&b), 28), SEC_ERR_FORMAT);
	buf_free(&b);
	seal_free(tx);
}

/* A record outside a connection is the same record. */
static void
once(void)
{
	struct secret *both = secret_new(SEAL_KEYS);
	struct seal_once s = { .type = RECORD_CLIENT,
		.keyid = 7,
		.seq = 1,
		.time = NOW,
		.key = key,
		.salt = salt },
			 in = { .type = RECORD_CLIENT, .key = both };
	struct seal *tx = new_seal(0);
	struct buf a = put(tx, "text", NOW), b = BUF_INIT, out = BUF_INIT;

	memcpy(secret_fill(both), secret_data(key), 32);
	memcpy((uint8_t *)secret_fill(both) + 32, salt, sizeof salt);
	T_INT(seal_once(&s, &b, "text", 4), 0);
	T(buf_len(&a) == buf_len(&b) &&
	    memcmp(buf_data(&a), buf_data(&b), buf_len(&a)) == 0);
	buf_put_str(&out, "before ");
	T_INT(seal_once_open(&in, buf_data(&b), buf_len(&b), &out), 0);
	T_STR(buf_cstr(&out), "before text");
	T(in.keyid == 7 && in.seq == 1 && in.time == NOW);
	in.ctx = "c";
	in.ctxlen = 1;
	T_INT(seal_once_open(&in, buf_data(&b), buf_len(&b), &out),
	    SEC_ERR_AUTH);
	in.ctxlen = 0;
	in.type = RECORD_TEXT;
	T_INT(seal_once_open(&in, buf_data(&b), buf_len(&b), &out),
	    SEC_ERR_FORMAT);
	in.type = RECORD_CLIENT;
	in.dir = 1;
	T_INT(seal_once_open(&in, buf_data(&b), buf_len(&b), &out),
	    SEC_ERR_FORMAT);
	T_STR(buf_cstr(&out), "before text");
	T_INT(seal_once(&s, &b, NULL, RECORD_MAX + 1), SEC_ERR_LIMIT);
	buf_free(&a);
	buf_free(&b);
	buf_free(&out);
	secret_free(both);
	seal_free(tx);
}

int
main(void)
{
	void (*const test[])(
	    void) = { sequence, old_ones, times, limits, sizes, once };
	size_t i;

	crypto_init();
	for (i = 0; i < sizeof test / sizeof test[0]; i++) {
		key = crypto_random_key(32, 0);
		crypto_random(salt, sizeof salt);
		test[i]();
		secret_free(key);
	}
	seal_free(NULL);
	T_INT(secret_count(), 0);
	return t_done();
}
