#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* UTF-8 and people's words. */

/* 1 if the n bytes are well-formed UTF-8 (RFC 3629). */
int	text_is_utf8(const void *p, size_t n);
/*
 * The first character of the n > 0 bytes at p: its length, or -(length of
 * the malformed sequence, 1..3), *c then U+FFFD.
 */
int	text_decode(const void *p, size_t n, uint32_t *c);
/* 1 for C0, DEL, C1, bidi marks and overrides, line and paragraph
 * separators: what a terminal must not be shown as it is. */
int	text_is_unsafe(uint32_t c);
/* Copy, replacing malformed sequences by U+FFFD. */
void	text_put_utf8(struct buf *out, const void *p, size_t n);
/*
 * Strangers' text for a terminal or table: C0, DEL, C1, ESC and bidi
 * overrides become visible escapes (\x1b, \u{202e}); with keep_nl a
 * newline stays (COMMANDS.md 2.2). In a non-UTF-8 locale every non-ASCII
 * character becomes \u{...} when ascii is set.
 */
void	text_put_visible(struct buf *out, const void *p, size_t n,
	    int keep_nl, int ascii);
/* Columns on a terminal, by wcwidth. */
size_t	text_width(const char *s);
/* Largest prefix of at most max bytes that does not cut a character. */
size_t	text_cut(const char *s, size_t n, size_t max);

/* 2n lower-case hex digits and a NUL; is s that many? */
void	text_hex(char *out, const void *p, size_t n);
int	text_is_hex(const char *s, size_t digits);

/* strlcpy semantics; returns strlen(src). */
size_t	text_copy(char *dst, const char *src, size_t size);
/* Case-insensitive equality for ASCII. */
int	text_equal_nocase(const char *a, const char *b);
/* Parse an unsigned decimal with bounds: 0 or SEC_ERR_FORMAT. */
int	text_number(const char *s, unsigned long long min,
	    unsigned long long max, unsigned long long *out);
/* "640 kB", "2.9 MB", into out (16 bytes); returns it. */
char	*text_bytes(char out[16], uint64_t bytes);
/* "s" but for one: "%zu member%s". */
static inline const char *
text_plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* Is the word, of n bytes, one of a list with commas? */
int	text_list_has(const char *list, const char *word, size_t n);
/* Is s one of the n words? */
int	text_is_one_of(const char *s, const char *const *word, size_t n);

/* Names of conferences and servers: [a-z0-9][a-z0-9._-]{0,63}. */
int	text_is_name(const char *s);
/* A status, of one's own or not: [a-z][a-z0-9_-]{0,30}. */
int	text_is_word(const char *s);

#endif
