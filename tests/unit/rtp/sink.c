/* What a receiver takes, and all that it does not (S133, S155, S156). */
#include "rtp/sink.h"

#include "../test.h"
#include "base/buf.h"
#include "base/err.h"
#include "crypto/random.h"
#include "crypto/suite.h"
#include "rtp/hopkey.h"
#include "rtp/source.h"

#define CONF 0x01aabbccddeeff00
#define REAL INT64_C(1795358000123)
#define SIZE 80

static struct secret *ke[8], *up, *down;
static const uint16_t suites[] = { SUITE_AES256_CTR_HMAC_SHA512_80,
	SUITE_CHACHA20_POLY1305, 0xf902 };
static uint8_t payload[SIZE];

static struct source *
speaker(uint16_t suite, uint32_t q, int epoch)
{
	struct source_id id = { CONF, q, suite, SIZE, 96 };
	struct source *s;

	if (source_new(&s, &id) != 0)
		exit(1);
	source_set_hop(s, up);
	T_INT(source_set_epoch(s, (uint32_t)epoch, ke[epoch], 0), 0);
	return s;
}

/* A packet as the MCU forwards it to us. */
static size_t
say(struct source *s, int64_t real, uint8_t p[RTP_MAX])
{
	static uint32_t ts;
	struct source_frame f = { .payload = payload, .ts = ts, .level = 12 };
	struct secret *hop = hopkey_derive(down);
	size_t n;

	ts += 960;
	payload[0]++;
	n = source_packet(s, &f, 0, real, p);
	hopkey_seal_rtp(hopkey_down(hop), p, n);
	secret_free(hop);
	return n;
}

static struct sink *
listener(uint16_t suite, int epoch)
{
	struct sink *s;

	if (sink_new(&s, CONF, 1, suite, 48000) != 0)
		exit(1);
	sink_set_hop(s, down);
	T_INT(sink_set_epoch(s, (uint32_t)epoch, ke[epoch], 1000), 0);
	return s;
}

static void
test_good(uint16_t suite)
{
	struct source *a = speaker(suite, 2, 1), *b = speaker(suite, 3, 1);
	struct sink *s = listener(suite, 1);
	uint8_t p[RTP_MAX];
	struct rtp_frame f;
	struct hop_row rows[HOP_ROWS];
	uint64_t conf = 0;
	int64_t now = 1000;
	int i, bad = 0;
	size_t n;

	for (i = 0; i < 100; i++, now += 20) {
		n = say(i % 2 ? a : b, REAL + now, p);
		bad += sink_peek(p, n, &conf) != 0 || conf != CONF;
		bad += sink_packet(s, p, n, now, REAL + now, &f) != 0;
		bad += f.n != SIZE || memcmp(f.payload, payload, SIZE) != 0 ||
		    f.q != (i % 2 ? 2 : 3) || f.level != 12;
	}
	T_OK(bad == 0, "suite %04x", suite);
	T(sink_stats(s, 2)->packets == 50 && sink_stats(s, 2)->lost == 0);
	T_INT(sink_rows(s, rows), 2);
	T_INT(rows[0].packets, 50);
	sink_forget(s, 2, now);
	T(sink_stats(s, 2) == NULL && sink_stats(s, 3) != NULL);
	source_free(a);
	source_free(b);
	sink_free(s);
}

/* S139 S141 S146 S152: who joins is made ready for, and pads are there before
 * his packets; each takes its own, and there are more for those who speak. */
