#ifndef WIRE_BASE64_H
#define WIRE_BASE64_H

#include <stddef.h>

#include "base/buf.h"

/* RFC 4648 4, with padding; decoding is strict (canonical). */
void	base64_put(struct buf *out, const void *p, size_t n);
/* Appends to out; 0 or SEC_ERR_FORMAT (out unchanged then). */
int	base64_decode(struct buf *out, const char *s, size_t n);
/* Exactly n bytes into p; 0 or SEC_ERR_FORMAT. */
int	base64_exact(void *p, size_t n, const char *s);

#endif
