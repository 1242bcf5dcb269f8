/* The hello: fresh keys per connection, and who it binds (S076). */
#include "../test.h"
#include "base/err.h"
#include "crypto/hello.h"
#include "crypto/random.h"

#define NOW 1795442400000

static struct secret *base, *other;
static struct hello h;

static void
begin(uint8_t tt)
{
	h = (struct hello) { .tt = tt,
		.by = 3,
		.keyid = 99,
		.to_number = 2,
		.base = base };
	T_INT(hello_id_user(&h.from, "alice@EXAMPLE.ORG"), 0);
	hello_id_server(&h.to, 2);
}

/* A record from one end to the other. */
static int
pass(struct seal *tx, struct seal *rx)
{
	struct buf b = BUF_INIT;
	size_t n;
	int r;

	T_INT(seal_put(tx, &b, NULL, 0, NOW), 0);
	r = seal_get(rx, buf_data(&b), buf_len(&b), NOW, &n);
	buf_free(&b);
	return r;
}

static void
both_ends(void)
{
	struct seal *atx[2], *arx[2], *btx[2], *brx[2];
	uint8_t c1[HELLO_C1], c2[HELLO_C2], c2again[HELLO_C2];
	struct hello_c1 d;
	int i;

	/* Two connections under one base key have keys of their own. */
	for (i = 0; i < 2; i++) {
		begin(RECORD_CLIENT);
		hello_start(&h, NOW, c1);
		T_INT(hello_c1_decode(&d, c1), 0);
		T(d.by == 3 && d.keyid == 99 && d.to == 2 && d.time == NOW);
		T_INT(hello_answer(c1, &h.from, &h.to, 2, base, NOW, c2,
			  &btx[i], &brx[i]),
		    0);
		T_INT(hello_finish(&h, c2, NOW, &atx[i], &arx[i]), 0);
		T_INT(pass(atx[i], brx[i]), 0);
		T_INT(pass(btx[i], arx[i]), 0);
	}
	T_INT(pass(atx[0], brx[1]), SEC_ERR_AUTH);
	T_INT(pass(btx[1], arx[0]), SEC_ERR_AUTH);
	T_INT(pass(atx[0], arx[0]), SEC_ERR_FORMAT);
	for (i = 0; i < 2; i++) {
		seal_free(atx[i]);
		seal_free(arx[i]);
		seal_free(btx[i]);
		seal_free(brx[i]);
	}
	/* A replayed c1 is answered, but under nonces that are new. */
	T_INT(hello_answer(c1, &h.from, &h.to, 2, base, NOW, c2again, &btx[0],
		  &brx[0]),
	    0);
	T(memcmp(c2, c2again, sizeof c2) != 0);
	seal_free(btx[0]);
	seal_free(brx[0]);
	/* The answer to another hello, with a good tag. */
	begin(RECORD_CLIENT);
	hello_start(&h, NOW, c1);
	T_INT(hello_finish(&h, c2, NOW, &atx[0], &arx[0]), SEC_ERR_AUTH);
}

/* Answer the c1 of h under some numbers; the error. */
static int
answer(const struct hello_id *from, const struct hello_id *to, uint16_t own,
    const struct secret *k, int64_t now)
{
	uint8_t c1[HELLO_C1], c2[HELLO_C2];
	struct seal *tx = NULL, *rx = NULL;
	int r;

	hello_start(&h, NOW, c1);
	r = hello_answer(c1, from, to, own, k, now, c2, &tx, &rx);
	seal_free(tx);
	seal_free(rx);
	return r;
}

static int
finish(const struct secret *k, uint8_t tt, uint16_t by, uint32_t keyid,
    uint16_t from, int64_t at)
{
	uint8_t c1[HELLO_C1], c2[HELLO_C2];
	struct seal *tx = NULL, *rx = NULL;
	struct hello g;
	int r;

	begin(RECORD_CLIENT);
	g = h;
	g.base = k;
	g.tt = tt;
	g.by = by;
	g.keyid = keyid;
	g.to_number = from;
	/* B answers g's c1, A finishes h with g's nonce. */
	hello_start(&g, at, c1);
	memcpy(h.nonce, g.nonce, sizeof h.nonce);
	r = hello_answer(c1, &g.from, &g.to, from, k, at, c2, &tx, &rx);
	seal_free(tx);
	seal_free(rx);
	tx = rx = NULL;
	T_INT(r, 0);
	r = hello_finish(&h, c2, NOW, &tx, &rx);
	seal_free(tx);
	seal_free(rx);
	return r;
}

