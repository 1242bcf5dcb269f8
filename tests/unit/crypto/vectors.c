/*
 * Every line of tests/vectors that is about cryptography: what others
 * published (published/), and what the independent oracle ref/sec.py made.
 * `vectors emit` prints lines of its own with random inputs, which the
 * oracle computes again (ref/check.sh); so each side checks the other.
 *
 * Shows, by vectors: S077, S080 (X25519, Noise), S140 (suites), S153 (q in
 * the keys of text), S156 (time and tag inside the AEAD).
 */
#include <glob.h>

/* What is drawn at random stands among the inputs of a line. */
#define crypto_random random_bytes
#include "../../../lib/crypto/random.c"
#undef crypto_random
void crypto_random(void *, size_t);

#include "../json.h"
#include "../test.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/siphash.h"
#include "crypto/aead.h"
#include "crypto/blob.h"
#include "crypto/chunk.h"
#include "crypto/confkey.h"
#include "crypto/dh.h"
#include "crypto/hello.h"
#include "crypto/kdf.h"
#include "crypto/noise.h"
#include "crypto/regkey.h"
#include "crypto/seal.h"
#include "crypto/wrap.h"

static struct json_bytes drawn[2]; /* handed out in turn */
static size_t ndrawn;

void
crypto_random(void *p, size_t n)
{
	if (ndrawn == 0 || drawn[0].n != n) {
		printf("Bail out! %zu random bytes were not foreseen\n", n);
		exit(1);
	}
	memcpy(p, drawn[0].p, n);
	drawn[0] = drawn[1];
	ndrawn--;
}

static void
draw(struct json_bytes b)
{
	drawn[ndrawn++] = b;
}

static struct secret *
key_of(struct json *j, const char *field)
{
	struct json_bytes b = json_hex(j, field);

	return secret_copy(b.p, b.n);
}

static void
put_secret(struct buf *out, struct secret *s)
{
	buf_put(out, secret_data(s), secret_size(s));
	secret_free(s);
}

static uint64_t
conf_of(struct json *j)
{
	return get_be64(json_hex(j, "conf").p);
}

static void
id_of(struct json *j, const char *field, struct hello_id *id)
{
	struct json_bytes b = json_hex(j, field);

	memcpy(id->b, b.p, b.n);
	id->n = b.n;
}

/* Each returns 0 with the result in out, or the error that refused it. */

static int
do_hkdf(struct json *j, struct buf *out)
{
	enum digest_hash h = strcmp(json_str(j, "hash"), "sha256") == 0 ?
	    DIGEST_SHA256 :
	    DIGEST_SHA512;
	struct json_bytes salt = json_hex(j, "salt"), ikm = json_hex(j, "ikm"),
			  info = json_hex(j, "info");
	size_t n = json_u64(j, "n");
	uint8_t prk[64];

	hkdf_extract(h, salt.p, salt.n, ikm.p, ikm.n, prk);
	hkdf_expand(h, prk, info.p, info.n, buf_reserve(out, n), n);
	buf_commit(out, n);
	return 0;
}

static int
do_hmac(struct json *j, struct buf *out)
{
	int small = strcmp(json_str(j, "hash"), "sha256") == 0;
	struct json_bytes key = json_hex(j, "key"), msg = json_hex(j, "msg");
	const struct digest_part whole = { msg.p, msg.n };
	const struct digest_part cut[] = { { msg.p, msg.n / 3 }, { NULL, 0 },
		{ msg.p + msg.n / 3, msg.n - msg.n / 3 } };
	uint8_t a[64], b[64];
	size_t n = small ? 32 : 64;

	hmac(small ? DIGEST_SHA256 : DIGEST_SHA512, key.p, key.n, &whole, 1, a);
	hmac(small ? DIGEST_SHA256 : DIGEST_SHA512, key.p, key.n, cut, 3, b);
	buf_put(out, a, n);
	return memcmp(a, b, n) == 0 ? 0 : SEC_ERR_NO;
}

static int
do_kdf(struct json *j, struct buf *out)
{
	static const char *const labels[] = { "pair", "link", "hello",
		"rec key", "rec salt", "reg c2s", "reg s2c", "conf wrap",
		"gw wrap", "ratchet", "text epoch", "text", "hop up",
		"hop down", "blob", "file wrap", "file chunk", "history wrap",
		"fig9 key", "fig9 ctr", "crypt filter" };
	struct json_bytes salt = json_hex(j, "salt"), ctx = json_hex(j, "ctx");
	struct secret *k = key_of(j, "key"), *plain;
	size_t i, n = json_u64(j, "n");
	int r = 0;

	for (i = 0; strcmp(labels[i], json_str(j, "label")) != 0; i++)
		;
	if (salt.n == 4 && memcmp(salt.p, "SEC1", 4) == 0) {
		plain = kdf(k, NULL, 0, (enum kdf_label)i, ctx.p, ctx.n, n);
		put_secret(out, plain);
	} else {
		put_secret(out,
		    kdf(k, salt.p, salt.n, (enum kdf_label)i, ctx.p, ctx.n, n));
	}
	secret_free(k);
	return r;
}

