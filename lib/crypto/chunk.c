/* Chunks of attached files. */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/random.h"

#include "crypto/chunk.h"

#define CHUNK_SALT 32
#define ID_DIGITS  (FILE_ID - 1)
#define AAD_BYTES  (ID_DIGITS + 8 + 1)
#define KEY_BYTES  32

uint64_t
chunk_count(uint64_t size)
{
	return size == 0 ? 1 : (size - 1) / CHUNK_BYTES + 1;
}

size_t
chunk_size(uint64_t size, uint64_t n)
{
	uint64_t left = size - n * CHUNK_BYTES;

	return left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
}

uint64_t
chunk_stored(uint64_t size)
{
	return size + chunk_count(size) * CHUNK_EXTRA;
}

void
file_id_new(char out[FILE_ID])
{
	uint8_t raw[ID_DIGITS / 2];

	crypto_random(raw, sizeof raw);
	text_hex(out, raw, sizeof raw);
}

int
file_id_is(const char *s)
{
	return text_is_hex(s, ID_DIGITS);
}

/* The cipher under this salt, and its nonce. */
static struct aead *
chunk_cipher(const struct chunk *c, const uint8_t *salt,
    uint8_t nonce[SUITE_NONCE])
{
	struct secret *keys, *key;
	struct aead *a;

	keys = kdf(c->fk, salt, CHUNK_SALT, KDF_FILE_CHUNK, NULL, 0,
	    KEY_BYTES + SUITE_NONCE);
	key = secret_slice(keys, 0, KEY_BYTES);
	memcpy(nonce, (const uint8_t *)secret_data(keys) + KEY_BYTES,
	    SUITE_NONCE);
	if (aead_new(&a, SUITE_AES256_GCM, key) != 0)
		die(11, "no AES-256-GCM");
	secret_free(key);
	secret_free(keys);
	return a;
}

static void
chunk_aad(const struct chunk *c, uint8_t aad[AAD_BYTES])
{
	memcpy(aad, c->file, ID_DIGITS);
	put_be64(aad + ID_DIGITS, c->n);
	aad[AAD_BYTES - 1] = c->last != 0;
}

void
chunk_seal(struct buf *out, const struct chunk *c, const void *pt, size_t len)
{
	uint8_t aad[AAD_BYTES], nonce[SUITE_NONCE], *p;
	struct aead *a;

	if ((p = buf_reserve(out, len + CHUNK_EXTRA)) == NULL)
		return;
	crypto_random(p, CHUNK_SALT);
	chunk_aad(c, aad);
	a = chunk_cipher(c, p, nonce);
	aead_seal(a, nonce, aad, sizeof aad, pt, len, p + CHUNK_SALT);
	aead_free(a);
	buf_commit(out, len + CHUNK_EXTRA);
}

int
chunk_open(const struct chunk *c, const void *p, size_t n, uint8_t *out)
{
	uint8_t aad[AAD_BYTES], nonce[SUITE_NONCE];
	const uint8_t *b = p;
	struct aead *a;
	int r;

	if (n < CHUNK_EXTRA || n > CHUNK_SEALED)
		return SEC_ERR_FORMAT;
	chunk_aad(c, aad);
	a = chunk_cipher(c, b, nonce);
	r = aead_open(a, nonce, aad, sizeof aad, b + CHUNK_SALT, n - CHUNK_SALT,
	    out);
	aead_free(a);
	return r;
}
