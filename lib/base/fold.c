/*
 * What people take for the same word, by libunistring.
 */
#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <uninorm.h>

#include "base/err.h"
#include "base/fold.h"
#include "base/text.h"

#define HYPHEN	   "\xe2\x80\x90" /* U+2010 */
#define HYPHEN_LEN 3

static int
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return 0;
	return 1;
}

/* How many bytes at s do not count for a telephone. */
static size_t
phone_skip(const char *s, size_t n)
{
	if (*s == ' ' || *s == '-')
		return 1;
	return n >= HYPHEN_LEN && memcmp(s, HYPHEN, HYPHEN_LEN) == 0 ?
	    HYPHEN_LEN :
	    0;
}

static void
put_phone(struct buf *out, const char *s, size_t n)
{
	size_t i, skip;

	for (i = 0; i<n; i += skip> 0 ? skip : 1)
		if ((skip = phone_skip(s + i, n - i)) == 0)
			buf_put_u8(out, (uint8_t)s[i]);
}

static void
put_words(struct buf *out, const char *s, size_t n)
{
	size_t i, start = buf_len(out);

	for (i = 0; i < n; i++)
		if (s[i] != ' ')
			buf_put_u8(out, (uint8_t)s[i]);
		else if (buf_len(out) > start && i + 1 < n && s[i + 1] != ' ')
			buf_put_u8(out, ' ');
}

static void
put_kind(struct buf *out, const char *s, size_t n, enum fold_kind kind)
{
	if (kind == FOLD_PHONE)
		put_phone(out, s, n);
	else
		put_words(out, s, n);
}

/* The same as below for most words, without any memory. */
static int
fold_ascii(struct buf *out, const char *s, enum fold_kind kind)
{
	size_t at = buf_len(out), i;
	uint8_t *p;

	put_kind(out, s, strlen(s), kind);
	if (buf_error(out) != 0)
		return SEC_ERR_SYS;
	p = buf_data(out);
	for (i = at; i < buf_len(out); i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (uint8_t)(p[i] | 0x20);
	return 0;
}

int
fold_put(struct buf *out, const char *s, enum fold_kind kind)
{
	size_t n;
	uint8_t *folded;

	if (is_ascii(s))
		return fold_ascii(out, s, kind);
	if (!text_is_utf8(s, strlen(s)))
		return SEC_ERR_FORMAT;
	/* "": no language, so that i and I are one letter. */
	folded = u8_casefold((const uint8_t *)s, strlen(s), "", UNINORM_NFKC,
	    NULL, &n);
	if (folded == NULL)
		return SEC_ERR_SYS;
	put_kind(out, (const char *)folded, n, kind);
	free(folded);
	return buf_error(out) != 0 ? SEC_ERR_SYS : 0;
}

/* 0 equal, 1 a begins like b, -1 neither. */
static int
compare(const char *a, const char *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	int r = -1;

	if (fold_put(&x, a, FOLD_WORDS) == 0 &&
	    fold_put(&y, b, FOLD_WORDS) == 0 &&
	    strncmp(buf_cstr(&x), buf_cstr(&y), buf_len(&y)) == 0)
		r = buf_len(&x) != buf_len(&y);
	buf_free(&x);
	buf_free(&y);
	return r;
}

int
fold_equal(const char *a, const char *b)
{
	return compare(a, b) == 0;
}

int
fold_begins(const char *s, const char *prefix)
{
	return compare(s, prefix) >= 0;
}