static void
test_pads(uint16_t suite)
{
	struct source *a = speaker(suite, 2, 1);
	struct sink *s = listener(suite, 1);
	struct hop_row rows[HOP_ROWS];
	uint8_t p[RTP_MAX];
	struct rtp_frame f;
	int i, bad = 0;
	size_t n;

	T_INT(sink_fill(s, 100, 1000), 0);
	sink_expect(s, 2, SIZE, 1000);
	sink_expect(s, 2, SIZE, 1000);
	sink_expect(s, 1, SIZE, 1000); /* myself */
	T(sink_stats(s, 2) == NULL && sink_rows(s, rows) == 0);
	T_INT(sink_fill(s, 10, 1000), 10);
	T_INT(sink_fill(s, 100, 1000), SINK_PADS - 10);
	T_INT(sink_fill(s, 100, 1000), 0);
	for (i = 0; i < 10; i++) {
		n = say(a, REAL, p);
		bad += sink_packet(s, p, n, 1000, REAL, &f) != 0 ||
		    memcmp(f.payload, payload, SIZE) != 0;
	}
	T_INT(bad, 0);
	T(sink_stats(s, 2)->packets == 10 && sink_stats(s, 2)->lost == 0);
	/* But for the last four, whose overtaken ones may still come. */
	T_INT(sink_fill(s, 100, 1000), 6);
	for (i = 0; i < 100; i++)
		n = say(a, REAL, p);
	T_INT(sink_packet(s, p, n, 1000, REAL, &f), 0);
	T(memcmp(f.payload, payload, SIZE) == 0);
	T_INT(sink_fill(s, 100, 1000 + SINK_ACTIVE_MS), 0);
	T_INT(sink_fill(s, 100, 1000 + SINK_ACTIVE_MS - 1), SINK_PADS);
	/* Another key, other pads. */
	T_INT(sink_set_epoch(s, 2, ke[2], 1000), 0);
	T_INT(source_set_epoch(a, 2, ke[2], 0), 0);
	for (i = 0; i < 3; i++) {
		n = say(a, REAL, p);
		T_INT(sink_packet(s, p, n, 1000, REAL, &f), 0);
		T(sink_fill(s, 100, 1000) > 0 || i > 0);
	}
	sink_forget(s, 2, 1000);
	T_INT(sink_fill(s, 100, 1000), 0);
	source_free(a);
	sink_free(s);
}

/* Who has left is forgotten, but not what he said: sent again it is refused
 * for as long as its time would be right. */
static void
test_forgotten(void)
{
	struct source *a = speaker(6, 2, 1);
	struct sink *s = listener(6, 1);
	uint8_t first[RTP_MAX], p[RTP_MAX];
	struct hop_row rows[HOP_ROWS];
	struct rtp_frame f;
	size_t n = say(a, REAL + 10000, first);

	/* By a clock that is as fast as may be. */
	T_INT(sink_packet(s, first, n, 1000, REAL, &f), 0);
	sink_forget(s, 2, 1000);
	sink_forget(s, 2, 1000);
	sink_forget(s, 3, 1000);
	T(sink_stats(s, 2) == NULL);
	T_INT(sink_rows(s, rows), 0);
	T_INT(sink_packet(s, first, n, 1000, REAL, &f), SEC_ERR_REPLAY);
	T_INT(sink_packet(s, first, n, 21000, REAL + 20000, &f),
	    SEC_ERR_REPLAY);
	T_INT(sink_packet(s, first, n, 31001, REAL + 30001, &f),
	    SEC_ERR_EXPIRED);
	/* He was not gone after all. */
	n = say(a, REAL + 30000, p);
	T_INT(sink_packet(s, p, n, 31001, REAL + 30000, &f), 0);
	sink_forget(s, 2, 31001);
	n = say(a, REAL + 30000, p);
	T_INT(sink_packet(s, p, n, 31002, REAL + 30000, &f), 0);
	T(sink_stats(s, 2)->packets == 1 && sink_stats(s, 2)->lost == 0);
	T_INT(sink_packet(s, p, n, 90000, REAL + 30000, &f), SEC_ERR_REPLAY);
	T_INT(sink_rows(s, rows), 1);
	source_free(a);
	sink_free(s);
}

/* Every bit of a packet counts (but for the literal Fig. 9, whose header
 * nothing protects but the hop tag). Nothing of it changes anything. */
static void
test_flipped(uint16_t suite)
{
	struct source *a = speaker(suite, 2, 1);
	struct sink *s = listener(suite, 1);
	struct secret *hop = hopkey_derive(down);
	uint8_t p[RTP_MAX], x[RTP_MAX];
	struct rtp_frame f;
	size_t n, i;
	int passed = 0;

	n = say(a, REAL, p);
	for (i = 0; i < n * 8; i++) {
		memcpy(x, p, n);
		x[i / 8] ^= (uint8_t)(1 << i % 8);
		passed += sink_packet(s, x, n, 1000, REAL, &f) == 0;
		/* As an MCU that lies could: a good hop tag on it. */
		if (i >= (n - 8) * 8)
			continue;
		hopkey_seal_rtp(hopkey_down(hop), x, n);
		passed += sink_packet(s, x, n, 1000, REAL, &f) == 0;
	}
	T_OK(passed == 0, "suite %04x: %d pass", suite, passed);
	for (i = 0; i < n; i++)
		passed += sink_packet(s, p, i, 1000, REAL, &f) == 0;
	T_INT(passed, 0);
	T(sink_stats(s, 2) == NULL);
	T(sink_drops(s)->hop > 0 && sink_drops(s)->tag > 0 &&
	    sink_drops(s)->format > 0);
	T_INT(sink_packet(s, p, n, 1000, REAL, &f), 0);
	secret_free(hop);
	source_free(a);
	sink_free(s);
}

