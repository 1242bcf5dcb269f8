/* The bodies of REGISTER and its 200: bound to ticket, subkey and both e. */
#include "../test.h"
#include "base/err.h"
#include "crypto/dh.h"
#include "crypto/random.h"
#include "crypto/regkey.h"
#include "wire/registration.h"

#define NOW 1795442400000

static struct secret *prf, *other, *ecs, *eps;
static uint8_t ec[32], ep[32];

static int
request(const struct buf *b, const struct secret *k, const char *apreq)
{
	struct buf rows = BUF_INIT;
	uint8_t got[32];
	int64_t t = 0;
	int r;

	r = regkey_request_open(buf_data(b), buf_len(b), k, apreq,
	    strlen(apreq), &rows, got, &t);
	if (r == 0 &&
	    (t != NOW || memcmp(got, ec, 32) != 0 ||
		strcmp(buf_cstr(&rows), "register\n") != 0))
		r = SEC_ERR_NO;
	buf_free(&rows);
	return r;
}

static struct regkey_th
hashed(const char *apreq, const char *aprep)
{
	return (struct regkey_th) { .apreq = apreq,
		.apreqlen = strlen(apreq),
		.aprep = aprep,
		.apreplen = strlen(aprep),
		.ec = ec,
		.ep = ep };
}

static int
answer(const struct buf *b, const struct secret *k, struct regkey_th th,
    const struct secret *e)
{
	struct buf pt = BUF_INIT;
	int64_t t = 0;
	int r;

	r = regkey_answer_open(buf_data(b), buf_len(b), k, &th, e, &pt, &t);
	if (r == 0 && (t != NOW || strcmp(buf_cstr(&pt), "session") != 0))
		r = SEC_ERR_NO;
	if (r != 0 && buf_len(&pt) != 0)
		r = SEC_ERR_NO;
	buf_free(&pt);
	return r;
}

int
main(void)
{
	static const uint8_t zero[32];
	struct regkey_th th = hashed("AP-REQ", "AP-REP"), low;
	struct buf a = BUF_INIT, b = BUF_INIT, c = BUF_INIT;

	crypto_init();
	prf = crypto_random_key(64, 0);
	other = crypto_random_key(64, 0);
	ecs = crypto_random_key(32, 0);
	eps = crypto_random_key(32, 0);
	dh_public(ecs, ec);
	dh_public(eps, ep);

	T_INT(regkey_request_seal(&a, prf, "AP-REQ", 6, ec, "register\n", 9,
		  NOW),
	    0);
	T_INT(request(&a, prf, "AP-REQ"), 0);
	T_INT(request(&a, other, "AP-REQ"), SEC_ERR_AUTH);
	T_INT(request(&a, prf, "AP-REP"), SEC_ERR_AUTH);
	buf_data(&a)[4] ^= 1;
	T_INT(request(&a, prf, "AP-REQ"), SEC_ERR_AUTH);

	T_INT(regkey_answer_seal(&b, prf, &th, eps, "session", 7, NOW), 0);
	T_INT(answer(&b, prf, th, ecs), 0);
	T_INT(answer(&b, other, th, ecs), SEC_ERR_AUTH);
	T_INT(answer(&b, prf, th, eps), SEC_ERR_AUTH);
	T_INT(answer(&b, prf, hashed("AP-REX", "AP-REP"), ecs), SEC_ERR_AUTH);
	T_INT(answer(&b, prf, hashed("AP-REQ", "AP-REX"), ecs), SEC_ERR_FORMAT);
	T_INT(answer(&b, prf, hashed("AP-REQ", "AP"), ecs), SEC_ERR_FORMAT);
	/* One body is not the other. */
	T_INT(answer(&a, prf, th, ecs), SEC_ERR_FORMAT);
	T_INT(request(&b, prf, "AP-REQ"), SEC_ERR_FORMAT);
	/* A client that sends a point of low order gets no session. */
	low = th;
	low.ec = zero;
	T_INT(regkey_answer_seal(&c, prf, &low, eps, "session", 7, NOW),
	    SEC_ERR_AUTH);
	T_INT(buf_len(&c), 0);
	secret_free(prf);
	secret_free(other);
	secret_free(ecs);
	secret_free(eps);
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
	T_INT(secret_count(), 0);
	return t_done();
}
