/*
 * Every sealed object against an attacker who changes it (SECURITY.md 4):
 * each single bit flipped, each truncation, 1 to 16 bytes more; then the
 * genuine object, which shows that nothing had moved; then its replay where
 * there is state to know it (S156).
 */
#include "../test.h"
#include "base/err.h"
#include "crypto/blob.h"
#include "crypto/chunk.h"
#include "crypto/confkey.h"
#include "crypto/dh.h"
#include "crypto/hello.h"
#include "crypto/noise.h"
#include "crypto/random.h"
#include "crypto/regkey.h"
#include "crypto/seal.h"
#include "crypto/wrap.h"
#include "wire/registration.h"

#define NOW 1795442400000

/* p is writable and exactly n bytes long. 0: accepted. */
typedef int open_h(void *arg, uint8_t *p, size_t n);

static unsigned long flips, objects;

static int
attempt(open_h *open, void *arg, const uint8_t *p, size_t n, size_t have)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	int r;

	memset(copy, 0xa5, n);
	memcpy(copy, p, n < have ? n : have);
	r = open(arg, copy, n);
	free(copy);
	return r;
}

static void
attack(const char *name, open_h *open, void *arg, const uint8_t *genuine,
    size_t n, int replays)
{
	size_t i, flipped = 0, cut = 0, longer = 0, live = secret_count();
	uint8_t *p = malloc(n);

	memcpy(p, genuine, n);
	for (i = 0; i < 8 * n; i++) {
		p[i / 8] ^= (uint8_t)(1 << i % 8);
		flipped += attempt(open, arg, p, n, n) == 0;
		p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < n; i++)
		cut += attempt(open, arg, p, i, n) == 0;
	for (i = 1; i <= 16; i++)
		longer += attempt(open, arg, p, n + i, n) == 0;
	T_OK(flipped == 0 && cut == 0 && longer == 0,
	    "%s, %zu bytes: %zu flips, %zu cuts, %zu longer accepted", name, n,
	    flipped, cut, longer);
	T_OK(secret_count() == live, "%s: nothing left behind", name);
	T_OK(attempt(open, arg, p, n, n) == 0, "%s: then accepted", name);
	if (replays)
		T_OK(attempt(open, arg, p, n, n) != 0, "%s: and not again",
		    name);
	flips += 8 * n;
	objects++;
	free(p);
}

static int
open_record(void *arg, uint8_t *p, size_t n)
{
	size_t m;

	return seal_get(arg, p, n, NOW, &m);
}

/* Records of both types and directions, from 0 to 500 bytes. */
static void
records(void)
{
	static const size_t size[] = { 0, 1, 2, 15, 16, 17, 31, 64, 100, 160,
		255, 500 };
	struct secret *key;
	uint8_t salt[12], pt[500];
	struct buf b = BUF_INIT, first = BUF_INIT;
	struct seal *tx, *rx;
	size_t i, k;
	int t;

	crypto_random(pt, sizeof pt);
	for (t = 0; t < 4; t++) {
		key = crypto_random_key(32, 0);
		crypto_random(salt, sizeof salt);
		tx = seal_new(1 + t / 2, t % 2, 5, key, salt);
		rx = seal_new(1 + t / 2, t % 2, 5, key, salt);
		for (i = 0; i < sizeof size / sizeof size[0]; i++) {
			buf_reset(&b);
			T_INT(seal_put(tx, &b, pt, size[i], NOW), 0);
			attack("record", open_record, rx, buf_data(&b),
			    buf_len(&b), 1);
			if (i == 0)
				buf_put(&first, buf_data(&b), buf_len(&b));
		}
		/* 1,100 records later the first one is still known. */
		for (k = 0; k < 1100; k++) {
			buf_reset(&b);
			if (seal_put(tx, &b, pt, 1, NOW) != 0 ||
			    open_record(rx, buf_data(&b), buf_len(&b)) != 0)
				break;
		}
		T_INT(k, 1100);
		T(open_record(rx, buf_data(&first), buf_len(&first)) != 0);
		buf_reset(&first);
		seal_free(tx);
		seal_free(rx);
		secret_free(key);
	}
	buf_free(&b);
	buf_free(&first);
}

struct text_arg {
	struct secret *te;
	uint64_t conf;
};

static int
open_text(void *arg, uint8_t *p, size_t n)
{
	struct text_arg *a = arg;
	struct buf out = BUF_INIT;
	int r = text_open(a->te, a->conf, p, n, &out);

	if (r != 0 && buf_len(&out) != 0)
		r = 0; /* something got out */
	buf_free(&out);
	return r;
}