static void
test_refused(void)
{
	struct source *a = speaker(6, 2, 1), *me = speaker(6, 1, 1);
	struct sink *s = listener(6, 1), *other;
	uint8_t first[RTP_MAX], p[RTP_MAX];
	struct rtp_frame f;
	size_t n = say(a, REAL, first);
	int i;

	T_INT(sink_packet(s, first, n, 1000, REAL, &f), 0);
	T_INT(sink_packet(s, first, n, 1000, REAL, &f), SEC_ERR_REPLAY);
	say(a, REAL, p);
	T_INT(sink_packet(s, p, n, 1000, REAL + 10001, &f), SEC_ERR_EXPIRED);
	T_INT(sink_packet(s, p, n, 1000, REAL - 10001, &f), SEC_ERR_EXPIRED);
	T_INT(sink_drops(s)->time, 2);
	/* It was not marked: at the right time it is good. */
	T_INT(sink_packet(s, p, n, 1000, REAL + 9999, &f), 0);
	T_INT(sink_stats(s, 2)->skew_ms, 9999);
	for (i = 0; i < 129; i++)
		say(a, REAL, p);
	T_INT(sink_packet(s, p, n, 1000, REAL, &f), 0);
	T_INT(sink_stats(s, 2)->lost, 128);
	T_INT(sink_packet(s, first, n, 1000, REAL, &f), SEC_ERR_EXPIRED);
	/* Another conference, another suite, myself. */
	say(me, REAL, p);
	T_INT(sink_packet(s, p, n, 1000, REAL, &f), SEC_ERR_DENIED);
	T_INT(sink_new(&other, CONF + 1, 1, 6, 48000), 0);
	sink_set_hop(other, down);
	say(a, REAL, p);
	T_INT(sink_packet(other, p, n, 1000, REAL, &f), SEC_ERR_FORMAT);
	sink_free(other);
	T_INT(sink_new(&other, CONF, 1, 0x4711, 48000), SEC_ERR_VERSION);
	T_INT(sink_peek(p, 7, &(uint64_t) { 0 }), SEC_ERR_FORMAT);
	source_free(a);
	source_free(me);
	sink_free(s);
}

/* Re-keying under speech: an old epoch is good for 5 s more; packets of one
 * that is not known yet wait, but not for long; after that it is over. */
static void
test_epochs(void)
{
	struct source *a = speaker(6, 2, 1), *b = speaker(6, 3, 2);
	struct sink *s = listener(6, 1);
	uint8_t p[RTP_MAX];
	struct rtp_frame f;
	int64_t came = 0;
	size_t n;
	int i;

	n = say(b, REAL, p);
	T_INT(sink_packet(s, p, n, 1000, REAL, &f), SEC_ERR_SUBKEY);
	T_INT(sink_next(s, 1001, REAL, &f, &came), SEC_ERR_NOTHING);
	say(b, REAL, p);
	T_INT(sink_packet(s, p, n, 1400, REAL, &f), SEC_ERR_SUBKEY);
	say(b, REAL, p);
	T_INT(sink_packet(s, p, n, 1420, REAL, &f), SEC_ERR_SUBKEY);
	T_INT(sink_set_epoch(s, 2, ke[2], 1600), 0);
	/* The first waited 600 ms: dropped. */
	T_INT(sink_next(s, 1600, REAL, &f, &came), 0);
	T(f.q == 3 && came == 1400);
	T_INT(sink_next(s, 1600, REAL, &f, &came), 0);
	T(came == 1420 && memcmp(f.payload, payload, SIZE) == 0);
	T_INT(sink_next(s, 1600, REAL, &f, &came), SEC_ERR_NOTHING);
	T_INT(sink_drops(s)->epoch, 1);
	/* a still speaks under epoch 1. */
	say(a, REAL, p);
	T_INT(sink_packet(s, p, n, 6599, REAL, &f), 0);
	say(a, REAL, p);
	T_INT(sink_packet(s, p, n, 6600, REAL, &f), SEC_ERR_EXPIRED);
	/* Both in one epoch: the same q has different keys in the two. */
	T_INT(source_set_epoch(a, 2, ke[2], 0), 0);
	say(a, REAL, p);
	T_INT(sink_packet(s, p, n, 7000, REAL, &f), 0);
	/* What waits is bounded; the newest stay. */
	T_INT(source_set_epoch(a, 3, ke[3], 0), 0);
	for (i = 0; i < 100; i++) {
		say(a, REAL, p);
		(void)sink_packet(s, p, n, 8000, REAL, &f);
	}
	T_INT(sink_set_epoch(s, 3, ke[3], 8000), 0);
	for (i = 0; sink_next(s, 8000, REAL, &f, &came) == 0; i++)
		;
	T_INT(i, SINK_WAITING);
	/* Many epochs within 5 s. */
	for (i = 4; i < 8; i++)
		T_INT(sink_set_epoch(s, (uint32_t)i, ke[i], 8100), 0);
	T_INT(sink_set_epoch(s, 7, ke[7], 8100), 0);
	for (i = 3; i < 8; i++) {
		T_INT(source_set_epoch(a, (uint32_t)i, ke[i], 0), 0);
		say(a, REAL, p);
		T_OK(sink_packet(s, p, n, 8200, REAL, &f) == 0, "epoch %d", i);
	}
	T(sink_set_epoch(s, 6, ke[6], 14000) == 0);
	source_free(a);
	source_free(b);
	sink_free(s);
}

