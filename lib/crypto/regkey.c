/*
 * The two sealed bodies of a registration (SECURITY.md 3.4): the request
 * under the initiator's subkey, the answer under X25519 and the acceptor's.
 */
#include <string.h>

#include "base/err.h"
#include "crypto/dh.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "crypto/seal.h"
#include "wire/registration.h"

#include "crypto/regkey.h"

/* Both free the keys. */
static int
reg_seal(struct secret *keys, uint8_t dir, const void *pt, size_t n,
    int64_t now, struct buf *out)
{
	int r;

	r = seal_once(&(struct seal_once) { .type = RECORD_REGISTER,
			  .dir = dir,
			  .seq = 1,
			  .time = now,
			  .key = keys },
	    out, pt, n);
	secret_free(keys);
	return r;
}

static int
reg_open(struct secret *keys, uint8_t dir, const uint8_t *p, size_t n,
    struct buf *out, int64_t *time)
{
	struct seal_once s = { .type = RECORD_REGISTER,
		.dir = dir,
		.key = keys };
	size_t before = buf_len(out);
	int r;

	r = seal_once_open(&s, p, n, out);
	secret_free(keys);
	if (r != 0)
		return r;
	if (s.keyid != 0 || s.seq != 1) {
		buf_truncate(out, before);
		return SEC_ERR_FORMAT;
	}
	*time = s.time;
	return 0;
}

static struct secret *
request_keys(const struct secret *prf, const void *apreq, size_t apreqlen,
    const uint8_t ec[32])
{
	const struct digest_part part[] = { { apreq, apreqlen }, { ec, 32 } };
	uint8_t hash[SHA512_SIZE];

	sha512_parts(part, 2, hash);
	return kdf(prf, NULL, 0, KDF_REG_C2S, hash, sizeof hash, SEAL_KEYS);
}

static int
answer_keys(const struct secret *prf, const struct regkey_th *th,
    const struct secret *own, const uint8_t peer[32], struct secret **keys)
{
	const struct digest_part part[] = { { "SEC1 reg", 8 },
		{ th->apreq, th->apreqlen }, { th->ec, 32 },
		{ th->aprep, th->apreplen }, { th->ep, 32 } };
	uint8_t hash[SHA512_SIZE];
	struct secret *z;
	int r;

	if ((r = dh_shared(own, peer, &z)) != 0)
		return r;
	sha512_parts(part, 5, hash);
	*keys = kdf(z, secret_data(prf), secret_size(prf), KDF_REG_S2C, hash,
	    sizeof hash, SEAL_KEYS);
	secret_free(z);
	return 0;
}

int
regkey_request_seal(struct buf *body, const struct secret *prf,
    const void *apreq, size_t apreqlen, const uint8_t ec[32], const void *rows,
    size_t n, int64_t now)
{
	struct buf rec = BUF_INIT;
	int r;

	r = reg_seal(request_keys(prf, apreq, apreqlen, ec), 0, rows, n, now,
	    &rec);
	if (r == 0) {
		reg_request_encode(body, ec, buf_data(&rec), buf_len(&rec));
		r = buf_error(body);
	}
	buf_free(&rec);
	return r;
}

int
regkey_request_open(const void *body, size_t bodylen, const struct secret *prf,
    const void *apreq, size_t apreqlen, struct buf *rows, uint8_t ec[32],
    int64_t *time)
{
	struct reg_request req;
	int r;

	if ((r = reg_request_decode(&req, body, bodylen)) != 0 ||
	    (r = reg_open(request_keys(prf, apreq, apreqlen, req.ec), 0,
		 req.record, req.recordlen, rows, time)) != 0)
		return r;
	memcpy(ec, req.ec, 32);
	return 0;
}

int
regkey_answer_seal(struct buf *body, const struct secret *prf,
    const struct regkey_th *th, const struct secret *ep_secret, const void *pt,
    size_t n, int64_t now)
{
	struct buf rec = BUF_INIT;
	struct secret *keys;
	int r;

	if ((r = answer_keys(prf, th, ep_secret, th->ec, &keys)) != 0)
		return r;
	if ((r = reg_seal(keys, 1, pt, n, now, &rec)) == 0) {
		reg_answer_encode(body, th->aprep, th->apreplen, th->ep,
		    buf_data(&rec), buf_len(&rec));
		r = buf_error(body);
	}
	buf_free(&rec);
	return r;
}

int
regkey_answer_open(const void *body, size_t bodylen, const struct secret *prf,
    const struct regkey_th *th, const struct secret *ec_secret, struct buf *pt,
    int64_t *time)
{
	struct reg_answer a;
	struct secret *keys;
	int r;

	if ((r = reg_answer_decode(&a, body, bodylen)) != 0)
		return r;
	/* What was hashed must be what came. */
	if (a.apreplen != th->apreplen ||
	    memcmp(a.aprep, th->aprep, a.apreplen) != 0 ||
	    memcmp(a.ep, th->ep, 32) != 0)
		return SEC_ERR_FORMAT;
	if ((r = answer_keys(prf, th, ec_secret, a.ep, &keys)) != 0)
		return r;
	return reg_open(keys, 1, a.record, a.recordlen, pt, time);
}
