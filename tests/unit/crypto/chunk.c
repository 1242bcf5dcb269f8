/* Chunks of attached files open in their place of their file alone. */
#include "../test.h"
#include "base/err.h"
#include "crypto/chunk.h"
#include "crypto/digest.h"
#include "crypto/random.h"

#define FILE_A "00112233445566778899aabbccddeeff"
#define FILE_B "00112233445566778899aabbccddeefe"

static uint8_t clear[CHUNK_BYTES], back[CHUNK_BYTES];

static int
opens(const struct buf *b, const struct secret *fk, const char *file,
    uint64_t n, int last)
{
	struct chunk c = { fk, file, n, last };
	size_t len = buf_len(b) - CHUNK_EXTRA;
	int r;

	memset(back, 0x55, sizeof back);
	r = chunk_open(&c, buf_data(b), buf_len(b), back);
	if (r == 0 && memcmp(back, clear, len) != 0)
		r = SEC_ERR_NO;
	return r;
}

static void
places(void)
{
	struct secret *fk = crypto_random_key(FILE_KEY, 0),
		      *other = crypto_random_key(FILE_KEY, 0);
	struct chunk c = { fk, FILE_A, 7, 0 };
	struct buf b = BUF_INIT, again = BUF_INIT;

	crypto_random(clear, sizeof clear);
	chunk_seal(&b, &c, clear, sizeof clear);
	T_INT(buf_len(&b), CHUNK_SEALED);
	T_INT(opens(&b, fk, FILE_A, 7, 0), 0);
	T_INT(opens(&b, fk, FILE_A, 7, 1), SEC_ERR_AUTH);
	T_INT(opens(&b, fk, FILE_A, 6, 0), SEC_ERR_AUTH);
	T_INT(opens(&b, fk, FILE_A, 7 + ((uint64_t)1 << 32), 0), SEC_ERR_AUTH);
	T_INT(opens(&b, fk, FILE_B, 7, 0), SEC_ERR_AUTH);
	T_INT(opens(&b, other, FILE_A, 7, 0), SEC_ERR_AUTH);
	/* A salt of its own each time, so never one nonce twice. */
	chunk_seal(&again, &c, clear, sizeof clear);
	T(memcmp(buf_data(&again), buf_data(&b), 32) != 0);
	T(memcmp(buf_data(&again) + 32, buf_data(&b) + 32, 64) != 0);
	buf_truncate(&b, CHUNK_EXTRA - 1);
	T_INT(chunk_open(&c, buf_data(&b), buf_len(&b), back), SEC_ERR_FORMAT);
	buf_put(&again, "x", 1);
	T_INT(chunk_open(&c, buf_data(&again), buf_len(&again), back),
	    SEC_ERR_FORMAT);
	buf_free(&b);
	buf_free(&again);
	secret_free(fk);
	secret_free(other);
}

static void
empty(void)
{
	struct secret *fk = crypto_random_key(FILE_KEY, 0);
	struct chunk c = { fk, FILE_A, 0, 1 };
	struct buf b = BUF_INIT;

	chunk_seal(&b, &c, NULL, 0);
	T_INT(buf_len(&b), CHUNK_EXTRA);
	T_INT(opens(&b, fk, FILE_A, 0, 1), 0);
	T_INT(opens(&b, fk, FILE_A, 0, 0), SEC_ERR_AUTH);
	buf_free(&b);
	secret_free(fk);
}

static void
sizes(void)
{
	static const struct {
		uint64_t size, chunks;
		size_t last;
	} t[] = {
		{ 0, 1, 0 },
		{ 1, 1, 1 },
		{ 65535, 1, 65535 },
		{ 65536, 1, 65536 },
		{ 65537, 2, 1 },
		{ 131072, 2, 65536 },
		{ 100000000, 1526, 57600 },
		{ (uint64_t)1 << 40, 16777216, 65536 },
	};
	size_t i;

	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		T_INT(chunk_count(t[i].size), t[i].chunks);
		T_INT(chunk_size(t[i].size, t[i].chunks - 1), t[i].last);
		T_INT(chunk_stored(t[i].size), t[i].size + 48 * t[i].chunks);
	}
	T_INT(chunk_size(131073, 0), 65536);
}

static void
ids(void)
{
	char a[FILE_ID], b[FILE_ID];

	file_id_new(a);
	file_id_new(b);
	T(file_id_is(a) && file_id_is(b) && strcmp(a, b) != 0);
	T(!file_id_is("") && !file_id_is("../../etc/passwd"));
	T(!file_id_is("00112233445566778899aabbccddeefF"));
	T(!file_id_is(FILE_A "0"));
}

/* In pieces it is the hash of the whole. */
static void
pieces(void)
{
	struct sha256_run *h = sha256_begin();
	uint8_t a[SHA256_SIZE], b[SHA256_SIZE];

	sha256_put(h, clear, 0);
	sha256_put(h, clear, 1);
	sha256_put(h, clear + 1, 1000);
	sha256_put(h, clear + 1001, sizeof clear - 1001);
	sha256_end(h, a);
	sha256_free(h);
	sha256(clear, sizeof clear, b);
	T(memcmp(a, b, sizeof a) == 0);
	sha256_free(NULL);
}

int
main(void)
{
	crypto_init();
	places();
	empty();
	sizes();
	ids();
	pieces();
	T_INT(secret_count(), 0);
	return t_done();
}
