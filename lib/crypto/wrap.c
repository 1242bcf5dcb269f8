/*
 * Key wraps (SECURITY.md 3.5): salt[32] || type 4 record under a key made
 * of Kc and this salt, so that a Kc held by two servers never seals twice
 * under one nonce.
 */
#include "base/err.h"
#include "base/log.h"
#include "crypto/random.h"
#include "crypto/seal.h"

#include "crypto/wrap.h"

#define WRAP_SALT  32
#define SECRET_MAX 1024

static struct secret *
wrap_keys(const struct wrap *w, const uint8_t *salt)
{
	return kdf(w->kc, salt, WRAP_SALT, w->label, NULL, 0, SEAL_KEYS);
}

static void
put_context(struct buf *b, const struct wrap *w)
{
	buf_put_str(b, w->whose);
	buf_put_str(b, w->conf);
	if (buf_error(b) != 0)
		die(10, "out of memory");
}

void
wrap_put(struct buf *out, const struct wrap *w, uint32_t keyid,
    const struct secret *plain, int64_t now)
{
	struct buf ctx = BUF_INIT;
	uint8_t salt[WRAP_SALT];
	struct secret *keys;

	crypto_random(salt, sizeof salt);
	keys = wrap_keys(w, salt);
	put_context(&ctx, w);
	buf_put(out, salt, sizeof salt);
	/* Fails only with out, whose error is sticky. */
	(void)seal_once(&(struct seal_once) { .type = RECORD_WRAP,
			    .dir = w->dir,
			    .keyid = keyid,
			    .time = now,
			    .key = keys,
			    .ctx = buf_data(&ctx),
			    .ctxlen = buf_len(&ctx) },
	    out, secret_data(plain), secret_size(plain));
	secret_free(keys);
	buf_free(&ctx);
}

int
wrap_keyid(const uint8_t *p, size_t n, uint32_t *keyid)
{
	struct record rec;
	int r;

	if (n < WRAP_SALT + RECORD_HEAD + RECORD_TAG)
		return SEC_ERR_FORMAT;
	if ((r = record_decode(&rec, p + WRAP_SALT)) != 0)
		return r;
	if (rec.type != RECORD_WRAP)
		return SEC_ERR_FORMAT;
	*keyid = rec.keyid;
	return 0;
}

int
wrap_get(const uint8_t *p, size_t n, const struct wrap *w,
    struct secret **plain, int64_t *time)
{
	struct buf ctx = BUF_INIT, pt = BUF_INIT;
	struct seal_once s;
	struct secret *keys;
	uint32_t keyid;
	int r;

	if ((r = wrap_keyid(p, n, &keyid)) != 0)
		return r;
	keys = wrap_keys(w, p);
	put_context(&ctx, w);
	s = (struct seal_once) { .type = RECORD_WRAP,
		.dir = w->dir,
		.key = keys,
		.ctx = buf_data(&ctx),
		.ctxlen = buf_len(&ctx) };
	r = seal_once_open(&s, p + WRAP_SALT, n - WRAP_SALT, &pt);
	if (r == 0 &&
	    (s.seq != 0 || buf_len(&pt) < 1 || buf_len(&pt) > SECRET_MAX))
		r = SEC_ERR_FORMAT;
	if (r == 0) {
		*plain = secret_copy(buf_data(&pt), buf_len(&pt));
		*time = s.time;
	}
	secret_free(keys);
	buf_free(&ctx);
	buf_free(&pt);
	return r;
}

static struct wrap
conf_wrap(const struct secret *kc, const char *recipient, const char *conf)
{
	return (struct wrap) { KDF_CONF_WRAP, 1, kc, recipient, conf };
}

void
wrap_seal(struct buf *out, const struct secret *kc, uint32_t keyid,
    const char *recipient, const char *conf, const struct secret *plain,
    int64_t now)
{
	struct wrap w = conf_wrap(kc, recipient, conf);

	wrap_put(out, &w, keyid, plain, now);
}

int
wrap_open(const uint8_t *p, size_t n, const struct secret *kc,
    const char *recipient, const char *conf, struct secret **plain,
    int64_t *time)
{
	struct wrap w = conf_wrap(kc, recipient, conf);

	return wrap_get(p, n, &w, plain, time);
}