/* Seals, and opens what was sealed, in place too. */
static int
through_aead(struct aead *a, struct json *j, struct buf *out)
{
	struct json_bytes nonce = json_hex(j, "nonce"),
			  aad = json_hex(j, "aad"), pt = json_hex(j, "pt");
	size_t nt = aead_suite(a)->nt;
	uint8_t *ct, *again = malloc(pt.n + nt);
	int r;

	ct = buf_reserve(out, pt.n + nt);
	aead_seal(a, nonce.p, aad.p, aad.n, pt.p, pt.n, ct);
	buf_commit(out, pt.n + nt);
	memcpy(again, pt.p, pt.n);
	aead_seal(a, nonce.p, aad.p, aad.n, again, pt.n, again);
	if (memcmp(again, ct, pt.n + nt) != 0)
		r = SEC_ERR_NO;
	else if ((r = aead_open(a, nonce.p, aad.p, aad.n, again, pt.n + nt,
		      again)) == 0 &&
	    memcmp(again, pt.p, pt.n) != 0)
		r = SEC_ERR_NO;
	free(again);
	aead_free(a);
	return r;
}

static struct aead *
aead_of(struct json *j)
{
	struct secret *k = key_of(j, "key");
	struct aead *a = NULL;

	if (strcmp(json_str(j, "object"), "chachapoly") == 0)
		a = aead_new_noise(k);
	else if (aead_new(&a, (uint16_t)json_u64(j, "suite"), k) != 0)
		json_bail(j, "no such", "suite");
	secret_free(k);
	return a;
}

static int
do_aead(struct json *j, struct buf *out)
{
	return through_aead(aead_of(j), j, out);
}

static int
do_ctr(struct json *j, struct buf *out)
{
	struct json_bytes key = json_hex(j, "key"),
			  nonce = json_hex(j, "nonce");
	int large = key.n == 32;
	size_t n = json_u64(j, "n");
	struct secret *k = secret_new(large ? 96 : 48);
	struct aead *a;

	/* The second half, the MAC's key, does not matter here. */
	memcpy(secret_fill(k), key.p, key.n);
	if (aead_new(&a,
		large ? SUITE_AES256_CTR_HMAC_SHA512_80 :
			SUITE_AES128_CTR_HMAC_SHA256_80,
		k) != 0)
		return SEC_ERR_NO;
	aead_pad(a, nonce.p, buf_reserve(out, n), n);
	buf_commit(out, n);
	aead_free(a);
	secret_free(k);
	return 0;
}

static int
do_sframe(struct json *j, struct buf *out)
{
	const struct suite *s = suite_by_id((uint16_t)json_u64(j, "suite"));
	struct secret *base = key_of(j, "base"), *key;
	uint8_t salt[12];

	sframe_derive(s, json_u64(j, "kid"), base, &key, salt);
	secret_free(base);
	put_secret(out, key);
	buf_put(out, salt, sizeof salt);
	return 0;
}

static int
do_x25519(struct json *j, struct buf *out)
{
	static const uint8_t nine[32] = { 9 };
	struct secret *k = key_of(j, "k"), *z;
	struct json_bytes u = json_hex(j, "u");
	uint8_t pub[32];
	int r;

	if ((r = dh_shared(k, u.p, &z)) == 0) {
		dh_public(k, pub);
		if (memcmp(u.p, nine, 32) == 0 &&
		    memcmp(pub, secret_data(z), 32) != 0)
			r = SEC_ERR_NO;
		put_secret(out, z);
	}
	secret_free(k);
	return r;
}

static int
do_siphash(struct json *j, struct buf *out)
{
	struct json_bytes key = json_hex(j, "key"), msg = json_hex(j, "msg");
	uint64_t h = siphash24(key.p, msg.p, msg.n);
	int i;

	for (i = 0; i < 8; i++)
		buf_put_u8(out, (uint8_t)(h >> 8 * i));
	return 0;
}

/* One message from a to b; what b reads must be what a wrote. */
static int
pass(struct noise *a, struct noise *b, int transport, struct json_bytes p,
    struct buf *out)
{
	size_t n = p.n + (transport ? 16 : NOISE_OVERHEAD);
	uint8_t *m = malloc(n), *back = malloc(n);
	int r = 0;

	if (transport)
		noise_send(a, p.p, p.n, m);
	else
		r = noise_write(a, p.p, p.n, m);
	if (r == 0)
		r = (transport ? noise_recv : noise_read)(b, m, n, back);
	if (r == 0 && memcmp(back, p.p, p.n) != 0)
		r = SEC_ERR_NO;
	buf_put(out, m, n);
	free(m);
	free(back);
	return r;
}

