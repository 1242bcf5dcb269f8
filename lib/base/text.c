/* UTF-8, strangers' text made visible, and small parsers of words. */

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

#include "base/err.h"

#include "base/text.h"

/*
 * RFC 3629 4. The table gives, by first byte, the length and the bounds of
 * the second byte, which is where overlong forms, surrogates and what is
 * above U+10FFFF are refused.
 */
static const struct {
	uint8_t first, last;
	uint8_t len;
	uint8_t lo, hi;
} forms[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};

#define NFORMS (sizeof(forms) / sizeof(*forms))

int
text_decode(const void *p, size_t n, uint32_t *c)
{
	const uint8_t *s = p;
	uint32_t v;
	size_t i, k;

	if (s[0] < 0x80) {
		*c = s[0];
		return 1;
	}
	*c = 0xfffd;
	for (i = 0; i < NFORMS; i++)
		if (s[0] >= forms[i].first && s[0] <= forms[i].last)
			break;
	if (i == NFORMS || n < 2 || s[1] < forms[i].lo || s[1] > forms[i].hi)
		return -1;
	v = s[0] & (0x7fu >> forms[i].len);
	v = v << 6 | (s[1] & 0x3f);
	for (k = 2; k < forms[i].len; k++) {
		if (k == n || (s[k] & 0xc0) != 0x80)
			return -(int)k;
		v = v << 6 | (s[k] & 0x3f);
	}
	*c = v;
	return (int)k;
}

int
text_is_unsafe(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x1f },
		{ 0x7f, 0x9f },
		{ 0x61c, 0x61c },
		{ 0x200e, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2066, 0x2069 },
	};
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return 1;
	return 0;
}

int
text_is_utf8(const void *p, size_t n)
{
	const uint8_t *s = p;
	uint32_t c;
	int k;

	for (; n > 0; s += k, n -= (size_t)k)
		if ((k = text_decode(s, n, &c)) < 0)
			return 0;
	return 1;
}

void
text_put_utf8(struct buf *out, const void *p, size_t n)
{
	const uint8_t *s = p;
	uint32_t c;
	int k;

	for (; n > 0; s += k, n -= (size_t)k)
		if ((k = text_decode(s, n, &c)) < 0) {
			buf_put(out, "\xef\xbf\xbd", 3);
			k = -k;
		} else
			buf_put(out, s, (size_t)k);
}

void
text_put_visible(struct buf *out, const void *p, size_t n, int keep_nl,
    int ascii)
{
	const uint8_t *s = p;
	uint32_t c;
	int i, k;

	for (; n > 0; s += k, n -= (size_t)k) {
		k = text_decode(s, n, &c);
		if (k < 0) {
			k = -k;
			for (i = 0; i < k; i++)
				buf_putf(out, "\\x%02x", s[i]);
		} else if (c == '\n' && keep_nl)
			buf_put_u8(out, '\n');
		else if (c < 0x80 && text_is_unsafe(c))
			buf_putf(out, "\\x%02x", (unsigned int)c);
		else if (c >= 0x80 && (ascii || text_is_unsafe(c)))
			buf_putf(out, "\\u{%x}", (unsigned int)c);
		else
			buf_put(out, s, (size_t)k);
	}
}

size_t
text_width(const char *s)
{
	size_t n = strlen(s), sum = 0;
	uint32_t c;
	int k, w;

	for (; n > 0; s += k, n -= (size_t)k) {
		k = text_decode(s, n, &c);
		if (k < 0)
			k = -k;
		/* -1: unknown to the locale; most likely it takes one. */
		w = c < 0x7f ? c >= ' ' : wcwidth((wchar_t)c);
		sum += w < 0 ? 1 : (size_t)w;
	}
	return sum;
}

size_t
text_cut(const char *s, size_t n, size_t max)
{
	size_t cut = max;

	if (n <= max)
		return n;
	/* No character has more than three continuation bytes: in malformed
	 * text cut anywhere. */
	while (
	    cut > 0 && max - cut < 4 && ((unsigned char)s[cut] & 0xc0) == 0x80)
		cut--;
	return max - cut < 4 ? cut : max;
}

char *
text_bytes(char out[16], uint64_t bytes)
{
	static const char units[] = "kMGTPE";
	uint64_t unit = 1000, tenths;
	int i = 0;

	if (bytes < 1000) {
		snprintf(out, 16, "%u B", (unsigned)bytes);
		return out;
	}
	while (units[i + 1] != '\0' && bytes / unit >= 1000) {
		unit *= 1000;
		i++;
	}
	tenths = bytes / (unit / 10);
	if (tenths < 100)
		snprintf(out, 16, "%u.%u %cB", (unsigned)(tenths / 10),
		    (unsigned)(tenths % 10), units[i]);
	else
		snprintf(out, 16, "%u %cB", (unsigned)(tenths / 10), units[i]);
	return out;
}

void
text_hex(char *out, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = p;
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digits[b[i] >> 4];
		out[2 * i + 1] = digits[b[i] & 15];
	}
	out[2 * n] = '\0';
}

int
text_is_hex(const char *s, size_t digits)
{
	return strlen(s) == digits && strspn(s, "0123456789abcdef") == digits;
}

size_t
text_copy(char *dst, const char *src, size_t size)
{
	size_t n = strlen(src), k;

	if (size > 0) {
		k = n < size ? n : size - 1;
		memcpy(dst, src, k);
		dst[k] = '\0';
	}
	return n;
}

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int
text_equal_nocase(const char *a, const char *b)
{
	for (; lower(*a) == lower(*b); a++, b++)
		if (*a == '\0')
			return 1;
	return 0;
}

int
text_number(const char *s, unsigned long long min, unsigned long long max,
    unsigned long long *out)
{
	unsigned long long v = 0;
	unsigned int d;

	if (*s == '\0')
		return SEC_ERR_FORMAT;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return SEC_ERR_FORMAT;
		d = (unsigned int)(*s - '0');
		if (d > max || v > (max - d) / 10)
			return SEC_ERR_FORMAT;
		v = v * 10 + d;
	}
	if (v < min)
		return SEC_ERR_FORMAT;
	*out = v;
	return 0;
}

int
text_list_has(const char *list, const char *word, size_t n)
{
	size_t len;

	for (; *list != '\0'; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		if (len == n && memcmp(list, word, n) == 0)
			return 1;
	}
	return 0;
}

int
text_is_one_of(const char *s, const char *const *word, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(s, word[i]) == 0)
			return 1;
	return 0;
}

static int
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

int
text_is_name(const char *s)
{
	size_t i;

	if (!is_alnum(*s))
		return 0;
	for (i = 1; s[i] != '\0'; i++)
		if (i == 64 ||
		    (!is_alnum(s[i]) && s[i] != '.' && s[i] != '_' &&
			s[i] != '-'))
			return 0;
	return 1;
}

int
text_is_word(const char *s)
{
	size_t i;

	if (*s < 'a' || *s > 'z')
		return 0;
	for (i = 1; s[i] != '\0'; i++)
		if (i == 31 || (!is_alnum(s[i]) && s[i] != '-' && s[i] != '_'))
			return 0;
	return 1;
}
