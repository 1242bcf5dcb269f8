#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growable byte buffer with a sticky error: chains of buf_put_* end with
 * one look at buf_error(). Zero-initialised is a valid empty buffer
 * (BUF_INIT). Data from pos to len is what has not been consumed yet.
 */
struct buf {
	uint8_t	*base;
	size_t	 len;          /* end of data */
	size_t	 pos;          /* start of data not consumed yet */
	size_t	 cap;
	int	 err;          /* 0 or SEC_ERR_* */
};
#define BUF_INIT { NULL, 0, 0, 0, 0 }

void	buf_init(struct buf *b);
/* Free the memory (wiped first) and make b an empty buffer again. */
void	buf_free(struct buf *b);
/* Forget the content, keep the memory; clears the error. */
void	buf_reset(struct buf *b);
/* The same, and nothing is left of what was ever in it. */
void	buf_wipe(struct buf *b);

static inline uint8_t *
buf_data(const struct buf *b)
{
	return b->base != NULL ? b->base + b->pos : NULL;
}

static inline size_t
buf_len(const struct buf *b)
{
	return b->len - b->pos;
}

static inline int
buf_error(const struct buf *b)
{
	return b->err;
}

/* Room for n more bytes; returns where they go, or NULL (sticky error).
 * buf_commit() then says how many were written. */
uint8_t	*buf_reserve(struct buf *b, size_t n);
void	buf_commit(struct buf *b, size_t n);
/* Drop n bytes from the front. */
void	buf_consume(struct buf *b, size_t n);
/* Cut to n unconsumed bytes. */
void	buf_truncate(struct buf *b, size_t n);

void	buf_put(struct buf *b, const void *p, size_t n);
void	buf_put_u8(struct buf *b, uint8_t v);
void	buf_put_be16(struct buf *b, uint16_t v);
void	buf_put_be32(struct buf *b, uint32_t v);
void	buf_put_be64(struct buf *b, uint64_t v);
void	buf_put_str(struct buf *b, const char *s);
/* What %llu would write, at a tenth of its cost. */
void	buf_put_decimal(struct buf *b, uint64_t v);
void	buf_putf(struct buf *b, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	buf_vputf(struct buf *b, const char *fmt, va_list ap);

/* NUL-terminate (the NUL is not counted) and return the text from pos;
 * never NULL: "" when memory failed. */
const char *buf_cstr(struct buf *b);

/*
 * A reader over borrowed bytes, sticky error: chains of reader_* end with
 * reader_end(), which is 0 only if nothing failed and all was read.
 */
struct reader {
	const uint8_t	*p;
	size_t		 n;            /* bytes left */
	int		 err;
};

void	reader_init(struct reader *r, const void *p, size_t n);
uint8_t	reader_u8(struct reader *r);
uint16_t reader_be16(struct reader *r);
uint32_t reader_be32(struct reader *r);
uint64_t reader_be64(struct reader *r);
/* Copy n bytes out; zeros on error. */
void	reader_copy(struct reader *r, void *out, size_t n);
/* Borrow n bytes; NULL on error. */
const uint8_t *reader_take(struct reader *r, size_t n);
int	reader_end(const struct reader *r);

static inline void
put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

static inline void
put_be64(uint8_t *p, uint64_t v)
{
	put_be32(p, (uint32_t)(v >> 32));
	put_be32(p + 4, (uint32_t)v);
}

static inline uint16_t
get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static inline uint64_t
get_be64(const uint8_t *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

/* The compiler makes one load of it. */
static inline uint64_t
get_le64(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	    (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
	    (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

#endif