static int
do_noise(struct json *j, struct buf *out)
{
	struct json_bytes prologue = json_hex(j, "prologue");
	struct secret *is = key_of(j, "is"), *ie = key_of(j, "ie"),
		      *rs = key_of(j, "rs"), *re = key_of(j, "re"),
		      *psk = key_of(j, "psk");
	uint8_t ipub[32], rpub[32];
	struct noise *i, *r;
	int err;

	dh_public(is, ipub);
	dh_public(rs, rpub);
	i = noise_new(1, is, rpub, psk, prologue.p, prologue.n, ie);
	r = noise_new(0, rs, ipub, psk, prologue.p, prologue.n, re);
	(void)((err = pass(i, r, 0, json_hex(j, "p1"), out)) != 0 ||
	    (err = pass(r, i, 0, json_hex(j, "p2"), out)) != 0 ||
	    (err = pass(i, r, 1, json_hex(j, "p3"), out)) != 0 ||
	    (err = pass(r, i, 1, json_hex(j, "p4"), out)) != 0);
	if (err == 0 && memcmp(noise_hash(i), noise_hash(r), 64) != 0)
		err = SEC_ERR_NO;
	buf_put(out, noise_hash(i), 64);
	noise_free(i);
	noise_free(r);
	secret_free(is);
	secret_free(ie);
	secret_free(rs);
	secret_free(re);
	secret_free(psk);
	return err;
}

/* As server 1 makes a row of pair keys (S078). */
static int
do_pair(struct json *j, struct buf *out)
{
	struct secret *k = key_of(j, "dealer");
	uint16_t a = (uint16_t)json_u64(j, "a"), b = (uint16_t)json_u64(j, "b");
	uint8_t ctx[4];

	put_be16(ctx, a < b ? a : b);
	put_be16(ctx + 2, a < b ? b : a);
	put_secret(out, kdf(k, NULL, 0, KDF_PAIR, ctx, sizeof ctx, 32));
	secret_free(k);
	return 0;
}

static int
do_link(struct json *j, struct buf *out)
{
	struct secret *k = key_of(j, "k"), *pair = key_of(j, "pair"), *one,
		      *other;
	uint16_t a = (uint16_t)json_u64(j, "a"), b = (uint16_t)json_u64(j, "b");
	uint32_t epoch = (uint32_t)json_u64(j, "epoch");
	int r;

	one = hello_link_base(k, pair, epoch, a, b);
	other = hello_link_base(k, pair, epoch, b, a);
	r = secret_equal(one, other) ? 0 : SEC_ERR_NO;
	put_secret(out, one);
	secret_free(other);
	secret_free(k);
	secret_free(pair);
	return r;
}

static int
do_id(struct json *j, struct buf *out)
{
	const char *object = json_str(j, "object");
	struct hello_id id;

	if (strcmp(object, "id_server") == 0)
		hello_id_server(&id, (uint16_t)json_u64(j, "number"));
	else if (strcmp(object, "id_device") == 0)
		hello_id_device(&id, conf_of(j), (uint32_t)json_u64(j, "q"));
	else if (hello_id_user(&id, json_str(j, "principal")) != 0)
		return SEC_ERR_LIMIT;
	buf_put(out, id.b, id.n);
	return 0;
}

static int
do_hello_c1(struct json *j, struct buf *out)
{
	struct secret *base = key_of(j, "base");
	struct hello h = { .tt = (uint8_t)json_u64(j, "tt"),
		.by = (uint16_t)json_u64(j, "by"),
		.keyid = (uint32_t)json_u64(j, "keyid"),
		.to_number = (uint16_t)json_u64(j, "to"),
		.base = base };

	id_of(j, "from_id", &h.from);
	id_of(j, "to_id", &h.to);
	draw(json_hex(j, "nonce"));
	hello_start(&h, (int64_t)json_u64(j, "time"),
	    buf_reserve(out, HELLO_C1));
	buf_commit(out, HELLO_C1);
	secret_free(base);
	return 0;
}

/* A whole hello under given nonces; the four seals, and c2 into out. */
static int
whole_hello(struct hello *h, struct json_bytes na, struct json_bytes nb,
    int64_t now, struct buf *out, struct seal *s[4])
{
	uint8_t c1[HELLO_C1], c2[HELLO_C2];
	int r;

	draw(na);
	draw(nb);
	hello_start(h, now, c1);
	if ((r = hello_answer(c1, &h->from, &h->to, h->to_number, h->base, now,
		 c2, &s[1], &s[2])) != 0)
		return r;
	buf_put(out, c2, sizeof c2);
	if ((r = hello_finish(h, c2, now, &s[0], &s[3])) != 0)
		return r;
	return 0;
}

