/*
 * The lines of tests/vectors that are about bytes rather than keys: each
 * object is made from its inputs and compared with what the oracle
 * ref/sec.py made; then the oracle's bytes are decoded and made again, and
 * where the length is fixed by the content, every prefix and extension is
 * refused. Sealed objects (hellos, records, registrations) are looked at
 * from outside. `keygen` plays the whole exchange m1 to m4 (S077, S080).
 */

#include "../json.h"
#include "../test.h"
#include "base/buf.h"
#include "base/err.h"
#include "crypto/dh.h"
#include "crypto/digest.h"
#include "crypto/noise.h"
#include "crypto/random.h"
#include "exact.h"
#include "wire/grant.h"
#include "wire/handshake.h"
#include "wire/message.h"
#include "wire/record.h"
#include "wire/registration.h"

static int64_t
time_of(const struct json *j, const char *field)
{
	return (int64_t)json_u64(j, field);
}

static uint32_t
u32_of(const struct json *j, const char *field)
{
	return (uint32_t)json_u64(j, field);
}

static uint16_t
u16_of(const struct json *j, const char *field)
{
	return (uint16_t)json_u64(j, field);
}

static struct secret *
key_of(struct json *j, const char *field)
{
	struct json_bytes b = json_hex(j, field);

	return b.n > 0 ? secret_copy(b.p, b.n) : NULL;
}

static int
is_same(const struct buf *b, struct json_bytes want)
{
	return buf_error(b) == 0 && buf_len(b) == want.n &&
	    memcmp(buf_data(b), want.p, want.n) == 0;
}

static int
on_hello_no(struct json *j, struct json_bytes want)
{
	uint8_t out[HELLO_NO];
	uint32_t keyid;

	hello_no_encode(u32_of(j, "keyid"), out);
	return want.n == HELLO_NO && memcmp(out, want.p, HELLO_NO) == 0 &&
	    hello_no_decode(&keyid, want.p) == 0 && keyid == u32_of(j, "keyid");
}

static int
on_hello_c1(struct json *j, struct json_bytes want)
{
	struct hello_c1 h;
	uint8_t out[HELLO_C1];

	if (want.n != HELLO_C1 || hello_c1_decode(&h, want.p) != 0)
		return 0;
	hello_c1_encode(&h, out);
	return memcmp(out, want.p, sizeof(out)) == 0 &&
	    h.tt == json_u64(j, "tt") && h.by == json_u64(j, "by") &&
	    h.keyid == json_u64(j, "keyid") && h.to == json_u64(j, "to") &&
	    h.time == time_of(j, "time") &&
	    memcmp(h.nonce, json_hex(j, "nonce").p, HELLO_NONCE) == 0;
}

static int
on_hello_c2(struct json *j, struct json_bytes want)
{
	struct hello_c2 h;
	uint8_t out[HELLO_C2];

	if (want.n != HELLO_C2 || hello_c2_decode(&h, want.p) != 0)
		return 0;
	hello_c2_encode(&h, out);
	return memcmp(out, want.p, sizeof(out)) == 0 &&
	    h.tt == json_u64(j, "tt") && h.by == json_u64(j, "by") &&
	    h.keyid == json_u64(j, "keyid") && h.from == json_u64(j, "from") &&
	    h.time == time_of(j, "time") &&
	    memcmp(h.nonce, json_hex(j, "nonce").p, HELLO_NONCE) == 0 &&
	    memcmp(h.nonce_a, json_hex(j, "nonce_a").p, HELLO_NONCE) == 0;
}

static int
on_record(struct json *j, struct json_bytes want)
{
	struct json_bytes pt = json_hex(j, "pt");
	struct record r;
	uint8_t out[RECORD_HEAD];

	if (want.n != RECORD_HEAD + pt.n + RECORD_TAG ||
	    record_decode(&r, want.p) != 0)
		return 0;
	record_encode(&r, out);
	return memcmp(out, want.p, sizeof(out)) == 0 && r.n == pt.n &&
	    r.type == json_u64(j, "type") && r.dir == json_u64(j, "dir") &&
	    r.keyid == json_u64(j, "keyid") && r.seq == json_u64(j, "seq") &&
	    r.time == time_of(j, "time");
}

