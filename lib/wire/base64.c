/*
 * Base64 (RFC 4648 4): 3 bytes are 4 letters, padded with `=`. Decoding
 * takes the one canonical spelling only: full quanta, no white space, the
 * bits that padding leaves over zero.
 */
#include <string.h>

#include "base/err.h"
#include "wire/base64.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

void
base64_put(struct buf *out, const void *p, size_t n)
{
	const uint8_t *in = p;
	uint8_t *o;
	uint32_t v;
	size_t i, left;

	if (n == 0)
		return;
	if ((o = buf_reserve(out, (n + 2) / 3 * 4)) == NULL)
		return;
	for (i = 0; i < n; i += 3) {
		left = n - i;
		v = (uint32_t)in[i] << 16;
		if (left > 1)
			v |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			v |= in[i + 2];
		*o++ = (uint8_t)letters[v >> 18];
		*o++ = (uint8_t)letters[v >> 12 & 63];
		*o++ = left > 1 ? (uint8_t)letters[v >> 6 & 63] : '=';
		*o++ = left > 2 ? (uint8_t)letters[v & 63] : '=';
	}
	buf_commit(out, (n + 2) / 3 * 4);
}

/* Decoded size of n letters, or -1. */
static long
decoded_size(const char *s, size_t n)
{
	size_t pad;

	if (n % 4 != 0 || n > (size_t)1 << 28)
		return -1;
	if (n == 0)
		return 0;
	pad = s[n - 1] != '=' ? 0 : s[n - 2] != '=' ? 1 : 2;
	return (long)(n / 4 * 3 - pad);
}

/* out has room for size bytes, as decoded_size() said. */
static int
decode(uint8_t *out, size_t size, const char *s, size_t n)
{
	uint32_t v;
	size_t i, k, done, want;
	int d;

	for (i = 0, done = 0; i < n; i += 4) {
		want = size - done < 3 ? size - done : 3;
		for (k = 0, v = 0; k < 4; k++) {
			d = k <= want ? value_of(s[i + k]) : 0;
			if (d < 0)
				return SEC_ERR_FORMAT;
			v = v << 6 | (uint32_t)d;
		}
		if ((want < 3 && (v & 0xff) != 0) ||
		    (want < 2 && (v & 0xff00) != 0))
			return SEC_ERR_FORMAT;
		for (k = 0; k < want; k++)
			out[done++] = (uint8_t)(v >> (16 - 8 * k));
	}
	return 0;
}

int
base64_decode(struct buf *out, const char *s, size_t n)
{
	uint8_t *o;
	long size;
	int r;

	if ((size = decoded_size(s, n)) < 0)
		return SEC_ERR_FORMAT;
	if (size == 0)
		return 0;
	if ((o = buf_reserve(out, (size_t)size)) == NULL)
		return SEC_ERR_FORMAT;
	if ((r = decode(o, (size_t)size, s, n)) != 0)
		return r;
	buf_commit(out, (size_t)size);
	return 0;
}

int
base64_exact(void *p, size_t n, const char *s)
{
	uint8_t *o = p;
	size_t len = strlen(s);
	long size;

	size = decoded_size(s, len);
	if (size < 0 || (size_t)size != n)
		return SEC_ERR_FORMAT;
	if (decode(o, n, s, len) != 0) {
		explicit_bzero(o, n);
		return SEC_ERR_FORMAT;
	}
	return 0;
}