static void
free_seals(struct seal *s[4])
{
	int i;

	for (i = 0; i < 4; i++)
		seal_free(s[i]);
}

static int
do_hello_c2(struct json *j, struct buf *out)
{
	struct secret *base = key_of(j, "base");
	struct hello h = { .tt = (uint8_t)json_u64(j, "tt"),
		.by = (uint16_t)json_u64(j, "by"),
		.keyid = (uint32_t)json_u64(j, "keyid"),
		.to_number = (uint16_t)json_u64(j, "from"),
		.base = base };
	struct seal *s[4] = { NULL };
	int r;

	id_of(j, "from_id", &h.from);
	id_of(j, "to_id", &h.to);
	r = whole_hello(&h, json_hex(j, "nonce_a"), json_hex(j, "nonce"),
	    (int64_t)json_u64(j, "time"), out, s);
	free_seals(s);
	secret_free(base);
	return r;
}

/* The derivation, and that a hello's seals are really under it. */
static int
do_record_key(struct json *j, struct buf *out)
{
	struct secret *base = key_of(j, "base"), *key, *salt;
	struct json_bytes na = json_hex(j, "nonce_a"),
			  nb = json_hex(j, "nonce_b");
	uint8_t type = (uint8_t)json_u64(j, "type"),
		dir = (uint8_t)json_u64(j, "dir");
	struct hello h = { .tt = type,
		.by = 1,
		.keyid = 7,
		.to_number = 1,
		.base = base };
	struct buf ctx = BUF_INIT, c2 = BUF_INIT, rec = BUF_INIT, pt = BUF_INIT;
	struct seal *s[4] = { NULL };
	struct seal_once once;
	int r;

	id_of(j, "from_id", &h.from);
	id_of(j, "to_id", &h.to);
	buf_put_u8(&ctx, type);
	buf_put_u8(&ctx, dir);
	buf_put(&ctx, h.from.b, h.from.n);
	buf_put(&ctx, h.to.b, h.to.n);
	buf_put(&ctx, na.p, na.n);
	buf_put(&ctx, nb.p, nb.n);
	key =
	    kdf(base, NULL, 0, KDF_REC_KEY, buf_data(&ctx), buf_len(&ctx), 32);
	salt =
	    kdf(base, NULL, 0, KDF_REC_SALT, buf_data(&ctx), buf_len(&ctx), 12);
	once = (struct seal_once) { .type = type,
		.dir = dir,
		.key = key,
		.salt = secret_data(salt) };
	(void)((r = whole_hello(&h, na, nb, 1000, &c2, s)) != 0 ||
	    (r = seal_put(s[dir], &rec, "hello", 5, 1000)) != 0 ||
	    (r = seal_once_open(&once, buf_data(&rec), buf_len(&rec), &pt)) !=
		0);
	if (r == 0 && (once.seq != 1 || once.keyid != 7 || buf_len(&pt) != 5))
		r = SEC_ERR_NO;
	put_secret(out, key);
	put_secret(out, salt);
	free_seals(s);
	buf_free(&ctx);
	buf_free(&c2);
	buf_free(&rec);
	buf_free(&pt);
	secret_free(base);
	return r;
}

static int
do_record(struct json *j, struct buf *out)
{
	struct secret *key = key_of(j, "key");
	struct json_bytes ctx = json_hex(j, "ctx"), pt = json_hex(j, "pt");
	struct seal_once s = { .type = (uint8_t)json_u64(j, "type"),
		.dir = (uint8_t)json_u64(j, "dir"),
		.keyid = (uint32_t)json_u64(j, "keyid"),
		.seq = json_u64(j, "seq"),
		.time = (int64_t)json_u64(j, "time"),
		.key = key,
		.salt = json_hex(j, "salt").p,
		.ctx = ctx.p,
		.ctxlen = ctx.n },
			 in = { .type = s.type,
				 .dir = s.dir,
				 .key = key,
				 .salt = s.salt,
				 .ctx = ctx.p,
				 .ctxlen = ctx.n };
	struct buf back = BUF_INIT;
	int r;

	(void)((r = seal_once(&s, out, pt.p, pt.n)) != 0 ||
	    (r = seal_once_open(&in, buf_data(out), buf_len(out), &back)) != 0);
	if (r == 0 &&
	    (buf_len(&back) != pt.n || in.keyid != s.keyid || in.seq != s.seq ||
		in.time != s.time ||
		(pt.n > 0 && memcmp(buf_data(&back), pt.p, pt.n) != 0)))
		r = SEC_ERR_NO;
	buf_free(&back);
	secret_free(key);
	return r;
}