static int
decode_request(const uint8_t *p, size_t n)
{
	struct reg_request r;

	return reg_request_decode(&r, p, n);
}

static int
on_reg_request(struct json *j, struct json_bytes want)
{
	struct buf b = BUF_INIT;
	struct reg_request r;
	int ok;

	if (reg_request_decode(&r, want.p, want.n) != 0)
		return 0;
	reg_request_encode(&b, r.ec, r.record, r.recordlen);
	ok = is_same(&b, want) && is_exact(want.p, want.n, decode_request) &&
	    memcmp(r.ec, json_hex(j, "ec").p, 32) == 0;
	buf_free(&b);
	return ok;
}

static int
decode_answer(const uint8_t *p, size_t n)
{
	struct reg_answer r;

	return reg_answer_decode(&r, p, n);
}

static int
on_reg_answer(struct json *j, struct json_bytes want)
{
	struct json_bytes aprep = json_hex(j, "aprep");
	struct buf b = BUF_INIT;
	struct reg_answer r;
	int ok;

	if (reg_answer_decode(&r, want.p, want.n) != 0)
		return 0;
	reg_answer_encode(&b, r.aprep, r.apreplen, r.ep, r.record, r.recordlen);
	ok = is_same(&b, want) && is_exact(want.p, want.n, decode_answer) &&
	    r.apreplen == aprep.n && memcmp(r.aprep, aprep.p, aprep.n) == 0;
	buf_free(&b);
	return ok;
}

static int
on_reg_session(struct json *j, struct json_bytes want)
{
	struct json_bytes rows = json_hex(j, "rows");
	struct buf b = BUF_INIT, again = BUF_INIT;
	struct reg_session s = { .keyid = u32_of(j, "keyid"),
		.not_after = time_of(j, "not_after"),
		.time = time_of(j, "time"),
		.kc = key_of(j, "kc"),
		.rows = (const char *)rows.p,
		.rowslen = rows.n };
	struct reg_session got;
	int ok;

	reg_session_encode(&b, &s);
	ok = is_same(&b, want);
	if (reg_session_decode(&got, want.p, want.n) == 0) {
		reg_session_encode(&again, &got);
		ok = ok && is_same(&again, want) && got.rowslen == rows.n;
		secret_free(got.kc);
	} else
		ok = 0;
	secret_free(s.kc);
	buf_free(&b);
	buf_free(&again);
	return ok;
}

static int
decode_grant(const uint8_t *p, size_t n)
{
	struct secret *s = n > 0 ? secret_copy(p, n) : secret_new(1);
	struct grant g;
	int r = grant_decode(&g, s);

	if (r == 0)
		grant_wipe(&g);
	secret_free(s);
	return r;
}

static int
is_grant(const struct grant *g, struct json_bytes want)
{
	struct secret *s = grant_encode(g);
	int ok = want.n == GRANT_SIZE &&
	    memcmp(secret_data(s), want.p, GRANT_SIZE) == 0;

	secret_free(s);
	return ok;
}

static int
on_grant(struct json *j, struct json_bytes want)
{
	struct grant g = { .conf = get_be64(json_hex(j, "conf").p),
		.epoch = u32_of(j, "epoch"),
		.q = u32_of(j, "q"),
		.media_suite = u16_of(j, "media_suite"),
		.text_suite = u16_of(j, "text_suite"),
		.not_before = time_of(j, "not_before"),
		.not_after = time_of(j, "not_after"),
		.key = key_of(j, "key"),
		.hop = key_of(j, "hop"),
		.hopid = u32_of(j, "hopid") };
	struct secret *s = secret_copy(want.p, want.n);
	struct grant got;
	int ok = is_grant(&g, want) && is_exact(want.p, want.n, decode_grant);

	if (grant_decode(&got, s) == 0) {
		ok = ok && is_grant(&got, want);
		grant_wipe(&got);
	} else
		ok = 0;
	secret_free(s);
	grant_wipe(&g);
	return ok;
}

