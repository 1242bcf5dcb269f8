#ifndef WIRE_LINE_H
#define WIRE_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Control lines (ARCHITECTURE.md 2, sec-control(7)):
 *   verb TAB key=value TAB key=value ... LF
 * TAB LF CR % in values are %XX; a field without `=` is positional
 * (`entry TAB URI TAB attr=v`). At most 64 KiB and LINE_FIELDS fields.
 */
#define LINE_MAX_BYTES 65536
#define LINE_FIELDS    128

struct line_field {
	const char	*key;          /* "" for a positional field */
	const char	*value;        /* unescaped, NUL-terminated */
};

struct line {
	const char		*verb;
	size_t			 n;
	struct line_field	 field[LINE_FIELDS];
	char			*mem;  /* owns what the pointers point into */
	size_t			 memlen;
};

/*
 * Parse one line (with or without its LF). 0, SEC_ERR_FORMAT or _LIMIT; on
 * success the caller calls line_free(), which wipes it. Keys are
 * [a-z][a-z0-9_.+-]*; a duplicate key is SEC_ERR_FORMAT.
 */
int	line_parse(struct line *l, const char *p, size_t n);
void	line_free(struct line *l);
/* The same of a body: one line, and behind its LF bytes of any kind, which
 * *bytes points to. */
int	line_parse_bytes(struct line *l, const void *p, size_t n,
	    const uint8_t **bytes, size_t *nbytes);
/* The next of the lines up to end, which *p passes; what is none is passed
 * over. 1, or 0 at the end. */
int	line_next(struct line *l, const char **p, const char *end);

/* Value of key, or NULL. Borrowed from l. */
const char *line_get(const struct line *l, const char *key);
/* The same, or def. */
const char *line_get_or(const struct line *l, const char *key,
	    const char *def);
/* i-th positional field, or NULL. */
const char *line_arg(const struct line *l, size_t i);
/* Unsigned decimal; 0, SEC_ERR_NOTHING (absent) or SEC_ERR_FORMAT. */
int	line_get_u64(const struct line *l, const char *key, uint64_t *out);
/* base64 of exactly n bytes into out; 0, _NOTHING or _FORMAT. */
int	line_get_exact(const struct line *l, const char *key, void *out,
	    size_t n);
/* base64 of any length appended to out. */
int	line_get_bytes(const struct line *l, const char *key,
	    struct buf *out);

/*
 * Writing: line_begin(), line_put_*..., line_end() (which adds the LF). A
 * value NULL leaves the field out.
 */
void	line_begin(struct buf *b, const char *verb);
void	line_put(struct buf *b, const char *key, const char *value);
void	line_putf(struct buf *b, const char *key, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
void	line_put_u64(struct buf *b, const char *key, uint64_t v);
/* The nth value (1, 2, ...) of what may have several: key, key.2, ... */
void	line_put_nth(struct buf *b, const char *key, unsigned nth,
	    const char *value);
void	line_put_bytes(struct buf *b, const char *key, const void *p,
	    size_t n);                     /* base64 */
void	line_put_arg(struct buf *b, const char *value);
/* A field copied as it is from a parsed line. */
void	line_put_field(struct buf *b, const struct line_field *f);
void	line_end(struct buf *b);
/* Escape only, without TAB or key; NUL cannot be in a value, so %00 is
 * refused when parsing. */
void	line_escape(struct buf *b, const char *s);
/* The other way, in place; 0 or SEC_ERR_FORMAT. */
int	line_unescape(char *s);

/*
 * Space-separated fields of the header SEC-Conference: the same escapes,
 * space too (%20). Parses into the same struct with verb "".
 */
int	line_parse_words(struct line *l, const char *p, size_t n);
void	line_put_word(struct buf *b, const char *key, const char *value);

#endif
