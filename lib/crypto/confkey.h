#ifndef CRYPTO_CONFKEY_H
#define CRYPTO_CONFKEY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"

/* Keys of a conference's epochs and the text sealed under them. */

/* K_{e+1} = KDF(K_e, "ratchet", id || e+1). */
struct secret *confkey_ratchet(const struct secret *ke, uint64_t conf,
	    uint32_t next_epoch);
/* T_e = KDF(K_e, "text epoch", id || epoch, 32). */
struct secret *confkey_text(const struct secret *ke, uint64_t conf,
	    uint32_t epoch);

/* Body of a MESSAGE: be32 q || record type 3. */
void	text_seal(struct buf *out, const struct secret *te, uint64_t conf,
	    uint32_t epoch, uint32_t q, uint64_t seq, const void *pt,
	    size_t n, int64_t now);
struct text_head {
	uint32_t	q, epoch;
	uint64_t	seq;
	int64_t		time;
};
/* What the clear part says; 0 or SEC_ERR_FORMAT. */
int	text_peek(struct text_head *h, const uint8_t *p, size_t n);
int	text_open(const struct secret *te, uint64_t conf, const uint8_t *p,
	    size_t n, struct buf *out);

#endif