static void
refused(void)
{
	struct hello_id mallory, device;
	struct hello_id s1, s2;

	begin(RECORD_CLIENT);
	hello_id_user(&mallory, "mallory@EXAMPLE.ORG");
	hello_id_device(&device, 7, 9);
	T_INT(answer(&h.from, &h.to, 2, base, NOW), 0);
	T_INT(answer(&mallory, &h.to, 2, base, NOW), SEC_ERR_AUTH);
	T_INT(answer(&device, &h.to, 2, base, NOW), SEC_ERR_AUTH);
	T_INT(answer(&h.from, &h.from, 2, base, NOW), SEC_ERR_AUTH);
	T_INT(answer(&h.from, &h.to, 3, base, NOW), SEC_ERR_AUTH);
	T_INT(answer(&h.from, &h.to, 2, other, NOW), SEC_ERR_AUTH);
	T_INT(answer(&h.from, &h.to, 2, base, NOW + 120000), 0);
	T_INT(answer(&h.from, &h.to, 2, base, NOW + 120001), SEC_ERR_EXPIRED);
	T_INT(answer(&h.from, &h.to, 2, base, NOW - 120001), SEC_ERR_EXPIRED);
	/* The tag before the time. */
	T_INT(answer(&h.from, &h.to, 2, other, NOW + 120001), SEC_ERR_AUTH);

	T_INT(finish(base, RECORD_CLIENT, 3, 99, 2, NOW), 0);
	T_INT(finish(base, RECORD_CLIENT, 3, 99, 2, NOW - 120000), 0);
	T_INT(finish(base, RECORD_CLIENT, 3, 99, 2, NOW - 120001),
	    SEC_ERR_EXPIRED);
	T_INT(finish(base, RECORD_CLIENT, 3, 99, 2, NOW + 120001),
	    SEC_ERR_EXPIRED);
	T_INT(finish(other, RECORD_CLIENT, 3, 99, 2, NOW), SEC_ERR_AUTH);
	T_INT(finish(base, RECORD_SERVER, 3, 99, 2, NOW), SEC_ERR_AUTH);
	T_INT(finish(base, RECORD_CLIENT, 4, 99, 2, NOW), SEC_ERR_AUTH);
	T_INT(finish(base, RECORD_CLIENT, 3, 98, 2, NOW), SEC_ERR_AUTH);
	T_INT(finish(base, RECORD_CLIENT, 3, 99, 5, NOW), SEC_ERR_AUTH);

	hello_id_server(&s1, 1);
	hello_id_server(&s2, 2);
	T(memcmp(s1.b, s2.b, 2) != 0);
}

/*
 * The base key of a link needs K and P_ab, whoever asks, and differs with
 * epoch and pair.
 */
static void
link_base(void)
{
	struct secret *k[6];
	int i, j, same = 0;

	k[0] = hello_link_base(base, other, 5, 1, 3);
	k[1] = hello_link_base(base, other, 6, 1, 3);
	k[2] = hello_link_base(base, other, 5, 1, 2);
	k[3] = hello_link_base(other, base, 5, 1, 3);
	k[4] = hello_link_base(base, base, 5, 1, 3);
	k[5] = hello_link_base(base, other, 5, 3, 1);
	T(secret_equal(k[0], k[5]));
	for (i = 0; i < 5; i++)
		for (j = 0; j < i; j++)
			same += secret_equal(k[i], k[j]);
	T_INT(same, 0);
	for (i = 0; i < 6; i++)
		secret_free(k[i]);
}

int
main(void)
{
	char name[HELLO_ID_MAX + 1];
	struct hello_id id;

	crypto_init();
	base = crypto_random_key(32, 0);
	other = crypto_random_key(32, 0);
	both_ends();
	refused();
	link_base();
	memset(name, 'a', sizeof name);
	name[HELLO_ID_MAX - 4] = '\0';
	T_INT(hello_id_user(&id, name), 0);
	T_INT(id.n, HELLO_ID_MAX);
	name[HELLO_ID_MAX - 4] = 'a';
	name[HELLO_ID_MAX - 3] = '\0';
	T_INT(hello_id_user(&id, name), SEC_ERR_LIMIT);
	secret_free(base);
	secret_free(other);
	T_INT(secret_count(), 0);
	return t_done();
}