static int
do_reg_request(struct json *j, struct buf *out)
{
	struct secret *prf = key_of(j, "prf");
	struct json_bytes apreq = json_hex(j, "apreq"), ec = json_hex(j, "ec"),
			  rows = json_hex(j, "rows");
	int64_t time = (int64_t)json_u64(j, "time"), t;
	struct buf back = BUF_INIT;
	uint8_t ec2[32];
	int r;

	(void)((r = regkey_request_seal(out, prf, apreq.p, apreq.n, ec.p,
		    rows.p, rows.n, time)) != 0 ||
	    (r = regkey_request_open(buf_data(out), buf_len(out), prf, apreq.p,
		 apreq.n, &back, ec2, &t)) != 0);
	if (r == 0 &&
	    (t != time || buf_len(&back) != rows.n ||
		memcmp(ec.p, ec2, 32) != 0))
		r = SEC_ERR_NO;
	buf_free(&back);
	secret_free(prf);
	return r;
}

static int
do_reg_answer(struct json *j, struct buf *out)
{
	struct secret *prf = key_of(j, "prf"), *es = key_of(j, "ep_secret");
	struct json_bytes apreq = json_hex(j, "apreq"),
			  aprep = json_hex(j, "aprep"), pt = json_hex(j, "pt");
	uint8_t ep[32];
	struct regkey_th th = { .apreq = apreq.p,
		.apreqlen = apreq.n,
		.aprep = aprep.p,
		.apreplen = aprep.n,
		.ec = json_hex(j, "ec").p,
		.ep = ep };
	int r;

	dh_public(es, ep);
	r = regkey_answer_seal(out, prf, &th, es, pt.p, pt.n,
	    (int64_t)json_u64(j, "time"));
	secret_free(prf);
	secret_free(es);
	return r;
}

static int
do_wrap(struct json *j, struct buf *out)
{
	struct secret *kc = key_of(j, "kc"), *plain = key_of(j, "plain"),
		      *back = NULL;
	const char *to = json_str(j, "recipient"), *conf = json_str(j, "conf");
	int64_t time = (int64_t)json_u64(j, "time"), t;
	uint32_t keyid = (uint32_t)json_u64(j, "keyid"), id;
	int r;

	draw(json_hex(j, "salt"));
	wrap_seal(out, kc, keyid, to, conf, plain, time);
	(void)((r = wrap_keyid(buf_data(out), buf_len(out), &id)) != 0 ||
	    (r = wrap_open(buf_data(out), buf_len(out), kc, to, conf, &back,
		 &t)) != 0);
	if (r == 0 && (id != keyid || t != time || !secret_equal(back, plain)))
		r = SEC_ERR_NO;
	secret_free(kc);
	secret_free(plain);
	secret_free(back);
	return r;
}

static int
do_epoch(struct json *j, struct buf *out)
{
	struct secret *ke = key_of(j, "ke");
	uint32_t epoch = (uint32_t)json_u64(j, "epoch");

	put_secret(out,
	    strcmp(json_str(j, "object"), "ratchet") == 0 ?
		confkey_ratchet(ke, conf_of(j), epoch) :
		confkey_text(ke, conf_of(j), epoch));
	secret_free(ke);
	return 0;
}

static int
do_text(struct json *j, struct buf *out)
{
	struct secret *te = key_of(j, "te");
	struct json_bytes pt = json_hex(j, "pt");
	struct buf back = BUF_INIT;
	struct text_head h;
	int r;

	text_seal(out, te, conf_of(j), (uint32_t)json_u64(j, "epoch"),
	    (uint32_t)json_u64(j, "q"), json_u64(j, "seq"), pt.p, pt.n,
	    (int64_t)json_u64(j, "time"));
	(void)((r = text_peek(&h, buf_data(out), buf_len(out))) != 0 ||
	    (r = text_open(te, conf_of(j), buf_data(out), buf_len(out),
		 &back)) != 0);
	if (r == 0 &&
	    (h.q != json_u64(j, "q") || h.epoch != json_u64(j, "epoch") ||
		h.seq != json_u64(j, "seq") ||
		h.time != (int64_t)json_u64(j, "time") ||
		buf_len(&back) != pt.n))
		r = SEC_ERR_NO;
	buf_free(&back);
	secret_free(te);
	return r;
}

static int
do_file_wrap(struct json *j, struct buf *out)
{
	struct secret *kc = key_of(j, "kc"), *plain = key_of(j, "plain"),
		      *back = NULL;
	struct wrap w = { KDF_FILE_WRAP, (uint8_t)json_u64(j, "dir"), kc,
		json_str(j, "file"), json_str(j, "conf") };
	int64_t time = (int64_t)json_u64(j, "time"), t;
	uint32_t keyid = (uint32_t)json_u64(j, "keyid"), id;
	int r;

	draw(json_hex(j, "salt"));
	wrap_put(out, &w, keyid, plain, time);
	(void)((r = wrap_keyid(buf_data(out), buf_len(out), &id)) != 0 ||
	    (r = wrap_get(buf_data(out), buf_len(out), &w, &back, &t)) != 0);
	if (r == 0 && (id != keyid || t != time || !secret_equal(back, plain)))
		r = SEC_ERR_NO;
	secret_free(kc);
	secret_free(plain);
	secret_free(back);
	return r;
}