static void
texts(void)
{
	struct text_arg a = { crypto_random_key(32, 0), 42 };
	struct buf b = BUF_INIT;
	uint64_t seq;

	for (seq = 1; seq <= 8; seq++) {
		buf_reset(&b);
		text_seal(&b, a.te, a.conf, 3, 0x01000001, seq,
		    "0123456789012345678901234567890123456789", 5 * seq, NOW);
		attack("text", open_text, &a, buf_data(&b), buf_len(&b), 0);
	}
	buf_free(&b);
	secret_free(a.te);
}

static int
open_wrap(void *arg, uint8_t *p, size_t n)
{
	struct secret *out = NULL;
	int64_t t;
	int r = wrap_open(p, n, arg, "sip:b@d", "sip:c@conf", &out, &t);

	secret_free(out);
	return r;
}

static void
wraps(void)
{
	struct secret *kc = crypto_random_key(32, 0), *plain;
	struct buf b = BUF_INIT;
	int i;

	plain = crypto_random_key(108, 0);
	for (i = 0; i < 4; i++) {
		buf_reset(&b);
		wrap_seal(&b, kc, 9, "sip:b@d", "sip:c@conf", plain, NOW);
		/* The key id says which Kc to try; it is bound as well. */
		attack("wrap", open_wrap, kc, buf_data(&b), buf_len(&b), 0);
	}
	buf_free(&b);
	secret_free(kc);
	secret_free(plain);
}

static int
open_blob(void *arg, uint8_t *p, size_t n)
{
	struct secret *out = NULL;
	int r = blob_open(p, n, arg, "table", 5, &out);

	if (r != 0 && out != NULL)
		r = 0;
	secret_free(out);
	return r;
}

static void
blobs(void)
{
	struct secret *dbk, *plain;
	struct buf b = BUF_INIT;
	int i;

	for (i = 0; i < 4; i++) {
		dbk = crypto_random_key(32, 0);
		plain = crypto_random_key(32, 0);
		buf_reset(&b);
		blob_seal(&b, dbk, "table", 5, plain, NOW);
		T_INT(buf_len(&b), BLOB_EXTRA + 32);
		attack("at rest", open_blob, dbk, buf_data(&b), buf_len(&b), 0);
		secret_free(plain);
		secret_free(dbk);
	}
	buf_free(&b);
}

#define FILE_NAME "00112233445566778899aabbccddeeff"

static int
open_chunk(void *arg, uint8_t *p, size_t n)
{
	static uint8_t out[CHUNK_BYTES];
	struct chunk c = { arg, FILE_NAME, 3, 1 };

	return chunk_open(&c, p, n, out);
}

static void
chunks(void)
{
	struct secret *fk;
	struct chunk c = { NULL, FILE_NAME, 3, 1 };
	struct buf b = BUF_INIT;
	int i;

	for (i = 0; i < 4; i++) {
		c.fk = fk = crypto_random_key(FILE_KEY, 0);
		buf_reset(&b);
		chunk_seal(&b, &c, "the last words of a file", 6 * (size_t)i);
		attack("chunk", open_chunk, fk, buf_data(&b), buf_len(&b), 0);
		secret_free(fk);
	}
	buf_free(&b);
}

struct reg_arg {
	struct secret *prf, *ecs;
	uint8_t ec[32];
	uint8_t apreq[100];
};

static int
open_request(void *arg, uint8_t *p, size_t n)
{
	struct reg_arg *a = arg;
	struct buf out = BUF_INIT;
	uint8_t ec[32];
	int64_t t;
	int r = regkey_request_open(p, n, a->prf, a->apreq, sizeof a->apreq,
	    &out, ec, &t);

	if (r != 0 && buf_len(&out) != 0)
		r = 0;
	buf_free(&out);
	return r;
}

/* As an agent does: what is hashed is what came. */
static int
open_answer(void *arg, uint8_t *p, size_t n)
{
	struct reg_arg *a = arg;
	struct buf out = BUF_INIT;
	struct reg_answer body;
	struct regkey_th th;
	int64_t t;
	int r;

	if ((r = reg_answer_decode(&body, p, n)) != 0)
		return r;
	th = (struct regkey_th) { a->apreq, body.aprep, sizeof a->apreq,
		body.apreplen, a->ec, body.ep };
	r = regkey_answer_open(p, n, a->prf, &th, a->ecs, &out, &t);
	if (r != 0 && buf_len(&out) != 0)
		r = 0;
	buf_free(&out);
	return r;
}

