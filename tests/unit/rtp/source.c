/*
 * Voice packets against the oracle, both ways: those of tests/vectors/rtp.json
 * are made here to the byte and opened again, and `source emit N` prints N of
 * ours, which ref/sec.py computes again. Shows S066 (RTP), S139 and S141
 * (sealing with pads made before), S153 (q in key and header), S156 (time).
 */
#include "../../../lib/rtp/source.c"

#include "../json.h"
#include "../test.h"
#include "base/buf.h"
#include "rtp/sink.h"

#define CONF 0x01aabbccddeeff00
#define REAL 1795358000123

static struct secret *
key_of(struct json *j, const char *field)
{
	struct json_bytes b = json_hex(j, field);

	return secret_copy(b.p, b.n);
}

/* The packet that a row describes. */
static size_t
make(struct json *j, int filled, uint8_t out[RTP_MAX])
{
	struct json_bytes pt = json_hex(j, "pt");
	struct source_id id = {
		.conf = get_be64(json_hex(j, "conf").p),
		.q = (uint32_t)json_u64(j, "q"),
		.suite = (uint16_t)json_u64(j, "suite"),
		.size = pt.n,
		.pt = (uint8_t)json_u64(j, "type"),
	};
	struct source_frame f = {
		.payload = pt.p,
		.ts = (uint32_t)json_u64(j, "ts"),
		.marker = (int)json_u64(j, "marker"),
		.voice = (int)json_u64(j, "voice"),
		.level = (int)json_u64(j, "level"),
	};
	struct secret *ke = key_of(j, "ke"), *hq = key_of(j, "hq");
	struct source *s;
	size_t n;

	if (source_new(&s, &id) != 0)
		return 0;
	s->counter = json_u64(j, "counter");
	s->seq = (uint16_t)json_u64(j, "seq");
	(void)source_set_epoch(s, (uint32_t)json_u64(j, "epoch"), ke, 0);
	source_set_hop(s, hq);
	if (filled)
		T_INT(source_fill(s, 3), 3);
	n = source_packet(s, &f, 0, (int64_t)json_u64(j, "time"), out);
	source_free(s);
	secret_free(ke);
	secret_free(hq);
	return n;
}

/* What the MCU does with it, and then the receiver. */
static void
open_again(struct json *j, uint8_t *p, size_t n)
{
	struct secret *ke = key_of(j, "ke"), *hq = key_of(j, "hq");
	struct secret *hop = hopkey_derive(hq);
	struct json_bytes pt = json_hex(j, "pt");
	int64_t real = (int64_t)json_u64(j, "time");
	struct rtp_frame f = { 0 };
	struct sink *s;

	T_INT(hopkey_check_rtp(hopkey_up(hop), p, n), 0);
	hopkey_seal_rtp(hopkey_down(hop), p, n);
	T_INT(sink_new(&s, get_be64(json_hex(j, "conf").p), 77,
		  (uint16_t)json_u64(j, "suite"), 48000),
	    0);
	sink_set_hop(s, hq);
	(void)sink_set_epoch(s, (uint32_t)json_u64(j, "epoch"), ke, 1);
	T_INT(sink_packet(s, p, n, 1, real + 9000, &f), 0);
	T(f.n == pt.n && memcmp(f.payload, pt.p, pt.n) == 0);
	T(f.q == json_u64(j, "q") && f.ts == json_u64(j, "ts") &&
	    f.seq == json_u64(j, "seq") && f.epoch == json_u64(j, "epoch") &&
	    f.level == (int)json_u64(j, "level") && f.sent == real);
	sink_free(s);
	secret_free(ke);
	secret_free(hq);
	secret_free(hop);
}

static void
test_vectors(void)
{
	struct json j = JSON_INIT;
	struct json_bytes want;
	uint8_t p[RTP_MAX];
	FILE *fp = fopen("tests/vectors/rtp.json", "r");
	int rows = 0;
	size_t n;

	for (; fp != NULL && json_next(&j, fp); rows++) {
		want = json_hex(&j, "hex");
		n = make(&j, 0, p);
		T_OK(n == want.n && memcmp(p, want.p, n) == 0, "row %d", rows);
		n = make(&j, 1, p);
		T_OK(n == want.n && memcmp(p, want.p, n) == 0,
		    "row %d, with a pad made before", rows);
		open_again(&j, p, n);
	}
	T(rows >= 3);
	json_free(&j);
	if (fp != NULL)
		fclose(fp);
}

static void
put_hex(const char *name, const uint8_t *p, size_t n)
{
	printf(", \"%s\": \"", name);
	while (n-- > 0)
		printf("%02x", *p++);
	printf("\"");
}

