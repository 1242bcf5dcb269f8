/*
 * Plaintext of a key wrap, 108 bytes (SECURITY.md 3.5):
 *   0 4 "SCK1"           24  8 not_before
 *   4 8 conference id    32  8 not_after
 *  12 4 epoch            40 32 K_e
 *  16 4 q                72 32 hop key, all zero: keep the one you have
 *  20 2 media suite     104  4 hop key id
 *  22 2 text suite
 */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "wire/grant.h"

static const uint8_t zero[32];

struct secret *
grant_encode(const struct grant *g)
{
	struct secret *s = secret_new(GRANT_SIZE);
	uint8_t *p = secret_fill(s);

	memcpy(p, "SCK1", 4);
	put_be64(p + 4, g->conf);
	put_be32(p + 12, g->epoch);
	put_be32(p + 16, g->q);
	put_be16(p + 20, g->media_suite);
	put_be16(p + 22, g->text_suite);
	put_be64(p + 24, (uint64_t)g->not_before);
	put_be64(p + 32, (uint64_t)g->not_after);
	memcpy(p + 40, secret_data(g->key), 32);
	if (g->hop != NULL)
		memcpy(p + 72, secret_data(g->hop), 32);
	put_be32(p + 104, g->hopid);
	return s;
}

int
grant_decode(struct grant *g, const struct secret *s)
{
	const uint8_t *p = secret_data(s);

	if (secret_size(s) != GRANT_SIZE || memcmp(p, "SCK1", 4) != 0 ||
	    get_be64(p + 24) > INT64_MAX || get_be64(p + 32) > INT64_MAX ||
	    secret_memequal(p + 40, zero, 32))
		return SEC_ERR_FORMAT;
	g->conf = get_be64(p + 4);
	g->epoch = get_be32(p + 12);
	g->q = get_be32(p + 16);
	g->media_suite = get_be16(p + 20);
	g->text_suite = get_be16(p + 22);
	g->not_before = (int64_t)get_be64(p + 24);
	g->not_after = (int64_t)get_be64(p + 32);
	g->key = secret_slice(s, 40, 32);
	g->hop =
	    secret_memequal(p + 72, zero, 32) ? NULL : secret_slice(s, 72, 32);
	g->hopid = get_be32(p + 104);
	return 0;
}

void
grant_wipe(struct grant *g)
{
	secret_free(g->key);
	secret_free(g->hop);
	explicit_bzero(g, sizeof(*g));
}