static void
registrations(void)
{
	struct reg_arg a = { crypto_random_key(64, 0), crypto_random_key(32, 0),
		{ 0 }, { 0 } };
	struct secret *eps = crypto_random_key(32, 0);
	uint8_t ep[32], aprep[60];
	struct regkey_th th = { a.apreq, aprep, sizeof a.apreq, sizeof aprep,
		a.ec, ep };
	struct buf b = BUF_INIT;

	crypto_random(a.apreq, sizeof a.apreq);
	crypto_random(aprep, sizeof aprep);
	dh_public(a.ecs, a.ec);
	dh_public(eps, ep);
	T_INT(regkey_request_seal(&b, a.prf, a.apreq, sizeof a.apreq, a.ec,
		  "register\tuser=alice\n", 20, NOW),
	    0);
	attack("SR01", open_request, &a, buf_data(&b), buf_len(&b), 0);
	buf_reset(&b);
	T_INT(regkey_answer_seal(&b, a.prf, &th, eps, "session of alice", 16,
		  NOW),
	    0);
	attack("SR02", open_answer, &a, buf_data(&b), buf_len(&b), 0);
	buf_free(&b);
	secret_free(a.prf);
	secret_free(a.ecs);
	secret_free(eps);
}

static int
open_shake(void *arg, uint8_t *p, size_t n)
{
	uint8_t *out = malloc(n + 1);
	int r = noise_read(arg, p, n, out);

	free(out);
	return r;
}

static int
open_transport(void *arg, uint8_t *p, size_t n)
{
	uint8_t *out = malloc(n + 1);
	int r = noise_recv(arg, p, n, out);

	free(out);
	return r;
}

/* m1 to m4 (S077-S080); the joint key is in m3. */
static void
setup(void)
{
	struct secret *s1 = crypto_random_key(32, 0),
		      *s2 = crypto_random_key(32, 0);
	uint8_t p1[32], p2[32], m[NOISE_OVERHEAD + 148], deal[148];
	struct noise *a, *b;

	dh_public(s1, p1);
	dh_public(s2, p2);
	crypto_random(deal, sizeof deal);
	a = noise_new(1, s1, p2, NULL, "SEC1 keygen", 11, NULL);
	b = noise_new(0, s2, p1, NULL, "SEC1 keygen", 11, NULL);
	T_INT(noise_write(a, deal, 8, m), 0);
	attack("m1", open_shake, b, m, NOISE_OVERHEAD + 8, 1);
	T_INT(noise_write(b, deal, 12, m), 0);
	attack("m2", open_shake, a, m, NOISE_OVERHEAD + 12, 1);
	noise_send(a, deal, sizeof deal, m);
	attack("m3", open_transport, b, m, sizeof deal + 16, 1);
	noise_send(b, deal, 72, m);
	attack("m4", open_transport, a, m, 72 + 16, 1);
	noise_free(a);
	noise_free(b);
	secret_free(s1);
	secret_free(s2);
}

static struct seal *last_tx, *last_rx;

static int
open_c1(void *arg, uint8_t *p, size_t n)
{
	struct hello *h = arg;
	uint8_t c2[HELLO_C2];
	struct seal *tx, *rx;
	int r;

	/* The length is the stream's matter: c1 and c2 have one size. */
	if (n != HELLO_C1)
		return SEC_ERR_FORMAT;
	if ((r = hello_answer(p, &h->from, &h->to, 2, h->base, NOW, c2, &tx,
		 &rx)) == 0) {
		seal_free(tx);
		seal_free(rx);
	}
	return r;
}

static int
open_c2(void *arg, uint8_t *p, size_t n)
{
	int r;

	if (n != HELLO_C2)
		return SEC_ERR_FORMAT;
	if ((r = hello_finish(arg, p, NOW, &last_tx, &last_rx)) == 0) {
		seal_free(last_tx);
		seal_free(last_rx);
	}
	return r;
}

static void
hellos(void)
{
	struct secret *base = crypto_random_key(32, 0);
	struct hello h = { .tt = RECORD_CLIENT,
		.by = 3,
		.keyid = 1234,
		.to_number = 2,
		.base = base };
	uint8_t c1[HELLO_C1], c2[HELLO_C2];
	struct seal *tx, *rx;

	hello_id_device(&h.from, 77, 0x01000003);
	hello_id_server(&h.to, 2);
	hello_start(&h, NOW, c1);
	attack("c1", open_c1, &h, c1, sizeof c1, 0);
	T_INT(hello_answer(c1, &h.from, &h.to, 2, base, NOW, c2, &tx, &rx), 0);
	attack("c2", open_c2, &h, c2, sizeof c2, 0);
	/* For the next hello it is no answer: nonces are new. */
	hello_start(&h, NOW, c1);
	T(open_c2(&h, c2, sizeof c2) != 0);
	seal_free(tx);
	seal_free(rx);
	secret_free(base);
}

int
main(void)
{
	crypto_init();
	records();
	texts();
	wraps();
	blobs();
	chunks();
	registrations();
	setup();
	hellos();
	T_OK(objects >= 64, "%lu flips of %lu objects", flips, objects);
	T_INT(secret_count(), 0);
	return t_done();
}