static int
emit(int times)
{
	uint8_t ke[32], hq[32], conf[8], pt[160], p[RTP_MAX], r[24];
	struct source_frame f = { .payload = pt };
	struct source_id id = { .size = 80 };
	struct secret *k, *h;
	struct source *s;
	uint32_t epoch;
	size_t n;

	while (times-- > 0) {
		crypto_random(ke, sizeof(ke));
		crypto_random(hq, sizeof(hq));
		crypto_random(conf, sizeof(conf));
		crypto_random(pt, sizeof(pt));
		crypto_random(r, sizeof(r));
		id.conf = get_be64(conf);
		id.q = get_be32(r);
		id.suite = times & 1 ? SUITE_AES256_CTR_HMAC_SHA512_80 :
				       SUITE_AES128_CTR_HMAC_SHA256_80;
		id.pt = r[4] & 127;
		epoch = get_be32(r + 5);
		f.ts = get_be32(r + 9);
		f.marker = r[13] & 1;
		f.voice = r[13] >> 1 & 1;
		f.level = r[14] & 127;
		k = secret_copy(ke, 32);
		h = secret_copy(hq, 32);
		if (source_new(&s, &id) != 0)
			return 1;
		s->counter = get_be64(r + 15) & RTP_COUNTER;
		source_set_hop(s, h);
		(void)source_set_epoch(s, epoch, k, 0);
		printf("{\"object\": \"rtp\"");
		put_hex("ke", ke, 32);
		put_hex("hq", hq, 32);
		put_hex("conf", conf, 8);
		put_hex("pt", pt, id.size);
		printf(", \"suite\": %u, \"epoch\": %u, \"q\": %u, "
		       "\"counter\": %llu, \"marker\": %d, \"type\": %u, "
		       "\"seq\": %u, \"ts\": %u, \"time\": %lld, "
		       "\"voice\": %d, \"level\": %u",
		    id.suite, epoch, id.q, (unsigned long long)s->counter,
		    f.marker, id.pt, s->seq, f.ts, (long long)REAL + times,
		    f.voice, coarse(f.level));
		n = source_packet(s, &f, 0, (int64_t)REAL + times, p);
		put_hex("hex", p, n);
		printf("}\n");
		source_free(s);
		secret_free(k);
		secret_free(h);
	}
	return 0;
}

/* Epochs: at once, or later; the counter goes on through all of them. */
static void
test_epochs(void)
{
	static const uint8_t bytes[32] = { 1 };
	uint8_t payload[80] = { 0 }, p[RTP_MAX], hop[HOP_MAX];
	struct secret *k = secret_copy(bytes, 32);
	struct source_frame f = { .payload = payload, .level = 33 };
	struct source_id id = { CONF, 7, 0x0006, 80, 96 };
	struct source *s;
	struct rtp h;
	size_t n;
	uint64_t i;

	T_INT(source_new(&s, &id), 0);
	T(!source_is_ready(s));
	T_INT(source_packet(s, &f, 0, REAL, p), 0);
	T_INT(source_hop(s, NULL, 0, hop), 0);
	/* Nothing to send under yet: there is nothing to wait with, either. */
	T_INT(source_set_epoch(s, 3, k, 500), 0);
	T_INT(source_packet(s, &f, 0, REAL, p), 0);
	source_set_hop(s, k);
	T(source_is_ready(s));
	n = source_packet(s, &f, 0, REAL, p);
	T_INT(n, 48 + 80 + 10 + 8);
	T(rtp_decode(&h, p, n) == 0 && h.epoch == 3 && h.counter == 0);
	T_INT(h.level, 30);
	T_INT(source_set_epoch(s, 4, k, 0), 0);
	T_INT(source_fill(s, 1000), SOURCE_PADS);
	T_INT(source_fill(s, 1000), 0);
	T_INT(source_set_epoch(s, 0x10005, k, 300), 0);
	for (i = 1; i < 50; i++) {
		n = source_packet(s, &f, (int64_t)i * 20, REAL, p);
		if (rtp_decode(&h, p, n) != 0 || h.counter != i ||
		    h.epoch != (i * 20 < 300 ? 4 : 5))
			break;
	}
	T_INT(i, 50);
	T_INT(source_epoch(s), 0x10005);
	/* Who says nothing does not keep the key that others have dropped. */
	T_INT(source_set_epoch(s, 0x10006, k, 2000), 0);
	source_tick(s, 1999);
	T_INT(source_epoch(s), 0x10005);
	i = secret_count();
	source_tick(s, 2000);
	T_INT(source_epoch(s), 0x10006);
	T(secret_count() < i);
	T_INT(source_set_epoch(s, 0x10005, k, 0), 0);
	/* The same epoch again changes nothing, an older one can come back;
	 * the counter never does. */
	T_INT(source_set_epoch(s, 0x10005, k, 0), 0);
	T_INT(source_set_epoch(s, 4, k, 0), 0);
	n = source_packet(s, &f, 5000, REAL, p);
	T(rtp_decode(&h, p, n) == 0 && h.epoch == 4 && h.counter == 50);
	s->counter = RTP_COUNTER + 1;
	T_INT(source_packet(s, &f, 0, REAL, p), 0);
	T(source_hop(s, NULL, 0, hop) == HOP_MIN);
	source_free(s);
	id.suite = 0x7777;
	T_INT(source_new(&s, &id), SEC_ERR_VERSION);
	secret_free(k);
}

int
main(int argc, char **argv)
{
	/* Vectors share keys and nonces; nothing here is a real seal. */
	unsetenv("SEC_NONCE_LOG");
	crypto_init();
	if (argc > 1 && strcmp(argv[1], "emit") == 0)
		return emit(argc > 2 ? atoi(argv[2]) : 3);
	test_vectors();
	test_epochs();
	T_INT(secret_count(), 0);
	return t_done();
}
