#ifndef CRYPTO_REGKEY_H
#define CRYPTO_REGKEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"

/*
 * The two records of a registration (SECURITY.md 3.4). prf: 64 bytes of
 * prfplus over the initiator's (c2s) or acceptor's (s2c) subkey, from
 * lib/krb. Whole bodies are built and opened here: SR01... and SR02...
 */
int	regkey_request_seal(struct buf *body, const struct secret *prf,
	    const void *apreq, size_t apreqlen, const uint8_t ec[32],
	    const void *rows, size_t n, int64_t now);
int	regkey_request_open(const void *body, size_t bodylen,
	    const struct secret *prf, const void *apreq, size_t apreqlen,
	    struct buf *rows, uint8_t ec[32], int64_t *time);

struct regkey_th {                     /* what th hashes */
	const void	*apreq, *aprep;
	size_t		 apreqlen, apreplen;
	const uint8_t	*ec, *ep;      /* 32 each */
};
int	regkey_answer_seal(struct buf *body, const struct secret *prf,
	    const struct regkey_th *th, const struct secret *ep_secret,
	    const void *pt, size_t n, int64_t now);
int	regkey_answer_open(const void *body, size_t bodylen,
	    const struct secret *prf, const struct regkey_th *th,
	    const struct secret *ec_secret, struct buf *pt, int64_t *time);

#endif