static int
on_message(struct json *j, struct json_bytes want)
{
	struct json_bytes text = json_hex(j, "text");
	struct message m = { u16_of(j, "type"), u32_of(j, "to"),
		(const char *)text.p, text.n, 0 };
	struct message got;
	struct buf b = BUF_INIT;
	int ok;

	ok = message_encode(&b, &m) == 0 && is_same(&b, want) &&
	    message_decode(&got, want.p, want.n) == 0 && got.type == m.type &&
	    got.to == m.to && got.n == m.n &&
	    memcmp(got.text, m.text, m.n) == 0;
	buf_free(&b);
	return ok;
}

static int
decode_noise(const uint8_t *p, size_t n)
{
	struct hs_noise m;

	return hs_noise_decode(&m, p, n);
}

static int
on_noise_msg(struct json *j, struct json_bytes want)
{
	struct json_bytes body = json_hex(j, "body");
	struct buf b = BUF_INIT;
	struct hs_noise m;
	int ok;

	hs_noise_encode(&b, (uint8_t)json_u64(j, "kind"), u16_of(j, "from"),
	    u16_of(j, "to"), body.p, body.n);
	ok = is_same(&b, want) && is_exact(want.p, want.n, decode_noise) &&
	    hs_noise_size(want.p, want.n) == (int)want.n &&
	    hs_noise_decode(&m, want.p, want.n) == 0 &&
	    m.kind == json_u64(j, "kind") && m.from == json_u64(j, "from") &&
	    m.to == json_u64(j, "to") && m.bodylen == body.n &&
	    memcmp(m.body, body.p, body.n) == 0;
	buf_free(&b);
	return ok;
}

static struct hs_deal deal, got_deal;

static int
decode_deal(const uint8_t *p, size_t n)
{
	return hs_deal_decode(&got_deal, p, n);
}

static int
on_deal(struct json *j, struct json_bytes want)
{
	struct json_bytes pairs = json_hex(j, "pairs");
	struct buf b = BUF_INIT, again = BUF_INIT;
	size_t i;
	int ok;

	memset(&deal, 0, sizeof(deal));
	deal.epoch = u32_of(j, "epoch");
	deal.not_before = time_of(j, "not_before");
	deal.not_after = time_of(j, "not_after");
	deal.time = time_of(j, "time");
	memcpy(deal.k, json_hex(j, "k").p, sizeof(deal.k));
	deal.npairs = pairs.n / 34;
	for (i = 0; i < deal.npairs; i++) {
		deal.pair[i].number = get_be16(pairs.p + 34 * i);
		memcpy(deal.pair[i].p, pairs.p + 34 * i + 2, 32);
	}
	hs_deal_encode(&b, &deal);
	ok = is_same(&b, want) && is_exact(want.p, want.n, decode_deal) &&
	    decode_deal(want.p, want.n) == 0;
	hs_deal_encode(&again, &got_deal);
	ok = ok && is_same(&again, want);
	buf_free(&b);
	buf_free(&again);
	return ok;
}

static uint32_t ack_epoch;
static uint8_t ack_hash[HS_ACK_HASH];

static int
decode_ack(const uint8_t *p, size_t n)
{
	return hs_ack_decode(&ack_epoch, ack_hash, p, n);
}

static int
on_ack(struct json *j, struct json_bytes want)
{
	uint8_t out[HS_ACK];

	hs_ack_encode(u32_of(j, "epoch"), json_hex(j, "m3hash").p, out);
	return want.n == HS_ACK && memcmp(out, want.p, HS_ACK) == 0 &&
	    is_exact(want.p, want.n, decode_ack) &&
	    decode_ack(want.p, want.n) == 0 &&
	    ack_epoch == u32_of(j, "epoch") &&
	    memcmp(ack_hash, json_hex(j, "m3hash").p, HS_ACK_HASH) == 0;
}