/* Nobody speaks any more: keys of old epochs go all the same. */
static void
test_quiet(void)
{
	struct source *a = speaker(6, 2, 1);
	struct sink *s = listener(6, 1);
	uint8_t p[RTP_MAX];
	struct rtp_frame f;
	size_t n, before;

	T_INT(sink_tick(s, 1000), 1);
	n = say(a, REAL, p);
	T_INT(sink_packet(s, p, n, 1000, REAL, &f), 0);
	T_INT(sink_set_epoch(s, 2, ke[2], 2000), 0);
	before = secret_count();
	T_INT(sink_tick(s, 6999), 2);
	T_INT(sink_tick(s, 7000), 1);
	/* That of the epoch, and whatever opens what q 2 said in it. */
	T(secret_count() < before);
	T_INT(sink_tick(s, INT64_C(1) << 40), 1);
	source_free(a);
	sink_free(s);
}

static void
test_hop(void)
{
	struct source_id id = { CONF, 1, 6, SIZE, 96 };
	struct hop_row row = { 9, 8, 7, 6 };
	struct secret *keys = hopkey_derive(down);
	struct sink *s = listener(6, 1);
	struct hop_packet h;
	struct source *me;
	uint8_t p[HOP_MAX];
	uint64_t conf;
	size_t n;

	T_INT(source_new(&me, &id), 0);
	source_set_hop(me, down);
	n = source_hop(me, &row, 1, p);
	T_INT(n, HOP_MIN + HOP_ROW);
	T_INT(hopkey_check_hop(hopkey_up(keys), p, n), 0);
	T(sink_peek(p, n, &conf) == 0 && conf == CONF);
	/* Back to where it came from: the other direction has another key. */
	T_INT(sink_hop(s, p, n, &h), SEC_ERR_AUTH);
	hopkey_seal_hop(hopkey_down(keys), p, n);
	T_INT(sink_hop(s, p, n, &h), 0);
	T(h.n == 1 && h.row[0].q == 9 && h.row[0].packets == 8);
	T_INT(sink_hop(s, p, n, &h), SEC_ERR_REPLAY);
	T_INT(sink_hop(s, p, n - 1, &h), SEC_ERR_FORMAT);
	source_hop(me, &row, 1, p);
	hopkey_seal_hop(hopkey_down(keys), p, n);
	T_INT(sink_hop(s, p, n, &h), 0);
	source_free(me);
	sink_free(s);
	secret_free(keys);
}

int
main(void)
{
	size_t i;

	crypto_init();
	for (i = 0; i < 8; i++)
		ke[i] = crypto_random_key(32, 0);
	up = crypto_random_key(32, 0);
	down = crypto_random_key(32, 0);
	for (i = 0; i < sizeof(suites) / sizeof(*suites); i++)
		test_good(suites[i]);
	test_pads(6);
	test_pads(SUITE_CHACHA20_POLY1305);
	test_forgotten();
	test_flipped(6);
	test_flipped(SUITE_CHACHA20_POLY1305);
	test_refused();
	test_epochs();
	test_quiet();
	test_hop();
	for (i = 0; i < 8; i++)
		secret_free(ke[i]);
	secret_free(up);
	secret_free(down);
	T_INT(secret_count(), 0);
	return t_done();
}