static int
do_chunk(struct json *j, struct buf *out)
{
	static uint8_t back[CHUNK_BYTES];
	struct secret *fk = key_of(j, "fk");
	struct json_bytes pt = json_hex(j, "pt");
	struct chunk c = { fk, json_str(j, "file"), json_u64(j, "n"),
		(int)json_u64(j, "last") };
	int r;

	draw(json_hex(j, "salt"));
	chunk_seal(out, &c, pt.p, pt.n);
	r = chunk_open(&c, buf_data(out), buf_len(out), back);
	if (r == 0 && memcmp(back, pt.p, pt.n) != 0)
		r = SEC_ERR_NO;
	secret_free(fk);
	return r;
}

static int
do_blob(struct json *j, struct buf *out)
{
	struct secret *dbk = key_of(j, "dbk"), *plain = key_of(j, "pt"),
		      *back = NULL;
	struct json_bytes ctx = json_hex(j, "ctx");
	int r;

	draw(json_hex(j, "salt"));
	blob_seal(out, dbk, ctx.p, ctx.n, plain, (int64_t)json_u64(j, "time"));
	r = blob_open(buf_data(out), buf_len(out), dbk, ctx.p, ctx.n, &back);
	if (r == 0 && !secret_equal(back, plain))
		r = SEC_ERR_NO;
	secret_free(back);
	secret_free(plain);
	secret_free(dbk);
	return r;
}

/*
 * The objects, and for `emit` their inputs: xN hex of N bytes, xA-B of A to
 * B bytes, iN an integer below N, =V this value, tV|W one of these texts
 * (of one digit: numbers); a semicolon between them.
 */
#define MS  ";time:i4000000000000"
#define IDS ";from_id:x2-40;to_id:x2"
static const struct object {
	const char *name;
	const char *inputs;
	int (*compute)(struct json *, struct buf *);
} objects[] = {
	{ "hkdf",
	    "hash:tsha256|sha512;salt:x0-80;ikm:x1-80;info:x0-80;"
	    "n:i300",
	    do_hkdf },
	{ "hmac", "hash:tsha256|sha512;key:x0-200;msg:x0-300", do_hmac },
	{ "kdf",
	    "key:x32;salt:x4-40;label:ttext|rec key|pair|crypt filter;"
	    "ctx:x0-80;n:=44",
	    do_kdf },
	{ "kdf",
	    "key:x64;salt:=53454331;label:tlink|hop up|gw wrap;ctx:x0-8;"
	    "n:=32",
	    do_kdf },
	{ "aead", "suite:=1;key:x48;nonce:x12;aad:x0-60;pt:x0-400", do_aead },
	{ "aead", "suite:=4;key:x16;nonce:x12;aad:x0-60;pt:x0-400", do_aead },
	{ "aead", "suite:=5;key:x32;nonce:x12;aad:x0-60;pt:x0-400", do_aead },
	{ "aead", "suite:=6;key:x96;nonce:x12;aad:x0-60;pt:x0-400", do_aead },
	{ "aead", "suite:=61452;key:x32;nonce:x12;aad:x0-60;pt:x0-400",
	    do_aead },
	{ "ctr", "key:x16;nonce:x12;n:i1000", do_ctr },
	{ "ctr", "key:x32;nonce:x12;n:i1000", do_ctr },
	{ "chachapoly", "key:x32;nonce:x12;aad:x0-60;pt:x0-400", do_aead },
	{ "sframe", "suite:=1;kid:i9000000000000000000;base:x32", do_sframe },
	{ "sframe", "suite:=4;kid:i9000000000000000000;base:x16-32",
	    do_sframe },
	{ "sframe", "suite:=5;kid:i9000000000000000000;base:x32", do_sframe },
	{ "sframe", "suite:=6;kid:i9000000000000000000;base:x32", do_sframe },
	{ "sframe", "suite:=61452;kid:i9000000000000000000;base:x32",
	    do_sframe },
	{ "x25519", "k:x32;u:x32", do_x25519 },
	{ "siphash", "key:x16;msg:x0-100", do_siphash },
	{ "noise",
	    "is:x32;ie:x32;rs:x32;re:x32;psk:x32;prologue:x0-100;"
	    "p1:x0-50;p2:x0-50;p3:x0-300;p4:x0-50",
	    do_noise },
	{ "pair", "dealer:x32;a:i256;b:i256", do_pair },
	{ "link", "k:x32;pair:x32;epoch:i4294967296;a:i256;b:i256", do_link },
	{ "id_server", "number:i256", do_id },
	{ "id_user", "principal:talice@EXAMPLE.ORG|b@R", do_id },
	{ "id_device", "conf:x8;q:i4294967296", do_id },
	{ "hello_c1",
	    "base:x32;tt:t1|2;by:i256;keyid:i4294967296;to:i256" IDS
	    ";nonce:x16" MS,
	    do_hello_c1 },
	{ "hello_c2",
	    "base:x32;tt:t1|2;by:i256;keyid:i4294967296;from:i256" IDS
	    ";nonce:x16" MS ";nonce_a:x16",
	    do_hello_c2 },
	{ "record_key",
	    "base:x32;type:t1|2;dir:t0|1" IDS ";nonce_a:x16;nonce_b:x16",
	    do_record_key },
	{ "record",
	    "type:t1|2|3|4|5|6;dir:t0|1;keyid:i4294967296;"
	    "seq:i9000000000000000000" MS ";key:x32;salt:x12;ctx:x0-60;"
	    "pt:x0-600",
	    do_record },
	{ "reg_request", "prf:x64;apreq:x1-900;ec:x32" MS ";rows:x0-300",
	    do_reg_request },
	{ "reg_answer",
	    "prf:x64;apreq:x1-900;aprep:x1-200;ec:x32;"
	    "ep_secret:x32" MS ";pt:x0-400",
	    do_reg_answer },
	{ "wrap",
	    "kc:x32;keyid:i4294967296;recipient:tsip:bob@example.org|"
	    "sip:al@d.test;conf:tsip:standup@conf.example.org;salt:x32" MS
	    ";plain:x108",
	    do_wrap },
	{ "ratchet", "ke:x32;conf:x8;epoch:i4294967296", do_epoch },
	{ "text_epoch", "ke:x32;conf:x8;epoch:i4294967296", do_epoch },
	{ "text",
	    "te:x32;conf:x8;epoch:i4294967296;q:i4294967296;"
	    "seq:i9000000000000000000" MS ";pt:x0-600",
	    do_text },
	{ "file_wrap",
	    "kc:x32;keyid:i4294967296;dir:t0|1;"
	    "file:t00112233445566778899aabbccddeeff;"
	    "conf:tsip:standup@conf.example.org;salt:x32" MS ";plain:x32",
	    do_file_wrap },
	{ "chunk",
	    "fk:x32;file:t00112233445566778899aabbccddeeff;n:i4294967296;"
	    "last:t0|1;salt:x32;pt:x0-600",
	    do_chunk },
	{ "blob", "dbk:x32;salt:x32" MS ";ctx:x0-60;pt:x1-100", do_blob },
};
#define NOBJECTS (sizeof objects / sizeof objects[0])