/* "SEC1 keygen" || be16(1) || be16(i) || SHA512(canonical servers) */
static void
put_prologue(struct buf *b, uint16_t number, struct json_bytes canonical)
{
	uint8_t hash[SHA512_SIZE];

	sha512(canonical.p, canonical.n, hash);
	buf_put_str(b, "SEC1 keygen");
	buf_put_be16(b, 1);
	buf_put_be16(b, number);
	buf_put(b, hash, sizeof(hash));
}

static int
on_prologue(struct json *j, struct json_bytes want)
{
	struct buf b = BUF_INIT;
	int ok;

	put_prologue(&b, u16_of(j, "number"), json_hex(j, "canonical"));
	ok = is_same(&b, want);
	buf_free(&b);
	return ok;
}

/* The two ends of one exchange, with the ephemeral keys of the line. */
struct exchange {
	struct noise *a, *b;
	uint16_t from, to;
	struct buf sent; /* all messages, framed */
};

static void
begin(struct exchange *x, struct json *j)
{
	struct secret *is = key_of(j, "is"), *ie = key_of(j, "ie"),
		      *rs = key_of(j, "rs"), *re = key_of(j, "re"),
		      *psk = key_of(j, "psk");
	uint8_t ip[32], rp[32];
	struct buf prologue = BUF_INIT;

	memset(x, 0, sizeof(*x));
	x->from = u16_of(j, "from");
	x->to = u16_of(j, "to");
	put_prologue(&prologue, x->to, json_hex(j, "canonical"));
	dh_public(is, ip);
	dh_public(rs, rp);
	x->a = noise_new(1, is, rp, psk, buf_data(&prologue),
	    buf_len(&prologue), ie);
	x->b = noise_new(0, rs, ip, psk, buf_data(&prologue),
	    buf_len(&prologue), re);
	buf_free(&prologue);
	secret_free(is);
	secret_free(ie);
	secret_free(rs);
	secret_free(re);
	secret_free(psk);
}

/* Decode what was just sent, from offset on; the body, or NULL. */
static const uint8_t *
arrived(const struct exchange *x, size_t offset, uint8_t kind, size_t body,
    struct hs_noise *m)
{
	const uint8_t *p = buf_data(&x->sent) + offset;
	size_t n = buf_len(&x->sent) - offset;

	if (hs_noise_decode(m, p, n) != 0 || m->kind != kind ||
	    m->bodylen != body)
		return NULL;
	return m->body;
}

static int
play_handshake(struct exchange *x, struct json *j)
{
	uint8_t pt[12], body[8 + 12 + NOISE_OVERHEAD], got[12];
	uint8_t hash[SHA512_SIZE];
	struct json_bytes canonical = json_hex(j, "canonical");
	struct hs_noise m;
	const uint8_t *p;
	size_t at;

	sha512(canonical.p, canonical.n, hash);
	memcpy(body, hash, 8);
	put_be64(pt, json_u64(j, "time1"));
	if (noise_write(x->a, pt, 8, body + 8) != 0)
		return 0;
	hs_noise_encode(&x->sent, HS_M1, x->from, x->to, body,
	    8 + 8 + NOISE_OVERHEAD);
	p = arrived(x, 0, HS_M1, 8 + 8 + NOISE_OVERHEAD, &m);
	if (p == NULL || memcmp(p, hash, 8) != 0 ||
	    noise_read(x->b, p + 8, 8 + NOISE_OVERHEAD, got) != 0 ||
	    memcmp(got, pt, 8) != 0)
		return 0;

	at = buf_len(&x->sent);
	put_be64(pt, json_u64(j, "time2"));
	put_be32(pt + 8, u32_of(j, "last_epoch"));
	if (noise_write(x->b, pt, 12, body) != 0)
		return 0;
	hs_noise_encode(&x->sent, HS_M2, x->to, x->from, body,
	    12 + NOISE_OVERHEAD);
	p = arrived(x, at, HS_M2, 12 + NOISE_OVERHEAD, &m);
	return p != NULL &&
	    noise_read(x->a, p, 12 + NOISE_OVERHEAD, got) == 0 &&
	    memcmp(got, pt, 12) == 0 &&
	    memcmp(noise_hash(x->a), noise_hash(x->b), 64) == 0;
}

