/* Growable byte buffers and readers with sticky errors. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "base/buf.h"

#define BUF_MIN ((size_t)64)

void
buf_init(struct buf *b)
{
	*b = (struct buf)BUF_INIT;
}

void
buf_free(struct buf *b)
{
	buf_wipe(b);
	free(b->base);
	buf_init(b);
}

void
buf_reset(struct buf *b)
{
	b->len = b->pos = 0;
	b->err = 0;
}

void
buf_wipe(struct buf *b)
{
	if (b->base != NULL)
		explicit_bzero(b->base, b->cap);
	buf_reset(b);
}

/*
 * A new block rather than realloc(3), which would leave what was in the
 * old one behind: buffers hold plaintext.
 */
static int
grow(struct buf *b, size_t need)
{
	size_t cap = b->cap < BUF_MIN / 2 ? BUF_MIN : b->cap * 2;
	size_t n = buf_len(b);
	uint8_t *p;

	/* What is asked for at once is all that is wiped in the end. */
	if (cap < need)
		cap = need;
	if ((p = malloc(cap)) == NULL)
		return SEC_ERR_SYS;
	if (n > 0)
		memcpy(p, b->base + b->pos, n);
	if (b->base != NULL)
		explicit_bzero(b->base, b->cap);
	free(b->base);
	b->base = p;
	b->cap = cap;
	b->pos = 0;
	b->len = n;
	return 0;
}

uint8_t *
buf_reserve(struct buf *b, size_t n)
{
	size_t have = buf_len(b);

	if (b->err != 0)
		return NULL;
	if (b->base != NULL && b->cap - b->len >= n)
		return b->base + b->len;
	if (n > SIZE_MAX / 2 - have) {
		b->err = SEC_ERR_LIMIT;
		return NULL;
	}
	/* Move down only when at least as much was consumed as must be
	 * moved, or a slow reader makes this quadratic. */
	if (b->base != NULL && b->pos >= have && b->cap - have >= n) {
		memmove(b->base, b->base + b->pos, have);
		b->pos = 0;
		b->len = have;
	} else if ((b->err = grow(b, have + n)) != 0)
		return NULL;
	return b->base + b->len;
}

void
buf_commit(struct buf *b, size_t n)
{
	if (b->err != 0)
		return;
	if (n > b->cap - b->len) {
		b->err = SEC_ERR_LIMIT;
		return;
	}
	b->len += n;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= buf_len(b))
		b->pos = b->len = 0;
	else
		b->pos += n;
}

void
buf_truncate(struct buf *b, size_t n)
{
	if (n < buf_len(b))
		b->len = b->pos + n;
}

void
buf_put(struct buf *b, const void *p, size_t n)
{
	uint8_t *d;

	if (n == 0 || (d = buf_reserve(b, n)) == NULL)
		return;
	memcpy(d, p, n);
	b->len += n;
}

void
buf_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void
buf_put_be16(struct buf *b, uint16_t v)
{
	uint8_t t[2];

	put_be16(t, v);
	buf_put(b, t, sizeof(t));
}

void
buf_put_be32(struct buf *b, uint32_t v)
{
	uint8_t t[4];

	put_be32(t, v);
	buf_put(b, t, sizeof(t));
}

void
buf_put_be64(struct buf *b, uint64_t v)
{
	uint8_t t[8];

	put_be64(t, v);
	buf_put(b, t, sizeof(t));
}

void
buf_put_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_put_decimal(struct buf *b, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	buf_put(b, p, (size_t)(digits + sizeof(digits) - p));
}

void
buf_putf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vputf(b, fmt, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 0))) void
buf_vputf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	uint8_t *d;
	int n;

	va_copy(again, ap);
	/* Most texts are short: try at once, measure only if it failed. */
	if ((d = buf_reserve(b, 128)) != NULL) {
		n = vsnprintf((char *)d, 128, fmt, ap);
		if (n >= 128 && (d = buf_reserve(b, (size_t)n + 1)) != NULL)
			n = vsnprintf((char *)d, (size_t)n + 1, fmt, again);
		if (n < 0)
			b->err = SEC_ERR_FORMAT;
		else if (d != NULL)
			b->len += (size_t)n;
	}
	va_end(again);
}

const char *
buf_cstr(struct buf *b)
{
	uint8_t *d = buf_reserve(b, 1);

	if (d == NULL)
		return "";
	*d = '\0';
	return (const char *)buf_data(b);
}

void
reader_init(struct reader *r, const void *p, size_t n)
{
	r->p = p;
	r->n = n;
	r->err = 0;
}

const uint8_t *
reader_take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->err != 0)
		return NULL;
	if (n > r->n) {
		r->err = SEC_ERR_FORMAT;
		return NULL;
	}
	/* Never NULL on success, also for no bytes of an empty reader. */
	if (p == NULL)
		return (const uint8_t *)"";
	r->p += n;
	r->n -= n;
	return p;
}

uint8_t
reader_u8(struct reader *r)
{
	const uint8_t *p = reader_take(r, 1);

	return p != NULL ? p[0] : 0;
}

uint16_t
reader_be16(struct reader *r)
{
	const uint8_t *p = reader_take(r, 2);

	return p != NULL ? get_be16(p) : 0;
}

uint32_t
reader_be32(struct reader *r)
{
	const uint8_t *p = reader_take(r, 4);

	return p != NULL ? get_be32(p) : 0;
}

uint64_t
reader_be64(struct reader *r)
{
	const uint8_t *p = reader_take(r, 8);

	return p != NULL ? get_be64(p) : 0;
}

void
reader_copy(struct reader *r, void *out, size_t n)
{
	const uint8_t *p = reader_take(r, n);

	if (n == 0)
		return;
	if (p != NULL)
		memcpy(out, p, n);
	else
		memset(out, 0, n);
}

int
reader_end(const struct reader *r)
{
	if (r->err != 0)
		return r->err;
	return r->n == 0 ? 0 : SEC_ERR_FORMAT;
}