/* A line that says "ok": 0: what it holds must not be accepted. */
static int
refused(const struct object *o, struct json *j)
{
	struct json_bytes want = json_hex(j, "hex"), nonce, aad;
	struct buf out = BUF_INIT;
	struct aead *a;
	uint8_t *pt;
	int r;

	if (o->compute != do_aead) {
		r = o->compute(j, &out);
		if (r == 0 && buf_len(&out) == want.n &&
		    memcmp(buf_data(&out), want.p, want.n) == 0)
			r = 1;
		else if (r == 0 && want.n > 0)
			r = SEC_ERR_AUTH;
		buf_free(&out);
		return r < 0;
	}
	nonce = json_hex(j, "nonce");
	aad = json_hex(j, "aad");
	a = aead_of(j);
	pt = malloc(want.n + 1);
	r = aead_open(a, nonce.p, aad.p, aad.n, want.p, want.n, pt);
	aead_free(a);
	free(pt);
	return r == SEC_ERR_AUTH;
}

static int
line_ok(const struct object *o, struct json *j)
{
	struct json_bytes want = json_hex(j, "hex");
	struct buf out = BUF_INIT;
	int r, ok;

	if (json_find(j, "ok") >= 0 && json_u64(j, "ok") == 0)
		return refused(o, j);
	r = o->compute(j, &out);
	ok = r == 0 && buf_len(&out) == want.n &&
	    (want.n == 0 || memcmp(buf_data(&out), want.p, want.n) == 0);
	if (!ok) {
		printf("# line %u: error %d\n", j->number, r);
		t_dump("got ", buf_data(&out), buf_len(&out));
		t_dump("want", want.p, want.n);
	}
	buf_free(&out);
	return ok;
}

static unsigned from_oracle[NOBJECTS];

