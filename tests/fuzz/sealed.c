/*
 * What opens sealed objects, with a MAC that is always right: so that the
 * code behind the tag is reached as well. The first byte chooses the object.
 */
#include <gcrypt.h>

#include "base/secret.h"

#define gcry_cipher_checktag(h, tag, n) 0
#include "../../lib/crypto/aead.c"

#include "crypto/confkey.h"
#include "crypto/dh.h"
#include "crypto/hello.h"
#include "crypto/noise.h"
#include "crypto/random.h"
#include "crypto/regkey.h"
#include "crypto/seal.h"
#include "crypto/wrap.h"
#include "fuzz.h"
#include "wire/registration.h"

#define NOW 1795442400000

static struct secret *key, *prf;
static uint8_t pub[32];
static const uint8_t salt[12] = "pinch of it";

static void
fuzz_record(const uint8_t *p, size_t n)
{
	struct seal *s = seal_new(RECORD_CLIENT, 0, 7, key, salt);
	uint8_t *copy = malloc(n + 1);
	size_t len;
	int size;

	memcpy(copy, p, n);
	size = seal_size(copy, n);
	if (size > 0 && seal_get(s, copy, (size_t)size, NOW, &len) == 0) {
		MUST(len + RECORD_HEAD + RECORD_TAG == (size_t)size);
		MUST(seal_get(s, copy, (size_t)size, NOW, &len) != 0);
	}
	free(copy);
	seal_free(s);
}

static void
fuzz_text(const uint8_t *p, size_t n)
{
	struct buf out = BUF_INIT;
	struct text_head h;

	if (text_open(key, 42, p, n, &out) == 0) {
		MUST(text_peek(&h, p, n) == 0);
		MUST(buf_len(&out) + 4 + RECORD_HEAD + RECORD_TAG == n);
	}
	buf_free(&out);
}

static void
fuzz_wrap(const uint8_t *p, size_t n)
{
	struct secret *plain = NULL;
	int64_t t;

	if (wrap_open(p, n, key, "sip:b@d", "sip:c@conf", &plain, &t) == 0)
		MUST(secret_size(plain) + 76 == n);
	secret_free(plain);
}

static void
fuzz_request(const uint8_t *p, size_t n)
{
	struct buf out = BUF_INIT;
	uint8_t ec[32];
	int64_t t;

	if (regkey_request_open(p, n, prf, "AP-REQ", 6, &out, ec, &t) != 0)
		MUST(buf_len(&out) == 0);
	buf_free(&out);
}

static void
fuzz_answer(const uint8_t *p, size_t n)
{
	struct buf out = BUF_INIT;
	struct reg_answer a;
	struct regkey_th th;
	int64_t t;

	if (reg_answer_decode(&a, p, n) != 0)
		return;
	th = (struct regkey_th) { "AP-REQ", a.aprep, 6, a.apreplen, pub, a.ep };
	if (regkey_answer_open(p, n, prf, &th, key, &out, &t) != 0)
		MUST(buf_len(&out) == 0);
	buf_free(&out);
}

/* m1 and m3 to a server that answers; m2 and m4 to server 1. */
static void
fuzz_noise(const uint8_t *p, size_t n, int initiator)
{
	uint8_t *out = malloc(n + NOISE_OVERHEAD), m[NOISE_OVERHEAD];
	struct noise *s = noise_new(initiator, key, pub, NULL, "p", 1, NULL);
	size_t first = n < NOISE_OVERHEAD + 8 ? n : NOISE_OVERHEAD + 8;

	if (initiator)
		MUST(noise_write(s, NULL, 0, m) == 0);
	if (noise_read(s, p, first, out) == 0) {
		if (!initiator)
			MUST(noise_write(s, NULL, 0, m) == 0);
		noise_recv(s, p + first, n - first, out);
	}
	noise_free(s);
	free(out);
}

static void
fuzz_hello(const uint8_t *p, size_t n)
{
	struct hello h = { .tt = 1,
		.by = 1,
		.keyid = 7,
		.to_number = 2,
		.base = key };
	uint8_t c[HELLO_C2];
	struct seal *tx, *rx;

	hello_id_device(&h.from, 42, 0x01000001);
	hello_id_server(&h.to, 2);
	/* The tag of a hello is a MAC of its own, and never right here. */
	if (n >= HELLO_C1)
		MUST(hello_answer(p, &h.from, &h.to, 2, key, NOW, c, &tx,
			 &rx) != 0);
	if (n >= HELLO_C2)
		MUST(hello_finish(&h, p, NOW, &tx, &rx) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t bytes[64] = "no secret at all";
	size_t live;

	if (key == NULL) {
		crypto_init();
		key = secret_copy(bytes, 32);
		prf = secret_copy(bytes, 64);
		dh_public(key, pub);
	}
	if (n == 0)
		return 0;
	live = secret_count();
	switch (p[0] % 8) {
	case 0: fuzz_record(p + 1, n - 1); break;
	case 1: fuzz_text(p + 1, n - 1); break;
	case 2: fuzz_wrap(p + 1, n - 1); break;
	case 3: fuzz_request(p + 1, n - 1); break;
	case 4: fuzz_answer(p + 1, n - 1); break;
	case 5: fuzz_noise(p + 1, n - 1, 0); break;
	case 6: fuzz_noise(p + 1, n - 1, 1); break;
	default: fuzz_hello(p + 1, n - 1); break;
	}
	MUST(secret_count() == live);
	return 0;
}
