/*
 * The setup of servers, beyond the published vector: who is who, the order
 * of messages, and points of low order (S076-S080).
 */
#include "../test.h"
#include "base/err.h"
#include "crypto/dh.h"
#include "crypto/noise.h"
#include "crypto/random.h"

static struct secret *s1, *s2, *psk;
static uint8_t p1[32], p2[32];

/* m1 and m2 between two ends; the first error. */
static int
shake(struct noise *a, struct noise *b)
{
	uint8_t m[NOISE_OVERHEAD + 8], out[8];
	int r;

	if ((r = noise_write(a, "payload1", 8, m)) != 0 ||
	    (r = noise_read(b, m, sizeof m, out)) != 0)
		return r;
	T(memcmp(out, "payload1", 8) == 0);
	if ((r = noise_write(b, "payload2", 8, m)) != 0 ||
	    (r = noise_read(a, m, sizeof m, out)) != 0)
		return r;
	T(memcmp(out, "payload2", 8) == 0);
	return 0;
}

static int
shake_as(const struct secret *sa, const uint8_t rsa[32],
    const struct secret *ka, const char *pa, const struct secret *sb,
    const uint8_t rsb[32], const struct secret *kb, const char *pb)
{
	struct noise *a = noise_new(1, sa, rsa, ka, pa, strlen(pa), NULL);
	struct noise *b = noise_new(0, sb, rsb, kb, pb, strlen(pb), NULL);
	int r = shake(a, b);

	noise_free(a);
	noise_free(b);
	return r;
}

/* The joint key travels like m3, its acknowledgement like m4 (S079). */
static void
transport(void)
{
	struct noise *a = noise_new(1, s1, p2, NULL, "p", 1, NULL);
	struct noise *b = noise_new(0, s2, p1, NULL, "p", 1, NULL);
	uint8_t m[3][5 + 16], out[5];
	char ca[15], cb[15];
	int i;

	T_INT(noise_recv(b, m[0], sizeof m[0], out), SEC_ERR_FORMAT);
	T_INT(shake(a, b), 0);
	T(memcmp(noise_hash(a), noise_hash(b), 64) == 0);
	noise_check(a, ca);
	noise_check(b, cb);
	T_STR(ca, cb);
	T(strlen(ca) == 14 && ca[4] == ' ' && ca[9] == ' ' &&
	    strspn(ca, "0123456789 ") == 14);
	for (i = 0; i < 3; i++)
		noise_send(a, "joint", 5, m[i]);
	T_INT(noise_recv(b, m[1], sizeof m[1], out), SEC_ERR_AUTH);
	T_INT(noise_recv(b, m[0], sizeof m[0], out), 0);
	T_INT(noise_recv(b, m[0], sizeof m[0], out), SEC_ERR_AUTH);
	T_INT(noise_recv(a, m[1], sizeof m[1], out), SEC_ERR_AUTH);
	T_INT(noise_recv(b, m[1], sizeof m[1], out), 0);
	T_INT(noise_recv(b, m[2], 15, out), SEC_ERR_FORMAT);
	T(memcmp(out, "joint", 5) == 0);
	noise_free(a);
	noise_free(b);
}

/* Nobody speaks out of turn, or twice. */
static void
turns(void)
{
	struct noise *a = noise_new(1, s1, p2, NULL, "p", 1, NULL);
	struct noise *b = noise_new(0, s2, p1, NULL, "p", 1, NULL);
	uint8_t m1[NOISE_OVERHEAD], m2[NOISE_OVERHEAD], out[1];

	T_INT(noise_write(b, NULL, 0, m2), SEC_ERR_FORMAT);
	T_INT(noise_read(a, m2, sizeof m2, out), SEC_ERR_FORMAT);
	T_INT(noise_write(a, NULL, 0, m1), 0);
	T_INT(noise_write(a, NULL, 0, m2), SEC_ERR_FORMAT);
	T_INT(noise_read(b, m1, sizeof m1 - 1, out), SEC_ERR_FORMAT);
	T_INT(noise_read(b, m1, sizeof m1, out), 0);
	T_INT(noise_read(b, m1, sizeof m1, out), SEC_ERR_FORMAT);
	T_INT(noise_read(a, m1, sizeof m1, out), SEC_ERR_AUTH);
	T_INT(noise_write(b, NULL, 0, m2), 0);
	T_INT(noise_read(a, m2, sizeof m2, out), 0);
	T_INT(noise_read(a, m2, sizeof m2, out), SEC_ERR_FORMAT);
	noise_free(a);
	noise_free(b);
}

static void
low_order(void)
{
	static const uint8_t zero[32];
	struct noise *a = noise_new(1, s1, zero, NULL, "p", 1, NULL);
	struct noise *b = noise_new(0, s2, p1, NULL, "p", 1, NULL);
	uint8_t m[NOISE_OVERHEAD] = { 0 }, out[1];

	T_INT(noise_write(a, NULL, 0, m), SEC_ERR_AUTH);
	memset(m, 0, sizeof m);
	T_INT(noise_read(b, m, sizeof m, out), SEC_ERR_AUTH);
	noise_free(a);
	noise_free(b);
}

int
main(void)
{
	static const uint8_t zeros[32];
	struct secret *s3, *zero = secret_copy(zeros, 32);
	uint8_t p3[32];

	crypto_init();
	s1 = crypto_random_key(32, 0);
	s2 = crypto_random_key(32, 0);
	s3 = crypto_random_key(32, 0);
	psk = crypto_random_key(32, 0);
	dh_public(s1, p1);
	dh_public(s2, p2);
	dh_public(s3, p3);
	T_INT(shake_as(s1, p2, psk, "p", s2, p1, psk, "p"), 0);
	T_INT(shake_as(s1, p2, NULL, "p", s2, p1, zero, "p"), 0);
	T_INT(shake_as(s1, p2, NULL, "p", s2, p1, psk, "p"), SEC_ERR_AUTH);
	T_INT(shake_as(s1, p2, NULL, "p", s2, p1, NULL, "q"), SEC_ERR_AUTH);
	T_INT(shake_as(s3, p2, NULL, "p", s2, p1, NULL, "p"), SEC_ERR_AUTH);
	T_INT(shake_as(s1, p2, NULL, "p", s3, p1, NULL, "p"), SEC_ERR_AUTH);
	T_INT(shake_as(s1, p3, NULL, "p", s2, p1, NULL, "p"), SEC_ERR_AUTH);
	T_INT(shake_as(s1, p2, NULL, "p", s2, p3, NULL, "p"), SEC_ERR_AUTH);
	transport();
	turns();
	low_order();
	noise_free(NULL);
	secret_free(s1);
	secret_free(s2);
	secret_free(s3);
	secret_free(psk);
	secret_free(zero);
	T_INT(secret_count(), 0);
	return t_done();
}