static void
check_file(const char *path, int published)
{
	unsigned seen[NOBJECTS] = { 0 }, bad[NOBJECTS] = { 0 };
	struct json j = JSON_INIT;
	size_t i;
	FILE *fp;

	if ((fp = fopen(path, "r")) == NULL) {
		T_OK(0, "%s opens", path);
		return;
	}
	while (json_next(&j, fp)) {
		for (i = 0; i < NOBJECTS &&
		     strcmp(objects[i].name, json_str(&j, "object")) != 0;
		     i++)
			;
		if (i == NOBJECTS)
			continue; /* tests/unit/wire has those */
		seen[i]++;
		from_oracle[i] += !published;
		if (!line_ok(&objects[i], &j))
			bad[i]++;
	}
	for (i = 0; i < NOBJECTS; i++)
		if (seen[i] > 0)
			T_OK(bad[i] == 0, "%s: %u lines of %s", path, seen[i],
			    objects[i].name);
	json_free(&j);
	fclose(fp);
}

static uint64_t
below(uint64_t n)
{
	uint64_t v;

	random_bytes(&v, sizeof v);
	return v % n;
}

/* One input of a line that C makes. */
static void
put_input(FILE *fp, const char *spec)
{
	const char *v = strchr(spec, ':') + 1;
	unsigned long a, b, i, n;
	const char *end;

	fprintf(fp, ", \"%.*s\": ", (int)(v - 1 - spec), spec);
	switch (*v++) {
	case 'x':
		a = b = strtoul(v, NULL, 10);
		if ((end = strchr(v, '-')) != NULL)
			b = strtoul(end + 1, NULL, 10);
		n = a + below(b - a + 1);
		fputc('"', fp);
		for (i = 0; i < n; i++)
			fprintf(fp, "%02x", (unsigned)below(256));
		fputc('"', fp);
		break;
	case 'i': fprintf(fp, "%" PRIu64, below(strtoull(v, NULL, 10))); break;
	case '=':
		/* A hex value of four bytes is a string, not a number. */
		fprintf(fp, strlen(v) == 8 ? "\"%s\"" : "%s", v);
		break;
	default:
		for (n = 1, end = v; *end != '\0'; end++)
			n += *end == '|';
		for (n = below(n); n > 0; n--)
			v = strchr(v, '|') + 1;
		i = strcspn(v, "|");
		fprintf(fp, i == 1 ? "%.*s" : "\"%.*s\"", (int)i, v);
	}
}

static void
put_inputs(FILE *fp, const char *inputs)
{
	char *copy = strdup(inputs), *rest = copy, *spec;

	while ((spec = strsep(&rest, ";")) != NULL)
		put_input(fp, spec);
	free(copy);
}

static int
emit(int times)
{
	struct json j = JSON_INIT;
	struct buf out;
	size_t i, k, len;
	char *line;
	FILE *fp;
	int r = 0, t;

	for (i = 0; i < NOBJECTS * (size_t)times; i++) {
		const struct object *o = &objects[i % NOBJECTS];

		line = NULL;
		if ((fp = open_memstream(&line, &len)) == NULL)
			return 1;
		fprintf(fp, "{\"object\": \"%s\"", o->name);
		put_inputs(fp, o->inputs);
		fclose(fp);
		printf("%s", line);
		/* Read the line back as any other. */
		line = realloc(line, len + 3);
		memcpy(line + len, "}\n", 3);
		fp = fmemopen(line, len + 2, "r");
		if (fp == NULL || !json_next(&j, fp))
			return 1;
		buf_init(&out);
		if ((t = o->compute(&j, &out)) != 0) {
			fprintf(stderr, "vectors: %s: error %d\n", o->name, t);
			r = 1;
		}
		printf(", \"hex\": \"");
		for (k = 0; k < buf_len(&out); k++)
			printf("%02x", buf_data(&out)[k]);
		printf("\"}\n");
		buf_free(&out);
		fclose(fp);
		free(line);
	}
	json_free(&j);
	return r;
}

int
main(int argc, char **argv)
{
	glob_t g;
	size_t i;

	/* Vectors share keys and nonces; nothing here is a real seal. */
	unsetenv("SEC_NONCE_LOG");
	crypto_init();
	if (argc > 1 && strcmp(argv[1], "emit") == 0)
		return emit(argc > 2 ? atoi(argv[2]) : 3);
	if (glob("tests/vectors/published/*.json", 0, NULL, &g) != 0)
		T_OK(0, "tests/vectors/published is there");
	else {
		(void)glob("tests/vectors/*.json", GLOB_APPEND, NULL, &g);
		for (i = 0; i < g.gl_pathc; i++)
			check_file(g.gl_pathv[i],
			    strstr(g.gl_pathv[i], "/published/") != NULL);
		globfree(&g);
	}
	for (i = 0; i < NOBJECTS; i++)
		if (i == 0 || strcmp(objects[i].name, objects[i - 1].name))
			T_OK(from_oracle[i] > 0, "the oracle made %s",
			    objects[i].name);
	T_INT(secret_count(), 0);
	return t_done();
}