static int
play_deal(struct exchange *x, struct json *j)
{
	struct json_bytes d = json_hex(j, "deal");
	uint8_t body[HS_DEAL_MAX + 16], pt[HS_DEAL_MAX], ack[HS_ACK];
	uint8_t hash[SHA512_SIZE];
	struct hs_noise m;
	const uint8_t *p;
	size_t at = buf_len(&x->sent), m3len;

	noise_send(x->a, d.p, d.n, body);
	hs_noise_encode(&x->sent, HS_M3, x->from, x->to, body, d.n + 16);
	m3len = buf_len(&x->sent) - at;
	p = arrived(x, at, HS_M3, d.n + 16, &m);
	if (p == NULL || noise_recv(x->b, p, d.n + 16, pt) != 0 ||
	    hs_deal_decode(&got_deal, pt, d.n) != 0)
		return 0;

	sha512(buf_data(&x->sent) + at, m3len, hash);
	hs_ack_encode(got_deal.epoch, hash, ack);
	noise_send(x->b, ack, sizeof(ack), body);
	at = buf_len(&x->sent);
	hs_noise_encode(&x->sent, HS_M4, x->to, x->from, body, HS_ACK + 16);
	p = arrived(x, at, HS_M4, HS_ACK + 16, &m);
	return p != NULL && noise_recv(x->a, p, HS_ACK + 16, pt) == 0 &&
	    decode_ack(pt, HS_ACK) == 0 && ack_epoch == got_deal.epoch &&
	    memcmp(ack_hash, hash, HS_ACK_HASH) == 0;
}

static int
on_keygen(struct json *j, struct json_bytes want)
{
	struct exchange x;
	int ok;

	begin(&x, j);
	ok =
	    play_handshake(&x, j) && play_deal(&x, j) && is_same(&x.sent, want);
	noise_free(x.a);
	noise_free(x.b);
	buf_free(&x.sent);
	return ok;
}

static const struct {
	const char *name;
	int (*check)(struct json *, struct json_bytes);
} objects[] = {
	{ "hello_no", on_hello_no },
	{ "hello_c1", on_hello_c1 },
	{ "hello_c2", on_hello_c2 },
	{ "record", on_record },
	{ "reg_request", on_reg_request },
	{ "reg_answer", on_reg_answer },
	{ "reg_session", on_reg_session },
	{ "grant", on_grant },
	{ "message", on_message },
	{ "noise_msg", on_noise_msg },
	{ "deal", on_deal },
	{ "ack", on_ack },
	{ "prologue", on_prologue },
	{ "keygen", on_keygen },
};

int
main(void)
{
	struct json j = JSON_INIT;
	char path[128];
	FILE *fp;
	size_t i;
	int rows;

	/* Vectors share keys and nonces; nothing here is a real seal. */
	unsetenv("SEC_NONCE_LOG");
	crypto_init();
	for (i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		snprintf(path, sizeof(path), "tests/vectors/%s.json",
		    objects[i].name);
		if ((fp = fopen(path, "r")) == NULL) {
			T_OK(0, "%s opens", path);
			continue;
		}
		for (rows = 0; json_next(&j, fp); rows++)
			T_OK(objects[i].check(&j, json_hex(&j, "hex")),
			    "%s line %d", path, rows + 1);
		T_OK(rows > 0, "%s has lines", path);
		fclose(fp);
	}
	json_free(&j);
	T_INT(secret_count(), 0);
	return t_done();
}
